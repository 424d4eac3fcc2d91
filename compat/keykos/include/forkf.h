/*
 * forkf.h - fork objects: a message handed on without waiting.
 */
#ifndef _H_forkf
#define _H_forkf

#define ForkF_AKT          0x003D
#define ForkControl_AKT    0x013D
#define ForkControl_SetKey 0
#define ForkF_Create       0
#define ForkF_Fast         4096
#define ForkF_Call         256
#define ForkF_Reusable     16

#endif
