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
 * (process_set_regs, process_set_fpu), the mask here.
 */
#include <signal.h>
#include <string.h>
#include <keros/process.h>
#include "process.h"

#define XSTATE_BYTES 832u              /* x87, SSE and AVX */
#define FPU_IMAGE_MAX 1088u
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

void regs_get(struct proc *p, struct reg_image *regs)
{
	size_t length;

	process_get_regs(process_cap(p->index), regs, sizeof *regs, &length);
}

void regs_set(struct proc *p, const struct reg_image *regs)
{
	struct reg_image r = *regs;

	r.foreign_entry = SHIM_TEXT;
	r.gs_base = SHIM_DATA;
	if (process_set_regs(process_cap(p->index), &r, sizeof r) == RC_OK)
		return;
	/* A non-canonical address came out of a frame: where it leads is a fault of the program's. */
	r.rip = 0;
	r.fs_base = 0;
	process_set_regs(process_cap(p->index), &r, sizeof r);
}

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

	memcpy(f->info, head, sizeof head);
	if (fault && i->code > 0)
		memcpy(f->info + 16, &i->address, 8);
	else
		memcpy(f->info + 16, who, sizeof who);
}

/* Writes the FPU image below sp; its address, 0 if there is none, 1 if memory is bad. */
static uint64_t fpstate_push(struct proc *p, uint64_t sp)
{
	static uint8_t image[FPU_IMAGE_MAX] __attribute__((aligned(64)));
	uint32_t words[5] = { XSTATE_MAGIC1, XSTATE_BYTES + 4, 7, 0, XSTATE_BYTES }, magic2 = XSTATE_MAGIC2;
	uint64_t at = (sp - XSTATE_BYTES - 4) & ~63ull;
	size_t length = 0;

	if (process_get_fpu(process_cap(p->index), image, sizeof image, &length) != RC_OK || length < XSTATE_BYTES)
		return 0;
	memset(image + SW_RESERVED, 0, 48);
	memcpy(image + SW_RESERVED, words, sizeof words);
	if (user_write(p, at, image, XSTATE_BYTES) || user_write(p, at + XSTATE_BYTES, &magic2, 4))
		return 1;
	return at;
}

/* The registers become those with which the handler starts.  0 or -EFAULT. */
long frame_push(struct proc *p, struct reg_image *regs, int sig)
{
	struct sigaction_k *action = &p->sighand->action[sig];
	uint64_t sp = regs->rsp - RED_ZONE, handler = action->handler;
	struct frame f;

	p->sig_pending &= ~SIG_BIT(sig);
	if (!(action->flags & K_SA_RESTORER))
		return -EFAULT;
	memset(&f, 0, sizeof f);
	f.stack_sp = p->altstack_sp;
	f.stack_size = p->altstack_size;
	f.stack_flags = !p->altstack_size ? SS_DISABLE : on_altstack(p, regs->rsp) ? SS_ONSTACK : 0;
	if ((action->flags & SA_ONSTACK) && p->altstack_size && !on_altstack(p, regs->rsp))
		sp = p->altstack_sp + p->altstack_size;
	f.fpstate = fpstate_push(p, sp);
	if (f.fpstate == 1)
		return -EFAULT;
	sp = (((f.fpstate ? f.fpstate : sp) - sizeof f) & ~15ull) - 8;
	f.pretcode = action->restorer;
	f.uc_flags = f.fpstate ? UC_FLAGS_ALL : UC_FLAGS_ALL & ~1u;
	frame_regs(&f, regs);
	f.cr2 = p->inner->info[sig].address;
	f.oldmask = f.sigmask = p->restore_mask ? p->sig_saved_mask : p->sig_mask;
	p->restore_mask = false;
	frame_info(&f, sig, &p->inner->info[sig]);
	if (user_write(p, sp, &f, sizeof f))
		return -EFAULT;
	regs->rsp = sp;
	regs->rip = handler;
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

static long fpstate_pop(struct proc *p, uint64_t at)
{
	static uint8_t image[FPU_IMAGE_MAX] __attribute__((aligned(64)));
	uint64_t features;
	uint32_t magic, mxcsr;

	if (!at) {
		process_set_fpu(process_cap(p->index), image, 0);
		return 0;
	}
	memset(image, 0, sizeof image);
	if (user_read(p, image, at, 512))
		return -EFAULT;
	memcpy(&magic, image + SW_RESERVED, 4);
	features = 3;
	if (magic == XSTATE_MAGIC1) {
		if (user_read(p, image, at, XSTATE_BYTES))
			return -EFAULT;
		memcpy(&features, image + 512, 8);
		features &= 7;
	}
	memset(image + SW_RESERVED, 0, 48);
	memset(image + 512, 0, 64);
	memcpy(image + 512, &features, 8);
	memcpy(&mxcsr, image + 24, 4);
	mxcsr &= 0xFFFF;
	memcpy(image + 24, &mxcsr, 4);
	return process_set_fpu(process_cap(p->index), image, sizeof image) == RC_OK ? 0 : -EFAULT;
}

/* The registers and the mask become those of the frame that rsp is just above. */
long frame_pop(struct proc *p, struct reg_image *r)
{
	struct frame f;

	if (user_read(p, &f, r->rsp - 8, sizeof f))
		return -EFAULT;
	r->r8 = f.r8, r->r9 = f.r9, r->r10 = f.r10, r->r11 = f.r11;
	r->r12 = f.r12, r->r13 = f.r13, r->r14 = f.r14, r->r15 = f.r15;
	r->rdi = f.rdi, r->rsi = f.rsi, r->rbp = f.rbp, r->rbx = f.rbx;
	r->rdx = f.rdx, r->rax = f.rax, r->rcx = f.rcx, r->rsp = f.rsp;
	r->rip = f.rip, r->rflags = f.eflags;
	if (fpstate_pop(p, f.fpstate))
		return -EFAULT;
	signal_mask_set(p, f.sigmask);
	if (!on_altstack(p, f.rsp)) {
		p->altstack_sp = f.stack_flags & SS_DISABLE ? 0 : f.stack_sp;
		p->altstack_size = f.stack_flags & SS_DISABLE ? 0 : f.stack_size;
	}
	return 0;
}
