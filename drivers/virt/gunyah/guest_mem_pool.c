// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files: memory that the devicetree reserves for them
 *
 * The kernel has such memory neither in its linear map nor among what it
 * allocates. So nothing of it can touch a guest's by mistake, but what this driver
 * maps.
 */

#define pr_fmt(fmt) "gunyah-guest-mem: " fmt

#include <linux/genalloc.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/kmemleak.h>
#include <linux/numa.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/pfn.h>
#include <linux/sizes.h>

#include "guest_mem.h"

#define GH_GUEST_MEM_POOL_COMPATIBLE	"gunyah-guest-memory-pool"

/* By physical address. NULL if there is none, else as large as it ever becomes. */
static struct gen_pool *gh_guest_mem_pool;

static bool gh_guest_mem_pool_check(struct device_node *np, struct resource *res)
{
	if (of_address_to_resource(np, 0, res)) {
		pr_err("%pOF is not used: it has no address\n", np);
		return false;
	}
	if (!of_property_read_bool(np, "no-map")) {
		pr_err("%pOF is not used: it is not no-map\n", np);
		return false;
	}
	/* The allocator has 0 for no memory. */
	if (!res->start || !IS_ALIGNED(res->start, SZ_2M) ||
	    !IS_ALIGNED(resource_size(res), SZ_2M)) {
		pr_err("%pOF is not used: %pR is not of whole, aligned 2 MiB\n", np, res);
		return false;
	}

	return true;
}

static void gh_guest_mem_pool_add(struct device_node *np)
{
	struct resource res;
	resource_size_t size;

	if (!gh_guest_mem_pool_check(np, &res))
		return;

	/*
	 * Fails if the kernel could not reserve it and has it as memory like any
	 * other; keeps /dev/mem off.
	 */
	size = resource_size(&res);
	if (!request_mem_region_exclusive(res.start, size, np->full_name)) {
		pr_err("%pOF is not used: something else is at %pR\n", np, &res);
		return;
	}

	if (gen_pool_add_virt(gh_guest_mem_pool, res.start, res.start, size, NUMA_NO_NODE)) {
		pr_err("%pOF is not used: no memory for its accounts\n", np);
		release_mem_region(res.start, size);
	}
}

/**
 * gh_guest_mem_pool_init() - find the memory that the devicetree reserves
 *
 * There need not be any. What cannot be used of it is complained about.
 */
void gh_guest_mem_pool_init(void)
{
	struct device_node *reserved, *np;

	reserved = of_find_node_by_path("/reserved-memory");
	if (!reserved)
		return;

	gh_guest_mem_pool = gen_pool_create(PAGE_SHIFT, NUMA_NO_NODE);
	if (!gh_guest_mem_pool) {
		of_node_put(reserved);
		return;
	}

	for_each_available_child_of_node(reserved, np)
		if (of_device_is_compatible(np, GH_GUEST_MEM_POOL_COMPATIBLE))
			gh_guest_mem_pool_add(np);
	of_node_put(reserved);

	if (!gen_pool_size(gh_guest_mem_pool))
		gh_guest_mem_pool_exit();
	else
		pr_info("pool of %zu MiB\n", gen_pool_size(gh_guest_mem_pool) / SZ_1M);
}

static void gh_guest_mem_pool_release(struct gen_pool *pool, struct gen_pool_chunk *chunk,
				      void *data)
{
	release_mem_region(chunk->start_addr, chunk->end_addr - chunk->start_addr + 1);
}

/**
 * gh_guest_mem_pool_exit() - leave the pool to whoever comes next
 *
 * Unless a guest may still have some of it: then nobody gets it any more.
 */
void gh_guest_mem_pool_exit(void)
{
	struct gen_pool *pool = gh_guest_mem_pool;
	size_t used;

	if (!pool)
		return;
	gh_guest_mem_pool = NULL;

	used = gen_pool_size(pool) - gen_pool_avail(pool);
	if (used) {
		pr_warn("%zu KiB of the pool never came back, it is not used again\n",
			used / SZ_1K);
		kmemleak_not_leak(pool);
		return;
	}
	gen_pool_for_each_chunk(pool, gh_guest_mem_pool_release, NULL);
	gen_pool_destroy(pool);
}

/**
 * gh_guest_mem_pool_alloc() - take a run from the pool
 * @npages: how long it is to be
 * @pfn: out: its first page frame. There are no pages for them that could be used.
 *
 * What is 2 MiB or more begins with a multiple of that. The contents are whatever
 * the last owner left.
 *
 * Return: 0, -ENOENT if there is no pool, or -ENOMEM if no such run is free.
 */
int gh_guest_mem_pool_alloc(unsigned long npages, unsigned long *pfn)
{
	struct genpool_data_align align;
	unsigned long addr;

	if (!gh_guest_mem_pool)
		return -ENOENT;

	align.align = PFN_PHYS(npages) < SZ_2M ? PAGE_SIZE : SZ_2M;
	addr = gen_pool_alloc_algo(gh_guest_mem_pool, PFN_PHYS(npages), gen_pool_first_fit_align,
				   &align);
	if (!addr)
		return -ENOMEM;

	*pfn = PHYS_PFN(addr);
	return 0;
}

/**
 * gh_guest_mem_pool_free() - give a run back
 * @pfn: its first page frame
 * @npages: all of its pages
 */
void gh_guest_mem_pool_free(unsigned long pfn, unsigned long npages)
{
	gen_pool_free(gh_guest_mem_pool, PFN_PHYS(pfn), PFN_PHYS(npages));
}

/**
 * gh_guest_mem_pool_map() - make memory of the pool accessible, to clear or to copy it
 * @pfn: its first page frame
 * @npages: how many; few, as they take addresses of the kernel
 *
 * To be undone by gh_guest_mem_pool_unmap() before a guest gets the memory.
 *
 * Return: where it is, or NULL if there is no memory for page tables.
 */
void *gh_guest_mem_pool_map(unsigned long pfn, unsigned long npages)
{
	return memremap(PFN_PHYS(pfn), PFN_PHYS(npages), MEMREMAP_WB);
}

/**
 * gh_guest_mem_pool_unmap() - the end of gh_guest_mem_pool_map()
 * @addr: what that returned
 */
void gh_guest_mem_pool_unmap(void *addr)
{
	memunmap(addr);
}
