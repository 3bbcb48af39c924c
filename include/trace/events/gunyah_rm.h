/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: requests, replies and notifications
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM gunyah_rm

#if !defined(_TRACE_GUNYAH_RM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_GUNYAH_RM_H

#include <linux/gunyah_rm_msg.h>
#include <linux/tracepoint.h>

/* Lets programs that read the format see the numbers. */
TRACE_DEFINE_ENUM(GH_RM_ERROR_OK);
TRACE_DEFINE_ENUM(GH_RM_ERROR_NOMEM);
TRACE_DEFINE_ENUM(GH_RM_ERROR_NORESOURCE);
TRACE_DEFINE_ENUM(GH_RM_ERROR_DENIED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_INVALID);
TRACE_DEFINE_ENUM(GH_RM_ERROR_BUSY);
TRACE_DEFINE_ENUM(GH_RM_ERROR_ARGUMENT_INVALID);
TRACE_DEFINE_ENUM(GH_RM_ERROR_HANDLE_INVALID);
TRACE_DEFINE_ENUM(GH_RM_ERROR_VALIDATE_FAILED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_MAP_FAILED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_MEM_INVALID);
TRACE_DEFINE_ENUM(GH_RM_ERROR_MEM_INUSE);
TRACE_DEFINE_ENUM(GH_RM_ERROR_MEM_RELEASED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_VMID_INVALID);
TRACE_DEFINE_ENUM(GH_RM_ERROR_LOOKUP_FAILED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_IRQ_INVALID);
TRACE_DEFINE_ENUM(GH_RM_ERROR_IRQ_INUSE);
TRACE_DEFINE_ENUM(GH_RM_ERROR_IRQ_RELEASED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_IN_USE);
TRACE_DEFINE_ENUM(GH_RM_ERROR_IRQ_NOT_MAPPED);
TRACE_DEFINE_ENUM(GH_RM_ERROR_VM_STATE);
TRACE_DEFINE_ENUM(GH_RM_ERROR_UNIMPLEMENTED);

/**
 * gunyah_rm_request - the first packet of a request goes to the channel
 * @msg_id: what it is about
 * @seq: sequence number, the same in its reply
 * @size: of the payload, in bytes
 * @fragments: number of packets behind the first
 */
TRACE_EVENT(gunyah_rm_request,
	    TP_PROTO(u32 msg_id, u16 seq, size_t size, unsigned int fragments),

	    TP_ARGS(msg_id, seq, size, fragments),

	    TP_STRUCT__entry(__field(u32, msg_id)
			     __field(u32, size)
			     __field(u32, fragments)
			     __field(u16, seq)),

	    TP_fast_assign(__entry->msg_id = msg_id;
			   __entry->seq = seq;
			   __entry->size = size;
			   __entry->fragments = fragments;),

	    TP_printk("%s (0x%x) seq=%u size=%u fragments=%u",
		      GH_RM_MESSAGE_NAMES(__print_symbolic, __entry->msg_id), __entry->msg_id,
		      __entry->seq, __entry->size, __entry->fragments)
);

/**
 * gunyah_rm_reply - a reply to a request has come
 * @msg_id: of both
 * @seq: of both
 * @size: of what follows the error, in bytes
 * @error: the Resource Manager's own code
 * @latency_us: time since the request's first packet, in us
 * @late: nobody waits for it any more
 */
TRACE_EVENT(gunyah_rm_reply,
	    TP_PROTO(u32 msg_id, u16 seq, size_t size, u32 error, u64 latency_us, bool late),

	    TP_ARGS(msg_id, seq, size, error, latency_us, late),

	    TP_STRUCT__entry(__field(u64, latency_us)
			     __field(u32, msg_id)
			     __field(u32, size)
			     __field(u32, error)
			     __field(u16, seq)
			     __field(u8, late)),

	    TP_fast_assign(__entry->msg_id = msg_id;
			   __entry->seq = seq;
			   __entry->size = size;
			   __entry->error = error;
			   __entry->latency_us = latency_us;
			   __entry->late = late;),

	    TP_printk("%s (0x%x) seq=%u size=%u error=%s (0x%x) latency_us=%llu late=%u",
		      GH_RM_MESSAGE_NAMES(__print_symbolic, __entry->msg_id), __entry->msg_id,
		      __entry->seq, __entry->size,
		      GH_RM_ERROR_NAMES(__print_symbolic, __entry->error), __entry->error,
		      __entry->latency_us, __entry->late)
);

/**
 * gunyah_rm_no_reply - a request ends without a reply that can be used
 * @msg_id: what it is about
 * @seq: sequence number, if a packet was sent
 * @sent: number of its packets that went to the channel
 * @error: errno for the caller; -EINTR if that was killed: the request itself
 *	   goes on then, and gunyah_rm_reply may follow
 */
TRACE_EVENT(gunyah_rm_no_reply,
	    TP_PROTO(u32 msg_id, u16 seq, unsigned int sent, int error),

	    TP_ARGS(msg_id, seq, sent, error),

	    TP_STRUCT__entry(__field(u32, msg_id)
			     __field(u32, sent)
			     __field(int, error)
			     __field(u16, seq)),

	    TP_fast_assign(__entry->msg_id = msg_id;
			   __entry->seq = seq;
			   __entry->sent = sent;
			   __entry->error = error;),

	    TP_printk("%s (0x%x) seq=%u sent=%u error=%d",
		      GH_RM_MESSAGE_NAMES(__print_symbolic, __entry->msg_id), __entry->msg_id,
		      __entry->seq, __entry->sent, __entry->error)
);

/**
 * gunyah_rm_notification - a notification has come
 * @msg_id: what it is about
 * @seq: number that the Resource Manager gave it
 * @size: of the payload, in bytes
 */
TRACE_EVENT(gunyah_rm_notification,
	    TP_PROTO(u32 msg_id, u16 seq, size_t size),

	    TP_ARGS(msg_id, seq, size),

	    TP_STRUCT__entry(__field(u32, msg_id)
			     __field(u32, size)
			     __field(u16, seq)),

	    TP_fast_assign(__entry->msg_id = msg_id;
			   __entry->seq = seq;
			   __entry->size = size;),

	    TP_printk("%s (0x%x) seq=%u size=%u",
		      GH_RM_MESSAGE_NAMES(__print_symbolic, __entry->msg_id), __entry->msg_id,
		      __entry->seq, __entry->size)
);

#endif /* _TRACE_GUNYAH_RM_H */

#include <trace/define_trace.h>
