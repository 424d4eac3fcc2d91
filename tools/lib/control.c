/*
 * control.c - sockets of running machines: making one, finding them, asking.
 *
 * A machine's command listens at DIR/PID, where DIR is that of control_directory, nobody else's to enter.  Beside it
 * PID.disk links to the image that the machine lives in.  A socket has its name only when somebody listens at it; one at
 * which nobody does any more is taken away by whoever finds it.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/control.h"
#include "lib/json.h"

#define ANSWER_SECONDS 120

static char *own_socket, *own_link;

char *control_directory(void)
{
	static const char longest[] = "/keros/" "2147483647" ".new";
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct sockaddr_un address;

	if (runtime && *runtime && strlen(runtime) + sizeof longest <= sizeof address.sun_path && access(runtime, W_OK | X_OK) == 0)
		return xasprintf("%s/keros", runtime);
	return xasprintf("/tmp/keros-%u", (unsigned)getuid());
}

/* NULL: it is not ours alone, and is not used. */
static char *directory(void)
{
	char *path = control_directory();
	struct stat st;

	mkdir(path, 0700);
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == getuid() && !(st.st_mode & 077))
		return path;
	free(path);
	return NULL;
}

static bool address_of(const char *path, struct sockaddr_un *to)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof to->sun_path)
		return false;
	strcpy(to->sun_path, path);
	return true;
}

/* Takes its name away: at every ordinary end. */
static void control_close(void)
{
	if (own_socket) {
		unlink(own_socket);
		unlink(own_link);
	}
	free(own_socket);
	free(own_link);
	own_socket = own_link = NULL;
}

int control_listen(const struct run *r)
{
	char *where = directory(), *image = r->disk ? realpath(r->disk, NULL) : NULL;
	struct sockaddr_un address;
	char *made;
	int fd;

	if (!where)
		return -1;
	own_socket = xasprintf("%s/%d", where, (int)getpid());
	own_link = xasprintf("%s.disk", own_socket);
	made = xasprintf("%s.new", own_socket);
	free(where);
	unlink(made);
	unlink(own_link);
	atexit(control_close);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !address_of(made, &address) || bind(fd, (void *)&address, sizeof address) || listen(fd, 8) ||
	    rename(made, own_socket)) {
		if (fd >= 0)
			close(fd);
		unlink(made);
		control_close();
		fd = -1;
	}
	free(made);
	if (fd >= 0 && image && symlink(image, own_link))
		note("%s: %s; `keros ckpt` will not find the machine by its image", own_link, strerror(errno));
	free(image);
	return fd;
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

struct found {
	pid_t pid;
	char image[PATH_MAX];          /* "" if it has none */
};

/* Whether nobody listens at a socket any more.  The process number does not tell: another may have it now. */
static bool is_abandoned(const char *path, pid_t pid)
{
	struct sockaddr_un address;
	bool refused;
	int fd;

	if (kill(pid, 0) && errno == ESRCH)
		return true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	refused = fd >= 0 && address_of(path, &address) && connect(fd, (void *)&address, sizeof address) &&
		errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

/* The machines that run; the first `limit` of them are told. */
static unsigned machines_find(const char *where, struct found *found, unsigned limit)
{
	DIR *dir = opendir(where);
	struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir))) {
		struct found one = { .pid = (pid_t)atoi(entry->d_name) };
		char *socket_path = xasprintf("%s/%s", where, entry->d_name), *link = xasprintf("%s.disk", socket_path);
		ssize_t n;

		if (isdigit((unsigned char)entry->d_name[0]) && !strchr(entry->d_name, '.')) {
			if (is_abandoned(socket_path, one.pid)) {
				unlink(socket_path);
				unlink(link);
			} else if (count++ < limit) {
				n = readlink(link, one.image, sizeof one.image - 1);
				one.image[n > 0 ? n : 0] = 0;
				found[count - 1] = one;
			}
		}
		free(socket_path);
		free(link);
	}
	if (dir)
		closedir(dir);
	return count;
}

static bool matches(const struct found *f, const char *which)
{
	char *image = realpath(which, NULL);
	bool same = image && strcmp(image, f->image) == 0;
	char *end;

	free(image);
	return same || (strtol(which, &end, 10) == f->pid && !*end);
}

static char *machine_choose(const char *where, const char *which)
{
	static struct found found[64];
	unsigned count = where ? machines_find(where, found, 64) : 0, fits = 0, chosen = 0;

	for (unsigned i = 0; i < count && i < 64; i++)
		if (!which || matches(&found[i], which)) {
			chosen = i;
			fits++;
		}
	if (!count)
		die("no machine runs; start one: keros shell --disk keros.disk");
	if (!fits)
		die("no machine runs with '%s'; give its image file or process number", which);
	if (fits > 1) {
		note("%u machines run; name one, by its image file or process number:", fits);
		for (unsigned i = 0; i < count && i < 64; i++)
			fprintf(stderr, "  %d  %s\n", (int)found[i].pid, found[i].image[0] ? found[i].image : "(no image)");
		exit(2);
	}
	return xasprintf("%s/%d", where, (int)found[chosen].pid);
}

/* The answer as it comes; the line that was given last, as long as taken. */
struct answer {
	int fd;
	struct buffer bytes;
	size_t taken;
};

/* The next line, its end replaced by 0, until the next call; dies if there is none. */
static char *line_read(struct answer *a)
{
	char chunk[4096], *end;

	buffer_drop(&a->bytes, a->taken);
	while (!a->bytes.length || !(end = memchr(a->bytes.data, '\n', a->bytes.length))) {
		ssize_t n = read(a->fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("the machine %s", n < 0 ? "did not answer within two minutes" : "ended before it answered");
		buffer_add(&a->bytes, chunk, (size_t)n);
	}
	*end = 0;
	a->taken = (size_t)(end - (char *)a->bytes.data) + 1;
	return (char *)a->bytes.data;
}

void control_close_machine(struct control *c)
{
	free(c->path);
	*c = (struct control){ 0 };
}

void control_open_machine(struct control *c, const char *which)
{
	char *where = directory();

	c->path = machine_choose(where, which);
	free(where);
}

char *control_request(const struct control *c, const char *verb, control_line *part, void *context)
{
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct answer answer = { .fd = fd };
	char *line, *brace;

	if (fd < 0 || !address_of(c->path, &address) || connect(fd, (void *)&address, sizeof address))
		die("%s: %s; the machine may just be ending", c->path, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	line = xasprintf("%s\n", verb);
	write_all(fd, line, strlen(line), c->path);
	free(line);
	for (;;) {
		line = line_read(&answer);
		brace = strchr(line, '{');
		if (!brace)
			die("the machine's answer is not understood: %s", line);
		if (brace == line || brace[-1] != '+')
			break;
		if (part)
			part(context, brace);
	}
	close(fd);
	line = xstrdup(brace);
	free(answer.bytes.data);
	json_die_of_error(line);
	return line;
}

int control_ckpt(const char *which, bool json)
{
	struct control c;
	char *object;

	control_open_machine(&c, which);
	object = control_request(&c, "ckpt", NULL, NULL);
	control_close_machine(&c);
	if (json) {
		puts(object);
	} else {
		printf("generation %" PRIu64 " is on the disk, after %.1f ms\n", json_number(object, "generation"),
		       (double)json_number(object, "total_ns") / 1e6);
		printf("stopped for      %.3f ms\n", (double)json_number(object, "stop_ns") / 1e6);
		printf("longest step     %.3f ms\n", (double)json_number(object, "longest_step_ns") / 1e6);
		printf("objects written  %" PRIu64 ", checked in %.3f ms\n", json_number(object, "objects_written"),
		       (double)json_number(object, "check_ns") / 1e6);
		printf("frames in use    %" PRIu64 " (%" PRIu64 " MiB), at most %" PRIu64 " ever, of %" PRIu64 "\n",
		       json_number(object, "objects_allocated"), json_number(object, "objects_allocated") >> 8,
		       json_number(object, "objects_used"), json_number(object, "objects_room"));
		printf("log              %" PRIu64 " of %" PRIu64 " frames free\n", json_number(object, "log_free"),
		       json_number(object, "log_frames"));
		if (json_number(object, "objects_lost"))
			printf("CANNOT BE READ   %" PRIu64 " objects so far: who needs one is refused. 'keros store FILE' lists them when the\n"
			       "                 machine has stopped; an older copy of the image may have them\n",
			       json_number(object, "objects_lost"));
	}
	free(object);
	return 0;
}
