/*
 * main.c - the metaconstructor and all constructors it made (idl/constructor.idl).
 *
 * Invariants
 *   1. Nothing is added to a sealed constructor, and a requestor's capability never reaches the
 *      operations of a builder.
 *   2. holes has exactly the bits of the constituents that are not discreet.
 *   3. It waits for nobody but the kernel and the bank: what a client gives is invoked only after
 *      the bank has called it official, or after discrim has shown that it is a sensory node.
 *   4. A place in the table is used again when its constructor is dead or its storage gone, but each time with another
 *      life, which the start capabilities carry: an old one never reaches a new constructor.
 *   5. What a constructor consists of is paid from its builder's bank; if that dies, the constructor's
 *      nodes are void and every operation answers RC_VOID.
 *
 * The body of a constructor is a node: slot 0 image, 1 constituents, 2 builder's bank; the
 * bodies hang in a three-level tree of the server's own nodes, by index.
 */
#include <stdio.h>
#include <keros/bank.h>
#include <keros/constructor.h>
#include <keros/discrim.h>
#include <keros/image.h>
#include <keros/metaconstructor.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/proctool.h>
#include <keros/server.h>
#include <keros/space.h>

enum {
	CR_DISCRIM = CR_APP0, CR_PROCTOOL, CR_BRAND, CR_TABLE, CR_BODY, CR_IMAGE, CR_CONSTITUENTS, CR_WORK,
	CR_PRODUCT, CR_NEW,
};

enum { BODY_IMAGE = 0, BODY_CONSTITUENTS = 1, BODY_BANK = 2 };

#define CONSTRUCTORS   1023            /* at once; three levels of sixteen */
#define TABLE_DEPTH    3
#define INDEX_BITS     10
#define INDEX_MASK     ((1u << INDEX_BITS) - 1)
#define LIVES          32u             /* of a place: bits 10..14 of the data */
#define DATA_REQUESTOR 0x8000u
#define DATA_META      0x7FFFu
#define CLASS_MEMORY   3

enum constructor_state { STATE_NONE, STATE_OPEN, STATE_SEALED, STATE_DEAD };

static struct { uint8_t state, life; uint16_t holes; } table[CONSTRUCTORS];
static unsigned constructors_made;             /* places from here on were never used */

static bool bank_is_official(cap_t bank)
{
	uint64_t official;

	return bank_verify(CR_BANK, bank, &official) == RC_OK && official;
}

/* The index in the data of a capability of this maker; false if it is none, or the metaconstructor's. */
static bool data_index(unsigned data, unsigned *index)
{
	*index = data & INDEX_MASK;
	return *index < constructors_made && table[*index].life == (data & ~DATA_REQUESTOR) >> INDEX_BITS;
}

static unsigned index_data(unsigned index)
{
	return (unsigned)table[index].life << INDEX_BITS | index;
}

/* A requestor's capability of ours to a sealed constructor. */
static bool requestor_index(cap_t subject, unsigned *index)
{
	uint64_t data = 0;

	return proctool_identify_start(CR_PROCTOOL, subject, CR_BRAND, &data, CR_VOID) == RC_OK &&
	       (data & DATA_REQUESTOR) && data_index(data, index) && table[*index].state == STATE_SEALED;
}

/* Who can make constructors of us can tell nobody anything by it: we answer our callers only. */
static bool is_the_maker(cap_t subject)
{
	uint64_t data = 0;

	return proctool_identify_start(CR_PROCTOOL, subject, CR_BRAND, &data, CR_VOID) == RC_OK && data == DATA_META;
}

/* Brings body, image and constituents of the constructor called into their registers. */
static uint32_t body_load(unsigned index)
{
	uint32_t rc = node_tree_fetch(CR_TABLE, index, TABLE_DEPTH, CR_BODY);

	if (rc == RC_OK)
		rc = node_fetch(CR_BODY, BODY_IMAGE, CR_IMAGE);
	if (rc == RC_OK)
		rc = node_fetch(CR_BODY, BODY_CONSTITUENTS, CR_CONSTITUENTS);
	return rc == RC_OK ? RC_OK : RC_VOID;
}

/* The constructor called, which must be in this state (STATE_NONE: in any that lives). */
static uint32_t constructor_of(const struct msg *m, bool as_builder, enum constructor_state state, unsigned *index)
{
	unsigned data = m->got & INV_GOT_DATA;

	if (!data_index(data, index) || table[*index].state == STATE_DEAD)
		return RC_VOID;
	if (as_builder && (data & DATA_REQUESTOR))
		return RC_NOACCESS;
	if (state != STATE_NONE && table[*index].state != state)
		return RC_SEALED;
	return body_load(*index);
}

/* ---- the builder ----------------------------------------------------------------------------- */

static uint32_t do_insert(void *ctx, struct msg *m, uint64_t slot, cap_t value, uint64_t *hole)
{
	unsigned index, inner;
	uint32_t rc = constructor_of(m, true, STATE_OPEN, &index);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (slot >= NODE_SLOTS)
		return RC_REQUEST;
	if ((rc = discrim_discreet(CR_DISCRIM, value, hole)) != RC_OK)
		return rc;
	if (*hole && ((requestor_index(value, &inner) && table[inner].holes == 0) || is_the_maker(value)))
		*hole = 0;
	if ((rc = node_swap(CR_CONSTITUENTS, slot, value, CR_VOID)) != RC_OK)
		return RC_VOID;
	table[index].holes = (table[index].holes & ~(1u << slot)) | *hole << slot;
	return RC_OK;
}

/*
 * Only a sensory node can be asked without danger: it is of class memory and discreet, and
 * answers node_data_byte, which an opaque segment does not.
 */
static uint32_t do_set_program(void *ctx, struct msg *m, uint64_t kind, cap_t image)
{
	unsigned index;
	uint64_t class, hole;
	struct image_layout layout;
	uint32_t rc = constructor_of(m, true, STATE_OPEN, &index);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (kind != 0 || discrim_classify(CR_DISCRIM, image, &class) != RC_OK || class != CLASS_MEMORY ||
	    discrim_discreet(CR_DISCRIM, image, &hole) != RC_OK || hole ||
	    node_data_byte(image, NULL) != RC_OK || image_layout_get(image, &layout) != RC_OK)
		return RC_REQUEST;
	return node_swap(CR_BODY, BODY_IMAGE, image, CR_VOID) == RC_OK ? RC_OK : RC_VOID;
}

static uint32_t do_seal(void *ctx, struct msg *m, cap_t *requestor)
{
	unsigned index;
	uint32_t rc = constructor_of(m, true, STATE_OPEN, &index);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	table[index].state = STATE_SEALED;
	*requestor = CR_TMP0;
	return process_make_start(CR_SELF, DATA_REQUESTOR | index_data(index), CR_TMP0);
}

static uint32_t do_destroy(void *ctx, struct msg *m)
{
	unsigned index;
	uint32_t rc = constructor_of(m, true, STATE_NONE, &index);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	table[index].state = STATE_DEAD;
	node_fetch(CR_BODY, BODY_BANK, CR_TMP0);
	bank_free(CR_TMP0, CR_CONSTITUENTS);
	bank_free(CR_TMP0, CR_BODY);
	node_tree_swap(CR_TABLE, index, TABLE_DEPTH, CR_VOID, CR_VOID);
	return RC_OK;
}

/* ---- the requestor --------------------------------------------------------------------------- */

static uint32_t do_is_discreet(void *ctx, struct msg *m, uint64_t *holes)
{
	unsigned index;
	uint32_t rc = constructor_of(m, false, STATE_SEALED, &index);

	(void)ctx;
	if (rc == RC_OK)
		*holes = __builtin_popcount(table[index].holes);
	return rc;
}

static uint32_t do_get_hole(void *ctx, struct msg *m, uint64_t which, uint64_t *slot, uint64_t *class)
{
	unsigned index, holes;
	uint32_t rc = constructor_of(m, false, STATE_SEALED, &index);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	holes = table[index].holes;
	while (holes != 0 && which-- > 0)
		holes &= holes - 1;
	if (holes == 0)
		return RC_REQUEST;
	*slot = __builtin_ctz(holes);
	if (node_fetch(CR_CONSTITUENTS, *slot, CR_TMP0) != RC_OK)
		return RC_VOID;
	return discrim_classify(CR_DISCRIM, CR_TMP0, class);
}

/* The registers that a yield starts with, beyond CR_SELF, which it has. */
static uint32_t product_fill(void)
{
	static const struct { cap_t reg, from; } given[] = {
		{ CR_CONST, CR_TMP0 }, { CR_BANK, CR_ARG0 }, { CR_SCHED, CR_ARG1 }, { CR_RETURNER, CR_RETURNER },
		{ CR_ARG0, CR_ARG2 }, { CR_RETURN, CR_RETURN },
	};
	uint32_t rc = node_make_fetch(CR_CONSTITUENTS, 0, CR_TMP0);

	for (unsigned i = 0; i < sizeof given / sizeof given[0] && rc == RC_OK; i++)
		rc = process_swap_reg(CR_PRODUCT, given[i].reg, given[i].from, CR_VOID);
	return rc;
}

/*
 * The product itself answers the requestor, so there is no reply of ours when all went well.
 * No capability to the product stays here: neither we nor the builder can reach into it.
 */
static uint32_t do_yield(void *ctx, struct msg *m, cap_t bank, cap_t schedule, cap_t argument, cap_t *product)
{
	unsigned index;
	uint64_t available = 0;
	struct image_layout layout;
	cap_t client = bank;
	struct space_maker maker = space_bank_maker(&client);
	uint32_t rc = constructor_of(m, false, STATE_SEALED, &index);

	(void)ctx, (void)argument, (void)product;
	if (rc != RC_OK)
		return rc;
	if (!bank_is_official(bank))
		return RC_UNOFFICIAL;
	if (image_layout_get(CR_IMAGE, &layout) != RC_OK)
		return RC_VOID;
	rc = bank_get_limits(bank, NULL, NULL, &available);
	if (rc != RC_OK || available < image_frames_needed(&layout))
		return rc != RC_OK ? rc : RC_LIMIT;

	rc = image_instantiate_as(CR_IMAGE, &layout, &maker, schedule, CR_PRODUCT, CR_WORK);
	if (rc == RC_OK)
		rc = product_fill();
	if (rc == RC_OK)
		rc = image_run_as(&layout, CR_PRODUCT, NULL);
	cap_copy(CR_PRODUCT, CR_VOID);
	cap_copy(CR_WORK, CR_VOID);
	return rc == RC_OK ? CONSTRUCTOR_NOREPLY : rc;
}

/* ---- the maker ------------------------------------------------------------------------------- */

static uint32_t do_verify(void *ctx, struct msg *m, cap_t subject, uint64_t *official)
{
	unsigned index;

	(void)ctx, (void)m;
	*official = requestor_index(subject, &index);
	return RC_OK;
}

/* Hangs the body in CR_NEW into the tree of bodies. */
static uint32_t body_store(unsigned index)
{
	uint32_t rc = RC_OK;

	/* Only the first place below a node finds it missing; a place used again finds all. */
	for (unsigned depth = 1; depth < TABLE_DEPTH && rc == RC_OK && index == constructors_made; depth++) {
		unsigned shift = 4 * (TABLE_DEPTH - depth);

		if (index & ((1u << shift) - 1))
			continue;
		rc = bank_alloc_node(CR_BANK, CR_TMP0);
		if (rc == RC_OK)
			rc = node_tree_swap(CR_TABLE, index >> shift, depth, CR_TMP0, CR_VOID);
	}
	return rc == RC_OK ? node_tree_swap(CR_TABLE, index, TABLE_DEPTH, CR_NEW, CR_VOID) : rc;
}

/* Whether the constructor in a place is gone, and the place has another life. */
static bool place_is_free(unsigned index)
{
	if (table[index].life + 1 == LIVES)
		return false;
	return table[index].state == STATE_DEAD || node_tree_fetch(CR_TABLE, index, TABLE_DEPTH, CR_TMP0) != RC_OK ||
	       node_data_byte(CR_TMP0, NULL) != RC_OK;
}

/* A place never used, or else one whose constructor is gone; CONSTRUCTORS if there is none. */
static unsigned place_find(void)
{
	static unsigned from;

	if (constructors_made < CONSTRUCTORS)
		return constructors_made;
	for (unsigned i = 0; i < CONSTRUCTORS; i++) {
		unsigned index = (from + i) % CONSTRUCTORS;

		if (place_is_free(index)) {
			from = index + 1;
			return index;
		}
	}
	return CONSTRUCTORS;
}

static uint32_t do_make(void *ctx, struct msg *m, cap_t bank, cap_t *builder)
{
	unsigned index;
	uint32_t rc;

	(void)ctx, (void)m;
	if (!bank_is_official(bank))
		return RC_UNOFFICIAL;
	if ((index = place_find()) == CONSTRUCTORS)
		return RC_LIMIT;
	if ((rc = bank_alloc_node(bank, CR_NEW)) != RC_OK)
		return rc;
	if ((rc = bank_alloc_node(bank, CR_TMP1)) != RC_OK) {
		bank_free(bank, CR_NEW);
		return rc;
	}
	node_swap(CR_NEW, BODY_CONSTITUENTS, CR_TMP1, CR_VOID);
	node_swap(CR_NEW, BODY_BANK, bank, CR_VOID);
	if ((rc = body_store(index)) != RC_OK) {
		bank_free(bank, CR_TMP1);
		bank_free(bank, CR_NEW);
		return rc;
	}
	if (index == constructors_made)
		constructors_made++;
	else
		table[index].life++;
	table[index].state = STATE_OPEN;
	table[index].holes = 0;
	*builder = CR_TMP0;
	return process_make_start(CR_SELF, index_data(index), CR_TMP0);
}

static const struct constructor_server constructor_handlers = {
	.insert = do_insert,
	.set_program = do_set_program,
	.seal = do_seal,
	.is_discreet = do_is_discreet,
	.get_hole = do_get_hole,
	.yield = do_yield,
	.verify = do_verify,
	.destroy = do_destroy,
};

static const struct metaconstructor_server meta_handlers = { .make = do_make, .verify = do_verify };

static bool serve(struct msg *m)
{
	if ((m->got & INV_GOT_DATA) == DATA_META)
		return metaconstructor_serve(&meta_handlers, NULL, m);
	return constructor_serve(&constructor_handlers, NULL, m);
}

int main(void)
{
	struct msg m;
	uint32_t rc = bank_alloc_node(CR_BANK, CR_BRAND);

	if (rc == RC_OK)
		rc = bank_alloc_node(CR_BANK, CR_TABLE);
	if (rc == RC_OK)
		rc = proctool_set_brand(CR_PROCTOOL, CR_SELF, CR_BRAND);
	if (rc != RC_OK) {
		fprintf(stderr, "constructor: cannot start: result %#x\n", rc);
		return 1;
	}
	server_first(&m, NULL, 0);
	for (;;)
		server_next(&m, serve(&m));
}
