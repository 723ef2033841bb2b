/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest guest: halts for good. Its VM costs what every VM costs, and
 * nothing else.
 */

#define MULTIBOOT_MAGIC 0x1badb002

	.text
	.globl _start
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC
_start:
	cli
	hlt
	jmp _start

	.section .note.GNU-stack, "", @progbits
