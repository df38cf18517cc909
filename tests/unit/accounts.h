/* SPDX-License-Identifier: MIT */
/*
 * accounts.h: accounts by themselves, without trackers: what the tests of
 * src/3-account/ share.
 *
 *	open_account()		an account, its id and its place in a hierarchy
 *	charge(), get_stock()	operations of the calling thread
 *	assert_adds_up()	whether an account and all below it are as they
 *				must be whenever no operation is under way
 *	begin(), charge_by()	the same by workers (workers.h)
 *	barriers()		membarrier(2), which the linker wraps: counted,
 *				or not to be had
 *
 * What fails ends the program, since it may happen in any thread or process.
 */
#ifndef TESTS_UNIT_ACCOUNTS_H
#define TESTS_UNIT_ACCOUNTS_H

#include "unit/workers.h"

#include "3-account/charge.h"
#include "3-account/drain.h"
#include "3-account/hierarchy.h"
#include "3-account/limit.h"
#include "3-account/read.h"
#include "3-account/refill.h"

enum { KIB = 1024, MIB = 1024 * 1024 };
static const int64_t GIB = (int64_t)1 << 30;
static const int64_t NO_LIMIT = INT64_MAX;

/* As must(a == b), and tells both numbers. */
#define must_equal(a, b)                                                  \
	must_be_equal((int64_t)(a), (int64_t)(b), #a " == " #b, __FILE__, \
		      __LINE__)
void must_be_equal(int64_t a, int64_t b, const char *what, const char *file,
		   int line);

/* ---- Accounts ---- */

struct account *open_account(struct account *parent, int64_t limit);
struct account *open_account_with(const struct account_options *o);
/* The same; bind() is called if it is bounded by its ancestors. */
struct account *open_account_to_bind(const struct account_options *o,
				     void (*bind)(struct account *a));
/* One that is alone gets no stock above the peak. */
struct account *open_with_peak(int64_t peak);
/* Out of the structure, and ended. What it has in use is in use no more. */
void close_account(struct account *a);

/* What is charged at this level, added up from the cells. */
int64_t charged_in(const struct account *a);
/* What the account says, in atomic mode or not. */
int64_t reserved_in(const struct account *a);

void assert_adds_up(const struct account *root);

/* ---- Operations; uncharge() and count() are the floor's own ---- */

static inline struct cell *my_cell(const struct account *a)
{
	struct cell *cell = this_cell(a->at);

	must(cell);
	return cell;
}

static inline uint32_t cap_of(const struct cell *cell)
{
	return load_relaxed(&cell->cap);
}

static inline bool is_holder(const struct cell *cell)
{
	return load_relaxed(&cell->link) != LINK_NONE;
}

bool charge_or_tell(struct account *a, uint64_t size, struct refused *refused);
bool charge(struct account *a, uint64_t size);
/* Charges that much, and gives it back: then the peak is known. */
void raise_peak_to(struct account *a, uint64_t size);
/* Small operations, until the account gives stock or could have done so. */
void get_stock(struct account *a);
/* One that comes to the account, and changes nothing. */
void come_again(struct account *a);
/* Bytes that are in no thread's cell, so nobody gets stock beside. */
void occupy(struct account *a, uint64_t size);
void vacate(struct account *a, uint64_t size);
/* With the lock, as everything does that needs it. */
void drain(struct account *a);

/* So much of it is in use, and in atomic mode; its peak is its limit. */
struct account *open_full(int64_t limit, int64_t used);
/* All comes back, whoever has it. */
void close_full(struct account *a);

/* ---- Operations of workers ---- */

/* What a worker is told to do; granted and refused are what it tells then. */
struct operation {
	enum { CHARGE, UNCHARGE, COUNT, GET_STOCK, COME_AGAIN, DRAIN } what;
	struct account *a;
	uint64_t size;
	bool granted;
	struct refused refused;
};

/* The operation stays the caller's, until the worker is done with it. */
void begin(struct worker *who, struct operation *o);

/* To begin, and to wait for it. */
bool charge_by(struct worker *who, struct account *a, uint64_t size);
void uncharge_by(struct worker *who, struct account *a, uint64_t size);
void count_by(struct worker *who, struct account *a, uint64_t size);
void get_stock_by(struct worker *who, struct account *a);
void come_again_by(struct worker *who, struct account *a);
struct cell *cell_by(struct worker *who, const struct account *a);

/* ---- Barriers ---- */

/* In how many moments all threads have had one, so far. */
unsigned barriers(void);
/*
 * From now on there are none, and for good: in a process apart. So it is from
 * the beginning where the environment has PORTER_TEST_WITHOUT_BARRIERS.
 */
void forbid_barriers(void);
/* Runs it in a child without barriers; whether it ended well. */
bool without_barriers(void (*run)(void *arg), void *arg);

/* Without barriers nobody gets any. */
bool stock_is_given(void);
/* For the end of main(), where that leaves nothing to test; for a test. */
int skip_all(void);
#define needs_stock()                                                       \
	do {                                                                \
		if (!stock_is_given())                                      \
			skip_because("nobody gets stock without barriers"); \
	} while (0)

#endif /* TESTS_UNIT_ACCOUNTS_H */
