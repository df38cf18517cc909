/* SPDX-License-Identifier: MIT */
/* See crowd.h. */
#include "crowd.h"

#include <cstdio>
#include <pthread.h>
#include <unistd.h>
#include <vector>

enum { STACK = 128 << 10, USES = 8, BLOCK = 256 };

struct gathering {
	const std::function<void(int)> &use;
	pthread_barrier_t all_used;
	fate what;
};

struct member {
	gathering *where;
	int number;
};

static void *come(void *argument)
{
	member *m = static_cast<member *>(argument);
	fate what = m->where->what;

	m->where->use(m->number);
	pthread_barrier_wait(&m->where->all_used);
	while (what == IDLE)
		pause();
	return nullptr;
}

void add_crowd(int threads, fate what, const std::function<void(int)> &use)
{
	std::vector<member> members(static_cast<size_t>(threads));
	std::vector<pthread_t> ids(static_cast<size_t>(threads));
	gathering where = { use, {}, what };
	pthread_attr_t attributes;

	if (threads == 0)
		return;
	pthread_barrier_init(&where.all_used, nullptr,
			     static_cast<unsigned>(threads) + 1);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (size_t i = 0; i < members.size(); i++) {
		members[i] = { &where, static_cast<int>(i) };
		if (pthread_create(&ids[i], &attributes, come, &members[i])) {
			fprintf(stderr, "bench_cliffs: no more threads\n");
			_exit(1);
		}
	}
	pthread_barrier_wait(&where.all_used);
	pthread_barrier_destroy(&where.all_used);
	if (what == ENDED)
		for (pthread_t id : ids)
			pthread_join(id, nullptr);
}

void use_a_little(porter_allocator *a)
{
	for (int i = 0; i < USES; i++)
		porter_free(a, porter_allocate(a, BLOCK), BLOCK);
}
