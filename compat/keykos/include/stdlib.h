/*
 * stdlib.h - memory and numbers.
 *
 * malloc takes pages from the prompt bank as it needs them, at 0xE00000 (heap.c); exit gives them back.  A program that
 * calls initalloc has the allocation routines of the ancestor instead, on memory of its own (pool.c): they take the work
 * area first.
 */
#ifndef _H_stdlib
#define _H_stdlib
#include <stddef.h>

int atoi(const char *text);
long strtol(const char *text, char **end, int base);
int abs(int n);
#endif
