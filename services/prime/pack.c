/*
 * pack.c - the boot pack: its sections, images of its programs, memory of its file trees, its two texts.
 */
#include <stdio.h>
#include <string.h>
#include <keros/image.h>
#include <keros/node.h>
#include <keros/physmem.h>
#include <keros/process.h>
#include "prime.h"

#define WINDOW_HEADER  0x20000000ull           /* the pack's first page, and the first of a program */
#define WINDOW_PROGRAM 0x20001000ull
#define WINDOW_CONFIG  0x20010000ull
#define WINDOW_MANIFEST 0x20020000ull
#define CONFIG_LIMIT   65536ull

#define TREE_LSS    6u                         /* every file tree is four levels of nodes: 256 MiB */
#define TREE_LIMIT  (1ull << 28)

static const struct pack_header *const pack = (const struct pack_header *)WINDOW_HEADER;
const char *const manifest = (const char *)WINDOW_MANIFEST;
size_t manifest_length;
struct config config;
bool pack_is_loaded;
uint64_t tree_length[2];
static bool tree_is_mapped[2];
static char images[MANIFEST_ENTRIES][sizeof((struct pack_section *)0)->name]; /* whose image is at ST_IMAGES */
static unsigned image_count;

static void window_map(uint64_t va, uint64_t pack_page)
{
	must((pack_is_loaded ? physmem_loaded_page : physmem_pack_page)(PR_PHYSMEM, pack_page, CR_TMP0), "reading",
	     "the boot pack");
	must(space_map(PR_SPACE, va, CR_TMP0, 0, &maker), "mapping", "the boot pack");
}

void pack_open(void)
{
	must(process_get_slot(CR_SELF, PSLOT_SPACE, PR_SPACE), "reading", "its own space");
	window_map(WINDOW_HEADER, 0);
	if (pack->magic != PACK_MAGIC || pack->version != 1 || pack->count > PACK_SECTIONS)
		fatal("the boot pack is not one (no initrd, or of another version)");
	for (uint32_t i = 0; i < pack->count; i++) {
		const struct pack_section *s = &pack->section[i];

		if (s->offset % PAGE_SIZE != 0 || s->offset > pack->length || s->length > pack->length - s->offset)
			fatal("section %u of the boot pack is outside of it", i);
	}
}

/* NULL if there is none; name may be NULL for any. */
static const struct pack_section *section_find(enum pack_kind kind, const char *name)
{
	for (uint32_t i = 0; i < pack->count; i++) {
		const struct pack_section *s = &pack->section[i];

		if (s->kind == kind && (name == NULL || strncmp(s->name, name, sizeof s->name) == 0))
			return s;
	}
	return NULL;
}

static uint32_t section_page(void *ctx, uint64_t index, cap_t to)
{
	const struct pack_section *s = ctx;

	return physmem_pack_page(PR_PHYSMEM, s->offset / PAGE_SIZE + index, to);
}

/* Tables of capabilities are nodes in consecutive slots of the store, made when they are needed. */
void table_put(unsigned table, unsigned index, cap_t from, const char *what)
{
	unsigned slot = table + index / NODE_SLOTS;

	if (index % NODE_SLOTS == 0) {
		must(maker.make(maker.ctx, MAKE_NODE, CR_TMP1), "keeping", what);
		must(node_swap(PR_STORE, slot, CR_TMP1, CR_VOID), "keeping", what);
	}
	must(node_tree_swap(PR_STORE, slot << 4 | index % NODE_SLOTS, 2, from, CR_VOID), "keeping", what);
}

void table_get(unsigned table, unsigned index, cap_t to, const char *what)
{
	must(node_tree_fetch(PR_STORE, (table + index / NODE_SLOTS) << 4 | index % NODE_SLOTS, 2, to), "finding", what);
}

/* Makes the image of a program of the pack in PR_IMAGE, already sensory. */
void program_image(const char *name)
{
	const struct pack_section *s = section_find(PACK_PROGRAM, name);
	static struct image_file file;
	const char *why;

	if (s == NULL)
		fatal("there is no program '%s' in the boot pack", name);
	if (s->length == 0)
		fatal("the program '%s' is empty", name);
	window_map(WINDOW_PROGRAM, s->offset / PAGE_SIZE);
	why = image_parse((const void *)WINDOW_PROGRAM, s->length < PAGE_SIZE ? s->length : PAGE_SIZE, s->length, &file);
	if (why != NULL)
		fatal("the program '%s' cannot be started: %s", name, why);
	must(image_build(&file, section_page, (void *)s, &maker, PR_IMAGE), "making the image of", name);
	must(node_make_sense(PR_IMAGE, PR_IMAGE), "making the image of", name);
}

/* The image of a program, made when it is first asked for, in PR_IMAGE. */
void image_find(const char *name)
{
	unsigned i = 0;

	while (i < image_count && strcmp(images[i], name) != 0)
		i++;
	if (i < image_count) {
		table_get(ST_IMAGES, i, PR_IMAGE, name);
		return;
	}
	if (image_count == MANIFEST_ENTRIES)
		fatal("the system manifest names more than %d programs", MANIFEST_ENTRIES);
	program_image(name);
	table_put(ST_IMAGES, i, PR_IMAGE, name);
	snprintf(images[image_count++], sizeof images[0], "%s", name);
}

/* Makes the memory tree of a file tree's pages, sensory, into a slot of the store. */
static void tree_map(const char *name, unsigned store_slot, uint64_t *length)
{
	const struct pack_section *s = section_find(PACK_TREE, name);
	uint64_t pages, at = 0;

	*length = 0;
	if (s == NULL || s->length == 0)
		return;
	if (s->length > TREE_LIMIT)
		fatal("the file tree '%s' is larger than 256 MiB", name);
	*length = s->length;
	pages = (s->length + PAGE_SIZE - 1) / PAGE_SIZE;
	must(space_node_make(&maker, TREE_LSS, PR_WORK), "mapping the file tree", name);
	while (at < pages) {
		unsigned n = pages - at < NODE_SLOTS ? pages - at : NODE_SLOTS;

		must(space_node_make(&maker, 3, PR_A), "mapping the file tree", name);
		must(physmem_pack_fill(PR_PHYSMEM, s->offset / PAGE_SIZE + at, n, PR_A), "mapping the file tree", name);
		must(space_place(PR_WORK, at * PAGE_SIZE, PR_A, 3, &maker), "mapping the file tree", name);
		at += n;
	}
	must(node_make_sense(PR_WORK, CR_TMP0), "mapping the file tree", name);
	must(node_swap(PR_STORE, store_slot, CR_TMP0, CR_VOID), "mapping the file tree", name);
}

void tree_find(bool overlay, cap_t to)
{
	unsigned slot = overlay ? ST_OVERLAY : ST_BASE;

	if (!tree_is_mapped[overlay])
		tree_map(overlay ? "overlay" : "base", slot, &tree_length[overlay]);
	tree_is_mapped[overlay] = true;
	must(node_fetch(PR_STORE, slot, to), "finding", "a file tree");
}

/* Maps all of a section of text at an address. */
static void text_map(const struct pack_section *s, uint64_t window)
{
	for (uint64_t at = 0; at < s->length; at += PAGE_SIZE)
		window_map(window + at, (s->offset + at) / PAGE_SIZE);
}

void manifest_load(void)
{
	const struct pack_section *s = section_find(PACK_MANIFEST, MANIFEST_SECTION);
	const char *why;

	if (s == NULL || s->length > MANIFEST_LIMIT)
		fatal("there is no system manifest in the boot pack, or it is longer than 64 KiB");
	text_map(s, WINDOW_MANIFEST);
	if ((why = manifest_check(manifest, s->length)) != NULL)
		fatal("the system manifest: %s", why);
	manifest_length = s->length;
}

void config_load(void)
{
	const struct pack_section *s = section_find(PACK_CONFIG, NULL);
	const char *why;

	if (s == NULL)
		fatal("there is no run config in the boot pack");
	if (s->length > CONFIG_LIMIT)
		fatal("the run config is longer than 64 KiB");
	text_map(s, WINDOW_CONFIG);
	if ((why = config_read((const char *)WINDOW_CONFIG, s->length, &config)) != NULL)
		fatal("the run config: %s", why);
}
