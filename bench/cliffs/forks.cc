/* SPDX-License-Identifier: MIT */
/*
 * forks.cc: a process with many trackers forks.
 *
 *	fork-exit/N	fork, and the child ends at once
 *	fork-exec/N	fork, and the child becomes /bin/true
 *
 * with N limited trackers, each used by 64 threads. Counted is the processor
 * time of both processes, in ns. A fork copies the tables of all pages, trackers
 * or not, so the process with fewer trackers gets as much other memory.
 */
#include "../tracker.h"
#include "clock.h"
#include "crowd.h"
#include "rows.h"

#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

static const int SLOTS = 64, FEW = 10, MANY = 2000, FORKS = 8;

static void use_trackers(int n)
{
	std::vector<porter_allocator *> all(static_cast<size_t>(n));

	for (auto &a : all)
		a = porter_tracked_allocator(
			make_tracker(nullptr, int64_t(1) << 30));
	add_crowd(SLOTS, ENDED, [&](int) {
		for (porter_allocator *a : all)
			use_a_little(a);
	});
}

static size_t resident_bytes()
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t all = 0, resident = 0;

	if (file) {
		if (fscanf(file, "%zu %zu", &all, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return resident * static_cast<size_t>(getpagesize());
}

static void grow_to(size_t bytes)
{
	size_t now = resident_bytes(), missing = bytes > now ? bytes - now : 0;
	void *more;

	if (missing == 0)
		return;
	more = mmap(nullptr, missing, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (more == MAP_FAILED)
		return;
	madvise(more, missing, MADV_NOHUGEPAGE);
	memset(more, 1, missing);
}

static void fork_once(bool execute)
{
	pid_t child = fork();

	if (child == 0) {
		if (execute)
			execl("/bin/true", "true",
			      static_cast<char *>(nullptr));
		_exit(0);
	}
	waitpid(child, nullptr, 0);
}

/* The processor time of this thread and of the children that have ended. */
static double processor_ns()
{
	struct rusage children;

	getrusage(RUSAGE_CHILDREN, &children);
	return thread_ns() +
	       static_cast<double>(children.ru_utime.tv_sec +
				   children.ru_stime.tv_sec) *
		       1e9 +
	       static_cast<double>(children.ru_utime.tv_usec +
				   children.ru_stime.tv_usec) *
		       1e3;
}

static sample forks(int trackers, bool execute)
{
	sample alike = in_new_process([] {
		use_trackers(MANY);
		return sample{ static_cast<double>(resident_bytes()), 1 };
	});
	double start;

	use_trackers(trackers);
	grow_to(static_cast<size_t>(alike.figure));
	fork_once(execute);
	start = processor_ns();
	for (int i = 0; i < FORKS; i++)
		fork_once(execute);
	return { (processor_ns() - start) / FORKS, 1 };
}

void add_rows_of_forks(void)
{
	for (int n : { FEW, MANY }) {
		std::string number = std::to_string(n);

		add_row("fork-exit/" + number, DEAR,
			[=] { return forks(n, false); });
		add_row("fork-exec/" + number, DEAR,
			[=] { return forks(n, true); });
	}
}
