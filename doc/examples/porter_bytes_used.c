/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static porter_tracked *t;

static void *work(void *argument)
{
	porter_allocator *a = porter_tracked_allocator(t);

	(void)argument;
	for (int i = 0; i < 100000; i++)
		porter_free(a, porter_allocate(a, 100), 100);
	return porter_allocate(a, 1000);
}

int main(void)
{
	pthread_t thread;
	void *block;
	int failed;

	t = porter_tracked_new(NULL);
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		return 1;
	/* While the thread runs: never too low. */
	printf("%" PRId64 " bytes\n", porter_bytes_used(t));
	pthread_join(thread, &block);
	/* At rest: exact. */
	failed = porter_bytes_used(t) != 1000;
	porter_free(porter_tracked_allocator(t), block, 1000);
	return porter_tracked_destroy(t, NULL) != 0 || failed;
}
