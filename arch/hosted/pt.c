/*
 * pt.c - the page tables of the hosted machine are the real ones: plain data in frames of the
 * arena.  Only the translation cache is not there (tlb.h), so it is included first.
 */
#include "tlb.h"
#include "../x86/pt.c"
