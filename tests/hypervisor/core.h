/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test hypervisor's core: what its files share, and the Resource Manager
 * does not see.
 */
#ifndef CORE_H
#define CORE_H

#include "hyp.h"
#include "sysreg.h"

/* QEMU's virt machine. */
#define GICD_BASE	0x08000000ULL
#define GICR_BASE	0x080a0000ULL
#define GICR_STRIDE	0x20000ULL
#define UART_BASE	0x09000000ULL
#define DEVICE_WINDOW	0x40000000ULL

/* Interrupts of EL2 itself. */
#define SGI_KICK	15
#define PPI_MAINTENANCE	25
#define PPI_HYP_TIMER	26
#define PPI_VIRT_TIMER	27

#define PSCI_VERSION		0x84000000u
#define PSCI_CPU_SUSPEND	0xc4000001u
#define PSCI_CPU_OFF		0x84000002u
#define PSCI_CPU_ON		0xc4000003u
#define PSCI_AFFINITY_INFO	0xc4000004u
#define PSCI_MIGRATE_INFO_TYPE	0x84000006u
#define PSCI_SYSTEM_OFF		0x84000008u
#define PSCI_SYSTEM_RESET	0x84000009u
#define PSCI_FEATURES		0x8400000au
#define PSCI_SYSTEM_RESET2	0xc4000012u
#define PSCI_SMC64		0x40000000u

#define PSCI_SUCCESS		0
#define PSCI_NOT_SUPPORTED	-1
#define PSCI_INVALID_PARAMETERS	-2
#define PSCI_ALREADY_ON		-4

#define MPIDR_AFF_MASK		0xff00ffffffULL

static inline u32 read32(u64 addr)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(addr) : "memory");
	return value;
}

static inline u64 read64(u64 addr)
{
	u64 value;

	asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(addr) : "memory");
	return value;
}

static inline void write32(u64 addr, u32 value)
{
	asm volatile("str %w0, [%1]" : : "r"(value), "r"(addr) : "memory");
}

/* General registers of what runs below EL2; entry.S knows the layout. */
struct regs {
	u64 x[31];
	u64 pc;
	u64 pstate;
};

static_assert(offsetof(struct regs, pc) == 248, "entry.S");

#define NR_EL1_REGS	34
#define EL1_SCTLR	0
#define EL1_SP_EL0	15
#define EL1_SP_EL1	16

/* See regs.S for the list. */
struct el1_regs {
	u64 reg[NR_EL1_REGS];
};

struct fp_regs {
	u64 q[64];		/* regs.S knows the layout */
	u64 fpcr;
	u64 fpsr;
};

struct timer_regs {
	u64 ctl;
	u64 cval;
};

#define MAX_LRS		16

/* A virtual interrupt, as the virtual distributor sees it. */
struct irq {
	u8 prio;
	u8 target;		/* SPIs: index of the vCPU */
	bool enabled : 1;
	bool group1 : 1;
	bool edge : 1;
	bool pending : 1;	/* latched */
	bool line : 1;		/* level: the source asserts it */
	bool again : 1;		/* asserted anew while in a list register */
	bool active : 1;
	bool listed : 1;	/* in a list register */
	struct virq *source;
};

struct cpu;

enum park {
	PARK_NONE,
	PARK_WFI,
	PARK_SUSPEND,
	PARK_OFF,
};

/* What vcpu_run answered last, and so what resume0 means. */
enum resume {
	RESUME_NONE,
	RESUME_MMIO_READ,
};

struct vcpu {
	struct regs regs;
	struct el1_regs el1;
	struct fp_regs fp;
	struct timer_regs timer;
	u64 mpidr;
	struct vm *vm;
	unsigned int idx;
	struct cpu *cpu;	/* that is inside it */
	struct cpu *last_cpu;
	enum park park;
	u64 park_state;		/* CPU_SUSPEND: power state */
	u32 wakeup;		/* the primary's SPI; 0: not proxy-scheduled */
	struct cpu *home;	/* not proxy-scheduled: where it runs */
	struct vcpu *next_queued;	/* that runs there */
	enum resume resume;
	u32 mmio_esr;
	struct vcpu *next_watched;	/* waits, with a timer running */
	bool watched;
	/* virtual GIC */
	struct irq irqs[NR_PRIVATE_IRQS];
	u64 ready[(NR_IRQS + 63) / 64];	/* SPIs and PPIs to look at */
	u16 lr_irq[MAX_LRS];
	u32 lrs_used;
	u64 ich_hcr;		/* as it is in hardware */
	bool gicr_awake;
	bool reset;		/* the next three are not in hardware yet */
	u64 ich_vmcr;
	u64 ich_ap0r0;
	u64 ich_ap1r0;
};

enum cpu_state {
	CPU_ABSENT,
	CPU_OFF,
	CPU_ON,
};

struct cpu {
	struct regs *cur;	/* entry.S */
	u32 id;			/* entry.S */
	u64 mpidr;
	u64 gicr;
	bool service;
	enum cpu_state state;
	u64 entry;		/* CPU_ON of the primary */
	u64 context;
	struct regs host;
	struct el1_regs host_el1;
	struct fp_regs host_fp;
	struct timer_regs host_timer;
	u64 host_counters;	/* of the PMU, that a guest stopped */
	struct vcpu *vcpu;	/* that runs here */
	struct vcpu *last_vcpu;
	struct vcpu *queue;	/* service CPUs: what runs there, by turns */
	bool fp_guest;		/* the guest's FP registers are live */
	bool kicked;
};

extern struct cpu cpus[MAX_CPUS];
extern struct vm *primary;
extern unsigned int nr_lrs;

static inline struct cpu *this_cpu(void)
{
	return (struct cpu *)sysreg_read(tpidr_el2);
}

void enter_lower(void) __noreturn;
/* On a service CPU: comes back when the guest was left. */
void run_lower(void);
void lower_left(void);
void secondary_entry(void);

/* regs.S */
void el1_swap(struct el1_regs *old, const struct el1_regs *new, bool keys);
void el1_load(const struct el1_regs *el1, bool keys);
void fp_save(struct fp_regs *fp);
void fp_load(const struct fp_regs *fp);
u64 lr_read(u64 n);
void lr_write(u64 n, u64 value);
u64 id_reg_raw(u64 index);

/* hyp.lds */
extern char __hyp_end[];

/* smp.c */
void hyp_lock(void);
void hyp_unlock(void);
u64 firmware_call(u64 fn, u64 a0, u64 a1, u64 a2);
void smp_init(const void *fdt);
void smp_start_service_cpus(void);
struct cpu *smp_own_cpu(u32 number);
s64 smp_cpu_on(u64 mpidr, u64 entry, u64 context);
void smp_cpu_off(void);

/* main.c */
void boot_main(void) __noreturn;
void secondary_main(void) __noreturn;
void enter_primary(struct cpu *cpu, u64 pc, u64 x0) __noreturn;

/* mem.c, random.c */
void mem_init(void);
void random_init(u64 seed);

/* stage2.c; all addresses are below this, EL2's own as well */
#define S2_LIMIT	BIT(39)

int s2_init(struct s2 *s2, u16 vmid);
void s2_free(struct s2 *s2);
void s2_activate(struct s2 *s2);
void s2_flush_local(void);

/* service.c */
void service_main(void) __noreturn;
void service_poke(struct cpu *cpu);
void service_watch(struct vcpu *vcpu);
void service_unwatch(struct vcpu *vcpu);

/* sched.c: vCPUs that are not proxy-scheduled */
void sched_add(struct vcpu *vcpu);
void sched_remove(struct vcpu *vcpu);
struct vcpu *sched_next(struct cpu *cpu, u64 *deadline);

/* gic.c: the physical GIC */
void gic_init(void);
void gic_cpu_init(struct cpu *cpu);
void gic_enable_hyp_irqs(struct cpu *cpu);
void gic_kick(struct cpu *cpu);
u32 gic_pending(void);
void gic_clear_kick(struct cpu *cpu);
void gic_spi_set_pending(u32 intid);
void gic_spi_clear_pending(u32 intid);

/* vgic.c: the virtual one */
int vgic_create(struct vm *vm);
void vgic_destroy(struct vm *vm);
void vgic_vcpu_init(struct vcpu *vcpu);
void vgic_cpuif_reset(struct vcpu *vcpu);
void vgic_load(struct vcpu *vcpu, bool moved);
void vgic_put(struct vcpu *vcpu);
void vgic_fold(struct vcpu *vcpu);
void vgic_flush(struct vcpu *vcpu);
bool vgic_has_pending(struct vcpu *vcpu);
void vgic_assert(struct vm *vm, u32 intid);
void vgic_clear(struct vm *vm, u32 intid);
void vgic_assert_private(struct vcpu *vcpu, u32 intid);
int vgic_connect(struct vm *vm, struct virq *virq, bool edge);
void vgic_disconnect(struct vm *vm, struct virq *virq);
void vgic_send_sgi(struct vcpu *vcpu, u64 sgi1r);
struct irq *vgic_irq(struct vcpu *vcpu, u32 intid);
void vgic_update(struct vcpu *vcpu, u32 intid);
struct vcpu *vgic_owner(struct vcpu *vcpu, u32 intid);

/* vgic_mmio.c */
struct vgic {
	u64 gicd;		/* 0: not set */
	u64 gicr;
	u64 stride;
	u32 ctlr;
	struct irq spis[NR_IRQS - NR_PRIVATE_IRQS];
};

struct mmio {
	u64 ipa;
	u32 size;
	bool write;
	u64 value;
};

/* Is it an access to the virtual GIC? Then it is done. */
bool vgic_mmio(struct vcpu *vcpu, struct mmio *mmio);

/* trap.c */
void trap_sync(struct regs *regs);
void trap_irq(struct regs *regs);
void trap_serror(struct regs *regs) __noreturn;
void trap_el2(u64 esr, u64 elr, u64 far) __noreturn;

/* guest_trap.c */
void guest_sync(struct vcpu *vcpu, u64 esr);
void guest_irq(struct vcpu *vcpu, u32 intid);
bool guest_mmio(struct vcpu *vcpu, u64 esr, u64 ipa);
void guest_mmio_complete(struct vcpu *vcpu, u64 esr, u64 value);

/* inject.c: exceptions for EL1 */
void inject_undef(struct regs *regs);
void inject_abort(struct regs *regs, u64 esr, u64 far);

/* idreg.c */
bool is_id_reg(u64 esr);
u64 id_reg_read(u64 esr, bool guest);

/* psci.c */
s64 primary_psci(u32 fn, const u64 *args);
s64 guest_psci(struct vcpu *vcpu, u32 fn, const u64 *args);

/* hypercall.c */
void hvc_call(struct vm *vm, struct regs *regs, u32 imm);
void smc_call(struct vm *vm, struct regs *regs, u32 imm);

/* ctl_hypercall.c: counts a call; is its answer made up for a test? */
bool ctl_hypercall_take(u32 nr, const u64 *arg, u64 *ret);
/* Messages that cannot be copied: as Gunyah's code has it, not its manual */
extern bool ctl_msgq_swallow;

/* vcpu.c */
void vcpu_enter(struct cpu *cpu, struct vcpu *vcpu);
int vcpu_run(struct vcpu *vcpu, u64 resume0);
int vcpu_run_check(struct vcpu *vcpu);
void vcpu_leave(struct vcpu *vcpu, u64 state, u64 d0, u64 d1, u64 d2);
void vcpu_resume(struct vcpu *vcpu);
void vcpu_wake(struct vcpu *vcpu);
void vcpu_poke(struct vcpu *vcpu);
struct vcpu *vcpu_by_mpidr(struct vm *vm, u64 mpidr);

enum vcpu_run_state {
	VCPU_READY		= 0,
	VCPU_EXPECTS_WAKEUP	= 1,
	VCPU_POWERED_OFF	= 2,
	VCPU_BLOCKED		= 3,
	VCPU_VMMIO_READ		= 4,
	VCPU_VMMIO_WRITE	= 5,
	VCPU_FAULT		= 6,
	VCPU_SYSTEM_RESET	= 0x100,
};

/* doorbell.c, msgq.c */
u64 doorbell_send(struct doorbell *db, u64 flags);
u64 doorbell_receive(struct doorbell *db, u64 clear);
void doorbell_reset(struct doorbell *db);
void doorbell_mask(struct doorbell *db, u64 enable, u64 ack);
u8 *msgq_tail(struct msgq *q);
bool msgq_commit(struct msgq *q, size_t size, bool push);
const u8 *msgq_head(struct msgq *q, size_t *size);
bool msgq_pop(struct msgq *q);
void msgq_flush(struct msgq *q);

/* switch.c */
void switch_to_guest(struct cpu *cpu, struct vcpu *vcpu);
void switch_to_host(struct cpu *cpu, struct vcpu *vcpu);
void switch_fp_to_guest(struct cpu *cpu, struct vcpu *vcpu);
void el2_init(struct cpu *cpu);
void el2_map_ram(u64 base, u64 size);
void el1_reset(struct el1_regs *el1);
void el1_start(const struct el1_regs *el1);
void timer_mask_guest(void);
bool timer_expired(const struct timer_regs *timer);

#endif
