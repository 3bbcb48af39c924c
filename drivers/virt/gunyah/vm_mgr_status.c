// SPDX-License-Identifier: GPL-2.0
/*
 * What has become of a VM, and who is told: notifications of the Resource
 * Manager, functions that listen, and users of the VM file.
 */

#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "vm_mgr.h"

static void gh_vm_tell_listeners(struct gh_vm *ghvm)
{
	struct gh_vm_listener *listener;

	lockdep_assert_held(&ghvm->state_lock);
	list_for_each_entry(listener, &ghvm->listeners, node)
		listener->changed(listener);
}

/**
 * gh_vm_transition() - something happened to a VM
 * @ghvm: the VM
 * @event: what
 * @exit: how it ended, with GH_VM_EV_EXITED; else NULL
 *
 * Return: whether that means something in the VM's state.
 */
bool gh_vm_transition(struct gh_vm *ghvm, enum gh_vm_event event, const struct gh_vm_exit *exit)
{
	enum gh_vm_state next;
	bool ok;

	spin_lock(&ghvm->state_lock);
	ok = gh_vm_state_next(ghvm->state, event, &next);
	if (ok) {
		if (exit) {
			ghvm->exit = *exit;
			ghvm->exited = true;
		}
		WRITE_ONCE(ghvm->state, next);
		gh_vm_tell_listeners(ghvm);
	}
	spin_unlock(&ghvm->state_lock);

	if (ok)
		wake_up_all(&ghvm->wq);
	return ok;
}

/**
 * gh_vm_close() - its VM file is closed
 * @ghvm: the VM
 *
 * Nobody is left who could want it to run, even if vCPU files are open.
 */
void gh_vm_close(struct gh_vm *ghvm)
{
	spin_lock(&ghvm->state_lock);
	WRITE_ONCE(ghvm->closed, true);
	gh_vm_tell_listeners(ghvm);
	spin_unlock(&ghvm->state_lock);
}

/*
 * For functions
 */

/**
 * gh_vm_add_listener() - be told when a VM's state changes
 * @ghvm: the VM
 * @listener: whom to tell
 */
void gh_vm_add_listener(struct gh_vm *ghvm, struct gh_vm_listener *listener)
{
	spin_lock(&ghvm->state_lock);
	list_add(&listener->node, &ghvm->listeners);
	spin_unlock(&ghvm->state_lock);
}
EXPORT_SYMBOL_GPL(gh_vm_add_listener);

/**
 * gh_vm_remove_listener() - no longer be told
 * @ghvm: the VM
 * @listener: is not being called when this returns, and will not be again
 */
void gh_vm_remove_listener(struct gh_vm *ghvm, struct gh_vm_listener *listener)
{
	spin_lock(&ghvm->state_lock);
	list_del(&listener->node);
	spin_unlock(&ghvm->state_lock);
}
EXPORT_SYMBOL_GPL(gh_vm_remove_listener);

/**
 * gh_vm_may_run() - may vCPUs run?
 * @ghvm: the VM
 *
 * Context: any; cheap.
 *
 * Return: whether it is started, did not exit, and its file is still open.
 */
bool gh_vm_may_run(const struct gh_vm *ghvm)
{
	return gh_vm_state(ghvm) == GH_VM_RUNNING && !READ_ONCE(ghvm->closed);
}
EXPORT_SYMBOL_GPL(gh_vm_may_run);

/**
 * gh_vm_is_orphaned() - has the Resource Manager's driver gone away?
 * @ghvm: the VM
 *
 * Context: any; cheap. The answer may change at any time.
 *
 * Return: whether there is nothing to be done with the VM but to close it.
 */
bool gh_vm_is_orphaned(const struct gh_vm *ghvm)
{
	return READ_ONCE(ghvm->mgr->closing);
}

static enum gh_vm_status gh_vm_status(struct gh_vm *ghvm)
{
	lockdep_assert_held(&ghvm->state_lock);

	/* Whatever became of it meanwhile, START says it first. */
	if (!completion_done(&ghvm->started)) {
		if (READ_ONCE(ghvm->frozen))
			return GH_VM_STATUS_STARTING;
		return gh_vm_is_orphaned(ghvm) ? GH_VM_STATUS_CRASHED : GH_VM_STATUS_NEW;
	}
	if (ghvm->start_result)
		return GH_VM_STATUS_LOAD_FAILED;
	if (ghvm->exited)
		return GH_VM_STATUS_EXITED;
	return ghvm->state == GH_VM_RUNNING ? GH_VM_STATUS_RUNNING : GH_VM_STATUS_CRASHED;
}

static bool gh_vm_status_is_end(enum gh_vm_status status)
{
	return status == GH_VM_STATUS_LOAD_FAILED || status == GH_VM_STATUS_EXITED ||
	       status == GH_VM_STATUS_CRASHED;
}

/* Return: how many bytes there are in @reason, of what came and was stored. */
static size_t gh_vm_copy_reason(const struct gh_vm_exit *exit, u8 *reason, size_t room)
{
	size_t size = min3(room, sizeof(exit->reason), (size_t)exit->reason_size);

	memcpy(reason, exit->reason, size);
	return size;
}

/**
 * gh_vm_exit_status() - what has become of a VM that may not run
 * @ghvm: the VM
 * @status: what userspace is told
 * @exit_info: and more of it, for GH_VM_STATUS_EXITED; else 0
 *
 * Return: 0, or -ENODEV if it has never run, its file is closed, or the Resource
 * Manager's driver is gone.
 */
int gh_vm_exit_status(struct gh_vm *ghvm, enum gh_vm_status *status,
		      struct gh_vm_exit_info *exit_info)
{
	int ret = 0;

	memset(exit_info, 0, sizeof(*exit_info));

	spin_lock(&ghvm->state_lock);
	*status = gh_vm_status(ghvm);
	if (ghvm->closed || gh_vm_is_orphaned(ghvm) || !gh_vm_status_is_end(*status))
		ret = -ENODEV;
	if (*status == GH_VM_STATUS_EXITED) {
		exit_info->type = ghvm->exit.type;
		exit_info->reason_size = gh_vm_copy_reason(&ghvm->exit, exit_info->reason,
							   sizeof(exit_info->reason));
	}
	spin_unlock(&ghvm->state_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_vm_exit_status);

/*
 * For the VM file
 */

/**
 * gh_vm_get_status() - GH_VM_GET_STATUS
 * @ghvm: the VM
 * @info: all of it is filled in
 */
void gh_vm_get_status(struct gh_vm *ghvm, struct gh_vm_status_info *info)
{
	memset(info, 0, sizeof(*info));

	spin_lock(&ghvm->state_lock);
	info->status = gh_vm_status(ghvm);
	if (completion_done(&ghvm->started))
		info->start_error = -ghvm->start_result;
	if (info->status == GH_VM_STATUS_EXITED) {
		info->exit_type = ghvm->exit.type;
		info->reason_size = gh_vm_copy_reason(&ghvm->exit, info->reason,
						      sizeof(info->reason));
	}
	spin_unlock(&ghvm->state_lock);
}

/**
 * gh_vm_get_crash_msg() - GH_VM_GET_CRASH_MSG
 * @ghvm: the VM, whose file the caller has open
 * @info: all of it is filled in if there is an answer
 *
 * Return: 0, -ENODEV if the VM was not started or the Resource Manager's driver is
 * gone, -ENOTTY if the Resource Manager does not keep such messages, -EINTR if the
 * caller was killed, or another negative errno.
 */
int gh_vm_get_crash_msg(struct gh_vm *ghvm, struct gh_vm_crash_msg *info)
{
	char *msg = NULL;
	size_t size;
	int ret;

	/* Both the result and the VMID stay as they are once START is over. */
	if (!completion_done(&ghvm->started) || ghvm->start_result)
		return -ENODEV;

	ret = gh_rm_vm_get_crash_msg(ghvm->mgr->rm, ghvm->vmid, &msg, &size);

	/*
	 * While its file is open a VM is taken down for no other reason. If it was, the
	 * VMID may have been another VM's already, and the message, too.
	 */
	if (gh_vm_is_orphaned(ghvm))
		ret = -ENODEV;
	else if (ret == -EOPNOTSUPP)
		ret = -ENOTTY;

	if (!ret) {
		memset(info, 0, sizeof(*info));
		info->size = size;
		memcpy(info->msg, msg, min(size, sizeof(info->msg)));
	}
	kfree(msg);

	return ret;
}

/**
 * gh_vm_poll() - wait for the end of a VM
 * @ghvm: the VM
 * @file: its file
 * @wait: who waits
 *
 * Whoever makes it end does so before the wake-up: it is seen by either. There are
 * two queues, so the AIO interface cannot poll it.
 *
 * Return: the events of a VM file.
 */
__poll_t gh_vm_poll(struct gh_vm *ghvm, struct file *file, poll_table *wait)
{
	enum gh_vm_status status;

	poll_wait(file, &ghvm->wq, wait);
	poll_wait(file, &ghvm->mgr->closing_wq, wait);

	spin_lock(&ghvm->state_lock);
	status = gh_vm_status(ghvm);
	spin_unlock(&ghvm->state_lock);

	return gh_vm_status_is_end(status) ? EPOLLIN | EPOLLRDNORM | EPOLLHUP : 0;
}

/*
 * Notifications
 */

static bool gh_vm_is(const struct gh_vm *ghvm, u16 vmid)
{
	return gh_vm_state_has_vmid(gh_vm_state(ghvm)) && ghvm->vmid == vmid;
}

static void gh_vm_mgr_happened(struct gh_vm_mgr *mgr, u16 vmid, enum gh_vm_event event,
			       const struct gh_vm_exit *exit)
{
	struct gh_vm *ghvm;

	/*
	 * Look on if it means nothing to the first VM: for a moment a VMID may
	 * belong to the one that gave it back and to the one that got it next.
	 */
	mutex_lock(&mgr->lock);
	list_for_each_entry(ghvm, &mgr->vms, mgr_node) {
		if (gh_vm_is(ghvm, vmid) && gh_vm_transition(ghvm, event, exit))
			break;
	}
	mutex_unlock(&mgr->lock);
}

/* Whether there is all that has to be; there may be more. */
static bool gh_vm_mgr_is_whole(struct gh_vm_mgr *mgr, const struct gh_rm_notification *notif,
			       size_t size)
{
	if (notif->size >= size)
		return true;

	dev_err_ratelimited(gh_rm_dev(mgr->rm), "notification is lost: %zu bytes, not %zu\n",
			    notif->size, size);

	return false;
}

static void gh_vm_mgr_exited(struct gh_vm_mgr *mgr, const struct gh_rm_notification *notif)
{
	const struct gh_rm_vm_exited_payload *payload = notif->buff;
	struct gh_vm_exit exit = {};

	if (!gh_vm_mgr_is_whole(mgr, notif, sizeof(*payload)))
		return;

	exit.type = le16_to_cpu(payload->exit_type);
	exit.reason_size = min_t(size_t, le32_to_cpu(payload->exit_reason_size),
				 notif->size - sizeof(*payload));
	memcpy(exit.reason, payload->exit_reason,
	       min_t(size_t, exit.reason_size, sizeof(exit.reason)));
	gh_vm_mgr_happened(mgr, le16_to_cpu(payload->vmid), GH_VM_EV_EXITED, &exit);
}

static void gh_vm_mgr_status(struct gh_vm_mgr *mgr, const struct gh_rm_notification *notif)
{
	const struct gh_rm_vm_status_payload *payload = notif->buff;

	if (!gh_vm_mgr_is_whole(mgr, notif, sizeof(*payload)))
		return;

	/* All others follow what we asked for, and its reply tells us. */
	if (payload->vm_status == GH_RM_VM_STATUS_RESET)
		gh_vm_mgr_happened(mgr, le16_to_cpu(payload->vmid), GH_VM_EV_RESET_DONE, NULL);
}

int gh_vm_mgr_notified(struct notifier_block *nb, unsigned long action, void *data)
{
	struct gh_vm_mgr *mgr = container_of(nb, struct gh_vm_mgr, nb);

	switch (action) {
	case GH_RM_NOTIF_VM_EXITED:
		gh_vm_mgr_exited(mgr, data);
		return NOTIFY_OK;
	case GH_RM_NOTIF_VM_STATUS:
		gh_vm_mgr_status(mgr, data);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}
