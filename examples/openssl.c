/* SPDX-License-Identifier: MIT */
/* openssl.c: what OpenSSL holds: for itself, and for keys. */
#include <portermem/adapt-openssl.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>

enum { KEYS = 100 };

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-18s %8" PRId64 "\n", when, porter_bytes_used(t));
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	EVP_PKEY *keys[KEYS];
	int64_t leaked;

	if (!t || porter_openssl_install(t) != 0) {
		perror("openssl");
		return 1;
	}
	printf("%-18s %8s\n", "", "bytes");
	OPENSSL_init_crypto(0, NULL);
	tell("initialized", t);
	keys[0] = EVP_EC_gen("P-256");
	tell("its first key", t);
	for (int i = 1; i < KEYS; i++)
		keys[i] = EVP_EC_gen("P-256");
	tell("a hundred keys", t);
	for (int i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
	tell("keys freed", t);
	OPENSSL_cleanup(); /* at the end of a program it comes by itself */
	tell("cleaned up", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
