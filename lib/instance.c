/*
 * instance.c - see instance.h.
 */
#include <keros/instance.h>
#include <keros/process.h>
#include <string.h>

void instance_serve(const struct instance *i)
{
	struct msg m = { .send = { CR_TMP0 } };
	cap_t reply_to = CR_RETURN;

	process_make_start(CR_SELF, i->data, CR_TMP0);
	for (;;) {
		memset(m.recv, 0, sizeof m.recv);
		m.recv[0] = CR_ARG0;
		m.recv[3] = CR_RETURN;
		i->receive(&m);
		inv_return(reply_to, &m);
		reply_to = CR_RETURN;
		if (m.got & INV_GOT_NOTICE || (m.got & INV_GOT_DATA) != i->data) {
			memset(&m, 0, sizeof m);
			reply_to = CR_VOID;
			continue;
		}
		if (!sandbox_serve(i->interface, NULL, &m)) {
			uint64_t status = i->live();

			memset(&m, 0, sizeof m);
			m.w[0] = status;
			reply_to = i->run;
		}
	}
}
