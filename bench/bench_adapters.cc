/* SPDX-License-Identifier: MIT */
/*
 * bench_adapters.cc: what does an adapter cost a library at real work?
 *
 *	work/zstd-...	compresses a file, with a context for it: few blocks,
 *			large ones
 *	work/lua-...	a script that counts the words of the file and sorts
 *			them: very many blocks, small ones
 *
 * Each -malloc, as the library does by itself, and -portermem. The file is
 * PORTER_BENCH_FILE, or Debian's list of packages: the first 4 MiB for zstd, the
 * first 128 KiB for Lua.
 */
#include "bind.h"

#include <portermem/adapt-lua.h>
#include <portermem/adapt-zstd.h>
#include <portermem/portermem.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <lua.hpp>
#include <string>

static porter_tracked *tracker = porter_tracked_new(nullptr);

static const std::string &text()
{
	static const std::string content = [] {
		const char *name = getenv("PORTER_BENCH_FILE");
		std::ifstream file(name ? name : "/var/lib/dpkg/status",
				   std::ios::binary);
		std::string all(4 << 20, '\0');

		file.read(&all[0], static_cast<std::streamsize>(all.size()));
		all.resize(static_cast<size_t>(file.gcount()));
		return all;
	}();

	return content;
}

/* ---- zstd ---- */

static ZSTD_CCtx *context_on_malloc()
{
	return ZSTD_createCCtx();
}

static ZSTD_CCtx *context_on_tracker()
{
	return ZSTD_createCCtx_advanced(porter_zstd_memory(tracker));
}

static void compress(benchmark::State &state, ZSTD_CCtx *(*make)())
{
	std::string packed(ZSTD_compressBound(text().size()), '\0');

	bind_to_processor(state.thread_index());
	for (auto _ : state) {
		ZSTD_CCtx *context = make();
		size_t size = ZSTD_compressCCtx(context, &packed[0],
						packed.size(), text().data(),
						text().size(), 3);

		ZSTD_freeCCtx(context);
		if (ZSTD_isError(size))
			state.SkipWithError(ZSTD_getErrorName(size));
	}
	state.SetBytesProcessed(static_cast<int64_t>(text().size()) *
				state.iterations());
}

/* ---- Lua ---- */

static const char script[] =
	"local count, words = {}, {}\n"
	"for word in text:gmatch('[%a-]+') do\n"
	"  local lower = word:lower()\n"
	"  if not count[lower] then words[#words + 1] = {lower} end\n"
	"  count[lower] = (count[lower] or 0) + 1\n"
	"end\n"
	"table.sort(words, function(a, b)\n"
	"  return count[a[1]] > count[b[1]] or\n"
	"    count[a[1]] == count[b[1]] and a[1] < b[1] end)\n"
	"local lines = {}\n"
	"for i, word in ipairs(words) do\n"
	"  lines[i] = word[1] .. ' ' .. count[word[1]]\n"
	"end\n"
	"return #table.concat(lines, '\\n')\n";

static lua_State *state_on_malloc()
{
	return luaL_newstate();
}

static lua_State *state_on_tracker()
{
	return lua_newstate(porter_lua_alloc,
			    porter_tracked_allocator(tracker));
}

static void run_script(benchmark::State &state, lua_State *(*make)())
{
	const size_t part = std::min<size_t>(text().size(), 128 << 10);

	bind_to_processor(state.thread_index());
	for (auto _ : state) {
		lua_State *L = make();

		luaL_openlibs(L);
		lua_pushlstring(L, text().data(), part);
		lua_setglobal(L, "text");
		if (luaL_dostring(L, script) || lua_tointeger(L, -1) == 0)
			state.SkipWithError("the script failed");
		lua_close(L);
	}
}

/* ---- All ---- */

template <class Make>
static void compare(const char *name, void (*work)(benchmark::State &, Make),
		    Make make)
{
	benchmark::RegisterBenchmark(name, work, make)
		->ThreadRange(1, 2)
		->UseRealTime();
}

int main(int argc, char **argv)
{
	compare("work/zstd-malloc", compress, context_on_malloc);
	compare("work/zstd-portermem", compress, context_on_tracker);
	compare("work/lua-malloc", run_script, state_on_malloc);
	compare("work/lua-portermem", run_script, state_on_tracker);

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	if (text().empty()) {
		fprintf(stderr, "bench_adapters: no file to work on; name one "
				"in PORTER_BENCH_FILE\n");
		return 1;
	}
	benchmark::RunSpecifiedBenchmarks();
	return porter_bytes_used(tracker) == 0 ? 0 : 1;
}
