/* SPDX-License-Identifier: MIT */
/*
 * version.h: the version that a program was compiled against, and the one
 * that it runs with.
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
 * porter_version_string - the version of the library that is running
 *
 * May differ from PORTER_VERSION_STRING, the version of the headers, when the
 * shared library was replaced after the program was compiled.
 *
 * Return: a constant string such as "0.1.0"; not to be freed.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
const char *porter_version_string(void);

PORTER_END_DECLS

#endif /* PORTER_VERSION_H */
