/*
 * bscr.h - the Bourne shell creator.
 */
#ifndef _H_bscr
#define _H_bscr

#define BSP_AKT   0x0019
#define BSC_AKT   0x001A
#define BSCRF_AKT 0x001B

#endif
