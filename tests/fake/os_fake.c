/* SPDX-License-Identifier: MIT */
/* os_fake.c - see os_fake.h. */
#include "os_fake.h"

#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/host.h"
#include "os/os.h"

enum order { PASS, FAIL_NTH, FAIL_FROM, FAIL_RANDOMLY, FAIL_RANGE };

/* Written by the test while the library is at rest; the counts are atomic. */
static struct {
	enum order order;
	unsigned int kinds;
	uint64_t nth, seen, refused, seed;
	unsigned int in;
	uintptr_t start, end;
	uint64_t calls[NR_OS_CALLS];
} fake;

static bool by_chance(uint64_t n)
{
	uint64_t z = (fake.seed + n) * 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (z ^ z >> 31) % fake.in == 0;
}

static bool refuses(enum os_call call, const void *addr)
{
	bool no = false;
	uint64_t n;

	fetch_add_relaxed(&fake.calls[call], 1);
	if (fake.order == PASS || !(fake.kinds & OS_BIT(call)))
		return false;
	n = fetch_add_relaxed(&fake.seen, 1) + 1;
	switch (fake.order) {
	case PASS:
		break;
	case FAIL_NTH:
		no = n == fake.nth;
		break;
	case FAIL_FROM:
		no = n >= fake.nth;
		break;
	case FAIL_RANDOMLY:
		no = by_chance(n);
		break;
	case FAIL_RANGE:
		no = (uintptr_t)addr - fake.start < fake.end - fake.start;
		break;
	}
	if (no)
		fetch_add_relaxed(&fake.refused, 1);
	return no;
}

/* --- orders --- */

uint64_t os_fake_calls(enum os_call call)
{
	return load_relaxed(&fake.calls[call]);
}

uint64_t os_fake_all_calls(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < NR_OS_CALLS; i++)
		sum += os_fake_calls((enum os_call)i);
	return sum;
}

static void order(enum order order, unsigned int kinds)
{
	fake.order = order;
	fake.kinds = kinds;
	fake.seen = 0;
	fake.refused = 0;
}

void os_fake_fail_nth(unsigned int kinds, uint64_t nth)
{
	order(FAIL_NTH, kinds);
	fake.nth = nth;
}

void os_fake_fail_from(unsigned int kinds, uint64_t nth)
{
	order(FAIL_FROM, kinds);
	fake.nth = nth;
}

void os_fake_fail_randomly(unsigned int kinds, uint64_t seed, unsigned int in)
{
	order(FAIL_RANDOMLY, kinds);
	fake.seed = seed;
	fake.in = in;
}

void os_fake_fail_range(unsigned int kinds, const void *start, const void *end)
{
	order(FAIL_RANGE, kinds);
	fake.start = (uintptr_t)start;
	fake.end = (uintptr_t)end;
}

void os_fake_relent(void)
{
	fake.order = PASS;
}

uint64_t os_fake_refused(void)
{
	return load_relaxed(&fake.refused);
}

/* --- the calls --- */

void *__real_os_reserve(size_t size, bool readable);
int __real_os_commit(void *addr, size_t size);
int __real_os_purge(void *addr, size_t size);
int __real_os_refresh(void *addr, size_t size);
int __real_os_move(void *old, size_t old_size, void *addr);
int __real_os_mlock_onfault(void *addr, size_t size);
int __real_os_populate(void *addr, size_t size);
void __real_host_write_stderr(const char *buf, size_t len);

void *__wrap_os_reserve(size_t size, bool readable);
int __wrap_os_commit(void *addr, size_t size);
int __wrap_os_purge(void *addr, size_t size);
int __wrap_os_refresh(void *addr, size_t size);
int __wrap_os_move(void *old, size_t old_size, void *addr);
int __wrap_os_mlock_onfault(void *addr, size_t size);
int __wrap_os_populate(void *addr, size_t size);
void __wrap_host_write_stderr(const char *buf, size_t len);

void *__wrap_os_reserve(size_t size, bool readable)
{
	return refuses(OS_RESERVE, NULL) ? NULL :
					   __real_os_reserve(size, readable);
}

int __wrap_os_commit(void *addr, size_t size)
{
	return refuses(OS_COMMIT, addr) ? -ENOMEM :
					  __real_os_commit(addr, size);
}

static void (*on_purge)(const void *addr);

void os_fake_on_purge(void (*fn)(const void *addr))
{
	on_purge = fn;
}

int __wrap_os_purge(void *addr, size_t size)
{
	if (on_purge)
		on_purge(addr);
	return refuses(OS_PURGE, addr) ? -EINVAL : __real_os_purge(addr, size);
}

int __wrap_os_refresh(void *addr, size_t size)
{
	return refuses(OS_REFRESH, addr) ? -ENOMEM :
					   __real_os_refresh(addr, size);
}

int __wrap_os_move(void *old, size_t old_size, void *addr)
{
	return refuses(OS_MOVE, addr) ? -ENOMEM :
					__real_os_move(old, old_size, addr);
}

int __wrap_os_mlock_onfault(void *addr, size_t size)
{
	return refuses(OS_MLOCK, addr) ? -ENOMEM :
					 __real_os_mlock_onfault(addr, size);
}

/* --- the price of page faults: for one thread, and only where it is set --- */

static struct {
	uint64_t fault_ns, page_ns; /* 0: what they really take */
	uint64_t now_ns;
	unsigned int looks; /* at the clock */
} faults;

uint64_t __real_os_now_ns(void);
uint64_t __wrap_os_now_ns(void);

void os_fake_faults(uint64_t fault_ns, uint64_t page_ns)
{
	faults.fault_ns = fault_ns;
	faults.page_ns = page_ns;
	faults.looks = 0;
}

/* Looked at before and after each of two touches, then of pages asked for, which pass
 * their time themselves. */
uint64_t __wrap_os_now_ns(void)
{
	unsigned int look;

	if (!faults.fault_ns)
		return __real_os_now_ns();
	look = faults.looks++ % 6;
	if (look == 1 || look == 3)
		faults.now_ns += faults.fault_ns;
	return faults.now_ns;
}

static uint64_t questions; /* Atomic */

bool __real_os_holds_data(const uint32_t *word);
bool __wrap_os_holds_data(const uint32_t *word);

uint64_t os_fake_questions(void)
{
	return load_relaxed(&questions);
}

bool __wrap_os_holds_data(const uint32_t *word)
{
	fetch_add_relaxed(&questions, 1);
	return __real_os_holds_data(word);
}

/* --- the price of huge pages --- */

static struct {
	uint64_t cost_us, now_us, used_us;
	bool is_guest;
	bool touching; /* the clock was looked at before a touch */
	uint64_t advised, unadvised; /* Atomic */
	void (*meanwhile)(void);
} huge;

uint64_t __real_os_now_ms(void);
uint64_t __real_os_now_us(void);
uint64_t __real_os_process_us(void);
bool __real_os_in_virtual_machine(void);
int __real_os_set_thp(void *addr, size_t size, enum os_thp how);

uint64_t __wrap_os_now_ms(void);
uint64_t __wrap_os_now_us(void);
uint64_t __wrap_os_process_us(void);
bool __wrap_os_in_virtual_machine(void);
int __wrap_os_set_thp(void *addr, size_t size, enum os_thp how);

void os_fake_huge_pages(uint64_t us, bool is_guest)
{
	huge.cost_us = us;
	huge.is_guest = is_guest;
}

void os_fake_meanwhile(void (*fn)(void))
{
	huge.meanwhile = fn;
}

void os_fake_pass_ms(uint64_t ms)
{
	huge.now_us += ms * 1000;
	huge.used_us += ms * 1000;
}

uint64_t os_fake_advised(void)
{
	return load_relaxed(&huge.advised);
}

uint64_t os_fake_unadvised(void)
{
	return load_relaxed(&huge.unadvised);
}

uint64_t __wrap_os_now_ms(void)
{
	return huge.cost_us ? huge.now_us / 1000 : __real_os_now_ms();
}

/* Looked at before and after the touch. */
uint64_t __wrap_os_now_us(void)
{
	if (!huge.cost_us)
		return __real_os_now_us();
	if (huge.touching)
		huge.now_us += huge.cost_us;
	huge.touching = !huge.touching;
	return huge.now_us;
}

uint64_t __wrap_os_process_us(void)
{
	return huge.cost_us ? huge.used_us : __real_os_process_us();
}

bool __wrap_os_in_virtual_machine(void)
{
	return huge.cost_us ? huge.is_guest : __real_os_in_virtual_machine();
}

int __wrap_os_populate(void *addr, size_t size)
{
	if (huge.meanwhile)
		huge.meanwhile();
	if (faults.page_ns)
		faults.now_ns += (size >> 12) * faults.page_ns;
	return refuses(OS_POPULATE, addr) ? -EINVAL :
					    __real_os_populate(addr, size);
}

int __wrap_os_set_thp(void *addr, size_t size, enum os_thp how)
{
	fetch_add_relaxed(how == OS_THP_ON ? &huge.advised : &huge.unadvised,
			  size >> 12);
	if (how == OS_THP_ON && huge.meanwhile)
		huge.meanwhile();
	return __real_os_set_thp(addr, size, how);
}

/* --- standard error --- */

static bool keep_stderr;
static char kept[65536];
static size_t kept_len;

void os_fake_keep_stderr(bool keep)
{
	keep_stderr = keep;
	kept_len = 0;
}

const char *os_fake_stderr(void)
{
	kept[kept_len] = '\0';
	kept_len = 0;
	return kept;
}

void __wrap_host_write_stderr(const char *buf, size_t len)
{
	if (!keep_stderr) {
		__real_host_write_stderr(buf, len);
		return;
	}
	len = min_size(len, sizeof(kept) - 1 - kept_len);
	memcpy(kept + kept_len, buf, len);
	kept_len += len;
}
