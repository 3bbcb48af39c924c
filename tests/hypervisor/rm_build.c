// SPDX-License-Identifier: GPL-2.0
/*
 * INIT: a VM is made as its devicetree asks, short of memory. Its vCPUs and
 * doorbells can be had by the owner from then on.
 */

#include <libfdt.h>

#include "rm.h"

/* A tree has to be in whole pages: they are mapped one by one. */
void *rm_dtb_load(const struct rm_vm *vm)
{
	static u64 buf[RM_DTB_MAX / sizeof(u64)];
	const struct rm_image *image = &vm->image;
	const struct rm_parcel *parcel = rm_parcel_find(image->handle);

	if (!IS_ALIGNED(image->dtb_offset | image->dtb_size, PAGE_SIZE) ||
	    image->dtb_size > sizeof(buf) ||
	    !rm_parcel_read(parcel, image->dtb_offset, buf, image->dtb_size) ||
	    fdt_check_full(buf, image->dtb_size))
		return NULL;

	return buf;
}

bool rm_dtb_store(const struct rm_vm *vm, const void *fdt)
{
	const struct rm_parcel *parcel = rm_parcel_find(vm->image.handle);

	return rm_parcel_write(parcel, vm->image.dtb_offset, fdt,
			       vm->image.dtb_size);
}

static u32 build_gic(struct rm_vm *vm)
{
	const struct rm_gic_config *gic = &vm->config.gic;

	if (gic->present && vm_set_gic(vm->vm, gic->gicd, gic->gicr,
				       gic->stride))
		return RM_MEM_INVALID;

	return RM_OK;
}

/*
 * The owner may run its vCPUs and no more, if they are proxy-scheduled; they have
 * their number as address.
 */
static u32 build_vcpu(struct rm_vm *vm, unsigned int idx)
{
	const struct rm_vm_config *config = &vm->config;
	struct vcpu *vcpu;

	vcpu = vcpu_create(vm->vm, idx, idx,
			   config->proxy ? VCPU_PROXY : config->affinity[idx]);
	if (!vcpu)
		return RM_NORESOURCE;
	vm->vcpu_cap[idx] = cap_add(rm_primary(), OBJ_VCPU, vcpu,
				    CAP_VCPU_AFFINITY | CAP_VCPU_YIELD_TO);

	return vm->vcpu_cap[idx] == CAP_INVALID ? RM_NORESOURCE : RM_OK;
}

static u32 build_vcpus(struct rm_vm *vm)
{
	unsigned int i;
	u32 error;

	vm->vm->slice_us = vm->config.timeslice;
	for (i = 0; i < vm->config.nr_cpus; i++) {
		error = build_vcpu(vm, i);
		if (error)
			return error;
	}

	return RM_OK;
}

static int bind_in_guest(struct rm_vm *vm, struct rm_bell *bell)
{
	if (bell->spi < 0)
		bell->spi = rm_config_free_spi(&vm->config);
	if (bell->spi < 0)
		return GH_NORESOURCES;

	return doorbell_bind(bell->bell, vm->vm, RM_SPI_FIRST + bell->spi,
			     bell->trigger == RM_IRQ_EDGE);
}

static int bind_in_primary(struct rm_bell *bell)
{
	bell->virq = virq_alloc();
	if (!bell->virq)
		return GH_NORESOURCES;

	return doorbell_bind(bell->bell, rm_primary(), bell->virq, true);
}

/* Who hears the doorbell may clear and mask it. */
static u32 build_bell(struct rm_vm *vm, struct rm_bell *bell)
{
	u32 hears = CAP_DOORBELL_RECEIVE;
	u32 rings = CAP_DOORBELL_SEND;

	if (bell->source_can_clear)
		rings |= CAP_DOORBELL_RECEIVE;

	bell->bell = doorbell_create();
	if (!bell->bell)
		return RM_NORESOURCE;
	if (bell->from_guest ? bind_in_primary(bell) : bind_in_guest(vm, bell))
		return RM_NORESOURCE;
	bell->owner_cap = cap_add(rm_primary(), OBJ_DOORBELL, bell->bell,
				  bell->from_guest ? hears : rings);
	bell->guest_cap = cap_add(vm->vm, OBJ_DOORBELL, bell->bell,
				  bell->from_guest ? rings : hears);
	if (bell->owner_cap == CAP_INVALID || bell->guest_cap == CAP_INVALID)
		return RM_NORESOURCE;

	return RM_OK;
}

static u32 build_bells(struct rm_vm *vm)
{
	struct rm_bell *bell;
	u32 error;

	for (bell = vm->config.bells; bell; bell = bell->next) {
		error = build_bell(vm, bell);
		if (error)
			return error;
	}

	return RM_OK;
}

static u32 create_vm(struct rm_vm *vm)
{
	unsigned int i;

	vm->vm = vm_create(vm->vmid);
	if (!vm->vm)
		return RM_NOMEM;
	vm->vm->rm_data = vm;
	vm->mem_end = vm->config.base + rm_parcel_find(vm->image.handle)->size;
	for (i = 0; i < MAX_VCPUS; i++)
		vm->vcpu_cap[i] = CAP_INVALID;

	return RM_OK;
}

/* What was made before a failure stays until RESET. */
u32 rm_vm_build(struct rm_vm *vm)
{
	void *fdt = rm_dtb_load(vm);
	u32 error;

	if (!fdt)
		return RM_MEM_INVALID;
	error = rm_config_parse(fdt, &vm->config);
	if (!error)
		error = create_vm(vm);
	if (!error)
		error = build_gic(vm);
	if (!error)
		error = build_vcpus(vm);
	if (!error)
		error = build_bells(vm);

	return error;
}

void rm_vm_unbuild(struct rm_vm *vm)
{
	struct rm_bell *bell;
	unsigned int i;

	for (bell = vm->config.bells; bell; bell = bell->next) {
		if (!bell->bell)
			continue;
		cap_remove(rm_primary(), bell->owner_cap);
		doorbell_unbind(bell->bell);
		doorbell_destroy(bell->bell);
		virq_free(bell->virq);
	}
	rm_config_free(&vm->config);
	if (!vm->vm)
		return;
	for (i = 0; i < MAX_VCPUS; i++)
		cap_remove(rm_primary(), vm->vcpu_cap[i]);
	vm_destroy(vm->vm);
	vm->vm = NULL;
}
