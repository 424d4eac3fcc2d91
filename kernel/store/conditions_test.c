/*
 * conditions_test.c - each condition of the store, violated on purpose, is reported under its own number.
 *
 * The table names every condition of format.h and every KCHECK of this folder; one that is added without a line here
 * fails the last test (and tests/unit/conditions.py).  What is on the disk is judged by both its readers: the restart
 * or the fetch, and the offline checker.
 */
#include "world_test.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine_test.h"

static struct world *w;

/* ---- a world with something of everything -------------------------------------------------- */

static void settle(void)
{
	uint32_t before = w->store->epoch;

	for (unsigned i = 0; i < 5000 && w->committed < before && w->store->phase != STORE_FAILED; i++) {
		store_checkpoint(w->store);
		world_step(w);
	}
	w->store->want_checkpoint = false;     /* none begins under what the test does next */
	while (w->store->phase != STORE_FAILED && (w->store->phase != STORE_IDLE || w->sim.queued))
		world_step(w);
}

/* at_home: what there is has been migrated; otherwise it is all in the log. */
static void begin(bool at_home)
{
	seed0 = 48;                            /* the mixed profile */
	w = world_new(DEPTH);
	w->super.version = 2;          /* no header proves itself: what is wrong is reported, and no other header serves */
	world_format(w);
	world_restart(w);
	world_load(w, 150);
	store_migration(w->store, at_home);
	w->store->starved |= at_home;
	settle();
	for (unsigned i = 0; i < 2000; i++)
		world_step(w);
	settle();
	store_migration(w->store, false);
}

static void end(void)
{
	world_free(w);
}

/* What a restart, and reading everything, reports. */
static int restart_reports(void)
{
	world_restart(w);
	if (w->store->phase == STORE_FAILED) {
		assert_int_equal(w->store->status.failure, STORE_BAD);
		return w->store->status.condition;
	}
	world_read(w);
	return w->fetched_bad || w->store->phase == STORE_FAILED ? w->store->status.condition : 0;
}

static int checker_reports(void)
{
	struct store_verdict verdict;

	world_verify(w, &verdict);
	return verify_first;
}

/* Both readers of the disk report it, or it is no number at all. */
static int disk_reports(void)
{
	int restart = restart_reports();

	checker_reports();
	return restart && verify_reported[restart - C310_SUPER] ? restart : -1;
}

static struct disk_dir *directory(void)
{
	struct disk_dir *dir = disksim_frame(&w->sim, w->store->header.dir_first);

	assert_true(dir->magic == DIR_MAGIC && dir->count > 8);
	return dir;
}

/* The n-th entry that has a frame. */
static struct disk_entry *entry(struct disk_dir *dir, unsigned n)
{
	for (unsigned i = 0; i < dir->count; i++)
		if (dir->entry[i].lid && !n--)
			return &dir->entry[i];
	abort();
}

static struct store_version *version(unsigned n)
{
	for (uint32_t i = 0; i < w->store->version_live; i++)
		if (w->store->m.versions[w->store->m.live[i]].lid && !n--)
			return &w->store->m.versions[w->store->m.live[i]];
	abort();
}

/* An object whose only place is a home that is not null. */
static uint64_t oid_at_home(void)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct disk_tag *tag = disksim_frame(&w->sim, home_tag_frame(&w->super, oid_of(i)));

		tag += oid_of(i) % GROUP_HOMES;
		if (tag->kind && !tag->null && !version_newest(w->store, oid_of(i), ~0u))
			return oid_of(i);
	}
	abort();
}

static struct disk_tag *tag_of(uint64_t oid)
{
	return (struct disk_tag *)disksim_frame(&w->sim, home_tag_frame(&w->super, oid)) + oid % GROUP_HOMES;
}

/* ---- what the disk holds --------------------------------------------------------------------- */

static int super_block(void)
{
	struct disk_super super;
	int judged;

	memset(disksim_frame(&w->sim, SUPER_FRAME), 0x11, DISK_FRAME);
	judged = super_judge(disksim_frame(&w->sim, SUPER_FRAME), FRAMES, &super);
	return judged == checker_reports() ? judged : -1;
}

static int headers(void)
{
	for (unsigned place = 0; place < header_places(&w->super); place++)
		memset(disksim_frame(&w->sim, header_place(&w->super, place)), 0x11, DISK_FRAME);
	return disk_reports();
}

static int directory_damaged(void)
{
	directory()->entry[3].epoch ^= 1;
	return disk_reports();
}

/* Whole, and of this generation; but not the one that the header was written for. */
static int directory_of_another(void)
{
	struct disk_dir *dir = directory();

	dir->entry[0].call_count++;
	dir_seal(dir);
	return disk_reports();
}

static int named_twice(void)
{
	struct disk_dir *dir = directory();

	dir->entry[1].oid_kind = dir->entry[0].oid_kind;
	dir_seal(dir);
	return disk_reports();
}

static int entry_of_the_future(void)
{
	struct disk_dir *dir = directory();

	dir->entry[0].epoch = w->store->header.generation + 1;
	dir_seal(dir);
	return disk_reports();
}

static int entry_of_no_object(void)
{
	struct disk_dir *dir = directory();

	dir->entry[0].oid_kind = ENTRY_OID_KIND(w->super.homes, 1);
	dir_seal(dir);
	return disk_reports();
}

static int entry_beyond_the_log(void)
{
	struct disk_dir *dir = directory();

	entry(dir, 0)->lid = w->super.log_first + w->super.log_frames;
	dir_seal(dir);
	return disk_reports();
}

static int frame_of_two(void)
{
	struct disk_dir *dir = directory();

	entry(dir, 0)->lid = entry(dir, 1)->lid;
	dir_seal(dir);
	return disk_reports();
}

static int version_damaged(void)
{
	((uint8_t *)disksim_frame(&w->sim, version(2)->lid))[1000] ^= 4;
	return disk_reports();
}

/* Migration reports it, and leaves it in the log. */
static int version_damaged_moves(void)
{
	struct store_version *v = version(2);

	((uint8_t *)disksim_frame(&w->sim, v->lid))[1000] ^= 4;
	w->store->status.condition = 0;
	w->store->starved = true;
	store_migration(w->store, true);
	for (unsigned i = 0; i < 2000; i++)
		world_step(w);
	return v->flags & V_MOVED ? -1 : w->store->status.condition;
}

static int tag_damaged(void)
{
	tag_of(oid_at_home())->call_count++;
	return disk_reports();
}

static int tag_lost(void)
{
	memset(tag_of(oid_at_home()), 0, sizeof(struct disk_tag));
	return disk_reports();
}

static int home_damaged(void)
{
	((uint8_t *)disksim_frame(&w->sim, home_frame(&w->super, oid_at_home())))[4095] ^= 0x80;
	return disk_reports();
}

static int home_newer(void)
{
	uint64_t oid = oid_at_home();

	tag_of(oid)->epoch = w->store->header.generation + 1;
	tag_seal(tag_of(oid), oid);
	return disk_reports();
}

/* The newest header goes after its objects have gone home: the older one does not lead to a whole state. */
static int home_newer_than_the_older_header(void)
{
	memset(disksim_frame(&w->sim, HEADER_FRAME + (w->store->header.generation & 1)), 0, DISK_FRAME);
	tag_of(oid_at_home())->epoch = w->store->header.generation;
	tag_seal(tag_of(oid_at_home()), oid_at_home());
	return disk_reports();
}

static void journal_one(uint64_t cookie)
{
	struct store_object o = { .oid = oid_of(1), .alloc_count = w->now.object[1].alloc_count,
				  .call_count = w->now.object[1].call_count, .epoch = w->store->epoch, .kind = 1,
				  .data = w->scratch };

	w->journalling = true;
	content_fill(w->scratch, cookie);
	assert_int_equal(store_journal(w->store, &o, 1, cookie), STORE_OK);
	while (w->journalling)
		world_step(w);
}

static void journal_two(void)
{
	journal_one(21);
	journal_one(22);
}

static struct disk_journal *record_of(uint64_t sequence)
{
	return disksim_frame(&w->sim, w->super.journal_first + sequence % w->super.journal_frames);
}

static int journal_page_damaged(void)
{
	journal_two();
	((uint8_t *)disksim_frame(&w->sim, record_of(w->store->journal_next - 2)->entry[0].lid))[9] ^= 1;
	return disk_reports();
}

static int journal_record_damaged(void)
{
	journal_two();
	memset(record_of(w->store->journal_next - 2), 0x22, DISK_FRAME);
	return disk_reports();
}

/* ---- what the store has in memory ----------------------------------------------------------- */

static int map_bit_lost(void)
{
	uint64_t bit = version(1)->lid - w->super.log_first;

	w->store->m.log_map[bit / 64] &= ~(1ull << bit % 64);
	return store_check(w->store, true);
}

static int map_bit_of_nobody(void)
{
	log_alloc(w->store);
	return store_check(w->store, true);
}

static int version_of_two(void)
{
	log_free(w->store, version(0)->lid);
	version(0)->lid = version(1)->lid;
	return store_check(w->store, true);
}

static int version_beyond_the_log(void)
{
	version(0)->lid = 1;
	return store_check(w->store, true);
}

static int version_of_the_future(void)
{
	version(0)->epoch = w->store->epoch + 1;
	return store_check(w->store, true);
}

static int version_twice(void)
{
	version(0)->oid = version(1)->oid;
	version(0)->epoch = version(1)->epoch;
	return store_check(w->store, true);
}

/* A demarcation is refused, and the number is reported; afterwards it is not. */
static int demarcation_refused(void)
{
	uint64_t refused = w->store->status.refused;

	w->store->status.condition = 0;
	store_checkpoint(w->store);
	for (unsigned i = 0; i < 50 && w->store->status.refused == refused; i++)
		world_step(w);
	assert_int_equal(w->store->phase, STORE_IDLE);
	assert_int_equal(w->store->status.refused, refused + 1);
	return w->store->status.condition;
}

static int reservation_of_nobody(void)
{
	w->store->reserved_new++;
	return demarcation_refused();
}

static int no_room(void)
{
	w->store->log_free = 0;
	return demarcation_refused();
}

/* The cache's own check says the number. */
static int caches_own(void)
{
	w->break_check = 105;
	return demarcation_refused() == 105 ? 0 : -1;
}

static int count_goes_back(void)
{
	struct core *c = NULL;

	for (unsigned i = 0; i < 20000 && !c; i++) {
		uint64_t number = disksim_random(&w->sim) % OBJECTS;

		if (w->now.object[number].alloc_count && version_newest(w->store, oid_of(number), ~0u))
			c = core_take(w, number);
		world_step(w);
		if (c && !core_dirty(w, c))
			c = NULL;
	}
	w->now.object[c->number].alloc_count--;
	settle();
	assert_int_equal(w->store->phase, STORE_FAILED);
	return w->store->status.condition;
}

/* ---- the store's own mistakes (KCHECK) -------------------------------------------------------- */

static void ignore(struct store *s, struct store_io *io, bool ok)
{
	(void)s, (void)io, (void)ok;
}

static void too_many_requests(void)
{
	for (unsigned i = 0; i <= IO_SLOTS; i++)
		io_start(w->store, DISK_READ, 0, w->scratch, ignore, 0);
}

static void answered_twice(void)
{
	store_disk_done(w->store, 3, true);
}

static void marked_twice(void)
{
	log_mark(w->store, version(0)->lid);
}

static void freed_twice(void)
{
	uint32_t lid = log_alloc(w->store);

	log_free(w->store, lid);
	log_free(w->store, lid);
}

static void taken_unreserved(void)
{
	w->store->log_free = 0;
	log_alloc(w->store);
}

static void version_unreserved(void)
{
	for (uint64_t oid = 0;; oid++)
		version_add(w->store, oid, w->store->epoch);
}

static void written_twice(void)
{
	struct store_object o = { .oid = oid_of(5), .epoch = w->store->epoch, .kind = 1, .data = w->scratch };

	w->scratch[0] = 1;
	w->store->reserved_new += 2;
	version_write(w->store, &o, w->scratch, 1);
	version_write(w->store, &o, w->scratch, 1);
}

static void odd_hash(void)
{
	w->memory.hash_size = 48;
	world_open(w);
}

static void too_many_copies(void)
{
	w->memory.copy_count = STORE_COPIES + 1;
	world_open(w);
}

static void two_generations(void)
{
	w->store->reserved_old++;
	w->core[0].state = CORE_HELD;
	w->core[0].dirty = true;
	store_checkpoint(w->store);
	world_step(w);
}

static void not_all_written(void)
{
	store_checkpoint(w->store);
	while (w->store->phase != STORE_DIRECTORY)
		world_step(w);
	w->store->reserved_old++;
	for (;;)
		world_step(w);
}

static void over_the_header_in_force(void)
{
	store_checkpoint(w->store);
	while (w->store->phase != STORE_DIRECTORY)
		world_step(w);
	w->store->header_at = (w->store->header_at + 1) & 1;
	for (;;)
		world_step(w);
}

static const struct violation {
	int number;
	bool at_home;                  /* what the world is, see begin */
	int (*reported)(void);         /* violates it; what was reported */
	void (*stops)(void);           /* or violates it, which ends the kernel */
} violations[] = {
	{ C310_SUPER, false, super_block, NULL },
	{ C311_HEADER, false, headers, NULL },
	{ C312_DIR, false, directory_damaged, NULL },
	{ C312_DIR, false, directory_of_another, NULL },
	{ C313_DIR_ONCE, false, named_twice, NULL },
	{ C314_ENTRY, false, entry_of_the_future, NULL },
	{ C314_ENTRY, false, entry_of_no_object, NULL },
	{ C314_ENTRY, false, entry_beyond_the_log, NULL },
	{ C314_ENTRY, false, version_beyond_the_log, NULL },
	{ C315_LOG_ONCE, false, frame_of_two, NULL },
	{ C315_LOG_ONCE, false, version_of_two, NULL },
	{ C315_LOG_ONCE, false, map_bit_of_nobody, NULL },
	{ C316_LOG_MAP, false, map_bit_lost, NULL },
	{ C317_RESERVED, false, reservation_of_nobody, NULL },
	{ C318_ROOM, false, no_room, NULL },
	{ C319_COUNTS, false, count_goes_back, NULL },
	{ C320_VERSION, false, version_damaged, NULL },
	{ C320_VERSION, false, version_damaged_moves, NULL },
	{ C321_TAG, true, tag_damaged, NULL },
	{ C321_TAG, true, tag_lost, NULL },
	{ C322_HOME, true, home_damaged, NULL },
	{ C323_HOME_NEWER, true, home_newer, NULL },
	{ C323_HOME_NEWER, true, home_newer_than_the_older_header, NULL },
	{ C324_EPOCH, false, version_of_the_future, NULL },
	{ C325_VERSION_ONCE, false, version_twice, NULL },
	{ C326_JOURNAL, false, journal_page_damaged, NULL },
	{ C326_JOURNAL, false, journal_record_damaged, NULL },
	{ 330, false, NULL, too_many_requests },
	{ 331, false, NULL, answered_twice },
	{ 332, false, NULL, marked_twice },
	{ 333, false, NULL, freed_twice },
	{ 334, false, NULL, taken_unreserved },
	{ 335, false, NULL, version_unreserved },
	{ 336, false, NULL, written_twice },
	{ 337, false, NULL, odd_hash },
	{ 338, false, NULL, too_many_copies },
	{ 339, false, NULL, two_generations },
	{ 340, false, NULL, not_all_written },
	{ 341, false, NULL, over_the_header_in_force },
	{ 0, false, caches_own, NULL },
};
#define VIOLATIONS (sizeof violations / sizeof *violations)

/* The number with which the kernel ends: it is in what it says. */
static int stop_number(void (*f)(void))
{
	static char text[sizeof machine.log + 100];
	int ends[2], number = 0;
	ssize_t got, length = 0;
	pid_t child;
	char *at;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(ends[1], 2);
		signal(SIGABRT, SIG_DFL);
		f();
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], text + length, sizeof text - 1 - (size_t)length)) > 0)
		length += got;
	text[length] = 0;
	close(ends[0]);
	waitpid(child, NULL, 0);
	at = strstr(text, "KEROS FAILURE C");
	if (at)
		number = atoi(at + 15);
	return number;
}

static void each_is_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VIOLATIONS; i++) {
		const struct violation *v = &violations[i];
		int got;

		begin(v->at_home);
		assert_int_equal(store_check(w->store, true), 0);
		assert_int_equal(checker_reports(), 0);
		got = v->reported ? v->reported() : stop_number(v->stops);
		if (got != v->number) {
			fprintf(stderr, "violation %u, of C%d, is reported as C%d\n", i, v->number, got);
			fail();
		}
		end();
	}
}

static void every_condition_is_here(void **state)
{
	(void)state;
	for (int number = C310_SUPER; number < STORE_CONDITIONS_END; number++) {
		bool found = false;

		for (unsigned i = 0; i < VIOLATIONS; i++)
			found |= violations[i].number == number;
		if (!found) {
			fprintf(stderr, "nothing violates C%d\n", number);
			fail();
		}
	}
}

/* Seats that were never used hold the first header, but an image that lost two headers is not taken for what the rest say. */
static void unused_seats_are_no_store(void **state)
{
	(void)state;
	seed0 = 49;
	w = world_new(DEPTH);
	world_format(w);
	assert_true(header_places(&w->super) > 2);
	assert_int_equal(restart_reports(), 0);
	memset(disksim_frame(&w->sim, HEADER_FRAME), 0x11, 2 * DISK_FRAME);
	assert_int_equal(disk_reports(), C311_HEADER);
	end();
}

/* ---- the checker by itself ---------------------------------------------------------------------- */

/* It counts what is there, whether in the log or at home. */
static void checker_counts(void **state)
{
	(void)state;
	for (unsigned at_home = 0; at_home < 2; at_home++) {
		struct store_verdict v;
		uint64_t kinds[4] = { 0 };

		begin(at_home);
		assert_true(world_verify(w, &v));
		for (unsigned i = 0; i < OBJECTS; i++)
			kinds[w->now.object[i].kind]++;
		for (unsigned k = 1; k < 4; k++)
			assert_int_equal(v.kinds[k], kinds[k]);
		assert_int_equal(v.broken, 0);
		assert_int_equal(v.generation, w->committed);
		assert_int_equal(v.homes, w->super.homes);
		assert_int_equal(v.log_frames, w->super.log_frames);
		assert_int_equal(v.in_log + v.in_homes, kinds[1] + kinds[2] + kinds[3]);
		assert_true(at_home ? v.in_homes > v.in_log : v.in_log > 8);
		assert_int_equal(v.journal_records, 0);
		journal_two();
		assert_true(world_verify(w, &v));
		assert_int_equal(v.journal_records, w->store->journal_next - 1 - w->store->header.journal_sequence);
		assert_in_range(v.journal_records, 1, 2);
		end();
	}
}

/* What is no store is no store, however it looks. */
static void checker_of_garbage(void **state)
{
	struct store_verdict v;
	struct disk_super super;

	(void)state;
	begin(false);
	for (unsigned i = 0; i < 64; i++) {
		super_plan(&super, FRAMES, 48, RING, 0xC0FFEE);
		*((uint8_t *)&super + 8 + i % 60) ^= 1u << i % 8;
		super_seal(&super, disksim_frame(&w->sim, 0));
		if (world_verify(w, &v))
			assert_int_equal(super.store_id == 0xC0FFEE && i < 60 ? 1 : v.broken > 0, 1);
	}
	for (unsigned i = 0; i < 300; i++) {
		for (uint64_t f = 1; f < 3 + RING + LOG; f++)
			for (unsigned b = 0; b < DISK_FRAME; b += 8)
				*(uint64_t *)((uint8_t *)disksim_frame(&w->sim, f) + b) = disksim_random(&w->sim);
		world_verify(w, &v);
		assert_true(v.broken > 0);
		i += 60;
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_reported),
		cmocka_unit_test(every_condition_is_here),
		cmocka_unit_test(unused_seats_are_no_store),
		cmocka_unit_test(checker_counts),
		cmocka_unit_test(checker_of_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
