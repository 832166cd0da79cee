/*
 * C++ containers: what a program written with the standard library asks of an
 * allocator through operator new. The only workload in C++.
 */
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bench_shim.h"

namespace
{

/* xorshift: the same numbers under every allocator. */
uint32_t random_number()
{
	static thread_local uint32_t state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

std::string random_string(size_t min, size_t max)
{
	size_t len = min + random_number() % (max - min);

	return std::string(len, char('a' + random_number() % 26));
}

/* A node-based map of 50,000 keys in which one is replaced. */
void map_churn(struct bench *b)
{
	constexpr uint32_t keys = 50000;
	std::map<uint32_t, uint64_t> map;
	uint32_t next = 0;

	while (map.size() < keys)
		map.emplace(random_number() % (1u << 20), 0);
	while (bench_next(b, 100))
		for (int i = 0; i < 100; i++) {
			auto it = map.lower_bound(random_number() % (1u << 20));

			if (it == map.end())
				it = map.begin();
			map.erase(it);
			map[random_number() % (1u << 20)] = next++;
		}
}

/* Words counted in a hash table, which is then dropped. */
void hash_build(struct bench *b)
{
	while (bench_next(b, 20000)) {
		std::unordered_map<std::string, std::string> table;

		for (uint32_t i = 0; i < 20000; i++)
			table["a key not in place " + std::to_string(i)] =
				random_string(4, 60);
	}
}

/* Vectors of strings that grow, get their middle cut out and are copied. */
void string_vectors(struct bench *b)
{
	while (bench_next(b, 1000)) {
		std::vector<std::string> v, copy;

		for (int i = 0; i < 1000; i++)
			v.push_back(random_string(1, 80));
		v.erase(v.begin() + 300, v.begin() + 600);
		copy = v;
		copy.insert(copy.end(), v.begin(), v.end());
	}
}

/* Where each word stands, in a table of the thread's own that is dropped and made
 * again: its lists of numbers are written to until then. */
void index_rebuild(struct bench *b)
{
	constexpr uint32_t numbers = 100000, words = 30000;

	while (bench_next(b, numbers)) {
		std::unordered_map<std::string, std::vector<uint32_t>> index;

		for (uint32_t i = 0; i < numbers; i++)
			index[std::to_string(random_number() % words)]
				.push_back(i);
	}
}

/* A document: elements with a name and what is in them. */
struct element {
	std::string name = random_string(4, 32);
	std::vector<std::unique_ptr<element>> inside;
};

std::unique_ptr<element> make_document(uint64_t &left, int depth)
{
	auto e = std::make_unique<element>();
	uint32_t n = depth ? random_number() % 9 : 0;

	left -= left > 0;
	for (uint32_t i = 0; i < n && left; i++)
		e->inside.push_back(make_document(left, depth - 1));
	return e;
}

size_t length_of(const element &e)
{
	size_t len = e.name.size();

	for (const auto &i : e.inside)
		len += length_of(*i);
	return len;
}

/* Several of them are read, looked at three times and dropped. */
void documents(struct bench *b)
{
	constexpr uint64_t elements = 100000;

	while (bench_next(b, elements)) {
		std::vector<std::unique_ptr<element>> all;
		uint64_t left = elements;

		while (left)
			all.push_back(make_document(left, 7));
		for (int i = 0; i < 3; i++)
			for (const auto &e : all) {
				size_t len = length_of(*e);

				__asm__ volatile("" : : "r"(len));
			}
	}
}

/* shared_ptrs made in one thread, copied, and dropped last in another. */
void shared_between_threads(struct bench *b)
{
	using item = std::shared_ptr<std::vector<uint32_t>>;
	constexpr size_t batch = 500;
	std::deque<std::vector<item>> queue;
	std::mutex lock;
	std::condition_variable changed;
	bool done = false;

	std::thread consumer([&] {
		for (;;) {
			std::unique_lock<std::mutex> hold(lock);
			std::vector<item> items;
			uint64_t sum = 0;

			changed.wait(hold,
				     [&] { return done || !queue.empty(); });
			if (queue.empty())
				return;
			items = std::move(queue.front());
			queue.pop_front();
			hold.unlock();
			changed.notify_one();
			for (const item &i : items)
				sum += (*i)[0];
			__asm__ volatile("" : : "r"(sum));
		}
	});
	while (bench_next(b, batch)) {
		std::vector<item> items;

		for (size_t i = 0; i < batch; i++)
			items.push_back(std::make_shared<std::vector<uint32_t>>(
				1 + random_number() % 50));

		std::unique_lock<std::mutex> hold(lock);

		changed.wait(hold, [&] { return queue.size() < 20; });
		queue.push_back(items);
		hold.unlock();
		changed.notify_one();
	}
	{
		std::unique_lock<std::mutex> hold(lock);

		done = true;
	}
	changed.notify_one();
	consumer.join();
}

const struct bench_case cases[] = {
	{"map", map_churn, {}, 200000, 1, BENCH_QUICK},
	{"hash", hash_build, {}, 600000, 1, BENCH_QUICK},
	{"strings", string_vectors, {}, 2000000, 1, BENCH_QUICK},
	{"index", index_rebuild, {}, 2000000, 1, 0},
	{"index/t2", index_rebuild, {}, 4000000, 2, BENCH_QUICK},
	{"document", documents, {}, 2000000, 1, BENCH_QUICK},
	{"document/t2", documents, {}, 4000000, 2, 0},
	{"document/t4", documents, {}, 4000000, 4, 0},
	{"shared-ptr/t2", shared_between_threads, {}, 1000000, 1, BENCH_QUICK},
};

} // namespace

BENCH_MAIN("containers", "one element of a C++ container put in or replaced",
	   cases)
