/* SPDX-License-Identifier: MIT */
/*
 * team.h: threads that live as long as the program, and a stopwatch that they
 * start together.
 *
 * All threads are there, bound to their processors, and have counted once before
 * anything is timed. The main thread only waits for them.
 */
#ifndef PORTER_PEERS_TEAM_H
#define PORTER_PEERS_TEAM_H

#include "../../bind.h"

#include <semaphore.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

static inline int64_t nanoseconds()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* How long the calling thread has waited for a processor; 0 where nobody knows. */
static inline int64_t waited()
{
	long long run = 0, wait = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%lld %lld", &run, &wait) != 2)
		wait = 0;
	fclose(file);
	return wait;
}

/* One for each thread; start() waits until all have come to it. */
class stopwatch
{
      public:
	stopwatch(std::atomic<int> *arrived, int parties)
	    : arrived_(arrived), parties_(parties)
	{
	}

	void start()
	{
		waits = -waited();
		arrived_->fetch_add(1);
		while (arrived_->load(std::memory_order_acquire) < parties_)
			pause();
		wall = -nanoseconds();
	}

	void stop()
	{
		wall += nanoseconds();
		waits += waited();
	}

	int64_t wall = 0;
	int64_t waits = 0;

      private:
	static void pause()
	{
#ifdef __x86_64__
		__builtin_ia32_pause();
#endif
	}

	std::atomic<int> *arrived_;
	int parties_;
};

class team
{
      public:
	/* Starts threads until there are @n; each calls @at_birth. */
	void grow_to(int n, const std::function<void()> &at_birth)
	{
		while (size() < n) {
			members_.push_back(std::make_unique<member>());
			member *self = members_.back().get();
			int index = size() - 1;

			std::thread([self, index, at_birth] {
				bind_to_processor(index);
				at_birth();
				sem_post(&self->done);
				for (;;) {
					wait(&self->go);
					(*self->work)(index);
					sem_post(&self->done);
				}
			}).detach();
			wait(&self->done);
		}
	}

	int size() const
	{
		return static_cast<int>(members_.size());
	}

	/* The first @n call @work with their numbers, at the same time. */
	void run(int n, const std::function<void(int)> &work)
	{
		for (int i = 0; i < n; i++) {
			members_[i]->work = &work;
			sem_post(&members_[i]->go);
		}
		for (int i = 0; i < n; i++)
			wait(&members_[i]->done);
	}

      private:
	struct member {
		sem_t go, done;
		const std::function<void(int)> *work = nullptr;

		member()
		{
			sem_init(&go, 0, 0);
			sem_init(&done, 0, 0);
		}
	};

	static void wait(sem_t *s)
	{
		while (sem_wait(s) != 0) {
		}
	}

	std::vector<std::unique_ptr<member>> members_;
};

#endif /* PORTER_PEERS_TEAM_H */
