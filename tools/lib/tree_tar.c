/*
 * tree_tar.c - a tar archive into a file tree: ustar, pax (POSIX.1-2001) and GNU's long names and numbers.
 *
 * An archive that breaks a rule ends the program with the byte at which it does; sparse files and
 * continued volumes are refused by name rather than read wrongly.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/tree.h"

#define BLOCK 512u

/* Where the fields of a header block are. */
enum {
	AT_NAME = 0, AT_MODE = 100, AT_UID = 108, AT_GID = 116, AT_SIZE = 124, AT_MTIME = 136, AT_CHECKSUM = 148,
	AT_TYPE = 156, AT_LINK = 157, AT_MAGIC = 257, AT_MAJOR = 329, AT_MINOR = 337, AT_PREFIX = 345,
};

/* What a pax header or a GNU long name says about entries to come; NULL or has_... = nothing. */
struct overrides {
	char *path, *link;
	bool has_size, has_mtime, has_uid, has_gid;
	uint64_t size, mtime_ns, uid, gid;
};

struct archive {
	const char *what;
	const uint8_t *data;
	size_t length, at;             /* at: the header being looked at */
	struct tree *tree;
	struct overrides next, global;
};

static void bad(const struct archive *a, const char *why)
{
	die("%s: at byte %zu: %s", a->what, a->at, why);
}

static uint64_t number(const struct archive *a, const uint8_t *field, size_t length)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] & 0x80) {
		if (field[0] & 0x40)
			return 0;              /* GNU's negative numbers: only times before 1970 */
		value = field[0] & 0x3F;
		for (i = 1; i < length; i++) {
			if (value >> 55)
				bad(a, "a number too large for 63 bits");
			value = value << 8 | field[i];
		}
		return value;
	}
	while (i < length && field[i] == ' ')
		i++;
	for (; i < length && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	if (i < length && field[i] != 0 && field[i] != ' ')
		bad(a, "a number field that is not octal");
	return value;
}

static bool checksum_matches(const uint8_t *block)
{
	unsigned long sum = 0;
	char field[9] = { 0 };

	for (unsigned i = 0; i < BLOCK; i++)
		sum += i >= AT_CHECKSUM && i < AT_CHECKSUM + 8 ? ' ' : block[i];
	memcpy(field, block + AT_CHECKSUM, 8);
	return sum == strtoul(field, NULL, 8);
}

static char *copy_text(const void *text, size_t length)
{
	size_t n = strnlen(text, length);
	char *copy = xmalloc(n + 1);

	memcpy(copy, text, n);
	copy[n] = 0;
	return copy;
}

static char *header_name(const uint8_t *block)
{
	char *name = copy_text(block + AT_NAME, 100), *whole;

	if (memcmp(block + AT_MAGIC, "ustar\0", 6) != 0 || !block[AT_PREFIX])
		return name;
	whole = xasprintf("%.155s/%s", (const char *)block + AT_PREFIX, name);
	free(name);
	return whole;
}

/* "1700000000.25" to nanoseconds; before 1970 is 1970. */
static uint64_t parse_time(const char *text)
{
	uint64_t seconds, ns = 0, scale = 100000000;
	char *end;

	if (*text == '-')
		return 0;
	seconds = strtoull(text, &end, 10);
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9' && scale; end++, scale /= 10)
			ns += (uint64_t)(*end - '0') * scale;
	return seconds * 1000000000u + ns;
}

static void override_set(struct archive *a, struct overrides *o, const char *key, const char *value)
{
	if (strcmp(key, "path") == 0) {
		free(o->path);
		o->path = xstrdup(value);
	} else if (strcmp(key, "linkpath") == 0) {
		free(o->link);
		o->link = xstrdup(value);
	} else if (strcmp(key, "size") == 0) {
		o->has_size = true;
		o->size = strtoull(value, NULL, 10);
	} else if (strcmp(key, "mtime") == 0) {
		o->has_mtime = true;
		o->mtime_ns = parse_time(value);
	} else if (strcmp(key, "uid") == 0) {
		o->has_uid = true;
		o->uid = strtoull(value, NULL, 10);
	} else if (strcmp(key, "gid") == 0) {
		o->has_gid = true;
		o->gid = strtoull(value, NULL, 10);
	} else if (strncmp(key, "GNU.sparse.", 11) == 0) {
		bad(a, "a sparse file, which is not supported; make the archive without --sparse");
	}
}

/* Records "LENGTH KEY=VALUE\n", where LENGTH counts the whole record. */
static void parse_pax(struct archive *a, struct overrides *o, const uint8_t *data, size_t length)
{
	while (length) {
		size_t digits = 0, size = 0;
		const uint8_t *equals;
		char *key, *value;

		while (digits < length && data[digits] >= '0' && data[digits] <= '9' && size < length)
			size = size * 10 + (size_t)(data[digits++] - '0');
		if (!digits || digits >= length || data[digits] != ' ' || size <= digits + 1 || size > length ||
		    data[size - 1] != '\n')
			bad(a, "a pax record of wrong length");
		equals = memchr(data + digits + 1, '=', size - digits - 2);
		if (!equals)
			bad(a, "a pax record without '='");
		key = copy_text(data + digits + 1, (size_t)(equals - data) - digits - 1);
		value = copy_text(equals + 1, (size_t)(data + size - 1 - (equals + 1)));
		override_set(a, o, key, value);
		free(key);
		free(value);
		data += size;
		length -= size;
	}
}

static void overrides_clear(struct overrides *o)
{
	free(o->path);
	free(o->link);
	*o = (struct overrides){ 0 };
}

static void add_entry(struct archive *a, const uint8_t *block, const uint8_t *content, uint64_t size)
{
	const struct overrides *n = &a->next, *g = &a->global;
	char *path = n->path ? xstrdup(n->path) : header_name(block);
	char *link = n->link ? xstrdup(n->link) : copy_text(block + AT_LINK, 100);
	uint8_t type = block[AT_TYPE];
	struct tree_attributes t = {
		.mode = (uint32_t)number(a, block + AT_MODE, 8) & 07777,
		.uid = (uint32_t)(n->has_uid ? n->uid : number(a, block + AT_UID, 8)),
		.gid = (uint32_t)(n->has_gid ? n->gid : number(a, block + AT_GID, 8)),
		.mtime_ns = n->has_mtime ? n->mtime_ns : g->has_mtime ? g->mtime_ns :
			number(a, block + AT_MTIME, 12) * 1000000000u,
	};
	size_t path_length = strlen(path);
	struct tree_entry *e;
	uint8_t *copy;

	/* Before ustar a directory was a file whose name ends in a slash. */
	if ((type == '0' || type == 0) && path_length && path[path_length - 1] == '/')
		type = '5';
	switch (type) {
	case 0: case '0': case '7':
		t.mode |= S_IFREG;
		e = tree_add(a->tree, path, &t);
		copy = xmalloc((size_t)size);
		memcpy(copy, content, (size_t)size);
		entry_set_data(e, copy, (size_t)size);
		break;
	case '1':
		if (!tree_add_link(a->tree, path, link))
			bad(a, "a hard link to a name that is not in the archive before it");
		break;
	case '2':
		t.mode |= S_IFLNK;
		entry_set_target(tree_add(a->tree, path, &t), link);
		break;
	case '3': case '4':
		t.mode |= type == '3' ? S_IFCHR : S_IFBLK;
		entry_set_device(tree_add(a->tree, path, &t), makedev((unsigned)number(a, block + AT_MAJOR, 8),
			(unsigned)number(a, block + AT_MINOR, 8)));
		break;
	case '5':
		t.mode |= S_IFDIR;
		tree_add(a->tree, path, &t);
		break;
	case '6':
		t.mode |= S_IFIFO;
		tree_add(a->tree, path, &t);
		break;
	case 'S':
		bad(a, "a sparse file, which is not supported; make the archive without --sparse");
		break;
	case 'M':
		bad(a, "the continuation of a file from another volume");
		break;
	default:
		break;                     /* volume labels and the like: nothing to add */
	}
	free(path);
	free(link);
}

void tree_add_tar(struct tree *tree, const char *what, const uint8_t *data, size_t length)
{
	struct archive a = { .what = what, .data = data, .length = length, .tree = tree };
	static const uint8_t zeroes[BLOCK];
	bool any = false;

	while (a.at + BLOCK <= length) {
		const uint8_t *block = data + a.at, *content = block + BLOCK;
		uint64_t size;

		if (memcmp(block, zeroes, BLOCK) == 0)
			break;
		if (!checksum_matches(block))
			bad(&a, any ? "a header with a wrong checksum" : "this is not a tar archive");
		any = true;
		size = number(&a, block + AT_SIZE, 12);
		if (a.next.has_size && block[AT_TYPE] != 'x' && block[AT_TYPE] != 'g')
			size = a.next.size;
		if (block[AT_TYPE] >= '1' && block[AT_TYPE] <= '6')
			size = 0;
		if (size > length - a.at - BLOCK)
			bad(&a, "the archive ends in the middle of a file");
		switch (block[AT_TYPE]) {
		case 'x':
			parse_pax(&a, &a.next, content, (size_t)size);
			break;
		case 'g':
			parse_pax(&a, &a.global, content, (size_t)size);
			break;
		case 'L':
			override_set(&a, &a.next, "path", copy_text(content, (size_t)size));
			break;
		case 'K':
			override_set(&a, &a.next, "linkpath", copy_text(content, (size_t)size));
			break;
		default:
			add_entry(&a, block, content, size);
			overrides_clear(&a.next);
		}
		a.at += BLOCK + (size_t)((size + BLOCK - 1) / BLOCK * BLOCK);
	}
	if (!any && length >= BLOCK && memcmp(data, zeroes, BLOCK) != 0)
		bad(&a, "this is not a tar archive");
	if (!any && length < BLOCK)
		bad(&a, "this is not a tar archive: it is shorter than one block");
	overrides_clear(&a.next);
	overrides_clear(&a.global);
}

/* ---- Compressed archives ------------------------------------------------------------------------------------ */

static const char *decompressor(const struct buffer *b)
{
	if (b->length > 2 && b->data[0] == 0x1f && b->data[1] == 0x8b)
		return "gzip";
	if (b->length > 3 && memcmp(b->data, "BZh", 3) == 0)
		return "bzip2";
	if (b->length > 6 && memcmp(b->data, "\375" "7zXZ", 6) == 0)
		return "xz";
	return NULL;
}

static struct buffer decompress(const char *program, const char *path)
{
	int in = open(path, O_RDONLY | O_CLOEXEC), out[2], status;
	struct buffer b;
	pid_t child;

	if (in < 0 || pipe2(out, O_CLOEXEC))
		die("%s: %s", path, strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child == 0) {
		dup2(in, 0);
		dup2(out[1], 1);
		execlp(program, program, "-dc", (char *)NULL);
		note("%s: %s (needed to read %s)", program, strerror(errno), path);
		_exit(127);
	}
	close(in);
	close(out[1]);
	b = read_all(out[0], path);
	close(out[0]);
	if (waitpid(child, &status, 0) < 0 || status != 0)
		die("%s: %s could not decompress it", path, program);
	return b;
}

void tree_add_source(struct tree *t, const char *path)
{
	struct buffer b;
	struct stat st;
	const char *program;

	if (stat(path, &st))
		die("%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		tree_add_directory(t, path);
		return;
	}
	b = read_file(path);
	program = decompressor(&b);
	if (program) {
		free(b.data);
		b = decompress(program, path);
	}
	tree_add_tar(t, path, b.data, b.length);
	free(b.data);
}
