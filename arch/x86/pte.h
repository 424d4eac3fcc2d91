/*
 * pte.h - the bits of a word of a page table (AMD64 manual, volume 2, 5.4).
 */
#ifndef PTE_H
#define PTE_H

#define PTE_P   0x001ull
#define PTE_W   0x002ull
#define PTE_U   0x004ull
#define PTE_PCD 0x010ull
#define PTE_A   0x020ull
#define PTE_D   0x040ull
#define PTE_PS  0x080ull
#define PTE_G   0x100ull
#define PTE_NX  (1ull << 63)
#define PTE_PFN 0x000FFFFFFFFFF000ull
#endif
