/*
 * line.h - a line written to and read from a circuit, for the programs that talk to a user.
 *
 * Who includes it has the slots SIK and SOK.  Both answer 0 when the circuit is gone.  keykos-cc reads statements in a
 * program, not in what it includes, so the two calls here are in the words of keykos.h.
 */
#ifndef KEYKOS_LINE_H
#define KEYKOS_LINE_H
#include "keykos.h"
#include "kktypes.h"
#include "ocrc.h"
#include "string.h"

#define READ_ECHO 8192

/* What SOK will not take at once it takes in pieces. */
static int line_write(const char *text)
{
	JUMPBUF;
	UINT32 length = strlen(text), limit = 1, n;

	while (length) {
		n = length < limit ? length : limit;
		_kk_exit(&_jumpbuf, _KK_SLOT(SOK), 0);
		_kk_from(&_jumpbuf, text, n);
		_kk_entry(&_jumpbuf);
		_kk_keysto(&_jumpbuf, 0, 0, 0, _KK_SLOT(SOK));
		_kk_rcto(&_jumpbuf, &limit, sizeof limit);
		_kk_jump(&_jumpbuf, _KK_CALL);
		if (limit >= KT)
			return 0;
		text += n;
		length -= n;
	}
	return 1;
}

/* A line without its end, cut at limit - 1 bytes. */
static int line_read(char *line, UINT32 limit, UINT32 how)
{
	JUMPBUF;
	UINT32 rc;
	ulong_t length = 0;

	/* An empty answer is an activation by hand: there is no line yet. */
	while (length == 0) {
		_kk_exit(&_jumpbuf, _KK_SLOT(SIK), how + limit - 1);
		_kk_entry(&_jumpbuf);
		_kk_to(&_jumpbuf, line, limit - 1);
		_kk_actual(&_jumpbuf, &length, sizeof length);
		_kk_keysto(&_jumpbuf, 0, 0, 0, _KK_SLOT(SIK));
		_kk_rcto(&_jumpbuf, &rc, sizeof rc);
		_kk_jump(&_jumpbuf, _KK_CALL);
		if (rc)
			return 0;
	}
	line[length] = 0;
	if (line[length - 1] == '\r' || line[length - 1] == '\n')
		line[length - 1] = 0;
	return 1;
}
#endif
