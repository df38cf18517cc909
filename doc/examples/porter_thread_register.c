/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <pthread.h>

static porter_counter *ticks;

static void *work(void *argument)
{
	(void)argument;
	/* Now; otherwise the first update takes the slot. */
	if (porter_thread_register() != 0)
		return NULL; /* No memory. Updates would be counted anyway. */
	for (int i = 0; i < 1000; i++)
		porter_counter_add(ticks, 1);
	/* Optional: the slot is released when the thread ends. */
	porter_thread_unregister();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int failed;

	ticks = porter_counter_new();
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		return 1;
	pthread_join(thread, NULL);
	failed = porter_counter_sum(ticks) != 1000;
	porter_counter_destroy(ticks);
	return failed;
}
