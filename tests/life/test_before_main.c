/* SPDX-License-Identifier: MIT */
/*
 * A program with the static library, whose first constructor uses all of it.
 */
#include "before_main.h"
#include "support.h"

static const char *wrong = "the constructor has not run";

__attribute__((constructor(101))) static void first_of_all(void)
{
	wrong = use_before_main();
}

static void a_constructor_may_do_everything(void **state)
{
	(void)state;
	if (wrong)
		fail_msg("%s", wrong);
}

static void what_it_has_made_goes_on(void **state)
{
	const char *wrong_later;

	(void)state;
	if (wrong)
		skip_because("it was not made");
	wrong_later = use_after_that();
	if (wrong_later)
		fail_msg("%s", wrong_later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_constructor_may_do_everything),
		cmocka_unit_test(what_it_has_made_goes_on),
	};

	return run_all("before main", tests);
}
