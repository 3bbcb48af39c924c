// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the VM that called, by its virtual addresses: its stage 1 by the
 * hardware, its stage 2 by the tables.
 */
#include "core.h"

#define PAR_FAULT	BIT(0)
#define PAR_ADDR	GENMASK(47, 12)

static struct vm *calling_vm(void)
{
	struct vcpu *vcpu = this_cpu()->vcpu;

	return vcpu ? vcpu->vm : primary;
}

static u64 stage1(u64 va, bool write)
{
	u64 saved = sysreg_read(par_el1);
	u64 par;

	if (write)
		asm volatile("at s1e1w, %0" : : "r"(va));
	else
		asm volatile("at s1e1r, %0" : : "r"(va));
	isb();
	par = sysreg_read(par_el1);
	sysreg_write(par_el1, saved);
	return par;
}

static int translate(u64 va, bool write, u64 *pa)
{
	struct vm *vm = calling_vm();
	enum s2_perm perm, need = write ? S2_W : S2_R;
	u64 par = stage1(va, write);

	if (par & PAR_FAULT)
		return GH_ADDR_INVALID;
	if (!s2_lookup(&vm->s2, (par & PAR_ADDR) | (va & (PAGE_SIZE - 1)), pa, &perm) ||
	    !pa_is_primary_ram(*pa, 1))
		return GH_ADDR_INVALID;
	return (perm & need) == need ? GH_OK : GH_DENIED;
}

static int copy(u64 va, void *buf, size_t size, bool write)
{
	size_t chunk;
	u64 pa;
	int ret;

	for (; size; size -= chunk, va += chunk, buf += chunk) {
		chunk = min(size, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
		ret = translate(va, write, &pa);
		if (ret)
			return ret;
		if (write)
			memcpy((void *)pa, buf, chunk);
		else
			memcpy(buf, (void *)pa, chunk);
	}
	return GH_OK;
}

int copy_from_caller(void *dst, u64 va, size_t size)
{
	return copy(va, dst, size, false);
}

int copy_to_caller(u64 va, const void *src, size_t size)
{
	return copy(va, (void *)src, size, true);
}
