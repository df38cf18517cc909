/* SPDX-License-Identifier: MIT */
/*
 * adapt-lua.h: Lua's memory through a tracked allocator.
 *
 *	lua_State *L = lua_newstate(porter_lua_alloc,
 *				    porter_tracked_allocator(tracker));
 *
 * A header is all there is. Lua gives the size of a block back with it, so
 * blocks carry no header, and the tracker's number is Lua's own to the byte:
 * lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB), when one state uses
 * the tracker; the sum of all states, when several do. What a luaL_Buffer has
 * on the heap while it is filled is counted here, and not by Lua.
 */
#ifndef PORTER_ADAPT_LUA_H
#define PORTER_ADAPT_LUA_H

#include <portermem/allocator.h>

PORTER_BEGIN_DECLS

/**
 * porter_lua_alloc - a lua_Alloc that allocates from any allocator
 * @ud: the allocator, a porter_allocator pointer, of a tracker for example
 * @ptr: the block, or NULL
 * @osize: its size; with NULL the type of what is made, which does not matter
 * @nsize: the size wanted; 0 frees
 *
 * For lua_newstate(), with the allocator beside it. Any number of states may
 * share one allocator.
 *
 * Ownership: the allocator must outlive the state.
 * Return: the block, or NULL: freed, or with errno.
 * Errors: ENOMEM, no memory; Lua then collects its garbage and tries again.
 * Threads: as safe as the allocator. Signals: not safe.
 */
static __inline__ void *porter_lua_alloc(void *ud, void *ptr, size_t osize,
					 size_t nsize)
{
	porter_allocator *a = (porter_allocator *)ud;

	if (nsize == 0) {
		porter_free(a, ptr, osize);
		return NULL;
	}
	return porter_reallocate(a, ptr, ptr ? osize : 0, nsize);
}

PORTER_END_DECLS

#endif /* PORTER_ADAPT_LUA_H */
