/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ROM of a Bochs host, 64 KiB in place of a BIOS. It goes from reset straight to long
 * mode and to the kernel's 64-bit entry, and probes nothing. bochs-image has laid
 * out the RAM; its parameter block is at 0x500:
 *   +0  u32 number of 128 KiB blocks that the image fills
 *   +8  u32 0; 1 once the machine runs
 *   +16 u64 CR3   +24 u64 boot_params   +32 u64 the kernel's entry
 */

#define PARAMETERS	0x500
#define BLOCKS		(PARAMETERS + 0)
#define RUNNING		(PARAMETERS + 8)
#define PAGE_TABLES	(PARAMETERS + 16)
#define BOOT_PARAMS	24
#define ENTRY		32

	/* The ROM runs in the top 64 KiB of the first 4 GiB. */
#define ADDRESS(label)	(0xffff0000 + label - rom)

	.text
	.globl	rom
rom:
	.code16
start16:
	cli
	cld
	movb	$2, %al
	outb	%al, $0x92		/* A20 */
	lgdtl	%cs:(gdt_pointer - rom)
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $ADDRESS(start32)

	.code32
start32:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	cmpl	$0, RUNNING
	je	touch_memory

	/* Linux has reset the machine. The RAM is no longer as laid out, so end Bochs. */
	movl	$ADDRESS(shutdown), %esi
	movw	$0x8900, %dx
	movl	$8, %ecx
1:	lodsb
	outb	%al, %dx
	loop	1b
	hlt

	/*
	 * Bochs has read the image into its memory as one piece, and gives out this memory in
	 * blocks of 128 KiB, in the order in which the guest first touches them. So touch the
	 * blocks in the image's order, which has none for 640 KiB to 1 MiB.
	 */
touch_memory:
	movl	BLOCKS, %ecx
	movl	$1, RUNNING
	xorl	%ebx, %ebx
1:	movb	(%ebx), %al
	addl	$0x20000, %ebx
	cmpl	$0xa0000, %ebx
	jne	2f
	movl	$0x100000, %ebx
2:	loop	1b

	/* MTRRs on, write-back by default (SDM 3A 12.11.2.1). */
	movl	$0x2ff, %ecx
	movl	$0x806, %eax
	xorl	%edx, %edx
	wrmsr
	/* Mask all interrupts until Linux sets up the PICs. */
	movb	$0xff, %al
	outb	%al, $0x21
	outb	%al, $0xa1

	/* Long mode: SDM 3A 10.8.5. */
	movl	%cr4, %eax
	orl	$0x20, %eax
	movl	%eax, %cr4
	movl	PAGE_TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax	/* caches on */
	orl	$0x80000001, %eax
	movl	%eax, %cr0
	ljmpl	$24, $ADDRESS(start64)

	.code64
start64:
	movl	$PARAMETERS, %ebx
	movq	BOOT_PARAMS(%rbx), %rsi
	movl	$0x7000, %esp
	jmp	*ENTRY(%rbx)

	.balign	16
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 8: 32-bit code */
	.quad	0x00cf93000000ffff	/* 16: data */
	.quad	0x00af9b000000ffff	/* 24: 64-bit code */
gdt_pointer:
	.word	31
	.long	ADDRESS(gdt)
shutdown:
	.ascii	"Shutdown"

	.org	0xfff0
	.code16
	jmp	start16
	.org	0xffff
	.byte	0
