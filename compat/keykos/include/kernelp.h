/*
 * kernelp.h - the kernel page: times of checkpoints and restarts, in units of the system timer.
 */
#ifndef _H_kernelp
#define _H_kernelp
#include "lli.h"

struct KernelPage {
	LLI KP_LastCheckPointTOD;           /* system timer at the last checkpoint */
	LLI KP_RestartCheckPointTOD;        /* of the checkpoint that the last restart began with */
	LLI KP_RestartTOD;                  /* at the last restart */
	LLI KP_LastSetTOD;                  /* when the time was set last */
	LLI KP_system_time;                 /* now */
};

#endif
