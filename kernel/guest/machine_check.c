// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's machine-check architecture: its banks, and the machine checks that userspace reports
 * to it (SDM 3B 16.3). Errors that the host's CPU finds go to the host.
 */
#include <linux/nospec.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "core/vcpu.h"
#include "guest/cpuid_table.h"
#include "guest/machine_check.h"
#include "guest/msr.h"
#include "guest/raise.h"

/* IA32_MCG_CAP (SDM 3B 16.3.1.1) */
#define MCG_CAP_COUNT 0xffull
#define MCG_CAP_CTL BIT_ULL(8)
#define MCG_CAP_EXT_COUNT 0xff0000ull
#define MCG_CAP_SER BIT_ULL(24)
/* IA32_MCG_STATUS (SDM 3B 16.3.1.2) */
#define MCG_STATUS_MCIP BIT_ULL(2)
/* IA32_MCi_STATUS (SDM 3B 16.3.2.2) */
#define MC_STATUS_AR BIT_ULL(55)
#define MC_STATUS_S BIT_ULL(56)
#define MC_STATUS_PCC BIT_ULL(57)
#define MC_STATUS_UC BIT_ULL(61)
#define MC_STATUS_OVER BIT_ULL(62)
#define MC_STATUS_VAL BIT_ULL(63)
/* HWCR.McStatusWrEn (APM 2 9.3.2.1): MCi_STATUS takes any value. */
#define HWCR_MC_STATUS_WRITE BIT_ULL(18)

enum mc_register { MC_CTL, MC_STATUS, MC_ADDR, MC_MISC };

void mc_reset(struct vcpu *vcpu)
{
	vcpu->mc = (struct vcpu_mc){ .cap = MC_BANKS };
}

/* The register of a bank; NULL if MCG_CAP counts fewer banks. */
static u64 *bank_msr(struct vcpu *vcpu, u32 index)
{
	u32 count = vcpu->mc.cap & MCG_CAP_COUNT;
	u32 offset = index - MSR_IA32_MC0_CTL;

	if (offset >= MC_BANK_MSRS * count)
		return NULL;
	offset = array_index_nospec(offset, MC_BANK_MSRS * MC_BANKS);
	return &vcpu->mc.bank[offset / MC_BANK_MSRS][offset % MC_BANK_MSRS];
}

int mc_read_bank(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	const u64 *msr = bank_msr(vcpu, index);

	if (!msr)
		return MSR_UNKNOWN;
	*data = *msr;
	return 0;
}

int mc_read_cap(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = vcpu->mc.cap;
	return 0;
}

int mc_read_ctl(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = vcpu->mc.ctl;
	return host || vcpu->mc.cap & MCG_CAP_CTL ? 0 : MSR_INVALID;
}

int mc_write_ctl(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (!(vcpu->mc.cap & MCG_CAP_CTL) && (data || !host))
		return MSR_INVALID;
	if (data && data != ~0ull)
		return MSR_INVALID;
	vcpu->mc.ctl = data;
	return 0;
}

/*
 * A CPU has all ones or 0. But kernels clear bit 10, because of an erratum of the K8, and bit 0:
 * let them.
 */
static bool ctl_valid(u64 data)
{
	return !data || (data | BIT_ULL(10) | BIT_ULL(0)) == ~0ull;
}

int mc_write_bank(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	u64 *msr = bank_msr(vcpu, index);

	if (!msr)
		return MSR_UNKNOWN;
	switch ((index - MSR_IA32_MC0_CTL) % MC_BANK_MSRS) {
	case MC_CTL:
		if (!ctl_valid(data))
			return MSR_INVALID;
		break;
	case MC_STATUS:
		if (data && !host && !(vcpu->msrs.hwcr & HWCR_MC_STATUS_WRITE))
			return MSR_INVALID;
		break;
	}
	*msr = data;
	return 0;
}

u64 mc_supported(void)
{
	return MCG_CAP_CTL | MCG_CAP_SER;
}

int mc_setup(struct vcpu *vcpu, const u64 *mcg_cap)
{
	u64 cap = *mcg_cap;
	u32 count = cap & MCG_CAP_COUNT;
	u32 i;

	if (!count || count > MC_BANKS ||
	    cap & ~(mc_supported() | MCG_CAP_COUNT | MCG_CAP_EXT_COUNT))
		return -EINVAL;
	/* AMD has no other bits (APM 2 9.3.1.1). */
	if (cpuid_host_facts()->amd)
		cap &= MCG_CAP_COUNT | MCG_CAP_CTL;
	vcpu->mc.cap = cap;
	if (cap & MCG_CAP_CTL)
		vcpu->mc.ctl = ~0ull;
	for (i = 0; i < count; i++)
		vcpu->mc.bank[i][MC_CTL] = ~0ull;
	return 0;
}

static void fill_bank(u64 *bank, const struct kvm_x86_mce *mce)
{
	u64 over = bank[MC_STATUS] & MC_STATUS_VAL ? MC_STATUS_OVER : 0;

	bank[MC_ADDR] = mce->addr;
	bank[MC_MISC] = mce->misc;
	bank[MC_STATUS] = mce->status | over;
}

/* A second uncorrected error while the first is handled shuts the CPU down (SDM 3B 16.3.1.2). */
static void report_uncorrected(struct vcpu *vcpu, u64 *bank, const struct kvm_x86_mce *mce)
{
	vcpu_need(vcpu, STATE_CR);
	if (vcpu->mc.status & MCG_STATUS_MCIP || !(vcpu->state.cr4 & X86_CR4_MCE)) {
		vcpu_make_request(vcpu, REQ_TRIPLE_FAULT);
		return;
	}
	fill_bank(bank, mce);
	vcpu->mc.status = mce->mcg_status;
	vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_MC });
}

/* An uncorrected error that requires no action raises no #MC (SDM 3B 16.6.3). */
static bool is_signalled(const struct kvm_x86_mce *mce)
{
	return mce->status & MC_STATUS_UC &&
	       (mce->mcg_status || mce->status & (MC_STATUS_PCC | MC_STATUS_S | MC_STATUS_AR));
}

int mc_report(struct vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	u32 count = vcpu->mc.cap & MCG_CAP_COUNT;
	u64 *bank;

	if (mce->bank >= count || !(mce->status & MC_STATUS_VAL))
		return -EINVAL;
	bank = vcpu->mc.bank[array_index_nospec(mce->bank, MC_BANKS)];
	if (is_signalled(mce)) {
		/* The guest has not enabled the report. */
		if (vcpu->mc.cap & MCG_CAP_CTL && vcpu->mc.ctl != ~0ull)
			return 0;
		if (bank[MC_CTL] == ~0ull)
			report_uncorrected(vcpu, bank, mce);
	} else if ((bank[MC_STATUS] & (MC_STATUS_VAL | MC_STATUS_UC)) ==
		   (MC_STATUS_VAL | MC_STATUS_UC)) {
		/* The bank keeps the worse error (SDM 3B 16.3.2.2.1). */
		bank[MC_STATUS] |= MC_STATUS_OVER;
	} else {
		fill_bank(bank, mce);
	}
	return 0;
}
