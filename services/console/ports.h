/*
 * ports.h - the console's capability registers, and I/O ports through the ioport capability.
 *
 * Registers 8..12 are filled by prime (README.md); the others are the console's own.
 */
#ifndef CONSOLE_PORTS_H
#define CONSOLE_PORTS_H
#include <keros/abi.h>
#include <keros/ioport.h>

enum console_register {
	CR_IRQ = CR_APP0, CR_IOPORT, CR_PHYSMEM, CR_TIMER, CR_DISCRIM,
	CR_DEVICE_NOTICE,              /* to ourselves: the device's interrupt */
	CR_ALARM_NOTICE,               /* to ourselves: the alarm for VTIME */
	CR_ROOT,                       /* our memory tree */
	CR_WATCHERS,                   /* WATCHER_NODES registers: watchers by stream number */
	CR_FINISHERS = CR_WATCHERS + 5, /* resume capabilities by session */
	CR_OPENED,                     /* the stream that open answers with, until the reply */
};
#define WATCHER_NODES 5u
_Static_assert((int)CR_OPENED < (int)CR_TMP3, "the registers above are everybody's scratch");

static inline uint32_t port_in(uint64_t port, unsigned size)
{
	uint64_t value = ~0ull;

	ioport_in(CR_IOPORT, port, size, &value);
	return (uint32_t)value;
}

static inline void port_out(uint64_t port, unsigned size, uint32_t value)
{
	ioport_out(CR_IOPORT, port, size, value);
}
#endif
