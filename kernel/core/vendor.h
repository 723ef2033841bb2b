/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between neutral code and the code of one CPU vendor. The vendor's code owns the
 * control structure (VMCS or VMCB), neutral code owns everything else.
 */
#ifndef ORIEL_VENDOR_H
#define ORIEL_VENDOR_H

#include <linux/static_call.h>
#include <linux/types.h>

#include "host/claim.h"
#include "x86/cpu_state.h"

struct entry_report;
struct sl_format;
struct vcpu;

/* Reasons why the guest takes no event before its next instruction. */
#define SHADOW_STI BIT(0) /* KVM_X86_SHADOW_INT_STI */
#define SHADOW_MOV_SS BIT(1) /* KVM_X86_SHADOW_INT_MOV_SS */

/* Windows: request_window() lets the guest exit as soon as one of these holds. */
#define WINDOW_IRQ BIT(0) /* the guest can take an external interrupt */
#define WINDOW_NMI BIT(1) /* the guest can take an NMI */
#define WINDOW_TPR BIT(2) /* the guest has lowered the TPR: an interrupt may pass now */

/* The next step of KVM_RUN's loop after a VM exit. */
enum exit_fate {
	EXIT_RESUME, /* enter the guest again */
	EXIT_USER, /* KVM_RUN returns 0; kvm_run is filled in */
	EXIT_ERROR, /* KVM_RUN fails with vcpu->error */
};

/* A vendor's data, and a function pointer for each row of vendor_ops.h. */
struct vendor_ops {
	struct claim_owner owner; /* how the vendor's extension is turned on and off */
	size_t vcpu_size; /* bytes of the vendor's vCPU, which starts with struct vcpu */
	const bool *deadline_timer; /* enter() ends at lapic_held_deadline(); valid after setup() */
	bool walks_pdptes; /* the CPU reads the PDPTEs of PAE paging from memory when it walks */
	u64 host_irq_exit; /* the exit_code() of an exit for an interrupt of the host */
	const struct sl_format *format; /* the layout of second-level page-table entries */

#define VENDOR_OP(type, name, ...) type (*name)(__VA_ARGS__);
#include "core/vendor_ops.h"
#undef VENDOR_OP
};

/*
 * The vendor in use. vendor_call(op)(arguments) calls its operations as static calls, so that the
 * exit path has no retpoline.
 */
extern const struct vendor_ops *vendor;

#define VENDOR_OP(type, name, ...) DECLARE_STATIC_CALL(vendor_##name, *vendor->name);
#include "core/vendor_ops.h"
#undef VENDOR_OP

#define vendor_call(op) static_call(vendor_##op)

/** vendor_install() - set the vendor; called once, at load, before any vendor_call() */
void vendor_install(const struct vendor_ops *ops);

#endif
