/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hypervisor for KUnit: exports what gunyah_hypercall.ko does.
 *
 * A call takes the first answer that the script has for it. Without one,
 * message queues that a test has added work as real ones; all other calls are
 * told that there is no such capability.
 */

#ifndef _GUNYAH_HYPERCALL_FAKE_H
#define _GUNYAH_HYPERCALL_FAKE_H

#include <linux/gunyah.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

enum gh_fake_call {
	GH_FAKE_BELL_SEND,
	GH_FAKE_BELL_RECEIVE,
	GH_FAKE_BELL_SET_MASK,
	GH_FAKE_MSGQ_SEND,
	GH_FAKE_MSGQ_RECV,
	GH_FAKE_VCPU_RUN,
};

/**
 * struct gh_fake_answer - an answer to a hypercall
 * @call: which call
 * @capid: with which capability
 * @skip: how many of these calls go by before
 * @error: what it answers
 * @x: results, x[0] being register x1
 */
struct gh_fake_answer {
	enum gh_fake_call call;
	u64 capid;
	unsigned int skip;
	enum gh_error error;
	u64 x[4];
};

int gh_fake_script(const struct gh_fake_answer *answer);
unsigned int gh_fake_script_left(void);
void gh_fake_script_clear(void);

/*
 * Kernel log: how often a text was printed
 */

void gh_fake_log_watch(const char *text);
unsigned int gh_fake_log_seen(void);

/*
 * Interrupt controller, with shared peripheral interrupts as a GIC has them
 */

#define GH_FAKE_INTID_FIRST	32
#define GH_FAKE_INTID_LAST	1019

int gh_fake_irq_map(u32 intid);
void gh_fake_irq_unmap(int irq);
void gh_fake_irq_raise(u32 intid);

/*
 * Message queues
 */

#define GH_FAKE_MSGQ_DEPTH	8
/* Longest message that is kept, and that the host can send. */
#define GH_FAKE_MSGQ_SIZE	240
/* Longest message to the host; what is behind GH_FAKE_MSGQ_SIZE is 0. */
#define GH_FAKE_MSGQ_LONGEST	1023

/**
 * struct gh_fake_msgq - a message queue
 * @node: in the list of queues
 * @type: the host's end: GH_RESOURCE_TYPE_MSGQ_TX or GH_RESOURCE_TYPE_MSGQ_RX
 * @capid: the host's capability
 * @intid: the host's interrupt
 * @irq: that interrupt in Linux
 * @sent: called when the host has sent, in atomic context; or NULL
 * @priv: for @sent
 * @first: index of the oldest message
 * @count: how many there are
 * @calls: hypercalls of the host
 * @thread: which of the host's received last
 * @fail_nth: see gh_fake_msgq_fail()
 * @signal: see gh_fake_msgq_signal()
 * @endless: messages stay when they are received
 * @messages: ring of messages
 */
struct gh_fake_msgq {
	struct list_head node;
	enum gh_resource_type type;
	u64 capid;
	u32 intid;
	int irq;
	void (*sent)(void *priv);
	void *priv;
	unsigned int first;
	unsigned int count;
	unsigned int calls;
	struct task_struct *thread;
	unsigned int fail_nth;
	bool signal;
	bool endless;
	struct gh_fake_message {
		size_t size;
		bool push;
		u8 data[GH_FAKE_MSGQ_SIZE];
	} messages[GH_FAKE_MSGQ_DEPTH];
};

int gh_fake_msgq_add(struct gh_fake_msgq *queue);
void gh_fake_msgq_del(struct gh_fake_msgq *queue);
bool gh_fake_msgq_put(struct gh_fake_msgq *queue, const void *data, size_t size, bool irq);
bool gh_fake_msgq_take(struct gh_fake_msgq *queue, struct gh_fake_message *message);
void gh_fake_msgq_resource(const struct gh_fake_msgq *queue, struct gh_resource *resource);

/*
 * What may happen to the thread that receives
 */

void gh_fake_msgq_signal(struct gh_fake_msgq *queue, bool pending);
void gh_fake_msgq_fail(struct gh_fake_msgq *queue, unsigned int nth);
unsigned int gh_fake_msgq_fail_end(struct gh_fake_msgq *queue);

/*
 * Failing allocations, one in a thread: the kernel's fault injection
 */

#ifdef CONFIG_FAULT_INJECTION
static inline void gh_fake_fail(struct task_struct *task, unsigned int nth)
{
	WRITE_ONCE(task->fail_nth, nth);
}

static inline unsigned int gh_fake_fail_end(struct task_struct *task)
{
	unsigned int left = READ_ONCE(task->fail_nth);

	WRITE_ONCE(task->fail_nth, 0);

	return left;
}
#else
static inline void gh_fake_fail(struct task_struct *task, unsigned int nth)
{
}

static inline unsigned int gh_fake_fail_end(struct task_struct *task)
{
	return 0;
}
#endif

#endif /* _GUNYAH_HYPERCALL_FAKE_H */
