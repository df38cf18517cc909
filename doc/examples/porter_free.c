/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

struct message {
	size_t length;
	char text[];
};

/* A block is freed with the size that was requested for it. */
static void free_message(porter_allocator *a, struct message *m)
{
	if (m)
		porter_free(a, m, sizeof(*m) + m->length);
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	struct message *m = porter_allocate(a, sizeof(*m) + 100);

	if (!m)
		return 1;
	m->length = 100;
	free_message(a, m);
	return porter_bytes_used(t) != 0 ||
	       porter_tracked_destroy(t, NULL) != 0;
}
