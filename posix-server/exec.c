/*
 * exec.c - execve: a file becomes the program of a process.
 *
 * Rules
 *   1. The new memory is built whole beside the old; only when nothing can fail any more is it
 *      put in place.  Until then every error leaves the process as it was.
 *   2. Arguments are copied out of the old memory once, and limited: 128 KiB a string, a quarter
 *      of the stack (2 MiB) together.
 *   3. Whole pages of the file are mapped, so they are linked when touched and never copied; the
 *      tail of the last data page is zeroed in a copy.
 */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <keros/process.h>
#include "elf_check.h"
#include "process.h"
#include "refusal.h"
#include "record.h"

#define STRING_MAX_BYTES 131072u
#define ARGS_MAX_BYTES (STACK_SIZE / 4)
#define SCRIPT_LEVELS 4
#define SCRIPT_LINE 256
#define PAGE_DOWN(n) ((n) & ~(uint64_t)(PAGE_SIZE - 1))
#define PAGE_UP(n) PAGE_DOWN((n) + PAGE_SIZE - 1)

/* What execve found out about the file and where it was put. */
struct image {
	struct mm *mm;
	struct elf_plan plan;
	uint64_t base, interp_base, start;     /* start: where it begins to run */
	const char *path;
};

/* ---- arguments --------------------------------------------------------------------------------- */

static int args_room(struct exec_args *args, size_t n)
{
	size_t size = args->size ? args->size : 4096;
	char *more;

	if (args->length + n > ARGS_MAX_BYTES)
		return -E2BIG;
	while (size < args->length + n)
		size *= 2;
	if (size == args->size)
		return 0;
	more = realloc(args->bytes, size);
	if (!more)
		return -ENOMEM;
	args->bytes = more;
	args->size = size;
	return 0;
}

int exec_arg_add(struct exec_args *args, const char *text)
{
	size_t n = strlen(text) + 1;
	int err = args_room(args, n);

	if (err)
		return err;
	memcpy(args->bytes + args->length, text, n);
	args->length += n;
	return 0;
}

/* Adds one string of user memory. */
static long arg_copy(struct proc *p, struct exec_args *args, uint64_t from)
{
	size_t step = 256;
	long n;

	for (;;) {
		int err = args_room(args, step);

		if (err && step > ARGS_MAX_BYTES - args->length)
			step = ARGS_MAX_BYTES - args->length;
		if (err && (step == 0 || (err = args_room(args, step))))
			return err;
		n = user_string(p, args->bytes + args->length, from, step);
		if (n >= 0)
			break;
		if (n != -ENAMETOOLONG)
			return n;
		if (step >= STRING_MAX_BYTES || args->length + step >= ARGS_MAX_BYTES)
			return -E2BIG;
		step *= 8;
		if (step > STRING_MAX_BYTES)
			step = STRING_MAX_BYTES;
	}
	args->length += n + 1;
	return 0;
}

static long args_copy(struct proc *p, struct exec_args *args, uint64_t list, unsigned *count)
{
	for (*count = 0; list; list += 8) {
		uint64_t at;
		long err;

		if (user_read(p, &at, list, 8))
			return -EFAULT;
		if (!at)
			break;
		/* Each string also costs its pointer on the new stack. */
		if (++*count > ARGS_MAX_BYTES / 16)
			return -E2BIG;
		err = arg_copy(p, args, at);
		if (err)
			return err;
	}
	return 0;
}

/* Puts the words of a script's first line before the arguments, instead of argv[0]. */
static long args_script(struct exec_args *args, char *line, const char *path)
{
	struct exec_args all = { .argc = args->argc, .envc = args->envc };
	char *interp = line + strspn(line, " \t"), *arg;
	size_t skip = args->argc ? strlen(args->bytes) + 1 : 0;
	long err;

	arg = interp + strcspn(interp, " \t");
	if (*arg) {
		*arg++ = 0;
		arg += strspn(arg, " \t");
	}
	err = exec_arg_add(&all, interp);
	if (!err && *arg) {
		err = exec_arg_add(&all, arg);
		all.argc++;
	}
	if (!err)
		err = exec_arg_add(&all, path);
	all.argc += args->argc ? 1 : 2;
	if (!err)
		err = args_room(&all, args->length - skip);
	if (err) {
		free(all.bytes);
		return err;
	}
	memcpy(all.bytes + all.length, args->bytes + skip, args->length - skip);
	all.length += args->length - skip;
	free(args->bytes);
	*args = all;
	return 0;
}

/* ---- mapping a file ---------------------------------------------------------------------------- */

static long map_anonymous(struct mm *mm, uint64_t start, uint64_t end, uint32_t prot, uint32_t flags)
{
	struct vma v = { .start = start, .end = end, .prot = prot, .flags = flags };

	return start < end ? mm_map(mm, &v) : 0;
}

static long map_segment(struct mm *mm, struct inode *file, const struct elf_segment *s, uint64_t base)
{
	uint64_t at = base + s->address, file_end = at + s->bytes, end = PAGE_UP(at + s->memory);
	struct vma v = { .start = PAGE_DOWN(at), .end = PAGE_UP(file_end), .prot = s->prot, .inode = file,
			 .offset = PAGE_DOWN(s->offset) };
	long err = s->bytes ? mm_map(mm, &v) : 0;

	if (!s->bytes)
		v.end = v.start;
	if (!err)
		err = map_anonymous(mm, v.end, end, s->prot, 0);
	if (err || s->bytes == s->memory || !s->bytes || !(s->prot & VMA_WRITE))
		return err;
	return mm_zero(mm, file_end, v.end - file_end) ? -ENOMEM : 0;
}

static long map_elf(struct mm *mm, struct inode *file, const struct elf_plan *plan, uint64_t base)
{
	if (base + plan->high > USER_END)
		return -ENOEXEC;
	for (unsigned i = 0; i < plan->count; i++) {
		long err = map_segment(mm, file, &plan->segment[i], base);

		if (err)
			return err;
	}
	return 0;
}

static long read_plan(struct inode *file, const uint8_t *head, struct elf_plan *plan)
{
	uint8_t phdrs[ELF_HEADERS_MAX * ELF_PHDR_SIZE];
	uint64_t size = inode_size(file);
	size_t n;

	if (elf_header(head, size, plan))
		return -ENOEXEC;
	n = plan->phnum * ELF_PHDR_SIZE;
	if (inode_pread(file, phdrs, n, plan->phoff) != (long)n)
		return -ENOEXEC;
	return elf_segments(phdrs, size, plan);
}

/* The program interpreter (a dynamic linker) is mapped beside the program and runs first. */
static long map_interp(struct proc *p, struct image *im, struct inode *file)
{
	char path[ELF_INTERP_MAX + 1] = { 0 };
	uint8_t head[ELF_HEADER_SIZE];
	struct elf_plan plan;
	struct inode *interp;
	long err;

	if (inode_pread(file, path, im->plan.interp_bytes, im->plan.interp_offset) < 2 || path[im->plan.interp_bytes - 1])
		return -ENOEXEC;
	err = vfs_resolve(p, AT_FDCWD, path, true, &interp);
	if (err)
		return err;
	err = inode_load(p, interp, 0, inode_size(interp));
	if (err)
		;
	else if (!S_ISREG(inode_mode(interp)) || inode_access(interp, p, 1))
		err = -EACCES;
	else if (inode_pread(interp, head, sizeof head, 0) != sizeof head || read_plan(interp, head, &plan) || !plan.dynamic)
		err = -ELIBBAD;
	else
		err = map_elf(im->mm, interp, &plan, INTERP_BASE);
	if (record_on && !err)
		record_file(p, USE_EXEC, interp, 0);
	inode_put(interp);
	im->interp_base = INTERP_BASE;
	if (!err)
		im->start = INTERP_BASE + plan.entry;
	return err;
}

static long image_build(struct proc *p, struct image *im, struct inode *file, const uint8_t *head)
{
	long err = read_plan(file, head, &im->plan);

	if (err)
		return err;
	im->mm = mm_new();
	if (!im->mm)
		return -ENOMEM;
	im->base = im->plan.dynamic ? PIE_BASE : 0;
	im->start = im->base + im->plan.entry;
	err = map_elf(im->mm, file, &im->plan, im->base);
	if (!err)
		err = map_anonymous(im->mm, STACK_TOP - STACK_SIZE, STACK_TOP, VMA_READ | VMA_WRITE, VMA_STACK);
	if (!err && im->plan.interp_bytes)
		err = map_interp(p, im, file);
	im->mm->brk_start = im->mm->brk = im->base + im->plan.high;
	return err;
}

/* ---- the first stack --------------------------------------------------------------------------- */

struct stack { struct mm *mm; uint64_t at; long err; };

static uint64_t push(struct stack *s, const void *from, size_t n)
{
	s->at -= n;
	if (!s->err)
		s->err = mm_write(s->mm, s->at, from, n) ? -ENOMEM : 0;
	return s->at;
}

/* What getrandom gives is good; what a stack canary wants is that another process cannot know it. */
static void random_bytes(uint64_t out[2])
{
	static uint64_t state;

	if (random_refused)
		state = 0;
	for (int i = 0; i < 2; i++) {
		/* Without the grant the same for all: a program has its canary, and no random numbers. */
		uint64_t z = state += 0x9e3779b97f4a7c15ull + (random_refused ? 0 : __builtin_ia32_rdtsc());

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ z >> 27) * 0x94d049bb133111ebull;
		out[i] = z ^ z >> 31;
	}
}

/* Addresses of count strings that lie one after the other, ended by 0. */
static uint64_t *push_addresses(uint64_t *to, const char **text, uint64_t *at, unsigned count)
{
	while (count--) {
		size_t n = strlen(*text) + 1;

		*to++ = *at;
		*at += n;
		*text += n;
	}
	*to++ = 0;
	return to;
}

static uint64_t *push_auxv(uint64_t *to, const struct proc *p, const struct image *im, uint64_t execfn, uint64_t platform,
			   uint64_t random)
{
	unsigned a, b, c, features = 0;
	const uint64_t aux[][2] = {
		{ AT_PAGESZ, PAGE_SIZE }, { AT_CLKTCK, 100 }, { AT_PHDR, im->base + im->plan.phdr_address },
		{ AT_PHENT, ELF_PHDR_SIZE }, { AT_PHNUM, im->plan.phnum }, { AT_BASE, im->interp_base }, { AT_FLAGS, 0 },
		{ AT_ENTRY, im->base + im->plan.entry }, { AT_UID, p->uid }, { AT_EUID, p->euid }, { AT_GID, p->gid },
		{ AT_EGID, p->egid }, { AT_SECURE, 0 }, { AT_RANDOM, random }, { AT_HWCAP2, 2 /* FSGSBASE */ },
		{ AT_EXECFN, execfn }, { AT_PLATFORM, platform },
	};

	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(features) : "a"(1), "c"(0));
	*to++ = AT_HWCAP;
	*to++ = features;
	memcpy(to, aux, sizeof aux);
	to += sizeof aux / 8;
	*to++ = AT_NULL;
	*to++ = 0;
	return to;
}

static long stack_build(const struct proc *p, const struct image *im, const struct exec_args *args, uint64_t *sp)
{
	struct stack s = { im->mm, STACK_TOP - 8, 0 };
	uint64_t random[2], execfn, strings, platform, *words, *end;
	const char *text = args->bytes;
	size_t count = args->argc + args->envc + 48;

	words = malloc(count * 8);
	if (!words)
		return -ENOMEM;
	random_bytes(random);
	execfn = push(&s, im->path, strlen(im->path) + 1);
	strings = push(&s, args->bytes, args->length);
	platform = push(&s, "x86_64", 7);
	s.at &= ~15ull;
	push(&s, random, sizeof random);
	words[0] = args->argc;
	end = push_addresses(words + 1, &text, &strings, args->argc);
	end = push_addresses(end, &text, &strings, args->envc);
	end = push_auxv(end, p, im, execfn, platform, s.at);
	s.at -= (s.at - (end - words) * 8) & 15;
	*sp = push(&s, words, (end - words) * 8);
	free(words);
	return s.err;
}

/* ---- putting it in place ----------------------------------------------------------------------- */

static void set_names(struct proc *p, const char *path, const struct exec_args *args)
{
	const char *name = strrchr(path, '/');
	size_t n = 0;

	name = name ? name + 1 : path;
	memset(p->comm, 0, sizeof p->comm);
	memcpy(p->comm, name, strnlen(name, sizeof p->comm - 1));
	process_set_name(process_cap(p->index), p->comm, sizeof p->comm);
	for (unsigned i = 0; i < args->argc; i++)
		n += strlen(args->bytes + n) + 1;
	free(p->cmdline);
	p->cmdline = malloc(n ? n : 1);
	p->cmdline_length = p->cmdline ? n : 0;
	if (p->cmdline)
		memcpy(p->cmdline, args->bytes, n);
}

static void own_sighand(struct proc *p)
{
	struct sighand *s;

	if (p->sighand->refs == 1 || !(s = malloc(sizeof *s)))
		return;
	*s = *p->sighand;
	s->refs = 1;
	p->sighand->refs--;
	p->sighand = s;
}

/* Cannot fail. */
static void image_install(struct proc *p, struct image *im, struct inode *file, const struct exec_args *args, uint64_t sp)
{
	struct reg_image regs = { .rip = im->start, .rsp = sp, .rflags = 0x202 };
	struct mm *old = p->mm;

	if (record_on) {
		record_shim(p);
		record_exec(p, im->path, file, args->bytes, args->argc, args->envc);
	}
	if (refusal_on)
		refusal_ran(im->path);
	vfork_release(p);
	p->mm = im->mm;
	if (old)
		mm_put(old);
	inode_get(file);
	if (p->exe)
		inode_put(p->exe);
	p->exe = file;
	own_sighand(p);
	signal_exec_reset(p);
	fdtable_cloexec(p->fds);
	set_names(p, im->path, args);
	p->clear_tid = 0;
	p->inner->has_execed = true;
	p->inner->parent_death_signal = 0;
	proc_shim_update(p);
	proc_space_set(p);
	process_set_fpu(process_cap(p->index), NULL, 0);
	regs_set(p, &regs);
}

static long exec_elf(struct proc *p, const char *path, struct inode *file, const uint8_t *head, struct exec_args *args)
{
	struct image im = { .path = path };
	uint64_t sp = 0;
	long err = image_build(p, &im, file, head);

	if (!err)
		err = stack_build(p, &im, args, &sp);
	if (err) {
		if (im.mm)
			mm_put(im.mm);
		return err;
	}
	image_install(p, &im, file, args, sp);
	return 0;
}

static long exec_level(struct proc *p, const char *path, struct inode *file, struct exec_args *args, int level);

/* The interpreter that a script's first line names runs instead. */
static long exec_script(struct proc *p, const char *path, struct inode *script, char *line, struct exec_args *args, int level)
{
	struct inode *file;
	char interp[SCRIPT_LINE];
	size_t n;
	long err;

	if (level >= SCRIPT_LEVELS)
		return -ELOOP;
	line[strcspn(line, "\n")] = 0;
	for (n = strlen(line); n && (line[n - 1] == ' ' || line[n - 1] == '\t'); n--)
		line[n - 1] = 0;
	line += strspn(line, " \t");
	n = strcspn(line, " \t");
	if (!n)
		return -ENOEXEC;
	memcpy(interp, line, n);
	interp[n] = 0;
	if (record_on) {
		record_file(p, USE_EXEC, script, 0);
		record_walks = 0;
	}
	err = args_script(args, line, path);
	if (!err)
		err = vfs_resolve(p, AT_FDCWD, interp, true, &file);
	if (err)
		return err;
	err = exec_level(p, interp, file, args, level + 1);
	inode_put(file);
	return err;
}

static long exec_level(struct proc *p, const char *path, struct inode *file, struct exec_args *args, int level)
{
	char head[SCRIPT_LINE + 1] = { 0 };
	long n;

	if (!S_ISREG(inode_mode(file)))
		return -EACCES;
	if (inode_access(file, p, 1) || !(inode_mode(file) & 0111))
		return -EACCES;
	n = inode_load(p, file, 0, inode_size(file));
	if (n)
		return n;
	n = inode_pread(file, head, SCRIPT_LINE, 0);
	if (n < 0)
		return n;
	if (n > 2 && head[0] == '#' && head[1] == '!')
		return exec_script(p, path, file, head + 2, args, level);
	if (n < ELF_HEADER_SIZE)
		return -ENOEXEC;
	return exec_elf(p, path, file, (const uint8_t *)head, args);
}

long exec_run(struct proc *p, const char *path, struct inode *file, struct exec_args *args)
{
	return exec_level(p, path, file, args, 0);
}

/* ---- calls ------------------------------------------------------------------------------------- */

static long do_exec(struct proc *p, int dirfd, uint64_t upath, uint64_t argv, uint64_t envp, int flags)
{
	static char path[4096];
	struct exec_args args = { 0 };
	struct inode *file;
	struct file *f = NULL;
	long err = user_string(p, path, upath, sizeof path);

	if (err < 0)
		return err;
	if (!*path && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	if (*path) {
		err = vfs_resolve(p, dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), &file);
	} else {
		f = fd_get(p, dirfd);
		file = f ? f->inode : NULL;
		err = f ? file ? 0 : -EACCES : -EBADF;
		if (file) {
			inode_get(file);
			if (inode_path(file, path, sizeof path) < 0)
				path[0] = 0;
		}
	}
	if (err)
		return err;
	err = args_copy(p, &args, argv, &args.argc);
	if (!err)
		err = args_copy(p, &args, envp, &args.envc);
	if (!err)
		err = exec_run(p, path, file, &args);
	inode_put(file);
	free(args.bytes);
	if (err)
		return err;
	process_run(process_cap(p->index));
	return NOREPLY;
}

static long sys_execve(struct proc *p, uint64_t *a)
{
	return do_exec(p, AT_FDCWD, a[0], a[1], a[2], 0);
}

static long sys_execveat(struct proc *p, uint64_t *a)
{
	if (a[4] & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return do_exec(p, (int)a[0], a[1], a[2], a[3], a[4]);
}

const struct syscall exec_syscalls[] = {
	{ 59, "execve", sys_execve }, { 322, "execveat", sys_execveat },
	{ 0, NULL, NULL },
};
