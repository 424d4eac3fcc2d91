/*
 * wait.c - waiting for a time: wait keys and their multiplexer.  The bwait keys are the kernel's (kernel/object/primary.c).
 *
 *	WAIT(0 ==> c) waits; (1,(8,tod)) sets; (2,(8,us)) sets to that long from now; (3, 4) set and wait   c: 1 somebody waits
 *	WAIT(5 ==> 0,(31,text)) the time set, (7 ==> 0,(8,tod)) the time now; KT 0x25, KT+4 destroys: who waits gets KT+1
 *	MBWAIT(0..4,(4,id)[(8,tod or us)] ==> c) as above for a registration; KT+3 it is none
 *	MBWAIT(5 ==> 0,(4,registered)(4,highest)), (6;guard ==> 0,(4,id)), (7,(4,id) ==> 0), (8 ==> 0) forgets the unguarded
 *	MBWAIT(KT+6 ==> 0;MBWAIT) a key that does not destroy; KT 0x425, KT+4
 *
 * A tod is the time of day since 1970, 4096 units a microsecond.  Who waits is a
 * resume key in slot 0 of the wait's node; a registration is an object of the multiplexer's bank, with its guard in
 * slot 1 and the multiplexer's key in slot 2.
 *
 * Invariant: the kernel's one alarm of this process is set to the earliest time that anybody waits for.
 * Source: keykos.md 2.14 and 4.9.
 */
#include <keros/checkpoint.h>
#include <keros/timer.h>
#include "object.h"

enum { SLOT_WAITER, SLOT_GUARD, SLOT_MULTIPLEXER };
enum { RC_WAITING = 1, WEAK = 1 };
#define NEVER        0xFFFFFFFFFFFFFFFFull
#define UNITS        4096u                 /* a microsecond */
#define POLL_US      20000u                /* how often the console is asked while somebody reads or writes */
#define RC_MALFORMED (KT + 3)

static unsigned waiting;                   /* how many objects have somebody who waits */

/* ---- the alarm --------------------------------------------------------------------------- */

static bool waits(const struct object *o)
{
	return (o->kind == KIND_WAIT || o->kind == KIND_REGISTRATION) && o->timer.waiting;
}

/* When it is due, by the system timer. */
static uint64_t due_of(const struct object *o)
{
	uint64_t offset = time_of_day_offset();

	return o->timer.tod == NEVER ? NEVER : o->timer.tod > offset ? o->timer.tod - offset : 0;
}

void alarm_set(void)
{
	uint64_t first = NEVER, now_ns = 0, now = time_now();

	for (unsigned i = OBJECT_FIRST; waiting && i < objects_used; i++)
		if (waits(&objects[i]) && due_of(&objects[i]) < first)
			first = due_of(&objects[i]);
	if (journal_runs() && first > now + JOURNAL_PERIOD_US * UNITS)
		first = now + JOURNAL_PERIOD_US * UNITS;
	if (circuits_wait() && first > now + POLL_US * UNITS)
		first = now + POLL_US * UNITS;
	process_make_notice(CR_SELF, NOTICE_TIMER, CR_TMP0);
	timer_now(R_TIMER, &now_ns);
	if (first != NEVER)
		first = first <= now ? now_ns + 1 : now_ns + (first - now) / UNITS * 1000 + (first - now) % UNITS * 1000 / UNITS + 1000;
	timer_notify_at(R_TIMER, first == NEVER ? 0 : first, CR_TMP0);
}

static void answer(unsigned index, uint32_t rc)
{
	struct msg m = { .order = rc };

	objects[index].timer.waiting = 0;
	waiting--;
	object_answer(index, SLOT_WAITER, &m);
}

/* The alarm, or the system goes on from its store. */
void waits_expire(void)
{
	uint64_t now = time_now();

	for (unsigned i = OBJECT_FIRST; waiting && i < objects_used; i++)
		if (waits(&objects[i]) && due_of(&objects[i]) <= now)
			answer(i, RC_OK);
	circuits_poll();
	journal_tick();
	alarm_set();
}

void wait_end(unsigned index)
{
	if (objects[index].timer.waiting)
		answer(index, RC_VOID);
}

/* ---- one wait ---------------------------------------------------------------------------- */

static void set(unsigned index, uint64_t tod)
{
	objects[index].timer.tod = tod;
	if (objects[index].timer.waiting)
		waits_expire();
}

static void set_interval(unsigned index, uint64_t us)
{
	uint64_t now = time_now() + time_of_day_offset();

	set(index, us >= (NEVER - now) / UNITS ? NEVER : now + us * UNITS);
}

static uint32_t wait(unsigned index)
{
	struct object *o = &objects[index];

	if (due_of(o) <= time_now() || !object_park(index, SLOT_WAITER))
		return RC_OK;
	o->timer.waiting = 1;
	waiting++;
	alarm_set();
	return NO_REPLY;
}

/*
 * Codes 0..4; the number stands at that offset of the string.  Who waits already wakes at the new time, and keeps who sets
 * it from waiting even if that is past.
 */
static uint32_t serve_wait(unsigned index, uint32_t order, unsigned at)
{
	bool another = objects[index].timer.waiting;

	if (order == 1 || order == 3)
		set(index, arg64(at));
	else if (order == 2 || order == 4)
		set_interval(index, arg64(at));
	if (order == 1 || order == 2)
		return RC_OK;
	return another ? RC_WAITING : wait(index);
}

uint32_t wait_serve(unsigned index, uint32_t order)
{
	char text[CLOCK_TEXT];
	uint64_t now;

	switch (order) {
	case 0: case 1: case 2: case 3: case 4: return serve_wait(index, order, 0);
	case 5:
		clock_text(objects[index].timer.tod, text);
		reply_bytes(text, sizeof text);
		return RC_OK;
	case 7:
		now = time_now() + time_of_day_offset();
		reply_bytes(&now, sizeof now);
		return RC_OK;
	case KT: return 0x25;
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

static uint32_t make(enum kind kind, cap_t to, unsigned *made)
{
	unsigned bank;

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (object_make(kind, bank, made) != RC_OK)
		return RC_NO_SPACE;
	if (kind == KIND_WAIT)
		objects[*made].timer.tod = NEVER;
	object_key(*made, 0, to);
	return RC_OK;
}

uint32_t wait_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned made;

	(void)index, (void)order;
	return make(KIND_WAIT, to, &made);
}

/* ---- the multiplexer --------------------------------------------------------------------- */

uint32_t mbwait_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned made;

	(void)index, (void)order;
	return make(KIND_MBWAIT, to, &made);
}

static bool is_of(unsigned id, unsigned index)
{
	unsigned owner, which_face;

	if (id < OBJECT_FIRST || id >= OBJECTS || objects[id].kind != KIND_REGISTRATION)
		return false;
	object_get(id, SLOT_MULTIPLEXER, CR_TMP0);
	return key_open(CR_TMP0, KIND_MBWAIT, &owner, &which_face) && owner == index;
}

static uint32_t enrol(unsigned index)
{
	struct object *o = &objects[index];
	unsigned id;

	if (object_make(KIND_REGISTRATION, o->bank, &id) != RC_OK)
		return RC_NO_SPACE;
	objects[id].timer.tod = NEVER;
	object_put(id, SLOT_GUARD, K0);
	object_key(index, 0, R_A);
	object_put(id, SLOT_MULTIPLEXER, R_A);
	o->multiplexer.count++;
	if (id > o->multiplexer.highest)
		o->multiplexer.highest = id;
	reply_bytes(&id, sizeof id);
	return RC_OK;
}

static void leave(unsigned index, unsigned id)
{
	object_end(id);
	objects[index].multiplexer.count--;
}

static void collect(unsigned index, bool all)
{
	for (unsigned id = OBJECT_FIRST; id < objects_used; id++) {
		if (!is_of(id, index))
			continue;
		object_get(id, SLOT_GUARD, R_A);
		if (all || key_is_null(R_A))
			leave(index, id);
	}
}

void mbwait_end(unsigned index)
{
	collect(index, true);
}

uint32_t mbwait_serve(unsigned index, uint32_t order)
{
	uint32_t counts[2] = { objects[index].multiplexer.count, objects[index].multiplexer.highest };

	if (order < 5 || order == 7) {
		if (!is_of(arg32(0), index))
			return RC_MALFORMED;
		if (order < 5)
			return serve_wait(arg32(0), order, 4);
		leave(index, arg32(0));
		return RC_OK;
	}
	switch (order) {
	case 5:
		reply_bytes(counts, sizeof counts);
		return RC_OK;
	case 6: return enrol(index);
	case 8:
		collect(index, false);
		return RC_OK;
	case KT: return 0x425;
	case KT + 6:
		object_key(index, WEAK, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case OC_DESTROY:
		if (face & WEAK)
			break;
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

void waits_begin(void)
{
	/* After a start from the store, too: the alarm is not part of what was saved. */
	process_make_notice(CR_SELF, NOTICE_RESTART, CR_TMP0);
	checkpoint_at_restart(R_CHECKPOINT, CR_TMP0);
	journal_restart();
}
