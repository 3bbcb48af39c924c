// SPDX-License-Identifier: GPL-2.0
/*
 * A gigabyte of all kinds of memory, and as many entries as there can be, and more: what it
 * takes to give it to a guest, that the guest has all of it, and that all of it comes back.
 *
 * Wants a machine with 4.5 GiB, and the test hypervisor.
 */

#include <errno.h>
#include <signal.h>

#include "ctl.h"
#include "dump.h"
#include "parcel.h"
#include "testmem.h"
#include "testvm.h"

#define MEM_APPEND		"51000018"

#define BEHIND			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)
#define LABEL			10

/* Where it is looked at, by guest and host: these many places, and the end */
#define PLACES			64
#define WORD			sizeof(u64)
#define MARK(offset)		(0xb16b000000000000ULL | (offset))
#define POKED(offset)		(0x90ced00000000000ULL | (offset))

/* For a parcel, after the request that makes it */
#define APPENDS			(PARCEL_ENTRIES / REQUEST_ENTRIES - 1)

/* For how many entries real Resource Managers have memory, of all parcels together */
#define RM_ROOM			8189

/* Of 16 bytes, in pages, each of which takes two in a kernel with KASAN */
#define ENTRY_COST		36
/* What is not the driver's, but moves meanwhile */
#define NOISE			((long long)(4 * SZ_1M))

/*
 * The table
 */

static struct {
	const char *what;
	u64 entries;
	unsigned int parcels;
	long requests;
} rows[8];

static unsigned int nr_rows;

static void add_row(const char *what, u64 entries, unsigned int parcels, long requests)
{
	if (nr_rows == ARRAY_SIZE(rows))
		return;
	rows[nr_rows].what = what;
	rows[nr_rows].entries = entries;
	rows[nr_rows].parcels = parcels;
	rows[nr_rows].requests = requests;
	nr_rows++;
}

static void table(void)
{
	unsigned int i;

	note("%-26s %8s %8s %9s", "1 GiB of", "entries", "parcels", "requests");
	for (i = 0; i < nr_rows; i++)
		note("%-26s %8llu %8u %9ld", rows[i].what, rows[i].entries, rows[i].parcels,
		     rows[i].requests);
	check(nr_rows == 6, "%u rows, not 6", nr_rows);
}

/*
 * Lent memory stays where it is, or moves
 */

static bool in_place;

static bool lend_in_place(bool set)
{
	in_place = set;
	return testmem_lend_in_place(set);
}

/* Before each test and after it */
static bool begin_in_place(void)
{
	return lend_in_place(true);
}

static void end_in_place(void)
{
	lend_in_place(false);
}

static bool does_move(u32 flags)
{
	return !in_place && (flags & GH_MEM_LENT);
}

/*
 * What it was before, and is to be in the end
 */

struct state {
	struct dump dump;
	long locked;
};

static bool begin(struct state *before)
{
	tap_alive();
	before->locked = testmem_locked();
	return dump_take(&before->dump);
}

static void finish(struct state *before)
{
	tap_alive();
	dump_check_same(&before->dump);
	testmem_check_locked(before->locked, "in the end");
	dump_free(&before->dump);
}

/*
 * Contents
 */

/* The first word of a page for each place; the last word of all of it. */
static u64 place(u64 size, unsigned int i)
{
	return i == PLACES ? size - WORD : size / PLACES * i / SZ_4K * SZ_4K;
}

static void mark(u8 *p, u64 size)
{
	unsigned int i;

	for (i = 0; i <= PLACES; i++)
		*(u64 *)(p + place(size, i)) = MARK(place(size, i));
}

/* The guest has all of it, one after the other, and nothing behind; and writes. */
static void use_in_guest(struct testvm *vm, u64 gpa, u64 size)
{
	u64 last = place(size, PLACES);
	unsigned int i;

	for (i = 0; i <= PLACES; i++)
		if (!testvm_peek(vm, gpa + place(size, i), MARK(place(size, i)), "a place"))
			return;
	testvm_peek(vm, gpa + size, GUEST_FAULT, "behind it");
	testvm_poke(vm, gpa, POKED(0), POKED(0));
	testvm_poke(vm, gpa + last, POKED(last), POKED(last));
}

/* The host finds what the guest wrote, and the rest as it was. */
static void check_contents(const u8 *p, u64 size)
{
	unsigned int i;
	u64 at, value;

	for (i = 0; i <= PLACES; i++) {
		at = place(size, i);
		value = i == 0 || i == PLACES ? POKED(at) : MARK(at);
		if (!check(*(const u64 *)(p + at) == value, "%#llx at %#llx, not %#llx",
			   *(const u64 *)(p + at), at, value))
			return;
	}
}

static void check_access(u8 *p, u64 size, int sig)
{
	static const unsigned int places[] = { 0, 1, PLACES / 2, PLACES };
	size_t i;
	int got;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		got = access_signal(p + place(size, places[i]), false);
		check(got == sig, "signal %d, not %d, at %#llx", got, sig,
		      place(size, places[i]));
	}
}

/*
 * Giving
 */

/* A VM with that behind its image, or anywhere if it is shared; START ends like this. */
static bool start_with(struct testvm *vm, u8 *p, u64 size, u32 flags, int err)
{
	bool ok;

	ok = testvm_create(vm, 1, PROGRAM(peek)) &&
	     check_errno(testmem_set(vm->fd, LABEL, flags, BEHIND, p, size), 0, "region") &&
	     check_errno(testvm_ioctl_start(vm), err, "START");
	tap_alive();
	return ok;
}

/* All that is about memory: what is said of it to whom. */
static long memory_requests(void)
{
	return parcel_requests("MEM_LEND") + parcel_requests("MEM_SHARE") +
	       parcel_requests("MEM_APPEND");
}

static u64 how_many(u64 entries, u64 each)
{
	return (entries + each - 1) / each;
}

/* How many entries: as many runs as before, or as many as it now lies in, which are large. */
static void check_entries(const u8 *p, u64 size, u32 flags, u64 entries)
{
	u64 runs = testmem_runs(p, size);

	if (does_move(flags))
		check(entries && entries <= size / SZ_2M && !runs, "%llu entries", entries);
	else
		check(entries == runs, "%llu entries, not %llu", entries, runs);
}

/* @requests: how many it were, those for the image included, which is one parcel */
static void check_given(struct testvm *vm, const char *what, const u8 *p, u64 size, u32 flags,
			long requests)
{
	struct parcel parcel = { 0 };
	u64 entries = 0, bytes = 0;
	unsigned int n;

	for (n = 0; parcel_find(LABEL, n, &parcel); n++) {
		entries += parcel.entries;
		bytes += parcel.size;
		check(parcel.lent == !!(flags & GH_MEM_LENT), "parcel %u is not as it is to be",
		      n);
	}
	check(bytes == size, "%llu bytes, not %llu", bytes, size);
	check_entries(p, size, flags, entries);
	check(n == how_many(entries, PARCEL_ENTRIES), "%u parcels", n);
	if (check(parcel_find(GUEST_RAM_LABEL, 0, &parcel), "no image"))
		check_entries(vm->ram.hva, TESTVM_MEM_SIZE, TESTMEM_LENT, parcel.entries);
	check(testmem_info(vm->fd, "mem-entries") == (long long)(entries + parcel.entries),
	      "%lld entries in fdinfo", testmem_info(vm->fd, "mem-entries"));
	requests -= how_many(parcel.entries, REQUEST_ENTRIES);
	check(requests == (long)how_many(entries, REQUEST_ENTRIES), "%ld requests", requests);
	check(testmem_info(vm->fd, flags & GH_MEM_LENT ? "mem-lent" : "mem-shared") ==
	      (long long)(size + (flags & GH_MEM_LENT ? TESTVM_MEM_SIZE : 0)), "fdinfo");
	check(testmem_info(vm->fd, "mem-parcels") == n + 1, "%lld parcels in fdinfo",
	      testmem_info(vm->fd, "mem-parcels"));
	add_row(what, entries, n, requests);
	tap_alive();
}

static void give(const char *what, u8 *p, u64 size, u32 flags)
{
	struct state before;
	struct testvm vm;
	long requests;
	u64 gpa;

	if (!begin(&before))
		return;
	mark(p, size);
	requests = memory_requests();
	if (start_with(&vm, p, size, flags, 0)) {
		check_given(&vm, what, p, size, flags, memory_requests() - requests);
		check_access(p, size, flags & GH_MEM_LENT ? SIGBUS : 0);
		gpa = parcel_address(LABEL);
		check(!(flags & GH_MEM_LENT) || gpa == BEHIND, "it is at %#llx", gpa);
		use_in_guest(&vm, gpa, size);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	/* A mapping of what it moved to is locked as long as there is one. */
	if (does_move(flags))
		before.locked += size / 1024;
	finish(&before);
	check_contents(p, size);
}

/* START failed with so many parcels given, which are there until the VM is closed. */
static void check_left(struct testvm *vm, u64 size, unsigned int parcels)
{
	check(testmem_info(vm->fd, "mem-parcels") == parcels, "%lld parcels, not %u",
	      testmem_info(vm->fd, "mem-parcels"), parcels);
	check(!testmem_info(vm->fd, "mem-quarantined"), "%lld bytes are quarantined",
	      testmem_info(vm->fd, "mem-quarantined"));
	check(testmem_info(vm->fd, "mem-pinned") == (long long)(size + TESTVM_MEM_SIZE),
	      "%lld bytes are pinned", testmem_info(vm->fd, "mem-pinned"));
}

/*
 * What it costs to have it as a region: memory for the entries, and nothing else. Several
 * regions of the same memory show it better.
 */
static void check_overhead(const char *what, const u8 *p, u64 size, unsigned int regions)
{
	long long before, used, entries;
	struct testvm vm;
	unsigned int i;

	if (!testvm_open(&vm))
		return;
	before = testmem_unused();
	for (i = 0; i < regions; i++) {
		tap_alive();
		if (!check_errno(testmem_set(vm.fd, i, TESTMEM_LENT, i * size, p, size), 0,
				 "region %u", i))
			break;
	}
	used = before - testmem_unused();
	entries = testmem_info(vm.fd, "mem-entries");
	note("%s: %u regions of %llu MiB in %lld entries take %lld KiB", what, regions,
	     size / SZ_1M, entries, used / 1024);
	check(used <= entries * ENTRY_COST + NOISE, "%lld KiB are too much", used / 1024);
	testvm_close(&vm);
	tap_alive();
}

/*
 * Huge pages
 */

static bool have_huge(const u8 *p)
{
	u64 runs;

	if (!check(p, "no memory"))
		return false;
	runs = testmem_runs(p, SZ_1G);
	return check(runs && runs <= REQUEST_ENTRIES, "%llu runs", runs);
}

static void hugetlb_pages(void)
{
	u8 *p = testmem_hugetlb(SZ_1G);

	if (have_huge(p)) {
		give("hugetlb, lent", p, SZ_1G, TESTMEM_LENT);
		give("hugetlb, shared", p, SZ_1G, TESTMEM_RWX);
		check_overhead("hugetlb", p, SZ_1G, 16);
	}
	testmem_free(p, SZ_1G);
}

static void huge_pages(void)
{
	u8 *p = testmem_thp(SZ_1G);

	if (have_huge(p)) {
		give("huge pages, lent", p, SZ_1G, TESTMEM_LENT);
		give("huge pages, shared", p, SZ_1G, TESTMEM_RWX);
		check_overhead("huge pages", p, SZ_1G, 16);
	}
	testmem_free(p, SZ_1G);
}

static void moved_pages(void)
{
	long locked = testmem_locked();
	u8 *p = testmem_thp(SZ_1G);

	if (check(p, "no memory") && lend_in_place(false))
		give("huge pages, lent and moved", p, SZ_1G, TESTMEM_LENT);
	testmem_free(p, SZ_1G);
	testmem_check_locked(locked, "without the mapping");
}

/*
 * Single pages: made once, as that takes longest
 */

#define ENTRIES_MAX		(PARCELS * PARCEL_ENTRIES)
#define SCATTERED_SIZE		((ENTRIES_MAX + 8192ULL) * SZ_4K)

static u8 *scattered_memory(void)
{
	static u8 *p;

	if (!p)
		p = testmem_scattered(SCATTERED_SIZE);
	tap_alive();
	check(p, "no memory");
	return p;
}

static void single_pages(void)
{
	u8 *p = scattered_memory();

	if (!p)
		return;
	give("single pages, lent", p, SZ_1G, TESTMEM_LENT);
	check_overhead("single pages", p, SZ_1G, 2);
}

/* Nothing fits any more in the middle of the second parcel; one still does, later. */
static void no_room(void)
{
	u8 *p = scattered_memory();
	struct state before;
	struct testvm vm;

	if (!p || !begin(&before))
		return;
	ctl("room entries=%u", RM_ROOM);
	if (start_with(&vm, p, SZ_1G, TESTMEM_LENT, ENOMEM))
		check_left(&vm, SZ_1G, 2);
	testvm_close(&vm);
	if (start_with(&vm, p, PARCEL_ENTRIES * SZ_4K, TESTMEM_LENT, 0))
		testvm_power_off(&vm);
	testvm_close(&vm);
	ctl("clear");
	finish(&before);
}

/* As some do that have no room: no answer, but later ones. */
static void no_answer(void)
{
	u8 *p = scattered_memory();
	struct state before;
	struct testvm vm;

	if (!p || !begin(&before))
		return;
	ctl("fail " MEM_APPEND " code=1 copies=0 nth=%u", 20 * APPENDS + 1);
	if (start_with(&vm, p, SZ_1G, TESTMEM_LENT, ETIMEDOUT))
		check_left(&vm, SZ_1G, 21);
	testvm_close(&vm);
	ctl("clear");
	finish(&before);
}

/* One region of as many parcels as all of a host's may be: that leaves none for the image. */
static void too_many(void)
{
	u8 *p = scattered_memory();
	struct state before;
	struct testvm vm;
	u64 size;

	if (!p || !begin(&before))
		return;
	size = testmem_size_of_runs(p, SCATTERED_SIZE, ENTRIES_MAX + 1);
	if (!check(size, "memory lies in too few runs"))
		return;
	if (testvm_create(&vm, 1, PROGRAM(peek))) {
		check_errno(testmem_set(vm.fd, LABEL, TESTMEM_LENT, BEHIND, p, size), E2BIG,
			    "more entries than parcels can have");
		testmem_check_locked(before.locked + TESTVM_MEM_SIZE / 1024, "after that");
		size = testmem_size_of_runs(p, SCATTERED_SIZE, ENTRIES_MAX);
		check_errno(testmem_set(vm.fd, LABEL, TESTMEM_LENT, BEHIND, p, size), 0,
			    "as many as they can have");
		tap_alive();
		check_errno(testvm_ioctl_start(&vm), EPERM, "START");
		tap_alive();
		check_left(&vm, size, PARCELS);
	}
	testvm_close(&vm);
	finish(&before);
}

static const struct tap_test tests[] = {
	{ "a gigabyte of hugetlb memory", hugetlb_pages },
	{ "a gigabyte of transparent huge pages", huge_pages },
	{ "a gigabyte that moves", moved_pages },
	{ "a gigabyte of single pages", single_pages },
	{ "more than the Resource Manager has room for", no_room },
	{ "a MEM_APPEND that is not answered", no_answer },
	{ "more than there can be parcels", too_many },
	{ "requests for a gigabyte", table },
};

int main(void)
{
	/* Hundreds of thousands of entries in one call */
	tap_set_timeout(1800);
	tap_around(begin_in_place, end_in_place);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
