/* SPDX-License-Identifier: MIT */
#include <portermem/tracked.h>
#include <portermem/adapt-lua.h>
#include <lua.h>

lua_State *counted_state(porter_tracked *t)
{
	return lua_newstate(porter_lua_alloc, porter_tracked_allocator(t));
}
