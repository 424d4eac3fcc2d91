/*
 * memory.c - rows: mapping, the first touch of a page, protection.
 *
 * The rows of a page count their iterations in pages, of which one region has REGION_PAGES; mapping it and giving it
 * back is outside what is counted, unless the row's name says so.
 */
#define _GNU_SOURCE
#include "row.h"
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REGION_BYTES (4 * MIB)
#define REGION_PAGES (REGION_BYTES / PAGE)

static int setup_region_file(void)
{
	return make_file(REGION_BYTES);
}

static char *map_memory(size_t size, int protection)
{
	void *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static inline void touch_pages(volatile char *at, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++)
		at[(size_t)i * PAGE] = 1;
}

/* The rows of a page each count iters in pages, REGION_PAGES at a time. */
static int run_map_touch_unmap(unsigned pages)
{
	clock_start();
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = map_memory(REGION_BYTES, PROT_READ | PROT_WRITE);

		if (!at)
			return -1;
		touch_pages(at, REGION_PAGES);
		if (munmap(at, REGION_BYTES))
			return -1;
	}
	clock_stop();
	return 0;
}

/* Private pages, of a file (-1: of zeroes), that are written for the first time. */
static int fault_written(unsigned pages, int flags, int fd)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, fd, 0);

		if (at == MAP_FAILED)
			return -1;
		clock_start();
		touch_pages(at, REGION_PAGES);
		clock_stop();
		munmap(at, REGION_BYTES);
	}
	return 0;
}

static int run_fault_zero(unsigned pages)
{
	return fault_written(pages, MAP_ANONYMOUS, -1);
}

static int run_fault_file_read(unsigned pages)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		volatile char *at = mmap(NULL, REGION_BYTES, PROT_READ, MAP_PRIVATE, open_fd, 0);

		if (at == MAP_FAILED)
			return -1;
		clock_start();
		for (unsigned i = 0; i < REGION_PAGES; i++)
			(void)at[(size_t)i * PAGE];
		clock_stop();
		munmap((void *)at, REGION_BYTES);
	}
	return 0;
}

static int run_fault_file_write(unsigned pages)
{
	return fault_written(pages, 0, open_fd);
}

static void serve_hold(int in, int out)
{
	char byte;

	(void)out;
	if (read(in, &byte, 1) < 0)
		_exit(1);
}

/* The partner holds the other half of the copied-on-write pages until it is told to go. */
static int run_fault_cow(unsigned pages)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = map_memory(REGION_BYTES, PROT_READ | PROT_WRITE);

		if (!at)
			return -1;
		touch_pages(at, REGION_PAGES);
		if (start_partner(serve_hold))
			return -1;
		clock_start();
		touch_pages(at, REGION_PAGES);
		clock_stop();
		teardown_partner();
		munmap(at, REGION_BYTES);
	}
	return 0;
}

static int run_grow_heap(unsigned pages)
{
	uintptr_t start = (syscall(SYS_brk, 0) + PAGE - 1) & -(uintptr_t)PAGE;

	if (syscall(SYS_brk, start) != (long)start)
		return fail("brk refused");
	clock_start();
	for (unsigned i = 0; i < pages; i++) {
		uintptr_t next = start + (uintptr_t)(i + 1) * PAGE;

		if (syscall(SYS_brk, next) != (long)next)
			return fail("brk refused");
		*(volatile char *)(next - PAGE) = 1;
	}
	clock_stop();
	syscall(SYS_brk, start);
	return 0;
}

static int map_unmap_once(void)
{
	char *at = map_memory(PAGE, PROT_READ | PROT_WRITE);

	return !at || munmap(at, PAGE) ? -1 : 0;
}
COUNT_EACH(run_map_unmap, map_unmap_once)

static int map_touch_unmap_once(void)
{
	char *at = map_memory(PAGE, PROT_READ | PROT_WRITE);

	if (!at)
		return -1;
	*(volatile char *)at = 1;
	return munmap(at, PAGE);
}
COUNT_EACH(run_map_touch_unmap_page, map_touch_unmap_once)

/* ---- a page that may be written or not ---- */

char *guarded;

int setup_guarded(void)
{
	guarded = map_memory(PAGE, PROT_READ | PROT_WRITE);
	if (!guarded)
		return -1;
	*guarded = 1;
	return 0;
}

void teardown_guarded(void)
{
	munmap(guarded, PAGE);
}

static int protect_pair_once(void)
{
	if (mprotect(guarded, PAGE, PROT_READ) || mprotect(guarded, PAGE, PROT_READ | PROT_WRITE))
		return -1;
	*(volatile char *)guarded = 1;
	return 0;
}
COUNT_EACH(run_protect_pair, protect_pair_once)

const struct row memory_rows[] = {
	{ "mmap_touch_munmap_4MiB_perpage", REGION_PAGES, 5, NULL, run_map_touch_unmap, NULL, NULL },
	{ "pagefault_anon_zero", REGION_PAGES, 5, NULL, run_fault_zero, NULL, NULL },
	{ "pagefault_file_minor_rd", REGION_PAGES, 5, setup_region_file, run_fault_file_read, teardown_file, NULL },
	{ "pagefault_file_minor_wr", REGION_PAGES, 5, setup_region_file, run_fault_file_write, teardown_file, NULL },
	{ "pagefault_cow_copy", REGION_PAGES, 5, NULL, run_fault_cow, NULL, NULL },
	{ "grow_heap_page", 256, 5, NULL, run_grow_heap, NULL, NULL },
	{ "mmap_munmap_page", 300, 5, NULL, run_map_unmap, NULL, NULL },
	{ "mmap_touch_munmap_page", 300, 5, NULL, run_map_touch_unmap_page, NULL, NULL },
	{ "mprotect_pair_touch", 300, 5, setup_guarded, run_protect_pair, teardown_guarded, NULL },
	{ 0 },
};
