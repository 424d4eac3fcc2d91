/*
 * factory.h - factories: creator, builder, requestor, fetcher, copy.
 */
#ifndef _H_factory
#define _H_factory

#include <kktypes.h>
#define DBBUILDER                 0
#define DBREQUESTOR               1
#define DBFETCHER                 2
#define DBCOPY                    3
#define DBNORECALLBUILDER         1
#define DBNORECALL                2
#define FCC_AKT                   0x031E
#define FC_AKT                    0x1E
#define FB_AKT                    0x011E
#define FCopy_AKT                 0x021E
#define FR_AKT                    0xFF1E
#define FactoryDCNotValid         5
#define FC_Create                 0
#define FC_CreateDC               1
#define FC_CreateMHF              2
#define FC_CreateDCMHF            3
#define FC_DisableFetcher         4
#define FC_DisableBuilder         5
#define FC_RecallFetcher          6
#define FC_RecallBuilder          7
#define FactoryB_InstallSensory   0
#define FactoryB_InstallFactory   32
#define FactoryB_InstallHole      128
#define FactoryB_AssignKT         64
#define FactoryB_AssignOrdinal    65
#define FactoryB_MakeRequestor    66
#define FactoryB_MakeCopy         67
#define FactoryB_GetDC            69
#define FactoryB_GetMiscellaneous 96
#define FactoryC_Copy             0
#define FactoryC_GetMiscellaneous 96
#define FactoryF_Fetch            0
#define FactoryF_MakeRequestor    66
#define FactoryF_GetMiscellaneous 96
#define FactoryF_Compare          0xFFFFFFFFu
#define FactoryR_Create           0
#define FactoryR_Compare          0xFFFFFFFFu

struct Factory_HoleCapacity {
	UINT32 Capacity;
};

struct FactoryB_Address {
	UINT32 Address;
};

struct FactoryB_Value {
	UINT32 Value;
};

struct Factory_GetMiscellaneousValues {
	UINT32 Address;
	UINT32 AKT;
	UCHAR Bits[3];
	UCHAR Flags;
#define COMPLETE   4
#define DOTPROGRAM 2
#define SHAREDDC   1
	UINT32 Ordinal;
};

#endif
