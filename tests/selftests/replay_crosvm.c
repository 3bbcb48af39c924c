// SPDX-License-Identifier: GPL-2.0
/*
 * What crosvm asks for, with Android's ABI.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kicker.h"
#include "replay.h"

#define RAM_BASE		0x80000000ULL
#define RAM_SIZE		SZ_2M
#define SWIOTLB_SIZE		SZ_64K
#define DTB			SZ_1M
#define DTB_SIZE		SZ_64K
#define SIZE_MAX_SAID		0x780000000ULL

#define SET_AUTH_TYPE		0x40104116
#define CHECK_EXTENSION		0x00004117
#define RECLAIM_REGION		0x40104113

#define CPUS			2
#define LINES			4
#define LEVEL_LINE		1
/* All edges but that line, of SPIs 0 to 15 as of 16 to 31 */
#define TRIGGERS		0xaaaaaaa2

#define PSCI_SYSTEM_OFF		0x84000008

static const struct replay_bell bells[LINES] = {
	{ 0, 1 }, { LEVEL_LINE, 4 }, { 2, 1 }, { 3, 1 },
};

static const struct replay_shm swiotlb = {
	.label = 1,
	.base = RAM_BASE + RAM_SIZE,
	.optional = true,
};

static bool load(struct replay *r, bool protected)
{
	const struct replay_tree tree = {
		.name = "crosvm-vm",
		.ram_base = RAM_BASE,
		.size_max = SIZE_MAX_SAID,
		.cpus = CPUS,
		.may_clear = "source-can-clear",
		.bells = bells,
		.n_bells = LINES,
		.shm = protected ? &swiotlb : NULL,
	};
	const struct guest_program program = PROGRAM(visit);

	memcpy(r->ram, program.start, program.end - program.start);
	return replay_tree_write(&tree, r->ram + DTB, DTB_SIZE);
}

static bool add_memory(struct replay *r, bool protected)
{
	r->ram_base = RAM_BASE;
	r->ram_size = RAM_SIZE + SWIOTLB_SIZE;
	r->ram = mmap(NULL, r->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!check(r->ram != MAP_FAILED, "no memory")) {
		r->ram = NULL;
		return false;
	}
	if (!protected)
		return check_errno(replay_region(r, REPLAY_SET_MEM_REGION, 0, REPLAY_RWX, RAM_BASE,
						 RAM_SIZE), 0, "region 0");
	return check_errno(replay_region(r, REPLAY_LEND, 0, REPLAY_RWX, RAM_BASE, RAM_SIZE), 0,
			   "region 0") &&
	       check_errno(replay_region(r, REPLAY_SET_MEM_REGION, 1, REPLAY_RWX,
					 RAM_BASE + RAM_SIZE, SWIOTLB_SIZE), 0, "region 1");
}

/*
 * For a value it computes the flag as 1 << 1, which no kernel ever took. It does not go on then,
 * so nothing depends on it; and a flag with two meanings could not be used for anything later.
 * What it does without a value works.
 */
static bool add_notify(struct replay *r, int event)
{
	struct replay_ioeventfd arg = {
		.datamatch = 3,
		.addr = GUEST_PORT + GUEST_PORT_NOTIFY,
		.len = 4,
		.fd = event,
		.flags = 1 << 1,
	};

	check_errno(replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_IOEVENTFD, &arg, sizeof(arg)),
		    EINVAL, "flag for a value");
	arg.datamatch = 0;
	arg.len = 0;
	arg.flags = 0;
	return check_errno(replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_IOEVENTFD, &arg,
					   sizeof(arg)), 0, "ioeventfd");
}

/* As the payload is where its region starts, a kernel without boot context will do. */
static bool configure(struct replay *r, bool protected)
{
	const struct replay_range dtb = { RAM_BASE + DTB, DTB_SIZE };
	int ret;

	check(replay_call(r, CHECK_EXTENSION, NULL) <= 0, "extension 0");
	check_errno(replay_call(r, SET_AUTH_TYPE, &dtb), ENOTTY, "SET_AUTH_TYPE");
	if (!check_errno(replay_call(r, REPLAY_SET_DTB_CONFIG, &dtb), 0, "SET_DTB_CONFIG"))
		return false;
	ret = replay_context(r, 0x100, RAM_BASE);
	return check(!ret || errno == ENOTTY, "SET_BOOT_CONTEXT: errno %d", errno) &&
	       replay_start(r, !protected);
}

/* The guest waits for an interrupt. */
static bool check_kick(struct replay *r)
{
	struct kicker kicker;
	bool ok;

	if (!kick_later(&kicker, r->page[0]))
		return false;
	ok = check_errno(replay_run(r, 0), EINTR, "RUN that is kicked");
	kick_done(&kicker);
	return ok;
}

static bool run(struct replay *r, const int *events, int notify)
{
	return replay_begin_visit(r, TRIGGERS, notify) &&
	       check(replay_run(r, 0) == 0, "RUN: errno %d", errno) &&
	       check_kick(r) &&
	       replay_interrupt(r, events[0], 0, 0) &&
	       replay_interrupt(r, events[LEVEL_LINE], LEVEL_LINE, 0) &&
	       check_kick(r) &&
	       replay_interrupt(r, events[3], 3, PSCI_SYSTEM_OFF) &&
	       replay_is_off(r, 0) && replay_is_off(r, 1);
}

/* With nothing but what names them */
static void remove_all(struct replay *r)
{
	const struct replay_ioeventfd notify = { .addr = GUEST_PORT + GUEST_PORT_NOTIFY };
	const struct replay_range range = { RAM_BASE, SZ_4K };
	u32 i;

	/* What is asked for when the guest's balloon grows; there is none without it. */
	check_errno(replay_call(r, RECLAIM_REGION, &range), ENOTTY, "RECLAIM_REGION");
	for (i = 0; i < LINES; i++) {
		const struct replay_irqfd arg = { .label = i };

		check_errno(replay_function(r, REPLAY_REMOVE_FUNCTION, REPLAY_IRQFD, &arg,
					    sizeof(arg)), 0, "REMOVE of irqfd %u", i);
	}
	check_errno(replay_function(r, REPLAY_REMOVE_FUNCTION, REPLAY_IOEVENTFD, &notify,
				    sizeof(notify)), 0, "REMOVE of the ioeventfd");
}

static void check_crosvm(bool protected)
{
	int events[LINES], notify = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct replay r;
	u32 i;

	for (i = 0; i < LINES; i++)
		events[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (replay_open(&r, O_RDWR | O_CLOEXEC) && add_memory(&r, protected) &&
	    load(&r, protected) && replay_add_vcpu(&r, 0, 0) && replay_add_vcpu(&r, 1, 0) &&
	    replay_add_lines(&r, events, LINES, LEVEL_LINE) && add_notify(&r, notify) &&
	    configure(&r, protected) && run(&r, events, notify))
		remove_all(&r);
	replay_close(&r, true);
	for (i = 0; i < LINES; i++)
		close(events[i]);
	close(notify);
}

void replay_crosvm(void)
{
	check_crosvm(true);
}

void replay_crosvm_shared(void)
{
	check_crosvm(false);
}
