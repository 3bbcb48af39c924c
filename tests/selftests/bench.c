// SPDX-License-Identifier: GPL-2.0
/*
 * Time that things take.
 */

#include <string.h>
#include <time.h>

#include "bench.h"

#define BOUNCE			SZ_1M

u64 bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void bench_less(u64 *best, u64 ns)
{
	if (!*best || ns < *best)
		*best = ns;
}

u64 bench_memcpy(const u8 *p, u64 size)
{
	static u8 bounce[BOUNCE];
	u64 start, at;

	/* Its pages are there. */
	memset(bounce, 1, BOUNCE);
	start = bench_now();
	for (at = 0; at < size; at += BOUNCE) {
		memcpy(bounce, p + at, BOUNCE);
		__asm__ volatile("" : : "r"(bounce) : "memory");
	}
	return bench_now() - start;
}

u64 bench_memset(u8 *p, u64 size)
{
	u64 start = bench_now();

	memset(p, 0, size);
	__asm__ volatile("" : : "r"(p) : "memory");
	return bench_now() - start;
}
