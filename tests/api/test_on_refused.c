/* SPDX-License-Identifier: MIT */
/*
 * on_refused: who is called before a refusal, and what it may do.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <stdatomic.h>
#include <string.h>

static porter_tracked *make(const char *name, porter_tracked *parent,
			    int64_t limit)
{
	const struct porter_tracked_options o = {
		.size = sizeof(o),
		.name = name,
		.parent = parent,
		.limit = limit,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	assert_non_null(t);
	return t;
}

static porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

static uint64_t refusals_of(const porter_tracked *t)
{
	struct porter_stats s = PORTER_STATS_INIT;

	assert_int_equal(porter_tracked_stats(t, &s), 0);
	return s.refusals;
}

static void end(porter_tracked *t)
{
	assert_int_equal(left_at_destroy(t), 0);
}

static struct porter_refusal last(void)
{
	struct porter_refusal r = PORTER_REFUSAL_INIT;

	must(porter_last_refusal(&r) == 0);
	must(r.size == sizeof(r));
	must(r.charged + (int64_t)r.asked > r.limit);
	must(r.stock >= 0 && r.stock <= r.limit);
	return r;
}

static void refuse(porter_tracked *t, size_t size)
{
	errno = 0;
	must(!porter_allocate(of(t), size));
	must(errno == ENOMEM);
}

struct call {
	int calls, answer;
	struct porter_refusal refusal;
};

static int note(porter_tracked *t, size_t size, void *context)
{
	struct call *c = context;

	c->calls++;
	c->refusal = last();
	must(strcmp(c->refusal.asked_name, porter_tracked_name(t)) == 0);
	must(c->refusal.asked == size);
	if (c->answer)
		must(porter_tracked_set_limit(t, 1 << 20) == 0);
	return c->answer;
}

static void it_can_be_set_later_and_taken_away(void **state)
{
	porter_tracked *parent = make("parent", NULL, 0);
	porter_tracked *t = make("t", parent, 100);
	struct call mine = { 0 }, above = { 0 };

	(void)state;
	refuse(t, 101);
	assert_int_equal(porter_tracked_set_on_refused(t, note, &mine), 0);
	refuse(t, 102);
	assert_int_equal(mine.calls, 1);
	assert_int_equal(mine.refusal.asked, 102);
	assert_int_equal(porter_tracked_set_on_refused(parent, note, &above),
			 0);
	refuse(t, 103);
	assert_int_equal(mine.calls, 2);
	assert_int_equal(above.calls, 0);
	/* Without one of its own, the ancestor's. */
	assert_int_equal(porter_tracked_set_on_refused(t, NULL, NULL), 0);
	refuse(t, 104);
	assert_int_equal(mine.calls, 2);
	assert_int_equal(above.calls, 1);
	assert_int_equal(porter_tracked_set_on_refused(parent, NULL, NULL), 0);
	refuse(t, 105);
	assert_int_equal(above.calls, 1);
	assert_int_equal(refusals_of(t), 5);
	end(t);
	end(parent);
}

static void that_of_the_options_can_be_replaced(void **state)
{
	struct call first = { 0 }, second = { 0 };
	const struct porter_tracked_options o = {
		.size = sizeof(o),
		.name = "t",
		.limit = 100,
		.on_refused = note,
		.refused_context = &first,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	(void)state;
	refuse(t, 101);
	assert_int_equal(porter_tracked_set_on_refused(t, note, &second), 0);
	refuse(t, 101);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 1);
	end(t);
}

static void a_tracker_made_without_options_has_one_too(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct call c = { 0 };

	(void)state;
	assert_int_equal(porter_tracked_set_on_refused(t, note, &c), 0);
	assert_int_equal(porter_tracked_set_limit(t, 100), 0);
	refuse(t, 101);
	assert_int_equal(c.calls, 1);
	end(t);
}

static void what_it_made_room_for_was_refused_at_first(void **state)
{
	porter_tracked *t = make("t", NULL, 100);
	struct call c = { .answer = 1 };
	void *x;

	(void)state;
	assert_int_equal(porter_tracked_set_on_refused(t, note, &c), 0);
	x = porter_allocate(of(t), 500);
	assert_non_null(x);
	assert_int_equal(c.calls, 1);
	assert_int_equal(refusals_of(t), 0);
	assert_int_equal(last().asked, 500);
	assert_int_equal(last().limit, 100);
	porter_free(of(t), x, 500);
	end(t);
}

static int replace_itself(porter_tracked *t, size_t size, void *context)
{
	(void)size;
	must(porter_tracked_set_on_refused(t, note, context) == 0);
	return 0;
}

static void it_may_replace_itself(void **state)
{
	porter_tracked *t = make("t", NULL, 100);
	struct call c = { 0 };

	(void)state;
	assert_int_equal(porter_tracked_set_on_refused(t, replace_itself, &c),
			 0);
	refuse(t, 101);
	assert_int_equal(c.calls, 0);
	refuse(t, 101);
	assert_int_equal(c.calls, 1);
	end(t);
}

/* ---- Function and context change together ---- */

struct pair {
	porter_tracked *t;
	atomic_bool over;
	atomic_size_t called[2];
	struct one_of_two {
		struct pair *of;
		size_t number;
	} contexts[2];
};

static int called_as(size_t number, void *context)
{
	struct one_of_two *c = context;

	must(c->number == number);
	atomic_fetch_add(&c->of->called[number], 1);
	return 0;
}

static int zero(porter_tracked *t, size_t size, void *context)
{
	(void)t;
	(void)size;
	return called_as(0, context);
}

static int one(porter_tracked *t, size_t size, void *context)
{
	(void)t;
	(void)size;
	return called_as(1, context);
}

static void set_or_ask(void *shared, size_t number)
{
	struct pair *p = shared;
	size_t rounds = scaled(20000);

	for (size_t i = 0; number == 0 && i < rounds; i++)
		must(porter_tracked_set_on_refused(p->t, i % 2 ? one : zero,
						   &p->contexts[i % 2]) == 0);
	if (number == 0)
		atomic_store(&p->over, true);
	while (!atomic_load(&p->over))
		refuse(p->t, 101);
}

static void a_function_gets_its_own_context(void **state)
{
	struct pair p = { .t = make("t", NULL, 100) };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		p.contexts[i] = (struct one_of_two){ .of = &p, .number = i };
	if (!in_threads(threads_allowed(3), set_or_ask, &p))
		skip_because("no more threads here");
	/* Each refusal called one of them, once there was one. */
	assert_true(atomic_load(&p.called[0]) + atomic_load(&p.called[1]) <=
		    refusals_of(p.t));
	end(p.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_can_be_set_later_and_taken_away),
		cmocka_unit_test(that_of_the_options_can_be_replaced),
		cmocka_unit_test(a_tracker_made_without_options_has_one_too),
		cmocka_unit_test(what_it_made_room_for_was_refused_at_first),
		cmocka_unit_test(it_may_replace_itself),
		cmocka_unit_test(a_function_gets_its_own_context),
	};

	return run_all("on_refused", tests);
}
