/*
 * shim_native.c - the local shim of a native program: musl's system calls answered from
 * the program's own capabilities.
 *
 * Invariants
 *   1. Only what start-up, the heap and diagnostics need is answered; the rest is -ENOSYS.
 *   2. The heap is pages from CR_BANK in the program's own address space, from HEAP_BASE up;
 *      without a bank there is no heap, and malloc fails.
 *   3. Runs on the program's own stack, 128 bytes lower: libc's leaf functions have a red zone.
 *      Uses the capability registers CR_TMP0..CR_TMP3 and no others.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "keros/inv.h"
#include <stdbool.h>
#include "keros/native.h"

#define HEAP_BASE  0x10000000ull
#define HEAP_END   0x20000000ull   /* one slot of the lss-7 node */
#define MAP_BASE   0x18000000ull   /* brk grows below, anonymous mmap above */

#define BANK_OC_ALLOC_PAGE 1
#define BANK_OC_ALLOC_NODE 2
#define PROCESS_OC_GET_SLOT 1
#define NODE_OC_MAKE_NODE 35
#define LOG_OC_PUT 1

static uint64_t heap_brk = HEAP_BASE, heap_mapped = HEAP_BASE;
static uint64_t map_next = MAP_BASE;

static uint32_t call_caps(cap_t target, uint32_t order, uint64_t word, cap_t send, cap_t recv)
{
	struct msg m = { .order = order, .w = { word }, .send = { send }, .recv = { recv } };

	return inv_call(target, &m);
}

/* Allocates a node with the given lss into a register. */
static bool node_make(cap_t to, unsigned lss)
{
	return call_caps(CR_BANK, BANK_OC_ALLOC_NODE, 0, CR_VOID, to) == RC_OK &&
	       call_caps(to, NODE_OC_MAKE_NODE, lss, CR_VOID, to) == RC_OK;
}

/* Whether a register holds void (which answers RC_VOID to everything). */
static bool is_void(cap_t reg)
{
	return call_caps(reg, KT, 0, CR_VOID, CR_VOID) == RC_VOID;
}

/* Puts a fresh page at a heap address; makes the nodes on the way. */
static bool heap_map_page(uint64_t address)
{
	static const unsigned lss_below[] = { 6, 5, 4, 3 };
	unsigned lss = 7;

	if (call_caps(CR_SELF, PROCESS_OC_GET_SLOT, PSLOT_SPACE, CR_VOID, CR_TMP0) != RC_OK ||
	    call_caps(CR_TMP0, 0, 0, CR_VOID, CR_TMP0) != RC_OK)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		unsigned slot = address >> (4 * lss) & 15;

		if (call_caps(CR_TMP0, slot, 0, CR_VOID, CR_TMP1) != RC_OK)
			return false;
		if (is_void(CR_TMP1)) {
			if (!node_make(CR_TMP1, lss_below[i]) ||
			    call_caps(CR_TMP0, 16 + slot, 0, CR_TMP1, CR_VOID) != RC_OK)
				return false;
		}
		cap_copy(CR_TMP0, CR_TMP1);
		lss = lss_below[i];
	}
	return call_caps(CR_BANK, BANK_OC_ALLOC_PAGE, 0, CR_VOID, CR_TMP1) == RC_OK &&
	       call_caps(CR_TMP0, 16 + (address >> 12 & 15), 0, CR_TMP1, CR_VOID) == RC_OK;
}

static long do_brk(uint64_t wanted)
{
	if (wanted < HEAP_BASE || wanted > MAP_BASE)
		return heap_brk;
	while (heap_mapped < wanted) {
		if (!heap_map_page(heap_mapped))
			return heap_brk;
		heap_mapped += PAGE_SIZE;
	}
	heap_brk = wanted;
	return heap_brk;
}

/* ---- what was unmapped: sorted, never adjacent, its pages kept for the next who asks ---- */

#define FREE_RANGES 128

static struct { uint64_t start, end; } free_range[FREE_RANGES];
static unsigned free_ranges;

static void range_remove(unsigned i)
{
	free_ranges--;
	memmove(&free_range[i], &free_range[i + 1], (free_ranges - i) * sizeof free_range[0]);
}

/* A range more than there is room for is lost until the program ends. */
static void range_add(uint64_t start, uint64_t end)
{
	unsigned i = 0;

	while (i < free_ranges && free_range[i].end < start)
		i++;
	if (i == free_ranges || free_range[i].start > end) {
		if (free_ranges == FREE_RANGES)
			return;
		memmove(&free_range[i + 1], &free_range[i], (free_ranges - i) * sizeof free_range[0]);
		free_ranges++;
		free_range[i].start = start;
		free_range[i].end = end;
		return;
	}
	if (start < free_range[i].start)
		free_range[i].start = start;
	if (end > free_range[i].end)
		free_range[i].end = end;
	while (i + 1 < free_ranges && free_range[i + 1].start <= free_range[i].end) {
		if (free_range[i + 1].end > free_range[i].end)
			free_range[i].end = free_range[i + 1].end;
		range_remove(i + 1);
	}
}

/* The first free range that is long enough gives its beginning; 0 if there is none. */
static uint64_t range_take(uint64_t length)
{
	for (unsigned i = 0; i < free_ranges; i++) {
		uint64_t start = free_range[i].start;

		if (free_range[i].end - start < length)
			continue;
		free_range[i].start += length;
		if (free_range[i].start == free_range[i].end)
			range_remove(i);
		memset((void *)start, 0, length);
		return start;
	}
	return 0;
}

static long do_munmap(uint64_t start, uint64_t length)
{
	length = (length + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	if (start % PAGE_SIZE || start < MAP_BASE || start > map_next || length > map_next - start)
		return -EINVAL;
	if (length)
		range_add(start, start + length);
	return 0;
}

/* Anonymous memory only. */
static long do_mmap(uint64_t length, uint64_t flags)
{
	uint64_t start;

	length = (length + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	if (!(flags & 0x20) || length == 0)
		return -ENOMEM;
	start = range_take(length);
	if (start)
		return start;
	start = map_next;
	if (length > HEAP_END - map_next)
		return -ENOMEM;
	for (uint64_t at = 0; at < length; at += PAGE_SIZE) {
		if (heap_map_page(start + at)) {
			map_next += PAGE_SIZE;
			continue;
		}
		do_munmap(start, at);
		return -ENOMEM;
	}
	return start;
}

void native_log(const char *text, size_t length)
{
	while (length) {
		size_t part = length < 1024 ? length : 1024;
		struct msg m = { .order = LOG_OC_PUT, .send_string = text, .send_length = part };

		inv_call(CR_LOG, &m);
		text += part;
		length -= part;
	}
}

static long do_writev(const struct iovec *iov, long count)
{
	long total = 0;

	for (long i = 0; i < count; i++) {
		native_log(iov[i].iov_base, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	return total;
}

void native_exit(int status)
{
	struct msg m = { .order = status ? RC_REQUEST : RC_OK, .w = { (uint64_t)status } };

	inv_return(CR_RETURN, &m);
	for (;;) {
		struct msg wait = { 0 };

		inv_return(CR_VOID, &wait);
	}
}

/* A program that can answer more than is answered here defines it. */
__attribute__((weak)) long native_foreign(long nr, uint64_t a, uint64_t b);

/* Called from the assembly below with the six arguments of the foreign call. */
__attribute__((used)) static long native_syscall(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t nr)
{
	switch (nr) {
	case SYS_arch_prctl:
		if (a != 0x1002)
			return -EINVAL;
		__asm__ volatile("wrfsbase %0" : : "r"(b));
		return 0;
	case SYS_brk:
		return do_brk(a);
	case SYS_mmap:
		return do_mmap(b, d);
	case SYS_writev:
		return do_writev((const struct iovec *)b, (long)c);
	case SYS_write:
		native_log((const char *)b, c);
		return (long)c;
	case SYS_munmap:
		return do_munmap(a, b);
	case SYS_madvise:
	case SYS_rt_sigprocmask:
	case SYS_rt_sigaction:
		return 0;
	case SYS_set_tid_address:
	case SYS_gettid:
	case SYS_getpid:
		return 1;
	case SYS_ioctl:
		return -ENOTTY;
	case SYS_tkill:
	case SYS_exit:
	case SYS_exit_group:
		native_exit(nr == SYS_tkill ? 134 : (int)a);
	}
	return native_foreign ? native_foreign((long)nr, a, b) : -ENOSYS;
}

/* rax = number, r11 = return address, everything else as the program left it. */
__asm__(".balign 16\n\t.globl shim_native_entry\n"
	"shim_native_entry:\n\t"
	"lea -128(%rsp), %rsp\n\t"
	"push %r11\n\tpush %rbp\n\tmov %rsp, %rbp\n\t"
	"push %rdi\n\tpush %rsi\n\tpush %rdx\n\tpush %r10\n\tpush %r8\n\tpush %r9\n\t"
	"and $-16, %rsp\n\t"
	"mov %r10, %rcx\n\tmov %rax, %r8\n\t"
	"cld\n\t"
	"call native_syscall\n\t"
	"lea -48(%rbp), %rsp\n\t"
	"pop %r9\n\tpop %r8\n\tpop %r10\n\tpop %rdx\n\tpop %rsi\n\tpop %rdi\n\t"
	"pop %rbp\n\tpop %r11\n\t"
	"lea 128(%rsp), %rsp\n\t"
	"jmp *%r11\n");
