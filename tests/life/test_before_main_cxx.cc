/* SPDX-License-Identifier: MIT */
/*
 * A global object of C++ that uses the library from its constructor to its
 * destructor, in a program with the static library.
 */
#include "before_main.h"

#include <cstdio>
#include <cstdlib>

static bool all_good = true;

static void result(int number, const char *wrong, const char *what)
{
	std::printf("%sok %d - %s\n", wrong ? "not " : "", number, what);
	if (wrong)
		std::printf("# %s\n", wrong);
	std::fflush(stdout);
	all_good = all_good && !wrong;
}

struct global {
	const char *wrong;
	global() : wrong(use_before_main())
	{
	}
	~global()
	{
		result(2, wrong ? "it was not made" : use_after_that(),
		       "its destructor ends what it has made");
		if (!all_good)
			std::_Exit(1);
	}
};

__attribute__((init_priority(101))) static global object;

int main()
{
	std::printf("1..2\n");
	result(1, object.wrong, "a global object may do everything");
	return 0;
}
