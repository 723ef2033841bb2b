/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch on VT-x: from the host to the guest with VMLAUNCH or VMRESUME, and back.
 */
#include <linux/linkage.h>
#include <linux/stringify.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "host/compat.h"
#include "host/entry_macros.S"

/* host_rsp's encoding (SDM 3D B.4.4) */
#define VMCS_HOST_RSP 0x6c14

	.section .noinstr.text, "ax"

/*
 * bool vmx_world_switch(u64 *gpr, u64 *host_rsp, bool launched)
 *
 * @gpr:      guest registers in the order of enum cpu_gpr; RSP is in the VMCS
 * @host_rsp: value of host_rsp in the VMCS; both are updated if RSP has changed
 * @launched: the VMCS has been launched
 *
 * Interrupts are off, but external interrupts cause VM exits all the same (SDM 3C 25.6.1).
 * Returns true if the entry failed with VMfail. The registers at @gpr are unchanged then.
 */
SYM_FUNC_START(vmx_world_switch)
	PUSH_CALLEE_SAVED
	push %rdi

	cmp %rsp, (%rsi)
	je 1f
	mov %rsp, (%rsi)
	mov $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
1:
	/* CF survives the loads, which write no flags, and VERW, which writes ZF alone. */
	bt $0, %edx

	mov (8 * 0)(%rdi), %rax
	LOAD_GUEST_GPRS

	CLEAR_CPU_BUFFERS
	UNWIND_HINT_SAVE
	jnc 2f
3:	vmresume
	jmp 4f
2:	vmlaunch
4:
	/* VMRESUME and VMLAUNCH come here only if they fail. */
	mov $1, %ebx
	jmp 5f

/* VM exits continue here. Every register except RSP and RIP is the guest's. */
SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	UNWIND_HINT_RESTORE
	push %rax
	mov 8(%rsp), %rax
	pop (8 * 0)(%rax)
	SAVE_GUEST_GPRS
	ZERO_CALLEE_SAVED

	/* No RET may be predicted with an address that the guest left in the return stack. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
5:
	ZERO_CALLER_SAVED
	pop %rdi
	/* First of all the host gets its IA32_SPEC_CTRL back: until then IBRS may be off. */
	ALTERNATIVE "", __stringify(call vmx_restore_spec_ctrl), X86_FEATURE_MSR_SPEC_CTRL
	CLEAR_BRANCH_HISTORY_VMEXIT
	mov %ebx, %eax

	POP_CALLEE_SAVED
	RET

	_ASM_EXTABLE(3b, 4b)
	_ASM_EXTABLE(2b, 4b)
SYM_FUNC_END(vmx_world_switch)
