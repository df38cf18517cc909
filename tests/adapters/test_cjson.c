/* SPDX-License-Identifier: MIT */
/*
 * test_cjson.c: cJSON on a tracked allocator.
 */
#include "trial.h"

#include <portermem/adapt-cjson.h>

#include <cJSON.h>

static const char document[] =
	"{\"name\": \"portermem\", \"sizes\": [1, 2.5, 1e3, true, null],"
	" \"parts\": {\"cache\": {\"bytes\": 1024}, \"s\\u00e9\": \"\\n\"},"
	" \"a longer name than most, so that it is a block\": [[[[]]]]}";

/* Parsed, changed, written (more than one buffer full) and parsed again. */
static bool job(porter_tracked *t)
{
	cJSON *first = cJSON_Parse(document), *second = NULL, *list = NULL;
	char *text = NULL;
	bool done = false;

	if (first) {
		trial_holds(t);
		list = cJSON_AddArrayToObject(first, "more");
	}
	for (int i = 0; list && i < 40; i++) {
		cJSON *item = cJSON_CreateString("a word of the list");

		if (item)
			must(cJSON_AddItemToArray(list, item));
		else
			list = NULL;
	}
	if (list)
		text = cJSON_Print(first);
	if (text)
		second = cJSON_Parse(text);
	if (second) {
		must(cJSON_Compare(first, second, 1));
		must(cJSON_GetArraySize(second) == 5);
		done = true;
	}
	cJSON_Delete(second);
	cJSON_Delete(first);
	cJSON_free(text);
	return done;
}

int main(void)
{
	static struct adapted cjson = {
		.install = porter_cjson_install,
		.job = job,
		.rounds = 1000,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&cjson),
	};

	return run_all("cJSON adapter", tests);
}
