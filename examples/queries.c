/* SPDX-License-Identifier: MIT */
/*
 * queries.c: a server that gives each query a limit, and sheds before it refuses.
 *
 *	server     limit 4 MiB; asked before a refusal: drops cache entries
 *	 |-- cache
 *	 |-- query 1     limit 1 MiB, from its begin to its end
 *	 `-- query 2 ...
 *
 * A query that wants more than its own limit is refused, and nobody else is
 * disturbed. One that finds the server full gets room from the cache.
 *
 * Usage: queries
 */
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MIB = 1 << 20,
	SERVER_LIMIT = 4 * MIB,
	QUERY_LIMIT = MIB,
	ENTRY = 64 << 10,
	ENTRIES = 56,
	ROWS = 32 << 10,
	MOST_ROWS = 64,
};

/* ---- The cache, which can be done without ---- */

struct cache {
	porter_tracked *tracker;
	void *entries[ENTRIES];
	int count;
};

static void fill(struct cache *c)
{
	porter_allocator *a = porter_tracked_allocator(c->tracker);

	while (c->count < ENTRIES &&
	       (c->entries[c->count] = porter_allocate(a, ENTRY)))
		c->count++;
}

static void drop(struct cache *c, size_t bytes)
{
	porter_allocator *a = porter_tracked_allocator(c->tracker);

	for (size_t done = 0; done < bytes && c->count; done += ENTRY)
		porter_free(a, c->entries[--c->count], ENTRY);
}

/* Only for the limit of the server: a query's own is no reason to shed. */
static int make_room(porter_tracked *t, size_t size, void *context)
{
	struct porter_refusal refusal = PORTER_REFUSAL_INIT;
	struct cache *c = context;

	if (porter_last_refusal(&refusal) != 0 ||
	    strcmp(refusal.name, "server") != 0)
		return 0;
	if (t == c->tracker || !c->count)
		return 0;
	drop(c, size);
	return 1;
}

/* ---- A query ---- */

static void print_line(porter_tracked *query, const char *what,
		       porter_tracked *cache, porter_tracked *server)
{
	printf("%-8s %-10s %6" PRId64 " %8" PRId64 " %8" PRId64 "\n",
	       porter_tracked_name(query), what,
	       porter_peak(query).upper / 1024, porter_bytes_used(cache) / 1024,
	       porter_bytes_used(server) / 1024);
}

static int run_query(porter_tracked *server, struct cache *cache,
		     const char *name, int rows)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .name = name,
					    .parent = server,
					    .limit = QUERY_LIMIT };
	porter_tracked *query = porter_tracked_new_with(NULL, &o);
	porter_allocator *a;
	void *held[MOST_ROWS];
	int64_t leaked;
	int n = 0;

	if (!query)
		return -1;
	a = porter_tracked_allocator(query);
	while (n < rows && (held[n] = porter_allocate(a, ROWS)))
		n++;
	print_line(query, n < rows ? "refused" : "done", cache->tracker,
		   server);
	while (n)
		porter_free(a, held[--n], ROWS);
	/* What it had not given back would leave the server's number here. */
	porter_tracked_destroy(query, &leaked);
	return leaked == 0 ? 0 : -1;
}

static int serve(porter_tracked *server, struct cache *cache)
{
	printf("%-8s %-10s %6s %8s %8s  (KiB)\n", "", "", "peak", "cache",
	       "server");
	fill(cache);
	return run_query(server, cache, "small", 4) ||
	       run_query(server, cache, "greedy", MOST_ROWS) ||
	       run_query(server, cache, "large", 30);
}

int main(void)
{
	static struct cache cache;
	struct porter_tracked_options o = { .size = sizeof(o),
					    .name = "server",
					    .limit = SERVER_LIMIT,
					    .on_refused = make_room,
					    .refused_context = &cache };
	porter_tracked *server = porter_tracked_new_with(NULL, &o);
	int64_t of_cache, of_server;
	int failed;

	o = (struct porter_tracked_options){ .size = sizeof(o),
					     .name = "cache",
					     .parent = server };
	cache.tracker = server ? porter_tracked_new_with(NULL, &o) : NULL;
	if (!cache.tracker) {
		perror("queries");
		return 1;
	}
	failed = serve(server, &cache);
	drop(&cache, SERVER_LIMIT);
	/* Children first. */
	porter_tracked_destroy(cache.tracker, &of_cache);
	porter_tracked_destroy(server, &of_server);
	return failed || of_cache != 0 || of_server != 0;
}
