/*
 * callseg.h - calls through another segment.
 */
#ifndef _H_callseg
#define _H_callseg

#define Callseg_AKT               0x110D
#define CallsegF_AKT              0x120D
#define Callseg_ReturnSegmentKey  0
#define Callseg_ReplaceSegmentKey 1
#define Callseg_ReadSegmentData   2
#define Callseg_WriteSegmentData  3

#endif
