/* SPDX-License-Identifier: MIT */
/*
 * variant.h: one way of counting, as the worker (worker.cc) knows it.
 */
#ifndef PORTER_PEERS_VARIANT_H
#define PORTER_PEERS_VARIANT_H

#include "team.h"

#include <string>
#include <vector>

/* Does something @n times between start() and stop(). */
using loop = void (*)(long n, stopwatch &watch);

/* A name here is a job's name in what the driver asks. */
struct loops {
	loop update = nullptr; /* inlined, where the peer can be */
	loop call = nullptr;   /* behind a function call, as portermem's is */
	loop work = nullptr;   /* with other work between */
	loop pair = nullptr;   /* allocate and free */
	loop read = nullptr;
};

struct facts {
	std::string name;
	std::string kind;     /* real, idea, ours or floor */
	std::string against;  /* what it is divided by */
	std::string counts;   /* what a block counts for */
	std::string exact;    /* when a read is exact */
	std::string negative; /* whether a read can be below 0, or low */
	std::string peak;
	std::string limit;
	std::string note;
};

struct variant {
	facts about;
	loops jobs;
	/* The calling thread counts once, so that it has its slot. */
	void (*touch)();
	/* Says what is wrong with the sums; nothing is right. */
	std::string (*check)(team &);
};

/* Each program has its own. */
std::vector<variant> variants();

#endif /* PORTER_PEERS_VARIANT_H */
