/*
 * switcherf.h - switchers.
 */
#ifndef _H_switcherf
#define _H_switcherf

#define SwitcherF_AKT             0x1090D
#define Switcher_AKT              0x90D
#define SwitcherF_Create          0
#define Switcher_CreateBranch     0
#define Switcher_DisconnectBranch 1
#define Switcher_ConnectBranch    2
#define Switcher_DestroyBranch    3
#define Switcher_SwitchToBranch   4
#define Switcher_DescribeBranch   5

#endif
