/* SPDX-License-Identifier: MIT */
/*
 * Proves that a program with a malloc of its own, as one with an allocator
 * linked in, keeps working: its functions come before the preloaded ones, and
 * whatever operator new hands out must be good for the operator delete that
 * goes with it, whichever allocator serves the two. The program's free() ends
 * it when it gets a block that is not its own.
 */
#include "test.h"

#include <new>
#include <string>
#include <vector>

namespace
{

enum { ARENA = 64 << 20, HEADER = 64 };
alignas(4096) char arena[ARENA];
size_t used; /* atomically: threads allocate, too */
size_t served;

/* Nothing is used again: enough for a test. The size is before the block. */
void *take(size_t alignment, size_t n)
{
	size_t room = n + alignment + HEADER, start;
	uintptr_t p;

	start = __atomic_fetch_add(&used, room, __ATOMIC_RELAXED);
	if (room < n || start + room > ARENA) {
		errno = ENOMEM;
		return nullptr;
	}
	p = (uintptr_t)arena + start + HEADER + alignment - 1;
	p -= p % alignment;
	((size_t *)p)[-1] = n;
	__atomic_fetch_add(&served, 1, __ATOMIC_RELAXED);
	return (void *)p;
}

void check_own(void *p)
{
	CHECK_MSG((uintptr_t)p - (uintptr_t)arena < ARENA,
		  "the program's free() got %p, another allocator's block", p);
}

} /* namespace */

/* What glibc's manual asks of a program that replaces malloc. */
extern "C" {
void *malloc(size_t n)
{
	return take(16, n);
}

void free(void *p)
{
	if (p)
		check_own(p);
}

void *calloc(size_t a, size_t b)
{
	return take(16, a * b);
}

void *realloc(void *old, size_t n)
{
	void *p = take(16, n);
	size_t size;

	if (!old || !p)
		return p;
	check_own(old);
	size = ((size_t *)old)[-1];
	return memcpy(p, old, size < n ? size : n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
	return take(alignment < 16 ? 16 : alignment, n);
}

void *memalign(size_t alignment, size_t n)
{
	return aligned_alloc(alignment, n);
}

int posix_memalign(void **ret, size_t alignment, size_t n)
{
	void *p = aligned_alloc(alignment, n);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}
}

namespace
{

struct alignas(128) wide {
	char bytes[200];
};

void *in_thread(void *)
{
	for (size_t i = 0; i < 1000; i++) {
		std::string text(i, 'x');

		delete new wide;
		free(strdup(text.c_str()));
	}
	return nullptr;
}

void both()
{
	std::vector<std::string> words;
	std::vector<wide> wides(10);
	size_t before = served;
	FILE *file;

	free(malloc(100));
	CHECK(served == before + 1);
	for (size_t i = 0; i < 300; i++) {
		operator delete(operator new(i));
		operator delete[](operator new[](i, std::nothrow), i);
		delete new wide;
		delete[] new wide[3];
		delete new (std::nothrow) wide;
		words.push_back(std::string(i, 'y'));
	}
	wides.resize(50);
	file = fopen("/dev/null", "w");
	CHECK(file && fprintf(file, "%s", words[200].c_str()) == 200);
	fclose(file);
	for (size_t i = 0; i < 4; i++) {
		pthread_t thread = start_thread(in_thread, nullptr, 0);

		CHECK(!pthread_join(thread, nullptr));
	}
}

} /* namespace */

int main()
{
	/* Not test_begin(): malloc is the program's here. */
	watchdog(30);
	if (preloaded())
		CHECK(strstr(getenv("LD_PRELOAD"), symbol_file("malloc_trim")));
	both();
	printf("%zu blocks were the program's own: ok\n", served);
	return 0;
}
