/*
 * tree.h - file trees on their way into an image (doc/tree-image.md).
 *
 * Interface
 *   1. A tree starts as a root directory; tree_add_... put entries at absolute or relative paths, all
 *      taken from the root.  Missing directories above are made (mode 0755).
 *   2. What is added at a path that is taken replaces it; a directory over a directory only its attributes.
 *   3. "." and empty components are ignored; ".." is refused: nothing in an archive leaves the tree.
 *   4. tree_image orders everything, so the same content gives the same bytes whatever the order of adding.
 */
#ifndef TOOLS_TREE_H
#define TOOLS_TREE_H
#include "lib/util.h"

struct tree;
struct tree_entry;

struct tree_attributes {
	uint32_t mode;                 /* type and permissions */
	uint32_t uid, gid;
	uint64_t mtime_ns;
};

/* An empty root; the folders above an added path are made. */
struct tree *tree_new(uint64_t mtime_ns);
struct tree_entry *tree_add(struct tree *t, const char *path, const struct tree_attributes *a);
void entry_set_data(struct tree_entry *e, void *data, size_t size);         /* takes the memory */
void entry_set_target(struct tree_entry *e, const char *target);            /* of a symbolic link */
void entry_set_device(struct tree_entry *e, uint64_t rdev);
struct tree_entry *tree_find(struct tree *t, const char *path);

/* Another name for what is at old; false if nothing is there or it is a directory. */
bool tree_add_link(struct tree *t, const char *path, const char *old);

/* Sources.  what appears in errors, which end the program. */
void tree_add_directory(struct tree *t, const char *directory);
void tree_add_tar(struct tree *t, const char *what, const uint8_t *data, size_t length);
/* A directory or a tar archive, which may be compressed with gzip, bzip2 or xz. */
void tree_add_source(struct tree *t, const char *path);

/* One host file or, with whole, folder and all below, at a path of the tree. */
void tree_add_host(struct tree *t, const char *host, const char *path, bool whole);
/* What ctx wants of an image, with the folders above it; how many entries were wanted. */
size_t tree_add_part(struct tree *t, const struct buffer *image, bool (*wants)(void *ctx, const char *path), void *ctx);

/* The image (doc/tree-image.md), and how many entries it has. */
struct buffer tree_image(struct tree *t);
size_t tree_count(const struct tree *t);

#endif
