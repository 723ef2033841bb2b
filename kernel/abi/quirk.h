/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM does unlike a processor, because old clients rely on it, until a client
 * has it done right (KVM_CAP_DISABLE_QUIRKS2).
 */
#ifndef ORIEL_QUIRK_H
#define ORIEL_QUIRK_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;
struct vm;

/* Those that can be turned off; the others of KVM's are not there to begin with. */
#define QUIRKS                                                                   \
	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_OUT_7E_INC_RIP |          \
	 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
	 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

/**
 * quirks_disable() - KVM_CAP_DISABLE_QUIRKS, KVM_CAP_DISABLE_QUIRKS2
 * @vm: the VM, its lock held
 * @off: KVM_X86_QUIRK_*: those that are off; all others are on
 */
void quirks_disable(struct vm *vm, u64 off);

#endif
