/*
 * clock.c - the time of day in many forms.  The calendar clock is the kernel's (kernel/object/primary.c).
 *
 *	CLOCK(n[,(8,tod)] ==> c,...)  n: 0 1/38400 s and date, 1 1/100 s, 2 HHMMSSTH packed, 3 tod since midnight, 4 tod,
 *	                              5 'MM/DD/YYHH:MM:SS:THZZZWEEKDAY  ', 6 HHMMSSTF packed; of the time sent, or of now
 *	CLOCK(100+n ...)              the same without the zone
 *	CLOCK(9 ==> 0,(8))            what to add to the system timer for a tod
 *	CLOCK(1001, 1002, 1003 ==> 0;CLOCK)     a key that does not destroy, not set the zone, neither
 *	CLOCK(1004,(2,hours)(2,minutes)(3,name) ==> c)    hours west of UT, -15..15
 *	CLOCK(KT ==> 0x12), (KT+4)
 *
 * A tod counts 1/4096 us since 1970, as the C clock has it.  A date is 0YYYJJJF, packed, years from 1900, in an integer.
 * c: 1 the zone leads before 1970, KT+3 more than eight bytes.  Source: keykos.md 4.9.
 */
#include <stdio.h>
#include <keros/timer.h>
#include "object.h"

enum { NO_DESTROY = 1, NO_ZONE = 2 };
#define UNITS          4096u
#define MINUTE_US      60000000ull
#define DAY_US         86400000000ull
#define RC_BEFORE_ZERO 1u
#define RC_MALFORMED   (KT + 3)

struct date { uint32_t years, day, month, month_day, weekday; uint64_t days; };

static uint64_t offset;                    /* 0: to be asked for */

/* The system goes on from its store: its timer stood still meanwhile. */
void time_of_day_forget(void)
{
	offset = 0;
}

uint64_t time_of_day_offset(void)
{
	uint64_t seconds = 0, ns = 0;

	/* Once: the two clocks go on from one pair, and asking twice would differ by the time between. */
	if (!offset) {
		uint64_t now = time_now();

		timer_wall(R_TIMER, &seconds, &ns);
		offset = (seconds * 1000000 + ns / 1000) * UNITS - now;
	}
	return offset;
}

static bool is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static struct date date_of(uint64_t days)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct date d = { .days = days, .weekday = (days + 3) % 7 };
	uint32_t year = 1970;

	for (; days >= 365u + is_leap(year); year++)
		days -= 365u + is_leap(year);
	d.years = year - 1900;
	d.day = days + 1;
	for (d.month = 1; d.month < 12; d.month++) {
		uint32_t length = lengths[d.month - 1] + (d.month == 2 && is_leap(year));

		if (days < length)
			break;
		days -= length;
	}
	d.month_day = days + 1;
	return d;
}

static uint32_t packed(uint32_t n)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 8; i++, n /= 10)
		value |= n % 10 << 4 * i;
	return value;
}

static void text_of(const struct date *d, uint32_t cents, const char zone[3], char text[CLOCK_TEXT])
{
	static const char days[7][10] = { "MONDAY   ", "TUESDAY  ", "WEDNESDAY", "THURSDAY ", "FRIDAY   ", "SATURDAY ",
					  "SUNDAY   " };
	char line[40];

	snprintf(line, sizeof line, "%02u/%02u/%02u%02u:%02u:%02u:%02u%.3s%.9s", d->month, d->month_day, d->years % 100,
		 cents / 360000, cents / 6000 % 60, cents / 100 % 60, cents % 100, zone, days[d->weekday]);
	memcpy(text, line, CLOCK_TEXT);
}

void clock_text(uint64_t tod, char text[CLOCK_TEXT])
{
	uint64_t us = tod / UNITS;
	struct date d = date_of(us / DAY_US);

	text_of(&d, us % DAY_US / 10000, "UT ", text);
}

static uint32_t tell(unsigned index, uint32_t form, bool universal)
{
	const struct object *o = &objects[index];
	int64_t west = universal ? 0 : (int64_t)o->clock.west_minutes * (int64_t)MINUTE_US;
	struct __attribute__((packed)) { uint64_t time; uint32_t date; } wide;
	uint64_t tod = message.recv_length ? 0 : time_now() + time_of_day_offset();
	struct { uint32_t time, date; } small;
	uint32_t rc = RC_OK, cents;
	char text[CLOCK_TEXT];
	struct date d;
	int64_t us;

	if (message.recv_length > 8)
		return RC_MALFORMED;
	memcpy(&tod, message_string, message.recv_length);
	us = (int64_t)(tod / UNITS) - west;
	if (us < 0) {
		us = -us;
		rc = RC_BEFORE_ZERO;
	}
	d = date_of(us / DAY_US);
	us %= DAY_US;
	cents = us / 10000;
	small.date = wide.date = packed(d.years * 1000 + d.day) << 4 | 0xF;
	switch (form) {
	case 0: small.time = us * 384 / 10000; break;
	case 1: small.time = cents; break;
	case 2: case 6:
		small.time = packed(cents / 360000 * 1000000 + cents / 6000 % 60 * 10000 + cents % 6000);
		small.time |= form == 6 ? 0xF : 0;
		break;
	case 3: wide.time = us * UNITS; break;
	case 4: wide.time = tod; break;
	default:
		text_of(&d, cents, universal ? "UT " : o->clock.zone, text);
		reply_bytes(text, sizeof text);
		return rc;
	}
	if (form == 3 || form == 4)
		reply_bytes(&wide, sizeof wide);
	else
		reply_bytes(&small, sizeof small);
	return rc;
}

static uint32_t zone_set(unsigned index)
{
	struct object *o = &objects[index];
	int16_t hours, minutes;

	memcpy(&hours, message_string, 2);
	memcpy(&minutes, message_string + 2, 2);
	if (face & NO_ZONE || message.recv_length != 7 || hours < -15 || hours > 15 || minutes < -59 || minutes > 59)
		return RC_UNKNOWN;
	o->clock.west_minutes = hours * 60 + minutes;
	memcpy(o->clock.zone, message_string + 4, 3);
	return RC_OK;
}

uint32_t clock_serve(unsigned index, uint32_t order)
{
	static const uint8_t lost[] = { NO_DESTROY, NO_ZONE, NO_DESTROY | NO_ZONE };
	uint64_t offset;

	if (order <= 6 || (order >= 100 && order <= 106))
		return tell(index, order % 100, order >= 100);
	switch (order) {
	case 9:
		offset = time_of_day_offset();
		reply_bytes(&offset, sizeof offset);
		return RC_OK;
	case 1001: case 1002: case 1003:
		object_key(index, face | lost[order - 1001], R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 1004: return zone_set(index);
	case KT: return 0x12;
	case OC_DESTROY:
		if (face & NO_DESTROY)
			break;
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

uint32_t clock_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned bank, made;

	(void)index, (void)order;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (object_make(KIND_CLOCK, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	memcpy(objects[made].clock.zone, "UT ", 3);
	object_key(made, 0, to);
	return RC_OK;
}
