/*
 * queue.c - the bytes of a call: in the user's buffers (spans), and waiting in a socket (chunks).
 *
 * The spans are those of the call that is served: there is one at a time, and a call that blocked begins again.
 */
#include <stdlib.h>
#include "inner.h"

#define SPANS_MAX 1024u

static struct span spans[SPANS_MAX];

unsigned spans_one(uint64_t base, uint64_t length)
{
	spans[0] = (struct span){ base, length > RW_LIMIT ? RW_LIMIT : length };
	return 1;
}

long spans_fetch(struct proc *p, uint64_t at, uint64_t count)
{
	long total = count > SPANS_MAX ? -EMSGSIZE : spans_read(p, spans, at, count);

	return total < 0 ? total : 0;
}

uint64_t spans_total(unsigned count)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += spans[i].length;
	return total;
}

/* Copies between memory of ours and the spans, from an offset in them. */
int spans_copy(struct proc *p, unsigned count, uint64_t offset, char *mine, size_t n, bool out)
{
	for (unsigned i = 0; i < count && n; i++) {
		size_t part = spans[i].length;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		part -= offset;
		if (part > n)
			part = n;
		if (out ? user_write(p, spans[i].base + offset, mine, part) : user_read(p, mine, spans[i].base + offset, part))
			return -EFAULT;
		mine += part;
		n -= part;
		offset = 0;
	}
	return 0;
}

struct chunk *chunk_new(size_t room)
{
	struct chunk *c = malloc(sizeof *c + room);

	if (c)
		*c = (struct chunk){ .room = room };
	return c;
}

void chunk_free(struct chunk *c)
{
	for (uint32_t i = 0; i < c->file_count; i++)
		file_put(c->files[i]);
	free(c->files);
	free(c->from);
	free(c);
}

void chunk_queue(struct socket *to, struct chunk *c)
{
	if (to->last)
		to->last->next = c;
	else
		to->first = c;
	to->last = c;
	to->queued += c->length;
}

void chunk_take(struct socket *s)
{
	struct chunk *c = s->first;

	s->first = c->next;
	if (!s->first)
		s->last = NULL;
	chunk_free(c);
}
