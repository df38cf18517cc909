/* SPDX-License-Identifier: MIT */
/*
 * rows.h: the rows of bench_cliffs, by what changes and should change nothing.
 */
#ifndef PORTER_BENCH_CLIFFS_ROWS_H
#define PORTER_BENCH_CLIFFS_ROWS_H

void add_rows_of_many(void);	   /* how many trackers a thread uses in turn */
void add_rows_of_bystanders(void); /* who else used the tracker once */
void add_rows_of_growth(void);	   /* that usage only grows */
void add_rows_of_transactions(void); /* that usage goes up and down */
void add_rows_of_neighbours(void);   /* what another thread does now */
void add_rows_of_history(void);	     /* which trackers there were before */
void add_rows_of_forks(void);	     /* what a fork has to do */
void add_rows_of_limits(void);	     /* how a limit is met */

#endif /* PORTER_BENCH_CLIFFS_ROWS_H */
