/*
 * elfmutate.c - runs thousands of spoilt copies of a good program and lives.
 *
 *   elfmutate PROGRAM COUNT SEED
 *
 * First come the named ways to be wrong (truncated, of another class or machine, segments that
 * overlap or lie where nothing may), then COUNT random ones.  Every copy may be refused by exec,
 * may run, or may die of its own signal; none may hang this program or the system.  At the end
 * the good program must run as before.  Prints counts; status 0 if all went so.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IMAGE_MAX   (1 << 20)
#define REFUSED     200              /* exit status of a child whose exec failed, plus a class of errno */
#define PATIENCE_MS 400

static uint8_t good[IMAGE_MAX], image[IMAGE_MAX];
static size_t good_size, image_size;
static const char *copy_path = "spoilt";
static unsigned refused, ran, died, stopped, failures;
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % limit;
}

static void write_copy(void)
{
	int fd;

	unlink(copy_path);
	fd = open(copy_path, O_WRONLY | O_CREAT | O_EXCL, 0755);
	if (fd < 0 || write(fd, image, image_size) != (ssize_t)image_size || close(fd)) {
		perror(copy_path);
		exit(2);
	}
}

/* Runs the copy; the child's wait status, or -1 if it had to be stopped. */
static int run_copy(void)
{
	static const struct timespec tick = { 0, 2000000 };
	int status;
	pid_t child = fork();

	if (child < 0) {
		perror("fork");
		exit(2);
	}
	if (child == 0) {
		char *argv[] = { "spoilt", NULL }, *envp[] = { NULL };
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		setsid();
		execve(copy_path, argv, envp);
		_exit(errno == ENOEXEC ? REFUSED : errno == ENOMEM ? REFUSED + 1 : REFUSED + 2);
	}
	for (unsigned waited = 0; waited < PATIENCE_MS; waited += 2) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		nanosleep(&tick, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -1;
}

static int run_and_count(void)
{
	int status;

	write_copy();
	status = run_copy();
	if (status < 0)
		stopped++;
	else if (WIFSIGNALED(status))
		died++;
	else if (WEXITSTATUS(status) >= REFUSED && WEXITSTATUS(status) <= REFUSED + 2)
		refused++;
	else
		ran++;
	return status;
}

/* ---- the named ones ----------------------------------------------------------------------------- */

enum expectation { ANY, NOT_RUN };

static void start_from_good(void)
{
	memcpy(image, good, good_size);
	image_size = good_size;
}

static Elf64_Ehdr *header(void)
{
	return (Elf64_Ehdr *)image;
}

/* The n-th loadable segment's header. */
static Elf64_Phdr *segment(unsigned n)
{
	Elf64_Phdr *at = (Elf64_Phdr *)(image + header()->e_phoff);

	for (unsigned i = 0; i < header()->e_phnum; i++)
		if (at[i].p_type == PT_LOAD && n-- == 0)
			return &at[i];
	fprintf(stderr, "the program has too few segments\n");
	exit(2);
}

static void check(const char *what, enum expectation expected)
{
	int status = run_and_count();
	bool whole = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 42;

	if (expected == NOT_RUN && whole) {
		printf("%s ran as if it were good\n", what);
		failures++;
	}
	start_from_good();
}

static void try_truncated(void)
{
	static const size_t lengths[] = { 0, 1, 3, 4, 15, 16, 40, 63, 64, 65, 119, 120, 121, 200, 1000, 4095, 4096, 4097 };

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		image_size = lengths[i];
		check("a truncated program", NOT_RUN);
	}
}

static void try_headers(void)
{
	header()->e_machine = EM_AARCH64;
	check("a program of another machine", NOT_RUN);
	header()->e_machine = EM_386;
	check("a program of the 386", NOT_RUN);
	header()->e_ident[EI_CLASS] = ELFCLASS32;
	check("a program of another class", ANY);
	header()->e_ident[EI_DATA] = ELFDATA2MSB;
	check("a program of the other byte order", ANY);
	header()->e_type = ET_REL;
	check("an object file", NOT_RUN);
	header()->e_type = ET_CORE;
	check("a core file", NOT_RUN);
	header()->e_ident[0] = 0;
	check("no ELF file", NOT_RUN);
	header()->e_phnum = 0;
	check("no segments", NOT_RUN);
	header()->e_phnum = 65535;
	check("too many segments", NOT_RUN);
	header()->e_phentsize = 55;
	check("short segment headers", NOT_RUN);
	header()->e_phoff = good_size - 8;
	check("segment headers at the end", NOT_RUN);
	header()->e_phoff = ~0ull - 100;
	check("segment headers that wrap", NOT_RUN);
	header()->e_entry = 0;
	check("entry at 0", NOT_RUN);
	header()->e_entry = 0xFFFFFFFF80000000;
	check("entry in the kernel", NOT_RUN);
	header()->e_entry = 0x0000800000000000;
	check("entry at no canonical address", NOT_RUN);
}

static void try_segments(void)
{
	segment(1)->p_vaddr = segment(0)->p_vaddr;
	check("segments on top of each other", ANY);
	segment(1)->p_vaddr = segment(0)->p_vaddr + 0x800;
	check("segments that overlap in part", ANY);
	segment(0)->p_vaddr = 0xFFFF800000000000;
	check("a segment in the kernel", NOT_RUN);
	segment(0)->p_vaddr = 0x00007FFFFFFFF000;
	check("a segment at the end of user space", NOT_RUN);
	segment(0)->p_vaddr = 0;
	check("a segment at 0", ANY);
	segment(0)->p_vaddr += 1;
	check("a segment off its page", NOT_RUN);
	segment(0)->p_memsz = 1ull << 46;
	check("a segment of 64 TiB", NOT_RUN);
	segment(0)->p_memsz = ~0ull;
	check("a segment of all memory", NOT_RUN);
	segment(1)->p_memsz = 0;
	check("a segment of no memory", NOT_RUN);
	segment(1)->p_filesz = ~0ull;
	check("a segment longer than the file", NOT_RUN);
	segment(1)->p_offset = 1ull << 40;
	check("a segment behind the file", NOT_RUN);
	segment(1)->p_offset = ~0xFFFull;
	check("a segment offset that wraps", NOT_RUN);
	segment(1)->p_align = 3;
	check("an odd alignment", ANY);
	for (unsigned i = 0; i < 2; i++)
		segment(i)->p_flags = 0;
	check("segments without rights", NOT_RUN);
	segment(0)->p_type = PT_INTERP;
	check("an interpreter of nonsense", NOT_RUN);
}

/* ---- the random ones ------------------------------------------------------------------------------- */

static size_t random_place(void)
{
	size_t headers = sizeof(Elf64_Ehdr) + header()->e_phnum * sizeof(Elf64_Phdr);

	return random_below(3) ? random_below(headers < 1024 ? headers : 1024) : random_below(good_size);
}

static void mutate(void)
{
	static const uint8_t telling[] = { 0x00, 0x01, 0x7F, 0x80, 0xFF };
	unsigned changes = 1 + random_below(6);

	for (unsigned i = 0; i < changes; i++) {
		uint8_t *at = image + random_place();

		switch (random_below(4)) {
		case 0: *at ^= 1u << random_below(8); break;
		case 1: *at = telling[random_below(sizeof telling)]; break;
		case 2: *at = random_below(256); break;
		default: *at += random_below(2) ? 1 : -1; break;
		}
	}
	if (random_below(10) == 0)
		image_size = random_below(good_size);
}

static void read_good(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, good, sizeof good);

	if (got < (ssize_t)sizeof(Elf64_Ehdr)) {
		perror(path);
		exit(2);
	}
	good_size = got;
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	int status;

	if (argc != 4) {
		fprintf(stderr, "usage: elfmutate PROGRAM COUNT SEED\n");
		return 2;
	}
	random_state = strtoull(argv[3], NULL, 0) * 2654435761u + 1;
	read_good(argv[1]);
	start_from_good();
	try_truncated();
	try_headers();
	try_segments();
	printf("named: %u refused, %u ran, %u died, %u stopped\n", refused, ran, died, stopped);
	for (unsigned i = 0; i < count; i++) {
		start_from_good();
		mutate();
		run_and_count();
	}
	printf("all: %u refused, %u ran, %u died, %u stopped\n", refused, ran, died, stopped);
	start_from_good();
	write_copy();
	status = run_copy();
	if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 42) {
		printf("the good program no longer runs\n");
		failures++;
	}
	unlink(copy_path);
	puts(failures ? "elfmutate: failed" : "elfmutate: survived");
	return failures != 0;
}
