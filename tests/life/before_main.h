/* SPDX-License-Identifier: MIT */
/*
 * before_main.h: a program that uses the library before its main().
 */
#ifndef TESTS_BEFORE_MAIN_H
#define TESTS_BEFORE_MAIN_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Limits, a hierarchy, watches of both sorts, threads and forks; for a
 * constructor. What went wrong first, or NULL.
 */
const char *use_before_main(void);

/* Later, in main(): the same trackers go on. What went wrong first, or NULL. */
const char *use_after_that(void);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_BEFORE_MAIN_H */
