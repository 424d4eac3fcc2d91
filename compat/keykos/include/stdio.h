/*
 * stdio.h - formatting into memory; there is no file.
 */
#ifndef _H_stdio
#define _H_stdio

int sprintf(char *to, const char *format, ...);

#endif
