// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a VM: start, exit, end.
 *
 * Start and end run in the VM's work item, one after the other. The end can be
 * tried again: each of its steps looks at what is left to do.
 */

#include <linux/module.h>

#include "vm_mgr.h"

/* The Resource Manager has these to itself; it may be slow, but not that slow. */
#define GH_VM_EXIT_TIMEOUT	(10 * HZ)
#define GH_VM_RESET_TIMEOUT	(30 * HZ)

#define GH_VM_RETRY_MIN		HZ
#define GH_VM_RETRY_MAX		(64 * HZ)

static struct workqueue_struct *gh_vm_wq;

static struct device *gh_vm_dev(struct gh_vm *ghvm)
{
	return gh_rm_dev(ghvm->mgr->rm);
}

static enum gh_vm_state gh_vm_state(const struct gh_vm *ghvm)
{
	return READ_ONCE(ghvm->state);
}

static void gh_vm_tell_listeners(struct gh_vm *ghvm)
{
	struct gh_vm_listener *listener;

	lockdep_assert_held(&ghvm->state_lock);
	list_for_each_entry(listener, &ghvm->listeners, node)
		listener->changed(listener);
}

static bool gh_vm_transition(struct gh_vm *ghvm, enum gh_vm_event event,
			     const struct gh_vm_exit_info *exit_info)
{
	enum gh_vm_state next;
	bool ok;

	spin_lock(&ghvm->state_lock);
	ok = gh_vm_state_next(ghvm->state, event, &next);
	if (ok) {
		if (exit_info)
			ghvm->exit_info = *exit_info;
		WRITE_ONCE(ghvm->state, next);
		gh_vm_tell_listeners(ghvm);
	}
	spin_unlock(&ghvm->state_lock);

	if (ok)
		wake_up_all(&ghvm->wq);
	return ok;
}

static void gh_vm_happened(struct gh_vm *ghvm, enum gh_vm_event event)
{
	gh_vm_transition(ghvm, event, NULL);
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

/**
 * gh_vm_exit_status() - what has become of a VM that may not run
 * @ghvm: the VM
 * @status: what userspace is told
 * @exit_info: and more of it, for GH_VM_STATUS_EXITED
 *
 * Return: 0, or -ENODEV if it has never run, its file is closed, or the Resource
 * Manager's driver is gone.
 */
int gh_vm_exit_status(struct gh_vm *ghvm, enum gh_vm_status *status,
		      struct gh_vm_exit_info *exit_info)
{
	int ret = 0;

	spin_lock(&ghvm->state_lock);
	*exit_info = ghvm->exit_info;
	if (ghvm->closed || gh_vm_is_orphaned(ghvm))
		ret = -ENODEV;
	else if (ghvm->state == GH_VM_EXITED)
		*status = GH_VM_STATUS_EXITED;
	else if (completion_done(&ghvm->started) && ghvm->start_result)
		*status = GH_VM_STATUS_LOAD_FAILED;
	else
		ret = -ENODEV;
	spin_unlock(&ghvm->state_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_vm_exit_status);

/*
 * Notifications
 */

static bool gh_vm_is(const struct gh_vm *ghvm, u16 vmid)
{
	return gh_vm_state_has_vmid(gh_vm_state(ghvm)) && ghvm->vmid == vmid;
}

static void gh_vm_mgr_happened(struct gh_vm_mgr *mgr, u16 vmid, enum gh_vm_event event,
			       const struct gh_vm_exit_info *exit_info)
{
	struct gh_vm *ghvm;

	/*
	 * Look on if it means nothing to the first VM: for a moment a VMID may
	 * belong to the one that gave it back and to the one that got it next.
	 */
	mutex_lock(&mgr->lock);
	list_for_each_entry(ghvm, &mgr->vms, mgr_node) {
		if (gh_vm_is(ghvm, vmid) && gh_vm_transition(ghvm, event, exit_info))
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
	struct gh_vm_exit_info info = {};

	if (!gh_vm_mgr_is_whole(mgr, notif, sizeof(*payload)))
		return;

	info.type = le16_to_cpu(payload->exit_type);
	info.reason_size = min_t(size_t, le32_to_cpu(payload->exit_reason_size),
				 notif->size - sizeof(*payload));
	memcpy(info.reason, payload->exit_reason,
	       min_t(size_t, info.reason_size, sizeof(info.reason)));
	gh_vm_mgr_happened(mgr, le16_to_cpu(payload->vmid), GH_VM_EV_EXITED, &info);
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

/*
 * Start
 */

/* From now on the Resource Manager may know the VM. */
static int gh_vm_enlist(struct gh_vm *ghvm)
{
	struct gh_vm_mgr *mgr = ghvm->mgr;
	int ret = 0;

	mutex_lock(&mgr->lock);
	if (mgr->closing) {
		ret = -ENODEV;
	} else {
		kref_get(&ghvm->kref);
		list_add_tail(&ghvm->mgr_node, &mgr->vms);
	}
	mutex_unlock(&mgr->lock);
	return ret;
}

static void gh_vm_delist(struct gh_vm *ghvm)
{
	struct gh_vm_mgr *mgr = ghvm->mgr;
	bool listed;

	mutex_lock(&mgr->lock);
	listed = !list_empty(&ghvm->mgr_node);
	list_del_init(&ghvm->mgr_node);
	mutex_unlock(&mgr->lock);

	if (listed) {
		wake_up_all(&mgr->wq);
		kref_put(&ghvm->kref, gh_vm_free);
	}
}

static int gh_vm_alloc_vmid(struct gh_vm *ghvm)
{
	u16 vmid;
	int ret;

	ret = gh_rm_alloc_vmid(ghvm->mgr->rm, &vmid);
	if (ret)
		return ret;

	/* Not while notifications look for their VM. */
	mutex_lock(&ghvm->mgr->lock);
	ghvm->vmid = vmid;
	mutex_unlock(&ghvm->mgr->lock);
	gh_vm_happened(ghvm, GH_VM_EV_ALLOCATED);
	return 0;
}

/* There was no reply, or none that makes sense: was it done or not? */
static bool gh_vm_reply_lost(int ret)
{
	return ret == -ETIMEDOUT || ret == -EBADMSG;
}

/*
 * Only an image that was accepted can be initialised. So that shows which it
 * was, and leads to where a reset is allowed.
 */
static bool gh_vm_was_configured(struct gh_vm *ghvm)
{
	int ret = gh_rm_vm_init(ghvm->mgr->rm, ghvm->vmid);

	return ret != -EBADFD && ret != -ENODEV;
}

static int gh_vm_configure(struct gh_vm *ghvm)
{
	struct gh_vm_region *region = gh_vm_dtb_region(ghvm);
	int ret;

	ret = gh_rm_vm_configure(ghvm->mgr->rm, ghvm->vmid, GH_RM_VM_AUTH_NONE,
				 region->mem_handle, 0, 0, ghvm->dtb_gpa - region->gpa,
				 ghvm->dtb_size);
	if (gh_vm_reply_lost(ret) && gh_vm_was_configured(ghvm)) {
		gh_vm_happened(ghvm, GH_VM_EV_CONFIGURED);
		gh_vm_happened(ghvm, GH_VM_EV_INIT_FAILED);
		return ret;
	}
	gh_vm_happened(ghvm, ret ? GH_VM_EV_CONFIG_FAILED : GH_VM_EV_CONFIGURED);
	return ret;
}

static int gh_vm_init(struct gh_vm *ghvm)
{
	int ret;

	ret = gh_rm_vm_init(ghvm->mgr->rm, ghvm->vmid);
	gh_vm_happened(ghvm, ret ? GH_VM_EV_INIT_FAILED : GH_VM_EV_INITIALISED);
	return ret;
}

static int gh_vm_launch(struct gh_vm *ghvm)
{
	int ret;

	gh_vm_happened(ghvm, GH_VM_EV_START);
	ret = gh_rm_vm_start(ghvm->mgr->rm, ghvm->vmid);
	gh_vm_happened(ghvm, ret ? GH_VM_EV_START_FAILED : GH_VM_EV_STARTED);
	return ret;
}

/**
 * gh_vm_aborted() - does nobody wait for the start any more?
 * @ghvm: the VM
 *
 * Only asked where the Resource Manager has a way back: there is none from
 * between configuration and initialisation.
 *
 * Return: 0 to go on, -ENODEV if the Resource Manager's device goes away, or
 * -EINTR.
 */
int gh_vm_aborted(struct gh_vm *ghvm)
{
	if (!READ_ONCE(ghvm->abort))
		return 0;
	return READ_ONCE(ghvm->mgr->closing) ? -ENODEV : -EINTR;
}

static int gh_vm_do_start(struct gh_vm *ghvm)
{
	static const struct {
		int (*run)(struct gh_vm *ghvm);
		const char *what;
	} steps[] = {
		{ gh_vm_aborted },
		{ gh_vm_alloc_vmid, "allocate a VMID" },
		{ gh_vm_give_memory, "give memory" },
		{ gh_vm_aborted },
		{ gh_vm_configure, "configure" },
		{ gh_vm_init, "initialise" },
		{ gh_vm_aborted },
		{ gh_vm_add_resources, "get resources" },
		{ gh_vm_aborted },
		{ gh_vm_launch, "start" },
	};
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		ret = steps[i].run(ghvm);
		if (ret)
			break;
	}

	if (ret && steps[i].what)
		dev_err_ratelimited(gh_vm_dev(ghvm), "VM %d: failed to %s: %d\n",
				    (s16)ghvm->vmid, steps[i].what, ret);
	return ret;
}

static int gh_vm_begin_start(struct gh_vm *ghvm)
{
	int ret;

	lockdep_assert_held(&ghvm->config_lock);

	if (!gh_vm_dtb_region(ghvm))
		return -EINVAL;

	ret = gh_vm_enlist(ghvm);
	if (ret)
		return ret;

	ghvm->frozen = true;
	gh_vm_queue(ghvm, 0);
	return 0;
}

/**
 * gh_vm_start() - GH_VM_START
 * @ghvm: the VM
 *
 * Return: 0 if it runs. The first call returns why it does not; later ones
 * -ENODEV. -EINTR if the caller was killed: the start goes on without it.
 */
int gh_vm_start(struct gh_vm *ghvm)
{
	bool first;
	int ret = 0;

	if (mutex_lock_interruptible(&ghvm->config_lock))
		return -EINTR;
	first = !ghvm->frozen;
	if (first)
		ret = gh_vm_begin_start(ghvm);
	mutex_unlock(&ghvm->config_lock);
	if (ret)
		return ret;

	if (wait_for_completion_killable(&ghvm->started))
		return -EINTR;

	if (first)
		return ghvm->start_result;
	return gh_vm_state(ghvm) == GH_VM_RUNNING ? 0 : -ENODEV;
}

/*
 * End
 */

static bool gh_vm_lost(const struct gh_vm *ghvm)
{
	return READ_ONCE(ghvm->mgr->lost);
}

static int gh_vm_force_stop(struct gh_vm *ghvm)
{
	return gh_rm_vm_stop(ghvm->mgr->rm, ghvm->vmid, GH_RM_VM_STOP_FLAG_FORCE,
			     GH_RM_VM_STOP_REASON_FORCED);
}

static void gh_vm_stop(struct gh_vm *ghvm)
{
	const struct gh_vm_exit_info forced = { .type = GH_VM_EXIT_TYPE_VM_FORCE_STOPPED };
	int ret;

	if (gh_vm_state(ghvm) != GH_VM_RUNNING)
		return;

	/* If it has just exited by itself this is refused, and the word is on its way. */
	ret = gh_vm_force_stop(ghvm);
	if (ret && ret != -EBADFD) {
		dev_err(gh_vm_dev(ghvm), "VM %u: failed to stop: %d\n", ghvm->vmid, ret);
		return;
	}

	if (wait_event_timeout(ghvm->wq,
			       gh_vm_state(ghvm) != GH_VM_RUNNING || gh_vm_lost(ghvm),
			       GH_VM_EXIT_TIMEOUT))
		return;

	dev_err(gh_vm_dev(ghvm), "VM %u: stopped without saying so\n", ghvm->vmid);
	gh_vm_transition(ghvm, GH_VM_EV_EXITED, &forced);
}

/*
 * Requests can be lost, before or after the Resource Manager got them. If it
 * still waits for the initialisation, or did start the VM, it refuses the reset
 * until that is settled.
 */
static int gh_vm_request_reset(struct gh_vm *ghvm, bool failed)
{
	struct gh_rm *rm = ghvm->mgr->rm;
	int ret;

	ret = gh_rm_vm_reset(rm, ghvm->vmid);
	if (ret != -EBADFD || !failed)
		return ret;

	gh_rm_vm_init(rm, ghvm->vmid);
	gh_vm_force_stop(ghvm);
	return gh_rm_vm_reset(rm, ghvm->vmid);
}

static void gh_vm_reset(struct gh_vm *ghvm)
{
	bool failed = gh_vm_state(ghvm) == GH_VM_INIT_FAILED;
	int ret;

	if (!gh_vm_state_needs_reset(gh_vm_state(ghvm)))
		return;

	gh_vm_happened(ghvm, GH_VM_EV_RESET);
	ret = gh_vm_request_reset(ghvm, failed);
	if (!ret && !wait_event_timeout(ghvm->wq,
					gh_vm_state(ghvm) != GH_VM_RESETTING || gh_vm_lost(ghvm),
					GH_VM_RESET_TIMEOUT))
		ret = -ETIMEDOUT;
	if (ret) {
		dev_err(gh_vm_dev(ghvm), "VM %u: failed to reset: %d\n", ghvm->vmid, ret);
		gh_vm_happened(ghvm, GH_VM_EV_RESET_REFUSED);
	}
}

static void gh_vm_dealloc_vmid(struct gh_vm *ghvm)
{
	int ret;

	if (!gh_vm_state_has_vmid(gh_vm_state(ghvm)))
		return;

	ret = gh_rm_dealloc_vmid(ghvm->mgr->rm, ghvm->vmid);
	if (ret)
		dev_err(gh_vm_dev(ghvm), "VM %u: failed to give back its VMID when %s: %d\n",
			ghvm->vmid, gh_vm_state_name(gh_vm_state(ghvm)), ret);
	/*
	 * If nobody knows whether it was given back it may be another VM's by
	 * now: it must not be named again. Nor is there another way back from a
	 * refused image. Such a VMID stays lost.
	 */
	if (!ret || gh_vm_reply_lost(ret) || gh_vm_state(ghvm) == GH_VM_CONFIG_FAILED)
		gh_vm_happened(ghvm, GH_VM_EV_DEALLOCATED);
}

/* Returns whether the Resource Manager has nothing left of the VM. */
static bool gh_vm_try_end(struct gh_vm *ghvm)
{
	gh_vm_stop(ghvm);
	gh_vm_remove_all_functions(ghvm);
	gh_vm_free_resources(ghvm);
	gh_vm_reset(ghvm);
	if (!gh_vm_reclaim_memory(ghvm))
		return false;
	gh_vm_dealloc_vmid(ghvm);
	return !gh_vm_state_has_vmid(gh_vm_state(ghvm));
}

static void gh_vm_retry_end(struct gh_vm *ghvm)
{
	struct gh_vm_mgr *mgr = ghvm->mgr;

	ghvm->retry_delay = clamp_t(unsigned long, ghvm->retry_delay * 2,
				    GH_VM_RETRY_MIN, GH_VM_RETRY_MAX);

	/* Once the Resource Manager is lost, the last try is not put off. */
	mutex_lock(&mgr->lock);
	gh_vm_queue(ghvm, mgr->lost ? 0 : ghvm->retry_delay);
	mutex_unlock(&mgr->lock);
}

static void gh_vm_do_end(struct gh_vm *ghvm)
{
	bool over = gh_vm_try_end(ghvm);

	if (!over && gh_vm_lost(ghvm)) {
		dev_err(gh_vm_dev(ghvm), "VM %u: the Resource Manager keeps what it has of it\n",
			ghvm->vmid);
		gh_vm_happened(ghvm, GH_VM_EV_LOST);
		over = true;
	}

	if (over) {
		gh_vm_free_memory(ghvm);
		gh_vm_delist(ghvm);
	} else {
		gh_vm_retry_end(ghvm);
	}
	complete_all(&ghvm->ended);
}

/*
 * Worker
 */

void gh_vm_work(struct work_struct *work)
{
	struct gh_vm *ghvm = container_of(to_delayed_work(work), struct gh_vm, work);

	/* Queued for the start only after that was set. */
	if (READ_ONCE(ghvm->frozen) && !completion_done(&ghvm->started)) {
		ghvm->start_result = gh_vm_do_start(ghvm);
		complete_all(&ghvm->started);
	}

	if (READ_ONCE(ghvm->end) && gh_vm_state(ghvm) != GH_VM_GONE)
		gh_vm_do_end(ghvm);

	kref_put(&ghvm->kref, gh_vm_free);
}

/**
 * gh_vm_queue() - have the worker look at a VM
 * @ghvm: the VM; the caller holds a reference, too
 * @delay: when, in jiffies
 */
void gh_vm_queue(struct gh_vm *ghvm, unsigned long delay)
{
	kref_get(&ghvm->kref);
	if (mod_delayed_work(gh_vm_wq, &ghvm->work, delay))
		kref_put(&ghvm->kref, gh_vm_free);
}

/**
 * gh_vm_request_end() - have the worker take a VM down
 * @ghvm: the VM
 */
void gh_vm_request_end(struct gh_vm *ghvm)
{
	WRITE_ONCE(ghvm->abort, true);
	WRITE_ONCE(ghvm->end, true);
	gh_vm_queue(ghvm, 0);
}

int gh_vm_life_init(void)
{
	gh_vm_wq = alloc_workqueue("gunyah-vm", WQ_UNBOUND, 0);
	return gh_vm_wq ? 0 : -ENOMEM;
}

void gh_vm_life_exit(void)
{
	destroy_workqueue(gh_vm_wq);
}
