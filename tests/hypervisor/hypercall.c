// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls from below EL2: SMCCC (HVC #0, SMC #0) and the native hypercalls.
 */
#include "core.h"
#include "ctl/gunyah_test_ctl.h"

#define NATIVE_FIRST	0x6000
#define NATIVE_LAST	0x61ff

#define SMCCC_FAST	BIT(31)
#define SMCCC_64	BIT(30)
#define SMCCC_OWNER(fn)	((fn) >> 24 & 0x3f)
#define SMCCC_MUST_BE_0	GENMASK(23, 17)
#define SMCCC_CLASS(fn)	((fn) >> 14 & 3)
#define SMCCC_NUMBER(fn) ((fn) & 0x3fff)
#define OWNER_ARCH	0
#define OWNER_STANDARD	4
#define OWNER_STD_HYP	5
#define OWNER_VENDOR	6
#define CLASS_HYPERCALL	2
#define CLASS_SERVICE	3
#define NUMBER_UID	0x3f01
#define NUMBER_REVISION	0x3f03

#define SMCCC_VERSION		0x80000000u
#define SMCCC_ARCH_FEATURES	0x80000001u
#define SMCCC_VERSION_1_3	0x10003

#define NOT_SUPPORTED	(~0ULL)

/* 64-bit, little endian, API version 1, variant 'Q' as the real one says */
#define API_INFO	0x5100000000008001ULL
/* what is there, and a fixed-priority round robin scheduler */
#define API_FLAGS0	0x10000effULL
#define STD_HYP_REVISION 0x10000

#define MSGQ_SEND_PUSH	BIT(0)
#define MSGQ_KEEP	0xffffffffU
#define MSGQ_MAXIMUM	0xfffffffeU

#define DUMP_MAX	0x40000UL

struct call {
	struct vm *vm;
	const u64 *arg;
	u64 *ret;		/* x0.. */
};

struct hypercall {
	u16 nr;
	u8 zero;		/* bit n: argument n must be 0 */
	int (*handler)(struct call *call);
};

static int call_identify(struct call *call)
{
	call->ret[1] = API_FLAGS0;
	call->ret[2] = 0;
	call->ret[3] = 0;
	return GH_OK;
}

static int get_doorbell(struct call *call, u32 rights, struct doorbell **db)
{
	return cap_lookup(call->vm, call->arg[0], OBJ_DOORBELL, rights, (void **)db);
}

static int call_doorbell_send(struct call *call)
{
	struct doorbell *db;
	int ret = get_doorbell(call, CAP_DOORBELL_SEND, &db);

	if (!ret)
		call->ret[1] = doorbell_send(db, call->arg[1]);
	return ret;
}

static int call_doorbell_receive(struct call *call)
{
	struct doorbell *db;
	int ret = get_doorbell(call, CAP_DOORBELL_RECEIVE, &db);

	if (ret)
		return ret;
	if (!call->arg[1])
		return GH_ARGUMENT_INVALID;
	call->ret[1] = doorbell_receive(db, call->arg[1]);
	return GH_OK;
}

static int call_doorbell_reset(struct call *call)
{
	struct doorbell *db;
	int ret = get_doorbell(call, CAP_DOORBELL_RECEIVE, &db);

	if (!ret)
		doorbell_reset(db);
	return ret;
}

static int call_doorbell_mask(struct call *call)
{
	struct doorbell *db;
	int ret = get_doorbell(call, CAP_DOORBELL_RECEIVE, &db);

	if (!ret)
		doorbell_mask(db, call->arg[1], call->arg[2]);
	return ret;
}

static int get_msgq(struct call *call, u32 rights, struct msgq **q)
{
	return cap_lookup(call->vm, call->arg[0], OBJ_MSGQ, rights, (void **)q);
}

/* A message that cannot be copied: nobody is told, or the caller is. */
static int msgq_copy_failed(struct call *call, u32 more, int error)
{
	if (!ctl_msgq_swallow)
		return error;
	call->ret[more] = 1;
	return GH_OK;
}

static int call_msgq_send(struct call *call)
{
	u64 size = call->arg[1], flags = call->arg[3];
	struct msgq *q;
	int ret;
	u8 *slot;

	ret = get_msgq(call, CAP_MSGQ_SEND, &q);
	if (ret)
		return ret;
	if (flags & ~MSGQ_SEND_PUSH)
		return GH_ARGUMENT_INVALID;
	call->ret[1] = 0;
	slot = msgq_tail(q);
	if (!slot)
		return GH_MSGQ_FULL;
	ret = GH_ARGUMENT_SIZE;
	if (size && size <= q->max_size)
		ret = copy_from_caller(slot, call->arg[2], size);
	if (ret)
		return msgq_copy_failed(call, 1, ret);
	call->ret[1] = msgq_commit(q, size, flags & MSGQ_SEND_PUSH);
	return GH_OK;
}

static int call_msgq_receive(struct call *call)
{
	struct msgq *q;
	const u8 *msg;
	size_t size;
	int ret;

	ret = get_msgq(call, CAP_MSGQ_RECEIVE, &q);
	if (ret)
		return ret;
	call->ret[1] = 0;
	call->ret[2] = 0;
	msg = msgq_head(q, &size);
	if (!msg)
		return GH_MSGQ_EMPTY;
	ret = GH_ADDR_OVERFLOW;
	if (size <= call->arg[2])
		ret = copy_to_caller(call->arg[1], msg, size);
	if (ret)
		return msgq_copy_failed(call, 2, ret);
	call->ret[1] = size;
	call->ret[2] = msgq_pop(q);
	return GH_OK;
}

static int call_msgq_flush(struct call *call)
{
	struct msgq *q;
	int ret = get_msgq(call, CAP_MSGQ_RECEIVE, &q);

	if (!ret)
		msgq_flush(q);
	return ret;
}

/* Delays are not implemented, by the real one neither. */
static int check_delays(struct call *call)
{
	if ((u32)call->arg[2] != MSGQ_KEEP)
		return GH_UNIMPLEMENTED;
	return call->arg[3] == ~0ULL ? GH_OK : GH_ARGUMENT_INVALID;
}

static int call_msgq_configure_send(struct call *call)
{
	u32 threshold = call->arg[1];
	struct msgq *q;
	int ret = get_msgq(call, CAP_MSGQ_SEND, &q);

	if (!ret)
		ret = check_delays(call);
	if (ret || threshold == MSGQ_KEEP)
		return ret;
	if (threshold >= q->depth)
		return GH_ARGUMENT_INVALID;
	q->tx_threshold = threshold;
	return GH_OK;
}

static int call_msgq_configure_receive(struct call *call)
{
	u32 threshold = call->arg[1];
	struct msgq *q;
	int ret = get_msgq(call, CAP_MSGQ_RECEIVE, &q);

	if (!ret)
		ret = check_delays(call);
	if (ret || threshold == MSGQ_KEEP)
		return ret;
	if (threshold == MSGQ_MAXIMUM)
		threshold = q->depth;
	if (!threshold || threshold > q->depth)
		return GH_ARGUMENT_INVALID;
	q->rx_threshold = threshold;
	return GH_OK;
}

static int call_vcpu_run(struct call *call)
{
	u64 resume0 = call->arg[1];
	struct vcpu *vcpu;
	int ret;

	ret = cap_lookup(call->vm, call->arg[0], OBJ_VCPU,
			 CAP_VCPU_AFFINITY | CAP_VCPU_YIELD_TO, (void **)&vcpu);
	if (ret)
		return ret;
	return call->vm->primary ? vcpu_run(vcpu, resume0) : GH_DENIED;
}

static int call_vcpu_run_check(struct call *call)
{
	struct vcpu *vcpu;
	int ret;

	ret = cap_lookup(call->vm, call->arg[0], OBJ_VCPU,
			 CAP_VCPU_BIND_VIRQ | CAP_VCPU_STATE, (void **)&vcpu);
	if (ret)
		return ret;
	return call->vm->primary ? vcpu_run_check(vcpu) : GH_DENIED;
}

static const struct hypercall hypercalls[] = {
	{ 0x00, 0, call_identify },
	{ 0x12, BIT(2), call_doorbell_send },
	{ 0x13, BIT(2), call_doorbell_receive },
	{ 0x14, BIT(1), call_doorbell_reset },
	{ 0x15, BIT(3), call_doorbell_mask },
	{ 0x1b, BIT(4), call_msgq_send },
	{ 0x1c, BIT(3), call_msgq_receive },
	{ 0x1d, BIT(1), call_msgq_flush },
	{ 0x1f, 0, call_msgq_configure_send },
	{ 0x20, 0, call_msgq_configure_receive },
	{ 0x65, BIT(4), call_vcpu_run },
	{ 0x68, BIT(1), call_vcpu_run_check },
};

/* The tests' channel: not part of Gunyah, and only for the primary. */
static int control(struct call *call)
{
	u64 op = call->arg[0], va = call->arg[1], size = call->arg[2];
	size_t len;
	char *buf;
	int ret;

	if (op != GUNYAH_TEST_CTL_DUMP)
		return rm_control(op, call->arg[1], call->arg[2], call->arg[3],
				  &call->ret[1]);
	size = min(size, DUMP_MAX);
	buf = hyp_zalloc(size);
	if (!buf)
		return GH_NOMEM;
	len = rm_dump(buf, size);
	ret = copy_to_caller(va, buf, len);
	hyp_free(buf);
	call->ret[1] = len;
	return ret;
}

static const struct hypercall *find_hypercall(u32 nr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hypercalls); i++) {
		if (hypercalls[i].nr == nr)
			return &hypercalls[i];
	}
	return NULL;
}

/* Arguments from x[@first]: results may overwrite them, so work on a copy. */
static void hypercall(struct vm *vm, struct regs *regs, u32 nr, unsigned int first)
{
	const struct hypercall *hc = find_hypercall(nr);
	u64 arg[7];
	struct call call = { .vm = vm, .arg = arg, .ret = regs->x };
	unsigned int i;
	int ret = GH_OK;

	memcpy(arg, &regs->x[first], sizeof(arg));
	if (nr == SMCCC_NUMBER(GUNYAH_TEST_CTL) && vm->primary) {
		regs->x[0] = (s64)control(&call);
		return;
	}
	if (vm->primary && ctl_hypercall_take(nr, arg, regs->x))
		return;
	if (!hc) {
		regs->x[0] = (s64)GH_UNIMPLEMENTED;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(arg); i++) {
		if ((hc->zero & BIT(i)) && arg[i])
			ret = GH_ARGUMENT_INVALID;
	}
	if (!ret)
		ret = hc->handler(&call);
	regs->x[0] = nr ? (u64)(s64)ret : API_INFO;
}

static void put_uid(struct regs *regs)
{
	regs->x[0] = 0xcd8fd5c1;
	regs->x[1] = 0xdb5f53a4;
	regs->x[2] = 0x36ce6592;
	regs->x[3] = 0x145f3d67;
}

static void vendor_call(struct vm *vm, struct regs *regs, u32 fn)
{
	u32 class = SMCCC_CLASS(fn), number = SMCCC_NUMBER(fn);

	if (!(fn & SMCCC_MUST_BE_0) && class == CLASS_HYPERCALL && (fn & SMCCC_64))
		hypercall(vm, regs, number, 1);
	else if ((fn & SMCCC_MUST_BE_0) || class != CLASS_SERVICE || (fn & SMCCC_64))
		regs->x[0] = NOT_SUPPORTED;
	else if (number == NUMBER_UID)
		put_uid(regs);
	else
		regs->x[0] = number == NUMBER_REVISION ? API_INFO : NOT_SUPPORTED;
}

static void standard_hyp_call(struct regs *regs, u32 fn)
{
	u32 call = fn & 0xffff;

	if (!(fn & SMCCC_64) && call == 0xff01)
		put_uid(regs);
	else
		regs->x[0] = !(fn & SMCCC_64) && call == 0xff03 ? STD_HYP_REVISION :
			     NOT_SUPPORTED;
}

static u64 arch_call(u32 fn, u32 arg)
{
	if (fn == SMCCC_VERSION)
		return SMCCC_VERSION_1_3;
	if (fn == SMCCC_ARCH_FEATURES &&
	    (arg == SMCCC_VERSION || arg == SMCCC_ARCH_FEATURES))
		return 0;
	return NOT_SUPPORTED;
}

static void psci_call(struct vm *vm, struct regs *regs, u32 fn)
{
	u64 args[3] = { regs->x[1], regs->x[2], regs->x[3] };
	struct vcpu *vcpu = this_cpu()->vcpu;

	regs->x[0] = vm->primary ? primary_psci(fn, args) : guest_psci(vcpu, fn, args);
}

static void smccc_call(struct vm *vm, struct regs *regs)
{
	u32 fn = regs->x[0];

	if (!(fn & SMCCC_FAST)) {
		regs->x[0] = NOT_SUPPORTED;
		return;
	}
	switch (SMCCC_OWNER(fn)) {
	case OWNER_ARCH:
		regs->x[0] = arch_call(fn, regs->x[1]);
		break;
	case OWNER_STANDARD:
		psci_call(vm, regs, fn);
		break;
	case OWNER_STD_HYP:
		standard_hyp_call(regs, fn);
		break;
	case OWNER_VENDOR:
		vendor_call(vm, regs, fn);
		break;
	default:
		regs->x[0] = NOT_SUPPORTED;
		break;
	}
}

void hvc_call(struct vm *vm, struct regs *regs, u32 imm)
{
	if (!imm)
		smccc_call(vm, regs);
	else if (imm >= NATIVE_FIRST && imm <= NATIVE_LAST)
		hypercall(vm, regs, imm - NATIVE_FIRST, 0);
	else
		regs->x[0] = NOT_SUPPORTED;
}

/* Only SMCCC: the native form is HVC. */
void smc_call(struct vm *vm, struct regs *regs, u32 imm)
{
	if (!imm)
		smccc_call(vm, regs);
	else
		regs->x[0] = NOT_SUPPORTED;
}
