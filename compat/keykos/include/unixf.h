/*
 * unixf.h - the Unix factory.
 */
#ifndef _H_unixf
#define _H_unixf

#define UnixF_Create              0
#define UNIX_SetEnv               2
#define UNIX_MakeFrozenEnvFactory 3
#define UNIX_AddDevice            4
#define UNIX_FreezedryHack        42
#define UNIX_TrussON              256

#endif
