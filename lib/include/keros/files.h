/*
 * files.h - what the strings of the directory and file interfaces hold (idl/directory.idl, idl/file.idl).
 */
#ifndef KEROS_FILES_H
#define KEROS_FILES_H
#include <stdint.h>

#define FILES_NAMES     64u            /* of one path */
#define FILES_NAME_MAX  255u
#define FILES_PATH_MAX  4352u
#define FILES_ERROR     0x1000u        /* result code of Linux error n: FILES_ERROR + n */

enum files_open { FILES_READ = 1, FILES_WRITE = 2, FILES_CREATE = 4, FILES_EXCLUSIVE = 8, FILES_CUT = 16, FILES_APPEND = 32 };
enum files_set {
	FILES_SET_MODE = 1, FILES_SET_SIZE = 2, FILES_SET_ATIME = 4, FILES_SET_ATIME_NOW = 8, FILES_SET_MTIME = 16,
	FILES_SET_MTIME_NOW = 32,
};

/* Attributes; mode has Linux's type bits, times are ns since 1970. */
struct file_attr {
	uint32_t mode, uid, gid, links;
	uint64_t rdev, number, size, blocks; /* blocks of 512 bytes */
	int64_t atime_ns, mtime_ns, ctime_ns;
};
_Static_assert(sizeof(struct file_attr) == 72, "attributes are part of the interface");

/* One name of a listing; the next begins right behind the name. */
struct file_entry {
	uint64_t number;
	uint64_t next;                     /* cookie of the place behind it */
	uint8_t type;                      /* Linux's DT_ number */
	uint8_t length;
	char name[];
} __attribute__((packed));
_Static_assert(sizeof(struct file_entry) == 18, "listings are part of the interface");
#endif
