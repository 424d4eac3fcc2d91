/*
 * keykos.c - the kernel's objects as KeyKOS's primary keys.
 *
 * A message with INV_KEYKOS carries its arguments in the string and gets its answer in the result code, the string
 * and the capabilities; the data words are no part of it.  Each operation below puts the arguments where the native
 * operation of the same meaning reads them (the sender's word registers, which such a message leaves free), runs that,
 * and brings its answer into KeyKOS's form.  So there is one implementation of each, and two ways to say it.
 *
 * Rules
 *   1. An order code that KeyKOS does not have answers KT+2, whatever the native interface makes of it.
 *   2. Short strings are zero-padded, what is too long is ignored, and so are capabilities not asked for.
 *   3. Message integers are in the machine's order; data-key bodies are big-endian byte strings.
 * Source of the numbers: keykos.md 2; the differences are told in doc/keykos/kernel.md.
 */
#include "arch.h"
#include "invoke/message.h"
#include "invoke/supernode.h"
#include "kernel/checkpoint.h"
#include "kernel/discrim.h"
#include "kernel/keybits.h"
#include "kernel/node.h"
#include "kernel/page.h"
#include "kernel/proctool.h"
#include "kernel/segment.h"
#include "object/persist.h"
#include "object/primary.h"
#include "object/process.h"
#include "sched/sched.h"

#define STRING_MAX 4096u
#define RC_FOREIGN 0xFFFFFFFFu         /* identification failed */

static uint8_t reply_bytes[STRING_MAX];

static void refuse(struct inv *inv)
{
	inv_fail(inv, RC_UNKNOWN);
}

static void reply_string(struct inv *inv, uint32_t length)
{
	inv->out_string = reply_bytes;
	inv->out_length = length;
}

static void set_word(struct inv *inv, uint64_t w0)
{
	inv->sender->regs.rdi = w0;
}

/* The native answer is a word; KeyKOS's is the result code. */
static void word_is_code(struct inv *inv)
{
	if (inv->result == RC_OK)
		inv->result = (uint32_t)inv->out_w[0];
}

bool keykos_argument(struct inv *inv, void *to, uint32_t size)
{
	__builtin_memset(to, 0, size);
	return inv_string(inv, to, size) >= 0;
}

/* ---- data keys --------------------------------------------------------------------------- */

static void data_body(const struct cap *c, uint8_t *to)
{
	uint64_t high = c->type == CAP_NUMBER ? c->count & 0xFFFFFF : 0, low = c->type == CAP_NUMBER ? c->ref : 0;

	__builtin_memset(to, 0, 16);
	for (unsigned i = 0; i < 8; i++)
		to[15 - i] = low >> (8 * i);
	for (unsigned i = 0; i < 3; i++)
		to[7 - i] = high >> (8 * i);
}

/* Sixteen bytes, of which the last eleven are the body. */
static struct cap data_from_body(const uint8_t *from)
{
	uint64_t low = 0;
	uint32_t high = 0;

	for (unsigned i = 5; i < 8; i++)
		high = high << 8 | from[i];
	for (unsigned i = 8; i < 16; i++)
		low = low << 8 | from[i];
	return cap_number(low, high, 0);
}

static void data_dispatch(struct inv *inv)
{
	commit_point();
	data_body(&inv->target, reply_bytes);
	if (inv->order != 1)
		__builtin_memmove(reply_bytes, reply_bytes + 10, 6);
	reply_string(inv, inv->order == 1 ? 16 : 6);
	inv_fail(inv, RC_VOID);
}

/* The data key creator. */
static void creator_dispatch(struct inv *inv)
{
	uint8_t body[16];
	uint32_t size = inv->order == 1 ? 16 : 6, excess = 0;

	if (inv->order > 1) {
		inv_fail(inv, inv->order == KT ? CREATOR_TYPE : RC_UNKNOWN);
		return;
	}
	if (!keykos_argument(inv, body, size))
		return;
	commit_point();
	if (size == 6) {
		__builtin_memmove(body + 10, body, 6);
		__builtin_memset(body, 0, 10);
	}
	for (unsigned i = 0; i < 5; i++)
		excess |= body[i];
	inv_fail(inv, excess != 0);
	inv_out_cap(inv, 0, data_from_body(body));
}

/* ---- pages and nodes --------------------------------------------------------------------- */

static void page_keykos(struct inv *inv)
{
	uint32_t order = inv->order;

	if (order == 0) {
		page_op_make_readonly(inv);
	} else if (order == 39) {
		page_op_clear(inv);
	} else if (order == 41) {
		page_op_test_zero(inv);
		word_is_code(inv);
	} else if (order >= PAGE_SIZE && order < 2 * PAGE_SIZE) {
		page_op_write(inv);
		if (inv->result == RC_REQUEST)
			inv->result = 1;
	} else {
		inv_fail(inv, order == KT ? (inv->target.data & DB_READONLY ? 0x1202 : 0x202) : RC_UNKNOWN);
	}
	if (inv->result == RC_NOACCESS)
		refuse(inv);
}

/* Slots first..last, wrapping, become data keys. */
static void node_write_data(struct inv *inv)
{
	struct { uint32_t first, last; uint8_t body[NODE_SLOTS][16]; } arg;
	struct node *n = cap_node(&inv->target);
	uint32_t slot;

	if (inv->target.type != CAP_NODE) {
		refuse(inv);
		return;
	}
	if (!keykos_argument(inv, &arg, sizeof arg))
		return;
	if (arg.first >= NODE_SLOTS || arg.last >= NODE_SLOTS) {
		inv_fail(inv, 1);
		return;
	}
	commit_point();
	slot = arg.first;
	for (unsigned i = 0;; i++, slot = (slot + 1) % NODE_SLOTS) {
		struct cap value = data_from_body(arg.body[i]);

		for (unsigned j = 0; j < 5; j++)
			if (arg.body[i][j])
				inv_fail(inv, 2);
		node_store(n, slot, &value);
		if (slot == arg.last)
			break;
	}
	sched_schedule_changed();
}

static void node_make(struct inv *inv)
{
	uint8_t data = 0;

	if (!keykos_argument(inv, &data, 1))
		return;
	set_word(inv, data);
	node_dispatch(inv, inv->order);
}

static void node_keykos(struct inv *inv)
{
	static const uint8_t types[] = { [CAP_NODE] = 3, [CAP_FETCH] = 4, [CAP_SENSE] = 1 };
	uint32_t order = inv->order;

	if (order == NODE_OC_MAKE_SCHEDULE) {
		/* KeyKOS's meters count in units of their own (schedule.c). */
		node_dispatch(inv, order);
		inv->out[0].data = inv->out_caps && inv->out[0].type == CAP_SCHEDULE ? SCHEDULE_TICKS : 0;
		return;
	}
	if (order <= NODE_OC_SWAP_LAST || order == NODE_OC_CLEAR || order == NODE_OC_MAKE_SCHEDULE ||
	    order == NODE_OC_MAKE_SENSE) {
		node_dispatch(inv, order);
	} else if (order >= NODE_OC_MAKE_FETCH && order <= NODE_OC_MAKE_FRONTEND) {
		node_make(inv);
	} else if (order == NODE_OC_COMPARE) {
		node_op_compare(inv);
		word_is_code(inv);
	} else if (order == NODE_OC_DATA_BYTE) {
		commit_point();
		inv_fail(inv, inv->target.data & 0xFF);
	} else if (order == 45) {
		node_write_data(inv);
	} else {
		inv_fail(inv, order == KT ? types[inv->target.type] : RC_UNKNOWN);
	}
}

/* One that is not passed on to a keeper. */
static void segment_keykos(struct inv *inv)
{
	const struct cap *c = &inv->target;

	if (supernode_dispatch(inv))
		return;
	/* One that has a keeper comes here if the keeper is no gate: it is as good as DK(0). */
	if (c->type == CAP_FRONTEND || segment_format(c))
		data_dispatch(inv);
	else if (inv->order == 0)
		segment_op_make_readonly(inv);
	else
		inv_fail(inv, inv->order == KT ? 0x0005 | (c->data & DB_LSS) << 8 | (c->data & DB_READONLY ? 0x1000 : 0)
					       : RC_UNKNOWN);
}

/* ---- the rest ---------------------------------------------------------------------------- */

/* It answers with the message it got. */
static void returner_keykos(struct inv *inv)
{
	long length = inv_string(inv, reply_bytes, STRING_MAX);

	if (length < 0)
		return;
	commit_point();
	for (unsigned i = 0; i < 3; i++)
		inv_out_cap(inv, i, *inv_cap(inv, i));
	reply_string(inv, length);
	inv_fail(inv, inv->order);
}

static bool is_null(const struct cap *c)
{
	return cap_is_void(c) || (c->type == CAP_NUMBER && !c->ref && !c->count && !c->data);
}

static bool is_sensory(const struct cap *c)
{
	return !cap_is_void(c) && (c->type == CAP_SENSE || (c->type == CAP_PAGE && c->data & DB_READONLY) ||
				   (c->type == CAP_SEGMENT && (c->data & (DB_READONLY | DB_NOCALL)) == (DB_READONLY | DB_NOCALL)));
}

static void discrim_keykos(struct inv *inv)
{
	switch (inv->order) {
	case 0:
		discrim_op_classify(inv);
		break;
	case 1:
		/* Fewer than the native test: a factory asks itself about data keys and the kernel's tools. */
		commit_point();
		inv->out_w[0] = !is_sensory(inv_cap(inv, 0));
		break;
	case 2:
		discrim_op_compare(inv);
		/* What was never anything, what is no more and DK(0) are the same to a KeyKOS program. */
		if (is_null(inv_cap(inv, 0)) && is_null(inv_cap(inv, 1)))
			inv->out_w[0] = 0;
		break;
	default:
		inv_fail(inv, inv->order == KT ? 0x409 : RC_UNKNOWN);
	}
	word_is_code(inv);
}

static void put_be(uint8_t *to, uint64_t value, unsigned bytes)
{
	while (bytes--) {
		to[bytes] = value;
		value >>= 8;
	}
}

/*
 * The ancestor's form of a key on disk: type, then a data key's body, or the object's number, allocation count and data
 * byte, or a misc key's subtype.  What only our own capabilities have stands in the four bytes before, which are zero
 * otherwise, so that different keys never look alike.
 */
static void disk_form(const struct cap *key, uint8_t form[16])
{
	static const uint8_t types[CAP_TYPES] = {
		[CAP_PAGE] = 1, [CAP_SEGMENT] = 2, [CAP_NODE] = 3, [CAP_SCHEDULE] = 4, [CAP_FETCH] = 5, [CAP_START] = 6,
		[CAP_RESUME] = 7, [CAP_PROCESS] = 8, [CAP_SENSE] = 15, [CAP_FRONTEND] = 18, [CAP_NOTICE] = 0x80 | CAP_NOTICE,
	};
	static const uint8_t subtypes[CAP_TYPES] = {
		[CAP_PROCTOOL] = 2, [CAP_KEYBITS] = 4, [CAP_CREATOR] = 6, [CAP_DISCRIM] = 8,
	};
	const uint8_t misc = 10;
	struct cap c = cap_disk_form(key);

	if (cap_is_void(&c) || c.type == CAP_NUMBER) {
		data_body(&c, form);
		form[0] = c.data >> 8;
		form[1] = c.data;
		return;
	}
	__builtin_memset(form, 0, 16);
	form[0] = c.rights;
	form[4] = types[c.type];
	if (form[4]) {
		form[1] = c.data >> 8;
		put_be(form + 5, c.ref >> REF_HINT_BITS, 6);
		put_be(form + 11, c.count, 4);
		form[15] = c.data;
		return;
	}
	form[4] = misc;
	form[5] = c.type == CAP_RETURNER || subtypes[c.type] ? subtypes[c.type] : 0x80 | c.type;
	put_be(form + 6, c.ref, 8);
	put_be(form + 14, c.data, 2);
	put_be(form + 1, c.count, 3);
}

static void keybits_keykos(struct inv *inv)
{
	if (inv->order != 0) {
		refuse(inv);
		return;
	}
	commit_point();
	disk_form(inv_cap(inv, 0), reply_bytes);
	reply_string(inv, 16);
}

/* The process behind a keeper of that kind that bears the brand; NULL if it is none. */
static struct process *keeper_branded(const struct cap *keeper, enum cap_type type, const struct cap *brand)
{
	struct process *p = keeper->type != type ? NULL : type == CAP_RESUME ? cap_resume(keeper) : cap_process(keeper);

	return p && !cap_is_void(brand) && cap_same(&p->slots[PSLOT_BRAND], brand) ? p : NULL;
}

/* A segment or meter is identified by its keeper's brand: slot * 256 + data byte, and the node. */
static void identify_kept(struct inv *inv, enum cap_type type, bool meter)
{
	const struct cap *c = inv_cap(inv, 0), *keeper;
	uint32_t format = meter ? 0 : segment_format(c);
	struct node *n = meter && c->type == CAP_SCHEDULE && c->ref == 0 ? NULL : cap_node(c);
	unsigned slot = meter ? 2 : format >> 12 & 15;

	if (!n || (meter ? c->type != CAP_SCHEDULE : !format)) {
		inv_fail(inv, RC_FOREIGN);
		return;
	}
	keeper = &n->slot[slot];
	if (!keeper_branded(keeper, type, inv_cap(inv, 1))) {
		inv_fail(inv, RC_FOREIGN);
		return;
	}
	commit_point();
	inv_fail(inv, slot * 256 + (keeper->data & 0xFF));
	inv_out_cap(inv, 0, node_cap(n, CAP_NODE, meter ? 0 : c->data));
}

/* The domain tool.  Order 0 would make a domain of a node: here a process is an object of its own, so no node fits. */
static void proctool_keykos(struct inv *inv)
{
	static const enum cap_type keepers[] = { CAP_START, CAP_RESUME, CAP_PROCESS };
	const struct cap *c = inv_cap(inv, 0);

	switch (inv->order) {
	case 1:
		proctool_op_identify_start(inv);
		word_is_code(inv);
		break;
	case 2:
		if (c->type == CAP_RESUME && c->data == RESUME_RESTART) {
			inv_fail(inv, RC_FOREIGN);
			break;
		}
		proctool_op_identify_resume(inv);
		word_is_code(inv);
		break;
	case 3:
		proctool_op_identify_process(inv);
		break;
	case 5: case 6: case 7:
		identify_kept(inv, keepers[inv->order - 5], false);
		break;
	case 9: case 10: case 11:
		identify_kept(inv, keepers[inv->order - 9], true);
		break;
	case 0:
		inv_fail(inv, RC_FOREIGN);
		break;
	default:
		inv_fail(inv, inv->order == KT ? 0x109 : RC_UNKNOWN);
	}
	if (inv->result == RC_REQUEST)
		inv->result = RC_FOREIGN;
}

/* The system timer: 4096 units a microsecond. */
static void timer_keykos(struct inv *inv)
{
	/* Idle time is in sixteenths of a microsecond, as meters are. */
	uint64_t now = inv->order == 7 ? primary_time(arch_now_ns()) : cpu.idle_ns * 16 / 1000;

	if (inv->order != 7 && inv->order != 8) {
		inv_fail(inv, inv->order == KT ? 0x509 : RC_UNKNOWN);
		return;
	}
	commit_point();
	__builtin_memcpy(reply_bytes, &now, sizeof now);
	reply_string(inv, sizeof now);
}

/*
 * Take-checkpoint: 0 waits until one at or after a time is complete, 1 forces one first.  The time says no more than that
 * what was done before now is meant.  While the caller waits its first word, which its message does not use, remembers
 * for which one: mark and generation.
 */
static void checkpoint_keykos(struct inv *inv)
{
	const uint64_t mark = 0x43484B50ull << 32;
	struct process *p = inv->sender;
	uint64_t time;

	if (inv->order > 1) {
		refuse(inv);
		return;
	}
	if (!keykos_argument(inv, &time, sizeof time))
		return;
	if (time > primary_time(arch_now_ns())) {
		inv_fail(inv, 1);
		return;
	}
	if (!persist_on || p->regs.rsi != mark) {
		inv->order = CHECKPOINT_OC_FORCE;
		checkpoint_op_force(inv);
		inv->order = 0;
		if (inv->result != RC_OK) {
			refuse(inv);
			return;
		}
		p->regs.rdi = inv->out_w[0];
		p->regs.rsi = mark;
	}
	checkpoint_op_wait(inv);
}

void keykos_dispatch(struct inv *inv)
{
	const struct cap *c = &inv->target;

	switch (!cap_is_live(c) ? CAP_VOID : c->type) {
	case CAP_VOID:
	case CAP_NUMBER:
		data_dispatch(inv);
		break;
	case CAP_PAGE:
		page_keykos(inv);
		break;
	case CAP_NODE:
	case CAP_FETCH:
	case CAP_SENSE:
		node_keykos(inv);
		break;
	case CAP_SEGMENT:
	case CAP_FRONTEND:
		segment_keykos(inv);
		break;
	case CAP_SCHEDULE:
		inv_fail(inv, inv->order == KT ? 6 : RC_UNKNOWN);
		break;
	case CAP_PROCESS:
		domain_dispatch(inv);
		break;
	case CAP_DISCRIM:
		discrim_keykos(inv);
		break;
	case CAP_RETURNER:
		returner_keykos(inv);
		break;
	case CAP_CREATOR:
		creator_dispatch(inv);
		break;
	case CAP_KEYBITS:
		keybits_keykos(inv);
		break;
	case CAP_PROCTOOL:
		proctool_keykos(inv);
		break;
	case CAP_TIMER:
		timer_keykos(inv);
		break;
	case CAP_PRIMARY:
		primary_dispatch(inv);
		break;
	case CAP_CHECKPOINT:
		checkpoint_keykos(inv);
		break;
	default:
		refuse(inv);
	}
}

/* ---- traps and keepers ------------------------------------------------------------------- */

/* Its registers stay at the instruction: a keeper that lets it go on clears the trap (domain.c, reset). */
void keykos_trap(struct process *p, uint32_t code)
{
	p->regs.rip -= SYSCALL_LENGTH;
	fault_raise_process(p, FAULT_TRAP, code);
}

static uint32_t segment_fault(const struct fault_message *m, const void **string, uint32_t *length)
{
	/* Published keepers read it into eight bytes and shift the lower sixteen bits away. */
	static uint64_t offset;

	offset = m->w[1] << 16;
	*string = &offset;
	*length = sizeof offset;
	return OC_FAULT_MEMORY;
}

uint32_t keykos_fault(struct process *p, const struct fault_message *m, const void **string, uint32_t *length)
{
	static struct domain_report report;
	static uint64_t time;

	if (m->w[0] == FAULT_SCHEDULE_EMPTY) {
		time = primary_time(arch_now_ns());
		*string = &time;
		*length = sizeof time;
		return OC_FAULT_MEMORY;
	}
	if (m->order == OC_FAULT_MEMORY)
		return segment_fault(m, string, length);
	domain_report_get(p, &report);
	*string = &report;
	*length = sizeof report;
	return KT + report.view.trap_code;
}
