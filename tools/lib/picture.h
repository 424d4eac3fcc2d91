/*
 * picture.h - what other programs of the host make for us: their output, and Graphviz's pictures.
 */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H
#include "lib/util.h"

/* What a program prints, given input (or NULL); it ends the command if the program is missing or fails. */
struct buffer program_output(char *const argv[], const struct buffer *input);

/* Graphviz text as FILE.svg, FILE.png, FILE.pdf or FILE.dot; output NULL: as it is, to standard output.  Returns the
 * exit status. */
int picture_write(const struct buffer *dot, const char *output);

#endif
