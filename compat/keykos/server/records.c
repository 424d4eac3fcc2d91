/*
 * records.c - record collections (RC, and the trusted directory TDO): records and keys under names.
 *
 *	RCF(2*max + t;psb,m,sb ==> c;RC)        t 0: entry sequence, names are numbers that the collection gives; 1: name
 *	                                        sequence.  max 0: no limit of its own.  sb pays for all of it
 *	A record is (1,n)(n,name)(rest,data), 512 bytes at most, both ways.
 *	RC(0,(4,mask) ==> 0,(4,rights);RC)      a key with fewer rights
 *	RC(1 ==> 0)                             empties
 *	RC(2, 3, 4,record ==> c)                add or replace, add, replace; (5, 6, 7,record;K) the same with a key
 *	RC(8 first, 9 <, 10 <=, 11 =, 12 >=, 13 >, 14 last,(name) ==> c,record;K)    0 without key, 1 with one, 4 none
 *	RC(15,name ==> c,record;K)              deletes of a name sequence
 *	RC(16, 17,name ==> c)                   truncates an entry sequence at, after a name
 *	RC(18,(data)), (19 ==> 0,(data))        128 bytes for whoever wants them
 *	RC(KT ==> type,statistics)              0x16 entry, 0x17 name sequence; KT+4 destroys
 *
 * The arena is chunks of 2048 records: a page of the records' numbers in the order of their names, which goes on in the
 * next chunk's, then the records, seven to a page.
 * A record's key stands in the key tree under the record's number.  A weaker key is to an object of its own, which
 * names the collection and its rights.
 * Source: keykos.md 4.7.
 */
#include "object.h"

enum { NO_READ_USER = 0x40, NO_WRITE_USER = 0x20, NO_READ = 0x10, NO_WRITE = 0x08, NO_UPDATE = 0x04, NO_DELETE = 0x02,
       NO_EMPTY = 0x01 };
enum { OK_WITH_KEY = 1, KEY_REPLACED = 1, NO_KEY_REPLACED = 2, DUPLICATE = 3, ABSENT = 4, BAD_LENGTH = 6, BAD_NAME = 7,
       NOT_ALLOWED = 8, NO_NODES = 9, NO_PAGES = 10, FULL = 11, TOO_LONG = 12 };

#define RECORD_MAX     512u
#define RECORDS_A_PAGE 7u
#define CHUNK_RECORDS  (PAGE_SIZE / sizeof(uint16_t))
#define CHUNK_PAGES    (1 + (CHUNK_RECORDS + RECORDS_A_PAGE - 1) / RECORDS_A_PAGE)
#define RECORDS        (ARENA_PAGES / CHUNK_PAGES * CHUNK_RECORDS)

struct record { uint16_t length, key; uint8_t bytes[RECORD_MAX]; uint32_t next_free; };
_Static_assert(sizeof(struct record) * RECORDS_A_PAGE <= PAGE_SIZE, "seven records to a page");
_Static_assert(RECORDS < UINT16_MAX, "numbers of records, and one more, are 16 bits");

/* The collection being served. */
static struct object *rc_;
static unsigned rc_index;
static uint8_t rights;

static unsigned page_of(unsigned number)
{
	return number / CHUNK_RECORDS * CHUNK_PAGES + 1 + number % CHUNK_RECORDS / RECORDS_A_PAGE;
}

static struct record *record(unsigned number)
{
	uint8_t *arena = arena_see(rc_index, ARENA_A);

	return (struct record *)(arena + page_of(number) * PAGE_SIZE +
				 number % CHUNK_RECORDS % RECORDS_A_PAGE * sizeof(struct record));
}

/* ---- the order --------------------------------------------------------------------------- */

/* The chunk's part of the order. */
static uint16_t *order_page(unsigned chunk)
{
	return (uint16_t *)((uint8_t *)arena_see(rc_index, ARENA_A) + chunk * CHUNK_PAGES * PAGE_SIZE);
}

static unsigned number_at(unsigned place)
{
	return order_page(place / CHUNK_RECORDS)[place % CHUNK_RECORDS];
}

static struct record *record_at(unsigned place)
{
	return record(number_at(place));
}

/* What is at that place and behind it moves up by one; what does not fit into a chunk's page begins the next. */
static void order_insert(unsigned place, uint16_t number)
{
	unsigned first = place % CHUNK_RECORDS, last = rc_->records.count / CHUNK_RECORDS;

	for (unsigned chunk = place / CHUNK_RECORDS; chunk <= last; chunk++, first = 0) {
		uint16_t *page = order_page(chunk), out = page[CHUNK_RECORDS - 1];

		memmove(&page[first + 1], &page[first], (CHUNK_RECORDS - 1 - first) * sizeof *page);
		page[first] = number;
		number = out;
	}
	rc_->records.count++;
}

static void order_remove(unsigned place)
{
	unsigned first = place % CHUNK_RECORDS, last = (--rc_->records.count) / CHUNK_RECORDS;

	for (unsigned chunk = place / CHUNK_RECORDS; chunk <= last; chunk++, first = 0) {
		uint16_t *page = order_page(chunk);

		memmove(&page[first], &page[first + 1], (CHUNK_RECORDS - 1 - first) * sizeof *page);
		if (chunk < last)
			page[CHUNK_RECORDS - 1] = *order_page(chunk + 1);
	}
}

static bool by_name(void)
{
	return rc_->records.by_name;
}

/* ---- names ------------------------------------------------------------------------------- */

/* What a client sent: a name's length, the name, and the length of all. */
struct named { unsigned n; const uint8_t *name; unsigned length; };

static struct named name_sent(void)
{
	struct named s = { message_string[0], message_string + 1, message.recv_length };

	if (s.length == 0)
		s.n = 0;
	else if (s.length < s.n + 1u)
		s.n = message_string[0] = s.length - 1;
	return s;
}

static int order_of(const struct named *a, const struct record *r)
{
	unsigned n = r->bytes[0], least = a->n < n ? a->n : n;
	uint32_t x = 0, y = 0;
	int c;

	if (!by_name()) {
		memcpy(&x, a->name, a->n < 4 ? a->n : 4);
		memcpy(&y, r->bytes + 1, 4);
		return x < y ? -1 : x > y;
	}
	c = memcmp(a->name, r->bytes + 1, least);
	return c ? c : (int)a->n - (int)n;
}

/* The place of the first record that is not below the name. */
static unsigned place_of(const struct named *name)
{
	unsigned low = 0, high = rc_->records.count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (order_of(name, record_at(middle)) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct named *name, unsigned place)
{
	return place < rc_->records.count && order_of(name, record_at(place)) == 0;
}

/* ---- records ----------------------------------------------------------------------------- */

/* Answers with a record, and with its key if it has one: that goes to R_A. */
static bool tell(unsigned place)
{
	unsigned number = number_at(place);
	struct record *r = record(number);

	reply_bytes(r->bytes, r->length);
	if (!r->key)
		return false;
	keytree_fetch(rc_index, number, R_A);
	reply_key(0, R_A);
	return true;
}

/* A number for a record, its page there. */
static uint32_t number_take(unsigned *number)
{
	uint32_t rc;

	if (rc_->records.free) {
		*number = rc_->records.free - 1;
		rc_->records.free = record(*number)->next_free;
		return RC_OK;
	}
	if (rc_->records.used == RECORDS)
		return FULL;
	rc = arena_grow(rc_index, page_of(rc_->records.used) + 1);
	if (rc != RC_OK)
		return rc == RC_NO_NODES ? NO_NODES : NO_PAGES;
	*number = rc_->records.used++;
	return RC_OK;
}

static void number_free(unsigned number)
{
	struct record *r = record(number);

	r->next_free = rc_->records.free;
	rc_->records.free = number + 1;
}

/*
 * The extremes of the lengths are kept as records come.  When one that is an extreme goes they are stale, and the next who
 * asks for statistics has them made anew: whoever asks for the type only, again and again, does not pay for that.
 */
static void lengths_clear(void)
{
	rc_->records.longest = rc_->records.longest_name = 0;
	rc_->records.shortest = rc_->records.shortest_name = UINT16_MAX;
}

static void lengths_add(const struct record *r)
{
	struct object *o = rc_;
	uint16_t n = r->bytes[0];

	o->records.longest = r->length > o->records.longest ? r->length : o->records.longest;
	o->records.shortest = r->length < o->records.shortest ? r->length : o->records.shortest;
	o->records.longest_name = n > o->records.longest_name ? n : o->records.longest_name;
	o->records.shortest_name = n < o->records.shortest_name ? n : o->records.shortest_name;
}

static void lengths_remove(const struct record *r)
{
	const struct object *o = rc_;

	if (r->length == o->records.longest || r->length == o->records.shortest || r->bytes[0] == o->records.longest_name ||
	    r->bytes[0] == o->records.shortest_name)
		rc_->records.stale = true;
}

static void record_remove(unsigned place)
{
	unsigned number = number_at(place);

	lengths_remove(record(number));
	if (record(number)->key)
		keytree_swap(rc_index, number, CR_VOID, CR_VOID);
	order_remove(place);
	number_free(number);
}

/* Puts what was sent, under a name of that place, into a record; R_A, which tell has filled, stays. */
static uint32_t record_fill(unsigned number, bool with_key)
{
	struct record *r = record(number);

	if (with_key && keytree_swap(rc_index, number, K0, CR_VOID) != RC_OK)
		return NO_NODES;
	if (!with_key && r->key)
		keytree_swap(rc_index, number, CR_VOID, CR_VOID);
	r->key = with_key;
	r->length = message.recv_length ? message.recv_length : 1;
	memcpy(r->bytes, message_string, r->length);
	lengths_add(r);
	return RC_OK;
}

static uint32_t record_add(unsigned place, bool with_key)
{
	unsigned number;
	uint32_t rc = number_take(&number);

	if (rc != RC_OK)
		return rc;
	record(number)->key = 0;
	if ((rc = record_fill(number, with_key)) != RC_OK) {
		number_free(number);
		return rc;
	}
	order_insert(place, number);
	return RC_OK;
}

/* ---- adding and replacing ---------------------------------------------------------------- */

/* An entry sequence answers with the number of what was added, or replaced by 2 and 5. */
static uint32_t tell_number(uint32_t number)
{
	struct { uint8_t n; uint32_t number; } __attribute__((packed)) answer = { 4, number };

	reply_bytes(&answer, sizeof answer);
	return RC_OK;
}

/* An entry sequence numbers what is added: the name sent is four zero bytes. */
static uint32_t entry_add(const struct named *name, bool with_key)
{
	static const uint8_t zero[4];
	uint32_t last = 0, rc;

	if (name->n != 4 || memcmp(name->name, zero, 4) != 0)
		return BAD_NAME;
	if (rc_->records.count)
		memcpy(&last, record_at(rc_->records.count - 1)->bytes + 1, 4);
	last++;
	memcpy(message_string + 1, &last, 4);
	rc = record_add(rc_->records.count, with_key);
	return rc == RC_OK ? tell_number(last) : rc;
}

static void answer_forget(void)
{
	message.send_string = NULL;
	message.send[0] = CR_VOID;
}

static uint32_t replace(unsigned place, bool with_key)
{
	uint32_t rc, answer;

	if (rights & NO_UPDATE)
		return NOT_ALLOWED;
	answer = tell(place) ? KEY_REPLACED : NO_KEY_REPLACED;
	lengths_remove(record_at(place));
	rc = record_fill(number_at(place), with_key);
	if (rc == RC_OK)
		return answer;
	answer_forget();
	return rc;
}

/* 2 and 5 of a number that is there: what was replaced is not told. */
static uint32_t entry_replace(const struct named *name, unsigned place, bool with_key)
{
	uint32_t number, rc = replace(place, with_key);

	if (rc > NO_KEY_REPLACED)
		return rc;
	answer_forget();
	memcpy(&number, name->name, sizeof number);
	return tell_number(number);
}

/* Codes 2..7. */
static uint32_t change(uint32_t order)
{
	bool with_key = order >= 5;
	uint32_t what = with_key ? order - 3 : order;
	struct named name = name_sent();
	unsigned place;

	if (rights & NO_WRITE)
		return NOT_ALLOWED;
	if (name.length > RECORD_MAX || (rc_->records.limit && name.length > rc_->records.limit))
		return TOO_LONG;
	place = place_of(&name);
	if (is_at(&name, place) && (by_name() || name.n == 4)) {
		if (what == 3 && by_name())
			return DUPLICATE;
		if (what == 2 && !by_name())
			return entry_replace(&name, place, with_key);
		if (what != 3)
			return replace(place, with_key);
	}
	if (what == 4)
		return ABSENT;
	return by_name() ? record_add(place, with_key) : entry_add(&name, with_key);
}

/* ---- finding and taking away ------------------------------------------------------------- */

static uint32_t find(uint32_t order)
{
	struct named name = name_sent();
	unsigned place = order == 8 || order == 14 ? 0 : place_of(&name), count = rc_->records.count;
	bool is = order != 8 && order != 14 && is_at(&name, place);

	if (rights & NO_READ)
		return NOT_ALLOWED;
	switch (order) {
	case 9: place = place ? place - 1 : count; break;
	case 10: place = is ? place : place ? place - 1 : count; break;
	case 11: place = is ? place : count; break;
	case 13: place += is; break;
	case 14: place = count - 1; break;
	}
	if (count == 0 || place >= count)
		return ABSENT;
	return tell(place) ? OK_WITH_KEY : RC_OK;
}

/* With 16 on a name sequence, which tells whether there was a key. */
static uint32_t delete(uint32_t order)
{
	struct named name = name_sent();
	unsigned place = place_of(&name);
	bool key;

	if (!is_at(&name, place))
		return ABSENT;
	key = tell(place);
	record_remove(place);
	return key && order == 16 ? OK_WITH_KEY : RC_OK;
}

static uint32_t truncate(uint32_t order)
{
	struct named name = name_sent();
	unsigned place = 0;

	if (name.n != 0 || order == 16) {
		if (name.n != 4)
			return order == 16 ? BAD_NAME : ABSENT;
		place = place_of(&name);
		if (!is_at(&name, place))
			return ABSENT;
		place += order == 17;
	}
	while (rc_->records.count > place)
		record_remove(rc_->records.count - 1);
	return RC_OK;
}

static uint32_t empty(void)
{
	keytree_clear(rc_index);
	arena_free(rc_index);
	rc_->records.count = rc_->records.used = rc_->records.free = 0;
	rc_->records.stale = true;
	return RC_OK;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static uint32_t statistics(void)
{
	struct {
		uint8_t format, reserved1; uint16_t id, version, reserved2;
		uint32_t rights, records, longest, shortest, longest_name, shortest_name, limit, reserved3;
		uint64_t tod, reserved4;
		uint8_t user[128];
	} s = { .id = 1, .version = 1, .rights = rights, .records = rc_->records.count, .limit = RECORDS };

	if (rc_->records.stale)
		lengths_clear();
	for (unsigned i = 0; rc_->records.stale && i < rc_->records.count; i++)
		lengths_add(record_at(i));
	rc_->records.stale = false;
	s.longest = rc_->records.longest;
	s.longest_name = rc_->records.longest_name;
	s.shortest = rc_->records.count ? rc_->records.shortest : 0;
	s.shortest_name = rc_->records.count ? rc_->records.shortest_name : 0;
	s.tod = rc_->records.made;
	memcpy(s.user, rc_->records.user, sizeof s.user);
	reply_bytes(&s, sizeof s);
	return by_name() ? 0x17 : 0x16;
}

/* A key with fewer rights: to an object that has them, and the collection's key.  The same rights, the same object. */
static uint32_t weaken(void)
{
	uint32_t mask = rights | (arg32(0) & 0x7F);
	unsigned view, which_face, of;
	bool found = false;

	if (message.recv_length != 4)
		return BAD_NAME;
	for (view = OBJECT_FIRST; !found && view < objects_used; view++)
		if (objects[view].kind == KIND_RECORDS_VIEW && objects[view].view.rights == mask) {
			object_get(view, 0, R_B);
			found = key_open(R_B, KIND_RECORDS, &of, &which_face) && of == rc_index;
		}
	view--;
	if (mask && !found) {
		if (object_make(KIND_RECORDS_VIEW, rc_->bank, &view) != RC_OK)
			return NO_NODES;
		objects[view].view.rights = mask;
		object_key(rc_index, 0, R_B);
		object_put(view, 0, R_B);
	}
	object_key(mask ? view : rc_index, 0, R_A);
	reply_key(0, R_A);
	reply_bytes(&mask, sizeof mask);
	return RC_OK;
}

static uint32_t user_data(uint32_t order)
{
	if (order == 19) {
		reply_bytes(rc_->records.user, rc_->records.user_length);
		return RC_OK;
	}
	if (message.recv_length > sizeof rc_->records.user)
		return BAD_LENGTH;
	memcpy(rc_->records.user, message_string, message.recv_length);
	rc_->records.user_length = message.recv_length;
	return RC_OK;
}

/* What right each code needs. */
static uint8_t forbidden(uint32_t order)
{
	switch (order) {
	case 1: case 16: case 17: case OC_DESTROY: return NO_EMPTY;
	case 15: return NO_DELETE;
	case 18: return NO_WRITE_USER;
	case 19: return NO_READ_USER;
	}
	return 0;
}

static uint32_t serve(unsigned index, uint32_t order, uint8_t lost)
{
	rc_index = index;
	rc_ = &objects[index];
	rights = lost;
	if (forbidden(order) & rights)
		return NOT_ALLOWED;
	if (order >= 2 && order <= 7)
		return change(order);
	if (order >= 8 && order <= 14)
		return find(order);
	switch (order) {
	case 0: return weaken();
	case 1: return empty();
	case 15: return by_name() ? delete(order) : RC_UNKNOWN;
	case 16: return by_name() ? delete(order) : truncate(order);
	case 17: return by_name() ? RC_UNKNOWN : truncate(order);
	case 18: case 19: return user_data(order);
	case KT: return statistics();
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

uint32_t records_serve(unsigned index, uint32_t order)
{
	return serve(index, order, 0);
}

uint32_t records_view_serve(unsigned index, uint32_t order)
{
	unsigned of, which_face;

	object_get(index, 0, R_A);
	return key_open(R_A, KIND_RECORDS, &of, &which_face) ? serve(of, order, objects[index].view.rights) : RC_VOID;
}

/* Its weaker keys end with it. */
void records_end(unsigned index)
{
	unsigned of, which_face;

	for (unsigned view = OBJECT_FIRST; view < objects_used; view++) {
		if (objects[view].kind != KIND_RECORDS_VIEW)
			continue;
		object_get(view, 0, R_A);
		if (key_open(R_A, KIND_RECORDS, &of, &which_face) && of == index)
			object_end(view);
	}
}

uint32_t records_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned bank, made;

	(void)index;
	if (!bank_open(K2, &bank) || object_make(KIND_RECORDS, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	objects[made].records.by_name = order & 1;
	objects[made].records.limit = order / 2 > RECORD_MAX ? RECORD_MAX : order / 2;
	objects[made].records.made = time_now();
	objects[made].records.stale = true;
	object_key(made, 0, to);
	return RC_OK;
}
