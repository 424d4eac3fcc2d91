/*
 * persist_test.c - the whole kernel over a disk that loses power: processes, nodes, pages, capabilities.
 *
 * A worker process runs the hosted kernel with more objects than memory, and a load of invocations: pages written,
 * calls between processes, capabilities stored, objects rescinded.  At each demarcation a copy of the worker (fork)
 * fetches every object and leaves a digest of it; the load also keeps a model of its own and compares as it goes.
 * After a write or flush of the disk, in the middle of whatever the kernel is doing, power is cut: a third process, in
 * which no kernel ever ran, starts from what the disk holds.  There
 *   P1  every object has the digest of one demarcation, not older than the newest commit that was reported
 *   P4  capabilities that were rescinded by then are void, and no others are
 *   and what a process reads through its memory tree is what it wrote; all conditions hold; it can go on and commit.
 * CUTS=n and SEED=n in the environment.
 */
#define _GNU_SOURCE
#include "machine_test.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernel/checkpoint.h"
#include "kernel/node.h"
#include "kernel/range.h"
#include "mem/space.h"
#include "object/persist.h"
#include "panic.h"
#include "sched/sched.h"

#define CLIENTS    3
#define PAGES      48                  /* in the memory of each, from BUFFER on */
#define BUFFER     0x20000ull
#define CORE       128                 /* frames of memory for objects: fewer than there are */
#define OBJECTS    640
#define FRESH      500                 /* offsets in the range of pages that come and go */
#define FRESHES    16
#define LOG        420
#define RING       16
#define DISK       (3 + RING + LOG + 33 * (GROUP_HOMES + 1))
#define SNAPSHOTS  8
#define CUTS_EACH  250                 /* of one seed */

enum { R_NODE = 9, R_RANGE = 10, R_SERVER = 11, R_PAGE = 12, R_PROBE = 13, R_RESUME = 31 };

struct digest {
	uint64_t hash;
	uint32_t alloc_count, call_count;
	uint8_t kind;
};

/* What was true at a demarcation. */
struct snapshot {
	uint32_t generation;
	uint64_t high;
	struct digest digest[OBJECTS];
	uint64_t word[CLIENTS][PAGES];
	bool valid[FRESHES];
};

static struct shared {
	uint32_t committed;
	uint64_t seed, cuts, demarcations, evictions, rescinds;
	uint64_t client_oid[CLIENTS], stale_oid;
	struct snapshot snapshot[SNAPSHOTS];
	struct snapshot now;           /* the model: word and valid */
} *shared;

static int disk_file;                  /* what a cut leaves, shared by the worker and those who start from it */

static __attribute__((noreturn, format(printf, 1, 2))) void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (SEED=%llu, after %llu cuts)\n", (unsigned long long)shared->seed, (unsigned long long)shared->cuts);
	_exit(1);
}

/* ---- digests ----------------------------------------------------------------------------------- */

static bool alive(const struct cap *c)
{
	return cap_page(c) || cap_node(c) || cap_process(c) || cap_resume(c);
}

/* Capabilities as on disk, and whether each designates anything. */
static uint64_t caps_hash(const struct cap *c, unsigned count, uint64_t hash)
{
	for (unsigned i = 0; i < count; i++) {
		struct cap plain = cap_without_hint(&c[i]);

		hash = checksum_bytes(&plain, sizeof plain, hash + alive(&c[i]));
	}
	return hash;
}

static uint64_t process_hash(const struct process *p)
{
	uint64_t hash = checksum_bytes(&p->regs, sizeof p->regs, p->state);

	return caps_hash(p->slots, PROCESS_SLOTS, caps_hash(p->caps, CAP_REGISTERS, hash + p->recv_control));
}

static uint64_t pot_hash(struct frame *f)
{
	uint64_t hash = 0;
	uint64_t oid = f->oid;

	for (unsigned i = 0; i < NODES_PER_POT; i++) {
		struct cap slot[NODE_SLOTS];

		f = frame_find(oid);           /* to ask about its capabilities may have taken its place */
		memcpy(slot, node_at(f, i)->slot, sizeof slot);
		hash = caps_hash(slot, NODE_SLOTS, hash + node_at(f, i)->alloc_count);
		persist_guard();
	}
	return hash;
}

static struct digest digest_of(uint64_t oid)
{
	struct frame *f = frame_find(oid);
	struct digest d = { .alloc_count = f->alloc_count, .call_count = f->call_count, .kind = f->kind };

	if (f->kind == FRAME_PAGE)
		d.hash = checksum_frame(frame_data(f), 0);
	if (f->kind == FRAME_POT)
		d.hash = pot_hash(f);
	if (f->kind == FRAME_PROCESS)
		d.hash = process_hash(frame_data(f));
	persist_guard();
	return d;
}

/* ---- demarcations ------------------------------------------------------------------------------ */

static uint32_t seen_epoch;

/* The state is as it was at the demarcation: nothing has run since. */
static void snapshot_take(void)
{
	struct snapshot *s = &shared->snapshot[(store_epoch - 1) % SNAPSHOTS];
	int status;

	*s = shared->now;
	s->generation = store_epoch - 1;
	s->high = persist_high;
	if (persist_high > OBJECTS)
		wrong("more objects than the test has room for: %llu", (unsigned long long)persist_high);
	if (fork() == 0) {
		machine.on_disk = NULL;
		for (uint64_t oid = 1; oid < persist_high; oid++)
			s->digest[oid] = digest_of(oid);
		_exit(0);
	}
	wait(&status);
	if (status)
		wrong("the objects of a demarcation could not be read");
	shared->demarcations++;
}

static void on_tsc(void)
{
	if (store_epoch == seen_epoch)
		return;
	seen_epoch = store_epoch;
	snapshot_take();
}

/* ---- who starts from a cut ----------------------------------------------------------------------- */

static void start_from(struct disksim *sim)
{
	machine.disk = sim;
	machine_start(&(struct machine_config){ .frames = CORE, .tables = 48 });
}

static struct process *process_at(uint64_t oid)
{
	struct frame *f = frame_find(oid);

	return f && f->kind == FRAME_PROCESS ? frame_data(f) : NULL;
}

static void compare(const struct snapshot *s)
{
	struct frame *f;

	if (persist_high != s->high)
		wrong("objects end at %llu, not %llu", (unsigned long long)persist_high, (unsigned long long)s->high);
	for (uint64_t oid = 1; oid < persist_high; oid++) {
		struct digest d = digest_of(oid);
		const struct digest *want = &s->digest[oid];

		if (d.kind != want->kind || d.alloc_count != want->alloc_count || d.call_count != want->call_count ||
		    d.hash != want->hash)
			wrong("generation %u: object %llu is kind %u count %u/%u hash %llx, was kind %u count %u/%u hash %llx",
			      s->generation, (unsigned long long)oid, d.kind, d.alloc_count, d.call_count,
			      (unsigned long long)d.hash, want->kind, want->alloc_count, want->call_count,
			      (unsigned long long)want->hash);
	}
	for (unsigned i = 0; i < FRESHES; i++) {
		f = frame_find(shared->stale_oid);
		if (alive(&node_at(f, 0)->slot[i]) != s->valid[i])
			wrong("generation %u: capability %u is %s", s->generation, i, s->valid[i] ? "void" : "alive again");
		persist_guard();
	}
	for (unsigned c = 0; c < CLIENTS; c++) {
		for (unsigned i = 0; i < PAGES; i++) {
			struct process *p = process_at(shared->client_oid[c]);
			uint64_t *word = p ? machine_user(p, BUFFER + i * PAGE_SIZE) : NULL;

			if (!word || *word != s->word[c][i])
				wrong("generation %u: client %u reads %llx, wrote %llx", s->generation, c,
				      word ? (unsigned long long)*word : 0, (unsigned long long)s->word[c][i]);
			persist_guard();
		}
	}
}

static void conditions(void)
{
	int broken = object_check();

	if (!broken)
		broken = space_check();
	if (!broken)
		broken = persist_check();
	if (broken)
		wrong("C%d does not hold", broken);
}

/* It can also save what it is now. */
static void go_on(void)
{
	uint32_t generation = persist_force();

	for (unsigned i = 0; i < 20000 && !persist_committed(generation); i++) {
		machine.now_ns += 1000;
		persist_step();
	}
	if (!persist_committed(generation))
		wrong("what restarted cannot commit");
}

static void judge_in_machine(void)
{
	struct persist_status status;
	const struct snapshot *s;
	uint32_t generation;
	bool on;

	persist_status(&status);
	generation = status.store.generation;
	on = machine_goes_on();
	s = &shared->snapshot[generation % SNAPSHOTS];
	if (generation < shared->committed)
		wrong("generation %u came back; %u was committed", generation, shared->committed);
	if (!on) {
		if (generation > 1)
			wrong("generation %u holds no system", generation);
		_exit(0);
	}
	if (s->generation != generation)
		wrong("generation %u was never demarcated", generation);
	compare(s);
	conditions();
	go_on();
	conditions();
	_exit(0);
}

/* Runs in a child in which no kernel ever ran. */
static void judge(void)
{
	static struct disksim sim;
	void *disk = mmap(NULL, DISK * (size_t)DISK_FRAME, PROT_READ | PROT_WRITE, MAP_PRIVATE, disk_file, 0);

	disksim_over(&sim, DISK, disk, shared->seed + shared->cuts);
	start_from(&sim);
	machine_run(judge_in_machine);
	wrong("the restart ended: status %x, %s", machine.off_status, machine.log);
}

/* ---- the worker ---------------------------------------------------------------------------------- */

static struct disksim disk, left;      /* the machine's; what a cut leaves of it, in disk_file */
static struct process *client[CLIENTS], *server;
static struct node *stale;
static uint64_t cuts_wanted;
static int to_parent, from_parent;
static bool busy[CLIENTS];

static void on_disk(int op)
{
	struct persist_status status;
	char answer;

	if (op == DISK_READ || shared->cuts >= cuts_wanted)
		return;
	persist_status(&status);
	shared->committed = status.store.generation;
	disksim_cut(&disk, &left, disksim_random(&disk) % 2 ? CUT_ANY : CUT_LINEAR);
	shared->cuts++;
	if (write(to_parent, "c", 1) != 1 || read(from_parent, &answer, 1) != 1 || answer != 'o')
		_exit(1);
}

static void make_disk(void)
{
	static struct disk_super super;

	disksim_init(&disk, DISK, shared->seed);
	disksim_over(&left, DISK, mmap(NULL, DISK * (size_t)DISK_FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, disk_file, 0),
		     shared->seed);
	super_plan(&super, DISK, LOG, RING, shared->seed | 1);
	disk.headers = &super;
	disksim_format(&disk, &super);
}

static void make_world(void)
{
	server = machine_process(5);
	stale = machine_node();
	shared->stale_oid = node_pot(stale)->oid;
	for (unsigned i = 0; i < CLIENTS; i++) {
		client[i] = machine_process(5);
		shared->client_oid[i] = process_frame(client[i])->oid;
		for (unsigned page = 0; page < PAGES; page += 4) {
			machine_memory(client[i], BUFFER + page * PAGE_SIZE, 4);
			persist_guard();
		}
		client[i]->caps[R_NODE] = node_cap(stale, CAP_NODE, 0);
		client[i]->caps[R_RANGE] = (struct cap){ .type = CAP_RANGE, .count = OBJECTS };
		client[i]->caps[R_SERVER] = process_cap(server, CAP_START, 0x55 + i);
	}
	RETURN(server, CR_VOID, .receive = { [3] = R_RESUME });
}

static unsigned any_client(void)
{
	unsigned i = disksim_random(&disk) % CLIENTS;

	while (busy[i])
		i = (i + 1) % CLIENTS;
	return i;
}

static void op_write(void)
{
	unsigned c = any_client(), i = disksim_random(&disk) % PAGES;
	uint64_t *word = machine_user(client[c], BUFFER + i * PAGE_SIZE), *model = &shared->now.word[c][i];

	if (!word || *word != *model)
		wrong("client %u has %llx in page %u, wrote %llx", c, word ? (unsigned long long)*word : 0, i,
		      (unsigned long long)*model);
	*model = *word = disksim_random(&disk) % 8 ? disksim_random(&disk) : 0;
}

/* Who syncs often: the same few pages change before each checkpoint, so they stay dirty and writable. */
static void op_sync(void)
{
	unsigned c = any_client();

	for (unsigned i = 0; i < 3; i++) {
		uint64_t *word = machine_user(client[c], BUFFER + i * PAGE_SIZE);

		shared->now.word[c][i] = *word = disksim_random(&disk);
		persist_guard();
	}
	persist_force();
	for (unsigned i = 0; i < 12; i++) {
		persist_guard();
		persist_step();
	}
}

/* A client's call reaches the server; it answers at once or some time later. */
static void op_call(void)
{
	static unsigned caller;
	static uint64_t asked;

	if (server->state == PROC_AVAILABLE) {
		caller = any_client();
		asked = disksim_random(&disk);
		if (CALL(client[caller], R_SERVER, .order = 5, .w = { asked }) != MACHINE_AWAY || server->regs.rdi != asked)
			wrong("a call did not arrive");
		busy[caller] = true;
		return;
	}
	if (server->regs.rdi != asked)
		wrong("the server forgot what it was asked");
	RETURN(server, R_RESUME, .order = 0, .w = { asked + 1 }, .receive = { [3] = R_RESUME });
	busy[caller] = false;
	if (server->state != PROC_AVAILABLE || client[caller]->regs.rdi != asked + 1)
		wrong("an answer did not arrive");
}

/* A page, node or process is made, and a capability to it kept; or it is rescinded, which that capability must show. */
static void op_rescind(void)
{
	static uint8_t kinds[FRESHES];
	struct process *p = client[any_client()];
	unsigned i = disksim_random(&disk) % FRESHES;
	bool *valid = &shared->now.valid[i];
	uint64_t kind, place;

	if (CALL(p, R_NODE, .order = NODE_OC_FETCH + i, .receive = { R_PROBE }) != RC_OK || alive(&p->caps[R_PROBE]) != *valid)
		wrong("capability %u should %sbe void", i, *valid ? "not " : "");
	if (!*valid)
		kinds[i] = 1 + disksim_random(&disk) % 3;
	kind = kinds[i];
	place = kind == 2 ? (FRESH + i) * 16 + 3 : FRESH + i;
	if (*valid) {
		if (CALL(p, R_RANGE, .order = RANGE_OC_RESCIND, .w = { kind, place, 1 }) != RC_OK)
			wrong("an object was not rescinded");
		*valid = false;
		shared->rescinds++;
		return;
	}
	if (CALL(p, R_RANGE, .order = RANGE_OC_GET, .w = { kind, place }, .receive = { R_PAGE }) != RC_OK)
		wrong("an object could not be made");
	if (CALL(p, R_NODE, .order = NODE_OC_SWAP + i, .send = { R_PAGE }) != RC_OK)
		wrong("a capability could not be stored");
	*valid = true;
}

static void op(void)
{
	uint64_t what = disksim_random(&disk) % (shared->seed % 2 ? 64 : 80);  /* every other seed syncs */

	persist_guard();
	if (what < 30)
		op_write();
	else if (what < 40)
		op_call();
	else if (what < 52)
		op_rescind();
	else if (what == 63)
		persist_force();
	else if (what >= 64)
		op_sync();
	machine.now_ns += 100000;
	persist_guard();
	persist_step();
}

/* No cut while a client writes through a pointer: op_write changes page and model in one go, and a capability and its
 * validity change in two; the model is taken at demarcations, which happen at safe points only. */
static void work(void)
{
	uint64_t first = shared->cuts;

	make_disk();
	start_from(&disk);
	machine.on_tsc = on_tsc;
	machine.on_disk = on_disk;
	seen_epoch = store_epoch;
	make_world();
	for (unsigned i = 0; shared->cuts < cuts_wanted && shared->cuts < first + CUTS_EACH; i++) {
		op();
		if (i % 64 == 0)
			conditions();
	}
	_exit(0);
}

/* ---- the test ------------------------------------------------------------------------------------ */

/* One seed: the worker asks for a judge at each cut. */
static bool campaign(uint64_t seed)
{
	int up[2], down[2], status;
	pid_t worker;
	char c;

	shared->seed = seed;
	memset(shared->snapshot, 0, sizeof shared->snapshot);
	memset(&shared->now, 0, sizeof shared->now);
	shared->committed = 1;
	assert_int_equal(pipe(up) | pipe(down), 0);
	fflush(NULL);
	worker = fork();
	if (worker == 0) {
		to_parent = up[1];
		from_parent = down[0];
		close(up[0]);
		close(down[1]);
		work();
	}
	close(up[1]);
	close(down[0]);
	while (read(up[0], &c, 1) == 1) {
		pid_t judging = fork();

		if (judging == 0)
			judge();
		waitpid(judging, &status, 0);
		if (status) {
			fprintf(stderr, "a restart failed: status %x (SEED=%llu)\n", status, (unsigned long long)seed);
			kill(worker, SIGKILL);
			break;
		}
		assert_int_equal(write(down[1], "o", 1), 1);
	}
	close(up[0]);
	close(down[1]);
	waitpid(worker, &status, 0);
	return status == 0;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void every_restart_is_one_moment(void **state)
{
	uint64_t first = from_environment("SEED", 1), seed;

	(void)state;
	cuts_wanted = from_environment("CUTS", 400);
	for (seed = first; shared->cuts < cuts_wanted; seed++)
		assert_true(campaign(seed));
	printf("%llu cuts, 0 lost: the whole kernel, at any point of an operation (%llu demarcations, %llu objects rescinded; "
	       "seeds %llu..%llu)\n", (unsigned long long)shared->cuts, (unsigned long long)shared->demarcations,
	       (unsigned long long)shared->rescinds, (unsigned long long)first, (unsigned long long)(seed - 1));
}

/* ---- conditions of persist.c ---------------------------------------------------------------------- */

static void begin_quiet(void)
{
	shared->seed = 1;
	make_disk();
	start_from(&disk);
	make_world();
	if (persist_check())
		_exit(255);
}

/* Some object's frame that is dirty, or is not. */
static struct frame *some_frame(bool dirty)
{
	frame_dirty(process_frame(client[0]));
	for (uint64_t pfn = 1; pfn < frame_count; pfn++)
		if ((frames[pfn].kind == FRAME_PAGE || frames[pfn].kind == FRAME_PROCESS) &&
		    !!(frames[pfn].flags & FRAME_DIRTY) == dirty)
			return &frames[pfn];
	abort();
}

static void listed_and_not_dirty(void *context)
{
	(void)context;
	begin_quiet();
	some_frame(true)->flags &= ~FRAME_DIRTY;
	_exit(persist_check());
}

static void dirty_and_not_listed(void *context)
{
	(void)context;
	begin_quiet();
	some_frame(false)->flags |= FRAME_DIRTY;
	_exit(persist_check());
}

static void ready_and_old(void *context)
{
	(void)context;
	begin_quiet();
	frame_dirty(process_frame(client[1]));
	process_frame(client[1])->epoch--;
	_exit(persist_check());
}

/* A process that says of itself what is not so: the machine ends before that is committed. */
static void broken_process(void)
{
	frame_dirty(process_frame(client[2]));
	client[2]->state = 77;
	go_on();
}

static void broken_pot(void)
{
	node_dirty(stale);
	stale->slot[7].type = 250;
	go_on();
}

static void broken_state(void *context)
{
	begin_quiet();
	machine_run(context);
}

static void conditions_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(machine_broken(dirty_and_not_listed, NULL), 120);
	assert_int_equal(machine_broken(listed_and_not_dirty, NULL), 120);
	assert_int_equal(machine_broken(ready_and_old, NULL), 121);
	assert_int_equal(machine_broken(broken_state, broken_process), 104);
	assert_int_equal(machine_broken(broken_state, broken_pot), 112);
}

/* ---- pages that stay dirty ------------------------------------------------------------------------ */

static bool writable(unsigned i)
{
	uint64_t *leaf = arch_leaf_find(space_of(client[0]), BUFFER + i * PAGE_SIZE);

	return leaf && arch_leaf_present(*leaf) && arch_leaf_writable(*leaf);
}

static void change_and_save(unsigned i)
{
	++*(uint64_t *)machine_user(client[0], BUFFER + i * PAGE_SIZE);
	go_on();
	conditions();
}

static void kept_and_let_go(void *context)
{
	(void)context;
	begin_quiet();
	go_on();
	change_and_save(1);
	if (writable(1))
		_exit(1);              /* once is no habit */
	change_and_save(1);
	if (!writable(1) || writable(2))
		_exit(2);
	for (unsigned i = 0; i < 5; i++)
		change_and_save(1);
	if (!writable(1))
		_exit(3);
	for (unsigned i = 0; i < 8; i++)
		go_on();
	_exit(writable(1) ? 4 : 0);
}

/* What changes before each generation that somebody asks for needs no fault each time; that ends when it does not. */
static void a_page_that_changes_each_time_stays_writable(void **state)
{
	(void)state;
#ifdef KEROS_TORMENT
	skip();                        /* no translation is ever kept */
#endif
	assert_int_equal(machine_broken(kept_and_let_go, NULL), 0);
}

/* ---- who waits for a commit ------------------------------------------------------------------------ */

static uint64_t flushed_ns;

static void note_flush(int op)
{
	if (op == DISK_FLUSH || op == DISK_THROUGH)
		flushed_ns = machine.now_ns;
}

/* Nobody else is ready: the idle loop itself does the last step.  It went to sleep then, until the next timer. */
static void waited_for(void *context)
{
	struct process *p = client[0];

	(void)context;
	begin_quiet();
	p = client[0];
	p->caps[R_PROBE] = cap_misc(CAP_CHECKPOINT, 0, 0);
	machine.on_disk = note_flush;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t generation;

		if (CALL(p, R_PROBE, .order = CHECKPOINT_OC_FORCE) != RC_OK)
			_exit(1);
		generation = p->regs.rdi;
		/* It stalls, and is let go to ask again. */
		if (CALL(p, R_PROBE, .order = CHECKPOINT_OC_WAIT, .w = { generation }) != MACHINE_AWAY || cpu.current != p)
			_exit(2);
		if (!persist_committed(generation) || machine.now_ns != flushed_ns)
			_exit(3);
	}
	_exit(0);
}

static void a_commit_wakes_who_waits_before_the_machine_sleeps(void **state)
{
	(void)state;
#ifdef KEROS_TORMENT
	skip();                        /* one is begun at every commit point, and who asks finds his own committed */
#endif
	assert_int_equal(machine_broken(waited_for, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_restart_is_one_moment),
		cmocka_unit_test(conditions_are_told_apart),
		cmocka_unit_test(a_page_that_changes_each_time_stays_writable),
		cmocka_unit_test(a_commit_wakes_who_waits_before_the_machine_sleeps),
	};

	disk_file = memfd_create("disk", 0);
	if (ftruncate(disk_file, DISK * (off_t)DISK_FRAME))
		return 1;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
