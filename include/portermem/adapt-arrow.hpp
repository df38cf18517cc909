/* SPDX-License-Identifier: MIT */
/*
 * adapt-arrow.hpp: Arrow C++ on an allocator, and an allocator on Arrow C++.
 *
 *	porter::arrow_pool          an arrow::MemoryPool on a porter_allocator
 *	porter::arrow_allocator     a porter_allocator on an arrow::MemoryPool
 *
 *	c++ file.cc $(pkg-config --cflags --libs portermem arrow)
 *
 *	porter::arrow_pool pool;
 *	auto table = arrow::csv::TableReader::Make(
 *		arrow::io::IOContext(&pool), ...)
 *	pool.bytes_allocated()
 *
 * Tested with Arrow 21. The header needs the version of C++ that Arrow needs.
 * Threads: safe, as the pools of Arrow are.
 */
#ifndef PORTER_ADAPT_ARROW_HPP
#define PORTER_ADAPT_ARROW_HPP

#include <portermem/tracked.h>

#include <arrow/memory_pool.h>
#include <arrow/status.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

/* Where a program is compiled without exceptions there is nothing to catch. */
#ifdef __cpp_exceptions
#define PORTER_ARROW_TRY try
#define PORTER_ARROW_CATCH catch (...)
#else
#define PORTER_ARROW_TRY if (true)
#define PORTER_ARROW_CATCH else
#endif

namespace porter
{

/* Not for programs. */
namespace detail
{

[[noreturn]] inline void no_memory_for_pool()
{
#ifdef __cpp_exceptions
	throw std::bad_alloc();
#else
	(std::abort)();
#endif
}

/*
 * The largest number of bytes that were in use at one time, exactly, as the pools of
 * Arrow keep it. Every update changes one sum, so all threads write one cache line.
 * All other numbers are kept in the cells of the threads.
 */
class arrow_peak
{
      public:
	void add(int64_t bytes) noexcept
	{
		int64_t now = now_.fetch_add(bytes, std::memory_order_relaxed) +
			      bytes;
		int64_t most = most_.load(std::memory_order_relaxed);

		while (most < now &&
		       !most_.compare_exchange_weak(most, now,
						    std::memory_order_relaxed))
			;
	}
	void subtract(int64_t bytes) noexcept
	{
		now_.fetch_sub(bytes, std::memory_order_relaxed);
	}
	int64_t get() const noexcept
	{
		return most_.load(std::memory_order_relaxed);
	}

      private:
	alignas(64) std::atomic<int64_t> now_{ 0 };
	std::atomic<int64_t> most_{ 0 };
};

} /* namespace detail */

/*
 * A memory pool with a tracker of its own, which wraps an allocator. To have the pool
 * count in a tracker of the program, too, pass the allocator of that tracker:
 *
 *	porter::arrow_pool pool(porter_tracked_allocator(tracker));
 *
 * Any number of pools may share it, and its limit applies to all of them. The
 * statistics of the pool have the meaning and the values of those of Arrow's pools:
 *
 *	bytes_allocated()	bytes in use, as requested
 *	total_bytes_allocated()	bytes allocated in all, including the growth of
 *				reallocated blocks
 *	num_allocations()	blocks allocated in all, and reallocations that grew
 *	max_memory()		the most bytes in use at one time; -1: unknown
 *	backend_name()		the name of the allocator
 *
 * The pool must outlive everything that is allocated from it, and the allocator must
 * outlive the pool. A thread of Arrow may hold a buffer slightly longer than the job
 * that it worked for. So destroy the pool of a job when bytes_allocated() is 0, not when
 * the job returns.
 */
class arrow_pool final : public arrow::MemoryPool
{
      public:
	/* Whether the pool keeps the peak; then all threads write one line. */
	enum class peak { kept, unknown };

	/*
	 * NULL means the system backend. Without memory it throws
	 * std::bad_alloc; a program that is compiled without exceptions
	 * ends by std::abort().
	 */
	explicit arrow_pool(porter_allocator *below = nullptr,
			    peak keep = peak::kept)
	    : below_(below ? below : porter_backend("system")),
	      keeps_peak_(keep == peak::kept),
	      tracked_(porter_tracked_new(below_)),
	      not_counted_(porter_counter_new())
	{
		if (tracked_ && not_counted_)
			return;
		porter_tracked_destroy(tracked_, nullptr);
		porter_counter_destroy(not_counted_);
		detail::no_memory_for_pool();
	}

	~arrow_pool() override
	{
		porter_tracked_destroy(tracked_, nullptr);
		porter_counter_destroy(not_counted_);
	}

	arrow_pool(const arrow_pool &) = delete;
	arrow_pool &operator=(const arrow_pool &) = delete;

	/* For bounds that are certified and all else that trackers tell. */
	porter_tracked *tracked() const noexcept
	{
		return tracked_;
	}

	using arrow::MemoryPool::Allocate;
	using arrow::MemoryPool::Free;
	using arrow::MemoryPool::Reallocate;

	arrow::Status Allocate(int64_t size, int64_t alignment,
			       uint8_t **out) override
	{
		void *block;

		if (size < 0)
			return arrow::Status::Invalid("negative malloc size");
		block = porter_allocate_aligned(allocator(), bytes(size),
						bytes(alignment));
		if (!block)
			return refused("malloc", size);
		if (keeps_peak_)
			peak_.add(size);
		*out = static_cast<uint8_t *>(block);
		return arrow::Status::OK();
	}

	arrow::Status Reallocate(int64_t old_size, int64_t new_size,
				 int64_t alignment, uint8_t **ptr) override
	{
		void *block;

		if (new_size < 0)
			return arrow::Status::Invalid("negative realloc size");
		block = porter_reallocate_aligned(
			allocator(), *ptr, bytes(old_size), bytes(new_size),
			bytes(alignment));
		if (!block)
			return refused("realloc", new_size);
		/* To 0 bytes, it is an allocation; else, a reallocation. */
		if (new_size <= old_size)
			porter_counter_add(not_counted_, 1);
		if (keeps_peak_ && new_size > old_size)
			peak_.add(new_size - old_size);
		else if (keeps_peak_)
			peak_.subtract(old_size - new_size);
		*ptr = static_cast<uint8_t *>(block);
		return arrow::Status::OK();
	}

	void Free(uint8_t *buffer, int64_t size, int64_t alignment) override
	{
		porter_free_aligned(allocator(), buffer, bytes(size),
				    bytes(alignment));
		/* Now it is gone: the peak is never low. */
		if (keeps_peak_ && buffer)
			peak_.subtract(size);
	}

	void ReleaseUnused() override
	{
		porter_release_unused(allocator());
	}

	int64_t bytes_allocated() const override
	{
		return porter_bytes_used(tracked_);
	}

	int64_t max_memory() const override
	{
		return keeps_peak_ ? peak_.get() : -1;
	}

	int64_t total_bytes_allocated() const override
	{
		return static_cast<int64_t>(stats().total_allocated);
	}

	int64_t num_allocations() const override
	{
		/* First what is taken off, so that it never goes below 0. */
		int64_t less = porter_counter_sum(not_counted_);
		porter_stats s = stats();

		return static_cast<int64_t>(s.allocations + s.reallocations) -
		       less;
	}

	std::string backend_name() const override
	{
		return below_->vtable->name;
	}

      private:
	porter_allocator *allocator() const noexcept
	{
		return porter_tracked_allocator(tracked_);
	}

	porter_stats stats() const noexcept
	{
		porter_stats s = PORTER_STATS_INIT;

		porter_tracked_stats(tracked_, &s);
		return s;
	}

	/* What does not fit becomes too large, or no power of two. */
	static size_t bytes(int64_t n) noexcept
	{
		return static_cast<uint64_t>(n) > SIZE_MAX ?
			       SIZE_MAX :
			       static_cast<size_t>(n);
	}

	static arrow::Status refused(const char *what, int64_t size)
	{
		if (errno == EINVAL)
			return arrow::Status::Invalid(
				what, ": the alignment is no power of two");
		return arrow::Status::OutOfMemory(what, " of size ", size,
						  " failed");
	}

	porter_allocator *const below_;
	const bool keeps_peak_;
	porter_tracked *const tracked_;
	porter_counter *const not_counted_;
	detail::arrow_peak peak_;
};

/*
 * An allocator that uses a memory pool of Arrow. A tracker can wrap it. The class is
 * derived from porter_allocator, so &allocator is a porter_allocator *. The pool must
 * outlive its blocks.
 *
 * An alignment below 64 bytes, which is that of Arrow, becomes 64. The statistics of the
 * pool agree with those of a tracker that wraps the allocator, except that a
 * reallocation to 0 bytes counts as an allocation in the tracker.
 */
class arrow_allocator : public porter_allocator
{
      public:
	explicit arrow_allocator(
		arrow::MemoryPool *pool = arrow::default_memory_pool()) noexcept
	    : porter_allocator(), pool_(pool)
	{
		static const porter_allocator_vtable table = {
			sizeof(table), "arrow",	 allocate_, reallocate_,
			free_,	       release_, nullptr,
		};

		vtable = &table;
	}

	arrow::MemoryPool *pool() const noexcept
	{
		return pool_;
	}

      private:
	static arrow::MemoryPool *pool_of(porter_allocator *self) noexcept
	{
		return static_cast<arrow_allocator *>(self)->pool_;
	}

	static int64_t at_least(size_t alignment) noexcept
	{
		return alignment < 64 ? 64 : static_cast<int64_t>(alignment);
	}

	static void *allocate_(porter_allocator *self, size_t size,
			       size_t alignment) noexcept
	{
		uint8_t *block;

		PORTER_ARROW_TRY
		{
			if (pool_of(self)
				    ->Allocate(static_cast<int64_t>(size),
					       at_least(alignment), &block)
				    .ok())
				return block;
		}
		PORTER_ARROW_CATCH
		{
			/* Without memory for what it would report. */
		}
		errno = ENOMEM;
		return nullptr;
	}

	static void *reallocate_(porter_allocator *self, void *ptr,
				 size_t old_size, size_t new_size,
				 size_t alignment) noexcept
	{
		uint8_t *block = static_cast<uint8_t *>(ptr);

		PORTER_ARROW_TRY
		{
			if (pool_of(self)
				    ->Reallocate(static_cast<int64_t>(old_size),
						 static_cast<int64_t>(new_size),
						 at_least(alignment), &block)
				    .ok())
				return block;
		}
		PORTER_ARROW_CATCH
		{
			/* As above; the block is as it was. */
		}
		errno = ENOMEM;
		return nullptr;
	}

	static void free_(porter_allocator *self, void *ptr, size_t size,
			  size_t alignment) noexcept
	{
		pool_of(self)->Free(static_cast<uint8_t *>(ptr),
				    static_cast<int64_t>(size),
				    at_least(alignment));
	}

	static void release_(porter_allocator *self) noexcept
	{
		pool_of(self)->ReleaseUnused();
	}

	arrow::MemoryPool *pool_;
};

} /* namespace porter */

#undef PORTER_ARROW_TRY
#undef PORTER_ARROW_CATCH

#endif /* PORTER_ADAPT_ARROW_HPP */
