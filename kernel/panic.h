/*
 * panic.h - the kernel's own failures.  A broken invariant has a number that never changes
 * meaning (doc/conditions.md is the list), so that a report names the broken rule.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H
#include <stdbool.h>

__attribute__((noreturn)) void panic_condition(int number, const char *text, const char *file, int line);
/* To the log. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Condition `number` must hold here; `text` says the rule in words. */
#define KCHECK(number, condition, text) \
	do { \
		if (__builtin_expect(!(condition), 0)) \
			panic_condition(number, text, __FILE__, __LINE__); \
	} while (0)
#endif
