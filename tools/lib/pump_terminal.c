/*
 * pump_terminal.c - the user's terminal: raw while the machine has it, two sessions on one, the keys of ours.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "lib/pump_inner.h"

#define LEAVE_KEY   1              /* Ctrl-A */
#define HIDDEN_KEPT 16384u         /* of what the terminal that is not shown prints */

static struct termios terminal_before;
static bool terminal_is_raw;

void terminal_restore(void)
{
	if (terminal_is_raw)
		tcsetattr(0, TCSADRAIN, &terminal_before);
	terminal_is_raw = false;
}

void terminal_make_raw(void)
{
	struct termios raw;

	if (tcgetattr(0, &terminal_before))
		return;
	raw = terminal_before;
	cfmakeraw(&raw);
	terminal_is_raw = true;
	tool_cleanup = terminal_restore;
	atexit(terminal_restore);
	tcsetattr(0, TCSADRAIN, &raw);
}

bool terminal_raw(void)
{
	return terminal_is_raw;
}

static void terminal_size(unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	ioctl(1, TIOCGWINSZ, &size);
	*rows = size.ws_row ? size.ws_row : 24;
	*columns = size.ws_col ? size.ws_col : 80;
}

bool terminal_is_there(unsigned *rows, unsigned *columns)
{
	if (!isatty(0) || !isatty(1))
		return false;
	terminal_size(rows, columns);
	return true;
}

void terminal_send_size(struct pump *p)
{
	unsigned rows, columns;
	uint16_t size[2];

	terminal_size(&rows, &columns);
	size[0] = htole16((uint16_t)rows);
	size[1] = htole16((uint16_t)columns);
	frame_send(p, LINK_WINSIZE, 0, size, sizeof size);
	if (p->run->lua_beside)
		frame_send(p, LINK_WINSIZE, 4, size, sizeof size);
}

static void terminal_say(struct pump *p, const char *text)
{
	sink_add(&p->outputs[0], text, strlen(text));
}

/* The other of the two terminals, with what it has printed since it was last shown. */
void terminal_switch(struct pump *p)
{
	if (!p->run->lua_beside)
		return;
	if (p->beside_ended && p->shown == 0) {
		terminal_say(p, "\r\n[the Lua prompt has ended]\r\n");
		return;
	}
	p->shown = !p->shown;
	terminal_say(p, p->shown ? "\r\n[Lua; Ctrl-A L goes back to the shell]\r\n" : "\r\n[shell; Ctrl-A L goes to Lua]\r\n");
	sink_add(&p->outputs[0], p->hidden.data, p->hidden.length);
	p->hidden.length = 0;
}

/* What a terminal prints: at once, or when it is shown again. */
void terminal_take(struct pump *p, unsigned session, const uint8_t *bytes, uint32_t length)
{
	if (session == p->shown) {
		sink_add(&p->outputs[0], bytes, length);
		return;
	}
	buffer_add(&p->hidden, bytes, length);
	if (p->hidden.length > HIDDEN_KEPT)
		buffer_drop(&p->hidden, p->hidden.length - HIDDEN_KEPT);
}

/*
 * Ctrl-A X leaves, Ctrl-A L switches between the shell and Lua, Ctrl-A Ctrl-A is one Ctrl-A, and before anything else it
 * stands for itself.
 */
void keys_type(struct pump *p, const uint8_t *keys, size_t length)
{
	uint8_t send[INPUT_CHUNK + 2];
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		if (!p->prefix && keys[i] == LEAVE_KEY) {
			p->prefix = true;
			continue;
		}
		if (p->prefix && (keys[i] == 'x' || keys[i] == 'X')) {
			if (p->leaving)
				p->save = SAVE_DONE;   /* a second time: at once */
			p->leaving = true;
			break;
		}
		if (p->prefix && p->run->lua_beside && (keys[i] == 'l' || keys[i] == 'L')) {
			input_send(p, send, n);
			n = 0;
			p->prefix = false;
			terminal_switch(p);
			continue;
		}
		if (p->prefix && keys[i] != LEAVE_KEY)
			send[n++] = LEAVE_KEY;
		p->prefix = false;
		send[n++] = keys[i];
		if (n >= INPUT_CHUNK) {
			input_send(p, send, n);
			n = 0;
		}
	}
	input_send(p, send, n);
}
