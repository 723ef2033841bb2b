// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers. A table says where the plain ones are kept and
 * which bits they have; those with side effects have a function.
 */
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <asm/msr.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "guest/cpuid_table.h"
#include "guest/machine_check.h"
#include "guest/msr.h"
#include "guest/pv_eoi.h"
#include "guest/steal_time.h"
#include "irq/lapic.h"
#include "x86/cr.h"

/* Memory-type range registers (SDM 3A 11.11.2). */
#define MTRR_CAP 0xfe
#define MTRR_DEF_TYPE 0x2ff
#define MTRR_FIX64K_00000 0x250
#define MTRR_FIX16K_80000 0x258
#define MTRR_FIX16K_A0000 0x259
#define MTRR_FIX4K_C0000 0x268
#define MTRR_FIX4K_C8000 0x269
#define MTRR_FIX4K_D0000 0x26a
#define MTRR_FIX4K_D8000 0x26b
#define MTRR_FIX4K_E0000 0x26c
#define MTRR_FIX4K_E8000 0x26d
#define MTRR_FIX4K_F0000 0x26e
#define MTRR_FIX4K_F8000 0x26f
#define MSR_MTRR_PHYSBASE0 0x200
#define MSR_MTRR_PHYSMASK_LAST (MSR_MTRR_PHYSBASE0 + 2 * MSR_MTRR_VARIABLE - 1)

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
#define DE_CFG_MASK BIT_ULL(1)

/* What IA32_ARCH_CAPABILITIES may tell a guest: none of it promises another MSR. */
#define ARCH_CAP_GIVEN                                                                         \
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | ARCH_CAP_SSB_NO |              \
	 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | \
	 ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA |           \
	 ARCH_CAP_BHI_NO | ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO |            \
	 ARCH_CAP_RFDS_CLEAR)

/* A flaw that the host's CPU has not, whether or not the CPU says so. */
static const struct {
	u32 bug;
	u64 bit;
} unaffected[] = {
	{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO }, { X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
	{ X86_BUG_MDS, ARCH_CAP_MDS_NO },	    { X86_BUG_GDS, ARCH_CAP_GDS_NO },
	{ X86_BUG_RFDS, ARCH_CAP_RFDS_NO },
};

/**
 * struct plain_msr - an MSR that is only kept
 * @index: its number
 * @offset: of its value in struct vcpu_msrs
 * @mask: bits the guest may set
 */
struct plain_msr {
	u32 index;
	u32 offset;
	u64 mask;
};

#define PLAIN(i, field, m)                                                             \
	{                                                                              \
		.index = (i), .offset = offsetof(struct vcpu_msrs, field), .mask = (m) \
	}

static const struct plain_msr plain_msrs[] = {
	PLAIN(MSR_IA32_MISC_ENABLE, misc_enable, MISC_ENABLE_MASK),
	PLAIN(MTRR_DEF_TYPE, mtrr_def_type, MTRR_DEF_TYPE_BITS),
	PLAIN(MTRR_FIX64K_00000, mtrr_fixed[0], ~0ull),
	PLAIN(MTRR_FIX16K_80000, mtrr_fixed[1], ~0ull),
	PLAIN(MTRR_FIX16K_A0000, mtrr_fixed[2], ~0ull),
	PLAIN(MTRR_FIX4K_C0000, mtrr_fixed[3], ~0ull),
	PLAIN(MTRR_FIX4K_C8000, mtrr_fixed[4], ~0ull),
	PLAIN(MTRR_FIX4K_D0000, mtrr_fixed[5], ~0ull),
	PLAIN(MTRR_FIX4K_D8000, mtrr_fixed[6], ~0ull),
	PLAIN(MTRR_FIX4K_E0000, mtrr_fixed[7], ~0ull),
	PLAIN(MTRR_FIX4K_E8000, mtrr_fixed[8], ~0ull),
	PLAIN(MTRR_FIX4K_F0000, mtrr_fixed[9], ~0ull),
	PLAIN(MTRR_FIX4K_F8000, mtrr_fixed[10], ~0ull),
	PLAIN(MSR_IA32_POWER_CTL, power_ctl, ~0ull),
	PLAIN(MSR_K7_HWCR, hwcr, HWCR_MASK),
	PLAIN(MSR_AMD64_DE_CFG, de_cfg, DE_CFG_MASK),
	PLAIN(MSR_KVM_POLL_CONTROL, poll_control, BIT_ULL(0)),
};

/* MSRs that read as zero and ignore what is written: a guest probes for them
 * because of the CPU's family, and nothing is behind them (APM 2, PPRs).
 */
static const u32 void_msrs[] = {
	MSR_IA32_UCODE_WRITE,	MSR_K7_EVNTSEL0,	   MSR_K7_EVNTSEL1,
	MSR_K7_EVNTSEL2,	MSR_K7_EVNTSEL3,	   MSR_K7_PERFCTR0,
	MSR_K7_PERFCTR1,	MSR_K7_PERFCTR2,	   MSR_K7_PERFCTR3,
	MSR_AMD64_SYSCFG,	MSR_K8_INT_PENDING_MSG,	   MSR_AMD64_NB_CFG,
	MSR_AMD64_BU_CFG2,	MSR_AMD64_DC_CFG,	   MSR_FAM10H_MMIO_CONF_BASE,
	MSR_IA32_DEBUGCTLMSR,	MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTBRANCHTOIP,
	MSR_IA32_LASTINTFROMIP, MSR_IA32_LASTINTTOIP,	   MSR_VM_HSAVE_PA,
};

void msr_reset(struct vcpu *vcpu)
{
	vcpu->msrs = (struct vcpu_msrs){ .misc_enable = MISC_ENABLE_RESET,
					 .ucode_rev = 0x100000000ull,
					 .poll_control = 1,
					 .platform_info = MSR_PLATFORM_INFO_CPUID_FAULT,
					 .arch_capabilities = msr_arch_capabilities() };
}

u64 msr_arch_capabilities(void)
{
	u64 data = 0;
	u32 i;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, data);
	data &= ARCH_CAP_GIVEN;
	/* To use it a guest needs IA32_SPEC_CTRL. */
	if (!cpuid_host_facts()->spec_ctrl)
		data &= ~(u64)ARCH_CAP_IBRS_ALL;
	/* The host's to avoid: a guest's own page tables cannot cause it. */
	data |= ARCH_CAP_PSCHANGE_MC_NO;
	for (i = 0; i < ARRAY_SIZE(unaffected); i++)
		if (!boot_cpu_has_bug(unaffected[i].bug))
			data |= unaffected[i].bit;
	return data;
}

static u64 *plain_msr(struct vcpu *vcpu, u32 index, u64 *mask)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(plain_msrs); i++) {
		if (plain_msrs[i].index != index)
			continue;
		*mask = plain_msrs[i].mask;
		return (void *)&vcpu->msrs + plain_msrs[i].offset;
	}
	*mask = ~0ull;
	if (index < MSR_MTRR_PHYSBASE0 || index > MSR_MTRR_PHYSMASK_LAST)
		return NULL;
	index = array_index_nospec(index - MSR_MTRR_PHYSBASE0, 2 * MSR_MTRR_VARIABLE);
	return &vcpu->msrs.mtrr_variable[index];
}

static bool is_void_msr(u32 index)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(void_msrs); i++)
		if (void_msrs[i] == index)
			return true;
	return false;
}

/* Memory types that exist: UC, WC, WT, WP, WB and, in PAT, UC- (SDM 3A 11.12.2). */
static bool pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8) {
		u8 type = pat;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* UC, WC, WT, WP and WB (SDM 3A table 11-8). */
static bool mtrr_type_valid(u8 type)
{
	return type < 7 && type != 2 && type != 3;
}

static bool mtrr_valid(const struct vcpu *vcpu, u32 index, u64 data)
{
	u64 above = ~0ull << vcpu->cpuid.facts.maxphyaddr;
	int i;

	if (index >= MSR_MTRR_PHYSBASE0 && index <= MSR_MTRR_PHYSMASK_LAST) {
		if (index & 1)
			return !(data & (above | 0x7ff));
		return !(data & (above | 0xf00)) && mtrr_type_valid(data);
	}
	if (index == MTRR_DEF_TYPE)
		return !(data & ~MTRR_DEF_TYPE_BITS) && mtrr_type_valid(data);
	for (i = 0; i < 8; i++, data >>= 8)
		if (!mtrr_type_valid(data))
			return false;
	return true;
}

static bool is_mtrr(u32 index)
{
	return (index >= MSR_MTRR_PHYSBASE0 && index <= MSR_MTRR_PHYSMASK_LAST) ||
	       (index >= MTRR_FIX64K_00000 && index <= MTRR_FIX4K_F8000) || index == MTRR_DEF_TYPE;
}

/*
 * A guest that is held to its CPUID has only those of KVM's MSRs that
 * KVM_CPUID_FEATURES names.
 */
static bool pv_msr_hidden(const struct vcpu *vcpu, u32 index)
{
	switch (index) {
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_WALL_CLOCK:
		return !vcpu_has_pv(vcpu, KVM_FEATURE_CLOCKSOURCE);
	case MSR_KVM_SYSTEM_TIME_NEW:
	case MSR_KVM_WALL_CLOCK_NEW:
		return !vcpu_has_pv(vcpu, KVM_FEATURE_CLOCKSOURCE2);
	case MSR_KVM_STEAL_TIME:
		return !vcpu_has_pv(vcpu, KVM_FEATURE_STEAL_TIME);
	case MSR_KVM_PV_EOI_EN:
		return !vcpu_has_pv(vcpu, KVM_FEATURE_PV_EOI);
	case MSR_KVM_POLL_CONTROL:
		return !vcpu_has_pv(vcpu, KVM_FEATURE_POLL_CONTROL);
	default:
		return false;
	}
}

static int read_apic_msr(struct vcpu *vcpu, u32 index, u64 *data)
{
	if (index == MSR_IA32_APICBASE) {
		*data = vcpu->lapic ? lapic_get_base(vcpu->lapic) : vcpu->apic_base;
		return 0;
	}
	if (index == MSR_IA32_TSC_DEADLINE) {
		*data = vcpu->lapic ? lapic_get_tsc_deadline(vcpu->lapic) : 0;
		return 0;
	}
	if (!vcpu->lapic)
		return MSR_INVALID;
	return lapic_msr_read(vcpu->lapic, index, data) ? MSR_INVALID : 0;
}

bool msr_apic_base_valid(const struct vcpu *vcpu, u64 base)
{
	u64 reserved = GENMASK(7, 0) | BIT(9) | ~0ull << vcpu->cpuid.facts.maxphyaddr;

	return !(base & reserved) && (base & LAPIC_BASE_ENABLE || !(base & LAPIC_BASE_EXTD));
}

static int write_apic_base(struct vcpu *vcpu, bool host, u64 data)
{
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

static int write_apic_msr(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	/* EOI, TPR and the like change what may be delivered. */
	vcpu_make_request(vcpu, REQ_EVENT);
	if (index == MSR_IA32_APICBASE)
		return write_apic_base(vcpu, host, data);
	if (index == MSR_IA32_TSC_DEADLINE) {
		/* KVM's ABI: with the local APIC in userspace it is no error and arms nothing. */
		if (vcpu->lapic)
			lapic_set_tsc_deadline(vcpu->lapic, data);
		return 0;
	}
	if (!vcpu->lapic)
		return MSR_INVALID;
	return lapic_msr_write(vcpu->lapic, index, data) ? MSR_INVALID : 0;
}

static bool is_apic_msr(const struct vcpu *vcpu, u32 index, bool host)
{
	if (index == MSR_IA32_TSC_DEADLINE)
		return host || vcpu->cpuid.facts.tsc_deadline;
	return index == MSR_IA32_APICBASE || (index >= LAPIC_MSR_FIRST && index <= LAPIC_MSR_LAST);
}

static int write_efer(struct vcpu *vcpu, bool host, u64 data)
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

/* Values that the hardware would refuse to load (SDM 4, APM 2 appendix A). */
static bool hardware_msr_valid(struct vcpu *vcpu, u32 index, u64 data)
{
	switch (index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		vcpu_need(vcpu, STATE_CR);
		return linear_canonical(&vcpu->state, data);
	case MSR_SYSCALL_MASK:
		return data <= U32_MAX;
	case MSR_IA32_CR_PAT:
		return pat_valid(data);
	case MSR_IA32_SPEC_CTRL:
		return !(data & ~(u64)(SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD));
	default:
		return true;
	}
}

static int read_other(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;

	switch (index) {
	case MSR_EFER:
		vcpu_need(vcpu, STATE_CR);
		*data = vcpu->state.efer;
		return 0;
	case MSR_TSC_AUX:
		*data = vcpu->msrs.tsc_aux;
		return host || facts->rdtscp || facts->rdpid ? 0 : MSR_INVALID;
	case MTRR_CAP:
		*data = MTRRCAP_FIXED | MTRRCAP_WC | MSR_MTRR_VARIABLE;
		return 0;
	case MSR_IA32_UCODE_REV:
		*data = vcpu->msrs.ucode_rev;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*data = vcpu->msrs.arch_capabilities;
		return host || facts->arch_capabilities ? 0 : MSR_INVALID;
	case MSR_PLATFORM_INFO:
		*data = vcpu->msrs.platform_info;
		return host || !READ_ONCE(vcpu->vm->platform_info_hidden) ? 0 : MSR_INVALID;
	case MSR_KVM_STEAL_TIME:
		*data = vcpu->steal_time.msr;
		return 0;
	case MSR_KVM_PV_EOI_EN:
		*data = vcpu->pv_eoi.msr;
		return 0;
	case MSR_MISC_FEATURES_ENABLES:
		*data = vcpu->msrs.cpuid_faulting ? MSR_MISC_FEATURES_ENABLES_CPUID_FAULT : 0;
		return 0;
	default:
		*data = 0;
		return is_void_msr(index) ? 0 : MSR_UNKNOWN;
	}
}

int msr_read(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	u64 *plain, mask;
	int r;

	if (is_apic_msr(vcpu, index, host))
		return read_apic_msr(vcpu, index, data);
	if (!vendor_call(get_msr)(vcpu, index, data))
		return 0;
	if (pv_msr_hidden(vcpu, index))
		return MSR_INVALID;
	if (!clock_get_msr(vcpu, index, host, data))
		return 0;
	plain = plain_msr(vcpu, index, &mask);
	if (plain) {
		*data = *plain;
		return 0;
	}
	r = mc_msr_read(vcpu, index, host, data);
	if (r != MSR_UNKNOWN)
		return r;
	return read_other(vcpu, index, host, data);
}

/* CPUID faulting, which PLATFORM_INFO announces, is all there is of it (SDM 3B 17.1.3). */
static int write_misc_features(struct vcpu *vcpu, u64 data)
{
	bool faulting = data & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT;

	if (data & ~(u64)MSR_MISC_FEATURES_ENABLES_CPUID_FAULT ||
	    (faulting && !(vcpu->msrs.platform_info & MSR_PLATFORM_INFO_CPUID_FAULT)))
		return MSR_INVALID;
	vcpu->msrs.cpuid_faulting = faulting;
	return 0;
}

static int write_platform_info(struct vcpu *vcpu, bool host, u64 data)
{
	if (!host || (vcpu->msrs.cpuid_faulting && !(data & MSR_PLATFORM_INFO_CPUID_FAULT)))
		return MSR_INVALID;
	vcpu->msrs.platform_info = data;
	return 0;
}

static int write_other(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;

	switch (index) {
	case MSR_EFER:
		return write_efer(vcpu, host, data);
	case MSR_TSC_AUX:
		/* The upper half is reserved (SDM 4 table 2-2). */
		if (!(host || facts->rdtscp || facts->rdpid) || data > U32_MAX)
			return MSR_INVALID;
		vcpu->msrs.tsc_aux = data;
		vcpu->return_msrs_set = false;
		return 0;
	case MSR_IA32_UCODE_REV:
		if (host)
			vcpu->msrs.ucode_rev = data;
		return 0;
	case MSR_IA32_PRED_CMD:
		if (!(host || facts->pred_cmd) || data & ~(u64)PRED_CMD_IBPB)
			return MSR_INVALID;
		if (data)
			indirect_branch_prediction_barrier();
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		if (host)
			vcpu->msrs.arch_capabilities = data;
		return host ? 0 : MSR_INVALID;
	case MSR_PLATFORM_INFO:
		return write_platform_info(vcpu, host, data);
	case MSR_KVM_STEAL_TIME:
		return steal_time_set(vcpu, data);
	case MSR_KVM_PV_EOI_EN:
		return pv_eoi_set(vcpu, data);
	case MSR_MISC_FEATURES_ENABLES:
		return write_misc_features(vcpu, data);
	default:
		return is_void_msr(index) ? 0 : MSR_UNKNOWN;
	}
}

int msr_write(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	u64 *plain, mask;
	int r;

	if (is_apic_msr(vcpu, index, host))
		return write_apic_msr(vcpu, index, host, data);
	if (!hardware_msr_valid(vcpu, index, data) || pv_msr_hidden(vcpu, index))
		return MSR_INVALID;
	if (!vendor_call(set_msr)(vcpu, index, data))
		return 0;
	if (!clock_set_msr(vcpu, index, host, data))
		return 0;
	plain = plain_msr(vcpu, index, &mask);
	if (plain) {
		if (data & ~mask || (is_mtrr(index) && !mtrr_valid(vcpu, index, data)))
			return MSR_INVALID;
		*plain = data;
		if (index == MSR_IA32_MISC_ENABLE)
			cpuid_refresh_vcpu(vcpu);
		return 0;
	}
	r = mc_msr_write(vcpu, index, host, data);
	if (r != MSR_UNKNOWN)
		return r;
	return write_other(vcpu, index, host, data);
}
