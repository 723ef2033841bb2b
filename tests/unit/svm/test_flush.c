// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of when a flush that VMRUN was asked for counts as done (kernel/svm/svm.h). If it counted
 * too early a guest could use translations of another one, which no emulator shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>

#include "svm/svm.h"

static u32 after(u64 exitcode, u32 flush)
{
	struct vmcb vmcb = { .control = { .exitcode = exitcode, .tlb_control = flush } };
	struct svm_vcpu svm = { .vmcb = &vmcb };

	svm_end_flush(&svm);
	return vmcb.control.tlb_control;
}

static void test_flush_after_exit(void **state)
{
	(void)state;
	assert_int_equal(after(SVM_EXIT_CPUID, TLB_CONTROL_FLUSH_ALL), TLB_CONTROL_NOTHING);
	assert_int_equal(after(SVM_EXIT_NPF, TLB_CONTROL_FLUSH_ASID), TLB_CONTROL_NOTHING);
}

/* VMEXIT_INVALID, in 64 bits as the CPU writes it and in 32 as QEMU does. */
static void test_flush_after_refusal(void **state)
{
	(void)state;
	assert_int_equal(after(~0ull, TLB_CONTROL_FLUSH_ALL), TLB_CONTROL_FLUSH_ALL);
	assert_int_equal(after(0xffffffff, TLB_CONTROL_FLUSH_ASID), TLB_CONTROL_FLUSH_ASID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flush_after_exit),
		cmocka_unit_test(test_flush_after_refusal),
	};

	return cmocka_run_group_tests_name("svm_flush", tests, NULL, NULL);
}
