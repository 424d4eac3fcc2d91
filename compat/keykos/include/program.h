/*
 * program.h - how a program of the dialect ends, stops, doubles.
 */
#ifndef _H_program
#define _H_program
#include "keykos.h"

void exit(unsigned long code);         /* the domain and its memory go back; CALLER hears the code */
void crash(const char *why);           /* traps to the domain keeper */
int fork(void);                        /* 0 in the copy, 1 here, 3 no space; slots 13 to 15 are used up, 15 is its domain key */
int fork1(void);                       /* as fork, but the copy waits until it is started */
void repmem(unsigned long oc, unsigned long ord, unsigned long start);  /* the program whose memory is in slot 14 takes over */

#endif
