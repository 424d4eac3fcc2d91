/*
 * primekeys.h - the primary miscellaneous keys.
 */
#ifndef _H_primekeys
#define _H_primekeys

#define DomTool_AKT             0x0109
#define Uart_AKT                0x0209
#define DatakeyCreator_AKT      0x0309
#define Discrim_AKT             0x0409
#define Systimer_AKT            0x0509
#define Systimer_ReadSystemTime 7
#define Systimer_ReadIdleTime   8
#define Calclock_AKT            0x0609
#define Peek_AKT                0x0909
#define SimpleChargeSet_AKT     0x0A09
#define JournalizePage_AKT      0x0B09
#define Console_AKT             0x0C09

#endif
