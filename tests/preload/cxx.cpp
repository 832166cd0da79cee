/* SPDX-License-Identifier: MIT */
/*
 * Proves the C++ side: every form of operator new and delete (array, sized,
 * aligned, nothrow) serves usable blocks from the preloaded library, zero
 * bytes included; new_handler is called in a loop as the standard says;
 * std::bad_alloc, or whatever a handler throws, passes through the library's
 * frames; the nothrow forms return null instead.
 */
#include "test.h"

#include <malloc.h>
#include <new>
#include <string>
#include <vector>

namespace
{

const size_t sizes[] = {0,    1,    8,	   16,	  17,	  24,	   100,	   1000,
			4096, 5000, 32768, 32769, 100000, 1 << 20, 5 << 20};

using align = std::align_val_t;
using release = void (*)(void *p, size_t n, align a);

/* The deletes that may end the blocks of a form of new, whether nothrow. */
const release one[] = {
	[](void *p, size_t, align) { operator delete(p); },
	[](void *p, size_t n, align) { operator delete(p, n); },
	[](void *p, size_t, align) { operator delete(p, std::nothrow); },
};
const release many[] = {
	[](void *p, size_t, align) { operator delete[](p); },
	[](void *p, size_t n, align) { operator delete[](p, n); },
	[](void *p, size_t, align) { operator delete[](p, std::nothrow); },
};
const release aligned[] = {
	[](void *p, size_t, align a) { operator delete(p, a); },
	[](void *p, size_t n, align a) { operator delete(p, n, a); },
	[](void *p, size_t, align a) { operator delete(p, a, std::nothrow); },
};
const release aligned_many[] = {
	[](void *p, size_t, align a) { operator delete[](p, a); },
	[](void *p, size_t n, align a) { operator delete[](p, n, a); },
	[](void *p, size_t, align a) { operator delete[](p, a, std::nothrow); },
};

struct form {
	const char *name;
	const release *releases; /* three */
	bool is_aligned, is_nothrow;
	void *(*allocate)(size_t n, align a);
};

const form forms[] = {
	{"new", one, false, false,
	 [](size_t n, align) { return operator new(n); }},
	{"new[]", many, false, false,
	 [](size_t n, align) { return operator new[](n); }},
	{"nothrow new", one, false, true,
	 [](size_t n, align) { return operator new(n, std::nothrow); }},
	{"nothrow new[]", many, false, true,
	 [](size_t n, align) { return operator new[](n, std::nothrow); }},
	{"aligned new", aligned, true, false,
	 [](size_t n, align a) { return operator new(n, a); }},
	{"aligned new[]", aligned_many, true, false,
	 [](size_t n, align a) { return operator new[](n, a); }},
	{"aligned nothrow new", aligned, true, true,
	 [](size_t n, align a) { return operator new(n, a, std::nothrow); }},
	{"aligned nothrow new[]", aligned_many, true, true,
	 [](size_t n, align a) { return operator new[](n, a, std::nothrow); }},
};

/* ---- blocks ------------------------------------------------------------ */

void check_form(const form &f, size_t n, size_t alignment)
{
	align a{alignment};
	void *block[6];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(block); i++) {
		block[i] = f.allocate(n, a);
		CHECK_MSG(block[i], "%s(%zu)", f.name, n);
		CHECK_MSG((uintptr_t)block[i] % alignment == 0,
			  "%s(%zu, %zu): %p", f.name, n, alignment, block[i]);
		CHECK(malloc_usable_size(block[i]) >= n);
		CHECK(!i || block[i] != block[i - 1]);
		fill(block[i], n);
	}
	for (i = 0; i < ARRAY_SIZE(block); i++) {
		CHECK(check_fill(block[i], n));
		errno = 4242;
		f.releases[i % 3](block[i], n, a);
		CHECK(errno == 4242);
	}
	for (i = 0; i < 3; i++)
		f.releases[i](nullptr, n, a);
}

void operators()
{
	for (const form &f : forms)
		for (size_t n : sizes) {
			if (!f.is_aligned)
				check_form(f, n, 16);
			else
				for (size_t a = 1; a <= MIB; a *= 2)
					if (n <= 100000 || a % 5 == 1)
						check_form(f, n, a);
		}
}

/* Which file serves each symbol; both libraries' blocks would mix otherwise. */
void names()
{
	static const char *const symbols[] = {
		"_Znwm",
		"_Znam",
		"_ZnwmRKSt9nothrow_t",
		"_ZnamRKSt9nothrow_t",
		"_ZnwmSt11align_val_t",
		"_ZnamSt11align_val_t",
		"_ZnwmSt11align_val_tRKSt9nothrow_t",
		"_ZnamSt11align_val_tRKSt9nothrow_t",
		"_ZdlPv",
		"_ZdaPv",
		"_ZdlPvm",
		"_ZdaPvm",
		"_ZdlPvRKSt9nothrow_t",
		"_ZdaPvRKSt9nothrow_t",
		"_ZdlPvSt11align_val_t",
		"_ZdaPvSt11align_val_t",
		"_ZdlPvmSt11align_val_t",
		"_ZdaPvmSt11align_val_t",
		"_ZdlPvSt11align_val_tRKSt9nothrow_t",
		"_ZdaPvSt11align_val_tRKSt9nothrow_t",
	};

	if (!preloaded())
		test_skip("needs LD_PRELOAD");
	for (const char *symbol : symbols)
		CHECK_MSG(strstr(getenv("LD_PRELOAD"), symbol_file(symbol)),
			  "%s comes from '%s'", symbol, symbol_file(symbol));
}

/* What a program writes: expressions, constructors, containers. */
struct alignas(256) wide {
	char bytes[300];
	static int alive;

	wide() : bytes{1}
	{
		alive++;
	}
	~wide()
	{
		alive--;
	}
};
int wide::alive;

void expressions()
{
	std::vector<std::string> words;
	std::vector<wide> wides;
	wide *single = new wide, *array = new wide[100];

	CHECK((uintptr_t)single % 256 == 0 && (uintptr_t)array % 64 == 0);
	CHECK(wide::alive == 101);
	delete single;
	delete[] array;
	CHECK(wide::alive == 0);
	for (size_t i = 0; i < 100000; i++)
		words.push_back(std::string(i % 300, (char)('a' + i % 26)));
	for (size_t i = 0; i < words.size(); i++) {
		CHECK(words[i].size() == i % 300);
		CHECK(words[i].find_first_not_of((char)('a' + i % 26)) ==
		      std::string::npos);
	}
	wides.resize(1000);
	wides.shrink_to_fit();
	for (const wide &w : wides)
		CHECK((uintptr_t)&w % 256 == 0);
}

/* ---- no memory --------------------------------------------------------- */

const size_t impossible[] = {(size_t)1 << 47, PTRDIFF_MAX,
			     (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096,
			     SIZE_MAX};

/* The exception a call ends with: its name, or "" when it returns null. */
const char *refusal(const form &f, size_t n)
{
	try {
		void *p = f.allocate(opaque(n), align{64});
		CHECK_MSG(!p, "%s(%#zx) returned %p", f.name, n, p);
	} catch (const std::bad_alloc &) {
		return "bad_alloc";
	} catch (int) {
		return "int";
	}
	return "";
}

void exhausted()
{
	for (const form &f : forms)
		for (size_t n : impossible) {
			/* libstdc++ 12 itself rounds it up to 0 bytes. */
			if (n == SIZE_MAX && f.is_aligned && !preloaded())
				continue;
			CHECK_MSG(!strcmp(refusal(f, n),
					  f.is_nothrow ? "" : "bad_alloc"),
				  "%s(%#zx): '%s'", f.name, n, refusal(f, n));
		}
	/* The compiler's own check, for an array that overflows. */
	try {
		size_t n = opaque(SIZE_MAX / 4);
		CHECK(!new long[n]);
	} catch (const std::bad_alloc &) {
		return;
	}
	CHECK(!"an array larger than the address space");
}

unsigned int handler_calls;

void give_up_at_five()
{
	if (++handler_calls == 5)
		std::set_new_handler(nullptr);
}

/* Stands for an exception type of the program's own. */
struct out_of_patience : std::bad_alloc {
};

void throw_at_three()
{
	if (++handler_calls == 3)
		throw out_of_patience();
}

void handlers()
{
	for (const form &f : forms) {
		handler_calls = 0;
		std::set_new_handler(give_up_at_five);
		CHECK(!strcmp(refusal(f, PTRDIFF_MAX),
			      f.is_nothrow ? "" : "bad_alloc"));
		CHECK_MSG(handler_calls == 5, "%s: handler called %u times",
			  f.name, handler_calls);
		handler_calls = 0;
		std::set_new_handler(throw_at_three);
		CHECK(!strcmp(refusal(f, PTRDIFF_MAX),
			      f.is_nothrow ? "" : "bad_alloc"));
		CHECK_MSG(handler_calls == 3, "%s: handler called %u times",
			  f.name, handler_calls);
		std::set_new_handler(nullptr);
	}
	/* The exception keeps its type and runs destructors on its way. */
	handler_calls = 0;
	std::set_new_handler(throw_at_three);
	try {
		wide local;
		CHECK(wide::alive == 1);
		free(operator new(opaque(PTRDIFF_MAX)));
	} catch (const out_of_patience &) {
		handler_calls = 100;
	}
	std::set_new_handler(nullptr);
	CHECK(handler_calls == 100 && wide::alive == 0);
}

/* Under a limit: what the handler frees is what the loop then gets. */
void *reserve;

void free_reserve()
{
	handler_calls++;
	if (!reserve)
		std::set_new_handler(nullptr);
	operator delete(reserve);
	reserve = nullptr;
}

void limited(void *)
{
	enum { EACH = 8 << 20 };
	static void *block[1024];
	struct rlimit limit;
	size_t n = 0, i, again;

	/* Ample for what is mapped, reservations of the allocator included. */
	limit.rlim_cur = limit.rlim_max =
		(rlim_t)status_kib("VmSize") * 1024 + 256 * MIB;
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	/* An allocator that reserves address space ahead has more than that. */
	limit.rlim_cur = limit.rlim_max = 512 * MIB;
	CHECK(!setrlimit(RLIMIT_DATA, &limit));
	reserve = operator new(EACH);
	std::set_new_handler(free_reserve);
	try {
		while (n < ARRAY_SIZE(block)) {
			block[n] = operator new(EACH);
			memset(block[n++], 1, EACH);
		}
	} catch (const std::bad_alloc &) {
	}
	CHECK_MSG(n < ARRAY_SIZE(block), "the limit was not met");
	CHECK(n > 8 && handler_calls == 2 && !reserve);
	for (i = 0; i < n; i++)
		operator delete(block[i], (size_t)EACH);
	for (again = 0; again < n; again++) {
		block[again] = operator new(EACH, std::nothrow);
		CHECK_MSG(block[again], "only %zu of %zu blocks again", again,
			  n);
	}
}

void limit()
{
	in_child("allocation under a limit", 30, limited, nullptr);
}

} /* namespace */

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"operators", operators, 60},	  {"names", names, 10},
		{"expressions", expressions, 60}, {"exhausted", exhausted, 30},
		{"handlers", handlers, 30},	  {"limit", limit, 40},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
