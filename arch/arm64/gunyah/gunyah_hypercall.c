// SPDX-License-Identifier: GPL-2.0
/*
 * Gunyah hypercalls on arm64
 */

#include <linux/arm-smccc.h>
#include <linux/export.h>
#include <linux/gunyah.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include <asm/gunyah.h>

/* An error is a sign-extended 32-bit number. */
static enum gh_error gh_result(unsigned long x0)
{
	return (enum gh_error)(s32)lower_32_bits(x0);
}

/**
 * arch_is_gh_guest() - find out whether this kernel runs under Gunyah
 *
 * Asks by the conduit that the firmware names (Gunyah answers both), since HVC
 * is undefined where there is no hypervisor at all.
 *
 * Return: true under Gunyah.
 */
bool arch_is_gh_guest(void)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_invoke(ARM_SMCCC_VENDOR_HYP_CALL_UID_FUNC_ID, &res);

	return lower_32_bits(res.a0) == GH_UID_WORD_0 &&
	       lower_32_bits(res.a1) == GH_UID_WORD_1 &&
	       lower_32_bits(res.a2) == GH_UID_WORD_2 &&
	       lower_32_bits(res.a3) == GH_UID_WORD_3;
}
EXPORT_SYMBOL_GPL(arch_is_gh_guest);

/**
 * gh_hypercall_hyp_identify() - ask for version and features of the hypervisor
 * @resp: filled with the answer
 */
void gh_hypercall_hyp_identify(struct gh_hypercall_hyp_identify_resp *resp)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GH_HYPERCALL_HYP_IDENTIFY, &res);

	/* The one call that returns no error. */
	resp->api_info = res.a0;
	resp->flags[0] = res.a1;
	resp->flags[1] = res.a2;
	resp->flags[2] = res.a3;
}
EXPORT_SYMBOL_GPL(gh_hypercall_hyp_identify);

/**
 * gh_hypercall_bell_send() - set flags of a doorbell, which may interrupt its
 *			      receiver
 * @capid: capability of the doorbell, with the right to send
 * @new_flags: flags to set
 * @old_flags: if not NULL, set to the flags before the call
 *
 * Return: GH_ERROR_OK or an error; @old_flags is set without an error only.
 */
enum gh_error gh_hypercall_bell_send(u64 capid, u64 new_flags, u64 *old_flags)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GH_HYPERCALL_BELL_SEND, capid, new_flags, 0, &res);

	if (!res.a0 && old_flags)
		*old_flags = res.a1;

	return gh_result(res.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_send);

/**
 * gh_hypercall_bell_receive() - clear flags of a doorbell
 * @capid: capability of the doorbell, with the right to receive
 * @clear_flags: flags to clear, at least one
 * @old_flags: set to the flags before the call; 0 on errors
 *
 * Return: GH_ERROR_OK or an error.
 */
enum gh_error gh_hypercall_bell_receive(u64 capid, u64 clear_flags, u64 *old_flags)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GH_HYPERCALL_BELL_RECEIVE, capid, clear_flags, 0, &res);

	*old_flags = res.a0 ? 0 : res.a1;

	return gh_result(res.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_receive);

/**
 * gh_hypercall_bell_set_mask() - choose what a doorbell's interrupt does
 * @capid: capability of the doorbell, with the right to receive
 * @enable_mask: flags that raise the interrupt
 * @ack_mask: flags that are cleared when the interrupt is raised
 *
 * Return: GH_ERROR_OK or an error.
 */
enum gh_error gh_hypercall_bell_set_mask(u64 capid, u64 enable_mask, u64 ack_mask)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GH_HYPERCALL_BELL_SET_MASK, capid, enable_mask, ack_mask, 0, &res);

	return gh_result(res.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_set_mask);

/**
 * gh_hypercall_msgq_send() - put a message into a queue
 * @capid: capability of the message queue, with the right to send
 * @size: size of the message in bytes
 * @buff: the message; its address is translated as the kernel's own accesses
 * @tx_flags: GH_HYPERCALL_MSGQ_TX_FLAGS_*
 * @ready: set to whether the queue takes another message; false on errors
 *
 * Return: GH_ERROR_OK or an error.
 */
enum gh_error gh_hypercall_msgq_send(u64 capid, size_t size, const void *buff, u64 tx_flags,
				     bool *ready)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GH_HYPERCALL_MSGQ_SEND, capid, size, (uintptr_t)buff, tx_flags, 0, &res);

	*ready = !res.a0 && res.a1;

	return gh_result(res.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_msgq_send);

/**
 * gh_hypercall_msgq_recv() - take a message out of a queue
 * @capid: capability of the message queue, with the right to receive
 * @buff: where the message goes; translated as the kernel's own accesses
 * @size: size of @buff in bytes
 * @recv_size: set to the size of the message; 0 on errors
 * @ready: set to whether more messages wait; false on errors
 *
 * Return: GH_ERROR_OK or an error.
 */
enum gh_error gh_hypercall_msgq_recv(u64 capid, void *buff, size_t size, size_t *recv_size,
				     bool *ready)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GH_HYPERCALL_MSGQ_RECV, capid, (uintptr_t)buff, size, 0, &res);

	*recv_size = res.a0 ? 0 : res.a1;
	*ready = !res.a0 && res.a2;

	return gh_result(res.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_msgq_recv);

/**
 * gh_hypercall_vcpu_run() - lend this CPU to another VM's vCPU for a while
 * @capid: capability of the vCPU
 * @resume_data: answers to the state that the call before returned; else 0
 * @resp: filled with the reason why it came back, without an error only
 *
 * Return: GH_ERROR_OK or an error.
 */
enum gh_error gh_hypercall_vcpu_run(u64 capid, const u64 resume_data[3],
				    struct gh_hypercall_vcpu_run_resp *resp)
{
	/* One result more than the calls of SMCCC 1.1 return. */
	struct arm_smccc_1_2_regs regs = {
		.a0 = GH_HYPERCALL_VCPU_RUN,
		.a1 = capid,
		.a2 = resume_data[0],
		.a3 = resume_data[1],
		.a4 = resume_data[2],
	};

	arm_smccc_1_2_hvc(&regs, &regs);

	if (!regs.a0) {
		resp->state = regs.a1;
		resp->state_data[0] = regs.a2;
		resp->state_data[1] = regs.a3;
		resp->state_data[2] = regs.a4;
	}

	return gh_result(regs.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_vcpu_run);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gunyah hypercalls");
