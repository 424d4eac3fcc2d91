/*
 * machine_pack.c - the boot pack of a run: the programs of what exists in it, file trees, the manifest, the run config.
 *
 * It is a memory file unless the user wants to keep it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/lua.h"
#include "lib/machine.h"
#include "lib/manifest.h"
#include "lib/runtree.h"
#include "lib/tree.h"
#include "../services/prime/config.h"
#include "../services/prime/manifest.h"

#define TREE_TIME_NS (1767225600ull * 1000000000ull) /* of directories that an overlay only implies */

static void add_file(struct pack *p, enum pack_kind kind, const char *name, const char *path)
{
	struct buffer b;

	if (access(path, R_OK))
		die("%s is missing: run `make all` first", path);
	b = read_file(path);
	pack_add(p, kind, name, b.data, b.length);
	free(b.data);
}

static void add_program(struct pack *p, const struct run *r, const char *name)
{
	char *path = xasprintf("%s/build/bin/%s.elf", r->root, name);

	if (!pack_has(p, PACK_PROGRAM, name))
		add_file(p, PACK_PROGRAM, name, path);
	free(path);
}

/* The manifest, and the programs of what it makes exist in this run. */
static void add_system(struct pack *p, const struct run *r, const struct buffer *config_text)
{
	struct buffer records = manifest_records(r->root, r->manifest);
	const char *text = (const char *)records.data, *why;
	struct manifest_entry e = { 0 };
	struct config config;

	if ((why = config_read((const char *)config_text->data, config_text->length, &config)))
		die("the run config: %s", why);
	pack_add(p, PACK_MANIFEST, MANIFEST_SECTION, text, records.length);
	add_program(p, r, "prime");
	add_program(p, r, "bank");
	while (manifest_next(text, records.length, &e)) {
		struct manifest_grant g = { 0 };

		if (!config_has(&config, e.when))
			continue;
		if (strcmp(e.program, "?") != 0)
			add_program(p, r, e.program);
		while (manifest_grant(&e, &g))
			if (g.source == FROM_IMAGE)
				add_program(p, r, xasprintf("%.*s", (int)g.name_length, g.name));
	}
	free(records.data);
}

/*
 * The server, and the interpreter if it is to be started; each program under its file's name without directory and suffix,
 * a file of commands with it.
 */
static void add_keykos(struct pack *p, const struct run *r)
{
	static const char *const parts[] = { "keykos", "keykos-cmd" };

	for (unsigned i = 0; i < (r->keykos ? 2 : 1); i++) {
		char *path = xasprintf("%s/build/keykos/%s.elf", r->root, parts[i]);

		add_file(p, PACK_PROGRAM, parts[i], path);
		free(path);
	}
	for (unsigned i = 0; i < r->program_count; i++) {
		const char *slash = strrchr(r->programs[i], '/'), *base = slash ? slash + 1 : r->programs[i];
		const char *dot = strrchr(base, '.');
		bool suffix = dot && dot > base && strcmp(dot, ".cmd") != 0;
		char *name = xasprintf("%.*s", suffix ? (int)(dot - base) : (int)strlen(base), base);

		add_file(p, PACK_KEYKOS, name, r->programs[i]);
		free(name);
	}
}

static void add_script(struct tree *t, const char *path)
{
	struct tree_attributes a = { .mode = 0100644, .mtime_ns = TREE_TIME_NS };
	struct buffer b = read_file(path);

	entry_set_data(tree_add(t, lua_script_path(path), &a), b.data, b.length);
}

/* The base tree; of a run with a manifest, only what that grants. */
static void add_base(struct pack *p, const struct run *r)
{
	char *path = xasprintf("%s/build/base.tree", r->root);
	struct buffer image;

	if (!r->runfile) {
		add_file(p, PACK_TREE, "base", path);
		free(path);
		return;
	}
	image = runtree_base(r->runfile, path, TREE_TIME_NS);
	pack_add(p, PACK_TREE, "base", image.data, image.length);
	free(image.data);
	free(path);
}

static void add_overlay(struct pack *p, const struct run *r)
{
	struct tree *overlay = tree_new(TREE_TIME_NS);
	struct buffer image;

	for (unsigned i = 0; i < r->tree_count; i++)
		tree_add_source(overlay, r->trees[i]);
	if (r->lua_script)
		add_script(overlay, r->lua_script);
	if (r->runfile)
		runtree_overlay(r->runfile, r->runfile_folder, overlay);
	if (tree_count(overlay) == 1)
		return;
	image = tree_image(overlay);
	pack_add(p, PACK_TREE, "overlay", image.data, image.length);
	free(image.data);
}

int machine_pack(const struct run *r)
{
	struct buffer config = machine_config(r);
	struct pack p;
	char *path;
	int fd;

	pack_init(&p);
	pack_add(&p, PACK_CONFIG, "run", config.data, config.length);
	if (r->keykos || r->lua_keykos)
		add_keykos(&p, r);
	add_system(&p, r, &config);
	free(config.data);
	if (r->native) {
		path = xasprintf("%s/build/native/%s.elf", r->root, r->native);
		add_file(&p, PACK_PROGRAM, r->native, path);
		free(path);
	}
	if (!r->keykos)
		add_base(&p, r);
	add_overlay(&p, r);
	fd = r->pack_file ? open(r->pack_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) :
		memfd_create("keros-pack", 0);
	if (fd < 0)
		die("%s: %s", r->pack_file ? r->pack_file : "memory file", strerror(errno));
	pack_write(&p, fd, r->pack_file ? r->pack_file : "memory file");
	free(p.body.data);
	return fd;
}
