/* SPDX-License-Identifier: MIT */
/* libuv.c: what libuv holds for its loops, and hands out. */
#include <portermem/adapt-libuv.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

enum { LOOPS = 10 };

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-18s %8" PRId64 "\n", when, porter_bytes_used(t));
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	uv_loop_t loops[LOOPS];
	uv_env_item_t *environment;
	int count;
	int64_t leaked;

	if (!t || porter_libuv_install(t) != 0) {
		perror("libuv");
		return 1;
	}
	printf("%-18s %8s\n", "", "bytes");
	uv_loop_init(&loops[0]);
	tell("a loop", t);
	for (int i = 1; i < LOOPS; i++)
		uv_loop_init(&loops[i]);
	tell("10 loops", t);
	if (uv_os_environ(&environment, &count) == 0) {
		tell("the environment", t);
		uv_os_free_environ(environment, count);
	}
	for (int i = 0; i < LOOPS; i++)
		uv_loop_close(&loops[i]);
	tell("loops closed", t);
	uv_library_shutdown();
	tell("shut down", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
