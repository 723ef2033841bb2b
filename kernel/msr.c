// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers. A table says where the plain ones are kept and
 * which bits they have; those with side effects have a function.
 */
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <asm/msr.h>

#include "compat.h"
#include "cr.h"
#include "event.h"
#include "irq/lapic.h"
#include "vm.h"

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

#define MISC_ENABLE_MASK                                                        \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |  \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL | MSR_IA32_MISC_ENABLE_LIMIT_CPUID | \
	 MSR_IA32_MISC_ENABLE_XD_DISABLE)
#define MISC_ENABLE_RESET                                                      \
	(MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
	 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

/* McStatusWrEn, CpbDis, IRPerfEn, IgnneEn, TlbCacheDis and so on: kept, without effect. */
#define HWCR_MASK (BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8) | BIT_ULL(18) | BIT_ULL(24) | BIT_ULL(30))
#define DE_CFG_MASK BIT_ULL(1)

#define MCG_CAP_COUNT 0xff
#define MCG_CTL_P BIT_ULL(8)

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
	PLAIN(MSR_IA32_MCG_STATUS, mcg_status, 0x7),
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

/* What a migration has to carry, in KVM_GET_MSR_INDEX_LIST. */
static const u32 state_msrs[] = {
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_STAR,
	MSR_CSTAR,
	MSR_KERNEL_GS_BASE,
	MSR_SYSCALL_MASK,
	MSR_LSTAR,
	MSR_IA32_TSC,
	MSR_IA32_CR_PAT,
	MSR_TSC_AUX,
	MSR_IA32_TSC_ADJUST,
	MSR_IA32_TSC_DEADLINE,
	MSR_IA32_MISC_ENABLE,
	MSR_IA32_MCG_STATUS,
	MSR_IA32_MCG_CTL,
	MSR_K7_HWCR,
	MSR_KVM_SYSTEM_TIME,
	MSR_KVM_SYSTEM_TIME_NEW,
	MSR_KVM_WALL_CLOCK,
	MSR_KVM_WALL_CLOCK_NEW,
	MSR_KVM_POLL_CONTROL,
};

/* What the module can give, in KVM_GET_MSR_FEATURE_INDEX_LIST. */
static const u32 feature_msrs[] = {
	MSR_AMD64_DE_CFG,
	MSR_IA32_UCODE_REV,
};

void msr_reset(struct vcpu *vcpu)
{
	vcpu->msrs = (struct vcpu_msrs){ .misc_enable = MISC_ENABLE_RESET,
					 .ucode_rev = 0x100000000ull,
					 .poll_control = 1 };
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
 * Machine-check banks: there are none that could report anything, but a
 * guest may clear and enable those that MCG_CAP counts (SDM 3B 15.3.2).
 */
static int mc_bank(struct vcpu *vcpu, u32 index)
{
	u32 count = vcpu->msrs.mcg_cap & MCG_CAP_COUNT;

	if (index < MSR_IA32_MC0_CTL || index >= MSR_IA32_MC0_CTL + 4 * count)
		return -1;
	return (index - MSR_IA32_MC0_CTL) & 3;
}

static int read_machine_check(struct vcpu *vcpu, u32 index, u64 *data)
{
	switch (index) {
	case MSR_IA32_MCG_CAP:
		*data = vcpu->msrs.mcg_cap;
		return 0;
	case MSR_IA32_MCG_CTL:
		*data = vcpu->msrs.mcg_ctl;
		return !(vcpu->msrs.mcg_cap & MCG_CTL_P);
	default:
		*data = 0;
		return mc_bank(vcpu, index) < 0;
	}
}

static int write_machine_check(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	switch (index) {
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->msrs.mcg_cap & MCG_CTL_P) || (data && data != ~0ull))
			return 1;
		vcpu->msrs.mcg_ctl = data;
		return 0;
	default:
		switch (mc_bank(vcpu, index)) {
		case 0: /* MCi_CTL */
			return 0;
		case 1: /* MCi_STATUS: writing other than 0 is #GP */
			return data && !host;
		case 2: /* MCi_ADDR, MCi_MISC */
		case 3:
			return 0;
		default:
			return 1;
		}
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
		return 1;
	return lapic_msr_read(vcpu->lapic, index, data) ? 1 : 0;
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
			return 1;
	} else {
		if (!msr_apic_base_valid(vcpu, data))
			return 1;
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
		return 1;
	return lapic_msr_write(vcpu->lapic, index, data) ? 1 : 0;
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
		return 1;
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
		return !(host || facts->rdtscp || facts->rdpid);
	case MTRR_CAP:
		*data = MTRRCAP_FIXED | MTRRCAP_WC | MSR_MTRR_VARIABLE;
		return 0;
	case MSR_IA32_UCODE_REV:
		*data = vcpu->msrs.ucode_rev;
		return 0;
	default:
		*data = 0;
		return !is_void_msr(index);
	}
}

int msr_read(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	u64 *plain, mask;

	if (is_apic_msr(vcpu, index, host))
		return read_apic_msr(vcpu, index, data);
	if (!vendor_call(get_msr)(vcpu, index, data))
		return 0;
	if (!clock_get_msr(vcpu, index, host, data))
		return 0;
	plain = plain_msr(vcpu, index, &mask);
	if (plain) {
		*data = *plain;
		return 0;
	}
	if (!read_machine_check(vcpu, index, data))
		return 0;
	return read_other(vcpu, index, host, data);
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
			return 1;
		vcpu->msrs.tsc_aux = data;
		vcpu->return_msrs_set = false;
		return 0;
	case MSR_IA32_UCODE_REV:
		if (host)
			vcpu->msrs.ucode_rev = data;
		return 0;
	case MSR_IA32_PRED_CMD:
		if (!(host || facts->pred_cmd) || data & ~(u64)PRED_CMD_IBPB)
			return 1;
		if (data)
			indirect_branch_prediction_barrier();
		return 0;
	default:
		return !is_void_msr(index);
	}
}

int msr_write(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	u64 *plain, mask;

	if (is_apic_msr(vcpu, index, host))
		return write_apic_msr(vcpu, index, host, data);
	if (!hardware_msr_valid(vcpu, index, data))
		return 1;
	if (!vendor_call(set_msr)(vcpu, index, data))
		return 0;
	if (!clock_set_msr(vcpu, index, host, data))
		return 0;
	plain = plain_msr(vcpu, index, &mask);
	if (plain) {
		if (data & ~mask || (is_mtrr(index) && !mtrr_valid(vcpu, index, data)))
			return 1;
		*plain = data;
		return 0;
	}
	if (!write_machine_check(vcpu, index, host, data))
		return 0;
	return write_other(vcpu, index, host, data);
}

/*
 * Lists for userspace.
 */

/* As many as one call may carry; the list of all is far shorter. */
#define MSRS_MAX 256

int msr_ioctl_list(struct kvm_msr_list __user *user, bool features)
{
	const u32 *list = features ? feature_msrs : state_msrs;
	u32 count = features ? ARRAY_SIZE(feature_msrs) : ARRAY_SIZE(state_msrs);
	u32 room;

	if (get_user(room, &user->nmsrs) || put_user(count, &user->nmsrs))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_to_user(user->indices, list, count * sizeof(*list)) ? -EFAULT : 0;
}

static int feature_read(u32 index, u64 *data)
{
	switch (index) {
	case MSR_AMD64_DE_CFG:
		*data = boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_MASK : 0;
		return 0;
	case MSR_IA32_UCODE_REV:
		return rdmsrl_safe(index, data) ? 1 : 0;
	default:
		return 1;
	}
}

/* Returns 1 where the list ends, because an MSR refuses. */
static int transfer(struct vcpu *vcpu, struct kvm_msr_entry __user *user, bool write)
{
	struct kvm_msr_entry entry;
	int r;

	if (copy_from_user(&entry, user, sizeof(entry)))
		return -EFAULT;
	if (write)
		return msr_write(vcpu, entry.index, true, entry.data);
	r = vcpu ? msr_read(vcpu, entry.index, true, &entry.data) :
		   feature_read(entry.index, &entry.data);
	if (!r && put_user(entry.data, &user->data))
		r = -EFAULT;
	return r;
}

/* Stops at the first entry that fails and says how many were done. */
static int transfer_all(struct vcpu *vcpu, struct kvm_msr_entry __user *entries, u32 count,
			bool write)
{
	u32 done;
	int r;

	for (done = 0; done < count; done++) {
		r = transfer(vcpu, &entries[done], write);
		if (r < 0)
			return r;
		if (r)
			break;
	}
	return done;
}

static int ioctl_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user, bool write)
{
	u32 count;
	int idx;
	int r;

	if (get_user(count, &user->nmsrs))
		return -EFAULT;
	if (count >= MSRS_MAX)
		return -E2BIG;
	if (!vcpu)
		return transfer_all(NULL, user->entries, count, write);
	idx = srcu_read_lock(&vcpu->vm->srcu);
	r = transfer_all(vcpu, user->entries, count, write);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return r;
}

int msr_ioctl_get(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return ioctl_msrs(vcpu, user, false);
}

int msr_ioctl_set(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return ioctl_msrs(vcpu, user, true);
}
