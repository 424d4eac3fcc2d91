/*
 * trace.c - the names of the functions on the kernel's stack.
 *
 * The table is made from the linked kernel by the build (tools/ksyms.sh) and linked in again:
 * sorted by address, each entry a 32-bit offset from image_start and a 32-bit offset of a name.
 */
#include "panic.h"
#include "x86.h"

struct symbol {
	uint32_t at, name;
};

extern const struct symbol symbol_table[] __attribute__((weak));
extern const uint32_t symbol_count __attribute__((weak));
extern const char symbol_names[] __attribute__((weak));
extern const uint8_t image_start[], text_end[];

static void print_address(uint64_t at)
{
	uint64_t offset = at - (uint64_t)image_start;
	uint32_t low = 0, high;

	kprintf("  %lx", at);
	if (&symbol_count && symbol_count) {
		high = symbol_count;
		while (high - low > 1) {
			uint32_t middle = (low + high) / 2;

			if (symbol_table[middle].at <= offset)
				low = middle;
			else
				high = middle;
		}
		kprintf(" %s+%lx", symbol_names + symbol_table[low].name, offset - symbol_table[low].at);
	}
	kprintf("\n");
}

void trace_print(uint64_t rbp)
{
	kprintf("trace:\n");
	for (unsigned i = 0; i < 24 && rbp > (uint64_t)text_end; i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (frame[1] < (uint64_t)image_start || frame[1] > (uint64_t)text_end)
			break;
		print_address(frame[1]);
		rbp = frame[0];
	}
}
