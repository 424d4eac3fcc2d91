/*
 * auxv.h - what a Unix program is told at its start.
 */
#ifndef _H_sys_auxv
#define _H_sys_auxv
typedef struct {
	int a_type;
	union {
		long a_val;
		void *a_ptr;
		void (*a_fcn)();
	} a_un;
} auxv_t;

#define AT_NULL   0
#define AT_IGNORE 1
#define AT_EXECFD 2
#define AT_PHDR   3
#define AT_PHENT  4
#define AT_PHNUM  5
#define AT_PAGESZ 6
#define AT_BASE   7
#define AT_FLAGS  8
#define AT_ENTRY  9

#define AT_SUN_UID  2000
#define AT_SUN_RUID 2001
#define AT_SUN_GID  2002
#define AT_SUN_RGID 2003

#endif
