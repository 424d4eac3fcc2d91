/*
 * clock.h - the clock object.
 */
#ifndef _H_clock
#define _H_clock

#define Clock_AKT            0x0012
#define ClockF_AKT           0x0112
#define Clock_TOD_38000      0
#define Clock_TOD_100        1
#define Clock_TOD_PDHMSTH    2
#define Clock_TOD_BINMIDNITE 3
#define Clock_TOD_BINEPOC    4
#define Clock_TOD_ASCII      5
#define Clock_TOD_PDHMSTF    6
#define Clock_Get_TOD_Offset 9
#define Clock_TOD_UT         100
#define Clock_NODESTROY      1001
#define Clock_NOTIMEZONE     1002
#define Clock_NORIGHTS       1003
#define Clock_SetTimeZone    1004

#endif
