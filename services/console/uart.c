/*
 * uart.c - see uart.h.
 *
 * The line is edge-triggered: an edge that comes while it is masked may be lost, so
 * uart_rearm looks at the status once more after unmasking.
 */
#include "uart.h"
#include <keros/irq.h>
#include "ports.h"

#define UART_BASE 0x3F8u
#define UART_LINE 4u
#define UART_FIFO 16u

enum uart_register { UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_MCR = 4, UART_LSR = 5 };
enum { IER_RECEIVE = 1, IER_TRANSMIT = 2, LSR_DATA = 1, LSR_EMPTY = 32 };

static bool enabled_transmit;

static uint8_t uart_in(unsigned reg)
{
	return (uint8_t)port_in(UART_BASE + reg, 1);
}

static void uart_out(unsigned reg, uint8_t value)
{
	port_out(UART_BASE + reg, 1, value);
}

bool uart_start(void)
{
	if (irq_bind(CR_IRQ, UART_LINE, CR_DEVICE_NOTICE) != RC_OK)
		return false;
	uart_out(UART_FCR, 0x07);              /* FIFOs on and empty */
	uart_out(UART_LCR, 0x03);              /* eight bits, no parity; the speed is as the kernel left it */
	uart_out(UART_MCR, 0x0B);              /* DTR, RTS, and OUT2, which gates the interrupt */
	uart_out(UART_IER, IER_RECEIVE);
	irq_enable(CR_IRQ, UART_LINE);
	return true;
}

bool uart_lost(void)
{
	return !(uart_in(UART_IER) & IER_RECEIVE);
}

void uart_service(void (*received)(const uint8_t *bytes, size_t n))
{
	uint8_t bytes[256];
	size_t n = 0;

	uart_in(UART_FCR);                     /* reading it acknowledges a transmit interrupt */
	while (uart_in(UART_LSR) & LSR_DATA) {
		bytes[n++] = uart_in(UART_DATA);
		if (n == sizeof bytes) {
			received(bytes, n);
			n = 0;
		}
	}
	if (n)
		received(bytes, n);
}

size_t uart_put(const uint8_t *bytes, size_t n)
{
	size_t done = 0;

	while (done < n && (uart_in(UART_LSR) & LSR_EMPTY))
		for (unsigned i = 0; i < UART_FIFO && done < n; i++)
			uart_out(UART_DATA, bytes[done++]);
	return done;
}

bool uart_rearm(bool want_output)
{
	if (want_output != enabled_transmit) {
		uart_out(UART_IER, want_output ? IER_RECEIVE | IER_TRANSMIT : IER_RECEIVE);
		enabled_transmit = want_output;
	}
	irq_enable(CR_IRQ, UART_LINE);
	return !(uart_in(UART_LSR) & (LSR_DATA | (want_output ? LSR_EMPTY : 0)));
}
