/* SPDX-License-Identifier: MIT */
/*
 * version.c: the version of the library, as against that of the headers.
 */
#include <portermem/version.h>

const char *porter_version_string(void)
{
	return PORTER_VERSION_STRING;
}
