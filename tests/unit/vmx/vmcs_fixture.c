// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMCS in memory, in states that every CPU accepts, and changes to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "x86/cr.h"
#include "vmcs_fixture.h"

#define MAX_NAMED 1024

/* Every pair of field and rule that a check has named. The strings are never freed. */
static struct {
	const char *field;
	const char *rule;
} named[MAX_NAMED];
static size_t named_count;

/*
 * The CPU: it has every control that vmcs.h names, and no other.
 */

static const struct vmx_caps rich_caps = {
	.basic = BIT_ULL(54) | VMX_BASIC_TRUE_CONTROLS | 0x1234,
	.misc = VMX_MISC_ACTIVITY_HLT | VMX_MISC_ACTIVITY_SHUTDOWN |
		VMX_MISC_ACTIVITY_WAIT_FOR_SIPI | 4 << VMX_MISC_CR3_TARGETS_SHIFT,
	.ept_vpid = VMX_EPT_WALK_LENGTH_4 | VMX_EPT_MEMTYPE_WB | VMX_EPT_ACCESSED_DIRTY,
	.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = BIT(13),
	.cr4_fixed1 = 0x00f73fff,
	.allowed = {
		[VMX_PIN] = { 0x16, 0xff },
		[VMX_PRIMARY] = { 0x04006172, 0xfff9fffe },
		[VMX_SECONDARY] = { 0, 0x7fffffff },
		[VMX_EXIT] = { 0x00036dfb, 0x01ffffff },
		[VMX_ENTRY] = { 0x000011fb, 0x0001ffff },
	},
	.maxphyaddr = 40,
};

static u64 read_field(void *context, enum vmcs_field field)
{
	const struct vmcs_fixture *fixture = context;

	if (fixture->absent[field])
		fail_msg("field %#x was read, which this CPU has not", field);
	return fixture->field[field];
}

/*
 * States.
 */

#define PAT_RESET 0x0007040600070406
#define HOST_CR4 (CR4_PAE | BIT(13))

static const struct change controls[] = {
	SET(pin_based_controls, 0x16 | PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING |
					PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER |
					PIN_POSTED_INTERRUPTS),
	SET(primary_controls, 0x04006172 | PRIMARY_HLT_EXITING | PRIMARY_TPR_SHADOW |
				      PRIMARY_NMI_WINDOW_EXITING | PRIMARY_IO_BITMAPS |
				      PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY_CONTROLS),
	SET(secondary_controls,
	    SECONDARY_EPT | SECONDARY_VPID | SECONDARY_UNRESTRICTED_GUEST |
		    SECONDARY_VIRTUALIZE_X2APIC | SECONDARY_APIC_REGISTER_VIRTUALIZATION |
		    SECONDARY_VIRTUAL_INTERRUPT_DELIVERY | SECONDARY_PML | SECONDARY_TSC_SCALING |
		    SECONDARY_MODE_BASED_EXECUTE | SECONDARY_SUB_PAGE_WRITE),
	SET(exit_controls, 0x00036dfb | EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_LOAD_PERF_GLOBAL_CTRL |
				   EXIT_ACKNOWLEDGE_INTERRUPT | EXIT_LOAD_PAT | EXIT_LOAD_EFER |
				   EXIT_SAVE_PREEMPTION_TIMER),
	SET(entry_controls, 0x000011fb | ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_LOAD_PERF_GLOBAL_CTRL |
				    ENTRY_LOAD_PAT | ENTRY_LOAD_EFER | ENTRY_LOAD_BNDCFGS),
	SET(cr3_target_count, 4),
	SET(io_bitmap_a, 0x1000),
	SET(io_bitmap_b, 0x2000),
	SET(msr_bitmap, 0xfffffff000),
	SET(virtual_apic_address, 0x3000),
	SET(posted_interrupt_notification_vector, 0xf2),
	SET(posted_interrupt_descriptor, 0x4040),
	SET(pml_address, 0x5000),
	SET(vpid, 1),
	SET(ept_pointer,
	    0x7000 | EPTP_ACCESSED_DIRTY | 3 << EPTP_WALK_LENGTH_SHIFT | EPTP_MEMTYPE_WB),
	SET(tsc_multiplier, BIT_ULL(48)),
	SET(exit_msr_store_count, 2),
	SET(exit_msr_store_address, 0x6010),
	SET(exit_msr_load_count, 1),
	SET(exit_msr_load_address, 0xfffffffff0),
	SET(entry_msr_load_count, 256),
	SET(entry_msr_load_address, 0xfffffff000),
	{ 0 },
};

static const struct change host[] = {
	SET(host_cr0, 0x80050033),
	SET(host_cr3, 0x123000),
	SET(host_cr4, HOST_CR4 | CR4_PCIDE),
	SET(host_ia32_sysenter_esp, 0xfffffe0000003000),
	SET(host_ia32_sysenter_eip, 0xffffffff81e01000),
	SET(host_ia32_perf_global_ctrl, 0x70000000f),
	SET(host_ia32_pat, PAT_RESET),
	SET(host_ia32_efer, CR_EFER_SCE | CR_EFER_LME | CR_EFER_LMA | CR_EFER_NX),
	SET(host_cs_selector, 0x10),
	SET(host_ss_selector, 0x18),
	SET(host_tr_selector, 0x40),
	SET(host_fs_base, 0x00007fffffffffff),
	SET(host_gs_base, 0xffff888000000000),
	SET(host_tr_base, 0xfffffe0000003000),
	SET(host_gdtr_base, 0xfffffe0000001000),
	SET(host_idtr_base, 0xfffffe0000000000),
	SET(host_rip, 0xffffffff81000000),
	{ 0 },
};

static const struct change guest[] = {
	SET(guest_cr0, CR0_PE | CR0_NE | CR0_ET),
	SET(guest_cr4, BIT(13)),
	SET(guest_dr7, 0x400),
	SET(guest_ia32_pat, PAT_RESET),
	SET(guest_ia32_perf_global_ctrl, 1),
	SET(guest_ia32_bndcfgs, 0x00007ffffffff003),
	SET(guest_rflags, 2),
	SET(guest_rip, 0xfff0),
	SET(guest_gdtr_limit, 0xffff),
	SET(guest_idtr_limit, 0xffff),
	SET(guest_cr3, 0x2000),
	SET(vmcs_link_pointer, ~0ull),
	{ 0 },
};

static const struct change real_mode[] = {
	OFF(guest_cr0, CR0_PE),
	{ 0 },
};

static const struct change pae[] = {
	ON(guest_cr0, CR0_PG),	   ON(guest_cr4, CR4_PAE),	    SET(guest_pdpte0, 0x3001),
	SET(guest_pdpte1, 0x4019), SET(guest_pdpte3, 0xfffffff000), { 0 },
};

static const struct change long_mode[] = {
	ON(entry_controls, ENTRY_IA32E_MODE_GUEST),
	ON(guest_cr0, CR0_PG | CR0_WP),
	ON(guest_cr4, CR4_PAE | CR4_PCIDE),
	SET(guest_ia32_efer, CR_EFER_LME | CR_EFER_LMA | CR_EFER_SCE | CR_EFER_NX),
	SET(guest_cr3, 0xfffffff000),
	SET(guest_rip, 0xffffffff81000000),
	/* The CPU ignores PDPTEs in this mode. */
	SET(guest_pdpte0, ~0ull),
	{ 0 },
};

static const struct change restricted[] = {
	OFF(secondary_controls, SECONDARY_UNRESTRICTED_GUEST),
	ON(guest_cr0, CR0_PG),
	{ 0 },
};

static const struct change v86[] = {
	ON(guest_cr0, CR0_PG),
	ON(guest_rflags, BIT(17)),
	{ 0 },
};

static void change_all(struct vmcs_fixture *fixture, const struct change *change)
{
	for (; change->op != NONE; change++)
		vmcs_change(fixture, change);
}

static void set_segment(struct vmcs_fixture *fixture, enum cpu_seg seg, u16 selector, u32 limit,
			u32 rights)
{
	fixture->field[VMCS_SEG(vmcs_guest_es_selector, seg)] = selector;
	fixture->field[VMCS_SEG(vmcs_guest_es_base, seg)] = 0;
	fixture->field[VMCS_SEG(vmcs_guest_es_limit, seg)] = limit;
	fixture->field[VMCS_SEG(vmcs_guest_es_access_rights, seg)] = rights;
}

/* 16-bit segments, as after INIT. */
static void set_real_segments(struct vmcs_fixture *fixture)
{
	int seg;

	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		set_segment(fixture, seg, 0, 0xffff, 0x93);
	set_segment(fixture, SEG_CS, 0xf000, 0xffff, 0x9b);
	fixture->field[vmcs_guest_cs_base] = 0xffff0000;
}

static void set_flat_segments(struct vmcs_fixture *fixture, u32 code)
{
	int seg;

	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		set_segment(fixture, seg, 0x10, 0xffffffff, 0xc093);
	set_segment(fixture, SEG_CS, 0x08, 0xffffffff, code);
}

static void set_v86_segments(struct vmcs_fixture *fixture)
{
	int seg;

	for (seg = SEG_ES; seg <= SEG_GS; seg++) {
		set_segment(fixture, seg, 0x1003, 0xffff, 0xf3);
		fixture->field[VMCS_SEG(vmcs_guest_es_base, seg)] = 0x10030;
	}
}

static void enter_state(struct vmcs_fixture *fixture, enum guest_state state)
{
	set_segment(fixture, SEG_LDTR, 0, 0xffff, 0x82);
	set_segment(fixture, SEG_TR, 0x20, 0x67, 0x8b);
	set_flat_segments(fixture, 0xc09b);
	switch (state) {
	case REAL:
		change_all(fixture, real_mode);
		set_real_segments(fixture);
		break;
	case PAE:
		change_all(fixture, pae);
		break;
	case V86:
		change_all(fixture, v86);
		set_v86_segments(fixture);
		break;
	case LONG:
		change_all(fixture, long_mode);
		set_flat_segments(fixture, 0xa09b);
		break;
	case COMPATIBILITY:
		change_all(fixture, long_mode);
		set_flat_segments(fixture, 0x809b);
		fixture->field[vmcs_guest_rip] = 0xfff0;
		break;
	case RESTRICTED:
		change_all(fixture, restricted);
		break;
	default:
		break;
	}
}

void vmcs_fixture_init(struct vmcs_fixture *fixture, enum guest_state state)
{
	memset(fixture, 0, sizeof(*fixture));
	fixture->caps = rich_caps;
	fixture->source = (struct vmx_check){
		.caps = &fixture->caps,
		.read = read_field,
		.context = fixture,
		.perf_global_ctrl = 0x70000000f,
		.linear_width = 48,
		.host_ia32e = true,
		.rtm = true,
		.sgx = true,
	};
	change_all(fixture, controls);
	change_all(fixture, host);
	change_all(fixture, guest);
	enter_state(fixture, state);
}

void vmcs_change(struct vmcs_fixture *fixture, const struct change *change)
{
	u64 *field = &fixture->field[change->field];

	switch (change->op) {
	case SET_TO:
		*field = change->value;
		break;
	case BITS_ON:
		*field |= change->value;
		break;
	case BITS_OFF:
		*field &= ~change->value;
		break;
	default:
		break;
	}
}

/*
 * Checking.
 */

bool vmcs_was_named(const char *field, const char *rule)
{
	size_t i;

	for (i = 0; i < named_count; i++)
		if (!strcmp(named[i].field, field) && !strcmp(named[i].rule, rule))
			return true;
	return false;
}

void vmcs_check(struct vmcs_fixture *fixture)
{
	const struct entry_report *report = &fixture->report;
	u32 i;

	memset(&fixture->report, 0, sizeof(fixture->report));
	vmx_check_entry(&fixture->source, &fixture->report);
	for (i = 0; i < entry_report_kept(report); i++) {
		const struct entry_violation *v = &report->violations[i];

		if (vmcs_was_named(v->field, v->rule))
			continue;
		assert_true(named_count < MAX_NAMED);
		named[named_count].field = v->field;
		named[named_count++].rule = v->rule;
	}
}

static void print_report(const struct entry_report *report)
{
	u32 i;

	for (i = 0; i < entry_report_kept(report); i++) {
		const struct entry_violation *v = &report->violations[i];

		print_message("# %s %#llx: %s (%s)\n", v->field, v->value, v->rule, v->section);
	}
}

static bool is_expected(const struct entry_violation *v, const struct expectation *expected)
{
	return !strcmp(v->field, expected->field) && !strncmp(v->section, "SDM 3C ", 7) &&
	       !strcmp(v->section + 7, expected->section) && strstr(v->rule, expected->rule);
}

static bool is_named(const struct entry_report *report, const struct expectation *expected)
{
	u32 i;

	for (i = 0; i < entry_report_kept(report); i++)
		if (is_expected(&report->violations[i], expected))
			return true;
	return false;
}

void vmcs_expect(const struct vmcs_fixture *fixture, const struct expectation *expected)
{
	const struct entry_report *report = &fixture->report;
	u32 count = 0;

	for (; expected[count].field; count++) {
		if (is_named(report, &expected[count]))
			continue;
		print_report(report);
		fail_msg("not named: %s: %s (%s)", expected[count].field, expected[count].rule,
			 expected[count].section);
	}
	if (report->count == count)
		return;
	print_report(report);
	fail_msg("%u rules named, expected %u, the first about %s", report->count, count,
		 count ? expected[0].field : "nothing");
}
