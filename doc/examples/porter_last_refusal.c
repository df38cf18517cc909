/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

void print_refusal(void)
{
	struct porter_refusal r = PORTER_REFUSAL_INIT;

	if (porter_last_refusal(&r) != 0)
		return;
	printf("%s: %zu bytes refused; %s has %" PRId64 " of %" PRId64 "\n",
	       r.asked_name, r.asked, r.name, r.charged, r.limit);
	for (uint32_t i = 0; i < r.children_count; i++)
		printf("  %s: %" PRId64 " bytes in use\n", r.largest[i].name,
		       r.largest[i].bytes_used);
}

int main(void)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *t;

	o.name = "queries";
	o.limit = 1000;
	t = porter_tracked_new_with(NULL, &o);
	if (porter_allocate(porter_tracked_allocator(t), 1001))
		return 1;
	print_refusal();
	return porter_tracked_destroy(t, NULL);
}
