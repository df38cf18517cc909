/* SPDX-License-Identifier: MIT */
/*
 * accounts.c: what the tests of accounts share; see accounts.h.
 */
#include "unit/accounts.h"

#include "0-machine/barrier.h"

#include <linux/membarrier.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

void must_be_equal(int64_t a, int64_t b, const char *what, const char *file,
		   int line)
{
	if (a == b)
		return;
	fprintf(stderr, "%s:%d: does not hold: %s: %lld, and not %lld\n", file,
		line, what, (long long)a, (long long)b);
	abort();
}

/* ---- Accounts ---- */

struct account *open_account_to_bind(const struct account_options *o,
				     void (*bind)(struct account *a))
{
	struct account *a = aligned_alloc(CACHE_LINE_PAIR, sizeof(*a));
	struct porter__id *id = porter__id_take();

	must(a && id);
	memset(a, 0, sizeof(*a)); /* As all memory of trackers was once. */
	porter__account_init(a, id, NULL, o);
	if (o->parent)
		porter__hierarchy_join(a, bind);
	return a;
}

static void do_not_bind(struct account *a)
{
	(void)a;
}

struct account *open_account_with(const struct account_options *o)
{
	return open_account_to_bind(o, do_not_bind);
}

struct account *open_account(struct account *parent, int64_t limit)
{
	struct account_options o = { .parent = parent, .limit = limit };

	return open_account_with(&o);
}

struct account *open_with_peak(int64_t peak)
{
	struct account *a = open_account(NULL, NO_LIMIT);

	raise_peak_to(a, (uint64_t)peak);
	return a;
}

void close_account(struct account *a)
{
	must(porter__hierarchy_leave(a));
	porter__account_fini(a);
	porter__id_give(a->id);
	free(a);
}

int64_t charged_in(const struct account *a)
{
	uint64_t sum = porter__id_word(a->id, ALLOCATED) -
		       porter__id_word(a->id, FREED);

	for (const struct account *child = a->children; child;
	     child = child->next)
		sum += (uint64_t)charged_in(child);
	return (int64_t)sum;
}

int64_t reserved_in(const struct account *a)
{
	int64_t word = load_acquire(&a->word);

	return is_atomic(word) ? word_reserved(word) : a->reserved;
}

/* ---- Whether all adds up ---- */

struct sums {
	int64_t reserved;
	uint64_t caps;
	uint32_t holders;
};

static void add_cell(const struct cell *cell, struct sums *sums)
{
	uint32_t cap = cap_of(cell);

	if (is_holder(cell)) {
		must(own_stock(cell) >= 0);
		must((uint64_t)own_stock(cell) <= cap);
		sums->holders++;
	} else {
		must_equal(cap, 0);
		must_equal(own_stock(cell), 0);
	}
	sums->caps += cap;
	sums->reserved += (int64_t)cell->word[QUOTA];
}

static void add_cells(const struct account *a, struct sums *sums)
{
	size_t slots = porter__slots_count();

	sums->reserved += (int64_t)(porter__id_beside_cells(a->id, ALLOCATED) -
				    porter__id_beside_cells(a->id, FREED));
	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = cell_of_slot(a, slot);

		if (!cell)
			continue;
		/* Else the attempt ends when another thread has the slot. */
		if (porter__slot_lives(slot))
			must_equal(cell->attempt, 0);
		add_cell(cell, sums);
	}
}

/* That so many cells are in the list of holders, and that it ends. */
static void check_list(const struct account *a, uint32_t holders)
{
	uint32_t link = a->first_holder;

	while (holders-- > 0) {
		const struct cell *cell;

		must(link != LINK_LAST && link != LINK_NONE);
		cell = cell_of_slot(a, link - LINK_FIRST_SLOT);
		must(cell && is_holder(cell));
		link = cell->link;
	}
	must_equal(link, LINK_LAST);
}

/* That those children are linked that have holders, and no others. */
static void check_active(const struct account *a)
{
	const struct account *before = NULL;
	int active = 0, linked = 0;

	for (const struct account *x = a->children; x; x = x->next) {
		must_equal(x->is_active, x->holders > 0);
		active += x->is_active;
	}
	for (const struct account *x = a->active_children; x;
	     x = x->next_active) {
		must(x->parent == a && x->is_active);
		must(x->previous_active == before);
		before = x;
		linked++;
	}
	must_equal(linked, active);
}

static void check_peak(const struct account *a)
{
	struct porter_interval pair = peak_read(&a->peak);

	must(a->lower <= a->upper);
	must(reserved_in(a) <= a->upper);
	must_equal(pair.lower, a->lower);
	must_equal(pair.upper, a->upper);
	/* As narrow as G8 has it. */
	must(a->caps <= (uint64_t)peak_allowance(a->upper) ||
	     a->caps <= (uint64_t)a->holders * 4 * KIB);
}

static struct sums check(const struct account *a)
{
	struct sums sums = { 0 };

	add_cells(a, &sums);
	check_list(a, sums.holders);
	for (const struct account *x = a->children; x; x = x->next) {
		struct sums child = check(x);

		must(x->parent == a && x->root == a->root);
		sums.reserved += child.reserved;
		sums.caps += child.caps;
		sums.holders += child.holders;
	}
	check_active(a);
	check_peak(a);
	must_equal(reserved_in(a), sums.reserved);
	must_equal(a->caps, sums.caps);
	must_equal(a->holders, sums.holders);
	must(a->max_holders >= a->holders);
	return sums;
}

void assert_adds_up(const struct account *root)
{
	must_equal(root->lock.held_by, 0);
	check(root);
}

/* ---- Operations ---- */

/* As charge() of src/4-allocator/tracked.h. */
bool charge_or_tell(struct account *a, uint64_t size, struct refused *refused)
{
	struct cell *cell = this_cell(a->at);

	return (cell && charge_from_stock(cell, size)) ||
	       porter__charge_at_account(a, cell, size, refused);
}

bool charge(struct account *a, uint64_t size)
{
	struct refused refused;

	return charge_or_tell(a, size, &refused);
}

void raise_peak_to(struct account *a, uint64_t size)
{
	must(charge(a, size));
	uncharge(a, size);
}

void get_stock(struct account *a)
{
	for (int i = 0; i < 10; i++)
		raise_peak_to(a, 16);
}

void come_again(struct account *a)
{
	porter__settle_with_lock(a, my_cell(a));
}

void occupy(struct account *a, uint64_t size)
{
	struct refused refused;

	must(porter__charge_at_account(a, NULL, size, &refused));
}

void vacate(struct account *a, uint64_t size)
{
	porter__uncharge_shared(a, size);
}

void drain(struct account *a)
{
	account_enter(a);
	porter__drain(a);
	account_leave(a);
}

/* ---- Full accounts ---- */

struct account *open_full(int64_t limit, int64_t used)
{
	struct account *a = open_account(NULL, limit);

	raise_peak_to(a, (uint64_t)limit);
	must(charge(a, (uint64_t)used - 2));
	must(charge(a, 1));
	must(charge(a, 1));
	must(is_atomic(a->word));
	assert_adds_up(a);
	return a;
}

void close_full(struct account *a)
{
	assert_adds_up(a);
	uncharge(a, (uint64_t)charged_in(a));
	must_equal(porter__account_charged(a), 0);
	close_account(a);
}

/* ---- Operations of workers ---- */

static void operate(void *operation)
{
	struct operation *o = operation;

	switch (o->what) {
	case CHARGE:
		o->granted = charge_or_tell(o->a, o->size, &o->refused);
		break;
	case UNCHARGE:
		uncharge(o->a, o->size);
		break;
	case COUNT:
		count(o->a, o->size);
		break;
	case GET_STOCK:
		get_stock(o->a);
		break;
	case DRAIN:
		drain(o->a);
		break;
	case COME_AGAIN:
		come_again(o->a);
		break;
	}
}

void begin(struct worker *who, struct operation *o)
{
	begin_job(who, operate, o);
}

bool charge_by(struct worker *who, struct account *a, uint64_t size)
{
	struct operation o = { .what = CHARGE, .a = a, .size = size };

	let(who, operate, &o);
	return o.granted;
}

void uncharge_by(struct worker *who, struct account *a, uint64_t size)
{
	let(who, operate,
	    &(struct operation){ .what = UNCHARGE, .a = a, .size = size });
}

void count_by(struct worker *who, struct account *a, uint64_t size)
{
	let(who, operate,
	    &(struct operation){ .what = COUNT, .a = a, .size = size });
}

void get_stock_by(struct worker *who, struct account *a)
{
	let(who, operate, &(struct operation){ .what = GET_STOCK, .a = a });
}

void come_again_by(struct worker *who, struct account *a)
{
	let(who, operate, &(struct operation){ .what = COME_AGAIN, .a = a });
}

struct cell_wanted {
	const struct account *a;
	struct cell *cell;
};

static void find_cell(void *wanted)
{
	struct cell_wanted *want = wanted;

	want->cell = my_cell(want->a);
}

struct cell *cell_by(struct worker *who, const struct account *a)
{
	struct cell_wanted wanted = { .a = a };

	let(who, find_cell, &wanted);
	return wanted.cell;
}

/* ---- Barriers ---- */

static atomic_uint barriers_made;
static atomic_bool forbidden;

unsigned barriers(void)
{
	return atomic_load(&barriers_made);
}

void forbid_barriers(void)
{
	atomic_store(&forbidden, true);
}

struct without {
	void (*run)(void *arg);
	void *arg;
};

static void run_without(void *without)
{
	struct without *w = without;

	forbid_barriers();
	if (porter__barrier_possible())
		porter__barrier_everywhere(); /* It finds that out. */
	must(!porter__barrier_possible());
	w->run(w->arg);
}

bool without_barriers(void (*run)(void *arg), void *arg)
{
	struct without without = { .run = run, .arg = arg };

	return in_child(run_without, &without).status == 0;
}

bool stock_is_given(void)
{
	return porter__barrier_possible();
}

int skip_all(void)
{
	puts("1..0 # SKIP nobody gets stock without barriers");
	return 0;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	int command, flags, cpu;
	va_list list;

	va_start(list, number);
	command = va_arg(list, int);
	flags = va_arg(list, int);
	cpu = va_arg(list, int);
	va_end(list);
	must(number == SYS_membarrier);
	if (atomic_load(&forbidden) || getenv("PORTER_TEST_WITHOUT_BARRIERS")) {
		errno = EPERM;
		return -1;
	}
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		atomic_fetch_add(&barriers_made, 1);
	return __real_syscall(number, command, flags, cpu);
}
