/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's CPUs, a thread for each.
 */

#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <pthread.h>
#include <stdatomic.h>

#include "device.h"
#include "machine.h"
#include "vm.h"

struct vcpus;

struct vcpu {
	struct vcpus *all;
	unsigned int id;
	int fd;
	struct gh_vcpu_run *run;
	pthread_t thread;
};

struct vcpus {
	struct vcpu vcpu[GUEST_MAX_CPUS];
	unsigned int count;		/* that have a file */
	unsigned int running;		/* that have a thread */
	size_t run_size;
	const struct bus *bus;
	atomic_bool stop;
	atomic_bool ended_told;

	/* Called by the threads when the guest cannot go on. */
	void (*ended)(void *arg, enum vmm_status status);
	void *arg;
};

/* @vcpus has bus, ended and arg filled in. */
int vcpus_create(struct vcpus *vcpus, struct vm *vm, unsigned int count);
int vcpus_start(struct vcpus *vcpus);
/* Ends the threads. */
void vcpus_stop(struct vcpus *vcpus);
void vcpus_destroy(struct vcpus *vcpus);

#endif
