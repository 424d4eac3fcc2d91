/*
 * treeimage.h - the file tree image (doc/tree-image.md): who writes it and who reads it, on the host and in the guest.
 *
 * All integers are little-endian, and every reader's machine is.  Nothing in an image is believed before it is checked.
 */
#ifndef KEROS_TREEIMAGE_H
#define KEROS_TREEIMAGE_H
#include <stdint.h>

#define TREE_MAGIC    "KETREE1"        /* with its NUL */
#define TREE_ALIGN    4096u            /* of a file's data */
#define TREE_HARDLINK 1u               /* flag: the entry is another name of the one that data numbers */

struct tree_image_header {
	char magic[8];
	uint32_t entries, strings;     /* strings: offset of the names, which follow the entries */
	uint64_t length;               /* of the whole image */
};
_Static_assert(sizeof(struct tree_image_header) == 24, "doc/tree-image.md");

struct tree_image_entry {
	uint32_t parent, name;
	uint16_t name_length, reserved;
	uint32_t mode, uid, gid;
	uint64_t mtime_ns, size, data;
	uint32_t flags, reserved2;
	uint64_t reserved3;
};
_Static_assert(sizeof(struct tree_image_entry) == 64, "doc/tree-image.md");
#endif
