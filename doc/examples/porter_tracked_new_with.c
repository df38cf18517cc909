/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <stdio.h>

int main(void)
{
	struct porter_tracked_options server_options =
		PORTER_TRACKED_OPTIONS_INIT;
	struct porter_tracked_options query_options =
		PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *server, *query;

	server_options.name = "server";
	server_options.limit = 1 << 30;
	server = porter_tracked_new_with(NULL, &server_options);
	query_options.name = "query 17";
	query_options.parent = server;
	query_options.limit = 1 << 20;
	query = porter_tracked_new_with(NULL, &query_options);
	if (!query)
		return 1;
	/* NULL: more than the limit of the query */
	if (porter_allocate(porter_tracked_allocator(query), 2 << 20))
		return 1;
	printf("%s, a child of %s\n", porter_tracked_name(query),
	       porter_tracked_name(porter_tracked_parent(query)));
	/* Destroy children before their parent. */
	return porter_tracked_destroy(query, NULL) != 0 ||
	       porter_tracked_destroy(server, NULL) != 0;
}
