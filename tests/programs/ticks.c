/*
 * ticks.c - prints the processor's time stamp: with --icount, how many instructions the machine has executed since it
 * was switched on.
 */
#include <stdio.h>
#include <x86intrin.h>

int main(void)
{
	printf("%llu\n", (unsigned long long)__rdtsc());
	return 0;
}
