/*
 * dc.h - domain creators.
 */
#ifndef _H_dc
#define _H_dc

#define DC_AKT                                0x0D
#define DC_DestroyDomain                      1
#define DC_IdentifyStart                      2
#define DC_IdentifyResume                     3
#define DC_IdentifySegment                    5
#define DC_IdentifySegmentWithResumeKeyKeeper 6
#define DC_IdentifySegmentWithDomainKeyKeeper 7
#define DC_DestroyMe                          8
#define DC_IdentifyMeter                      9
#define DC_IdentifyMeterWithResumeKeyKeeper   10
#define DC_IdentifyMeterWithDomainKeyKeeper   11
#define DC_CreateDomain                       12
#define DC_Weaken                             13
#define DC_SeverDomain                        14
#define DC_SeverMe                            15

#endif
