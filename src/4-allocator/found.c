/* SPDX-License-Identifier: MIT */
/*
 * found.c: libraries that are looked for at run time.
 */
#include "4-allocator/found.h"

#include <dlfcn.h>
#include <string.h>

porter_allocator *porter__find_once(struct search *s, void (*look_up)(void),
				    porter_allocator *a)
{
	if (is_searching(s)) {
		errno = EBUSY;
		return NULL;
	}
	pthread_once(&s->once, look_up);
	if (a->vtable)
		return a;
	errno = ENOENT;
	return NULL;
}

void *porter__find_library(const char *symbol, const char *file)
{
	void *unused;

	if (porter__find(RTLD_DEFAULT, symbol, &unused))
		return RTLD_DEFAULT;
	return dlopen(file, RTLD_NOW | RTLD_LOCAL);
}

/*
 * Function pointers from dlsym(), which ISO C knows as data pointers only.
 * RTLD_DEFAULT is NULL: where no library was found, this finds nothing.
 */
bool porter__find(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static const void *file_of(void *symbol)
{
	Dl_info info;

	return symbol && dladdr(symbol, &info) ? info.dli_fbase : NULL;
}

bool porter__find_beside(void *library, const char *name, void *function,
			 const char *beside)
{
	void *symbol = dlsym(library, name), *other = dlsym(library, beside);
	const void *file = file_of(symbol);

	if (!file || file != file_of(other))
		return false;
	memcpy(function, &symbol, sizeof(symbol));
	return true;
}
