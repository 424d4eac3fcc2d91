/*
 * stdio.h - formatting into memory; there is no file.
 */
#ifndef _H_stdio
#define _H_stdio
#include <stdarg.h>

int sprintf(char *to, const char *format, ...);
int vsprintf(char *to, const char *format, va_list args);

#endif
