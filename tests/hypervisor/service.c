// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's own CPUs: the first one runs the Resource Manager, and watches
 * the timers of vCPUs that wait. All run guests that are not proxy-scheduled, for
 * the rest of the time.
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

/* It is to see what there is to do; from its own loop it does so anyway. */
void service_poke(struct cpu *cpu)
{
	if (cpu != this_cpu() || cpu->vcpu)
		gic_kick(cpu);
}

static void poke_first(void)
{
	struct cpu *cpu = service_cpu();

	if (cpu)
		service_poke(cpu);
}

void rm_kick(void)
{
	if (rm_pending)
		return;
	rm_pending = true;
	poke_first();
}

void rm_set_deadline(u64 counter)
{
	rm_deadline = counter;
	poke_first();
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
		poke_first();
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

static void arm_timer(u64 next)
{
	sysreg_write(cnthp_cval_el2, next);
	sysreg_write(cnthp_ctl_el2, next == ~0ULL ? 0 : CNT_CTL_ENABLE);
	isb();
}

/* Returns when there will be something to do again. */
static u64 service_work(void)
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
	return next_deadline();
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
	struct cpu *cpu = this_cpu();
	bool first = service_cpu() == cpu;
	struct vcpu *vcpu;
	u64 deadline;

	gic_cpu_init(cpu);
	cpu->host.pc = (u64)lower_left;
	cpu->host.pstate = PSTATE_DAIF | PSTATE_EL2H;
	for (;;) {
		drain_interrupts();
		hyp_lock();
		deadline = first ? service_work() : ~0ULL;
		vcpu = sched_next(cpu, &deadline);
		arm_timer(deadline);
		if (vcpu)
			vcpu_enter(cpu, vcpu);
		hyp_unlock();
		if (vcpu) {
			run_lower();
		} else {
			dsb(sy);
			wfi();
		}
	}
}
