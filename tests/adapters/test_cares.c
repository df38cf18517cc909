/* SPDX-License-Identifier: MIT */
/*
 * test_cares.c: c-ares on a tracked allocator.
 *
 * No server is asked: names come from the file of hosts, and an answer that
 * a server would give is parsed as it stands.
 */
#include "trial.h"

#include <portermem/adapt-cares.h>

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

/* a.test is 192.0.2.1, and an alias of b.test. */
static const unsigned char answer[] = {
	0,    1,   0x81, 0x80, 0,    1,	  0,   2, 0, 0,	 0, 0, /* 1 and 2 */
	1,    'a', 4,	 't',  'e',  's', 't', 0, 0, 1,	 0, 1, /* a.test? */
	0xc0, 12,  0,	 5,    0,    1,	  0,   0, 0, 60, 0, 4,
	1,    'b', 0xc0, 14,   0xc0, 36,  0,   1, 0, 1,	 0, 0,
	0,    60,  0,	 4,    192,  0,	  2,   1,
};

static bool without(int code)
{
	must(code == ARES_SUCCESS || code == ARES_ENOMEM);
	return code == ARES_ENOMEM;
}

static bool parse(void)
{
	struct hostent *host = NULL;

	if (without(ares_parse_a_reply(answer, sizeof(answer), &host, NULL,
				       NULL)))
		return false;
	must(strcmp(host->h_name, "b.test") == 0);
	must(host->h_aliases[0] && !host->h_aliases[1]);
	must(memcmp(host->h_addr_list[0], "\300\0\2\1", 4) == 0);
	ares_free_hostent(host);
	return true;
}

static bool query(void)
{
	unsigned char *text = NULL;
	int size = 0;

	if (without(ares_create_query("a.test", 1, 1, 7, 1, &text, &size, 0)))
		return false;
	must(size == 24);
	ares_free_string(text);
	return true;
}

struct found {
	bool called, refused;
};

static void on_host(void *arg, int status, int timeouts, struct hostent *host)
{
	struct found *found = arg;

	(void)timeouts;
	found->called = true;
	/* Without memory for the file of hosts, names are just not found. */
	found->refused = status != ARES_SUCCESS;
	must(found->refused || host);
}

static bool job(porter_tracked *t)
{
	struct ares_options options = { .lookups = (char *)"f", .ndots = 1 };
	struct found found = { false, false };
	ares_channel channel, copy;
	bool done;

	if (without(ares_init_options(&channel, &options, ARES_OPT_LOOKUPS)))
		return false;
	trial_holds(t);
	done = !without(ares_set_servers_csv(channel, "192.0.2.7,192.0.2.8"));
	if (done && !without(ares_dup(&copy, channel)))
		ares_destroy(copy);
	else
		done = false;
	ares_gethostbyname(channel, "localhost", AF_INET, on_host, &found);
	must(found.called);
	ares_destroy(channel);
	return query() && parse() && done && !found.refused;
}

/* What adapt-cares.h says of the time after cleanup. */
TEST_APART(after_cleanup_it_is_on_malloc)
{
	porter_tracked *t = porter_tracked_new(NULL);
	unsigned char *text = NULL;
	int size = 0;

	must(porter_cares_install(t) == 0);
	ares_library_cleanup();
	must(porter_cares_install(t) == -1);
	must(errno == EBUSY);
	must(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
	must(ares_create_query("a.test", 1, 1, 7, 1, &text, &size, 0) ==
	     ARES_SUCCESS);
	must(porter_bytes_used(t) == 0);
	must(left_at_destroy(t) == 0);
	ares_free_string(text);
	ares_library_cleanup();
}

int main(void)
{
	static struct adapted cares = {
		.install = porter_cares_install,
		.job = job,
		.shut_down = ares_library_cleanup,
		.rounds = 100,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&cares),
		cmocka_unit_test(after_cleanup_it_is_on_malloc),
	};

	return run_all("c-ares adapter", tests);
}
