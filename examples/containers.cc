/* SPDX-License-Identifier: MIT */
/*
 * containers.cc: an index of the words of a text, and what it takes.
 *
 *	containers FILE
 *
 * The words and the lists of their lines stand in containers of C++17; each
 * kind counts for itself, and both in the whole.
 */
#include <portermem/adapt-pmr.hpp>
#include <portermem/portermem.h>

#include <cctype>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

/* A memory resource with a tracker of its own. */
class part
{
      public:
	explicit part(porter_allocator *below)
	    : tracked_(porter_tracked_new(below)),
	      resource_(tracked_ ? porter_tracked_allocator(tracked_) :
				   throw std::bad_alloc())
	{
	}
	~part()
	{
		porter_tracked_destroy(tracked_, nullptr);
	}
	part(const part &) = delete;
	part &operator=(const part &) = delete;

	std::pmr::memory_resource *resource()
	{
		return &resource_;
	}
	long long bytes() const
	{
		return porter_bytes_used(tracked_);
	}
	porter_allocator *allocator()
	{
		return porter_tracked_allocator(tracked_);
	}

      private:
	porter_tracked *tracked_;
	porter::memory_resource resource_;
};

using lines = std::pmr::vector<int>;

int main(int argc, char **argv)
{
	std::ifstream text(argc == 2 ? argv[1] : "");

	if (!text) {
		std::cerr << "Usage: containers FILE\n";
		return 2;
	}
	part whole(nullptr), words(whole.allocator()),
		places(whole.allocator());
	{
		std::map<std::pmr::string, lines, std::less<>,
			 porter::allocator<
				 std::pair<const std::pmr::string, lines>>>
			index(whole.allocator());
		std::string line, word;

		for (int number = 1; std::getline(text, line); number++) {
			line += '\n';
			for (unsigned char c : line) {
				if (std::isalnum(c)) {
					word += char(std::tolower(c));
					continue;
				}
				if (!word.empty())
					index.try_emplace(
						     std::pmr::string(
							     word,
							     words.resource()),
						     places.resource())
						.first->second.push_back(
							number);
				word.clear();
			}
		}
		std::cout << index.size() << " words: " << whole.bytes()
			  << " bytes, of these " << words.bytes()
			  << " for long words, " << places.bytes()
			  << " for their places\n";
	}
	std::cout << "index gone: " << whole.bytes() << " bytes\n";
	return whole.bytes() != 0;
}
