/* SPDX-License-Identifier: MIT */
/*
 * test_lua.c: Lua on a tracked allocator.
 *
 * Lua counts what it holds, to the byte. The tracker says the same at every
 * moment of a script, while memory fails, too.
 */
#include "trial.h"

#include <portermem/adapt-lua.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>

static const char *const scripts[] = {
	"words = {} for i = 1, 40 do words[i] = ('word'):rep(i) end",
	"s = table.concat(words, ' ') assert(#s == 40 * 41 * 2 + 39)",
	"count = {} for w in s:gmatch('%a+') do count[w] = #w end",
	"co = coroutine.wrap(function(n) for i = 1, n do "
	"coroutine.yield({i, tostring(i)}) end end) assert(co(9)[2] == '1')",
	"assert(not pcall(error, {code = 1}))",
	"f = load('return function(a, ...) return a, ... end')() "
	"assert(select('#', f(1, 2, 3)) == 3)",
	"weak = setmetatable({}, {__mode = 'k'}) weak[{}] = {} "
	"collectgarbage() assert(next(weak) == nil)",
	"words, count, s = nil collectgarbage() collectgarbage()",
};

static int64_t luas_count(lua_State *L)
{
	return (int64_t)lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB);
}

/* Protected: each may be out of memory anywhere. */
static int open_libraries(lua_State *L)
{
	luaL_openlibs(L);
	return 0;
}

static int run_script(lua_State *L)
{
	const char *script = lua_touserdata(L, 1);

	if (luaL_loadstring(L, script) != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

/* Whether the function went through; if not, there was no memory. */
static bool call(lua_State *L, lua_CFunction function, const char *script)
{
	int code;

	lua_pushcfunction(L, function);
	lua_pushlightuserdata(L, (void *)(uintptr_t)script);
	code = lua_pcall(L, 1, 0, 0);
	if (code == LUA_ERRRUN) /* load() hands the message on */
		must(strstr(lua_tostring(L, -1), "not enough memory"));
	else
		must(code == LUA_OK || code == LUA_ERRMEM);
	lua_settop(L, 0);
	return code == LUA_OK;
}

/* Each state has its own tracker, over the one that is tried. */
static bool job(porter_tracked *t)
{
	porter_tracked *mine = porter_tracked_new(porter_tracked_allocator(t));
	lua_State *L;
	bool done;

	must(mine);
	L = lua_newstate(porter_lua_alloc, porter_tracked_allocator(mine));
	done = L && call(L, open_libraries, NULL);
	for (size_t i = 0; done && i < ARRAY_SIZE(scripts); i++) {
		must(porter_bytes_used(mine) == luas_count(L));
		trial_holds(t);
		done = call(L, run_script, scripts[i]);
	}
	if (done)
		must(porter_bytes_used(mine) == luas_count(L));
	if (L) { /* a buffer may be left, which Lua does not count */
		must(porter_bytes_used(mine) >= luas_count(L));
		lua_close(L);
	}
	must(left_at_destroy(mine) == 0);
	return done;
}

/* A wrong size, the tag of a new block's type, would show in the number. */
static void a_type_is_no_size(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	void *block;

	(void)state;
	assert_null(porter_lua_alloc(a, NULL, LUA_TTABLE, 0));
	assert_int_equal(porter_bytes_used(t), 0);
	block = porter_lua_alloc(a, NULL, LUA_TTHREAD, 100);
	assert_non_null(block);
	assert_int_equal(porter_bytes_used(t), 100);
	block = porter_lua_alloc(a, block, 100, 250);
	assert_non_null(block);
	assert_int_equal(porter_bytes_used(t), 250);
	assert_null(porter_lua_alloc(a, block, 250, 0));
	assert_int_equal(left_at_destroy(t), 0);
}

static void large_blocks_equal_luas_count(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	lua_State *L;

	(void)state;
	L = lua_newstate(porter_lua_alloc, porter_tracked_allocator(t));
	assert_non_null(L);
	for (size_t size = 1; size < (size_t)1 << 26; size = size * 3 + 1) {
		lua_newuserdatauv(L, size, 1);
		assert_true(porter_bytes_used(t) > (int64_t)size);
		assert_int_equal(porter_bytes_used(t), luas_count(L));
	}
	lua_settop(L, 0);
	lua_gc(L, LUA_GCCOLLECT);
	assert_true(porter_bytes_used(t) < 100000);
	assert_int_equal(porter_bytes_used(t), luas_count(L));
	lua_close(L);
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	static struct adapted lua = { .job = job, .rounds = 200 };
	static const struct CMUnitTest tests[] = {
		TRIALS(&lua),
		cmocka_unit_test(a_type_is_no_size),
		cmocka_unit_test(large_blocks_equal_luas_count),
	};

	return run_all("Lua adapter", tests);
}
