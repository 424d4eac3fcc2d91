/*
 * datacopy.h - copying between segments.
 */
#ifndef _H_datacopy
#define _H_datacopy

#define DatacopyF_AKT   0x164
#define Datacopy_AKT    0x64
#define Datacopy_Failed 1

struct DatacopyArgs {
	unsigned long long fromoffset;
	unsigned long long tooffset;
	unsigned long long length;
};

#endif
