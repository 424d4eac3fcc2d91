/*
 * tag.c - a few tag frames in memory, for fetches from homes.
 *
 * A line that is being loaded when migration writes that tag frame is loaded again: it may hold the older one.
 */
#include "store/inner.h"

static struct tag_line *line_find(struct store *s, uint64_t group)
{
	for (unsigned i = 0; i < TAG_LINES; i++)
		if (s->line[i].state != LINE_FREE && s->line[i].group == group)
			return &s->line[i];
	return NULL;
}

/* One that nobody loads; the one used longest ago. */
static struct tag_line *line_victim(struct store *s)
{
	struct tag_line *victim = NULL;

	for (unsigned i = 0; i < TAG_LINES; i++) {
		struct tag_line *line = &s->line[i];

		if (line->state == LINE_FREE)
			return line;
		if (line->state != LINE_LOADING && line->state != LINE_STALE &&
		    (!victim || line->used < victim->used))
			victim = line;
	}
	return victim;
}

static void line_loaded(struct store *s, struct store_io *io, bool ok)
{
	struct tag_line *line = &s->line[io->arg];

	if (line->state == LINE_STALE)
		line->state = LINE_FREE;
	else
		line->state = ok ? LINE_GOOD : LINE_ERROR;
}

struct disk_tag *tag_get(struct store *s, uint64_t oid, bool *failed)
{
	uint64_t group = oid / GROUP_HOMES;
	struct tag_line *line = line_find(s, group);

	*failed = false;
	if (line && line->state == LINE_GOOD) {
		line->used = ++s->line_clock;
		return (struct disk_tag *)store_buffer(s, B_TAG + (line - s->line)) + oid % GROUP_HOMES;
	}
	if (line && line->state == LINE_ERROR) {
		line->state = LINE_FREE;
		*failed = true;
		return NULL;
	}
	if (line || io_room(s) <= IO_LAST)
		return NULL;
	line = line_victim(s);
	if (!line)
		return NULL;
	*line = (struct tag_line){ .group = group, .state = LINE_LOADING, .used = ++s->line_clock };
	io_start(s, DISK_READ, home_tag_frame(&s->super, oid), store_buffer(s, B_TAG + (line - s->line)), line_loaded,
		 line - s->line);
	return NULL;
}

void tag_changed(struct store *s, uint64_t group, const void *frame)
{
	struct tag_line *line = line_find(s, group);

	if (line && line->state == LINE_GOOD)
		__builtin_memcpy(store_buffer(s, B_TAG + (line - s->line)), frame, DISK_FRAME);
	else if (line)
		line->state = line->state == LINE_ERROR ? LINE_FREE : LINE_STALE;
}
