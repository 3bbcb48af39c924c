// SPDX-License-Identifier: GPL-2.0
/*
 * vCPU function: a file by which a thread gives its time to a vCPU.
 */

#define pr_fmt(fmt) "gunyah-vcpu: " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gunyah.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/unaligned.h>
#include <linux/wait.h>

/* How long a vCPU that faulted waits for word that its VM ended of it. */
#define GH_VCPU_FAULT_TIMEOUT	HZ

/* How often a vCPU that is to leave its run is reminded of it, in ms. */
#define GH_VCPU_KICK_INTERVAL	10

/**
 * struct gh_vcpu - a vCPU
 * @kref: the function instance and the file
 * @ghvm: its VM; the file holds a reference to it as well
 * @ticket: claim to its resource
 * @listener: wakes it up when the VM ends
 * @id: its position in the guest's devicetree
 * @irq_name: for /proc/interrupts
 * @page: where @run is
 * @run: shared with userspace, which can write to it at any time
 * @run_lock: guards the fields up to @read_len; held while it runs. Taken inside
 *	      of the VM's locks; nothing of the VM's is taken inside of it but
 *	      the spinlock of its state.
 * @rsc: what is run, or NULL
 * @resume: for the next hypercall
 * @exit: GH_VCPU_EXIT_* that userspace has to answer, or GH_VCPU_EXIT_UNKNOWN
 * @read_len: length of the read that userspace is to supply the value of, or 0
 * @removed: it may no longer run
 * @woken: it has something to do again
 * @cpu: where it runs, or ran last
 * @wq: where it sleeps
 */
struct gh_vcpu {
	struct kref kref;
	struct gh_vm *ghvm;
	struct gh_vm_resource_ticket ticket;
	struct gh_vm_listener listener;
	u32 id;
	char irq_name[24];
	struct page *page;
	struct gh_vcpu_run *run;

	struct mutex run_lock;	/* see above */
	struct gh_resource *rsc;
	u64 resume[3];
	u32 exit;
	u32 read_len;

	bool removed;
	bool woken;
	int cpu;
	wait_queue_head_t wq;
};

static void gh_vcpu_free(struct kref *kref)
{
	struct gh_vcpu *vcpu = container_of(kref, struct gh_vcpu, kref);

	put_page(vcpu->page);
	kfree(vcpu);
}

static void gh_vcpu_put(struct gh_vcpu *vcpu)
{
	kref_put(&vcpu->kref, gh_vcpu_free);
}

/* Any interrupt brings a vCPU back from the hypervisor. */
static void gh_vcpu_kicked(void *unused)
{
}

static void gh_vcpu_kick(struct gh_vcpu *vcpu)
{
	wake_up_all(&vcpu->wq);
	smp_call_function_single(READ_ONCE(vcpu->cpu), gh_vcpu_kicked, NULL, 0);
}

/*
 * Running
 */

static bool gh_vcpu_may_run(const struct gh_vcpu *vcpu)
{
	return !READ_ONCE(vcpu->removed) && gh_vm_may_run(vcpu->ghvm);
}

/* The VM ended, or never ran: returns what the ioctl returns. */
static int gh_vcpu_exit_status(struct gh_vcpu *vcpu)
{
	struct gh_vm_exit_info exit_info;
	enum gh_vm_status status;
	int ret;

	if (READ_ONCE(vcpu->removed))
		return -ENODEV;

	ret = gh_vm_exit_status(vcpu->ghvm, &status, &exit_info);
	if (ret)
		return ret;

	vcpu->run->exit_reason = GH_VCPU_EXIT_STATUS;
	vcpu->run->status.status = status;
	vcpu->run->status.exit_info = exit_info;
	return 0;
}

/*
 * Waits until there is something to run, for no longer than @timeout. Whether
 * that is so is for the caller's loop to find out.
 */
static int gh_vcpu_sleep(struct gh_vcpu *vcpu, long timeout)
{
	long left;

	left = wait_event_interruptible_timeout(vcpu->wq,
						READ_ONCE(vcpu->woken) || !gh_vcpu_may_run(vcpu),
						timeout);
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}

/* Nobody can repair this; the VM's end usually follows. */
static int gh_vcpu_faulted(struct gh_vcpu *vcpu)
{
	int ret;

	ret = gh_vcpu_sleep(vcpu, GH_VCPU_FAULT_TIMEOUT);
	if (ret != -ETIMEDOUT)
		return ret;

	pr_err_ratelimited("vCPU %u faulted\n", vcpu->id);
	return -EIO;
}

static bool gh_vcpu_mmio_is_valid(u64 len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

/* Returns 1 if userspace has to do it. */
static int gh_vcpu_mmio(struct gh_vcpu *vcpu, const struct gh_hypercall_vcpu_run_resp *resp)
{
	bool is_write = resp->state == GH_VCPU_STATE_VMMIO_WRITE;
	u64 addr = resp->state_data[0];
	u64 len = resp->state_data[1];
	u64 data = is_write ? resp->state_data[2] : 0;

	if (!gh_vcpu_mmio_is_valid(len)) {
		pr_err_ratelimited("vCPU %u: access of %llu bytes\n", vcpu->id, len);
		return -EINVAL;
	}

	if (is_write && !gh_vm_mmio_write(vcpu->ghvm, addr, len, data))
		return 0;

	vcpu->run->exit_reason = GH_VCPU_EXIT_MMIO;
	vcpu->run->mmio.phys_addr = addr;
	put_unaligned_le64(data, vcpu->run->mmio.data);
	vcpu->run->mmio.len = len;
	vcpu->run->mmio.is_write = is_write;
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	vcpu->exit = GH_VCPU_EXIT_MMIO;
	vcpu->read_len = is_write ? 0 : len;
	return 1;
}

/* A guest has all of its memory before it starts: there is none to be given now. */
static int gh_vcpu_page_fault(struct gh_vcpu *vcpu, const struct gh_hypercall_vcpu_run_resp *resp)
{
	vcpu->run->exit_reason = GH_VCPU_EXIT_PAGE_FAULT;
	vcpu->run->page_fault.phys_addr = resp->state_data[0];
	vcpu->run->page_fault.attempt = -ENOENT;
	vcpu->run->page_fault.resume_action = GH_VCPU_RESUME_FAULT;
	vcpu->exit = GH_VCPU_EXIT_PAGE_FAULT;
	return 1;
}

/* Returns 0 to go on, 1 if there is something for userspace, or an errno. */
static int gh_vcpu_handle(struct gh_vcpu *vcpu, const struct gh_hypercall_vcpu_run_resp *resp)
{
	switch (resp->state) {
	case GH_VCPU_STATE_READY:
	case GH_VCPU_STATE_BLOCKED:
		return 0;
	case GH_VCPU_STATE_EXPECTS_WAKEUP:
	case GH_VCPU_STATE_POWERED_OFF:
	case GH_VCPU_STATE_PSCI_SYSTEM_RESET:
		/* The VM's end is told much later than its vCPUs stop to run. */
		return gh_vcpu_sleep(vcpu, MAX_SCHEDULE_TIMEOUT);
	case GH_VCPU_STATE_VMMIO_READ:
	case GH_VCPU_STATE_VMMIO_WRITE:
		return gh_vcpu_mmio(vcpu, resp);
	case GH_VCPU_STATE_PAGE_FAULT:
		return gh_vcpu_page_fault(vcpu, resp);
	case GH_VCPU_STATE_FAULT:
		return gh_vcpu_faulted(vcpu);
	default:
		pr_err_ratelimited("vCPU %u: unknown state %llu\n", vcpu->id, resp->state);
		return -EINVAL;
	}
}

static int gh_vcpu_take_action(struct gh_vcpu *vcpu)
{
	const struct gh_vcpu_run *run = vcpu->run;
	u8 action;

	if (vcpu->exit == GH_VCPU_EXIT_MMIO)
		action = READ_ONCE(run->mmio.resume_action);
	else
		action = READ_ONCE(run->page_fault.resume_action);

	switch (action) {
	case GH_VCPU_RESUME_HANDLED:
		vcpu->resume[1] = GH_VMMIO_EMULATED;
		return 0;
	case GH_VCPU_RESUME_FAULT:
		vcpu->resume[1] = GH_VMMIO_ABORT;
		return 0;
	case GH_VCPU_RESUME_RETRY:
		vcpu->resume[1] = GH_VMMIO_AGAIN;
		return 0;
	default:
		return -EINVAL;
	}
}

/* What userspace says to the last exit, taken when it goes down. */
static int gh_vcpu_take_answer(struct gh_vcpu *vcpu)
{
	u8 data[sizeof(u64)] = {};
	int ret;

	if (vcpu->exit == GH_VCPU_EXIT_UNKNOWN)
		return 0;

	ret = gh_vcpu_take_action(vcpu);
	if (ret)
		return ret;

	memcpy(data, vcpu->run->mmio.data, vcpu->read_len);
	vcpu->resume[0] = get_unaligned_le64(data);
	vcpu->read_len = 0;
	vcpu->exit = GH_VCPU_EXIT_UNKNOWN;
	return 0;
}

static int gh_vcpu_enter(struct gh_vcpu *vcpu)
{
	struct gh_hypercall_vcpu_run_resp resp;
	enum gh_error err;
	int ret;

	ret = gh_vcpu_take_answer(vcpu);
	if (ret)
		return ret;

	/* Before the hypercall: afterwards the interrupt may come at any time. */
	WRITE_ONCE(vcpu->woken, false);

	/* So that a kick finds the CPU that it is on. */
	preempt_disable();
	WRITE_ONCE(vcpu->cpu, smp_processor_id());
	err = gh_hypercall_vcpu_run(vcpu->rsc->capid, vcpu->resume, &resp);
	preempt_enable();

	switch (err) {
	case GH_ERROR_OK:
		/* Only now it is used up. */
		memset(vcpu->resume, 0, sizeof(vcpu->resume));
		return gh_vcpu_handle(vcpu, &resp);
	case GH_ERROR_RETRY:
		return 0;
	default:
		return gh_error_remap(err);
	}
}

static int gh_vcpu_loop(struct gh_vcpu *vcpu)
{
	int ret;

	lockdep_assert_held(&vcpu->run_lock);

	for (;;) {
		if (!vcpu->rsc)
			return -ENODEV;
		if (!gh_vcpu_may_run(vcpu))
			return gh_vcpu_exit_status(vcpu);
		if (READ_ONCE(vcpu->run->immediate_exit) || signal_pending(current))
			return -EINTR;
		ret = gh_vcpu_enter(vcpu);
		if (ret)
			return ret < 0 ? ret : 0;
		/* A guest whose writes eventfds take may never leave for anything else. */
		cond_resched();
	}
}

static int gh_vcpu_run(struct gh_vcpu *vcpu)
{
	int ret;

	if (mutex_lock_interruptible(&vcpu->run_lock))
		return -EINTR;
	ret = gh_vcpu_loop(vcpu);
	mutex_unlock(&vcpu->run_lock);
	return ret;
}

/*
 * File
 */

static long gh_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case GH_VCPU_RUN:
		return gh_vcpu_run(file->private_data);
	case GH_VCPU_MMAP_SIZE:
		return PAGE_SIZE;
	default:
		return -ENOTTY;
	}
}

static vm_fault_t gh_vcpu_fault(struct vm_fault *vmf)
{
	struct gh_vcpu *vcpu = vmf->vma->vm_file->private_data;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;

	get_page(vcpu->page);
	vmf->page = vcpu->page;
	return 0;
}

static const struct vm_operations_struct gh_vcpu_vm_ops = {
	.fault = gh_vcpu_fault,
};

static int gh_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &gh_vcpu_vm_ops;
	return 0;
}

static int gh_vcpu_release(struct inode *inode, struct file *file)
{
	struct gh_vcpu *vcpu = file->private_data;

	gh_vm_put(vcpu->ghvm);
	gh_vcpu_put(vcpu);
	return 0;
}

static const struct file_operations gh_vcpu_fops = {
	.owner = THIS_MODULE,
	.release = gh_vcpu_release,
	.unlocked_ioctl = gh_vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = gh_vcpu_mmap,
	.llseek = noop_llseek,
};

/*
 * Function
 */

static void gh_vcpu_changed(struct gh_vm_listener *listener)
{
	struct gh_vcpu *vcpu = container_of(listener, struct gh_vcpu, listener);

	if (!gh_vm_may_run(vcpu->ghvm))
		gh_vcpu_kick(vcpu);
}

static irqreturn_t gh_vcpu_irq(int irq, void *data)
{
	struct gh_vcpu *vcpu = data;

	WRITE_ONCE(vcpu->woken, true);
	wake_up(&vcpu->wq);
	return IRQ_HANDLED;
}

static bool gh_vcpu_has_irq(const struct gh_resource *rsc)
{
	return rsc->irq && rsc->irq != IRQ_NOTCONNECTED;
}

static int gh_vcpu_populate(struct gh_vm_resource_ticket *ticket, struct gh_resource *rsc)
{
	struct gh_vcpu *vcpu = container_of(ticket, struct gh_vcpu, ticket);
	int ret;

	if (gh_vcpu_has_irq(rsc)) {
		ret = request_irq(rsc->irq, gh_vcpu_irq, IRQF_TRIGGER_RISING, vcpu->irq_name, vcpu);
		if (ret)
			return ret;
	}

	mutex_lock(&vcpu->run_lock);
	vcpu->rsc = rsc;
	mutex_unlock(&vcpu->run_lock);
	return 0;
}

/* Ends its run, now and for ever, and returns with @run_lock held. */
static void gh_vcpu_halt(struct gh_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->removed, true);
	while (!mutex_trylock(&vcpu->run_lock)) {
		gh_vcpu_kick(vcpu);
		schedule_timeout_uninterruptible(msecs_to_jiffies(GH_VCPU_KICK_INTERVAL));
	}
}

static void gh_vcpu_unpopulate(struct gh_vm_resource_ticket *ticket, struct gh_resource *rsc)
{
	struct gh_vcpu *vcpu = container_of(ticket, struct gh_vcpu, ticket);

	gh_vcpu_halt(vcpu);
	vcpu->rsc = NULL;
	mutex_unlock(&vcpu->run_lock);

	if (gh_vcpu_has_irq(rsc))
		free_irq(rsc->irq, vcpu);
}

static struct gh_vcpu *gh_vcpu_alloc(struct gh_vm *ghvm, u32 id)
{
	struct gh_vcpu *vcpu;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return NULL;

	vcpu->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vcpu->page) {
		kfree(vcpu);
		return NULL;
	}

	kref_init(&vcpu->kref);
	vcpu->run = page_address(vcpu->page);
	vcpu->ghvm = ghvm;
	vcpu->id = id;
	snprintf(vcpu->irq_name, sizeof(vcpu->irq_name), "gh-vcpu:%u", id);
	mutex_init(&vcpu->run_lock);
	init_waitqueue_head(&vcpu->wq);
	vcpu->listener.changed = gh_vcpu_changed;
	vcpu->ticket.resource_type = GH_RESOURCE_TYPE_VCPU;
	vcpu->ticket.label = id;
	vcpu->ticket.populate = gh_vcpu_populate;
	vcpu->ticket.unpopulate = gh_vcpu_unpopulate;
	return vcpu;
}

/* The file has references of its own, given back when it is released. */
static struct file *gh_vcpu_make_file(struct gh_vcpu *vcpu)
{
	struct file *file;
	char name[24];

	snprintf(name, sizeof(name), "gh-vcpu:%u", vcpu->id);
	kref_get(&vcpu->kref);
	gh_vm_get(vcpu->ghvm);
	file = anon_inode_getfile(name, &gh_vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		gh_vm_put(vcpu->ghvm);
		gh_vcpu_put(vcpu);
	}

	return file;
}

static int gh_vcpu_bind(struct gh_vm_function_instance *inst)
{
	const struct gh_fn_vcpu_arg *arg = inst->argp;
	struct gh_vcpu *vcpu;
	struct file *file;
	int ret, fd;

	vcpu = gh_vcpu_alloc(inst->ghvm, arg->id);
	if (!vcpu)
		return -ENOMEM;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_put;
	}

	gh_vm_add_listener(inst->ghvm, &vcpu->listener);
	ret = gh_vm_add_resource_ticket(inst->ghvm, &vcpu->ticket);
	if (ret)
		goto err_listener;

	file = gh_vcpu_make_file(vcpu);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_ticket;
	}

	inst->data = vcpu;
	fd_install(fd, file);
	return fd;

err_ticket:
	gh_vm_remove_resource_ticket(inst->ghvm, &vcpu->ticket);
err_listener:
	gh_vm_remove_listener(inst->ghvm, &vcpu->listener);
	put_unused_fd(fd);
err_put:
	gh_vcpu_put(vcpu);
	return ret;
}

static void gh_vcpu_unbind(struct gh_vm_function_instance *inst)
{
	struct gh_vcpu *vcpu = inst->data;

	gh_vm_remove_resource_ticket(inst->ghvm, &vcpu->ticket);
	gh_vm_remove_listener(inst->ghvm, &vcpu->listener);
	gh_vcpu_put(vcpu);
}

static bool gh_vcpu_compare(const struct gh_vm_function_instance *inst, const void *arg)
{
	const struct gh_fn_vcpu_arg *wanted = arg;
	const struct gh_fn_vcpu_arg *own = inst->argp;

	return own->id == wanted->id;
}

static const struct gh_vm_function gh_vcpu_function = {
	.type = GH_FN_VCPU,
	.mod = THIS_MODULE,
	.arg_size = sizeof(struct gh_fn_vcpu_arg),
	.bind = gh_vcpu_bind,
	.unbind = gh_vcpu_unbind,
	.compare = gh_vcpu_compare,
};
module_gh_vm_function(gh_vcpu_function);

MODULE_DESCRIPTION("Gunyah vCPU function");
MODULE_ALIAS_GH_VM_FUNCTION(1);
MODULE_LICENSE("GPL");
