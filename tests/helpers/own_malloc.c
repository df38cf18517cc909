/* SPDX-License-Identifier: MIT */
/*
 * A program whose malloc stands on the default allocator, for check-default.sh: the
 * dynamic linker calls it while the library looks for the backend. Prints what the
 * default allocator is made of.
 */
#include <portermem/portermem.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_FRONT __attribute__((visibility("default")))

IN_FRONT void *malloc(size_t size);
IN_FRONT void *calloc(size_t count, size_t size);
IN_FRONT void *realloc(void *ptr, size_t size);
IN_FRONT void free(void *ptr);

static porter_tracked *tracker(void)
{
	return porter_tracked_cast(porter_get_allocator());
}

/* How many were called inside each other, at most. */
static __thread int depth;
static int deepest;

static void must(int condition, const char *what)
{
	if (condition)
		return;
	if (write(STDOUT_FILENO, what, strlen(what)) < 0)
		_exit(2);
	_exit(1);
}

static void begin(void)
{
	if (++depth > deepest)
		deepest = depth;
	must(depth < 100, "malloc calls itself for ever\n");
}

/* A block from the time of the search, that goes on afterwards. */
static char *early;
static int was_busy; /* the backend itself, which is being looked for */

static int is_filled(const char *block, char c, size_t size)
{
	while (size > 0 && block[size - 1] == c)
		size--;
	return size == 0;
}

static void make_early(void)
{
	char *block = porter_malloc(tracker(), 100);

	errno = 0;
	if (!porter_backend(getenv("PORTER_ALLOCATOR"))) {
		must(errno == EBUSY,
		     "the backend is not there, and not busy\n");
		was_busy = 1;
	}
	must(block != NULL, "no early block\n");
	memset(block, 'e', 100);
	block = porter_realloc(tracker(), block, 5000);
	must(block && is_filled(block, 'e', 100), "early bytes got lost\n");
	memset(block, 'f', 5000);
	early = porter_realloc(tracker(), block, 50);
	block = porter_calloc(tracker(), 10, 100);
	must(block && is_filled(block, 0, 1000), "no early zeroes\n");
	porter_mfree(tracker(), block);
}

static void use_early(void)
{
	must(is_filled(early, 'f', 50), "early bytes got lost\n");
	early = realloc(early, 20000);
	must(early && is_filled(early, 'f', 50),
	     "early bytes got lost later\n");
	early = realloc(early, 30);
	must(early && is_filled(early, 'f', 30), "later bytes got lost\n");
	free(early);
}

void *malloc(size_t size)
{
	void *block;

	begin();
	if (depth == 2 && !early)
		make_early();
	block = porter_malloc(tracker(), size);
	depth--;
	return block;
}

void *calloc(size_t count, size_t size)
{
	void *block;

	begin();
	block = porter_calloc(tracker(), count, size);
	depth--;
	return block;
}

void *realloc(void *ptr, size_t size)
{
	void *block;

	begin();
	block = porter_realloc(tracker(), ptr, size);
	depth--;
	return block;
}

void free(void *ptr)
{
	porter_mfree(tracker(), ptr);
}

static void *use(void *unused)
{
	char *volatile blocks[1000];

	for (size_t i = 0; i < 1000; i++) {
		blocks[i] = calloc(1, i + 1);
		must(blocks[i] && blocks[i][i] == 0, "no zeroed block\n");
		memset(blocks[i], (int)i, i + 1);
	}
	for (size_t i = 0; i < 1000; i++) {
		blocks[i] = realloc(blocks[i], 2 * i + 1);
		must(blocks[i] && blocks[i][i] == (char)i, "bytes got lost\n");
	}
	for (size_t i = 0; i < 1000; i++)
		free(blocks[i]);
	return unused;
}

/* With an argument, the backend is there already, and is found without malloc. */
int main(int argc, char **argv)
{
	pthread_t threads[4];
	int64_t before;

	use(NULL);
	must(early || argc > 1, "nothing was allocated during the search\n");
	must(was_busy || argc > 1,
	     "the backend was there before it was found\n");
	if (early)
		use_early();
	before = porter_bytes_used(tracker());
	use(NULL);
	must(porter_bytes_used(tracker()) == before, "bytes stay counted\n");
	for (int i = 0; i < 4; i++)
		must(pthread_create(&threads[i], NULL, use, NULL) == 0,
		     "no thread\n");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	(void)argv;
	must(argc > 1 || deepest > 1,
	     "the dynamic linker did not call malloc\n");
	must(tracker() != NULL, "the default is no tracker\n");
	puts("works");
	return 0;
}
