/* SPDX-License-Identifier: MIT */
/*
 * Macros that all public headers use.
 *
 * PORTER_BEGIN_DECLS gives declarations C linkage and default visibility. The
 * library is compiled with -fvisibility=hidden, so it exports what the public
 * headers declare, and nothing else.
 *
 * PORTER_INLINE marks a function that the compiler can inline and that is also a
 * symbol of the library. With -std=gnu89, "extern inline" means what "inline" means
 * in C99.
 *
 * When a header calls a function through a pointer, it writes the pointer in
 * parentheses, (a->vtable->free)(...). So a macro free(p) that the program has defined
 * is not expanded there.
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
