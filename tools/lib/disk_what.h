/* disk_what.h - see disk_what.c. */
#ifndef LIB_DISK_WHAT_H
#define LIB_DISK_WHAT_H

enum disk_blank {
	DISK_BLANK,                    /* zero from end to end */
	DISK_UNMADE,                   /* a store that was being made when its maker was killed: nothing is in it */
	DISK_OTHER,                    /* something that may be of use to somebody */
};
enum disk_blank disk_blank(int fd);
/* By a file's first frame, what it is for certain; NULL: nobody knows. */
const char *disk_what(const void *frame);
#endif
