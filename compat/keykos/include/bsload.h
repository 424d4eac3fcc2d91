/*
 * bsload.h - the bootstrap loader.
 */
#ifndef _H_bsload
#define _H_bsload

#define BsloadF_AKT           0x111
#define Bsload_AKT            0x011
#define Bsloadf_Create        0
#define Bsload_LoadSimpleElf  0
#define Bsload_LoadDynamicElf 1

struct Bsload_StartAddr {
	unsigned long sa;
};

#endif
