/*
 * control.h - what the verbs of the control service share: its registers, and how a request is answered.
 */
#ifndef CONTROL_H
#define CONTROL_H
#include <keros/inv.h>

enum { CR_IN = CR_APP0, CR_OUT, CR_CHECKPOINT, CR_TIMER, CR_SYSTRACE, CR_POWER, CR_SHARES };

/* One line of an answer that goes on; fields: the inside of a JSON object. */
__attribute__((format(printf, 2, 3))) void answer_part(const char *id, const char *format, ...);
/* The last, or only, line. */
__attribute__((format(printf, 2, 3))) void answer_end(const char *id, const char *format, ...);
/* The last line, with {"error":text}. */
void answer_error(const char *id, const char *text);
/* Text as the inside of a JSON string: at most `limit` bytes with the NUL, cut between characters. */
const char *json_text(char *to, size_t limit, const char *text, size_t length);

/* inspect.c: argument is what follows the verb, "" if nothing does. */
void verb_ps(const char *id, const char *argument);
void verb_caps(const char *id, const char *argument);
void verb_node(const char *id, const char *argument);
void verb_record(const char *id, const char *argument);
void verb_trace(const char *id, const char *argument);
void verb_revoke(const char *id, const char *argument);
void verb_log(const char *id, const char *argument);

#endif
