/*
 * file.c - rows: names and contents of files, in memory and (disk_*, run with --dir on a disk, only when asked for by
 * name) where they must survive a loss of power.
 *
 * Invariant: a row has one file, made by its setup and removed by its teardown; the rows that create and remove one
 * themselves use new_path.
 */
#define _GNU_SOURCE
#include "row.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_BYTES 100
#define BIG_MIB     64

int open_fd = -1;
char file_path[256];
static char new_path[256];

int make_file(size_t size_bytes)
{
	snprintf(file_path, sizeof file_path, "%s/bench.file", work_dir);
	open_fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (open_fd < 0)
		return -1;
	while (size_bytes) {
		size_t part = size_bytes < MIB ? size_bytes : MIB;

		if (write(open_fd, data, part) != (ssize_t)part)
			return -1;
		size_bytes -= part;
	}
	return 0;
}

static int setup_small_file(void) { return make_file(SMALL_BYTES); }
static int setup_page_file(void)  { return make_file(PAGE); }
static int setup_mib_file(void)   { return make_file(MIB); }
static int setup_big_file(void)   { return make_file((size_t)BIG_MIB * MIB); }

void teardown_fd(void)
{
	close(open_fd);
}

void teardown_file(void)
{
	close(open_fd);
	unlink(file_path);
}

/* ---- names ---- */

static int stat_once(void)
{
	struct stat st;

	return stat(file_path, &st);
}
COUNT_EACH(run_stat, stat_once)

static int check_stat(void)
{
	struct stat st;

	return !stat(file_path, &st) && st.st_size == SMALL_BYTES ? 0 : fail("wrong size");
}

static int open_close_once(void)
{
	int fd = open(file_path, O_RDONLY);

	return fd < 0 || close(fd) ? -1 : 0;
}
COUNT_EACH(run_open_close, open_close_once)

static int setup_new_path(void)
{
	snprintf(new_path, sizeof new_path, "%s/bench.new", work_dir);
	unlink(new_path);
	return 0;
}

static int create_unlink_once(void)
{
	int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL, 0644);

	return fd < 0 || close(fd) || unlink(new_path) ? -1 : 0;
}
COUNT_EACH(run_create_unlink, create_unlink_once)

static int create_write_read_unlink_once(void)
{
	int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, data, PAGE) != PAGE || pread(fd, other, PAGE, 0) != PAGE)
		return -1;
	return close(fd) || unlink(new_path) ? -1 : 0;
}
COUNT_EACH(run_create_write_read_unlink, create_write_read_unlink_once)

/* ---- contents ---- */

static int write_page_once(void) { return pwrite(open_fd, data, PAGE, 0) == PAGE ? 0 : -1; }
static int read_page_once(void)  { return pread(open_fd, other, PAGE, 0) == PAGE ? 0 : -1; }
static int write_mib_once(void)  { return pwrite(open_fd, data, MIB, 0) == MIB ? 0 : -1; }
static int read_mib_once(void)   { return pread(open_fd, other, MIB, 0) == MIB ? 0 : -1; }
COUNT_EACH(run_write_page, write_page_once)
COUNT_EACH(run_read_page, read_page_once)
COUNT_EACH(run_write_mib, write_mib_once)
COUNT_EACH(run_read_mib, read_mib_once)

/* ---- what must survive a loss of power ---- */

/* `iters` times a page is changed and made durable, the next page of the file each time, `pages` of them in turn. */
static int fsync_pages(unsigned iters, off_t at, unsigned pages)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		data[0]++;
		if (pwrite(open_fd, data, PAGE, at + (off_t)(i % pages) * PAGE) != PAGE || fsync(open_fd))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_fsync_page(unsigned iters)
{
	return fsync_pages(iters, 0, 4);
}

/* The file grows each time, so its size has to be made durable too. */
static int run_fsync_append(unsigned iters)
{
	return fsync_pages(iters, lseek(open_fd, 0, SEEK_END), iters);
}

/* As many bytes are written over and made durable; none of them is zero, and none stays. */
static int sync_big(unsigned iters, bool writing_counts)
{
	static unsigned char round;

	for (unsigned i = 0; i < iters; i++) {
		memset(data, 1 + round++ % 255, MIB);
		if (writing_counts)
			clock_start();
		for (unsigned at = 0; at < BIG_MIB; at++)
			if (pwrite(open_fd, data, MIB, (off_t)at * MIB) != MIB)
				return -1;
		if (!writing_counts)
			clock_start();
		if (fsync(open_fd))
			return -1;
		clock_stop();
	}
	return 0;
}

static int run_write_sync_big(unsigned iters) { return sync_big(iters, true); }
static int run_sync_big(unsigned iters)       { return sync_big(iters, false); }

const struct row file_rows[] = {
	{ "syscall_stat", 500, 5, setup_small_file, run_stat, teardown_file, check_stat },
	{ "syscall_open_close", 500, 5, setup_small_file, run_open_close, teardown_file, NULL },
	{ 0 },
};

const struct row tmpfs_rows[] = {
	{ "tmpfs_create_unlink", 200, 5, setup_new_path, run_create_unlink, NULL, NULL },
	{ "tmpfs_create_w4k_r4k_unlink", 200, 5, setup_new_path, run_create_write_read_unlink, NULL, NULL },
	{ "tmpfs_write_4KiB", 500, 5, setup_page_file, run_write_page, teardown_file, NULL },
	{ "tmpfs_read_4KiB", 500, 5, setup_page_file, run_read_page, teardown_file, NULL },
	{ "tmpfs_write_1MiB", 10, 5, setup_mib_file, run_write_mib, teardown_file, NULL },
	{ "tmpfs_read_1MiB", 10, 5, setup_mib_file, run_read_mib, teardown_file, NULL },
	{ 0 },
};

const struct row disk_rows[] = {
	{ "disk_fsync_4KiB", 100, 5, setup_page_file, run_fsync_page, teardown_file, NULL },
	{ "disk_fsync_append_4KiB", 100, 5, setup_page_file, run_fsync_append, teardown_file, NULL },
	{ "disk_sync_64MiB", 1, 3, setup_big_file, run_sync_big, teardown_file, NULL },
	{ "disk_write_sync_64MiB", 1, 3, setup_big_file, run_write_sync_big, teardown_file, NULL },
	{ 0 },
};
