/* SPDX-License-Identifier: MIT */
/* lua.c: how much a Lua script holds; Lua's own number beside. */
#include <portermem/adapt-lua.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

static int differences;

static void tell(const char *when, const porter_tracked *t, lua_State *L)
{
	int64_t ours = porter_bytes_used(t);
	int64_t luas = (int64_t)lua_gc(L, LUA_GCCOUNT) * 1024 +
		       lua_gc(L, LUA_GCCOUNTB);

	printf("%-18s %8" PRId64 " %8" PRId64 "\n", when, ours, luas);
	differences += ours != luas;
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	lua_State *L = NULL;
	int64_t leaked;

	if (t)
		L = lua_newstate(porter_lua_alloc, porter_tracked_allocator(t));
	if (!L) {
		perror("lua");
		return 1;
	}
	printf("%-18s %8s %8s\n", "", "bytes", "Lua says");
	tell("a new state", t, L);
	luaL_openlibs(L);
	tell("with libraries", t, L);
	if (luaL_dostring(L, "t = {} for i = 1, 9999 do t[i] = i .. '' end"))
		fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
	tell("9999 strings", t, L);
	if (luaL_dostring(L, "t = nil collectgarbage()"))
		fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
	tell("collected", t, L);
	lua_close(L);
	printf("%-18s %8" PRId64 "\n", "closed", porter_bytes_used(t));
	return differences == 0 && porter_tracked_destroy(t, &leaked) == 0 &&
			       leaked == 0 ?
		       0 :
		       1;
}
