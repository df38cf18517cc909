/* SPDX-License-Identifier: MIT */
/*
 * adapt-pmr.hpp: the containers of C++ on an allocator.
 *
 *	porter::allocator<T>        for std::vector and its like; C++11
 *	porter::memory_resource     for std::pmr::vector and its like; C++17
 *
 *	c++ file.cc $(pkg-config --cflags --libs portermem)
 *
 *	porter_tracked *t = porter_tracked_new(nullptr);
 *	porter::memory_resource parts(porter_tracked_allocator(t));
 *	std::pmr::vector<std::pmr::string> names(&parts);
 *	...
 *	porter_bytes_used(t)
 *
 * Both contain only the pointer to the allocator. The caller still owns the
 * allocator, which must outlive the containers.
 *
 * Containers pass the size of a block when they free the block, so blocks have no
 * header. The tracker counts what the container requests. Types with an alignment
 * above that of malloc get blocks with their alignment.
 *
 * If the allocator has no memory or a limit refuses, both throw std::bad_alloc, and
 * the container is in the state that the standard describes. In a program that is
 * compiled without exceptions they call std::abort().
 *
 * Threads: safe if the allocator is; all allocators of the library are.
 */
#ifndef PORTER_ADAPT_PMR_HPP
#define PORTER_ADAPT_PMR_HPP

#include <portermem/allocator.h>

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

#if __cplusplus >= 201703L
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif
#endif

namespace porter
{

/* Not for programs. */
namespace detail
{

/* The alignment of a request: at least that of malloc, which is the fastest. */
inline std::size_t alignment_at_least(std::size_t alignment) noexcept
{
	return alignment < PORTER_ALIGNMENT ? PORTER_ALIGNMENT : alignment;
}

[[noreturn]] inline void no_memory()
{
#ifdef __cpp_exceptions
	throw std::bad_alloc();
#else
	(std::abort)();
#endif
}

inline void *allocate_or_throw(porter_allocator *a, std::size_t size,
			       std::size_t alignment)
{
	void *block =
		porter_allocate_aligned(a, size, alignment_at_least(alignment));

	if (!block)
		no_memory();
	return block;
}

} /* namespace detail */

/*
 * An allocator for the containers of the standard library. Two of them are equal if
 * they use the same porter_allocator. When a container is moved or swapped, its
 * allocator moves with its blocks. A container that is copied to keeps its own
 * allocator.
 */
template <class T> class allocator
{
      public:
	typedef T value_type;
	typedef std::true_type propagate_on_container_move_assignment;
	typedef std::true_type propagate_on_container_swap;
	typedef std::false_type is_always_equal;

	/* On the default allocator of the process, porter_get_allocator(). */
	allocator() noexcept : on_(porter_get_allocator())
	{
	}

	/* Not explicit, so that a program can pass the pointer to a container. */
	allocator(porter_allocator *a) noexcept : on_(a)
	{
	}

	template <class U>
	allocator(const allocator<U> &other) noexcept : on_(other.get())
	{
	}

	T *allocate(std::size_t n)
	{
		if (n > std::numeric_limits<std::size_t>::max() / sizeof(T))
			detail::no_memory();
		return static_cast<T *>(detail::allocate_or_throw(
			on_, n * sizeof(T), alignof(T)));
	}

	void deallocate(T *ptr, std::size_t n) noexcept
	{
		porter_free_aligned(on_, ptr, n * sizeof(T),
				    detail::alignment_at_least(alignof(T)));
	}

	/* The allocator that it uses. */
	porter_allocator *get() const noexcept
	{
		return on_;
	}

      private:
	porter_allocator *on_;
};

template <class T, class U>
bool operator==(const allocator<T> &a, const allocator<U> &b) noexcept
{
	return a.get() == b.get();
}

template <class T, class U>
bool operator!=(const allocator<T> &a, const allocator<U> &b) noexcept
{
	return !(a == b);
}

#ifdef __cpp_lib_memory_resource
/*
 * A memory resource. Two of them are equal if they use the same porter_allocator;
 * then containers can exchange their blocks. In a program that is compiled without
 * RTTI a memory resource cannot find out the type of another one. There each is equal
 * only to itself, and containers move their elements one by one.
 */
class memory_resource final : public std::pmr::memory_resource
{
      public:
	/* On the default allocator of the process, porter_get_allocator(). */
	memory_resource() noexcept : on_(porter_get_allocator())
	{
	}

	explicit memory_resource(porter_allocator *a) noexcept : on_(a)
	{
	}

	/* The allocator that it uses. */
	porter_allocator *get() const noexcept
	{
		return on_;
	}

      private:
	void *do_allocate(std::size_t size, std::size_t alignment) override
	{
		return detail::allocate_or_throw(on_, size, alignment);
	}

	void do_deallocate(void *ptr, std::size_t size,
			   std::size_t alignment) override
	{
		porter_free_aligned(on_, ptr, size,
				    detail::alignment_at_least(alignment));
	}

	bool do_is_equal(
		const std::pmr::memory_resource &other) const noexcept override
	{
#ifdef __cpp_rtti
		const memory_resource *same =
			dynamic_cast<const memory_resource *>(&other);

		return same && same->on_ == on_;
#else
		return this == &other;
#endif
	}

	porter_allocator *on_;
};
#endif /* __cpp_lib_memory_resource */

} /* namespace porter */

#endif /* PORTER_ADAPT_PMR_HPP */
