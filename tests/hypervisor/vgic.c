// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual GICv3: interrupts on their way into a vCPU.
 *
 * The list registers are filled before a vCPU is entered and emptied ("fold")
 * at each exit that may touch interrupts, so that the handlers see one state:
 * struct irq. An interrupt that is asserted for a vCPU which runs elsewhere
 * kicks it out of its guest; for one that nobody runs, it wakes it.
 */
#include "core.h"

#define LR_EOI			BIT(41)
#define LR_PRIO_SHIFT		48
#define LR_GROUP1		BIT(60)
#define LR_PENDING		BIT(62)
#define LR_ACTIVE		BIT(63)

#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_UIE		BIT(1)
#define ICH_VMCR_RESET		(3ULL << 18 | 2ULL << 21 | BIT(3))
#define ICH_VMCR_VENG0		BIT(0)
#define ICH_VMCR_VENG1		BIT(1)
#define ICH_VMCR_PMR(v)		((v) >> 24 & 0xff)

#define SGI1R_IRM		BIT(40)

unsigned int nr_lrs;

struct irq *vgic_irq(struct vcpu *vcpu, u32 intid)
{
	if (intid < NR_PRIVATE_IRQS)
		return &vcpu->irqs[intid];
	return &vcpu->vm->vgic->spis[intid - NR_PRIVATE_IRQS];
}

/* The vCPU that takes it. */
struct vcpu *vgic_owner(struct vcpu *vcpu, u32 intid)
{
	struct vcpu *owner;

	if (intid < NR_PRIVATE_IRQS)
		return vcpu;
	owner = vcpu->vm->vcpus[vgic_irq(vcpu, intid)->target];
	return owner ? owner : vcpu;
}

static bool is_asserted(const struct irq *irq)
{
	return irq->pending || (irq->line && !irq->edge);
}

static bool is_deliverable(const struct vcpu *vcpu, const struct irq *irq)
{
	u32 ctlr = vcpu->vm->vgic->ctlr;

	return is_asserted(irq) && irq->enabled && (ctlr & BIT(irq->group1));
}

static void mark(struct vcpu *owner, u32 intid, const struct irq *irq)
{
	u64 *word = &owner->ready[intid / 64];

	if (is_asserted(irq) || irq->active)
		*word |= BIT(intid % 64);
	else
		*word &= ~BIT(intid % 64);
}

/* The state of an interrupt has changed: its vCPU has to know. */
void vgic_update(struct vcpu *vcpu, u32 intid)
{
	struct vcpu *owner = vgic_owner(vcpu, intid);

	mark(owner, intid, vgic_irq(vcpu, intid));
	vcpu_poke(owner);
}

static void assert_irq(struct vcpu *vcpu, u32 intid)
{
	struct irq *irq = vgic_irq(vcpu, intid);

	irq->again = irq->listed;
	irq->line = !irq->edge;
	irq->pending |= irq->edge;
	vgic_update(vcpu, intid);
}

void vgic_assert(struct vm *vm, u32 intid)
{
	if (vm->vcpus[0])
		assert_irq(vm->vcpus[0], intid);
}

void vgic_clear(struct vm *vm, u32 intid)
{
	struct vcpu *vcpu = vm->vcpus[0];
	struct irq *irq;

	if (!vcpu)
		return;
	irq = vgic_irq(vcpu, intid);
	irq->line = false;
	irq->pending = false;
	irq->again = false;
	vgic_update(vcpu, intid);
}

/* A PPI that is asserted once: the timer's. */
void vgic_assert_private(struct vcpu *vcpu, u32 intid)
{
	struct irq *irq = &vcpu->irqs[intid];

	irq->again = irq->listed;
	irq->pending = true;
	mark(vcpu, intid, irq);
}

static bool timer_is_asserted(void)
{
	u64 mask = CNT_CTL_ENABLE | CNT_CTL_ISTATUS;

	return (sysreg_read(cntv_ctl_el0) & mask) == mask;
}

static void fold_one(struct vcpu *vcpu, u32 intid, u64 lr)
{
	struct irq *irq = vgic_irq(vcpu, intid);
	struct vcpu *owner = vgic_owner(vcpu, intid);
	struct virq *source = irq->source;

	irq->listed = false;
	irq->active = lr & LR_ACTIVE;
	if (!(lr & LR_PENDING)) {
		/* it was acknowledged */
		irq->pending = irq->again;
		if (!irq->active && irq->line && source && source->pending)
			irq->line = source->pending(source->source);
	} else if (intid == PPI_VIRT_TIMER && !timer_is_asserted()) {
		irq->pending = false;
	}
	irq->again = false;
	mark(owner, intid, irq);
	if (owner != vcpu)
		vcpu_poke(owner);
}

void vgic_fold(struct vcpu *vcpu)
{
	u32 used = vcpu->lrs_used;
	unsigned int n;

	vcpu->lrs_used = 0;
	for (; used; used &= used - 1) {
		n = __builtin_ctz(used);
		fold_one(vcpu, vcpu->lr_irq[n], lr_read(n));
		lr_write(n, 0);
	}
}

struct pick {
	u16 intid;
	u16 key;	/* active ones first, then by priority */
};

/* Keeps the nr_lrs best, in order; true if one did not fit. */
static bool pick_insert(struct pick *picks, unsigned int *nr, struct pick new)
{
	unsigned int i;
	bool full = *nr == nr_lrs;

	if (full && picks[*nr - 1].key <= new.key)
		return true;
	for (i = full ? *nr - 1 : *nr; i && picks[i - 1].key > new.key; i--)
		picks[i] = picks[i - 1];
	picks[i] = new;
	*nr += !full;
	return full;
}

static bool pick_irqs(struct vcpu *vcpu, struct pick *picks, unsigned int *nr)
{
	bool overflow = false;
	struct irq *irq;
	unsigned int w;
	u32 intid;
	u64 word;

	for (w = 0; w < ARRAY_SIZE(vcpu->ready); w++) {
		for (word = vcpu->ready[w]; word; word &= word - 1) {
			intid = w * 64 + __builtin_ctzll(word);
			irq = vgic_irq(vcpu, intid);
			/* in another vCPU's list registers since it was moved */
			if (irq->listed)
				continue;
			if (irq->active || is_deliverable(vcpu, irq))
				overflow |= pick_insert(picks, nr, (struct pick){
					.intid = intid,
					.key = irq->active ? 0 : irq->prio + 1,
				});
		}
	}
	return overflow;
}

static u64 make_lr(struct vcpu *vcpu, u32 intid, struct irq *irq)
{
	u64 lr = intid | (u64)irq->prio << LR_PRIO_SHIFT | (irq->group1 ? LR_GROUP1 : 0);
	struct virq *source = irq->source;

	if (irq->active)
		lr |= LR_ACTIVE;
	if (is_deliverable(vcpu, irq) && (irq->pending || !irq->active))
		lr |= LR_PENDING;
	/* A line that may still be asserted at the end has to be looked at. */
	if (irq->line && source && source->pending && source->pending(source->source))
		lr |= LR_EOI;
	return lr;
}

void vgic_flush(struct vcpu *vcpu)
{
	struct pick picks[MAX_LRS];
	unsigned int i, nr = 0;
	struct irq *irq;
	bool overflow;
	u64 hcr;

	overflow = pick_irqs(vcpu, picks, &nr);
	for (i = 0; i < nr; i++) {
		irq = vgic_irq(vcpu, picks[i].intid);
		irq->listed = true;
		vcpu->lr_irq[i] = picks[i].intid;
		lr_write(i, make_lr(vcpu, picks[i].intid, irq));
	}
	vcpu->lrs_used = BIT(nr) - 1;
	hcr = ICH_HCR_EN | (overflow ? ICH_HCR_UIE : 0);
	if (hcr != vcpu->ich_hcr)
		sysreg_write(ich_hcr_el2, hcr);
	vcpu->ich_hcr = hcr;
}

/* The registers of the vCPU that ran last are still there. */
void vgic_load(struct vcpu *vcpu, bool moved)
{
	if (moved || vcpu->reset) {
		vcpu->reset = false;
		sysreg_write(ich_vmcr_el2, vcpu->ich_vmcr);
		sysreg_write(ich_ap0r0_el2, vcpu->ich_ap0r0);
		sysreg_write(ich_ap1r0_el2, vcpu->ich_ap1r0);
	}
	vgic_flush(vcpu);
}

void vgic_put(struct vcpu *vcpu)
{
	vgic_fold(vcpu);
	vcpu->ich_vmcr = sysreg_read(ich_vmcr_el2);
	vcpu->ich_ap0r0 = sysreg_read(ich_ap0r0_el2);
	vcpu->ich_ap1r0 = sysreg_read(ich_ap1r0_el2);
	sysreg_write(ich_hcr_el2, 0);
	vcpu->ich_hcr = 0;
}

/* Would its CPU interface signal one? The list registers are folded. */
bool vgic_has_pending(struct vcpu *vcpu)
{
	u64 vmcr = vcpu->cpu ? sysreg_read(ich_vmcr_el2) : vcpu->ich_vmcr;
	struct irq *irq;
	unsigned int w;
	u64 word;

	for (w = 0; w < ARRAY_SIZE(vcpu->ready); w++) {
		for (word = vcpu->ready[w]; word; word &= word - 1) {
			irq = vgic_irq(vcpu, w * 64 + __builtin_ctzll(word));
			if (!irq->active && is_deliverable(vcpu, irq) &&
			    irq->prio < ICH_VMCR_PMR(vmcr) &&
			    (vmcr & (irq->group1 ? ICH_VMCR_VENG1 : ICH_VMCR_VENG0)))
				return true;
		}
	}
	return false;
}

void vgic_send_sgi(struct vcpu *vcpu, u64 sgi1r)
{
	u64 aff = (sgi1r >> 16 & 0xff) << 8 | (sgi1r >> 32 & 0xff) << 16 |
		  (sgi1r >> 48 & 0xff) << 32;
	u32 range = (sgi1r >> 44 & 0xf) * 16, intid = sgi1r >> 24 & 0xf;
	struct vcpu *target;
	unsigned int i;
	u64 aff0;

	for (i = 0; i < MAX_VCPUS; i++) {
		target = vcpu->vm->vcpus[i];
		if (!target)
			continue;
		aff0 = target->mpidr & 0xff;
		if (sgi1r & SGI1R_IRM ? target == vcpu :
		    (target->mpidr & ~0xffULL) != aff || aff0 < range ||
		    aff0 >= range + 16 || !(sgi1r & BIT(aff0 - range)))
			continue;
		assert_irq(target, intid);
	}
}

/* Ties an object's interrupt to an SPI. */
int vgic_connect(struct vm *vm, struct virq *virq, bool edge)
{
	struct irq *irq;

	if (virq->intid < NR_PRIVATE_IRQS || virq->intid >= NR_IRQS)
		return GH_ARGUMENT_INVALID;
	irq = &vm->vgic->spis[virq->intid - NR_PRIVATE_IRQS];
	if (irq->source)
		return GH_VIRQ_BOUND;
	irq->source = virq;
	irq->edge = edge;
	return GH_OK;
}

void vgic_disconnect(struct vm *vm, struct virq *virq)
{
	struct irq *irq = &vm->vgic->spis[virq->intid - NR_PRIVATE_IRQS];

	if (irq->source != virq)
		return;
	irq->source = NULL;
	vgic_clear(vm, virq->intid);
}

int vgic_create(struct vm *vm)
{
	vm->vgic = hyp_zalloc(sizeof(*vm->vgic));
	return vm->vgic ? GH_OK : GH_NOMEM;
}

void vgic_destroy(struct vm *vm)
{
	hyp_free(vm->vgic);
	vm->vgic = NULL;
}

/* The CPU interface, as a vCPU that is switched on finds it. */
void vgic_cpuif_reset(struct vcpu *vcpu)
{
	vcpu->reset = true;
	vcpu->ich_vmcr = ICH_VMCR_RESET;
	vcpu->ich_ap0r0 = 0;
	vcpu->ich_ap1r0 = 0;
}

void vgic_vcpu_init(struct vcpu *vcpu)
{
	unsigned int i;

	memset(vcpu->irqs, 0, sizeof(vcpu->irqs));
	memset(vcpu->ready, 0, sizeof(vcpu->ready));
	for (i = 0; i < 16; i++)
		vcpu->irqs[i].edge = true;
	vgic_cpuif_reset(vcpu);
	nr_lrs = (sysreg_read(ich_vtr_el2) & 0x1f) + 1;
}
