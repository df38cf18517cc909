/* SPDX-License-Identifier: MIT */
/*
 * test_curl.c: libcurl on a tracked allocator.
 *
 * What is fetched is a file of this machine; no network is needed.
 */
#include "trial.h"

#include <portermem/adapt-curl.h>

#include <curl/curl.h>
#include <curl/mprintf.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_curl.XXXXXX"; /* of FILE_SIZE bytes */
static char url[64];

enum { FILE_SIZE = 30000 };

static size_t take(char *data, size_t size, size_t count, void *taken)
{
	(void)data;
	*(size_t *)taken += size * count;
	return size * count;
}

static bool fetch(porter_tracked *t)
{
	CURL *easy = curl_easy_init();
	char error[CURL_ERROR_SIZE];
	size_t taken = 0;
	CURLcode code;

	if (!easy)
		return false;
	trial_holds(t);
	code = curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &taken);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	if (code == CURLE_OK)
		code = curl_easy_perform(easy);
	must(code == CURLE_OK || code == CURLE_OUT_OF_MEMORY);
	must(code != CURLE_OK || taken == FILE_SIZE);
	curl_easy_cleanup(easy);
	return code == CURLE_OK;
}

static bool take_apart(void)
{
	CURLU *parts = curl_url();
	char *host = NULL;
	CURLUcode code = CURLUE_OUT_OF_MEMORY;

	if (parts)
		code = curl_url_set(parts, CURLUPART_URL,
				    "https://user:word@example.org:81/a/../b?c",
				    0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
	/* Without memory it may also call a part of the address bad. */
	if (code == CURLUE_OK)
		must(strcmp(host, "example.org") == 0);
	curl_free(host);
	curl_url_cleanup(parts);
	return code == CURLUE_OK;
}

static bool make_list(void)
{
	struct curl_slist *list = NULL;

	for (int i = 0; i < 5; i++) {
		struct curl_slist *longer = curl_slist_append(list, "X-A: b");

		if (!longer)
			break;
		list = longer;
		if (i == 4) {
			curl_slist_free_all(list);
			return true;
		}
	}
	curl_slist_free_all(list);
	return false;
}

static bool job(porter_tracked *t)
{
	return fetch(t) && take_apart() && make_list();
}

TEST_APART(too_late_is_told)
{
	porter_tracked *t = porter_tracked_new(NULL);

	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	errno = 0;
	must(porter_curl_install(t) == -1);
	must(errno == EBUSY);
	must(make_list());
	must(porter_bytes_used(t) == 0);
	curl_global_cleanup();
	/* Now it is early enough. */
	must(porter_curl_install(t) == 0);
	must(job(t));
	curl_global_cleanup();
	must(left_at_destroy(t) == 0);
}

/* ---- Installing fails ---- */

static bool init_fails, print_fails;

/* These stand before those of libcurl, also for the adapter. */
#define INSTEAD __attribute__((visibility("default")))

INSTEAD CURLcode curl_global_init_mem(long flags, curl_malloc_callback m,
				      curl_free_callback f,
				      curl_realloc_callback r,
				      curl_strdup_callback s,
				      curl_calloc_callback c)
{
	CURLcode (*init)(long, curl_malloc_callback, curl_free_callback,
			 curl_realloc_callback, curl_strdup_callback,
			 curl_calloc_callback) = NULL;
	CURLcode code;

	*(void **)&init = dlsym(RTLD_NEXT, "curl_global_init_mem");
	must(init);
	code = init(flags, m, f, r, s, c);
	if (!init_fails)
		return code;
	/* As when something in it fails: it keeps the functions. */
	must(code == CURLE_OK);
	curl_global_cleanup();
	return CURLE_FAILED_INIT;
}

INSTEAD char *curl_maprintf(const char *format, ...)
{
	va_list list;
	char *text;

	if (print_fails)
		return NULL;
	va_start(list, format);
	text = curl_mvaprintf(format, list);
	va_end(list);
	return text;
}

static void assert_bound_after_failure(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct curl_slist *list;

	errno = 0;
	must(porter_curl_install(t) == -1);
	must(errno == ENOMEM);
	list = curl_slist_append(NULL, "X-A: b");
	must(list);
	must(porter_bytes_used(t) > 0);
	curl_slist_free_all(list);
	must(porter_bytes_used(t) == 0);
	init_fails = print_fails = false;
	must(porter_curl_install(t) == -1);
	must(errno == EBUSY);
	/* libcurl's own goes back to malloc. */
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	must(make_list());
	must(porter_bytes_used(t) == 0);
	curl_global_cleanup();
	must(left_at_destroy(t) == 0);
}

TEST_APART(without_init_it_stays_bound)
{
	init_fails = true;
	assert_bound_after_failure();
}

TEST_APART(without_an_answer_it_stays_bound)
{
	print_fails = true;
	assert_bound_after_failure();
}

/* After cleanup libcurl has the functions until it is initialized again. */
TEST_APART(the_functions_stay_after_cleanup)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct curl_slist *list;

	must(porter_curl_install(t) == 0);
	curl_global_cleanup();
	list = curl_slist_append(NULL, "X-A: b");
	must(list);
	must(porter_bytes_used(t) > 0);
	curl_slist_free_all(list);
	must(porter_curl_install(t) == -1);
	must(errno == EBUSY);
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	list = curl_slist_append(NULL, "X-A: b");
	must(list);
	must(porter_bytes_used(t) == 0);
	curl_slist_free_all(list);
	curl_global_cleanup();
	must(left_at_destroy(t) == 0);
}

static int make_file(void **state)
{
	int file = mkstemp(path);
	char zeros[FILE_SIZE] = "";

	(void)state;
	snprintf(url, sizeof(url), "file://%s", path);
	return file < 0 || write(file, zeros, FILE_SIZE) != FILE_SIZE ||
	       close(file) != 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	static struct adapted curl = {
		.install = porter_curl_install,
		.job = job,
		.shut_down = curl_global_cleanup,
		.rounds = 200,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&curl),
		cmocka_unit_test(too_late_is_told),
		cmocka_unit_test(without_init_it_stays_bound),
		cmocka_unit_test(without_an_answer_it_stays_bound),
		cmocka_unit_test(the_functions_stay_after_cleanup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("libcurl adapter", tests, make_file,
					   remove_file);
}
