/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch on AMD-V: from the host to the guest with VMRUN, and back.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>

#include "host/compat.h"
#include "host/entry_macros.S"

	.section .noinstr.text, "ax"

/*
 * void svm_world_switch(u64 *gpr, u64 vmcb_pa, u64 host_vmcb_pa)
 *
 * @gpr:          guest registers in the order of enum cpu_gpr; RAX and RSP are in the VMCB
 * @vmcb_pa:      physical address of the guest's VMCB
 * @host_vmcb_pa: physical address of a VMCB in which VMSAVE has saved the host's state
 *
 * Interrupts are off. GIF is clear from before VMLOAD replaces the first of the host's registers
 * until the last is loaded again, so that not even an NMI finds a mix (APM 2 15.17). RFLAGS.IF
 * is set in this time: with V_INTR_MASKING, the host's IF at VMRUN decides if a physical
 * interrupt ends the guest (APM 2 15.21.1). On return GIF is set, and the host has taken an NMI
 * that came in the meantime.
 */
SYM_FUNC_START(svm_world_switch)
	PUSH_CALLEE_SAVED
	push %rdi
	push %rdx
	mov %rsi, %rax

	LOAD_GUEST_GPRS

	clgi
	sti

	/* FS, GS, TR, LDTR and the system-call MSRs (APM 2 15.5.2). */
	vmload %rax
	VM_CLEAR_CPU_BUFFERS
	vmrun %rax
	vmsave %rax

	/* No RET may be predicted with an address that the guest left in the return stack. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RETPOLINE

	pop %rax
	vmload %rax
	cli
	stgi

	pop %rax
	SAVE_GUEST_GPRS

	ORIEL_UNTRAIN_RET
	ORIEL_IBPB_ON_VMEXIT

	ZERO_CALLER_SAVED

	POP_CALLEE_SAVED
	RET
SYM_FUNC_END(svm_world_switch)
