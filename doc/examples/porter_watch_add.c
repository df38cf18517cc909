/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

/* Runs in a thread of the library. */
static void on_crossing(porter_tracked *t, int watch,
			const struct porter_watch_event *event, void *context)
{
	(void)watch;
	(void)context;
	printf("%s: %s, %" PRId64 " bytes\n", porter_tracked_name(t),
	       event->mark == PORTER_WATCH_HIGH ? "high" : "low again",
	       event->bytes);
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct porter_watch w = PORTER_WATCH_INIT;
	int watch;

	porter_tracked_set_limit(t, 1 << 20);
	w.high = 900; /* per mille of the limit */
	w.low = 700;
	w.unit = PORTER_WATCH_PER_MILLE;
	w.min_interval = 1000000000; /* at most one call a second */
	w.callback = on_crossing;
	watch = porter_watch_add(t, &w);
	if (watch < 0)
		return 1;
	/* ... the program allocates and frees ... */
	porter_watch_remove(t, watch);
	return porter_tracked_destroy(t, NULL);
}
