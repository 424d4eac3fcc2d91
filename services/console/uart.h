/*
 * uart.h - the first serial line (16550 at 0x3F8, IRQ 4) as a console of raw bytes.
 *
 * The kernel's log goes to the same line; the two share it byte by byte, which is right for
 * a real machine with one cable.
 *
 * Interface
 *   uart_start    takes the line's interrupt; false if it is not ours to take
 *   uart_service  after an interrupt: hands on what has arrived
 *   uart_put      writes what fits now; returns how much that was
 *   uart_rearm    before waiting.  False: something happened meanwhile, call uart_service again
 */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool uart_start(void);
/* The line was reset behind our back: uart_start again. */
bool uart_lost(void);
void uart_service(void (*received)(const uint8_t *bytes, size_t n));
size_t uart_put(const uint8_t *bytes, size_t n);
bool uart_rearm(bool want_output);
#endif
