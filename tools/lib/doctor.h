/*
 * doctor.h - `keros doctor`: what is missing, and the command that mends it.
 */
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

/* Prints a line a check; 1 if something that is needed is missing, else 0. */
int doctor_run(const char *root);

#endif
