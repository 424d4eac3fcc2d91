/*
 * errno.h - another name of sys/errno.h.
 */
#include <sys/errno.h>
