/*
 * sigframe.c - the frame of a signal handler, exactly as Linux lays it on the stack of an x86-64
 * program (libcs read and change it), and the way back.
 *
 *     fpstate        XSAVE image, 64-byte aligned, with the magic words; absent if the FPU is unused
 *     siginfo        128 bytes
 *     ucontext       304 bytes
 *     return address (sa_restorer)   <- rsp, 8 below a multiple of 16
 *
 * What sigreturn reads is an allegation: flags, bases and the FPU image are made safe by the kernel
 * (process_set_context), the mask here.
 */
#include <signal.h>
#include <string.h>
#include "process.h"

#define XSTATE_BYTES 832u              /* x87, SSE and AVX */
#define XSTATE_MAGIC1 0x46505853u
#define XSTATE_MAGIC2 0x46505845u
#define SW_RESERVED 464u               /* where in the image Linux keeps its own words */
#define RED_ZONE 128u
#define K_SA_RESTORER 0x04000000u
#define UC_FLAGS_ALL 7u                /* xstate there, ss valid, ss to be restored */

struct frame {
	uint64_t pretcode;
	uint64_t uc_flags, uc_link, stack_sp;
	uint32_t stack_flags, stack_pad;
	uint64_t stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
	uint64_t sigmask;
	uint8_t info[128];
};
_Static_assert(sizeof(struct frame) == 440, "the frame is Linux's");

/* Brings a process that was stopped inside the shim out of it: the rules are in shim.h. */
void shim_leave(struct proc *p, struct reg_image *r)
{
	const struct shim_data *data = mm_shim(p->mm);
	uint64_t rip = r->rip;

	if (rip < SHIM_TEXT || rip >= SHIM_AT(shim_end))
		return;
	if (rip == SHIM_AT(shim_called)) {
		r->rip = data->ret;
		return;
	}
	if (rip >= SHIM_AT(shim_time_done) && rip < SHIM_AT(shim_time_end)) {
		r->rdx = data->saved_rdx;
		r->rax = 0;
		r->rip = r->r11;
		return;
	}
	if (memcmp(shim_start + (rip - SHIM_TEXT), "\x41\xff\xe3", 3) == 0) {
		r->rip = r->r11;
		return;
	}
	if (rip >= SHIM_AT(shim_shift) && rip <= SHIM_AT(shim_call)) {
		/* It may have executed the syscall, which spoils r11, and been put back while we were busy. */
		r->rax >>= 32;
		r->rip = data->ret - 2;
		return;
	}
	if (rip >= SHIM_AT(shim_time_saved) && rip < SHIM_AT(shim_time_done)) {
		r->rdx = data->saved_rdx;
		r->rax = 228;
	}
	r->rip = r->r11 - 2;
}

/* ---- on the way in ----------------------------------------------------------------------------- */

static bool on_altstack(const struct proc *p, uint64_t rsp)
{
	return p->altstack_size && rsp - p->altstack_sp - 1 < p->altstack_size;
}

static void frame_regs(struct frame *f, const struct reg_image *r)
{
	f->r8 = r->r8, f->r9 = r->r9, f->r10 = r->r10, f->r11 = r->r11;
	f->r12 = r->r12, f->r13 = r->r13, f->r14 = r->r14, f->r15 = r->r15;
	f->rdi = r->rdi, f->rsi = r->rsi, f->rbp = r->rbp, f->rbx = r->rbx;
	f->rdx = r->rdx, f->rax = r->rax, f->rcx = r->rcx, f->rsp = r->rsp;
	f->rip = r->rip, f->eflags = r->rflags;
	f->cs = 0x33;
	f->ss = 0x2b;
}

static void frame_info(struct frame *f, int sig, const struct signal_info *i)
{
	int32_t head[3] = { sig, 0, i->code };
	int32_t who[3] = { i->pid, (int32_t)i->uid, i->status };
	bool fault = sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP;

	memset(f->info, 0, sizeof f->info);
	memcpy(f->info, head, sizeof head);
	if (fault && i->code > 0)
		memcpy(f->info + 16, &i->address, 8);
	else
		memcpy(f->info + 16, who, sizeof who);
}

/* All but the FPU image: every byte of *f is written. */
static void frame_fill(struct proc *p, struct frame *f, const struct context *c, int sig, uint64_t fpstate)
{
	const struct sigaction_k *action = &p->sighand->action[sig];

	f->pretcode = action->restorer;
	f->uc_flags = fpstate ? UC_FLAGS_ALL : UC_FLAGS_ALL & ~1u;
	f->uc_link = 0;
	f->stack_sp = p->altstack_sp;
	f->stack_size = p->altstack_size;
	f->stack_flags = !p->altstack_size ? SS_DISABLE : on_altstack(p, c->regs.rsp) ? SS_ONSTACK : 0;
	f->stack_pad = 0;
	frame_regs(f, &c->regs);
	f->err = f->trapno = 0;
	f->cr2 = p->inner->info[sig].address;
	f->fpstate = fpstate;
	memset(f->reserved, 0, sizeof f->reserved);
	f->oldmask = f->sigmask = p->restore_mask ? p->sig_saved_mask : p->sig_mask;
	frame_info(f, sig, &p->inner->info[sig]);
}

/* The words with which Linux says, inside and behind the image, what it is. */
static void fpu_mark(struct context *c)
{
	static const uint32_t words[12] = { XSTATE_MAGIC1, XSTATE_BYTES + 4, 7, 0, XSTATE_BYTES };
	uint32_t magic2 = XSTATE_MAGIC2;

	memcpy(c->fpu + SW_RESERVED, words, sizeof words);
	memcpy(c->fpu + XSTATE_BYTES, &magic2, sizeof magic2);
}

/* Frame and FPU image go to user memory; straight to their place if they lie in one page. */
static int frame_write(struct proc *p, struct context *c, int sig, uint64_t sp, uint64_t fpstate)
{
	size_t all = (fpstate ? fpstate + XSTATE_BYTES + 4 : sp + sizeof(struct frame)) - sp, n = all;
	struct frame local, *f = user_window(p, sp, &n, true);

	if (!f)
		return -EFAULT;
	if (fpstate)
		fpu_mark(c);
	if (n == all) {
		frame_fill(p, f, c, sig, fpstate);
		if (fpstate)
			memcpy((uint8_t *)f + (fpstate - sp), c->fpu, XSTATE_BYTES + 4);
		return 0;
	}
	frame_fill(p, &local, c, sig, fpstate);
	return user_write(p, sp, &local, sizeof local) || (fpstate && user_write(p, fpstate, c->fpu, XSTATE_BYTES + 4)) ?
	       -EFAULT : 0;
}

/* c becomes that with which the handler starts; its FPU state is the initial one.  0 or -EFAULT. */
long frame_push(struct proc *p, struct context *c, int sig)
{
	struct sigaction_k *action = &p->sighand->action[sig];
	struct reg_image *regs = &c->regs;
	uint64_t sp = regs->rsp - RED_ZONE, fpstate = 0;

	p->sig_pending &= ~SIG_BIT(sig);
	if (!(action->flags & K_SA_RESTORER))
		return -EFAULT;
	if ((action->flags & SA_ONSTACK) && p->altstack_size && !on_altstack(p, regs->rsp))
		sp = p->altstack_sp + p->altstack_size;
	if (c->fpu_length >= XSTATE_BYTES)
		sp = fpstate = (sp - XSTATE_BYTES - 4) & ~63ull;
	sp = ((sp - sizeof(struct frame)) & ~15ull) - 8;
	if (frame_write(p, c, sig, sp, fpstate))
		return -EFAULT;
	c->fpu_length = 0;
	p->restore_mask = false;
	regs->rsp = sp;
	regs->rip = action->handler;
	regs->rdi = sig;
	regs->rsi = sp + offsetof(struct frame, info);
	regs->rdx = sp + offsetof(struct frame, uc_flags);
	regs->rax = 0;
	regs->rflags &= ~0x100500ull;  /* direction, trap */
	signal_mask_set(p, p->sig_mask | action->mask | (action->flags & SA_NODEFER ? 0 : SIG_BIT(sig)));
	if (action->flags & SA_RESETHAND)
		action->handler = 0;
	return 0;
}

/* ---- and back ---------------------------------------------------------------------------------- */

static long fpstate_pop(struct proc *p, struct context *c, uint64_t at)
{
	uint8_t *image = c->fpu;
	uint64_t features = 3;
	uint32_t magic = 0, mxcsr;

	c->fpu_length = 0;
	if (!at)
		return 0;
	if (user_read(p, image, at, XSTATE_BYTES) == 0) {
		memcpy(&magic, image + SW_RESERVED, 4);
	} else {
		memset(image, 0, XSTATE_BYTES);
		if (user_read(p, image, at, 512))
			return -EFAULT;
	}
	if (magic == XSTATE_MAGIC1) {
		memcpy(&features, image + 512, 8);
		features &= 7;
	}
	memset(image + SW_RESERVED, 0, 48);
	memset(image + 512, 0, 64);
	memcpy(image + 512, &features, 8);
	memcpy(&mxcsr, image + 24, 4);
	mxcsr &= 0xFFFF;
	memcpy(image + 24, &mxcsr, 4);
	c->fpu_length = XSTATE_BYTES;
	return 0;
}

static void regs_from_frame(struct reg_image *r, const struct frame *f)
{
	r->r8 = f->r8, r->r9 = f->r9, r->r10 = f->r10, r->r11 = f->r11;
	r->r12 = f->r12, r->r13 = f->r13, r->r14 = f->r14, r->r15 = f->r15;
	r->rdi = f->rdi, r->rsi = f->rsi, r->rbp = f->rbp, r->rbx = f->rbx;
	r->rdx = f->rdx, r->rax = f->rax, r->rcx = f->rcx, r->rsp = f->rsp;
	r->rip = f->rip, r->rflags = f->eflags;
}

/* c (all but the fs base) and the mask become those of the frame that rsp is just above. */
long frame_pop(struct proc *p, struct context *c, uint64_t rsp)
{
	struct frame f;

	/* The siginfo at the end is not looked at. */
	if (user_read(p, &f, rsp - 8, offsetof(struct frame, info)))
		return -EFAULT;
	regs_from_frame(&c->regs, &f);
	if (fpstate_pop(p, c, f.fpstate))
		return -EFAULT;
	signal_mask_set(p, f.sigmask);
	if (!on_altstack(p, f.rsp)) {
		p->altstack_sp = f.stack_flags & SS_DISABLE ? 0 : f.stack_sp;
		p->altstack_size = f.stack_flags & SS_DISABLE ? 0 : f.stack_size;
	}
	return 0;
}
