/* SPDX-License-Identifier: MIT */
/*
 * worker.cc: does what the driver (peers/run) asks for, line by line.
 *
 *	list			a line of JSON for each variant, then an empty one
 *	threads N		from now on N threads live, and each has counted
 *	measure V JOB T US	variant V by T threads for about US microseconds;
 *				the nanoseconds of one operation in its thread,
 *				the same less what the thread waited for a
 *				processor, and the share of the time that the
 *				unluckiest thread did not wait
 *	check V			whether V counts right
 *
 * The workers in other languages do the same.
 */
#include "variant.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <tuple>

static team threads;
static std::vector<variant> all;

struct figure {
	double wall = 0, own = 0, share = 1;
};

static loop loop_of(const variant &v, const std::string &job)
{
	return job == "update" ? v.jobs.update :
	       job == "call"   ? v.jobs.call :
	       job == "work"   ? v.jobs.work :
	       job == "pair"   ? v.jobs.pair :
	       job == "read"   ? v.jobs.read :
				 nullptr;
}

/* The time of one of @n operations, in the mean of the threads. */
static figure timed(loop f, int parties, long n)
{
	std::atomic<int> arrived{ 0 };
	std::vector<stopwatch> watches(parties, stopwatch(&arrived, parties));
	figure mean;

	threads.run(parties, [&](int me) { f(n, watches[me]); });
	for (const auto &watch : watches) {
		double operations = static_cast<double>(n) * parties;

		double own = std::max(watch.wall - watch.waits, int64_t(1));

		mean.wall += watch.wall / operations;
		mean.own += own / operations;
		mean.share = std::min(mean.share, own / (watch.wall + 1));
	}
	return mean;
}

static void measure(int which, const std::string &job, int parties, double us)
{
	static std::map<std::tuple<int, std::string, int, int>, double> known;
	double &ns = known[{ which, job, parties, threads.size() }];
	loop f = loop_of(all[which], job);

	for (long n = 16; ns == 0; n *= 4) {
		figure tried = timed(f, parties, n);

		if (tried.wall * n > 200e3)
			ns = tried.wall;
	}
	figure is = timed(f, parties, std::max(1L, long(us * 1e3 / ns)));
	printf("{\"ns\": %.4f, \"own\": %.4f, \"share\": %.3f}\n", is.wall,
	       is.own, is.share);
}

static std::string quoted(const std::string &text)
{
	std::string result = "\"";

	for (char c : text) {
		if (c == '"' || c == '\\')
			result += '\\';
		result += c;
	}
	return result + "\"";
}

static std::string list_line(const variant &v)
{
	const char *names[] = { "update", "call", "work", "pair", "read" };
	const std::pair<const char *, const std::string &> texts[] = {
		{ "name", v.about.name },	  { "kind", v.about.kind },
		{ "against", v.about.against },	  { "counts", v.about.counts },
		{ "exact", v.about.exact },	  { "peak", v.about.peak },
		{ "negative", v.about.negative }, { "limit", v.about.limit },
		{ "note", v.about.note },
	};
	std::string line = "{", jobs;

	for (const auto &text : texts)
		line += quoted(text.first) + ": " + quoted(text.second) + ", ";
	for (const char *name : names)
		if (loop_of(v, name))
			jobs += (jobs.empty() ? "" : ", ") + quoted(name);
	return line + "\"jobs\": [" + jobs + "]}";
}

static void answer(const std::string &line)
{
	std::istringstream words(line);
	std::string verb, job;
	double us;
	int which, n;

	words >> verb;
	if (verb == "list") {
		for (const variant &v : all)
			puts(list_line(v).c_str());
		puts("");
	} else if (verb == "threads" && words >> n) {
		threads.grow_to(n, [] {
			for (const variant &v : all)
				v.touch();
		});
		puts("{}");
	} else if (verb == "measure" && words >> which >> job >> n >> us) {
		measure(which, job, n, us);
	} else if (verb == "check" && words >> which) {
		printf("{\"wrong\": %s}\n",
		       quoted(all[which].check(threads)).c_str());
	} else {
		fprintf(stderr, "worker: what is '%s'?\n", line.c_str());
		exit(2);
	}
	fflush(stdout);
}

int main()
{
	std::string line;

	all = variants();
	while (std::getline(std::cin, line))
		answer(line);
	/* The threads end with the process. */
	_Exit(0);
}
