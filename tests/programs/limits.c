/*
 * limits.c - what happens at and past the limits: arguments, paths, links, descriptors.
 *
 * Prints one line for each attempt with the error's name, so that the lines can be compared with
 * those of another system.  Runs in an empty directory of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
	fflush(stdout);
}

/* Runs `true` of this program (argv[1] "end") with `count` arguments of `size` bytes each. */
static void try_exec(const char *what, size_t count, size_t size)
{
	char **argv = calloc(count + 3, sizeof *argv), *text = malloc(size + 1), *envp[] = { NULL };
	int status;
	pid_t child;

	memset(text, 'a', size);
	text[size] = 0;
	argv[0] = "limits";
	argv[1] = "end";
	for (size_t i = 0; i < count; i++)
		argv[i + 2] = text;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		execve("/proc/self/exe", argv, envp);
		_exit(errno == E2BIG ? 99 : 98);
	}
	waitpid(child, &status, 0);
	printf("%s: %s %d\n", what, WIFEXITED(status) ? "status" : "signal",
	       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	free(argv);
	free(text);
}

static void try_arguments(void)
{
	try_exec("a few arguments", 10, 10);
	try_exec("1000 arguments of 100 bytes", 1000, 100);
	try_exec("one argument of 131071 bytes", 1, 131071);
	try_exec("one argument of 131072 bytes", 1, 131072);
	try_exec("one argument of 10 MB", 1, 10000000);
	try_exec("10 arguments of 100000 bytes", 10, 100000);
	try_exec("100 arguments of 100000 bytes", 100, 100000);
	try_exec("a million arguments", 1000000, 4);
}

static char path[70000];

/* A path of exactly `length` bytes that leads to the file "f" by way of many dots. */
static const char *dotted(size_t length)
{
	size_t at = 0;

	while (at + 3 <= length) {
		memcpy(path + at, "./", 2);
		at += 2;
	}
	while (at + 1 < length)
		path[at++] = '/';
	path[at++] = 'f';
	path[at] = 0;
	return path;
}

static const char *named(size_t length)
{
	memset(path, 'n', length);
	path[length] = 0;
	return path;
}

static void try_paths(void)
{
	struct stat st;
	char line[64];
	static const size_t lengths[] = { 4094, 4095, 4096, 4097, 5000, 65535, 65536 };

	close(open("f", O_WRONLY | O_CREAT, 0644));
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		snprintf(line, sizeof line, "stat of a path of %zu", lengths[i]);
		tell(line, stat(dotted(lengths[i]), &st));
		snprintf(line, sizeof line, "open of a path of %zu", lengths[i]);
		int fd = open(dotted(lengths[i]), O_RDONLY);
		tell(line, fd);
		close(fd);
	}
	tell("a name of 255", mkdir(named(255), 0755));
	tell("again", mkdir(named(255), 0755));
	tell("removed", rmdir(named(255)));
	tell("a name of 256", mkdir(named(256), 0755));
	tell("rename to 256", rename("f", named(256)));
	tell("link target of 4095", symlink(named(4095), "long"));
	tell("link target of 4096", symlink(named(4096), "longer"));
	tell("through the long one", stat("long", &st));
	tell("empty path", stat("", &st));
	tell("file as a directory", stat("f/x", &st));
	tell("file with a slash", stat("f/", &st));
	tell("execute a directory", execve(".", (char *[]){ "x", NULL }, (char *[]){ NULL }));
	tell("execute a text", execve("f", (char *[]){ "x", NULL }, (char *[]){ NULL }));
	tell("execute a path of 5000", execve(dotted(5000), (char *[]){ "x", NULL }, (char *[]){ NULL }));
	tell("getcwd in 1 byte", getcwd(line, 1) ? 0 : -1);
}

static void try_links(void)
{
	struct stat st;
	char name[16], target[16];

	tell("loop", symlink("loop", "loop"));
	tell("round the loop", stat("loop", &st));
	close(open("l0", O_WRONLY | O_CREAT, 0644));
	for (int i = 1; i <= 42; i++) {
		snprintf(name, sizeof name, "l%d", i);
		snprintf(target, sizeof target, "l%d", i - 1);
		if (symlink(target, name))
			perror(name);
	}
	tell("39 links", stat("l39", &st));
	tell("40 links", stat("l40", &st));
	tell("41 links", stat("l41", &st));
	for (int i = 0; i < 60; i++)
		if (mkdir("deep", 0755) || chdir("deep"))
			perror("deep");
	tell("60 deep", stat("../../../../../../../..", &st));
	printf("the path has %d parts\n", (int)(getcwd(path, sizeof path) ? strlen(strstr(path, "/deep")) / 5 : 0));
}

static void try_descriptors(void)
{
	struct rlimit few = { 200, 200 };
	int fd, last = -1, ends[2];

	tell("at most 200 descriptors", setrlimit(RLIMIT_NOFILE, &few));
	while ((fd = dup(0)) >= 0)
		last = fd;
	printf("last descriptor %d: %s\n", last, strerror(errno));
	tell("pipe with none left", pipe(ends));
	tell("open with none left", open("f", O_RDONLY));
	for (fd = 3; fd <= last; fd++)
		close(fd);
	tell("dup2 to 100000", dup2(0, 100000));
	tell("dup2 to -1", dup2(0, -1));
	tell("close of 500", close(500));
	tell("read of -1", read(-1, path, 1));
	tell("seek before the start", lseek(open("/proc/self/exe", O_RDONLY), -1, SEEK_SET));
	tell("write to a reader", write(3, "x", 1));
	tell("truncate to -1", truncate("f", -1));
	tell("seek on a pipe", pipe(ends) ? -1 : lseek(ends[0], 0, SEEK_SET));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "end"))
		return 0;
	try_arguments();
	try_paths();
	try_links();
	try_descriptors();
	return 0;
}
