/*
 * disk.h - the image file of a persistent system: made on first use, locked while it is used, checked offline.
 */
#ifndef TOOLS_DISK_H
#define TOOLS_DISK_H
#include <stdbool.h>
#include <stdint.h>

#define DISK_SIZE_DEFAULT (4ull << 30)
#define DISK_SIZE_MIN     (256ull << 20)

/*
 * Opens an image for a machine, formatting a file that is not there or empty; dies with a reason if it holds anything
 * else or another machine has it.  size: bytes, 0 = as it is, or the default.  Returns a descriptor that holds the lock.
 * A system goes on where it was, and a line says so; one that this build cannot go on with is refused.  programs: stamp of
 * the boot pack; an image whose last command has ended begins anew if its programs were others (doc/upgrade.md).
 */
int disk_use(const char *path, uint64_t size, uint64_t programs);

/* A machine's store has stopped: tells what on the host may be the reason, and what to do. */
void disk_why(const char *path);

/* `keros store FILE`: prints what the image holds.  0 sound, 1 a condition is violated, 2 no store at all. */
int disk_report(const char *path, bool json);
#endif
