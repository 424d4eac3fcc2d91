/*
 * t_constructor.c - constructors: insert, seal, holes, yields that are confined.
 *
 * The program of the yields is a piece of assembly in this file, copied into a page: an
 * image made by hand.  A yield answers its requestor with a start capability to itself, and
 * then tells what it holds:
 *     order 0..15   the type and result code of constituent n
 *     order 16      the type and result code of capability register w0
 */
#include "t.h"
#include <keros/image.h>

extern const uint8_t yield_begin[], yield_end[];

#define STRING(x) #x
#define CONTROL(order, flags, target) STRING((order << 32) + 0xCA000000 + flags + target)

/* Flags: CALL 0, RETURN 0x100, send capabilities 0x1000, receive capabilities 0x2000. */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"yield_begin:\n\t"
	"movabs $" CONTROL(9, 0x2000, 3) ", %rax\n\t"      /* self.make_start(0x77) into register 8 */
	"mov $0x77, %edi\n\t"
	"movabs $0x800000000, %rbx\n\t"
	"syscall\n\t"
	"movabs $" CONTROL(0, 0x3100, 31) ", %rax\n\t"     /* answer with it, wait: resume into 31 */
	"movabs $0x1F00000000000008, %rbx\n"
	"1:\tsyscall\n\t"
	"mov %rax, %r12\n\t"
	"shr $32, %r12\n\t"
	"mov %rdi, %r13\n\t"
	"cmp $16, %r12\n\t"
	"jae 2f\n\t"
	"mov %r12, %rax\n\t"                               /* constituents.fetch(order) into register 9 */
	"shl $32, %rax\n\t"
	"mov $0xCA002001, %ecx\n\t"
	"or %rcx, %rax\n\t"
	"movabs $0x900000000, %rbx\n\t"
	"syscall\n\t"
	"jmp 3f\n"
	"2:\tmovabs $" CONTROL(3, 0x2000, 3) ", %rax\n\t"  /* self.get_reg(w0) into register 9 */
	"mov %r13, %rdi\n\t"
	"movabs $0x900000000, %rbx\n\t"
	"syscall\n"
	"3:\tmovabs $" CONTROL(0x80000000, 0, 9) ", %rax\n\t"
	"xor %ebx, %ebx\n\t"
	"syscall\n\t"
	"mov %rax, %rsi\n\t"                               /* w0 type, w1 result code */
	"shr $32, %rsi\n\t"
	"movabs $" CONTROL(0, 0x2100, 31) ", %rax\n\t"
	"movabs $0x1F00000000000000, %rbx\n\t"
	"jmp 1b\n"
	"yield_end:\n"
	".popsection\n");

/* T_A: an image node whose program is the piece above, as a sense capability. */
static bool make_image(void)
{
	uint32_t rc = t_node(T_B, 5);

	rc |= t_node(T_C, 4);
	rc |= t_node(T_D, 3);
	rc |= t_alloc(T_PAGE, T_E);
	rc |= page_write(T_E, 0, yield_begin, (size_t)(yield_end - yield_begin));
	rc |= node_swap(T_D, 0, T_E, CR_VOID);
	rc |= node_swap(T_C, 0, T_D, CR_VOID);
	rc |= node_swap(T_B, IMAGE_LOW >> 20, T_C, CR_VOID);
	rc |= node_make_sense(T_B, T_B);
	rc |= t_alloc(T_NODE, T_F);
	rc |= node_swap(T_F, IMAGE_TREE, T_B, CR_VOID);
	rc |= node_write_number(T_F, IMAGE_ENTRY, IMAGE_LOW, IMAGE_MAGIC);
	rc |= node_write_number(T_F, IMAGE_DATA, IMAGE_HIGH, 0);
	rc |= node_write_number(T_F, IMAGE_BSS, IMAGE_HIGH, IMAGE_STACK_PAGES);
	rc |= node_make_sense(T_F, T_A);
	return rc == RC_OK;
}

static uint32_t holes(cap_t requestor, uint64_t *n)
{
	*n = 99;
	return constructor_is_discreet(requestor, n);
}

/* What a yield tells of a constituent or register. */
static uint32_t yield_tell(cap_t yield, uint32_t order, uint64_t reg, uint32_t *rc)
{
	struct msg m = { .order = order, .w = { reg } };

	inv_call(yield, &m);
	*rc = (uint32_t)m.w[1];
	return (uint32_t)m.w[0];
}

/* T_H: requestor of a discreet constructor with a read-only page in slot 3. */
static void test_discreet(void)
{
	uint64_t hole = 9, n, slot, class, official = 0;
	uint32_t rc;

	t_rc(metaconstructor_make(T_SERVICE, CR_BANK, T_G), RC_OK, "a constructor is made");
	t_rc(holes(T_G, &n), RC_SEALED, "an open one does not say what holes it has");
	t_rc(constructor_yield(T_G, CR_BANK, CR_SCHED, CR_VOID, T_I), RC_SEALED, "nor yields");
	t_alloc(T_PAGE, T_B);
	page_make_readonly(T_B, T_B);
	t_rc(constructor_insert(T_G, 3, T_B, &hole), RC_OK, "a read-only page is inserted");
	t_ok(hole == 0, "it is no hole");
	t_rc(constructor_insert(T_G, 16, T_B, &hole), RC_REQUEST, "there is no slot 16");
	t_rc(constructor_set_program(T_G, 0, T_B), RC_REQUEST, "a page is no program");
	t_rc(constructor_set_program(T_G, 0, CR_SELF), RC_REQUEST, "nor is a process");
	t_rc(constructor_set_program(T_G, 0, T_F), RC_REQUEST, "nor an image that can still be changed");
	t_rc(constructor_set_program(T_G, 0, T_A), RC_OK, "the program is set");
	t_rc(constructor_seal(T_G, T_H), RC_OK, "it is sealed");

	t_rc(constructor_insert(T_G, 4, T_B, &hole), RC_SEALED, "nothing is inserted after that");
	t_rc(constructor_set_program(T_G, 0, T_A), RC_SEALED, "no program set");
	t_rc(constructor_seal(T_G, T_I), RC_SEALED, "and it is not sealed twice");
	t_rc(constructor_insert(T_H, 4, T_B, &hole), RC_NOACCESS, "a requestor inserts nothing");
	t_rc(constructor_destroy(T_H), RC_NOACCESS, "and destroys nothing");
	t_rc(holes(T_H, &n), RC_OK, "a requestor asks for holes");
	t_ok(n == 0, "there is none");
	t_rc(constructor_get_hole(T_H, 0, &slot, &class), RC_REQUEST, "and none to see");
	t_rc(constructor_verify(T_H, T_H, &official), RC_OK, "verify");
	t_ok(official == 1, "a requestor is official");
	constructor_verify(T_H, T_G, &official);
	t_ok(official == 0, "a builder is not");
	constructor_verify(T_H, CR_BANK, &official);
	t_ok(official == 0, "nor is a bank");
	metaconstructor_verify(T_SERVICE, T_H, &official);
	t_ok(official == 1, "the maker says the same");

	bank_make_sub(CR_BANK, 100, T_J);
	t_alloc(T_NODE, T_C);
	t_rc(constructor_yield(T_H, T_J, CR_SCHED, T_C, T_I), RC_OK, "it yields");
	t_ok(yield_tell(T_I, 3, 0, &rc) == 0x1202, "the yield holds the page");
	yield_tell(T_I, 4, 0, &rc);
	t_ok(rc == RC_VOID, "and nothing else in its constituents");
	yield_tell(T_I, 16, CR_LOG, &rc);
	t_ok(rc == RC_VOID, "it has no log");
	t_ok(yield_tell(T_I, 16, CR_BANK, &rc) == BANK_TYPE, "it has a bank");
	t_ok(yield_tell(T_I, 16, CR_SCHED, &rc) == SCHEDULE_TYPE, "and a schedule");
	t_ok(yield_tell(T_I, 16, CR_ARG0, &rc) == NODE_TYPE, "and its argument");
	t_ok(yield_tell(T_I, 16, CR_RETURNER, &rc) == RETURNER_TYPE, "and the returner");
	bool clean = true;
	for (unsigned reg = 10; reg < 28; reg++) {
		yield_tell(T_I, 16, reg, &rc);
		clean &= rc == RC_VOID;
	}
	t_ok(clean, "registers 10 to 27 are void");
	t_rc(constructor_yield(T_H, T_J, CR_SCHED, CR_VOID, T_D), RC_OK, "a second yield");
	t_ok(!t_same(T_D, T_I), "is another process");
	t_rc(bank_destroy_all(T_J), RC_OK, "the bank they were paid from is destroyed");
	t_ok(t_is_void(T_I) && t_is_void(T_D), "and they with it");
}

static void test_bad_banks(void)
{
	uint64_t n;

	t_rc(constructor_yield(T_H, CR_VOID, CR_SCHED, CR_VOID, T_I), RC_UNOFFICIAL, "void is no bank");
	t_rc(constructor_yield(T_H, CR_RETURNER, CR_SCHED, CR_VOID, T_I), RC_UNOFFICIAL, "nor is the returner");
	t_rc(constructor_yield(T_H, T_H, CR_SCHED, CR_VOID, T_I), RC_UNOFFICIAL, "nor a constructor");
	t_ok(t_is_void(T_I), "nothing is yielded");
	bank_make_sub(CR_BANK, 3, T_J);
	t_rc(constructor_yield(T_H, T_J, CR_SCHED, CR_VOID, T_I), RC_LIMIT, "three frames are too few");
	bank_destroy_all(T_J);
	t_rc(constructor_yield(T_H, T_J, CR_SCHED, CR_VOID, T_I), RC_UNOFFICIAL, "a dead bank is none");
	t_rc(metaconstructor_make(T_SERVICE, CR_RETURNER, T_I), RC_UNOFFICIAL, "no constructor from what is no bank");
	t_rc(holes(T_H, &n), RC_OK, "the constructor is not harmed");
}

static void test_holes(void)
{
	static const struct { unsigned slot; uint64_t class, hole; const char *what; } rows[] = {
		{ 0, 3, 1, "a page that can be written" }, { 1, 1, 0, "a number" }, { 2, 5, 1, "the log" },
		{ 5, 3, 0, "a sense capability" }, { 6, 5, 1, "a bank" }, { 9, 5, 0, "discrim" },
		{ 15, 4, 1, "a schedule" },
	};
	uint64_t hole, n, slot, class;
	unsigned expected = 0;

	t_alloc(T_NODE, T_B);
	node_write_number(T_B, 1, 5, 0);
	t_alloc(T_PAGE, T_C);
	node_swap(T_B, 0, T_C, CR_VOID);
	log_text_only(CR_LOG, T_C);
	node_swap(T_B, 2, T_C, CR_VOID);
	node_make_sense(T_B, T_C);
	node_swap(T_B, 5, T_C, CR_VOID);
	node_swap(T_B, 6, CR_BANK, CR_VOID);
	node_swap(T_B, 9, T_DISCRIM, CR_VOID);
	node_swap(T_B, 15, CR_SCHED, CR_VOID);

	metaconstructor_make(T_SERVICE, CR_BANK, T_G);
	constructor_set_program(T_G, 0, T_A);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		node_fetch(T_B, rows[i].slot, T_C);
		hole = 9;
		constructor_insert(T_G, rows[i].slot, T_C, &hole);
		t_ok(hole == rows[i].hole, "%s is %s hole", rows[i].what, rows[i].hole ? "a" : "no");
	}
	constructor_seal(T_G, T_I);
	holes(T_I, &n);
	t_ok(n == 4, "four holes are counted");
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!rows[i].hole)
			continue;
		t_rc(constructor_get_hole(T_I, expected, &slot, &class), RC_OK, "hole %u is told", expected);
		expected++;
		t_ok(slot == rows[i].slot && class == rows[i].class, "slot and class, for %s", rows[i].what);
	}
	t_rc(constructor_get_hole(T_I, expected, &slot, &class), RC_REQUEST, "and there is no fifth");

	/* What is replaced before sealing counts no longer. */
	metaconstructor_make(T_SERVICE, CR_BANK, T_G);
	constructor_set_program(T_G, 0, T_A);
	constructor_insert(T_G, 0, CR_LOG, &hole);
	constructor_insert(T_G, 0, T_DISCRIM, &hole);
	constructor_seal(T_G, T_D);
	holes(T_D, &n);
	t_ok(n == 0, "a hole that is replaced before sealing is none");
}

/* T_H is discreet, T_I has holes. */
static void test_nested(void)
{
	uint64_t hole = 9, n;
	uint32_t rc;

	metaconstructor_make(T_SERVICE, CR_BANK, T_G);
	constructor_set_program(T_G, 0, T_A);
	constructor_insert(T_G, 0, T_H, &hole);
	t_ok(hole == 0, "a discreet constructor in another is no hole");
	constructor_insert(T_G, 1, T_I, &hole);
	t_ok(hole == 1, "one with holes is");
	metaconstructor_make(T_SERVICE, CR_BANK, T_C);
	constructor_insert(T_G, 2, T_C, &hole);
	t_ok(hole == 1, "so is one that is still open");
	constructor_seal(T_G, T_D);
	holes(T_D, &n);
	t_ok(n == 2, "two holes are counted");
	bank_make_sub(CR_BANK, 100, T_J);
	t_rc(constructor_yield(T_D, T_J, CR_SCHED, CR_VOID, T_E), RC_OK, "it yields");
	t_ok(yield_tell(T_E, 0, 0, &rc) == CONSTRUCTOR_TYPE, "and its yield holds the inner constructor");
	bank_destroy_all(T_J);
	t_rc(constructor_destroy(T_G), RC_OK, "a builder destroys its constructor");
	rc = holes(T_D, &n);
	t_ok(rc == RC_VOID, "requestors find it void");
	t_rc(holes(T_H, &n), RC_OK, "others are not harmed");
}

int main(void)
{
	t_begin("constructor: holes, seals, confined yields");
	if (!t_given(METACONSTRUCTOR_TYPE, T_SERVICE)) {
		t_skip("no metaconstructor was given");
		return t_end();
	}
	if (t_ok(make_image(), "an image is made by hand")) {
		test_discreet();
		test_bad_banks();
		test_holes();
		test_nested();
	}
	return t_end();
}
