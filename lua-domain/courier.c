/*
 * courier.c - see courier.h.
 */
#include "courier.h"
#include <keros/bank.h>
#include <keros/process.h>
#include "call.h"
#include "heap.h"
#include "loop.h"

/* Registers of a courier. */
enum { CO_TARGET = 8, CO_HOME, CO_SEND0, CO_RECV0 = CO_SEND0 + 3 };

static struct courier **couriers;      /* COURIERS of them, once there is one */
static unsigned made;

/*
 * Everything it needs is in its registers: rbp points to its struct courier, and it has no stack.  Words and order code
 * are passed on as they come, and the capabilities from the registers they were received into.
 */
void courier_entry(void);
__asm__(".globl courier_entry\n"
	"courier_entry:\n\t"
	"syscall\n\t"
	"mov %r13, 0(%rbp)\n\t"
	"mov %rax, 8(%rbp)\n\t"
	"shr $32, %rax\n\t"
	"shl $32, %rax\n\t"
	"mov $0xCA001209, %ecx\n\t"      /* INV_SEND with capabilities, on CO_HOME */
	"or %rcx, %rax\n\t"
	"mov $0x000F0E0D, %ebx\n\t"      /* CO_RECV0.. in positions 0..2, nothing in 3 */
	"syscall\n\t"
	"1: mov $0xCA000100, %eax\n\t"   /* available for ever: nobody has a capability to it */
	"xor %ebx, %ebx\n\t"
	"syscall\n\t"
	"jmp 1b\n");

_Static_assert(CO_HOME == 9 && CO_RECV0 == 13, "the numbers in courier_entry");
_Static_assert(INV_SEND == 0x200 && INV_SEND_CAPS == 0x1000 && INV_RETURN == 0x100 && INV_MARK == 0xCA, "as above");
_Static_assert(offsetof(struct courier, length) == 0 && offsetof(struct courier, got) == 8, "as above");

struct courier *courier_at(unsigned number)
{
	return number < made ? couriers[number] : NULL;
}

/* A process that is not busy, or a new one; its capability is in CR_TMP3. */
static int courier_take(void)
{
	struct courier *c;

	for (unsigned i = 0; i < made; i++)
		if (!couriers[i]->busy) {
			slot_get(couriers[i]->process, CR_TMP3);
			return (int)i;
		}
	if (!couriers)
		couriers = heap_alloc(NULL, NULL, 0, COURIERS * sizeof *couriers);
	if (!couriers || made == COURIERS || !(c = heap_alloc(NULL, NULL, 0, sizeof *c)))
		return -1;
	*c = (struct courier){ .process = slot_new() };
	if (!c->process || bank_alloc_process(CR_BANK, CR_TMP3) != RC_OK) {
		if (c->process)
			slot_free(c->process);
		heap_alloc(NULL, c, sizeof *c, 0);
		return -1;
	}
	slot_put(c->process, CR_TMP3);
	process_get_slot(CR_SELF, PSLOT_SPACE, CR_TMP0);
	process_swap_slot(CR_TMP3, PSLOT_SPACE, CR_TMP0, CR_VOID);
	process_get_slot(CR_SELF, PSLOT_SCHEDULE, CR_TMP0);
	process_swap_slot(CR_TMP3, PSLOT_SCHEDULE, CR_TMP0, CR_VOID);
	process_make_start(CR_SELF, LOOP_COURIER + made, CR_TMP0);
	process_swap_reg(CR_TMP3, CO_HOME, CR_TMP0, CR_VOID);
	couriers[made] = c;
	return (int)made++;
}

static bool buffer_room(struct courier *c, size_t limit)
{
	char *to;

	if (limit <= c->room)
		return true;
	to = heap_alloc(NULL, c->buffer, c->room, limit);
	if (!to)
		return false;
	c->buffer = to;
	c->room = limit;
	return true;
}

int courier_send(struct capability *target, uint32_t op, const struct msg *m, struct capability *const caps[3], size_t limit)
{
	struct reg_image regs = { 0 };
	struct courier *c;
	int number = courier_take();

	if (number < 0)
		return -1;
	c = couriers[number];
	/* The heap may grow here, through the register that has the process. */
	if (!buffer_room(c, limit))
		return -1;
	slot_get(c->process, CR_TMP3);
	process_swap_reg(CR_TMP3, CO_TARGET, capability_reg(target, CR_TMP0), CR_VOID);
	for (unsigned i = 0; i < 3; i++)
		process_swap_reg(CR_TMP3, (uint64_t)CO_SEND0 + i, caps[i] ? capability_reg(caps[i], CR_TMP0) : CR_VOID,
				 CR_VOID);
	regs.rip = (uint64_t)courier_entry;
	regs.rflags = 0x202;
	regs.rbp = (uint64_t)&c->length;
	regs.rax = INV_CONTROL(m->order, op | INV_SEND_CAPS | INV_RECV_CAPS | INV_RECV_STRING, CO_TARGET);
	if (m->send_string)
		regs.rax |= INV_SEND_STRING;
	regs.rbx = (uint64_t)(CO_RECV0 | (CO_RECV0 + 1) << 8 | (CO_RECV0 + 2) << 16) << 32 |
		   (CO_SEND0 | (CO_SEND0 + 1) << 8 | (CO_SEND0 + 2) << 16);
	regs.rdi = m->w[0];
	regs.rsi = m->w[1];
	regs.rdx = m->w[2];
	regs.r10 = m->w[3];
	regs.r8 = m->w[4];
	regs.r9 = m->w[5];
	regs.r12 = (uint64_t)m->send_string;
	regs.r13 = m->send_length;
	regs.r14 = (uint64_t)c->buffer;
	regs.r15 = limit;
	c->length = c->got = 0;
	if (process_set_regs(CR_TMP3, &regs, sizeof regs) != RC_OK || process_run(CR_TMP3) != RC_OK)
		return -1;
	c->busy = true;
	return number;
}

void courier_done(unsigned number, bool stop)
{
	struct courier *c = courier_at(number);

	if (!c || !c->busy)
		return;
	slot_get(c->process, CR_TMP3);
	if (stop)
		process_stop(CR_TMP3, NULL);
	/* It keeps no capability of ours, nor any that came. */
	for (unsigned reg = CO_TARGET; reg < CO_RECV0 + 3u; reg++)
		if (reg != CO_HOME)
			process_swap_reg(CR_TMP3, reg, CR_VOID, CR_VOID);
	c->busy = false;
}

void couriers_forget(void)
{
	for (unsigned i = 0; i < made; i++) {
		slot_free(couriers[i]->process);
		if (couriers[i]->buffer)
			heap_alloc(NULL, couriers[i]->buffer, couriers[i]->room, 0);
		heap_alloc(NULL, couriers[i], sizeof *couriers[i], 0);
	}
	made = 0;
}
