/*
 * pci.h - configuration space of the functions 0 on bus 0, where the machines we run on have their devices.
 */
#ifndef X86_PCI_H
#define X86_PCI_H
#include "arch.h"

static inline uint32_t pci_read(unsigned device, unsigned offset)
{
	arch_port_out(0xCF8, 4, 0x80000000u | device << 11 | (offset & 0xFC));
	return arch_port_in(0xCFC, 4);
}

static inline void pci_write(unsigned device, unsigned offset, uint32_t value)
{
	arch_port_out(0xCF8, 4, 0x80000000u | device << 11 | (offset & 0xFC));
	arch_port_out(0xCFC, 4, value);
}
#endif
