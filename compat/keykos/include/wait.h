/*
 * wait.h - wait objects and their multiplexer.
 */
#ifndef _H_wait
#define _H_wait

#include <lli.h>
#define Wait_AKT                0x25
#define WaitF_AKT               0x0325
#define WaitF_Create            0
#define Wait_Wait               0
#define Wait_SetTOD             1
#define Wait_SetInterval        2
#define Wait_SetTODAndWait      3
#define Wait_SetIntervalAndWait 4
#define Wait_ShowTime           5
#define Wait_ShowTOD            7

struct WaitTOD {
	LLI Epoch;
};

struct Wait_Interval {
	LLI Microseconds;
};

struct Wait_Value {
	char daytime[32];
};

#endif
