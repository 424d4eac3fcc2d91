/*
 * domtool.h - the domain tool.
 */
#ifndef _H_domtool
#define _H_domtool

#define DomTool_AKT                                0x109
#define DomTool_MakeDomainKey                      0
#define DomTool_IdentifyStart                      1
#define DomTool_IdentifyResume                     2
#define DomTool_IdentifyDomain                     3
#define DomTool_IdentifySegment                    5
#define DomTool_IdentifySegmentWithResumeKeyKeeper 6
#define DomTool_IdentifySegmentWithDomainKeyKeeper 7
#define DomTool_IdentifyMeter                      9
#define DomTool_IdentifyMeterWithResumeKeyKeeper   10
#define DomTool_IdentifyMeterWithDomainKeyKeeper   11

#endif
