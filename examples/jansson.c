/* SPDX-License-Identifier: MIT */
/* jansson.c: how much JSON takes once it is parsed. */
#include <portermem/adapt-jansson.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static void measure(const porter_tracked *t, const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	printf("%-28s %6" PRId64 "\n", text, porter_bytes_used(t));
	json_decref(value);
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int64_t leaked;

	if (!t || porter_jansson_install(t) != 0) {
		perror("jansson");
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
