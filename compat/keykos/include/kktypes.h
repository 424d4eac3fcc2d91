/*
 * kktypes.h - integer types of known size: a long has 32 bits.
 */
#ifndef _H_kktypes
#define _H_kktypes

typedef unsigned long long UINT64, uint64;
typedef unsigned long      UINT32, uint32;
typedef unsigned short     UINT16, uint16;
typedef unsigned char      UCHAR, uchar;
typedef long               SINT32, sint32;
typedef short              SINT16, sint16;
typedef char               SCHAR, schar;

#endif
