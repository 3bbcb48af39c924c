/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device and the VM file: thin wrappers of their ioctls. All of them print what went
 * wrong and return a negative errno.
 */

#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/gunyah.h>

#include "util.h"

#define GUNYAH_DEVICE		"/dev/gunyah"

/* The device, open. */
struct gunyah {
	int fd;
};

int gunyah_open(struct gunyah *gunyah);
void gunyah_close(struct gunyah *gunyah);

/*
 * Returns the file descriptor of a guest memory file; -ENOTTY, and nothing is printed, if
 * there is no such thing.
 */
int gunyah_create_mem(const struct gunyah *gunyah, u64 size);

struct vm {
	int fd;
};

int vm_open(struct vm *vm, const struct gunyah *gunyah);
void vm_close(struct vm *vm);

int vm_add_memory(struct vm *vm, const struct gh_userspace_memory_region *region);
int vm_map_memory(struct vm *vm, const struct gh_map_mem *map);
int vm_set_dtb(struct vm *vm, u64 gpa, u64 size);
int vm_start(struct vm *vm);

/* Returns the vCPU's file descriptor. */
int vm_add_vcpu(struct vm *vm, u32 id);
int vm_add_irqfd(struct vm *vm, int fd, u32 label);
/* Signal @fd when the guest writes @len bytes to @addr, in place of an exit. */
int vm_add_ioeventfd(struct vm *vm, int fd, u64 addr, u32 len);

/*
 * What the guest left when it crashed. Nothing is printed, and it is -ENOTTY if the driver
 * or the Resource Manager does not know of that, -ENODEV if the Resource Manager is gone.
 */
int vm_read_crash_msg(struct vm *vm, struct gh_vm_crash_msg *msg);

/* Report a failed ioctl with the usual causes of @err; returns -err. */
int vm_ioctl_failed(const char *name, const char *arg, int err);

#endif
