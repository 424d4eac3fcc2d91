/*
 * manifest.h - the system manifest on the host (doc/manifest.md): its records for the pack, its picture.
 */
#ifndef TOOLS_MANIFEST_H
#define TOOLS_MANIFEST_H
#include "lib/util.h"

/*
 * The records that prime reads.  path NULL: those of apps/system.lua, as the build made them; else that file is read now,
 * and a mistake in it ends the command with the line and field it is in.
 */
struct buffer manifest_records(const char *root, const char *path);

/* `keros graph`: draws a manifest (NULL: apps/system.lua).  output: FILE.svg, FILE.png, FILE.pdf or FILE.dot; NULL: dot
 * text to standard output.  Returns the exit status. */
int manifest_graph(const char *root, const char *path, const char *output);

#endif
