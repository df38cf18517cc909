/* SPDX-License-Identifier: MIT */
/*
 * test_openssl.c: OpenSSL on a tracked allocator.
 */
#include "trial.h"

#include <portermem/adapt-openssl.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const unsigned char message[] = "a message of a few words";

static bool digest(porter_tracked *t)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	bool done;

	if (context)
		trial_holds(t);
	done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
	       EVP_DigestUpdate(context, message, sizeof(message)) &&
	       EVP_DigestFinal_ex(context, out, &size);
	must(!done || size == 32);
	EVP_MD_CTX_free(context);
	return done;
}

/* Encrypted and decrypted again. */
static bool encrypt(void)
{
	static const unsigned char key[32] = "k", iv[16] = "i";
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	unsigned char hidden[64], plain[64];
	int size = 0, rest = 0, back = 0;
	bool done;

	done = context &&
	       EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv) &&
	       EVP_EncryptUpdate(context, hidden, &size, message,
				 sizeof(message)) &&
	       EVP_EncryptFinal_ex(context, hidden + size, &rest) &&
	       EVP_DecryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv) &&
	       EVP_DecryptUpdate(context, plain, &back, hidden, size + rest) &&
	       EVP_DecryptFinal_ex(context, plain + back, &rest);
	if (done)
		must(memcmp(plain, message, sizeof(message)) == 0);
	EVP_CIPHER_CTX_free(context);
	return done;
}

/* A key of a curve, made, and used to sign and to verify. */
static bool sign(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[128];
	size_t size = sizeof(signature);
	bool done;

	done = key && context &&
	       EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) > 0 &&
	       EVP_DigestSign(context, signature, &size, message,
			      sizeof(message)) > 0;
	EVP_MD_CTX_free(context);
	context = done ? EVP_MD_CTX_new() : NULL;
	done = context &&
	       EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) >
		       0 &&
	       EVP_DigestVerify(context, signature, size, message,
				sizeof(message)) > 0;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return done;
}

static bool print(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool done = bio && BIO_printf(bio, "%080d", 5) == 80;

	if (done)
		must(BIO_get_mem_data(bio, &text) == 80 && text[79] == '5');
	BIO_free(bio);
	return done;
}

/* Errors are kept for each thread; they go with the job. */
static bool job(porter_tracked *t)
{
	bool done = digest(t) && encrypt() && sign() && print();

	ERR_clear_error();
	return done;
}

TEST_APART(too_late_is_told)
{
	porter_tracked *t = porter_tracked_new(NULL);
	void *block = OPENSSL_malloc(10);

	must(block);
	errno = 0;
	must(porter_openssl_install(t) == -1);
	must(errno == EBUSY);
	OPENSSL_free(block);
	must(encrypt());
	must(porter_bytes_used(t) == 0);
}

/* As OpenSSL's own functions. */
TEST_APART(size_0_gives_null)
{
	porter_tracked *t = porter_tracked_new(NULL);

	must(porter_openssl_install(t) == 0);
	must(!OPENSSL_malloc(0));
	must(!OPENSSL_realloc(NULL, 0));
	must(!OPENSSL_realloc(OPENSSL_malloc(10), 0));
	must(porter_bytes_used(t) == 0);
}

int main(void)
{
	static struct adapted openssl = {
		.install = porter_openssl_install,
		.job = job,
		.shut_down = OPENSSL_cleanup,
		.keeps = true,
		.rounds = 50,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&openssl),
		cmocka_unit_test(too_late_is_told),
		cmocka_unit_test(size_0_gives_null),
	};

	return run_all("OpenSSL adapter", tests);
}
