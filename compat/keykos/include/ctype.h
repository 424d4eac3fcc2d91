/*
 * ctype.h - classes of characters.
 */
#ifndef _H_ctype
#define _H_ctype

#define isdigit(c) ((unsigned)(c) - 48u < 10)
#define isupper(c) ((unsigned)(c) - 65u < 26)
#define islower(c) ((unsigned)(c) - 97u < 26)
#define isalpha(c) (((unsigned)(c) | 32) - 97u < 26)
#define isalnum(c) (isalpha(c) || isdigit(c))
#define isxdigit(c) (isdigit(c) || ((unsigned)(c) | 32) - 97u < 6)
#define isspace(c) ((c) == 32 || (unsigned)(c) - 9u < 5)
#define isprint(c) ((unsigned)(c) - 32u < 95)
#define toupper(c) (islower(c) ? (c) - 32 : (c))
#define tolower(c) (isupper(c) ? (c) + 32 : (c))

#endif
