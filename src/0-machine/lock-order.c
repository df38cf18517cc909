/* SPDX-License-Identifier: MIT */
/*
 * lock-order.c: what each thread holds, and in which order it took it.
 *
 *	thread 1	slots, store
 *	thread 2	store, then slots: wrong
 */
#include "0-machine/lock-order.h"

#ifdef PORTER_TEST_POINTS

#include "0-machine/platform.h"

#include <stdio.h>

enum { MAX_HELD = 32 };

static __thread struct held {
	const void *lock;
	enum porter__rank rank;
} held[MAX_HELD];
static __thread int count;

_Noreturn static void complain(enum porter__rank rank, enum porter__rank above)
{
	char text[100];

	snprintf(text, sizeof(text),
		 "a lock of rank %d is taken while one of "
		 "rank %d is held",
		 (int)rank, (int)above);
	porter__panic("lock order", text);
}

static void note(const void *lock, enum porter__rank rank)
{
	if (count == MAX_HELD)
		porter__panic("lock order", "too many locks are held");
	held[count++] = (struct held){ lock, rank };
}

void porter__lock_order_take(const void *lock, enum porter__rank rank)
{
	for (int i = 0; i < count; i++)
		if (held[i].rank >= rank)
			complain(rank, held[i].rank);
	note(lock, rank);
}

void porter__lock_order_take_to_fork(const void *lock, enum porter__rank rank)
{
	for (int i = 0; i < count; i++)
		if (held[i].rank >= rank && held[i].rank != RANK_HIERARCHY)
			complain(rank, held[i].rank);
	note(lock, rank);
}

/* One that was taken before the test began to look is not there. */
void porter__lock_order_give(const void *lock)
{
	int i = count;

	while (i > 0 && held[i - 1].lock != lock)
		i--;
	if (i == 0)
		return;
	for (count--; i <= count; i++)
		held[i - 1] = held[i];
}

int porter__locks_held(void)
{
	return count;
}

#else
typedef int porter__nothing_here; /* a file must not be empty */
#endif
