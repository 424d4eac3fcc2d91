/*
 * control.h - asking a machine that runs (doc/control.md): a socket for each, and the verbs that use it.
 */
#ifndef TOOLS_CONTROL_H
#define TOOLS_CONTROL_H
#include "lib/machine.h"

/*
 * Where machines are found: $XDG_RUNTIME_DIR/keros, or /tmp/keros-UID if there is no such directory, or its name is too
 * long for a socket below it.  To be freed.
 */
char *control_directory(void);

/* The machine's side: a socket that listens; -1 if there can be none, which is no reason not to run. */
int control_listen(const struct run *r);

/* The asker's side: one machine that runs. */
struct control { char *path; };

/*
 * which: the image file or the process number of the machine; NULL = the only one.  Dies with a sentence if there is
 * none, or no one in particular.
 */
void control_open_machine(struct control *c, const char *which);
void control_close_machine(struct control *c);

typedef void control_line(void *context, const char *object);

/*
 * Sends one request ("VERB ARGUMENT"); part is called with each JSON object but the last of the answer, in order.  The
 * last is given back, to be freed.  Dies with the machine's own sentence if it answers an error.
 */
char *control_request(const struct control *c, const char *verb, control_line *part, void *context);

/* `keros ckpt`; returns the exit status. */
int control_ckpt(const char *which, bool json);

#endif
