/*
 * picture.c - see picture.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/picture.h"

/* A program that ends before it has read all says by its status why, so that is no error here, nor a signal. */
static void feed(int to, const struct buffer *input)
{
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	size_t done = 0;

	while (done < input->length) {
		ssize_t n = write(to, input->data + done, input->length - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	signal(SIGPIPE, before);
}

/* Its complaints have gone to standard error. */
struct buffer program_output(char *const argv[], const struct buffer *input)
{
	struct buffer b;
	int in[2], out[2], status;
	pid_t child;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (child = fork()) < 0)
		die("cannot start %s: %s", argv[0], strerror(errno));
	if (child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(in[0]);
	close(out[1]);
	if (input)
		feed(in[1], input);
	close(in[1]);
	b = read_all(out[0], argv[0]);
	close(out[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		die("%s is not installed; run ./configure, which installs it", argv[0]);
	if (status)
		exit(1);
	return b;
}

int picture_write(const struct buffer *dot, const char *output)
{
	const char *suffix = output ? strrchr(output, '.') : ".dot";
	struct buffer picture;

	if (!suffix || !strstr(".dot .svg .png .pdf ", xasprintf("%s ", suffix)))
		misuse("-o %s: a picture's name ends in .svg, .png, .pdf or .dot", output);
	if (!output) {
		write_all(1, dot->data, dot->length, "standard output");
		return 0;
	}
	picture = *dot;
	if (strcmp(suffix, ".dot") != 0) {
		char *argv[] = { "dot", xasprintf("-T%s", suffix + 1), NULL };

		picture = program_output(argv, dot);
	}
	write_file(output, picture.data, picture.length);
	return 0;
}
