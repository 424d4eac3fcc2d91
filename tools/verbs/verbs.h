/*
 * verbs.h - what the verbs of the command do; argv begins after the verb.  Each returns the exit status.
 */
#ifndef TOOLS_VERBS_H
#define TOOLS_VERBS_H
#include "lib/machine.h"

/* Each takes the words behind its name, and gives the exit status. */
int act_run(int argc, char **argv);
int act_shell(int argc, char **argv);
int act_image(int argc, char **argv);
int act_keykos(int argc, char **argv);
extern const char keykos_options_text[];
int act_lua(int argc, char **argv);
int act_store(int argc, char **argv);
int act_ckpt(int argc, char **argv);
int act_graph(int argc, char **argv);
int act_ps(int argc, char **argv);
int act_caps(int argc, char **argv);
int act_trace(int argc, char **argv);
int act_log(int argc, char **argv);
int act_revoke(int argc, char **argv);
int act_stop(int argc, char **argv);
int act_assess(int argc, char **argv);
int act_diff(int argc, char **argv);
int act_merge(int argc, char **argv);
int act_gdb(int argc, char **argv);

/*
 * The programs of the dialect that a run installs: our own come first; one of the user's (argv) with the same name stands
 * in front of it in the directory.
 */
void keykos_programs(struct run *r, int argc, char **argv);

/* Starts the machine and carries its streams to its end; with --dry-run, prints its command line. */
int verb_start(const struct run *r);

#endif
