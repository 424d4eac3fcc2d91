/*
 * vcs.h - virtual copy segments.
 */
#ifndef _H_vcs
#define _H_vcs

#include <lli.h>
#define VCSF_AKT                 0x1B0D
#define VCS_AKT                  0xB0D
#define VCSF_Create              0
#define VCS_CreateROSegmentKey   0
#define VCS_ReturnLength         1
#define VCS_CreateNCSegmentKey   2
#define VCS_CreateRONCSegmentKey 3
#define VCS_TruncateSegment      5
#define VCS_ReturnBaseSegmentKey 6
#define VCS_Freeze               17

struct VCS_SegmentLength {
	unsigned long long Length;
};

#endif
