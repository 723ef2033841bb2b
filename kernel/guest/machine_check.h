/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's machine-check architecture: its banks, and the machine checks that userspace reports
 * to it (SDM 3B 16.3). The vCPU's mutex is held.
 */
#ifndef ORIEL_MACHINE_CHECK_H
#define ORIEL_MACHINE_CHECK_H

#include <linux/types.h>

struct kvm_x86_mce;
struct vcpu;

/** mc_reset() - set the MSRs to their values after power-on, with all banks */
void mc_reset(struct vcpu *vcpu);

/* Rows of guest/msr_table.c. */
int mc_read_bank(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int mc_write_bank(struct vcpu *vcpu, u32 index, bool host, u64 data);
int mc_read_cap(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int mc_read_ctl(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int mc_write_ctl(struct vcpu *vcpu, u32 index, bool host, u64 data);

/** mc_supported() - KVM_X86_GET_MCE_CAP_SUPPORTED: bits that IA32_MCG_CAP may have */
u64 mc_supported(void);
/** mc_setup() - KVM_X86_SETUP_MCE; -EINVAL for a number of banks or a bit that cannot be had */
int mc_setup(struct vcpu *vcpu, const u64 *mcg_cap);
/**
 * mc_report() - KVM_X86_SET_MCE: an error was found. An uncorrected error raises #MC, or shuts the
 * guest down if it cannot take #MC. Any other error only stays in the bank. With its controls the
 * guest can turn a report off. -EINVAL for a bank that is not there or a status that is not valid.
 */
int mc_report(struct vcpu *vcpu, const struct kvm_x86_mce *mce);

#endif
