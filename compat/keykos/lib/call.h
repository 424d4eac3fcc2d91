/*
 * call.h - key calls of the library's own, by capability register: a slot's is _KK_SLOT(n), 26 to 31 are free.
 *
 * send and receive are registers in bytes, position 0 lowest; 0 is no key.  The answer's code comes back.
 */
#ifndef KEYKOS_CALL_H
#define KEYKOS_CALL_H
#include "keykos.h"

static inline ulong_t _kk_call(unsigned reg, ulong_t order, ulong_t send, ulong_t receive, const void *string, ulong_t length)
{
	JUMPBUF;
	ulong_t rc;

	_kk_exit(&_jumpbuf, reg, order);
	_kk_entry(&_jumpbuf);
	_jumpbuf.pass_keys = send;
	_jumpbuf.passes_keys = 1;
	_jumpbuf.rec_keys = receive;
	_jumpbuf.receives_keys = 1;
	if (length)
		_kk_from(&_jumpbuf, string, length);
	_kk_rcto(&_jumpbuf, &rc, sizeof rc);
	_kk_jump(&_jumpbuf, _KK_CALL);
	return rc;
}

/* To a resume key: nothing comes back. */
static inline void _kk_send(unsigned reg, ulong_t order)
{
	JUMPBUF;

	_kk_exit(&_jumpbuf, reg, order);
	_kk_entry(&_jumpbuf);
	_kk_jump(&_jumpbuf, _KK_FORK);
}
#endif
