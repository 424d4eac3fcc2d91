/*
 * program.h - how a program of the dialect ends, stops, doubles.
 */
#ifndef _H_program
#define _H_program
#include "keykos.h"

void exit(unsigned long code);         /* the domain and its memory go back; CALLER hears the code */
void crash(const char *why);           /* traps to the domain keeper */

#endif
