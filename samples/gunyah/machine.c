// SPDX-License-Identifier: GPL-2.0
/*
 * The machine: puts the parts together, runs the guest, takes everything apart.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "device.h"
#include "guest_tree.h"
#include "image.h"
#include "loop.h"
#include "machine.h"
#include "memory.h"
#include "terminal.h"
#include "uart16550.h"
#include "vcpu.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"
#include "virtio_rng.h"
#include "vm.h"

struct machine {
	const struct options *opts;
	struct loop loop;
	struct terminal term;
	struct bus bus;
	struct guest_mem ram;
	struct guest_mem window;	/* its size is 0 if there is none */
	struct boot_layout layout;
	struct gunyah gunyah;
	struct vm vm;
	struct vcpus vcpus;

	int signal_fd;
	int end_fd;		/* eventfd: status is set */
	atomic_int status;	/* enum vmm_status, or -1 while the guest runs */
};

/* The first reason to end is the one that counts. Any thread may call this. */
static void end(struct machine *m, int status)
{
	int running = -1;
	u64 one = 1;

	if (!atomic_compare_exchange_strong(&m->status, &running, status))
		return;
	if (write(m->end_fd, &one, sizeof(one)) < 0)
		log_error(errno, "eventfd");
}

static void guest_ended(void *arg, enum vmm_status status)
{
	end(arg, status);
}

static void terminal_quit(void *arg, int err)
{
	if (err)
		log_error(err, "guest's output");
	end(arg, err ? VMM_FAILURE : VMM_QUIT);
}

static void signal_came(void *arg)
{
	struct machine *m = arg;
	struct signalfd_siginfo info;

	if (read(m->signal_fd, &info, sizeof(info)) == sizeof(info))
		end(m, VMM_SIGNAL + info.ssi_signo);
}

static void end_came(void *arg)
{
	struct machine *m = arg;

	loop_quit(&m->loop);
}

static int catch_signals(struct machine *m)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	/* Threads that are made later inherit this. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd < 0)
		return log_error(errno, "signalfd");
	return loop_add(&m->loop, m->signal_fd, signal_came, m);
}

static int make_loop(struct machine *m)
{
	int ret;

	if (m->end_fd >= 0)
		return 0;
	m->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->end_fd < 0)
		return log_error(errno, "eventfd");
	ret = loop_add(&m->loop, m->end_fd, end_came, m);
	return ret ? ret : catch_signals(m);
}

/* Guest memory is pinned and so counts as locked. */
static void raise_memlock(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;

	if (!setrlimit(RLIMIT_MEMLOCK, &unlimited) || getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* What devices can reach has to be shared. */
static bool needs_window(const struct options *opts)
{
	return options_have_dma(opts) && !opts->share;
}

static void choose_memory(struct machine *m)
{
	bool open = m->gunyah.fd >= 0;

	m->ram = (struct guest_mem) {
		.wanted = open ? m->opts->backing : NULL,
		.gunyah = open ? &m->gunyah : NULL,
		.label = GUEST_RAM_LABEL,
		.lend = !m->opts->share,
		.gpa = GUEST_RAM_BASE,
		.size = m->opts->mem_size,
	};
	m->window = m->ram;
	m->window.lend = false;
	m->window.gpa = m->ram.gpa + m->ram.size;
	m->window.label = m->window.gpa / SZ_4K;
	m->window.size = needs_window(m->opts) ? m->opts->dma_window : 0;
}

static int alloc_memory(struct machine *m)
{
	int ret = guest_mem_alloc(&m->ram);

	return ret || !m->window.size ? ret : guest_mem_alloc(&m->window);
}

static int load_guest(struct machine *m)
{
	const struct options *opts = m->opts;
	struct guest_tree tree = {
		.ram_base = GUEST_RAM_BASE,
		.ram_size = opts->mem_size,
		.window_base = m->window.gpa,
		.window_size = m->window.size,
		.window_label = m->window.label,
		.cpus = opts->cpus,
		.cmdline = opts->cmdline,
		.bus = &m->bus,
		.console = m->bus.devices[0],
	};
	int ret;

	ret = alloc_memory(m);
	if (ret)
		return ret;
	ret = image_load(&m->ram, opts->kernel, opts->initrd, GUEST_TREE_SIZE, &m->layout);
	if (ret)
		return ret;

	tree.initrd = m->layout.initrd;
	tree.initrd_end = m->layout.initrd_end;
	log_debug("devicetree: %#llx to %#llx", m->layout.dtb,
		  m->layout.dtb + m->layout.dtb_size);
	ret = guest_tree_write(&tree, guest_mem_ptr(&m->ram, m->layout.dtb,
						    m->layout.dtb_size));
	if (ret || !m->window.size)
		return ret;

	/*
	 * The Resource Manager does not count the window as memory, but for Linux a
	 * restricted DMA pool has to be.
	 */
	return image_boot_with_copy(&m->ram, &m->layout);
}

static int make_devices(struct machine *m)
{
	const struct options *opts = m->opts;
	const struct virtio_dma dma = {
		.mem = needs_window(opts) ? &m->window : &m->ram,
		.is_window = needs_window(opts),
	};
	unsigned int i;
	int ret = 0;

	if (!uart16550_create(&m->bus, opts->virtio_console ? &m->term.output :
			      &m->term.chardev))
		return -ENOMEM;
	if (opts->virtio_console)
		ret = virtio_console_create(&m->bus, &m->term.chardev, &dma);
	for (i = 0; i < opts->disk_count && !ret; i++)
		ret = virtio_blk_create(&m->bus, &opts->disks[i], &dma);
	for (i = 0; i < opts->net_count && !ret; i++)
		ret = virtio_net_create(&m->bus, &opts->nets[i], &dma);
	if (opts->rng && !ret)
		ret = virtio_rng_create(&m->bus, &dma);
	return ret;
}

static int make_vm(struct machine *m)
{
	int ret;

	m->vcpus = (struct vcpus) { .bus = &m->bus, .ended = guest_ended, .arg = m };
	ret = vcpus_create(&m->vcpus, &m->vm, m->opts->cpus);
	if (ret)
		return ret;
	ret = bus_attach(&m->bus, &m->vm);
	if (ret)
		return ret;
	ret = guest_mem_give(&m->ram, &m->vm);
	if (!ret && m->window.size)
		ret = guest_mem_give(&m->window, &m->vm);
	if (ret)
		return ret;
	return vm_set_dtb(&m->vm, m->layout.dtb, m->layout.dtb_size);
}

/* Returns 0 when the guest has run; then m->status is set. */
static int run_guest(struct machine *m)
{
	int ret;

	ret = vm_start(&m->vm);
	if (ret)
		return ret;
	guest_mem_started(&m->ram);
	log_debug("guest runs: %u CPUs, %llu MiB of memory, %s", m->opts->cpus,
		  m->opts->mem_size >> 20, m->opts->share ? "shared" : "lent");

	ret = terminal_start(&m->term);
	if (!ret)
		ret = vcpus_start(&m->vcpus);
	if (!ret)
		ret = loop_run(&m->loop);
	terminal_interrupt(&m->term);
	vcpus_stop(&m->vcpus);
	return ret;
}

static int boot(struct machine *m)
{
	int ret;

	ret = vm_open(&m->vm, &m->gunyah);
	if (ret)
		return ret;
	ret = load_guest(m);
	if (ret)
		return ret;
	ret = make_loop(m);
	if (ret)
		return ret;
	ret = make_vm(m);
	if (ret)
		return ret;
	return run_guest(m);
}

/* The Resource Manager keeps them until the VM's file is closed. */
static void report_last_words(struct machine *m)
{
	char text[ESCAPED_SIZE(GH_VM_CRASH_MSG_SIZE)];
	struct gh_vm_crash_msg msg;
	size_t count;

	if (vm_read_crash_msg(&m->vm, &msg) || !msg.size)
		return;
	count = msg.size < sizeof(msg.msg) ? msg.size : sizeof(msg.msg);
	escape_bytes(text, msg.msg, count);
	log_info("guest's last words: \"%s\"%s", text, count < msg.size ? "..." : "");
}

/* Of a guest that ended as it wanted to, there is nothing to find out. */
static bool wants_last_words(const struct machine *m)
{
	int status = atomic_load(&m->status);

	return status == VMM_CRASH ||
	       (log_verbose && (status == VMM_POWER_OFF || status == VMM_RESET));
}

/* With its last file the VM goes, and the memory comes back. */
static void take_down(struct machine *m)
{
	bus_reset(&m->bus);
	vcpus_destroy(&m->vcpus);
	vm_close(&m->vm);
}

/* To be called when nobody can end the guest any more. */
static void forget_end(struct machine *m)
{
	u64 count;

	if (read(m->end_fd, &count, sizeof(count)) < 0)
		log_error(errno, "eventfd");
	m->loop.quit = false;
	atomic_store(&m->status, -1);
}

static int boot_until_off(struct machine *m)
{
	int ret;

	for (;;) {
		ret = boot(m);
		if (!ret && wants_last_words(m))
			report_last_words(m);
		take_down(m);
		if (ret || m->opts->no_reboot || atomic_load(&m->status) != VMM_RESET)
			return ret;
		log_debug("guest boots again");
		forget_end(m);
	}
}

static int write_tree(struct machine *m)
{
	const void *dtb = guest_mem_ptr(&m->ram, m->layout.dtb, m->layout.dtb_size);
	const char *path = m->opts->dtb_out;
	int fd, ret;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return log_error(errno, "%s", path);
	ret = write_all(fd, dtb, m->layout.dtb_size);
	if (close(fd) && !ret)
		ret = -errno;
	return ret ? log_error(-ret, "%s", path) : 0;
}

static int only_write_tree(struct machine *m)
{
	int ret;

	choose_memory(m);
	ret = load_guest(m);
	if (!ret)
		ret = write_tree(m);
	atomic_store(&m->status, VMM_POWER_OFF);
	return ret;
}

static int set_up_and_run(struct machine *m)
{
	int ret;

	ret = make_devices(m);
	if (ret)
		return ret;
	if (m->opts->dtb_out)
		return only_write_tree(m);

	ret = gunyah_open(&m->gunyah);
	if (ret)
		return ret;
	raise_memlock();
	choose_memory(m);
	return boot_until_off(m);
}

int machine_run(const struct options *opts)
{
	struct machine m = {
		.opts = opts,
		.gunyah.fd = -1,
		.vm.fd = -1,
		.signal_fd = -1,
		.end_fd = -1,
		.status = -1,
	};
	int ret, status;

	ret = terminal_init(&m.term, &m.loop, terminal_quit, &m);
	if (!ret)
		ret = set_up_and_run(&m);

	terminal_stop(&m.term);
	bus_destroy(&m.bus);
	terminal_destroy(&m.term);
	guest_mem_free(&m.ram);
	guest_mem_free(&m.window);
	gunyah_close(&m.gunyah);
	if (m.end_fd >= 0)
		close(m.end_fd);
	if (m.signal_fd >= 0)
		close(m.signal_fd);
	status = ret ? VMM_FAILURE : atomic_load(&m.status);
	log_debug("all is closed, exit status %d", status);
	return status;
}
