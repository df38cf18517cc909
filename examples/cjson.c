/* SPDX-License-Identifier: MIT */
/* cjson.c: how much JSON takes once it is parsed. */
#include <portermem/adapt-cjson.h>
#include <portermem/portermem.h>

#include <cJSON.h>
#include <inttypes.h>
#include <stdio.h>

static void measure(const porter_tracked *t, const char *text)
{
	cJSON *value = cJSON_Parse(text);

	printf("%-28s %6" PRId64 "\n", text, porter_bytes_used(t));
	cJSON_Delete(value);
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int64_t leaked;

	if (!t || porter_cjson_install(t) != 0) {
		perror("cjson");
		return 1;
	}
	printf("%-28s %6s\n", "", "bytes");
	measure(t, "true");
	measure(t, "12");
	measure(t, "\"a string\"");
	measure(t, "[1, 2, 3]");
	measure(t, "{}");
	measure(t, "{\"a\": 1, \"b\": [true, null]}");
	printf("%-28s %6" PRId64 "\n", "freed", porter_bytes_used(t));
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
