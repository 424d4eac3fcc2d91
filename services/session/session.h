/*
 * session.h - what prime and a session say to each other.
 *
 * Prime sends SESSION_RUN: words: session number, flags, base length, overlay length (bytes, 0 = no
 * such tree); string: the sandbox's records of the run config.  At the end the session sends to
 * CR_REPORT: word 0 = exit status for the host.
 */
#ifndef SESSION_H
#define SESSION_H
#include <keros/abi.h>

#define SESSION_RUN     1u
#define SESSION_TTY     1u             /* register 11 is the terminal; 12 and 13 are void */
#define SESSION_CAPS    2u             /* print what the sandbox holds first */
#define SESSION_SYNC    8u             /* register 21 is a checkpoint capability: the system has a store */
#define SESSION_RECORD  16u            /* register 22 is the stream for the record of what is used */
#define SESSION_VERBOSE 4u             /* print the calls that were not there last */

enum session_register {
	CR_REQUESTOR = CR_APP0, CR_SANDBOX_BANK, CR_SANDBOX_SCHED, CR_STDIN, CR_STDOUT, CR_STDERR, CR_BASE,
	CR_OVERLAY, CR_TIMER, CR_CONSOLE, CR_REPORT, CR_KEEPER, CR_SANDBOX, CR_SYNC, CR_RECORD, CR_GRANTS,
	CR_SHARES = CR_CONST,                  /* who attaches the host's shares */
};
#endif
