/*
 * panic.c - the end of a program that says no more than that.
 */
#include "program.h"

void Panic(void);

void Panic(void)
{
	crash("panic");
}
