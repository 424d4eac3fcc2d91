/* trap.ck - a program that traps at its first instruction, and has no keeper. */
#include "keykos.h"
#include "program.h"

char title[] = "TRAP    ";

void factory(void)
{
	*(volatile int *)0xF0000000 = 1;
}
