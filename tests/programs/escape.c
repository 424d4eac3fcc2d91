/*
 * escape.c - attempts to get out of a sandbox, each counted: what was not granted is read, changed, made or learned.
 *
 *	escape files     with --rw W:/w --ro R:/r; the host's folder has a file named `secret` beside both, marked MARK
 *	escape kernel    nothing needed
 *	escape clock     with --clock none and without --random
 *	escape race      as files: names change under way while they are walked
 * A line an attempt: `held NAME` or `ESCAPED NAME`, and last `attempts N escaped M`; status 1 if anything escaped.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARK "SECRET-outside-7391"
#define NOBODY_THERE 2000000001     /* a user that no host has */

static int attempts, escaped;

static void verdict(int out, const char *format, ...)
{
	va_list args;

	attempts++;
	escaped += out != 0;
	printf(out ? "ESCAPED " : "held ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/* Whether what fd gives has the mark; closes it. */
static int leaks(int fd)
{
	char text[4096] = { 0 };
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 && memmem(text, (size_t)n, MARK, strlen(MARK));
}

/* ---- paths that lead out ------------------------------------------------------------------------------- */

static const char *const ways[] = {
	"../secret", "./../secret", "..//secret", "sub/../../secret", "sub/./.././../secret", "sub/deep/../../../secret",
	"../../secret", "../../../../../../../../secret", "up/secret", "up/../secret", "upup/secret", "to_secret", "to_secret/",
	"chain", "absolute", "root/secret", "rootlink", "proc_root/secret", "sub/../up/secret", "dotdot/secret", "self/../../secret",
	"loop/secret", "sub/up2/secret", ".../../secret", "..%2fsecret", "sub//..//..//secret", "./././../secret",
};
#define WAYS (sizeof ways / sizeof ways[0])

static void from_folder(const char *base)
{
	char path[4096];
	int dir = open(base, O_RDONLY | O_DIRECTORY), opath = open(base, O_PATH | O_DIRECTORY);

	for (unsigned i = 0; i < WAYS; i++) {
		snprintf(path, sizeof path, "%s/%s", base, ways[i]);
		verdict(leaks(open(path, O_RDONLY)), "open %s", path);
		verdict(leaks(openat(dir, ways[i], O_RDONLY)), "openat(%s) %s", base, ways[i]);
		verdict(leaks(openat(opath, ways[i], O_RDONLY)), "openat(O_PATH %s) %s", base, ways[i]);
	}
	if (fchdir(dir) == 0)
		for (unsigned i = 0; i < WAYS; i++)
			verdict(leaks(open(ways[i], O_RDONLY)), "in %s open %s", base, ways[i]);
	close(dir);
	close(opath);
	chdir("/");
}

static void out_of_names(const char *host)
{
	char path[4096];
	int fd = open("/w", O_RDONLY | O_DIRECTORY);

	static const char *const prefixes[] = { "", "/proc/self/root", "/proc/self/cwd", "/w/../../..", "/proc/1/root", "/r/.." };

	for (unsigned i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		snprintf(path, sizeof path, "%s%s/secret", prefixes[i], host);
		verdict(leaks(open(path, O_RDONLY)), "open %s", path);
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d/../secret", fd);
	verdict(leaks(open(path, O_RDONLY)), "open %s", path);
	snprintf(path, sizeof path, "/dev/fd/%d/../../secret", fd);
	verdict(leaks(open(path, O_RDONLY)), "open %s", path);
	verdict(leaks((int)syscall(437, fd, "../secret", (uint64_t[3]){ O_RDONLY, 0, 0 }, 24)), "openat2 ../secret");
	verdict(leaks((int)syscall(SYS_open_by_handle_at, AT_FDCWD, (char[64]){ 8, 0, 0, 0, 1 }, O_RDONLY)), "open_by_handle_at");
	/* Links that we make ourselves, to where the host has the secret. */
	static const char *const targets[] = { "../secret", "/../secret", "../../secret", "/proc/self/root/secret" };

	for (unsigned i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		unlink("/w/made");
		symlink(targets[i], "/w/made");
		verdict(leaks(open("/w/made", O_RDONLY)), "our link to %s", targets[i]);
	}
	snprintf(path, sizeof path, "%s/secret", host);
	unlink("/w/made");
	symlink(path, "/w/made");
	verdict(leaks(open("/w/made", O_RDONLY)), "our link to the host's path");
	verdict(link("/w/made", "/w/hard") == 0 && leaks(open("/w/hard", O_RDONLY)), "a hard link to that link");
	verdict(linkat(AT_FDCWD, "/w/made", AT_FDCWD, "/w/hard2", AT_SYMLINK_FOLLOW) == 0, "a hard link through it");
	verdict(link("/w/../secret", "/w/hard3") == 0, "a hard link to ../secret");
	verdict(link("/r/file", "/w/from_r") == 0, "a hard link from what is read to what is written");
	verdict(rename("/w/mine", "/w/../made_outside") == 0 && access("/made_outside", F_OK) != 0, "rename out by ..");
	verdict(rename("/r/file", "/w/taken") == 0, "rename out of what is only read");
	unlink("/w/made");
	symlink("..", "/w/made");
	verdict(rename("/w/mine", "/w/made/planted") == 0 && access("/planted", F_OK) != 0, "rename through our link to ..");
	close(open("/w/made/planted", O_WRONLY | O_CREAT, 0600));
	verdict(access("/planted", F_OK) != 0 && access("/w/made/planted", F_OK) == 0, "create through our link to ..");
	unlink("/w/made");
	snprintf(path, sizeof path, "%s/planted", host);
	symlink(path, "/w/made");
	close(open("/w/made", O_WRONLY | O_CREAT, 0600));
	unlink("/w/made");
	verdict(mkdir("/w/..\\..\\planted", 0700) != 0 && errno != EEXIST && errno != EINVAL, "mkdir with backslashes");
	rmdir("/w/..\\..\\planted");
	close(fd);
}

/* ---- changing what is only read --------------------------------------------------------------------------- */

static void readonly(void)
{
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	int fd = open("/r/file", O_RDONLY), w = open("/w/mine", O_RDWR), dir = open("/r", O_RDONLY | O_DIRECTORY);
	char path[64];
	void *map;

	verdict(open("/r/file", O_WRONLY) >= 0, "ro: open to write");
	verdict(open("/r/file", O_RDWR) >= 0, "ro: open to read and write");
	verdict(open("/r/file", O_RDONLY | O_TRUNC) >= 0, "ro: open O_TRUNC");
	verdict(open("/r/file", O_WRONLY | O_APPEND) >= 0, "ro: open O_APPEND");
	verdict(open("/r/new", O_CREAT | O_WRONLY, 0600) >= 0, "ro: create");
	verdict(open("/r", O_TMPFILE | O_RDWR, 0600) >= 0, "ro: O_TMPFILE");
	verdict(write(fd, "x", 1) > 0, "ro: write to what is open to read");
	verdict(pwrite(fd, "x", 1, 0) > 0, "ro: pwrite");
	verdict(truncate("/r/file", 0) == 0, "ro: truncate");
	verdict(ftruncate(fd, 0) == 0, "ro: ftruncate");
	verdict(fallocate(fd, 0, 0, 100) == 0, "ro: fallocate");
	verdict(chmod("/r/file", 0777) == 0, "ro: chmod");
	verdict(fchmod(fd, 0777) == 0, "ro: fchmod");
	verdict(chown("/r/file", 1, 1) == 0, "ro: chown");
	verdict(fchown(fd, 1, 1) == 0, "ro: fchown");
	verdict(utimensat(AT_FDCWD, "/r/file", now, 0) == 0, "ro: utimensat");
	verdict(futimens(fd, now) == 0, "ro: futimens");
	verdict(unlink("/r/file") == 0, "ro: unlink");
	verdict(unlinkat(dir, "file", 0) == 0, "ro: unlinkat");
	verdict(rmdir("/r/sub") == 0, "ro: rmdir");
	verdict(mkdir("/r/made", 0700) == 0, "ro: mkdir");
	verdict(mkdirat(dir, "made", 0700) == 0, "ro: mkdirat");
	verdict(symlink("x", "/r/made") == 0, "ro: symlink");
	verdict(link("/r/file", "/r/made") == 0, "ro: link");
	verdict(mknod("/r/made", S_IFREG | 0600, 0) == 0, "ro: mknod");
	verdict(mkfifo("/r/made", 0600) == 0, "ro: mkfifo");
	verdict(rename("/r/file", "/r/other") == 0, "ro: rename");
	verdict(rename("/w/mine", "/r/file") == 0, "ro: rename into it");
	verdict(syscall(316, AT_FDCWD, "/w/mine", AT_FDCWD, "/r/file", 2) == 0, "ro: exchange");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	verdict(open(path, O_RDWR) >= 0, "ro: open again through /proc/self/fd");
	verdict(truncate(path, 0) == 0, "ro: truncate through /proc/self/fd");
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	verdict(map != MAP_FAILED, "ro: shared writable mapping");
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	verdict(map != MAP_FAILED && mprotect(map, 4096, PROT_READ | PROT_WRITE) == 0, "ro: mprotect a shared mapping");
	verdict(sendfile(fd, w, NULL, 1) > 0, "ro: sendfile to it");
	verdict(syscall(SYS_copy_file_range, w, NULL, fd, NULL, 1, 0) > 0, "ro: copy_file_range to it");
	verdict(fcntl(fd, F_SETFL, O_RDWR) == 0 && write(fd, "x", 1) > 0, "ro: fcntl to O_RDWR");
	verdict(syscall(SYS_setxattr, "/r/file", "user.x", "y", 1, 0) == 0, "ro: setxattr");
	verdict(mount("/w", "/r", "", MS_BIND, NULL) == 0, "ro: bind mount over it");
	verdict(mount("", "/r", "", MS_REMOUNT, NULL) == 0, "ro: remount");
	/* The file is in /r only; what is in /w under the same name of the host is not. */
	verdict(setuid(65534) == 0 && open("/r/file", O_WRONLY) >= 0, "ro: as another user");
	close(fd);
	close(w);
	close(dir);
}

/* ---- what may not be made, or opened, in a share ------------------------------------------------------------- */

static void special(void)
{
	struct stat st;
	int fd;

	verdict(mknod("/w/null", S_IFCHR | 0666, 0x103) == 0, "make a character device of the host");
	verdict(mknod("/w/sda", S_IFBLK | 0666, 0x800) == 0, "make a block device of the host");
	verdict(mkfifo("/w/fifo2", 0666) == 0, "make a FIFO of the host");
	verdict(mknod("/w/sock2", S_IFSOCK | 0666, 0) == 0, "make a socket of the host");
	fd = open("/w/fifo", O_RDONLY | O_NONBLOCK);
	verdict(fd >= 0, "open a FIFO of the host");
	fd = open("/w/fifo", O_RDWR);
	verdict(fd >= 0, "open a FIFO of the host to write");
	verdict(open("/w/device", O_RDONLY) >= 0, "open a device of the host");
	verdict(open("/w/device", O_RDWR) >= 0, "open a device of the host to write");
	verdict(open("/w/socket", O_RDWR) >= 0, "open a socket of the host");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	verdict(fd >= 0 && connect(fd, (void *)&(struct sockaddr_un){ AF_UNIX, "/w/socket" }, sizeof(struct sockaddr_un)) == 0,
		"connect to a socket of the host");
	close(fd);
	chmod("/w/mine", 06777);
	verdict(stat("/w/mine", &st) == 0 && (st.st_mode & 06000), "set-id bits on a file of the host");
	fd = open("/w/setid", O_CREAT | O_WRONLY, 06777);
	verdict(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 06000), "make a set-id file of the host");
	close(fd);
	verdict(mkdir("/w/setgid", 02777) == 0 && stat("/w/setgid", &st) == 0 && (st.st_mode & 06000), "make a set-gid folder");
	verdict(chown("/w/mine", NOBODY_THERE, NOBODY_THERE) == 0, "give a file of the host away");
	verdict(lchown("/w/to_secret", NOBODY_THERE, NOBODY_THERE) == 0, "give a link of the host away");
	verdict(truncate("/w/to_secret", 0) == 0, "truncate through a link");
	verdict(truncate("/w/fifo", 0) == 0, "truncate a FIFO");
	verdict(chmod("/w/to_secret", 0777) == 0, "chmod through a link that leads out");
	verdict(syscall(SYS_name_to_handle_at, AT_FDCWD, "/w/mine", (int[32]){ 100 }, (int[1]){ 0 }, 0) == 0, "name_to_handle_at");
	verdict(mount("none", "/w", "tmpfs", 0, NULL) == 0, "mount over a share");
	verdict(umount2("/w", MNT_DETACH) == 0, "unmount a share");
	verdict(rename("/w", "/elsewhere") == 0, "rename a mount");
	verdict(rmdir("/w") == 0, "remove a mount");
}

/* ---- names that change under way ------------------------------------------------------------------------------ */

#define ROUNDS 300

static void swapper(const char *a, const char *target)
{
	for (;;) {
		unlink(a);
		rmdir(a);
		symlink(target, a);
		unlink(a);
		mkdir(a, 0700);
	}
}

/* One swaps a name between a folder and a link out; we go through it again and again. */
static void race(const char *host)
{
	static const char *const targets[] = { "..", "../..", "/", "/proc/self/root" };

	for (unsigned t = 0; t <= sizeof targets / sizeof targets[0]; t++) {
		const char *target = t < sizeof targets / sizeof targets[0] ? targets[t] : host;
		int found = 0, planted = 0;
		pid_t child = fork();

		if (child == 0)
			swapper("/w/swap", target);
		for (int i = 0; i < ROUNDS; i++) {
			int fd;

			found |= leaks(open("/w/swap/secret", O_RDONLY));
			fd = open("/w/swap/planted", O_CREAT | O_WRONLY, 0600);
			if (fd >= 0) {
				close(fd);
				unlink("/w/swap/planted");
			}
			if (chdir("/w/swap") == 0) {
				found |= leaks(open("../secret", O_RDONLY)) | leaks(open("../../secret", O_RDONLY));
				chdir("/");
			}
		}
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		unlink("/w/swap");
		rmdir("/w/swap");
		verdict(found, "a name that changes to a link to %s: read", target);
		verdict(planted, "a name that changes to a link to %s: write", target);
	}
	/* A folder moves while somebody is in it. */
	mkdir("/w/a", 0700);
	mkdir("/w/a/b", 0700);
	mkdir("/w/c", 0700);
	pid_t child = fork();
	if (child == 0)
		for (;;) {
			rename("/w/a/b", "/w/c/b");
			rename("/w/c/b", "/w/a/b");
		}
	int found = 0;
	for (int i = 0; i < ROUNDS; i++) {
		if (chdir("/w/a/b") && chdir("/w/c/b"))
			continue;
		found |= leaks(open("../../../secret", O_RDONLY)) | leaks(open("../../../../secret", O_RDONLY));
		found |= leaks(openat(AT_FDCWD, "../../secret", O_RDONLY));
		chdir("/");
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	verdict(found, "a folder that moves under one who is in it");
}

/* ---- the machine and the kernel -------------------------------------------------------------------------------- */

static sigjmp_buf back;

static void caught(int sig)
{
	siglongjmp(back, sig);
}

/* Whether the statement is run to its end without a signal. */
#define SURVIVES(statement) (sigsetjmp(back, 1) == 0 ? ((void)({ statement; }), 1) : 0)

static void instructions(void)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP };
	uint64_t table[2] = { 0 };

	for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], caught);
	verdict(SURVIVES(__asm__ volatile("cli")), "cli");
	verdict(SURVIVES(__asm__ volatile("hlt")), "hlt");
	verdict(SURVIVES(__asm__ volatile("inb $0x60, %%al" : : : "rax")), "in");
	verdict(SURVIVES(__asm__ volatile("outb %%al, $0xf4" : : "a"(1))), "out to the exit port");
	verdict(SURVIVES(__asm__ volatile("outl %%eax, %%dx" : : "a"(0x80000000), "d"(0xCF8))), "out to PCI");
	verdict(SURVIVES(__asm__ volatile("mov %%cr0, %%rax" : : : "rax")), "read cr0");
	verdict(SURVIVES(__asm__ volatile("mov %%cr3, %%rax" : : : "rax")), "read cr3");
	verdict(SURVIVES(__asm__ volatile("mov %%rax, %%cr4" : : "a"(0))), "write cr4");
	verdict(SURVIVES(__asm__ volatile("mov %%dr7, %%rax" : : : "rax")), "read dr7");
	verdict(SURVIVES(__asm__ volatile("rdmsr" : : "c"(0xC0000082) : "rax", "rdx")), "rdmsr");
	verdict(SURVIVES(__asm__ volatile("wrmsr" : : "c"(0xC0000082), "a"(0), "d"(0))), "wrmsr");
	verdict(SURVIVES(__asm__ volatile("lgdt %0" : : "m"(table))), "lgdt");
	verdict(SURVIVES(__asm__ volatile("lidt %0" : : "m"(table))), "lidt");
	verdict(SURVIVES(__asm__ volatile("ltr %%ax" : : "a"(8))), "ltr");
	verdict(SURVIVES(__asm__ volatile("invd")), "invd");
	verdict(SURVIVES(__asm__ volatile("wbinvd")), "wbinvd");
	verdict(SURVIVES(__asm__ volatile("swapgs")), "swapgs");
	verdict(SURVIVES(__asm__ volatile("sysretq" : : "c"(0))), "sysret");
	verdict(SURVIVES(__asm__ volatile("int $0x80" : : "a"(1))), "int 0x80");
	verdict(SURVIVES(__asm__ volatile("int $0x20")), "a hardware vector by int");
	verdict(SURVIVES(__asm__ volatile("rdpmc" : : "c"(0) : "rax", "rdx")), "rdpmc");
	verdict(SURVIVES(__asm__ volatile("xsetbv" : : "c"(0), "a"(1), "d"(0))), "xsetbv");
	static const uint64_t addresses[] = { 0xFFFFFFFF80000000, 0xFFFF800000000000, 0xFFFFFFFF80100000, 0xFFFFFE0000000000, 0 };

	for (volatile unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		verdict(SURVIVES((void)*(volatile uint64_t *)addresses[i]), "read %#lx", (unsigned long)addresses[i]);
		verdict(SURVIVES(*(volatile uint64_t *)addresses[i] = 1), "write %#lx", (unsigned long)addresses[i]);
	}
	verdict(SURVIVES(*(volatile uint64_t *)0xF00000E000 = 1), "write the shim's text");
	verdict(mprotect((void *)0xF00000E000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0, "mprotect the shim's text");
	verdict(munmap((void *)0xF00000E000, 4096) == 0, "unmap the shim");
	verdict(mmap((void *)0xF00000E000, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED, "map over the shim");
	for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_DFL);
}

/* An invocation by hand: the result code. */
static uint64_t invoke(unsigned reg, uint32_t order, unsigned op)
{
	uint64_t rax = (uint64_t)order << 32 | 0xCA000000u | op | reg;
	register uint64_t r10 __asm__("r10") = 0;
	register uint64_t r8 __asm__("r8") = 0;
	register uint64_t r9 __asm__("r9") = 0;

	__asm__ volatile("syscall" : "+a"(rax), "+r"(r10), "+r"(r8), "+r"(r9) : "D"(0), "S"(0), "d"(0) : "rcx", "r11", "memory");
	return rax >> 32;
}

static void capabilities(void)
{
	unsigned held = 0;

	/* Register 1 is the server; all others must be void, whatever the order. */
	for (unsigned reg = 2; reg < 32; reg++)
		for (uint32_t order = 0; order < 24; order++)
			if (invoke(reg, order, 0) != 0x80000001u)
				held = reg;
	verdict(held, "a capability register that is not void");
	verdict(invoke(0, 1, 0) != 0x80000001u, "register 0");
}

static void calls(void)
{
	struct timespec then = { 1, 0 };
	int ldt[4] = { 0 };
	static char text[4096];

	const struct { int nr; const char *name; uint64_t a, b, c; } list[] = {
		{ SYS_ptrace, "ptrace", PTRACE_ATTACH, 1, 0 }, { SYS_chroot, "chroot", (uint64_t)"/tmp", 0, 0 },
		{ SYS_pivot_root, "pivot_root", (uint64_t)"/", (uint64_t)"/tmp", 0 }, { SYS_unshare, "unshare", CLONE_NEWNS, 0, 0 },
		{ SYS_unshare, "unshare user", 0x10000000, 0, 0 }, { SYS_setns, "setns", 0, 0, 0 },
		{ SYS_init_module, "init_module", 0, 0, 0 }, { 313, "finit_module", 0, (uint64_t)"", 0 },
		{ SYS_kexec_load, "kexec_load", 0, 0, 0 }, { SYS_reboot, "reboot", 0xfee1dead, 672274793, 0x4321fedc },
		{ SYS_iopl, "iopl", 3, 0, 0 }, { SYS_ioperm, "ioperm", 0x60, 1, 1 }, { SYS_swapon, "swapon", (uint64_t)"/tmp/x", 0, 0 },
		{ SYS_acct, "acct", 0, 0, 0 }, { SYS_settimeofday, "settimeofday", 0, 0, 0 },
		{ SYS_clock_settime, "clock_settime", 0, (uint64_t)&then, 0 }, { SYS_adjtimex, "adjtimex", 0, 0, 0 },
		{ SYS_add_key, "add_key", (uint64_t)"user", (uint64_t)"a", (uint64_t)"b" }, { SYS_keyctl, "keyctl", 0, (uint64_t)-3, 0 },
		{ 321, "bpf", 0, 0, 0 }, { 298, "perf_event_open", 0, 0, 0 }, { 323, "userfaultfd", 0, 0, 0 }, { 425, "io_uring_setup", 1, 0, 0 },
		{ SYS_process_vm_readv, "process_vm_readv", 1, 0, 0 }, { SYS_process_vm_writev, "process_vm_writev", 1, 0, 0 },
		{ SYS_quotactl, "quotactl", 0, 0, 0 }, { SYS_nfsservctl, "nfsservctl", 0, 0, 0 }, { SYS_lookup_dcookie, "lookup_dcookie", 0, 0, 0 },
		{ SYS_modify_ldt, "modify_ldt", 1, (uint64_t)ldt, 16 }, { SYS_vhangup, "vhangup", 0, 0, 0 },
		{ SYS_mbind, "mbind", 0, 0, 0 }, { SYS_move_pages, "move_pages", 1, 1, 0 }, { 424, "pidfd_send_signal", 0, 9, 0 },
		{ 438, "pidfd_getfd", 0, 0, 0 }, { 428, "open_tree", (uint64_t)AT_FDCWD, (uint64_t)"/", 1 }, { 430, "fsopen", (uint64_t)"tmpfs", 0, 0 },
		{ SYS_mount, "mount", (uint64_t)"none", (uint64_t)"/tmp", (uint64_t)"tmpfs" }, { SYS_umount2, "umount2", (uint64_t)"/proc", 0, 0 },
	};

	for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++)
		verdict(syscall(list[i].nr, list[i].a, list[i].b, list[i].c, 0, 0, 0) >= 0, "%s", list[i].name);
	/* The kernel's log may be there, and empty. */
	verdict(syscall(SYS_syslog, 3, text, sizeof text) > 0, "syslog");
}

static void others(void)
{
	static const char *const files[] = {
		"/dev/mem", "/dev/kmem", "/dev/port", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/hpet", "/dev/fuse", "/dev/net/tun",
		"/proc/kcore", "/proc/kallsyms", "/proc/kmsg", "/proc/1/mem", "/proc/self/mem/../../1/environ", "/proc/sysrq-trigger",
		"/sys/kernel", "/proc/bus/pci", "/proc/iomem", "/proc/ioports", "/proc/1/fd/0", "/etc/shadow", "/root/.ssh/id_rsa",
	};
	static const int families[] = { AF_INET6, AF_NETLINK, AF_PACKET, 38 /* AF_ALG */, 40 /* AF_VSOCK */, 31 /* AF_BLUETOOTH */ };
	int open_beyond = 0;

	for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
		verdict(open(files[i], O_RDONLY) >= 0, "open %s", files[i]);
	for (unsigned i = 0; i < sizeof families / sizeof families[0]; i++) {
		int fd = socket(families[i], SOCK_DGRAM, 0);
		char address[28] = { (char)families[i] };

		verdict(fd >= 0 && connect(fd, (void *)address, sizeof address) == 0, "a socket of family %d that leads out", families[i]);
	}
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned char host[16] = { AF_INET, 0, 0, 22, 10, 0, 2, 2 };
	verdict(fd >= 0 && connect(fd, (void *)host, sizeof host) == 0, "connect to the host");
	for (int i = 3; i < 1024; i++)
		open_beyond |= i != fd && fcntl(i, F_GETFD) >= 0 && i > 40;
	verdict(open_beyond, "a descriptor that was not opened here");
	verdict(kill(1, SIGTERM) == 0 && getppid() != 1, "kill 1");
	verdict(kill(2000000, 0) == 0, "kill a process of the host");
	verdict(setpriority(PRIO_PROCESS, 1, -20) == 0 && getpriority(PRIO_PROCESS, 1) == -20, "priority of another");
	verdict(mknod("/tmp/mem", S_IFCHR | 0600, 0x101) == 0 && open("/tmp/mem", O_RDONLY) >= 0, "a node for /dev/mem");
	verdict(mknod("/tmp/disk", S_IFBLK | 0600, 0x800) == 0 && open("/tmp/disk", O_RDONLY) >= 0, "a node for a disk");
	verdict(mknod("/tmp/serial", S_IFCHR | 0600, 0x440) == 0 && open("/tmp/serial", O_RDWR) >= 0, "a node for a serial line");
}

static uint64_t counter_read(bool p)
{
	uint32_t low, high;

	if (p)
		__asm__ volatile("rdtscp" : "=a"(low), "=d"(high) : : "rcx");
	else
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static bool counter_moves(bool p)
{
	uint64_t before = counter_read(p);

	for (volatile int i = 0; i < 3000000; i++)
		;
	return counter_read(p) - before > 1000;
}

/* ---- clocks and random numbers ----------------------------------------------------------------------------------- */

static void clocks(void)
{
	static const int signals[] = { SIGSEGV, SIGILL };
	struct timespec ts, sleep = { 0, 30000000 };
	struct timeval tv;
	struct rusage usage[2];
	struct stat st[2];
	uint8_t bytes[8];

	for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], caught);
	for (int clock = 0; clock < 12; clock++)
		verdict(syscall(SYS_clock_gettime, clock, &ts) == 0, "clock_gettime %d", clock);
	for (int clock = -20; clock < 0; clock++)
		if (syscall(SYS_clock_gettime, clock, &ts) == 0)
			verdict(1, "clock_gettime %d", clock);
	verdict(syscall(SYS_gettimeofday, &tv, NULL) == 0, "gettimeofday");
	verdict(syscall(SYS_time, NULL) > 0, "time");
	/* They answer, since loaders ask; but a long loop must not show in the difference. */
	verdict(SURVIVES(counter_read(false)) && counter_moves(false), "rdtsc");
	verdict(SURVIVES(counter_read(true)) && counter_moves(true), "rdtscp");
	verdict(SURVIVES(__asm__ volatile("rdrand %%rax" : : : "rax")), "rdrand");
	verdict(SURVIVES(__asm__ volatile("rdseed %%rax" : : : "rax")), "rdseed");
	verdict(getauxval(AT_SYSINFO_EHDR) != 0, "a vdso");
	verdict(syscall(SYS_getrandom, bytes, sizeof bytes, 0) > 0, "getrandom");
	verdict(open("/dev/urandom", O_RDONLY) >= 0, "/dev/urandom");
	verdict(open("/dev/random", O_RDONLY) >= 0, "/dev/random");
	verdict(mknod("/tmp/random", S_IFCHR | 0600, 0x109) == 0 && read(open("/tmp/random", O_RDONLY), bytes, 8) > 0,
		"a node for /dev/urandom");
	close(open("/tmp/one", O_CREAT | O_WRONLY, 0600));
	nanosleep(&sleep, NULL);
	close(open("/tmp/two", O_CREAT | O_WRONLY, 0600));
	stat("/tmp/one", st);
	stat("/tmp/two", st + 1);
	verdict(st[1].st_mtim.tv_sec != st[0].st_mtim.tv_sec || st[1].st_mtim.tv_nsec - st[0].st_mtim.tv_nsec > 1000000,
		"the time by files that are made");
	getrusage(RUSAGE_SELF, usage);
	for (volatile int i = 0; i < 20000000; i++)
		;
	getrusage(RUSAGE_SELF, usage + 1);
	verdict(memcmp(&usage[0].ru_utime, &usage[1].ru_utime, sizeof usage[0].ru_utime) != 0, "the time by getrusage");
	verdict(times(&(struct tms){ 0 }) > 100, "the time by times");
	/* What every run has alike is no random number: the test compares two runs. */
	const uint8_t *canary = (const uint8_t *)getauxval(AT_RANDOM);
	printf("canary ");
	for (int i = 0; i < 16; i++)
		printf("%02x", canary ? canary[i] : 0);
	printf(" stack %p\n", (void *)&canary);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *host = argc > 2 ? argv[2] : "/host";

	setvbuf(stdout, NULL, _IOFBF, 65536);
	if (!strcmp(what, "files")) {
		from_folder("/w");
		from_folder("/r");
		from_folder("/w/sub");
		out_of_names(host);
		special();
		readonly();
	} else if (!strcmp(what, "race")) {
		race(host);
	} else if (!strcmp(what, "kernel")) {
		capabilities();
		calls();
		others();
		instructions();
	} else if (!strcmp(what, "clock")) {
		clocks();
	} else {
		fprintf(stderr, "usage: escape files|race HOST-FOLDER | kernel | clock\n");
		return 2;
	}
	printf("attempts %d escaped %d\n", attempts, escaped);
	return escaped != 0;
}
