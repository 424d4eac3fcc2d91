/*
 * tree.c - file trees: building them and writing the image.  See tree.h.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <keros/treeimage.h>
#include "lib/tree.h"

#define NAME_BYTES_MAX 255

struct tree_entry {
	char *name;
	struct tree_entry *parent;
	struct tree_attributes a;

	/* A regular file's bytes, a symbolic link's target; exactly one entry of linked names owns them. */
	uint8_t *data;
	size_t size;
	uint64_t rdev;
	struct tree_entry *same_as;    /* hard link: the entry it was made from, never a link itself */

	/* A directory's entries, unordered until the image is made. */
	struct tree_entry **children;
	size_t child_count, child_room;

	/* Image time. */
	uint32_t index, name_offset, target_offset;
	struct tree_entry *group;      /* the first of the linked names, in image order */
	uint64_t data_offset;
};

struct tree {
	struct tree_entry *root;
	uint64_t mtime_ns;             /* of directories that nobody described */
	size_t count;
};

static struct tree_entry *entry_new(struct tree *t, struct tree_entry *parent, const char *name, size_t length)
{
	struct tree_entry *e = xcalloc(1, sizeof *e);

	e->name = xmalloc(length + 1);
	memcpy(e->name, name, length);
	e->name[length] = 0;
	e->parent = parent ? parent : e;
	e->a.mode = S_IFDIR | 0755;
	e->a.mtime_ns = t->mtime_ns;
	if (parent) {
		if (parent->child_count == parent->child_room) {
			parent->child_room = parent->child_room ? parent->child_room * 2 : 8;
			parent->children = xrealloc(parent->children, parent->child_room * sizeof *parent->children);
		}
		parent->children[parent->child_count++] = e;
	}
	t->count++;
	return e;
}

struct tree *tree_new(uint64_t mtime_ns)
{
	struct tree *t = xcalloc(1, sizeof *t);

	t->mtime_ns = mtime_ns;
	t->root = entry_new(t, NULL, "", 0);
	return t;
}

size_t tree_count(const struct tree *t)
{
	return t->count;
}

/* The child of that name; looked for from the end, since archives come grouped. */
static struct tree_entry *child_find(struct tree_entry *e, const char *name, size_t length)
{
	for (size_t i = e->child_count; i-- > 0;) {
		struct tree_entry *c = e->children[i];

		if (strlen(c->name) == length && memcmp(c->name, name, length) == 0)
			return c;
	}
	return NULL;
}

/* Walks to a path; make: creates what is missing, and turns what is in the way into directories. */
static struct tree_entry *walk(struct tree *t, const char *path, bool make)
{
	struct tree_entry *e = t->root;

	while (*path) {
		size_t length = strcspn(path, "/");
		struct tree_entry *next;

		if (length == 2 && path[0] == '.' && path[1] == '.')
			die("'%s': a path with '..' cannot go into a file tree; make the archive from inside its top directory",
			    path);
		if (length > NAME_BYTES_MAX)
			die("a name of %zu bytes: '%.40s...' (at most %d)", length, path, NAME_BYTES_MAX);
		if (length && !(length == 1 && path[0] == '.')) {
			next = child_find(e, path, length);
			if (!next && !make)
				return NULL;
			if (!next) {
				if (!S_ISDIR(e->a.mode)) {
					e->a.mode = S_IFDIR | 0755;
					e->same_as = NULL;
				}
				next = entry_new(t, e, path, length);
			}
			e = next;
		}
		path += length;
		path += strspn(path, "/");
	}
	return e;
}

struct tree_entry *tree_find(struct tree *t, const char *path)
{
	return walk(t, path, false);
}

struct tree_entry *tree_add(struct tree *t, const char *path, const struct tree_attributes *a)
{
	struct tree_entry *e = walk(t, path, true);

	if (!S_ISDIR(a->mode)) {
		if (e == t->root)
			die("'%s': the top of a file tree must be a directory", path);
		e->child_count = 0;
	}
	e->a = *a;
	e->data = NULL;
	e->size = 0;
	e->rdev = 0;
	e->same_as = NULL;
	return e;
}

void entry_set_data(struct tree_entry *e, void *data, size_t size)
{
	e->data = data;
	e->size = size;
}

void entry_set_target(struct tree_entry *e, const char *target)
{
	e->data = (uint8_t *)xstrdup(target);
	e->size = strlen(target);
}

void entry_set_device(struct tree_entry *e, uint64_t rdev)
{
	e->rdev = rdev;
}

bool tree_add_link(struct tree *t, const char *path, const char *old)
{
	struct tree_entry *from = tree_find(t, old), *e;

	if (!from || S_ISDIR(from->a.mode))
		return false;
	if (from->same_as)
		from = from->same_as;
	if (tree_find(t, path) == from)
		return true;
	e = tree_add(t, path, &from->a);
	e->same_as = from;
	return true;
}

/* ---- Writing ------------------------------------------------------------------------------------------------ */

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct tree_entry *const *)a)->name, (*(struct tree_entry *const *)b)->name);
}

/* Level by level, so that parents come first and siblings stand together in order. */
static struct tree_entry **order_entries(struct tree *t, size_t *count)
{
	struct tree_entry **order = xmalloc(t->count * sizeof *order);
	size_t filled = 1;

	order[0] = t->root;
	for (size_t i = 0; i < filled; i++) {
		struct tree_entry *e = order[i];

		e->index = (uint32_t)i;
		if (!S_ISDIR(e->a.mode))
			continue;
		qsort(e->children, e->child_count, sizeof *e->children, compare_names);
		for (size_t c = 0; c < e->child_count; c++)
			order[filled++] = e->children[c];
	}
	*count = filled;
	return order;
}

/* Of linked names the first in order becomes the file, the others the links, whatever the source said. */
static void settle_links(struct tree_entry **order, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct tree_entry *e = order[i], *owner = e->same_as ? e->same_as : e;

		if (!owner->group)
			owner->group = e;
	}
	for (size_t i = 0; i < count; i++) {
		struct tree_entry *e = order[i], *owner = e->same_as ? e->same_as : e;

		e->group = owner->group;
		e->data = owner->data;
		e->size = owner->size;
		e->a = owner->a;
		e->rdev = owner->rdev;
	}
}

static void put_entry(uint8_t *at, const struct tree_entry *e)
{
	bool link = e->group != e;
	struct tree_image_entry to = {
		.parent = e->parent->index, .name = e->name_offset, .name_length = (uint16_t)strlen(e->name),
		.mode = e->a.mode, .uid = e->a.uid, .gid = e->a.gid, .mtime_ns = e->a.mtime_ns, .size = e->size,
		.data = link ? e->group->index : S_ISLNK(e->a.mode) ? e->target_offset :
			S_ISREG(e->a.mode) ? e->data_offset : e->rdev,
		.flags = link ? TREE_HARDLINK : 0,
	};

	memcpy(at, &to, sizeof to);
}

static void pad(struct buffer *b)
{
	static const uint8_t zeroes[TREE_ALIGN];

	if (b->length % TREE_ALIGN)
		buffer_add(b, zeroes, TREE_ALIGN - b->length % TREE_ALIGN);
}

struct buffer tree_image(struct tree *t)
{
	struct buffer image = { 0 }, strings = { 0 };
	struct tree_image_header header;
	size_t count, strings_offset;
	struct tree_entry **order = order_entries(t, &count);

	settle_links(order, count);
	strings_offset = sizeof header + count * sizeof(struct tree_image_entry);
	for (size_t i = 0; i < count; i++) {
		struct tree_entry *e = order[i];

		e->name_offset = (uint32_t)(strings_offset + strings.length);
		buffer_text(&strings, e->name);
		if (S_ISLNK(e->a.mode) && e->group == e) {
			e->target_offset = (uint32_t)(strings_offset + strings.length);
			buffer_add(&strings, e->data, e->size);
		}
	}
	if (strings_offset + strings.length > UINT32_MAX)
		die("too many files for one tree image");

	header = (struct tree_image_header){ TREE_MAGIC, (uint32_t)count, (uint32_t)strings_offset, 0 };
	image.length = image.room = strings_offset;
	image.data = xcalloc(1, strings_offset);
	buffer_add(&image, strings.data, strings.length);
	for (size_t i = 0; i < count; i++) {
		struct tree_entry *e = order[i];

		if (!S_ISREG(e->a.mode) || e->group != e || !e->size)
			continue;
		pad(&image);
		e->data_offset = image.length;
		buffer_add(&image, e->data, e->size);
	}
	pad(&image);

	header.length = image.length;
	memcpy(image.data, &header, sizeof header);
	for (size_t i = 0; i < count; i++)
		put_entry(image.data + sizeof header + i * sizeof(struct tree_image_entry), order[i]);
	free(order);
	free(strings.data);
	return image;
}
