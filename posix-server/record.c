/*
 * record.c - the table of what was used, and the record's begin and end; see record.h.
 */
#include <stdlib.h>
#include <string.h>
#include "record_inner.h"

#define BUCKETS 4096u
#define STREAMS 4u
#define SITES_TOLD 24u

bool record_on;
static struct record *buckets[BUCKETS];
static struct record **all;            /* by id - 1 */
static uint32_t all_size, record_count, lost;
static uint64_t began_ns;

static struct { bool held, used; } streams[STREAMS];
static const char *const stream_names[STREAMS] = { "standard input", "standard output", "standard error", "terminal" };

static const char *const kind_names[RECORD_KINDS] = {
	"path", "device", "proc", "socket", "signal", "clock", "random", "env", "stream", "identity", "process",
	"resource", "missing",
};
static const char *const use_names[USES] = {
	"stat", "read", "write", "create", "delete", "list", "exec", "follow", "attr", "enter", "map", "send",
	"connect", "bind", "sleep", "set", "visible", "spawn", "control", "call",
};

/* ---- the table --------------------------------------------------------------------------------------------- */

/* Whoever looks at hundreds of names does so from few places: of each program's calls on names the first are enough. */
static bool site_wanted(const struct proc *p, const struct record *r)
{
	static uint8_t told[256];
	uint8_t *n = &told[(p->program * 61u + p->nr) % sizeof told];

	if (r->kind != RECORD_PATH)
		return true;
	return *n < SITES_TOLD && ++*n;
}

static void tell(struct proc *p, const struct record *r)
{
	uint32_t site = p && p->mm && site_wanted(p, r) ? record_site(p) : 0;

	line_number(&record_line, "{\"id\":", r->id);
	line_number(&record_line, ",\"program\":", r->program);
	line_put(&record_line, ",\"kind\":\"");
	line_put(&record_line, kind_names[r->kind]);
	line_put(&record_line, "\",\"use\":\"");
	line_put(&record_line, use_names[r->use]);
	line_put(&record_line, "\",\"name\":");
	line_string(&record_line, r->name, r->length);
	if (r->error)
		line_number(&record_line, ",\"error\":", r->error);
	line_number(&record_line, ",\"call\":", p ? p->nr : 0);
	if (site)
		line_number(&record_line, ",\"site\":", site);
	line_put(&record_line, "}");
	line_end(&record_line);
}

static uint32_t hash_of(unsigned kind, unsigned use, unsigned error, unsigned program, const char *name, size_t length)
{
	uint32_t h = kind * 31 + use * 1021 + error * 65537 + program * 2654435761u;

	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static bool all_grow(void)
{
	uint32_t size = all_size ? all_size * 2 : 1024;
	struct record **more;

	if (record_count < all_size)
		return true;
	more = realloc(all, size * sizeof *more);
	if (!more)
		return false;
	all = more;
	all_size = size;
	return true;
}

static struct record *record_make(uint32_t hash, const char *name, size_t length)
{
	struct record *r = all_grow() ? malloc(sizeof *r + length) : NULL;

	if (!r) {
		lost++;
		return NULL;
	}
	*r = (struct record){ .next = buckets[hash % BUCKETS], .hash = hash, .id = record_count + 1, .length = length };
	memcpy(r->name, name, length);
	buckets[hash % BUCKETS] = r;
	all[record_count++] = r;
	return r;
}

/* The record of a use, counted once more; NULL without memory. */
struct record *record_note(struct proc *p, unsigned kind, unsigned use, unsigned error, const char *name, size_t length)
{
	unsigned program = p ? p->program : 0;
	uint32_t hash;
	struct record *r;

	if (length > PATH_LIMIT)
		length = PATH_LIMIT;
	hash = hash_of(kind, use, error, program, name, length);
	for (r = buckets[hash % BUCKETS]; r; r = r->next)
		if (r->hash == hash && r->length == length && r->kind == kind && r->use == use && r->error == error &&
		    r->program == program && !memcmp(r->name, name, length)) {
			r->count++;
			return r;
		}
	if (record_count >= RECORDS_MAX && kind == RECORD_PATH && name[length - 1] != '*') {
		static char shorter[PATH_LIMIT + 2];
		size_t n = length;

		while (n && name[n - 1] != '/')
			n--;
		memcpy(shorter, name, n);
		shorter[n] = '*';
		return record_note(p, kind, use, error, shorter, n + 1);
	}
	r = record_make(hash, name, length);
	if (!r)
		return NULL;
	r->kind = kind, r->use = use, r->error = error, r->program = program;
	r->count = 1;
	tell(p, r);
	return r;
}

unsigned record_error(long result)
{
	return result < 0 && result >= -4095 ? -result : 0;
}

void record_name(struct proc *p, enum record_kind kind, enum record_use use, const char *name, size_t length, long result)
{
	record_note(p, kind, use, record_error(result), name, length);
}

void record_note_text(struct proc *p, enum record_kind kind, enum record_use use, const char *name, long result)
{
	record_note(p, kind, use, record_error(result), name, strlen(name));
}

/* ---- streams ----------------------------------------------------------------------------------------------- */

void record_stream_held(unsigned which)
{
	streams[which].held = true;
}

/* Asking whether it is a terminal is no use of it. */
void record_stream(struct proc *p, unsigned which, enum record_use use, long result)
{
	if (result == BLOCKED || result == -EAGAIN)
		return;
	streams[which].used |= use != USE_CONTROL;
	record_note_text(p, RECORD_STREAM, use, stream_names[which], result);
}

/* ---- begin and end -------------------------------------------------------------------------------------------- */

void record_begin(void)
{
	record_on = true;
	began_ns = now_ns();
	line_put(&record_line, "{\"keros_events\":1}");
	line_end(&record_line);
}

/* What is in a file, so that two runs can be compared: FNV-1a, which is no proof but needs no table. */
static uint64_t content_hash(struct inode *i)
{
	static char bytes[16384];
	uint64_t hash = 0xcbf29ce484222325ull, at = 0;
	long n;

	while ((n = inode_pread(i, bytes, sizeof bytes, at)) > 0) {
		for (long k = 0; k < n; k++)
			hash = (hash ^ (unsigned char)bytes[k]) * 0x100000001b3ull;
		at += n;
	}
	return hash;
}

/* A file that was made or changed, if it is still there. */
static void tell_left(struct proc *nobody, const struct record *r)
{
	static char name[PATH_LIMIT + 1];
	struct walk w;

	if (r->kind != RECORD_PATH || r->error || (r->use != USE_CREATE && r->use != USE_WRITE))
		return;
	memcpy(name, r->name, r->length);
	name[r->length] = 0;
	if (path_walk(nobody, K_AT_FDCWD, name, 0, &w) || !w.inode || w.inode->virtual || !S_ISREG(w.inode->mode))
		return;
	line_put(&record_line, "{\"left\":");
	line_string(&record_line, r->name, r->length);
	line_number(&record_line, ",\"size\":", inode_size(w.inode));
	line_number(&record_line, ",\"hash\":\"", content_hash(w.inode));
	line_put(&record_line, "\"}");
	line_end(&record_line);
}

static void tell_all_left(void)
{
	static struct proc nobody;

	nobody.fs = fsctx_new(vfs_root());
	record_on = false;
	for (uint32_t i = 0; nobody.fs && i < record_count; i++)
		tell_left(&nobody, all[i]);
	record_on = true;
	if (nobody.fs)
		fsctx_put(nobody.fs);
}

void record_end(int status)
{
	tell_all_left();
	for (unsigned i = 0; i < STREAMS; i++) {
		if (!streams[i].held || streams[i].used)
			continue;
		line_put(&record_line, "{\"unused\":\"");
		line_put(&record_line, stream_names[i]);
		line_put(&record_line, "\"}");
		line_end(&record_line);
	}
	for (uint32_t i = 0; i < record_count; i++) {
		if (all[i]->count == 1 && !all[i]->absolute)
			continue;
		line_number(&record_line, "{\"id\":", all[i]->id);
		line_number(&record_line, ",\"count\":", all[i]->count);
		line_number(&record_line, ",\"absolute\":", all[i]->absolute);
		line_put(&record_line, "}");
		line_end(&record_line);
	}
	line_number(&record_line, "{\"end\":", status);
	line_number(&record_line, ",\"wall_ns\":", now_ns() - began_ns);
	line_number(&record_line, ",\"pages_peak\":", pages_peak());
	line_number(&record_line, ",\"pages_limit\":", pages_limit());
	line_number(&record_line, ",\"processes\":", record_last_pid ? record_last_pid - 1 : 0);
	line_number(&record_line, ",\"lost\":", lost);
	line_put(&record_line, "}");
	line_end(&record_line);
}
