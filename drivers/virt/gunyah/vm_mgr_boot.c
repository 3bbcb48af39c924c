// SPDX-License-Identifier: GPL-2.0
/*
 * How a VM boots: registers, and the firmware of protected VMs.
 */

#include <linux/bitfield.h>
#include <linux/overflow.h>

#include "vm_mgr.h"

/*
 * Registers
 */

#define GH_VM_BOOT_REG_INDEX	GENMASK(7, 0)
#define GH_VM_BOOT_REG_SET	GENMASK(15, 8)

/* Where the sets of registers are in struct gh_vm_boot_regs. */
static const struct {
	enum gh_rm_boot_register_set set;
	unsigned int first;
	unsigned int count;
} gh_vm_boot_sets[] = {
	[GH_VM_BOOT_REG_SET_X]	= { GH_RM_BOOT_REGISTER_X, 0, 32 },
	[GH_VM_BOOT_REG_SET_PC]	= { GH_RM_BOOT_REGISTER_PC, 32, 1 },
	[GH_VM_BOOT_REG_SET_SP]	= { GH_RM_BOOT_REGISTER_SP, 33, 3 },
};

static_assert(GH_VM_N_BOOT_REGS == 32 + 1 + 3);

static int gh_vm_boot_reg(u32 reg)
{
	u32 index = FIELD_GET(GH_VM_BOOT_REG_INDEX, reg);
	u32 set = FIELD_GET(GH_VM_BOOT_REG_SET, reg);

	if ((reg & ~(GH_VM_BOOT_REG_INDEX | GH_VM_BOOT_REG_SET)) ||
	    set >= ARRAY_SIZE(gh_vm_boot_sets) || index >= gh_vm_boot_sets[set].count)
		return -EINVAL;

	return gh_vm_boot_sets[set].first + index;
}

/*
 * Refused at once: a VMM can do without, but a VM whose START failed cannot be
 * started again.
 */
static int gh_vm_needs(struct gh_vm *ghvm, enum gh_rm_optional what)
{
	int ret = gh_vm_mgr_has(ghvm->mgr, what);

	if (ret < 0)
		return ret;
	return ret ? 0 : -ENOTTY;
}

/**
 * gh_vm_set_boot_context() - GH_VM_SET_BOOT_CONTEXT
 * @ghvm: the VM
 * @arg: a register, and what is to be in it
 *
 * Return: 0, -ENOTTY if the Resource Manager cannot do it, or another negative
 * errno.
 */
int gh_vm_set_boot_context(struct gh_vm *ghvm, const struct gh_vm_boot_context *arg)
{
	int reg = gh_vm_boot_reg(arg->reg);
	int ret;

	if (reg < 0)
		return reg;

	ret = gh_vm_needs(ghvm, GH_RM_OPTIONAL_BOOT_CONTEXT);
	if (ret)
		return ret;

	ret = gh_vm_lock_config(ghvm);
	/* The errno that other kernels have for it */
	if (ret == -EBUSY)
		return -EINVAL;
	if (ret)
		return ret;

	ghvm->boot_regs.value[reg] = arg->value;
	__set_bit(reg, ghvm->boot_regs.set);
	mutex_unlock(&ghvm->config_lock);
	return 0;
}

/**
 * gh_vm_give_boot_regs() - tell the Resource Manager what registers are to have
 * @ghvm: the VM; is initialised
 *
 * Firmware has its own idea of that.
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_give_boot_regs(struct gh_vm *ghvm)
{
	const struct gh_vm_boot_regs *regs = &ghvm->boot_regs;
	unsigned int i, index, reg;
	int ret;

	if (gh_vm_has_firmware(ghvm))
		return 0;

	for (i = 0; i < ARRAY_SIZE(gh_vm_boot_sets); i++) {
		for (index = 0; index < gh_vm_boot_sets[i].count; index++) {
			reg = gh_vm_boot_sets[i].first + index;
			if (!test_bit(reg, regs->set))
				continue;
			ret = gh_rm_vm_set_boot_context(ghvm->mgr->rm, ghvm->vmid,
							gh_vm_boot_sets[i].set, index,
							regs->value[reg]);
			if (ret)
				return ret;
		}
	}

	return 0;
}

/*
 * Firmware
 */

/**
 * gh_vm_set_fw_config() - GH_VM_ANDROID_SET_FW_CONFIG
 * @ghvm: the VM
 * @arg: where the firmware is to be; whether that can be is looked at when the
 *	 VM is started
 *
 * Return: 0, -ENOTTY if the Resource Manager knows no firmware, or another
 * negative errno.
 */
int gh_vm_set_fw_config(struct gh_vm *ghvm, const struct gh_vm_firmware_config *arg)
{
	u64 end;
	int ret;

	if (!arg->size)
		return -EINVAL;
	if (check_add_overflow(arg->guest_phys_addr, arg->size, &end))
		return -EOVERFLOW;

	ret = gh_vm_needs(ghvm, GH_RM_OPTIONAL_FIRMWARE_MEM);
	if (ret)
		return ret;

	ret = gh_vm_lock_config(ghvm);
	if (ret)
		return ret;

	ghvm->fw_gpa = arg->guest_phys_addr;
	ghvm->fw_size = arg->size;
	mutex_unlock(&ghvm->config_lock);
	return 0;
}

/**
 * gh_vm_check_fw_config() - can the firmware be where it is to be?
 * @ghvm: the VM; its configuration is locked
 *
 * Return: 0, also if there is none; -EINVAL if it is not page aligned, -ENXIO if
 * it is not inside of one region, -EOPNOTSUPP if such a VM was refused before.
 */
int gh_vm_check_fw_config(struct gh_vm *ghvm)
{
	lockdep_assert_held(&ghvm->config_lock);

	if (!gh_vm_has_firmware(ghvm))
		return 0;
	if (gh_vm_mgr_has(ghvm->mgr, GH_RM_OPTIONAL_FIRMWARE_MEM) <= 0)
		return -EOPNOTSUPP;
	if (!IS_ALIGNED(ghvm->fw_gpa | ghvm->fw_size, GH_RM_PAGE_SIZE))
		return -EINVAL;

	return gh_vm_region_around(ghvm, ghvm->fw_gpa, ghvm->fw_size) ? 0 : -ENXIO;
}

/**
 * gh_vm_give_firmware() - tell the Resource Manager where the firmware is to be
 * @ghvm: the VM; is configured as a protected one, if it has firmware
 *
 * Return: 0 or a negative errno; then the VM is to be reset.
 */
int gh_vm_give_firmware(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;
	int ret;

	if (!gh_vm_has_firmware(ghvm))
		return 0;

	region = gh_vm_region_around(ghvm, ghvm->fw_gpa, ghvm->fw_size);
	ret = gh_rm_vm_set_firmware_mem(ghvm->mgr->rm, ghvm->vmid, gh_vm_region_handle(region),
					ghvm->fw_gpa - region->gpa, ghvm->fw_size);
	/* There will be no INIT: as if that had failed, so that the VM is reset. */
	if (ret)
		gh_vm_happened(ghvm, GH_VM_EV_INIT_FAILED);

	return ret;
}
