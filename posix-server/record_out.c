/*
 * record_out.c - see record_out.h.
 *
 * Lines gather in one buffer and go out when it is full, and at the end.  The host's end takes them as a stream
 * like the standard ones; while it is slow the sandbox waits, so that nothing is lost and nothing grows.
 *
 * Where a call was made: the shim has the return address, which lies in the C library; above it the stack holds the
 * return addresses of the callers, without order or promise.  Words that point into mapped code are told, and the
 * host, which has the files, keeps those that follow a call instruction.
 */
#include <string.h>
#include <stdlib.h>
#include <keros/put.h>
#include "process.h"
#include "record.h"
#include "record_out.h"

#define OUT_BYTES 16384u
#define MODULES 512u
#define SCAN_BYTES 1024u               /* of stack that is looked at */

static char *out;
static size_t out_used;
static cap_t out_cap;
static struct { struct inode *inode; uint64_t number; uint32_t id; } modules[MODULES];
static unsigned module_count;

/* A sandbox has either three streams or a terminal; a register of the other's holds this one. */
void record_open(cap_t stream)
{
	out = malloc(OUT_BYTES);
	if (!out)
		return;
	out_cap = tty_is_terminal() ? CR_STDIN : CR_TERMINAL;
	cap_copy(out_cap, stream);
}

static void out_flush(void)
{
	stream_put(out_cap, CR_TIMER, out, out_used);
	out_used = 0;
}

void record_flush(void)
{
	if (out)
		out_flush();
}

void record_sink(const char *line, size_t length)
{
	if (out_used + length > OUT_BYTES)
		out_flush();
	memcpy(out + out_used, line, length);
	out_used += length;
}

bool record_possible(void)
{
	return out != NULL;
}

void record_finish(int status)
{
	for (struct proc *p = proc_next(NULL); p; p = proc_next(p))
		if (p->state != PROC_ZOMBIE && p->mm)
			record_shim(p);
	record_end(status);
	out_flush();
}

/* ---- where ------------------------------------------------------------------------------------------------- */

static uint32_t module_of(struct inode *i)
{
	static char path[4096];
	uint64_t number = inode_number(i);
	uint32_t id;

	for (unsigned k = 0; k < module_count; k++)
		if (modules[k].inode == i && modules[k].number == number)
			return modules[k].id;
	if (inode_path(i, path, sizeof path) < 0)
		return 0;
	id = record_module(path);
	if (id && module_count < MODULES) {
		modules[module_count].inode = i;
		modules[module_count].number = number;
		modules[module_count++].id = id;
	}
	return id;
}

/* The mapped code of the address space that was looked at last. */
#define RANGES 16u
static struct { uint64_t start, end; } ranges[RANGES];
static unsigned range_count;

static void ranges_find(const struct mm *mm)
{
	range_count = 0;
	for (uint32_t i = 0; i < mm->areas.count && range_count < RANGES; i++) {
		const struct vma *v = &mm->areas.v[i];

		if (!(v->prot & VMA_EXEC) || !v->inode)
			continue;
		ranges[range_count].start = v->start;
		ranges[range_count++].end = v->end;
	}
}

static inline bool is_code(uint64_t address)
{
	for (unsigned i = 0; i < range_count; i++)
		if (address - ranges[i].start < ranges[i].end - ranges[i].start)
			return true;
	return false;
}

static void place_of(struct proc *p, uint64_t address, struct record_place *to)
{
	const struct vma *v = vma_find(&p->mm->areas, address);

	to->module = v && v->inode ? module_of(v->inode) : 0;
	to->offset = v ? address - v->start + v->offset : 0;
}

/* The call's return address, and then what of the stack may be one. */
static unsigned addresses_find(struct proc *p, uint64_t *to)
{
	struct reg_image regs;
	unsigned n = 1;

	to[0] = mm_shim(p->mm)->ret;
	if (!is_code(to[0]))
		return 0;
	regs_get(p, &regs);
	for (uint64_t at = regs.rsp & ~7ull, end = at + SCAN_BYTES; at < end && n < RECORD_PLACES;) {
		size_t length = end - at;
		const uint64_t *word = user_window(p, at, &length, false);

		if (!word || length < 8)
			break;
		for (unsigned i = 0; i < length / 8 && n < RECORD_PLACES; i++)
			if (is_code(word[i]))
				to[n++] = word[i];
		at += length & ~7ul;
	}
	return n;
}

/* Sites that were told, by the hash of their addresses. */
#define SITES 2048u
static struct { uint64_t hash; uint32_t id; } sites[SITES];

uint32_t record_site(struct proc *p)
{
	struct record_place at[RECORD_PLACES];
	uint64_t address[RECORD_PLACES], hash = p->program;
	unsigned n;

	if (p != fresh || p->state == PROC_ZOMBIE)
		return 0;
	ranges_find(p->mm);
	n = addresses_find(p, address);
	if (!n)
		return 0;
	for (unsigned i = 0; i < n; i++)
		hash = (hash ^ address[i]) * 0x9e3779b97f4a7c15ull;
	if (sites[hash >> 32 & (SITES - 1)].hash == hash)
		return sites[hash >> 32 & (SITES - 1)].id;
	for (unsigned i = 0; i < n; i++)
		place_of(p, address[i], &at[i]);
	sites[hash >> 32 & (SITES - 1)].hash = hash;
	return sites[hash >> 32 & (SITES - 1)].id = record_site_tell(at, n);
}

uint32_t *record_shim_counts(struct proc *p)
{
	return p->mm ? mm_shim(p->mm)->clocks : NULL;
}
