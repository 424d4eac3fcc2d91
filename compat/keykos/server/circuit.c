/*
 * circuit.c - character circuits: the console's, those of the branches of a terminal, and those behind a zapper.
 *
 *	SIK(n ==> c,(bytes);,,,SIK)    reads until an activation character or n bytes; n+0x2000 with echo, n+0x1000 a single
 *	                               character at once, -1 what is there; c: 0, KT+1 the circuit is gone
 *	SOK(0,(bytes) ==> n;,,,SOK)    writes; n bytes may be written next
 *	CCK(0, 4 ==> 0;SIK,SOK,CCK)    new keys: the old SIK and SOK are dead
 *	CCK(1 ==> 0,(2,charset)(2,model)(2,columns)(2,rows)), (2) disconnects, (3, 7) stop, start input, (6) activates now
 *	CCK(5, 8..11, 14, 32+n) accepted; (256,(32,mask)) activation, (512,(32,mask)) echo; KT, KT+4
 *	CONSOLE(0 ==> 0;SIK,SOK,CCK)   the console device; KT 0xC09
 *
 * Input goes up: to the terminal or the zapper that stands on the circuit (slot 4), or else into the circuit's own buffer.
 * Output goes down: to the console's stream, to the terminal's circuit if this branch has its output (slot 5), to the
 * circuit that a zapper is connected to; or it waits.  The arena: page 0 the input, page 1 the output that waits.
 *
 * Invariants
 *   1. SIK and SOK are objects of their own, so new ones leave the old ones void.
 *   2. Who reads or writes is a resume key in slot 0 or 1, and is answered when it can be; the server waits for nobody.
 *   3. The console's streams are asked every 20 ms while anybody reads or writes, since the interpreter has their notices;
 *      for input only while who has it reads.
 * Source: keykos.md 4.12, 4.13.
 */
#include <keros/console.h>
#include <keros/stream.h>
#include "object.h"

enum { SLOT_READER, SLOT_WRITER, SLOT_SIK, SLOT_SOK, SLOT_UPPER, SLOT_LOWER, SLOT_BID, SLOT_STREAM_IN, SLOT_STREAM_OUT };
enum { READ_ECHO = 0x2000, READ_RAW = 0x1000 };
enum { PAGES = 2, LIMIT = 4096, COLUMNS = 80, ROWS = 24 };

static unsigned parked;                    /* how many read or write */
static unsigned console;                   /* the console's circuit */

static struct object *circuit(unsigned index)
{
	return &objects[index];
}

static char *buffer(unsigned index, unsigned page)
{
	return (char *)arena_see(index, ARENA_A) + page * PAGE_SIZE;
}

bool circuits_wait(void)
{
	return parked != 0;
}

/* ---- keys -------------------------------------------------------------------------------- */

/* The circuit that a key of this kind is to. */
static bool circuit_of(unsigned object, unsigned *index)
{
	unsigned which_face;

	object_get(object, 0, CR_TMP0);
	return key_open(CR_TMP0, KIND_CIRCUIT, index, &which_face);
}

static void parked_end(unsigned index, unsigned slot, uint8_t *waits)
{
	struct msg m = { .order = RC_VOID };

	if (!*waits)
		return;
	*waits = 0;
	parked--;
	object_answer(index, slot, &m);
}

/* SIK and SOK die, and who used them hears KT+1. */
static void keys_end(unsigned index)
{
	struct object *o = circuit(index);
	unsigned key, which_face;

	parked_end(index, SLOT_READER, &o->circuit.reading);
	parked_end(index, SLOT_WRITER, &o->circuit.writing);
	for (unsigned i = 0; i < 2; i++) {
		object_get(index, SLOT_SIK + i, R_A);
		if (key_open(R_A, i ? KIND_SOK : KIND_SIK, &key, &which_face))
			object_end(key);
		object_put(index, SLOT_SIK + i, CR_VOID);
	}
}

/* New ones, in R_A, R_B; and the circuit's own key in R_C. */
uint32_t circuit_keys(unsigned index)
{
	unsigned key[2];

	keys_end(index);
	for (unsigned i = 0; i < 2; i++) {
		if (object_make(i ? KIND_SOK : KIND_SIK, circuit(index)->bank, &key[i]) != RC_OK) {
			keys_end(index);
			return RC_NO_SPACE;
		}
		object_key(index, 0, R_A);
		object_put(key[i], 0, R_A);
		object_key(key[i], 0, R_A);
		object_put(index, SLOT_SIK + i, R_A);
	}
	object_get(index, SLOT_SIK, R_A);
	object_get(index, SLOT_SOK, R_B);
	object_key(index, 0, R_C);
	return RC_OK;
}

/* A circuit with its memory, charged to the bank (0: the server's). */
uint32_t circuit_make(unsigned bank, enum circuit_type type, unsigned *index)
{
	if (object_make(KIND_CIRCUIT, bank, index) != RC_OK)
		return RC_NO_SPACE;
	if (arena_grow(*index, PAGES) != RC_OK) {
		object_end(*index);
		return RC_NO_SPACE;
	}
	circuit(*index)->circuit.type = type;
	/* Carriage return, line feed, control characters. */
	circuit(*index)->circuit.activation[0] = 0xFFFFFFFF;
	return RC_OK;
}

void circuit_end(unsigned index)
{
	keys_end(index);
}

/* What stands on it, and below it. */
void circuit_link(unsigned upper, unsigned lower)
{
	object_key(upper, 0, R_D);
	object_put(lower, SLOT_UPPER, R_D);
	object_key(lower, 0, R_D);
	object_put(upper, SLOT_LOWER, R_D);
}

bool circuit_lower(unsigned index, enum kind kind, unsigned *lower)
{
	unsigned which_face;

	object_get(index, SLOT_LOWER, CR_TMP0);
	return key_open(CR_TMP0, kind, lower, &which_face);
}

static bool upper_of(unsigned index, enum kind kind, unsigned *upper)
{
	unsigned which_face;

	object_get(index, SLOT_UPPER, CR_TMP0);
	return key_open(CR_TMP0, kind, upper, &which_face);
}

/* Its keys die; a zapper above loses its circuit. */
void circuit_disconnect(unsigned index)
{
	unsigned upper;

	if (upper_of(index, KIND_CIRCUIT, &upper)) {
		object_put(index, SLOT_UPPER, CR_VOID);
		object_put(upper, SLOT_LOWER, CR_VOID);
		zapper_lost(upper);
	}
	keys_end(index);
	circuit(index)->circuit.in_length = 0;
}

/* ---- output ------------------------------------------------------------------------------ */

static unsigned console_write(const char *bytes, unsigned length)
{
	uint64_t accepted = 0;

	object_get(console, SLOT_STREAM_OUT, R_D);
	return stream_write(R_D, bytes, length, &accepted) == RC_OK ? accepted : 0;
}

/* How many bytes went out now. */
static unsigned write_down(unsigned index, const char *bytes, unsigned length)
{
	unsigned lower;

	switch (circuit(index)->circuit.type) {
	case CIRCUIT_CONSOLE: return console_write(bytes, length);
	case CIRCUIT_BRANCH:
		return terminal_outputs(index, &lower) ? write_down(lower, bytes, length) : 0;
	default:
		return circuit_lower(index, KIND_CIRCUIT, &lower) ? write_down(lower, bytes, length) : 0;
	}
}

/* The bytes that wait, as far as they will go. */
void writer_try(unsigned index)
{
	struct object *o = circuit(index);
	struct msg m = { .order = LIMIT };
	char out[LIMIT];

	while (o->circuit.writing && o->circuit.out_done < o->circuit.out_length) {
		unsigned left = o->circuit.out_length - o->circuit.out_done, n;

		memcpy(out, buffer(index, 1) + o->circuit.out_done, left);
		n = write_down(index, out, left);
		o->circuit.out_done += n;
		if (n == 0)
			return;
	}
	if (!o->circuit.writing)
		return;
	o->circuit.writing = 0;
	parked--;
	object_get(index, SLOT_SOK, R_F);
	m.send[3] = R_F;
	object_answer(index, SLOT_WRITER, &m);
}

uint32_t sok_serve(unsigned object, uint32_t order)
{
	unsigned index;
	struct object *o;

	if (order == KT || order != 0)
		return RC_UNKNOWN;
	if (!circuit_of(object, &index))
		return RC_VOID;
	o = circuit(index);
	if (o->circuit.writing)
		return RC_UNKNOWN;
	if (message.recv_length == 0 || !object_park(index, SLOT_WRITER)) {
		/* Nobody hears how far it came: what goes out at once goes. */
		write_down(index, (const char *)message_string, message.recv_length);
		object_get(index, SLOT_SOK, R_A);
		reply_key(3, R_A);
		return LIMIT;
	}
	o->circuit.writing = 1;
	o->circuit.out_done = 0;
	o->circuit.out_length = message.recv_length;
	parked++;
	memcpy(buffer(index, 1), message_string, message.recv_length);
	writer_try(index);
	if (o->circuit.writing)
		terminal_active(index, false);
	alarm_set();
	return NO_REPLY;
}

/* ---- input ------------------------------------------------------------------------------- */

static bool activates(const struct object *o, uint8_t c)
{
	return o->circuit.activation[c / 32] >> c % 32 & 1;
}

/* How many bytes the reader gets now; 0: it waits. */
static unsigned ready(unsigned index)
{
	const struct object *o = circuit(index);
	const char *in = buffer(index, 0);

	if (o->circuit.read_flags & READ_RAW)
		return o->circuit.in_length ? 1 : 0;
	for (unsigned i = 0; i < o->circuit.in_length && i < o->circuit.want; i++)
		if (activates(o, in[i]))
			return i + 1;
	return o->circuit.in_length >= o->circuit.want ? o->circuit.want : 0;
}

static void echo(unsigned index, const char *bytes, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		write_down(index, bytes[i] == '\r' ? "\r\n" : &bytes[i], bytes[i] == '\r' ? 2 : 1);
}

static void reader_answer(unsigned index, unsigned length)
{
	struct object *o = circuit(index);
	char bytes[LIMIT];
	struct msg m = { .order = RC_OK, .send_string = length ? bytes : NULL, .send_length = length };

	memcpy(bytes, buffer(index, 0), length);
	if (o->circuit.read_flags & READ_ECHO)
		echo(index, bytes, length);
	memmove(buffer(index, 0), buffer(index, 0) + length, o->circuit.in_length - length);
	o->circuit.in_length -= length;
	o->circuit.reading = 0;
	parked--;
	object_get(index, SLOT_SIK, R_F);
	m.send[3] = R_F;
	object_answer(index, SLOT_READER, &m);
}

static void reader_try(unsigned index)
{
	unsigned length;

	if (circuit(index)->circuit.reading && (length = ready(index)) != 0)
		reader_answer(index, length);
}

/* A byte comes in, and goes up to whoever has the input.  What finds no room is lost. */
void circuit_input(unsigned index, char c)
{
	struct object *o = circuit(index);
	unsigned upper;

	if (upper_of(index, KIND_TERMINAL, &upper)) {
		terminal_input(upper, c);
		return;
	}
	if (upper_of(index, KIND_CIRCUIT, &upper)) {
		circuit_input(upper, c);
		return;
	}
	if (o->circuit.gobbles || o->circuit.in_length == LIMIT)
		return;
	buffer(index, 0)[o->circuit.in_length++] = c;
	reader_try(index);
	if (!o->circuit.reading)
		terminal_active(index, true);
}

uint32_t sik_serve(unsigned object, uint32_t order)
{
	unsigned index, length = order & 0xFFF;
	struct object *o;

	if (!circuit_of(object, &index))
		return RC_VOID;
	o = circuit(index);
	if ((order & ~0x3FFFu && order != RC_FOREIGN) || order == 0 || o->circuit.reading || !object_park(index, SLOT_READER))
		return RC_UNKNOWN;
	o->circuit.reading = 1;
	parked++;
	o->circuit.read_flags = order == RC_FOREIGN || order == LIMIT ? 0 : order & (READ_ECHO | READ_RAW);
	o->circuit.want = length && order != RC_FOREIGN ? length : LIMIT;
	circuits_poll();
	reader_try(index);
	if (o->circuit.reading && order == RC_FOREIGN)
		reader_answer(index, o->circuit.in_length);
	alarm_set();
	return NO_REPLY;
}

/* ---- control ----------------------------------------------------------------------------- */

static uint32_t reply_circuit(unsigned index)
{
	uint32_t rc = circuit_keys(index);

	for (unsigned i = 0; rc == RC_OK && i < 3; i++)
		reply_key(i, i == 0 ? R_A : i == 1 ? R_B : R_C);
	return rc;
}

static uint32_t mask_set(uint32_t *mask)
{
	for (unsigned i = 0; i < 8; i++) {
		mask[i] = 0;
		/* The first byte's high bit is character 0. */
		for (unsigned j = 0; j < 32; j++)
			mask[i] |= (uint32_t)(message_string[i * 4 + j / 8] >> (7 - j % 8) & 1) << j;
	}
	return RC_OK;
}

uint32_t circuit_serve(unsigned index, uint32_t order)
{
	static const uint32_t types[] = { [CIRCUIT_CONSOLE] = 0x40E, [CIRCUIT_BRANCH] = 0x20E, [CIRCUIT_ZAPPED] = 0x50E };
	const uint16_t traits[4] = { 0, 0, COLUMNS, ROWS };
	struct object *o = circuit(index);
	unsigned lower;

	if (order >= 32 && order < 64)
		return RC_OK;
	switch (order) {
	case 0: case 4: return reply_circuit(index);
	case 1:
		reply_bytes(traits, sizeof traits);
		return RC_OK;
	case 2:
		circuit_disconnect(o->circuit.type == CIRCUIT_ZAPPED && circuit_lower(index, KIND_CIRCUIT, &lower) ? lower : index);
		return RC_OK;
	case 3: case 7:
		o->circuit.gobbles = order == 3;
		return RC_OK;
	case 6:
		if (o->circuit.reading)
			reader_answer(index, o->circuit.in_length < o->circuit.want ? o->circuit.in_length : o->circuit.want);
		return RC_OK;
	case 5: case 8: case 9: case 10: case 11: case 14: case 512: return RC_OK;
	case 256: return mask_set(o->circuit.activation);
	case KT: return types[o->circuit.type];
	case OC_DESTROY:
		/* The console's own stays for the next who asks for it. */
		if (index == console)
			keys_end(index);
		else
			object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

uint32_t device_serve(unsigned index, uint32_t order)
{
	(void)index;
	switch (order) {
	case 0: return reply_circuit(console);
	case 3: case 7: case 6: case 2: return circuit_serve(console, order);
	case 8: case 9: case 10: case 11: case 31: case 32: case 33: case 34: case 35: return RC_OK;
	case 30: return mask_set(circuit(console)->circuit.activation);
	case KT: return 0xC09;
	}
	return RC_UNKNOWN;
}

/* For a simple terminal over the console: the same circuit. */
uint32_t console_circuit(void)
{
	return reply_circuit(console);
}

/* ---- the console's streams --------------------------------------------------------------- */

/* Who has the console's input now. */
static unsigned console_reader(void)
{
	unsigned index = console, upper;

	for (;;) {
		if (upper_of(index, KIND_TERMINAL, &upper)) {
			if (!terminal_branch(upper, &index))
				return console;
		} else if (upper_of(index, KIND_CIRCUIT, &upper)) {
			index = upper;
		} else {
			return index;
		}
	}
}

/* The console's input is taken only when it is read: until then it is the interpreter's. */
void circuits_poll(void)
{
	char bytes[256];
	size_t length = 0;

	if (!parked)
		return;
	if (circuit(console_reader())->circuit.reading && object_get(console, SLOT_STREAM_IN, R_D) == RC_OK && stream_read(R_D, sizeof bytes, bytes, sizeof bytes, &length) == RC_OK)
		for (size_t i = 0; i < length; i++)
			circuit_input(console, bytes[i] == '\n' ? '\r' : bytes[i]);
	for (unsigned i = OBJECT_FIRST; parked && i < objects_used; i++)
		if (objects[i].kind == KIND_CIRCUIT && objects[i].circuit.writing)
			writer_try(i);
}

bool circuits_begin(void)
{
	if (circuit_make(0, CIRCUIT_CONSOLE, &console) != RC_OK)
		return false;
	if (console_open(R_CONSOLE, 0, 0, R_A) != RC_OK || console_open(R_CONSOLE, 0, 1, R_B) != RC_OK)
		return false;
	object_put(console, SLOT_STREAM_IN, R_A);
	object_put(console, SLOT_STREAM_OUT, R_B);
	return true;
}
