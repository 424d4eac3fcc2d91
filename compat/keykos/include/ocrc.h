/*
 * ocrc.h - the standard order and return codes.
 */
#ifndef _H_ocrc
#define _H_ocrc

#include "keykos.h"
#define DESTROY_OC     KT+4
#define EXTEND_OC      KT+5
#define NODESTROY_OC   KT+6
#define OK_RC          0
#define NONPROMPTSB_RC 1
#define NOSPACE_RC     2
#define DATAKEY_RC     KT+1
#define INVALIDOC_RC   KT+2
#define FORMATERROR_RC KT+3
#define EXTEND_RC      KT+5
#define NONODES_RC     KT+6
#define NOPAGES_RC     KT+7
#define NOSTORE_RC     KT+8
#define NOPARENT_RC    KT+9

#endif
