/* SPDX-License-Identifier: MIT */
/*
 * tracked-centred.c: operations of a tracker with a centre, any of them.
 *
 *	allocate	count, if there is room; then ask the underlying
 *			allocator; take the count back if it has no memory
 *	free		give the block back, then count
 *	reallocate	growing is an allocation of the difference, shrinking
 *			a free of it
 *
 * It is the other way round than in tracked.c: a block counts for as long as
 * the underlying allocator can have it out, in-flight included, or a limit
 * would be exceeded for a moment. The thread says meanwhile how many bytes it
 * has in flight (room.h), so that a lower bound need not count them.
 */
#include "3-centre/calm.h"
#include "4-allocator/tracked.h"

/* ---- Refusals ---- */

/* The tracker itself has a say, or else its nearest ancestor that wants one. */
static bool somebody_made_room(porter_tracked *t, size_t size)
{
	for (const struct centre *c = centre_of(t); c; c = c->parent) {
		const porter_tracked *who = c->owner;

		if (who->on_refused)
			return who->on_refused(t, size, who->refused_context);
	}
	return false;
}

static SLOW_PATH bool refuse(porter_tracked *t)
{
	shared_add(&t->counter.id->refusals, 1);
	errno = ENOMEM;
	return false;
}

/* ---- Operations ---- */

/*
 * An underlying allocator may come back to the tracker that asks it, to evict
 * something, for example; and a cell has one word for its flight. Meanwhile the
 * bytes of the outer operation are in flight as those of a thread without a cell
 * are.
 */
static SLOW_PATH void nest(struct centre *c, const struct operation *op)
{
	porter__centre_fly_unslotted(c, (int64_t)flight_bytes(op->outer));
}

static SLOW_PATH void unnest(struct centre *c, const struct operation *op)
{
	publish(&op->cell->word[FLIGHT], op->outer);
	porter__centre_fly_unslotted(c, -(int64_t)flight_bytes(op->outer));
}

static inline void set_out(struct centre *c, struct operation *op)
{
	op->outer = op->cell ? peek(&op->cell->word[FLIGHT]) : 0;
	if (unlikely(op->outer))
		nest(c, op);
}

static inline void arrive(struct centre *c, const struct operation *op)
{
	if (unlikely(op->outer))
		unnest(c, op);
	else if (op->cell)
		flight_end(op->cell);
}

static enum calm try_calm(struct centre *c, struct cell *cell, uint64_t size)
{
	return cell ? calm_take(c, cell, size) : CALM_OVER;
}

/* The centre says whether. The flight, if there is one, is no attempt. */
bool porter__take_slowly(porter_tracked *t, uint64_t size, struct operation *op,
			 enum calm calm)
{
	struct centre *c = centre_of(t);

	if (unlikely(size > (uint64_t)BEYOND_ALL)) {
		arrive(c, op);
		porter__tracked_failed(t);
		return false;
	}
	op->slowly = true;
	if (likely(centre_take(c, op->cell, size, calm)))
		return true;
	arrive(c, op);
	if (!somebody_made_room(t, size))
		return refuse(t);
	set_out(c, op);
	if (op->cell)
		flight_begin(op->cell, 0, TAKEN);
	if (centre_take(c, op->cell, size, try_calm(c, op->cell, size)))
		return true;
	arrive(c, op);
	return refuse(t);
}

bool porter__take(porter_tracked *t, uint64_t size, struct operation *op)
{
	struct centre *c = centre_of(t);

	op->cell = own_cell(c->at);
	op->slowly = false;
	set_out(c, op);
	if (likely(op->cell) && likely(centre_take_fast(op->cell, size)))
		return true;
	return porter__take_slowly(t, size, op, try_calm(c, op->cell, size));
}

static void land(struct centre *c, uint64_t size, const struct operation *op)
{
	if (likely(op->cell))
		arrive(c, op);
	else
		porter__centre_fly_unslotted(c, -(int64_t)size);
}

void porter__took(porter_tracked *t, uint64_t size, enum word count,
		  const struct operation *op)
{
	counter_add(&t->counter, count, 1);
	land(centre_of(t), size, op);
}

void *porter__took_for_nothing(porter_tracked *t, uint64_t size,
			       const struct operation *op)
{
	struct centre *c = centre_of(t);

	porter__centre_undo(c, op->cell, size, op->slowly);
	land(c, size, op);
	return porter__tracked_failed(t);
}

void porter__give(porter_tracked *t, uint64_t size, struct operation *op)
{
	struct centre *c = centre_of(t);

	op->cell = own_cell(c->at);
	op->slowly = false;
	if (unlikely(!op->cell)) {
		porter__centre_fly_unslotted(c, (int64_t)size);
		return;
	}
	set_out(c, op);
	flight_begin(op->cell, size, GIVING);
	if (centre_wants_to_know(op->cell))
		centre_meet(c, op->cell);
}

void porter__gave(porter_tracked *t, uint64_t size, enum word count,
		  const struct operation *op)
{
	struct centre *c = centre_of(t);

	if (likely(op->cell)) {
		word_add_release(&op->cell->word[FREED], size);
		if (centre_wants_room(c, op->cell))
			centre_settle(c, op->cell);
	} else {
		porter__centre_give_unslotted(c, size);
	}
	porter__took(t, size, count, op);
}

/* ---- Over any allocator, with a header or none ---- */

void *porter__centred_allocate(porter_tracked *t, size_t header, size_t size,
			       size_t alignment)
{
	porter_allocator *a = t->underlying;
	struct operation op;
	void *block;

	if (!porter__take(t, size, &op))
		return NULL;
	block = a->vtable->allocate(a, header + size, alignment);
	if (unlikely(!block))
		return porter__took_for_nothing(t, size, &op);
	porter__took(t, size, ALLOCATIONS, &op);
	return block;
}

void porter__centred_free(porter_tracked *t, size_t header, void *ptr,
			  size_t size, size_t alignment)
{
	porter_allocator *a = t->underlying;
	struct operation op;

	porter__give(t, size, &op);
	a->vtable->free(a, ptr, header + size, alignment);
	porter__gave(t, size, FREES, &op);
}

void *porter__centred_reallocate(porter_tracked *t, size_t header, void *ptr,
				 size_t old_size, size_t new_size,
				 size_t alignment)
{
	porter_allocator *a = t->underlying;
	size_t more = new_size > old_size ? new_size - old_size : 0;
	size_t less = old_size > new_size ? old_size - new_size : 0;
	struct operation op;
	void *block;

	if (more && !porter__take(t, more, &op))
		return NULL;
	if (!more)
		porter__give(t, less, &op);
	block = a->vtable->reallocate(a, ptr, header + old_size,
				      header + new_size, alignment);
	if (unlikely(!block) && more)
		return porter__took_for_nothing(t, more, &op);
	if (unlikely(!block)) {
		land(centre_of(t), less, &op);
		return porter__tracked_failed(t);
	}
	if (more)
		porter__took(t, more, REALLOCATIONS, &op);
	else
		porter__gave(t, less, REALLOCATIONS, &op);
	return block;
}

/* ---- The table ---- */

void *porter__allocate_over(porter_allocator *self, size_t size,
			    size_t alignment)
{
	return porter__centred_allocate((porter_tracked *)self, 0, size,
					alignment);
}

void porter__free_over(porter_allocator *self, void *ptr, size_t size,
		       size_t alignment)
{
	porter__centred_free((porter_tracked *)self, 0, ptr, size, alignment);
}

void *porter__reallocate_over(porter_allocator *self, void *ptr,
			      size_t old_size, size_t new_size,
			      size_t alignment)
{
	return porter__centred_reallocate((porter_tracked *)self, 0, ptr,
					  old_size, new_size, alignment);
}

const struct porter_allocator_vtable porter__centred_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = porter__tracked_name,
	.allocate = porter__allocate_over,
	.reallocate = porter__reallocate_over,
	.free = porter__free_over,
	.release_unused = porter__tracked_release_unused,
};
