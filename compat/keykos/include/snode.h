/*
 * snode.h - super nodes.
 */
#ifndef _H_snode
#define _H_snode

#include <kktypes.h>
#define SNodeF_AKT     0x20D
#define SNode_AKT      0x30D
#define SNodeF_Create  0
#define SNode_Weaken   32
#define SNode_Clear    39
#define SNode_Fetch    41
#define SNode_Swap     42
#define SNode_MoveRegs 50

struct SNode_Slot {
	UINT32 Slot;
};

#endif
