// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits for events (exceptions, windows, interrupts of the host, a shutdown), and exits that end
 * the guest, because the CPU refused the entry or because the exit has no handler.
 */
#include "guest/raise.h"
#include "host/compat.h"
#include "run/entry_report.h"
#include "run/exits.h"
#include "run/exit_debug.h"
#include "run/inject.h"

enum exit_fate exit_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code)
{
	const struct cpu_exception exception = {
		.vector = vector,
		.has_error_code = has_error_code,
		.error_code = error_code,
	};

	vcpu_raise(vcpu, &exception);
	return EXIT_RESUME;
}

enum exit_fate exit_absent(struct vcpu *vcpu)
{
	return exit_exception(vcpu, EXC_UD, false, 0);
}

/* A guest has no performance counter: every index is #GP (SDM 2B RDPMC, APM 3 RDPMC). */
enum exit_fate exit_rdpmc(struct vcpu *vcpu)
{
	return exit_exception(vcpu, EXC_GP, true, 0);
}

enum exit_fate exit_breakpoint(struct vcpu *vcpu)
{
	return guest_debug_exit(vcpu, EXC_BP, 0);
}

enum exit_fate exit_handled(struct vcpu *vcpu)
{
	return EXIT_RESUME;
}

enum exit_fate exit_host_irq(struct vcpu *vcpu)
{
	vcpu->stats.irq_exits++;
	return EXIT_RESUME;
}

enum exit_fate exit_window(struct vcpu *vcpu)
{
	vcpu_make_request(vcpu, REQ_EVENT);
	if (!vcpu_window_wanted(vcpu) || vcpu->irq_queued >= 0 || !vcpu_irq_allowed(vcpu))
		return EXIT_RESUME;
	vcpu->stats.request_irq_exits++;
	vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
	return EXIT_USER;
}

enum exit_fate exit_triple_fault(struct vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return EXIT_USER;
}

enum exit_fate exit_fail_entry(struct vcpu *vcpu, u64 reason)
{
	struct kvm_run *run = vcpu->run;

	entry_report_make(vcpu, reason);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = reason;
	run->fail_entry.cpu = vcpu->last_cpu;
	return EXIT_USER;
}

enum exit_fate vcpu_internal_error(struct vcpu *vcpu, u32 suberror)
{
	struct kvm_run *run = vcpu->run;
	u64 info[2];

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 4;
	run->internal.data[0] = vendor_call(exit_code)(vcpu, info);
	run->internal.data[1] = info[0];
	run->internal.data[2] = info[1];
	run->internal.data[3] = vcpu->last_cpu;
	return EXIT_USER;
}

enum exit_fate exit_unknown(struct vcpu *vcpu, u64 exit_code, const char *name)
{
	pr_warn_ratelimited("vCPU %u: no handler for exit %#llx (%s)\n", vcpu->id, exit_code,
			    name ?: "a reason of newer CPUs");
	return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
}
