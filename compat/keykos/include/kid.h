/*
 * kid.h - sets of keys.
 */
#ifndef _H_kid
#define _H_kid

#define KIDC_AKT                0x0127
#define KID_AKT                 0x27
#define KID_Error               1
#define KID_InternalError       3
#define KIDC_Create             0
#define KID_AddEntry            1
#define KID_Identify            2
#define KID_DeleteEntry         3
#define KID_TestInclusion       4
#define KID_PerformIntersection 5
#define KID_MakeUnion           6

#endif
