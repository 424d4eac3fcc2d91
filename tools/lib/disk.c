/*
 * disk.c - see disk.h.  The formats and their checker are the kernel's own (kernel/store).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "lib/disk.h"
#include "lib/disk_what.h"
#include "lib/util.h"
#include "object/layout.h"
#include "store/format.h"
#include "store/store.h"

#define LOG_SHARE      8               /* one part in so many of the disk is log */
#define LOG_FRAMES_MAX (1u << 20)      /* what a kernel on a small machine can keep track of */
#define JOURNAL_FRAMES 1024
#define LOCK_TRIES     40
#define LOCK_TRIES_LEFT 1200           /* a minute */
#define HOST_FULL_BYTES (1u << 20)
#define LOCK_WAIT_US   50000

static void put_frame(int fd, uint64_t frame, const void *data, const char *path)
{
	if (pwrite(fd, data, DISK_FRAME, (off_t)(frame * DISK_FRAME)) != DISK_FRAME)
		die("%s: %s while the store is made", path, strerror(errno));
}

/* Where small checkpoints go has its blocks from the beginning: else the host finds them one by one, in the first of them. */
static void seats_fill(int fd, const struct disk_super *super, const char *path)
{
	static const uint8_t zero[SEAT_STEP * DISK_FRAME];
	uint64_t at = super->log_first * (uint64_t)DISK_FRAME, end = at + seats_end(super) * DISK_FRAME;

	for (; at < end; at += sizeof zero)
		if (pwrite(fd, zero, sizeof zero, (off_t)at) != sizeof zero)
			die("%s: %s while the store is made", path, strerror(errno));
}

static void disk_make(int fd, const char *path, uint64_t size)
{
	static uint64_t frame[DISK_FRAME / 8];
	struct disk_super super;
	uint64_t at, total = size / DISK_FRAME, log = total / LOG_SHARE, id;

	if (getrandom(&id, sizeof id, 0) != sizeof id)
		die("no random number for the store's name: %s", strerror(errno));
	if (ftruncate(fd, (off_t)size))
		die("%s: cannot be made %" PRIu64 " MiB long: %s", path, size >> 20, strerror(errno));
	super_plan(&super, total, log < LOG_FRAMES_MAX ? log : LOG_FRAMES_MAX, JOURNAL_FRAMES, id);
	seats_fill(fd, &super, path);
	/* The super block last: a file that is only half made is not taken for a store. */
	for (unsigned i = 0; (at = store_format(&super, i, frame)) != STORE_FORMAT_END; i++) {
		if (at == SUPER_FRAME)
			fsync(fd);
		put_frame(fd, at, frame, path);
	}
	fsync(fd);
	note("%s: a new store of %" PRIu64 " MiB", path, size >> 20);
}

/* Why the file holds no store that this build can use; NULL: it does. */
static char *super_refusal(const void *frame, uint64_t frames, struct disk_super *super)
{
	switch (super_look(frame, frames, super)) {
	case SUPER_GOOD:
		return NULL;
	case SUPER_SHORT:
		return xasprintf("is cut short: it has %" PRIu64 " of %" PRIu64 " MiB", frames >> 8, super->disk_frames >> 8);
	case SUPER_VERSION:
		return xasprintf("holds a store of version %u, and this build knows %u to %u (doc/upgrade.md)", super->version,
				 STORE_VERSION_OLDEST, STORE_VERSION);
	case SUPER_DAMAGED:
		return xstrdup("holds a store whose super block is damaged (C310)");
	default:
		if (disk_what(frame))
			return xasprintf("holds no store but %s", disk_what(frame));
		return xstrdup("holds no store");
	}
}

/* The first frame; what the file does not have is zero. */
static void frame_read(int fd, uint8_t *frame)
{
	ssize_t n = pread(fd, frame, DISK_FRAME, 0);

	memset(frame + (n > 0 ? n : 0), 0, DISK_FRAME - (size_t)(n > 0 ? n : 0));
}

static bool image_read(void *context, uint64_t frame, void *data)
{
	return pread(*(int *)context, data, DISK_FRAME, (off_t)(frame * DISK_FRAME)) == DISK_FRAME;
}

static void image_quiet(void *context, int condition, uint64_t where)
{
	(void)context, (void)condition, (void)where;
}

/* Nobody's work is in it. */
static bool system_ended(const uint64_t *root)
{
	return root[ROOT_LAYOUT] > 3 && root[ROOT_MARK] == MARK_ENDED;
}

/* The system in the image goes on, or begins anew because nobody's work is in it, or is refused. */
static void system_go_on(int fd, const char *path, uint64_t programs)
{
	struct store_reader reader = { .context = &fd, .read = image_read, .report = image_quiet };
	struct disk_super super;
	struct disk_header header;
	const uint64_t *root = header.root;
	const char *why;
	bool ended, others;

	reader.frames = (uint64_t)lseek(fd, 0, SEEK_END) / DISK_FRAME;
	if (!store_header(&reader, &super, &header) || root[ROOT_LAYOUT] == 0)
		return;                /* the kernel says what is wrong; or nothing is in it yet */
	why = layout_judge(root);
	ended = system_ended(root);
	others = root[ROOT_PROGRAMS] != programs;
	if (ended && (why || others)) {
		note("%s: its last command had ended, and the build is another: a new system begins in it", path);
		if (ftruncate(fd, 0))
			die("%s: %s", path, strerror(errno));
		disk_make(fd, path, super.disk_frames * DISK_FRAME);
	} else if (why) {
		die("%s %s; it is left as it is. Go on with the build that made it, or give another file; see doc/upgrade.md",
		    path, why);
	} else if (!ended) {
		note("%s goes on where it was: generation %u, at most %" PRIu64 " of %" PRIu64 " MiB were ever in use; its command runs on, and no other is started%s",
		     path, header.generation,
		     root[ROOT_HIGH] >> 8, root[ROOT_RANGE_END] >> 8,
		     others ? "; with the programs it was started with, which are not this build's" : "");
	}
}

/* Whether the command that locked the file is gone: then only its QEMU has it still, and is ending. */
static bool lock_is_left(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	struct stat st;
	char line[256];
	bool left = false;

	if (!locks || fstat(fd, &st))
		st.st_ino = 0;
	while (locks && fgets(line, sizeof line, locks)) {
		unsigned long long inode;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%llu", &pid, &inode) == 2 && inode == st.st_ino && pid > 0)
			left = kill(pid, 0) && errno == ESRCH;
	}
	if (locks)
		fclose(locks);
	return left;
}

/* A machine whose command was killed is gone a moment later; on a busy host that may be a long one. */
static bool lock_take(int fd, int kind)
{
	for (unsigned i = 0; i < LOCK_TRIES || (i < LOCK_TRIES_LEFT && lock_is_left(fd)); i++) {
		if (flock(fd, kind | LOCK_NB) == 0)
			return true;
		usleep(LOCK_WAIT_US);
	}
	return false;
}

/* A file without a super block: a store is made in it if nobody's work is in there.  False: something else may be. */
static bool disk_renew(int fd, const char *path, uint64_t length, uint64_t size)
{
	enum disk_blank blank = disk_blank(fd);

	if (blank == DISK_OTHER)
		return false;
	if (blank == DISK_BLANK && length != 0 && !size)
		die("%s holds nothing but zeroes; to make a store in it give its size too: --disk-size 4G", path);
	if (!size)
		size = length >= DISK_SIZE_MIN ? length : DISK_SIZE_DEFAULT;
	if (length != 0 && ftruncate(fd, 0))
		die("%s: %s", path, strerror(errno));
	disk_make(fd, path, size);
	return true;
}

int disk_use(const char *path, uint64_t size, uint64_t programs)
{
	static uint8_t frame[DISK_FRAME];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct disk_super super;
	struct stat st;
	char *why;

	if (fd < 0 || fstat(fd, &st))
		die("%s: %s; give a file that can be written", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("%s is not an ordinary file; --disk takes an image file", path);
	if (!lock_take(fd, LOCK_EX))
		die("%s is in use by another machine; stop that first, or give another file", path);
	frame_read(fd, frame);
	if (frame_is_zero(frame) && disk_renew(fd, path, (uint64_t)st.st_size, size))
		return fd;
	if ((why = super_refusal(frame, (uint64_t)st.st_size / DISK_FRAME, &super)))
		die("%s %s; it is left as it is. Give another file, or one that does not exist, and it is made", path, why);
	if (size && size / DISK_FRAME != super.disk_frames)
		die("%s has %" PRIu64 " MiB already; leave out --disk-size, or give another file", path,
		    super.disk_frames * DISK_FRAME >> 20);
	system_go_on(fd, path, programs);
	return fd;
}

void disk_why(const char *path)
{
	struct statvfs host;

	if (statvfs(path, &host) == 0 && (uint64_t)host.f_bavail * host.f_frsize < HOST_FULL_BYTES)
		note("the host's file system that %s is on is full. Make room there and start again: the system goes on from what was saved",
		     path);
	else
		note("see what the host says of the disk that %s is on, and: keros store %s. A new start goes on from what was saved",
		     path, path);
}

/* ---- checking offline ----------------------------------------------------------------------- */

static const char *const condition_names[] = {
	[C310_SUPER - 310] = "super block", [C311_HEADER - 310] = "header", [C312_DIR - 310] = "directory chain",
	[C313_DIR_ONCE - 310] = "an object named twice", [C314_ENTRY - 310] = "directory entry",
	[C315_LOG_ONCE - 310] = "a log frame with two owners", [C320_VERSION - 310] = "version in the log",
	[C321_TAG - 310] = "tag", [C322_HOME - 310] = "home", [C323_HOME_NEWER - 310] = "home newer than the header",
	[C326_JOURNAL - 310] = "journal record",
};

/* Holes of a sparse file. */
static bool image_hole(void *context, uint64_t first, uint64_t count)
{
	off_t data = lseek(*(int *)context, (off_t)(first * DISK_FRAME), SEEK_DATA);

	return data < 0 ? errno == ENXIO : data >= (off_t)((first + count) * DISK_FRAME);
}

static void image_report(void *context, int condition, uint64_t where)
{
	unsigned i = condition - 310;
	const char *name = i < sizeof condition_names / sizeof *condition_names ? condition_names[i] : NULL;

	(void)context;
	printf("C%d %s: %" PRIu64 "\n", condition, name ? name : "condition", where);
}

static void verdict_print(const struct store_verdict *v, const uint64_t *root, bool sound)
{
	printf("generation      %u\n", v->generation);
	if (root[ROOT_LAYOUT])
		printf("system          of layout %" PRIu64 "; its command %s\nroom            %" PRIu64 " of %" PRIu64
		       " MiB were ever in use, %" PRIu64 " never; %" PRIu64 " MiB hold something now\n", root[ROOT_LAYOUT],
		       system_ended(root) ? "has ended" : "goes on", root[ROOT_HIGH] >> 8, root[ROOT_RANGE_END] >> 8,
		       (root[ROOT_RANGE_END] >> 8) - (root[ROOT_HIGH] >> 8), v->filled >> 8);
	printf("objects         %" PRIu64 " pages, %" PRIu64 " frames of nodes, %" PRIu64 " processes\n", v->kinds[2],
	       v->kinds[3], v->kinds[4]);
	printf("in the log      %" PRIu64 " objects; %" PRIu64 " of %" PRIu64 " frames used\n", v->in_log, v->log_used,
	       v->log_frames);
	printf("homes           %" PRIu64 " of %" PRIu64 " used\n", v->in_homes, v->homes);
	printf("journal         %u records\n", v->journal_records);
	if (v->older_header)
		puts("one header is damaged: the generation may not be the newest that was committed");
	if (sound)
		puts("sound");
	else
		printf("VIOLATED        %" PRIu64 " conditions\n", v->broken);
}

static void verdict_json(const struct store_verdict *v, const uint64_t *root, bool sound)
{
	printf("{\"generation\":%u,\"pages\":%" PRIu64 ",\"pots\":%" PRIu64 ",\"processes\":%" PRIu64 ",\"in_log\":%" PRIu64
	       ",\"log_used\":%" PRIu64 ",\"log_frames\":%" PRIu64 ",\"homes_used\":%" PRIu64 ",\"homes\":%" PRIu64
	       ",\"journal\":%u,\"older_header\":%s,\"layout\":%" PRIu64 ",\"ended\":%s,\"mib_used\":%" PRIu64 ",\"mib\":%" PRIu64
	       ",\"mib_filled\":%" PRIu64 ",\"broken\":%" PRIu64 ",\"sound\":%s}\n",
	       v->generation, v->kinds[2], v->kinds[3], v->kinds[4], v->in_log, v->log_used, v->log_frames, v->in_homes,
	       v->homes, v->journal_records, v->older_header ? "true" : "false", root[ROOT_LAYOUT],
	       system_ended(root) ? "true" : "false", root[ROOT_HIGH] >> 8, root[ROOT_RANGE_END] >> 8, v->filled >> 8, v->broken,
	       sound ? "true" : "false");
}

/* Why there is nothing to check in that file; NULL: there is, and nobody else writes it until the file is closed. */
static char *report_refusal(int fd, struct stat *st)
{
	static uint8_t frame[DISK_FRAME];
	struct disk_super super;

	if (fd < 0 || fstat(fd, st))
		return xasprintf("cannot be opened: %s", strerror(errno));
	if (!S_ISREG(st->st_mode))
		return xstrdup("is not an ordinary file; give the image file of a system");
	if (st->st_size == 0)
		return xstrdup("is empty; a machine started with --disk makes a store in it");
	if (!lock_take(fd, LOCK_SH))
		return xstrdup("is in use by a machine; what it holds changes. Stop that first: keros stop");
	frame_read(fd, frame);
	return super_refusal(frame, (uint64_t)st->st_size / DISK_FRAME, &super);
}

int disk_report(const char *path, bool json)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);        /* a pipe's other end is not waited for */
	struct store_reader reader = { .context = &fd, .read = image_read, .never_written = image_hole,
				       .report = json ? image_quiet : image_report };
	struct store_verdict verdict = { 0 };
	struct disk_super super;
	struct disk_header header = { 0 };
	struct stat st;
	char *why = report_refusal(fd, &st);

	if (why) {
		note("%s %s", path, why);
		return 2;
	}
	reader.frames = (uint64_t)st.st_size / DISK_FRAME;
	uint64_t *map = xcalloc(reader.frames / 64 + 1, 8), *seen = xcalloc(reader.frames / 64 + 1, 8);

	if (!store_verify(&reader, map, seen, &verdict))
		die("%s cannot be read any more", path);
	reader.report = image_quiet;           /* what is wrong has been told */
	store_header(&reader, &super, &header);
	free(map);
	free(seen);
	close(fd);
	(json ? verdict_json : verdict_print)(&verdict, header.root, verdict.broken == 0);
	return verdict.broken ? 1 : 0;
}
