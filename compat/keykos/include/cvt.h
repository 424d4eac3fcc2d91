/*
 * cvt.h - numbers from and to big-endian bytes.
 */
#ifndef _H_cvt
#define _H_cvt
#include "kktypes.h"

long b2long(const uchar *bytes, int length);
void *long2b(long value, uchar *bytes, int length);
void hexcvt(const void *from, char *to, int length);

#define b2int b2long
#define int2b long2b
#endif
