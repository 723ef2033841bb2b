/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the multiboot entry (32-bit protected mode, no paging) to long mode with
 * the first 4 GiB mapped one to one, and into C.
 */
#define MULTIBOOT_MAGIC	0x1badb002
#define MULTIBOOT_FLAGS	3	/* modules on pages, memory sizes wanted */

	.section .multiboot, "a"
	.balign	4
	.long	MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.text
	.code32
	.globl	_start
_start:
	cli
	cld
	mov	$stack_top, %esp
	mov	%eax, multiboot_magic
	mov	%ebx, multiboot_info

	/* Everything is writable and user-accessible: guests that want less say so. */
	movl	$boot_pdpt + 7, boot_pml4
	mov	$boot_pdpt, %edi
	mov	$boot_pd + 7, %eax
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$0x1000, %eax
	add	$8, %edi
	loop	1b
	mov	$boot_pd, %edi
	mov	$0x87, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b

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
	lgdt	boot_gdtr
	ljmp	$8, $start64

	.code64
start64:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$stack_top, %esp
	xor	%ebp, %ebp
	call	guest_start
1:	cli
	hlt
	jmp	1b

	.data
	.balign	8
	.globl	gdt, multiboot_magic, multiboot_info
	/* The order is what SYSCALL and SYSRET want; selectors are in cpu.h. */
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 0x08 code, 64 bits */
	.quad	0x00cf93000000ffff	/* 0x10 data */
	.quad	0x00cf9b000000ffff	/* 0x18 code, 32 bits */
	.quad	0x00cffb000000ffff	/* 0x20 user code, 32 bits */
	.quad	0x00cff3000000ffff	/* 0x28 user data */
	.quad	0x00affb000000ffff	/* 0x30 user code, 64 bits */
	.quad	0x00009b000000ffff	/* 0x38 code, 16 bits */
	.quad	0x000093000000ffff	/* 0x40 data, 16 bits, limit 64 KiB */
	.quad	0, 0			/* 0x48 task state segment */
	.quad	0, 0, 0, 0		/* 0x58 spare, for guests */
gdt_end:
boot_gdtr:
	.word	gdt_end - gdt - 1
	.quad	gdt
multiboot_magic:
	.long	0
multiboot_info:
	.long	0

	.bss
	.balign	4096
	.globl	boot_pml4, stack_top
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pd:
	.skip	4 * 4096
stack:	.skip	32768
stack_top:

	.section .note.GNU-stack, "", @progbits
