/*
 * t_checkpoint.c - the checkpoint capability, with a store and without, and over a loss of power.
 *
 * With a store it prints `# power may go`, and goes on with the second half when it has been started again
 * (tests/store/checkpoint.py).
 */
#include "t.h"

enum { BITS_COMMIT = 1, BITS_RESTART = 2, BITS_LATE = 4, BITS_ALARM = 0x80 };

#define SECOND 1000000000ull

static const struct { uint32_t order; const char *name; } full_only[] = {
	{ CHECKPOINT_OC_INTERVAL, "interval" }, { CHECKPOINT_OC_TIMES, "times" }, { CHECKPOINT_OC_MARK, "mark" },
	{ CHECKPOINT_OC_SPACE, "space" },
};

/* The bits of the next notice; 0: none came in that time. */
static uint64_t notice_within(uint64_t ns)
{
	struct msg m = { 0 };

	process_make_notice(CR_SELF, BITS_ALARM, CR_TMP1);
	timer_notify_at(T_TIMER, t_now() + ns, CR_TMP1);
	inv_return(CR_VOID, &m);
	if (!(m.got & INV_GOT_NOTICE))
		return 0;
	timer_notify_at(T_TIMER, 0, CR_TMP1);
	return m.w[0] & ~(uint64_t)BITS_ALARM;
}

static uint64_t committed(void)
{
	uint64_t generation = 0;

	checkpoint_committed(T_A, &generation);
	return generation;
}

static volatile uint64_t changed;

/* Something to save. */
static void change(uint64_t n)
{
	changed = n;
}

static void test_without(void)
{
	uint64_t w = 0;

	process_make_notice(CR_SELF, 1, T_C);
	t_rc(checkpoint_force(T_A, &w), RC_NOACCESS, "without a store nothing can be forced");
	t_rc(checkpoint_wait(T_A, 1), RC_NOACCESS, "waited for");
	t_rc(checkpoint_committed(T_A, &w), RC_NOACCESS, "or committed");
	t_rc(checkpoint_notify(T_A, 1, T_C), RC_NOACCESS, "told");
	t_rc(checkpoint_at_restart(T_A, T_C), RC_NOACCESS, "or told at a restart");
	for (unsigned i = 0; i < sizeof full_only / sizeof full_only[0]; i++)
		t_rc(inv_call(T_A, &(struct msg){ .order = full_only[i].order }), RC_NOACCESS, "%s is not there", full_only[i].name);
}

static void test_force(void)
{
	uint64_t before = committed(), generation = 0, dirty, persistent = 0, life = 0, log_free = 0, log_frames = 0;

	t_rc(checkpoint_status(T_A, &generation, &dirty, &persistent, &life, &log_free, &log_frames), RC_OK, "status");
	t_ok(persistent == 1 && life == 1 && log_free <= log_frames && log_frames > 0, "of the first life of a store");
	for (unsigned i = 0; i < 5; i++) {
		change(i);
		t_rc(checkpoint_force(T_A, &generation), RC_OK, "a checkpoint is forced");
		t_ok(generation > before, "of a later generation");
		t_rc(checkpoint_wait(T_A, generation), RC_OK, "and waited for");
		before = committed();
		t_ok(before >= generation, "then it is committed");
	}
	t_rc(checkpoint_wait(T_A, 1), RC_OK, "who waits for an old one waits no longer");
}

static void test_figures(void)
{
	uint64_t stop = 0, longest = 0, check = 0, written = 0, ns = 0, homes = 0, used = 0, frames = 0, log_free = 0;

	t_rc(checkpoint_times(T_A, &stop, &longest, &check, &written, &ns, NULL), RC_OK, "times");
	t_ok(stop > 0 && longest > 0 && check > 0 && written > 0 && ns > 0 && ns < 60 * SECOND, "that can be true");
	t_rc(checkpoint_space(T_A, &homes, &used, &frames, &log_free, NULL, NULL), RC_OK, "space");
	t_ok(used > 0 && used < homes && log_free < frames, "that can be true");
}

static void test_notices(void)
{
	uint64_t generation = 0;

	process_make_notice(CR_SELF, BITS_COMMIT, T_C);
	t_rc(checkpoint_notify(T_A, 1, CR_VOID), RC_REQUEST, "nothing but a notice is told");
	t_rc(checkpoint_at_restart(T_A, T_A), RC_REQUEST, "neither at a restart");
	t_rc(checkpoint_notify(T_A, 1, T_C), RC_OK, "what is committed");
	t_ok(notice_within(SECOND) == BITS_COMMIT, "is told at once");
	change(100);
	checkpoint_force(T_A, &generation);
	t_rc(checkpoint_notify(T_A, generation, T_C), RC_OK, "what was forced");
	t_ok(notice_within(30 * SECOND) == BITS_COMMIT && committed() >= generation, "is told when it is committed");
	t_ok(notice_within(SECOND / 50) == 0, "once");
}

/* Without anybody asking, soon after the first change. */
static void test_interval(void)
{
	uint64_t before = 0, was = committed();

	t_rc(checkpoint_interval(T_A, SECOND / 20, &before), RC_OK, "the interval is set");
	t_ok(before == 2 * SECOND, "which was two seconds");
	for (unsigned i = 0; i < 400 && committed() < was + 3; i++) {
		change(i);
		t_sleep_ms(10);
	}
	t_ok(committed() >= was + 3, "checkpoints come by themselves");
	t_rc(checkpoint_interval(T_A, 3600 * SECOND, &before), RC_OK, "an hour");
	t_ok(before == SECOND / 20, "instead");
	t_sleep_ms(200);
	was = committed();
	for (unsigned i = 0; i < 40; i++) {
		change(i);
		t_sleep_ms(10);
	}
	t_ok(committed() <= was + 1, "none comes by itself");
	t_rc(checkpoint_interval(T_A, 0, &before), RC_OK, "0 only asks");
	t_ok(before == 3600 * SECOND, "what it is");
}

static void test_sync_only(void)
{
	uint64_t generation = 0;

	t_rc(checkpoint_sync_only(T_A, T_B), RC_OK, "the weaker capability");
	t_rc(checkpoint_force(T_B, &generation), RC_OK, "forces");
	t_rc(checkpoint_wait(T_B, generation), RC_OK, "and waits");
	t_rc(checkpoint_committed(T_B, &generation), RC_OK, "knows generations");
	process_make_notice(CR_SELF, BITS_LATE, T_C);
	t_rc(checkpoint_notify(T_B, 1, T_C), RC_OK, "is told");
	t_ok(notice_within(SECOND) == BITS_LATE, "what it asked for");
	for (unsigned i = 0; i < sizeof full_only / sizeof full_only[0]; i++)
		t_rc(inv_call(T_B, &(struct msg){ .order = full_only[i].order }), RC_NOACCESS, "it has no %s", full_only[i].name);
	checkpoint_sync_only(T_B, T_C);
	t_rc(checkpoint_interval(T_C, 0, NULL), RC_NOACCESS, "and makes no stronger one");
}

/* More than are kept account of; each a process of its own, since a process has one notice. */
static void test_many(void)
{
	uint32_t rc = RC_OK;
	unsigned count = 0;

	t_node(T_E, 3);
	for (; count < 200 && rc == RC_OK; count++) {
		if (t_alloc(T_PROCESS, T_D) != RC_OK)
			break;
		node_swap(T_E, count % 16, T_D, CR_VOID);
		process_make_notice(T_D, 1, T_C);
		rc = checkpoint_notify(T_A, 0x7FFFFFFF, T_C);
	}
	t_rc(rc, RC_LIMIT, "too many who wait are refused");
	t_ok(count > 60 && count < 70, "after 64");
}

/* The life that waits here ends; what comes after is another. */
static void test_power(void)
{
	uint64_t generation = 0, life = 1, before = 0, mark = 9, was;

	process_make_notice(CR_SELF, BITS_RESTART, T_C);
	t_rc(checkpoint_at_restart(T_A, T_C), RC_OK, "the restart will be told");
	process_make_notice(CR_SELF, BITS_LATE, T_C);
	t_rc(checkpoint_notify(T_A, committed() + 1000000, T_C), RC_OK, "as will a generation far ahead");
	t_rc(checkpoint_mark(T_A, 7, &mark), RC_OK, "a mark is left");
	t_ok(mark == 0, "where there was none");
	checkpoint_force(T_A, &generation);
	checkpoint_wait(T_A, generation);
	checkpoint_status(T_A, NULL, NULL, NULL, &life, NULL, NULL);
	if (life == 1)
		t_note("power may go");
	while (life == 1) {
		t_sleep_ms(20);
		checkpoint_status(T_A, NULL, NULL, NULL, &life, NULL, NULL);
	}
	t_ok(life == 2, "another life");
	was = notice_within(SECOND);
	t_ok(was == (BITS_RESTART | BITS_LATE), "has its notice, and the one that would not have come");
	t_rc(checkpoint_interval(T_A, 0, &before), RC_OK, "the interval");
	t_ok(before == 3600 * SECOND, "is what it was set to");
	t_rc(checkpoint_mark(T_A, 0, &mark), RC_OK, "the mark");
	t_ok(mark == 7, "is there");
	t_ok(committed() >= generation, "no generation came back");
}

int main(void)
{
	uint64_t persistent = 0;

	t_begin("checkpoint: forcing, waiting, notices, figures, power");
	if (!t_given(CHECKPOINT_TYPE, T_A)) {
		t_ok(false, "there is a checkpoint capability");
		return t_end();
	}
	checkpoint_status(T_A, NULL, NULL, &persistent, NULL, NULL, NULL);
	if (!persistent) {
		test_without();
		return t_end();
	}
	test_force();
	test_figures();
	test_notices();
	test_interval();
	test_sync_only();
	test_power();
	test_many();
	return t_end();
}
