// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that are not proxy-scheduled take turns on the hypervisor's own CPU that
 * each has its place on.
 */
#include "core.h"

#define US_PER_SECOND	1000000

void sched_add(struct vcpu *vcpu)
{
	struct vcpu **link = &vcpu->home->queue;

	while (*link)
		link = &(*link)->next_queued;
	vcpu->next_queued = NULL;
	*link = vcpu;
}

void sched_remove(struct vcpu *vcpu)
{
	struct vcpu **link = &vcpu->home->queue;

	while (*link != vcpu)
		link = &(*link)->next_queued;
	*link = vcpu->next_queued;
}

/* From there on, the first that has something to do. */
static struct vcpu *first_runnable(struct vcpu *vcpu)
{
	while (vcpu && (vcpu->park != PARK_NONE || vcpu->vm->dead))
		vcpu = vcpu->next_queued;
	return vcpu;
}

/*
 * What @cpu is to run until @deadline, or NULL. That is the end of its turn if
 * another one waits for its own.
 */
struct vcpu *sched_next(struct cpu *cpu, u64 *deadline)
{
	struct vcpu *vcpu = first_runnable(cpu->queue);
	u64 slice;

	if (!vcpu)
		return NULL;
	if (first_runnable(vcpu->next_queued)) {
		slice = counter_freq() * vcpu->vm->slice_us / US_PER_SECOND;
		*deadline = min(*deadline, counter_now() + slice);
	}
	sched_remove(vcpu);
	sched_add(vcpu);
	return vcpu;
}
