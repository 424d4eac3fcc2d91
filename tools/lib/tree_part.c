/*
 * tree_part.c - parts of file trees: what a run manifest grants of an image, and single host files at other places.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <keros/treeimage.h>
#include "lib/tree.h"

static struct tree_image_entry entry_read(const struct buffer *image, uint32_t index)
{
	struct tree_image_entry r;
	bool holds_data;

	memcpy(&r, image->data + sizeof(struct tree_image_header) + index * sizeof r, sizeof r);
	holds_data = S_ISREG(r.mode) || S_ISLNK(r.mode);
	if ((index && r.parent >= index) || r.name + (uint64_t)r.name_length > image->length ||
	    (holds_data && !(r.flags & TREE_HARDLINK) && (r.data > image->length || r.size > image->length - r.data)))
		die("entry %u of a file tree image is outside of it: run `make all`", index);
	return r;
}

static char *path_of(const struct buffer *image, char **paths, uint32_t index, const struct tree_image_entry *e)
{
	if (!index)
		return xstrdup("");
	return xasprintf("%s/%.*s", paths[e->parent], (int)e->name_length, (const char *)image->data + e->name);
}

static void entry_copy(struct tree *t, const struct buffer *image, char **paths, const bool *wanted, uint32_t index)
{
	struct tree_image_entry e = entry_read(image, index);
	struct tree_attributes a = { .mode = e.mode, .uid = e.uid, .gid = e.gid, .mtime_ns = e.mtime_ns };
	struct tree_entry *made;

	if (e.flags & TREE_HARDLINK) {
		uint32_t first = (uint32_t)e.data;

		if (first >= index)
			die("entry %u of a file tree image is a link to itself: run `make all`", index);
		if (wanted[first] && tree_add_link(t, paths[index], paths[first]))
			return;
		e = entry_read(image, first);
	}
	made = tree_add(t, paths[index], &a);
	if (S_ISREG(e.mode)) {
		void *copy = xmalloc(e.size);

		memcpy(copy, image->data + e.data, e.size);
		entry_set_data(made, copy, e.size);
	} else if (S_ISLNK(e.mode)) {
		entry_set_target(made, strndup((const char *)image->data + e.data, e.size));
	} else if (S_ISCHR(e.mode) || S_ISBLK(e.mode)) {
		entry_set_device(made, e.data);
	}
}

size_t tree_add_part(struct tree *t, const struct buffer *image, bool (*wants)(void *ctx, const char *path), void *ctx)
{
	struct tree_image_header h = { 0 };
	uint32_t count;
	char **paths;
	bool *wanted;
	size_t taken = 0;

	memcpy(&h, image->data, image->length < sizeof h ? image->length : sizeof h);
	count = h.entries;
	if (memcmp(h.magic, TREE_MAGIC, sizeof h.magic) || image->length < sizeof h ||
	    count > (image->length - sizeof h) / sizeof(struct tree_image_entry))
		die("this is no file tree image: run `make all`");
	paths = xcalloc(count + 1, sizeof *paths);
	wanted = xcalloc(count + 1, sizeof *wanted);
	for (uint32_t i = 0; i < count; i++) {
		struct tree_image_entry e = entry_read(image, i);

		paths[i] = path_of(image, paths, i, &e);
		if (!wants(ctx, i ? paths[i] : "/"))
			continue;
		taken++;
		/* The folders above keep their own attributes, and nothing else of them comes along. */
		for (uint32_t up = i; !wanted[up]; up = entry_read(image, up).parent)
			wanted[up] = true;
	}
	for (uint32_t i = 0; i < count; i++)
		if (wanted[i])
			entry_copy(t, image, paths, wanted, i);
	for (uint32_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	free(wanted);
	return taken;
}
