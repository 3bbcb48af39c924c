// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a VM: start and end.
 *
 * Start and end run in the VM's work item, one after the other. The end can be
 * tried again: each of its steps looks at what is left to do.
 */

#include <linux/module.h>

#include "vm_mgr.h"

/* Both depend on the Resource Manager alone, which is never this slow. */
#define GH_VM_EXIT_TIMEOUT	(10 * HZ)
#define GH_VM_RESET_TIMEOUT	(30 * HZ)

/* How often a question that nothing else depends on is asked until it is answered. */
#define GH_VM_STATE_TRIES	3

#define GH_VM_RETRY_MIN		HZ
#define GH_VM_RETRY_MAX		(64 * HZ)

static struct workqueue_struct *gh_vm_wq;

static struct device *gh_vm_dev(struct gh_vm *ghvm)
{
	return gh_rm_dev(ghvm->mgr->rm);
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

/* Whether the image was accepted, when there was no reply that says so. */
static bool gh_vm_was_configured(struct gh_vm *ghvm)
{
	struct gh_rm_vm_state state;
	unsigned int tries;

	for (tries = 0; tries < GH_VM_STATE_TRIES; tries++) {
		if (!gh_rm_vm_get_state(ghvm->mgr->rm, ghvm->vmid, &state))
			return state.vm_status == GH_RM_VM_STATUS_INIT;
	}

	/* To reset a VM that is not configured may bring the Resource Manager down. */
	return false;
}

/* The region that the VM boots from */
static struct gh_vm_region *gh_vm_dtb_region(struct gh_vm *ghvm)
{
	return gh_vm_region_around(ghvm, ghvm->dtb_gpa, ghvm->dtb_size);
}

static int gh_vm_configure(struct gh_vm *ghvm)
{
	struct gh_vm_region *region = gh_vm_dtb_region(ghvm);
	int ret;

	ret = gh_rm_vm_configure(ghvm->mgr->rm, ghvm->vmid,
				 gh_vm_has_firmware(ghvm) ? GH_RM_VM_AUTH_QCOM_ANDROID_PVM :
							    GH_RM_VM_AUTH_NONE,
				 gh_vm_region_handle(region), 0, 0, ghvm->dtb_gpa - region->gpa,
				 ghvm->dtb_size);
	if (gh_rm_reply_lost(ret) && gh_vm_was_configured(ghvm)) {
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

static int gh_vm_force_stop(struct gh_vm *ghvm)
{
	return gh_rm_vm_stop(ghvm->mgr->rm, ghvm->vmid, GH_RM_VM_STOP_FLAG_FORCE,
			     GH_RM_VM_STOP_REASON_FORCED);
}

static int gh_vm_launch(struct gh_vm *ghvm)
{
	int ret;

	gh_vm_happened(ghvm, GH_VM_EV_START);
	ret = gh_rm_vm_start(ghvm->mgr->rm, ghvm->vmid);
	gh_vm_happened(ghvm, ret ? GH_VM_EV_START_FAILED : GH_VM_EV_STARTED);

	/* A VM that may run all the same is not to lose its functions. */
	if (gh_rm_reply_lost(ret))
		gh_vm_force_stop(ghvm);
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
		{ gh_vm_give_firmware, "give room for firmware" },
		{ gh_vm_init, "initialise" },
		{ gh_vm_aborted },
		{ gh_vm_give_boot_regs, "set the boot context" },
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

	ret = gh_vm_check_fw_config(ghvm);
	if (ret)
		return ret;

	ret = gh_vm_prepare_lending(ghvm);
	if (ret)
		return ret;

	ret = gh_vm_enlist(ghvm);
	if (ret) {
		gh_vm_cancel_lending(ghvm);
		return ret;
	}

	WRITE_ONCE(ghvm->frozen, true);
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

/* Returns whether the VM does not run. */
static bool gh_vm_stop(struct gh_vm *ghvm)
{
	const struct gh_vm_exit forced = { .type = GH_VM_EXIT_TYPE_VM_FORCE_STOPPED };
	int ret;

	if (gh_vm_state(ghvm) != GH_VM_RUNNING)
		return true;

	/* If it has just exited by itself this is refused, and the word is on its way. */
	ret = gh_vm_force_stop(ghvm);
	if (ret && ret != -EBADFD) {
		dev_err(gh_vm_dev(ghvm), "VM %u: failed to stop: %d\n", ghvm->vmid, ret);
		return false;
	}

	if (!wait_event_timeout(ghvm->wq,
				gh_vm_state(ghvm) != GH_VM_RUNNING || gh_vm_lost(ghvm),
				GH_VM_EXIT_TIMEOUT)) {
		dev_err(gh_vm_dev(ghvm), "VM %u: stopped without saying so\n", ghvm->vmid);
		gh_vm_transition(ghvm, GH_VM_EV_EXITED, &forced);
	}

	return gh_vm_state(ghvm) != GH_VM_RUNNING;
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

/*
 * The Resource Manager does not take back the VMID of a VM whose image it
 * refused, nor may it be asked to reset such a VM. What we asked for was right
 * but for the kind of VM: if it has no protected ones, do not lose another VMID.
 */
static void gh_vm_lose_vmid(struct gh_vm *ghvm)
{
	dev_err(gh_vm_dev(ghvm), "VM %u: its VMID is lost\n", ghvm->vmid);
	if (gh_vm_has_firmware(ghvm) && ghvm->start_result == -EINVAL)
		gh_vm_mgr_lacks(ghvm->mgr, GH_RM_OPTIONAL_FIRMWARE_MEM);
	gh_vm_happened(ghvm, GH_VM_EV_DEALLOCATED);
}

static bool gh_vm_try_later(int ret)
{
	return ret == -EBUSY || ret == -ENOMEM || ret == -ENOSPC;
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
	 * now: it must not be named again.
	 */
	if (!ret || gh_rm_reply_lost(ret))
		gh_vm_happened(ghvm, GH_VM_EV_DEALLOCATED);
	else if (gh_vm_state(ghvm) == GH_VM_CONFIG_FAILED && !gh_vm_try_later(ret))
		gh_vm_lose_vmid(ghvm);
}

/* Returns whether the Resource Manager has nothing left of the VM. */
static bool gh_vm_try_end(struct gh_vm *ghvm)
{
	bool reclaimed;

	/* Nothing is taken from a VM that runs, while there is somebody to stop it. */
	if (!gh_vm_stop(ghvm) && !gh_vm_lost(ghvm))
		return false;
	gh_vm_remove_all_functions(ghvm);
	gh_vm_free_resources(ghvm);
	/*
	 * If it fails the Resource Manager may still have got as far as that, and
	 * decides by itself what it gives back.
	 */
	gh_vm_reset(ghvm);
	reclaimed = gh_vm_reclaim_memory(ghvm);
	gh_vm_free_own_memory(ghvm);
	if (!reclaimed)
		return false;
	gh_vm_dealloc_vmid(ghvm);
	return !gh_vm_state_has_vmid(gh_vm_state(ghvm));
}

static void gh_vm_retry_end(struct gh_vm *ghvm)
{
	struct gh_vm_mgr *mgr = ghvm->mgr;

	mutex_lock(&mgr->lock);
	ghvm->retry_delay = clamp_t(unsigned long, ghvm->retry_delay * 2,
				    GH_VM_RETRY_MIN, GH_VM_RETRY_MAX);
	/* Once the Resource Manager is lost, the last try is not put off. */
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
		wake_up_all(&ghvm->wq);
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
