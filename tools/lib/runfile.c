/*
 * runfile.c - reading run manifests: the language, the words, the statements; see runfile.h.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/runfile_inner.h"

#define SIZE_MAX_BYTES (8u << 20)

void strings_add(struct strings *s, const char *text)
{
	s->list = xrealloc(s->list, (s->count + 2) * sizeof *s->list);
	s->list[s->count++] = xstrdup(text);
	s->list[s->count] = NULL;
}

const char *const runfile_kinds[RUN_KINDS] = { "base", "copy", "share", "scratch" };
const char *const runfile_clocks[3] = { "full", "coarse", "none" };

/* ---- the language ------------------------------------------------------------------------------------------ */

enum type { STRING, INTEGER, BOOLEAN, ARRAY };
static const char *const type_names[] = { "a string in quotes", "a whole number", "true or false",
					  "a list of strings, as [\"a\", \"b\"]" };

struct value { enum type type; char *string; unsigned long integer; bool boolean; struct strings array; };

struct parser {
	const char *at, *end;
	unsigned line;
	char *wrong;                   /* the first mistake; all stops there */
	struct runfile *r;
	enum section { TOP, ENVIRONMENT, LIMITS, LEARNED, GRANT } section;
	struct strings seen;           /* "section key" of what was set already */
};

__attribute__((format(printf, 2, 3))) static bool mistake(struct parser *p, const char *format, ...)
{
	va_list args;
	char *text;

	if (p->wrong)
		return false;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die("no memory");
	va_end(args);
	p->wrong = xasprintf("line %u: %s", p->line, text);
	return false;
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
		p->at++;
}

static void skip_comment(struct parser *p)
{
	skip_blanks(p);
	if (p->at < p->end && *p->at == '#')
		while (p->at < p->end && *p->at != '\n')
			p->at++;
	if (p->at < p->end && *p->at == '\r')
		p->at++;
}

/* Blank lines and comments, between statements and inside lists. */
static void skip_lines(struct parser *p)
{
	for (;;) {
		skip_comment(p);
		if (p->at >= p->end || *p->at != '\n')
			return;
		p->at++;
		p->line++;
	}
}

bool runfile_bare(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int hex_byte(const char *s)
{
	static const char digits[] = "0123456789abcdef";
	const char *high = strchr(digits, tolower((unsigned char)s[0])), *low = strchr(digits, tolower((unsigned char)s[1]));

	return s[0] && s[1] && high && low ? (int)(high - digits) << 4 | (int)(low - digits) : -1;
}

/* "..." with \" \\ \n \t \r and \xHH, one byte; '...' as it stands.  A NUL cannot be in a name, so not here either. */
static char *parse_string(struct parser *p)
{
	char quote = *p->at++, *to, *start;
	int byte;

	start = to = xmalloc((size_t)(p->end - p->at) + 1);
	for (;;) {
		if (p->at >= p->end || *p->at == '\n') {
			mistake(p, "a string has no closing %c", quote);
			return NULL;
		}
		if (*p->at == quote)
			break;
		if ((unsigned char)*p->at < ' ' && *p->at != '\t') {
			mistake(p, "a string holds the byte 0x%02x; write it as \\x%02x", (unsigned char)*p->at,
				(unsigned char)*p->at);
			return NULL;
		}
		if (*p->at != '\\' || quote == '\'') {
			*to++ = *p->at++;
			continue;
		}
		p->at++;
		switch (p->at < p->end ? *p->at : 0) {
		case 'n': *to++ = '\n'; break;
		case 't': *to++ = '\t'; break;
		case 'r': *to++ = '\r'; break;
		case '"': case '\\': *to++ = *p->at; break;
		case 'x':
			byte = p->end - p->at > 2 ? hex_byte(p->at + 1) : -1;
			if (byte > 0) {
				*to++ = (char)byte;
				p->at += 2;
				break;
			}
			/* fall through */
		default:
			mistake(p, "a string has the escape \\%c; there are \\\" \\\\ \\n \\t \\r and \\xHH",
				p->at < p->end ? *p->at : ' ');
			return NULL;
		}
		p->at++;
	}
	p->at++;
	*to = 0;
	return start;
}

static bool parse_array(struct parser *p, struct strings *to)
{
	p->at++;
	for (;;) {
		char *s;

		skip_lines(p);
		if (p->at < p->end && *p->at == ']') {
			p->at++;
			return true;
		}
		if (p->at >= p->end || (*p->at != '"' && *p->at != '\''))
			return mistake(p, "a list holds strings in quotes and ends in ]");
		s = parse_string(p);
		if (!s)
			return false;
		strings_add(to, s);
		free(s);
		skip_lines(p);
		if (p->at < p->end && *p->at == ',')
			p->at++;
		else if (p->at >= p->end || *p->at != ']')
			return mistake(p, "a comma is missing in a list");
	}
}

static bool parse_value(struct parser *p, struct value *v)
{
	size_t n = 0;
	char word[32];

	*v = (struct value){ 0 };
	if (p->at < p->end && (*p->at == '"' || *p->at == '\'')) {
		v->type = STRING;
		v->string = parse_string(p);
		return v->string != NULL;
	}
	if (p->at < p->end && *p->at == '[') {
		v->type = ARRAY;
		return parse_array(p, &v->array);
	}
	while (p->at < p->end && (runfile_bare(*p->at) || *p->at == '.') && n < sizeof word - 1)
		word[n++] = *p->at++;
	word[n] = 0;
	if (!strcmp(word, "true") || !strcmp(word, "false")) {
		v->type = BOOLEAN;
		v->boolean = word[0] == 't';
		return true;
	}
	if (n && n < 19 && strspn(word, "0123456789") == n) {
		v->type = INTEGER;
		v->integer = strtoul(word, NULL, 10);
		return true;
	}
	return mistake(p, n ? "'%s' is no value; text goes in quotes" : "there is no value after =%s", word);
}

/* ---- the words ------------------------------------------------------------------------------------------------ */

static const char *const section_names[] = { "", "environment", "limits", "learned", "grant" };

struct key {
	enum section section;
	const char *name;
	enum type type;
	bool (*set)(struct parser *p, struct value *v);
};

static struct run_grant *grant_now(struct parser *p)
{
	return &p->r->grants[p->r->grant_count - 1];
}

/* Absolute, without empty, `.` or `..` components: what stands here is what is meant. */
static bool good_path(const char *path)
{
	if (*path != '/')
		return false;
	if (!path[1])
		return true;
	for (const char *c = path; *c;) {
		size_t n = strcspn(++c, "/");

		if (!n || (n == 1 && c[0] == '.') || (n == 2 && c[0] == '.' && c[1] == '.'))
			return false;
		c += n;
	}
	return true;
}

static bool good_size(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n && n < 10 && (s[n] == 'M' || s[n] == 'G' || s[n] == 'K') && !s[n + 1];
}

static bool set_format(struct parser *p, struct value *v)
{
	return v->integer == RUNFILE_FORMAT || mistake(p, "keros-run = %lu is not known; this command knows %d",
						       v->integer, RUNFILE_FORMAT);
}

static bool set_program(struct parser *p, struct value *v)
{
	p->r->program = v->string;
	return *v->string || mistake(p, "program is empty; try program = \"/bin/echo\"");
}

static bool set_arguments(struct parser *p, struct value *v) { p->r->arguments = v->array; return true; }

static bool set_directory(struct parser *p, struct value *v)
{
	p->r->directory = v->string;
	return good_path(v->string) || mistake(p, "directory '%s' is not an absolute path without . and ..", v->string);
}

static bool set_input(struct parser *p, struct value *v) { p->r->input = v->boolean; return true; }
static bool set_random(struct parser *p, struct value *v) { p->r->random = v->boolean; return true; }
static bool set_proc(struct parser *p, struct value *v) { p->r->proc = v->boolean; return true; }

static bool set_clock(struct parser *p, struct value *v)
{
	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(v->string, runfile_clocks[i])) {
			p->r->clock = (enum run_clock)i;
			return true;
		}
	return mistake(p, "clock = \"%s\" is not one of full, coarse, none", v->string);
}

static bool set_size(struct parser *p, struct value *v, char **to, const char *key)
{
	*to = v->string;
	return good_size(v->string) || mistake(p, "%s = \"%s\" is not a size; try \"64M\" or \"1G\"", key, v->string);
}

static bool set_storage(struct parser *p, struct value *v) { return set_size(p, v, &p->r->storage, "storage"); }
static bool set_machine(struct parser *p, struct value *v) { return set_size(p, v, &p->r->machine, "machine"); }
static bool set_seconds(struct parser *p, struct value *v) { p->r->seconds = v->integer; return true; }
static bool set_runs(struct parser *p, struct value *v) { p->r->runs = v->integer; return true; }

static bool set_path(struct parser *p, struct value *v)
{
	grant_now(p)->path = v->string;
	return good_path(v->string) || mistake(p, "path '%s' is not an absolute path without . and ..", v->string);
}

static bool set_kind(struct parser *p, struct value *v)
{
	for (unsigned i = 0; i < RUN_KINDS; i++)
		if (!strcmp(v->string, runfile_kinds[i])) {
			grant_now(p)->kind = (enum grant_kind)i;
			return true;
		}
	return mistake(p, "kind = \"%s\" is not one of base, copy, share, scratch", v->string);
}

static bool set_host(struct parser *p, struct value *v)
{
	grant_now(p)->host = v->string;
	return *v->string || mistake(p, "host is empty; name a file or a folder");
}

static bool set_rights(struct parser *p, struct value *v)
{
	if (strcmp(v->string, "read") && strcmp(v->string, "write"))
		return mistake(p, "rights = \"%s\" is not one of read, write (which includes read)", v->string);
	grant_now(p)->write = v->string[0] == 'w';
	return true;
}

static bool set_whole(struct parser *p, struct value *v) { grant_now(p)->whole = v->boolean; return true; }
static bool set_evidence(struct parser *p, struct value *v) { grant_now(p)->evidence = v->integer; return true; }
static bool set_uses(struct parser *p, struct value *v) { grant_now(p)->uses = v->array; return true; }
static bool set_widened(struct parser *p, struct value *v) { grant_now(p)->widened = v->string; return true; }

static const struct key keys[] = {
	{ TOP, "keros-run", INTEGER, set_format }, { TOP, "program", STRING, set_program },
	{ TOP, "arguments", ARRAY, set_arguments }, { TOP, "directory", STRING, set_directory },
	{ TOP, "input", BOOLEAN, set_input }, { TOP, "clock", STRING, set_clock }, { TOP, "random", BOOLEAN, set_random },
	{ TOP, "proc", BOOLEAN, set_proc },
	{ LIMITS, "storage", STRING, set_storage }, { LIMITS, "machine", STRING, set_machine },
	{ LIMITS, "seconds", INTEGER, set_seconds }, { LEARNED, "runs", INTEGER, set_runs },
	{ GRANT, "path", STRING, set_path }, { GRANT, "kind", STRING, set_kind }, { GRANT, "host", STRING, set_host },
	{ GRANT, "rights", STRING, set_rights }, { GRANT, "whole", BOOLEAN, set_whole },
	{ GRANT, "evidence", INTEGER, set_evidence }, { GRANT, "uses", ARRAY, set_uses },
	{ GRANT, "widened", STRING, set_widened },
};
#define KEYS (sizeof keys / sizeof *keys)

static char *keys_of(enum section section)
{
	struct buffer b = { 0 };

	for (unsigned i = 0; i < KEYS; i++)
		if (keys[i].section == section) {
			if (b.length)
				buffer_text(&b, ", ");
			buffer_text(&b, keys[i].name);
		}
	buffer_add(&b, "", 1);
	return (char *)b.data;
}

static bool set_variable(struct parser *p, const char *name, struct value *v)
{
	if (v->type != STRING)
		return mistake(p, "%s must be %s", name, type_names[STRING]);
	strings_add(&p->r->environment, xasprintf("%s=%s", name, v->string));
	return true;
}

static bool set_key(struct parser *p, const char *name, struct value *v)
{
	char *once = xasprintf("%d %zu %s", p->section, p->section == GRANT ? p->r->grant_count : 0, name);

	for (size_t i = 0; i < p->seen.count; i++)
		if (!strcmp(p->seen.list[i], once))
			return mistake(p, "%s is set twice", name);
	strings_add(&p->seen, once);
	if (p->section == ENVIRONMENT)
		return set_variable(p, name, v);
	for (unsigned i = 0; i < KEYS; i++) {
		if (keys[i].section != p->section || strcmp(keys[i].name, name))
			continue;
		if (keys[i].type != v->type)
			return mistake(p, "%s must be %s", name, type_names[keys[i].type]);
		return keys[i].set(p, v);
	}
	return mistake(p, "no key '%s'%s%s; there are %s", name, p->section ? " in " : "", section_names[p->section],
		       keys_of(p->section));
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static char *parse_name(struct parser *p)
{
	const char *start = p->at;

	if (p->at < p->end && *p->at == '"')
		return parse_string(p);
	while (p->at < p->end && runfile_bare(*p->at))
		p->at++;
	return strndup(start, (size_t)(p->at - start));
}

/* What a grant must have, told at the line where it starts. */
static bool grant_check(struct parser *p, const struct run_grant *g)
{
	bool from_host = g->kind == RUN_COPY || g->kind == RUN_SHARE;

	p->line = g->line;
	if (!g->path)
		return mistake(p, "this grant has no path");
	if (from_host && !g->host)
		return mistake(p, "the %s at %s needs host = \"FILE or FOLDER\"", runfile_kinds[g->kind], g->path);
	if (!from_host && g->host)
		return mistake(p, "the %s at %s has no host side; leave host out", runfile_kinds[g->kind], g->path);
	if (g->kind != RUN_SHARE && g->write)
		return mistake(p, "the %s at %s is the sandbox's own to change; leave rights out",
			       runfile_kinds[g->kind], g->path);
	for (const struct run_grant *o = p->r->grants; o < g; o++)
		if (!strcmp(o->path, g->path))
			return mistake(p, "%s is granted twice; the other is on line %u", g->path, o->line);
	return true;
}

static bool parse_section(struct parser *p)
{
	bool list = p->end - p->at > 1 && p->at[1] == '[';
	char *name;

	p->at += 1 + list;
	skip_blanks(p);
	name = parse_name(p);
	skip_blanks(p);
	if (!name || p->end - p->at < 1 + list || *p->at != ']' || (list && p->at[1] != ']'))
		return mistake(p, "a section is [name], a grant [[grant]]");
	p->at += 1 + list;
	for (unsigned i = ENVIRONMENT; i <= GRANT; i++)
		if (!strcmp(name, section_names[i])) {
			if (list != (i == GRANT))
				return mistake(p, i == GRANT ? "write [[grant]]: there may be several%s" :
					       "write [%s]: there is one", i == GRANT ? "" : name);
			p->section = (enum section)i;
			if (i != GRANT)
				return true;
			p->r->grants = xrealloc(p->r->grants, (p->r->grant_count + 1) * sizeof *p->r->grants);
			p->r->grants[p->r->grant_count++] = (struct run_grant){ .line = p->line, .kind = RUN_SHARE };
			return true;
		}
	return mistake(p, "no section '%s'; there are [environment], [limits], [learned] and [[grant]]", name);
}

static bool parse_setting(struct parser *p)
{
	char *name = parse_name(p);
	struct value v;

	if (!name || !*name)
		return mistake(p, "here a key, a [section] or a comment is expected");
	if (p->section == TOP && !p->seen.count && strcmp(name, "keros-run"))
		return mistake(p, "a run manifest begins with keros-run = %d", RUNFILE_FORMAT);
	skip_blanks(p);
	if (p->at >= p->end || *p->at != '=')
		return mistake(p, "after %s there is no =", name);
	p->at++;
	skip_blanks(p);
	return parse_value(p, &v) && set_key(p, name, &v);
}

/* What is left of the line, as far as a complaint shows it. */
static size_t rest_of_line(const struct parser *p)
{
	size_t n = 0;

	while (n < 20 && p->at + n < p->end && (unsigned char)p->at[n] >= ' ')
		n++;
	return n;
}

static bool parse_all(struct parser *p)
{
	for (skip_lines(p); p->at < p->end; skip_lines(p)) {
		if (!(*p->at == '[' ? parse_section(p) : parse_setting(p)))
			return false;
		skip_comment(p);
		if (p->at < p->end && *p->at != '\n')
			return mistake(p, "something follows the value: %.*s", (int)rest_of_line(p), p->at);
	}
	if (!p->seen.count)
		return mistake(p, "a run manifest begins with keros-run = %d", RUNFILE_FORMAT);
	if (!p->r->program)
		return mistake(p, "program is missing; say which, as program = \"/bin/echo\"");
	for (size_t i = 0; i < p->r->grant_count; i++)
		if (!grant_check(p, &p->r->grants[i]))
			return false;
	return true;
}

char *runfile_parse(struct runfile *r, const char *text, size_t length)
{
	struct parser p = { .at = text, .end = text + length, .line = 1, .r = r };

	*r = (struct runfile){ .input = true, .random = true, .proc = true };
	if (length > SIZE_MAX_BYTES)
		return xasprintf("it is larger than %u bytes", SIZE_MAX_BYTES);
	if (memchr(text, 0, length))
		return xstrdup("it holds a NUL byte, so it is not text");
	parse_all(&p);
	if (!p.wrong)
		runfile_sort(r);
	return p.wrong;
}

void runfile_read(struct runfile *r, const char *path)
{
	struct buffer b = read_file(path);
	char *copy, *wrong;

	buffer_add(&b, "", 1);         /* so that what is printed of it ends */
	copy = (char *)b.data;
	wrong = runfile_parse(r, copy, b.length - 1);
	if (wrong)
		misuse("%s: %s", path, wrong);
}
