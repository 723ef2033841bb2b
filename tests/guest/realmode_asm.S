/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 16-bit side of realmode.c. Each function is called by real_call(): all
 * segments 0, result in AX.
 */
#define SEL_DATA	0x10
#define SEL_DATA16	0x40

	.section .real, "awx"
	.code16

	/* The values that the last interrupt pushed, and the address to go on at. */
	.globl	rm_vector, rm_ip, rm_cs, rm_flags, rm_flags_in, rm_expected_ip, rm_ticks
rm_vector:	.word	0
rm_ip:		.word	0
rm_cs:		.word	0
rm_flags:	.word	0
rm_flags_in:	.word	0
rm_expected_ip:	.word	0
rm_resume:	.word	0
rm_sp:		.word	0
rm_ticks:	.word	0
	.balign	8

	/* Eight bytes for each vector; the IVT is filled by realmode.c. */
	.globl	rm_stubs
rm_stubs:
	vector = 0
	.rept	32
	.balign	8
	pushw	$vector
	jmp	rm_common
	vector = vector + 1
	.endr

rm_common:
	popw	%cs:rm_vector
	popw	%cs:rm_ip
	popw	%cs:rm_cs
	popw	%cs:rm_flags
	pushfw
	popw	%cs:rm_flags_in
	jmp	*%cs:rm_resume

rm_done:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	rm_sp, %sp
	mov	rm_vector, %ax
	ret

	/* The code between AT and DONE should raise an exception, or none (-1). */
	.macro	CASE name
	.globl	\name
\name:
	movw	$rm_done, rm_resume
	movw	$at_\name, rm_expected_ip
	movw	$-1, rm_vector
	mov	%sp, rm_sp
	.endm

	.macro	AT name
at_\name:
	.endm

	.macro	DONE
	jmp	rm_done
	.endm

	CASE	rm_divide
	mov	$7, %ax
	xor	%cx, %cx
	AT	rm_divide
	div	%cl
	DONE

	CASE	rm_undefined
	AT	rm_undefined
	ud2
	DONE

	/* A trap: the IP pushed is that of the next instruction. */
	CASE	rm_breakpoint
	int3
	AT	rm_breakpoint
	DONE

	CASE	rm_overflow
	mov	$0x7f, %al
	add	$1, %al
	into
	AT	rm_overflow
	DONE

	CASE	rm_bound
	movl	$0x00040002, bounds
	mov	$5, %ax
	AT	rm_bound
	bound	%ax, bounds
	DONE

	CASE	rm_bound_inside
	movl	$0x00040002, bounds
	mov	$4, %ax
	AT	rm_bound_inside
	bound	%ax, bounds
	DONE
bounds:	.long	0

	/* 64 KiB - 1 is the limit (SDM 3B 21.1.1): the second byte is outside. */
	CASE	rm_data_limit
	mov	$0xffff, %bx
	AT	rm_data_limit
	mov	(%bx), %ax
	DONE

	CASE	rm_data_limit32
	mov	$0x10000, %ebx
	AT	rm_data_limit32
	mov	(%ebx), %al
	DONE

	CASE	rm_stack_limit
	mov	$0xffff, %bp
	AT	rm_stack_limit
	mov	(%bp), %ax
	DONE

	CASE	rm_lock
	AT	rm_lock
	.byte	0xf0, 0x90		/* LOCK NOP */
	DONE

	CASE	rm_long
	AT	rm_long
	.fill	15, 1, 0x2e		/* 16 bytes: #GP (SDM 2A 2.3.11) */
	nop
	DONE

	CASE	rm_ltr
	mov	$0x48, %ax
	AT	rm_ltr
	ltr	%ax			/* no such thing in real mode: #UD */
	DONE

	CASE	rm_int
	pushfw
	popw	%ax
	or	$0x0300, %ax		/* IF and, to be cleared, TF's neighbour */
	and	$~0x0100, %ax
	pushw	%ax
	popfw
	int	$0x1f
	AT	rm_int
	cli
	DONE

	CASE	rm_single_step
	pushfw
	popw	%ax
	or	$0x0100, %ax
	pushw	%ax
	popfw
	nop
	AT	rm_single_step
	nop
	DONE

	/* 1000:0010 and 1001:0000 are one address. */
	.globl	rm_alias
rm_alias:
	mov	$0x1000, %ax
	mov	%ax, %ds
	movw	$0xbeef, 0x10
	mov	$0x1001, %ax
	mov	%ax, %es
	mov	%es:0, %ax
	xor	%cx, %cx
	mov	%cx, %ds
	mov	%cx, %es
	ret

	/* FFFF:0010 is 1 MiB: no wrap to 0 (A20 is open). */
	.globl	rm_above
rm_above:
	mov	$0xffff, %ax
	mov	%ax, %es
	mov	%es:0x10, %ax
	xor	%cx, %cx
	mov	%cx, %es
	ret

	.globl	rm_far_call
rm_far_call:
	lcall	$0x0800, $far_target - 0x8000
	ret
far_target:
	mov	%cs, %ax
	lret

	.globl	rm_push_sp
rm_push_sp:
	mov	%sp, %cx
	push	%sp
	pop	%ax
	sub	%cx, %ax		/* 0 from the 80286 on */
	ret

	/* SP wraps from 0 to 0xfffe. */
	.globl	rm_stack_wrap
rm_stack_wrap:
	mov	%sp, %cx
	mov	$0x6000, %ax
	mov	%ax, %ss
	xor	%sp, %sp
	pushw	$0x5678
	mov	%sp, %bx
	xor	%ax, %ax
	mov	%ax, %ss
	mov	%cx, %sp
	mov	%bx, %ax
	ret

	/* Operand and address size prefixes reach 32 bits. */
	.globl	rm_wide
rm_wide:
	mov	$0x12340000, %eax
	mov	$4, %ecx
	lea	0x5674(%eax, %ecx), %ebx
	mov	%ebx, %eax
	shr	$16, %eax
	xor	%bx, %ax
	ret

	/* Big real mode: a 4 GiB limit loaded in protected mode stays. */
	.globl	rm_big
rm_big:
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	mov	$SEL_DATA, %bx
	mov	%bx, %ds
	and	$~1, %al
	mov	%eax, %cr0
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$rm_big_address, %ebx
	mov	(%ebx), %ebx
	mov	(%ebx), %ax
	notl	(%ebx)
	ret
	.globl	rm_big_address
rm_big_address:
	.long	0

	/* Intercepted instructions, which have to be stepped over in 16-bit code. */
	.globl	rm_cpuid
rm_cpuid:
	xor	%eax, %eax
	cpuid
	xor	%ecx, %ebx
	xor	%edx, %ebx
	mov	%ebx, %eax
	shr	$16, %ebx
	xor	%bx, %ax
	ret

	.globl	rm_rdmsr
rm_rdmsr:
	mov	$0x277, %ecx
	rdmsr
	ret

	/* PIC's mask register, by both forms of IN and OUT, and string forms. */
	.globl	rm_pio
rm_pio:
	mov	$0xa5, %al
	out	%al, $0x21
	xor	%ax, %ax
	in	$0x21, %al
	mov	$0x21, %dx
	mov	%al, %ah
	not	%al
	out	%al, %dx
	in	%dx, %al
	push	%ax
	mov	$0xff, %al
	out	%al, %dx
	pop	%ax
	ret

	.globl	rm_rep_insb
rm_rep_insb:
	mov	$0x5a, %al
	out	%al, $0x21
	push	%di
	mov	$0x7000, %ax
	mov	%ax, %es
	mov	$0xfff0, %di		/* to the end of the segment */
	mov	$0x21, %dx
	mov	$0x10, %cx
	cld
	rep	insb
	mov	%di, %bx
	or	%cx, %bx		/* both 0 */
	mov	%es:0xffff, %al
	mov	%bl, %ah
	xor	%cx, %cx
	mov	%cx, %es
	pop	%di
	push	%ax
	mov	$0xff, %al
	out	%al, $0x21
	pop	%ax
	ret

	/* IRQ 0 of the PIT wakes HLT. */
	.globl	rm_hlt
rm_hlt:
	movw	$0, rm_ticks
1:	sti
	hlt
	cli
	cmpw	$3, rm_ticks
	jb	1b
	mov	rm_ticks, %ax
	ret

	.globl	rm_irq0
rm_irq0:
	push	%ax
	incw	%cs:rm_ticks
	mov	$0x20, %al
	out	%al, $0x20
	pop	%ax
	iret

	/* LIDT moves the vectors. */
	.globl	rm_lidt
rm_lidt:
	sidtl	old_idtr
	lidtl	new_idtr
	movl	$new_handler, 0x6000 + 4 * 0x20
	xor	%ax, %ax
	int	$0x20
	lidtl	old_idtr
	ret
new_handler:
	mov	$0x4321, %ax
	iret
old_idtr:
	.word	0
	.long	0
new_idtr:
	.word	0x3ff
	.long	0x6000

	/* Real to protected and back, 1000 times. */
	.globl	rm_toggle
rm_toggle:
	mov	$1000, %cx
	xor	%dx, %dx
1:	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	mov	$SEL_DATA16, %bx
	mov	%bx, %es
	smsw	%bx
	and	$1, %bx
	add	%bx, %dx
	and	$~1, %al
	mov	%eax, %cr0
	smsw	%bx
	and	$1, %bx
	sub	%bx, %dx
	loop	1b
	xor	%ax, %ax
	mov	%ax, %es
	mov	%dx, %ax
	ret

	/* 32-bit protected mode, called by protected_call(). */
	.text
	.code32
	.globl	pm_add
pm_add:
	add	$0x11111111, %eax
	ret

	.globl	pm_cpuid
pm_cpuid:
	push	%ebx
	xor	%eax, %eax
	cpuid
	mov	%ebx, %eax
	pop	%ebx
	ret

	.globl	pm_pio
pm_pio:
	mov	$0x21, %edx
	out	%al, %dx
	mov	$0, %eax
	in	%dx, %al
	ret

	.globl	pm_registers
pm_registers:
	mov	%cr0, %eax
	ret

	.section .note.GNU-stack, "", @progbits
