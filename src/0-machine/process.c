/* SPDX-License-Identifier: MIT */
/*
 * process.c: what the kernel says about the memory of the whole process.
 *
 *	/proc/thread-self/status      VmRSS, VmHWM
 *	/proc/thread-self/cgroup      the cgroup: 0::/a/b
 *	/proc/thread-self/mountinfo   where cgroups are mounted
 *	     /sys/fs/cgroup/a/b/memory.current, .max, .high, .pressure
 *	     /sys/fs/cgroup/a/memory.max, .high     limits above bind as well
 *	     /sys/fs/cgroup/memory.max, .high
 *	/proc/pressure/memory         where the cgroup has no pressure
 *
 * thread-self rather than self, which is the first thread: when that one has
 * ended before the others, its files are empty.
 *
 * It is asked when things go badly. So there is no malloc, no lock, no stdio;
 * whatever fails leaves its numbers at -1.
 */
#include "0-machine/process.h"

#include "0-machine/process-text.h"
#include "0-machine/sized.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* A line, and a path, may be as long as this; on the stack, four of them. */
enum { ROOM = 2048 };

/* ---- Paths ---- */

struct path {
	size_t length;
	char text[ROOM]; /* ends with a zero */
};

static void cut_to(struct path *path, size_t length)
{
	path->length = length;
	path->text[length] = '\0';
}

static bool append(struct path *path, struct text more)
{
	if (more.length >= ROOM - path->length)
		return false;
	if (more.length)
		memcpy(path->text + path->length, more.at, more.length);
	cut_to(path, path->length + more.length);
	return true;
}

/* What mountinfo wrote. */
static bool append_decoded(struct path *path, struct text more)
{
	while (more.length) {
		char c = porter__text_character(&more);

		if (!append(path, (struct text){ &c, 1 }))
			return false;
	}
	return true;
}

/* The folder that it is in; never less than the first top characters. */
static void cut_last(struct path *path, size_t top)
{
	size_t length = path->length;

	while (length > top && path->text[length - 1] != '/')
		length--;
	cut_to(path, length > top ? length - 1 : top);
}

/* ---- Files, line by line ---- */

struct lines {
	int file;
	size_t at, end; /* what of room is still to be given out */
	bool cut;	/* the line did not fit: its beginning was given */
	char room[ROOM];
};

static bool lines_open(struct lines *lines, const char *folder,
		       const char *name)
{
	size_t length = strlen(folder), more = strlen(name) + 1;

	if (length > ROOM || more > ROOM - length)
		return false;
	/* Nothing has been read yet, so the path may be put together here. */
	memcpy(lines->room, folder, length);
	memcpy(lines->room + length, name, more);
	do
		lines->file =
			open(lines->room, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (lines->file < 0 && errno == EINTR);
	lines->at = 0;
	lines->end = 0;
	lines->cut = false;
	return lines->file >= 0;
}

static void lines_close(struct lines *lines)
{
	close(lines->file);
}

static bool lines_fill(struct lines *lines)
{
	ssize_t n;

	memmove(lines->room, lines->room + lines->at, lines->end - lines->at);
	lines->end -= lines->at;
	lines->at = 0;
	do
		n = read(lines->file, lines->room + lines->end,
			 ROOM - lines->end);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	lines->end += (size_t)n;
	return true;
}

/* Without its newline. Of a line that is too long, the beginning: see cut. */
static bool lines_next(struct lines *lines, struct text *line)
{
	bool drop = lines->cut; /* the rest of the last line */

	for (;;) {
		char *from = lines->room + lines->at;
		size_t have = lines->end - lines->at;
		char *newline = memchr(from, '\n', have);

		*line = (struct text){ from, have };
		if (newline) {
			line->length = (size_t)(newline - from);
			lines->at += line->length + 1;
			lines->cut = false;
			if (!drop)
				return true;
			drop = false;
		} else if (drop && have) {
			lines->at = lines->end;
		} else if (have == ROOM) {
			lines->at = lines->end;
			lines->cut = true;
			return true;
		} else if (!lines_fill(lines)) {
			lines->at = lines->end;
			return have;
		}
	}
}

/* ---- The process ---- */

static void keep(int64_t *number, int64_t found)
{
	if (*number < 0)
		*number = found;
}

static void read_status(struct porter_process_usage *memory, const char *proc)
{
	struct lines lines;
	struct text line;

	if (!lines_open(&lines, proc, "/thread-self/status"))
		return;
	while (lines_next(&lines, &line)) {
		keep(&memory->resident, porter__text_kilobytes(line, "VmRSS:"));
		keep(&memory->resident_peak,
		     porter__text_kilobytes(line, "VmHWM:"));
	}
	lines_close(&lines);
}

static void read_pressure(struct porter_process_usage *memory,
			  const char *folder, const char *name)
{
	struct lines lines;
	struct text line;

	if (!lines_open(&lines, folder, name))
		return;
	while (lines_next(&lines, &line)) {
		keep(&memory->pressure_some,
		     porter__text_pressure(line, "some"));
		keep(&memory->pressure_full,
		     porter__text_pressure(line, "full"));
	}
	lines_close(&lines);
}

/* ---- The cgroup ---- */

/* As the process is told: "/a/b". */
static bool find_cgroup(struct path *cgroup, const char *proc)
{
	struct lines lines;
	struct text line, path;
	bool found = false;

	if (!lines_open(&lines, proc, "/thread-self/cgroup"))
		return false;
	while (!found && lines_next(&lines, &line))
		found = porter__text_cgroup(line, &path) && !lines.cut &&
			append(cgroup, path);
	lines_close(&lines);
	return found;
}

/*
 * Whether something was mounted later at the point of a line of mountinfo, which is
 * the number'th: then nobody sees what was mounted there before.
 */
static bool is_covered(size_t number, struct text point, const char *proc)
{
	struct lines lines;
	struct text line;
	bool covered = false;

	if (!lines_open(&lines, proc, "/thread-self/mountinfo"))
		return false;
	for (size_t i = 1; !covered && lines_next(&lines, &line); i++)
		covered = i > number && porter__text_mounted_at(line, point);
	lines_close(&lines);
	return covered;
}

/*
 * The folder where cgroups are mounted, and what path has below that. Of
 * several mounts that are seen, the one that shows most of what is above.
 */
static bool find_mount(struct path *folder, struct text *below,
		       struct text path, const char *proc, const char *cgroups)
{
	const struct text usual = { cgroups, strlen(cgroups) };
	const struct text slash = { "/", 1 };
	struct lines lines;
	struct text line, root, point, more;
	bool found = false;

	if (!lines_open(&lines, proc, "/thread-self/mountinfo"))
		return append(folder, usual) &&
		       porter__text_below(path, slash, below);
	for (size_t i = 1; lines_next(&lines, &line); i++) {
		if (!porter__text_mount(line, &root, &point) ||
		    !porter__text_below(path, root, &more) ||
		    (found && more.length < below->length) ||
		    is_covered(i, point, proc))
			continue;
		cut_to(folder, 0);
		found = append_decoded(folder, point);
		*below = more;
	}
	lines_close(&lines);
	return found;
}

static int64_t number_in(const struct path *folder, const char *name)
{
	struct lines lines;
	struct text line;
	int64_t number = -1;

	if (!lines_open(&lines, folder->text, name))
		return -1;
	if (lines_next(&lines, &line))
		number = porter__text_bytes(line);
	lines_close(&lines);
	return number;
}

static void keep_least(int64_t *number, int64_t found)
{
	if (*number < 0 || (found >= 0 && found < *number))
		*number = found;
}

static void read_cgroup(struct porter_process_usage *memory, const char *proc,
			const char *cgroups)
{
	struct path cgroup = { 0, "" }, folder = { 0, "" };
	struct text below;
	size_t top;

	if (!find_cgroup(&cgroup, proc) ||
	    !find_mount(&folder, &below,
			(struct text){ cgroup.text, cgroup.length }, proc,
			cgroups))
		return;
	top = folder.length;
	if (!append(&folder, below))
		return;
	read_pressure(memory, folder.text, "/memory.pressure");
	for (;;) {
		keep(&memory->cgroup_current,
		     number_in(&folder, "/memory.current"));
		keep_least(&memory->cgroup_max,
			   number_in(&folder, "/memory.max"));
		keep_least(&memory->cgroup_high,
			   number_in(&folder, "/memory.high"));
		if (folder.length == top)
			return;
		cut_last(&folder, top);
	}
}

/* ---- All of it ---- */

#define MEMORY_SIZE_FIRST \
	(offsetof(struct porter_process_usage, pressure_full) + sizeof(int64_t))

int porter__process_memory(struct porter_process_usage *out, const char *proc,
			   const char *cgroups)
{
	struct porter_process_usage memory = {
		.resident = -1,
		.resident_peak = -1,
		.cgroup_current = -1,
		.cgroup_max = -1,
		.cgroup_high = -1,
		.pressure_some = -1,
		.pressure_full = -1,
	};
	int error = errno;

	if (!out || out->size < MEMORY_SIZE_FIRST) {
		errno = EINVAL;
		return -1;
	}
	read_status(&memory, proc);
	read_cgroup(&memory, proc, cgroups);
	if (memory.pressure_some < 0 && memory.pressure_full < 0)
		read_pressure(&memory, proc, "/pressure/memory");
	sized_write(out, &memory, sizeof(memory));
	errno = error;
	return 0;
}

int porter_process_memory(struct porter_process_usage *out)
{
	int state, result;

	/* A thread that is cancelled in here would leave a file open. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	result = porter__process_memory(out, "/proc", "/sys/fs/cgroup");
	pthread_setcancelstate(state, &state);
	return result;
}
