/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch on VT-x: from host to guest with VMLAUNCH or VMRESUME, and
 * back.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "compat.h"

/* host_rsp's encoding (SDM 3D B.4.4) */
#define VMCS_HOST_RSP 0x6c14

	.section .noinstr.text, "ax"

/*
 * bool vmx_world_switch(u64 *gpr, u64 *host_rsp, bool launched)
 *
 * @gpr:      guest registers in the order of enum cpu_gpr; RSP lives in the VMCS
 * @host_rsp: what host_rsp of the VMCS holds, brought up to date
 * @launched: whether the VMCS has been launched
 *
 * Called with interrupts disabled; external interrupts end the guest all the same
 * (SDM 3C 25.6.1). Returns true when the entry was refused with VMfail: then no
 * guest register was loaded for good.
 */
SYM_FUNC_START(vmx_world_switch)
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi

	cmp %rsp, (%rsi)
	je 1f
	mov %rsp, (%rsi)
	mov $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
1:
	/* CF survives the loads, and VERW as well, which writes ZF alone. */
	bt $0, %edx

	mov (8 * 0)(%rdi), %rax
	mov (8 * 1)(%rdi), %rcx
	mov (8 * 2)(%rdi), %rdx
	mov (8 * 3)(%rdi), %rbx
	mov (8 * 5)(%rdi), %rbp
	mov (8 * 6)(%rdi), %rsi
	mov (8 * 8)(%rdi), %r8
	mov (8 * 9)(%rdi), %r9
	mov (8 * 10)(%rdi), %r10
	mov (8 * 11)(%rdi), %r11
	mov (8 * 12)(%rdi), %r12
	mov (8 * 13)(%rdi), %r13
	mov (8 * 14)(%rdi), %r14
	mov (8 * 15)(%rdi), %r15
	mov (8 * 7)(%rdi), %rdi

	ORIEL_CLEAR_CPU_BUFFERS
	UNWIND_HINT_SAVE
	jnc 2f
3:	vmresume
	jmp 4f
2:	vmlaunch
4:
	/* Both come here only when they fail. */
	mov $1, %eax
	pop %rdi
	jmp 5f

/* Where a VM exit continues: every register but RSP and RIP is the guest's. */
SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	UNWIND_HINT_RESTORE
	push %rax
	mov 8(%rsp), %rax
	pop (8 * 0)(%rax)
	mov %rcx, (8 * 1)(%rax)
	mov %rdx, (8 * 2)(%rax)
	mov %rbx, (8 * 3)(%rax)
	mov %rbp, (8 * 5)(%rax)
	mov %rsi, (8 * 6)(%rax)
	mov %rdi, (8 * 7)(%rax)
	mov %r8, (8 * 8)(%rax)
	mov %r9, (8 * 9)(%rax)
	mov %r10, (8 * 10)(%rax)
	mov %r11, (8 * 11)(%rax)
	mov %r12, (8 * 12)(%rax)
	mov %r13, (8 * 13)(%rax)
	mov %r14, (8 * 14)(%rax)
	mov %r15, (8 * 15)(%rax)
	add $8, %rsp

	/* No RET may use an address that the guest left in the return stack. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	ORIEL_CLEAR_BRANCH_HISTORY
	xor %eax, %eax
5:
	/* The guest's values must not feed the host's speculation. */
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d

	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	RET

	_ASM_EXTABLE(3b, 4b)
	_ASM_EXTABLE(2b, 4b)
SYM_FUNC_END(vmx_world_switch)
