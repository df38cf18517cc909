/* SPDX-License-Identifier: MIT */
/*
 * tap.hpp: tests in C++, which throws where cmocka would jump.
 *
 *	EXPECT(condition)	ends the test, with file, line and condition
 *	EXPECT_EQUAL(a, b)	the same, and shows both
 *	tap::skip_test(reason)	ends the test, which counts as skipped
 *	tap::in_threads(n, run)	run(0) to run(n - 1), at one time
 *	tap::tracked_picky	a tracker over an allocator that checks and fails
 *
 *	return tap::run({ { "what_holds", what_holds }, ... });
 */
#ifndef TESTS_TAP_HPP
#define TESTS_TAP_HPP

#include <atomic>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

/* The tests' C: an allocator that checks and fails. */
#include <errno.h>
#include <pthread.h>
#include <portermem/portermem.h>
extern "C" {
#include "picky.h"
#include "support.h"
}

namespace tap
{

struct failed {
	std::string why;
};

struct skipped {
	std::string why;
};

[[noreturn]] inline void end_test(const char *file, int line,
				  const std::string &what)
{
	std::ostringstream text;

	text << file << ":" << line << ": " << what;
	throw failed{ text.str() };
}

[[noreturn]] inline void skip_test(const std::string &why)
{
	throw skipped{ why };
}

template <class A, class B>
void expect_equal(const A &a, const B &b, const char *names, const char *file,
		  int line)
{
	if (a == b)
		return;
	std::ostringstream text;

	text << names << ": " << a << " is not " << b;
	end_test(file, line, text.str());
}

#define EXPECT(condition) \
	((condition) ? (void)0 : tap::end_test(__FILE__, __LINE__, #condition))
#define EXPECT_EQUAL(a, b) \
	tap::expect_equal((a), (b), #a ", " #b, __FILE__, __LINE__)

/* Each as run(number), at one time; the first failure is that of the test. */
template <class Run> void in_threads(unsigned n, Run run)
{
	std::vector<std::thread> threads;
	std::vector<std::exception_ptr> failures(n);
	std::atomic<unsigned> waiting(n);

	for (unsigned i = 0; i < n; i++)
		threads.emplace_back([&, i] {
			waiting--;
			while (waiting)
				std::this_thread::yield();
			try {
				run(i);
			} catch (...) {
				failures[i] = std::current_exception();
			}
		});
	for (auto &thread : threads)
		thread.join();
	for (auto &failure : failures)
		if (failure)
			std::rethrow_exception(failure);
}

/* A tracker over picky: what comes through is checked, and may fail. */
class tracked_picky
{
      public:
	tracked_picky()
	{
		picky_init(&below, nullptr);
		t = porter_tracked_new(&below.base);
		EXPECT(t);
	}
	tracked_picky(const tracked_picky &) = delete;
	tracked_picky &operator=(const tracked_picky &) = delete;
	~tracked_picky()
	{
		porter_tracked_destroy(t, nullptr);
		if (!in_flight())
			picky_fini(&below);
	}

	porter_allocator *get() const
	{
		return porter_tracked_allocator(t);
	}
	int64_t bytes() const
	{
		return porter_bytes_used(t);
	}
	porter_stats stats() const
	{
		porter_stats s = PORTER_STATS_INIT;

		porter_tracked_stats(t, &s);
		return s;
	}

	/* What a live block was asked for with; 0: there is none. */
	std::size_t alignment_of(const void *ptr) const
	{
		for (std::size_t i = 0; ptr && i < PICKY_BLOCKS; i++)
			if (below.blocks[i].ptr == ptr)
				return below.blocks[i].alignment;
		return 0;
	}

	picky below;
	porter_tracked *t;

      private:
	/* A test that has failed may have left blocks. */
	static bool in_flight()
	{
#if __cplusplus >= 201703L
		return std::uncaught_exceptions() != 0;
#else
		return std::uncaught_exception();
#endif
	}
};

struct test {
	const char *name;
	void (*run)();
};

inline int run(std::initializer_list<test> tests)
{
	int number = 0, failures = 0;

	std::cout << "1.." << tests.size() << std::endl;
	for (const test &each : tests) {
		std::string why;

		number++;
		try {
			each.run();
			std::cout << "ok " << number << " - " << each.name
				  << std::endl;
			continue;
		} catch (const skipped &s) {
			std::cout << "ok " << number << " # SKIP " << each.name
				  << ": " << s.why << std::endl;
			continue;
		} catch (const failed &f) {
			why = f.why;
		} catch (const std::exception &e) {
			why = std::string("threw ") + e.what();
		}
		failures++;
		std::cout << "not ok " << number << " - " << each.name << "\n# "
			  << why << std::endl;
	}
	return failures != 0;
}

} /* namespace tap */

#endif /* TESTS_TAP_HPP */
