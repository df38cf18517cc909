/* SPDX-License-Identifier: MIT */
/*
 * test-point.h: places where a test may look in.
 *
 * In the library that is installed, a test point is nothing at all. The tests
 * compile the sources once more with PORTER_TEST_POINTS and get a call there:
 * to do something at just that instant, such as to ask an oracle.
 */
#ifndef PORTER_TEST_POINT_H
#define PORTER_TEST_POINT_H

enum test_point {
	SUM_HALFWAY,	     /* of a sum: what was freed is added up */
	BETWEEN_SCANS,	     /* of a certified interval */
	POOL_LOCKED,	     /* an element is being taken */
	SLOT_MISSING,	     /* so the thread will take one */
	BLOCK_MISSING,	     /* so the thread will make it */
	STORE_LOCKED,	     /* a block of cells is being made */
	ATTEMPTING,	     /* there is room, and it is not counted yet */
	DRAINING,	     /* holders are marked, the barrier is to come */
	ATOMIC_MODE_ENDS,    /* the sum is out, and not put down yet */
	REFUSING,	     /* a limit refuses; its lock is held */
	REFUSING_ATOMICALLY, /* as far as is known; without a lock */
	SHARED_CELLS_ADDED,  /* of a hierarchy; those of slots are to come */
};

/* What is called at each; NULL at first. */
extern void (*porter__test_point)(enum test_point point);

#ifdef PORTER_TEST_POINTS
#define TEST_POINT(point)                          \
	do {                                       \
		if (porter__test_point)            \
			porter__test_point(point); \
	} while (0)
#else
#define TEST_POINT(point) ((void)0)
#endif

#endif /* PORTER_TEST_POINT_H */
