/*
 * bsload.ck - the bootstrap loader: lays a program out in a segment.
 *
 *	BSLOADF(0;psb,m,sb ==> 0;BSLOAD)
 *	BSLOAD(0, 1;CODE,MEMORY ==> c,(4,start))    c: KT+3 CODE is no program, 2 CODE, 3 MEMORY is not there or not writable
 *	BSLOAD(KT ==> 0x11), (KT+4 ==> 0)
 *
 * CODE is a segment with an ELF file (x86-64, 64 or 32 bits, not relocatable) or a flat program as keykos-cc makes it.
 * What the file says goes to MEMORY at its addresses; what lies between stays as it is: a fresh segment's zeroes.
 * Component 0 is the copy key: it touches both segments, so a bad one is a code and no trap.
 */
#include "keykos.h"
#include "kktypes.h"
#include "bsload.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"
#include "string.h"

KEY COMP   = 0;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY COPY   = 7;
KEY CODE   = 8;
KEY MEMORY = 9;
KEY OWN    = 10;
KEY SELF   = 11;

#define BAD_CODE     2
#define TYPE_LOAD    1
#define TYPE_EXEC    2
#define MACHINE      62
#define HEADERS_MAX  32
#define SIZE_MAX_    0x10000000ull         /* of a program */

char title[] = "BSLOAD  ";
int stacksiz = 8192;

struct copy { UINT64 from, to, length; UINT32 error; } __attribute__((packed));
struct piece { UINT64 offset, address, in_file; };

struct elf64 { UCHAR ident[16]; UINT16 type, machine; UINT32 version; UINT64 entry, headers, sections; UINT32 flags;
	       UINT16 size, header_size, header_count; };
struct header64 { UINT32 type, flags; UINT64 offset, address, physical, in_file, in_memory, align; };
struct elf32 { UCHAR ident[16]; UINT16 type, machine; UINT32 version, entry, headers, sections, flags;
	       UINT16 size, header_size, header_count; };
struct header32 { UINT32 type, offset, address, physical, in_file, in_memory, flags, align; };

/* From CODE to MEMORY, or, if own is set, to this domain's own memory. */
static UINT32 copy(UINT64 from, UINT64 to, UINT64 length, int own)
{
	JUMPBUF;
	struct copy c = { from, to, length, 0 };
	UINT32 rc = 1;

	while (rc == 1 && c.length) {
		if (own)
			KC (COPY, 0) KEYSFROM(CODE, OWN) STRUCTFROM(c) STRUCTTO(c) RCTO(rc);
		else
			KC (COPY, 0) KEYSFROM(CODE, MEMORY) STRUCTFROM(c) STRUCTTO(c) RCTO(rc);
	}
	return c.length ? rc : OK_RC;
}

static UINT32 header_read(UINT64 offset, void *to, UINT32 length)
{
	/* The page is there for the copy key to write to. */
	memset(to, 0, length);
	return copy(offset, (UINT32)to, length, 1);
}

static UINT32 piece_read(int wide, UINT64 offset, struct piece *p)
{
	struct header64 h;
	struct header32 n;
	UINT32 rc;

	*p = (struct piece){ 0, 0, 0 };
	if (wide) {
		rc = header_read(offset, &h, sizeof h);
		if (rc == OK_RC && h.type == TYPE_LOAD)
			*p = (struct piece){ h.offset, h.address, h.in_file };
	} else {
		rc = header_read(offset, &n, sizeof n);
		if (rc == OK_RC && n.type == TYPE_LOAD)
			*p = (struct piece){ n.offset, n.address, n.in_file };
	}
	if (rc == OK_RC && (p->in_file > SIZE_MAX_ || p->offset > SIZE_MAX_ || p->address > SIZE_MAX_))
		rc = FORMATERROR_RC;
	return rc;
}

static UINT32 load_elf(const struct elf64 *e, UINT32 *start)
{
	const struct elf32 *n = (const struct elf32 *)e;
	int wide = e->ident[4] == 2;
	UINT64 headers = wide ? e->headers : n->headers;
	UINT32 size = wide ? e->header_size : n->header_size, count = wide ? e->header_count : n->header_count, rc = OK_RC;
	struct piece p;

	if (e->type != TYPE_EXEC || e->machine != MACHINE || count == 0 || count > HEADERS_MAX || headers > SIZE_MAX_ ||
	    size < (wide ? sizeof(struct header64) : sizeof(struct header32)))
		return FORMATERROR_RC;
	for (UINT32 i = 0; rc == OK_RC && i < count; i++) {
		rc = piece_read(wide, headers + i * size, &p);
		if (rc == OK_RC)
			rc = copy(p.offset, p.address, p.in_file, 0);
	}
	*start = wide ? e->entry : n->entry;
	return rc;
}

static UINT32 load(UINT32 *start)
{
	struct elf64 e;
	UINT32 rc = header_read(0, &e, sizeof e);
	const UINT32 *words = (const UINT32 *)&e;

	if (rc != OK_RC)
		return rc;
	if (memcmp(&e, "\177ELF", 4) == 0 && (e.ident[4] == 1 || e.ident[4] == 2) && e.ident[5] == 1)
		return load_elf(&e, start);
	if (memcmp(&e, "FACTORY ", 8) != 0 || words[3] > SIZE_MAX_)
		return FORMATERROR_RC;
	*start = words[4];
	return copy(0, 0, words[3], 0);
}

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc, start = 0;

	(void)order;
	KC (COMP, 0) KEYSTO(COPY);
	KC (DOMKEY, Domain_GetMemory) KEYSTO(OWN);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(CODE, MEMORY, , CALLER);
		RETJUMP();
		switch (oc) {
		case Bsload_LoadSimpleElf:
		case Bsload_LoadDynamicElf:
			rc = load(&start);
			LDEXBL (CALLER, rc) STRUCTFROM(start);
			break;
		case KT: LDEXBL (CALLER, Bsload_AKT); break;
		case DESTROY_OC: return;
		default: LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
