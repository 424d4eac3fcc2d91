/*
 * runfile.c - see runfile.h.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/runfile.h"

#define FORMAT 1
#define SIZE_MAX_BYTES (8u << 20)

void strings_add(struct strings *s, const char *text)
{
	s->list = xrealloc(s->list, (s->count + 2) * sizeof *s->list);
	s->list[s->count++] = xstrdup(text);
	s->list[s->count] = NULL;
}

static const char *const kind_names[RUN_KINDS] = { "base", "copy", "share", "scratch" };
static const char *const clock_names[] = { "full", "coarse", "none" };

/* ---- the language ------------------------------------------------------------------------------------------ */

enum type { STRING, INTEGER, BOOLEAN, ARRAY };
static const char *const type_names[] = { "a string in quotes", "a whole number", "true or false", "a list of strings, as [\"a\", \"b\"]" };

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

static bool is_bare(char c)
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
			mistake(p, "a string holds the byte 0x%02x; write it as \\x%02x", (unsigned char)*p->at, (unsigned char)*p->at);
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
			mistake(p, "a string has the escape \\%c; there are \\\" \\\\ \\n \\t \\r and \\xHH", p->at < p->end ? *p->at : ' ');
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
	while (p->at < p->end && (is_bare(*p->at) || *p->at == '.') && n < sizeof word - 1)
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
	return v->integer == FORMAT || mistake(p, "keros-run = %lu is not known; this command knows %d", v->integer, FORMAT);
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
		if (!strcmp(v->string, clock_names[i])) {
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
		if (!strcmp(v->string, kind_names[i])) {
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
	while (p->at < p->end && is_bare(*p->at))
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
		return mistake(p, "the %s at %s needs host = \"FILE or FOLDER\"", kind_names[g->kind], g->path);
	if (!from_host && g->host)
		return mistake(p, "the %s at %s has no host side; leave host out", kind_names[g->kind], g->path);
	if (g->kind != RUN_SHARE && g->write)
		return mistake(p, "the %s at %s is the sandbox's own to change; leave rights out", kind_names[g->kind], g->path);
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
				return mistake(p, i == GRANT ? "write [[grant]]: there may be several%s" : "write [%s]: there is one", i == GRANT ? "" : name);
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
		return mistake(p, "a run manifest begins with keros-run = %d", FORMAT);
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
		return mistake(p, "a run manifest begins with keros-run = %d", FORMAT);
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

/* ---- the canonical text ------------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void strings_sort(struct strings *s)
{
	size_t kept = 0;

	if (s->count)
		qsort(s->list, s->count, sizeof *s->list, by_text);
	for (size_t i = 0; i < s->count; i++)
		if (!kept || strcmp(s->list[kept - 1], s->list[i]))
			s->list[kept++] = s->list[i];
	s->count = kept;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct run_grant *)a)->path, ((const struct run_grant *)b)->path);
}

void runfile_sort(struct runfile *r)
{
	strings_sort(&r->environment);
	if (r->grant_count)
		qsort(r->grants, r->grant_count, sizeof *r->grants, by_path);
	for (size_t i = 0; i < r->grant_count; i++)
		strings_sort(&r->grants[i].uses);
}

static void put_quoted(struct buffer *b, const char *s)
{
	buffer_text(b, "\"");
	for (; *s; s++) {
		unsigned char c = *s;
		char escape[8];

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof escape, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			snprintf(escape, sizeof escape, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\x%02x", c);
		else
			snprintf(escape, sizeof escape, "%c", c);
		buffer_text(b, escape);
	}
	buffer_text(b, "\"");
}

static void put_list(struct buffer *b, const struct strings *s)
{
	buffer_text(b, "[");
	for (size_t i = 0; i < s->count; i++) {
		if (i)
			buffer_text(b, ", ");
		put_quoted(b, s->list[i]);
	}
	buffer_text(b, "]");
}

static void put_setting(struct buffer *b, const char *key, const char *value)
{
	if (!value)
		return;
	buffer_text(b, key);
	buffer_text(b, " = ");
	put_quoted(b, value);
	buffer_text(b, "\n");
}

static void put_number(struct buffer *b, const char *key, unsigned long n)
{
	if (n)
		buffer_text(b, xasprintf("%s = %lu\n", key, n));
}

static void put_lists(struct buffer *b, const char *key, const struct strings *s)
{
	if (!s->count)
		return;
	buffer_text(b, key);
	buffer_text(b, " = ");
	put_list(b, s);
	buffer_text(b, "\n");
}

static void put_variables(struct buffer *b, const struct runfile *r)
{
	if (r->environment.count)
		buffer_text(b, "\n[environment]\n");
	for (size_t i = 0; i < r->environment.count; i++) {
		const char *e = r->environment.list[i];
		size_t n = strcspn(e, "="), plain = 0;
		char *name = strndup(e, n);

		while (plain < n && is_bare(name[plain]))
			plain++;
		if (plain == n)
			buffer_text(b, name);
		else
			put_quoted(b, name);
		buffer_text(b, " = ");
		put_quoted(b, e + n + 1);
		buffer_text(b, "\n");
	}
}

static void put_grant(struct buffer *b, const struct run_grant *g)
{
	buffer_text(b, "\n[[grant]]\n");
	put_setting(b, "path", g->path);
	put_setting(b, "kind", kind_names[g->kind]);
	put_setting(b, "host", g->host);
	if (g->kind == RUN_SHARE)
		put_setting(b, "rights", g->write ? "write" : "read");
	if (g->whole)
		buffer_text(b, "whole = true\n");
	put_number(b, "evidence", g->evidence);
	put_lists(b, "uses", &g->uses);
	put_setting(b, "widened", g->widened);
}

struct buffer runfile_text(struct runfile *r)
{
	struct buffer b = { 0 };

	runfile_sort(r);
	buffer_text(&b, "# A run manifest: doc/run-manifest.md. What is not granted here is not there.\n");
	buffer_text(&b, xasprintf("keros-run = %d\n", FORMAT));
	put_setting(&b, "program", r->program);
	put_lists(&b, "arguments", &r->arguments);
	put_setting(&b, "directory", r->directory);
	if (!r->input)
		buffer_text(&b, "input = false\n");
	if (r->clock != RUN_CLOCK_FULL)
		put_setting(&b, "clock", clock_names[r->clock]);
	if (!r->random)
		buffer_text(&b, "random = false\n");
	if (!r->proc)
		buffer_text(&b, "proc = false\n");
	put_variables(&b, r);
	if (r->storage || r->machine || r->seconds)
		buffer_text(&b, "\n[limits]\n");
	put_setting(&b, "storage", r->storage);
	put_setting(&b, "machine", r->machine);
	put_number(&b, "seconds", r->seconds);
	if (r->runs)
		buffer_text(&b, xasprintf("\n[learned]\nruns = %lu\n", r->runs));
	for (size_t i = 0; i < r->grant_count; i++)
		put_grant(&b, &r->grants[i]);
	return b;
}

/* ---- diff -------------------------------------------------------------------------------------------------------- */

char *grant_words(const struct run_grant *g)
{
	const char *below = g->whole ? " and all below" : "";

	switch (g->kind) {
	case RUN_BASE: return xasprintf("%s of the base tree%s", g->path, below);
	case RUN_COPY: return xasprintf("a copy of %s at %s%s", g->host, g->path, below);
	case RUN_SHARE: return xasprintf("%s at %s, %s", g->host, g->path, g->write ? "read and write" : "read");
	default: return xasprintf("an empty folder at %s", g->path);
	}
}

/* One line of authority each, sorted: two manifests differ as these sets do. */
static struct strings lines_of(const struct runfile *r)
{
	struct strings s = { 0 };
	struct buffer b = { 0 };

	put_list(&b, &r->arguments);
	buffer_add(&b, "", 1);
	strings_add(&s, xasprintf("program %s", r->program));
	strings_add(&s, xasprintf("arguments %s", (char *)b.data));
	strings_add(&s, xasprintf("directory %s", r->directory ? r->directory : "/root"));
	strings_add(&s, xasprintf("clock %s", clock_names[r->clock]));
	strings_add(&s, r->random ? "random" : "no random");
	strings_add(&s, r->proc ? "proc" : "no proc");
	strings_add(&s, r->input ? "input" : "no input");
	strings_add(&s, xasprintf("storage %s", r->storage ? r->storage : "the default"));
	strings_add(&s, xasprintf("machine %s", r->machine ? r->machine : "the default"));
	strings_add(&s, r->seconds ? xasprintf("seconds %lu", r->seconds) : "seconds without limit");
	for (size_t i = 0; i < r->environment.count; i++)
		strings_add(&s, xasprintf("environment %s", r->environment.list[i]));
	for (size_t i = 0; i < r->grant_count; i++)
		strings_add(&s, xasprintf("grant %s", grant_words(&r->grants[i])));
	strings_sort(&s);
	return s;
}

static void diff_line(struct buffer *to, const char *sign, const char *text)
{
	buffer_text(to, sign);
	for (; *text; text++)
		buffer_add(to, (unsigned char)*text < ' ' ? "?" : text, 1);
	buffer_text(to, "\n");
}

size_t runfile_diff(const struct runfile *a, const struct runfile *b, struct buffer *to)
{
	struct strings x = lines_of(a), y = lines_of(b);
	size_t i = 0, k = 0, n = 0;

	while (i < x.count || k < y.count) {
		int order = i == x.count ? 1 : k == y.count ? -1 : strcmp(x.list[i], y.list[k]);

		if (order < 0)
			diff_line(to, "- ", x.list[i++]);
		else if (order > 0)
			diff_line(to, "+ ", y.list[k++]);
		else
			i++, k++;
		n += order != 0;
	}
	return n;
}

/* ---- merge -------------------------------------------------------------------------------------------------------- */

static unsigned long size_of(const char *s)
{
	unsigned long n = s ? strtoul(s, NULL, 10) : 0;

	for (; s && isdigit((unsigned char)*s); s++)
		;
	return n << (!s ? 0 : *s == 'G' ? 20 : *s == 'M' ? 10 : 0);
}

static void size_widen(char **into, char *other)
{
	if (*into && (!other || size_of(other) > size_of(*into)))
		*into = other;
}

static char *grant_merge(struct runfile *into, const struct run_grant *g)
{
	for (size_t i = 0; i < into->grant_count; i++) {
		struct run_grant *mine = &into->grants[i];

		if (strcmp(mine->path, g->path))
			continue;
		if (mine->kind != g->kind || (g->host && strcmp(mine->host, g->host)))
			return xasprintf("%s is %s in one and %s in the other", g->path, grant_words(mine), grant_words(g));
		mine->write |= g->write;
		mine->whole |= g->whole;
		mine->evidence += g->evidence;
		for (size_t k = 0; k < g->uses.count; k++)
			strings_add(&mine->uses, g->uses.list[k]);
		if (!mine->widened)
			mine->widened = g->widened;
		return NULL;
	}
	into->grants = xrealloc(into->grants, (into->grant_count + 1) * sizeof *into->grants);
	into->grants[into->grant_count++] = *g;
	return NULL;
}

static char *variable_merge(struct runfile *into, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < into->environment.count; i++) {
		if (strncmp(into->environment.list[i], variable, n))
			continue;
		if (strcmp(into->environment.list[i], variable))
			return xasprintf("%.*s is '%s' in one and '%s' in the other", (int)n - 1, variable,
					 into->environment.list[i] + n, variable + n);
		return NULL;
	}
	strings_add(&into->environment, variable);
	return NULL;
}

char *runfile_merge(struct runfile *into, const struct runfile *other)
{
	char *wrong = NULL;

	if (strcmp(into->program, other->program))
		return xasprintf("one runs %s, the other %s; a manifest is for one program", into->program, other->program);
	for (size_t i = 0; i < other->environment.count && !wrong; i++)
		wrong = variable_merge(into, other->environment.list[i]);
	for (size_t i = 0; i < other->grant_count && !wrong; i++)
		wrong = grant_merge(into, &other->grants[i]);
	if (wrong)
		return wrong;
	into->input |= other->input;
	into->random |= other->random;
	into->proc |= other->proc;
	if (other->clock < into->clock)
		into->clock = other->clock;
	size_widen(&into->storage, other->storage);
	size_widen(&into->machine, other->machine);
	if (!other->seconds || other->seconds > into->seconds)
		into->seconds = into->seconds ? other->seconds : 0;
	into->runs += other->runs;
	runfile_sort(into);
	return NULL;
}
