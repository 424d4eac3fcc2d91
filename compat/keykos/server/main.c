/*
 * main.c - the server of KeyKOS's objects: its start, its objects, its loop.
 *
 * It is started by prime, makes the first bank, creators and factories, and serves.  As the program of the run it starts
 * the command interpreter with the directory of these; as a service (`keykos` of apps/system.lua) it has nobody to report
 * an end to in CR_RETURN, starts nothing, and its own start capability is a key to the directory.  See object.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <keros/native.h>
#include <keros/server.h>
#include <keros/timer.h>
#include "object.h"

struct object objects[OBJECTS];
struct msg message;
uint8_t message_string[4096];
unsigned face;
struct fault fault;

static uint8_t reply_string[4096];

#define STRING_PADDED 320u                   /* up to here message_string is zero behind what was received */
#define STRING_WORKED 64u                    /* up to here a serving function may write into it */
unsigned objects_used = OBJECT_FIRST;
static unsigned objects_full = OBJECT_FIRST; /* no object below is free */

/* ---- answers ----------------------------------------------------------------------------- */

void reply_bytes(const void *bytes, size_t length)
{
	memcpy(reply_string, bytes, length);
	message.send_string = reply_string;
	message.send_length = length;
}

void reply_key(unsigned position, cap_t reg)
{
	message.send[position] = reg;
}

/* ---- objects ----------------------------------------------------------------------------- */

/* Nodes of the store's tree between its root and the objects' own. */
static uint32_t path_make(unsigned index)
{
	uint32_t rc;

	for (unsigned depth = 1; depth < 3; depth++) {
		unsigned path = index >> (4 * (3 - depth));

		node_tree_fetch(R_STORE, path, depth, CR_TMP0);
		if (!key_is_null(CR_TMP0))
			continue;
		if ((rc = bank_alloc_node(CR_BANK, CR_TMP0)) != RC_OK)
			return rc;
		node_tree_swap(R_STORE, path, depth, CR_TMP0, CR_VOID);
	}
	return RC_OK;
}

void wrapper_fill(cap_t node, unsigned index, uint32_t format)
{
	process_make_start(CR_SELF, index << 4, CR_TMP1);
	node_swap(node, SLOT_NODE_KEEPER, CR_TMP1, CR_VOID);
	node_write_number(node, SLOT_NODE_FORMAT, format, 0);
}

uint32_t object_make(enum kind kind, unsigned bank, unsigned *index)
{
	unsigned i = objects_full;

	while (i < objects_used && objects[i].kind != KIND_NONE)
		i++;
	objects_full = i;
	if (i == OBJECTS)
		return RC_NO_SPACE;
	if (path_make(i) != RC_OK || (bank ? bank_take(bank, 0, CR_TMP0) : bank_alloc_node(CR_BANK, CR_TMP0)) != RC_OK)
		return RC_NO_SPACE;
	wrapper_fill(CR_TMP0, i, FORMAT_FRONTEND);
	node_tree_swap(R_STORE, i, 3, CR_TMP0, CR_VOID);
	if (i == objects_used)
		objects_used++;
	memset(&objects[i], 0, sizeof objects[i]);
	objects[i].kind = kind;
	objects[i].bank = bank;
	*index = i;
	return RC_OK;
}

/* The index is the next one's. */
void object_free(unsigned index)
{
	objects[index].kind = KIND_NONE;
	if (index < objects_full)
		objects_full = index;
}

/* Its own storage, then its node: with that every key to it is void. */
void object_end(unsigned index)
{
	struct object *o = &objects[index];

	if (kinds[o->kind].end)
		kinds[o->kind].end(index);
	keytree_clear(index);
	arena_free(index);
	node_tree_swap(R_STORE, index, 3, CR_VOID, CR_TMP0);
	if (o->bank && !key_is_null(CR_TMP0))
		bank_give(o->bank, 0, CR_TMP0);
	else if (!o->bank)
		bank_free(CR_BANK, CR_TMP0);
	object_free(index);
}

uint32_t object_get(unsigned index, unsigned slot, cap_t to)
{
	return node_tree_fetch(R_STORE, index << 4 | slot, 4, to);
}

void object_put(unsigned index, unsigned slot, cap_t from)
{
	node_tree_swap(R_STORE, index << 4 | slot, 4, from, CR_VOID);
}

void object_node(unsigned index, cap_t to)
{
	node_tree_fetch(R_STORE, index, 3, to);
}

unsigned face_data(unsigned which_face)
{
	return (which_face & 1) << 7 | (which_face & 2) << 4 | (which_face & 4) << 2;
}

/* Of the low four bits of a keeper's data (kernel: forward_data): 8, 2 and 1 are rights 1, 2 and 4. */
static unsigned data_face(unsigned bits)
{
	static const uint8_t faces[16] = { 0, 4, 2, 6, 0, 4, 2, 6, 1, 5, 3, 7, 1, 5, 3, 7 };

	return faces[bits];
}

void object_key(unsigned index, unsigned which_face, cap_t to)
{
	object_node(index, to);
	if (kinds[objects[index].kind].segment)
		node_make_segment(to, face_data(which_face), to);
	else
		node_make_frontend(to, face_data(which_face), to);
}

bool key_index(cap_t key, unsigned *index, unsigned *which_face)
{
	uint64_t data;

	if (proctool_identify_segment(R_PROCTOOL, key, R_BRAND, &data, CR_VOID) != RC_OK)
		return false;
	*index = data >> 4;
	*which_face = data_face(data & 15);
	return *index < OBJECTS;
}

bool key_open(cap_t key, enum kind kind, unsigned *index, unsigned *which_face)
{
	return key_index(key, index, which_face) && objects[*index].kind == kind;
}

bool key_is_maker(cap_t key, unsigned *index)
{
	unsigned which_face;

	return key_index(key, index, &which_face) && kinds[objects[*index].kind].maker;
}

unsigned key_look(cap_t key, unsigned *data_byte)
{
	uint64_t first = 0, second, valid = 0;

	keybits_show(R_KEYBITS, key, &first, &second, &valid);
	*data_byte = first >> 16 & 0xFF;
	return valid ? first & 0xFF : TYPE_VOID;
}

unsigned key_type(cap_t key)
{
	unsigned data_byte;

	return key_look(key, &data_byte);
}

bool key_is_null(cap_t key)
{
	return key_type(key) == TYPE_VOID;
}

uint64_t time_now(void)
{
	uint64_t now_ns = 0;

	timer_now(R_TIMER, &now_ns);
	return now_ns / 1000 * 4096 + now_ns % 1000 * 4096 / 1000;
}

bool object_park(unsigned index, unsigned slot)
{
	if (!(message.got & INV_GOT_RESUME))
		return false;
	object_put(index, slot, CR_RETURN);
	return true;
}

void object_answer(unsigned index, unsigned slot, struct msg *m)
{
	object_get(index, slot, CR_TMP0);
	if (key_type(CR_TMP0) == TYPE_RESUME)
		inv_raw(INV_SEND, CR_TMP0, m);
	object_put(index, slot, CR_VOID);
}

/* ---- serving ----------------------------------------------------------------------------- */

/* Only what the last message left is cleared. */
static void string_pad(size_t length)
{
	static size_t used;

	if (length == 0 && used <= STRING_WORKED) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < STRING_WORKED; i += 8)
			memset(message_string + i, 0, 8);      /* the commonest: eight stores */
		return;
	}
	if (used < STRING_WORKED)
		used = STRING_WORKED;
	if (length < used)
		memset(message_string + length, 0, used - length);
	used = length < STRING_PADDED ? length : STRING_PADDED;
}

static void message_serve(void)
{
	unsigned data = message.got & INV_GOT_DATA, index = data >> 4 ? data >> 4 : directory_index();
	const struct object *o = &objects[index];

	if (message.got & INV_GOT_NOTICE) {
		if (message.w[0] & NOTICE_RESTART) {
			time_of_day_forget();
			journal_restart();
		}
		waits_expire();
		message.order = NO_REPLY;
		return;
	}
	face = data_face(data & 15);
	fault = (struct fault){ 0 };
	if (message.got & INV_GOT_FAULT)
		fault = (struct fault){ message.order == OC_FAULT_MEMORY, message.w[2] & FAULT_ACCESS_WRITE,
					message.w[2] & FAULT_ACCESS_PRESENT, message.w[1] };
	string_pad(message.recv_length);
	message.order = o->kind == KIND_NONE ? RC_VOID : kinds[o->kind].serve(index, message.order);
}

/* What must go well at the start: there is nobody to tell otherwise. */
static void must(bool well, const char *what)
{
	if (well)
		return;
	fprintf(stderr, "keykos: %s failed at the start\n", what);
	native_exit(1);
}

int main(void)
{
	must(bank_alloc_node(CR_BANK, R_STORE) == RC_OK && bank_alloc_node(CR_BANK, R_BRAND) == RC_OK, "making the store");
	must(proctool_set_brand(R_PROCTOOL, CR_SELF, R_BRAND) == RC_OK, "branding the server");
	must(bank_first() == RC_OK, "making the first bank");
	directory_fill();
	waits_begin();
	server_first(&message, message_string, sizeof message_string);
	for (;;) {
		message_serve();
		server_turn(&message, message.order != NO_REPLY, false);
	}
}
