// SPDX-License-Identifier: GPL-2.0-only
/* Prints why a vCPU cannot go on, and its registers. */
#include "machine/vcpu_dump.h"

#include "base/diag.h"
#include "devices/debug_ports.h"
#include "machine/entry_failure.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

static const char *internal_error_name(uint32_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "an instruction that it cannot emulate";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "exceptions at the same time";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "an exit while an event was delivered";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "an exit reason that it does not know";
	default:
		return "unnamed";
	}
}

static void dump_internal_error(const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	const uint32_t max = sizeof(run->internal.data) / sizeof(run->internal.data[0]);

	diag_error("vCPU %u: internal error %u of the hypervisor: %s", vcpu->index,
		   run->internal.suberror, internal_error_name(run->internal.suberror));
	for (uint32_t i = 0; i < run->internal.ndata && i < max; i++)
		diag_note("  data[%u] 0x%016" PRIx64, i, (uint64_t)run->internal.data[i]);
}

static void dump_failed_entry(const struct vcpu *vcpu)
{
	struct oriel_entry_report report;

	diag_error("vCPU %u: failed entry, hardware reason %#" PRIx64
		   ": the CPU refused the guest's state",
		   vcpu->index, (uint64_t)vcpu->run->fail_entry.hardware_entry_failure_reason);
	if (!vcpu->explains_entries)
		return;
	if (ioctl(vcpu->fd, ORIEL_GET_ENTRY_REPORT, &report))
		diag_error("vCPU %u: ORIEL_GET_ENTRY_REPORT: %s", vcpu->index, strerror(errno));
	else
		entry_failure_print(vcpu->index, &report);
}

static void dump_reason(const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		diag_error("vCPU %u: triple fault: the guest crashed", vcpu->index);
		break;
	case KVM_EXIT_HLT:
		diag_error("vCPU %u: halted, and nothing can wake it", vcpu->index);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		dump_failed_entry(vcpu);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		dump_internal_error(vcpu);
		break;
	default:
		diag_error("vCPU %u: exit reason %u, which the launcher does not handle",
			   vcpu->index, run->exit_reason);
		break;
	}
}

static void dump_regs(const struct vcpu *vcpu)
{
	struct kvm_regs r;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &r)) {
		diag_error("vCPU %u: KVM_GET_REGS: %s", vcpu->index, strerror(errno));
		return;
	}
	diag_note("  rip %016llx rflags %016llx", r.rip, r.rflags);
	diag_note("  rax %016llx rbx %016llx rcx %016llx rdx %016llx", r.rax, r.rbx, r.rcx, r.rdx);
	diag_note("  rsi %016llx rdi %016llx rbp %016llx rsp %016llx", r.rsi, r.rdi, r.rbp, r.rsp);
	diag_note("  r8  %016llx r9  %016llx r10 %016llx r11 %016llx", r.r8, r.r9, r.r10, r.r11);
	diag_note("  r12 %016llx r13 %016llx r14 %016llx r15 %016llx", r.r12, r.r13, r.r14, r.r15);
}

static void dump_segment(const char *name, const struct kvm_segment *s)
{
	diag_note("  %-4s %04x base %016llx limit %08x type %x s %u dpl %u p %u l %u db %u g %u%s",
		  name, s->selector, s->base, s->limit, s->type, s->s, s->dpl, s->present, s->l,
		  s->db, s->g, s->unusable ? " unusable" : "");
}

static void dump_sregs(const struct vcpu *vcpu)
{
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &s)) {
		diag_error("vCPU %u: KVM_GET_SREGS: %s", vcpu->index, strerror(errno));
		return;
	}
	dump_segment("cs", &s.cs);
	dump_segment("ss", &s.ss);
	dump_segment("ds", &s.ds);
	dump_segment("es", &s.es);
	dump_segment("fs", &s.fs);
	dump_segment("gs", &s.gs);
	dump_segment("tr", &s.tr);
	dump_segment("ldtr", &s.ldt);
	diag_note("  gdtr base %016llx limit %04x  idtr base %016llx limit %04x", s.gdt.base,
		  s.gdt.limit, s.idt.base, s.idt.limit);
	diag_note("  cr0 %016llx cr2 %016llx cr3 %016llx cr4 %016llx", s.cr0, s.cr2, s.cr3, s.cr4);
	diag_note("  cr8 %llx efer %016llx apic_base %016llx", s.cr8, s.efer, s.apic_base);
}

static void dump_events(const struct vcpu *vcpu)
{
	struct kvm_vcpu_events e;

	if (ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e))
		return; /* some nodes do not have this ioctl */
	if (e.exception.injected || e.exception.pending)
		diag_note("  exception %u error code %#x", e.exception.nr, e.exception.error_code);
	if (e.interrupt.injected)
		diag_note("  interrupt %u", e.interrupt.nr);
	if (e.nmi.injected || e.nmi.pending)
		diag_note("  NMI");
}

void vcpu_dump_state(const struct vcpu *vcpu)
{
	unsigned int code = atomic_load(vcpu->devices.progress_code);

	dump_regs(vcpu);
	dump_sregs(vcpu);
	dump_events(vcpu);
	if (code != DEBUG_PORTS_NO_CODE)
		diag_note("  progress code %#04x (port 0x80)", code);
}

void vcpu_dump_exit(const struct vcpu *vcpu)
{
	dump_reason(vcpu);
	vcpu_dump_state(vcpu);
}
