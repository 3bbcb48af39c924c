/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test hypervisor: objects, and the interface between its core and its
 * Resource Manager.
 *
 * Everything here is called with the hypervisor's one lock held, unless said
 * otherwise. The lock is dropped only while a VM runs and while a service CPU
 * sleeps, so a function may rely on nothing changing under it.
 */
#ifndef HYP_H
#define HYP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef int s32;
typedef long s64;

#define BIT(n)			(1ULL << (n))
#define GENMASK(h, l)		((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define IS_ALIGNED(x, a)	(((x) & ((u64)(a) - 1)) == 0)

#define ALIGN_DOWN(x, a)	((x) & ~((u64)(a) - 1))
#define ALIGN(x, a) ({							\
	u64 __mask = (u64)(a) - 1;					\
	((x) + __mask) & ~__mask;					\
})

#define min(a, b) ({							\
	typeof(a) __a = (a);						\
	typeof(b) __b = (b);						\
	__a < __b ? __a : __b;						\
})
#define max(a, b) ({							\
	typeof(a) __a = (a);						\
	typeof(b) __b = (b);						\
	__a > __b ? __a : __b;						\
})

#define PAGE_SHIFT		12
#define PAGE_SIZE		BIT(PAGE_SHIFT)
#define BLOCK_SIZE		BIT(21)

/* Where things are; see README.md. */
#define HYP_BASE		0x80000000ULL
#define HYP_SIZE		0x04000000ULL
#define PRIMARY_FDT		0x40f00000ULL
#define PRIMARY_FDT_ROOM	0x00100000ULL
#define PRIMARY_IMAGE		0x41000000ULL
#define VMMIO_LIMIT		0x40000000ULL

#define VMID_PRIMARY		3
#define VMID_RM			0xff
#define MAX_CPUS		16
#define MAX_VCPUS		8
#define NR_PRIVATE_IRQS		32
#define NR_IRQS			1020

/* Hypercall results. */
enum gh_error {
	GH_OK				= 0,
	GH_UNIMPLEMENTED		= -1,
	GH_RETRY			= -2,
	GH_ARGUMENT_INVALID		= 1,
	GH_ARGUMENT_SIZE		= 2,
	GH_ARGUMENT_ALIGNMENT		= 3,
	GH_NOMEM			= 10,
	GH_NORESOURCES			= 11,
	GH_ADDR_OVERFLOW		= 20,
	GH_ADDR_INVALID			= 22,
	GH_DENIED			= 30,
	GH_BUSY				= 31,
	GH_IDLE				= 32,
	GH_OBJECT_STATE			= 33,
	GH_OBJECT_CONFIG		= 34,
	GH_FAILURE			= 36,
	GH_VIRQ_BOUND			= 40,
	GH_VIRQ_NOT_BOUND		= 41,
	GH_CAP_NULL			= 50,
	GH_CAP_REVOKED			= 51,
	GH_CAP_WRONG_TYPE		= 52,
	GH_CAP_INSUFFICIENT_RIGHTS	= 53,
	GH_CAP_FULL			= 54,
	GH_MSGQ_EMPTY			= 60,
	GH_MSGQ_FULL			= 61,
};

struct vm;
struct vcpu;
struct vgic;
struct doorbell;

/* ---- strings, console ------------------------------------------------ */

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
unsigned long strtoul(const char *s, char **end, int base);

/* %s %c %d %u %x %p %%, with l, ll, z, field width, 0 and -. C99 result. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* A line on the console, with the prefix "test-hyp: "; no lock needed. */
void hyp_log(const char *fmt, ...) __printf(1, 2);
void hyp_panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/* ---- memory of the hypervisor itself --------------------------------- */

/* Zeroed memory of any size, NULL when there is none. */
void *hyp_zalloc(size_t size);
void hyp_free(void *p);
/* One zeroed page. */
void *page_alloc(void);
void page_free(void *page);

struct mem_stats {
	size_t heap_live;	/* allocations */
	size_t heap_bytes;	/* in them, with their headers */
	size_t heap_free;	/* bytes */
	size_t pages_used;
	size_t pages_free;
};

void mem_stats(struct mem_stats *stats);

/* A random number: RNDR if the CPU has it, else a seeded generator. */
u64 random64(void);

/* Is @word one of the words of /chosen/gunyah,test-options? */
bool hyp_option(const char *word);

/* ---- physical memory ------------------------------------------------- */

/*
 * The hypervisor's own map is the identity: guest memory is accessed by its
 * physical address. Is all of it RAM that the primary started with?
 */
bool pa_is_primary_ram(u64 pa, u64 size);
/* All of it is below this address. */
u64 primary_ram_end(void);

/* ---- stage 2 ---------------------------------------------------------- */

enum s2_perm {
	S2_X	= 1,		/* the encoding of the ABI's access rights */
	S2_W	= 2,
	S2_R	= 4,
	S2_RX	= S2_R | S2_X,
	S2_RW	= S2_R | S2_W,
	S2_RWX	= S2_R | S2_W | S2_X,
};

struct s2 {
	u64 *root;
	u64 *dead;		/* tables, until the TLBs are clean */
	u16 vmid;
};

/*
 * Addresses and sizes are multiples of 4 KiB. s2_map() replaces nothing: it
 * fails with GH_ARGUMENT_INVALID if something is mapped there already, with
 * GH_NOMEM (and nothing mapped) if there is no page for a table.
 * s2_unmap() takes out exactly the range; holes in it are fine; GH_NOMEM if a
 * block cannot be split (nothing is unmapped then). The TLBs are clean when
 * s2_unmap_sync() returns: call it once after a batch of s2_unmap() and
 * before the memory goes to somebody else.
 */
int s2_map(struct s2 *s2, u64 ipa, u64 pa, u64 size, enum s2_perm perm);
int s2_unmap(struct s2 *s2, u64 ipa, u64 size);
void s2_unmap_sync(struct s2 *s2);
/* The page at @ipa: false if there is none. */
bool s2_lookup(struct s2 *s2, u64 ipa, u64 *pa, enum s2_perm *perm);
/* Is all of it mapped, and at IPA == PA? */
bool s2_is_identity(struct s2 *s2, u64 ipa, u64 size, enum s2_perm perm);

/* ---- virtual interrupts ----------------------------------------------- */

enum virq_kind {
	VIRQ_NONE,
	VIRQ_PRIMARY,		/* a spare SPI of the primary */
	VIRQ_GUEST,		/* an SPI of a guest's virtual GIC */
	VIRQ_RM,		/* wakes the Resource Manager: rm_work() */
};

/* Where an object's interrupt goes. */
struct virq {
	enum virq_kind kind;
	struct vm *vm;		/* VIRQ_GUEST */
	u32 intid;
	/* level interrupts: is the source still asserted? */
	bool (*pending)(void *source);
	void *source;
};

/* A spare SPI (INTID) of the primary; 0 when all are in use. */
u32 virq_alloc(void);
void virq_free(u32 intid);
unsigned int virq_count(void);		/* in use, for the dump */

void virq_assert(struct virq *virq);
void virq_clear(struct virq *virq);

/* ---- capabilities ------------------------------------------------------ */

enum obj_type {
	OBJ_NONE,
	OBJ_VCPU,
	OBJ_DOORBELL,
	OBJ_MSGQ,
	OBJ_ADDRSPACE,
	OBJ_MEMEXTENT,
	OBJ_VIC,
};

#define CAP_INVALID		(~0ULL)

#define CAP_DOORBELL_SEND	0x1
#define CAP_DOORBELL_RECEIVE	0x2
#define CAP_DOORBELL_BIND	0x4
#define CAP_MSGQ_SEND		0x1
#define CAP_MSGQ_RECEIVE	0x2
#define CAP_MSGQ_BIND_SEND	0x4
#define CAP_MSGQ_BIND_RECEIVE	0x8
#define CAP_VCPU_POWER		0x1
#define CAP_VCPU_AFFINITY	0x2
#define CAP_VCPU_YIELD_TO	0x10
#define CAP_VCPU_BIND_VIRQ	0x20
#define CAP_VCPU_STATE		0x40
#define CAP_VCPU_LIFECYCLE	0x80

struct cap {
	enum obj_type type;
	u32 rights;
	u64 id;
	void *obj;
};

struct cap_table {
	struct cap *caps;
	u32 size;
	u32 used;
	u32 next;		/* ids are not reused before they have to be */
};

/* CAP_INVALID when the table is full. */
u64 cap_add(struct vm *vm, enum obj_type type, void *obj, u32 rights);
/* A capability that is CAP_INVALID or not there is ignored. */
void cap_remove(struct vm *vm, u64 id);
/* GH_OK and *obj, or GH_CAP_*. */
int cap_lookup(struct vm *vm, u64 id, enum obj_type type, u32 rights,
	       void **obj);

/* ---- VMs and vCPUs ------------------------------------------------------ */

struct vm {
	u16 vmid;
	bool primary;
	bool started;		/* some vCPU was powered on */
	bool dead;		/* off, reset, killed: no vCPU runs again */
	struct s2 s2;
	struct cap_table caps;
	unsigned int nr_vcpus;
	struct vcpu *vcpus[MAX_VCPUS];
	struct vgic *vgic;
	u32 slice_us;		/* a turn of a vCPU that is not proxy-scheduled */
	/* for the Resource Manager */
	void *rm_data;
};

/*
 * A guest: address space, capability table, virtual GIC without addresses.
 * NULL when there is no memory.
 */
struct vm *vm_create(u16 vmid);
/*
 * Frees the VM with its vCPUs, tables and its own capabilities. It must be
 * quiescent. Capabilities that others have of its objects, doorbells that
 * are bound to it, and memory that is mapped in it are the caller's business.
 */
void vm_destroy(struct vm *vm);
/*
 * GH_ARGUMENT_INVALID when the first frames overlap, or are not 64 KiB
 * aligned. There is a redistributor per vCPU, @stride apart.
 */
int vm_set_gic(struct vm *vm, u64 gicd, u64 gicr, u64 stride);
/*
 * Forced stop. All vCPUs end (vcpu_run answers POWERED_OFF, for good) and
 * wake-ups are raised. CPUs inside the guest leave it soon: rm_work() is
 * called once vm_quiescent().
 */
void vm_kill(struct vm *vm);
/* No physical CPU is inside any of its vCPUs. */
bool vm_quiescent(struct vm *vm);

/*
 * A vCPU, powered off, with @mpidr_aff as MPIDR affinity. With @cpu VCPU_PROXY it
 * is proxy-scheduled and has a wake-up interrupt of its own (vcpu_wakeup_virq())
 * in the primary; with the number of a physical CPU it runs by itself, once it is
 * on: in place of that CPU on one which the primary does not have, where it may
 * have to share. NULL when memory or interrupts ran out, or @idx is in use.
 */
#define VCPU_PROXY	0xffffffffu

struct vcpu *vcpu_create(struct vm *vm, unsigned int idx, u64 mpidr_aff, u32 cpu);
u32 vcpu_wakeup_virq(struct vcpu *vcpu);
/* Is there such a physical CPU? */
bool cpu_exists(u32 number);
/* Starts it at @pc with x0 = @x0. GH_BUSY if it is on already. */
int vcpu_power_on(struct vcpu *vcpu, u64 pc, u64 x0);

enum vcpu_reg_set {
	VCPU_REG_X	= 0,
	VCPU_REG_PC	= 1,
	VCPU_REG_SP	= 2,	/* of EL0, EL1 */
};

/* Another start value, between vcpu_power_on() and the first run. */
void vcpu_set_reg(struct vcpu *vcpu, enum vcpu_reg_set set, unsigned int index,
		  u64 value);

/* Times that an access of the primary to memory it does not have was refused. */
u64 primary_abort_count(void);

/* ---- doorbells ----------------------------------------------------------- */

struct doorbell {
	u64 flags;
	u64 enable;
	u64 ack;
	bool edge;
	struct virq virq;
};

struct doorbell *doorbell_create(void);
void doorbell_destroy(struct doorbell *db);
/*
 * Its interrupt: SPI @intid of the guest @vm (its virtual GIC), or of the
 * primary. GH_VIRQ_BOUND if it has one already, or that SPI is taken.
 */
int doorbell_bind(struct doorbell *db, struct vm *vm, u32 intid, bool edge);
void doorbell_unbind(struct doorbell *db);

/* ---- message queues -------------------------------------------------------- */

struct msgq {
	u32 depth;
	u32 max_size;
	u32 count;
	u32 head;
	u32 tx_threshold;	/* not full */
	u32 rx_threshold;	/* not empty */
	bool rx_pushed;		/* PUSH, and not empty since */
	struct virq tx_virq;
	struct virq rx_virq;
	u16 *sizes;
	u8 *data;
};

struct msgq *msgq_create(u32 depth, u32 max_size);
void msgq_destroy(struct msgq *q);
/* The side of the Resource Manager uses VIRQ_RM, the primary's VIRQ_PRIMARY. */
void msgq_bind_send(struct msgq *q, enum virq_kind kind, u32 intid);
void msgq_bind_receive(struct msgq *q, enum virq_kind kind, u32 intid);
/* GH_OK, GH_MSGQ_FULL, GH_ARGUMENT_SIZE. */
int msgq_send(struct msgq *q, const void *buf, size_t size, bool push,
	      bool *not_full);
/* GH_OK and *size, GH_MSGQ_EMPTY, or GH_ADDR_OVERFLOW (the message stays). */
int msgq_receive(struct msgq *q, void *buf, size_t max_size, size_t *size,
		 bool *not_empty);

/* ---- service CPU ------------------------------------------------------------ */

/* Has rm_work() called soon, on the service CPU. */
void rm_kick(void);
/* Has rm_work() called when the counter gets there; 0 cancels. */
void rm_set_deadline(u64 counter);
u64 counter_now(void);
u64 counter_freq(void);

/* ---- what the Resource Manager provides --------------------------------------- */

/*
 * Once, at boot, before the primary starts: create the queues, overlay the
 * primary's tree (libfdt, at @fdt, @room bytes for it). A panic on failure.
 */
void rm_init(struct vm *primary, void *fdt, size_t room);
/* On the service CPU, after rm_kick(), a VIRQ_RM, vm_quiescent() or a deadline. */
void rm_work(void);

enum vm_exit_type {
	VM_EXIT_PSCI_OFF	= 1,
	VM_EXIT_PSCI_RESET	= 2,
	VM_EXIT_PSCI_RESET2	= 3,
	VM_EXIT_SW_ERROR	= 5,
};

/*
 * The guest ended by itself (not by vm_kill()); the VM is dead by now. @arg is
 * the RESET2 type (bit 31:0, bit 63 set for the SMC64 call) and @cookie its
 * cookie. Called on any CPU: only note it, rm_work() follows.
 */
void rm_vm_exited(struct vm *vm, enum vm_exit_type type, u64 arg, u64 cookie);
/* Text for the control channel: bytes written, never more than @size. */
size_t rm_dump(char *buf, size_t size);
/*
 * Operations of the control channel that are not the core's (1 = dump is).
 * GH_OK and *out, or an error.
 */
int rm_control(u64 op, u64 arg0, u64 arg1, u64 arg2, u64 *out);

/* Caller's memory, by virtual address of the EL1 context that called. */
int copy_from_caller(void *dst, u64 va, size_t size);
int copy_to_caller(u64 va, const void *src, size_t size);

#endif
