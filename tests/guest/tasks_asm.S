/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 32-bit side of tasks.c: what asks for task switches, the tasks switched to,
 * and the handlers of exceptions on the way.
 */
#define SEL_DATA	0x10
#define SEL_ABSENT	0x58
#define SEL_MAIN	0x68
#define SEL_OTHER	0x70
#define TSS_EIP		0x20
#define TSS_EFLAGS	0x24
#define EFLAGS_IF	0x200
#define EFLAGS_NT	0x4000
#define ICR		0xfee00300
#define ICR_NMI_SELF	0x44400

	.data
	.balign	8
	.irp	name, vector, error, eip, eflags, dr6, back, count, tr, in_eflags, pushed, \
		saved_eip, saved_eflags, main_access, skip, pop, high
	.globl	ts_\name
ts_\name:	.long	0
	.endr
ts_esp:	.long	0
ts_cr3:	.long	0
	.globl	ts_idtr
ts_idtr:	.word	64 * 8 - 1
		.long	0

	.text
	.code32
	/* One stub of 16 bytes for each of 64 vectors. */
	.globl	ts_stubs
	.balign	16
ts_stubs:
	vector = 0
	.rept	64
	.balign	16
	has_error = 0
	.if	vector < 32
	has_error = (0x60227d00 >> vector) & 1
	.endif
	.if	!has_error
	push	$0
	.endif
	push	$vector
	jmp	ts_fault
	vector = vector + 1
	.endr

	/* In the first task an exception ends the case, in another it goes back. */
ts_fault:
	push	%eax
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	pop	%eax
	popl	ts_vector
	popl	ts_error
	cmpl	$1, ts_vector
	je	ts_debug
	mov	(%esp), %eax
	mov	%eax, ts_eip
	mov	8(%esp), %eax
	mov	%eax, ts_eflags
	str	%eax
	movzx	%ax, %eax
	mov	%eax, ts_tr
	cmp	$SEL_MAIN, %eax
	je	ts_done
	pushf
	orl	$EFLAGS_NT, (%esp)
	popf
	iret

ts_debug:
	push	%eax
	mov	%dr6, %eax
	mov	%eax, ts_dr6
	pop	%eax
	iret

	/* EAX is what the first task still has in ESI. */
ts_done:
	cli
	mov	%cr0, %eax
	btr	$31, %eax
	mov	%eax, %cr0
	mov	ts_cr3, %eax
	mov	%eax, %cr3
	pushf
	popl	ts_back
	mov	%esi, %eax
	mov	ts_esp, %esp
	pop	%ebp
	pop	%edi
	pop	%esi
	pop	%ebx
	ret

	.macro	CASE name
	.globl	\name
\name:
	push	%ebx
	push	%esi
	push	%edi
	push	%ebp
	lidt	ts_idtr
	mov	%esp, ts_esp
	mov	%cr3, %eax
	mov	%eax, ts_cr3
	mov	$SEL_MAIN, %eax
	ltr	%ax
	mov	$0x55aa55aa, %esi
	.globl	\name\()_at
\name\()_at:
	.endm

	.macro	DONE
	jmp	ts_done
	.endm

	CASE	ts_call
	lcall	$SEL_OTHER, $0
	DONE

	CASE	ts_int
	int	$0x31
	DONE

	CASE	ts_int3
	int3
	DONE

	CASE	ts_undefined
	ud2
	DONE

	CASE	ts_load
	mov	$SEL_ABSENT, %eax
	mov	%eax, %ds
	DONE

	/*
	 * An interrupt is pending: it comes behind POPF, which casts no shadow for an
	 * emulated host to forget.
	 */
	CASE	ts_interrupt
	pushf
	orl	$EFLAGS_IF, (%esp)
	popf
	.globl	ts_interrupt_due
ts_interrupt_due:
	nop
	DONE

	CASE	ts_nmi
	movl	$ICR_NMI_SELF, ICR
	nop
	nop
	nop
	DONE

	/* With PAE paging on, on the tables in the first task's TSS. */
	CASE	ts_paging
	mov	ts_main + 0x1c, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	bts	$31, %eax
	mov	%eax, %cr0
	mov	0x80000000, %esi
	lcall	$SEL_OTHER, $0
	mov	0x80000000, %eax
	sub	%eax, %esi
	DONE

	/* The other task. Each time it goes back it is ready to be called again. */
	.globl	ts_other
ts_other:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	pushf
	popl	ts_in_eflags
	incl	ts_count
	str	%eax
	movzx	%ax, %eax
	mov	%eax, ts_tr
	mov	(%esp), %eax
	mov	%eax, ts_pushed
	mov	gdt + SEL_MAIN + 5, %al
	mov	%al, ts_main_access
	mov	ts_main + TSS_EIP, %eax
	mov	%eax, ts_saved_eip
	mov	ts_main + TSS_EFLAGS, %eax
	mov	%eax, ts_saved_eflags
	mov	%cr0, %eax
	bt	$31, %eax
	jnc	1f
	mov	0x80000000, %eax
	mov	%eax, ts_high
1:	mov	ts_skip, %eax
	add	%eax, ts_main + TSS_EIP
	add	ts_pop, %esp
	iret
	jmp	ts_other

	/* The same with a 16-bit TSS, in a segment that begins here. */
	.globl	ts_other16, ts_other16_end
ts_other16:
	incl	ts_count
	mov	%esp, ts_pushed
	iret
ts_other16_end:

	.globl	ts_v86_code, ts_v86_code_end
	.code16
ts_v86_code:
	mov	%sp, %cs:0x100
	hlt
ts_v86_code_end:
	.code32

	.section .note.GNU-stack, "", @progbits
