/*
 * socket.h - the calls of sockets.
 */
#ifndef SOCKET_H
#define SOCKET_H
#include "posix.h"

extern const struct syscall socket_syscalls[];
#endif
