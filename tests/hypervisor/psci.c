// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI: the primary's calls go on to the firmware, except that its CPUs come
 * up through the hypervisor; a guest's are about its vCPUs.
 */
#include "core.h"

#define SMCCC_VERSION		0x80000000u
#define PSCI_VERSION_1_1	0x10001
#define PSCI_TOS_NOT_PRESENT	2

#define AFFINITY_ON		0
#define AFFINITY_OFF		1

static bool is_smc64_variant(u32 fn)
{
	switch (fn | PSCI_SMC64) {
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_ON:
	case PSCI_AFFINITY_INFO:
	case PSCI_SYSTEM_RESET2:
		return true;
	default:
		return false;
	}
}

/* The lock is dropped while the firmware has the CPU. */
static s64 relay(u32 fn, const u64 *args)
{
	s64 ret;

	hyp_unlock();
	ret = firmware_call(fn, args[0], args[1], args[2]);
	hyp_lock();
	return ret;
}

static s64 primary_suspend(u32 fn, const u64 *args)
{
	u64 power_down = BIT(16);

	/* The firmware has no state that loses what EL2 holds. */
	if (args[0] & power_down)
		return PSCI_INVALID_PARAMETERS;
	return relay(fn, args);
}

s64 primary_psci(u32 fn, const u64 *args)
{
	switch (fn) {
	case PSCI_CPU_ON:
		return smp_cpu_on(args[0], args[1], args[2]);
	case PSCI_CPU_ON & ~PSCI_SMC64:
		return smp_cpu_on((u32)args[0], (u32)args[1], (u32)args[2]);
	case PSCI_CPU_OFF:
		smp_cpu_off();
		return PSCI_NOT_SUPPORTED;
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND & ~PSCI_SMC64:
		return primary_suspend(fn, args);
	case PSCI_FEATURES:
		if ((u32)args[0] == SMCCC_VERSION)
			return PSCI_SUCCESS;
		return relay(fn, args);
	default:
		return relay(fn, args);
	}
}

static s64 guest_features(u32 fn)
{
	if (is_smc64_variant(fn))
		return PSCI_SUCCESS;
	switch (fn) {
	case SMCCC_VERSION:
	case PSCI_VERSION:
	case PSCI_CPU_OFF:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

static s64 guest_cpu_on(struct vm *vm, u64 mpidr, u64 entry, u64 context)
{
	struct vcpu *target = vcpu_by_mpidr(vm, mpidr & MPIDR_AFF_MASK);

	if (!target)
		return PSCI_INVALID_PARAMETERS;
	return vcpu_power_on(target, entry, context) ? PSCI_ALREADY_ON : PSCI_SUCCESS;
}

static s64 guest_affinity_info(struct vm *vm, u64 mpidr, u64 level)
{
	struct vcpu *target = vcpu_by_mpidr(vm, mpidr & MPIDR_AFF_MASK);

	if (!target || level)
		return PSCI_INVALID_PARAMETERS;
	return target->park == PARK_OFF ? AFFINITY_OFF : AFFINITY_ON;
}

static void guest_off(struct vcpu *vcpu)
{
	vcpu->park = PARK_OFF;
	vcpu_leave(vcpu, VCPU_POWERED_OFF, 0, 0, 0);
}

static void guest_suspend(struct vcpu *vcpu, u64 power_state)
{
	if (vgic_has_pending(vcpu))
		return;
	vcpu->park = PARK_SUSPEND;
	vcpu->park_state = power_state;
	vcpu_leave(vcpu, VCPU_EXPECTS_WAKEUP, power_state, 2, 0);
}

/* The end of the VM, by its own doing. */
static void guest_end(struct vcpu *vcpu, enum vm_exit_type type, u64 arg, u64 cookie)
{
	struct vm *vm = vcpu->vm;

	if (type == VM_EXIT_PSCI_OFF)
		vcpu_leave(vcpu, VCPU_POWERED_OFF, 1, 0, 0);
	else
		vcpu_leave(vcpu, VCPU_SYSTEM_RESET, arg, cookie, 0);
	vm_kill(vm);
	rm_vm_exited(vm, type, arg, cookie);
	rm_kick();
}

/* Bit 63 of what vcpu_run tells: plain reset; bit 62: RESET2, SMC64 call. */
static void guest_reset(struct vcpu *vcpu, u32 fn, const u64 *args)
{
	if (fn == PSCI_SYSTEM_RESET)
		guest_end(vcpu, VM_EXIT_PSCI_RESET, BIT(63), 0);
	else if (fn == PSCI_SYSTEM_RESET2)
		guest_end(vcpu, VM_EXIT_PSCI_RESET2, BIT(62) | (u32)args[0], args[1]);
	else
		guest_end(vcpu, VM_EXIT_PSCI_RESET2, (u32)args[0], (u32)args[1]);
}

s64 guest_psci(struct vcpu *vcpu, u32 fn, const u64 *args)
{
	u64 mask = fn & PSCI_SMC64 ? ~0ULL : 0xffffffffULL;

	if (is_smc64_variant(fn) && !(fn & PSCI_SMC64) && fn != (PSCI_SYSTEM_RESET2 & ~PSCI_SMC64))
		fn |= PSCI_SMC64;
	switch (fn) {
	case PSCI_VERSION:
		return PSCI_VERSION_1_1;
	case PSCI_FEATURES:
		return guest_features(args[0]);
	case PSCI_MIGRATE_INFO_TYPE:
		return PSCI_TOS_NOT_PRESENT;
	case PSCI_CPU_ON:
		return guest_cpu_on(vcpu->vm, args[0] & mask, args[1] & mask,
				    args[2] & mask);
	case PSCI_AFFINITY_INFO:
		return guest_affinity_info(vcpu->vm, args[0] & mask, args[1] & mask);
	case PSCI_CPU_SUSPEND:
		guest_suspend(vcpu, (u32)args[0]);
		return PSCI_SUCCESS;
	case PSCI_CPU_OFF:
		guest_off(vcpu);
		return PSCI_SUCCESS;
	case PSCI_SYSTEM_OFF:
		guest_end(vcpu, VM_EXIT_PSCI_OFF, 0, 0);
		return PSCI_SUCCESS;
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2 & ~PSCI_SMC64:
		guest_reset(vcpu, fn, args);
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}
