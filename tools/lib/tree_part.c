/*
 * tree_part.c - parts of file trees: what a run manifest grants of an image, and single host files at other places.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib/tree.h"

#define HEADER 24u
#define ENTRY  64u
#define HARDLINK 1u

struct entry { uint32_t parent, name, mode, uid, gid, flags; uint16_t name_length; uint64_t mtime_ns, size, data; };

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return le32toh(v);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v);
	return le64toh(v);
}

static struct entry entry_read(const struct buffer *image, uint32_t index)
{
	const uint8_t *e = image->data + HEADER + (size_t)index * ENTRY;
	struct entry r = {
		.parent = get32(e), .name = get32(e + 4), .name_length = (uint16_t)get32(e + 8), .mode = get32(e + 12),
		.uid = get32(e + 16), .gid = get32(e + 20), .mtime_ns = get64(e + 24), .size = get64(e + 32),
		.data = get64(e + 40), .flags = get32(e + 48),
	};
	bool holds_data = S_ISREG(r.mode) || S_ISLNK(r.mode);

	if ((index && r.parent >= index) || r.name + (uint64_t)r.name_length > image->length ||
	    (holds_data && !(r.flags & HARDLINK) && (r.data > image->length || r.size > image->length - r.data)))
		die("entry %u of a file tree image is outside of it: run `make all`", index);
	return r;
}

static char *path_of(const struct buffer *image, char **paths, uint32_t index, const struct entry *e)
{
	if (!index)
		return xstrdup("");
	return xasprintf("%s/%.*s", paths[e->parent], (int)e->name_length, (const char *)image->data + e->name);
}

static void entry_copy(struct tree *t, const struct buffer *image, char **paths, const bool *wanted, uint32_t index)
{
	struct entry e = entry_read(image, index);
	struct tree_attributes a = { .mode = e.mode, .uid = e.uid, .gid = e.gid, .mtime_ns = e.mtime_ns };
	struct tree_entry *made;

	if (e.flags & HARDLINK) {
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
	uint32_t count = image->length >= HEADER ? get32(image->data + 8) : 0;
	char **paths = xcalloc(count + 1, sizeof *paths);
	bool *wanted = xcalloc(count + 1, sizeof *wanted);
	size_t taken = 0;

	if (image->length < HEADER || memcmp(image->data, "KETREE1", 8) || count > (image->length - HEADER) / ENTRY)
		die("this is no file tree image: run `make all`");
	for (uint32_t i = 0; i < count; i++) {
		struct entry e = entry_read(image, i);

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
