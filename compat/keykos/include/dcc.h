/*
 * dcc.h - the creator of domain creators.
 */
#ifndef _H_dcc
#define _H_dcc

#define DCC_AKT      0x10D
#define DCC_Create   0
#define DCC_Identify 1

#endif
