/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

struct numbers {
	int *number;
	size_t count, room;
};

/* Returns 0, or -1 if there is no room; then the numbers are as before. */
static int append(porter_allocator *a, struct numbers *n, int number)
{
	size_t room = n->room ? 2 * n->room : 4;
	int *larger;

	if (n->count == n->room) {
		larger = porter_reallocate(a, n->number, n->room * sizeof(int),
					   room * sizeof(int));
		if (!larger)
			return -1;
		n->number = larger;
		n->room = room;
	}
	n->number[n->count++] = number;
	return 0;
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	struct numbers n = { NULL, 0, 0 };

	while (n.count < 100 && append(a, &n, (int)n.count) == 0)
		;
	porter_free(a, n.number, n.room * sizeof(int));
	return n.count != 100 || porter_tracked_destroy(t, NULL) != 0;
}
