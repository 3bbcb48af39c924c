// SPDX-License-Identifier: GPL-2.0
/*
 * Parts of guest memory files that a VM gets: GH_VM_MAP_MEM.
 */

#include <linux/file.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "guest_mem.h"
#include "vm_mgr.h"

#define GH_MAP_MEM_ACCESS \
	(GH_MAP_MEM_ALLOW_READ | GH_MAP_MEM_ALLOW_WRITE | GH_MAP_MEM_ALLOW_EXEC)
#define GH_MAP_MEM_FORCE	(GH_MAP_MEM_FORCE_LEND | GH_MAP_MEM_FORCE_SHARE)
#define GH_MAP_MEM_FLAGS \
	(GH_MAP_MEM_ACCESS | GH_MAP_MEM_FORCE | GH_MAP_MEM_UNMAP | GH_MAP_MEM_KEEP_CONTENTS)

static int gh_vm_check_map_mem(const struct gh_map_mem *arg)
{
	u64 end;

	/* The hypervisor has no mapping that can be written or executed only. */
	if ((arg->flags & ~GH_MAP_MEM_FLAGS) || !(arg->flags & GH_MAP_MEM_ALLOW_READ) ||
	    (arg->flags & GH_MAP_MEM_FORCE) == GH_MAP_MEM_FORCE)
		return -EINVAL;

	if (!arg->size || !PAGE_ALIGNED(arg->offset))
		return -EINVAL;
	if (check_add_overflow(arg->offset, arg->size, &end))
		return -EOVERFLOW;

	return gh_vm_check_gpa(arg->guest_addr, arg->size);
}

/* What the same memory would have as a region of user memory. */
static u32 gh_vm_map_mem_flags(u32 flags)
{
	u32 region_flags = 0;

	if (flags & GH_MAP_MEM_ALLOW_READ)
		region_flags |= GH_MEM_ALLOW_READ;
	if (flags & GH_MAP_MEM_ALLOW_WRITE)
		region_flags |= GH_MEM_ALLOW_WRITE;
	if (flags & GH_MAP_MEM_ALLOW_EXEC)
		region_flags |= GH_MEM_ALLOW_EXEC;
	if (flags & GH_MAP_MEM_FORCE_SHARE)
		return region_flags;
	if (!(flags & GH_MAP_MEM_KEEP_CONTENTS))
		region_flags |= GH_MEM_SANITIZE;
	return region_flags | GH_MEM_LENT;
}

/* Callers have no way to say how it is called: so that the tree of the guest can tell. */
static u32 gh_vm_map_mem_label(u64 gpa)
{
	return gpa / GH_RM_PAGE_SIZE;
}

static int gh_vm_do_map(struct gh_vm *ghvm, struct gh_guest_mem *gm,
			const struct gh_map_mem *arg)
{
	u32 label = gh_vm_map_mem_label(arg->guest_addr);
	struct gh_vm_backing *backing;

	if (!gh_vm_is_free(ghvm, label, arg->guest_addr, arg->size))
		return -EEXIST;

	backing = gh_guest_mem_bind(gm, arg->offset, arg->size, GH_FILL_INTERRUPTIBLE);
	if (IS_ERR(backing))
		return PTR_ERR(backing);

	return gh_vm_add_region(ghvm, backing, label, gh_vm_map_mem_flags(arg->flags),
				arg->guest_addr, arg->size);
}

/* Return: the region that has this part of the file at these addresses, or NULL. */
static struct gh_vm_region *gh_vm_find_mapping(struct gh_vm *ghvm, struct gh_guest_mem *gm,
					       const struct gh_map_mem *arg)
{
	struct gh_vm_region *region = gh_vm_region_around(ghvm, arg->guest_addr, arg->size);
	u64 offset;

	if (!region || gh_guest_mem_bound(region->backing, &offset) != gm)
		return NULL;
	return arg->offset - offset == arg->guest_addr - region->gpa ? region : NULL;
}

static int gh_vm_trim_region(struct gh_vm *ghvm, struct gh_vm_region *region, u64 gpa, u64 size)
{
	u32 label = region->label;
	u64 offset;
	int ret;

	/* It may also have been registered as user memory, by a label of its own. */
	if (label == gh_vm_map_mem_label(region->gpa))
		label = gh_vm_map_mem_label(gpa);
	/* Only the label: no range of size 0 is in another's way. */
	if (label != region->label && !gh_vm_is_free(ghvm, label, 0, 0))
		return -EEXIST;

	gh_guest_mem_bound(region->backing, &offset);
	gh_vm_uncount_region(ghvm, region);
	ret = gh_guest_mem_trim(region->backing, offset + gpa - region->gpa, size);
	if (!ret) {
		region->gpa = gpa;
		region->size = size;
		region->label = label;
		region->parcels[0].n_extents = region->backing->extents.count;
		region->parcels[0].size = size;
	}
	gh_vm_count_region(ghvm, region);

	return ret;
}

static int gh_vm_do_unmap(struct gh_vm *ghvm, struct gh_guest_mem *gm,
			  const struct gh_map_mem *arg)
{
	struct gh_vm_region *region = gh_vm_find_mapping(ghvm, gm, arg);
	u64 end = arg->guest_addr + arg->size, region_end;

	if (!region)
		return -ENOENT;
	if (region->flags != gh_vm_map_mem_flags(arg->flags))
		return -EINVAL;

	region_end = region->gpa + region->size;
	if (arg->size == region->size) {
		gh_vm_free_region(ghvm, region);
		return 0;
	}
	if (arg->guest_addr == region->gpa)
		return gh_vm_trim_region(ghvm, region, end, region_end - end);
	if (end == region_end)
		return gh_vm_trim_region(ghvm, region, region->gpa, region->size - arg->size);

	/* There would have to be two of it. */
	return -EINVAL;
}

static int gh_vm_map_file(struct gh_vm *ghvm, struct file *file, const struct gh_map_mem *arg)
{
	u64 huge = arg->guest_addr | arg->offset | arg->size;
	struct gh_guest_mem *gm = gh_guest_mem_of(file);
	int ret;

	if (!gm)
		return -EINVAL;
	if ((gm->flags & GH_GUEST_MEM_ALLOW_HUGEPAGE) && !IS_ALIGNED(huge, SZ_2M))
		return -EINVAL;

	ret = gh_vm_lock_config(ghvm);
	if (ret)
		return ret;
	ret = arg->flags & GH_MAP_MEM_UNMAP ? gh_vm_do_unmap(ghvm, gm, arg) :
					      gh_vm_do_map(ghvm, gm, arg);
	mutex_unlock(&ghvm->config_lock);

	return ret;
}

/**
 * gh_vm_map_mem() - give a VM a part of a guest memory file, or take one back
 * @ghvm: the VM
 * @arg: which part, and where
 *
 * Return: 0; -EINVAL, also if the file is not one; -EOVERFLOW; -EEXIST if a VM has
 * some of the part, or if the addresses are taken; -ENOENT if there is no such mapping
 * to take back, -EEXIST if the label of its rest is another region's; -EBUSY if the VM
 * was started; -E2BIG, -ENOMEM, -EINTR.
 */
int gh_vm_map_mem(struct gh_vm *ghvm, const struct gh_map_mem *arg)
{
	struct file *file;
	int ret;

	ret = gh_vm_check_map_mem(arg);
	if (ret)
		return ret;

	file = fget(arg->guest_mem_fd);
	if (!file)
		return -EINVAL;
	ret = gh_vm_map_file(ghvm, file, arg);
	fput(file);

	return ret;
}
