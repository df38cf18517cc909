/* SPDX-License-Identifier: MIT */
/*
 * grace.c: notes who reads, and looks whether they still do.
 */
#include "1-slots/grace.h"

#include "0-machine/barrier.h"
#include "1-slots/slots.h"

/* Steps 2 and 3. */
void porter__grace_begin(void)
{
	size_t slots;

	if (porter__barrier_possible())
		porter__barrier_everywhere();
	slots = porter__slots_count();
	for (size_t i = 0; i < slots; i++) {
		struct slot *slot = porter__slot_at(i);

		slot->seen = load_acquire(&slot->reading);
	}
}

/*
 * Step 4. A slot that appeared since has seen = 0, which is even. The threads that
 * read without a slot are few and not told apart: all must have left.
 */
bool porter__grace_is_over(void)
{
	size_t slots = porter__slots_count();

	if (porter__slotless_readers())
		return false;
	for (size_t i = 0; i < slots; i++) {
		const struct slot *slot = porter__slot_at(i);

		if (slot->seen % 2 && porter__slot_lives(i) &&
		    load_acquire(&slot->reading) == slot->seen)
			return false;
	}
	return true;
}
