/*
 * native.h - what every native program has beside libc: its start words, the log, its end.
 */
#ifndef KEROS_NATIVE_H
#define KEROS_NATIVE_H
#include <stddef.h>
#include <stdint.h>

extern uint64_t start_words[4];             /* rdi, rsi, rdx, r10 as the maker set them */
void native_log(const char *text, size_t length);  /* to CR_LOG; nothing happens without one */
/* Answers the capability in CR_RETURN with the status in word 0, and waits for ever. */
__attribute__((noreturn)) void native_exit(int status);
#endif
