/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Resource Manager for KUnit: receives requests by way of the scripted
 * hypervisor, keeps them for the test to look at, and replies by a script.
 */

#ifndef _GUNYAH_RM_PEER_H
#define _GUNYAH_RM_PEER_H

#include <linux/gunyah_rsc_mgr.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "../../drivers/virt/gunyah/rsc_mgr_packet.h"
#include "gunyah_hypercall_fake.h"

struct kunit;
struct platform_device;

#define GH_PEER_TX_CAP		0
#define GH_PEER_RX_CAP		1
#define GH_PEER_TX_INTID	960
#define GH_PEER_RX_INTID	961

#define GH_PEER_MAX_REQUESTS	64
#define GH_PEER_MAX_NOTIFIED	64
#define GH_PEER_TIMEOUT		(60 * HZ)
#define GH_PEER_TIMEOUT_US	(60 * USEC_PER_SEC)
/* When a request becomes overdue: never on its own, except where that is tested */
#define GH_PEER_OVERDUE_MS	60000
#define GH_PEER_SOON_OVERDUE_MS	5000
/* Long enough to see what should not happen, on a slow machine mostly */
#define GH_PEER_SETTLE_MS	100

/**
 * struct gh_peer_request - a request that came
 * @header: of the request
 * @push: which of its packets were pushed, a bit each
 * @size: size of @payload
 * @payload: of the request
 */
struct gh_peer_request {
	struct gh_rm_message_header header;
	u64 push;
	size_t size;
	void *payload;
};

/**
 * struct gh_peer_reply - what to do about a request
 * @mute: no reply; else:
 * @code: the Resource Manager's code
 * @body: what follows it
 * @size: size of @body
 * @raw: @body and @size are all of the reply, @code is not used
 */
struct gh_peer_reply {
	bool mute;
	u32 code;
	const void *body;
	size_t size;
	bool raw;
};

/**
 * struct gh_peer - a Resource Manager and its device
 * @tx: queue from the host
 * @rx: queue to the host
 * @pdev: the device
 * @rm: what the driver made of it
 * @nb: receives notifications
 * @listen: held by the listener
 * @work: receives requests
 * @blocked: do not receive
 * @wait: woken when something happens
 * @lock: guards what follows
 * @assembly: request that is being received
 * @push: of the request that is being received
 * @n_requests: how many came
 * @requests: these
 * @n_replies: length of @replies
 * @next_reply: index of the reply to the next request; mute if there is none
 * @replies: the script
 * @n_notified: how many notifications were handed to the listener
 * @notified: first words of these
 */
struct gh_peer {
	struct gh_fake_msgq tx;
	struct gh_fake_msgq rx;
	struct platform_device *pdev;
	struct gh_rm *rm;
	struct notifier_block nb;
	struct mutex listen;	/* see above */
	struct work_struct work;
	bool blocked;
	wait_queue_head_t wait;
	struct mutex lock;	/* see above */
	struct gh_rm_assembly assembly;
	u64 push;
	unsigned int n_requests;
	struct gh_peer_request requests[GH_PEER_MAX_REQUESTS];
	unsigned int n_replies;
	unsigned int next_reply;
	struct gh_peer_reply replies[GH_PEER_MAX_REQUESTS];
	atomic_t n_notified;
	struct {
		unsigned long msg_id;
		size_t size;
		u8 first;
	} notified[GH_PEER_MAX_NOTIFIED];
};

extern const u8 gh_peer_hlos[4];
extern const u8 gh_peer_vmid[4];
extern const struct gh_peer_reply gh_peer_muted;
extern const struct gh_peer_reply gh_peer_done;
extern const struct gh_peer_reply gh_peer_allocated;
extern const struct gh_peer_reply gh_peer_is_hlos;

int gh_peer_set_overdue(unsigned int ms);
int gh_peer_test_init(struct kunit *test);
void gh_peer_test_exit(struct kunit *test);
struct gh_peer *gh_peer_create(void);
void gh_peer_destroy(struct gh_peer *peer);
int gh_peer_bind(struct gh_peer *peer);
int gh_peer_attach(struct gh_peer *peer);
void gh_peer_detach(struct gh_peer *peer);
void gh_peer_unbind(struct gh_peer *peer);
void gh_peer_block(struct gh_peer *peer, bool blocked);
void gh_peer_forget(struct gh_peer *peer);
void gh_peer_script(struct gh_peer *peer, const struct gh_peer_reply *reply);
bool gh_peer_wait_requests(struct gh_peer *peer, unsigned int n);
bool gh_peer_wait_notified(struct gh_peer *peer, int n);
bool gh_peer_send(struct gh_peer *peer, enum gh_rm_packet_type type, u16 seq, u32 msg_id,
		  const void *payload, size_t size);
bool gh_peer_send_packet(struct gh_peer *peer, const void *packet, size_t size);
bool gh_peer_reply(struct gh_peer *peer, unsigned int request, const struct gh_peer_reply *reply);

/**
 * struct gh_peer_caller - a thread that makes one call
 * @call: the call
 * @rm: whom it calls
 * @arg: for the call
 * @task: the thread
 * @done: completed when the call returned
 * @ret: what it returned
 */
struct gh_peer_caller {
	int (*call)(struct gh_rm *rm, void *arg);
	struct gh_rm *rm;
	void *arg;
	struct task_struct *task;
	struct completion done;
	int ret;
};

int gh_peer_call(struct gh_peer_caller *caller, struct gh_rm *rm,
		 int (*call)(struct gh_rm *rm, void *arg), void *arg);
int gh_peer_get_vmid(struct gh_rm *rm, void *arg);
int gh_peer_alloc_vmid(struct gh_rm *rm, void *arg);
int gh_peer_get_resources(struct gh_rm *rm, void *arg);
void gh_peer_kill(struct gh_peer_caller *caller);
int gh_peer_return(struct gh_peer_caller *caller);
bool gh_peer_works(struct gh_peer *peer);

#endif /* _GUNYAH_RM_PEER_H */
