/*
 * disk_what.c - what a file that was given as an image holds, if it is no store: for whoever has to leave it as it is.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/disk_what.h"
#include "store/format.h"

/* Signatures of what people have in files like these. */
static const struct signature {
	uint16_t at, length;
	const char *bytes, *what;
} signatures[] = {
	{ 0, 4, "QFI\xFB", "a qcow2 image; an image of a store is a raw one" },
	{ 0, 4, "KDMV", "a VMDK image; an image of a store is a raw one" },
	{ 0, 8, "vhdxfile", "a VHDX image; an image of a store is a raw one" },
	{ 0, 4, "\x7F" "ELF", "a program" },
	{ 0, 2, "\x1F\x8B", "a compressed file (gzip)" },
	{ 0, 6, "\xFD" "7zXZ", "a compressed file (xz)" },
	{ 0, 4, "\x28\xB5\x2F\xFD", "a compressed file (zstd)" },
	{ 257, 5, "ustar", "a tar archive" },
	{ 1080, 2, "\x53\xEF", "an ext file system" },
	{ 0, 4, "XFSB", "an XFS file system" },
	{ 510, 2, "\x55\xAA", "a disk with a boot sector, as 'keros image' makes them" },
};

const char *disk_what(const void *frame)
{
	for (unsigned i = 0; i < sizeof signatures / sizeof *signatures; i++)
		if (memcmp((const char *)frame + signatures[i].at, signatures[i].bytes, signatures[i].length) == 0)
			return signatures[i].what;
	return NULL;
}

/* A frame of a store that is being made: the super block, which makes it one, comes last. */
static bool frame_unmade(const uint64_t *frame)
{
	return frame[0] == HEADER_MAGIC;
}

enum disk_blank disk_blank(int fd)
{
	static uint64_t frame[DISK_FRAME / 8];
	enum disk_blank found = DISK_BLANK;
	off_t end = lseek(fd, 0, SEEK_END), at = lseek(fd, 0, SEEK_DATA);

	while (at >= 0 && at < end) {
		off_t hole = lseek(fd, at, SEEK_HOLE);

		for (at -= at % DISK_FRAME; at < hole; at += DISK_FRAME) {
			ssize_t n = pread(fd, frame, sizeof frame, at);

			if (n <= 0)
				return DISK_OTHER;
			memset((char *)frame + n, 0, sizeof frame - (size_t)n);
			if (frame_is_zero(frame))
				continue;
			if (at == 0 || !frame_unmade(frame))
				return DISK_OTHER;
			found = DISK_UNMADE;
		}
		at = lseek(fd, hole, SEEK_DATA);
	}
	return found;
}
