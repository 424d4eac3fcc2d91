/*
 * image.h - a native program as a node, and processes made from it.
 *
 * A program image is a node:
 *     slot 0  the frozen memory tree of the file's pages: sensory, lss 5 (addresses 0..16 MiB)
 *     slot 1  number: low = entry address, high = IMAGE_MAGIC
 *     slot 2  number: low = first writable address (page-aligned), high = bytes of the file from there
 *     slot 3  number: low = end of the writable memory (page-aligned), high = pages of stack, and from bit 32 on
 *             the lss of an instance's root if it is not 9: 7, for a program that stays below 4 GiB
 * Whoever holds it through a sense capability can start the program and change nothing of it.
 *
 * The address space of an instance: root (lss 9) slot 0 -> lss 7, slot 0 -> lss 5: the program.
 * Whole subtrees without a writable page are shared with the image; writable pages are copied,
 * the rest up to slot 3's address is zero pages, and the stack ends at IMAGE_STACK_TOP.
 */
#ifndef KEROS_IMAGE_H
#define KEROS_IMAGE_H
#include <keros/inv.h>
#include <keros/space.h>

#define IMAGE_MAGIC       0x4b494d47ull        /* "KIMG" */
#define IMAGE_STACK_TOP   0xF00000ull
#define IMAGE_STACK_PAGES 16ull                /* one lss-3 node */
#define IMAGE_ROOT_SHIFT  32                   /* in the high word of slot 3 */
#define IMAGE_LOW         0x400000ull          /* a program's lowest address */
#define IMAGE_HIGH        0xE00000ull          /* and its end */

enum image_slot { IMAGE_TREE = 0, IMAGE_ENTRY = 1, IMAGE_DATA = 2, IMAGE_BSS = 3 };

/* The decoded form. */
struct image_layout {
	uint64_t entry;
	uint64_t data, data_bytes;             /* first writable address, file bytes from there */
	uint64_t end;                          /* of writable memory */
	unsigned root_lss;
};

struct image_segment { uint64_t address, offset, pages; };
#define IMAGE_SEGMENTS 8
struct image_file {
	struct image_layout layout;
	unsigned count;
	struct image_segment segment[IMAGE_SEGMENTS]; /* what of the file is seen where; page-aligned */
};

/*
 * Reads an ELF's first page (head, of head_length bytes) of a file of length bytes.  NULL if it
 * can be an image; else what is wrong with it, in words.
 */
const char *image_parse(const void *head, size_t head_length, uint64_t length, struct image_file *file);

/*
 * Makes the image node of a parsed file; page brings page number index of the file into a
 * register.  *to* gets the full node capability; hand out node_make_sense of it.
 * Overwrites CR_TMP0..3.
 */
uint32_t image_build(const struct image_file *file, uint32_t (*page)(void *ctx, uint64_t index, cap_t to), void *ctx,
		     const struct space_maker *maker, cap_t to);

/* Reads the numbers of an image.  RC_REQUEST: not an image node. */
uint32_t image_layout_get(cap_t image, struct image_layout *layout);

/* Frames that an instance takes from its bank, at most: to ask before beginning. */
uint64_t image_frames_needed(const struct image_layout *layout);

/*
 * Makes a process from an image: its space, registers, schedule and CR_SELF.  It does not run
 * yet: fill its capability registers, then image_run.  work is a register for the space's root.
 * Overwrites CR_TMP0..3.  On an error what was made is left to the owner of the bank.
 */
uint32_t image_instantiate(cap_t image, const struct space_maker *maker, cap_t schedule, cap_t process, cap_t work);

/* Starts it at its entry with four start words (NULL: all 0). */
uint32_t image_run(cap_t image, cap_t process, const uint64_t *words);

/* Both for whoever has read the image's numbers already. */
uint32_t image_instantiate_as(cap_t image, const struct image_layout *layout, const struct space_maker *maker,
			      cap_t schedule, cap_t process, cap_t work);
uint32_t image_run_as(const struct image_layout *layout, cap_t process, const uint64_t *words);
#endif
