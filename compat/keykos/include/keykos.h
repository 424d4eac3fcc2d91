/*
 * keykos.h - the jump buffer, and what the key statements of the dialect become.
 *
 * keykos-cc turns each statement (KC, LDEXBL, LDENBL ...) into calls of the _kk_ functions below, in the order in
 * which its clauses stand; RETJUMP, FORKJUMP and CALLJUMP are ordinary macros.
 *
 * Invariants
 *   1. Slot n of the sixteen general keys is capability register 8 + n; register 0 stands for "no key".
 *   2. A code that nobody asked for (no RCTO) and that is not zero traps with 0x100; a string of more than 4096
 *      bytes traps with 0x30C and nothing is sent.
 *   3. The receive buffer is touched before the jump: the kernel calls no keeper for it.
 */
#ifndef _H_keykos
#define _H_keykos

#define KT 0x80000000u
#if !defined(NULL)
#define NULL 0
#endif

typedef unsigned long ulong_t;
typedef short KEY;

typedef struct {
	const void *pass_strp;
	void *rec_strp;
	ulong_t ordercode, pass_str_len, rec_str_maxlen;
	unsigned long pass_keys, rec_keys;     /* a register in each byte, position 0 lowest */
	void *returncodep, *databytep, *rec_str_actlenp;
	unsigned char returncode_size, databyte_size, actlen_size, invoke_key;
	unsigned char passes_keys, receives_keys, receives_string;
} jump_buf_t;

/* Empty at first: a RETJUMP for which there was no LDENBL accepts nothing. */
#define JUMPBUF jump_buf_t _jumpbuf = { 0 }

void _kk_trap(ulong_t code, ulong_t first, ulong_t second);
void _kk_touch(char *from, ulong_t length);
#define EXIT exit(0)

#define _KK_SLOT(k) (8u + ((unsigned)(k) & 15u))
#define _KK_INLINE static inline __attribute__((always_inline, unused))
#define _KK_CALL 0x000u
#define _KK_RETURN 0x100u
#define _KK_FORK 0x200u

_KK_INLINE void _kk_exit(jump_buf_t *j, unsigned key, ulong_t ordercode)
{
	j->invoke_key = key;
	j->ordercode = ordercode;
	j->pass_strp = NULL;
	j->pass_str_len = 0;
	j->pass_keys = 0;
	j->passes_keys = 0;
}

_KK_INLINE void _kk_entry(jump_buf_t *j)
{
	j->rec_keys = 0;
	j->receives_keys = 0;
	j->receives_string = 0;
	j->rec_strp = NULL;
	j->rec_str_maxlen = 0;
	j->returncodep = NULL;
	j->databytep = NULL;
	j->rec_str_actlenp = NULL;
	j->returncode_size = j->databyte_size = j->actlen_size = 0;
}

_KK_INLINE void _kk_keysfrom(jump_buf_t *j, unsigned k0, unsigned k1, unsigned k2, unsigned k3)
{
	j->pass_keys = k0 | k1 << 8 | k2 << 16 | k3 << 24;
	j->passes_keys = 1;
}

_KK_INLINE void _kk_keysto(jump_buf_t *j, unsigned k0, unsigned k1, unsigned k2, unsigned k3)
{
	j->rec_keys = k0 | k1 << 8 | k2 << 16 | k3 << 24;
	j->receives_keys = 1;
}

_KK_INLINE void _kk_from(jump_buf_t *j, const void *string, ulong_t length)
{
	j->pass_strp = string;
	j->pass_str_len = length;
}

_KK_INLINE void _kk_to(jump_buf_t *j, void *string, ulong_t limit)
{
	j->rec_strp = string;
	j->rec_str_maxlen = limit;
	j->receives_string = 1;
}

_KK_INLINE void _kk_actual(jump_buf_t *j, void *to, unsigned size)
{
	j->rec_str_actlenp = to;
	j->actlen_size = size;
}

_KK_INLINE void _kk_rcto(jump_buf_t *j, void *to, unsigned size)
{
	j->returncodep = to;
	j->returncode_size = size;
}

_KK_INLINE void _kk_dbto(jump_buf_t *j, void *to, unsigned size)
{
	j->databytep = to;
	j->databyte_size = size;
}

_KK_INLINE void _kk_store(void *to, unsigned size, ulong_t value)
{
	if (size == 1)
		*(unsigned char *)to = value;
	else if (size == 2)
		*(unsigned short *)to = value;
	else if (size == 4)
		*(unsigned int *)to = value;
	else if (size == 8)
		*(unsigned long long *)to = value;
}

/* The jump.  The word in rax, and the registers of the keys in rbx, are those of the kernel's invocation. */
_KK_INLINE void _kk_jump(jump_buf_t *j, unsigned op)
{
	unsigned long long rax, rbx;
	unsigned int bits = 0xCA008000u | op | j->invoke_key;
	register unsigned long long r12 __asm__("r12") = (ulong_t)j->pass_strp;
	register unsigned long long r13 __asm__("r13") = j->pass_str_len;
	register unsigned long long r14 __asm__("r14") = op == _KK_FORK ? 0 : (ulong_t)j->rec_strp;
	register unsigned long long r15 __asm__("r15") = op == _KK_FORK ? 0 :
									   j->rec_str_maxlen > 4096 ? 4096 : j->rec_str_maxlen;

	if (j->pass_str_len > 4096)
		_kk_trap(0x30C, j->pass_str_len, 0);
	bits |= (j->pass_str_len ? 0x0400u : 0) | (j->passes_keys ? 0x1000u : 0);
	rbx = j->pass_keys;
	if (op != _KK_FORK) {
		if (j->receives_string) {
			_kk_touch(j->rec_strp, r15);
			bits |= 0x0800u;
		}
		if (j->receives_keys) {
			rbx |= (unsigned long long)j->rec_keys << 32;
			bits |= 0x2000u;
		}
	}
	rax = (unsigned long long)j->ordercode << 32 | bits;
	__asm__ volatile("syscall"
			 : "+a"(rax), "+b"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
			 :
			 : "rcx", "r11", "rdi", "rsi", "rdx", "r10", "r8", "r9", "memory");
	if (op == _KK_FORK)
		return;
	if (j->returncode_size)
		_kk_store(j->returncodep, j->returncode_size, rax >> 32);
	else if (rax >> 32)
		_kk_trap(0x100, rax >> 32, 0);
	if (j->databyte_size)
		_kk_store(j->databytep, j->databyte_size, rax & 0xFF);
	if (j->actlen_size)
		_kk_store(j->rec_str_actlenp, j->actlen_size, j->receives_string ? r13 : 0);
}

/*
 * memcpy of an integer, or of the upper bytes of one, into or out of the body of a data key: its bytes there are in the
 * ancestor's order.  What is no integer, or is longer than one, is copied as it is.
 */
void _kk_reverse(void *to, const void *from, ulong_t length);
#define _KK_INTEGER(p, n) (__builtin_classify_type(*(p)) == 1 && sizeof *(p) > 1 && sizeof *(p) >= (n))
#define _kk_body_put(to, from, n) \
	(_KK_INTEGER(from, n) ? (void)_kk_reverse((to), (const char *)(from) + sizeof *(from) - (n), (n)) \
			      : (void)__builtin_memcpy((to), (from), (n)))
#define _kk_body_get(to, from, n) \
	(_KK_INTEGER(to, n) ? (void)_kk_reverse((char *)(to) + sizeof *(to) - (n), (from), (n)) \
			    : (void)__builtin_memcpy((to), (from), (n)))

/* Of memcpy(&x.hi, p, 8): where x begins, if it is an LLI, whose high half once stood first. */
#define _KK_WHOLE(x) (sizeof(x) == 8 ? (void *)&(x) : (void *)&(x).hi)

#define CALLJUMP() _kk_jump(&_jumpbuf, _KK_CALL)
#define RETJUMP() _kk_jump(&_jumpbuf, _KK_RETURN)
#define FORKJUMP() _kk_jump(&_jumpbuf, _KK_FORK)
#endif
