/*
 * command.h - what the files of the command interpreter share: its registers, its names, its jumps.
 */
#ifndef KEYKOS_COMMAND_H
#define KEYKOS_COMMAND_H
#include <stdbool.h>
#include <stdint.h>
#include <keros/inv.h>

enum { R_DIRECTORY = 8, R_CONSOLE, R_TIMER, R_INPUT, R_OUTPUT, R_NAMES, R_KEY, R_SEND = 16, R_RECV = 20, R_SPACE = 24 + 4 };

/* A key under its name; false: it was said that there is none. */
bool key_fetch(const char *name, cap_t to);
void key_store(const char *name, cap_t key);
/* The next word, or a parenthesis as a whole; NULL at the end. */
char *word_cut(char **text);
void out(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What is wrong with the command, with its line. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* CALL of R_KEY: the code. */
uint32_t jump(struct msg *m);
/* A word of the header of a program's segment; 0 if it is none. */
uint32_t header_word(cap_t segment, unsigned offset);

void command_womb(char *rest);
#endif
