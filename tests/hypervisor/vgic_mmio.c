// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of the virtual GICv3: one distributor, and a redistributor
 * per vCPU. One security state, affinity routing only, no LPIs.
 */
#include "core.h"

#define FRAME_SIZE	0x10000ULL

#define GICD_CTLR	0x0000
#define GICD_CTLR_ENABLE (BIT(1) | BIT(0))
#define GICD_CTLR_FIXED	(BIT(6) | BIT(4))	/* DS, ARE */
#define GICD_TYPER	0x0004
#define GICD_TYPER_VALUE (9U << 19 | (NR_IRQS / 32))
#define GICD_IIDR	0x0008
#define GICD_IROUTER	0x6100
#define GICD_IROUTER_END 0x7fe0
#define GICR_IIDR	0x0004
#define GICR_TYPER	0x0008
#define GICR_TYPER_LAST	BIT(4)
#define GICR_WAKER	0x0014
#define GICR_WAKER_SLEEP (BIT(2) | BIT(1))
#define GIC_PIDR2	0xffe8

#define IIDR_VALUE	0x43b
#define PIDR2_GICV3	0x3b

/* Common to the distributor and the second frame of redistributors */
#define GIC_IGROUPR	0x0080
#define GIC_ISENABLER	0x0100
#define GIC_ICENABLER	0x0180
#define GIC_ISPENDR	0x0200
#define GIC_ICPENDR	0x0280
#define GIC_ISACTIVER	0x0300
#define GIC_ICACTIVER	0x0380
#define GIC_IPRIORITYR	0x0400
#define GIC_IPRIORITYR_END 0x0800
#define GIC_ICFGR	0x0c00
#define GIC_ICFGR_END	0x0d00

/* An access, seen from the frame: 32 bits of it, or a byte. */
struct access {
	u32 offset;
	bool write;
	bool byte;
	u32 value;
};

static bool bit_get(const struct irq *irq, u32 bank)
{
	switch (bank) {
	case GIC_IGROUPR:
		return irq->group1;
	case GIC_ISENABLER:
	case GIC_ICENABLER:
		return irq->enabled;
	case GIC_ISPENDR:
	case GIC_ICPENDR:
		return irq->pending || (irq->line && !irq->edge);
	default:
		return irq->active;
	}
}

static void bit_set(struct irq *irq, u32 bank, bool bit)
{
	if (bank == GIC_IGROUPR) {
		irq->group1 = bit;
		return;
	}
	if (!bit)
		return;
	switch (bank) {
	case GIC_ISENABLER:
	case GIC_ICENABLER:
		irq->enabled = bank == GIC_ISENABLER;
		break;
	case GIC_ISPENDR:
		irq->pending = true;
		irq->again = irq->listed;
		break;
	case GIC_ICPENDR:
		irq->pending = false;
		irq->again = false;
		break;
	default:
		irq->active = bank == GIC_ISACTIVER;
		break;
	}
}

/* 32 interrupts, a bit each. */
static void access_bits(struct vcpu *vcpu, u32 first, u32 bank, struct access *a)
{
	struct irq *irq;
	u32 i;

	if (!a->write)
		a->value = 0;
	for (i = 0; i < 32 && first + i < NR_IRQS; i++) {
		irq = vgic_irq(vcpu, first + i);
		if (!a->write) {
			a->value |= (u32)bit_get(irq, bank) << i;
		} else if (bit_get(irq, bank) || (a->value & BIT(i))) {
			bit_set(irq, bank, a->value & BIT(i));
			vgic_update(vcpu, first + i);
		}
	}
}

static void access_prio(struct vcpu *vcpu, u32 first, struct access *a)
{
	u32 i, count = a->byte ? 1 : 4;
	struct irq *irq;

	if (!a->write)
		a->value = 0;
	for (i = 0; i < count && first + i < NR_IRQS; i++) {
		irq = vgic_irq(vcpu, first + i);
		if (a->write)
			irq->prio = a->value >> 8 * i & 0xf8;
		else
			a->value |= (u32)irq->prio << 8 * i;
	}
}

/* SGIs are always edge. */
static void access_config(struct vcpu *vcpu, u32 first, struct access *a)
{
	struct irq *irq;
	u32 i;

	if (!a->write)
		a->value = 0;
	for (i = 0; i < 16 && first + i < NR_IRQS; i++) {
		irq = vgic_irq(vcpu, first + i);
		if (!a->write)
			a->value |= irq->edge ? 2U << 2 * i : 0;
		else if (first + i >= 16)
			irq->edge = a->value >> (2 * i + 1) & 1;
	}
}

/* @vcpu is the one whose private interrupts are meant. */
static void access_common(struct vcpu *vcpu, u32 limit, struct access *a)
{
	u32 offset = a->offset, first, bank;

	if (offset >= GIC_IGROUPR && offset < GIC_IPRIORITYR) {
		bank = offset & ~0x7fU;
		first = (offset - bank) / 4 * 32;
		if (first < limit && !a->byte)
			access_bits(vcpu, first, bank, a);
	} else if (offset >= GIC_IPRIORITYR && offset < GIC_IPRIORITYR_END) {
		if (offset - GIC_IPRIORITYR < limit)
			access_prio(vcpu, offset - GIC_IPRIORITYR, a);
	} else if (offset >= GIC_ICFGR && offset < GIC_ICFGR_END) {
		first = (offset - GIC_ICFGR) * 4;
		if (first < limit && !a->byte)
			access_config(vcpu, first, a);
	}
}

static void route_write(struct vcpu *vcpu, u32 intid, u64 aff)
{
	struct irq *irq = vgic_irq(vcpu, intid);
	struct vcpu *target = vcpu_by_mpidr(vcpu->vm, aff & MPIDR_AFF_MASK);
	struct vcpu *old = vgic_owner(vcpu, intid);

	if (!target || target == old)
		return;
	old->ready[intid / 64] &= ~BIT(intid % 64);
	irq->target = target->idx;
	vcpu_poke(old);
	vgic_update(vcpu, intid);
}

/* Affinity level 3 is 0 everywhere: the upper half says nothing. */
static void access_route(struct vcpu *vcpu, struct access *a)
{
	u32 intid = (a->offset - GICD_IROUTER) / 8 + NR_PRIVATE_IRQS;
	bool upper = a->offset & 4;

	if (a->write && !upper)
		route_write(vcpu, intid, a->value);
	else if (!a->write && !upper)
		a->value = vgic_owner(vcpu, intid)->mpidr;
}

static void update_all(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			vcpu_poke(vm->vcpus[i]);
	}
}

static void access_gicd(struct vcpu *vcpu, struct access *a)
{
	struct vgic *vgic = vcpu->vm->vgic;

	switch (a->offset) {
	case GICD_CTLR:
		if (a->write) {
			vgic->ctlr = a->value & GICD_CTLR_ENABLE;
			update_all(vcpu->vm);
		} else {
			a->value = vgic->ctlr | GICD_CTLR_FIXED;
		}
		return;
	case GICD_TYPER:
		a->value = GICD_TYPER_VALUE;
		return;
	case GICD_IIDR:
		a->value = IIDR_VALUE;
		return;
	case GIC_PIDR2:
		a->value = PIDR2_GICV3;
		return;
	}
	if (a->offset >= GICD_IROUTER && a->offset < GICD_IROUTER_END)
		access_route(vcpu, a);
	else
		access_common(vcpu, NR_IRQS, a);
}

static u64 gicr_typer(struct vcpu *vcpu)
{
	u64 aff = (vcpu->mpidr & 0xffffff) | (vcpu->mpidr >> 32 & 0xff) << 24;
	bool last = true;
	unsigned int i;

	for (i = vcpu->idx + 1; i < MAX_VCPUS; i++)
		last &= !vcpu->vm->vcpus[i];
	return aff << 32 | (u64)vcpu->idx << 8 | (last ? GICR_TYPER_LAST : 0);
}

static void access_gicr(struct vcpu *vcpu, struct access *a)
{
	if (a->offset >= FRAME_SIZE) {
		a->offset -= FRAME_SIZE;
		access_common(vcpu, NR_PRIVATE_IRQS, a);
		return;
	}
	switch (a->offset) {
	case GICR_IIDR:
		a->value = IIDR_VALUE;
		break;
	case GICR_TYPER:
		a->value = gicr_typer(vcpu);
		break;
	case GICR_TYPER + 4:
		a->value = gicr_typer(vcpu) >> 32;
		break;
	case GICR_WAKER:
		if (a->write)
			vcpu->gicr_awake = !(a->value & BIT(1));
		else
			a->value = vcpu->gicr_awake ? 0 : GICR_WAKER_SLEEP;
		break;
	case GIC_PIDR2:
		a->value = PIDR2_GICV3;
		break;
	}
}

/* Private interrupts at the distributor's addresses do not exist. */
static bool is_private_in_gicd(u32 offset)
{
	if (offset < GIC_IGROUPR || offset >= GIC_ICFGR_END)
		return false;
	if (offset < GIC_IPRIORITYR)
		return !(offset & 0x7f);
	if (offset < GIC_IPRIORITYR_END)
		return offset < GIC_IPRIORITYR + NR_PRIVATE_IRQS;
	return offset >= GIC_ICFGR && offset < GIC_ICFGR + 8;
}

/* @frame_vcpu: NULL for the distributor. */
static u32 access_one(struct vcpu *vcpu, struct vcpu *frame_vcpu,
		      struct access access)
{
	if (!access.write)
		access.value = 0;
	if (frame_vcpu)
		access_gicr(frame_vcpu, &access);
	else if (!is_private_in_gicd(access.offset))
		access_gicd(vcpu, &access);
	return access.value;
}

bool vgic_mmio(struct vcpu *vcpu, struct mmio *mmio)
{
	struct vgic *vgic = vcpu->vm->vgic;
	struct access access = { .write = mmio->write, .value = mmio->value };
	struct vcpu *frame_vcpu = NULL;
	u64 offset = mmio->ipa - vgic->gicd, written = mmio->value;

	if (!vgic->stride)
		return false;
	if (offset >= FRAME_SIZE) {
		offset = mmio->ipa - vgic->gicr;
		if (offset >= vgic->stride * MAX_VCPUS)
			return false;
		frame_vcpu = vcpu->vm->vcpus[offset / vgic->stride];
		offset %= vgic->stride;
		if (!frame_vcpu)
			return false;
	}
	/* Only bytes of the priorities; a 64-bit access is two halves. */
	access.byte = mmio->size == 1;
	access.offset = offset;
	if (mmio->size == 2 || !IS_ALIGNED(offset, mmio->size))
		return true;
	mmio->value = access_one(vcpu, frame_vcpu, access);
	if (mmio->size == 8) {
		access.offset += 4;
		access.value = written >> 32;
		mmio->value = (u32)mmio->value |
			      (u64)access_one(vcpu, frame_vcpu, access) << 32;
	}
	return true;
}
