/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: a region of the guest's address space and what it is made of.
 */

#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include "util.h"
#include "vm.h"

struct guest_mem;

/* Where the memory of a region comes from. */
struct mem_backing {
	const char *name;
	/* Fill in mem->hva with mem->size bytes; returns 0 or a negative errno. */
	int (*alloc)(struct guest_mem *mem);
	/* Make it a region of @vm. */
	int (*give)(struct guest_mem *mem, struct vm *vm);
	/* Undo alloc. */
	void (*free)(struct guest_mem *mem);
};

struct guest_mem {
	const struct mem_backing *backing;
	u32 label;
	bool lend;
	u64 gpa;
	u64 size;
	u8 *hva;	/* NULL once the guest has the memory for itself */
};

/* @mem has label, lend, gpa and size filled in; the first backing that can is taken. */
int guest_mem_alloc(struct guest_mem *mem);
void guest_mem_free(struct guest_mem *mem);

int guest_mem_give(struct guest_mem *mem, struct vm *vm);
/* To be called when the VM was started: lent memory is out of reach from here on. */
void guest_mem_started(struct guest_mem *mem);

/* Where the host finds a guest range; NULL when it is not wholly in the region. */
void *guest_mem_ptr(const struct guest_mem *mem, u64 gpa, u64 size);

#endif
