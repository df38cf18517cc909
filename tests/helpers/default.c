/* SPDX-License-Identifier: MIT */
/*
 * Prints what the default allocator is made of, having asked for it in several
 * threads at once; for check-default.sh.
 */
#include "support.h"

#include "4-allocator/tracked.h"

static void ask(void *first, size_t number)
{
	porter_allocator **a = first;

	a[number] = porter_get_allocator();
	porter_free(a[number], porter_allocate(a[number], 100), 100);
}

int main(void)
{
	porter_allocator *a[8];
	porter_tracked *t;

	must(in_threads(ARRAY_SIZE(a), ask, a));
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		must(a[i] == porter_get_allocator());
	t = porter_tracked_cast(a[0]);
	must(t);
	must(porter_bytes_used(t) == 0);
	printf("%s over %s\n", a[0]->vtable->name, t->underlying->vtable->name);
	return 0;
}
