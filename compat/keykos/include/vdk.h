/*
 * vdk.h - the domain keeper that prints.
 */
#ifndef _H_vdk
#define _H_vdk

#define VDKF_AKT            0xA0D
#define VDK_AKT             0x10A0D
#define VDKF_CreateSilent   0
#define VDKF_CreateSwitcher 1
#define VDKF_CreateCCK      2

#endif
