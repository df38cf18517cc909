/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-openssl.h>
#include <stdio.h>

/* In main(), before the program uses OpenSSL. */
porter_tracked *count_openssl(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_openssl_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_openssl_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
