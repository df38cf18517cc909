/* SPDX-License-Identifier: MIT */
/*
 * urcu-glue.h: the read side of liburcu, flavour "bulletproof".
 *
 * A library cannot ask its program to register threads with RCU; urcu-bp
 * registers a thread by itself, when it reads for the first time.
 */
#ifndef PORTER_URCU_GLUE_H
#define PORTER_URCU_GLUE_H

#include <stdbool.h>

/* Between the two, nothing that the directory of slots points to goes away. */
void porter__read_lock(void);
void porter__read_unlock(void);

/* Registers the calling thread with liburcu, if it is not yet. */
void porter__register_reader(void);

#endif /* PORTER_URCU_GLUE_H */
