/* SPDX-License-Identifier: MIT */
/*
 * server.c: who in a busy server holds how much, at any moment.
 *
 * Each subsystem has a tracker of its own; all of them stand on one for the
 * whole process, so the parts add up. Threads serve requests; the main thread
 * looks at the trackers a few times a second, which costs the others nothing.
 *
 *	requests --> parser --.
 *	             cache  ---+--> process --> malloc
 *	             replies -'
 *
 * Usage: server [SECONDS]		default 1
 */
#include <portermem/portermem.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4, CACHE_ENTRIES = 512, LOOKS_A_SECOND = 4 };

enum subsystem { PARSER, CACHE, REPLIES, SUBSYSTEMS };

static const char *const subsystem_names[SUBSYSTEMS] = { "parser", "cache",
							 "replies" };

struct entry {
	void *bytes;
	size_t size;
};

struct server {
	porter_tracked *process;
	porter_tracked *subsystems[SUBSYSTEMS];
	pthread_mutex_t cache_lock;
	struct entry cache[CACHE_ENTRIES];
	atomic_bool stopping;
	atomic_long served;
	atomic_long refused;
};

/* ---- Requests ---- */

static uint32_t dice(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static porter_allocator *memory_of(struct server *s, enum subsystem which)
{
	return porter_tracked_allocator(s->subsystems[which]);
}

/* What another thread put there is freed by this one: that counts right. */
static void remember(struct server *s, size_t at, const char *bytes,
		     size_t size)
{
	porter_allocator *a = memory_of(s, CACHE);
	void *copy = porter_allocate(a, size);
	struct entry old;

	if (!copy)
		return;
	memcpy(copy, bytes, size);
	pthread_mutex_lock(&s->cache_lock);
	old = s->cache[at];
	s->cache[at] = (struct entry){ copy, size };
	pthread_mutex_unlock(&s->cache_lock);
	porter_free(a, old.bytes, old.size);
}

static void serve(struct server *s, uint32_t *state)
{
	porter_allocator *parser = memory_of(s, PARSER);
	porter_allocator *replies = memory_of(s, REPLIES);
	size_t request_size = 64 + dice(state) % 4000;
	size_t reply_size = 256 + dice(state) % 16000;
	char *request = porter_allocate(parser, request_size);
	char *reply = porter_allocate(replies, reply_size);

	if (request && reply) {
		memset(request, 'q', request_size);
		memset(reply, 'a', reply_size);
		remember(s, dice(state) % CACHE_ENTRIES, request, request_size);
		atomic_fetch_add(&s->served, 1);
	} else {
		atomic_fetch_add(&s->refused, 1);
	}
	porter_free(replies, reply, reply_size);
	porter_free(parser, request, request_size);
}

static void *serve_requests(void *argument)
{
	struct server *s = argument;
	uint32_t state = (uint32_t)(uintptr_t)&state;

	while (!atomic_load(&s->stopping))
		serve(s, &state);
	return NULL;
}

/* ---- The server ---- */

static int server_init(struct server *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->cache_lock, NULL);
	s->process = porter_tracked_new(NULL);
	if (!s->process)
		return -1;
	for (int i = 0; i < SUBSYSTEMS; i++) {
		s->subsystems[i] = porter_tracked_new(
			porter_tracked_allocator(s->process));
		if (!s->subsystems[i])
			return -1;
	}
	return 0;
}

/* Returns the bytes that somebody forgot. */
static int64_t server_end(struct server *s)
{
	int64_t left = 0, leaked;

	for (int i = 0; i < CACHE_ENTRIES; i++)
		porter_free(memory_of(s, CACHE), s->cache[i].bytes,
			    s->cache[i].size);
	for (int i = 0; i < SUBSYSTEMS; i++) {
		porter_tracked_destroy(s->subsystems[i], &leaked);
		printf("%-8s %8" PRId64 " bytes left\n", subsystem_names[i],
		       leaked);
		left += leaked;
	}
	porter_tracked_destroy(s->process, &leaked);
	left += leaked;
	pthread_mutex_destroy(&s->cache_lock);
	return left;
}

static void look(struct server *s)
{
	for (int i = 0; i < SUBSYSTEMS; i++)
		printf("%s %9" PRId64 "   ", subsystem_names[i],
		       porter_bytes_used(s->subsystems[i]));
	printf("process %9" PRId64 " bytes   %ld requests\n",
	       porter_bytes_used(s->process), atomic_load(&s->served));
	fflush(stdout);
}

static int run(struct server *s, int looks)
{
	const struct timespec pause = {
		.tv_nsec = 1000000000L / LOOKS_A_SECOND,
	};
	pthread_t threads[THREADS];
	int started = 0;

	while (started < THREADS &&
	       pthread_create(&threads[started], NULL, serve_requests, s) == 0)
		started++;
	for (int i = 0; i < looks; i++) {
		nanosleep(&pause, NULL);
		look(s);
	}
	atomic_store(&s->stopping, true);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return started == THREADS ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct server server;
	int seconds = argc > 1 ? atoi(argv[1]) : 1;
	int result;

	if (argc > 2 || seconds < 1 || seconds > 3600) {
		fprintf(stderr, "Usage: server [SECONDS]	(1 to 3600)\n");
		return 2;
	}
	if (server_init(&server) != 0) {
		perror("server");
		return 1;
	}
	result = run(&server, seconds * LOOKS_A_SECOND);
	printf("%ld requests served, %ld refused\n",
	       atomic_load(&server.served), atomic_load(&server.refused));
	if (server_end(&server) != 0 || atomic_load(&server.served) == 0)
		result = -1;
	return result == 0 ? 0 : 1;
}
