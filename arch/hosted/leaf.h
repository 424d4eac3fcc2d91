/* leaf.h - the hosted machine's page tables are the real ones. */
#include "../x86/leaf.h"
