/*
 * t_vcs.c - zero segments and virtual copies: what they show, what they cost, who can change what.
 */
#include "t.h"

#define SPAN (16u * 1024 * 1024)

static volatile uint8_t *at(uint64_t offset)
{
	return (volatile uint8_t *)(T_WINDOW + offset);
}

static uint64_t used(cap_t bank)
{
	uint64_t n = 0;

	bank_get_limits(bank, NULL, &n, NULL);
	return n;
}

static uint64_t pages(cap_t segment)
{
	uint64_t n = ~0ull;

	vcs_size(T_SERVICE, segment, &n);
	return n;
}

static void test_zero(void)
{
	static const uint64_t offsets[] = { 0, 4095, 4096, 65536, 1048576, SPAN, 7ull * SPAN + 12345 };
	bool zero = true, kept = true;

	bank_make_sub(CR_BANK, 200, T_A);
	t_rc(vcs_make_zero(T_SERVICE, T_A, T_B), RC_OK, "a zero segment is made");
	t_ok(pages(T_B) == 0, "it has no pages of its own");
	t_map(3, T_B);
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++)
		zero &= *at(offsets[i]) == 0;
	t_ok(zero, "it reads as zero anywhere");
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++)
		*at(offsets[i]) = (uint8_t)(i + 1);
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++)
		kept &= *at(offsets[i]) == i + 1;
	t_ok(kept, "it keeps what is written anywhere");
	t_ok(pages(T_B) == 6, "six pages were touched");
	t_ok(used(T_A) >= 6, "and are paid from the bank given");
	t_map(3, CR_VOID);
	t_rc(vcs_destroy(T_SERVICE, T_B), RC_OK, "it is destroyed");
	t_ok(used(T_A) == 0, "and all its storage is back");
	t_ok(t_is_void(T_B), "its capability is void");
	bank_destroy_all(T_A);
}

static void test_copy(void)
{
	bank_make_sub(CR_BANK, 300, T_A);
	vcs_make_zero(T_SERVICE, T_A, T_B);
	t_map(3, T_B);
	for (unsigned i = 0; i < 8; i++)
		*at(i * 4096) = (uint8_t)(0x10 + i);
	t_rc(vcs_freeze(T_SERVICE, T_B, T_C), RC_OK, "a segment is frozen");
	uint64_t hole = 1;
	discrim_discreet(T_DISCRIM, T_C, &hole);
	t_ok(hole == 0, "what is left of it is discreet");
	bank_make_sub(CR_BANK, 100, T_D);
	t_rc(vcs_make_copy(T_SERVICE, T_D, T_C, T_E), RC_OK, "a virtual copy is made of it");
	t_ok(pages(T_E) == 0, "it has no pages of its own");
	t_map(3, T_E);
	bool same = true;
	for (unsigned i = 0; i < 8; i++)
		same &= *at(i * 4096) == 0x10 + i;
	t_ok(same, "it shows the original");
	t_ok(pages(T_E) == 0, "reading copies nothing");
	*at(3 * 4096) = 0x77;
	*at(9 * 4096) = 0x99;
	t_ok(*at(3 * 4096) == 0x77 && *at(3 * 4096 + 1) == 0 && *at(9 * 4096) == 0x99, "it can be written");
	t_ok(pages(T_E) == 2, "two pages are its own then");
	t_rc(vcs_make_copy(T_SERVICE, T_D, T_C, T_F), RC_OK, "a second copy of the original");
	t_map(4, T_F);
	t_ok(*(volatile uint8_t *)(0x40000000ull + 3 * 4096) == 0x13, "does not show the changes of the first");
	t_ok(*at(4 * 4096) == 0x14, "nor changes it");
	t_map(3, T_C);
	t_ok(*at(3 * 4096) == 0x13, "the original is as it was");
	t_map(3, CR_VOID);
	t_map(4, CR_VOID);
	t_rc(vcs_freeze(T_SERVICE, T_E, T_G), RC_OK, "the copy is frozen");
	t_rc(vcs_make_copy(T_SERVICE, T_D, T_G, T_H), RC_OK, "and copied again");
	t_map(3, T_H);
	t_ok(*at(3 * 4096) == 0x77 && *at(4 * 4096) == 0x14 && *at(9 * 4096) == 0x99, "a copy of a copy shows both");
	*at(4 * 4096) = 1;
	t_ok(*at(4 * 4096) == 1 && pages(T_H) == 1, "and copies what it writes");
	t_map(3, CR_VOID);
	t_rc(vcs_destroy(T_SERVICE, T_H), RC_OK, "it is destroyed");
	t_rc(vcs_destroy(T_SERVICE, T_F), RC_OK, "and the second copy");
	bank_destroy_all(T_D);
	bank_destroy_all(T_A);
}

static volatile uint64_t touched;

/* Writes page after page until it faults for good. */
static void use_up(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < 64; i++) {
		*at(i * 4096) = 1;
		touched++;
	}
}

static void test_limit(void)
{
	uint64_t state = 0, code = 0;

	bank_make_sub(CR_BANK, 12, T_A);
	t_rc(vcs_make_zero(T_SERVICE, T_A, T_B), RC_OK, "a segment from a bank of twelve frames");
	t_map(3, T_B);
	touched = 0;
	t_helper(T_C, 0, CR_VOID, use_up, NULL);
	process_run(T_C);
	/* A machine under torment is slow: until it has come to its end. */
	for (unsigned tries = 0; tries < 100; tries++) {
		uint64_t before = touched;

		t_sleep_ms(50);
		process_get_state(T_C, &state, &code, NULL, NULL);
		if (touched >= 4 && touched == before && state == 2)
			break;
	}
	t_ok(touched >= 4 && touched <= 11, "gives some pages");
	t_ok(state == 2 && code == FAULT_MEMORY, "and then its user faults, and nobody else");
	vcs_make_zero(T_SERVICE, CR_BANK, T_D);
	t_map(4, T_D);
	*(volatile uint8_t *)0x40000000ull = 5;
	t_ok(*(volatile uint8_t *)0x40000000ull == 5, "the keeper serves others");
	t_map(4, CR_VOID);
	t_map(3, CR_VOID);
	vcs_destroy(T_SERVICE, T_D);
	vcs_destroy(T_SERVICE, T_B);
	t_ok(used(T_A) == 0, "all of its storage comes back");
	bank_destroy_all(T_A);
	process_stop(T_C, NULL);
	t_free(T_C);
}

static void test_refused(void)
{
	uint64_t n;

	t_rc(vcs_make_zero(T_SERVICE, CR_VOID, T_B), RC_UNOFFICIAL, "void is no bank");
	t_rc(vcs_make_zero(T_SERVICE, CR_RETURNER, T_B), RC_UNOFFICIAL, "nor is the returner");
	t_alloc(T_NODE, T_A);
	node_make_segment(T_A, 3, T_B);
	t_rc(vcs_freeze(T_SERVICE, T_B, T_C), RC_REQUEST, "another's segment is not frozen");
	t_rc(vcs_destroy(T_SERVICE, T_B), RC_REQUEST, "nor destroyed");
	t_rc(vcs_size(T_SERVICE, T_B, &n), RC_REQUEST, "nor measured");
	t_rc(vcs_make_copy(T_SERVICE, CR_BANK, CR_SELF, T_C), RC_REQUEST, "a process is no original");
	t_rc(vcs_make_zero(T_SERVICE, CR_BANK, T_B), RC_OK, "a segment");
	struct msg m = { .order = OC_FAULT_MEMORY, .w = { FAULT_MEMORY, 0, FAULT_ACCESS_WRITE, 0 } };
	uint32_t rc = inv_call(T_B, &m);
	t_ok(rc != RC_OK, "a fault that somebody makes up is refused");
	t_ok(pages(T_B) == 0, "and changes nothing");
	bank_make_sub(CR_BANK, 50, T_C);
	vcs_make_zero(T_SERVICE, T_C, T_D);
	t_map(3, T_D);
	*at(0) = 1;
	t_map(3, CR_VOID);
	t_rc(bank_destroy_all(T_C), RC_OK, "the bank under a segment is destroyed");
	t_ok(t_is_void(T_D), "and the segment with it");
	t_rc(vcs_size(T_SERVICE, T_D, &n), RC_REQUEST, "its keeper is not harmed");
	vcs_destroy(T_SERVICE, T_B);
}

int main(void)
{
	t_begin("vcs: zero segments and virtual copies");
	if (!t_given(VCS_TYPE, T_SERVICE)) {
		t_skip("no vcs was given");
		return t_end();
	}
	test_zero();
	test_copy();
	test_limit();
	test_refused();
	return t_end();
}
