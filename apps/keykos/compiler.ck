/*
 * compiler.ck - the confused deputy, and how it stops being one.
 *
 *	COMPILERF(0;psb,m,sb ==> 0;COMPILER)
 *	    component 0, a hole: the node of the files of the compiler's home; slot 0 is the bill
 *	    component 1: discrim
 *	COMPILER(0,(1,n)(text) ==> c,(4,bytes))    ordinal 0: compiles into the home's file n
 *	COMPILER(0,(text);FILE ==> c,(4,bytes))    ordinal 1: compiles into the file whose key the caller gives
 *	    c = 3 it is no file; 4 it cannot be written
 *	COMPILER(1 ==> 0,(4,bytes billed)(28,what stands behind))   the bill, as it is on the page
 *	COMPILER(KT ==> 0x10C2), COMPILER(KT+4 ==> 0)
 *
 * The compiler writes two files: the bill by its own authority and the output by its caller's.  With ordinal 0 the
 * caller names the output, and the name is looked up by the compiler: so it can name the bill, which it could never
 * write itself.  With ordinal 1 the caller can only give a key that it has.  A file is a page.  doc/keykos/compiler.md
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "discrim.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "page.h"
#include "program.h"

KEY COMP    = 0;
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY SELF    = 7;
KEY HOME    = 8;
KEY BILL    = 9;
KEY FILE    = 10;
KEY DISCRIM = 11;
KEY MEMORY  = 12;

#define BILL_AT ((volatile struct bill *)0x200000)
#define TEXT_MAX 1024

enum { NO_FILE = 3, NOT_WRITTEN = 4 };

struct bill {
	UINT32 bytes;
	char rest[28];
};

char title[] = "COMPILER";

/* What this compiler does to a program: it says it louder. */
static void compile(char *text, UINT32 length)
{
	for (UINT32 i = 0; i < length; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] -= 'a' - 'A';
}

static int is_file(void)
{
	JUMPBUF;
	UINT32 kind;

	KC (DISCRIM, Discrim_Type) KEYSFROM(FILE) RCTO(kind);
	if (kind != Discrim_TypeMemory)
		return 0;                      /* nothing else is called: it might never answer */
	KC (FILE, KT) RCTO(kind);
	return kind == Page_AKT || kind == Page_ROAKT;
}

static void bill_add(UINT32 bytes)
{
	JUMPBUF;
	UINT32 total = BILL_AT->bytes + bytes;

	KC (BILL, Page_WriteData) STRUCTFROM(total);
}

void factory(UINT32 order, UINT32 by_key)
{
	JUMPBUF;
	UINT32 oc, length, rc, written;
	char text[TEXT_MAX], *source;

	(void)order;
	KC (COMP, Node_Fetch + 0) KEYSTO(HOME);
	KC (COMP, Node_Fetch + 1) KEYSTO(DISCRIM);
	KC (HOME, Node_Fetch + 0) KEYSTO(BILL);
	KC (DOMKEY, Domain_GetMemory) KEYSTO(MEMORY);
	KC (MEMORY, Node_Swap + 2) KEYSFROM(BILL);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(FILE,,,CALLER) CHARTO(text, TEXT_MAX, length);
		RETJUMP();
		if (oc == KT+4)
			exit(OK_RC);
		if (oc == 1) {
			struct bill bill = *BILL_AT;

			LDEXBL (CALLER, OK_RC) STRUCTFROM(bill);
			continue;
		}
		if (oc != 0) {
			LDEXBL (CALLER, oc == KT ? 0x10C2 : INVALIDOC_RC);
			continue;
		}
		source = text;
		if (!by_key) {                     /* the wrong way: a name, and our own authority */
			KC (HOME, Node_Fetch + (text[0] & 15)) KEYSTO(FILE);
			source++;
			length -= length > 0;
		}
		if (!is_file()) {
			LDEXBL (CALLER, NO_FILE);
			continue;
		}
		compile(source, length);
		KC (FILE, Page_WriteData) CHARFROM(source, length) RCTO(rc);
		if (rc) {
			LDEXBL (CALLER, NOT_WRITTEN);
			continue;
		}
		written = length;
		if (by_key)
			bill_add(written);
		LDEXBL (CALLER, OK_RC) STRUCTFROM(written);
	}
}
