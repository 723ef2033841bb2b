/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between the neutral side and the code of one CPU vendor.
 *
 * A vendor's code keeps the control structure (VMCS or VMCB), the neutral side keeps everything
 * else. The architectural registers travel as groups of struct cpu_state: fetch() fills groups in
 * from the hardware, commit() writes them back.
 */
#ifndef ORIEL_VENDOR_H
#define ORIEL_VENDOR_H

#include <linux/static_call.h>
#include <linux/types.h>

#include "x86/cpu_state.h"

struct entry_report;
struct sl_format;
struct vcpu;

/* Reasons why no event is taken at the next instruction boundary. */
#define SHADOW_STI BIT(0) /* KVM_X86_SHADOW_INT_STI */
#define SHADOW_MOV_SS BIT(1) /* KVM_X86_SHADOW_INT_MOV_SS */

/* Windows that request_window() asks for. */
#define WINDOW_IRQ BIT(0) /* an external interrupt can be taken */
#define WINDOW_NMI BIT(1) /* an NMI can be taken */
#define WINDOW_TPR BIT(2) /* CR8 was written: a masked interrupt may pass now */

/**
 * enum exit_fate - the next step of KVM_RUN's loop after a VM exit
 * @EXIT_RESUME: the exit is handled: enter the guest again
 * @EXIT_USER: kvm_run is filled in: KVM_RUN returns 0
 * @EXIT_ERROR: KVM_RUN fails with vcpu->error
 */
enum exit_fate {
	EXIT_RESUME,
	EXIT_USER,
	EXIT_ERROR,
};

/**
 * struct vendor_ops - a vendor: the members below, and a function pointer for each row of
 *	vendor_ops.h
 */
struct vendor_ops {
	/** @name: "VT-x" or "AMD-V", for messages */
	const char *name;
	/** @kvm_module: the in-tree KVM's module for this vendor, for messages */
	const char *kvm_module;
	/** @vcpu_size: bytes of the vendor's vCPU, which starts with struct vcpu */
	size_t vcpu_size;
	/** @deadline_timer: enter() exits at lapic_held_deadline(); valid after setup() */
	const bool *deadline_timer;
	/** @walks_pdptes: the CPU reads the PDPTEs of PAE paging from memory when it walks */
	bool walks_pdptes;
	/** @host_irq_exit: the exit_code() of an exit for an interrupt of the host */
	u64 host_irq_exit;
	/** @format: the layout of second-level page-table entries */
	const struct sl_format *format;

#define VENDOR_OP(type, name, ...) type (*name)(__VA_ARGS__);
#include "core/vendor_ops.h"
#undef VENDOR_OP
};

/*
 * The vendor in use. Its operations are static calls, so that no retpoline sits on the exit
 * path: vendor_call(op)(arguments).
 */
extern const struct vendor_ops *vendor;

#define VENDOR_OP(type, name, ...) DECLARE_STATIC_CALL(vendor_##name, *vendor->name);
#include "core/vendor_ops.h"
#undef VENDOR_OP

#define vendor_call(op) static_call(vendor_##op)

/** vendor_install() - choose the vendor; once, at load, before any vendor_call() */
void vendor_install(const struct vendor_ops *ops);

#endif
