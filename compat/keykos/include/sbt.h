/*
 * sbt.h - the space bank transformer.
 */
#ifndef _H_sbt
#define _H_sbt

#include <kktypes.h>
#define SBT_AKT            0x040C
#define SBT_Verify         0
#define SBT_CreateSubrange 1
#define SBT_Create         2
#define SBT_CreateLimited  5

struct SBT_Limits {
	UINT32 NodeLimit;
	UINT32 PageLimit;
};

struct SBT_Subrange {
	UINT32 LowerNodeLimit;
	UINT32 UpperNodeLimit;
	UINT32 LowerPageLimit;
	UINT32 UpperPageLimit;
};

#endif
