/*
 * record_program.c - programs, what they are started with, and places in them, each told once and numbered.
 */
#include <stdio.h>
#include <string.h>
#include "record_inner.h"

#define PROGRAMS_MAX 4096u

static char *program_names[PROGRAMS_MAX];
static unsigned program_count;
int record_last_pid;

/* A file that is named by a number from here on. */
static void tell_file(struct line *l, const char *key, unsigned number, const char *name)
{
	line_number(l, key, number);
	line_put(l, ",\"path\":");
	line_string(l, name, strlen(name));
	line_put(l, "}");
	line_end(l);
}

/* A module or a site is told in the middle of the line of the record that names it first. */
static struct line inner;

uint32_t record_module(const char *name)
{
	static uint32_t modules;

	tell_file(&inner, "{\"module\":", ++modules, name);
	return modules;
}

uint32_t record_site_tell(const struct record_place *at, unsigned n)
{
	static uint32_t sites;

	line_number(&inner, "{\"site\":", ++sites);
	line_put(&inner, ",\"at\":[");
	for (unsigned i = 0; i < n; i++) {
		line_number(&inner, i ? ",[" : "[", at[i].module);
		line_number(&inner, ",", at[i].offset);
		line_put(&inner, "]");
	}
	line_put(&inner, "]}");
	line_end(&inner);
	return sites;
}

static unsigned program_number(const char *name)
{
	for (unsigned i = 0; i < program_count; i++)
		if (!strcmp(program_names[i], name))
			return i + 1;
	if (program_count == PROGRAMS_MAX - 1 || !(program_names[program_count] = strdup(name)))
		return 0;
	tell_file(&record_line, "{\"program\":", ++program_count, name);
	return program_count;
}

static void note_environment(struct proc *p, const char *strings, unsigned argc, unsigned envc)
{
	for (; argc; argc--)
		strings += strlen(strings) + 1;
	for (; envc; envc--, strings += strlen(strings) + 1)
		record_note(p, RECORD_ENV, USE_VISIBLE, 0, strings, strcspn(strings, "="));
}

void record_exec(struct proc *p, const char *name, struct inode *file, const char *strings, unsigned argc, unsigned envc)
{
	char text[PATH_LIMIT + 80];

	record_note_inode(p, USE_EXEC, file, 0);
	/* A name that says nothing (a relative one, /proc/self/exe) is replaced by the file's own, and what it calls itself. */
	if (*name != '/' || !strncmp(name, "/proc/", 6)) {
		int n = inode_path(file, text, PATH_LIMIT);

		if (n > 0 && argc)
			snprintf(text + n, sizeof text - n, " as %.64s", strings);
		if (n > 0)
			name = text;
	}
	p->program = program_number(name);
	note_environment(p, strings, argc, envc);
	record_last_pid = p->pid > record_last_pid ? p->pid : record_last_pid;
}

void record_exit(struct proc *p, int status)
{
	record_walked_drop(p);
	record_last_pid = p->pid > record_last_pid ? p->pid : record_last_pid;
	if (!p->misses && status == 0)
		return;
	line_number(&record_line, "{\"exit\":", p->pid);
	line_number(&record_line, ",\"program\":", p->program);
	line_number(&record_line, ",\"status\":", status);
	line_put(&record_line, "}");
	line_end(&record_line);
}
