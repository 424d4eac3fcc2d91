/*
 * ukeeper.h - the Unix keeper.
 */
#ifndef _H_ukeeper
#define _H_ukeeper

#define UKeeper_AKT            0x066
#define UKeeperF_AKT           0x166
#define UKeeper_Destroy        4
#define UKeeper_PutAway        5
#define UKeeper_WakeUp         6
#define UKeeper_SetName        7
#define UKeeper_SetBrk         8
#define UKeeper_SetDirectory   9
#define UKeeper_SetSikSok      10
#define UKeeper_Init           11
#define UKeeper_SetRestartAddr 13
#define UKeeper_SetFrozenAddr  14
#define UKeeper_FreezeDryHack  15
#define UKeeper_TrussOn        16
#define UKeeper_AddDevice      18

struct UKeeper_Name {
	int length;
	char name[256];
};

#endif
