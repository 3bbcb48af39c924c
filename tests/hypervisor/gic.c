// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physical GIC. It belongs to the primary: the hypervisor uses one SGI
 * and two PPIs that Linux does not, and makes spare SPIs pending.
 */
#include "core.h"

#define GICD_CTLR		0x0000
#define GICD_CTLR_RUN		(BIT(4) | BIT(1) | BIT(0))
#define GICD_TYPER		0x0004
#define GICD_ISPENDR		0x0200
#define GICD_ICPENDR		0x0280

#define GICR_WAKER		0x0014
#define GICR_WAKER_SLEEP	BIT(1)
#define GICR_WAKER_ASLEEP	BIT(2)
#define GICR_SGI		0x10000
#define GICR_IGROUPR0		(GICR_SGI + 0x0080)
#define GICR_ISENABLER0		(GICR_SGI + 0x0100)
#define GICR_ICPENDR0		(GICR_SGI + 0x0280)

#define ICC_SRE_SRE		BIT(0)
#define ICC_SRE_ENABLE		BIT(3)

/*
 * QEMU's devices end below, but for those of its platform bus, of which there are none; see
 * README.md. All VMs that there can be have to have one.
 */
#define FIRST_SPARE_SPI		144
#define LAST_SPARE_SPI		287U

static u64 spare_used[(LAST_SPARE_SPI - FIRST_SPARE_SPI) / 64 + 1];

void gic_init(void)
{
	write32(GICD_BASE + GICD_CTLR, GICD_CTLR_RUN);
}

static void enable_private(struct cpu *cpu, u32 mask)
{
	write32(cpu->gicr + GICR_IGROUPR0, read32(cpu->gicr + GICR_IGROUPR0) | mask);
	write32(cpu->gicr + GICR_ISENABLER0, mask);
}

/* A CPU of the hypervisor's own: everything that Linux does elsewhere. */
void gic_cpu_init(struct cpu *cpu)
{
	u32 waker = read32(cpu->gicr + GICR_WAKER) & ~GICR_WAKER_SLEEP;

	write32(cpu->gicr + GICR_WAKER, waker);
	while (read32(cpu->gicr + GICR_WAKER) & GICR_WAKER_ASLEEP)
		;
	sysreg_write(icc_sre_el2, ICC_SRE_ENABLE | ICC_SRE_SRE);
	isb();
	gic_enable_hyp_irqs(cpu);
	enable_private(cpu, BIT(PPI_VIRT_TIMER));
	sysreg_write(icc_pmr_el1, 0xff);
	sysreg_write(icc_igrpen1_el1, 1);
	isb();
}

/*
 * Linux disables what it does not use when it boots. Nothing of these is
 * ever pending while the primary runs, so they can stay enabled.
 */
void gic_enable_hyp_irqs(struct cpu *cpu)
{
	enable_private(cpu, BIT(SGI_KICK) | BIT(PPI_MAINTENANCE) | BIT(PPI_HYP_TIMER));
}

void gic_kick(struct cpu *cpu)
{
	u64 aff = cpu->mpidr;

	dsb(ishst);
	sysreg_write(icc_sgi1r_el1, (aff >> 32 & 0xff) << 48 | (aff >> 16 & 0xff) << 32 |
		     (aff >> 8 & 0xff) << 16 | (u64)SGI_KICK << 24 | BIT(aff & 0xf));
	isb();
}

/* The interrupt that comes next, or INTID_SPURIOUS */
u32 gic_pending(void)
{
	return sysreg_read(icc_hppir1_el1) & 0xffffff;
}

void gic_clear_kick(struct cpu *cpu)
{
	write32(cpu->gicr + GICR_ICPENDR0, BIT(SGI_KICK));
}

void gic_spi_set_pending(u32 intid)
{
	write32(GICD_BASE + GICD_ISPENDR + intid / 32 * 4, BIT(intid % 32));
}

void gic_spi_clear_pending(u32 intid)
{
	write32(GICD_BASE + GICD_ICPENDR + intid / 32 * 4, BIT(intid % 32));
}

static u32 last_spare(void)
{
	u32 lines = (read32(GICD_BASE + GICD_TYPER) & 0x1f) * 32 + 31;

	return min(lines, LAST_SPARE_SPI);
}

u32 virq_alloc(void)
{
	u32 last = last_spare();
	u32 intid, n;

	for (intid = FIRST_SPARE_SPI; intid <= last; intid++) {
		n = intid - FIRST_SPARE_SPI;
		if (spare_used[n / 64] & BIT(n % 64))
			continue;
		spare_used[n / 64] |= BIT(n % 64);
		return intid;
	}
	return 0;
}

void virq_free(u32 intid)
{
	u32 n = intid - FIRST_SPARE_SPI;

	if (intid < FIRST_SPARE_SPI || intid > LAST_SPARE_SPI)
		return;
	gic_spi_clear_pending(intid);
	spare_used[n / 64] &= ~BIT(n % 64);
}

unsigned int virq_count(void)
{
	unsigned int n, count = 0;

	for (n = 0; n <= LAST_SPARE_SPI - FIRST_SPARE_SPI; n++)
		count += spare_used[n / 64] >> (n % 64) & 1;
	return count;
}

void virq_assert(struct virq *virq)
{
	switch (virq->kind) {
	case VIRQ_PRIMARY:
		gic_spi_set_pending(virq->intid);
		break;
	case VIRQ_GUEST:
		vgic_assert(virq->vm, virq->intid);
		break;
	case VIRQ_RM:
		rm_kick();
		break;
	case VIRQ_NONE:
		break;
	}
}

void virq_clear(struct virq *virq)
{
	if (virq->kind == VIRQ_PRIMARY)
		gic_spi_clear_pending(virq->intid);
	else if (virq->kind == VIRQ_GUEST)
		vgic_clear(virq->vm, virq->intid);
}
