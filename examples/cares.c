/* SPDX-License-Identifier: MIT */
/* cares.c: how much channels of c-ares hold, idle and asking. */
#include <portermem/adapt-cares.h>
#include <portermem/portermem.h>

#include <ares.h>
#include <arpa/nameser.h>
#include <inttypes.h>
#include <stdio.h>

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-18s %8" PRId64 "\n", when, porter_bytes_used(t));
}

static void ignore(void *arg, int status, int timeouts, unsigned char *answer,
		   int length)
{
	(void)arg;
	(void)status;
	(void)timeouts;
	(void)answer;
	(void)length;
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	ares_channel channel;
	int64_t leaked;

	if (!t || porter_cares_install(t) != 0) {
		perror("cares");
		return 1;
	}
	printf("%-18s %8s\n", "", "bytes");
	if (ares_init(&channel) != ARES_SUCCESS)
		return 1;
	tell("a channel", t);
	ares_set_servers_csv(channel, "127.0.0.1:9"); /* nobody answers */
	for (int i = 0; i < 10; i++)
		ares_query(channel, "example.org", ns_c_in, ns_t_a, ignore,
			   NULL);
	tell("10 queries", t);
	ares_destroy(channel);
	tell("destroyed", t);
	ares_library_cleanup();
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
