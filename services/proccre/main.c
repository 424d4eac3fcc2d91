/*
 * main.c - process creators (idl/proccre.idl): all of them, told apart by the start data.
 *
 * Invariants
 *   1. A brand is a node of the creator's own that nobody else ever holds a capability to.
 *   2. A creator's index is never used twice.
 *   3. Client capabilities are invoked only if they are official banks.
 */
#include <stdio.h>
#include <keros/bank.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/proccre.h>
#include <keros/process.h>
#include <keros/proctool.h>
#include <keros/server.h>

enum { CR_PROCTOOL = CR_APP0 + 1, CR_TABLE, CR_BRAND };

#define CREATORS 256                   /* two levels of sixteen: the brand of creator i is at path i */

static unsigned creators_made;

static bool bank_is_official(cap_t bank)
{
	uint64_t official;

	return bank_verify(CR_BANK, bank, &official) == RC_OK && official;
}

/* Brings the brand of the creator called into CR_BRAND.  A brand whose bank died brands nothing. */
static uint32_t brand_load(const struct msg *m)
{
	unsigned index = m->got & INV_GOT_DATA;

	if (index >= creators_made || node_tree_fetch(CR_TABLE, index, 2, CR_BRAND) != RC_OK ||
	    node_data_byte(CR_BRAND, NULL) != RC_OK)
		return RC_VOID;
	return RC_OK;
}

static uint32_t do_make(void *ctx, struct msg *m, cap_t bank, cap_t schedule, cap_t *process)
{
	uint32_t rc = brand_load(m);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (!bank_is_official(bank))
		return RC_UNOFFICIAL;
	if ((rc = bank_alloc_process(bank, CR_TMP0)) != RC_OK)
		return rc;
	rc = proctool_set_brand(CR_PROCTOOL, CR_TMP0, CR_BRAND);
	if (rc == RC_OK)
		rc = process_swap_slot(CR_TMP0, PSLOT_SCHEDULE, schedule, CR_VOID);
	*process = CR_TMP0;
	return rc;
}

static uint32_t do_destroy(void *ctx, struct msg *m, cap_t process, cap_t bank)
{
	uint32_t rc = brand_load(m);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (!bank_is_official(bank))
		return RC_UNOFFICIAL;
	if (proctool_identify_process(CR_PROCTOOL, process, CR_BRAND, CR_VOID) != RC_OK)
		return RC_REQUEST;
	return bank_free(bank, process);
}

static uint32_t do_identify(void *ctx, struct msg *m, cap_t subject, uint64_t *data, cap_t *process)
{
	uint32_t rc = brand_load(m);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	*process = CR_TMP0;
	return proctool_identify_start(CR_PROCTOOL, subject, CR_BRAND, data, CR_TMP0);
}

/* The brand comes from the bank given; a creator dies with it. */
static uint32_t creator_make(cap_t bank, unsigned *index)
{
	uint32_t rc = RC_OK;

	*index = creators_made;
	if (*index == CREATORS)
		return RC_LIMIT;
	if (*index % NODE_SLOTS == 0) {
		rc = bank_alloc_node(CR_BANK, CR_TMP0);
		if (rc == RC_OK)
			rc = node_swap(CR_TABLE, *index / NODE_SLOTS, CR_TMP0, CR_VOID);
	}
	if (rc == RC_OK)
		rc = bank_alloc_node(bank, CR_TMP0);
	if (rc == RC_OK)
		rc = node_tree_swap(CR_TABLE, *index, 2, CR_TMP0, CR_VOID);
	if (rc == RC_OK)
		creators_made++;
	return rc;
}

static uint32_t do_new_creator(void *ctx, struct msg *m, cap_t bank, cap_t *creator)
{
	unsigned index;
	uint32_t rc;

	(void)ctx, (void)m;
	if (!bank_is_official(bank))
		return RC_UNOFFICIAL;
	if ((rc = creator_make(bank, &index)) != RC_OK)
		return rc;
	*creator = CR_TMP0;
	return process_make_start(CR_SELF, index, CR_TMP0);
}

static const struct proccre_server handlers = {
	.make = do_make,
	.destroy = do_destroy,
	.identify = do_identify,
	.new_creator = do_new_creator,
};

int main(void)
{
	struct msg m;
	unsigned first;
	uint32_t rc = bank_alloc_node(CR_BANK, CR_TABLE);

	/* Creator 0 is the one whose start capability prime hands out. */
	if (rc == RC_OK)
		rc = creator_make(CR_BANK, &first);
	if (rc != RC_OK) {
		fprintf(stderr, "proccre: cannot start: result %#x\n", rc);
		return 1;
	}
	server_first(&m, NULL, 0);
	for (;;)
		server_next(&m, proccre_serve(&handlers, NULL, &m));
}
