/* SPDX-License-Identifier: MIT */
/* curl.c: what libcurl holds: itself, handles, and a transfer. */
#include <portermem/adapt-curl.h>
#include <portermem/portermem.h>

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-18s %8" PRId64 "\n", when, porter_bytes_used(t));
}

/* Tells once, at the first piece. */
static size_t take(char *data, size_t size, size_t count, void *arg)
{
	porter_tracked **t = arg;

	(void)data;
	if (*t)
		tell("amid a transfer", *t);
	*t = NULL;
	return size * count;
}

int main(int argc, char **argv)
{
	const char *url = argc > 1 ? argv[1] : "file:///etc/hosts";
	porter_tracked *t = porter_tracked_new(NULL), *once = t;
	CURLcode code;
	CURL *easy;
	int64_t leaked;

	if (!t || porter_curl_install(t) != 0) {
		perror("curl");
		return 1;
	}
	printf("%-18s %8s\n", "", "bytes");
	tell("initialized", t);
	easy = curl_easy_init();
	tell("a handle", t);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &once);
	code = curl_easy_perform(easy);
	if (code != CURLE_OK)
		fprintf(stderr, "curl: %s\n", curl_easy_strerror(code));
	curl_easy_cleanup(easy);
	curl_global_cleanup();
	tell("cleaned up", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 &&
			       code == CURLE_OK ?
		       0 :
		       1;
}
