/*
 * recep.h - receptionists.
 */
#ifndef _H_recep
#define _H_recep

#define Recep_AKT           0x003E
#define RecepF_AKT          0x023E
#define Recep_InternalError 1
#define Recep_Dropped       4
#define Recep_Fail          5

#endif
