/* SPDX-License-Identifier: MIT */
/*
 * refusal.h: charging for a tracker, and what happens when that fails.
 */
#ifndef PORTER_REFUSAL_H
#define PORTER_REFUSAL_H

#include "4-allocator/tracked.h"

/*
 * For a block that the underlying allocator did not give: takes back what was
 * charged and counted. An allocation and a free have happened then, which
 * statistics do not show.
 */
SLOW_PATH void porter__cancel_block(porter_tracked *t, uint64_t size);

/* The last request of this thread that failed was not refused by a limit. */
SLOW_PATH void porter__forget_refusal(void);

/* Counts a failure that is no refusal; returns NULL with errno ENOMEM. */
SLOW_PATH void *porter__failed(porter_tracked *t);

/*
 * The underlying allocator has given nothing. Cancels what was charged for the
 * request, and counts a failure; errno is ENOMEM. If there may be a tracker below,
 * that one has noted already whether it was a refusal.
 */
SLOW_PATH void porter__request_failed(porter_tracked *t, uint64_t charged);

/*
 * When the stock did not suffice; the cell may be NULL. Charges at the account, and
 * calls on_refused before it refuses. False: refused; errno is ENOMEM, and the
 * refusal is counted. Afterwards the thread may have another cell: on_refused may
 * unregister it.
 */
bool porter__charge_or_refuse(porter_tracked *t, struct cell *cell,
			      uint64_t size);

static inline bool charge(porter_tracked *t, uint64_t size)
{
	struct cell *cell = this_cell(t->counter.at);

	return (likely(cell) && likely(charge_from_stock(cell, size))) ||
	       porter__charge_or_refuse(t, cell, size);
}

#endif /* PORTER_REFUSAL_H */
