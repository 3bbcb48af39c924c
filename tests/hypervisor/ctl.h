/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tests' control channel: what its parts know of each other.
 *
 *   ctl.c            the operations, and which command goes to whom
 *   ctl_line.c       taking a command line apart
 *   ctl_fault.c      what is to go wrong with a request and its reply
 *   ctl_reply.c      replies that are late, twice, or not as they should be
 *   ctl_inject.c     packets, interrupts and ends of VMs that nobody asked for
 *   ctl_set.c        what guests and boot loaders would say
 *   ctl_hypercall.c  counts of hypercalls, and answers made up
 *   ctl_loopback.c   message queues that begin and end in the primary
 *   ctl_trace.c      what the Resource Manager did last
 *
 * ctl/README.md describes the commands. All of this runs under the hypervisor's
 * lock: commands on the CPU that asks, the rest where the Resource Manager runs.
 */

#ifndef CTL_H
#define CTL_H

#include "rm.h"

/*
 * Command lines (ctl_line.c): a verb, words, and key=value pairs.
 */

#define CTL_LINE_MAX		1024
#define CTL_WORDS_MAX		24

/* In place of a number that was not given */
#define CTL_UNSET		(~0ULL)

struct ctl_word {
	char *key;		/* NULL: a plain word */
	char *value;
	bool used;
};

struct ctl_line {
	bool bad;
	unsigned int nr;
	struct ctl_word word[CTL_WORDS_MAX];
	char text[CTL_LINE_MAX];
};

/* Splits @line->text. */
void ctl_line_parse(struct ctl_line *line);
/* The next plain word, NULL when there is none. */
const char *ctl_word(struct ctl_line *line);
/* The same as a number that has to be there */
u64 ctl_word_number(struct ctl_line *line, u64 max);
/* The same as a message ID; 0 means any, if that is possible. */
u32 ctl_word_id(struct ctl_line *line, bool any);
/* The message ID or "any" (0) of a key; 0 without it. */
u32 ctl_id(struct ctl_line *line, const char *key);
/* The value of a key, @unset without it. */
u64 ctl_number(struct ctl_line *line, const char *key, u64 max, u64 unset);
/* The bytes of a key in hexadecimal digits: how many there are. */
size_t ctl_bytes(struct ctl_line *line, const char *key, u8 *bytes, size_t max);
bool ctl_has(const struct ctl_line *line, const char *key);
/* All was understood and used; ask before anything is done. */
bool ctl_line_good(const struct ctl_line *line);

/* Runs a command: GH_OK or an error. */
typedef int (*ctl_command_fn)(struct ctl_line *line);

/* A line of the dump */
typedef void (*ctl_put_fn)(void *arg, const char *fmt, ...) __printf(2, 3);

/*
 * Packets that nobody asked for (ctl_inject.c)
 */

/**
 * struct ctl_extra - a notification, or any packet
 * @times: how many of them; 0: none
 * @raw: @bytes are a packet as it is
 * @id: message ID, if not @raw
 * @len: length of the payload; what is not in @bytes is 0
 * @bytes: payload or packet
 */
struct ctl_extra {
	u32 times;
	bool raw;
	u32 id;
	u32 len;
	u8 bytes[RM_PACKET_SIZE];
};

void ctl_extra_send(const struct ctl_extra *extra);

int ctl_notify(struct ctl_line *line);
int ctl_raw(struct ctl_line *line);
int ctl_status(struct ctl_line *line);
int ctl_exited(struct ctl_line *line);
int ctl_exit(struct ctl_line *line);
int ctl_irq(struct ctl_line *line);
int ctl_fill(struct ctl_line *line);

/*
 * Requests (ctl_fault.c)
 */

/* Fields of a header that are to be other ones; CTL_UNSET: as they should be */
struct ctl_header {
	u64 api;
	u64 fragments;
	u64 id;
	u32 seq;		/* added to the right one */
};

/**
 * struct ctl_mangle - what becomes of a reply
 * @copies: how often it is sent
 * @len: length of its payload; what is too long ends in bytes 0xa5
 * @error: its first word
 * @all: headers of all packets
 * @more: headers of the continuations
 * @skip: a packet that is not sent, the first one is 0
 * @swap: a packet that is sent after the next one
 * @delay: milliseconds to wait
 * @after: packets that have to go first
 */
struct ctl_mangle {
	u32 copies;
	u64 len;
	u64 error;
	struct ctl_header all;
	struct ctl_header more;
	u64 skip;
	u64 swap;
	u64 delay;
	u64 after;
};

/**
 * struct ctl_fault - what is to go wrong, and when
 * @next: the one that was armed next
 * @id: of the request; 0: any
 * @nth: the first request that it is for, 1 is the next one
 * @count: how many requests it is for; 0: all
 * @code: answer with this without doing anything; CTL_UNSET: do it
 * @mute: stop before it is done
 * @hold: send nothing from the reply on
 * @extra: goes out just before the reply
 * @reply: the reply
 */
struct ctl_fault {
	struct ctl_fault *next;
	u32 id;
	u32 nth;
	u32 count;
	u64 code;
	bool mute;
	bool hold;
	struct ctl_extra extra;
	struct ctl_mangle reply;
};

/* Reads what all faults have in common, then arms it. */
int ctl_fault_arm(struct ctl_line *line, struct ctl_fault *fault, u32 id);
void ctl_fault_init(struct ctl_fault *fault);

int ctl_fail(struct ctl_line *line);
int ctl_reply(struct ctl_line *line);
int ctl_drop(struct ctl_line *line);
int ctl_mute(struct ctl_line *line);
int ctl_hold(struct ctl_line *line);
int ctl_release(struct ctl_line *line);
int ctl_unmute(struct ctl_line *line);
int ctl_clear(struct ctl_line *line);

void ctl_fault_tell(ctl_put_fn put, void *arg);

/* For the Resource Manager: it is not to do anything. */
bool ctl_muted(void);
/* What is to go wrong with a request that came in; NULL: nothing. */
const struct ctl_fault *ctl_fault_take(u32 id);

/*
 * Replies (ctl_reply.c)
 */

void ctl_reply_send(const struct ctl_mangle *mangle,
		    const struct rm_header *request, u32 error,
		    const void *body, size_t len);
/* Sends delayed replies that are due. */
void ctl_reply_work(void);
void ctl_reply_clear(void);
unsigned int ctl_reply_waiting(void);

/*
 * In place of others (ctl_set.c)
 */

int ctl_crashmsg(struct ctl_line *line);
int ctl_firmware(struct ctl_line *line);
int ctl_bootcontext(struct ctl_line *line);
int ctl_room(struct ctl_line *line);

/*
 * Hypercalls (ctl_hypercall.c); the core calls ctl_hypercall_take().
 */

int ctl_hypercall(struct ctl_line *line);
int ctl_msgq(struct ctl_line *line);
void ctl_hypercall_clear(void);
void ctl_hypercall_tell(ctl_put_fn put, void *arg);
void ctl_hypercall_tell_counts(ctl_put_fn put, void *arg);

/*
 * Loopback queues (ctl_loopback.c)
 */

int ctl_loopback_create(u64 depth, u64 max_size, u64 va);
int ctl_loopback_destroy(u64 tx_cap);

/*
 * Trace (ctl_trace.c)
 */

/* Around a request; a reply that came without doing anything counts as well. */
void ctl_trace_begin(u32 id, const struct rm_call *call);
void ctl_trace_end(const struct rm_call *call, u32 error);
void ctl_trace_notification(u32 id, const void *payload, size_t len);
void ctl_trace_tell(ctl_put_fn put, void *arg);

#endif
