// The program that the g++ workload compiles and runs; prints the same on
// every run.

#include <algorithm>
#include <any>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <optional>
#include <ranges>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

class Generator {
public:
	explicit Generator(std::uint64_t seed) : state(seed) {}
	std::uint32_t operator()()
	{
		state = state * 16807 % 2147483647;
		return static_cast<std::uint32_t>(state);
	}

private:
	std::uint64_t state;
};

std::uint64_t checksum(const std::string &text)
{
	std::uint64_t sum = 1469598103934665603u;
	for (unsigned char c : text)
		sum = (sum ^ c) * 1099511628211u;
	return sum;
}

// Instantiated for every N below, so that the compiler has work to do.
template <std::size_t N> struct Record {
	std::array<std::string, N % 7 + 1> names;
	std::variant<int, std::string, std::vector<double>> value;
	std::map<std::string, std::optional<std::tuple<int, std::string>>> more;

	explicit Record(Generator &next)
	{
		for (auto &name : names)
			name = std::string(next() % (N + 20), 'a' + N % 26);
		switch (next() % 3) {
		case 0: value = static_cast<int>(next()); break;
		case 1: value = std::to_string(next()); break;
		default: value = std::vector<double>(next() % 100, N);
		}
		for (std::size_t i = 0; i < N % 5 + 1; i++)
			more["key" + std::to_string(i)] =
				std::make_tuple(static_cast<int>(next()), names[0]);
	}

	std::string text() const
	{
		std::ostringstream out;
		out << N << ':';
		for (const auto &name : names)
			out << name.size() << ',';
		std::visit([&out](const auto &v) {
			if constexpr (requires { v.size(); })
				out << v.size();
			else
				out << v;
		}, value);
		for (const auto &[key, item] : more)
			out << key << std::get<0>(*item) << std::get<1>(*item);
		return out.str();
	}
};

template <std::size_t N> std::string records(Generator &next)
{
	std::list<std::shared_ptr<Record<N>>> list;
	std::unordered_map<std::string, std::weak_ptr<Record<N>>> index;
	for (int i = 0; i < 50; i++) {
		list.push_back(std::make_shared<Record<N>>(next));
		index[list.back()->text()] = list.back();
	}
	list.remove_if([](const auto &r) { return r->value.index() == 1; });
	std::vector<std::string> texts;
	for (const auto &[text, record] : index)
		if (auto alive = record.lock())
			texts.push_back(text);
	std::ranges::sort(texts);
	return std::accumulate(texts.begin(), texts.end(), std::string());
}

template <std::size_t... N>
std::uint64_t all_records(std::index_sequence<N...>)
{
	Generator next(42);
	return checksum((records<N>(next) + ...));
}

struct alignas(256) Aligned {
	std::array<char, 300> data{};
};

bool aligned_objects()
{
	std::vector<std::unique_ptr<Aligned>> objects;
	std::vector<std::unique_ptr<Aligned[]>> arrays;
	for (int i = 0; i < 1000; i++) {
		objects.push_back(std::make_unique<Aligned>());
		arrays.push_back(std::make_unique<Aligned[]>(i % 9 + 1));
	}
	auto is_aligned = [](const auto &p) {
		return reinterpret_cast<std::uintptr_t>(p.get()) % 256 == 0;
	};
	return std::ranges::all_of(objects, is_aligned)
		&& std::ranges::all_of(arrays, is_aligned);
}

int exceptions()
{
	int caught = 0;
	for (int i = 0; i < 20000; i++) {
		try {
			std::string text(i % 300, 'x');
			if (i % 3 == 0)
				throw std::runtime_error(text);
			if (i % 3 == 1)
				std::ignore = std::vector<int>().at(i);
			else
				std::ignore = std::any_cast<int>(std::any(text));
		} catch (const std::exception &e) {
			caught += e.what()[0] != 0;
		}
	}
	return caught;
}

// The compiler must not see that nobody can have this much.
volatile std::size_t too_much = PTRDIFF_MAX - 4096;

int refused()
{
	int handled = 0, count = 0;
	static int *calls;
	calls = &handled;
	std::set_new_handler([] {
		if (++*calls % 3 == 0)
			throw std::bad_alloc();
	});
	for (int i = 0; i < 10; i++) {
		try {
			::operator delete(::operator new(too_much));
		} catch (const std::bad_alloc &) {
			count++;
		}
	}
	std::set_new_handler(nullptr);
	count += ::operator new(too_much, std::nothrow) == nullptr;
	return count * 100 + handled;
}

std::uint64_t strings_and_regex()
{
	Generator next(7);
	std::string text;
	for (int i = 0; i < 20000; i++)
		text += "item" + std::to_string(next() % 9973) + (i % 7 ? ";" : "\n");
	std::regex expression("item([0-9]*)5;item([0-9]+)");
	std::string found;
	for (std::sregex_iterator it(text.begin(), text.end(), expression), end;
		it != end; ++it)
		found += (*it)[1].str() + '+' + (*it)[2].str();
	return checksum(text) ^ checksum(found);
}

std::uint64_t threads()
{
	std::vector<std::future<std::uint64_t>> results;
	for (int t = 0; t < 8; t++)
		results.push_back(std::async(std::launch::async, [t] {
			Generator next(t + 1);
			std::deque<std::string> queue;
			std::multiset<std::string> sorted;
			std::pmr::unsynchronized_pool_resource pool;
			std::pmr::map<int, std::pmr::string> pooled(&pool);
			for (int i = 0; i < 30000; i++) {
				queue.emplace_back(next() % 200, 'a' + i % 26);
				if (queue.size() > 500) {
					sorted.insert(std::move(queue.front()));
					queue.pop_front();
				}
				if (sorted.size() > 1000)
					sorted.erase(sorted.begin());
				pooled[next() % 1000] += "pooled";
			}
			std::string all;
			for (const auto &s : sorted)
				all += s;
			for (const auto &[key, value] : pooled)
				all += value;
			return checksum(all);
		}));
	std::uint64_t sum = 0;
	for (auto &result : results)
		sum ^= result.get();
	return sum;
}

}

int main()
{
	std::cout << "records " << all_records(std::make_index_sequence<4>())
		<< "\naligned " << aligned_objects()
		<< "\nexceptions " << exceptions()
		<< "\nrefused " << refused()
		<< "\nstrings " << strings_and_regex()
		<< "\nthreads " << threads() << '\n';
	return 0;
}
