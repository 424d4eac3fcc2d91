/*
 * stdlib.h - what the jump library has of it: nothing but NULL.
 */
#include <stddef.h>
