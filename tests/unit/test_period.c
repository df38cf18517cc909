/* SPDX-License-Identifier: MIT */
/*
 * A new period of a peak, and a free that begins with it: one sees the other.
 */
#define WITHOUT_KINDS
#include "api/gate.h"

#include "0-machine/test-point.h"
#include "4-allocator/tracked.h"

#include <sched.h>

static struct block block;

static bool is_giving(size_t slot)
{
	const struct cell *cell =
		porter__slot_cell(slot, centre_of(block.t)->at);

	return cell && flight_state(word_read(&cell->word[FLIGHT])) == GIVING;
}

static bool anybody_is_giving(void)
{
	size_t slots = porter__slots_count();

	for (size_t slot = 0; slot < slots; slot++)
		if (is_giving(slot))
			return true;
	return false;
}

static void *give_and_stop(void *unused)
{
	(void)unused;
	gate.closed = AFTER_FREE;
	return give(&block);
}

/*
 * The free has said that it is under way; should it look now whether it has to
 * meet anybody, and find that it has not, it gets time to go on.
 */
static void free_now(enum test_point point)
{
	if (point != PERIOD_BEGINS)
		return;
	porter__test_point = NULL;
	must(pthread_create(&thread, NULL, give_and_stop, NULL) == 0);
	while (!anybody_is_giving())
		sched_yield();
	for (int i = 0; i < 1000; i++)
		sched_yield();
}

/* As soon as the block is given back, it may be anybody's. */
static void a_free_under_way_is_seen_by_a_period_that_begins(void **state)
{
	struct block mine = { .size = 60000 };

	(void)state;
	gate_init();
	block = (struct block){ .t = behind_gate(NULL, 0), .size = 50000 };
	get(&block);
	share(block.t);
	assert_true(centre_of(block.t)->all_shared);
	porter__test_point = free_now;
	assert_between(porter_peak_reset(block.t).lower, 0, 50200);
	pthread_barrier_wait(&gate.inside);
	mine.t = block.t;
	get(&mine);
	assert_between(porter_peak(block.t).lower, 50000, 60000);
	finish();
	give(&mine);
	end(block.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_free_under_way_is_seen_by_a_period_that_begins),
	};

	return run_all("period", tests);
}
