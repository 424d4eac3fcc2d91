/*
 * kuart.h - order codes of a serial line key.
 */
#ifndef _H_kuart
#define _H_kuart
#define UART_WriteData             0
#define UART_WakeReadWaiter        1
#define UART_GetMaximumWriteLength 2
#define UART_EnableInput           3
#define UART_DisableInput          4
#define UART_MakeCurrentKey        5
#define UART_PutGDBPacket          6
#define UART_WaitandReadData       0xFFF       /* + length */
#define UART_GetGDBPacket          0x2FFF
#define UART_PutGetGDBPacket       0x4FFF
#define UART_PutDataGetResponse    0x6FFF
#define UART_SendRdyGetData        0x8FFF

#define GETFILEOK     0x1001
#define GETFILERDY    0x1002
#define GETFILEEOF    0x1003
#define GETFILEERR    0x1004
#define GETFILERESEND 0x1005

#endif
