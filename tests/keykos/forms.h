/* forms.h - key statements where authors put them besides the file itself: in a header's functions and macros. */
KEY FROM_HEADER = 12;

#define FETCH(n, to) KC (COMP, Node_Fetch + n) KEYSTO(to)
#define KIND(key, into) \
	do { \
		KC (key, KT)    /* its alleged type */ \
		   RCTO(into); \
	} while (0)
#define BOTH_WAYS CHARFROM("there and back", 14) CHARTO(text, 14, length)

static UINT32 kind_by_header(KEY k)
{
	JUMPBUF;
	UINT32 kind;

	KC (k, KT) RCTO(kind);
	return kind;
}
