/*
 * mkeeper.h - the default meter keeper.
 */
#ifndef _H_mkeeper
#define _H_mkeeper

#define MKeeperF_AKT        0x206
#define MKeeper_AKT         0x106
#define MKeeperF_Create     0
#define MKeeper_RestartKeys 0
#define MKeeper_HowManyKeys 1
#define MKeeper_HoldsKeys   1

#endif
