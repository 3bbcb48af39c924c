/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: each hypercall on a message queue
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM gunyah_msgq

#if !defined(_TRACE_GUNYAH_MSGQ_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_GUNYAH_MSGQ_H

#include <linux/device.h>
#include <linux/gunyah.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

/* Tools that read the raw events do not know the kernel's enums. */
TRACE_DEFINE_ENUM(GH_ERROR_OK);
TRACE_DEFINE_ENUM(GH_ERROR_UNIMPLEMENTED);
TRACE_DEFINE_ENUM(GH_ERROR_RETRY);
TRACE_DEFINE_ENUM(GH_ERROR_ARG_INVAL);
TRACE_DEFINE_ENUM(GH_ERROR_ARG_SIZE);
TRACE_DEFINE_ENUM(GH_ERROR_ADDR_OVFL);
TRACE_DEFINE_ENUM(GH_ERROR_ADDR_INVAL);
TRACE_DEFINE_ENUM(GH_ERROR_DENIED);
TRACE_DEFINE_ENUM(GH_ERROR_CSPACE_CAP_NULL);
TRACE_DEFINE_ENUM(GH_ERROR_CSPACE_CAP_REVOKED);
TRACE_DEFINE_ENUM(GH_ERROR_CSPACE_WRONG_OBJ_TYPE);
TRACE_DEFINE_ENUM(GH_ERROR_CSPACE_INSUF_RIGHTS);
TRACE_DEFINE_ENUM(GH_ERROR_MSGQUEUE_EMPTY);
TRACE_DEFINE_ENUM(GH_ERROR_MSGQUEUE_FULL);

/* Those that can be expected; others are printed as a number. */
#define gh_msgq_trace_error(error)						\
	__print_symbolic(error,							\
			 { GH_ERROR_OK,			   "OK" },		\
			 { GH_ERROR_UNIMPLEMENTED,	   "UNIMPLEMENTED" },	\
			 { GH_ERROR_RETRY,		   "RETRY" },		\
			 { GH_ERROR_ARG_INVAL,		   "ARG_INVAL" },	\
			 { GH_ERROR_ARG_SIZE,		   "ARG_SIZE" },	\
			 { GH_ERROR_ADDR_OVFL,		   "ADDR_OVFL" },	\
			 { GH_ERROR_ADDR_INVAL,		   "ADDR_INVAL" },	\
			 { GH_ERROR_DENIED,		   "DENIED" },		\
			 { GH_ERROR_CSPACE_CAP_NULL,	   "CAP_NULL" },	\
			 { GH_ERROR_CSPACE_CAP_REVOKED,	   "CAP_REVOKED" },	\
			 { GH_ERROR_CSPACE_WRONG_OBJ_TYPE, "WRONG_OBJ_TYPE" },	\
			 { GH_ERROR_CSPACE_INSUF_RIGHTS,   "INSUF_RIGHTS" },	\
			 { GH_ERROR_MSGQUEUE_EMPTY,	   "EMPTY" },		\
			 { GH_ERROR_MSGQUEUE_FULL,	   "FULL" })

/* "gunyah-msgq.N.auto" */
#define GH_MSGQ_TRACE_DEVICE_LEN	24

/* A message was handed to the hypervisor, or was to be. */
TRACE_EVENT(gunyah_msgq_send,
	    TP_PROTO(const struct device *dev, u64 capid, size_t size, bool push,
		     enum gh_error error, bool ready),

	    TP_ARGS(dev, capid, size, push, error, ready),

	    TP_STRUCT__entry(__array(char, device, GH_MSGQ_TRACE_DEVICE_LEN)
			     __field(u64, capid)
			     __field(u32, size)
			     __field(s32, error)
			     __field(u8, push)
			     __field(u8, ready)
	    ),

	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), GH_MSGQ_TRACE_DEVICE_LEN);
			   __entry->capid = capid;
			   __entry->size = size;
			   __entry->error = error;
			   __entry->push = push;
			   __entry->ready = ready;
	    ),

	    TP_printk("%s cap=%#llx size=%u push=%u error=%s ready=%u",
		      __entry->device, __entry->capid, __entry->size, __entry->push,
		      gh_msgq_trace_error(__entry->error), __entry->ready)
);

/* The hypervisor was asked for a message. */
TRACE_EVENT(gunyah_msgq_receive,
	    TP_PROTO(const struct device *dev, u64 capid, size_t size, enum gh_error error,
		     bool more),

	    TP_ARGS(dev, capid, size, error, more),

	    TP_STRUCT__entry(__array(char, device, GH_MSGQ_TRACE_DEVICE_LEN)
			     __field(u64, capid)
			     __field(u32, size)
			     __field(s32, error)
			     __field(u8, more)
	    ),

	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), GH_MSGQ_TRACE_DEVICE_LEN);
			   __entry->capid = capid;
			   __entry->size = size;
			   __entry->error = error;
			   __entry->more = more;
	    ),

	    TP_printk("%s cap=%#llx size=%u error=%s more=%u",
		      __entry->device, __entry->capid, __entry->size,
		      gh_msgq_trace_error(__entry->error), __entry->more)
);

#endif /* _TRACE_GUNYAH_MSGQ_H */

#include <trace/define_trace.h>
