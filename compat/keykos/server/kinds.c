/*
 * kinds.c - every kind of object, once: its name, what serves it, what ends it, and whether it makes others.
 *
 * A maker stands for a factory without holes: it may be a component of any factory, and it compares as no riskier than
 * any.  Add a kind here and in enum kind (object.h).
 */
#include "object.h"

const struct kind_row kinds[KINDS] = {
	[KIND_BANK] = { "bank", sb_serve, NULL, false, NULL },
	[KIND_SBT] = { "bank transformer", sbt_serve, NULL, false, NULL },
	[KIND_DCC] = { "creator of domain creators", dcc_serve, NULL, true, NULL },
	[KIND_DC] = { "domain creator", dc_serve, dc_end, false, NULL },
	[KIND_FCC] = { "creator of factory creators", fcc_serve, NULL, true, NULL },
	[KIND_FC] = { "factory creator", fc_serve, NULL, false, NULL },
	[KIND_FACTORY] = { "factory", factory_serve, factory_end, false, NULL },
	[KIND_BIRTH] = { "birth", birth_serve, birth_end, false, NULL },
	[KIND_DIRECTORY] = { "directory", directory_serve, NULL, false, NULL },
	[KIND_KIDC] = { "creator of key sets", kidc_serve, NULL, true, NULL },
	[KIND_KID] = { "key set", kid_serve, NULL, false, NULL },
};
