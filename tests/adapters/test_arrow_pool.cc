/* SPDX-License-Identifier: MIT */
/*
 * test_arrow_pool.cc: Arrow C++ on an allocator, beside Arrow's own numbers.
 *
 *	Arrow --> arrow::ProxyMemoryPool --> porter::arrow_pool --> picky
 *	          Arrow's statistics         ours
 *
 * Arrow's proxy passes every call on and counts it by the code that all of
 * Arrow's pools count by; so both have seen the same calls. And a real pool of
 * Arrow's, by itself, is given the same to do in the same run: its counters
 * must have the same numbers.
 */
#include <portermem/adapt-arrow.hpp>

#include "adapters/arrow_jobs.hpp"
#include "adapters/tap.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The four numbers of a pool. */
struct numbers {
	explicit numbers(const arrow::MemoryPool &pool)
	    : bytes(pool.bytes_allocated()), most(pool.max_memory()),
	      total(pool.total_bytes_allocated()), count(pool.num_allocations())
	{
	}
	bool operator==(const numbers &other) const
	{
		return bytes == other.bytes && most == other.most &&
		       total == other.total && count == other.count;
	}
	int64_t bytes, most, total, count;
};

static std::ostream &operator<<(std::ostream &out, const numbers &n)
{
	return out << n.bytes << " bytes, most " << n.most << ", total "
		   << n.total << ", " << n.count << " allocations";
}

/* Blocks at random in a pool, with all that a caller may ask for. */
class blocks
{
      public:
	/* Arrow's own blocks of 0 bytes are one, of Arrow's alignment. */
	explicit blocks(arrow::MemoryPool *pool, uint64_t seed,
			bool empty_are_aligned = true)
	    : pool_(pool), state_(seed), empty_are_aligned_(empty_are_aligned)
	{
	}
	~blocks()
	{
		for (auto &block : all_)
			pool_->Free(block.ptr, block.size, block.alignment);
	}
	void step()
	{
		size_t at = all_.empty() ? 0 :
					   random_below(&state_, all_.size());

		switch (random_below(&state_, all_.size() > 40 ? 5 : 3)) {
		case 0:
		case 1:
			allocate();
			break;
		case 2:
			if (!all_.empty())
				reallocate(all_[at]);
			break;
		default:
			pool_->Free(all_[at].ptr, all_[at].size,
				    all_[at].alignment);
			all_[at] = all_.back();
			all_.pop_back();
		}
	}

      private:
	struct block {
		uint8_t *ptr;
		int64_t size, alignment;
	};

	/* Often 0, often as before, and up to some pages. */
	int64_t size()
	{
		return random_below(&state_, 4) ?
			       int64_t(random_below(&state_, 9000)) :
			       0;
	}
	void allocate()
	{
		block b = { nullptr, size(),
			    int64_t(16) << random_below(&state_, 5) };

		jobs::check(pool_->Allocate(b.size, b.alignment, &b.ptr));
		EXPECT(b.ptr);
		if (b.size || empty_are_aligned_)
			EXPECT_EQUAL(reinterpret_cast<uintptr_t>(b.ptr) %
					     uintptr_t(b.alignment),
				     0u);
		if (b.size)
			b.ptr[0] = b.ptr[b.size - 1] = uint8_t(b.size);
		all_.push_back(b);
	}
	void reallocate(block &b)
	{
		int64_t to = random_below(&state_, 4) ? size() : b.size;
		uint8_t first = b.size ? b.ptr[0] : 0;

		jobs::check(pool_->Reallocate(b.size, to, b.alignment, &b.ptr));
		EXPECT(!b.size || !to || b.ptr[0] == first);
		b.size = to;
		if (b.size)
			b.ptr[0] = b.ptr[b.size - 1] = uint8_t(b.size);
	}

	arrow::MemoryPool *pool_;
	uint64_t state_;
	bool empty_are_aligned_;
	std::vector<block> all_;
};

static void equals_arrow_call_by_call()
{
	const uint64_t seed = random_seed();
	tap::tracked_picky p;
	porter::arrow_pool pool(p.get());
	arrow::ProxyMemoryPool proxy(&pool);
	auto own = arrow::MemoryPool::CreateDefault();
	{
		blocks b(&proxy, seed), same(own.get(), seed, false);

		for (size_t i = 0; i < 5000; i++) {
			b.step();
			same.step();
			EXPECT_EQUAL(numbers(pool), numbers(proxy));
			EXPECT_EQUAL(numbers(pool), numbers(*own));
		}
		EXPECT(pool.bytes_allocated() > 0);
		EXPECT_EQUAL(pool.bytes_allocated(), p.bytes());
		EXPECT_EQUAL(pool.bytes_allocated(),
			     porter_bytes_used(pool.tracked()));
	}
	EXPECT_EQUAL(numbers(pool), numbers(proxy));
	EXPECT_EQUAL(numbers(pool), numbers(*own));
	EXPECT_EQUAL(pool.bytes_allocated(), 0);
	EXPECT(pool.max_memory() > 10000);
}

static void refusals_are_arrows_and_not_counted()
{
	tap::tracked_picky p;
	porter::arrow_pool pool(p.get());
	arrow::ProxyMemoryPool proxy(&pool);
	arrow::MemoryPool *own = arrow::system_memory_pool();
	uint8_t *ptr = nullptr, *before, *of_own;

	jobs::check(own->Allocate(10, &of_own));
	jobs::check(proxy.Allocate(10, &ptr));
	before = ptr;
	for (int64_t size : { int64_t(-1), INT64_MIN, INT64_MAX }) {
		uint8_t *none;

		EXPECT_EQUAL(proxy.Allocate(size, &none).CodeAsString(),
			     own->Allocate(size, &none).CodeAsString());
		EXPECT_EQUAL(proxy.Reallocate(10, size, &ptr).CodeAsString(),
			     own->Reallocate(10, size, &of_own).CodeAsString());
		EXPECT_EQUAL(ptr, before);
	}
	p.below.fail_at = p.below.requests + 1;
	EXPECT(proxy.Reallocate(10, 1000, &ptr).IsOutOfMemory());
	EXPECT_EQUAL(ptr, before);
	EXPECT(pool.Allocate(10, 48, &ptr).IsInvalid());
	EXPECT(pool.Allocate(10, -64, &ptr).IsInvalid());
	EXPECT_EQUAL(numbers(pool), numbers(proxy));
	EXPECT_EQUAL(pool.num_allocations(), 1);
	proxy.Free(before, 10);
	own->Free(of_own, 10);
	EXPECT_EQUAL(p.bytes(), 0);
}

/* ---- Jobs ---- */

/* In one thread a job asks for the same each time, whoever serves it. */
template <class Job> static void equals_arrow_in(Job job)
{
	auto own = arrow::MemoryPool::CreateDefault();
	tap::tracked_picky p;
	porter::arrow_pool pool(p.get());
	arrow::ProxyMemoryPool proxy(&pool);

	job.run(own.get());
	auto of_own = job.table;
	numbers peak_of_own(*own);
	job.run(&proxy);
	EXPECT(job.table->Equals(*of_own));
	EXPECT(pool.bytes_allocated() > 0);
	EXPECT_EQUAL(numbers(pool), numbers(proxy));
	EXPECT_EQUAL(numbers(pool), peak_of_own);
	EXPECT_EQUAL(pool.bytes_allocated(), p.bytes());
	of_own.reset();
	job.clear();
	EXPECT_EQUAL(numbers(pool), numbers(proxy));
	EXPECT_EQUAL(numbers(pool), numbers(*own));
	EXPECT_EQUAL(pool.bytes_allocated(), 0);
	EXPECT_EQUAL(p.bytes(), 0);
}

static void equals_arrow_building_a_table()
{
	equals_arrow_in(jobs::build_table(20000));
}

static void equals_arrow_reading_csv()
{
	equals_arrow_in(jobs::read_csv(jobs::csv_text(20000), false, 30000));
}

static void equals_arrow_with_parquet()
{
	equals_arrow_in(jobs::parquet_and_back(20000));
}

/*
 * With threads it depends on chance what is asked for, and the peak. For the
 * same calls all but the peak are the same; for the same job, what is left in
 * the end, its table.
 */
static void equals_arrow_reading_csv_in_threads()
{
	porter_tracked *t = porter_tracked_new(nullptr);
	{
		porter::arrow_pool pool(porter_tracked_allocator(t));
		arrow::ProxyMemoryPool proxy(&pool);
		auto own = arrow::MemoryPool::CreateDefault();
		jobs::read_csv job(jobs::csv_text(50000), true, 40000);

		for (int i = 0; i < 5; i++) {
			job.run(own.get());
			auto of_own = job.table;
			job.run(&proxy);
			EXPECT(job.table->Equals(*of_own));
			/* Arrow's threads may hold something a moment longer */
			for (int j = 0;
			     j < 1000000 &&
			     pool.bytes_allocated() != own->bytes_allocated();
			     j++)
				std::this_thread::yield();
			EXPECT_EQUAL(pool.bytes_allocated(),
				     own->bytes_allocated());
			of_own.reset();
			EXPECT_EQUAL(job.table->num_rows(), 50000);
			EXPECT(pool.bytes_allocated() > 1000000);
			EXPECT(pool.max_memory() >= pool.bytes_allocated());
			job.clear();
			jobs::settle(pool);
			EXPECT_EQUAL(pool.bytes_allocated(), 0);
			EXPECT_EQUAL(pool.bytes_allocated(),
				     proxy.bytes_allocated());
			EXPECT_EQUAL(pool.total_bytes_allocated(),
				     proxy.total_bytes_allocated());
			EXPECT_EQUAL(pool.num_allocations(),
				     proxy.num_allocations());
		}
	}
	EXPECT_EQUAL(left_at_destroy(t), 0);
}

static void counts_right_under_threads()
{
	porter::arrow_pool pool;
	arrow::ProxyMemoryPool proxy(&pool);

	tap::in_threads(4, [&](unsigned i) {
		blocks b(&proxy, i);

		for (int j = 0; j < 20000; j++)
			b.step();
	});
	EXPECT_EQUAL(pool.bytes_allocated(), 0);
	EXPECT_EQUAL(pool.total_bytes_allocated(),
		     proxy.total_bytes_allocated());
	EXPECT_EQUAL(pool.num_allocations(), proxy.num_allocations());
	EXPECT(pool.max_memory() > 0);
}

/* ---- Without memory ---- */

/*
 * The n-th request fails, and nothing is lost. Whether it was made at all: then
 * Arrow says so, or has put up with it.
 */
template <class Job> static bool refused_at(Job &job, size_t n)
{
	tap::tracked_picky p;
	porter::arrow_pool pool(p.get());
	bool reported = false;

	p.below.fail_at = n;
	try {
		job.run(&pool);
	} catch (const std::exception &) {
		reported = true;
	}
	job.clear();
	jobs::settle(pool);
	EXPECT_EQUAL(p.bytes(), 0);
	EXPECT(!reported || p.stats().failures == 1);
	return p.stats().failures != 0;
}

static void a_table_survives_every_refusal()
{
	jobs::build_table job(500);
	size_t n = 1;

	while (refused_at(job, n))
		n++;
	EXPECT(n > 10);
}

/*
 * Some refusals Arrow does not survive: its CSV parser ends the process for
 * one of its buffers, Parquet's encoder of dictionaries reads a table that it
 * did not get. So each refusal gets a process; and one that dies must die with
 * a pool of Arrow's own as well, which refuses the same request.
 */
class refusing_pool final : public arrow::ProxyMemoryPool
{
      public:
	explicit refusing_pool(size_t n)
	    : ProxyMemoryPool(arrow::system_memory_pool()), left_(n)
	{
	}
	arrow::Status Allocate(int64_t size, int64_t alignment,
			       uint8_t **out) override
	{
		return --left_ == 0 ?
			       arrow::Status::OutOfMemory("refused") :
			       ProxyMemoryPool::Allocate(size, alignment, out);
	}
	arrow::Status Reallocate(int64_t old_size, int64_t new_size,
				 int64_t alignment, uint8_t **ptr) override
	{
		return --left_ == 0 ?
			       arrow::Status::OutOfMemory("refused") :
			       ProxyMemoryPool::Reallocate(old_size, new_size,
							   alignment, ptr);
	}

      private:
	size_t left_;
};

enum { REFUSED = 11, NOT_REFUSED = 12, FAILED = 13 };

template <class Job> struct attempt {
	Job job;
	size_t n;

	static void with_ours(void *arg)
	{
		attempt *a = static_cast<attempt *>(arg);

		limit_time();
		try {
			_exit(refused_at(a->job, a->n) ? REFUSED : NOT_REFUSED);
		} catch (const tap::failed &f) {
			std::cerr << f.why;
			_exit(FAILED);
		}
	}

	/* A table that it did not get may be searched for ever. */
	static void limit_time()
	{
		const rlimit seconds = { 3, 3 };

		setrlimit(RLIMIT_CPU, &seconds);
	}

	static void with_arrows_own(void *arg)
	{
		attempt *a = static_cast<attempt *>(arg);
		refusing_pool pool(a->n);

		limit_time();
		try {
			a->job.run(&pool);
		} catch (const std::exception &e) {
			_exit(REFUSED);
		}
		_exit(NOT_REFUSED); /* or put up with */
	}
};

/* REFUSED and so on, or 0 when it ended by a signal or a sanitizer. */
static int end_of(const child_end &end)
{
	int status = WIFEXITED(end.status) ? WEXITSTATUS(end.status) : 0;

	return status >= REFUSED && status <= FAILED ? status : 0;
}

template <class Job> static void survives_what_arrow_survives(Job job)
{
	attempt<Job> a = { std::move(job), 0 };
	size_t survived = 0, died = 0;

	for (;;) {
		a.n++;
		child_end ours = in_child(a.with_ours, &a);

		if (end_of(ours) == NOT_REFUSED)
			break;
		if (end_of(ours) == REFUSED) {
			survived++;
			continue;
		}
		if (end_of(ours) == FAILED ||
		    end_of(in_child(a.with_arrows_own, &a)) != 0)
			tap::end_test(__FILE__, __LINE__,
				      "request " + std::to_string(a.n) + ": " +
					      ours.text);
		died++;
	}
	std::cout << "# " << survived << " refusals survived, " << died
		  << " that Arrow survives with no pool\n";
	EXPECT(survived > 2 * died);
}

static void parquet_survives_what_it_can()
{
	survives_what_arrow_survives(jobs::parquet_and_back(500));
}

static void csv_survives_what_it_can()
{
	survives_what_arrow_survives(
		jobs::read_csv(jobs::csv_text(200), false, 2000));
}

/* ---- The pool itself ---- */

static void the_peak_may_be_left_out()
{
	porter::arrow_pool pool(nullptr, porter::arrow_pool::peak::unknown);
	uint8_t *ptr = nullptr;

	jobs::check(pool.Allocate(100, &ptr));
	EXPECT_EQUAL(pool.max_memory(), -1);
	EXPECT_EQUAL(pool.bytes_allocated(), 100);
	pool.Free(ptr, 100);
	EXPECT_EQUAL(pool.max_memory(), -1);
}

/* While a block is being freed, another thread allocates. */
class busy_free : public porter_allocator
{
      public:
	busy_free()
	{
		static const porter_allocator_vtable table = {
			sizeof(table), "busy",	allocate_, reallocate_,
			free_,	       nullptr, nullptr,
		};

		vtable = &table;
	}
	arrow::MemoryPool *pool = nullptr;
	uint8_t *other = nullptr;

      private:
	static void *allocate_(porter_allocator *, size_t size,
			       size_t alignment)
	{
		return porter_allocate_aligned(porter_backend("system"), size,
					       alignment);
	}
	static void *reallocate_(porter_allocator *, void *ptr, size_t old_size,
				 size_t new_size, size_t alignment)
	{
		return porter_reallocate_aligned(porter_backend("system"), ptr,
						 old_size, new_size, alignment);
	}
	static void free_(porter_allocator *self, void *ptr, size_t size,
			  size_t alignment)
	{
		busy_free *b = static_cast<busy_free *>(self);

		if (!b->other)
			std::thread([b] {
				jobs::check(b->pool->Allocate(50, &b->other));
			}).join();
		porter_free_aligned(porter_backend("system"), ptr, size,
				    alignment);
	}
};

static void the_peak_has_what_is_being_freed()
{
	busy_free below;
	porter::arrow_pool pool(&below);
	uint8_t *ptr = nullptr;

	below.pool = &pool;
	jobs::check(pool.Allocate(100, &ptr));
	pool.Free(ptr, 100);
	EXPECT_EQUAL(pool.max_memory(), 150);
	pool.Free(below.other, 50);
	EXPECT_EQUAL(pool.bytes_allocated(), 0);
}

static void names_and_release_go_down()
{
	tap::tracked_picky p;
	porter::arrow_pool pool(&p.below.base), plain;

	EXPECT_EQUAL(pool.backend_name(), "picky");
	EXPECT_EQUAL(plain.backend_name(), "system");
	pool.ReleaseUnused();
	EXPECT_EQUAL(p.below.releases, 1u);
}

int main()
{
#if WITH_TSAN
	std::cout << "1..0 # SKIP Arrow is compiled without ThreadSanitizer\n";
	return 0;
#endif
	return tap::run({
		{ "equals_arrow_call_by_call", equals_arrow_call_by_call },
		{ "refusals_are_arrows_and_not_counted",
		  refusals_are_arrows_and_not_counted },
		{ "equals_arrow_building_a_table",
		  equals_arrow_building_a_table },
		{ "equals_arrow_reading_csv", equals_arrow_reading_csv },
		{ "equals_arrow_with_parquet", equals_arrow_with_parquet },
		{ "equals_arrow_reading_csv_in_threads",
		  equals_arrow_reading_csv_in_threads },
		{ "counts_right_under_threads", counts_right_under_threads },
		{ "a_table_survives_every_refusal",
		  a_table_survives_every_refusal },
		{ "parquet_survives_what_it_can",
		  parquet_survives_what_it_can },
		{ "csv_survives_what_it_can", csv_survives_what_it_can },
		{ "the_peak_may_be_left_out", the_peak_may_be_left_out },
		{ "the_peak_has_what_is_being_freed",
		  the_peak_has_what_is_being_freed },
		{ "names_and_release_go_down", names_and_release_go_down },
	});
}
