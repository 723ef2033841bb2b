// SPDX-License-Identifier: GPL-2.0-only
/*
 * Help for guests that access TPR often: a word in guest memory that stands for TPR, and reports of
 * accesses to userspace.
 *
 * The word has TPR in its lowest byte, the class of the interrupt in service in the next byte, and
 * the highest pending vector in its uppermost byte. A guest that is patched to use the word exits
 * only when it lowers TPR so far that a pending interrupt can be delivered.
 */
#include <linux/errno.h>
#include <linux/kvm.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/vapic.h"
#include "irq/lapic.h"

#define VAPIC_SIZE sizeof(u32)

int vapic_set_addr(struct vcpu *vcpu, const struct kvm_vapic_addr *addr)
{
	u64 gpa = addr->vapic_addr;
	struct vm *vm = vcpu->vm;

	if (!vcpu->lapic)
		return -EINVAL;
	if (gpa &&
	    (memory_hva(&vm->memory, gpa >> GFN_SHIFT, NULL) == MEMSLOT_NO_HVA ||
	     memory_hva(&vm->memory, (gpa + VAPIC_SIZE - 1) >> GFN_SHIFT, NULL) == MEMSLOT_NO_HVA))
		return -EINVAL;
	vcpu->vapic.gpa = gpa;
	/* Serving the request stores the word before the guest runs again. */
	vcpu_make_request(vcpu, REQ_EVENT);
	return 0;
}

int vapic_set_reporting(struct vcpu *vcpu, const struct kvm_tpr_access_ctl *control)
{
	if (control->flags)
		return -EINVAL;
	vcpu->vapic.report = control->enabled;
	return 0;
}

void vapic_load(struct vcpu *vcpu)
{
	struct vcpu_vapic *vapic = &vcpu->vapic;
	u32 word;

	if (memory_read(&vcpu->vm->memory, vapic->gpa, &word, sizeof(word)))
		return;
	/* Do not copy an unchanged word: TPR may be newer, if the guest has written CR8. */
	if ((u8)word != vapic->tpr)
		lapic_set_tpr(vcpu->lapic, word);
	if (lapic_get_tpr(vcpu->lapic) != vapic->tpr)
		vcpu_make_request(vcpu, REQ_EVENT);
	vapic->tpr = word;
}

void vapic_store(struct vcpu *vcpu)
{
	struct vcpu_vapic *vapic = &vcpu->vapic;
	u32 word = lapic_vapic_word(vcpu->lapic);

	if (!memory_write(&vcpu->vm->memory, vapic->gpa, &word, sizeof(word)))
		vapic->tpr = word;
}

void vapic_note_access(struct vcpu *vcpu, u64 gpa, bool write)
{
	if (!vcpu->lapic || !lapic_is_tpr(vcpu->lapic, gpa))
		return;
	vcpu->vapic.report_rip = vcpu->state.rip;
	vcpu->vapic.report_write = write;
	vcpu_make_request(vcpu, REQ_TPR_ACCESS);
}

enum exit_fate vapic_exit_report(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_TPR_ACCESS;
	run->tpr_access.rip = vcpu->vapic.report_rip;
	run->tpr_access.is_write = vcpu->vapic.report_write;
	return EXIT_USER;
}
