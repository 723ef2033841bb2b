/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch on AMD-V: from host to guest with VMRUN, and back.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>

#include "compat.h"

	.section .noinstr.text, "ax"

/*
 * void svm_world_switch(u64 *gpr, u64 vmcb_pa, u64 host_vmcb_pa)
 *
 * @gpr:          guest registers in the order of enum cpu_gpr; RAX and RSP live in
 *                the VMCB
 * @vmcb_pa:      physical address of the guest's VMCB
 * @host_vmcb_pa: physical address of a VMCB that VMSAVE filled with the host's
 *                state
 *
 * Called with interrupts disabled. GIF stays clear from before the first host
 * register is replaced until the last is back, so not even an NMI sees a mix
 * (APM 2 15.17). RFLAGS.IF is set meanwhile: with V_INTR_MASKING it is the
 * host's IF at VMRUN that lets a physical interrupt end the guest
 * (APM 2 15.21.1).
 */
SYM_FUNC_START(svm_world_switch)
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	push %rdx
	mov %rsi, %rax

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

	clgi
	sti

	/* FS, GS, TR, LDTR and the system-call MSRs (APM 2 15.5.2). */
	vmload %rax
	ORIEL_CLEAR_CPU_BUFFERS
	vmrun %rax
	vmsave %rax

	/* No RET may use an address that the guest left in the return stack. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RETPOLINE

	pop %rax
	vmload %rax
	cli
	stgi

	pop %rax
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

	ORIEL_UNTRAIN_RET
	ORIEL_IBPB_ON_VMEXIT

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
SYM_FUNC_END(svm_world_switch)
