/*
 * same.c - objects that are dirty and yet what the log holds already: they are not written again.
 *
 * Who syncs often has the same pages dirty each time, stacks for the most part, and half of them are as they were when
 * they were saved last.  Of a page whose checksum says so (V_SAME) a copy is kept when it is written; the next time
 * the page is compared with it, byte for byte, and if nothing differs its version of that earlier generation stays.
 *
 * Invariants
 *   1. A copy is what the version of its oid and epoch holds.  It counts only while that version is the newest of the
 *      object, and committed: then the directory names it, and no generation that may be fallen back to is younger.
 *   2. A copy is worth nothing after its object was written again; it is found by oid and epoch, so it need not be told.
 */
#include "store/inner.h"

static void *same_data(struct store *s, const struct store_same *same)
{
	return store_buffer(s, B_SAME + (same - s->same));
}

/* Equal words and no more, without a call for each. */
static bool frames_equal(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	uint64_t differ = 0;

	for (unsigned i = 0; i < DISK_FRAME / 8 && !differ; i += 8)
		differ = (x[i] ^ y[i]) | (x[i + 1] ^ y[i + 1]) | (x[i + 2] ^ y[i + 2]) | (x[i + 3] ^ y[i + 3]) |
			 (x[i + 4] ^ y[i + 4]) | (x[i + 5] ^ y[i + 5]) | (x[i + 6] ^ y[i + 6]) | (x[i + 7] ^ y[i + 7]);
	return !differ;
}

void same_keep(struct store *s, const struct store_version *v, const void *data)
{
	struct store_same *same = &s->same[s->same_hand = (s->same_hand + 1) % SAME_COPIES];

	/* In the place of what it was before, if that is there. */
	for (unsigned i = 0; i < SAME_COPIES; i++)
		if (s->same[i].oid == v->oid && s->same[i].epoch)
			same = &s->same[i];
	same->oid = v->oid;
	same->epoch = v->epoch;
	__builtin_memcpy(same_data(s, same), data, DISK_FRAME);
}

bool same_as_saved(struct store *s, const struct store_object *o)
{
	const struct store_version *v;

	for (unsigned i = 0; i < SAME_COPIES; i++) {
		const struct store_same *same = &s->same[i];

		if (same->oid != o->oid || !same->epoch)
			continue;
		v = version_newest(s, o->oid, ~0u);
		return v && v->epoch == same->epoch && v->epoch <= s->header.generation && !(v->flags & (V_WRITING | V_BAD)) &&
		       v->kind == o->kind && v->alloc_count == o->alloc_count && v->call_count == o->call_count &&
		       frames_equal(same_data(s, same), o->data);
	}
	return false;
}
