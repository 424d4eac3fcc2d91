/*
 * node.h - nodes, and the data keys of memory trees.
 */
#ifndef _H_node
#define _H_node

#include "kktypes.h"
#define Node_KEYLENGTH       16
#define Node_SENSEAKT        1
#define Node_NODEAKT         3
#define Node_FETCHAKT        4
#define Node_SEGMENTAKT      1005
#define Node_SEGMENTMASK     0xFFFFF0FF
#define Node_Fetch           0
#define Node_Swap            16
#define Node_Compare         38
#define Node_Clear           39
#define Node_DataByte        40
#define Node_MakeFetchKey    32
#define Node_MakeSegmentKey  33
#define Node_MakeMeterKey    34
#define Node_MakeNodeKey     35
#define Node_MakeSenseKey    36
#define Node_MakeFrontendKey 37
#define Node_WriteData       45

typedef struct {
	UCHAR Byte[Node_KEYLENGTH];
} Node_KeyData;


/* A window: high nibble, offset in pages, slot, read-only, no-call.  In the sixteen bytes of Write Data. */
#define _Node_Window(high, page, slot, ro, nc, kind) { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
	((high) & 15) << 4 | (page) >> 28, (page) >> 20 & 255, (page) >> 12 & 255, (page) >> 4 & 255, \
	((page) & 15) << 4, (slot) << 4 | ((ro) & 1) << 3 | ((nc) & 1) << 2 | (kind) } }
#define WindowM(high, page, slot, ro, nc)  _Node_Window(high, page, slot, ro, nc, 2)
#define WindowBM(high, page, slot, ro, nc) _Node_Window(high, page, slot, ro, nc, 3)

/* A format key: flags, (slot of the caller's third key,) background, keeper, initial slots, ssc. */
#define Format1K(flags, key, background, keeper, initial, ssc) { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
	(flags) << 4 | 15, (key) << 4 | ((background) & 15), (keeper) << 4 | 15, (initial) << 4 | ((ssc) & 15) } }
#define FormatK(flags, background, keeper, initial, ssc) Format1K(flags, 15, background, keeper, initial, ssc)

struct Node_KeyValues {
	UINT32 StartSlot;
	UINT32 EndSlot;
	Node_KeyData Slots[16];
};

struct Node_DataByteValue {
	UCHAR Byte;
};

#endif
