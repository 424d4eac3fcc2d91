/*
 * record_call.c - which way each call is recorded, by its number.
 */
#include <stdio.h>
#include <string.h>
#include "record_inner.h"

#define CLOCKS 8u                      /* that the shim counts */

static void note_signal(struct proc *p, int pid, int sig, long result)
{
	struct proc *to = pid > 0 ? proc_find(pid) : NULL;
	char text[64];

	if (pid == p->pid || (to && to == p))
		return;
	snprintf(text, sizeof text, "%s%s%s, signal %d",
		 pid > 0 ? to && to->parent == p ? "child " : p->parent && pid == p->parent->pid ? "parent " : "process " :
		 pid == -1 ? "everybody" : "process group",
		 to ? to->comm : "", pid > 0 && !to ? "that is not there" : "", sig);
	record_note_text(p, RECORD_SIGNAL, USE_SEND, text, result);
}

const char *record_clock_name(uint64_t clock)
{
	static const char *const names[] = {
		"real time", "monotonic", "process time", "thread time", "monotonic", "real time", "monotonic", "monotonic",
		"real time", "monotonic",
	};

	return clock < sizeof names / sizeof *names ? names[clock] : "another clock";
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

enum how {
	H_NONE, H_OPEN, H_STAT, H_ATTR, H_ATTR_FD, H_WRITE, H_READLINK, H_ENTER, H_CREATE, H_DELETE, H_RENAME, H_LINK,
	H_LIST, H_EXEC, H_MAP, H_KILL, H_TGKILL, H_CLOCK, H_TIME, H_SLEEP, H_SET_TIME, H_TIMER, H_RANDOM, H_IDENTITY,
	H_BECOME, H_RESOURCE, H_SPAWN, H_HOST,
};

/* By number; what is not here uses only what was opened or belongs to the process itself. */
static const uint8_t how[512] = {
	[2] = H_OPEN, [85] = H_OPEN, [257] = H_OPEN, [4] = H_STAT, [6] = H_STAT, [21] = H_STAT, [137] = H_STAT,
	[262] = H_STAT, [269] = H_STAT, [332] = H_STAT, [439] = H_STAT, [89] = H_READLINK, [267] = H_READLINK,
	[90] = H_ATTR, [92] = H_ATTR, [94] = H_ATTR, [132] = H_ATTR, [235] = H_ATTR, [260] = H_ATTR, [261] = H_ATTR,
	[268] = H_ATTR, [280] = H_ATTR, [91] = H_ATTR_FD, [93] = H_ATTR_FD, [76] = H_WRITE, [80] = H_ENTER, [81] = H_ENTER,
	[83] = H_CREATE, [88] = H_CREATE, [133] = H_CREATE, [258] = H_CREATE, [259] = H_CREATE, [266] = H_CREATE,
	[84] = H_DELETE, [87] = H_DELETE, [263] = H_DELETE, [82] = H_RENAME, [264] = H_RENAME, [316] = H_RENAME,
	[86] = H_LINK, [265] = H_LINK, [78] = H_LIST, [217] = H_LIST, [59] = H_EXEC, [322] = H_EXEC, [9] = H_MAP,
	[62] = H_KILL, [129] = H_KILL, [200] = H_KILL, [234] = H_TGKILL, [228] = H_CLOCK, [229] = H_CLOCK, [96] = H_TIME,
	[201] = H_TIME, [35] = H_SLEEP, [230] = H_SLEEP, [164] = H_SET_TIME, [227] = H_SET_TIME, [37] = H_TIMER,
	[38] = H_TIMER, [100] = H_CLOCK, [318] = H_RANDOM, [39] = H_IDENTITY, [102] = H_IDENTITY, [104] = H_IDENTITY,
	[107] = H_IDENTITY, [108] = H_IDENTITY, [110] = H_IDENTITY, [111] = H_IDENTITY, [115] = H_IDENTITY,
	[118] = H_IDENTITY, [120] = H_IDENTITY, [121] = H_IDENTITY, [124] = H_IDENTITY, [186] = H_IDENTITY,
	[105] = H_BECOME, [106] = H_BECOME, [109] = H_BECOME, [112] = H_BECOME, [113] = H_BECOME, [114] = H_BECOME,
	[116] = H_BECOME, [117] = H_BECOME, [119] = H_BECOME, [126] = H_BECOME, [161] = H_BECOME, [97] = H_RESOURCE,
	[98] = H_RESOURCE, [140] = H_RESOURCE, [141] = H_RESOURCE, [160] = H_RESOURCE, [203] = H_RESOURCE,
	[204] = H_RESOURCE, [302] = H_RESOURCE, [56] = H_SPAWN, [57] = H_SPAWN, [58] = H_SPAWN, [435] = H_SPAWN,
	[63] = H_HOST, [99] = H_HOST, [103] = H_HOST, [170] = H_HOST,
};

/* The names of those that are recorded by name. */
static const char *call_text(uint32_t nr)
{
	static const char *const names[] = {
		[39] = "getpid", [102] = "getuid", [104] = "getgid", [107] = "geteuid", [108] = "getegid", [110] = "getppid",
		[111] = "getpgrp", [115] = "getgroups", [118] = "getresuid", [120] = "getresgid", [121] = "getpgid",
		[124] = "getsid", [186] = "gettid", [105] = "setuid", [106] = "setgid", [109] = "setpgid", [112] = "setsid",
		[113] = "setreuid", [114] = "setregid", [116] = "setgroups", [117] = "setresuid", [119] = "setresgid",
		[126] = "capset", [161] = "chroot", [97] = "getrlimit", [98] = "getrusage", [140] = "getpriority",
		[141] = "setpriority", [160] = "setrlimit", [203] = "sched_setaffinity", [204] = "sched_getaffinity",
		[302] = "prlimit64", [56] = "clone", [57] = "fork", [58] = "vfork", [435] = "clone3", [63] = "uname",
		[99] = "sysinfo", [103] = "syslog", [170] = "sethostname",
	};

	return nr < sizeof names / sizeof *names && names[nr] ? names[nr] : "call";
}

static void note_missing(struct proc *p, uint32_t nr)
{
	char text[48];

	snprintf(text, sizeof text, "%u of %d", nr, p->pid);
	record_note_text(p, RECORD_MISSING, USE_CALL, text, -ENOSYS);
	p->misses = true;
}

/* A decoder: one line a way of recording. */
static void note_call(struct proc *p, long result)
{
	uint64_t *a = p->args;
	struct inode *i;

	switch (how[p->nr]) {
	case H_NONE: return;
	case H_OPEN: record_note_open(p, p->nr == 2 ? a[1] : p->nr == 85 ? 01101 : a[2], result); return;
	case H_STAT: record_note_walk(p, 0, USE_STAT, result); return;
	case H_READLINK:
		/* EINVAL tells that it is no link: that is what stat would have told. */
		record_note_walk(p, 0, result == -EINVAL ? USE_STAT : USE_FOLLOW, result == -EINVAL ? 0 : result);
		return;
	case H_ATTR: record_note_walk_or_fd(p, USE_ATTR, a[0], result); return;
	case H_ATTR_FD: record_note_walk_or_fd(p, USE_ATTR, a[0], result); return;
	case H_WRITE: record_note_walk(p, 0, USE_WRITE, result); return;
	case H_ENTER: record_note_walk_or_fd(p, USE_ENTER, a[0], result); return;
	case H_CREATE: record_note_walk(p, 0, USE_CREATE, result); return;
	case H_DELETE: record_note_walk(p, 0, USE_DELETE, result); return;
	case H_RENAME: record_note_rename(p, result); return;
	case H_LINK: record_note_walk(p, 0, USE_ATTR, result), record_note_walk(p, 1, USE_CREATE, result); return;
	case H_LIST: record_note_listing(p, a[0], result); return;
	case H_EXEC: if (result < 0 && result != NOREPLY) record_note_walk(p, 0, USE_EXEC, result); return;
	case H_MAP:
		if (result > 0 && (a[2] & 4) && !(a[3] & 0x20) && (i = record_inode_of(p, a[4])))
			record_note_inode(p, USE_MAP, i, 0);
		return;
	case H_KILL: note_signal(p, a[0], a[1], result); return;
	case H_TGKILL: note_signal(p, a[1], a[2], result); return;
	case H_CLOCK:
		record_note_text(p, RECORD_CLOCK, USE_READ, p->nr == 100 ? "process time" : record_clock_name(a[0]), result);
		return;
	case H_TIME: record_note_text(p, RECORD_CLOCK, USE_READ, "real time", result); return;
	case H_SLEEP: record_note_text(p, RECORD_CLOCK, USE_SLEEP, "sleep", 0); return;
	case H_SET_TIME: record_note_text(p, RECORD_CLOCK, USE_SET, "real time", result); return;
	case H_TIMER: record_note_text(p, RECORD_CLOCK, USE_SLEEP, "alarm", result); return;
	case H_RANDOM: record_note_text(p, RECORD_RANDOM, USE_READ, "getrandom", result); return;
	case H_IDENTITY: record_note_text(p, RECORD_IDENTITY, USE_READ, call_text(p->nr), result); return;
	case H_BECOME: record_note_text(p, RECORD_IDENTITY, USE_SET, call_text(p->nr), result); return;
	case H_HOST: record_note_text(p, RECORD_IDENTITY, p->nr == 170 ? USE_SET : USE_READ, call_text(p->nr), result); return;
	case H_RESOURCE: record_note_text(p, RECORD_RESOURCE, USE_CALL, call_text(p->nr), result); return;
	case H_SPAWN: if (result != -ENOSYS) record_note_text(p, RECORD_PROCESS, USE_SPAWN, "child", result); return;
	}
}

void record_call(struct proc *p, long result)
{
	if (result == -ENOSYS)
		note_missing(p, p->nr);
	if (p->nr < sizeof how && how[p->nr])
		note_call(p, result);
	if (p->walked[0] || p->walked[1])
		record_walked_drop(p);
}

void record_shim(struct proc *p)
{
	uint32_t *counts = record_shim_counts(p);

	for (unsigned clock = 0; counts && clock < CLOCKS; clock++) {
		struct record *r;
		const char *name = record_clock_name(clock);
		uint32_t n = counts[clock];

		counts[clock] = 0;
		/* The first went to the server, and was counted there. */
		if (n > 1 && (r = record_note(p, RECORD_CLOCK, USE_READ, 0, name, strlen(name))))
			r->count += n - 2;
	}
}
