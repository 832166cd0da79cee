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
	{"shared-ptr/t2", shared_between_threads, {}, 1000000, 1, BENCH_QUICK},
};

} // namespace

BENCH_MAIN("containers", "one element of a C++ container put in or replaced",
	   cases)
