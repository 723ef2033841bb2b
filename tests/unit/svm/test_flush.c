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

#define ASIDS 8

struct svm_caps svm_caps = { .asids = ASIDS };

static struct vmcb vmcb;
static struct svm_vcpu svm;
static struct svm_cpu sc;

static void end_entry(u64 exitcode, u32 flush)
{
	vmcb = (struct vmcb){ .control = { .exitcode = exitcode, .tlb_control = flush } };
	svm = (struct svm_vcpu){ .vmcb = &vmcb, .asid_generation = 5 };
	sc = (struct svm_cpu){ .asid_generation = 5, .next_asid = 2 };
	svm_end_flush(&svm, &sc);
	assert_int_equal(vmcb.control.tlb_control, TLB_CONTROL_NOTHING);
}

/* The vCPU's ASID, and all ASIDs of the CPU, are fit for guests. */
static void expect(bool own, bool all)
{
	assert_int_equal(svm.asid_generation, own ? 5 : 0);
	assert_int_equal(sc.next_asid, all ? 2 : ASIDS);
}

static void test_flush_after_exit(void **state)
{
	(void)state;
	end_entry(SVM_EXIT_CPUID, TLB_CONTROL_FLUSH_ALL);
	expect(true, true);
	end_entry(SVM_EXIT_NPF, TLB_CONTROL_FLUSH_ASID);
	expect(true, true);
}

/* VMEXIT_INVALID, in 64 bits as the CPU writes it and in 32 as QEMU does. */
static void test_flush_after_refusal(void **state)
{
	static const u64 refused[] = { ~0ull, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		end_entry(refused[i], TLB_CONTROL_FLUSH_ALL);
		expect(false, false);
		end_entry(refused[i], TLB_CONTROL_FLUSH_ASID);
		expect(false, true);
		/* A guest that is refused again and again costs other guests no flush. */
		end_entry(refused[i], TLB_CONTROL_NOTHING);
		expect(true, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flush_after_exit),
		cmocka_unit_test(test_flush_after_refusal),
	};

	return cmocka_run_group_tests_name("svm_flush", tests, NULL, NULL);
}
