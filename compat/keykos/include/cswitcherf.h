/*
 * cswitcherf.h - the character switcher.
 */
#ifndef _H_cswitcherf
#define _H_cswitcherf

#define CSwitcherF_AKT            0x16A
#define CSwitcher_AKT             0x06A
#define CSwitcherF_Create         0
#define CSwitcher_InvalidRC       3
#define Switcher_CreateBranch     0
#define Switcher_DisconnectBranch 1
#define Switcher_ConnectBranch    2
#define Switcher_DestroyBranch    3
#define Switcher_SwitchToBranch   4
#define Switcher_DescribeBranch   5

#endif
