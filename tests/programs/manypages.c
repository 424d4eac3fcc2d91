/*
 * manypages.c - writes so many MiB of memory, each page another content, and reads them back twice.
 *
 *   manypages MIB      prints `written`, `read`, `read`; 1 and a sentence if memory is refused or differs
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_WORDS 512

static uint64_t content(uint64_t page)
{
	return page * 0x9E3779B97F4A7C15ull + 1;
}

int main(int argc, char **argv)
{
	uint64_t pages = argc == 2 ? strtoull(argv[1], NULL, 10) * 256 : 0;
	uint64_t *memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!pages || memory == MAP_FAILED) {
		puts("refused");
		return 1;
	}
	for (uint64_t i = 0; i < pages; i++)
		memory[i * PAGE_WORDS + i % PAGE_WORDS] = content(i);
	puts("written");
	fflush(stdout);
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < pages; i++)
			if (memory[i * PAGE_WORDS + i % PAGE_WORDS] != content(i)) {
				printf("page %llu differs\n", (unsigned long long)i);
				return 1;
			}
		puts("read");
		fflush(stdout);
	}
	return 0;
}
