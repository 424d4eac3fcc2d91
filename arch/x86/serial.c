/*
 * serial.c - the first serial line (16550) as the kernel's log, and the end of the machine.
 */
#include "arch.h"
#include "x86.h"

#define COM1 0x3F8
#define DEBUG_EXIT 0xF4

void serial_init(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80);
	outb(COM1 + 0, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 2, 0xC7);
	outb(COM1 + 4, 0x0B);
}

static void put(char c)
{
	for (unsigned tries = 0; !(inb(COM1 + 5) & 0x20) && tries < 100000; tries++)
		;
	outb(COM1, c);
}

void arch_log_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

/* QEMU's isa-debug-exit ends with (status << 1) | 1; elsewhere the machine is reset, which -no-reboot turns into an end. */
void arch_power_off(unsigned status)
{
	__asm__ volatile("outl %0, %w1" : : "a"(status), "Nd"(DEBUG_EXIT));
	outb(0xCF9, 0x0E);
	outb(0x64, 0xFE);
	for (;;)
		__asm__ volatile("cli; hlt");
}
