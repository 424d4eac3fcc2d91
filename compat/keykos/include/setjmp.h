/*
 * setjmp.h - leaving nested calls at once.
 */
#ifndef _H_setjmp
#define _H_setjmp
extern int setjmp();
extern void longjmp();

typedef long long jmp_buf[11];

#endif
