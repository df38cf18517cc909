/* SPDX-License-Identifier: MIT */
/*
 * arrow_jobs.hpp: what Arrow C++ is given to do, with a pool of ours or its
 * own: build a table, read CSV, write and read Parquet.
 *
 * Each job is a class with run(pool), which leaves what it made in the job,
 * and clear(). It throws what Arrow reports.
 */
#ifndef TESTS_ARROW_JOBS_HPP
#define TESTS_ARROW_JOBS_HPP

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <arrow/util/thread_pool.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace jobs
{

struct refused : std::runtime_error {
	explicit refused(const arrow::Status &status)
	    : std::runtime_error(status.ToString()),
	      no_memory(status.IsOutOfMemory())
	{
	}
	bool no_memory;
};

inline void check(const arrow::Status &status)
{
	if (!status.ok())
		throw refused(status);
}

template <class T> T check(arrow::Result<T> result)
{
	check(result.status());
	return std::move(result).ValueUnsafe();
}

/* Numbers, texts and nulls, by row. */
inline std::string word(int row)
{
	return "word " + std::to_string(row * 7919 % 10007);
}

/* "number,text" and so on; every seventh number is missing. */
inline std::string csv_text(int rows)
{
	std::string text = "number,text,share\n";

	for (int row = 0; row < rows; row++) {
		if (row % 7)
			text += std::to_string(row);
		text += "," + word(row) + ",";
		text += std::to_string(row % 1000) + ".25\n";
	}
	return text;
}

class build_table
{
      public:
	explicit build_table(int rows) : rows_(rows)
	{
	}
	void run(arrow::MemoryPool *pool)
	{
		arrow::Int32Builder numbers(pool);
		arrow::StringBuilder texts(pool);
		std::shared_ptr<arrow::Array> columns[2];

		for (int row = 0; row < rows_; row++) {
			check(row % 7 ? numbers.Append(row) :
					numbers.AppendNull());
			check(texts.Append(word(row)));
		}
		check(numbers.Finish(&columns[0]));
		check(texts.Finish(&columns[1]));
		table = arrow::Table::Make(
			arrow::schema({ arrow::field("number", arrow::int32()),
					arrow::field("text", arrow::utf8()) }),
			{ columns[0], columns[1] });
		check(table->ValidateFull());
	}
	void clear()
	{
		table.reset();
	}
	std::shared_ptr<arrow::Table> table;

      private:
	int rows_;
};

class read_csv
{
      public:
	explicit read_csv(std::string text, bool threads = false,
			  int block = 1 << 20)
	    : text_(std::move(text)), threads_(threads), block_(block)
	{
	}
	void run(arrow::MemoryPool *pool)
	{
		auto options = arrow::csv::ReadOptions::Defaults();

		options.use_threads = threads_;
		options.block_size = block_;
		auto reader = check(arrow::csv::TableReader::Make(
			arrow::io::IOContext(pool),
			std::make_shared<arrow::io::BufferReader>(
				std::make_shared<arrow::Buffer>(text_)),
			options, arrow::csv::ParseOptions::Defaults(),
			arrow::csv::ConvertOptions::Defaults()));
		table = check(reader->Read());
	}
	void clear()
	{
		table.reset();
	}
	std::shared_ptr<arrow::Table> table;

      private:
	std::string text_;
	bool threads_;
	int block_;
};

/* Writes a table, made by Arrow's default pool, and reads it again. */
class parquet_and_back
{
      public:
	explicit parquet_and_back(int rows)
	{
		build_table source(rows);

		source.run(arrow::default_memory_pool());
		source_ = source.table;
	}
	void run(arrow::MemoryPool *pool)
	{
		auto out = check(
			arrow::io::BufferOutputStream::Create(4096, pool));
		auto properties = parquet::WriterProperties::Builder()
					  .memory_pool(pool)
					  ->build();

		check(parquet::arrow::WriteTable(*source_, pool, out, 5000,
						 properties));
		auto in = std::make_shared<arrow::io::BufferReader>(
			check(out->Finish()));
		auto reader = check(parquet::arrow::OpenFile(in, pool));

		reader->set_use_threads(false);
		check(reader->ReadTable(&table));
		if (!table->Equals(*source_))
			throw std::runtime_error("Parquet has other values");
	}
	void clear()
	{
		table.reset();
	}
	std::shared_ptr<arrow::Table> table;

      private:
	std::shared_ptr<arrow::Table> source_;
};

/*
 * Until Arrow's threads have dropped what they held: some end a little later
 * than the job that they worked for.
 */
inline void settle(const arrow::MemoryPool &pool)
{
	auto wait = [](arrow::internal::Executor *executor) {
		auto threads =
			dynamic_cast<arrow::internal::ThreadPool *>(executor);

		if (threads)
			threads->WaitForIdle();
	};

	wait(arrow::internal::GetCpuThreadPool());
	wait(arrow::io::default_io_context().executor());
	for (int i = 0; pool.bytes_allocated() != 0 && i < 1000000; i++)
		std::this_thread::yield();
}

} /* namespace jobs */

#endif /* TESTS_ARROW_JOBS_HPP */
