// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that do their worst: how long does that stop the host, and another guest?
 *
 *	gunyah_storm [bound]
 *
 * A pause of more than a second is too long. On a machine whose clock goes on while others use
 * its processors that says nothing: so it fails a test only with the word "bound", for machines
 * whose clock counts instructions. The fewer CPUs, the longer the pauses.
 */

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "kick.h"
#include "testvm.h"

/* In ns; a storm has to last longer than a pause may. */
#define LONGEST_PAUSE		1000000000ULL
#define STORM_NS		(2 * LONGEST_PAUSE)
/* How often each guest is left, at least */
#define REMINDER		{ 1, 500000000 }
/* How often those have to come to run that it must not stop */
#define MIN_STEPS		100

#define BELL_LABEL		0x51
/* Of interrupts that a guest takes without telling of each */
#define NAPS			100
/* Many more than QEMU's processors have list registers for, which is 4 */
#define PENDING			BUS_MAX_DEVICES

static bool bound;
static atomic_bool over;

/**
 * struct progress - somebody who goes on and on
 * @what: who
 * @steps: how often it went on
 * @last: when it did last, in ns
 * @longest: in ns, what lay between two steps
 */
struct progress {
	const char *what;
	atomic_ullong steps;
	u64 last;
	u64 longest;
};

static void step(struct progress *progress)
{
	u64 now = bench_now();

	if (now - progress->last > progress->longest)
		progress->longest = now - progress->last;
	progress->last = now;
	atomic_fetch_add(&progress->steps, 1);
}

struct guest;

/**
 * struct storm - what a guest does
 * @make: everything up to START
 * @per_exit: of how much each exit tells
 * @least: how much it has to be by the end, if nobody else does anything of the kind
 */
struct storm {
	bool (*make)(struct guest *guest);
	u64 per_exit;
	u64 least;
};

/**
 * struct guest - a guest, and the thread that runs it
 * @storm: what it does
 * @progress: goes on with each exit, or NULL
 * @vm: the VM
 * @fd: eventfd that it signals, or -1
 * @irq: its interrupt that the host raises all the time, or NULL
 * @exits: how often it wrote to where nothing is
 * @thread: runs its vCPU
 * @runs: it has to be stopped
 */
struct guest {
	const struct storm *storm;
	struct progress *progress;
	struct testvm vm;
	int fd;
	struct device *irq;
	atomic_ullong exits;
	pthread_t thread;
	bool runs;
};

/* Writes by the processor's speed to where nothing is */
static bool make_exits(struct guest *guest)
{
	return testvm_start(&guest->vm, 1, PROGRAM(count));
}

static bool add_ioeventfd(struct guest *guest)
{
	const struct gh_fn_ioeventfd_arg arg = {
		.addr = GUEST_PORT + GUEST_PORT_NOTIFY, .len = 8, .fd = guest->fd,
	};

	return check_errno(testvm_function(guest->vm.fd, GH_VM_ADD_FUNCTION, GH_FN_IOEVENTFD,
					   &arg, sizeof(arg)), 0, "ADD_FUNCTION: ioeventfd");
}

/* Writes that an eventfd takes */
static bool make_notifications(struct guest *guest)
{
	const struct port_access where = { .len = 8, .value = GUEST_PORT + GUEST_PORT_NOTIFY };
	const struct port_access times = { .len = 8, .value = ~0ULL };

	guest->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return testvm_start(&guest->vm, 1, PROGRAM(repeat)) && add_ioeventfd(guest) &&
	       testvm_expect(&guest->vm, 0, &where) && testvm_expect(&guest->vm, 0, &times);
}

static bool add_bellfd(struct guest *guest)
{
	const struct gh_fn_bellfd_arg arg = { .fd = guest->fd, .label = BELL_LABEL };

	return check_errno(testvm_function(guest->vm.fd, GH_VM_ADD_FUNCTION, GH_FN_BELLFD, &arg,
					   sizeof(arg)), 0, "ADD_FUNCTION: bellfd");
}

/* Rings of a doorbell, each an interrupt of the host */
static bool make_rings(struct guest *guest)
{
	struct testvm *vm = &guest->vm;

	guest->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return testvm_open(vm) && testvm_add_cpus(vm, 1) &&
	       testvm_load(vm, true, PROGRAM(ring_on)) &&
	       testvm_describe_bell(vm, BELL_LABEL) && testvm_give(vm) && add_bellfd(guest) &&
	       check_errno(testvm_ioctl_start(vm), 0, "START");
}

/* Interrupts of the guest, which wakes up and waits again */
static bool make_naps(struct guest *guest)
{
	struct testvm *vm = &guest->vm;

	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1))
		return false;
	guest->irq = testvm_add_irq(vm);
	return guest->irq && testvm_load(vm, true, PROGRAM(nap)) && testvm_give(vm) &&
	       check_errno(testvm_ioctl_start(vm), 0, "START");
}

/* Interrupts that the guest does not take, more than it can be shown at once */
static bool make_pending(struct guest *guest)
{
	struct testvm *vm = &guest->vm;
	struct device *devices[PENDING];
	unsigned int i;

	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1))
		return false;
	for (i = 0; i < PENDING; i++) {
		devices[i] = testvm_add_irq(vm);
		if (!devices[i])
			return false;
	}
	if (!testvm_load(vm, true, PROGRAM(deaf)) || !testvm_give(vm) ||
	    !check_errno(testvm_ioctl_start(vm), 0, "START"))
		return false;
	for (i = 0; i < PENDING; i++)
		device_raise_irq(devices[i]);
	return true;
}

/* Interrupts of the guest's timer, the next one as soon as one was taken */
static bool make_ticks(struct guest *guest)
{
	const struct port_access ticks = { .len = 8 };

	return testvm_start(&guest->vm, 1, PROGRAM(ticks)) &&
	       testvm_expect(&guest->vm, 0, &ticks);
}

/* It comes from an interrupt: so nobody else has to get to run for a stall to end, and be found. */
static bool set_reminder(timer_t *timer)
{
	const struct itimerspec times = { .it_interval = REMINDER, .it_value = REMINDER };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL };

	event._sigev_un._tid = gettid();
	return check(!timer_create(CLOCK_MONOTONIC, &event, timer) &&
		     !timer_settime(*timer, 0, &times, NULL), "timer: errno %d", errno);
}

static void *run_guest(void *arg)
{
	struct guest *guest = arg;
	struct gh_vcpu_run *run = guest->vm.run[0];
	const u64 naps = NAPS;
	timer_t reminder;

	if (!set_reminder(&reminder))
		return NULL;
	while (!atomic_load(&over)) {
		if (testvm_run(&guest->vm, 0)) {
			if (!check(errno == EINTR, "RUN: errno %d", errno))
				break;
			continue;
		}
		if (!check(run->exit_reason == GH_VCPU_EXIT_MMIO, "exit %u", run->exit_reason))
			break;
		if (!run->mmio.is_write)
			memcpy(run->mmio.data, &naps, sizeof(naps));
		else
			atomic_fetch_add(&guest->exits, 1);
		if (guest->progress)
			step(guest->progress);
	}
	timer_delete(reminder);
	return NULL;
}

/* So that stop_guest() can be called whatever follows. */
static void init_guest(struct guest *guest, const struct storm *storm)
{
	guest->storm = storm;
	guest->vm.fd = -1;
	guest->fd = -1;
}

static bool start_guest(struct guest *guest)
{
	if (!guest->storm->make(guest))
		return false;
	if (guest->progress)
		guest->progress->last = bench_now();
	guest->runs = check(!pthread_create(&guest->thread, NULL, run_guest, guest), "no thread");
	return guest->runs;
}

static void stop_guest(struct guest *guest)
{
	struct timespec until;

	if (guest->runs) {
		__atomic_store_n(&guest->vm.run[0]->immediate_exit, 1, __ATOMIC_SEQ_CST);
		do {
			kick_thread(guest->thread, &until);
		} while (pthread_timedjoin_np(guest->thread, NULL, &until));
	}
	testvm_close(&guest->vm);
	if (guest->fd >= 0)
		close(guest->fd);
}

/* How often it did what it does, since it was made */
static u64 storm_count(struct guest *guest)
{
	u64 signals = 0;

	if (guest->fd >= 0 && read(guest->fd, &signals, sizeof(signals)) == sizeof(signals))
		guest->exits += signals;
	return guest->exits * guest->storm->per_exit;
}

/*
 * The host
 */

/* Waits most of the time */
static void *sleeper(void *arg)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct progress *progress = arg;

	progress->last = bench_now();
	while (!atomic_load(&over)) {
		nanosleep(&ms, NULL);
		step(progress);
	}
	return NULL;
}

/* Never waits */
static void *worker(void *arg)
{
	struct progress *progress = arg;

	progress->last = bench_now();
	while (!atomic_load(&over))
		step(progress);
	return NULL;
}

static void *raise_interrupts(void *arg)
{
	struct guest *guest = arg;
	const u64 one = 1;

	while (!atomic_load(&over))
		if (write(guest->irq->irq_fd, &one, sizeof(one)) < 0 &&
		    !check(errno == EAGAIN, "eventfd: errno %d", errno))
			break;
	return NULL;
}

static struct progress others[] = {
	{ .what = "host, waiting" },
	{ .what = "host, busy" },
	{ .what = "other guest" },
};

#define MAX_STORMS		6

/**
 * struct weather - all that goes on during a test
 * @storms: guests that do their worst
 * @count: of them
 * @other: the guest that must not be stopped
 * @threads: the host's
 * @thread_count: of them
 */
struct weather {
	struct guest storms[MAX_STORMS];
	unsigned int count;
	struct guest other;
	pthread_t threads[2 + MAX_STORMS];
	unsigned int thread_count;
};

static bool start_thread(struct weather *weather, void *(*run)(void *), void *arg)
{
	if (!check(!pthread_create(&weather->threads[weather->thread_count], NULL, run, arg),
		   "no thread"))
		return false;
	weather->thread_count++;
	return true;
}

static bool start_all(struct weather *weather)
{
	unsigned int i;

	atomic_store(&over, false);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = (struct progress) { .what = others[i].what };
	weather->other.progress = &others[2];
	/* Before the storm; they see it come. */
	if (!start_thread(weather, sleeper, &others[0]) ||
	    !start_thread(weather, worker, &others[1]) || !start_guest(&weather->other))
		return false;
	for (i = 0; i < weather->count; i++) {
		struct guest *guest = &weather->storms[i];

		if (!start_guest(guest) ||
		    (guest->irq && !start_thread(weather, raise_interrupts, guest)))
			return false;
	}
	return true;
}

static bool has_raged(struct weather *weather)
{
	struct guest *guest = weather->storms;
	unsigned int i;

	for (i = 0; i < weather->count; i++, guest++)
		if (storm_count(guest) * weather->count < guest->storm->least)
			return false;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].steps < MIN_STEPS)
			return false;
	return true;
}

static void stop_all(struct weather *weather)
{
	unsigned int i;

	atomic_store(&over, true);
	for (i = 0; i < weather->count; i++)
		stop_guest(&weather->storms[i]);
	stop_guest(&weather->other);
	while (weather->thread_count)
		pthread_join(weather->threads[--weather->thread_count], NULL);
}

/* The one that has not ended counts, too. */
static u64 longest_pause(const struct progress *progress)
{
	u64 pause = bench_now() - progress->last;

	return pause > progress->longest ? pause : progress->longest;
}

static void judge(struct weather *weather)
{
	u64 count = 0;
	unsigned int i;

	for (i = 0; i < weather->count; i++)
		count += storm_count(&weather->storms[i]);
	note("%llu times", count);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		const struct progress *progress = &others[i];
		u64 longest = longest_pause(progress);

		note("%-14s went on %8llu times, longest pause %4llu ms", progress->what,
		     progress->steps, longest / 1000000);
		check(!bound || longest <= LONGEST_PAUSE, "%s: a pause of %llu ms",
		      progress->what, longest / 1000000);
	}
}

static const struct storm storms[MAX_STORMS] = {
	{ make_exits, 1, 5000 },
	{ make_notifications, 1, 5000 },
	{ make_rings, 1, 5000 },
	{ make_naps, NAPS, 2000 },
	{ make_pending, 1, 50 },
	{ make_ticks, GUEST_TICKS, 20000 },
};

/* It goes on until it was enough for all; if that never is, the test takes too long. */
static void check_storms(const struct storm *storm, unsigned int count)
{
	struct weather weather = { .count = count };
	u64 end;
	unsigned int i;

	kick_init();
	init_guest(&weather.other, &storms[0]);
	for (i = 0; i < count; i++)
		init_guest(&weather.storms[i], &storm[i]);
	if (start_all(&weather)) {
		end = bench_now() + STORM_NS;
		while (bench_now() < end || !has_raged(&weather))
			sleep_ms(10);
		judge(&weather);
	}
	stop_all(&weather);
}

static void exits(void)
{
	check_storms(&storms[0], 1);
}

static void notifications(void)
{
	check_storms(&storms[1], 1);
}

static void rings(void)
{
	check_storms(&storms[2], 1);
}

static void naps(void)
{
	check_storms(&storms[3], 1);
}

static void pending(void)
{
	check_storms(&storms[4], 1);
}

static void ticks(void)
{
	check_storms(&storms[5], 1);
}

static void all_of_them(void)
{
	check_storms(storms, MAX_STORMS);
}

static const struct tap_test tests[] = {
	{ "MMIO exits", exits },
	{ "writes to an ioeventfd", notifications },
	{ "rings of a doorbell", rings },
	{ "interrupts of a guest that waits for them", naps },
	{ "interrupts that a guest does not take", pending },
	{ "interrupts of a guest's timer, one after the other", ticks },
	{ "all at once, by six guests", all_of_them },
};

int main(int argc, char **argv)
{
	bound = argc > 1 && !strcmp(argv[1], "bound");
	return testvm_main(tests, ARRAY_SIZE(tests));
}
