/* SPDX-License-Identifier: MIT */
/*
 * atomic-mode.c: where the bounds of the mode are.
 */
#include "3-account/atomic-mode.h"

#include "3-account/refill.h"

struct fence {
	int64_t min, max; /* reserved is above min, and at most max */
};

/*
 * Within these bounds an operation changes nothing but the sum. Where it leaves
 * them, something else may be due: a refusal, a new peak, a watermark, or stock,
 * which begins below them; near a lower watermark, above them.
 */
static struct fence fence(const struct account *a)
{
	struct fence f = {
		.min = max_of(a->low, -WORD_LIMIT),
		.max = min_of(min_of(a->limit, a->upper), a->high - 1),
	};

	f.max = min_of(f.max, WORD_LIMIT);
	if (!porter__may_have_stock(a))
		return f;
	if (a->reserved <= porter__stock_begins_above(a))
		f.max = min_of(f.max, porter__stock_begins_above(a));
	else
		f.min = max_of(f.min, porter__stock_begins_at(a));
	return f;
}

/*
 * Release: a thread that finds the word in this mode finds its bounds; and one
 * that finds a bound finds that the mode before is over.
 */
void porter__atomic_begin(struct account *a)
{
	struct fence f = fence(a);
	bool may_be = !a->parent && !load_relaxed(&a->children) &&
		      !a->holders && a->reserved > f.min;

	if (a->may_be_atomic != may_be)
		store_relaxed(&a->may_be_atomic, may_be);
	if (!may_be || a->reserved > f.max)
		return;
	store_release(&a->word_max, f.max);
	store_release(&a->word_min, f.min);
	a->modes++;
	store_release(&a->word,
		      a->reserved * WORD_MODES + a->modes % WORD_MODES);
}
