/* SPDX-License-Identifier: MIT */
/*
 * adapt-lua.h: Lua's memory through a tracked allocator.
 *
 *	lua_State *L = lua_newstate(porter_lua_alloc,
 *				    porter_tracked_allocator(tracker));
 *
 *	cc file.c $(pkg-config --cflags --libs portermem lua5.4)
 *
 * Lua passes the size of a block when it frees the block, so blocks have no header. If
 * one state uses the tracker, its number equals Lua's own, to the byte: lua_gc(L,
 * LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB). If several states use it, it equals
 * their sum. The tracker also counts what a luaL_Buffer has on the heap while it is
 * filled; Lua does not.
 */
#ifndef PORTER_ADAPT_LUA_H
#define PORTER_ADAPT_LUA_H

#include <portermem/allocator.h>

PORTER_BEGIN_DECLS

/**
 * porter_lua_alloc - a lua_Alloc function that uses an allocator
 * @ud: a pointer to a porter_allocator, such as that of a tracker
 * @ptr: the block, or NULL
 * @osize: the size of the block; ignored if @ptr is NULL
 * @nsize: the new size; 0 frees the block
 *
 * Pass the function to lua_newstate() together with the allocator. Any number of
 * states may share one allocator.
 *
 * Ownership: the allocator must outlive the state.
 * Return: the block; NULL if @nsize is 0, or with errno set.
 * Errors: ENOMEM, there is no memory, and Lua then collects garbage and tries again.
 * Threads: safe if the allocator is. Signals: not safe.
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
