// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flush of the L1 data cache before a guest is entered. On CPUs with L1TF a guest could read
 * from that cache the secrets that the host has left there.
 */
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/sched/smt.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "host/compat.h"
#include "host/l1d.h"

/* Twice the L1 data cache of CPUs with L1TF, because they replace lines only roughly in order. */
#define L1D_FILL_ORDER 4
#define L1D_FILL_BYTES (PAGE_SIZE << L1D_FILL_ORDER)
#define LINE_BYTES 64

DEFINE_STATIC_KEY_FALSE(l1d_needs_flush);
static bool flush_always;
/* Memory whose lines replace all others, for CPUs without IA32_FLUSH_CMD. */
static void *l1d_fill;

static enum vmx_l1d_flush_state flush_mode(void)
{
	u64 arch = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, arch);
	if (!boot_cpu_has_bug(X86_BUG_L1TF) || arch & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return VMENTER_L1D_FLUSH_NOT_REQUIRED;
	switch (oriel_l1tf_mitigation()) {
	case L1TF_MITIGATION_OFF:
		return VMENTER_L1D_FLUSH_NEVER;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return VMENTER_L1D_FLUSH_ALWAYS;
	default:
		return VMENTER_L1D_FLUSH_COND;
	}
}

/* Tell sysfs, as the in-tree KVM does: /sys/devices/system/cpu/vulnerabilities/l1tf. */
int l1d_setup(void)
{
	enum vmx_l1d_flush_state mode = flush_mode();

	oriel_report_l1d_flush(mode);
	if (mode != VMENTER_L1D_FLUSH_COND && mode != VMENTER_L1D_FLUSH_ALWAYS)
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		l1d_fill = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_FILL_ORDER);
		if (!l1d_fill)
			return -ENOMEM;
	}
	if (sched_smt_active())
		pr_warn("this CPU has L1TF and SMT is on: a guest can read data of the other thread of its core (Documentation/admin-guide/hw-vuln/l1tf.rst in Linux)\n");
	flush_always = mode == VMENTER_L1D_FLUSH_ALWAYS;
	static_branch_enable(&l1d_needs_flush);
	return 0;
}

void l1d_teardown(void)
{
	static_branch_disable(&l1d_needs_flush);
	oriel_report_l1d_flush(VMENTER_L1D_FLUSH_AUTO);
	free_pages((unsigned long)l1d_fill, L1D_FILL_ORDER);
	l1d_fill = NULL;
}

noinstr void l1d_flush(bool *secrets)
{
	unsigned long offset;

	/* An interrupt of the host has left its data in the cache as well. */
	if (!flush_always && !*secrets && !oriel_irq_left_secrets())
		return;
	*secrets = false;
	oriel_irq_forget_secrets();
	if (cpu_feature_enabled(X86_FEATURE_FLUSH_L1D)) {
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	for (offset = 0; offset < L1D_FILL_BYTES; offset += LINE_BYTES)
		__READ_ONCE(*(u8 *)(l1d_fill + offset));
	asm volatile("lfence" : : : "memory");
}
