/* SPDX-License-Identifier: MIT */
/*
 * tcmalloc.cc: the statistics of gperftools' tcmalloc, and portermem on it.
 */
#include "ours.h"
#include "plain.h"

#include <gperftools/malloc_extension.h>

struct in_use : plain {
	static constexpr int64_t slack = 64 * 1024;

	static int64_t read()
	{
		size_t bytes = 0;

		if (!MallocExtension::instance()->GetNumericProperty(
			    "generic.current_allocated_bytes", &bytes))
			abort();
		return static_cast<int64_t>(bytes);
	}
};

std::vector<variant> variants()
{
	return {
		ours("portermem on tcmalloc"),
		allocator_variant<in_use>(
			{ "tcmalloc current_allocated_bytes", "real",
			  "portermem on tcmalloc", "usable size", "at rest",
			  "no", "no", "no",
			  "locks the page heap; walks all threads' caches" }),
	};
}
