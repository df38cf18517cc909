/* SPDX-License-Identifier: MIT */
/*
 * C++ thread_local objects whose destructors allocate and free: they run
 * before the destructors of thread-specific keys, in threads that are joined,
 * detached, or the program's first one.
 */
#include <portermem/portermem.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

static porter_tracked *tracker;
static std::atomic<int> destroyed;

/* Memory from the tracker, for the containers of C++. */
template <class T> struct counted {
	using value_type = T;
	counted() = default;
	template <class U> counted(const counted<U> &)
	{
	}
	T *allocate(std::size_t n)
	{
		void *p = porter_allocate(porter_tracked_allocator(tracker),
					  n * sizeof(T));

		if (!p)
			std::abort();
		return static_cast<T *>(p);
	}
	void deallocate(T *p, std::size_t n)
	{
		porter_free(porter_tracked_allocator(tracker), p,
			    n * sizeof(T));
	}
	template <class U> bool operator==(const counted<U> &) const
	{
		return true;
	}
	template <class U> bool operator!=(const counted<U> &) const
	{
		return false;
	}
};

/* Frees what it holds at the end of the thread, having allocated once more. */
struct belongings {
	std::vector<int, counted<int>> things;
	~belongings()
	{
		things.resize(things.size() + 1000);
		destroyed++;
	}
};

static thread_local belongings mine;
static thread_local std::vector<long, counted<long>> others;

static void use(int n)
{
	mine.things.resize(static_cast<std::size_t>(n));
	others.resize(static_cast<std::size_t>(n) * 2);
}

/* Touches the library in a destructor and at no time before. */
static void touch_nothing()
{
	mine.things.reserve(0);
}

static int test_number;
static bool all_good = true;

static void result(bool good, const char *what)
{
	all_good = all_good && good;
	std::printf("%sok %d - %s\n", good ? "" : "not ", ++test_number, what);
	std::fflush(stdout);
}

static bool all_back(int objects)
{
	return porter_bytes_used(tracker) == 0 && destroyed == objects;
}

static void wait_for_the_end(int objects)
{
	for (int i = 0; i < 10000 && !all_back(objects); i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/* In main's thread, at the end of the program. */
struct last {
	~last()
	{
		result(porter_bytes_used(tracker) == 0,
		       "thread_local destructors of the first thread");
		if (!all_good)
			std::_Exit(1);
	}
};

static last destroyed_after_thread_locals;

int main()
{
	enum { THREADS = 200 };
	std::vector<std::thread> threads;

	tracker = porter_tracked_new(nullptr);
	std::printf("1..4\n");
	for (int i = 1; i <= THREADS; i++)
		threads.emplace_back(use, i);
	for (std::thread &thread : threads)
		thread.join();
	result(all_back(THREADS), "thread_local destructors allocate and free");

	for (int i = 1; i <= THREADS; i++)
		std::thread(use, i).detach();
	wait_for_the_end(2 * THREADS);
	result(all_back(2 * THREADS), "so do those of detached threads");

	for (int i = 1; i <= THREADS; i++)
		std::thread(touch_nothing).join();
	result(all_back(3 * THREADS),
	       "a thread's first update may come from one");

	use(50);
	return 0;
}
