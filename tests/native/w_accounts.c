/*
 * w_accounts.c - a witness of restarts: accounts whose sum is kept, and stale capabilities.  It never ends.
 *
 * Two clients each move money between two accounts, which are processes in an address space of their own, by CALL.
 * Every ROUND transfers a client compares balances, and the hash chain over all that an account was told, with what
 * it remembers itself; power may be cut anywhere, and each restart must find all of it as of one moment.  The first
 * client also keeps STALE capabilities to pages that were given back, the oldest replaced in turn: none may work.
 * Now and then it asks for a checkpoint and does not wait for it.  It prints `W n` for the n-th comparison of a client that held (n grows over all lives), or `BAD why`.
 */
#include "t.h"

#define ROUND   16
#define START   1000
#define STALE   NODE_SLOTS
#define FORCED  200                    /* comparisons from one checkpoint asked for to the next */

enum { OC_WITHDRAW = 1, OC_DEPOSIT, OC_READ };
enum { ACCOUNTS = 4, W_CHECKPOINT = T_H, W_STALE = T_I, W_SPACE = T_J };

struct account {
	uint64_t balance, chain, count;
};

static struct account account[ACCOUNTS] __attribute__((aligned(4096)));
static uint64_t rounds[2], stale_kept;

static uint64_t chain_next(uint64_t chain, uint64_t order, uint64_t amount)
{
	return (chain ^ order << 56 ^ amount) * 0x9E3779B97F4A7C15ull + (chain >> 29);
}

static void account_serve(void *argument)
{
	struct account *a = argument;
	struct msg m = { .recv = { [3] = CR_RETURN } };

	inv_return(CR_VOID, &m);
	for (;;) {
		uint64_t amount = m.w[0];
		struct msg reply = { .order = RC_OK, .recv = { [3] = CR_RETURN } };

		if (m.order == OC_WITHDRAW && amount > a->balance) {
			reply.order = RC_REQUEST;
		} else if (m.order == OC_WITHDRAW || m.order == OC_DEPOSIT) {
			a->balance += m.order == OC_DEPOSIT ? amount : -amount;
			a->chain = chain_next(a->chain, m.order, amount);
			a->count++;
		}
		reply.w[0] = a->balance;
		reply.w[1] = a->chain;
		reply.w[2] = a->count;
		m = reply;
		inv_return(CR_RETURN, &m);
	}
}

static void bad(const char *why)
{
	char line[80];

	snprintf(line, sizeof line, "BAD %s\n", why);
	t_print(line);
	log_power_off(CR_LOG, 1);
	for (;;)
		;
}

struct client {
	unsigned number;
	cap_t server[2];
	struct account known[2];
	uint64_t random;
};

static uint32_t tell(struct client *c, unsigned which, uint64_t order, uint64_t amount)
{
	struct msg m = { .order = (uint32_t)order, .w = { amount } };
	uint32_t rc = inv_call(c->server[which], &m);
	struct account *known = &c->known[which];

	if (rc != RC_OK)
		return rc;
	known->balance += order == OC_DEPOSIT ? amount : -amount;
	known->chain = chain_next(known->chain, order, amount);
	known->count++;
	return rc;
}

static void transfer(struct client *c)
{
	unsigned from;
	uint64_t amount;

	c->random = c->random * 6364136223846793005ull + 1442695040888963407ull;
	from = c->random >> 63;
	amount = c->random >> 40 & 255;
	if (amount > c->known[from].balance)
		return;
	if (tell(c, from, OC_WITHDRAW, amount) != RC_OK || tell(c, !from, OC_DEPOSIT, amount) != RC_OK)
		bad("a transfer was refused");
}

static void compare(struct client *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct msg m = { .order = OC_READ };

		if (inv_call(c->server[i], &m) != RC_OK)
			bad("an account does not answer");
		if (m.w[1] != c->known[i].chain || m.w[2] != c->known[i].count)
			bad("an account's chain is not what it was told");
		if (m.w[0] != c->known[i].balance)
			bad("a balance is not what it was");
		sum += m.w[0];
	}
	if (sum != 2 * START)
		bad("the sum is not kept");
}

/* One more page is made and given back; every capability to one that was must be void. */
static void probe_stale(void)
{
	if (t_alloc(T_PAGE, T_G) != RC_OK || node_swap(W_STALE, stale_kept % STALE, T_G, CR_VOID) != RC_OK ||
	    t_free(T_G) != RC_OK)
		bad("a page could not be made and given back");
	stale_kept++;
	for (unsigned i = 0; i < STALE && i < stale_kept; i++) {
		if (node_fetch(W_STALE, i, T_G) != RC_OK || !t_is_void(T_G))
			bad("a rescinded capability works again");
	}
}

static void client_run(void *argument)
{
	struct client *c = argument;
	char line[40];

	for (;;) {
		for (unsigned i = 0; i < ROUND; i++)
			transfer(c);
		compare(c);
		rounds[c->number]++;
		if (c->number == 0) {
			probe_stale();
			if (rounds[0] % FORCED == 0)
				checkpoint_force(W_CHECKPOINT, NULL);
			snprintf(line, sizeof line, "W %lu\n", (unsigned long)(rounds[0] + rounds[1]));
			t_print(line);
		}
	}
}

static struct client clients[2] = {
	{ 0, { T_A, T_B }, { { START, 0, 0 }, { START, 0, 0 } }, 1 },
	{ 1, { T_C, T_D }, { { START, 0, 0 }, { START, 0, 0 } }, 2 },
};

int main(void)
{
	t_begin("w_accounts: accounts, chains and stale capabilities");
	if (!t_given(CHECKPOINT_TYPE, W_CHECKPOINT))
		bad("there is no checkpoint capability");
	if (t_second_space(W_SPACE) != RC_OK || t_node(W_STALE, 0) != RC_OK)
		bad("there is no storage");
	/* Below the bank, whom clients that never sleep would keep from running. */
	if (schedule_narrow(CR_SCHED, 5, CR_SCHED) != RC_OK || process_swap_slot(CR_SELF, PSLOT_SCHEDULE, CR_SCHED, CR_VOID) != RC_OK)
		bad("there is no schedule");
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		account[i].balance = START;
		if (!t_helper(T_E, i, W_SPACE, account_serve, &account[i]) || process_make_start(T_E, 0, (cap_t)(T_A + i)) != RC_OK ||
		    process_run(T_E) != RC_OK)
			bad("an account could not be started");
	}
	if (!t_helper(T_E, ACCOUNTS, CR_VOID, client_run, &clients[1]) || process_swap_reg(T_E, T_C, T_C, CR_VOID) != RC_OK ||
	    process_swap_reg(T_E, T_D, T_D, CR_VOID) != RC_OK || process_run(T_E) != RC_OK)
		bad("the second client could not be started");
	client_run(&clients[0]);
	return 1;
}
