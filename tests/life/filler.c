/* SPDX-License-Identifier: MIT */
/*
 * filler.c: a module that takes FILLER_SIZE bytes of the static thread-local
 * storage that the C library has kept for modules which come late.
 */
void *filler(void);

static __thread char storage[FILLER_SIZE]
	__attribute__((tls_model("initial-exec"), aligned(8)));

__attribute__((visibility("default"))) void *filler(void)
{
	return storage;
}
