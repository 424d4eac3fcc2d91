/*
 * victim.c - the program that elfmutate spoils: it prints one line and ends with status 42.
 */
#include <stdio.h>

int main(void)
{
	puts("whole");
	return 42;
}
