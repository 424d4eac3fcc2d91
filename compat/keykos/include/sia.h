/*
 * sia.h - small integer allocators.
 */
#ifndef _H_sia
#define _H_sia

#define SIA_AKT                   0x0026
#define SIAF_AKT                  0x0126
#define SIAF_Create               0
#define SIA_AllocateNewInteger    0
#define SIA_FreeInteger
#define SIA_ReturnLowestAllocated 0xFFFFFFFF

#endif
