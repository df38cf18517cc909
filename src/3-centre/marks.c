/* SPDX-License-Identifier: MIT */
/*
 * marks.c: a mark is crossed for certain, or not.
 */
#include "3-centre/marks.h"

bool (*porter__marks_on_crossing)(struct centre *c);
void (*porter__marks_on_wake)(void);
bool (*porter__marks_on_limit)(struct centre *c);
bool (*porter__marks_on_end)(struct centre *c);

bool porter__marks_look(struct centre *c)
{
	porter__centre_revoke(c);
	if (c->reserved < c->high && c->reserved > c->low)
		return false;
	return porter__marks_on_crossing(c);
}

void porter__marks_wake(void)
{
	porter__marks_on_wake();
}
