// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine of a VM: one table, nothing else.
 */

#include <linux/kernel.h>

#include "vm_mgr_state.h"

/*
 * What is not in the table means nothing and does not change the state. That
 * goes for notifications, too, which may come unasked for.
 *
 * A reset that was refused leaves the VM where a reset may be tried again:
 * GH_VM_INIT_FAILED stands for all states where only that is left to do. If the
 * Resource Manager accepts a deallocation it knows better than we how far the
 * reset came.
 */
static const struct {
	enum gh_vm_state state;
	enum gh_vm_event event;
	enum gh_vm_state next;
} gh_vm_transitions[] = {
	{ GH_VM_NEW,		GH_VM_EV_ALLOCATED,	GH_VM_LOAD },

	{ GH_VM_LOAD,		GH_VM_EV_CONFIGURED,	GH_VM_INIT },
	{ GH_VM_LOAD,		GH_VM_EV_CONFIG_FAILED,	GH_VM_CONFIG_FAILED },
	{ GH_VM_LOAD,		GH_VM_EV_DEALLOCATED,	GH_VM_GONE },
	{ GH_VM_LOAD,		GH_VM_EV_LOST,		GH_VM_GONE },

	{ GH_VM_CONFIG_FAILED,	GH_VM_EV_DEALLOCATED,	GH_VM_GONE },
	{ GH_VM_CONFIG_FAILED,	GH_VM_EV_LOST,		GH_VM_GONE },

	{ GH_VM_INIT,		GH_VM_EV_INITIALISED,	GH_VM_READY },
	{ GH_VM_INIT,		GH_VM_EV_INIT_FAILED,	GH_VM_INIT_FAILED },

	{ GH_VM_READY,		GH_VM_EV_START,		GH_VM_STARTING },
	{ GH_VM_READY,		GH_VM_EV_RESET,		GH_VM_RESETTING },
	{ GH_VM_READY,		GH_VM_EV_LOST,		GH_VM_GONE },

	{ GH_VM_INIT_FAILED,	GH_VM_EV_RESET,		GH_VM_RESETTING },
	{ GH_VM_INIT_FAILED,	GH_VM_EV_DEALLOCATED,	GH_VM_GONE },
	{ GH_VM_INIT_FAILED,	GH_VM_EV_LOST,		GH_VM_GONE },

	{ GH_VM_STARTING,	GH_VM_EV_STARTED,	GH_VM_RUNNING },
	{ GH_VM_STARTING,	GH_VM_EV_START_FAILED,	GH_VM_INIT_FAILED },
	{ GH_VM_STARTING,	GH_VM_EV_EXITED,	GH_VM_EXITED },

	{ GH_VM_RUNNING,	GH_VM_EV_EXITED,	GH_VM_EXITED },
	{ GH_VM_RUNNING,	GH_VM_EV_LOST,		GH_VM_GONE },

	/* The guest may be faster than the reply to the start. */
	{ GH_VM_EXITED,		GH_VM_EV_STARTED,	GH_VM_EXITED },
	{ GH_VM_EXITED,		GH_VM_EV_START_FAILED,	GH_VM_EXITED },
	{ GH_VM_EXITED,		GH_VM_EV_RESET,		GH_VM_RESETTING },
	{ GH_VM_EXITED,		GH_VM_EV_LOST,		GH_VM_GONE },

	{ GH_VM_RESETTING,	GH_VM_EV_RESET_DONE,	GH_VM_RESET },
	{ GH_VM_RESETTING,	GH_VM_EV_RESET_REFUSED,	GH_VM_INIT_FAILED },
	{ GH_VM_RESETTING,	GH_VM_EV_LOST,		GH_VM_GONE },

	{ GH_VM_RESET,		GH_VM_EV_DEALLOCATED,	GH_VM_GONE },
	{ GH_VM_RESET,		GH_VM_EV_LOST,		GH_VM_GONE },
};

/**
 * gh_vm_state_next() - where an event leads
 * @state: the state before
 * @event: what happens
 * @next: the state afterwards; @state if the event means nothing in it
 *
 * Return: whether the event means something in @state.
 */
bool gh_vm_state_next(enum gh_vm_state state, enum gh_vm_event event, enum gh_vm_state *next)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gh_vm_transitions); i++) {
		if (gh_vm_transitions[i].state == state &&
		    gh_vm_transitions[i].event == event) {
			*next = gh_vm_transitions[i].next;
			return true;
		}
	}

	*next = state;
	return false;
}

/**
 * gh_vm_state_needs_reset() - must the VM be reset before its memory comes back?
 * @state: its state
 *
 * Return: whether a reset is due, and accepted by the Resource Manager.
 */
bool gh_vm_state_needs_reset(enum gh_vm_state state)
{
	enum gh_vm_state next;

	return gh_vm_state_next(state, GH_VM_EV_RESET, &next);
}

/**
 * gh_vm_state_has_vmid() - does the VM own a VMID?
 * @state: its state
 *
 * Return: whether there is a VMID to give back.
 */
bool gh_vm_state_has_vmid(enum gh_vm_state state)
{
	return state != GH_VM_NEW && state != GH_VM_GONE;
}

/**
 * gh_vm_state_name() - name of a state
 * @state: the state
 *
 * Return: its name for messages.
 */
const char *gh_vm_state_name(enum gh_vm_state state)
{
	static const char * const names[GH_VM_N_STATES] = {
		[GH_VM_NEW]		= "new",
		[GH_VM_LOAD]		= "load",
		[GH_VM_CONFIG_FAILED]	= "config-failed",
		[GH_VM_INIT]		= "init",
		[GH_VM_READY]		= "ready",
		[GH_VM_INIT_FAILED]	= "init-failed",
		[GH_VM_STARTING]	= "starting",
		[GH_VM_RUNNING]		= "running",
		[GH_VM_EXITED]		= "exited",
		[GH_VM_RESETTING]	= "resetting",
		[GH_VM_RESET]		= "reset",
		[GH_VM_GONE]		= "gone",
	};

	return state < GH_VM_N_STATES ? names[state] : "unknown";
}
