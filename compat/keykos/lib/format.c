/*
 * format.c - numbers as text and as bytes: sprintf and vsprintf, atoi, strtol, abs, hexcvt, b2long and long2b.
 *
 * Formats are %d %i %u %x %X %o %c %s %p %%, with -, 0, a width, a precision for %s, and h, l or ll.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cvt.h"

struct field {
	int left, width, precision, longs;
	char pad;
};

static char *put_padded(char *to, const char *text, int length, const struct field *f)
{
	int blanks = f->width > length ? f->width - length : 0;

	for (; blanks && !f->left; blanks--)
		*to++ = f->pad;
	memcpy(to, text, length);
	to += length;
	for (; blanks; blanks--)
		*to++ = ' ';
	return to;
}

static char *put_number(char *to, unsigned long long value, unsigned base, int minus, int capital, struct field *f)
{
	char digits[24], *p = digits + sizeof digits;
	const char *set = capital ? "0123456789ABCDEF" : "0123456789abcdef";

	do
		*--p = set[value % base];
	while (value /= base);
	if (minus && f->pad == '0') {
		*to++ = '-';
		f->width--;
	} else if (minus) {
		*--p = '-';
	}
	return put_padded(to, p, digits + sizeof digits - p, f);
}

static const char *read_field(const char *p, struct field *f, va_list *args)
{
	*f = (struct field){ 0, 0, -1, 0, ' ' };
	for (; *p == '-' || *p == '0' || *p == '+' || *p == ' '; p++) {
		f->left |= *p == '-';
		if (*p == '0')
			f->pad = '0';
	}
	if (*p == '*')
		f->width = va_arg(*args, int), p++;
	for (; isdigit(*p); p++)
		f->width = f->width * 10 + *p - '0';
	if (*p == '.')
		for (p++, f->precision = 0; isdigit(*p); p++)
			f->precision = f->precision * 10 + *p - '0';
	for (; *p == 'l' || *p == 'h'; p++)
		f->longs += *p == 'l';
	if (f->left)
		f->pad = ' ';
	return p;
}

int vsprintf(char *buffer, const char *format, va_list given)
{
	struct field f;
	char *to = buffer, one;
	const char *text;
	long long value;
	va_list args;
	int length;

	va_copy(args, given);
	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		p = read_field(p + 1, &f, &args);
		switch (*p) {
		case 'd': case 'i':
			value = f.longs > 1 ? va_arg(args, long long) : va_arg(args, int);
			to = put_number(to, value < 0 ? -(unsigned long long)value : (unsigned long long)value, 10, value < 0, 0, &f);
			break;
		case 'u': case 'x': case 'X': case 'o': case 'p':
			value = f.longs > 1 ? va_arg(args, unsigned long long) : va_arg(args, unsigned int);
			to = put_number(to, value, *p == 'u' ? 10 : *p == 'o' ? 8 : 16, 0, *p == 'X', &f);
			break;
		case 'c':
			one = va_arg(args, int);
			to = put_padded(to, &one, 1, &f);
			break;
		case 's':
			text = va_arg(args, const char *);
			text = text ? text : "(null)";
			for (length = 0; text[length] && length != f.precision; length++)
				;
			to = put_padded(to, text, length, &f);
			break;
		case 0:
			p--;
			break;
		default:
			*to++ = *p;
		}
	}
	va_end(args);
	*to = 0;
	return to - buffer;
}

int sprintf(char *to, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsprintf(to, format, args);
	va_end(args);
	return n;
}

int atoi(const char *text)
{
	int value = 0, minus;

	while (isspace(*text))
		text++;
	minus = *text == '-';
	text += *text == '-' || *text == '+';
	for (; isdigit(*text); text++)
		value = value * 10 + *text - '0';
	return minus ? -value : value;
}

static unsigned digit(char c)
{
	return isdigit(c) ? c - '0' : isalpha(c) ? (c | 32) - 'a' + 10 : 99;
}

long strtol(const char *text, char **end, int base)
{
	const char *p = text;
	unsigned long value = 0;
	int minus;

	while (isspace(*p))
		p++;
	minus = *p == '-';
	p += *p == '-' || *p == '+';
	if ((base == 0 || base == 16) && *p == '0' && (p[1] | 32) == 'x' && digit(p[2]) < 16)
		p += 2, base = 16;
	else if (base == 0)
		base = *p == '0' ? 8 : 10;
	for (text = digit(*p) < (unsigned)base ? p : text; digit(*p) < (unsigned)base; text = ++p)
		value = value * base + digit(*p);
	if (end)
		*end = (char *)text;
	return minus ? -value : value;
}

int abs(int n)
{
	return n < 0 ? -n : n;
}

/* The bytes in hexadecimal, and a NUL. */
void hexcvt(const void *from, char *to, int length)
{
	const unsigned char *p = from;

	for (; length-- > 0; p++)
		to += sprintf(to, "%02X", *p);
}

/* Big-endian bytes. */
long b2long(const uchar *bytes, int length)
{
	unsigned long value = 0;

	while (length-- > 0)
		value = value << 8 | *bytes++;
	return value;
}

void *long2b(long value, uchar *bytes, int length)
{
	for (unsigned long rest = value; length-- > 0; rest >>= 8)
		bytes[length] = rest;
	return bytes;
}
