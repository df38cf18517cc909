/* SPDX-License-Identifier: MIT */
/*
 * urcu-glue.c: the only file that includes liburcu.
 *
 * The functions are called, not inlined: the library stays independent of the
 * layout of liburcu's structures, and no update ever comes here.
 */
#include "0-machine/urcu-glue.h"

#include <urcu-bp.h>

void porter__read_lock(void)
{
	urcu_bp_read_lock();
}

void porter__read_unlock(void)
{
	urcu_bp_read_unlock();
}

void porter__register_reader(void)
{
	/* urcu-bp has no other way than to read. */
	urcu_bp_read_lock();
	urcu_bp_read_unlock();
}
