// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs and vCPUs: vcpu_run enters one that is proxy-scheduled, vcpu_leave goes back
 * to the primary with an answer. Others are entered by the CPU of the hypervisor's
 * own that they have a place on, and left for its loop, to which answers say nothing.
 */
#include "core.h"

#define PSTATE_RESET	(PSTATE_DAIF | PSTATE_EL1H)

struct vm *vm_create(u16 vmid)
{
	struct vm *vm = hyp_zalloc(sizeof(*vm));

	if (!vm)
		return NULL;
	vm->vmid = vmid;
	if (s2_init(&vm->s2, vmid)) {
		hyp_free(vm);
		return NULL;
	}
	if (vgic_create(vm)) {
		vm_destroy(vm);
		return NULL;
	}
	return vm;
}

static void vcpu_destroy(struct vcpu *vcpu)
{
	unsigned int i;

	service_unwatch(vcpu);
	if (vcpu->home)
		sched_remove(vcpu);
	virq_free(vcpu->wakeup);
	for (i = 0; i < MAX_CPUS; i++) {
		if (cpus[i].last_vcpu == vcpu)
			cpus[i].last_vcpu = NULL;
	}
	hyp_free(vcpu);
}

void vm_destroy(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			vcpu_destroy(vm->vcpus[i]);
	}
	vgic_destroy(vm);
	s2_free(&vm->s2);
	hyp_free(vm->caps.caps);
	hyp_free(vm);
}

int vm_set_gic(struct vm *vm, u64 gicd, u64 gicr, u64 stride)
{
	u64 frame = 0x10000;

	if (!IS_ALIGNED(gicd | gicr | stride, frame) || stride < 2 * frame ||
	    (gicd < gicr + 2 * frame && gicr < gicd + frame))
		return GH_ARGUMENT_INVALID;
	vm->vgic->gicd = gicd;
	vm->vgic->gicr = gicr;
	vm->vgic->stride = stride;
	return GH_OK;
}

struct vcpu *vcpu_create(struct vm *vm, unsigned int idx, u64 mpidr_aff, u32 cpu)
{
	struct vcpu *vcpu;

	if (idx >= MAX_VCPUS || vm->vcpus[idx])
		return NULL;
	vcpu = hyp_zalloc(sizeof(*vcpu));
	if (!vcpu)
		return NULL;
	if (cpu == VCPU_PROXY)
		vcpu->wakeup = virq_alloc();
	else
		vcpu->home = smp_own_cpu(cpu);
	if (!vcpu->wakeup && !vcpu->home) {
		hyp_free(vcpu);
		return NULL;
	}
	vcpu->vm = vm;
	vcpu->idx = idx;
	vcpu->mpidr = mpidr_aff & MPIDR_AFF_MASK;
	vcpu->park = PARK_OFF;
	vgic_vcpu_init(vcpu);
	if (vcpu->home)
		sched_add(vcpu);
	vm->vcpus[idx] = vcpu;
	vm->nr_vcpus++;
	return vcpu;
}

u32 vcpu_wakeup_virq(struct vcpu *vcpu)
{
	return vcpu->wakeup;
}

struct vcpu *vcpu_by_mpidr(struct vm *vm, u64 mpidr)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (vm->vcpus[i] && vm->vcpus[i]->mpidr == mpidr)
			return vm->vcpus[i];
	}
	return NULL;
}

/* Somebody may sleep until this vCPU can run again. */
void vcpu_wake(struct vcpu *vcpu)
{
	service_unwatch(vcpu);
	vcpu->park = PARK_NONE;
	if (vcpu->home)
		service_poke(vcpu->home);
	else
		gic_spi_set_pending(vcpu->wakeup);
}

/* Its virtual interrupts have changed. */
void vcpu_poke(struct vcpu *vcpu)
{
	struct cpu *cpu = vcpu->cpu;

	if (cpu && cpu != this_cpu()) {
		if (!cpu->kicked) {
			cpu->kicked = true;
			gic_kick(cpu);
		}
	} else if (!cpu && (vcpu->park == PARK_WFI || vcpu->park == PARK_SUSPEND) &&
		   vgic_has_pending(vcpu)) {
		vcpu_wake(vcpu);
	}
}

int vcpu_power_on(struct vcpu *vcpu, u64 pc, u64 x0)
{
	if (vcpu->park != PARK_OFF)
		return GH_BUSY;
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	memset(&vcpu->fp, 0, sizeof(vcpu->fp));
	memset(&vcpu->timer, 0, sizeof(vcpu->timer));
	el1_reset(&vcpu->el1);
	vgic_cpuif_reset(vcpu);
	vcpu->regs.pc = pc;
	vcpu->regs.x[0] = x0;
	vcpu->regs.pstate = PSTATE_RESET;
	vcpu->resume = RESUME_NONE;
	vcpu->vm->started = true;
	vcpu_wake(vcpu);
	return GH_OK;
}

void vcpu_set_reg(struct vcpu *vcpu, enum vcpu_reg_set set, unsigned int index,
		  u64 value)
{
	switch (set) {
	case VCPU_REG_X:
		vcpu->regs.x[index] = value;
		break;
	case VCPU_REG_PC:
		vcpu->regs.pc = value;
		break;
	case VCPU_REG_SP:
		vcpu->el1.reg[index ? EL1_SP_EL1 : EL1_SP_EL0] = value;
		break;
	}
}

bool vm_quiescent(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (vm->vcpus[i] && vm->vcpus[i]->cpu)
			return false;
	}
	return true;
}

void vm_kill(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int i;

	vm->dead = true;
	for (i = 0; i < MAX_VCPUS; i++) {
		vcpu = vm->vcpus[i];
		if (vcpu && vcpu->cpu)
			vcpu_poke(vcpu);
		else if (vcpu)
			vcpu_wake(vcpu);
	}
	if (vm_quiescent(vm))
		rm_kick();
}

static void answer(struct cpu *cpu, u64 state, u64 d0, u64 d1, u64 d2)
{
	u64 *x = cpu->host.x;

	x[0] = GH_OK;
	x[1] = state;
	x[2] = d0;
	x[3] = d1;
	x[4] = d2;
}

void vcpu_enter(struct cpu *cpu, struct vcpu *vcpu)
{
	vcpu->cpu = cpu;
	cpu->vcpu = vcpu;
	switch_to_guest(cpu, vcpu);
}

/* Back to the primary, which reads what vcpu_run answers. */
void vcpu_leave(struct vcpu *vcpu, u64 state, u64 d0, u64 d1, u64 d2)
{
	struct cpu *cpu = vcpu->cpu;

	switch_to_host(cpu, vcpu);
	if (cpu->kicked) {
		cpu->kicked = false;
		gic_clear_kick(cpu);
	}
	cpu->vcpu = NULL;
	vcpu->cpu = NULL;
	answer(cpu, state, d0, d1, d2);
	if (vcpu->park == PARK_WFI || vcpu->park == PARK_SUSPEND)
		service_watch(vcpu);
	if (vcpu->vm->dead && vm_quiescent(vcpu->vm))
		rm_kick();
}

/* The end of every exit: back into the guest, unless it has been left. */
void vcpu_resume(struct vcpu *vcpu)
{
	if (!vcpu->cpu)
		return;
	if (vcpu->vm->dead)
		vcpu_leave(vcpu, VCPU_POWERED_OFF, 1, 0, 0);
	else
		vgic_flush(vcpu);
}

/* What can be said without running it; false if it has to run. */
static bool answer_parked(struct cpu *cpu, struct vcpu *vcpu)
{
	if (vcpu->vm->dead) {
		answer(cpu, VCPU_POWERED_OFF, 1, 0, 0);
		return true;
	}
	switch (vcpu->park) {
	case PARK_OFF:
		answer(cpu, VCPU_POWERED_OFF, 0, 0, 0);
		return true;
	case PARK_WFI:
	case PARK_SUSPEND:
		if (vgic_has_pending(vcpu) || timer_expired(&vcpu->timer))
			return false;
		answer(cpu, VCPU_EXPECTS_WAKEUP, vcpu->park_state,
		       vcpu->park == PARK_WFI ? 1 : 2, 0);
		return true;
	default:
		return false;
	}
}

int vcpu_run(struct vcpu *vcpu, u64 resume0)
{
	struct cpu *cpu = this_cpu();

	if (vcpu->cpu || vcpu->home)
		return GH_BUSY;
	if (answer_parked(cpu, vcpu))
		return GH_OK;
	service_unwatch(vcpu);
	vcpu->park = PARK_NONE;
	vcpu->park_state = 0;
	if (vcpu->resume == RESUME_MMIO_READ)
		guest_mmio_complete(vcpu, vcpu->mmio_esr, resume0);
	vcpu->resume = RESUME_NONE;
	vcpu_enter(cpu, vcpu);
	return GH_OK;
}

int vcpu_run_check(struct vcpu *vcpu)
{
	struct cpu *cpu = this_cpu();

	if (vcpu->cpu || vcpu->home)
		return GH_BUSY;
	if (!answer_parked(cpu, vcpu))
		answer(cpu, VCPU_READY, 0, 0, 0);
	return GH_OK;
}
