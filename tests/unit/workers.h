/* SPDX-License-Identifier: MIT */
/*
 * workers.h: threads that do what they are told, one thing after the other, and
 * that stop in the middle of it, at a test point.
 *
 *	begin_job(), let()	what a worker is to do
 *	stop_at(), go_on()	where it stops on the way, and for how long
 *	came_to(), call_at()	what else there is to see at test points
 */
#ifndef TESTS_UNIT_WORKERS_H
#define TESTS_UNIT_WORKERS_H

#define WITHOUT_KINDS
#include "support.h"

#include "0-machine/test-point.h"

/* ---- Threads ---- */

struct worker;

struct worker *hire(void);
void dismiss(struct worker *who);

/*
 * What most tests need: so many workers, who are dismissed at the end of the
 * test, and test points that are looked at from its beginning.
 */
enum { MAX_WORKERS = 20 };
extern struct worker *w[MAX_WORKERS];
void hire_so_many(int n);
int begin_test(void **state);
int end_test(void **state);
#define account_test(test) \
	cmocka_unit_test_setup_teardown(test, begin_test, end_test)

/* The job is done in the worker's thread. let() waits for that. */
void begin_job(struct worker *who, void (*job)(void *arg), void *arg);
void let(struct worker *who, void (*job)(void *arg), void *arg);
bool is_done(struct worker *who);
void wait_for(struct worker *who);

/* ---- Test points ---- */

/* From now on they are looked at; all figures and stops begin anew. */
void look_at_points(void);
void look_no_more(void);
/* How often any thread has come there. */
unsigned came_to(enum test_point point);

/* The worker stops when it comes there the next time, once. */
void stop_at(struct worker *who, enum test_point point);
void wait_until_stopped(struct worker *who);
void go_on(struct worker *who);

/* Once, in whichever thread comes there first. */
void call_at(enum test_point point, void (*f)(void));

/* Long enough for a thread that does not wait to be done. */
void give_time(void);

#endif /* TESTS_UNIT_WORKERS_H */
