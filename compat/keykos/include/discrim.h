/*
 * discrim.h - telling kinds of key apart.
 */
#ifndef _H_discrim
#define _H_discrim

#define Discrim_Type       0
#define Discrim_TypeData   1
#define Discrim_TypeResume 2
#define Discrim_TypeMemory 3
#define Discrim_TypeMeter  4
#define Discrim_TypeOther  5
#define Discrim_Discreet   1
#define Discrim_Compare    2

#endif
