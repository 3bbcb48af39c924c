/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Resource Manager: what its parts know of each other.
 *
 *   rm.c            start-up, the work loop, which message goes to whom
 *   rm_rpc.c        packets: taking requests in, sending replies and
 *                   notifications out
 *   rm_vm.c         VMs, their states, and the messages that change them
 *   rm_build.c      INIT: address space, vCPUs and doorbells from the tree
 *   rm_boot.c       START: memory into the guest, first vCPU on
 *   rm_set.c        the messages that prepare a VM: time, firmware, registers
 *   rm_info.c       the messages that only ask
 *   rm_mem.c        memory parcels
 *   rm_mem_rpc.c    the messages about them
 *   rm_mem_notify.c the one by which those who have to do with them talk
 *   rm_config.c     reading the guest's devicetree
 *   rm_config_dev.c reading its interrupt controller and virtual devices
 *   rm_overlay.c    writing what the guest needs to know into its tree
 *   rm_host_dt.c    the same for the primary VM
 *   rm_dump.c       all of this as text, for tests
 *   ctl.h           what tests can have go wrong
 *
 * Everything here runs on one CPU at a time, under the hypervisor's lock, so
 * there are no locks of its own.
 */

#ifndef RM_H
#define RM_H

#include "hyp.h"
#include "rm_proto.h"

/*
 * Requests (rm.c)
 */

/**
 * struct rm_call - one request while it is handled
 * @sender: VMID of who sent it
 * @req: payload of the request; not aligned
 * @len: its length in bytes
 * @body: what the reply says after the error code; room for RM_BODY_MAX bytes
 * @body_len: how much of @body was filled in
 * @error_has_body: @body is sent with an error, too
 */
struct rm_call {
	u16 sender;
	const void *req;
	size_t len;
	u8 *body;
	size_t body_len;
	bool error_has_body;
};

#define RM_BODY_MAX		(RM_MAX_MESSAGE - sizeof(u32))

/* Adds to the body of the reply; false when it is full. */
bool rm_put(struct rm_call *call, const void *data, size_t len);
bool rm_put_u32(struct rm_call *call, u32 value);

/*
 * A handler returns the error code; unless it asks for more, a body is sent only
 * with RM_OK.
 */
typedef u32 (*rm_handler_fn)(struct rm_call *call);

u32 rm_vm_allocate(struct rm_call *call);
u32 rm_vm_deallocate(struct rm_call *call);
u32 rm_vm_config_image(struct rm_call *call);
u32 rm_vm_auth_image(struct rm_call *call);
u32 rm_vm_init(struct rm_call *call);
u32 rm_vm_start(struct rm_call *call);
u32 rm_vm_stop(struct rm_call *call);
u32 rm_vm_reset(struct rm_call *call);

u32 rm_set_time_base(struct rm_call *call);
u32 rm_set_boot_context(struct rm_call *call);
u32 rm_set_firmware_mem(struct rm_call *call);
u32 rm_fw_set_vm_firmware(struct rm_call *call);
u32 rm_fw_milestone(struct rm_call *call);

u32 rm_get_id(struct rm_call *call);
u32 rm_lookup_uri(struct rm_call *call);
u32 rm_lookup_guid(struct rm_call *call);
u32 rm_lookup_name(struct rm_call *call);
u32 rm_get_owner(struct rm_call *call);
u32 rm_get_state(struct rm_call *call);
u32 rm_get_crash_msg(struct rm_call *call);
u32 rm_get_peers(struct rm_call *call);
u32 rm_get_resources(struct rm_call *call);
u32 rm_get_vmid(struct rm_call *call);
u32 rm_host_get_type(struct rm_call *call);

u32 rm_mem_donate(struct rm_call *call);
u32 rm_mem_lend(struct rm_call *call);
u32 rm_mem_share(struct rm_call *call);
u32 rm_mem_append(struct rm_call *call);
u32 rm_mem_reclaim(struct rm_call *call);
u32 rm_mem_notify(struct rm_call *call);
u32 rm_mem_lookup_sgl(struct rm_call *call);

/* Tells how many of each message came, for the dump. */
typedef void (*rm_count_fn)(void *arg, const char *name, u64 count);

void rm_tell_counts(rm_count_fn fn, void *arg);

/* Name of a request, "unknown" for what is not understood. */
const char *rm_message_name(u32 id);

/*
 * Packets (rm_rpc.c)
 */

/* What went through, and what was lost on the way; these only grow. */
struct rm_rpc_stats {
	u64 packets_in;
	u64 packets_out;
	u64 packets_dropped;	/* malformed or out of place */
	u64 requests_aborted;	/* another message began before the end */
	u64 replies_lost;	/* a later reply took the place */
	u64 notifications_lost;	/* too many waited */
	u64 notifications_to_guests;	/* which have no queue to get them by */
};

extern struct rm_rpc_stats rm_rpc_stats;

void rm_rpc_init(struct msgq *in, struct msgq *out);

/* Sends what waits and the queue takes. */
void rm_rpc_flush(void);

/*
 * Takes packets until a request is complete. The payload stays valid until the
 * next call.
 */
bool rm_rpc_receive(struct rm_header *header, const void **payload, size_t *len);

void rm_rpc_reply(const struct rm_header *request, u32 error,
		  const void *body, size_t len);
void rm_rpc_notify(u16 vmid, u32 id, const void *payload, size_t len);

/*
 * What only tests ask for: any packet, 1..RM_PACKET_SIZE bytes; nothing is sent
 * meanwhile; interrupts of the host's ends for nothing; packets as if from the
 * host, at most @nr.
 */
void rm_rpc_raw(const void *packet, size_t len);
void rm_rpc_hold(bool hold);
bool rm_rpc_held(void);
void rm_rpc_interrupt(bool tx);
void rm_rpc_fill(unsigned int nr, const void *packet, size_t len);

/*
 * What the guest's devicetree asks for (rm_config.c, rm_config_dev.c)
 */

#define RM_STRING_MAX		80
#define RM_PATH_MAX		128
#define RM_PUSH_COMPATIBLE_MAX	256

#define RM_SPI_FIRST		32	/* INTID of SPI 0 */
#define RM_SPI_COUNT		988

#define RM_IRQ_EDGE		1
#define RM_IRQ_LEVEL		4

/**
 * struct rm_vdevice - what the tree says of all virtual devices
 * @generate: path of the node to make in the guest's tree, without address
 * @push: compatible strings to put before the standard ones
 * @push_len: length of @push with the terminating zeros
 * @label: by which the primary knows it
 */
struct rm_vdevice {
	char generate[RM_PATH_MAX];
	char push[RM_PUSH_COMPATIBLE_MAX];
	size_t push_len;
	u32 label;
};

/**
 * struct rm_bell - a doorbell between the primary and the guest
 * @next: next in the order of the tree
 * @dev: its label is how the primary finds it among the VM's resources
 * @from_guest: the guest rings and the primary hears; else it is the other way
 * @virq: interrupt in the primary, if it hears; from INIT to RESET
 * @spi: interrupt in the guest, if that hears, counted from the first SPI; -1: any
 * @trigger: RM_IRQ_EDGE or RM_IRQ_LEVEL
 * @source_can_clear: who rings may also mask and clear
 * @bell: the hypervisor's object, from INIT to RESET
 * @owner_cap: capability of the primary
 * @guest_cap: capability of the guest
 */
struct rm_bell {
	struct rm_bell *next;
	struct rm_vdevice dev;
	bool from_guest;
	u32 virq;
	int spi;
	u32 trigger;
	bool source_can_clear;
	struct doorbell *bell;
	u64 owner_cap;
	u64 guest_cap;
};

#define RM_NO_ADDRESS		(~0ULL)

/**
 * struct rm_shm - where the guest finds memory that it shares with the primary
 * @next: next in the order of the tree
 * @dev: where it is described
 * @label: of the parcel
 * @base: guest address; RM_NO_ADDRESS: any
 * @optional: the VM can be started without the parcel
 * @has_dma_base: the guest is told @dma_base
 * @dma_base: its address for devices
 */
struct rm_shm {
	struct rm_shm *next;
	struct rm_vdevice dev;
	u32 label;
	u64 base;
	bool optional;
	bool has_dma_base;
	u64 dma_base;
};

struct rm_gic_config {
	bool present;
	bool patch;		/* no addresses in the tree: write ours */
	char path[RM_PATH_MAX];
	u64 gicd;
	u64 gicr;
	u64 stride;
};

struct rm_vm_config {
	char name[RM_STRING_MAX];
	char uri[RM_STRING_MAX];
	char vendor[RM_STRING_MAX];
	u8 guid[RM_GUID_SIZE];
	bool has_guid;
	bool no_reset;
	bool no_shutdown;

	u64 base;		/* guest address of the image parcel */
	u64 size_max;
	u64 entry_offset;
	u64 firmware_base;	/* guest address of its parcel */

	bool proxy;		/* the owner runs the vCPUs, else: */
	u32 affinity[MAX_VCPUS];	/* on these physical CPUs */
	u32 timeslice;		/* for so many microseconds at a time */
	bool psci;
	char cpus_path[RM_PATH_MAX];
	unsigned int nr_cpus;
	unsigned int nr_idle_cpus;	/* of those, who have idle states */
	bool boot_cpu[MAX_VCPUS];	/* on at the start */

	struct rm_gic_config gic;
	struct rm_bell *bells;
	struct rm_shm *shms;
};

/* Fills in @config, which was zeroed; returns an RM error. */
u32 rm_config_parse(const void *fdt, struct rm_vm_config *config);
void rm_config_free(struct rm_vm_config *config);

/* The parts of it that rm_config_dev.c does */
u32 rm_config_parse_gic(const void *fdt, int vm_node,
			struct rm_vm_config *config);
u32 rm_config_parse_vdevice(const void *fdt, int node,
			    struct rm_vm_config *config);
/* The one for parcels of this label; NULL: there is none. */
const struct rm_shm *rm_config_find_shm(const struct rm_vm_config *config,
					u32 label);
/* An SPI that no device of the VM has; -1: none. */
int rm_config_free_spi(const struct rm_vm_config *config);

/* Reading properties; false when absent or of another length */
bool rm_fdt_u32(const void *fdt, int node, const char *name, u32 *value);
bool rm_fdt_string(const void *fdt, int node, const char *name,
		   const char **value);
bool rm_fdt_number(const void *fdt, int node, const char *name,
		   unsigned int cells, u64 *value);
u64 rm_fdt_cells(const u32 *data, unsigned int cells);
/* Cells that @node declares for its children, or the defaults */
unsigned int rm_fdt_address_cells(const void *fdt, int node);
unsigned int rm_fdt_size_cells(const void *fdt, int node);
/* The CPU node after @cpu, or the first one with -1; negative at the end */
int rm_fdt_next_cpu(const void *fdt, int cpus, int cpu);

/*
 * VMs (rm_vm.c)
 */

/* Where CONFIG_IMAGE said that the image and the tree lie */
struct rm_image {
	bool valid;
	u32 handle;
	u64 image_offset;
	u64 image_size;
	u64 dtb_offset;
	u64 dtb_size;
};

/* Where SET_FIRMWARE_MEM said that there is room for firmware */
struct rm_firmware_mem {
	bool valid;
	u32 handle;
	u64 offset;
	u64 size;
};

/* Registers that the first vCPU starts with, by SET_BOOT_CONTEXT */
#define RM_BOOT_X_COUNT		31
#define RM_BOOT_SP_COUNT	2

struct rm_boot_context {
	u32 has_x;		/* a bit for each that was set */
	bool has_pc;
	u8 has_sp;
	u64 x[RM_BOOT_X_COUNT];
	u64 pc;
	u64 sp[RM_BOOT_SP_COUNT];
};

/* What messages and tests said of a VM; RESET forgets it */
struct rm_vm_settings {
	u16 auth;		/* how its image is authenticated */
	struct rm_firmware_mem firmware;
	struct rm_boot_context context;
	bool has_time_base;
	u64 time_base;
	u64 time_reference;
	bool asked_to_stop;
	u32 stop_reason;
	u16 crash_len;
	u8 crash[RM_CRASH_MSG_MAX];
};

/* A VM's way of ending, from the CPU where it happened to the RM's */
struct rm_exit {
	bool pending;
	enum rm_exit_type type;
	u64 arg;
	u64 cookie;
};

/**
 * struct rm_vm - a VM as the Resource Manager knows it
 * @vmid: its number
 * @owner: VMID of who allocated it
 * @state: where in its life it is
 * @os_state: what the guest says of itself
 * @app_status: the same
 * @image: what it boots from
 * @set: what else was said of it
 * @config: what its tree asks for; valid while @vm is there
 * @vm: the hypervisor's object, from INIT to RESET
 * @vcpu_cap: capabilities of the owner for the vCPUs
 * @mem_end: first guest address above the image and what was placed; from INIT
 * @exit: set when the VM ended by itself
 */
struct rm_vm {
	u16 vmid;
	u16 owner;
	enum rm_vm_state state;
	u8 os_state;
	u16 app_status;
	struct rm_image image;
	struct rm_vm_settings set;
	struct rm_vm_config config;
	struct vm *vm;
	u64 vcpu_cap[MAX_VCPUS];
	u64 mem_end;
	struct rm_exit exit;
};

void rm_vm_setup(struct vm *primary);
struct rm_vm *rm_vm_find(u16 vmid);
/* As above, and 0 names the sender itself. */
struct rm_vm *rm_vm_resolve(const struct rm_call *call, u16 vmid);
struct rm_vm *rm_vm_next(const struct rm_vm *vm);
struct vm *rm_primary(void);
const char *rm_vm_state_name(enum rm_vm_state state);
/* What messages that change a VM have to be right about: who owns it. */
u32 rm_vm_find_own(const struct rm_call *call, u16 vmid, u16 zero,
		   struct rm_vm **vm);
/* Changes the state and tells the owner. */
void rm_vm_set_state(struct rm_vm *vm, enum rm_vm_state state);

/*
 * A running VM is ended in this way, if there is such a one; for tests.
 */
bool rm_vm_end(u16 vmid, enum rm_exit_type type, u32 reason);

/* Does what became due: VMs that ended, resets to be finished. */
bool rm_vm_work(void);

/* INIT: makes what the tree asks for; undone by rm_vm_unbuild(). */
u32 rm_vm_build(struct rm_vm *vm);
void rm_vm_unbuild(struct rm_vm *vm);

struct rm_parcel;

/* START: memory, tree, first vCPUs */
u32 rm_vm_boot(struct rm_vm *vm);
/* Takes a parcel for a VM that is READY: at START it will be there. */
u32 rm_vm_accept(struct rm_vm *vm, struct rm_parcel *parcel);
/* The parcel of a label that the VM has; NULL: there is none. */
struct rm_parcel *rm_vm_find_parcel(const struct rm_vm *vm, u32 label);

/*
 * Firmware (rm_set.c)
 */

/* The firmware that protected VMs get, from FW_SET_VM_FIRMWARE or a test */
#define RM_FIRMWARE_MAX		512

struct rm_firmware {
	bool closed;		/* FW_MILESTONE came */
	bool present;
	bool in_parcel;		/* in that of @handle, else in @bytes */
	u32 handle;
	u64 size;
	u8 bytes[RM_FIRMWARE_MAX];
};

extern struct rm_firmware rm_firmware;

/* Puts the firmware where SET_FIRMWARE_MEM said. */
bool rm_firmware_load(const struct rm_vm *vm);

/* SET_BOOT_CONTEXT is answered by those Resource Managers that have it only. */
extern bool rm_has_boot_context;

/* As the boot options say */
void rm_set_init(void);

/*
 * The guest's tree is handled in a copy, as its pages may be scattered. There
 * is one buffer for it. Returns NULL when it cannot be a tree.
 */
#define RM_DTB_MAX		0x200000

void *rm_dtb_load(const struct rm_vm *vm);
bool rm_dtb_store(const struct rm_vm *vm, const void *fdt);

/* Returns 0, or negative when something did not fit. */
int rm_overlay_guest(struct rm_vm *vm, void *fdt, size_t size);

/* The primary's way to talk to the Resource Manager */
#define RM_QUEUE_DEPTH		8

struct rm_host_channel {
	u64 tx_cap;
	u64 rx_cap;
	unsigned int tx_irq;	/* INTIDs */
	unsigned int rx_irq;
};

int rm_overlay_host(void *fdt, size_t size, const struct rm_host_channel *chan);

/*
 * Memory parcels (rm_mem.c)
 */

#define RM_PARCELS_PER_OWNER	64
/* The real one has room for about this many, then answers NOMEM. */
#define RM_PARCEL_MAX_ENTRIES	8189

/* For how many it has memory in all parcels together, if a test says so */
#define RM_ENTRIES_ANY		(~0u)

extern u32 rm_entries_max;

void rm_mem_setup(void);

struct rm_member {
	u16 vmid;
	u8 rights;
	u8 attr;
	bool accepted;
	u64 ipa;		/* where, once accepted */
};

/* Fills a page. */
#define RM_CHUNK_ENTRIES	254

struct rm_chunk {
	struct rm_chunk *prev;
	struct rm_chunk *next;
	u64 nr;
	struct rm_mem_entry entry[RM_CHUNK_ENTRIES];
};

/**
 * struct rm_parcel - memory that one VM gave to others
 * @next: next by handle
 * @handle: its number; the first one ever is 0
 * @owner: VMID of who gave it
 * @trans: how it was given; the owner has access only when it is shared
 * @open: more entries may be appended; nobody can accept it yet
 * @sanitize: zero it on the way back
 * @locked: how many uses forbid to take it back: a VM that lives boots from it,
 *	or it holds firmware
 * @label: the owner's name for it
 * @size: in bytes
 * @nr_entries: how many pieces it has
 * @first: pieces in the order in which they were given
 * @last: where to add
 * @nr_members: VMs that it is for
 * @member: those
 */
struct rm_parcel {
	struct rm_parcel *next;
	u32 handle;
	u16 owner;
	enum rm_trans trans;
	bool open;
	bool sanitize;
	unsigned int locked;
	u32 label;
	u64 size;
	unsigned int nr_entries;
	struct rm_chunk *first;
	struct rm_chunk *last;
	unsigned int nr_members;
	struct rm_member member[];
};

struct rm_parcel *rm_parcel_find(u32 handle);
struct rm_parcel *rm_parcel_next(const struct rm_parcel *parcel);
struct rm_member *rm_parcel_member(struct rm_parcel *parcel, u16 vmid);
unsigned int rm_parcel_count(u16 owner);
/* A piece of one VM's own RAM */
bool rm_parcel_private(const struct rm_parcel *parcel);

struct rm_parcel *rm_parcel_create(u16 owner, enum rm_trans trans,
				   unsigned int nr_members);
u32 rm_parcel_add(struct rm_parcel *parcel, const struct rm_mem_entry *entry,
		  unsigned int nr);
/* All pages return to the owner, zeroed if that was asked for. */
void rm_parcel_destroy(struct rm_parcel *parcel);

/* Maps the whole parcel in one piece at @ipa. */
u32 rm_parcel_accept(struct rm_parcel *parcel, struct rm_vm *vm, u64 ipa);
void rm_parcel_release(struct rm_parcel *parcel, struct rm_vm *vm);

/* Is [offset, offset + size) inside [0, limit)? */
static inline bool rm_range_in(u64 offset, u64 size, u64 limit)
{
	return offset <= limit && size <= limit - offset;
}

bool rm_parcel_read(const struct rm_parcel *parcel, u64 offset, void *to,
		    size_t size);
bool rm_parcel_write(const struct rm_parcel *parcel, u64 offset,
		     const void *from, size_t size);

#endif
