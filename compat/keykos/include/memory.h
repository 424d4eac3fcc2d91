/*
 * memory.h - another name of string.h.
 */
#include <string.h>
