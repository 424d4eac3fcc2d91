/*
 * help.c - see help.h.  What is printed is in the table of verbs (keros.c); here is how.
 */
#include <stdio.h>
#include <string.h>
#include "lib/help.h"

static const struct { const char *status, *meaning; } exit_codes[] = {
	{ "0 to 124", "what the command that ran in the sandbox ended with" },
	{ "1", "trouble on this side: a file, a socket, a missing program; the sentence on standard error says which" },
	{ "2", "a wrong command line, manifest or image: nothing was started" },
	{ "125", "the machine failed: the kernel, a service, or QEMU" },
	{ "126, 127", "the command could not be run, or was not found, in the sandbox" },
	{ "128 + N", "the command was killed by signal N; 137 also if its storage was used up" },
	{ "129", "the terminal was left with Ctrl-A X" },
	{ "143", "stopped by `keros stop`, or keros itself was told to end" },
};
#define EXIT_CODES (sizeof exit_codes / sizeof exit_codes[0])

void help_names(const struct verb *verbs)
{
	for (const struct verb *v = verbs; v->name; v++)
		puts(v->name);
}

void help_list(const struct verb *verbs)
{
	puts("usage: keros VERB [OPTION...] [--] [COMMAND...]\n");
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %-8s %s\n", v->name, v->summary);
	puts("\nkeros help VERB says more, with examples; keros help exit explains exit statuses.");
}

void help_verb(const struct verb *v)
{
	printf("usage: keros %s\n\n%s\n", v->usage, v->text);
	if (v->options)
		printf("\nOptions:\n%s", v->options);
	if (v->examples)
		printf("\nExamples:\n%s", v->examples);
}

void help_exit(void)
{
	puts("The exit status of keros:\n");
	for (unsigned i = 0; i < EXIT_CODES; i++)
		printf("  %-10s %s\n", exit_codes[i].status, exit_codes[i].meaning);
}

/* ---- the man page ----------------------------------------------------------------------------------------------- */

/* As it stands, whatever it holds; a line that would be a request is made text.  start: it begins a line. */
static void man_text(const char *text, bool start)
{
	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
		start = *text == '\n';
	}
}

/* Words of prose: short lines, and a new one after each sentence, as mdoc wants it. */
static void man_prose(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t length = strcspn(text, " \n");
		char word[256];

		if (length >= sizeof word)
			length = sizeof word - 1;
		if (column && column + length > 76) {
			putchar('\n');
			column = 0;
		}
		memcpy(word, text, length);
		word[length] = 0;
		if (column)
			putchar(' ');
		man_text(word, column == 0);
		column += length + 1;
		text += length;
		text += strspn(text, " \n");
		if (length && strchr(".?!", word[length - 1]) && *text) {
			putchar('\n');
			column = 0;
		}
	}
}

static void man_literal(const char *text)
{
	puts(".Bd -literal -offset indent");
	man_text(text, true);
	if (text[strlen(text) - 1] != '\n')
		putchar('\n');
	puts(".Ed");
}

/* Equal tables stand once, with the first verb that has them. */
static bool options_are_new(const struct verb *verbs, const struct verb *v)
{
	for (const struct verb *w = verbs; w < v; w++)
		if (w->options == v->options)
			return false;
	return true;
}

void help_man(const struct verb *verbs)
{
	puts(".\\\" Made by `keros help --man`; do not edit.\n.Dd $Mdocdate$\n.Dt KEROS 1\n.Os\n.Sh NAME\n.Nm keros\n"
	     ".Nd run programs with exactly the authority they are given\n.Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar option ...\n"
	     ".Op Fl -\n.Op Ar command ...\n.Sh DESCRIPTION\n.Nm\n"
	     "boots the capability operating system Keros in a virtual machine, runs\nprograms on it, looks at machines that run, "
	     "and keeps their images.\nThe verbs are:\n.Bl -tag -width Ds");
	for (const struct verb *v = verbs; v->name; v++) {
		printf(".It Cm %s\n", v->name);
		man_prose(v->summary);
		puts(".");
	}
	puts(".El\n.Sh VERBS");
	for (const struct verb *v = verbs; v->name; v++) {
		printf(".Ss keros %s\n", v->name);
		man_literal(v->usage);
		man_prose(v->text);
		putchar('\n');
		if (v->options && options_are_new(verbs, v)) {
			puts(".Pp\nOptions:");
			man_literal(v->options);
		}
		if (v->examples) {
			puts(".Pp\nExamples:");
			man_literal(v->examples);
		}
	}
	puts(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev XDG_RUNTIME_DIR\nWhere running machines are found, in\n.Pa keros/ .\n"
	     "Without it:\n.Pa /tmp/keros-UID .\n.It Ev NO_COLOR\nIf set and not empty, nothing is coloured.\n.El\n"
	     ".Sh EXIT STATUS\n.Bl -tag -width Ds");
	for (unsigned i = 0; i < EXIT_CODES; i++) {
		printf(".It %s\n", exit_codes[i].status);
		man_prose(exit_codes[i].meaning);
		puts(".");
	}
	puts(".El\n.Sh SEE ALSO\n.Xr qemu-system-x86_64 1");
}
