// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random numbers, for capabilities and seeds.
 */
#include "core.h"

#define ID_AA64ISAR0_RNDR(v)	((v) >> 60 & 0xf)

static u64 state;

void random_init(u64 seed)
{
	state = seed ^ counter_now();
}

static bool rndr(u64 *value)
{
	u64 failed;

	asm volatile("mrs %0, " XSTR(RNDR) "\n\tcset %1, eq"
		     : "=r"(*value), "=r"(failed) : : "cc");
	return !failed;
}

/* Without RNDR: splitmix64. */
u64 random64(void)
{
	u64 value;

	if (ID_AA64ISAR0_RNDR(sysreg_read(id_aa64isar0_el1)) && rndr(&value))
		return value;
	value = state += 0x9e3779b97f4a7c15;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}
