/*
 * page.h - pages.
 */
#ifndef _H_page
#define _H_page

#define Page_AKT             0x202
#define Page_ROAKT           0x1202
#define Page_MakeReadOnlyKey 0
#define Page_Clear           39
#define Page_TestForZeroes   41
#define Page_WriteData       4096

#endif
