// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSRs of a guest. The table at the end of this file has one row for each; before it stand the
 * functions of the rows that are more than a value.
 */
#include <linux/build_bug.h>
#include <linux/kvm_para.h>
#include <asm/msr.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "guest/cpuid_table.h"
#include "guest/machine_check.h"
#include "guest/msr.h"
#include "guest/msr_table.h"
#include "guest/pv_eoi.h"
#include "guest/steal_time.h"
#include "host/try_msr.h"
#include "irq/lapic.h"
#include "x86/cr.h"

/* Memory-type range registers (SDM 3A 12.11.2). */
#define MTRR_CAP 0xfe
#define MTRR_PHYSBASE0 0x200
#define MTRR_FIX64K_00000 0x250
#define MTRR_FIX16K_80000 0x258
#define MTRR_FIX4K_C0000 0x268
#define MTRR_DEF_TYPE 0x2ff

#define MTRRCAP_FIXED BIT(8)
#define MTRRCAP_WC BIT(10)
#define MTRR_DEF_TYPE_BITS 0xcffull

#define MISC_ENABLE_MASK                                                       \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL | MSR_IA32_MISC_ENABLE_MWAIT |      \
	 MSR_IA32_MISC_ENABLE_LIMIT_CPUID | MSR_IA32_MISC_ENABLE_XD_DISABLE)
#define MISC_ENABLE_RESET                                                      \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

/* McStatusWrEn, CpbDis, IRPerfEn, IgnneEn, TlbCacheDis and so on: kept, without effect. */
#define HWCR_MASK (BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8) | BIT_ULL(18) | BIT_ULL(24) | BIT_ULL(30))

/* DE_CFG: LFENCE is dispatch serializing (APM 2 3.2.2). */
#define DE_CFG_LFENCE_SERIALIZE BIT_ULL(1)

/* IA32_MCG_STATUS (SDM 3B 16.3.1.2) */
#define MCG_STATUS_MASK 7ull

#define PV_EOI_RESERVED BIT_ULL(1)

/* The bits of IA32_ARCH_CAPABILITIES that a guest may see: none of them promises another MSR. */
#define ARCH_CAP_GIVEN                                                                         \
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | ARCH_CAP_SSB_NO |              \
	 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | \
	 ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA |           \
	 ARCH_CAP_BHI_NO | ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO |            \
	 ARCH_CAP_RFDS_CLEAR)

/* A guest gets these bits also if only the kernel knows that the CPU has no such flaw. */
static const struct {
	u32 bug;
	u64 bit;
} unaffected[] = {
	{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO }, { X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
	{ X86_BUG_MDS, ARCH_CAP_MDS_NO },	    { X86_BUG_GDS, ARCH_CAP_GDS_NO },
	{ X86_BUG_RFDS, ARCH_CAP_RFDS_NO },
};

/*
 * Values that the host can give.
 */

static int host_arch_capabilities(u64 *data)
{
	u32 i;

	*data = 0;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, *data);
	*data &= ARCH_CAP_GIVEN;
	/* To use it a guest needs IA32_SPEC_CTRL. */
	if (!cpuid_host_facts()->spec_ctrl)
		*data &= ~(u64)ARCH_CAP_IBRS_ALL;
	/* The host avoids this flaw: a guest's own page tables cannot cause it. */
	*data |= ARCH_CAP_PSCHANGE_MC_NO;
	for (i = 0; i < ARRAY_SIZE(unaffected); i++)
		if (!boot_cpu_has_bug(unaffected[i].bug))
			*data |= unaffected[i].bit;
	return 0;
}

static int host_ucode_rev(u64 *data)
{
	return rdmsrl_safe(MSR_IA32_UCODE_REV, data);
}

static int host_de_cfg(u64 *data)
{
	*data = boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE_SERIALIZE : 0;
	return 0;
}

/* No guest has performance counters (SDM 3B 20.8). */
static int host_perf_capabilities(u64 *data)
{
	*data = 0;
	return 0;
}

void msr_reset(struct vcpu *vcpu)
{
	vcpu->msrs = (struct vcpu_msrs){ .misc_enable = MISC_ENABLE_RESET,
					 .ucode_rev = 0x100000000ull,
					 .poll_control = 1,
					 .platform_info = MSR_PLATFORM_INFO_CPUID_FAULT };
	host_arch_capabilities(&vcpu->msrs.arch_capabilities);
}

/*
 * Values that a CPU refuses.
 */

/* Of MSRs that hold an address (SDM 4, APM 2 appendix A). */
static bool canonical(struct vcpu *vcpu, u32 index, u64 data)
{
	vcpu_need(vcpu, STATE_CR);
	return linear_canonical(&vcpu->state, data);
}

/*
 * The guest can set every bit that the CPU accepts, because it accesses the MSR without an exit.
 * KVM_SET_MSRS has to accept each value that KVM_GET_MSRS can return, so ask the CPU.
 */
static bool spec_ctrl_valid(struct vcpu *vcpu, u32 index, u64 data)
{
	return host_accepts_msr(index, data);
}

/* Memory types that exist: UC, WC, WT, WP, WB and, in PAT, UC- (SDM 3A 12.12.2). */
static bool pat_valid(struct vcpu *vcpu, u32 index, u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8) {
		u8 type = pat;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* UC, WC, WT, WP and WB (SDM 3A table 12-8). */
static bool mtrr_type_valid(u8 type)
{
	return type < 7 && type != 2 && type != 3;
}

static bool mtrr_def_type_valid(struct vcpu *vcpu, u32 index, u64 data)
{
	return mtrr_type_valid(data);
}

static bool mtrr_fixed_valid(struct vcpu *vcpu, u32 index, u64 data)
{
	int i;

	for (i = 0; i < 8; i++, data >>= 8)
		if (!mtrr_type_valid(data))
			return false;
	return true;
}

/* Bases and masks alternate. */
static bool mtrr_variable_valid(struct vcpu *vcpu, u32 index, u64 data)
{
	u64 above = ~0ull << vcpu->cpuid.facts.maxphyaddr;

	if ((index - MTRR_PHYSBASE0) & 1)
		return !(data & (above | 0x7ff));
	return !(data & (above | 0xf00)) && mtrr_type_valid(data);
}

/*
 * MSRs without a value of their own.
 */

/* A guest probes for these because of the CPU's family, and nothing is behind them. */
static int read_zero(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = 0;
	return 0;
}

static int write_nothing(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	return 0;
}

static int read_mtrr_cap(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = MTRRCAP_FIXED | MTRRCAP_WC | MSR_MTRR_VARIABLE;
	return 0;
}

static int write_pred_cmd(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	/* Userspace may write the MSR even if CPUID does not have it. */
	if (data && !cpuid_host_facts()->pred_cmd)
		return MSR_INVALID;
	/* The host's mitigations may have made the kernel's own barrier weaker, or empty. */
	if (data)
		native_wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return 0;
}

/*
 * MSRs that the back end keeps in the control structure, or beside it.
 */

static int read_vendor(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	return vendor_call(get_msr)(vcpu, index, data) ? MSR_UNKNOWN : 0;
}

static int write_vendor(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	return vendor_call(set_msr)(vcpu, index, data) ? MSR_UNKNOWN : 0;
}

/*
 * The local APIC.
 */

static int read_apic_base(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = msr_apic_base(vcpu);
	return 0;
}

bool msr_apic_base_valid(const struct vcpu *vcpu, u64 base)
{
	u64 reserved = GENMASK(7, 0) | BIT(9) | ~0ull << vcpu->cpuid.facts.maxphyaddr;

	return !(base & reserved) && (base & LAPIC_BASE_ENABLE || !(base & LAPIC_BASE_EXTD));
}

static int write_apic_base(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	vcpu_make_request(vcpu, REQ_EVENT);
	if (vcpu->lapic) {
		if (lapic_set_base(vcpu->lapic, data, host))
			return MSR_INVALID;
	} else {
		if (!msr_apic_base_valid(vcpu, data))
			return MSR_INVALID;
		vcpu->apic_base = data;
	}
	vcpu_need(vcpu, STATE_CR);
	cpuid_refresh_vcpu(vcpu);
	return 0;
}

static int read_tsc_deadline(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = vcpu->lapic ? lapic_get_tsc_deadline(vcpu->lapic) : 0;
	return 0;
}

/* KVM's ABI: with the local APIC in userspace the write is no error and arms nothing. */
static int write_tsc_deadline(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	vcpu_make_request(vcpu, REQ_EVENT);
	if (vcpu->lapic)
		lapic_set_tsc_deadline(vcpu->lapic, data);
	return 0;
}

static int read_x2apic(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	return vcpu->lapic ? lapic_msr_read(vcpu->lapic, index, data) : MSR_INVALID;
}

static int write_x2apic(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	/* EOI, TPR and the like change what may be delivered. */
	vcpu_make_request(vcpu, REQ_EVENT);
	return vcpu->lapic ? lapic_msr_write(vcpu->lapic, index, data) : MSR_INVALID;
}

/*
 * MSRs with a side effect or a rule of their own.
 */

static int read_efer(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	vcpu_need(vcpu, STATE_CR);
	*data = vcpu->state.efer;
	return 0;
}

static int write_efer(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	const struct cpuid_facts *facts = host ? cpuid_host_facts() : &vcpu->cpuid.facts;
	struct cpu_state *state = &vcpu->state;

	vcpu_need(vcpu, STATE_CR);
	if (host ? !efer_valid(facts, data) : !efer_write_valid(facts, state, data))
		return MSR_INVALID;
	state->efer = efer_effective(data, state->cr0);
	vcpu_touch(vcpu, STATE_CR);
	vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	return 0;
}

static int write_misc_enable(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	vcpu->msrs.misc_enable = data;
	cpuid_refresh_vcpu(vcpu);
	return 0;
}

static int write_tsc_aux(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	vcpu->msrs.tsc_aux = data;
	vcpu->return_msrs_set = false;
	return 0;
}

/* The guest's write asks for the revision, which the next read has anyway (SDM 3A 10.11.7.1). */
static int write_ucode_rev(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (host)
		vcpu->msrs.ucode_rev = data;
	return 0;
}

static int write_arch_capabilities(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (!host)
		return MSR_INVALID;
	vcpu->msrs.arch_capabilities = data;
	return 0;
}

static int read_platform_info(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = vcpu->msrs.platform_info;
	return host || !READ_ONCE(vcpu->vm->platform_info_hidden) ? 0 : MSR_INVALID;
}

static int write_platform_info(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (!host || (vcpu->msrs.cpuid_faulting && !(data & MSR_PLATFORM_INFO_CPUID_FAULT)))
		return MSR_INVALID;
	vcpu->msrs.platform_info = data;
	return 0;
}

static int read_misc_features(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = vcpu->msrs.cpuid_faulting ? MSR_MISC_FEATURES_ENABLES_CPUID_FAULT : 0;
	return 0;
}

/* CPUID faulting, which PLATFORM_INFO announces, is all there is of it (SDM 3B 17.1.3). */
static int write_misc_features(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (data && !(vcpu->msrs.platform_info & MSR_PLATFORM_INFO_CPUID_FAULT))
		return MSR_INVALID;
	vcpu->msrs.cpuid_faulting = data;
	return 0;
}

/*
 * The table. A row says which MSR it is, or of which number a run of MSRs begins and how many
 * follow; where the value lives: at a member of struct vcpu (KEPT), behind functions (CALLS), or
 * with the back end (VENDOR); and which bits may be set. The rest is optional.
 */

#define MSR(number) .first = (number), .count = 1
#define MSRS(number, n) .first = (number), .count = (n)

/* @member is a u64, or an array of them for a run. */
#define KEPT(member, bits) .offset = offsetof(struct vcpu, member), .reserved = ~(u64)(bits)
#define CALLS(get, set, bits) .read = (get), .write = (set), .reserved = ~(u64)(bits)
#define VENDOR(bits) CALLS(read_vendor, write_vendor, bits)
#define NOTHING CALLS(read_zero, write_nothing, ALL)
#define ALL (~0ull)

/* Without the fact, a bool, or the feature of KVM's the guest's access is refused. */
#define FACT(name, refusal) .fact = offsetof(struct cpuid_facts, name), .without = (refusal)
#define PV(name) .pv = BIT(KVM_FEATURE_##name), .without = MSR_INVALID

#define LISTED .listed = MSR_LISTED
#define LISTED_IF_HOST .listed = MSR_LISTED_IF_HOST

const struct msr_row msr_rows[] = {
	{ .count = 0 },

	/* Time. */
	{ MSR(MSR_IA32_TSC), CALLS(clock_read_tsc, clock_write_tsc, ALL), LISTED },
	{ MSR(MSR_IA32_TSC_ADJUST), KEPT(clock.tsc_adjust, ALL), .write = clock_write_tsc_adjust,
	  FACT(tsc_adjust, MSR_UNKNOWN), LISTED },
	{ MSR(MSR_IA32_TSC_DEADLINE), CALLS(read_tsc_deadline, write_tsc_deadline, ALL),
	  FACT(tsc_deadline, MSR_UNKNOWN), LISTED },
	{ MSR(MSR_TSC_AUX), KEPT(msrs.tsc_aux, U32_MAX), .write = write_tsc_aux,
	  FACT(tsc_aux, MSR_INVALID), LISTED_IF_HOST },

	/* System calls and segments. */
	{ MSR(MSR_EFER), CALLS(read_efer, write_efer, ALL) },
	{ MSR(MSR_IA32_SYSENTER_CS), VENDOR(ALL), LISTED },
	{ MSR(MSR_IA32_SYSENTER_ESP), VENDOR(ALL), .valid = canonical, LISTED },
	{ MSR(MSR_IA32_SYSENTER_EIP), VENDOR(ALL), .valid = canonical, LISTED },
	{ MSR(MSR_STAR), VENDOR(ALL), LISTED },
	{ MSR(MSR_LSTAR), VENDOR(ALL), .valid = canonical, LISTED },
	{ MSR(MSR_CSTAR), VENDOR(ALL), .valid = canonical, LISTED },
	{ MSR(MSR_SYSCALL_MASK), VENDOR(U32_MAX), LISTED },
	{ MSR(MSR_FS_BASE), VENDOR(ALL), .valid = canonical },
	{ MSR(MSR_GS_BASE), VENDOR(ALL), .valid = canonical },
	{ MSR(MSR_KERNEL_GS_BASE), VENDOR(ALL), .valid = canonical, LISTED },

	/* The local APIC. */
	{ MSR(MSR_IA32_APICBASE), CALLS(read_apic_base, write_apic_base, ALL) },
	{ MSRS(LAPIC_MSR_FIRST, LAPIC_MSR_LAST + 1 - LAPIC_MSR_FIRST),
	  CALLS(read_x2apic, write_x2apic, ALL) },

	/* Memory types. */
	{ MSR(MSR_IA32_CR_PAT), VENDOR(ALL), .valid = pat_valid, LISTED },
	{ MSR(MTRR_CAP), .read = read_mtrr_cap },
	{ MSR(MTRR_DEF_TYPE), KEPT(msrs.mtrr_def_type, MTRR_DEF_TYPE_BITS),
	  .valid = mtrr_def_type_valid },
	{ MSRS(MTRR_PHYSBASE0, 2 * MSR_MTRR_VARIABLE), KEPT(msrs.mtrr_variable, ALL),
	  .valid = mtrr_variable_valid },
	{ MSR(MTRR_FIX64K_00000), KEPT(msrs.mtrr_fixed[0], ALL), .valid = mtrr_fixed_valid },
	{ MSRS(MTRR_FIX16K_80000, 2), KEPT(msrs.mtrr_fixed[1], ALL), .valid = mtrr_fixed_valid },
	{ MSRS(MTRR_FIX4K_C0000, 8), KEPT(msrs.mtrr_fixed[3], ALL), .valid = mtrr_fixed_valid },

	/* Machine checks. */
	{ MSR(MSR_IA32_MCG_CAP), .read = mc_read_cap },
	{ MSR(MSR_IA32_MCG_STATUS), KEPT(mc.status, MCG_STATUS_MASK), LISTED },
	{ MSR(MSR_IA32_MCG_CTL), CALLS(mc_read_ctl, mc_write_ctl, ALL), LISTED },
	{ MSRS(MSR_IA32_MC0_CTL, (MC_BANKS * MC_BANK_MSRS)),
	  CALLS(mc_read_bank, mc_write_bank, ALL) },

	/* Speculation, and properties of the CPU. */
	{ MSR(MSR_IA32_SPEC_CTRL), VENDOR(ALL), .valid = spec_ctrl_valid,
	  FACT(spec_ctrl, MSR_INVALID), LISTED_IF_HOST },
	{ MSR(MSR_IA32_PRED_CMD), CALLS(NULL, write_pred_cmd, PRED_CMD_IBPB),
	  FACT(pred_cmd, MSR_INVALID) },
	{ MSR(MSR_IA32_ARCH_CAPABILITIES), KEPT(msrs.arch_capabilities, ALL),
	  .write = write_arch_capabilities, .feature = host_arch_capabilities,
	  FACT(arch_capabilities, MSR_INVALID), LISTED },
	{ MSR(MSR_IA32_PERF_CAPABILITIES), .feature = host_perf_capabilities },
	{ MSR(MSR_PLATFORM_INFO), CALLS(read_platform_info, write_platform_info, ALL), LISTED },
	{ MSR(MSR_MISC_FEATURES_ENABLES),
	  CALLS(read_misc_features, write_misc_features, MSR_MISC_FEATURES_ENABLES_CPUID_FAULT),
	  LISTED },
	{ MSR(MSR_IA32_MISC_ENABLE), KEPT(msrs.misc_enable, MISC_ENABLE_MASK),
	  .write = write_misc_enable, LISTED },
	{ MSR(MSR_IA32_UCODE_REV), KEPT(msrs.ucode_rev, ALL), .write = write_ucode_rev,
	  .feature = host_ucode_rev, LISTED },
	{ MSR(MSR_IA32_POWER_CTL), KEPT(msrs.power_ctl, ALL), LISTED },
	{ MSR(MSR_K7_HWCR), KEPT(msrs.hwcr, HWCR_MASK), LISTED },
	{ MSR(MSR_AMD64_DE_CFG), KEPT(msrs.de_cfg, DE_CFG_LFENCE_SERIALIZE),
	  .feature = host_de_cfg },

	/* Help for a guest that knows its hypervisor. */
	{ MSR(MSR_KVM_SYSTEM_TIME), KEPT(clock.system_time_msr, ALL),
	  .write = clock_write_system_time, PV(CLOCKSOURCE), LISTED },
	{ MSR(MSR_KVM_SYSTEM_TIME_NEW), KEPT(clock.system_time_msr, ALL),
	  .write = clock_write_system_time, PV(CLOCKSOURCE2), LISTED },
	{ MSR(MSR_KVM_WALL_CLOCK), CALLS(clock_read_wall_clock, clock_write_wall_clock, ALL),
	  PV(CLOCKSOURCE), LISTED },
	{ MSR(MSR_KVM_WALL_CLOCK_NEW), CALLS(clock_read_wall_clock, clock_write_wall_clock, ALL),
	  PV(CLOCKSOURCE2), LISTED },
	{ MSR(MSR_KVM_STEAL_TIME), KEPT(steal_time.msr, ~KVM_STEAL_RESERVED_MASK),
	  .write = steal_time_write, PV(STEAL_TIME), LISTED_IF_HOST },
	{ MSR(MSR_KVM_PV_EOI_EN), KEPT(pv_eoi.msr, ~PV_EOI_RESERVED), .write = pv_eoi_write,
	  PV(PV_EOI), LISTED },
	{ MSR(MSR_KVM_POLL_CONTROL), KEPT(msrs.poll_control, BIT_ULL(0)), PV(POLL_CONTROL),
	  LISTED },

	/*
	 * A guest probes for these because of the CPU's family (APM 2, PPRs): microcode update,
	 * debugging and last branches, AMD's performance counters and configuration.
	 */
	{ MSR(MSR_IA32_UCODE_WRITE), NOTHING },
	{ MSR(MSR_IA32_DEBUGCTLMSR), NOTHING },
	{ MSRS(MSR_IA32_LASTBRANCHFROMIP, 4), NOTHING },
	{ MSRS(MSR_K7_EVNTSEL0, 4), NOTHING },
	{ MSRS(MSR_K7_PERFCTR0, 4), NOTHING },
	{ MSR(MSR_AMD64_SYSCFG), NOTHING },
	{ MSR(MSR_AMD64_NB_CFG), NOTHING },
	{ MSR(MSR_K8_INT_PENDING_MSG), NOTHING },
	{ MSR(MSR_FAM10H_MMIO_CONF_BASE), NOTHING },
	{ MSR(MSR_VM_HSAVE_PA), NOTHING },
	{ MSR(MSR_AMD64_DC_CFG), NOTHING },
	{ MSR(MSR_AMD64_BU_CFG2), NOTHING },
};

const u32 msr_row_count = ARRAY_SIZE(msr_rows);

static_assert(ARRAY_SIZE(msr_rows) <= MSR_LIST_MAX);
static_assert(sizeof(struct vcpu) <= U16_MAX);
