/*
 * hello.c - the smallest program that still does what a real one does: it is
 * loaded by exec, initialises its libc and prints a line.  posix/process.c times it.
 */
#include <stdio.h>

int main(void)
{
	puts("hello");
	return 0;
}
