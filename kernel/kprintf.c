/*
 * kprintf.c - the kernel's own text to the log: %s %d %u %x %lu %lx %c, no widths.
 */
#include <stdarg.h>
#include "log.h"
#include "arch.h"
#include "panic.h"

static void put_number(uint64_t value, unsigned base, bool negative)
{
	char text[24];
	unsigned at = sizeof text;

	do {
		text[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		text[--at] = '-';
	log_write(text + at, sizeof text - at);
}

static void put_string(const char *s)
{
	size_t length = 0;

	while (s[length])
		length++;
	log_write(s, length);
}

/* One conversion; returns the format after it. */
static const char *put_conversion(const char *format, va_list *args)
{
	bool wide = *format == 'l';
	long value;

	if (wide)
		format++;
	switch (*format) {
	case 's':
		put_string(va_arg(*args, const char *));
		break;
	case 'c': {
		char c = va_arg(*args, int);

		log_write(&c, 1);
		break;
	}
	case 'd':
		value = wide ? va_arg(*args, long) : va_arg(*args, int);
		put_number(value < 0 ? -value : value, 10, value < 0);
		break;
	case 'u':
	case 'x':
		put_number(wide ? va_arg(*args, unsigned long) : va_arg(*args, unsigned), *format == 'u' ? 10 : 16, false);
		break;
	default:
		log_write(format, 1);
	}
	return format + 1;
}

void kprintf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format) {
		const char *start = format;

		while (*format && *format != '%')
			format++;
		log_write(start, format - start);
		if (*format == '%')
			format = put_conversion(format + 1, &args);
	}
	va_end(args);
}

void panic_condition(int number, const char *text, const char *file, int line)
{
	kprintf("\nKEROS FAILURE C%d: this does not hold: %s (%s:%d)\n", number, text, file, line);
	arch_panic_stop();
}
