/*
 * fs.h - fresh segments.
 */
#ifndef _H_fs
#define _H_fs

#include <lli.h>
#define FSF_AKT                 0x40D
#define FS_AKT                  0x50D
#define FSF_Create              0
#define FS_InternalError        3
#define FS_CopyError            4
#define FS_ReturnLength         1
#define FS_TruncateSegment      5
#define FS_CreateSibling        18
#define FS_CreateROSegmentKey   0
#define FS_CreateNCSegmentKey   2
#define FS_CreateRONCSegmentKey 3
#define FS_SetLimit             6
#define FS_CopyMe               7
#define FS_GetLimit             8
#define FS_Freeze               9
#define FS_SetMetaData          10
#define FS_GetMetaData          11

struct FS_SegmentLength {
	LLI Length;
};

struct FS_CopyArgs {
	unsigned long offset;
	unsigned long length;
};

struct FS_UnixMeta {
	unsigned char vacant;
	unsigned char groupid;
	unsigned short userid;
	unsigned short mode;
	unsigned short inode;
	unsigned long length;
};

#endif
