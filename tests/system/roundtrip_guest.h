/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest code of roundtrip.c: each operation in a loop that notes the TSC, and the
 * handlers of the interrupt that some of them wait for.
 */
#ifndef ORIEL_ROUNDTRIP_GUEST_H
#define ORIEL_ROUNDTRIP_GUEST_H

#include "rawvm.h"

/*
 * The guest: %r12 times an operation, whose operand is in %r14. %r13 is where the next
 * stamp goes, %r15 how many interrupts have come, %rbp whether the CPU is Intel's. An
 * operation may use the registers that RDTSC does, %rcx, %rsi and %rdi.
 */
#define NOTE_TSC          \
	"rdtsc\n"         \
	"shl $32, %rdx\n" \
	"or %rdx, %rax\n" \
	"mov %rax, (%r13)\n"
#define LOOP(name, text)                                                          \
	GUEST_CODE(name##_loop, ".code64\n"                                       \
				"1: " NOTE_TSC "add $8, %r13\n" text "dec %r12\n" \
				"jnz 1b\n" NOTE_TSC "out %al, $0x10")
#define AWAIT_INTERRUPT         \
	"2: cmp %r15, 0x2000\n" \
	"jne 2b\n"

LOOP(empty, "");
LOOP(cpuid, "xor %eax, %eax\n"
	    "xor %ecx, %ecx\n"
	    "cpuid\n");
LOOP(hypercall, "mov $1, %eax\n"
		"test %ebp, %ebp\n"
		"jz 2f\n"
		"vmcall\n"
		"jmp 3f\n"
		"2: vmmcall\n"
		"3:\n");
LOOP(out, "mov %r14d, %edx\n"
	  "out %al, %dx\n");
LOOP(in, "mov %r14d, %edx\n"
	 "in %dx, %al\n");
LOOP(rep_outsb, "mov %r14d, %edx\n"
		"mov $0xe000, %esi\n"
		"mov $64, %ecx\n"
		"rep outsb\n");
LOOP(rep_insb, "mov %r14d, %edx\n"
	       "mov $0xe000, %edi\n"
	       "mov $64, %ecx\n"
	       "rep insb\n");
LOOP(read, "mov (%r14), %eax\n");
LOOP(write, "xor %eax, %eax\n"
	    "mov %eax, (%r14)\n");
LOOP(read_page, "mov (%r14), %al\n"
		"add $4096, %r14\n");
LOOP(write_page, "mov %al, (%r14)\n"
		 "add $4096, %r14\n");
LOOP(rdmsr, "mov %r14d, %ecx\n"
	    "rdmsr\n");
LOOP(wrmsr, "mov %r14d, %ecx\n"
	    "xor %eax, %eax\n"
	    "xor %edx, %edx\n"
	    "wrmsr\n");
/* A deadline that does not come. */
LOOP(tsc_deadline, "mov $0x6e0, %ecx\n"
		   "rdtsc\n"
		   "add $0x100, %edx\n"
		   "wrmsr\n");
LOOP(timer_count, "movl $0x7fffffff, (%r14)\n");
LOOP(toggle_cr0, "mov %cr0, %rax\n"
		 "xor $8, %rax\n"
		 "mov %rax, %cr0\n");
LOOP(to_cr3, "mov %cr3, %rax\n"
	     "mov %rax, %cr3\n");
LOOP(toggle_cr4, "mov %cr4, %rax\n"
		 "xor $0x80, %rax\n"
		 "mov %rax, %cr4\n");
LOOP(to_cr8, "mov %r12d, %eax\n"
	     "and $1, %eax\n"
	     "mov %rax, %cr8\n");
LOOP(to_dr7, "mov $0x400, %eax\n"
	     "mov %rax, %dr7\n");
LOOP(wbinvd, "wbinvd\n");
LOOP(hlt, "hlt\n");
LOOP(kick, "inc %r15\n"
	   "out %al, $0x11\n" AWAIT_INTERRUPT);
LOOP(self_ipi_mmio, "inc %r15\n"
		    "movl $0x40051, 0x300(%r14)\n" AWAIT_INTERRUPT);
LOOP(self_ipi_msr, "inc %r15\n"
		   "mov $0x83f, %ecx\n"
		   "mov $0x51, %eax\n"
		   "xor %edx, %edx\n"
		   "wrmsr\n" AWAIT_INTERRUPT);

/* The local APIC with its timer masked: at count mode, and in wait for TSC deadlines. */
LOOP(enable_xapic, "movl $0x1ff, 0xf0(%r14)\n"
		   "movl $0x10052, 0x320(%r14)\n");
LOOP(enable_x2apic, "mov $0x1b, %ecx\n"
		    "rdmsr\n"
		    "or $0xc00, %eax\n"
		    "wrmsr\n"
		    "mov $0x80f, %ecx\n"
		    "mov $0x1ff, %eax\n"
		    "xor %edx, %edx\n"
		    "wrmsr\n"
		    "mov $0x832, %ecx\n"
		    "mov $0x50052, %eax\n"
		    "wrmsr\n");

GUEST_CODE(take_irq, ".code64\n"
		     "incq 0x2000\n"
		     "iretq");
GUEST_CODE(take_irq_xapic, ".code64\n"
			   "incq 0x2000\n"
			   "mov $0xfee000b0, %eax\n"
			   "movl $0, (%rax)\n"
			   "iretq");
GUEST_CODE(take_irq_x2apic, ".code64\n"
			    "incq 0x2000\n"
			    "mov $0x80b, %ecx\n"
			    "xor %eax, %eax\n"
			    "xor %edx, %edx\n"
			    "wrmsr\n"
			    "iretq");

#endif
