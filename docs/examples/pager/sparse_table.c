/* SPDX-License-Identifier: MIT */
/*
 * sparse_table.c - a table of all primes below 2^43, in 512 GiB of memory that
 * is computed where it is looked at.
 *
 *   shuf -n 1000 -i 1-8796093022207 | sparse_table
 *
 * looks the numbers up and prints each with "prime" or "composite".
 *
 * The table has a bit for each odd number. Its pages are the segments of a sieve
 * of Eratosthenes: a fault sieves 64 KiB, the 2^20 numbers around the one that
 * is asked for, in 1 to 2 ms. What is not needed any more is dropped with
 * MADV_DONTNEED; it comes back when somebody looks again.
 *
 *   cc sparse_table.c $(pkg-config --cflags --libs pagoda)
 */
#define _GNU_SOURCE
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <pagoda/map.h>

#define LIMIT ((uint64_t)1 << 43) /* of the numbers */
#define TABLE_SIZE ((size_t)(LIMIT / 16)) /* bytes: eight odd numbers in each */
#define SEGMENT ((size_t)64 << 10)
#define MOST_SEGMENTS 64 /* to keep: 4 MiB */
#define ROOT 2965821u /* above the square root of LIMIT */

static uint32_t *primes; /* odd ones below ROOT */
static size_t nr_primes;
static _Atomic size_t nr_segments; /* sieved so far */

static void find_primes(void)
{
	bool *composite = calloc(ROOT, sizeof(*composite));

	primes = calloc(ROOT / 8, sizeof(*primes));
	if (!composite || !primes)
		err(1, "primes");
	for (uint64_t n = 3; n < ROOT; n += 2) {
		if (composite[n])
			continue;
		primes[nr_primes++] = (uint32_t)n;
		for (uint64_t i = n * n; i < ROOT; i += 2 * n)
			composite[i] = true;
	}
	free(composite);
}

/* Bit i stands for the odd number 2i + 1; set: it is composite. */
static int sieve(void *private_data, const struct pagoda_vm_fault *vmf)
{
	uint64_t first = (uint64_t)vmf->offset * 8, end = first + vmf->size * 8;
	unsigned char *bits = vmf->buf;

	(void)private_data;
	nr_segments++;
	/* What is in there before is of no meaning. */
	memset(bits, 0, vmf->size);
	if (!first)
		bits[0] |= 1; /* The number 1. */
	for (size_t k = 0; k < nr_primes; k++) {
		uint64_t p = primes[k], i = p * p / 2;

		if (i >= end)
			break;
		/* The first odd multiple of p that is in here: bits p apart. */
		if (i < first)
			i += (first - i + p - 1) / p * p;
		for (i -= first; i < end - first; i += p)
			bits[i / 8] |= (unsigned char)(1 << i % 8);
	}
	return 0;
}

static bool is_prime(const unsigned char *table, uint64_t n)
{
	if (n % 2 == 0)
		return n == 2;
	return !(table[n / 16] >> n / 2 % 8 & 1);
}

int main(void)
{
	static const struct pagoda_vm_operations ops = {
		.fault = sieve,
		.block_size = SEGMENT,
	};
	size_t dropped = 0;
	struct rusage usage;
	void *table;
	uint64_t n;

	find_primes();
	table = pagoda_map(TABLE_SIZE, &ops, NULL, PAGODA_MAP_READONLY);
	if (!table)
		err(1, "pagoda_map");
	while (scanf("%" SCNu64, &n) == 1) {
		if (n >= LIMIT)
			errx(1, "%" PRIu64 " is too large", n);
		printf("%" PRIu64 " %s\n", n,
		       is_prime(table, n) ? "prime" : "composite");
		if (nr_segments - dropped < MOST_SEGMENTS)
			continue;
		/* All of them: which were not used lately is not known. */
		if (madvise(table, TABLE_SIZE, MADV_DONTNEED) < 0)
			err(1, "madvise");
		dropped = nr_segments;
	}
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr,
		"table: %zu GiB, sieved: %zu KiB, most memory used: %ld KiB\n",
		TABLE_SIZE >> 30, nr_segments * SEGMENT >> 10, usage.ru_maxrss);
	if (fflush(stdout) == EOF)
		err(1, "output");
	pagoda_unmap(table, TABLE_SIZE);
	free(primes);
	return 0;
}
