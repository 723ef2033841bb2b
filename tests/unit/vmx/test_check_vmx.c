// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the software copy of VM entry's checks (kernel/vmx/check*.c), without those of segment
 * registers: states that the CPU accepts break no rule, and for each rule a change of one field
 * makes the check name this rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "x86/cr.h"
#include "vmcs_fixture.h"

#define MAX_PREPARED 4
#define MAX_EXPECTED 3

/*
 * The CPU accepts @state with the changes of @prepare. With @corrupt it refuses it, because of
 * @expect.
 */
struct corruption {
	enum guest_state state;
	struct change prepare[MAX_PREPARED + 1];
	struct change corrupt;
	struct expectation expect[MAX_EXPECTED + 1];
};

#define NOT_CANONICAL 0x0000800000000000
#define BEYOND_WIDTH BIT_ULL(40)
#define VALID_EVENT(type, vector) (EVENT_WORD_VALID | (type) | (vector))

static struct vmcs_fixture fixture;

static void run(const struct corruption *corruption)
{
	static const struct expectation nothing[1];
	const struct change *change;

	vmcs_fixture_init(&fixture, corruption->state);
	for (change = corruption->prepare; change->op != NONE; change++)
		vmcs_change(&fixture, change);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
	vmcs_change(&fixture, &corruption->corrupt);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, corruption->expect);
}

/* The last element of the list expects nothing. */
static void run_all(const struct corruption *corruptions)
{
	for (; corruptions->expect[0].field; corruptions++)
		run(corruptions);
}

/* Give a field a value in 64-bit mode. */
static void run_value(enum vmcs_field field, u64 value, const struct expectation *expect)
{
	struct corruption corruption = {
		.state = LONG,
		.corrupt = { SET_TO, field, value },
		.expect = { *expect },
	};

	run(&corruption);
}

static void test_clean(void **state __maybe_unused)
{
	static const struct expectation nothing[1];
	int i;

	for (i = 0; i < GUEST_STATES; i++) {
		vmcs_fixture_init(&fixture, i);
		vmcs_check(&fixture);
		vmcs_expect(&fixture, nothing);
	}
}

/*
 * Controls.
 */

/* One corruption of one field in 64-bit mode. */
#define ONE(change, name, section, rule)                                                \
	{                                                                               \
		.state = LONG, .corrupt = change, .expect = { { name, section, rule } } \
	}

static void test_execution_controls(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		ONE(ON(pin_based_controls, BIT(8)), "pin_based_controls", "27.2.1.1", "must allow"),
		ONE(OFF(pin_based_controls, BIT(1)), "pin_based_controls", "27.2.1.1",
		    "must allow"),
		ONE(ON(primary_controls, BIT(0)), "primary_controls", "27.2.1.1", "must allow"),
		ONE(OFF(primary_controls, BIT(1)), "primary_controls", "27.2.1.1", "must allow"),
		ONE(ON(secondary_controls, BIT(31)), "secondary_controls", "27.2.1.1",
		    "must allow"),
		ONE(SET(cr3_target_count, 5), "cr3_target_count", "27.2.1.1", "count"),
		ONE(ON(posted_interrupt_notification_vector, 0x100),
		    "posted_interrupt_notification_vector", "27.2.1.1", "15:8"),
		ONE(ON(posted_interrupt_descriptor, 0x20), "posted_interrupt_descriptor",
		    "27.2.1.1", "bits 5:0"),
		ONE(ON(posted_interrupt_descriptor, BEYOND_WIDTH), "posted_interrupt_descriptor",
		    "27.2.1.1", "width"),
		ONE(SET(vpid, 0), "vpid", "27.2.1.1", "VPID"),
		ONE(SET(tsc_multiplier, 0), "tsc_multiplier", "27.2.1.1", "multiplier"),
		{ 0 },
	};

	run_all(corruptions);
}

/* Addresses of pages; apic_access_address is tested with the rules of its control. */
static void test_pages(void **state __maybe_unused)
{
	static const struct {
		enum vmcs_field field;
		const char *name;
	} pages[] = {
		{ vmcs_io_bitmap_a, "io_bitmap_a" },
		{ vmcs_io_bitmap_b, "io_bitmap_b" },
		{ vmcs_msr_bitmap, "msr_bitmap" },
		{ vmcs_virtual_apic_address, "virtual_apic_address" },
		{ vmcs_pml_address, "pml_address" },
	};
	struct expectation expect = { .section = "27.2.1.1" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		expect.field = pages[i].name;
		expect.rule = "bits 11:0";
		run_value(pages[i].field, 0x800, &expect);
		expect.rule = "width";
		run_value(pages[i].field, BEYOND_WIDTH, &expect);
	}
}

static void test_ept_pointer(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		ONE(OFF(ept_pointer, 7), "ept_pointer", "27.2.1.1", "memory type"),
		ONE(ON(ept_pointer, 1), "ept_pointer", "27.2.1.1", "memory type"),
		ONE(OFF(ept_pointer, 0x38), "ept_pointer", "27.2.1.1", "page-walk length"),
		ONE(ON(ept_pointer, 0x20), "ept_pointer", "27.2.1.1", "page-walk length"),
		ONE(ON(ept_pointer, BIT(7)), "ept_pointer", "27.2.1.1", "reserved"),
		ONE(ON(ept_pointer, BIT(11)), "ept_pointer", "27.2.1.1", "reserved"),
		ONE(ON(ept_pointer, BEYOND_WIDTH), "ept_pointer", "27.2.1.1", "width"),
		{ 0 },
	};
	static const struct expectation ad[] = {
		{ "ept_pointer", "27.2.1.1", "accessed and dirty" },
		{ 0 },
	};
	static const struct expectation nothing[1];

	run_all(corruptions);
	vmcs_fixture_init(&fixture, LONG);
	fixture.caps.ept_vpid &= ~VMX_EPT_ACCESSED_DIRTY;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, ad);

	/* Five levels and uncached tables, on a CPU that has them. */
	fixture.caps.ept_vpid |= VMX_EPT_WALK_LENGTH_5 | VMX_EPT_MEMTYPE_UC;
	fixture.field[vmcs_ept_pointer] = 0x7000 | 4 << EPTP_WALK_LENGTH_SHIFT;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
}

/* Controls that need others. */
static void test_dependencies(void **state __maybe_unused)
{
	/* Without the rules that virtual-interrupt delivery and posted interrupts add. */
#define NO_POSTED OFF(pin_based_controls, PIN_POSTED_INTERRUPTS)
#define NO_DELIVERY OFF(secondary_controls, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)
	static const struct corruption corruptions[] = {
		{ LONG,
		  {},
		  OFF(primary_controls, PRIMARY_TPR_SHADOW),
		  { { "secondary_controls", "27.2.1.1", "\"virtualize x2APIC mode\" needs" },
		    { "secondary_controls", "27.2.1.1", "\"APIC-register virtualization\"" },
		    { "secondary_controls", "27.2.1.1", "delivery\" needs \"use TPR shadow" } } },
		{ LONG,
		  { OFF(primary_controls, PRIMARY_NMI_WINDOW_EXITING) },
		  OFF(pin_based_controls, PIN_NMI_EXITING),
		  { { "pin_based_controls", "27.2.1.1", "needs \"NMI exiting\"" } } },
		ONE(OFF(pin_based_controls, PIN_VIRTUAL_NMIS), "primary_controls", "27.2.1.1",
		    "\"NMI-window exiting\" needs"),
		ONE(ON(secondary_controls, SECONDARY_VIRTUALIZE_APIC_ACCESSES),
		    "secondary_controls", "27.2.1.1", "\"virtualize APIC accesses\" must be 0"),
		ONE(OFF(pin_based_controls, PIN_EXTERNAL_INTERRUPT_EXITING), "secondary_controls",
		    "27.2.1.1", "needs \"external-interrupt exiting\""),
		ONE(NO_DELIVERY, "pin_based_controls", "27.2.1.1",
		    "needs \"virtual-interrupt delivery\""),
		ONE(OFF(exit_controls, EXIT_ACKNOWLEDGE_INTERRUPT), "pin_based_controls",
		    "27.2.1.1", "needs \"acknowledge interrupt on exit\""),
		{ RESTRICTED,
		  { OFF(secondary_controls,
			SECONDARY_MODE_BASED_EXECUTE | SECONDARY_SUB_PAGE_WRITE) },
		  OFF(secondary_controls, SECONDARY_EPT),
		  { { "secondary_controls", "27.2.1.1", "\"enable PML\"" } } },
		{ LONG,
		  { OFF(secondary_controls,
			SECONDARY_PML | SECONDARY_MODE_BASED_EXECUTE | SECONDARY_SUB_PAGE_WRITE) },
		  OFF(secondary_controls, SECONDARY_EPT),
		  { { "secondary_controls", "27.2.1.1", "\"unrestricted guest\"" } } },
		{ RESTRICTED,
		  { OFF(secondary_controls, SECONDARY_PML) },
		  OFF(secondary_controls, SECONDARY_EPT),
		  { { "secondary_controls", "27.2.1.1", "\"mode-based execute control" },
		    { "secondary_controls", "27.2.1.1", "\"sub-page write permissions" } } },
		{ LONG,
		  { OFF(secondary_controls, SECONDARY_VIRTUALIZE_X2APIC),
		    ON(secondary_controls, SECONDARY_VIRTUALIZE_APIC_ACCESSES),
		    SET(apic_access_address, 0xfee00000) },
		  ON(apic_access_address, 0x80),
		  { { "apic_access_address", "27.2.1.1", "bits 11:0" } } },
		{ LONG,
		  { OFF(secondary_controls, SECONDARY_VIRTUALIZE_X2APIC),
		    ON(secondary_controls, SECONDARY_VIRTUALIZE_APIC_ACCESSES) },
		  ON(apic_access_address, BEYOND_WIDTH),
		  { { "apic_access_address", "27.2.1.1", "width" } } },
		/* VTPR is 0 here. */
		{ LONG,
		  { NO_POSTED, NO_DELIVERY },
		  ON(tpr_threshold, 1),
		  { { "tpr_threshold", "27.2.1.1", "VTPR" } } },
		{ LONG,
		  { NO_POSTED, NO_DELIVERY },
		  ON(tpr_threshold, 0x10),
		  { { "tpr_threshold", "27.2.1.1", "bits 31:4" } } },
		{ 0 },
	};

	run_all(corruptions);
}

static void test_vtpr(void **state __maybe_unused)
{
	static const struct expectation nothing[1];
	static const struct change no_delivery[] = { NO_POSTED, NO_DELIVERY };

	vmcs_fixture_init(&fixture, LONG);
	vmcs_change(&fixture, &no_delivery[0]);
	vmcs_change(&fixture, &no_delivery[1]);
	fixture.field[vmcs_tpr_threshold] = 7;
	fixture.source.vtpr = 0x7f;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
}

static void test_msr_areas(void **state __maybe_unused)
{
	static const struct {
		enum vmcs_field address;
		enum vmcs_field count;
		struct expectation expect;
	} areas[] = {
		{ vmcs_exit_msr_store_address,
		  vmcs_exit_msr_store_count,
		  { "exit_msr_store_address", "27.2.1.2", NULL } },
		{ vmcs_exit_msr_load_address,
		  vmcs_exit_msr_load_count,
		  { "exit_msr_load_address", "27.2.1.2", NULL } },
		{ vmcs_entry_msr_load_address,
		  vmcs_entry_msr_load_count,
		  { "entry_msr_load_address", "27.2.1.3", NULL } },
	};
	struct corruption corruption;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		corruption = (struct corruption){
			.state = LONG,
			.prepare = { { SET_TO, areas[i].address, 0xfffffffff0 },
				     { SET_TO, areas[i].count, 1 } },
			.corrupt = { SET_TO, areas[i].count, 2 },
			.expect = { areas[i].expect },
		};
		corruption.expect[0].rule = "last byte";
		run(&corruption);
		corruption.corrupt = (struct change){ SET_TO, areas[i].address, 0x6008 };
		corruption.expect[0].rule = "bits 3:0";
		run(&corruption);
		corruption.corrupt.value = BEYOND_WIDTH;
		corruption.expect[0].rule = "no bit of the area's address";
		run(&corruption);
	}
}

static void test_exit_and_entry_controls(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		ONE(ON(exit_controls, BIT(31)), "exit_controls", "27.2.1.2", "must allow"),
		ONE(OFF(pin_based_controls, PIN_PREEMPTION_TIMER), "exit_controls", "27.2.1.2",
		    "\"save VMX-preemption timer value\""),
		ONE(ON(entry_controls, BIT(31)), "entry_controls", "27.2.1.3", "must allow"),
		ONE(ON(entry_controls, ENTRY_TO_SMM), "entry_controls", "27.2.1.3",
		    "\"entry to SMM\""),
		ONE(ON(entry_controls, ENTRY_DEACTIVATE_DUAL_MONITOR), "entry_controls", "27.2.1.3",
		    "\"deactivate dual-monitor treatment\""),
		/* An area without entries has no address. */
		{ LONG,
		  { SET(entry_msr_load_count, 0), SET(entry_msr_load_address, ~0ull) },
		  SET(entry_msr_load_count, 1),
		  { { "entry_msr_load_address", "27.2.1.3", "bits 3:0" },
		    { "entry_msr_load_address", "27.2.1.3", "no bit of the area's address" } } },
		{ 0 },
	};

	run_all(corruptions);
}

#define EVENT(state_, good, bad, rule)                                              \
	{                                                                           \
		.state = state_, .prepare = { SET(entry_interruption_info, good) }, \
		.corrupt = SET(entry_interruption_info, bad), .expect = {           \
			{ "entry_interruption_info", "27.2.1.3", rule }             \
		}                                                                   \
	}
#define HARDWARE(vector) VALID_EVENT(EVENT_WORD_EXCEPTION, vector)

static void test_event(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		EVENT(LONG, 0x100, VALID_EVENT(1 << 8, 0x20), "must not be reserved"),
		EVENT(LONG, VALID_EVENT(EVENT_WORD_NMI, 2), VALID_EVENT(EVENT_WORD_NMI, 3),
		      "the vector"),
		EVENT(LONG, HARDWARE(31), HARDWARE(32), "the vector"),
		EVENT(LONG, VALID_EVENT(EVENT_WORD_OTHER_EVENT, 0),
		      VALID_EVENT(EVENT_WORD_OTHER_EVENT, 1), "the vector"),
		EVENT(PROTECTED, HARDWARE(EXC_GP) | EVENT_WORD_ERROR_CODE, HARDWARE(EXC_GP),
		      "must deliver an error code"),
		EVENT(PROTECTED, HARDWARE(EXC_UD), HARDWARE(EXC_UD) | EVENT_WORD_ERROR_CODE,
		      "may deliver one"),
		EVENT(LONG, VALID_EVENT(EVENT_WORD_NMI, 2),
		      VALID_EVENT(EVENT_WORD_NMI, 2) | EVENT_WORD_ERROR_CODE, "may deliver one"),
		EVENT(REAL, HARDWARE(EXC_GP), HARDWARE(EXC_GP) | EVENT_WORD_ERROR_CODE,
		      "may deliver one"),
		EVENT(LONG, HARDWARE(EXC_UD), HARDWARE(EXC_UD) | BIT(12), "30:12"),
		EVENT(LONG, HARDWARE(EXC_UD), HARDWARE(EXC_UD) | BIT(30), "30:12"),
		{ LONG,
		  { SET(entry_interruption_info, HARDWARE(EXC_PF) | EVENT_WORD_ERROR_CODE),
		    SET(entry_exception_error_code, 0xffff) },
		  ON(entry_exception_error_code, BIT(16)),
		  { { "entry_exception_error_code", "27.2.1.3", "31:16" } } },
		{ LONG,
		  { SET(entry_interruption_info, VALID_EVENT(EVENT_WORD_SOFT_INTERRUPT, 0x80)),
		    SET(entry_instruction_length, 15) },
		  SET(entry_instruction_length, 16),
		  { { "entry_instruction_length", "27.2.1.3", "instruction length" } } },
		{ LONG,
		  { SET(entry_interruption_info, VALID_EVENT(EVENT_WORD_SOFT_EXCEPTION, EXC_BP)),
		    SET(entry_instruction_length, 1) },
		  SET(entry_instruction_length, 0),
		  { { "entry_instruction_length", "27.2.1.3", "instruction length" } } },
		{ LONG,
		  { SET(entry_interruption_info,
			VALID_EVENT(EVENT_WORD_PRIVILEGED_SOFT_EXCEPTION, EXC_DB)),
		    SET(entry_instruction_length, 1) },
		  SET(entry_instruction_length, 0),
		  { { "entry_instruction_length", "27.2.1.3", "instruction length" } } },
		{ 0 },
	};

	run_all(corruptions);
}

/* Events whose rules depend on the CPU. */
static void test_event_of_cpu(void **state __maybe_unused)
{
	static const struct expectation reserved[] = {
		{ "entry_interruption_info", "27.2.1.3", "must not be reserved" },
		{ 0 },
	};
	static const struct expectation nothing[1];

	vmcs_fixture_init(&fixture, LONG);
	fixture.caps.allowed[VMX_PRIMARY].may &= ~PRIMARY_MONITOR_TRAP_FLAG;
	fixture.field[vmcs_entry_interruption_info] = VALID_EVENT(EVENT_WORD_OTHER_EVENT, 0);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, reserved);

	fixture.caps.basic |= BIT_ULL(56);
	fixture.field[vmcs_entry_interruption_info] = HARDWARE(EXC_GP);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);

	fixture.caps.misc |= VMX_MISC_ZERO_INSTRUCTION_LENGTH;
	fixture.field[vmcs_entry_interruption_info] = VALID_EVENT(EVENT_WORD_SOFT_INTERRUPT, 0x80);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
}

/*
 * Host state.
 */

#define BAD_CANONICAL(field, section) ONE(SET(field, NOT_CANONICAL), #field, section, "canonical")
static void test_host_selectors(void **state __maybe_unused)
{
	static const struct {
		enum vmcs_field field;
		const char *name;
	} selectors[] = {
		{ vmcs_host_es_selector, "host_es_selector" },
		{ vmcs_host_cs_selector, "host_cs_selector" },
		{ vmcs_host_ss_selector, "host_ss_selector" },
		{ vmcs_host_ds_selector, "host_ds_selector" },
		{ vmcs_host_fs_selector, "host_fs_selector" },
		{ vmcs_host_gs_selector, "host_gs_selector" },
		{ vmcs_host_tr_selector, "host_tr_selector" },
	};
	struct expectation expect = { .section = "27.2.3", .rule = "RPL and TI" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(selectors); i++) {
		expect.field = selectors[i].name;
		run_value(selectors[i].field, 0x13, &expect);
		run_value(selectors[i].field, 0x14, &expect);
	}
}

static void test_host(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		ONE(OFF(host_cr0, CR0_NE), "host_cr0", "27.2.2", "IA32_VMX_CR"),
		ONE(ON(host_cr0, BIT_ULL(32)), "host_cr0", "27.2.2", "IA32_VMX_CR"),
		ONE(OFF(host_cr4, BIT(13)), "host_cr4", "27.2.2", "IA32_VMX_CR"),
		ONE(ON(host_cr4, BIT(15)), "host_cr4", "27.2.2", "IA32_VMX_CR"),
		{ LONG,
		  { OFF(host_cr0, CR0_WP) },
		  ON(host_cr4, VMX_CR4_CET),
		  { { "host_cr4", "27.2.2", "CR4.CET" } } },
		ONE(ON(host_cr3, BEYOND_WIDTH), "host_cr3", "27.2.2", "width"),
		BAD_CANONICAL(host_ia32_sysenter_esp, "27.2.2"),
		BAD_CANONICAL(host_ia32_sysenter_eip, "27.2.2"),
		ONE(ON(host_ia32_perf_global_ctrl, BIT(4)), "host_ia32_perf_global_ctrl", "27.2.2",
		    "reserved"),
		ONE(ON(host_ia32_pat, BIT_ULL(59)), "host_ia32_pat", "27.2.2", "memory type"),
		ONE(SET(host_ia32_pat, 2), "host_ia32_pat", "27.2.2", "memory type"),
		ONE(ON(host_ia32_efer, BIT(12)), "host_ia32_efer", "27.2.2", "reserved"),
		ONE(OFF(host_ia32_efer, CR_EFER_LMA), "host_ia32_efer", "27.2.2", "LMA"),
		ONE(OFF(host_ia32_efer, CR_EFER_LME), "host_ia32_efer", "27.2.2", "LME"),
		ONE(SET(host_cs_selector, 0), "host_cs_selector", "27.2.3", "must not be 0"),
		ONE(SET(host_tr_selector, 0), "host_tr_selector", "27.2.3", "must not be 0"),
		BAD_CANONICAL(host_fs_base, "27.2.3"),
		BAD_CANONICAL(host_gs_base, "27.2.3"),
		BAD_CANONICAL(host_gdtr_base, "27.2.3"),
		BAD_CANONICAL(host_idtr_base, "27.2.3"),
		BAD_CANONICAL(host_tr_base, "27.2.3"),
		ONE(OFF(host_cr4, CR4_PAE), "host_cr4", "27.2.4", "CR4.PAE"),
		BAD_CANONICAL(host_rip, "27.2.4"),
		{ 0 },
	};

	run_all(corruptions);
}

/* A host outside of IA-32e mode, and one that would leave it. */
static void test_host_of_32bit(void **state __maybe_unused)
{
	static const struct change host32[] = {
		OFF(exit_controls, EXIT_HOST_ADDRESS_SPACE_SIZE),
		SET(host_ia32_efer, 0),
		OFF(host_cr4, CR4_PCIDE),
		SET(host_rip, 0xc1000000),
		{ 0 },
	};
	static const struct {
		struct change corrupt;
		struct expectation expect[2];
	} corruptions[] = {
		{ ON(entry_controls, 0), {} },
		{ SET(host_ss_selector, 0), { { "host_ss_selector", "27.2.3", "must not be 0" } } },
		{ ON(host_cr4, CR4_PCIDE), { { "host_cr4", "27.2.4", "CR4.PCIDE" } } },
		{ ON(host_rip, BIT_ULL(32)), { { "host_rip", "27.2.4", "bits 63:32" } } },
	};
	static const struct expectation not_of_cpu[] = {
		{ "exit_controls", "27.2.4", "EFER.LMA of the CPU" },
		{ 0 },
	};
	static const struct expectation guest_wider[] = {
		{ "entry_controls", "27.2.4", "\"IA-32e mode guest\" needs" },
		{ 0 },
	};
	const struct change *change;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(corruptions); i++) {
		vmcs_fixture_init(&fixture, PROTECTED);
		fixture.source.host_ia32e = false;
		for (change = host32; change->op != NONE; change++)
			vmcs_change(&fixture, change);
		vmcs_change(&fixture, &corruptions[i].corrupt);
		vmcs_check(&fixture);
		vmcs_expect(&fixture, corruptions[i].expect);
	}

	vmcs_fixture_init(&fixture, LONG);
	fixture.source.host_ia32e = false;
	for (change = host32; change->op != NONE; change++)
		vmcs_change(&fixture, change);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, guest_wider);

	vmcs_fixture_init(&fixture, LONG);
	fixture.source.host_ia32e = false;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, not_of_cpu);
}

/*
 * Guest state.
 */

static void test_guest_registers(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		ONE(OFF(guest_cr0, CR0_NE), "guest_cr0", "27.3.1.1", "IA32_VMX_CR"),
		ONE(ON(guest_cr0, BIT_ULL(32)), "guest_cr0", "27.3.1.1", "IA32_VMX_CR"),
		{ RESTRICTED,
		  {},
		  OFF(guest_cr0, CR0_PG),
		  { { "guest_cr0", "27.3.1.1", "IA32_VMX_CR" } } },
		{ REAL, {}, ON(guest_cr0, CR0_PG), { { "guest_cr0", "27.3.1.1", "CR0.PG" } } },
		ONE(OFF(guest_cr4, BIT(13)), "guest_cr4", "27.3.1.1", "IA32_VMX_CR"),
		ONE(ON(guest_cr4, BIT(15)), "guest_cr4", "27.3.1.1", "IA32_VMX_CR"),
		{ PAE,
		  {},
		  ON(guest_cr4, VMX_CR4_CET),
		  { { "guest_cr4", "27.3.1.1", "CR4.CET needs" } } },
		ONE(ON(guest_ia32_debugctl, BIT(3)), "guest_ia32_debugctl", "27.3.1.1", "reserved"),
		ONE(ON(guest_ia32_debugctl, BIT(16)), "guest_ia32_debugctl", "27.3.1.1",
		    "reserved"),
		ONE(OFF(guest_cr0, CR0_PG), "guest_cr0", "27.3.1.1", "in IA-32e mode"),
		ONE(OFF(guest_cr4, CR4_PAE), "guest_cr4", "27.3.1.1", "in IA-32e mode"),
		{ PAE, {}, ON(guest_cr4, CR4_PCIDE), { { "guest_cr4", "27.3.1.1", "CR4.PCIDE" } } },
		ONE(ON(guest_cr3, BEYOND_WIDTH), "guest_cr3", "27.3.1.1", "width"),
		ONE(ON(guest_dr7, BIT_ULL(32)), "guest_dr7", "27.3.1.1", "63:32"),
		BAD_CANONICAL(guest_ia32_sysenter_esp, "27.3.1.1"),
		BAD_CANONICAL(guest_ia32_sysenter_eip, "27.3.1.1"),
		ONE(ON(guest_ia32_perf_global_ctrl, BIT(5)), "guest_ia32_perf_global_ctrl",
		    "27.3.1.1", "reserved"),
		ONE(ON(guest_ia32_pat, BIT(6)), "guest_ia32_pat", "27.3.1.1", "memory type"),
		ONE(ON(guest_ia32_efer, BIT(12)), "guest_ia32_efer", "27.3.1.1", "reserved"),
		ONE(OFF(guest_ia32_efer, CR_EFER_LMA | CR_EFER_LME), "guest_ia32_efer", "27.3.1.1",
		    "LMA must equal \"IA-32e mode guest\""),
		ONE(OFF(guest_ia32_efer, CR_EFER_LME), "guest_ia32_efer", "27.3.1.1",
		    "LMA must equal LME"),
		ONE(ON(guest_ia32_bndcfgs, BIT(2)), "guest_ia32_bndcfgs", "27.3.1.1", "11:2"),
		ONE(ON(guest_ia32_bndcfgs, NOT_CANONICAL), "guest_ia32_bndcfgs", "27.3.1.1",
		    "canonical"),
		BAD_CANONICAL(guest_gdtr_base, "27.3.1.3"),
		BAD_CANONICAL(guest_idtr_base, "27.3.1.3"),
		ONE(ON(guest_gdtr_limit, BIT(16)), "guest_gdtr_limit", "27.3.1.3", "31:16"),
		ONE(ON(guest_idtr_limit, BIT(31)), "guest_idtr_limit", "27.3.1.3", "31:16"),
		{ 0 },
	};

	run_all(corruptions);
}

static void test_rip_and_rflags(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ PROTECTED,
		  {},
		  ON(guest_rip, BIT_ULL(32)),
		  { { "guest_rip", "27.3.1.4", "63:32" } } },
		{ COMPATIBILITY,
		  {},
		  ON(guest_rip, BIT_ULL(32)),
		  { { "guest_rip", "27.3.1.4", "63:32" } } },
		/* The CPU accepts one step beyond the lower half. */
		{ LONG,
		  { SET(guest_rip, NOT_CANONICAL) },
		  SET(guest_rip, BIT_ULL(48)),
		  { { "guest_rip", "27.3.1.4", "linear-address width" } } },
		ONE(OFF(guest_rflags, 2), "guest_rflags", "27.3.1.4", "bit 1"),
		ONE(ON(guest_rflags, BIT(3)), "guest_rflags", "27.3.1.4", "reserved"),
		ONE(ON(guest_rflags, BIT(5)), "guest_rflags", "27.3.1.4", "reserved"),
		ONE(ON(guest_rflags, BIT(15)), "guest_rflags", "27.3.1.4", "reserved"),
		ONE(ON(guest_rflags, BIT(22)), "guest_rflags", "27.3.1.4", "reserved"),
		ONE(ON(guest_rflags, BIT_ULL(63)), "guest_rflags", "27.3.1.4", "reserved"),
		{ LONG,
		  { ON(guest_rflags, BIT(9)),
		    SET(entry_interruption_info, VALID_EVENT(EVENT_WORD_INTERRUPT, 0x20)) },
		  OFF(guest_rflags, BIT(9)),
		  { { "guest_rflags", "27.3.1.4", "IF" } } },
		/* Virtual-8086 segments stay valid. */
		{ V86,
		  {},
		  OFF(guest_cr0, CR0_PE | CR0_PG),
		  { { "guest_rflags", "27.3.1.4", "CR0.PE" } } },
		{ 0 },
	};

	run_all(corruptions);
}

/* A change to IA-32e mode takes changes of more than one field. */
static void test_v86_in_ia32e(void **state __maybe_unused)
{
	static const struct change changes[] = {
		ON(guest_cr4, CR4_PAE),
		SET(guest_ia32_efer, CR_EFER_LME | CR_EFER_LMA),
		ON(entry_controls, ENTRY_IA32E_MODE_GUEST),
	};
	static const struct expectation expect[] = {
		{ "guest_rflags", "27.3.1.4", "IA-32e mode" },
		{ 0 },
	};
	size_t i;

	vmcs_fixture_init(&fixture, V86);
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		vmcs_change(&fixture, &changes[i]);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, expect);
}

#define ACTIVITY(prepare_, state_value, rule)                                  \
	{                                                                      \
		.state = LONG, .prepare = { prepare_ },                        \
		.corrupt = SET(guest_activity_state, state_value), .expect = { \
			{ "guest_activity_state", "27.3.1.5", rule }           \
		}                                                              \
	}
#define INJECT(type, vector) SET(entry_interruption_info, VALID_EVENT(type, vector))

static void test_activity(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		ACTIVITY(SET(guest_activity_state, ACTIVITY_WAIT_FOR_SIPI), 4, "supports"),
		ACTIVITY(INJECT(EVENT_WORD_EXCEPTION, EXC_UD), ACTIVITY_HLT, "the event"),
		ACTIVITY(INJECT(EVENT_WORD_EXCEPTION, EXC_DB), ACTIVITY_SHUTDOWN, "the event"),
		ACTIVITY(INJECT(EVENT_WORD_NMI, 2), ACTIVITY_WAIT_FOR_SIPI, "the event"),
		{ LONG,
		  { SET(guest_cs_selector, 0x33), SET(guest_cs_access_rights, 0xa0fb),
		    SET(guest_ss_selector, 0x2b), SET(guest_ss_access_rights, 0xc0f3) },
		  SET(guest_activity_state, ACTIVITY_HLT),
		  { { "guest_activity_state", "27.3.1.5", "privilege level 0" } } },
		{ LONG,
		  { ON(guest_rflags, BIT(9)), SET(guest_interruptibility_state, BLOCKING_BY_STI) },
		  SET(guest_activity_state, ACTIVITY_HLT),
		  { { "guest_activity_state", "27.3.1.5", "blocking by STI or MOV SS" } } },
		/* Software interrupts do not end HLT either. */
		{ LONG,
		  { INJECT(EVENT_WORD_SOFT_INTERRUPT, 0x80), SET(entry_instruction_length, 2) },
		  SET(guest_activity_state, ACTIVITY_HLT),
		  { { "guest_activity_state", "27.3.1.5", "the event" } } },
		/* An interrupt ends HLT, but not shutdown. */
		{ LONG,
		  { ON(guest_rflags, BIT(9)), SET(guest_activity_state, ACTIVITY_HLT),
		    INJECT(EVENT_WORD_INTERRUPT, 0x20) },
		  SET(guest_activity_state, ACTIVITY_SHUTDOWN),
		  { { "guest_activity_state", "27.3.1.5", "the event" } } },
		{ LONG,
		  { SET(guest_activity_state, ACTIVITY_HLT), INJECT(EVENT_WORD_EXCEPTION, EXC_DB) },
		  SET(guest_activity_state, ACTIVITY_SHUTDOWN),
		  { { "guest_activity_state", "27.3.1.5", "the event" } } },
		{ LONG,
		  { SET(guest_activity_state, ACTIVITY_HLT), INJECT(EVENT_WORD_OTHER_EVENT, 0) },
		  SET(guest_activity_state, ACTIVITY_SHUTDOWN),
		  { { "guest_activity_state", "27.3.1.5", "the event" } } },
		{ LONG,
		  { SET(guest_activity_state, ACTIVITY_SHUTDOWN),
		    INJECT(EVENT_WORD_EXCEPTION, EXC_MC) },
		  SET(guest_activity_state, ACTIVITY_WAIT_FOR_SIPI),
		  { { "guest_activity_state", "27.3.1.5", "the event" } } },
		{ 0 },
	};
	static const struct expectation unsupported[] = {
		{ "guest_activity_state", "27.3.1.5", "supports" },
		{ 0 },
	};
	int i;

	run_all(corruptions);
	for (i = ACTIVITY_HLT; i <= ACTIVITY_WAIT_FOR_SIPI; i++) {
		vmcs_fixture_init(&fixture, LONG);
		fixture.caps.misc = 4 << VMX_MISC_CR3_TARGETS_SHIFT;
		fixture.field[vmcs_guest_activity_state] = i;
		vmcs_check(&fixture);
		vmcs_expect(&fixture, unsupported);
	}
}

#define INTERRUPTIBILITY(prepare1, prepare2, bits, rule)                       \
	{                                                                      \
		.state = LONG, .prepare = { prepare1, prepare2 },              \
		.corrupt = ON(guest_interruptibility_state, bits), .expect = { \
			{ "guest_interruptibility_state", "27.3.1.5", rule }   \
		}                                                              \
	}
#define IF_SET ON(guest_rflags, BIT(9))
#define NO_EVENT SET(entry_interruption_info, 0)

static void test_interruptibility(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		INTERRUPTIBILITY(NO_EVENT, IF_SET, BIT(5), "31:5"),
		INTERRUPTIBILITY(NO_EVENT, IF_SET, BIT(31), "31:5"),
		INTERRUPTIBILITY(NO_EVENT, IF_SET, BLOCKING_BY_STI | BLOCKING_BY_MOV_SS,
				 "exclude each other"),
		INTERRUPTIBILITY(NO_EVENT, NO_EVENT, BLOCKING_BY_STI, "RFLAGS.IF"),
		INTERRUPTIBILITY(INJECT(EVENT_WORD_INTERRUPT, 0x20), IF_SET, BLOCKING_BY_STI,
				 "an external interrupt"),
		INTERRUPTIBILITY(INJECT(EVENT_WORD_INTERRUPT, 0x20), IF_SET, BLOCKING_BY_MOV_SS,
				 "an external interrupt"),
		INTERRUPTIBILITY(INJECT(EVENT_WORD_NMI, 2), IF_SET, BLOCKING_BY_MOV_SS,
				 "an NMI cannot be injected under blocking by MOV SS"),
		INTERRUPTIBILITY(INJECT(EVENT_WORD_NMI, 2), IF_SET, BLOCKING_BY_STI, "some CPUs"),
		INTERRUPTIBILITY(INJECT(EVENT_WORD_NMI, 2), IF_SET, BLOCKING_BY_NMI,
				 "blocking by NMI"),
		INTERRUPTIBILITY(NO_EVENT, IF_SET, BLOCKING_BY_SMI, "outside of SMM"),
		INTERRUPTIBILITY(NO_EVENT, IF_SET, ENCLAVE_INTERRUPTION | BLOCKING_BY_MOV_SS,
				 "excludes blocking by MOV SS"),
		{ 0 },
	};
	static const struct expectation no_sgx[] = {
		{ "guest_interruptibility_state", "27.3.1.5", "SGX" },
		{ 0 },
	};
	static const struct expectation nothing[1];

	run_all(corruptions);
	vmcs_fixture_init(&fixture, LONG);
	fixture.field[vmcs_guest_interruptibility_state] = ENCLAVE_INTERRUPTION;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
	fixture.source.sgx = false;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, no_sgx);
}

#define PENDING(prepare1, prepare2, change, rule)                                                \
	{                                                                                        \
		.state = LONG, .prepare = { prepare1, prepare2 }, .corrupt = change, .expect = { \
			{ "guest_pending_debug_exceptions", "27.3.1.5", rule }                   \
		}                                                                                \
	}
#define DB_ON(bits) ON(guest_pending_debug_exceptions, bits)
#define DB_OFF(bits) OFF(guest_pending_debug_exceptions, bits)
#define MOV_SS SET(guest_interruptibility_state, BLOCKING_BY_MOV_SS)
#define TF ON(guest_rflags, BIT(8))
#define BTF ON(guest_ia32_debugctl, BIT(1))

static void test_pending_debug(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		PENDING(DB_ON(0xf), DB_ON(PENDING_DEBUG_ENABLED), DB_ON(BIT(4)), "reserved"),
		PENDING(DB_ON(0xf), DB_ON(0), DB_ON(BIT(13)), "reserved"),
		PENDING(DB_ON(0xf), DB_ON(0), DB_ON(BIT_ULL(63)), "reserved"),
		/* A step after MOV SS. */
		{ LONG,
		  { TF, MOV_SS, DB_ON(PENDING_DEBUG_BS) },
		  DB_OFF(PENDING_DEBUG_BS),
		  { { "guest_pending_debug_exceptions", "27.3.1.5", "BS must be 1" } } },
		{ LONG,
		  { SET(guest_activity_state, ACTIVITY_HLT), TF, DB_ON(PENDING_DEBUG_BS) },
		  DB_OFF(PENDING_DEBUG_BS),
		  { { "guest_pending_debug_exceptions", "27.3.1.5", "BS must be 1" } } },
		PENDING(MOV_SS, DB_ON(0), DB_ON(PENDING_DEBUG_BS), "BS must be 0"),
		{ LONG,
		  { TF, BTF, MOV_SS },
		  DB_ON(PENDING_DEBUG_BS),
		  { { "guest_pending_debug_exceptions", "27.3.1.5", "BS must be 0" } } },
		PENDING(DB_ON(PENDING_DEBUG_RTM), DB_ON(PENDING_DEBUG_ENABLED), DB_ON(BIT(0)),
			"beside RTM"),
		PENDING(DB_ON(0), DB_ON(0), DB_ON(PENDING_DEBUG_RTM), "beside RTM"),
		PENDING(MOV_SS, DB_ON(0), DB_ON(PENDING_DEBUG_RTM | PENDING_DEBUG_ENABLED),
			"excludes blocking by MOV SS"),
		{ 0 },
	};
	static const struct expectation no_rtm[] = {
		{ "guest_pending_debug_exceptions", "27.3.1.5", "a CPU with RTM" },
		{ 0 },
	};

	run_all(corruptions);
	vmcs_fixture_init(&fixture, LONG);
	fixture.source.rtm = false;
	fixture.field[vmcs_guest_pending_debug_exceptions] = PENDING_DEBUG_RTM |
							     PENDING_DEBUG_ENABLED;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, no_rtm);
}

static void test_link_pointer(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ LONG,
		  { SET(vmcs_link_pointer, 0x9000) },
		  ON(vmcs_link_pointer, 4),
		  { { "vmcs_link_pointer", "27.3.1.5", "bits 11:0" } } },
		{ LONG,
		  { SET(vmcs_link_pointer, 0x9000) },
		  ON(vmcs_link_pointer, BEYOND_WIDTH),
		  { { "vmcs_link_pointer", "27.3.1.5", "width" } } },
		{ 0 },
	};

	run_all(corruptions);
}

static void test_pdptes(void **state __maybe_unused)
{
	static const char *const names[] = { "guest_pdpte0", "guest_pdpte1", "guest_pdpte2",
					     "guest_pdpte3" };
	static const u64 reserved[] = { BIT(1), BIT(2), BIT(5), BIT(8), BEYOND_WIDTH, BIT_ULL(63) };
	struct corruption corruption = { .state = PAE };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		for (j = 0; j < ARRAY_SIZE(reserved); j++) {
			const enum vmcs_field field = vmcs_guest_pdpte0 + 2 * i;

			/* An entry that is not present has no reserved bits. */
			corruption.prepare[0] = (struct change){ SET_TO, field, reserved[j] };
			corruption.corrupt = (struct change){ BITS_ON, field, 1 };
			corruption.expect[0] = (struct expectation){ names[i], "27.3.1.6", "PAE" };
			run(&corruption);
		}
}

/*
 * Fields and rules that do not apply, and rules that do not fit in the report.
 */

/* A CPU whose structures lie below 4 GiB (SDM 3D A.1). */
static void test_32bit_addresses(void **state __maybe_unused)
{
	static const struct expectation expected[] = {
		{ "io_bitmap_a", "27.2.1.1", "width" },
		{ "msr_bitmap", "27.2.1.1", "width" },
		{ "exit_msr_load_address", "27.2.1.2", "no bit of the area's address" },
		{ "entry_msr_load_address", "27.2.1.3", "no bit of the area's address" },
		{ "vmcs_link_pointer", "27.3.1.5", "width" },
		{ 0 },
	};

	vmcs_fixture_init(&fixture, LONG);
	fixture.caps.basic |= VMX_BASIC_32BIT_ADDRESSES;
	fixture.field[vmcs_io_bitmap_a] = BIT_ULL(32);
	fixture.field[vmcs_vmcs_link_pointer] = BIT_ULL(32);
	vmcs_check(&fixture);
	vmcs_expect(&fixture, expected);
}

/* The check reads a field that need not exist only if its control is 1. */
static void test_absent_fields(void **state __maybe_unused)
{
	static const enum vmcs_field optional[] = {
		vmcs_vpid,
		vmcs_posted_interrupt_notification_vector,
		vmcs_io_bitmap_a,
		vmcs_io_bitmap_b,
		vmcs_msr_bitmap,
		vmcs_pml_address,
		vmcs_virtual_apic_address,
		vmcs_apic_access_address,
		vmcs_posted_interrupt_descriptor,
		vmcs_ept_pointer,
		vmcs_tsc_multiplier,
		vmcs_guest_ia32_pat,
		vmcs_guest_ia32_efer,
		vmcs_guest_ia32_perf_global_ctrl,
		vmcs_guest_ia32_bndcfgs,
		vmcs_guest_pdpte0,
		vmcs_guest_pdpte1,
		vmcs_guest_pdpte2,
		vmcs_guest_pdpte3,
		vmcs_host_ia32_pat,
		vmcs_host_ia32_efer,
		vmcs_host_ia32_perf_global_ctrl,
		vmcs_tpr_threshold,
		vmcs_secondary_controls,
	};
	static const struct expectation nothing[1];
	size_t i;

	vmcs_fixture_init(&fixture, RESTRICTED);
	fixture.field[vmcs_pin_based_controls] = 0x16;
	fixture.field[vmcs_primary_controls] = 0x04006172;
	fixture.field[vmcs_exit_controls] = 0x00036dfb | EXIT_HOST_ADDRESS_SPACE_SIZE;
	fixture.field[vmcs_entry_controls] = 0x000011fb;
	for (i = 0; i < ARRAY_SIZE(optional); i++)
		fixture.absent[optional[i]] = true;
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
}

/* The report also counts the broken rules for which it has no room. */
static void test_overflow(void **state __maybe_unused)
{
	static const struct vmx_caps poor_caps = { .maxphyaddr = 1 };

	vmcs_fixture_init(&fixture, LONG);
	fixture.caps = poor_caps;
	vmcs_check(&fixture);
	assert_true(fixture.report.count > ENTRY_MAX_VIOLATIONS);
	assert_int_equal(entry_report_kept(&fixture.report), ENTRY_MAX_VIOLATIONS);
	/* In the order of the CPU's checks. */
	assert_string_equal(fixture.report.violations[0].field, "pin_based_controls");
	assert_int_equal(fixture.report.violations[0].value,
			 fixture.field[vmcs_pin_based_controls]);
}

static void must_be_named(const struct vmx_rules *rules)
{
	size_t i;

	for (i = 0; i < rules->count; i++)
		if (!vmcs_was_named(rules->rules[i].name, rules->rules[i].rule))
			fail_msg("no test reaches %s: %s", rules->rules[i].name,
				 rules->rules[i].rule);
}

/* Last: the tests before it must have reached every rule. */
static void test_all_reached(void **state __maybe_unused)
{
	must_be_named(&vmx_control_rules);
	must_be_named(&vmx_host_rules);
	must_be_named(&vmx_guest_rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_execution_controls),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_ept_pointer),
		cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_vtpr),
		cmocka_unit_test(test_exit_and_entry_controls),
		cmocka_unit_test(test_msr_areas),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_event_of_cpu),
		cmocka_unit_test(test_host_selectors),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_host_of_32bit),
		cmocka_unit_test(test_guest_registers),
		cmocka_unit_test(test_rip_and_rflags),
		cmocka_unit_test(test_v86_in_ia32e),
		cmocka_unit_test(test_activity),
		cmocka_unit_test(test_interruptibility),
		cmocka_unit_test(test_pending_debug),
		cmocka_unit_test(test_link_pointer),
		cmocka_unit_test(test_pdptes),
		cmocka_unit_test(test_32bit_addresses),
		cmocka_unit_test(test_absent_fields),
		cmocka_unit_test(test_all_reached),
		cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests_name("entry_check_vmx", tests, NULL, NULL);
}
