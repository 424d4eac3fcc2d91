/*
 * poll.h - events of the Unix device interface.
 */
#ifndef _H_poll
#define _H_poll
#define POLLIN     0x0001
#define POLLPRI    0x0002
#define POLLOUT    0x0004
#define POLLERR    0x0008
#define POLLHUP    0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLNORM   POLLRDNORM
#define POLLWRNORM POLLOUT
#define POLLRDBAND 0x0080
#define POLLWRBAND 0x0100

struct pollfd {
	int fd;
	short events, revents;
};

#endif
