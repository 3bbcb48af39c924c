/* SPDX-License-Identifier: GPL-2.0 */
/*
 * States of a VM, as far as the Resource Manager is concerned with it.
 */

#ifndef _GUNYAH_VM_MGR_STATE_H
#define _GUNYAH_VM_MGR_STATE_H

#include <linux/types.h>

/**
 * enum gh_vm_state - what the Resource Manager has of a VM
 * @GH_VM_NEW: nothing; it does not know it yet
 * @GH_VM_LOAD: it gave a VMID; the VM gets its memory
 * @GH_VM_CONFIG_FAILED: it refused the image. It may be asked neither to start
 *	nor to reset the VM: it may not have what it needs for a reset.
 * @GH_VM_INIT: it knows the image
 * @GH_VM_READY: it has made the VM's objects
 * @GH_VM_INIT_FAILED: it could not make the objects, or not start them
 * @GH_VM_STARTING: it was asked to start the VM and did not answer yet. The VM
 *	may run and even exit before the answer comes.
 * @GH_VM_RUNNING: the VM runs
 * @GH_VM_EXITED: the VM has ended, by itself or because we stopped it
 * @GH_VM_RESETTING: it was asked to give back what the VM has
 * @GH_VM_RESET: it has given everything back
 * @GH_VM_GONE: nothing is left of it: the VMID is given back, too
 * @GH_VM_N_STATES: how many states there are
 */
enum gh_vm_state {
	GH_VM_NEW,
	GH_VM_LOAD,
	GH_VM_CONFIG_FAILED,
	GH_VM_INIT,
	GH_VM_READY,
	GH_VM_INIT_FAILED,
	GH_VM_STARTING,
	GH_VM_RUNNING,
	GH_VM_EXITED,
	GH_VM_RESETTING,
	GH_VM_RESET,
	GH_VM_GONE,
	GH_VM_N_STATES,
};

/**
 * enum gh_vm_event - what happens to a VM
 * @GH_VM_EV_ALLOCATED: reply: here is a VMID
 * @GH_VM_EV_CONFIGURED: reply: image accepted
 * @GH_VM_EV_CONFIG_FAILED: reply: image refused
 * @GH_VM_EV_INITIALISED: reply: objects made
 * @GH_VM_EV_INIT_FAILED: reply: objects not made
 * @GH_VM_EV_START: we are about to ask for the start
 * @GH_VM_EV_STARTED: reply: started
 * @GH_VM_EV_START_FAILED: reply: not started
 * @GH_VM_EV_EXITED: notification: the VM has ended
 * @GH_VM_EV_RESET: we are about to ask for the reset
 * @GH_VM_EV_RESET_REFUSED: reply: no reset
 * @GH_VM_EV_RESET_DONE: notification: reset completed
 * @GH_VM_EV_DEALLOCATED: reply: the VMID is free again
 * @GH_VM_EV_LOST: the Resource Manager can no longer be asked
 * @GH_VM_N_EVENTS: how many events there are
 */
enum gh_vm_event {
	GH_VM_EV_ALLOCATED,
	GH_VM_EV_CONFIGURED,
	GH_VM_EV_CONFIG_FAILED,
	GH_VM_EV_INITIALISED,
	GH_VM_EV_INIT_FAILED,
	GH_VM_EV_START,
	GH_VM_EV_STARTED,
	GH_VM_EV_START_FAILED,
	GH_VM_EV_EXITED,
	GH_VM_EV_RESET,
	GH_VM_EV_RESET_REFUSED,
	GH_VM_EV_RESET_DONE,
	GH_VM_EV_DEALLOCATED,
	GH_VM_EV_LOST,
	GH_VM_N_EVENTS,
};

bool gh_vm_state_next(enum gh_vm_state state, enum gh_vm_event event, enum gh_vm_state *next);
bool gh_vm_state_needs_reset(enum gh_vm_state state);
bool gh_vm_state_has_vmid(enum gh_vm_state state);
const char *gh_vm_state_name(enum gh_vm_state state);

#endif /* _GUNYAH_VM_MGR_STATE_H */
