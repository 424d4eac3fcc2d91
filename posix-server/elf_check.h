/*
 * elf_check.h - what of an ELF file may be run, decided from its headers alone.
 *
 * Interface
 *   elf_header    asks the file header; tells where the program headers are
 *   elf_segments  asks the program headers; makes the plan by which exec maps the file
 * Both answer 0 or -ENOEXEC.  After 0 every number of the plan is in its range: segments are in
 * order, do not overlap, lie within the addresses of user programs and within the file.
 */
#ifndef ELF_CHECK_H
#define ELF_CHECK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 16
#define ELF_HEADERS_MAX 64             /* program headers */
#define ELF_INTERP_MAX 256
#define ELF_HEADER_SIZE 64
#define ELF_PHDR_SIZE 56

struct elf_segment { uint64_t address, memory, offset, bytes; uint32_t prot; };  /* prot: 1 read 2 write 4 exec */
struct elf_plan {
	bool dynamic;                  /* ET_DYN: addresses are relative to a base of ours */
	uint64_t entry, phoff, phdr_address;
	uint16_t phnum, count;
	uint64_t low, high;            /* page-aligned hull of the segments */
	uint64_t interp_offset, interp_bytes;  /* 0 bytes: none */
	struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/* file_size: in bytes.  After 0 plan has phoff and phnum, and its entry; elf_segments fills in the rest from those headers. */
int elf_header(const uint8_t header[ELF_HEADER_SIZE], uint64_t file_size, struct elf_plan *plan);
int elf_segments(const uint8_t *phdrs, uint64_t file_size, struct elf_plan *plan);
#endif
