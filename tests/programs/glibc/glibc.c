/*
 * glibc.c - what a statically linked glibc program asks of its system, from its own start-up
 * (TLS, IRELATIVE relocations, stdio through newfstatat) to the larger parts of the library.
 *
 * Everything it prints depends on the files of its directory alone; it ends with status 23.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <regex.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_numbers(void)
{
	printf("%.10f %.3e %g %a\n", M_PI, 6.02214076e23, 1e-5, 0.1);
	printf("%.6f %.6f %.6f %.6f\n", sin(1), exp(1), pow(2, 0.5), atan2(1, 2));
	printf("%ld %lu %#x %o %+d %05d|%-6d|%6.2f\n", INT64_MIN, UINT64_MAX, 255u, 8u, 5, 42, 7, 2.5);
	printf("%ld %lu %g %d\n", strtol("-0x1f", NULL, 16), strtoul("777", NULL, 8), strtod("1.5e3", NULL), atoi("12x"));
}

static void show_words(void)
{
	static char *list[2000];
	size_t count = 0, size = 0;
	char *line = NULL;
	FILE *file = fopen("words", "r");
	regex_t pattern;
	regmatch_t match[2];
	unsigned matched = 0;

	while (count < 2000 && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		list[count++] = strdup(line);
	}
	fclose(file);
	qsort(list, count, sizeof *list, compare_strings);
	printf("%zu words from %s to %s\n", count, list[0], list[count - 1]);
	regcomp(&pattern, "^(un|re).*(ed|ing)$", REG_EXTENDED);
	for (size_t i = 0; i < count; i++)
		if (!regexec(&pattern, list[i], 2, match, 0) && matched++ < 5)
			printf("%s %.*s\n", list[i], (int)(match[1].rm_eo - match[1].rm_so), list[i]);
	printf("%u match; fnmatch %d %d\n", matched, fnmatch("*.[ch]", "a.c", 0), fnmatch("*.[ch]", "a.o", 0));
	regfree(&pattern);
	hcreate(3000);
	for (size_t i = 0; i < count; i++)
		hsearch((ENTRY){ list[i], (void *)i }, ENTER);
	printf("found %d\n", hsearch((ENTRY){ list[7], NULL }, FIND)->data == (void *)7);
}

static void show_files(void)
{
	struct stat st;
	char text[64] = "";
	struct dirent **entries;
	glob_t found;
	FILE *file = fopen("out/file", "w+");
	int fd;

	mkdir("out/dir", 0750);
	fprintf(file, "line %d\n", 1);
	fputs("line 2\n", file);
	rewind(file);
	if (fscanf(file, "%*s %s", text) == 1)
		printf("read back %s\n", text);
	fclose(file);
	symlink("file", "out/link");
	rename("out/file", "out/renamed");
	printf("stat %d %d lstat %d\n", stat("out/link", &st), errno == ENOENT, lstat("out/link", &st));
	int n = scandir("out", &entries, NULL, alphasort);
	for (int i = 0; i < n; i++)
		printf("entry %s\n", entries[i]->d_name);
	glob("out/*", 0, NULL, &found);
	printf("glob %zu %s\n", found.gl_pathc, found.gl_pathv[0]);
	fd = open("out/renamed", O_RDWR);
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	at[0] = 'L';
	printf("mapped %.6s", at);
	struct iovec parts[2] = { { "one ", 4 }, { "two\n", 4 } };
	lseek(fd, 0, SEEK_END);
	printf(" writev %zd\n", writev(fd, parts, 2));
	printf("open %d %s\n", open("out/none", O_RDONLY), strerror(errno));
	close(fd);
	file = tmpfile();
	fprintf(file, "temporary");
	printf("temporary %ld\n", ftell(file));
	fclose(file);
}

static volatile sig_atomic_t caught;
static sigjmp_buf back;
static volatile char *volatile nowhere = (volatile char *)8;

static void on_signal(int number)
{
	caught = number;
}

static void on_fault(int number)
{
	siglongjmp(back, number);
}

static void show_processes(void)
{
	int ends[2], status;
	char text[32];
	struct pollfd poll_end;
	struct timespec short_while = { 0, 20000000 };

	fflush(stdout);
	pipe(ends);
	poll_end = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	printf("poll %d\n", poll(&poll_end, 1, 0));
	fflush(stdout);
	if (fork() == 0) {
		write(ends[1], "from the child", 15);
		_exit(5);
	}
	read(ends[0], text, sizeof text);
	wait(&status);
	printf("%s, status %d\n", text, WEXITSTATUS(status));
	FILE *stream = popen("/bin/sh -c 'exit 3' 2>/dev/null; bin/busybox echo from popen", "r");
	if (stream && fgets(text, sizeof text, stream))
		printf("%s", text);
	if (stream)
		pclose(stream);
	signal(SIGALRM, on_signal);
	ualarm(10000, 0);
	pause();
	printf("alarm %d\n", caught == SIGALRM);
	signal(SIGSEGV, on_fault);
	status = sigsetjmp(back, 1);
	if (status == 0)
		*nowhere = 1;
	printf("fault %d\n", status == SIGSEGV);
	printf("sleep %d\n", nanosleep(&short_while, NULL));
	fflush(stdout);
	if (fork() == 0)
		abort();
	wait(&status);
	printf("aborted %d\n", WTERMSIG(status));
}

int main(int argc, char **argv, char **envp)
{
	time_t when = 1700000000;
	char text[64];
	wchar_t wide[16];

	printf("%d %s %d\n", argc, argv[1] ? argv[1] : "-", envp[0] != NULL);
	printf("locale %s\n", setlocale(LC_ALL, ""));
	show_numbers();
	show_words();
	show_files();
	show_processes();
	strftime(text, sizeof text, "%a %Y-%m-%d %H:%M:%S", gmtime(&when));
	size_t converted = mbstowcs(wide, "wide", 16);
	printf("%s %zu %d\n", text, converted, wcscmp(wide, L"wide"));
	char *big = malloc(50000000), *small = realloc(malloc(100), 200000);
	printf("memory %d %d\n", big != NULL, small != NULL);
	memset(big, 1, 3000000);
	free(big);
	free(small);
	printf("page %ld, cpu time %d\n", sysconf(_SC_PAGESIZE), clock() >= 0);
	return 23;
}
