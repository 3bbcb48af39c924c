// SPDX-License-Identifier: GPL-2.0
/*
 * Who can reach which memory: the host none that it lent, the guest none that it did not
 * get, be it in the same huge page, and nobody what was cleared.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "parcel.h"
#include "testmem.h"
#include "testvm.h"

#define BEHIND			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)

/* Labels */
#define LENT			10
#define SHARED			11
#define CLEARED			12
#define KEPT			13

/* Where in its huge page each region is: one page, with neighbours */
#define LENT_AT			(64 * SZ_4K)
#define SHARED_AT		(128 * SZ_4K)

#define FILL(page)		(0xf111000000000000ULL | (page))
#define POKED			0x90ced90ced90ceULL

static void fill(u8 *huge)
{
	u64 at;

	for (at = 0; at < SZ_2M; at += 8)
		*(u64 *)(huge + at) = FILL(at / SZ_4K);
}

/* The host has all of it but what it lent, and finds it as it was. */
static void check_host(u8 *huge)
{
	u64 at;
	int sig;

	for (at = 0; at < SZ_2M; at += SZ_4K) {
		sig = access_signal(huge + at, false);
		if (!check(sig == (at == LENT_AT ? SIGBUS : 0), "page %llu: signal %d",
			   at / SZ_4K, sig))
			return;
		if (at == LENT_AT || at == SHARED_AT)
			continue;
		sig = access_signal(huge + at, true);
		if (!check(!sig, "write to page %llu: signal %d", at / SZ_4K, sig))
			return;
		*(u64 *)(huge + at) = FILL(at / SZ_4K);
	}
}

static void check_guest(struct testvm *vm, u8 *huge)
{
	u64 lent = parcel_address(LENT), shared = parcel_address(SHARED);

	if (!lent || !shared)
		return;
	check(lent == BEHIND, "lent memory is at %#llx", lent);
	testvm_peek(vm, lent, FILL(LENT_AT / SZ_4K), "start of what was lent");
	testvm_peek(vm, lent + SZ_4K - 8, FILL(LENT_AT / SZ_4K), "end of what was lent");
	testvm_peek(vm, lent + SZ_4K, GUEST_FAULT, "behind what was lent");
	/* The image is there, and not the page that is there for the host. */
	testvm_peek(vm, lent - 8, 0, "before what was lent");

	testvm_peek(vm, shared, FILL(SHARED_AT / SZ_4K), "start of what is shared");
	testvm_peek(vm, shared + SZ_4K - 8, FILL(SHARED_AT / SZ_4K), "end of what is shared");
	testvm_peek(vm, shared + SZ_4K, GUEST_FAULT, "behind what is shared");
	testvm_peek(vm, shared - 8, GUEST_FAULT, "before what is shared");
	testvm_poke(vm, shared + SZ_4K, 1, GUEST_FAULT);
	testvm_poke(vm, shared - 8, 1, GUEST_FAULT);

	/* What one writes, the other sees. */
	testvm_poke(vm, shared + 8, POKED, POKED);
	check(__atomic_load_n((u64 *)(huge + SHARED_AT + 8), __ATOMIC_SEQ_CST) == POKED,
	      "the host does not see it");
	__atomic_store_n((u64 *)(huge + SHARED_AT + 16), POKED + 1, __ATOMIC_SEQ_CST);
	testvm_peek(vm, shared + 16, POKED + 1, "what the host wrote");
	testvm_poke(vm, lent + 8, POKED, POKED);
}

static void check_pages(u8 *huge)
{
	struct dump before;
	struct testvm vm;

	if (!dump_supported()) {
		skip("no dump of the Resource Manager");
		return;
	}
	if (!check(huge, "no memory") || !dump_take(&before))
		return;
	check(testmem_runs(huge, SZ_2M) == 1, "not a huge page: %llu runs",
	      testmem_runs(huge, SZ_2M));
	fill(huge);
	if (testvm_create(&vm, 1, PROGRAM(peek)) &&
	    check_errno(testmem_set(vm.fd, LENT, TESTMEM_LENT, BEHIND, huge + LENT_AT, SZ_4K), 0,
			"lent region") &&
	    check_errno(testmem_set(vm.fd, SHARED, TESTMEM_RWX, 2 * BEHIND, huge + SHARED_AT,
				    SZ_4K), 0, "shared region") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		check_host(huge);
		check_guest(&vm, huge);
		check_host(huge);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	check(*(u64 *)(huge + LENT_AT + 8) == POKED, "what the guest wrote is lost");
	check(*(u64 *)(huge + LENT_AT - 8) == FILL(LENT_AT / SZ_4K - 1) &&
	      *(u64 *)(huge + LENT_AT + SZ_4K) == FILL(LENT_AT / SZ_4K + 1),
	      "the neighbours changed");
	dump_check_same(&before);
	dump_free(&before);
	testmem_free(huge, SZ_2M);
}

static void pages_of_a_huge_page(void)
{
	check_pages(testmem_thp(SZ_2M));
}

static void check_pages_in_place(void)
{
	check_pages(testmem_hugetlb(SZ_2M));
	check_pages(testmem_thp(SZ_2M));
}

static void pages_of_a_huge_page_in_place(void)
{
	testmem_run_in_place(check_pages_in_place);
}

/* Nothing else can be mapped in the middle of one of hugetlb. */
static void page_of_hugetlb(void)
{
	u8 *huge = testmem_hugetlb(SZ_2M);
	struct testvm vm;

	if (!check(huge, "no memory"))
		return;
	fill(huge);
	if (testvm_create(&vm, 1, PROGRAM(peek)) &&
	    check_errno(testmem_set(vm.fd, LENT, TESTMEM_LENT, BEHIND, huge + LENT_AT, SZ_4K), 0,
			"region") &&
	    check_errno(testvm_ioctl_start(&vm), EADDRINUSE, "START") &&
	    check_errno(testmem_set(vm.fd, LENT, 0, 0, NULL, 0), 0, "deletion") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START without it"))
		testvm_power_off(&vm);
	testvm_close(&vm);
	check(!access_signal(huge + LENT_AT, false) &&
	      *(u64 *)(huge + LENT_AT) == FILL(LENT_AT / SZ_4K), "it changed");
	testmem_free(huge, SZ_2M);
}

/* What the guest may only read */
static void read_only(void)
{
	u8 *p = testmem_thp(SZ_2M);
	struct testvm vm;

	if (!check(p, "no memory"))
		return;
	*(u64 *)p = POKED;
	if (testvm_create(&vm, 1, PROGRAM(peek)) &&
	    check_errno(testmem_set(vm.fd, LENT, GH_MEM_ALLOW_READ | GH_MEM_LENT, BEHIND, p,
				    SZ_4K), 0, "region") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		testvm_peek(&vm, BEHIND, POKED, "what was lent");
		testvm_poke(&vm, BEHIND, 1, GUEST_FAULT);
		testvm_peek(&vm, BEHIND, POKED, "what was lent");
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	check(*(u64 *)p == POKED, "it changed");
	testmem_free(p, SZ_2M);
}

static void read_only_in_place(void)
{
	testmem_run_in_place(read_only);
}

/* A divided region is one piece for the guest. What moves is never divided. */
static void check_divided(void)
{
	u64 room = 8192 * SZ_4K, size, at;
	u8 *p = testmem_scattered(room);
	struct testvm vm;

	if (!check(p, "no memory"))
		return;
	size = testmem_size_of_runs(p, room, PARCEL_ENTRIES + 1);
	if (!check(size, "memory lies in too few runs"))
		return;
	for (at = 0; at < size; at += SZ_4K)
		*(u64 *)(p + at) = FILL(at / SZ_4K);
	if (testvm_create(&vm, 1, PROGRAM(peek)) &&
	    check_errno(testmem_set(vm.fd, LENT, TESTMEM_LENT, BEHIND, p, size), 0, "region") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		check(testmem_info(vm.fd, "mem-parcels") == 3, "%lld parcels",
		      testmem_info(vm.fd, "mem-parcels"));
		for (at = 0; at < size; at += size / 64 / SZ_4K * SZ_4K)
			testvm_peek(&vm, BEHIND + at, FILL(at / SZ_4K), "a page");
		for (at = size - 4 * SZ_4K; at < size; at += SZ_4K)
			testvm_peek(&vm, BEHIND + at, FILL(at / SZ_4K), "a page at the end");
		testvm_peek(&vm, BEHIND + size, GUEST_FAULT, "behind it");
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	testmem_free(p, room);
}

static void divided(void)
{
	testmem_run_in_place(check_divided);
}

static bool all_zero(const u8 *p, u64 size)
{
	u64 at;

	for (at = 0; at < size && !p[at]; at++)
		;
	return at == size;
}

/* What was to be cleared is, in the end, and what was not, is not. */
static void cleared(void)
{
	u8 *p = testmem_thp(SZ_2M);
	u64 shared;
	struct testvm vm;

	if (!check(p, "no memory"))
		return;
	memset(p, 0x5a, SZ_2M);
	if (testvm_create(&vm, 1, PROGRAM(peek)) &&
	    check_errno(testmem_set(vm.fd, CLEARED, TESTMEM_LENT | GH_MEM_SANITIZE, BEHIND, p,
				    SZ_64K), 0, "first region") &&
	    check_errno(testmem_set(vm.fd, KEPT, TESTMEM_LENT, BEHIND + SZ_64K, p + SZ_64K,
				    SZ_64K), 0, "second region") &&
	    check_errno(testmem_set(vm.fd, SHARED, TESTMEM_RWX | GH_MEM_SANITIZE, 2 * BEHIND,
				    p + SZ_1M, SZ_64K), 0, "shared region") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		/* The guest gets it as it was. */
		testvm_peek(&vm, BEHIND, 0x5a5a5a5a5a5a5a5aULL, "what it was");
		testvm_poke(&vm, BEHIND + 8, POKED, POKED);
		testvm_poke(&vm, BEHIND + SZ_64K + 8, POKED, POKED);
		shared = dump_supported() ? parcel_address(SHARED) : 0;
		if (shared)
			testvm_poke(&vm, shared + 8, POKED, POKED);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	check(all_zero(p, SZ_64K), "it is as it was");
	check(*(u64 *)(p + SZ_64K + 8) == POKED && p[SZ_64K] == 0x5a &&
	      p[2 * SZ_64K - 1] == 0x5a, "it is gone, though nobody asked");
	check(all_zero(p + SZ_1M, SZ_64K), "shared memory is as it was");
	check(p[SZ_1M - 1] == 0x5a && p[SZ_1M + SZ_64K] == 0x5a, "neighbours are gone");
	testmem_free(p, SZ_2M);
}

static void cleared_in_place(void)
{
	testmem_run_in_place(cleared);
}

static const struct tap_test tests[] = {
	{ "pages of a huge page", pages_of_a_huge_page },
	{ "pages of a huge page, lent in place", pages_of_a_huge_page_in_place },
	{ "a page of hugetlb, which cannot move", page_of_hugetlb },
	{ "memory that the guest may only read", read_only },
	{ "memory that the guest may only read, lent in place", read_only_in_place },
	{ "a region of several parcels", divided },
	{ "memory that is cleared", cleared },
	{ "memory that is cleared, lent in place", cleared_in_place },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
