/*
 * identity.c - what setuid and its kin answer and leave, from several beginnings: run on Linux as root and in a sandbox,
 * it prints the same.
 *
 * A line a case: the beginning (real, effective, saved), the call, its result, and the three ids after it.  Each runs in
 * a child of its own, once for users and once for groups; for groups the user stays root or becomes 9.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP (-1)

/* The system's own calls: the C library would have every thread do it. */
static const struct { const char *name; long user, group; int arguments; } calls[] = {
	{ "set", SYS_setuid, SYS_setgid, 1 },
	{ "setre", SYS_setreuid, SYS_setregid, 2 },
	{ "setres", SYS_setresuid, SYS_setresgid, 3 },
};

static const int beginnings[][3] = { { 0, 0, 0 }, { 1, 2, 3 }, { 0, 5, 0 }, { 5, 0, 5 }, { 4, 4, 6 } };
static const int arguments[][3] = {
	{ 0, 0, 0 }, { 2, 1, 3 }, { 3, KEEP, KEEP }, { KEEP, 3, KEEP }, { KEEP, KEEP, 1 }, { 7, 7, 7 }, { KEEP, 4, 4 }, { 1, 5, KEEP },
};

static void try_call(unsigned which, bool group, const int *from, const int *a)
{
	unsigned real, effective, saved;
	long result;

	if (group ? syscall(SYS_setresgid, from[0], from[1], from[2]) || (from[1] && syscall(SYS_setresuid, 9, 9, 9)) :
		    syscall(SYS_setresuid, from[0], from[1], from[2])) {
		puts("this needs root");
		return;
	}
	result = syscall(group ? calls[which].group : calls[which].user, a[0], a[1], a[2]) ? -errno : 0;
	syscall(group ? SYS_getresgid : SYS_getresuid, &real, &effective, &saved);
	printf("%d %d %d %s%cid", from[0], from[1], from[2], calls[which].name, group ? 'g' : 'u');
	for (int i = 0; i < calls[which].arguments; i++)
		printf(" %d", a[i]);
	printf(": %ld, %u %u %u\n", result, real, effective, saved);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (unsigned i = 0; i < 3 * 2 * 5 * 8; i++) {
		pid_t child = fork();

		if (child == 0) {
			try_call(i / 80, i / 40 % 2, beginnings[i / 8 % 5], arguments[i % 8]);
			_exit(0);
		}
		if (child < 0 || waitpid(child, NULL, 0) != child)
			return 1;
	}
	return 0;
}
