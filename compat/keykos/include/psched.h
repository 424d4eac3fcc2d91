/*
 * psched.h - the process scheduler.
 */
#ifndef _H_psched
#define _H_psched

#define PSchedF_AKT                   0x0168
#define PSchedAdmin_AKT               0x0068
#define PSchedNotify_AKT              0x0268
#define PSchedStatus_AKT              0x0368
#define PSchedChange_AKT              0x0468
#define PSchedF_CreateSimpleScheduler 0
#define PSched_CreateMeter            0
#define PSched_SetPolicy              1
#define PSched_DestroyMeter           2
#define PSched_StopMeter              3
#define PSched_StartMeter             4
#define PSched_Wait                   10
#define PSched_GetStatus              20
#define PSched_ChangePolicy           30
#define PSched_TooManyMeters          4
#define PSched_ChangeNotNode          5
#define PSched_ChangeNotData          6
#define PSched_ChangeNotMagic         7
#define PSched_InvalidIDKey           8
#define POLICYUNUSED                  0
#define POLICYPRIORITY                1
#define POLICYPERCENTAGE              2

struct pformat0 {
	short policy;
	short policyvalue;
};

struct sformat0 {
	short policy;
	short policyvalue;
	short relpercent;
	short percent;
	long long used;
};

struct PSched_Policy {
	short format;
	union {
		struct pformat0 p0;
	} un;
};

struct PSched_MeterStatus {
	short format;
	union {
		struct sformat0 s0;
	} un;
};

#endif
