/* SPDX-License-Identifier: MIT */
/*
 * version.h: the version of the headers, and the version of the library that
 * the program is running with.
 */
#ifndef PORTER_VERSION_H
#define PORTER_VERSION_H

#include <portermem/export.h>

#define PORTER_VERSION_MAJOR 0
#define PORTER_VERSION_MINOR 1
#define PORTER_VERSION_PATCH 0
#define PORTER_VERSION_STRING "0.1.0"

PORTER_BEGIN_DECLS

/**
 * porter_version_string - get the version of the running library
 *
 * PORTER_VERSION_STRING is the version of the headers. The two differ if the
 * shared library was replaced after the program was compiled.
 *
 * Return: a constant string such as "0.1.0", which must not be freed.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
const char *porter_version_string(void);

PORTER_END_DECLS

#endif /* PORTER_VERSION_H */
