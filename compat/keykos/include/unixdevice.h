/*
 * unixdevice.h - the Unix device interface.
 */
#ifndef _H_unixdevice
#define _H_unixdevice

#define DevTTYF_AKT        0x269
#define DevTTY_AKT         0x369
#define DevCONSF_AKT       0x469
#define DevCONS_AKT        0x569
#define UnixDeviceF_Create 0
#define DeviceOpen         0
#define DeviceClose        1
#define DeviceIOCTL        2
#define DeviceRead         3
#define DeviceWrite        4
#define DevicePoll         5
#define DeviceCancel       6

struct DeviceIORequest {
	long fh;
	unsigned short flags;
#define DEVASYNC 0x8000
#define DEVPOLL  0x4000

unsigned short sequence;

unsigned long parameter;

unsigned long address;

long length;

long error;

};

#define Device_IOComplete 0
#define Device_MultiOpen  1
#define Device_IOStarted  2
#define Device_MultiIO    3
#define Device_Closed     4
#define NOTIFYCOMPLETE    0

#endif
