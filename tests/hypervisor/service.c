// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's own CPU: it runs the Resource Manager, and watches the
 * timers of vCPUs that wait.
 */
#include "core.h"

#define INTID_NONE	1020	/* and above */

static struct vcpu *watched;
static u64 rm_deadline;
static bool rm_pending;

u64 counter_now(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

u64 counter_freq(void)
{
	return sysreg_read(cntfrq_el0);
}

static struct cpu *service_cpu(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CPUS; i++) {
		if (cpus[i].state == CPU_ON && cpus[i].service)
			return &cpus[i];
	}
	return NULL;
}

static void poke_service(void)
{
	struct cpu *cpu = service_cpu();

	if (cpu && cpu != this_cpu())
		gic_kick(cpu);
}

void rm_kick(void)
{
	if (rm_pending)
		return;
	rm_pending = true;
	poke_service();
}

void rm_set_deadline(u64 counter)
{
	rm_deadline = counter;
	poke_service();
}

static u64 next_deadline(void)
{
	u64 next = rm_deadline ? rm_deadline : ~0ULL;
	struct vcpu *vcpu;

	for (vcpu = watched; vcpu; vcpu = vcpu->next_watched)
		next = min(next, vcpu->timer.cval);
	return next;
}

/* The vCPU is to be woken when its timer fires. */
void service_watch(struct vcpu *vcpu)
{
	u64 before = next_deadline();

	if ((vcpu->timer.ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) != CNT_CTL_ENABLE)
		return;
	vcpu->next_watched = watched;
	vcpu->watched = true;
	watched = vcpu;
	if (vcpu->timer.cval < before)
		poke_service();
}

void service_unwatch(struct vcpu *vcpu)
{
	struct vcpu **link;

	if (!vcpu->watched)
		return;
	for (link = &watched; *link != vcpu; link = &(*link)->next_watched)
		;
	*link = vcpu->next_watched;
	vcpu->watched = false;
}

static void wake_expired(void)
{
	struct vcpu *vcpu, *next;

	for (vcpu = watched; vcpu; vcpu = next) {
		next = vcpu->next_watched;
		if (timer_expired(&vcpu->timer))
			vcpu_wake(vcpu);
	}
}

static void arm_timer(void)
{
	u64 next = next_deadline();

	sysreg_write(cnthp_cval_el2, next);
	sysreg_write(cnthp_ctl_el2, next == ~0ULL ? 0 : CNT_CTL_ENABLE);
	isb();
}

static void service_work(void)
{
	if (rm_deadline && counter_now() >= rm_deadline) {
		rm_deadline = 0;
		rm_pending = true;
	}
	while (rm_pending) {
		rm_pending = false;
		rm_work();
	}
	wake_expired();
	arm_timer();
}

/* Interrupts only end the sleep; they stay masked. */
static void drain_interrupts(void)
{
	u32 intid;

	sysreg_write(cnthp_ctl_el2, 0);
	isb();
	for (;;) {
		intid = sysreg_read(icc_iar1_el1) & 0xffffff;
		if (intid >= INTID_NONE)
			break;
		sysreg_write(icc_eoir1_el1, intid);
	}
	isb();
}

void service_main(void)
{
	bool first = service_cpu() == this_cpu();

	gic_cpu_init(this_cpu());
	for (;;) {
		drain_interrupts();
		if (first) {
			hyp_lock();
			service_work();
			hyp_unlock();
		}
		dsb(sy);
		wfi();
	}
}
