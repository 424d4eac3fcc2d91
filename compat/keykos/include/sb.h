/*
 * sb.h - space banks.
 */
#ifndef _H_sb
#define _H_sb

#include <lli.h>
#include <kktypes.h>
#define SB_AKT                               0x0C
#define SB_CreateNode                        0
#define SB_DestroyNode                       1
#define SB_SeverNode                         2
#define SB_QueryNodeSpace                    5
#define SB_QueryNodeStatistics               6
#define SB_CreateTwoNodes                    7
#define SB_CreateThreeNodes                  8
#define SB_DestroyTwoNodes                   9
#define SB_DestroyThreeNodes                 10
#define SB_ChangeSmallNodeLimit              11
#define SB_SetNodeRangeLimit                 12
#define SB_ChangeNodeLimit                   13
#define SB_QueryNodesAvailable               14
#define SB_CreatePage                        16
#define SB_DestroyPage                       17
#define SB_SeverPage                         18
#define SB_QueryPageSpace                    21
#define SB_QueryPageStatistics               22
#define SB_CreateTwoPages                    23
#define SB_CreateThreePages                  24
#define SB_DestroyTwoPages                   25
#define SB_DestroyThreePages                 26
#define SB_ChangeSmallPageLimit              27
#define SB_SetPageRangeLimit                 28
#define SB_ChangePageLimit                   29
#define SB_QueryPagesAvailable               30
#define SB_ForbidDestroy                     33
#define SB_ForbidQuery                       34
#define SB_ForbidDestroyAndQuery             35
#define SB_ForbidChangeLimits                36
#define SB_ForbidDestroyAndChangeLimits      37
#define SB_ForbidQueryAndChangeLimits        38
#define SB_ForbidDestroyQueryAndChangeLimits 39
#define SB_DestroyBankAndSpace               64
#define SB_QueryStatistics                   65
#define SB_VerifyBank                        66
#define SB_CreateBank                        67

struct SB_Limits {
	LLI Lower;
	LLI Upper;
};

struct SB_Values {
	UINT32 Quantity;
};

struct SB_Statistics {
	UINT32 Creates;
	UINT32 Destroys;
};

struct SB_SmallChangeValue {
	SINT32 Delta;
};

struct SB_ChangeValue {
	LLI Delta;
};

struct SB_FullStatistics {
	LLI NodeCreates;
	LLI NodeDestroys;
	LLI PageCreates;
	LLI PageDestroys;
};

struct SB_FullStatisticsLL {
	long long NodeCreates;
	long long NodeDestroys;
	long long PageCreates;
	long long PageDestroys;
};

#endif
