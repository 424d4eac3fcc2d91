/*
 * image.h - a raw disk that boots by GRUB, under BIOS and under UEFI.
 */
#ifndef TOOLS_IMAGE_H
#define TOOLS_IMAGE_H
#include "lib/machine.h"

/* Writes it to path, with the boot pack of that run in it; dies with a sentence if a tool that it needs is not there. */
void image_write(const char *path, const struct run *r);

#endif
