/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

/* Connections that are open, in all threads of a server. */
static porter_counter *connections;

void on_open(void)
{
	porter_counter_add(connections, 1);
}

void on_close(void)
{
	porter_counter_sub(connections, 1);
}

int main(void)
{
	struct porter_interval bounds;

	connections = porter_counter_new();
	if (!connections)
		return 1;
	on_open();
	on_open();
	on_close();
	printf("open: %" PRId64 "\n", porter_counter_sum(connections));
	bounds = porter_counter_interval(connections);
	printf("at least %" PRId64 ", at most %" PRId64 "\n", bounds.lower,
	       bounds.upper);
	porter_counter_destroy(connections);
	return bounds.lower != 1 || bounds.upper != 1;
}
