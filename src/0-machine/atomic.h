/* SPDX-License-Identifier: MIT */
/*
 * atomic.h: every atomic access of the library, by what it is for.
 *
 * Four kinds of words exist:
 *
 *	a cell's word	written by its owner alone, read by everybody:
 *			word_add(), word_add_release(), word_load()
 *	a shared word	written by anybody: shared_add()
 *	a pointer	to what was filled before it was published:
 *			store_release(), load_acquire()
 *	a plain word	whose order others see to: load_relaxed(),
 *			store_relaxed()
 *
 * word_add() is the reason for this file. It must be
 *
 *	1. one instruction, or a sequence that restarts, so that a signal
 *	   handler which counts in the middle of an update loses nothing and
 *	   has nothing lost: a compiler splits a relaxed load, add and store;
 *	2. without a lock prefix, since nobody else writes the word;
 *	3. never torn for a reader: an aligned 64-bit store.
 *
 * On x86-64 that is `addq` to memory. It is not atomic against other writers,
 * of which there are none, and its store is one aligned 8-byte access. x86-64
 * keeps stores in order, so word_add_release() is the same instruction; the
 * "memory" clobber holds the compiler back.
 *
 * On other machines it is the atomic add of the machine, relaxed or release:
 * `stadd`/`staddl` on arm64 with LSE, else a load-exclusive loop, which a
 * signal restarts. ThreadSanitizer cannot look into assembly, so it gets that
 * one too.
 */
#ifndef PORTER_ATOMIC_H
#define PORTER_ATOMIC_H

#include <stdint.h>

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* Kept out of its caller, so that the caller's fast path needs no frame. */
#define SEPARATE __attribute__((noinline))
#define SLOW_PATH __attribute__((noinline, cold))

#if defined(__SANITIZE_THREAD__)
#define PORTER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PORTER_TSAN 1
#endif
#endif

#if defined(__x86_64__) && !defined(PORTER_TSAN)

static inline void word_add(uint64_t *word, uint64_t n)
{
	__asm__ volatile("addq %1, %0"
			 : "+m"(*word)
			 : "er"(n)
			 : "cc", "memory");
}

static inline void word_add_release(uint64_t *word, uint64_t n)
{
	word_add(word, n);
}

#else

static inline void word_add(uint64_t *word, uint64_t n)
{
	__atomic_fetch_add(word, n, __ATOMIC_RELAXED);
}

static inline void word_add_release(uint64_t *word, uint64_t n)
{
	__atomic_fetch_add(word, n, __ATOMIC_RELEASE);
}

#endif

/*
 * Acquire: pairs with word_add_release(). A reader that sees a free counted
 * sees the allocation counted too, when it looks for that afterwards.
 */
static inline uint64_t word_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* A word that any thread may add to. Release, as word_add_release(). */
static inline void shared_add(uint64_t *word, uint64_t n)
{
	__atomic_fetch_add(word, n, __ATOMIC_RELEASE);
}

/*
 * store_release() makes what the thread wrote before it visible to a thread
 * that gets the value from load_acquire().
 */
#define store_release(where, value) \
	__atomic_store_n((where), (value), __ATOMIC_RELEASE)
#define load_acquire(where) __atomic_load_n((where), __ATOMIC_ACQUIRE)

/*
 * Both at once: stores a value and gets the one before. compare_exchange()
 * does it only if that is the expected one; else it gets it into expected, and
 * is false.
 */
#define exchange(where, value) \
	__atomic_exchange_n((where), (value), __ATOMIC_ACQ_REL)
#define compare_exchange(where, expected, value)                     \
	__atomic_compare_exchange_n((where), (expected), (value), 0, \
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* The same for a sum: adds, and gets what was before. */
#define fetch_add(where, n) __atomic_fetch_add((where), (n), __ATOMIC_ACQ_REL)

/*
 * Whole, but in no order with anything else: for words whose order a lock sees
 * to, or porter__barrier_everywhere() together with compiler_barrier(), which
 * keeps the compiler from moving anything across, at no cost.
 */
#define load_relaxed(where) __atomic_load_n((where), __ATOMIC_RELAXED)
#define store_relaxed(where, value) \
	__atomic_store_n((where), (value), __ATOMIC_RELAXED)
#define compiler_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* In a loop that waits: tells the processor so. */
static inline void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("pause");
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#else
	compiler_barrier();
#endif
}

#endif /* PORTER_ATOMIC_H */
