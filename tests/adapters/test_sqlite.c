/* SPDX-License-Identifier: MIT */
/*
 * test_sqlite.c: SQLite under a tracked allocator.
 *
 * SQLite counts by itself when it is told to; so nearly every test has both
 * count and wants the same number from both.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "leak.h"

#include <portermem/adapt-sqlite.h>
#include <portermem/portermem.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static sqlite3_mem_methods own_allocator;

/* ---- SQLite, up and down ---- */

static int keep_own_allocator(void **state)
{
	(void)state;
	return sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own_allocator) !=
	       SQLITE_OK;
}

/* Before and after each test: shut down, on its own allocator, counting. */
static int reset_sqlite(void **state)
{
	(void)state;
	sqlite3_shutdown();
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &own_allocator) !=
		       SQLITE_OK ||
	       sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1) != SQLITE_OK;
}

static porter_tracked *install_new(porter_allocator *underlying)
{
	porter_tracked *t = porter_tracked_new(underlying);

	assert_non_null(t);
	assert_int_equal(porter_sqlite_install(t), 0);
	return t;
}

static void assert_agree(const porter_tracked *t)
{
	assert_int_equal(porter_bytes_used(t), sqlite3_memory_used());
}

static void shut_down_and_destroy(porter_tracked *t)
{
	assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- A database that is used for this and that ---- */

static sqlite3 *open_database(int *code)
{
	sqlite3 *db = NULL;

	*code = sqlite3_open_v2(":memory:", &db,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
					SQLITE_OPEN_NOMUTEX,
				NULL);
	return db;
}

static const char *const work[] = {
	"CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT, size INTEGER)",
	"CREATE INDEX word_by_text ON word(text)",
	"BEGIN",
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
	"WHERE i < 40) INSERT INTO word SELECT i, hex(randomblob(i % 90)), i "
	"FROM n",
	"COMMIT",
	"UPDATE word SET text = text || text || hex(zeroblob(900)) "
	"WHERE id % 7 = 0",
	"SELECT count(*), group_concat(text) FROM word GROUP BY size % 5 "
	"ORDER BY 2 DESC",
	"SELECT * FROM no_such_table", /* an error allocates a message */
	"DELETE FROM word WHERE id % 2 = 0",
	"VACUUM",
};

enum { WORKS = sizeof(work) / sizeof(work[0]) };

static void assert_work_done(sqlite3 *db, const porter_tracked *t)
{
	for (int i = 0; i < WORKS; i++) {
		int code = sqlite3_exec(db, work[i], NULL, NULL, NULL);
		bool wrong = strstr(work[i], "no_such_table") != NULL;

		assert_int_equal(code, wrong ? SQLITE_ERROR : SQLITE_OK);
		if (t)
			assert_agree(t);
	}
}

/* ---- Installing ---- */

static void null_is_refused(void **state)
{
	sqlite3_mem_methods now;

	(void)state;
	errno = 0;
	assert_int_equal(porter_sqlite_install(NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &now),
			 SQLITE_OK);
	assert_memory_equal(&now, &own_allocator, sizeof(now));
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
}

static void too_late_changes_nothing(void **state)
{
	porter_tracked *first = install_new(NULL);
	porter_tracked *second = porter_tracked_new(NULL);
	void *block;

	(void)state;
	assert_non_null(second);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	errno = 0;
	assert_int_equal(porter_sqlite_install(second), -1);
	assert_int_equal(errno, EBUSY);

	block = sqlite3_malloc(1000);
	assert_non_null(block);
	assert_int_equal(porter_bytes_used(second), 0);
	assert_true(porter_bytes_used(first) >= 1000);
	assert_agree(first);
	sqlite3_free(block);
	assert_int_equal(left_at_destroy(second), 0);
	shut_down_and_destroy(first);
}

static void too_late_for_own_allocator(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	sqlite3_int64 before;
	void *block;

	(void)state;
	assert_non_null(t);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	errno = 0;
	assert_int_equal(porter_sqlite_install(t), -1);
	assert_int_equal(errno, EBUSY);
	before = sqlite3_memory_used();
	block = sqlite3_malloc(1000);
	assert_true(sqlite3_memory_used() >= before + 1000);
	assert_int_equal(porter_bytes_used(t), 0);
	sqlite3_free(block);
	shut_down_and_destroy(t);
}

static void installs_again_after_shutdown(void **state)
{
	porter_tracked *trackers[3];
	int64_t highest[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		int code;
		sqlite3 *db;

		trackers[i] = install_new(NULL);
		db = open_database(&code);
		assert_int_equal(code, SQLITE_OK);
		assert_work_done(db, trackers[i]);
		highest[i] = porter_bytes_used(trackers[i]);
		for (int before = 0; before < i; before++)
			assert_int_equal(porter_bytes_used(trackers[before]),
					 0);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
		assert_true(highest[i] > 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(left_at_destroy(trackers[i]), 0);
}

/* ---- The same number ---- */

/* Every size up to a page and a bit; each resized, up and down. */
static void agrees_at_every_size(void **state)
{
	enum { MOST = 4200 };
	porter_tracked *t = install_new(NULL);

	(void)state;
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	for (int size = 1; size <= MOST; size++) {
		unsigned char *block = sqlite3_malloc(size);
		unsigned char *other;

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % 8, 0);
		assert_true(sqlite3_msize(block) >= (sqlite3_uint64)size);
		assert_agree(t);
		assert_true(porter_bytes_used(t) >= size);
		assert_true(porter_bytes_used(t) < size + 8);
		memset(block, size, (size_t)size);
		other = sqlite3_realloc(block, MOST + 1 - size);
		assert_non_null(other);
		assert_int_equal(other[0], (unsigned char)size);
		assert_agree(t);
		sqlite3_free(other);
		assert_agree(t);
		assert_int_equal(porter_bytes_used(t), 0);
	}
	shut_down_and_destroy(t);
}

static void agrees_after_every_statement(void **state)
{
	porter_tracked *t = install_new(NULL);
	sqlite3 *db;
	int code;

	(void)state;
	db = open_database(&code);
	assert_int_equal(code, SQLITE_OK);
	assert_agree(t);
	for (int i = 0; i < 3; i++) {
		assert_work_done(db, t);
		assert_int_equal(
			sqlite3_exec(db, "DROP TABLE word", NULL, NULL, NULL),
			SQLITE_OK);
	}
	assert_true(porter_bytes_used(t) > 0);
	assert_int_equal(sqlite3_db_release_memory(db), SQLITE_OK);
	assert_agree(t);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_agree(t);
	assert_int_equal(porter_bytes_used(t), 0);
	shut_down_and_destroy(t);
}

/* ---- Without SQLite's statistics ---- */

enum { SMALL = 100, READINGS = WORKS + SMALL };

static void configure_statistics(int on)
{
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, on),
			 SQLITE_OK);
}

/* The same work each time; the number after each step. */
static void read_at_each_step(const porter_tracked *t, int64_t *readings)
{
	void *blocks[SMALL];
	int code;
	sqlite3 *db = open_database(&code);

	assert_int_equal(code, SQLITE_OK);
	for (int i = 0; i < WORKS; i++) {
		sqlite3_exec(db, work[i], NULL, NULL, NULL);
		*readings++ = porter_bytes_used(t);
	}
	for (int i = 0; i < SMALL; i++) {
		blocks[i] = sqlite3_malloc(i + 1);
		*readings++ = porter_bytes_used(t);
	}
	for (int i = 0; i < SMALL; i++)
		sqlite3_free(blocks[i]);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void the_number_is_the_same_without_statistics(void **state)
{
	int64_t with[READINGS], without[READINGS];
	porter_tracked *t = install_new(NULL);

	(void)state;
	configure_statistics(1);
	read_at_each_step(t, with);
	assert_agree(t);
	assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
	configure_statistics(0);
	read_at_each_step(t, without);
	assert_int_equal(sqlite3_memory_used(), 0);
	for (int i = 0; i < READINGS; i++)
		if (with[i] != without[i])
			fail_msg("step %d: %lld with, %lld without", i,
				 (long long)with[i], (long long)without[i]);
	shut_down_and_destroy(t);
}

/* ---- Under threads ---- */

enum { THREADS = 8, HANDED_ON = 64, UNSERIALIZED_ROUNDS = 200000 };

/* Each leaves blocks to its neighbour, so that every block is freed in
   another thread than it was allocated in. */
struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	struct worker *neighbour;
	void *blocks[HANDED_ON];
	int failures;
};

static int work_silently(sqlite3 *db)
{
	int failures = 0;

	for (int i = 0; i < WORKS; i++) {
		bool wrong = strstr(work[i], "no_such_table") != NULL;

		failures += sqlite3_exec(db, work[i], NULL, NULL, NULL) !=
			    (wrong ? SQLITE_ERROR : SQLITE_OK);
	}
	return failures;
}

static void *run_worker(void *argument)
{
	struct worker *w = argument;
	int code;
	sqlite3 *db = open_database(&code);

	w->failures += code != SQLITE_OK || work_silently(db) != 0;
	for (int i = 0; i < HANDED_ON; i++) {
		w->blocks[i] = sqlite3_malloc(1 + i * 97);
		w->failures += !w->blocks[i];
	}
	pthread_barrier_wait(w->barrier); /* all is full: main compares */
	pthread_barrier_wait(w->barrier);
	w->failures += sqlite3_close(db) != SQLITE_OK;
	pthread_barrier_wait(w->barrier); /* only the blocks are left */
	pthread_barrier_wait(w->barrier);
	for (int i = 0; i < HANDED_ON; i++)
		sqlite3_free(w->neighbour->blocks[i]);
	return NULL;
}

static void start_workers(struct worker *workers, pthread_barrier_t *barrier,
			  void *(*run)(void *))
{
	assert_int_equal(pthread_barrier_init(barrier, NULL, THREADS + 1), 0);
	for (int i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];

		w->barrier = barrier;
		w->neighbour = &workers[(i + 1) % THREADS];
		assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
	}
}

static void join_workers(struct worker *workers, pthread_barrier_t *barrier)
{
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].failures, 0);
	}
	pthread_barrier_destroy(barrier);
}

static void agrees_under_threads(void **state)
{
	static struct worker workers[THREADS];
	porter_tracked *t = install_new(NULL);
	pthread_barrier_t barrier;

	(void)state;
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	start_workers(workers, &barrier, run_worker);
	pthread_barrier_wait(&barrier);
	assert_agree(t);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	assert_agree(t);
	assert_true(porter_bytes_used(t) > THREADS * HANDED_ON * 97 / 2);
	pthread_barrier_wait(&barrier);
	join_workers(workers, &barrier);
	assert_agree(t);
	assert_int_equal(porter_bytes_used(t), 0);
	shut_down_and_destroy(t);
}

/*
 * With statistics on, SQLite holds its mutex around every call of the adapter.
 * Without, threads meet inside it; what is right then follows from the blocks.
 */
static void *run_unserialized(void *argument)
{
	struct worker *w = argument;

	pthread_barrier_wait(w->barrier);
	for (int i = 0; i < UNSERIALIZED_ROUNDS; i++) {
		void *block = sqlite3_malloc(1 + i % 500);

		block = sqlite3_realloc(block, 1 + i % 700);
		w->failures += !block;
		sqlite3_free(block);
	}
	return run_worker(argument);
}

static void counts_right_without_statistics(void **state)
{
	static struct worker workers[THREADS];
	porter_tracked *t = install_new(NULL);
	pthread_barrier_t barrier;
	sqlite3_uint64 blocks = 0;

	(void)state;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), SQLITE_OK);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	start_workers(workers, &barrier, run_unserialized);
	pthread_barrier_wait(&barrier); /* begin, all at once */
	pthread_barrier_wait(&barrier); /* all is full */
	for (int i = 0; i < THREADS; i++) {
		for (int j = 0; j < HANDED_ON; j++)
			blocks += sqlite3_msize(workers[i].blocks[j]);
	}
	assert_true(porter_bytes_used(t) > (int64_t)blocks);
	pthread_barrier_wait(&barrier); /* now close the databases */
	pthread_barrier_wait(&barrier); /* only the blocks are left */
	assert_int_equal(porter_bytes_used(t), blocks);
	pthread_barrier_wait(&barrier); /* now free them */
	join_workers(workers, &barrier);
	assert_int_equal(porter_bytes_used(t), 0);
	shut_down_and_destroy(t);
}

/* ---- Without memory ---- */

/* Refuses the n-th request; then serves again, or never again. */
struct refusing {
	porter_allocator base;
	porter_allocator *backend;
	long left;
	bool for_good;
};

static bool refuses(struct refusing *r)
{
	if (r->left > 0) {
		r->left--;
		return false;
	}
	if (!r->for_good && r->left < 0)
		return false;
	r->left = -1;
	errno = ENOMEM;
	return true;
}

static void *refusing_allocate(porter_allocator *self, size_t size,
			       size_t alignment)
{
	struct refusing *r = (struct refusing *)self;

	if (refuses(r))
		return NULL;
	return porter_allocate_aligned(r->backend, size, alignment);
}

static void *refusing_reallocate(porter_allocator *self, void *ptr,
				 size_t old_size, size_t new_size,
				 size_t alignment)
{
	struct refusing *r = (struct refusing *)self;

	if (refuses(r))
		return NULL;
	return porter_reallocate_aligned(r->backend, ptr, old_size, new_size,
					 alignment);
}

static void refusing_free(porter_allocator *self, void *ptr, size_t size,
			  size_t alignment)
{
	struct refusing *r = (struct refusing *)self;

	porter_free_aligned(r->backend, ptr, size, alignment);
}

static const struct porter_allocator_vtable refusing_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "refusing",
	.allocate = refusing_allocate,
	.reallocate = refusing_reallocate,
	.free = refusing_free,
};

/* What SQLite says of the first statement that fails, or SQLITE_OK. */
static int work_until_refused(const porter_tracked *t)
{
	int code;
	sqlite3 *db = open_database(&code);

	for (int i = 0; i < WORKS && code == SQLITE_OK; i++) {
		code = sqlite3_exec(db, work[i], NULL, NULL, NULL);
		if (code == SQLITE_ERROR && strstr(work[i], "no_such_table"))
			code = SQLITE_OK;
		assert_agree(t);
	}
	sqlite3_close(db);
	return code;
}

/* Some refusals SQLite puts up with; all others it must report as such. */
static void survives_refusals(bool for_good)
{
	struct refusing refusing = {
		.base = { &refusing_vtable },
		.backend = porter_backend("system"),
		.for_good = for_good,
	};
	int reported = 0;
	long n;

	for (n = 0;; n++) {
		struct porter_stats stats = { .size = sizeof(stats) };
		porter_tracked *t;
		int code;

		refusing.left = n;
		t = install_new(&refusing.base);
		code = work_until_refused(t);
		assert_true(code == SQLITE_OK || code == SQLITE_NOMEM);
		assert_int_equal(porter_tracked_stats(t, &stats), 0);
		if (code == SQLITE_NOMEM)
			assert_true(stats.failures > 0);
		assert_agree(t);
		assert_int_equal(stats.bytes_used, 0);
		shut_down_and_destroy(t);
		if (refusing.left >= 0)
			break;
		reported += code == SQLITE_NOMEM;
	}
	assert_true(n > 300);
	assert_true(reported > n / 2);
}

static void survives_one_refusal(void **state)
{
	(void)state;
	survives_refusals(false);
}

static void survives_refusals_from_the_nth_on(void **state)
{
	(void)state;
	survives_refusals(true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(null_is_refused, reset_sqlite,
						reset_sqlite),
		cmocka_unit_test_setup_teardown(too_late_changes_nothing,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(too_late_for_own_allocator,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(installs_again_after_shutdown,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(agrees_at_every_size,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(agrees_after_every_statement,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(
			the_number_is_the_same_without_statistics, reset_sqlite,
			reset_sqlite),
		cmocka_unit_test_setup_teardown(agrees_under_threads,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(counts_right_without_statistics,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(survives_one_refusal,
						reset_sqlite, reset_sqlite),
		cmocka_unit_test_setup_teardown(
			survives_refusals_from_the_nth_on, reset_sqlite,
			reset_sqlite),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("SQLite adapter", tests,
					   keep_own_allocator, NULL);
}
