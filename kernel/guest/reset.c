// SPDX-License-Identifier: GPL-2.0-only
/*
 * A processor's reset, and the INIT and SIPI that other processors send it.
 */
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/cpuid_table.h"
#include "guest/machine_check.h"
#include "guest/msr.h"
#include "guest/raise.h"
#include "guest/reset.h"
#include "irq/lapic.h"
#include "x86/cr.h"

/* SDM 3A 10.1.1 and table 10-1, APM 2 14.1.3 */
static void reset_state(struct cpu_state *state, bool init, u32 signature)
{
	struct cpu_segment data = { .attrib = 0x93, .limit = 0xffff };
	u64 cr0 = state->cr0;
	int i;

	memset(state, 0, sizeof(*state));
	for (i = 0; i < SEG_COUNT; i++)
		state->seg[i] = data;
	state->seg[SEG_CS] = (struct cpu_segment){
		.selector = 0xf000, .base = 0xffff0000, .limit = 0xffff, .attrib = 0x9b
	};
	state->seg[SEG_LDTR].attrib = 0x82;
	state->seg[SEG_TR].attrib = 0x8b;
	state->gdtr.limit = 0xffff;
	state->idtr.limit = 0xffff;
	/* INIT leaves CD and NW as they are. */
	state->cr0 = CR0_ET | (init ? cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW);
	state->rip = 0xfff0;
	state->rflags = BIT(1);
	state->gpr[GPR_RDX] = signature;
	state->dr6 = DR6_RESET;
	state->dr7 = DR7_RESET;
}

/*
 * After an INIT another kernel may run. It has not yet given memory for kvmclock, steal time and PV
 * EOI, and nothing may be written to the memory that the old kernel gave. KVM clears these MSRs at
 * an INIT, too.
 */
static void reset_pv(struct vcpu *vcpu)
{
	vcpu->clock.system_time_msr = 0;
	vcpu->steal_time.msr = 0;
	vcpu->pv_eoi = (struct vcpu_pv_eoi){};
}

void vcpu_reset(struct vcpu *vcpu, bool init)
{
	struct cpuid_query regs = { .eax = 1 };

	if (init)
		vcpu_need(vcpu, STATE_CR);
	if (vcpu->cpuid.count)
		cpuid_execute(&vcpu->cpuid, &regs);
	else
		regs.eax = 0x600;
	reset_state(&vcpu->state, init, regs.eax);
	vendor_call(vcpu_reset)(vcpu, init);
	vcpu_touch(vcpu, STATE_ALL);
	vcpu->cr8 = 0;
	vcpu->breakpoints_live = false;
	access_reset(&vcpu->access);
	reset_pv(vcpu);
	vcpu_clear_events(vcpu);
	if (!init) {
		msr_reset(vcpu);
		mc_reset(vcpu);
	}
	cpuid_refresh_vcpu(vcpu);
	vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	vcpu_make_request(vcpu, REQ_MSR_FILTER);
}

static void post_nmis(struct vcpu *vcpu, u32 events)
{
	if (events & LAPIC_EVENT_NMI)
		vcpu_post_nmi(vcpu);
	if (events & LAPIC_EVENT_NMI2)
		vcpu_post_nmi(vcpu);
}

/* INIT, SIPI and NMIs (SDM 3A 9.4.2, 11.4.7). Out of line, because interrupts alone are common. */
static noinline void serve_events(struct vcpu *vcpu, u32 events)
{
	if (events & LAPIC_EVENT_INIT) {
		vcpu_reset(vcpu, true);
		lapic_reset(vcpu->lapic, true);
		vcpu->mp_state = vcpu->id == vcpu->vm->bsp_id ? KVM_MP_STATE_RUNNABLE :
								KVM_MP_STATE_INIT_RECEIVED;
	}
	if (events & LAPIC_EVENT_SIPI && vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		u8 page = vcpu->lapic->sipi_vector;

		vcpu_need(vcpu, STATE_ALL);
		vcpu->state.seg[SEG_CS].selector = page << 8;
		vcpu->state.seg[SEG_CS].base = page << 12;
		vcpu->state.rip = 0;
		vcpu_touch(vcpu, STATE_SEGS | STATE_RIP);
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	}
	post_nmis(vcpu, events);
}

void vcpu_take_lapic_events(struct vcpu *vcpu)
{
	u32 events;

	if (!lapic_has_work(vcpu->lapic))
		return;
	events = lapic_take_events(vcpu->lapic);
	if (unlikely(events))
		serve_events(vcpu, events);
}

void vcpu_take_nmis(struct vcpu *vcpu)
{
	if (vcpu->lapic)
		post_nmis(vcpu, lapic_take_nmis(vcpu->lapic));
}
