/*
 * fileserver.c - serves the files of a folder over a local socket, as HTTP/1.0; and fetches from one.
 *
 *	fileserver SOCKET FOLDER COUNT        answers COUNT requests and ends
 *	fileserver --get SOCKET PATH          prints what the server sends
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "fileserver: %s: %s\n", what, strerror(errno));
	return 1;
}

static struct sockaddr_un at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, path, sizeof a.sun_path - 1);
	return a;
}

static void answer(int c, int folder)
{
	char request[1024] = { 0 }, *path, *end, buffer[4096];
	ssize_t n = read(c, request, sizeof request - 1);
	int f = -1;

	path = n > 5 && strncmp(request, "GET /", 5) == 0 ? request + 5 : NULL;
	if (path && (end = strpbrk(path, " \r\n")))
		*end = 0;
	if (path && !strstr(path, ".."))
		f = openat(folder, path, O_RDONLY);
	if (f < 0) {
		dprintf(c, "HTTP/1.0 404 Not Found\r\n\r\n");
		return;
	}
	dprintf(c, "HTTP/1.0 200 OK\r\n\r\n");
	while ((n = read(f, buffer, sizeof buffer)) > 0)
		if (write(c, buffer, n) != n)
			break;
	close(f);
}

static int serve(const char *name, const char *root, int count)
{
	struct sockaddr_un a = at(name);
	int l = socket(AF_UNIX, SOCK_STREAM, 0), folder = open(root, O_RDONLY | O_DIRECTORY), c;

	if (folder < 0)
		return die(root);
	unlink(name);
	if (bind(l, (void *)&a, sizeof a) || listen(l, 8))
		return die(name);
	for (; count > 0; count--) {
		if ((c = accept(l, NULL, NULL)) < 0)
			return die("accept");
		answer(c, folder);
		close(c);
	}
	unlink(name);
	return 0;
}

/* The server may still be starting. */
static int get(const char *name, const char *path)
{
	struct sockaddr_un a = at(name);
	char buffer[4096];
	ssize_t n;

	for (int tries = 0; tries < 500; tries++) {
		int c = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(c, (void *)&a, sizeof a) == 0) {
			dprintf(c, "GET %s HTTP/1.0\r\n\r\n", path);
			while ((n = read(c, buffer, sizeof buffer)) > 0)
				fwrite(buffer, 1, n, stdout);
			return fflush(stdout) != 0;
		}
		close(c);
		usleep(10000);
	}
	return die(name);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--get") == 0)
		return get(argv[2], argv[3]);
	if (argc == 4)
		return serve(argv[1], argv[2], atoi(argv[3]));
	fprintf(stderr, "usage: fileserver SOCKET FOLDER COUNT | fileserver --get SOCKET PATH\n");
	return 2;
}
