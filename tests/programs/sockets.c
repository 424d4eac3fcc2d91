/*
 * sockets.c - what AF_UNIX sockets promise, said line by line: the same lines on every system.  AF_INET only with "net".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerror(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

static struct sockaddr_un at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, path, sizeof a.sun_path - 1);
	return a;
}

static int short_poll(int fd, int events)
{
	struct pollfd f = { .fd = fd, .events = events };

	return poll(&f, 1, 0) < 0 ? -1 : f.revents;
}

static void pairs(void)
{
	int s[2], n;
	char b[100];

	say("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	say("poll empty", short_poll(s[0], POLLIN | POLLOUT));
	say("write", write(s[0], "hello world", 11));
	say("poll full", short_poll(s[1], POLLIN));
	say("peek", recv(s[1], b, 5, MSG_PEEK));
	say("read", read(s[1], b, 5));
	printf("%.5s\n", b);
	say("rest", read(s[1], b, 100));
	say("nothing", recv(s[1], b, 100, MSG_DONTWAIT));
	say("shutdown", shutdown(s[0], SHUT_WR));
	say("end", read(s[1], b, 100));
	say("back", write(s[1], "x", 1));
	say("after shutdown", send(s[0], "x", 1, MSG_NOSIGNAL));
	close(s[1]);
	say("left", read(s[0], b, 100));
	say("gone", read(s[0], b, 100));
	close(s[0]);
	say("packets", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	send(s[0], "one", 3, 0);
	send(s[0], "three", 5, 0);
	say("packet", n = recv(s[1], b, 2, 0));
	say("packet", n = recv(s[1], b, 100, 0));
	printf("%.*s\n", n, b);
	close(s[0]), close(s[1]);
	/* More than any buffer holds, through a child. */
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	if (fork() == 0) {
		static char block[1000000];

		close(s[1]);
		say("a million", write(s[0], block, sizeof block));
		_exit(0);
	}
	close(s[0]);
	long total = 0;
	while ((n = read(s[1], b, sizeof b)) > 0)
		total += n;
	say("came", total);
	wait(NULL);
	close(s[1]);
	say("odd type", socketpair(AF_UNIX, 77, 0, s));
}

static void names(void)
{
	struct sockaddr_un a = at("here.sock"), got;
	socklen_t length = sizeof got;
	struct stat st;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c, d;
	char b[10];

	say("connect to nothing", connect(l, (void *)&a, sizeof a));
	say("bind", bind(l, (void *)&a, sizeof a));
	say("bind again", bind(l, (void *)&a, sizeof a));
	stat("here.sock", &st);
	printf("type %o\n", st.st_mode & S_IFMT);
	say("open", open("here.sock", O_RDWR));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	say("not listening", connect(c, (void *)&a, sizeof a));
	say("listen", listen(l, 5));
	say("nobody", short_poll(l, POLLIN));
	say("connect", connect(c, (void *)&a, sizeof a));
	say("somebody", short_poll(l, POLLIN));
	write(c, "early", 5);
	d = accept(l, NULL, NULL);
	say("read", read(d, b, 10));
	getsockname(d, (void *)&got, &length);
	printf("%s %d\n", got.sun_path, (int)length);
	length = sizeof got;
	getpeername(d, (void *)&got, &length);
	printf("peer %d\n", (int)length);
	close(l);
	close(d);
	say("after close", read(c, b, 10));
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	say("refused", connect(c, (void *)&a, sizeof a));
	d = socket(AF_UNIX, SOCK_DGRAM, 0);
	unlink("here.sock");
	say("bind datagrams", bind(d, (void *)&a, sizeof a));
	say("wrong type", connect(c, (void *)&a, sizeof a));
	close(c);
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	say("sendto", sendto(c, "dgram", 5, 0, (void *)&a, sizeof a));
	length = sizeof got;
	say("recvfrom", recvfrom(d, b, 10, 0, (void *)&got, &length));
	say("not a socket", connect(1, (void *)&a, sizeof a) < 0 && errno == ENOTSOCK ? 0 : 1);
	close(c), close(d);
	unlink("here.sock");
	a = at("");
	memcpy(a.sun_path, "\0hidden", 7);
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	say("abstract", bind(l, (void *)&a, 2 + 7));
	listen(l, 1);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	say("connect abstract", connect(c, (void *)&a, 2 + 7));
	close(l), close(c);
}

static void descriptors(void)
{
	int s[2], p[2], got = -1;
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, b = 'x';
	struct iovec v = { &b, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	if (pipe(p))
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &p[1], sizeof(int));
	say("send a descriptor", sendmsg(s[0], &m, 0));
	close(p[1]);
	memset(space, 0, sizeof space);
	m.msg_controllen = sizeof space;
	say("receive it", recvmsg(s[1], &m, 0));
	c = CMSG_FIRSTHDR(&m);
	if (c)
		memcpy(&got, CMSG_DATA(c), sizeof got);
	say("write to it", write(got, "through", 7));
	char text[10];
	say("read", read(p[0], text, 10));
	close(got);
	say("closed everywhere", read(p[0], text, 10));
}

static void net(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = htonl(0xC0000201) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	say("connect", connect(s, (void *)&a, sizeof a));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	say("sendto", sendto(s, "x", 1, 0, (void *)&a, sizeof a));
	say("bind", bind(s, (void *)&a, sizeof a));
	say("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "net")) {
		net();
		return 0;
	}
	pairs();
	names();
	descriptors();
	return 0;
}
