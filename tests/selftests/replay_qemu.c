// SPDX-License-Identifier: GPL-2.0
/*
 * What QEMU's accelerator for Gunyah asks for.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay.h"

/* RAM of the machine "virt", with the last part for I/O if the rest is lent */
#define RAM_BASE		0x40000000ULL
#define RAM_SIZE		(4 * SZ_1M)
#define SWIOTLB_SIZE		SZ_1M
#define DTB			(2 * SZ_1M)
#define DTB_SIZE		SZ_1M

#define PAGE_OF_VCPU		4096
#define LEVEL			1
#define DATAMATCH		1

#define SPIS			256
/* Of its virtio devices */
#define FIRST_LINE		16
#define LINES			2
#define ALL_BY_LEVEL		0

#define KICK_SIGNAL		SIGUSR1
#define PSCI_SYSTEM_OFF		0x84000008

static const struct replay_shm swiotlb = {
	.label = 1,
	.base = RAM_BASE + RAM_SIZE - SWIOTLB_SIZE,
	.dma = true,
};

/* The last part is what devices see; the image is a slot of its own then. */
static bool add_memory(struct replay *r, bool confidential)
{
	u64 own = RAM_SIZE - SWIOTLB_SIZE;

	r->ram_base = RAM_BASE;
	r->ram_size = RAM_SIZE;
	r->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!check(r->ram != MAP_FAILED, "no memory")) {
		r->ram = NULL;
		return false;
	}
	if (!confidential)
		return check_errno(replay_region(r, REPLAY_SET_MEM_REGION, 0, REPLAY_RWX, RAM_BASE,
						 RAM_SIZE), 0, "slot 0");
	return check_errno(replay_region(r, REPLAY_LEND, 0, REPLAY_RWX, RAM_BASE, own), 0,
			   "slot 0") &&
	       check_errno(replay_region(r, REPLAY_SET_MEM_REGION, 1, REPLAY_RWX, RAM_BASE + own,
					 SWIOTLB_SIZE), 0, "slot 1");
}

/* Its arguments lie on the stack, where what it does not set is what was there. */
static bool add_line(struct replay *r, int event, u32 label)
{
	struct replay_irqfd arg;

	memset(&arg, 0xa5, sizeof(arg));
	arg.fd = event;
	arg.label = label;
	arg.flags = LEVEL;
	return check_errno(replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_IRQFD, &arg,
					   sizeof(arg)), 0, "irqfd %u", label);
}

static int change_queue(struct replay *r, unsigned long code, int event, u64 queue)
{
	struct replay_ioeventfd arg;

	memset(&arg, 0xa5, sizeof(arg));
	arg.datamatch = queue;
	arg.addr = GUEST_PORT + GUEST_PORT_NOTIFY;
	arg.len = 4;
	arg.fd = event;
	arg.flags = DATAMATCH;
	return replay_function(r, code, REPLAY_IOEVENTFD, &arg, sizeof(arg));
}

/* A doorbell for each SPI there can be, before it is known which are used */
static bool load(struct replay *r, bool confidential)
{
	const struct replay_range dtb = { RAM_BASE + DTB, DTB_SIZE };
	const struct replay_tree tree = {
		.name = "qemu-vm",
		.ram_base = RAM_BASE,
		.cpus = 1,
		.may_clear = "source-can-clear",
		.bells_by_level = SPIS,
		.shm = confidential ? &swiotlb : NULL,
	};
	const struct guest_program program = PROGRAM(visit);

	memcpy(r->ram, program.start, program.end - program.start);
	return replay_tree_write(&tree, r->ram + DTB, DTB_SIZE) &&
	       check_errno(replay_call(r, REPLAY_SET_DTB_CONFIG, &dtb), 0, "SET_DTB_CONFIG");
}

static void do_nothing(int sig)
{
	(void)sig;
}

/* To be kicked before it runs is enough; the flag is cleared by who saw it. */
static bool check_kick(struct replay *r)
{
	const struct sigaction action = { .sa_handler = do_nothing };

	sigaction(KICK_SIGNAL, &action, NULL);
	r->page[0][PAGE_IMMEDIATE_EXIT] = 1;
	pthread_kill(pthread_self(), KICK_SIGNAL);
	if (!check_errno(replay_run(r, 0), EINTR, "RUN that is kicked"))
		return false;
	r->page[0][PAGE_IMMEDIATE_EXIT] = 0;
	return true;
}

/* The queues 2, 3 and 4 of a device; the driver in the guest gives the others up. */
static bool change_queues(struct replay *r, int notify)
{
	return check_errno(change_queue(r, REPLAY_ADD_FUNCTION, notify, 2), 0, "queue 2") &&
	       check_errno(change_queue(r, REPLAY_ADD_FUNCTION, notify, 3), 0, "queue 3") &&
	       check_errno(change_queue(r, REPLAY_ADD_FUNCTION, notify, 4), 0, "queue 4") &&
	       check_errno(change_queue(r, REPLAY_REMOVE_FUNCTION, notify, 2), 0, "no queue 2") &&
	       check_errno(change_queue(r, REPLAY_REMOVE_FUNCTION, notify, 4), 0, "no queue 4") &&
	       check_errno(change_queue(r, REPLAY_REMOVE_FUNCTION, notify, 4), ENOENT, "again");
}

static bool run(struct replay *r, const int *events)
{
	return check(!replay_run(r, 0), "RUN: errno %d", errno) && check_kick(r) &&
	       replay_interrupt(r, events[0], FIRST_LINE, 0) &&
	       replay_interrupt(r, events[1], FIRST_LINE + 1, 0) &&
	       replay_interrupt(r, events[0], FIRST_LINE, PSCI_SYSTEM_OFF) &&
	       replay_is_off(r, 0);
}

static void check_qemu(bool confidential)
{
	const int events[LINES] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	int notify = eventfd(0, EFD_NONBLOCK);
	struct replay r;

	if (replay_open(&r, O_RDWR) && add_memory(&r, confidential) &&
	    replay_add_vcpu(&r, 0, PAGE_OF_VCPU) && add_line(&r, events[0], FIRST_LINE) &&
	    load(&r, confidential) && replay_start(&r, !confidential) &&
	    add_line(&r, events[1], FIRST_LINE + 1) && change_queues(&r, notify) &&
	    replay_begin_visit(&r, ALL_BY_LEVEL, notify) && run(&r, events))
		check_errno(change_queue(&r, REPLAY_REMOVE_FUNCTION, notify, 3), 0, "no queue 3");
	replay_close(&r, false);
	close(notify);
	close(events[0]);
	close(events[1]);
}

void replay_qemu(void)
{
	check_qemu(true);
}

void replay_qemu_shared(void)
{
	check_qemu(false);
}
