// SPDX-License-Identifier: GPL-2.0-only
/* Runs one instruction natively. See native_run.h. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include <linux/types.h>

#include "native_run.h"

/* The assembly below depends on the layout. */
static struct {
	struct registers regs;
	u64 code;
	u64 host_rsp;
	u8 has_avx;
} native __asm__("oriel_native") __attribute__((__used__));

/* The offsets that the assembly below uses. */
_Static_assert(offsetof(struct registers, rflags) == 128, "rflags");
_Static_assert(offsetof(struct registers, ymm) == 136, "ymm");
_Static_assert(offsetof(struct registers, mmx) == 648, "mmx");
_Static_assert(sizeof(struct registers) == 712, "size");

/*
 * Swap the whole register set for native.regs, run the instruction at native.code, and swap back.
 * RSP is part of the set, so nothing is pushed in between.
 */
__asm__(".pushsection .text\n"
	".macro oriel_each_gpr insn:req, flip\n"
	"	.set oriel_i, 0\n"
	"	.irp r, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15\n"
	"	.ifnc \\r, rsp\n"
	"	.ifc \\insn, load\n"
	"	mov oriel_native+oriel_i*8(%rip), %\\r\n"
	"	.else\n"
	"	mov %\\r, oriel_native+oriel_i*8(%rip)\n"
	"	.endif\n"
	"	.endif\n"
	"	.set oriel_i, oriel_i+1\n"
	"	.endr\n"
	".endm\n"
	".macro oriel_each_vector mov:req, reg:req, size:req, at:req, count:req, load:req\n"
	"	.set oriel_i, 0\n"
	"	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	.if \\n < \\count\n"
	"	.if \\load\n"
	"	\\mov oriel_native+\\at+\\n*\\size(%rip), %\\reg\\n\n"
	"	.else\n"
	"	\\mov %\\reg\\n, oriel_native+\\at+\\n*\\size(%rip)\n"
	"	.endif\n"
	"	.endif\n"
	"	.endr\n"
	".endm\n"
	".globl native_enter\n"
	"native_enter:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n"
	"	push %r15\n	pushfq\n"
	"	mov %rsp, oriel_native+720(%rip)\n"
	"	cmpb $0, oriel_native+728(%rip)\n"
	"	je 1f\n"
	"	oriel_each_vector vmovdqu, ymm, 32, 136, 16, 1\n"
	"1:	oriel_each_vector movq, mm, 8, 648, 8, 1\n"
	"	pushq oriel_native+128(%rip)\n"
	"	popfq\n"
	"	oriel_each_gpr load\n"
	"	mov oriel_native+32(%rip), %rsp\n"
	"	jmp *oriel_native+712(%rip)\n"
	".globl native_leave\n"
	"native_leave:\n"
	"	mov %rsp, oriel_native+32(%rip)\n"
	"	mov oriel_native+720(%rip), %rsp\n"
	"	oriel_each_gpr store\n"
	"	pushfq\n"
	"	popq oriel_native+128(%rip)\n"
	"	cld\n"
	"	cmpb $0, oriel_native+728(%rip)\n"
	"	je 1f\n"
	"	oriel_each_vector vmovdqu, ymm, 32, 136, 16, 0\n"
	"	vzeroupper\n"
	"1:	oriel_each_vector movq, mm, 8, 648, 8, 0\n"
	"	emms\n"
	"	popfq\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n"
	"	pop %rbx\n	ret\n"
	".popsection\n");

bool native_has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

static bool divide_error;

/*
 * Leave the instruction that has faulted. RSP is the trial's, so it may not be canonical, and some
 * kernels and CPUs do not return to such an RSP. So return with the host's.
 */
static void on_divide_error(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	(void)info;
	divide_error = true;
	uc->uc_mcontext.gregs[REG_RSP] = (greg_t)native.host_rsp;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)native_leave;
}

static void catch_divide_error(void)
{
	static u8 stack[65536];
	static const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static bool caught;

	if (caught)
		return;
	action.sa_sigaction = on_divide_error;
	sigaltstack(&alternate, NULL);
	sigaction(SIGFPE, &action, NULL);
	caught = true;
}

bool native_run(u8 *page, const u8 *insn, unsigned int len, struct registers *regs)
{
	static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 }; /* jmp *0(%rip) */
	void (*exit_at)(void) = native_leave;

	catch_divide_error();
	divide_error = false;
	memcpy(page, insn, len);
	memcpy(page + len, jump, sizeof(jump));
	memcpy(page + len + sizeof(jump), &exit_at, sizeof(exit_at));
	native.regs = *regs;
	native.code = (u64)page;
	native.has_avx = native_has_avx();
	native_enter();
	/* An instruction that divides does not change RSP. */
	if (divide_error)
		native.regs.gpr[GPR_RSP] = regs->gpr[GPR_RSP];
	*regs = native.regs;
	return !divide_error;
}
