/* SPDX-License-Identifier: MIT */
/*
 * lock-order.c: what each thread holds, and in which order it took it.
 *
 *	thread 1	watching, family
 *	thread 2	family, then watching: wrong
 *
 * There are two exceptions. A lock that no hold has told the rank of is only
 * counted. And fork() holds the locks of all families at once; nobody else
 * holds two, and fork() alone holds that of the pool of centres beside.
 */
#include "0-machine/lock-order.h"

#ifdef PORTER_TEST_POINTS

#include "0-machine/fork.h"

#include <stdbool.h>
#include <stdio.h>

enum { MOST_HELD = 256 };

static __thread struct held {
	const void *lock;
	int rank;
} held[MOST_HELD];
static __thread int count;

static bool holds_rank(int rank)
{
	for (int i = 0; i < count; i++)
		if (held[i].rank == rank)
			return true;
	return false;
}

static void complain(int rank, int above)
{
	char text[100];

	snprintf(text, sizeof(text),
		 "a lock of rank %d is taken while one of "
		 "rank %d is held",
		 rank, above);
	porter__broken("lock order", text);
}

static void check(int rank)
{
	for (int i = 0; i < count; i++) {
		if (held[i].rank == RANK_UNKNOWN || held[i].rank < rank)
			continue;
		if (rank == RANK_FAMILY && held[i].rank == RANK_FAMILY &&
		    holds_rank(RANK_CENTRES))
			continue;
		complain(rank, held[i].rank);
	}
}

void porter__lock_order_take(const void *lock, int rank)
{
	if (rank != RANK_UNKNOWN)
		check(rank);
	if (count == MOST_HELD)
		porter__broken("lock order", "too many locks are held");
	held[count++] = (struct held){ lock, rank };
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
