// SPDX-License-Identifier: GPL-2.0
/*
 * vCPU threads.
 */

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kick.h"
#include "vcpu.h"

static int map_run_page(struct vcpu *vcpu)
{
	void *p;
	int size;

	size = ioctl(vcpu->fd, GH_VCPU_MMAP_SIZE);
	if (size < 0)
		return vm_ioctl_failed("GH_VCPU_MMAP_SIZE", "", errno);
	if ((size_t)size < sizeof(*vcpu->run))
		return log_error(EPROTO, "vCPU %u: a mapping of %d bytes", vcpu->id, size);

	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (p == MAP_FAILED)
		return log_error(errno, "vCPU %u: mmap", vcpu->id);
	vcpu->all->run_size = size;
	vcpu->run = p;
	return 0;
}

int vcpus_create(struct vcpus *vcpus, struct vm *vm, unsigned int count)
{
	int ret;

	while (vcpus->count < count) {
		struct vcpu *vcpu = &vcpus->vcpu[vcpus->count];

		vcpu->all = vcpus;
		vcpu->id = vcpus->count;
		vcpu->fd = vm_add_vcpu(vm, vcpu->id);
		if (vcpu->fd < 0)
			return vcpu->fd;
		vcpus->count++;
		ret = map_run_page(vcpu);
		if (ret)
			return ret;
	}
	return 0;
}

static enum vmm_status exit_type_status(const struct gh_vm_exit_info *info)
{
	switch (info->type) {
	case GH_VM_EXIT_TYPE_VM_EXIT:
	case GH_VM_EXIT_TYPE_PSCI_POWER_OFF:
		log_debug("guest powered off");
		return VMM_POWER_OFF;
	case GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET:
	case GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET2:
		log_info("guest asks for a reset");
		return VMM_RESET;
	case GH_VM_EXIT_TYPE_WDT_BITE:
		log_info("guest crashed: its watchdog ran out");
		return VMM_CRASH;
	case GH_VM_EXIT_TYPE_HYP_ERROR:
		log_info("guest crashed: stopped by the hypervisor for an error");
		return VMM_CRASH;
	case GH_VM_EXIT_TYPE_ASYNC_EXT_ABORT:
		log_info("guest crashed: asynchronous external abort");
		return VMM_CRASH;
	case GH_VM_EXIT_TYPE_VM_FORCE_STOPPED:
		/*
		 * Nobody but the driver stops a VM, and not before the VMM closes its files,
		 * which it has not: this is a power-off that a stop has overtaken.
		 */
		log_info("guest is gone, taken for powered off");
		return VMM_POWER_OFF;
	}
	log_info("guest ended in an unknown way, type %u", info->type);
	return VMM_CRASH;
}

/* What the Resource Manager has said; what it means depends on the type. */
static void report_reason(const struct gh_vm_exit_info *info, enum vmm_status status)
{
	unsigned int i, n = info->reason_size;
	char text[3 * GH_VM_MAX_EXIT_REASON_SIZE + 1] = "";

	if (n > GH_VM_MAX_EXIT_REASON_SIZE)
		n = GH_VM_MAX_EXIT_REASON_SIZE;
	for (i = 0; i < n; i++)
		snprintf(text + 3 * i, 4, " %02x", info->reason[i]);
	/* Of a guest that ended as it wanted to, there is nothing to find out. */
	if (log_verbose || status == VMM_CRASH)
		log_info("exit type %u, %u bytes of reason:%s", info->type,
			 info->reason_size, text);
}

static enum vmm_status read_status(const struct gh_vcpu_run *run)
{
	enum vmm_status status;

	switch (run->status.status) {
	case GH_VM_STATUS_EXITED:
		status = exit_type_status(&run->status.exit_info);
		report_reason(&run->status.exit_info, status);
		return status;
	case GH_VM_STATUS_LOAD_FAILED:
		log_info("guest could not be loaded");
		return VMM_FAILURE;
	case GH_VM_STATUS_CRASHED:
		log_info("guest crashed");
		return VMM_CRASH;
	default:
		break;
	}
	log_info("guest ended with unknown status %u", run->status.status);
	return VMM_FAILURE;
}

/* Returns true when the guest goes on. */
static bool handle_exit(struct vcpu *vcpu)
{
	struct vcpus *all = vcpu->all;
	struct gh_vcpu_run *run = vcpu->run;

	switch (run->exit_reason) {
	case GH_VCPU_EXIT_MMIO:
		if (run->mmio.len > sizeof(run->mmio.data))
			break;
		bus_access(all->bus, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
			   run->mmio.is_write);
		return true;
	case GH_VCPU_EXIT_STATUS:
		/* All vCPUs are told, and it is the same for all. */
		if (!atomic_exchange(&all->ended_told, true))
			all->ended(all->arg, read_status(run));
		return false;
	}
	log_error(EPROTO, "vCPU %u: exit reason %u", vcpu->id, run->exit_reason);
	all->ended(all->arg, VMM_FAILURE);
	return false;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vcpus *all = vcpu->all;
	char what[32];

	while (!atomic_load(&all->stop)) {
		if (!ioctl(vcpu->fd, GH_VCPU_RUN)) {
			if (handle_exit(vcpu))
				continue;
			break;
		}
		if (errno == EINTR || errno == EAGAIN)
			continue;
		snprintf(what, sizeof(what), "vCPU %u", vcpu->id);
		vm_ioctl_failed("GH_VCPU_RUN", what, errno);
		all->ended(all->arg, VMM_FAILURE);
		break;
	}
	return NULL;
}

int vcpus_start(struct vcpus *vcpus)
{
	int ret;

	kick_init();
	while (vcpus->running < vcpus->count) {
		struct vcpu *vcpu = &vcpus->vcpu[vcpus->running];

		ret = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		if (ret)
			return log_error(ret, "vCPU %u: thread", vcpu->id);
		vcpus->running++;
	}
	return 0;
}

static void stop_vcpu(struct vcpu *vcpu)
{
	struct timespec until;

	do {
		kick_thread(vcpu->thread, &until);
	} while (pthread_timedjoin_np(vcpu->thread, NULL, &until));
}

void vcpus_stop(struct vcpus *vcpus)
{
	unsigned int i;

	atomic_store(&vcpus->stop, true);
	for (i = 0; i < vcpus->running; i++)
		__atomic_store_n(&vcpus->vcpu[i].run->immediate_exit, 1,
				 __ATOMIC_SEQ_CST);
	while (vcpus->running)
		stop_vcpu(&vcpus->vcpu[--vcpus->running]);
}

void vcpus_destroy(struct vcpus *vcpus)
{
	while (vcpus->count) {
		struct vcpu *vcpu = &vcpus->vcpu[--vcpus->count];

		if (vcpu->run)
			munmap(vcpu->run, vcpus->run_size);
		close(vcpu->fd);
	}
}
