// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-V capabilities, the permission maps and the page-table format that all guests share, and
 * turning AMD-V on and off on each CPU.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/pgtable_types.h>

#include "host/compat.h"
#include "memory/table.h"
#include "run/exit_msr.h"
#include "svm/npt_entry.h"
#include "svm/svm.h"

#define SVM_CPUID_NP BIT(0)
#define SVM_CPUID_NRIPS BIT(3)
#define SVM_CPUID_VMCB_CLEAN BIT(5)
#define SVM_CPUID_FLUSH_BY_ASID BIT(6)
#define SVM_CPUID_PAUSE_FILTER (BIT(10) | BIT(12)) /* the filter, and its threshold */
#define SVM_CPUID_SPEC_CTRL BIT(20)

/* Named MSR_ZEN4_BP_CFG by newer kernels. */
#define MSR_BP_CFG 0xc001102e
#define BP_CFG_BP_SPEC_REDUCE BIT_ULL(4)

/* APM 2 15.30.1 */
#define VM_CR_SVMDIS BIT(4)

/* 12 KiB: one bit for each of 64 Ki ports, and for an access that starts at port 0FFFFh and
 * goes beyond it (APM 2 15.10.1).
 */
#define IOPM_ORDER 2
#define IOPM_BYTES (3 * PAGE_SIZE)
/* Two bits for each MSR, in three ranges of 2000h MSRs (APM 2 15.11). */
#define MSRPM_ORDER 1
#define MSRPM_BYTES (2 * PAGE_SIZE)
#define MSRPM_RANGE_MSRS 0x2000
#define MSRPM_RANGE_BYTES 0x800

struct svm_caps svm_caps;
DEFINE_PER_CPU(struct svm_cpu, svm_cpu);

/*
 * Nested page tables have ordinary long-mode entries (APM 2 15.25). Every access of the guest
 * counts as a user access.
 */
struct sl_format npt_format = {
	.present = _PAGE_PRESENT,
	.table = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED,
	.leaf = _PAGE_PRESENT | _PAGE_USER,
	.write = _PAGE_RW,
	.no_exec = _PAGE_NX,
	.accessed = _PAGE_ACCESSED,
	.dirty = _PAGE_DIRTY,
	.large = _PAGE_PSE,
	.memtype = NPT_MEMTYPES,
	.max_leaf = SL_LEVEL_2M,
};

static void *iopm;
static void *msrpm;

/* MSRs that a guest accesses without an exit: the CPU switches them through the VMCB. */
static const u32 direct_msrs[] = {
	MSR_STAR,	    MSR_LSTAR,	 MSR_CSTAR,	     MSR_SYSCALL_MASK,
	MSR_FS_BASE,	    MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_IA32_SYSENTER_CS,
	MSR_IA32_SPEC_CTRL, /* last: direct_count() leaves it out on CPUs that lack it */
};

static u32 direct_count(void)
{
	return ARRAY_SIZE(direct_msrs) - !svm_caps.spec_ctrl;
}

u64 svm_iopm_pa(void)
{
	return __sme_pa(iopm);
}

u64 svm_msrpm_pa(bool direct)
{
	/* The map of ports is all ones and large enough to serve as a map of MSRs. */
	return direct ? __sme_pa(msrpm) : __sme_pa(iopm);
}

/* A filter rarely denies one of direct_msrs. If it does, every MSR access exits. */
void svm_filter_msrs(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	bool direct = !msr_filter_denies(vcpu, direct_msrs, direct_count());

	svm->vmcb->control.msrpm_base_pa = svm_msrpm_pa(direct);
	svm_dirty(svm, VMCB_CLEAN_IOPM);
}

static int svm_read_caps(void)
{
	u32 features;
	u64 vm_cr;

	if (!boot_cpu_has(X86_FEATURE_SVM) || cpuid_eax(0x80000000) < 0x8000000a) {
		pr_err("this CPU has no AMD-V (CPUID 80000001h ECX.SVM is 0)\n");
		return -EOPNOTSUPP;
	}
	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && vm_cr & VM_CR_SVMDIS) {
		pr_err("AMD-V is disabled by firmware (MSR VM_CR.SVMDIS is 1): enable SVM in the firmware set-up\n");
		return -EOPNOTSUPP;
	}
	features = cpuid_edx(0x8000000a);
	if (!(features & SVM_CPUID_NP)) {
		pr_err("this CPU has no nested paging (CPUID 8000000Ah EDX.NP is 0), which Oriel needs\n");
		return -EOPNOTSUPP;
	}
	svm_caps = (struct svm_caps){
		.asids = cpuid_ebx(0x8000000a),
		.nrips = features & SVM_CPUID_NRIPS,
		.flush_by_asid = features & SVM_CPUID_FLUSH_BY_ASID,
		.pause_filter = (features & SVM_CPUID_PAUSE_FILTER) == SVM_CPUID_PAUSE_FILTER,
		.clean_bits = features & SVM_CPUID_VMCB_CLEAN,
		.spec_ctrl = features & SVM_CPUID_SPEC_CTRL,
		.loses_interrupts = hypervisor_cpuid_base("TCGTCGTCGTCG", 0),
	};
	if (svm_caps.asids < 2) {
		pr_err("this CPU has no ASID for guests (CPUID 8000000Ah EBX is %u)\n",
		       svm_caps.asids);
		return -EOPNOTSUPP;
	}
	return 0;
}

static void npt_format_init(void)
{
	/* A host with encrypted memory has the tables and the guest's pages in it (APM 2 7.10). */
	npt_format.table |= sme_me_mask;
	npt_format.memtype[SL_WB] |= sme_me_mask;
	npt_format.memtype[SL_GUEST] |= sme_me_mask;
	npt_format.addr = GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, PAGE_SHIFT);
	/* NPT has as many levels as the host's own paging (APM 2 15.25.3). */
	npt_format.levels = cpu_feature_enabled(X86_FEATURE_LA57) ? 5 : 4;
	if (boot_cpu_has(X86_FEATURE_GBPAGES))
		npt_format.max_leaf = SL_LEVEL_1G;
}

static void msrpm_allow(u32 msr)
{
	u32 range = msr >= 0xc0010000 ? 2 : msr >= 0xc0000000 ? 1 : 0;
	u32 bit = range * MSRPM_RANGE_BYTES * 8 + (msr & (MSRPM_RANGE_MSRS - 1)) * 2;

	__clear_bit(bit, msrpm);
	__clear_bit(bit + 1, msrpm);
}

static int svm_alloc_maps(void)
{
	unsigned int i;

	iopm = (void *)__get_free_pages(GFP_KERNEL, IOPM_ORDER);
	msrpm = (void *)__get_free_pages(GFP_KERNEL, MSRPM_ORDER);
	if (!iopm || !msrpm)
		return -ENOMEM;
	memset(iopm, 0xff, IOPM_BYTES);
	memset(msrpm, 0xff, MSRPM_BYTES);
	for (i = 0; i < direct_count(); i++)
		msrpm_allow(direct_msrs[i]);
	return 0;
}

static int svm_alloc_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		sc->hsave = (void *)get_zeroed_page(GFP_KERNEL);
		sc->host_vmcb = (void *)get_zeroed_page(GFP_KERNEL);
		if (!sc->hsave || !sc->host_vmcb)
			return -ENOMEM;
	}
	return 0;
}

int svm_setup(void)
{
	int r = svm_read_caps();

	if (r)
		return r;
	npt_format_init();
	r = svm_alloc_maps();
	if (!r)
		r = svm_alloc_cpus();
	if (r)
		svm_teardown();
	return r;
}

void svm_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		free_page((unsigned long)sc->hsave);
		free_page((unsigned long)sc->host_vmcb);
		memset(sc, 0, sizeof(*sc));
	}
	free_pages((unsigned long)iopm, IOPM_ORDER);
	free_pages((unsigned long)msrpm, MSRPM_ORDER);
	iopm = NULL;
	msrpm = NULL;
}

/*
 * On some CPUs with SRSO the kernel leaves the mitigation to the hypervisor. While BpSpecReduce is
 * set, the host's branches do not use predictions that the guest's branches trained. Keep it set as
 * long as the module is loaded: if VMs set it, a user who creates VMs could make all CPUs take
 * interrupts.
 */
static void set_bp_spec_reduce(bool on)
{
	u64 config;

	if (!oriel_reduces_bp_speculation())
		return;
	rdmsrl(MSR_BP_CFG, config);
	wrmsrl(MSR_BP_CFG, on ? config | BP_CFG_BP_SPEC_REDUCE : config & ~BP_CFG_BP_SPEC_REDUCE);
}

int svm_cpu_enable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	/* The TLB may have translations of an earlier owner: begin a new generation of ASIDs. */
	sc->asid_generation++;
	sc->next_asid = svm_caps.asids;
	sc->last = NULL;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, __sme_pa(sc->hsave));
	set_bp_spec_reduce(true);
	/* From now on the host's perf can exclude guests from its events. */
	amd_pmu_enable_virt();
	return 0;
}

void svm_cpu_disable(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (!(efer & EFER_SVME))
		return;
	/* While GIF is clear, no INIT can stop this CPU after a crash (APM 2 15.17). */
	asm volatile("stgi" : : : "memory");
	set_bp_spec_reduce(false);
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
	/* A crash may have interrupted perf. Its counts do not matter any more. */
	if (!in_nmi())
		amd_pmu_disable_virt();
}
