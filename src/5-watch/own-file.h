/* SPDX-License-Identifier: MIT */
/*
 * own-file.h: an eventfd whose number may have become another file's.
 *
 * A daemon closes all descriptors when it begins, those of its libraries as well,
 * and opens files of its own, which get the same numbers. So before each use it is
 * looked whether the number still stands for the file that was opened. All eventfds
 * of a process have one inode, that of all anonymous files. So each is marked, too,
 * with a signal that is never sent: F_SETSIG means nothing for an eventfd, and a
 * file that the program opens has none.
 */
#ifndef PORTER_OWN_FILE_H
#define PORTER_OWN_FILE_H

#include <stdbool.h>
#include <sys/types.h>

struct own_file {
	int fd; /* or -1: there is none */
	bool is_marked;
	dev_t device;
	ino_t inode;
};

/* With that value; in the place of the one that is there, under its number. */
void porter__own_file_open(struct own_file *f, unsigned value);
void porter__own_file_replace(struct own_file *f, unsigned value);

/* Whether there is one. Forgets a number that is another file's, or nobody's. */
bool porter__own_file_is_there(struct own_file *f);

void porter__own_file_close(struct own_file *f);

#endif /* PORTER_OWN_FILE_H */
