/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	struct porter_watch w = PORTER_WATCH_INIT;
	struct porter_watch_event event = PORTER_WATCH_EVENT_INIT;
	struct pollfd p = { -1, POLLIN, 0 };
	void *block;
	int watch;

	w.high = 1000;
	w.low = 500;
	watch = porter_watch_add(t, &w);
	p.fd = porter_watch_fd(t, watch);
	if (p.fd < 0)
		return 1;
	block = porter_allocate(a, 2000);
	if (poll(&p, 1, -1) == 1 && porter_watch_read(t, watch, &event) == 0)
		printf("%s watermark at %" PRId64 " bytes\n",
		       event.mark == PORTER_WATCH_HIGH ? "high" : "low",
		       event.bytes);
	porter_free(a, block, 2000);
	return porter_tracked_destroy(t, NULL) != 0 || event.crossing != 1;
}
