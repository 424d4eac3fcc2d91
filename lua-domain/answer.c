/*
 * answer.c - answers to those who called us; see loop_inner.h.
 */
#include "loop_inner.h"

struct request *current;
struct msg answer;
struct capability *answer_caps[3];
char answer_small[CALL_SMALL];
static bool answer_waits;              /* for the next wait, to CR_RETURN */

void answer_begin(uint32_t order)
{
	memset(&answer, 0, sizeof answer);
	memset(answer_caps, 0, sizeof answer_caps);
	answer.order = order;
}

/* Sends what is in `answer` to whom the request is from. */
void answer_send(struct request *r)
{
	if (!r->awaited)
		return;
	r->awaited = false;
	if (!r->held) {
		answer_waits = true;
		return;
	}
	slot_get(r->slot, CR_TMP3);
	call_fill_registers(&answer, answer_caps);
	inv_send(CR_TMP3, &answer);
	slot_free(r->slot);
}

void answer_code(struct request *r, uint32_t order)
{
	answer_begin(order);
	answer_send(r);
}

/* Before anything waits again, whoever is to be answered from CR_RETURN must be kept elsewhere. */
void requests_hold(void)
{
	for (struct request *r = current; r; r = r->outer)
		if (r->awaited && !r->held) {
			struct msg refusal = { .order = RC_LIMIT };

			r->slot = capability_hold(CR_RETURN);
			r->held = r->slot != 0;
			r->awaited = r->held;
			if (!r->held)
				inv_send(CR_RETURN, &refusal);
		}
}

bool answer_take(struct msg *m)
{
	if (!answer_waits)
		return false;
	answer_waits = false;
	*m = answer;
	call_fill_registers(m, answer_caps);
	return true;
}

void answer_flush(void)
{
	struct msg m;

	if (answer_take(&m))
		inv_send(CR_RETURN, &m);
}
