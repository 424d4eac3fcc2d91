/*
 * varargs.h - arguments of varying number, as before <stdarg.h>:  int f(format, va_alist) char *format; va_dcl { ... }
 *
 * keykos-cc makes parameters of the six words that registers carry and of the first on the stack; the list is laid over
 * them as the machine's calling convention lays it.  Integers and pointers only.
 */
#ifndef _H_varargs
#define _H_varargs

typedef __builtin_va_list va_list;

static inline __attribute__((unused)) void *_va_memory(void *words)
{
	__asm__("" : "+r"(words));
	return words;
}

#define va_start(list) ((list)->gp_offset = 8 * _va_named, (list)->fp_offset = 176, \
			(list)->reg_save_area = _va_memory(_va_words), (list)->overflow_arg_area = _va_memory(&_va_stack))
#define va_arg(list, type) __builtin_va_arg(list, type)
#define va_end(list) ((void)0)

#endif
