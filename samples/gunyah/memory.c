// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory, of whatever kind it is.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

/* In the order they are tried. */
static const struct mem_backing *const backings[] = {
	&mem_backing_file,
	&mem_backing_hugetlb,
	&mem_backing_anon,
};

const struct mem_backing *mem_backing_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backings); i++)
		if (!strcmp(backings[i]->name, name))
			return backings[i];
	return NULL;
}

u64 mem_available(void)
{
	unsigned long long kib;
	u64 available = ~0ULL;
	char line[128];
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	if (!file)
		return available;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			available = kib << 10;
	fclose(file);
	return available;
}

static void report_pieces(const struct guest_mem *mem)
{
	u64 pieces = log_verbose ? mem->backing->pieces(mem) : 0;

	if (pieces)
		log_debug("%llu MiB of %s in %llu pieces", mem->size >> 20,
			  mem->backing->text, pieces);
}

static int alloc_from(struct guest_mem *mem, const struct mem_backing *backing)
{
	int ret = backing->alloc(mem);

	if (ret)
		return ret;
	mem->backing = backing;
	report_pieces(mem);
	return 0;
}

static int alloc_wanted(struct guest_mem *mem, const struct mem_backing *backing)
{
	int ret = alloc_from(mem, backing);

	if (ret == -ENOTTY) {
		log_error(0, "there is no guest memory of the kind %s", backing->name);
		log_hint("%s", backing->hint);
	}
	return ret;
}

static int alloc_any(struct guest_mem *mem)
{
	int ret = -ENOTTY;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backings) && ret == -ENOTTY; i++)
		ret = alloc_from(mem, backings[i]);
	return ret;
}

int guest_mem_alloc(struct guest_mem *mem)
{
	const struct mem_backing *backing = mem->backing;

	if (backing && backing->again)
		return backing->again(mem);
	guest_mem_free(mem);
	if (!backing)
		backing = mem->wanted;
	return backing ? alloc_wanted(mem, backing) : alloc_any(mem);
}

static void unmap(struct guest_mem *mem)
{
	if (mem->hva)
		munmap(mem->hva, mem->size);
	mem->hva = NULL;
}

void guest_mem_free(struct guest_mem *mem)
{
	unmap(mem);
	if (mem->backing && mem->backing->free)
		mem->backing->free(mem);
	mem->backing = NULL;
}

int guest_mem_give(struct guest_mem *mem, struct vm *vm)
{
	return mem->backing->give(mem, vm);
}

void guest_mem_started(struct guest_mem *mem)
{
	/*
	 * The driver holds the pages, so this process can let go of them. What is not
	 * mapped cannot be touched by mistake, by a system call or a debugger.
	 */
	if (mem->lend)
		unmap(mem);
}

void *guest_mem_ptr(const struct guest_mem *mem, u64 gpa, u64 size)
{
	if (!mem->hva || gpa < mem->gpa || size > mem->size ||
	    gpa - mem->gpa > mem->size - size)
		return NULL;
	return mem->hva + (gpa - mem->gpa);
}
