/* SPDX-License-Identifier: MIT */
/*
 * Near a limit, where all operations change one number (calm.h).
 */
#define WITHOUT_KINDS
#include "api/gate.h"

#include "0-machine/test-point.h"
#include "4-allocator/tracked.h"

enum { LIMIT = 1 << 20, BLOCKS = 1000, BLOCK = 1000, SOME = 10 };

struct full {
	porter_tracked *t;
	struct block blocks[BLOCKS];
};

/* So much in use that it gets calm. */
static void fill(struct full *f)
{
	gate_init();
	f->t = behind_gate(NULL, LIMIT);
	share(f->t);
	for (int i = 0; i < BLOCKS; i++) {
		f->blocks[i] = (struct block){ .t = f->t, .size = BLOCK };
		get(&f->blocks[i]);
	}
	assert_true(is_calm(centre_of(f->t)->calm));
	/* A first read takes locks, which the one below must not. */
	assert_int_equal(porter_bytes_used(f->t), BLOCKS * BLOCK);
}

static void empty(struct full *f)
{
	for (int i = 0; i < BLOCKS; i++)
		give(&f->blocks[i]);
	end(f->t);
}

static porter_tracked *read_from;
static int64_t seen;

static void look(enum test_point point)
{
	if (point != CALM_ENDING)
		return;
	porter__test_point = NULL;
	seen = porter_bytes_used(read_from);
}

/*
 * Who takes the lock has taken the number out, and not put it down yet. What
 * stands there is from before the calm, when less was in use.
 */
static void who_reads_while_the_calm_ends_reads_no_less(void **state)
{
	struct full f;

	(void)state;
	fill(&f);
	for (int i = 0; i < SOME; i++)
		give(&f.blocks[i]);
	assert_int_equal(porter_tracked_set_limit(f.t, LIMIT), 0);
	assert_false(is_calm(centre_of(f.t)->calm));
	for (int i = 0; i < SOME; i++)
		get(&f.blocks[i]);
	assert_true(is_calm(centre_of(f.t)->calm));
	assert_true(centre_of(f.t)->reserved < BLOCKS * BLOCK);
	read_from = f.t;
	porter__test_point = look;
	assert_int_equal(porter_tracked_set_limit(f.t, 2 * LIMIT), 0);
	assert_null(porter__test_point);
	assert_int_equal(seen, BLOCKS * BLOCK);
	empty(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_while_the_calm_ends_reads_no_less),
	};

	return run_all("calm", tests);
}
