/* SPDX-License-Identifier: MIT */
/*
 * loops.h: the loops that every way of counting and every allocator is put
 * through, compiled into each of them; and the check that it counts right.
 *
 * A Way has charge(int64_t), refund(int64_t) and read(), and may have enter(),
 * for threads that must register. An Allocator has, static, allocate(size_t),
 * release(void *, size_t), read(), and these, which say what a read is to be:
 * counts(void *, size_t), the bytes that a block counts for; slack, by how much
 * a read may be off at rest; falls, whether a read comes back down.
 */
#ifndef PORTER_PEERS_LOOPS_H
#define PORTER_PEERS_LOOPS_H

#include "../../pick.h"
#include "../counted.h"
#include "variant.h"

#include <array>

enum { STEP = 64, WORK_STEPS = 8 };

static inline void keep(int64_t value)
{
	asm volatile("" : : "r"(value) : "memory");
}

/*
 * Numbers that depend on each other: some ten nanoseconds. A compiler would make
 * one multiplication of several steps of pick.h's generator, but not of these.
 */
static inline uint64_t other_work(uint64_t x)
{
	for (int i = 0; i < WORK_STEPS; i++)
		x = (x ^ x >> 29) * 6364136223846793005u;
	return x;
}

static inline std::string off_by(const char *when, int64_t wanted, int64_t got)
{
	return std::string(when) + ": " + std::to_string(wanted) + " wanted, " +
	       std::to_string(got) + " read";
}

static inline bool near(int64_t a, int64_t b, int64_t slack)
{
	return a - b <= slack && b - a <= slack;
}

template <class Way> static auto enter(Way &way, int) -> decltype(way.enter())
{
	way.enter();
}
template <class Way> static void enter(Way &, long)
{
}

/* The Way is one object of the program, as a program's counter would be. */
template <class Way> struct counter_loops {
	static inline counted<Way> self;
	static inline void (*volatile by_call)(int64_t);

	static void charge(int64_t n)
	{
		self.way.charge(n);
	}

	static void update(long n, stopwatch &watch)
	{
		watch.start();
		for (long i = 0; i < n; i++)
			self.way.charge(STEP);
		watch.stop();
		self.way.refund(n * int64_t(STEP));
	}

	static void call(long n, stopwatch &watch)
	{
		by_call = charge;
		watch.start();
		for (long i = 0; i < n; i++)
			by_call(STEP);
		watch.stop();
		self.way.refund(n * int64_t(STEP));
	}

	static void work(long n, stopwatch &watch)
	{
		uint64_t x = 1;

		watch.start();
		for (long i = 0; i < n; i++) {
			x = other_work(x);
			self.way.charge(STEP);
		}
		watch.stop();
		keep(static_cast<int64_t>(x));
		self.way.refund(n * int64_t(STEP));
	}

	/* As an Allocator: counted on malloc and free, behind the table. */
	static void *allocate(size_t size)
	{
		return porter_allocate(&self.allocator, size);
	}
	static void release(void *ptr, size_t size)
	{
		porter_free(&self.allocator, ptr, size);
	}
	static int64_t read()
	{
		return self.way.read();
	}
	static int64_t counts(void *, size_t size)
	{
		return static_cast<int64_t>(size);
	}
	static constexpr int64_t slack = 0;
	static constexpr bool falls = true;

	static void touch()
	{
		enter(self.way, 0);
		self.way.charge(STEP);
		self.way.refund(STEP);
	}
};

template <class Allocator> static void pairs(long n, stopwatch &watch)
{
	struct {
		void *ptr;
		size_t size;
	} live[LIVE_BLOCKS];
	static std::atomic<uint64_t> seed{ 1 };
	chance random = { seed++ };

	for (auto &block : live) {
		block.size = block_size(random.next());
		block.ptr = Allocator::allocate(block.size);
	}
	watch.start();
	for (long i = 0; i < n; i++) {
		uint64_t bits = random.next();
		auto &block = live[block_index(bits)];

		Allocator::release(block.ptr, block.size);
		block.size = block_size(bits);
		block.ptr = Allocator::allocate(block.size);
	}
	watch.stop();
	for (auto &block : live)
		Allocator::release(block.ptr, block.size);
}

template <class Allocator> static void reads(long n, stopwatch &watch)
{
	watch.start();
	for (long i = 0; i < n; i++)
		keep(Allocator::read());
	watch.stop();
}

template <class Allocator> static void touch()
{
	Allocator::release(Allocator::allocate(STEP), STEP);
}

/*
 * Two threads allocate at the same time, and each frees what the other has
 * allocated: in between the sum must be that of the blocks, and in the end what
 * it was.
 */
template <class Allocator>
static std::string check_blocks(team &threads, int64_t slack)
{
	enum { BLOCKS = 20000 };
	using blocks = std::vector<std::pair<void *, size_t>>;
	std::array<blocks, 2> held = { blocks(BLOCKS), blocks(BLOCKS) };
	int64_t wanted = 0, begin, got;

	begin = Allocator::read();
	threads.run(2, [&](int me) {
		chance random = { static_cast<uint64_t>(me) + 1 };

		for (auto &block : held[me]) {
			block.second = block_size(random.next());
			block.first = Allocator::allocate(block.second);
		}
	});
	got = Allocator::read() - begin;
	for (auto &mine : held)
		for (auto &block : mine)
			wanted += Allocator::counts(block.first, block.second);
	std::string wrong;
	if (!near(wanted, got, slack))
		wrong = off_by("two threads have allocated", wanted, got);
	threads.run(2, [&](int me) {
		for (auto &block : held[1 - me])
			Allocator::release(block.first, block.second);
	});
	got = Allocator::read() - begin;
	if (wrong.empty() && Allocator::falls && !near(0, got, slack))
		wrong = off_by("each has freed the other's", 0, got);
	return wrong;
}

/* Two threads charge at the same time; each refunds what the other charged. */
template <class Way> static std::string check_updates(team &threads)
{
	using all = counter_loops<Way>;
	const int64_t times[] = { 100000, 70000 };
	int64_t begin = all::read(), got;

	threads.run(2, [&](int me) {
		for (int64_t i = 0; i < times[me]; i++)
			all::self.way.charge(1 + i % 512);
	});
	int64_t wanted = 0;
	for (int64_t n : times)
		for (int64_t i = 0; i < n; i++)
			wanted += 1 + i % 512;
	got = all::read() - begin;
	if (!near(wanted, got, Way::slack))
		return off_by("two threads have charged", wanted, got);
	threads.run(2, [&](int me) {
		for (int64_t i = 0; i < times[1 - me]; i++)
			all::self.way.refund(1 + i % 512);
	});
	got = all::read() - begin;
	if (!near(0, got, Way::slack))
		return off_by("each has refunded the other's", 0, got);
	return "";
}

template <class Way> static std::string check_counter(team &threads)
{
	std::string wrong = check_updates<Way>(threads);

	if (!wrong.empty())
		return wrong;
	return check_blocks<counter_loops<Way>>(threads, Way::slack);
}

template <class Allocator> static std::string check_allocator(team &threads)
{
	return check_blocks<Allocator>(threads, Allocator::slack);
}

/* A way of counting: all jobs. */
template <class Way> static variant counter_variant(const facts &about)
{
	using all = counter_loops<Way>;

	return { about,
		 { all::update, all::call, all::work, pairs<all>, reads<all> },
		 all::touch,
		 check_counter<Way> };
}

/* An allocator that counts: pairs and reads. */
template <class Allocator> static variant allocator_variant(const facts &about)
{
	return { about,
		 { nullptr, nullptr, nullptr, pairs<Allocator>,
		   reads<Allocator> },
		 touch<Allocator>,
		 check_allocator<Allocator> };
}

#endif /* PORTER_PEERS_LOOPS_H */
