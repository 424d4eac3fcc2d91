/*
 * time.c - the HPET as clock and as one-shot timer, the PIC's lines, the CMOS clock.
 *
 * The HPET tells its own period, so nothing is calibrated.  Its timer 0 takes the place of the
 * PIT on line 0 ("legacy replacement").  HPET specification 1.0a.
 */
#include "arch.h"
#include "panic.h"
#include "x86.h"

#define HPET_ADDRESS 0xFED00000ull
#define HPET_ID       0x000
#define HPET_CONFIG   0x010
#define HPET_COUNTER  0x0F0
#define HPET_T0_CONFIG  0x100
#define HPET_T0_COMPARE 0x108
#define HPET_ENABLE 1
#define HPET_LEGACY 2
#define HPET_T0_INTERRUPT 4

#define READ_TICKS (1ull << 25)        /* the HPET is read at least so often: some ten milliseconds */

static uint64_t period_fs;             /* of one tick, femtoseconds */
static uint64_t ns_per_tick;           /* if the period is whole nanoseconds, else 0 */
static uint64_t wall_seconds;
static uint64_t tsc_first;             /* the processor's count when the HPET began, in this life */
static uint64_t tsc_origin;            /* the same in the first life: what programs' counts are ahead of arch_tsc */
static uint64_t tsc_before;            /* arch_tsc of earlier lives: see arch_time_continue */
static bool timer_on;                  /* the timer may interrupt */
static uint64_t armed_ns = ~0ull;      /* when the timer will interrupt; ~0: it will not */
static uint64_t read_ns, read_tsc;     /* the last reading of the HPET */
static uint64_t read_mult;             /* nanoseconds of a tick, times 2^32; 0: not known yet */
static uint64_t base_ns;               /* what earlier lives of the image had counted */

static volatile uint64_t *hpet(unsigned offset)
{
	return (volatile uint64_t *)(PHYSICAL_BASE + HPET_ADDRESS + offset);
}

static uint64_t hpet_now_ns(void)
{
	uint64_t ticks = *hpet(HPET_COUNTER);

	if (ns_per_tick)
		return base_ns + ticks * ns_per_tick;
	return base_ns + mul_div(ticks, period_fs, 1000000);
}

uint64_t arch_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return ((uint64_t)high << 32 | low) - tsc_first + tsc_before;
}

uint64_t arch_tsc_user(void)
{
	return arch_tsc() + tsc_origin;
}

/*
 * The HPET is the clock, but reading it goes through the emulator's lock: between two readings the processor's count
 * tells how long ago the last one was.  A reading that is behind what was told so is late, not back.
 */
static uint64_t clock_read(uint64_t tsc)
{
	uint64_t now_ns = hpet_now_ns(), told_ns = read_ns + ((tsc - read_tsc) * read_mult >> 32);
	uint64_t life_ticks = tsc - tsc_before;

	read_ns = read_mult && told_ns > now_ns ? told_ns : now_ns;
	read_tsc = tsc;
	read_mult = life_ticks >> 24 && life_ticks < 1ull << 62 ? mul_div(now_ns - base_ns, 1ull << 32, life_ticks) : 0;
	return read_ns;
}

uint64_t arch_now_ns(void)
{
	uint64_t tsc = arch_tsc(), since = tsc - read_tsc;

	if (!read_mult || since >= READ_TICKS)
		return clock_read(tsc);
	return read_ns + (since * read_mult >> 32);
}

/*
 * Each access to the timer wakes the emulator's main thread.  So it is set only to an earlier time than it will
 * interrupt at anyway: whoever is interrupted too early sets it again.
 */
void arch_timer_set(uint64_t when_ns)
{
	uint64_t ticks, now;

	if (when_ns >= armed_ns)
		return;
	armed_ns = when_ns;
	ticks = mul_div(when_ns > base_ns ? when_ns - base_ns : 0, 1000000, period_fs) + 1;
	if (!timer_on)
		*hpet(HPET_T0_CONFIG) = HPET_T0_INTERRUPT;
	timer_on = true;
	*hpet(HPET_T0_COMPARE) = ticks;
	/* A time that is past, or passes meanwhile, would wait for the counter to wrap. */
	for (uint64_t ahead = 16; (now = *hpet(HPET_COUNTER)) >= ticks; ahead *= 2) {
		ticks = now + ahead;
		*hpet(HPET_T0_COMPARE) = ticks;
	}
}

void timer_fired(void)
{
	armed_ns = ~0ull;
	clock_read(arch_tsc());        /* it is past what was waited for, and so is the clock */
}

static unsigned cmos(unsigned reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned from_bcd(unsigned value, unsigned status)
{
	return status & 4 ? value : (value >> 4) * 10 + (value & 15);
}

/* Days from 1970 to the first of March of a year, by the civil calendar. */
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static uint64_t read_wall(void)
{
	unsigned status = cmos(0x0B), second, minute, hour, day, month, year;

	while (cmos(0x0A) & 0x80)
		;
	second = from_bcd(cmos(0), status);
	minute = from_bcd(cmos(2), status);
	hour = from_bcd(cmos(4) & 0x7F, status);
	day = from_bcd(cmos(7), status);
	month = from_bcd(cmos(8), status);
	year = 2000 + from_bcd(cmos(9), status);
	return ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

/* Read at boot, of which the clock may be far ahead by then: this is the wall clock when it stood at 0. */
uint64_t arch_wall_seconds(void)
{
	return wall_seconds - base_ns / 1000000000;
}

void arch_tsc_trap(void)
{
	uint64_t cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	if (!(cr4 & CR4_TSD))
		__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_TSD));
}

/*
 * Programs compute times from differences of the processor's count, which began anew with the machine.  So from
 * now on rdtsc traps (CR4.TSD), and trap.c answers with a count that goes on too.  Nanoseconds and ticks go on from
 * one pair, both with what has passed since time_init: else their quotient, from which lengths of a tick are
 * computed, would be wrong by the time that the start took.
 */
void arch_time_continue(uint64_t now_ns, uint64_t tsc, uint64_t tsc_user)
{
	base_ns = now_ns;
	read_mult = 0;                 /* the next one reads */
	tsc_before = tsc;
	tsc_origin = tsc_user - tsc;
	arch_tsc_trap();
}

void time_init(void)
{
	period_fs = *hpet(HPET_ID) >> 32;
	KCHECK(18, period_fs != 0 && period_fs <= 100000000, "the machine has an HPET at 0xFED00000");
	ns_per_tick = period_fs % 1000000 ? 0 : period_fs / 1000000;
	*hpet(HPET_CONFIG) = 0;
	*hpet(HPET_COUNTER) = 0;
	*hpet(HPET_T0_CONFIG) = 0;
	/* Both count from the same moment: programs compute the length of a tick from their quotient. */
	*hpet(HPET_CONFIG) = HPET_ENABLE | HPET_LEGACY;
	tsc_origin = tsc_first = arch_tsc();
	wall_seconds = read_wall();
}

/* ---- the two 8259 interrupt controllers --------------------------------------------------- */

#define PIC1 0x20
#define PIC2 0xA0
#define ELCR 0x4D0
#define VECTOR_BASE 32

static uint16_t masked = 0xFFFF;

static void masks_write(void)
{
	outb(PIC1 + 1, masked);
	outb(PIC2 + 1, masked >> 8);
}

void pic_init(void)
{
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, VECTOR_BASE);
	outb(PIC2 + 1, VECTOR_BASE + 8);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);
	outb(PIC2 + 1, 1);
	masked = 0xFFFF & ~(1u << 2) & ~1u;
	masks_write();
}

void arch_irq_mask(unsigned line, bool mask)
{
	masked = mask ? masked | 1u << line : masked & ~(1u << line);
	masks_write();
}

/* Whether the line interrupts for as long as a device holds it up: the firmware's choice (ELCR, PIIX3 data sheet 2.5). */
int pic_level(unsigned line)
{
	return inb(ELCR + line / 8) >> line % 8 & 1;
}

bool irq_masked(unsigned line)
{
	return masked >> line & 1;
}

void pic_eoi(unsigned line)
{
	if (line >= 8)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
}

/* Lines 7 and 15 also report noise: then the in-service bit is not set. */
int pic_spurious(unsigned line)
{
	if (line != 7 && line != 15)
		return 0;
	outb(line == 7 ? PIC1 : PIC2, 0x0B);
	if (inb(line == 7 ? PIC1 : PIC2) & 0x80)
		return 0;
	if (line == 15)
		outb(PIC1, 0x20);
	return 1;
}
