/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a second CPU starts: real mode, at the page that the SIPI names, and on to
 * long mode with the boot CPU's tables.
 */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define GDT_LIMIT	0x77

	.section .real, "awx"
	.code16
	.balign	4096
	.globl	ap_start
ap_start:
	cli
	incl	%cs:ap_starts - ap_start
	mov	%cs, %ax
	mov	%ax, %cs:ap_cs - ap_start
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	ap_gdtr
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $ap_protected

	.balign	8
	.globl	ap_starts, ap_cs
ap_gdtr:
	.word	GDT_LIMIT
	.long	gdt
ap_starts:
	.long	0
ap_cs:
	.word	0

	.text
	.code32
ap_protected:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx	/* EFER */
	rdmsr
	or	$0x900, %eax		/* LME, NXE */
	wrmsr
	mov	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	ljmp	$SEL_CODE64, $1f
	.code64
1:	mov	$ap_stack_top, %esp
	xor	%ebp, %ebp
	lidt	ap_idtr
	call	ap_main
1:	cli
	hlt
	jmp	1b

	.data
ap_idtr:
	.word	256 * 16 - 1
	.quad	idt

	.bss
	.balign	16
	.skip	16384
ap_stack_top:

	.section .note.GNU-stack, "", @progbits
