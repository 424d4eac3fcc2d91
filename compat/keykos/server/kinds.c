/*
 * kinds.c - every kind of object, once: its name, what serves it, what ends it, and whether it makes others.
 *
 * A maker stands for a factory without holes: it may be a component of any factory, and it compares as no riskier than
 * any.  Add a kind here and in enum kind (object.h).
 */
#include "object.h"

#define OBJECT(serving, ending) { .serve = serving, .end = ending }
#define KEEPER(serving) { .serve = serving, .segment = true }
#define MAKER(type_, making) { .serve = maker_serve, .maker = true, .type = type_, .make = making }

const struct kind_row kinds[KINDS] = {
	[KIND_BANK] = KEEPER(sb_serve),
	[KIND_SBT] = OBJECT(sbt_serve, NULL),
	[KIND_DCC] = { .serve = dcc_serve, .maker = true },
	[KIND_DC] = OBJECT(dc_serve, dc_end),
	[KIND_FCC] = { .serve = fcc_serve, .maker = true },
	[KIND_FC] = OBJECT(fc_serve, NULL),
	[KIND_FACTORY] = OBJECT(factory_serve, factory_end),
	[KIND_BIRTH] = OBJECT(birth_serve, birth_end),
	[KIND_DIRECTORY] = OBJECT(directory_serve, NULL),
	[KIND_KIDC] = { .serve = kidc_serve, .maker = true },
	[KIND_KID] = KEEPER(kid_serve),
	[KIND_SNODEF] = MAKER(0x20D, snode_make),
	[KIND_SNODE] = KEEPER(snode_serve),
	[KIND_RCF] = MAKER(0x0F, records_make),
	[KIND_RECORDS] = OBJECT(records_serve, records_end),
	[KIND_RECORDS_VIEW] = OBJECT(records_view_serve, NULL),
	[KIND_WAITF] = MAKER(0x325, wait_make),
	[KIND_WAIT] = OBJECT(wait_serve, wait_end),
	[KIND_MBWAITF] = MAKER(0x525, mbwait_make),
	[KIND_MBWAIT] = OBJECT(mbwait_serve, mbwait_end),
	[KIND_REGISTRATION] = OBJECT(wait_serve, wait_end),
	[KIND_CLOCKF] = MAKER(0x112, clock_make),
	[KIND_CLOCK] = OBJECT(clock_serve, NULL),
	[KIND_CONSOLE] = OBJECT(device_serve, NULL),
	[KIND_CIRCUIT] = OBJECT(circuit_serve, circuit_end),
	[KIND_SIK] = OBJECT(sik_serve, NULL),
	[KIND_SOK] = OBJECT(sok_serve, NULL),
	[KIND_TSSF] = { .serve = tssf_serve, .maker = true },
	[KIND_EXTENSION] = OBJECT(extension_serve, NULL),
	[KIND_TERMINAL] = OBJECT(terminal_serve, terminal_end),
	[KIND_ZAPPER] = OBJECT(zapper_serve, zapper_end),
	[KIND_SIAF] = MAKER(0x126, sia_make),
	[KIND_SIA] = OBJECT(sia_serve, NULL),
	[KIND_NODE_RANGE] = OBJECT(range_serve, NULL),
	[KIND_PAGE_RANGE] = OBJECT(range_serve, NULL),
	[KIND_FSF] = MAKER(0x40D, fs_make),
	[KIND_FS] = OBJECT(fs_serve, segment_end),
	[KIND_VCSF] = MAKER(0x1B0D, vcs_make),
	[KIND_VCS] = OBJECT(vcs_serve, segment_end),
	[KIND_JOURNAL] = OBJECT(journal_serve, NULL),
	[KIND_DOMTOOL] = OBJECT(tool_serve, NULL),
};
