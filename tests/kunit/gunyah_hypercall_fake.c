// SPDX-License-Identifier: GPL-2.0
/*
 * A hypervisor for KUnit
 */

#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "gunyah_hypercall_fake.h"

/* What a real one answered. */
#define GH_FAKE_API_INFO	0x5100000000008001ULL
#define GH_FAKE_FLAGS		0x10000effULL

struct gh_fake_script_entry {
	struct list_head node;
	struct gh_fake_answer answer;
};

/* Guards both lists and the queues. */
static DEFINE_SPINLOCK(gh_fake_lock);
static LIST_HEAD(gh_fake_answers);
static LIST_HEAD(gh_fake_queues);

static struct tracepoint *gh_fake_console;
static const char *gh_fake_log_text;
static atomic_t gh_fake_log_count;

static struct fwnode_handle *gh_fake_fwnode;
static struct irq_domain *gh_fake_domain;

/**
 * gh_fake_script() - add an answer to the end of the script
 * @answer: the answer
 *
 * Return: 0 or -ENOMEM.
 */
int gh_fake_script(const struct gh_fake_answer *answer)
{
	struct gh_fake_script_entry *entry;
	unsigned long flags;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;

	entry->answer = *answer;
	spin_lock_irqsave(&gh_fake_lock, flags);
	list_add_tail(&entry->node, &gh_fake_answers);
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	return 0;
}
EXPORT_SYMBOL_GPL(gh_fake_script);

/**
 * gh_fake_script_left() - how much of the script was not used so far
 *
 * Return: the number of answers.
 */
unsigned int gh_fake_script_left(void)
{
	struct gh_fake_script_entry *entry;
	unsigned int left = 0;
	unsigned long flags;

	spin_lock_irqsave(&gh_fake_lock, flags);
	list_for_each_entry(entry, &gh_fake_answers, node)
		left++;
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	return left;
}
EXPORT_SYMBOL_GPL(gh_fake_script_left);

/**
 * gh_fake_script_clear() - remove all answers from the script
 */
void gh_fake_script_clear(void)
{
	struct gh_fake_script_entry *entry, *next;
	unsigned long flags;
	LIST_HEAD(entries);

	spin_lock_irqsave(&gh_fake_lock, flags);
	list_splice_init(&gh_fake_answers, &entries);
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	list_for_each_entry_safe(entry, next, &entries, node)
		kfree(entry);
}
EXPORT_SYMBOL_GPL(gh_fake_script_clear);

static bool gh_fake_take_answer(enum gh_fake_call call, u64 capid, struct gh_fake_answer *answer)
{
	struct gh_fake_script_entry *entry;

	lockdep_assert_held(&gh_fake_lock);

	list_for_each_entry(entry, &gh_fake_answers, node) {
		if (entry->answer.call != call || entry->answer.capid != capid)
			continue;
		if (entry->answer.skip) {
			entry->answer.skip--;
			return false;
		}
		*answer = entry->answer;
		list_del(&entry->node);
		kfree(entry);
		return true;
	}

	return false;
}

/* A call that only a script can answer. */
static void gh_fake_scripted(enum gh_fake_call call, u64 capid, struct gh_fake_answer *answer)
{
	unsigned long flags;

	spin_lock_irqsave(&gh_fake_lock, flags);
	if (!gh_fake_take_answer(call, capid, answer))
		answer->error = GH_ERROR_CSPACE_CAP_NULL;
	spin_unlock_irqrestore(&gh_fake_lock, flags);
}

bool arch_is_gh_guest(void)
{
	return true;
}
EXPORT_SYMBOL_GPL(arch_is_gh_guest);

void gh_hypercall_hyp_identify(struct gh_hypercall_hyp_identify_resp *resp)
{
	*resp = (struct gh_hypercall_hyp_identify_resp) {
		.api_info = GH_FAKE_API_INFO,
		.flags = { GH_FAKE_FLAGS },
	};
}
EXPORT_SYMBOL_GPL(gh_hypercall_hyp_identify);

enum gh_error gh_hypercall_bell_send(u64 capid, u64 new_flags, u64 *old_flags)
{
	struct gh_fake_answer answer = {};

	gh_fake_scripted(GH_FAKE_BELL_SEND, capid, &answer);
	if (!answer.error && old_flags)
		*old_flags = answer.x[0];

	return answer.error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_send);

enum gh_error gh_hypercall_bell_receive(u64 capid, u64 clear_flags, u64 *old_flags)
{
	struct gh_fake_answer answer = {};

	gh_fake_scripted(GH_FAKE_BELL_RECEIVE, capid, &answer);
	*old_flags = answer.error ? 0 : answer.x[0];

	return answer.error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_receive);

enum gh_error gh_hypercall_bell_set_mask(u64 capid, u64 enable_mask, u64 ack_mask)
{
	struct gh_fake_answer answer = {};

	gh_fake_scripted(GH_FAKE_BELL_SET_MASK, capid, &answer);

	return answer.error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_set_mask);

enum gh_error gh_hypercall_vcpu_run(u64 capid, const u64 resume_data[3],
				    struct gh_hypercall_vcpu_run_resp *resp)
{
	struct gh_fake_answer answer = {};

	gh_fake_scripted(GH_FAKE_VCPU_RUN, capid, &answer);
	if (!answer.error) {
		resp->state = answer.x[0];
		memcpy(resp->state_data, &answer.x[1], sizeof(resp->state_data));
	}

	return answer.error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_vcpu_run);

static struct gh_fake_msgq *gh_fake_find_queue(u64 capid, enum gh_resource_type type,
					       enum gh_error *error)
{
	struct gh_fake_msgq *queue;

	lockdep_assert_held(&gh_fake_lock);

	list_for_each_entry(queue, &gh_fake_queues, node) {
		if (queue->capid != capid)
			continue;
		queue->calls++;
		*error = queue->type == type ? GH_ERROR_OK : GH_ERROR_CSPACE_INSUF_RIGHTS;
		return queue;
	}

	*error = GH_ERROR_CSPACE_CAP_NULL;

	return NULL;
}

static enum gh_error gh_fake_queue_add(struct gh_fake_msgq *queue, const void *data, size_t size,
				       bool push)
{
	bool to_host = queue->type == GH_RESOURCE_TYPE_MSGQ_RX;
	struct gh_fake_message *message;

	if (!size || size > (to_host ? GH_FAKE_MSGQ_LONGEST : GH_FAKE_MSGQ_SIZE))
		return GH_ERROR_ARG_SIZE;
	if (queue->count == GH_FAKE_MSGQ_DEPTH)
		return GH_ERROR_MSGQUEUE_FULL;

	message = &queue->messages[(queue->first + queue->count) % GH_FAKE_MSGQ_DEPTH];
	message->size = size;
	message->push = push;
	memcpy(message->data, data, min(size, sizeof(message->data)));
	queue->count++;

	return GH_ERROR_OK;
}

static enum gh_error gh_fake_queue_remove(struct gh_fake_msgq *queue,
					  struct gh_fake_message *message)
{
	if (!queue->count)
		return GH_ERROR_MSGQUEUE_EMPTY;

	*message = queue->messages[queue->first];
	if (queue->endless)
		return GH_ERROR_OK;
	queue->first = (queue->first + 1) % GH_FAKE_MSGQ_DEPTH;
	queue->count--;

	return GH_ERROR_OK;
}

/* What does not fit into the host's buffer, stays. */
static enum gh_error gh_fake_queue_receive(struct gh_fake_msgq *queue, void *buff, size_t size,
					   size_t *recv_size)
{
	struct gh_fake_message message;

	if (queue->count && queue->messages[queue->first].size > size)
		return GH_ERROR_ADDR_OVFL;
	if (gh_fake_queue_remove(queue, &message))
		return GH_ERROR_MSGQUEUE_EMPTY;

	*recv_size = message.size;
	memset(buff, 0, message.size);
	memcpy(buff, message.data, min(message.size, sizeof(message.data)));

	return GH_ERROR_OK;
}

enum gh_error gh_hypercall_msgq_send(u64 capid, size_t size, const void *buff, u64 tx_flags,
				     bool *ready)
{
	bool push = tx_flags & GH_HYPERCALL_MSGQ_TX_FLAGS_PUSH;
	void (*sent)(void *priv) = NULL;
	struct gh_fake_answer answer;
	struct gh_fake_msgq *queue;
	unsigned long flags;
	enum gh_error error;

	*ready = false;
	spin_lock_irqsave(&gh_fake_lock, flags);
	queue = gh_fake_find_queue(capid, GH_RESOURCE_TYPE_MSGQ_TX, &error);
	if (gh_fake_take_answer(GH_FAKE_MSGQ_SEND, capid, &answer)) {
		error = answer.error;
		*ready = !error && answer.x[0];
	} else if (!error) {
		error = gh_fake_queue_add(queue, buff, size, push);
		*ready = !error && queue->count < GH_FAKE_MSGQ_DEPTH;
		sent = queue->sent;
	}
	if (sent)
		sent(queue->priv);
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	return error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_msgq_send);

/* The host's thread is about to handle what it received. */
static void gh_fake_prepare_receiver(struct gh_fake_msgq *queue)
{
	lockdep_assert_held(&gh_fake_lock);

	queue->thread = current;
	if (queue->signal)
		set_tsk_thread_flag(current, TIF_SIGPENDING);
	if (queue->fail_nth)
		gh_fake_fail(current, queue->fail_nth);
	queue->fail_nth = 0;
}

enum gh_error gh_hypercall_msgq_recv(u64 capid, void *buff, size_t size, size_t *recv_size,
				     bool *ready)
{
	struct gh_fake_answer answer;
	struct gh_fake_msgq *queue;
	unsigned long flags;
	enum gh_error error;

	*recv_size = 0;
	*ready = false;
	spin_lock_irqsave(&gh_fake_lock, flags);
	queue = gh_fake_find_queue(capid, GH_RESOURCE_TYPE_MSGQ_RX, &error);
	if (queue)
		gh_fake_prepare_receiver(queue);
	if (gh_fake_take_answer(GH_FAKE_MSGQ_RECV, capid, &answer)) {
		error = answer.error;
		*recv_size = error ? 0 : answer.x[0];
		*ready = !error && answer.x[1];
	} else if (!error) {
		error = gh_fake_queue_receive(queue, buff, size, recv_size);
		*ready = !error && queue->count;
	}
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	return error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_msgq_recv);

/**
 * gh_fake_msgq_add() - make a message queue
 * @queue: the queue; its type, capid, intid, sent and priv are set
 *
 * Return: 0 or an errno.
 */
int gh_fake_msgq_add(struct gh_fake_msgq *queue)
{
	unsigned long flags;

	queue->irq = gh_fake_irq_map(queue->intid);
	if (queue->irq < 0)
		return queue->irq;

	spin_lock_irqsave(&gh_fake_lock, flags);
	list_add_tail(&queue->node, &gh_fake_queues);
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	return 0;
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_add);

/**
 * gh_fake_msgq_del() - undo gh_fake_msgq_add()
 * @queue: the queue
 */
void gh_fake_msgq_del(struct gh_fake_msgq *queue)
{
	unsigned long flags;

	/* It may never have been added. */
	if (!queue->node.next)
		return;

	spin_lock_irqsave(&gh_fake_lock, flags);
	list_del(&queue->node);
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	gh_fake_irq_unmap(queue->irq);
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_del);

/**
 * gh_fake_msgq_put() - send to the host
 * @queue: the queue
 * @data: the message
 * @size: its size
 * @irq: whether to interrupt the host as a real queue would
 *
 * Return: false if the queue is full.
 */
bool gh_fake_msgq_put(struct gh_fake_msgq *queue, const void *data, size_t size, bool irq)
{
	enum gh_error error;
	unsigned long flags;

	spin_lock_irqsave(&gh_fake_lock, flags);
	error = gh_fake_queue_add(queue, data, size, false);
	irq = irq && !error && queue->count == 1;
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	if (irq)
		gh_fake_irq_raise(queue->intid);

	return !error;
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_put);

/**
 * gh_fake_msgq_take() - receive from the host
 * @queue: the queue
 * @message: set to the message
 *
 * Return: false if the queue is empty.
 */
bool gh_fake_msgq_take(struct gh_fake_msgq *queue, struct gh_fake_message *message)
{
	enum gh_error error;
	unsigned long flags;
	bool irq;

	spin_lock_irqsave(&gh_fake_lock, flags);
	error = gh_fake_queue_remove(queue, message);
	irq = !error && queue->count == GH_FAKE_MSGQ_DEPTH - 1;
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	if (irq)
		gh_fake_irq_raise(queue->intid);

	return !error;
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_take);

/**
 * gh_fake_msgq_resource() - how the host names the queue
 * @queue: the queue
 * @resource: filled in
 */
void gh_fake_msgq_resource(const struct gh_fake_msgq *queue, struct gh_resource *resource)
{
	*resource = (struct gh_resource) {
		.type = queue->type,
		.capid = queue->capid,
		.irq = queue->irq,
	};
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_resource);

/**
 * gh_fake_msgq_signal() - have a signal pending in the thread that receives
 * @queue: the queue, which the host has
 * @pending: begin, with the next message, or end
 */
void gh_fake_msgq_signal(struct gh_fake_msgq *queue, bool pending)
{
	unsigned long flags;

	spin_lock_irqsave(&gh_fake_lock, flags);
	queue->signal = pending;
	if (!pending && queue->thread)
		clear_tsk_thread_flag(queue->thread, TIF_SIGPENDING);
	spin_unlock_irqrestore(&gh_fake_lock, flags);
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_signal);

/**
 * gh_fake_msgq_fail() - have an allocation fail in the thread that receives
 * @queue: the queue, which the host has
 * @nth: which one, counted from the next message on
 */
void gh_fake_msgq_fail(struct gh_fake_msgq *queue, unsigned int nth)
{
	unsigned long flags;

	spin_lock_irqsave(&gh_fake_lock, flags);
	queue->fail_nth = nth;
	spin_unlock_irqrestore(&gh_fake_lock, flags);
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_fail);

/**
 * gh_fake_msgq_fail_end() - end gh_fake_msgq_fail()
 * @queue: the queue, which the host has
 *
 * Waits for the thread.
 *
 * Return: 0 if the allocation failed, else how many more were needed.
 */
unsigned int gh_fake_msgq_fail_end(struct gh_fake_msgq *queue)
{
	unsigned int left;
	unsigned long flags;

	synchronize_irq(queue->irq);

	spin_lock_irqsave(&gh_fake_lock, flags);
	left = queue->fail_nth;
	queue->fail_nth = 0;
	if (!left && queue->thread)
		left = gh_fake_fail_end(queue->thread);
	spin_unlock_irqrestore(&gh_fake_lock, flags);

	return left;
}
EXPORT_SYMBOL_GPL(gh_fake_msgq_fail_end);

static void gh_fake_log_probe(void *data, const char *text, size_t size)
{
	const char *wanted = READ_ONCE(gh_fake_log_text);

	if (wanted && strnstr(text, wanted, size))
		atomic_inc(&gh_fake_log_count);
}

static void gh_fake_find_console(struct tracepoint *tracepoint, void *data)
{
	if (!strcmp(tracepoint->name, "console"))
		gh_fake_console = tracepoint;
}

/**
 * gh_fake_log_watch() - begin to count messages
 * @text: count those with this text in them; NULL for none
 */
void gh_fake_log_watch(const char *text)
{
	WRITE_ONCE(gh_fake_log_text, text);
	atomic_set(&gh_fake_log_count, 0);
}
EXPORT_SYMBOL_GPL(gh_fake_log_watch);

/**
 * gh_fake_log_seen() - how many messages there were
 *
 * Return: their number since gh_fake_log_watch().
 */
unsigned int gh_fake_log_seen(void)
{
	return atomic_read(&gh_fake_log_count);
}
EXPORT_SYMBOL_GPL(gh_fake_log_seen);

static void gh_fake_irq_nop(struct irq_data *data)
{
}

static int gh_fake_irq_set_type(struct irq_data *data, unsigned int type)
{
	return 0;
}

static struct irq_chip gh_fake_irq_chip = {
	.name = "Gunyah fake",
	.irq_mask = gh_fake_irq_nop,
	.irq_unmask = gh_fake_irq_nop,
	.irq_eoi = gh_fake_irq_nop,
	.irq_set_type = gh_fake_irq_set_type,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int gh_fake_irq_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr_irqs,
			     void *arg)
{
	struct irq_fwspec *fwspec = arg;

	if (nr_irqs != 1 || fwspec->param_count != 3 || fwspec->param[0] ||
	    fwspec->param[1] > GH_FAKE_INTID_LAST - GH_FAKE_INTID_FIRST ||
	    fwspec->param[2] != IRQ_TYPE_EDGE_RISING)
		return -EINVAL;

	irq_domain_set_info(domain, virq, fwspec->param[1] + GH_FAKE_INTID_FIRST,
			    &gh_fake_irq_chip, NULL, handle_simple_irq, NULL, NULL);

	return 0;
}

static void gh_fake_irq_free(struct irq_domain *domain, unsigned int virq, unsigned int nr_irqs)
{
	irq_set_handler(virq, NULL);
	irq_domain_reset_irq_data(irq_domain_get_irq_data(domain, virq));
}

static const struct irq_domain_ops gh_fake_irq_ops = {
	.alloc = gh_fake_irq_alloc,
	.free = gh_fake_irq_free,
};

/**
 * gh_fake_irq_map() - make an interrupt known to Linux
 * @intid: its number at the interrupt controller
 *
 * Return: its number in Linux or an errno.
 */
int gh_fake_irq_map(u32 intid)
{
	struct irq_fwspec fwspec = {
		.fwnode = gh_fake_fwnode,
		.param_count = 3,
		.param = { 0, intid - GH_FAKE_INTID_FIRST, IRQ_TYPE_EDGE_RISING },
	};

	return irq_domain_alloc_irqs(gh_fake_domain, 1, NUMA_NO_NODE, &fwspec);
}
EXPORT_SYMBOL_GPL(gh_fake_irq_map);

/**
 * gh_fake_irq_unmap() - undo gh_fake_irq_map()
 * @irq: the interrupt in Linux
 */
void gh_fake_irq_unmap(int irq)
{
	irq_dispose_mapping(irq);
}
EXPORT_SYMBOL_GPL(gh_fake_irq_unmap);

/**
 * gh_fake_irq_raise() - raise an interrupt
 * @intid: its number at the interrupt controller
 */
void gh_fake_irq_raise(u32 intid)
{
	unsigned int irq = irq_find_mapping(gh_fake_domain, intid);

	if (irq)
		generic_handle_irq_safe(irq);
}
EXPORT_SYMBOL_GPL(gh_fake_irq_raise);

static int __init gh_fake_irq_init(void)
{
	gh_fake_fwnode = irq_domain_alloc_named_fwnode("gunyah-fake");
	if (!gh_fake_fwnode)
		return -ENOMEM;

	gh_fake_domain = irq_domain_create_tree(gh_fake_fwnode, &gh_fake_irq_ops, NULL);
	if (!gh_fake_domain) {
		irq_domain_free_fwnode(gh_fake_fwnode);
		return -ENOMEM;
	}

	return 0;
}

static void gh_fake_irq_exit(void)
{
	irq_domain_remove(gh_fake_domain);
	irq_domain_free_fwnode(gh_fake_fwnode);
}

static int __init gh_fake_init(void)
{
	int ret;

	for_each_kernel_tracepoint(gh_fake_find_console, NULL);
	if (!gh_fake_console)
		return -EOPNOTSUPP;

	ret = gh_fake_irq_init();
	if (ret)
		return ret;

	ret = tracepoint_probe_register(gh_fake_console, gh_fake_log_probe, NULL);
	if (ret)
		gh_fake_irq_exit();

	return ret;
}
module_init(gh_fake_init);

static void __exit gh_fake_exit(void)
{
	tracepoint_probe_unregister(gh_fake_console, gh_fake_log_probe, NULL);
	tracepoint_synchronize_unregister();
	gh_fake_script_clear();
	gh_fake_irq_exit();
}
module_exit(gh_fake_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gunyah hypercalls, scripted");
