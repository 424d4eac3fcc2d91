/*
 * domain.h - domains: the portable order codes, and those of x86-64.
 */
#ifndef _H_domain
#define _H_domain
#include "kktypes.h"

#define Domain_AKT           7
#define Domain_Get           0
#define Domain_GetMeter      1
#define Domain_GetKeeper     2
#define Domain_GetMemory     3
#define Domain_GetKey        16
#define Domain_Swap          32
#define Domain_SwapMeter     33
#define Domain_SwapKeeper    34
#define Domain_SwapMemory    35
#define Domain_SwapKey       48
#define Domain_MakeStart     64
#define Domain_MakeAvailable 65
#define Domain_MakeFaultKey  66
#define Domain_MakeBusy      67
#define Domain_GetControl    68
#define Domain_PutControl    69
#define Domain_GetRegs       70
#define Domain_PutRegs       71
#define Domain_MakeReturnKey 73
#define Domain_ReplaceMemory 74
#define Domain_PutStuff      75
#define Domain_Compare       80

#define Domain_GetX86Control   301
#define Domain_PutX86Control   302
#define Domain_ResetX86Control 303
#define Domain_GetX86Regs      304
#define Domain_PutX86Regs      305
#define Domain_GetX86Stuff     306
#define Domain_PutX86Stuff     307
#define Domain_ResetX86Stuff   308
#define Domain_X86CopyCaller   313
#define Domain_X86StartMemory  314     /* as ReplaceMemory, with the address in word 0 */

/* The 88000's block: published names, answered KT+2. */
#define Domain_Get88KControl           150
#define Domain_Put88KControl           151
#define Domain_Reset88KControl         152
#define Domain_Get88KRegs              153
#define Domain_Put88KRegs              154
#define Domain_Get88KStuff             155
#define Domain_Put88KStuff             156
#define Domain_Reset88KStuff           157
#define Domain_Get88KDataSpace         158
#define Domain_Get88KInstructionSpace  159
#define Domain_Put88KDataSpace         160
#define Domain_Put88KInstructionSpace  161

/* The SPARC block. */
#define Domain_GetSPARCControl      201
#define Domain_PutSPARCControl      202
#define Domain_ResetSPARCControl    203
#define Domain_GetSPARCRegs         204
#define Domain_PutSPARCRegs         205
#define Domain_GetSPARCStuff        206
#define Domain_PutSPARCStuff        207
#define Domain_ResetSPARCStuff      208
#define Domain_GetSPARCFQ           209
#define Domain_ClearSPARCFQ         210
#define Domain_GetSPARCOldWindows   211
#define Domain_ClearSPARCOldWindows 212
#define Domain_SPARCCopyCaller      213

struct Domain_DataByte {
	UCHAR Databyte;
};

struct Domain_Address {
	void *Address;
};

typedef UCHAR Domain_KeyData[6];
typedef UCHAR Domain_RegData[4];
typedef UCHAR Domain_FltData[8];

struct Domain_X86RegData {
	UINT64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	UINT64 rax, rcx, rdx, rsi, rdi;
	UINT64 rip, rflags, rsp, fs_base, gs_base, foreign_entry;
};

struct Domain_X86ControlData {
	UINT64 PC, FLAGS, SP;
	UINT32 TRAPCODE, Reserved;
	UINT64 TRAPEXT[2];
};

struct Domain_X86RegistersAndControl {
	struct Domain_X86RegData Regs;
	struct Domain_X86ControlData Control;
};

struct Domain_X86CopyInstructions {
	unsigned char copyregisters:1, copyfloats:1, copykeys:1, copyslot10:1, copyslot11:1, substitutedomain:1;
	unsigned char domainkeyslot;
	unsigned short keymask;                /* bit 15 is key 0 */
	unsigned long unused;
};

struct Domain_SPARCRegData {
	UINT32 g[8], o[8], l[8], i[8];
};

struct Domain_SPARCControlData {
	UINT32 PC, NPC, PSR, TRAPCODE, TRAPEXT[2], FSR, FPDTQ[2];
};

#define PSR_JUMPS_ALLOWED 0x00000080

struct Domain_SPARCRegistersAndControl {
	struct Domain_SPARCRegData Regs;
	struct Domain_SPARCControlData Control;
};

struct Domain_SPARCFQ {
	long long FQ[1];
};

struct Domain_SPARCOldWindow {
	UINT32 l[8], i[8];
};

struct Domain_SPARCOldWindows {
	struct Domain_SPARCOldWindow window[1];
};

struct Domain_SPARCCopyInstructions {
	unsigned copyregisters:1, copyfloats:1, copykeys:1, copyslot10:1, copyslot11:1, substitutedomain:1;
	unsigned char domainkeyslot;
	unsigned short keymask;
	unsigned long unused;
};

#endif
