/*
 * command.h - what the files of the command interpreter share: its registers, its names, its jumps.
 */
#ifndef KEYKOS_COMMAND_H
#define KEYKOS_COMMAND_H
#include <stdbool.h>
#include <stdint.h>
#include <keros/inv.h>

enum { R_DIRECTORY = 8, R_CONSOLE, R_TIMER, R_INPUT, R_OUTPUT, R_NAMES, R_KEY, R_COPY, R_SEND = 16, R_RECV = 20,
       R_SPACE = 24 + 4, R_PAGE, R_FILES };
#ifndef KT
#define KT 0x80000000u
#endif

/* ---- names and variables (main.c) -------------------------------------------------------- */

/* A key under its name; false: it was said that there is none. */
bool key_fetch(const char *name, cap_t to);
bool program_fetch(const char *name, cap_t to);
bool key_known(const char *name);
void key_store(const char *name, cap_t key);
void key_forget(const char *name);
/* Whether it can be a name; if not, it was said why. */
bool name_fits(const char *name);
bool variable_value(const char *name, const uint8_t **bytes, size_t *length);
void variable_store(const char *name, const uint8_t *bytes, size_t length);

/* ---- the console, and where commands come from (main.c) ---------------------------------- */

/* To the console, all of it; at most 511 bytes of out. */
void out(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_bytes(const char *text, size_t length);
/* What is wrong with the command, with its line. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether nothing is left of the command; if something is, it was said so. */
bool words_end(char *rest);
/* The next commands come from the segment in R_KEY, to its end or its first byte 0. */
void file_enter(const char *name);

/* ---- jumps (calls.c) --------------------------------------------------------------------- */

extern uint8_t sent[], received[];
/* CALL of R_KEY, the answer's string in received: the code. */
uint32_t jump(struct msg *m);
void string_show(const uint8_t *bytes, size_t length, int form);

/* ---- segments (makers.c) ----------------------------------------------------------------- */

/* Once, before segment_read; false: the bank is full. */
bool reader_make(void);
/* At most a page of a segment, where it stands until the next call; NULL if it cannot be read. */
const void *segment_read(cap_t segment, uint64_t from, size_t length);
/* A word of the header of a program's segment; 0 if it is none. */
uint32_t header_word(cap_t segment, unsigned offset);

/* ---- commands ---------------------------------------------------------------------------- */

/* Each takes the rest of its line, and says what is wrong with it. */
void command_kc(char *rest);
void command_kfork(char *rest);
void command_kt(char *rest);
void command_cfact(char *rest);
void command_newbank(char *rest);
void command_newmeter(char *rest);
void command_readmeter(char *rest);
void command_datakey(char *rest);
void command_space(char *rest);
void command_checkpoint(char *rest);
void command_cmdfile(char *rest);
void command_womb(char *rest);
#endif
