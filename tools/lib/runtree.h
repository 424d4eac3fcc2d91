/*
 * runtree.h - what a run manifest grants, as file trees of the boot pack: what is not granted is not in them.
 */
#ifndef TOOLS_RUNTREE_H
#define TOOLS_RUNTREE_H
#include "lib/runfile.h"
#include "lib/tree.h"

/* The part of the base tree that is granted, as an image.  A grant of something the base tree has not ends the command. */
struct buffer runtree_base(const struct runfile *r, const char *base_image, uint64_t mtime_ns);
/* Copies and scratch folders.  folder: where relative host names start. */
void runtree_overlay(const struct runfile *r, const char *folder, struct tree *overlay);
#endif
