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
	const char *name;	/* on the command line */
	const char *text;	/* in messages */
	const char *hint;	/* for who insists on it where there is none */
	/*
	 * Fill in mem->hva with mem->size bytes; returns 0 or a negative errno: -ENOTTY if
	 * there is no such memory here, else it was printed what went wrong.
	 */
	int (*alloc)(struct guest_mem *mem);
	/* The same for another run of the guest; NULL: free and alloc. */
	int (*again)(struct guest_mem *mem);
	/* Make it a region of @vm. */
	int (*give)(struct guest_mem *mem, struct vm *vm);
	/* Undo alloc but for the mapping; NULL: that was all. */
	void (*free)(struct guest_mem *mem);
	/* How many physically contiguous pieces there are; 0: nobody knows. */
	u64 (*pieces)(const struct guest_mem *mem);
};

extern const struct mem_backing mem_backing_file;
extern const struct mem_backing mem_backing_hugetlb;
extern const struct mem_backing mem_backing_anon;

/* NULL if there is none of that name. */
const struct mem_backing *mem_backing_find(const char *name);

struct guest_mem {
	const struct mem_backing *wanted;	/* NULL: the first that can be had */
	const struct gunyah *gunyah;		/* NULL: not open, no guest memory files */
	u32 label;	/* not of a guest memory file: the driver takes gpa / 4096 */
	bool lend;
	u64 gpa;
	u64 size;

	const struct mem_backing *backing;	/* NULL: there is no memory */
	u8 *hva;	/* NULL while the guest has the memory for itself */
	int fd;		/* mem_backing_file's */
};

/*
 * @mem has the first six members filled in and is 0 otherwise. Before the guest is run
 * again this is called again: the contents are undefined then, and the VM that had the
 * memory is closed.
 */
int guest_mem_alloc(struct guest_mem *mem);
void guest_mem_free(struct guest_mem *mem);

int guest_mem_give(struct guest_mem *mem, struct vm *vm);
/* To be called when the VM was started: lent memory is out of reach from here on. */
void guest_mem_started(struct guest_mem *mem);

/* Where the host finds a guest range; NULL when it is not wholly in the region. */
void *guest_mem_ptr(const struct guest_mem *mem, u64 gpa, u64 size);

/* Bytes that the host still has, or as many as can be if the kernel does not tell. */
u64 mem_available(void);

#endif
