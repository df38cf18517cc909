/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	if (strcmp(porter_version_string(), PORTER_VERSION_STRING) != 0)
		printf("compiled for %s, running with %s\n",
		       PORTER_VERSION_STRING, porter_version_string());
	return 0;
}
