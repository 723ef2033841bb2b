// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-x capabilities, the MSR bitmaps that all guests share, and turning VMX operation on and
 * off on each CPU.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/perf_event.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "host/compat.h"
#include "host/l1d.h"
#include "irq/lapic.h"
#include "run/exit_msr.h"
#include "vmx/caps.h"
#include "vmx/vmx.h"

struct vmx_caps vmx_caps;
bool vmx_preemption_timer;
DEFINE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* The MSR bitmaps: reads of low and high MSRs, then writes (SDM 3C 25.6.9). */
#define BITMAP_READ_HIGH 0x400
#define BITMAP_WRITE 0x800
#define MSR_HIGH 0xc0000000

/* For vCPUs with and without @x2apic and @spec_ctrl_direct, and with @msrs_filtered. */
static void *msr_bitmaps[2][2];
static void *msr_bitmap_filtered;

/* MSRs that a guest accesses without an exit: the CPU switches or saves them. */
static const u32
	direct_msrs[] = {
		MSR_FS_BASE,	      MSR_GS_BASE,	     MSR_KERNEL_GS_BASE,
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
		MSR_IA32_SPEC_CTRL, /* last: only vCPUs with spec_ctrl_direct */
	};

/**
 * struct control - one VM-execution, VM-exit or VM-entry control
 * @word: the word that it is in
 * @bit: its bit
 * @required: Oriel cannot do without it
 * @name: the manual's name
 */
struct control {
	enum vmx_word word;
	u32 bit;
	bool required;
	const char *name;
};

/* Every control that Oriel turns on, always or at times (SDM 3C 25.6 to 25.8). */
static const struct control controls[] = {
	{ VMX_PIN, PIN_EXTERNAL_INTERRUPT_EXITING, true, "external-interrupt exiting" },
	{ VMX_PIN, PIN_NMI_EXITING, true, "NMI exiting" },
	{ VMX_PIN, PIN_VIRTUAL_NMIS, true, "virtual NMIs" },
	{ VMX_PIN, PIN_PREEMPTION_TIMER, false, "activate VMX-preemption timer" },
	{ VMX_PRIMARY, PRIMARY_INTERRUPT_WINDOW_EXITING, true, "interrupt-window exiting" },
	{ VMX_PRIMARY, PRIMARY_TSC_OFFSETTING, true, "use TSC offsetting" },
	{ VMX_PRIMARY, PRIMARY_HLT_EXITING, true, "HLT exiting" },
	{ VMX_PRIMARY, PRIMARY_MWAIT_EXITING, true, "MWAIT exiting" },
	{ VMX_PRIMARY, PRIMARY_RDPMC_EXITING, true, "RDPMC exiting" },
	{ VMX_PRIMARY, PRIMARY_CR8_LOAD_EXITING, true, "CR8-load exiting" },
	{ VMX_PRIMARY, PRIMARY_CR8_STORE_EXITING, true, "CR8-store exiting" },
	{ VMX_PRIMARY, PRIMARY_TPR_SHADOW, false, "use TPR shadow" },
	{ VMX_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, true, "NMI-window exiting" },
	{ VMX_PRIMARY, PRIMARY_MOV_DR_EXITING, true, "MOV-DR exiting" },
	{ VMX_PRIMARY, PRIMARY_UNCONDITIONAL_IO_EXITING, true, "unconditional I/O exiting" },
	{ VMX_PRIMARY, PRIMARY_MSR_BITMAPS, true, "use MSR bitmaps" },
	{ VMX_PRIMARY, PRIMARY_MONITOR_EXITING, true, "MONITOR exiting" },
	{ VMX_PRIMARY, PRIMARY_SECONDARY_CONTROLS, true, "activate secondary controls" },
	{ VMX_SECONDARY, SECONDARY_EPT, true, "enable EPT" },
	{ VMX_SECONDARY, SECONDARY_UNRESTRICTED_GUEST, true, "unrestricted guest" },
	{ VMX_SECONDARY, SECONDARY_WBINVD_EXITING, true, "WBINVD exiting" },
	{ VMX_SECONDARY, SECONDARY_VPID, false, "enable VPID" },
	{ VMX_SECONDARY, SECONDARY_RDTSCP, false, "enable RDTSCP" },
	{ VMX_SECONDARY, SECONDARY_INVPCID, false, "enable INVPCID" },
	{ VMX_SECONDARY, SECONDARY_VIRTUALIZE_X2APIC, false, "virtualize x2APIC mode" },
	{ VMX_SECONDARY, SECONDARY_PAUSE_LOOP_EXITING, false, "PAUSE-loop exiting" },
	{ VMX_SECONDARY, SECONDARY_ENCLS_EXITING, false, "enable ENCLS exiting" },
	{ VMX_SECONDARY, SECONDARY_ENCLV_EXITING, false, "enable ENCLV exiting" },
	{ VMX_EXIT, EXIT_SAVE_DEBUG_CONTROLS, true, "save debug controls" },
	{ VMX_EXIT, EXIT_HOST_ADDRESS_SPACE_SIZE, true, "host address-space size" },
	{ VMX_EXIT, EXIT_LOAD_PERF_GLOBAL_CTRL, false, "load IA32_PERF_GLOBAL_CTRL on exit" },
	{ VMX_EXIT, EXIT_SAVE_PAT, true, "save IA32_PAT" },
	{ VMX_EXIT, EXIT_LOAD_PAT, true, "load IA32_PAT on exit" },
	{ VMX_EXIT, EXIT_LOAD_EFER, true, "load IA32_EFER on exit" },
	{ VMX_ENTRY, ENTRY_LOAD_DEBUG_CONTROLS, true, "load debug controls" },
	{ VMX_ENTRY, ENTRY_IA32E_MODE_GUEST, true, "IA-32e mode guest" },
	{ VMX_ENTRY, ENTRY_LOAD_PERF_GLOBAL_CTRL, false, "load IA32_PERF_GLOBAL_CTRL on entry" },
	{ VMX_ENTRY, ENTRY_LOAD_PAT, true, "load IA32_PAT on entry" },
	{ VMX_ENTRY, ENTRY_LOAD_EFER, true, "load IA32_EFER on entry" },
};

/* The capability MSR of each word, and the exact one that newer CPUs have (SDM 3D A.2). */
static const struct {
	u32 msr;
	u32 exact;
} word_msrs[VMX_WORDS] = {
	[VMX_PIN] = { MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
	[VMX_PRIMARY] = { MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
	[VMX_SECONDARY] = { MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2 },
	[VMX_EXIT] = { MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
	[VMX_ENTRY] = { MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
};

static u32 word_msr(enum vmx_word word)
{
	return vmx_caps.basic & VMX_BASIC_TRUE_CONTROLS ? word_msrs[word].exact :
							  word_msrs[word].msr;
}

static void read_allowed(enum vmx_word word)
{
	u64 value;

	/* A CPU without secondary controls does not have their MSR. */
	if (word == VMX_SECONDARY &&
	    !(vmx_caps.allowed[VMX_PRIMARY].may & PRIMARY_SECONDARY_CONTROLS))
		return;
	rdmsrl(word_msr(word), value);
	vmx_caps.allowed[word] = (struct vmx_allowed){ .ones = value, .may = value >> 32 };
	vmx_caps.use[word] = (u32)value;
}

static int choose_controls(void)
{
	int i;

	for (i = 0; i < VMX_WORDS; i++)
		read_allowed(i);
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		const struct control *c = &controls[i];

		if (vmx_caps.allowed[c->word].may & c->bit) {
			vmx_caps.use[c->word] |= c->bit;
		} else if (c->required) {
			pr_err("this CPU's VT-x lacks \"%s\" (MSR %#x bit %d is 0), which Oriel needs\n",
			       c->name, word_msr(c->word), 32 + ffs(c->bit) - 1);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static bool timer_is_exact(void)
{
	return vmx_has(VMX_PIN, PIN_PREEMPTION_TIMER) && !vmx_timer_erratum(cpuid_eax(1));
}

static int check_ept(void)
{
	static const struct {
		u64 bit;
		const char *name;
	} needed[] = {
		{ VMX_EPT_WALK_LENGTH_4, "EPT page walks of 4 levels" },
		{ VMX_EPT_MEMTYPE_WB, "write-back memory type for EPT structures" },
		{ VMX_EPT_INVEPT, "INVEPT" },
	};
	int i;

	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, vmx_caps.ept_vpid);
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (vmx_caps.ept_vpid & needed[i].bit)
			continue;
		pr_err("this CPU's VT-x lacks \"%s\" (MSR %#x bit %d is 0), which Oriel needs\n",
		       needed[i].name, MSR_IA32_VMX_EPT_VPID_CAP, (int)__ffs64(needed[i].bit));
		return -EOPNOTSUPP;
	}
	if (vmx_caps.ept_vpid & (VMX_EPT_INVEPT_SINGLE | VMX_EPT_INVEPT_ALL))
		return 0;
	pr_err("this CPU's INVEPT has no type that Oriel can use (MSR %#x bits 25 and 26 are 0)\n",
	       MSR_IA32_VMX_EPT_VPID_CAP);
	return -EOPNOTSUPP;
}

static int check_firmware(void)
{
	u64 control;

	if (!boot_cpu_has(X86_FEATURE_VMX)) {
		/* The kernel clears its feature bit if firmware has locked VT-x off. */
		if (cpuid_ecx(1) & BIT(5))
			pr_err("VT-x is disabled by firmware (MSR IA32_FEATURE_CONTROL): enable it in the firmware set-up\n");
		else
			pr_err("this CPU has no VT-x (CPUID 1 ECX.VMX is 0)\n");
		return -EOPNOTSUPP;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &control))
		return 0;
	if (control & FEAT_CTL_LOCKED && !(control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("VT-x is disabled by firmware (MSR IA32_FEATURE_CONTROL is locked at %#llx, bit 2 is 0): enable it in the firmware set-up\n",
		       control);
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * With FRED the NMI that host_nmi() raises would not come to the host's NMI handler, but to the one
 * for INT n.
 */
static int check_fred(void)
{
	if (!oriel_uses_fred())
		return 0;
	pr_err("this kernel uses FRED (Flexible Return and Event Delivery), which Oriel does not support on VT-x: boot it with fred=off\n");
	return -EOPNOTSUPP;
}

static int read_caps(void)
{
	int r = check_firmware();

	if (!r)
		r = check_fred();
	if (r)
		return r;
	rdmsrl(MSR_IA32_VMX_BASIC, vmx_caps.basic);
	rdmsrl(MSR_IA32_VMX_MISC, vmx_caps.misc);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, vmx_caps.cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	vmx_caps.maxphyaddr = boot_cpu_data.x86_phys_bits;
	r = choose_controls();
	if (!r)
		r = check_ept();
	return r;
}

static u32 region_order(void)
{
	return get_order(vmx_caps.basic >> VMX_BASIC_SIZE_SHIFT & VMX_BASIC_SIZE_MASK);
}

void *vmx_alloc_vmcs(gfp_t gfp)
{
	u32 *vmcs = (u32 *)__get_free_pages(gfp | __GFP_ZERO, region_order());

	/* SDM 3C 25.2 */
	if (vmcs)
		*vmcs = vmx_caps.basic & VMX_BASIC_REVISION;
	return vmcs;
}

void vmx_free_vmcs(void *vmcs)
{
	free_pages((unsigned long)vmcs, region_order());
}

static void bitmap_allow(void *bitmap, u32 msr)
{
	u8 *read = bitmap + (msr >= MSR_HIGH ? BITMAP_READ_HIGH : 0);
	u8 *write = read + BITMAP_WRITE;
	u32 bit = msr & 0x1fff;

	read[bit / 8] &= ~BIT(bit % 8);
	write[bit / 8] &= ~BIT(bit % 8);
}

static void *alloc_bitmap(bool x2apic, bool spec_ctrl)
{
	void *bitmap = (void *)__get_free_page(GFP_KERNEL);
	int i;

	if (!bitmap)
		return NULL;
	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(direct_msrs) - !spec_ctrl; i++)
		bitmap_allow(bitmap, direct_msrs[i]);
	if (x2apic)
		bitmap_allow(bitmap, LAPIC_MSR_TPR);
	return bitmap;
}

static int alloc_bitmaps(void)
{
	int i;

	msr_bitmap_filtered = (void *)__get_free_page(GFP_KERNEL);
	if (!msr_bitmap_filtered)
		return -ENOMEM;
	memset(msr_bitmap_filtered, 0xff, PAGE_SIZE);
	for (i = 0; i < 4; i++) {
		msr_bitmaps[i / 2][i % 2] = alloc_bitmap(i / 2, i % 2);
		if (!msr_bitmaps[i / 2][i % 2])
			return -ENOMEM;
	}
	return 0;
}

static void free_bitmaps(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		free_page((unsigned long)msr_bitmaps[i / 2][i % 2]);
		msr_bitmaps[i / 2][i % 2] = NULL;
	}
	free_page((unsigned long)msr_bitmap_filtered);
	msr_bitmap_filtered = NULL;
}

u64 vmx_msr_bitmap_pa(const struct vmx_vcpu *vmx)
{
	/* Without the TPR shadow the guest's access would reach the host's own APIC. */
	bool x2apic = vmx->x2apic && vmx->control[VMX_SECONDARY] & SECONDARY_VIRTUALIZE_X2APIC;

	if (vmx->msrs_filtered)
		return __pa(msr_bitmap_filtered);
	return __pa(msr_bitmaps[x2apic][vmx->spec_ctrl_direct]);
}

/* A filter rarely denies one of direct_msrs. If it does, every MSR access exits. */
void vmx_filter_msrs(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->msrs_filtered = msr_filter_denies(vcpu, direct_msrs, ARRAY_SIZE(direct_msrs));
	vmcs_write(vmcs_msr_bitmap, vmx_msr_bitmap_pa(vmx));
}

static int alloc_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

		INIT_LIST_HEAD(&vc->active);
		vc->vmxon = vmx_alloc_vmcs(GFP_KERNEL);
		if (!vc->vmxon)
			return -ENOMEM;
	}
	return 0;
}

int vmx_setup(void)
{
	int r = read_caps();

	if (r)
		return r;
	vmx_preemption_timer = timer_is_exact();
	vmx_ept_setup();
	r = l1d_setup();
	if (!r)
		r = alloc_bitmaps();
	if (!r)
		r = alloc_cpus();
	if (r)
		vmx_teardown();
	return r;
}

void vmx_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

		vmx_free_vmcs(vc->vmxon);
		memset(vc, 0, sizeof(*vc));
	}
	free_bitmaps();
	l1d_teardown();
	memset(&vmx_caps, 0, sizeof(vmx_caps));
}

/* Firmware normally enables VMX and locks the MSR. If it has not locked it, do both here. */
static int unlock_vmxon(void)
{
	const u64 wanted = FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
	u64 control;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &control))
		return 0;
	if (!(control & FEAT_CTL_LOCKED))
		return wrmsrl_safe(MSR_IA32_FEAT_CTL, control | wanted);
	return control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX ? 0 : -EOPNOTSUPP;
}

/* Return true if VMXON succeeded. It faults if a hypervisor below Oriel forbids it. */
static bool enter_vmx(u64 pa)
{
	bool failed = true;

	asm volatile("1: vmxon %[pa]\n\t"
		     "setbe %[failed]\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     : [failed] "+q"(failed)
		     : [pa] "m"(pa)
		     : "cc", "memory");
	return !failed;
}

int vmx_cpu_enable(void)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);

	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	if (unlock_vmxon())
		return -EBUSY;
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	/* On some CPUs Processor Trace must be off in VMX operation (SDM 3C 33.5.1). */
	intel_pt_handle_vmx(1);
	if (!enter_vmx(__pa(vc->vmxon))) {
		intel_pt_handle_vmx(0);
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		return -EBUSY;
	}
	return 0;
}

void vmx_cpu_disable(void)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	struct vmx_vcpu *vmx, *next;

	if (!(cr4_read_shadow() & X86_CR4_VMXE))
		return;
	/* The CPU may write cached fields of an active VMCS to memory at any later time. */
	if (!READ_ONCE(vc->changing))
		list_for_each_entry_safe(vmx, next, &vc->active, link)
			vmx_vcpu_clear(vmx);
	asm volatile("1: vmxoff\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     :
		     :
		     : "cc", "memory");
	intel_pt_handle_vmx(0);
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}
