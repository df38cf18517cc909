/* SPDX-License-Identifier: MIT */
/*
 * arrow_table.cc: Arrow C++ reads CSV into memory that a tracker counts.
 *
 *	arrow_table FILE.csv
 *
 * One pool for the table, over one tracker for the whole program; what both
 * say is compared with Arrow's own statistics of the same calls.
 */
#include <portermem/adapt-arrow.hpp>
#include <portermem/portermem.h>

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>

#include <iostream>

static arrow::Result<std::shared_ptr<arrow::Table>>
read(const char *path, arrow::MemoryPool *pool)
{
	auto options = arrow::csv::ReadOptions::Defaults();

	/* In this thread: the numbers below are those of an instant. */
	options.use_threads = false;
	ARROW_ASSIGN_OR_RAISE(auto file,
			      arrow::io::ReadableFile::Open(path, pool));
	ARROW_ASSIGN_OR_RAISE(auto reader,
			      arrow::csv::TableReader::Make(
				      arrow::io::IOContext(pool), file, options,
				      arrow::csv::ParseOptions::Defaults(),
				      arrow::csv::ConvertOptions::Defaults()));
	return reader->Read();
}

int main(int argc, char **argv)
{
	porter_tracked *whole = porter_tracked_new(nullptr);
	int64_t leaked;

	if (argc != 2 || !whole) {
		std::cerr << "Usage: arrow_table FILE.csv\n";
		return 2;
	}
	{
		porter::arrow_pool pool(porter_tracked_allocator(whole));
		arrow::ProxyMemoryPool arrows(&pool);
		auto table = read(argv[1], &arrows);

		if (!table.ok()) {
			std::cerr << table.status().ToString() << "\n";
			return 2;
		}
		std::cout << (*table)->num_rows() << " rows, "
			  << (*table)->num_columns() << " columns\n"
			  << "whole " << porter_bytes_used(whole) << ", pool "
			  << pool.bytes_allocated() << ", Arrow "
			  << arrows.bytes_allocated() << " bytes\n"
			  << "at most " << pool.max_memory() << ", Arrow "
			  << arrows.max_memory() << " bytes\n";
	}
	std::cout << "table gone: " << porter_bytes_used(whole) << " bytes\n";
	return porter_tracked_destroy(whole, &leaked) != 0 || leaked != 0;
}
