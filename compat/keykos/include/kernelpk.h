/*
 * kernelpk.h - the kernel page with integers where kernelp.h has LLIs: times of checkpoints and restarts, in units of the system timer.
 */
#ifndef _H_kernelpk
#define _H_kernelpk
#include "kktypes.h"

struct KernelPage {
	uint64 KP_LastCheckPointTOD;           /* system timer at the last checkpoint */
	uint64 KP_RestartCheckPointTOD;        /* of the checkpoint that the last restart began with */
	uint64 KP_RestartTOD;                  /* at the last restart */
	uint64 KP_LastSetTOD;                  /* when the time was set last */
	uint64 KP_system_time;                 /* now */
};

#endif
