/*
 * process.c - rows: processes that are made, execute a program, and end.
 */
#define _GNU_SOURCE
#include "row.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int saved_stdout = -1;

/* hello's output goes nowhere, and setting that up is not part of what is timed. */
static int setup_hello(void)
{
	int null = open("/dev/null", O_WRONLY);

	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	if (null < 0 || saved_stdout < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	close(null);
	return 0;
}

static void teardown_hello(void)
{
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
}

static int wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : fail("child failed");
}

static int fork_exit_once(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return wait_for(child);
}
COUNT_EACH(run_fork_exit, fork_exit_once)

static int vfork_exit_once(void)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(0);
	return wait_for(child);
}
COUNT_EACH(run_vfork_exit, vfork_exit_once)

static char *hello_argv[] = { "hello", NULL };

static int fork_exec_once(void)
{
	pid_t child = fork();

	if (child == 0) {
		execve(hello_path, hello_argv, environ);
		_exit(127);
	}
	return wait_for(child);
}
COUNT_EACH(run_fork_exec, fork_exec_once)

static int spawn_exec_once(void)
{
	pid_t child;
	int error = posix_spawn(&child, hello_path, NULL, NULL, hello_argv, environ);

	if (error) {
		errno = error;
		return -1;
	}
	return wait_for(child);
}
COUNT_EACH(run_spawn_exec, spawn_exec_once)

const struct row process_rows[] = {
	{ "fork_exit_wait", 20, 5, NULL, run_fork_exit, NULL, NULL },
	{ "vfork_exit_wait", 50, 5, NULL, run_vfork_exit, NULL, NULL },
	{ "fork_exec_wait", 10, 5, setup_hello, run_fork_exec, teardown_hello, NULL },
	{ "spawn_exec_wait", 20, 5, setup_hello, run_spawn_exec, teardown_hello, NULL },
	{ 0 },
};
