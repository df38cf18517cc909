/* SPDX-License-Identifier: MIT */
/*
 * own-file.c: marks an eventfd, and looks for the mark.
 */
#include "5-watch/own-file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK = SIGWINCH };

static void forget(struct own_file *f)
{
	f->fd = -1;
}

/* Where the kernel keeps no mark, the inode alone must do. */
static void remember(struct own_file *f, int fd)
{
	struct stat s;

	f->fd = fd;
	f->is_marked = fcntl(fd, F_SETSIG, MARK) == 0 &&
		       fcntl(fd, F_GETSIG) == MARK;
	if (fstat(fd, &s) != 0)
		return;
	f->device = s.st_dev;
	f->inode = s.st_ino;
}

void porter__own_file_open(struct own_file *f, unsigned value)
{
	int fd = eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd >= 0)
		remember(f, fd);
	else
		forget(f);
}

bool porter__own_file_is_there(struct own_file *f)
{
	struct stat s;

	if (f->fd < 0)
		return false;
	if (fstat(f->fd, &s) == 0 && s.st_dev == f->device &&
	    s.st_ino == f->inode &&
	    (!f->is_marked || fcntl(f->fd, F_GETSIG) == MARK))
		return true;
	forget(f);
	return false;
}

void porter__own_file_replace(struct own_file *f, unsigned value)
{
	struct own_file fresh;
	int fd = f->fd;

	if (!porter__own_file_is_there(f))
		return;
	porter__own_file_open(&fresh, value);
	if (fresh.fd < 0 || dup3(fresh.fd, fd, O_CLOEXEC) < 0)
		porter__own_file_close(f);
	else
		remember(f, fd);
	if (fresh.fd >= 0)
		close(fresh.fd);
}

void porter__own_file_close(struct own_file *f)
{
	if (porter__own_file_is_there(f))
		close(f->fd);
	forget(f);
}
