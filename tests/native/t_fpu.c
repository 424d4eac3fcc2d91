/*
 * t_fpu.c - SSE and AVX registers, MXCSR and the x87 control word belong to a process: they are
 * kept across calls, across preemption, and show in the FPU image.
 *
 * Each worker fills all vector registers from its pattern, does something that lets others
 * run, and stores them again, all in one piece of assembly so that the compiler cannot use
 * a vector register in between.
 */
#include "t.h"

#define WORKERS 3

struct worker {
	uint8_t pattern[512] __attribute__((aligned(64)));   /* sixteen registers of 32 bytes */
	uint8_t result[512] __attribute__((aligned(64)));
	uint32_t mxcsr, mxcsr_after;
	uint16_t control, control_after;
	bool wide;
	uint64_t turns;
	volatile uint64_t rounds, wrong, done;
};

static struct worker workers[WORKERS];

#define EACH(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD_NARROW(n)  "movdqu 32*" #n "(%[from]), %%xmm" #n "\n\t"
#define STORE_NARROW(n) "movdqu %%xmm" #n ", 32*" #n "(%[to])\n\t"
#define LOAD_WIDE(n)    "vmovdqu 32*" #n "(%[from]), %%ymm" #n "\n\t"
#define STORE_WIDE(n)   "vmovdqu %%ymm" #n ", 32*" #n "(%[to])\n\t"

/* A call to the echoing server in T_B; then preemption by a loop. */
#define CALL_LOOP "1: mov %[call], %%rax\n\tsyscall\n\tdec %[turns]\n\tjnz 1b\n\t"
#define SPIN_LOOP "1: dec %[turns]\n\tjnz 1b\n\t"

#define PIECE(name, load, store, loop) \
static void name(struct worker *w, uint64_t turns) \
{ \
	register uint64_t count __asm__("r12") = turns; \
	register uint8_t *from __asm__("r13") = w->pattern; \
	register uint8_t *to __asm__("r14") = w->result; \
	register uint64_t call __asm__("r15") = INV_CONTROL(1, INV_CALL, T_B); \
\
	__asm__ volatile("ldmxcsr %[mxcsr]\n\tfldcw %[control]\n\t" EACH(load) loop EACH(store) \
			 "stmxcsr %[mxcsr_after]\n\tfnstcw %[control_after]" \
			 : [turns] "+r"(count), [mxcsr_after] "=m"(w->mxcsr_after), [control_after] "=m"(w->control_after) \
			 : [from] "r"(from), [to] "r"(to), [call] "r"(call), [mxcsr] "m"(w->mxcsr), \
			   [control] "m"(w->control) \
			 : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "r10", "r8", "r9", "memory", "xmm0", "xmm1", "xmm2", \
			   "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
			   "xmm14", "xmm15"); \
}
PIECE(call_narrow, LOAD_NARROW, STORE_NARROW, CALL_LOOP)
PIECE(spin_narrow, LOAD_NARROW, STORE_NARROW, SPIN_LOOP)
PIECE(call_wide, LOAD_WIDE, STORE_WIDE, CALL_LOOP)
PIECE(spin_wide, LOAD_WIDE, STORE_WIDE, SPIN_LOOP)

static bool kept(const struct worker *w)
{
	for (unsigned i = 0; i < 512; i++)
		if (w->pattern[i] != w->result[i] && (w->wide || i % 32 < 16))
			return false;
	return w->mxcsr == w->mxcsr_after && w->control == w->control_after;
}

static void work(void *argument)
{
	struct worker *w = argument;

	for (uint64_t i = 0; i < w->rounds; i++) {
		if (i & 1)
			w->wide ? spin_wide(w, w->turns) : spin_narrow(w, w->turns);
		else
			w->wide ? call_wide(w, 100) : call_narrow(w, 100);
		w->wrong += !kept(w);
	}
	w->done++;
}

/* Spoils every vector register each time it is called, and answers. */
static void spoil(void *unused)
{
	struct msg m = { 0 };
	bool first = true;

	(void)unused;
	for (;;) {
		m.recv[3] = CR_RETURN;
		inv_return(first ? CR_VOID : CR_RETURN, &m);
		first = false;
		__asm__ volatile("pxor %%xmm0, %%xmm0\n\tmovdqa %%xmm0, %%xmm7\n\tmovdqa %%xmm0, %%xmm15" : : : "xmm0", "xmm7", "xmm15");
	}
}

static bool has_avx(void)
{
	uint32_t a = 1, b, c = 0, d, low, high;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & 1u << 27) || !(c & 1u << 28))
		return false;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

static void make_worker(cap_t process, unsigned number, bool wide)
{
	struct worker *w = &workers[number];

	memset(w, 0, sizeof *w);
	for (unsigned i = 0; i < 512; i++)
		w->pattern[i] = (uint8_t)(i * 13 + number * 77 + 1);
	w->mxcsr = 0x1F80 | number << 13;      /* a rounding mode of its own */
	w->control = (uint16_t)(0x037F | number << 10);
	w->wide = wide;
	w->rounds = 10;
	w->turns = 3000000;             /* longer than a slice */
	t_helper(process, number, number & 1 ? T_J : CR_VOID, work, w);
	process_swap_reg(process, T_B, T_B, CR_VOID);
}

static void test_kept(bool wide)
{
	static const cap_t where[WORKERS] = { T_C, T_D, T_E };
	const char *what = wide ? "AVX" : "SSE";
	bool own = true;

	if (schedule_narrow(CR_SCHED, 5, T_F) != RC_OK)
		cap_copy(T_F, CR_SCHED);
	for (unsigned i = 0; i < WORKERS; i++) {
		make_worker(where[i], i, wide);
		process_swap_slot(where[i], PSLOT_SCHEDULE, T_F, CR_VOID);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		process_run(where[i]);
	for (unsigned i = 0; i < WORKERS; i++) {
		for (unsigned j = 0; j < 20 && !workers[i].done; j++)
			t_wait(&workers[i].done, 1);
		own &= workers[i].done == 1;
		if (!workers[i].done) {
			uint64_t state = 9, code = 0, rip = 0;

			process_get_state(where[i], &state, &code, NULL, &rip);
			t_note("worker %u: state %u, fault %u, rip %lx", i, (unsigned)state, (unsigned)code, (unsigned long)rip);
		}
		t_ok(workers[i].done && !workers[i].wrong, "%s: worker %u finds its registers as it left them", what, i);
		if (workers[i].wrong)
			t_note("%u rounds of 10 were wrong", (unsigned)workers[i].wrong);
	}
	t_ok(own, "%s: all workers came to their end", what);
}

#define IMAGE_MXCSR 24
#define IMAGE_XMM   160

static void test_image(void)
{
	static uint8_t image[1088];
	size_t length = 0;
	bool good = true;

	make_worker(T_C, 0, false);
	workers[0].rounds = 1;
	workers[0].turns = 0;
	workers[0].rounds = 2;
	t_helper_regs(T_C, 0, work, &workers[0]);
	process_run(T_C);
	t_sleep_ms(100);                       /* it is in its spinning round: 2^64 turns */
	process_stop(T_C, NULL);
	t_rc(process_get_fpu(T_C, image, sizeof image, &length), RC_OK, "the image of a stopped process is read");
	t_ok(length == 1088, "1088 bytes of it");
	for (unsigned i = 0; i < 16; i++)
		good &= !memcmp(image + IMAGE_XMM + 16 * i, workers[0].pattern + 32 * i, 16);
	t_ok(good, "its vector registers are in it");
	for (unsigned i = 0; i < 256; i++)
		image[IMAGE_XMM + i] ^= 0xFF;
	t_rc(process_set_fpu(T_C, image, length), RC_OK, "a changed image is set");

	struct reg_image r;
	process_get_regs(T_C, &r, sizeof r, NULL);
	r.r12 = 1;                             /* one more turn, then it stores its registers */
	process_set_regs(T_C, &r, sizeof r);
	process_run(T_C);
	t_ok(t_wait(&workers[0].done, 1), "it goes on to its end");
	good = true;
	for (unsigned i = 0; i < 512; i++)
		good &= i % 32 >= 16 || (workers[0].result[i] ^ workers[0].pattern[i]) == 0xFF;
	t_ok(good, "with the registers that were set");

	image[IMAGE_MXCSR + 3] = 0x80;
	t_rc(process_set_fpu(T_C, image, length), RC_REQUEST, "an image with reserved bits of MXCSR is refused");
}

int main(void)
{
	t_begin("fpu: vector registers belong to a process");
	t_second_space(T_J);
	t_helper(T_A, 7, T_J, spoil, NULL);
	process_make_start(T_A, 0, T_B);
	process_run(T_A);
	test_kept(false);
	if (has_avx())
		test_kept(true);
	else
		t_skip("the processor, or the kernel, has no AVX");
	test_image();
	return t_end();
}
