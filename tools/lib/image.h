/*
 * image.h - a raw disk that boots by GRUB, under BIOS and under UEFI.
 */
#ifndef TOOLS_IMAGE_H
#define TOOLS_IMAGE_H
#include "lib/machine.h"

void image_write(const char *path, const struct run *r);

#endif
