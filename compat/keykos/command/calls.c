/*
 * calls.c - the commands kc, kfork and kt: what is sent, and where the answer goes.
 *
 * More than three keys to send are handed over by the extended jump: KT+5 with three of them as often as it takes, each
 * time to the key that the answer before brought in position 3, and then the code with the rest.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "words.h"

#define EXTENDED 0x80000005u

uint8_t sent[STRING_LIMIT], received[STRING_LIMIT];

uint32_t jump(struct msg *m)
{
	m->recv_string = received;
	m->recv_limit = sizeof received;
	inv_raw(INV_CALL | INV_KEYKOS, R_KEY, m);
	return m->order;
}

/* form: A as text, X in hexadecimal, 0 whichever suits it, and not all of it if it is long. */
void string_show(const uint8_t *bytes, size_t length, int form)
{
	bool text = length > 0 && form != 'X';
	size_t most;
	char hex[3];

	for (size_t i = 0; i < length; i++)
		text &= form == 'A' || isprint(bytes[i]) || isspace(bytes[i]);
	most = form || length <= (text ? 400u : 512u) ? length : text ? 400 : 512;
	out_bytes(text ? "  \"" : "  %X", text ? 3 : 4);
	if (text)
		out_bytes((const char *)bytes, most);
	for (size_t i = 0; !text && i < most; i++) {
		snprintf(hex, sizeof hex, "%02X", bytes[i]);
		out_bytes(hex, 2);
	}
	out_bytes(text ? "\"\n" : "\n", text ? 2 : 1);
	if (most < length)
		out("  ... of %zu bytes; %%a or %%x in the second list shows all\n", length);
}

/* What to do with the answer's string: %a and %x show it, a variable keeps it. */
static bool place_valid(const char *place)
{
	if (*place != '%') {
		if (*place && !variable_valid(place))
			complain("'%.60s' is no variable: letters, digits and _, a letter in front", place);
		return !*place || variable_valid(place);
	}
	for (; place[strspn(place, " \t")]; place += 2)
		if (*place != '%' || !place[1] || !strchr("AEX", toupper((unsigned char)place[1]))) {
			complain("an answer's string is shown by %%a or %%x, or kept by a variable");
			return false;
		}
	return true;
}

static void answer_keep(char *field[FIELDS], const struct msg *m)
{
	const char *place = field[0];

	if (*place && *place != '%')
		variable_store(place, received, m->recv_length);
	else if (!*place && m->recv_length)
		string_show(received, m->recv_length, 0);
	for (; *place == '%' && m->recv_length; place += 2)
		string_show(received, m->recv_length, toupper((unsigned char)place[1]) == 'X' ? 'X' : 'A');
	for (unsigned i = 0; i < 4; i++)
		if (*field[i + 1])
			key_store(field[i + 1], R_RECV + i);
}

/* The keys of fields from..from+2 (or 3) into the message; the others are none. */
static bool keys_give(char *field[FIELDS], unsigned from, unsigned most, struct msg *m)
{
	for (unsigned i = 0; i < 4; i++)
		m->send[i] = CR_VOID;
	for (unsigned i = 0; i < most && from + i < FIELDS; i++)
		if (*field[from + i]) {
			if (!key_fetch(field[from + i], R_SEND + i))
				return false;
			m->send[i] = R_SEND + i;
		}
	return true;
}

/* The keys before the last three, by the extended jump; false if it was said why it is not to be. */
static bool keys_extend(char *field[FIELDS], unsigned count, struct msg *m)
{
	for (unsigned from = 1; from + 3 < count; from += 3) {
		struct msg part = { .order = EXTENDED, .recv = { CR_VOID, CR_VOID, CR_VOID, R_KEY } };

		if (!keys_give(field, from, 3, &part))
			return false;
		if (jump(&part) != EXTENDED) {
			complain("more than three keys need an extended jump, and the answer to it is %X", part.order);
			return false;
		}
		if (!keys_give(field, from + 3, 3, m))
			return false;
	}
	return true;
}

/* What kc and kfork begin with: how many fields the list to send has, -1 if it was said what is wrong. */
static int jump_read(const char *verb, char *rest, struct msg *m, char *give[FIELDS], unsigned most, char **in_list)
{
	char *key = word_cut(&rest), *order = word_cut(&rest), *out_list = word_cut(&rest);
	const char *wrong;
	int count;

	*in_list = word_cut(&rest);
	if (!key || !order) {
		complain("%s takes a key, an order code and lists: %s sb 0 (string,key) ...", verb, verb);
		return -1;
	}
	if (!number_read(order, variable_value, &m->order)) {
		complain("'%.60s' is no order code: numbers of 32 bits, kt and variables, joined by + and -", order);
		return -1;
	}
	if ((count = list_read(out_list, give, most)) < 0) {
		complain("what is sent is (string,key,key,key), at most %u keys, in parentheses that are closed", most - 1);
		return -1;
	}
	if ((wrong = string_read(give[0], variable_value, sent, &m->send_length))) {
		complain("'%.60s': %s", give[0], wrong);
		return -1;
	}
	m->send_string = m->send_length ? sent : NULL;
	return words_end(rest) && keys_give(give, 1, most == 5 ? 4 : 3, m) && key_fetch(key, R_KEY) ? count : -1;
}

void command_kc(char *rest)
{
	char *in_list, *give[FIELDS], *take[FIELDS];
	struct msg m = { 0 };
	int count = jump_read("kc", rest, &m, give, FIELDS, &in_list);

	if (count < 0)
		return;
	if (list_read(in_list, take, 5) < 0) {
		complain("where the answer goes is (string,key,key,key,key), in parentheses that are closed");
		return;
	}
	if (!place_valid(take[0]))
		return;
	for (unsigned i = 0; i < 4; i++)
		if (*take[i + 1] && !name_fits(take[i + 1]))
			return;
	if (!keys_extend(give, (unsigned)count, &m))
		return;
	for (unsigned i = 0; i < 4; i++)
		m.recv[i] = *take[i + 1] ? R_RECV + i : CR_VOID;
	jump(&m);
	out("RC=%X\n", m.order);
	answer_keep(take, &m);
}

/* If the key's domain is busy this waits for it, as KeyKOS's does. */
void command_kfork(char *rest)
{
	char *in_list, *give[FIELDS];
	struct msg m = { 0 };

	if (jump_read("kfork", rest, &m, give, 5, &in_list) < 0)
		return;
	if (in_list)
		complain("kfork receives nothing: no second list");
	else
		inv_raw(INV_SEND | INV_KEYKOS, R_KEY, &m);
}

void command_kt(char *rest)
{
	char *key = word_cut(&rest);
	struct msg m = { .order = KT };

	if (!key)
		complain("kt takes a key");
	else if (words_end(rest) && key_fetch(key, R_KEY))
		out("KT=%X\n", jump(&m));
}
