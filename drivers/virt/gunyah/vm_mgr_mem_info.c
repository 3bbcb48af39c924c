// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts of memory: how much VMs have, and where it is. Kept as it changes, so
 * that they can be read without the locks that long operations hold.
 */

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "vm_mgr.h"

/* What VMs had that are gone, and that nobody can ask for any more */
static atomic64_t gh_vm_abandoned;

/**
 * gh_vm_count_region() - a VM has a region more
 * @ghvm: the VM
 * @region: the region; the host's alone
 */
void gh_vm_count_region(struct gh_vm *ghvm, const struct gh_vm_region *region)
{
	spin_lock(&ghvm->mem_lock);
	ghvm->mem_info.pinned += region->size;
	ghvm->mem_info.n_extents += region->backing->extents.count;
	spin_unlock(&ghvm->mem_lock);
}

/**
 * gh_vm_uncount_region() - a VM has a region less
 * @ghvm: the VM
 * @region: the region; the host's alone
 */
void gh_vm_uncount_region(struct gh_vm *ghvm, const struct gh_vm_region *region)
{
	spin_lock(&ghvm->mem_lock);
	ghvm->mem_info.pinned -= region->size;
	ghvm->mem_info.n_extents -= region->backing->extents.count;
	spin_unlock(&ghvm->mem_lock);
}

/**
 * gh_vm_abandon_region() - a region of a VM that ends is lost
 * @region: the region; the Resource Manager has some of it
 */
void gh_vm_abandon_region(const struct gh_vm_region *region)
{
	atomic64_add(region->size, &gh_vm_abandoned);
}

/* Return: where memory in such a state is counted, or NULL. */
static u64 *gh_vm_mem_sum(struct gh_vm_mem_info *info, const struct gh_vm_region *region,
			  enum gh_vm_parcel_state state)
{
	switch (state) {
	case GH_VM_PARCEL_GIVEN:
		return region->flags & GH_MEM_LENT ? &info->lent : &info->shared;
	case GH_VM_PARCEL_STUCK:
		return &info->stuck;
	default:
		return NULL;
	}
}

/**
 * gh_vm_set_parcel_state() - the memory of a parcel changes hands
 * @ghvm: the VM
 * @region: where the parcel belongs to
 * @parcel: the parcel
 * @state: who has it now
 */
void gh_vm_set_parcel_state(struct gh_vm *ghvm, const struct gh_vm_region *region,
			    struct gh_vm_parcel *parcel, enum gh_vm_parcel_state state)
{
	struct gh_vm_mem_info *info = &ghvm->mem_info;
	u64 *from, *to;

	spin_lock(&ghvm->mem_lock);
	from = gh_vm_mem_sum(info, region, parcel->state);
	to = gh_vm_mem_sum(info, region, state);
	if (from) {
		*from -= parcel->size;
		info->n_parcels--;
	}
	if (to) {
		*to += parcel->size;
		info->n_parcels++;
	}
	parcel->state = state;
	spin_unlock(&ghvm->mem_lock);
}

static void gh_vm_read_mem_info(struct gh_vm *ghvm, struct gh_vm_mem_info *info)
{
	spin_lock(&ghvm->mem_lock);
	*info = ghvm->mem_info;
	spin_unlock(&ghvm->mem_lock);
}

/**
 * gh_vm_show_fdinfo() - what /proc says of a VM file
 * @m: where to say it
 * @file: the VM file
 */
void gh_vm_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct gh_vm_mem_info info;

	gh_vm_read_mem_info(file->private_data, &info);
	seq_printf(m, "mem-pinned:\t%llu\n", info.pinned);
	seq_printf(m, "mem-shared:\t%llu\n", info.shared);
	seq_printf(m, "mem-lent:\t%llu\n", info.lent);
	seq_printf(m, "mem-quarantined:\t%llu\n", info.stuck);
	seq_printf(m, "mem-entries:\t%zu\n", info.n_extents);
	seq_printf(m, "mem-parcels:\t%zu\n", info.n_parcels);
}

static void gh_vm_show_mem_info(struct gh_vm *ghvm, void *m)
{
	struct gh_vm_mem_info info;

	gh_vm_read_mem_info(ghvm, &info);
	seq_printf(m, "vm %d pinned %llu shared %llu lent %llu quarantined %llu entries %zu parcels %zu retry-ms %u\n",
		   (s16)ghvm->vmid, info.pinned, info.shared, info.lent, info.stuck,
		   info.n_extents, info.n_parcels, jiffies_to_msecs(ghvm->retry_delay));
}

static int gh_vm_memory_show(struct seq_file *m, void *unused)
{
	gh_vm_for_each(gh_vm_show_mem_info, m);
	seq_printf(m, "abandoned %llu\n", (u64)atomic64_read(&gh_vm_abandoned));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(gh_vm_memory);

/**
 * gh_vm_mgr_debugfs_init() - make the file that tells about the memory of VMs
 * @dir: where to make it, and who removes it
 *
 * It shows VMs that the Resource Manager may know, also if their files are
 * closed: for as long as there is anything of theirs that it did not give back.
 */
void gh_vm_mgr_debugfs_init(struct dentry *dir)
{
	debugfs_create_file("memory", 0400, dir, NULL, &gh_vm_memory_fops);
}
