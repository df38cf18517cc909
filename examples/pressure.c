/* SPDX-License-Identifier: MIT */
/*
 * pressure.c: a cache that sheds when it gets too large, in an event loop.
 *
 *	request --> cache: the entry, or a new one
 *	              |
 *	              v
 *	            tracker ---- high watermark ----> epoll: begin to shed
 *	                    ---- low watermark -----> epoll: enough
 *
 * The cache does not look at its size, and has no idea how much is too much:
 * the watch knows, per mille of a limit that may be changed at any time. Half
 * way through, the limit is halved. Serving goes on while the cache sheds: a few
 * of the oldest entries at each turn of the loop, until the low watermark is
 * told.
 *
 * Usage: pressure [REQUESTS]		default 20000
 */
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	KEYS = 8192,
	ENTRY = 1024,
	SERVED_A_TURN = 10,
	SHED_A_TURN = 40,
	LIMIT = 4 << 20,
	MOST = 10000000,
};

/* ---- The cache: by key, and oldest first ---- */

struct entry {
	struct entry *next; /* younger */
	unsigned key;
	char value[ENTRY];
};

struct cache {
	porter_tracked *tracker;
	porter_allocator *a;
	struct entry *by_key[KEYS];
	struct entry *oldest, *youngest;
	long hits, misses, refused, shed;
};

static void insert(struct cache *c, unsigned key)
{
	struct entry *e = porter_allocate(c->a, sizeof(*e));

	if (!e) {
		c->refused++; /* Served all the same, and not kept. */
		return;
	}
	memset(e->value, (int)key, sizeof(e->value));
	e->key = key;
	e->next = NULL;
	if (c->youngest)
		c->youngest->next = e;
	else
		c->oldest = e;
	c->youngest = e;
	c->by_key[key] = e;
}

static int drop_oldest(struct cache *c)
{
	struct entry *e = c->oldest;

	if (!e)
		return 0;
	c->oldest = e->next;
	if (!c->oldest)
		c->youngest = NULL;
	c->by_key[e->key] = NULL;
	porter_free(c->a, e, sizeof(*e));
	return 1;
}

/* ---- Serving ---- */

static void serve(struct cache *c, unsigned *seed)
{
	unsigned key;

	*seed = *seed * 1664525u + 1013904223u;
	key = (*seed >> 8) % KEYS;
	if (c->by_key[key]) {
		c->hits++;
	} else {
		c->misses++;
		insert(c, key);
	}
}

static void shed(struct cache *c)
{
	for (int i = 0; i < SHED_A_TURN; i++)
		c->shed += drop_oldest(c);
}

/* ---- The event loop ---- */

static void print_line(long requests, const char *what, int64_t bytes,
		       const struct cache *c)
{
	printf("%9ld  %-22s %8" PRId64 " KiB of %5" PRId64 " %8ld %8ld %8ld\n",
	       requests, what, bytes / 1024,
	       porter_tracked_limit(c->tracker) / 1024, c->hits, c->misses,
	       c->shed);
}

/* Whether to shed from now on. */
static int take_note(struct cache *c, int watch, long requests, int shedding)
{
	struct porter_watch_event e = PORTER_WATCH_EVENT_INIT;

	if (porter_watch_read(c->tracker, watch, &e) != 0)
		return shedding;
	shedding = e.mark == PORTER_WATCH_HIGH;
	print_line(requests,
		   shedding ? "high watermark: shed" : "low watermark: enough",
		   e.bytes, c);
	return shedding;
}

static void run(struct cache *c, int poll, int watch, long wanted)
{
	struct epoll_event event;
	unsigned seed = 1;
	int shedding = 0;

	for (long n = 0; n < wanted; n += SERVED_A_TURN) {
		/* A server waits here for its sockets, too. */
		while (epoll_wait(poll, &event, 1, 0) == 1)
			shedding = take_note(c, watch, n, shedding);
		if (n <= wanted / 2 && n + SERVED_A_TURN > wanted / 2) {
			/* It has a limit already, so this cannot fail. */
			(void)porter_tracked_set_limit(c->tracker, LIMIT / 2);
			print_line(n, "the limit is halved",
				   porter_bytes_used(c->tracker), c);
		}
		if (shedding)
			shed(c);
		for (int i = 0; i < SERVED_A_TURN; i++)
			serve(c, &seed);
	}
}

/* The number of the watch, its file descriptor in an epoll set. */
static int begin(struct cache *c, int *poll)
{
	struct porter_watch w = {
		.size = sizeof(w),
		.high = 900,
		.low = 500,
		.unit = PORTER_WATCH_PER_MILLE,
	};
	struct porter_tracked_options o = { .size = sizeof(o), .limit = LIMIT };
	struct epoll_event event = { .events = EPOLLIN };
	int watch, fd;

	c->tracker = porter_tracked_new_with(NULL, &o);
	if (!c->tracker)
		return -1;
	c->a = porter_tracked_allocator(c->tracker);
	watch = porter_watch_add(c->tracker, &w);
	fd = watch < 0 ? -1 : porter_watch_fd(c->tracker, watch);
	*poll = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0 || *poll < 0 ||
	    epoll_ctl(*poll, EPOLL_CTL_ADD, fd, &event) != 0)
		return -1;
	return watch;
}

int main(int argc, char **argv)
{
	static struct cache cache;
	long wanted = argc > 1 ? atol(argv[1]) : 20000;
	int poll = -1, watch;
	int64_t leaked;

	if (argc > 2 || wanted < SERVED_A_TURN || wanted > MOST) {
		fprintf(stderr, "Usage: pressure [REQUESTS]	(%d to %d)\n",
			SERVED_A_TURN, MOST);
		return 2;
	}
	watch = begin(&cache, &poll);
	if (watch < 0) {
		perror("pressure");
		return 1;
	}
	printf("%9s  %-22s %12s    %5s %8s %8s %8s\n", "requests", "", "in use",
	       "limit", "hits", "misses", "shed");
	run(&cache, poll, watch, wanted);
	print_line(wanted, "the end", porter_bytes_used(cache.tracker), &cache);
	printf("refused %ld\n", cache.refused);
	while (drop_oldest(&cache))
		;
	close(poll);
	porter_tracked_destroy(cache.tracker, &leaked);
	return leaked != 0;
}
