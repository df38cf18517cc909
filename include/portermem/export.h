/* SPDX-License-Identifier: MIT */
/*
 * What every public header stands between.
 *
 * PORTER_BEGIN_DECLS gives the declarations C linkage and default visibility:
 * the library is compiled with -fvisibility=hidden, so that what is declared
 * in a public header is exported and nothing else is.
 *
 * PORTER_INLINE marks a function that is both: inlined where the compiler
 * can, and a symbol of the library for those who need its address. Where
 * inline has the meaning that GNU gave it before C99 (-std=gnu89), "extern
 * inline" is what C99 calls "inline".
 *
 * Where a header calls a function through a pointer, the pointer stands in
 * parentheses, (a->vtable->free)(...), so that a program's macro free(p) is not
 * expanded there.
 */
#ifndef PORTER_EXPORT_H
#define PORTER_EXPORT_H

#ifdef __cplusplus
#define PORTER_BEGIN_DECLS \
	extern "C" {       \
	_Pragma("GCC visibility push(default)")
#define PORTER_END_DECLS              \
	_Pragma("GCC visibility pop") \
	}
#else
#define PORTER_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define PORTER_END_DECLS _Pragma("GCC visibility pop")
#endif

#if defined(__GNUC_GNU_INLINE__) && !defined(__cplusplus)
#define PORTER_INLINE extern __inline__
#else
#define PORTER_INLINE inline
#endif

#endif /* PORTER_EXPORT_H */
