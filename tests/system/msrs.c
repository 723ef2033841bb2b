// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs in the raw KVM ABI: the lists, the filter and the exits to userspace, machine checks.
 * KTAP on stdout.
 *
 *	msrs [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <linux/kvm_para.h>

#include "rawvm.h"

/*
 * At 0 RDMSR, at 16 WRMSR of ECX, EDX:EAX; both end at port 0x50, and so does the empty code at
 * 96; at 80 a loop. The handlers of #GP, #MC and #UD end at 0x60, 0x61 and 0x62.
 */
GUEST_CODE(msr_code, "rdmsr\n"
		     "out %al, $0x50\n"
		     ".org msr_code + 16\n"
		     "wrmsr\n"
		     "out %al, $0x50\n"
		     ".org msr_code + 32\n"
		     "out %al, $0x60\n"
		     ".org msr_code + 48\n"
		     "out %al, $0x61\n"
		     ".org msr_code + 64\n"
		     "out %al, $0x62\n"
		     ".org msr_code + 80\n"
		     "1: jmp 1b\n"
		     ".org msr_code + 96\n"
		     "out %al, $0x50");

#define READ 0u
#define WRITE 16u
#define LOOP 80u
#define NOTHING 96u
#define DONE 0x50
#define GP 0x60
#define MC 0x61

#define MSR_TSC 0x10u
#define MSR_PLATFORM_INFO 0xceu
#define MSR_SYSENTER_CS 0x174u
#define MSR_MCG_CAP 0x179u
#define MSR_MCG_STATUS 0x17au
#define MSR_MCG_CTL 0x17bu
#define MSR_PAT 0x277u
#define MSR_MC0_CTL 0x400u
#define MSR_X2APIC_VERSION 0x803u
#define MSR_NOT_THERE 0x474f4f00u
#define MSR_STAR 0xc0000081u
#define MSR_FS_BASE 0xc0000100u
#define MSR_KERNEL_GS_BASE 0xc0000102u

#define MCG_CTL_P (1ull << 8)
#define MC_VAL (1ull << 63)
#define MC_OVER (1ull << 62)
#define MC_UC (1ull << 61)

static void set_handler(const struct machine *m, unsigned int vector, uint32_t handler)
{
	uint32_t *gate = ram_u32(m, IDT + 8 * vector);

	gate[0] = 8 << 16 | (handler & 0xffff);
	gate[1] = (handler & 0xffff0000) | 0x8e00;
}

static struct machine msr_machine(bool irqchip)
{
	struct machine m = new_machine(1, irqchip, msr_code, msr_code_end);

	set_handler(&m, 13, CODE + 32);
	set_handler(&m, 18, CODE + 48);
	set_handler(&m, 6, CODE + 64);
	return m;
}

/* ---- MSRs from outside and from inside ---- */

static bool host_get(int fd, uint32_t index, uint64_t *data)
{
	struct one_msr msr = { { .nmsrs = 1 }, { .index = index } };
	bool good = ioctl(fd, KVM_GET_MSRS, &msr) == 1;

	*data = msr.entry.data;
	return good;
}

static uint64_t must_get(const struct machine *m, uint32_t index)
{
	uint64_t data = 0;

	if (!host_get(m->vcpu[0], index, &data))
		complain("KVM_GET_MSRS refuses MSR %#x", index);
	return data;
}

/* Point the guest at an instruction; EDX:EAX is @data. */
static void aim(const struct machine *m, uint32_t where, uint32_t index, uint64_t data)
{
	struct kvm_regs regs = {
		.rip = CODE + where, .rcx = index, .rax = (uint32_t)data, .rdx = data >> 32
	};

	set_regs(m, 0, &regs);
}

/* Run until a port or another exit. Return the port, or the exit's number, negative. */
static int go(const struct machine *m)
{
	int reason = run(m, 0);

	return reason == KVM_EXIT_IO ? m->run[0]->io.port : -reason;
}

static int guest_read(const struct machine *m, uint32_t index, uint64_t *data)
{
	struct kvm_regs regs;
	int end;

	aim(m, READ, index, 0x1111111122222222);
	end = go(m);
	regs = get_regs(m, 0);
	*data = (uint32_t)regs.rax | regs.rdx << 32;
	return end;
}

static int guest_write(const struct machine *m, uint32_t index, uint64_t data)
{
	aim(m, WRITE, index, data);
	return go(m);
}

static void enable(int fd, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	MUST(fd, KVM_ENABLE_CAP, &enable);
}

static bool enable_refused(int fd, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	return ioctl(fd, KVM_ENABLE_CAP, &enable) < 0 && errno == EINVAL;
}

/* ---- lists ---- */

struct list {
	struct kvm_msr_list head;
	uint32_t index[256];
};

static void test_listed_msrs_can_be_read(void)
{
	struct machine m = msr_machine(true);
	struct list list = { { .nmsrs = 256 }, { 0 } };
	uint64_t data;
	uint32_t i;

	MUST(kvm, KVM_GET_MSR_INDEX_LIST, &list);
	check(list.head.nmsrs > 10, "the list has more than 10 MSRs");
	for (i = 0; i < list.head.nmsrs; i++)
		if (!host_get(m.vcpu[0], list.head.indices[i], &data))
			complain("MSR %#x is listed and cannot be read", list.head.indices[i]);
	free_machine(&m);
}

/* A saved list can be restored on a vCPU that is like it, with and without a local APIC. */
static void test_listed_msrs_can_be_restored(void)
{
	struct list list = { { .nmsrs = 256 }, { 0 } };
	unsigned int irqchip;
	uint64_t data;
	uint32_t i;

	MUST(kvm, KVM_GET_MSR_INDEX_LIST, &list);
	/* Without an irqchip the in-tree KVM refuses MSR_KVM_ASYNC_PF_INT in KVM_SET_MSRS. */
	for (irqchip = !on_oriel(); irqchip < 2; irqchip++) {
		struct machine from = msr_machine(irqchip), to = msr_machine(irqchip);

		for (i = 0; i < list.head.nmsrs; i++)
			if (host_get(from.vcpu[0], list.head.indices[i], &data) &&
			    !host_set(&to, list.head.indices[i], data))
				complain("MSR %#x does not take %#llx back", list.head.indices[i],
					 (unsigned long long)data);
		free_machine(&from);
		free_machine(&to);
	}
}

static void test_listed_features_can_be_read(void)
{
	struct list list = { { .nmsrs = 256 }, { 0 } };
	uint64_t data;
	uint32_t i;

	MUST(kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, &list);
	for (i = 0; i < list.head.nmsrs; i++)
		if (!host_get(kvm, list.head.indices[i], &data))
			complain("feature MSR %#x is listed and cannot be read",
				 list.head.indices[i]);
	check(!host_get(kvm, MSR_NOT_THERE, &data), "a feature MSR that does not exist");
}

static void test_short_list_tells_its_length(void)
{
	struct list list = { { .nmsrs = 1 }, { 0 } };

	check(ioctl(kvm, KVM_GET_MSR_INDEX_LIST, &list) < 0 && errno == E2BIG, "E2BIG");
	check(list.head.nmsrs > 10, "nmsrs tells how many");
}

/* ---- PLATFORM_INFO, KVM's own ---- */

static void test_platform_info_can_be_hidden(void)
{
	struct machine m = msr_machine(false);
	uint64_t data;

	check(extension(KVM_CAP_MSR_PLATFORM_INFO) == 1, "KVM_CAP_MSR_PLATFORM_INFO");
	check(host_set(&m, MSR_PLATFORM_INFO, 0xff00), "userspace sets it");
	check_equal(guest_read(&m, MSR_PLATFORM_INFO, &data), DONE, "a guest may read it");
	check_equal(data, 0xff00, "what it reads");
	check_equal(guest_write(&m, MSR_PLATFORM_INFO, 0), GP, "it may not write it");
	enable(m.vm, KVM_CAP_MSR_PLATFORM_INFO, 0);
	check_equal(guest_read(&m, MSR_PLATFORM_INFO, &data), GP, "hidden from the guest");
	check_equal(must_get(&m, MSR_PLATFORM_INFO), 0xff00, "not from userspace");
	enable(m.vm, KVM_CAP_MSR_PLATFORM_INFO, 1);
	check_equal(guest_read(&m, MSR_PLATFORM_INFO, &data), DONE, "shown again");
	free_machine(&m);
}

static void test_pv_msrs_follow_cpuid(void)
{
	static const uint32_t msrs[] = { MSR_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME_NEW,
					 MSR_KVM_WALL_CLOCK, MSR_KVM_WALL_CLOCK_NEW,
					 MSR_KVM_POLL_CONTROL };
	struct machine m = msr_machine(false);
	uint64_t data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		check_equal(guest_read(&m, msrs[i], &data), DONE, "not enforced");
	enable(m.vcpu[0], KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1);
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		check_equal(guest_read(&m, msrs[i], &data), GP, "RDMSR, enforced");
		check_equal(guest_write(&m, msrs[i], 0), GP, "WRMSR, enforced");
	}
	free_machine(&m);
}

/* ---- the filter ---- */

static uint8_t nothing[8];

#define BOTH (KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

static bool filter_refused(const struct machine *m, const struct kvm_msr_filter *filter)
{
	return ioctl(m->vm, KVM_X86_SET_MSR_FILTER, filter) < 0 && errno == EINVAL;
}

/* Deny one MSR. */
static void deny(const struct machine *m, uint32_t index, uint32_t access)
{
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = { { .flags = access, .nmsrs = 1, .base = index, .bitmap = nothing } },
	};

	MUST(m->vm, KVM_X86_SET_MSR_FILTER, &filter);
}

static void allow_all(const struct machine *m)
{
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	MUST(m->vm, KVM_X86_SET_MSR_FILTER, &filter);
}

static void test_bad_filters(void)
{
	static uint8_t bitmap[KVM_MSR_FILTER_MAX_BITMAP_SIZE + 8];
	struct machine m = msr_machine(false);
	struct kvm_msr_filter filter = { 0 };

	check(extension(KVM_CAP_X86_MSR_FILTER) == 1, "KVM_CAP_X86_MSR_FILTER");
	filter.flags = 2;
	check(filter_refused(&m, &filter), "an unknown flag");
	filter.flags = KVM_MSR_FILTER_DEFAULT_DENY;
	check(filter_refused(&m, &filter), "deny all, no range");
	filter.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
	filter.ranges[0] = (struct kvm_msr_filter_range){ .nmsrs = 1, .bitmap = bitmap };
	check(filter_refused(&m, &filter), "a range for no access");
	filter.ranges[0].flags = 4 | KVM_MSR_FILTER_READ;
	check(filter_refused(&m, &filter), "an unknown flag of a range");
	filter.ranges[0].flags = BOTH;
	filter.ranges[0].nmsrs = KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8 + 1;
	check(filter_refused(&m, &filter), "a bitmap that is too long");
	filter.ranges[0].nmsrs = ~0u;
	check(filter_refused(&m, &filter), "a bitmap that is far too long");
	filter.ranges[0].nmsrs = KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8;
	check(!ioctl(m.vm, KVM_X86_SET_MSR_FILTER, &filter), "the longest bitmap");
	filter.ranges[0].bitmap = NULL;
	check(ioctl(m.vm, KVM_X86_SET_MSR_FILTER, &filter) < 0 && errno == EFAULT,
	      "a bitmap that is nowhere");
	/* A range of no MSR is not checked. */
	filter.ranges[0] = (struct kvm_msr_filter_range){ .flags = ~0u };
	check(!ioctl(m.vm, KVM_X86_SET_MSR_FILTER, &filter), "a range of no MSR");
	free_machine(&m);
}

static void test_filtered_is_gp(void)
{
	struct machine m = msr_machine(false);
	uint64_t data;

	check(host_set(&m, MSR_SYSENTER_CS, 0x1234), "userspace sets it");
	deny(&m, MSR_SYSENTER_CS, KVM_MSR_FILTER_READ);
	check_equal(guest_read(&m, MSR_SYSENTER_CS, &data), GP, "denied RDMSR");
	check_equal(guest_write(&m, MSR_SYSENTER_CS, 0x5678), DONE, "allowed WRMSR");
	check_equal(must_get(&m, MSR_SYSENTER_CS), 0x5678, "userspace is not filtered");
	deny(&m, MSR_SYSENTER_CS, KVM_MSR_FILTER_WRITE);
	check_equal(guest_read(&m, MSR_SYSENTER_CS, &data), DONE, "allowed RDMSR");
	check_equal(data, 0x5678, "what was written");
	check_equal(guest_write(&m, MSR_SYSENTER_CS, 0), GP, "denied WRMSR");
	allow_all(&m);
	check_equal(guest_write(&m, MSR_SYSENTER_CS, 0x9abc), DONE, "no filter any more");
	check_equal(must_get(&m, MSR_SYSENTER_CS), 0x9abc, "what was written then");
	free_machine(&m);
}

static void test_default_deny(void)
{
	uint8_t bitmap[8] = { 0x01 };
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges = { { .flags = BOTH, .nmsrs = 2, .base = MSR_FS_BASE, .bitmap = bitmap } },
	};
	struct machine m = msr_machine(false);
	uint64_t data;

	MUST(m.vm, KVM_X86_SET_MSR_FILTER, &filter);
	check_equal(guest_read(&m, MSR_FS_BASE, &data), DONE, "in the bitmap, 1");
	check_equal(guest_read(&m, MSR_FS_BASE + 1, &data), GP, "in the bitmap, 0");
	check_equal(guest_read(&m, MSR_KERNEL_GS_BASE, &data), GP, "behind the bitmap");
	check_equal(guest_read(&m, MSR_TSC, &data), GP, "not near it");
	free_machine(&m);
}

static void test_first_range_counts(void)
{
	uint8_t ones[8] = { 0xff };
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = { { .flags = KVM_MSR_FILTER_WRITE,
			      .nmsrs = 1,
			      .base = MSR_STAR,
			      .bitmap = nothing },
			    { .flags = BOTH, .nmsrs = 1, .base = MSR_STAR, .bitmap = ones },
			    { .flags = BOTH, .nmsrs = 1, .base = MSR_STAR, .bitmap = nothing } },
	};
	struct machine m = msr_machine(false);
	uint64_t data;

	MUST(m.vm, KVM_X86_SET_MSR_FILTER, &filter);
	check_equal(guest_write(&m, MSR_STAR, 0), GP, "WRMSR: the first range");
	check_equal(guest_read(&m, MSR_STAR, &data), DONE, "RDMSR: the second");
	free_machine(&m);
}

/* The filter works for MSRs that the hardware gives the guest without an exit, too. */
static void test_direct_msrs_are_filtered(void)
{
	static const uint32_t msrs[] = { MSR_FS_BASE, MSR_KERNEL_GS_BASE, MSR_SYSENTER_CS,
					 MSR_STAR };
	struct machine m = msr_machine(false);
	uint64_t data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		allow_all(&m);
		check_equal(guest_write(&m, msrs[i], 0x10 + i), DONE, "WRMSR, allowed");
		deny(&m, msrs[i], BOTH);
		check_equal(guest_read(&m, msrs[i], &data), GP, "RDMSR, denied");
		check_equal(guest_write(&m, msrs[i], 0), GP, "WRMSR, denied");
		allow_all(&m);
		check_equal(guest_read(&m, msrs[i], &data), DONE, "RDMSR, allowed");
		check_equal(data, 0x10 + i, "the value survived");
	}
	free_machine(&m);
}

static void test_x2apic_is_not_filtered(void)
{
	struct machine m = msr_machine(true);
	struct kvm_cpuid_entry2 *entry;
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { { .nent = 256 }, { { 0 } } };
	uint64_t data;

	MUST(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
	for (entry = cpuid.head.entries; entry < cpuid.head.entries + cpuid.head.nent; entry++)
		if (entry->function == 1)
			entry->ecx |= 1u << 21;
	MUST(m.vcpu[0], KVM_SET_CPUID2, &cpuid);
	check(host_set(&m, 0x1b, 0xfee00d00), "x2APIC mode");
	deny(&m, MSR_X2APIC_VERSION, BOTH);
	check_equal(guest_read(&m, MSR_X2APIC_VERSION, &data), DONE, "RDMSR");
	check_equal(data & 0xff, 0x14, "the version");
	free_machine(&m);
}

/* ---- exits ---- */

static void check_exit(const struct machine *m, int got, int want, uint32_t index, uint32_t reason)
{
	check_equal(-got, want, "exit reason");
	check_equal(m->run[0]->msr.index, index, "msr.index");
	check_equal(m->run[0]->msr.reason, reason, "msr.reason");
	check_equal(m->run[0]->msr.error, 0, "msr.error");
}

static void test_filtered_exits(void)
{
	struct machine m = msr_machine(false);
	struct kvm_run *run = m.run[0];
	uint64_t data;

	check(extension(KVM_CAP_X86_USER_SPACE_MSR) == 1, "KVM_CAP_X86_USER_SPACE_MSR");
	check(enable_refused(m.vm, KVM_CAP_X86_USER_SPACE_MSR, 0x100), "an unknown reason");
	enable(m.vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER);
	deny(&m, MSR_KERNEL_GS_BASE, BOTH);

	check_exit(&m, guest_read(&m, MSR_KERNEL_GS_BASE, &data), KVM_EXIT_X86_RDMSR,
		   MSR_KERNEL_GS_BASE, KVM_MSR_EXIT_REASON_FILTER);
	check_equal(get_regs(&m, 0).rip, CODE + READ, "RIP while userspace reads");
	run->msr.data = 0x123456789abcdef0;
	check_equal(go(&m), DONE, "RDMSR goes on");
	check_equal(get_regs(&m, 0).rax, 0x9abcdef0, "EAX");
	check_equal(get_regs(&m, 0).rdx, 0x12345678, "EDX");

	check_exit(&m, guest_write(&m, MSR_KERNEL_GS_BASE, 0xfedcba9876543210), KVM_EXIT_X86_WRMSR,
		   MSR_KERNEL_GS_BASE, KVM_MSR_EXIT_REASON_FILTER);
	check_equal(run->msr.data, 0xfedcba9876543210, "msr.data");
	check_equal(go(&m), DONE, "WRMSR goes on");
	check_equal(must_get(&m, MSR_KERNEL_GS_BASE), 0, "it did not reach the MSR");

	guest_read(&m, MSR_KERNEL_GS_BASE, &data);
	run->msr.error = 1;
	check_equal(go(&m), GP, "userspace refuses RDMSR");
	guest_write(&m, MSR_KERNEL_GS_BASE, 0);
	run->msr.error = 1;
	check_equal(go(&m), GP, "userspace refuses WRMSR");
	check_equal(guest_read(&m, MSR_NOT_THERE, &data), GP, "not asked for: unknown");
	check_equal(guest_write(&m, MSR_PAT, 0x2), GP, "not asked for: invalid");
	free_machine(&m);
}

static void test_unknown_and_invalid_exit(void)
{
	struct machine m = msr_machine(false);
	uint64_t data;

	enable(m.vm, KVM_CAP_X86_USER_SPACE_MSR,
	       KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL);
	check_exit(&m, guest_read(&m, MSR_NOT_THERE, &data), KVM_EXIT_X86_RDMSR, MSR_NOT_THERE,
		   KVM_MSR_EXIT_REASON_UNKNOWN);
	m.run[0]->msr.data = 7;
	check_equal(go(&m), DONE, "RDMSR goes on");
	check_equal(get_regs(&m, 0).rax, 7, "EAX");
	check_exit(&m, guest_write(&m, MSR_NOT_THERE, 5), KVM_EXIT_X86_WRMSR, MSR_NOT_THERE,
		   KVM_MSR_EXIT_REASON_UNKNOWN);
	check_equal(m.run[0]->msr.data, 5, "msr.data");
	check_equal(go(&m), DONE, "WRMSR goes on");
	/* A memory type that does not exist */
	check_exit(&m, guest_write(&m, MSR_PAT, 0x2), KVM_EXIT_X86_WRMSR, MSR_PAT,
		   KVM_MSR_EXIT_REASON_INVAL);
	m.run[0]->msr.error = 1;
	check_equal(go(&m), GP, "userspace agrees");
	deny(&m, MSR_PAT, BOTH);
	check_equal(guest_read(&m, MSR_PAT, &data), GP, "not asked for: filtered");
	free_machine(&m);
}

/* ---- attributes ---- */

static int attribute(int fd, unsigned long request, uint32_t group, uint64_t attr, void *value)
{
	struct kvm_device_attr device = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return ioctl(fd, request, &device) < 0 ? -errno : 0;
}

static void test_node_attributes(void)
{
	uint64_t xcr0 = 0;

	check(extension(KVM_CAP_SYS_ATTRIBUTES) == 1, "KVM_CAP_SYS_ATTRIBUTES");
	check_equal(attribute(kvm, KVM_HAS_DEVICE_ATTR, 0, KVM_X86_XCOMP_GUEST_SUPP, NULL), 0,
		    "KVM_X86_XCOMP_GUEST_SUPP is there");
	check_equal(attribute(kvm, KVM_GET_DEVICE_ATTR, 0, KVM_X86_XCOMP_GUEST_SUPP, &xcr0), 0,
		    "and can be read");
	check(xcr0 == 0 || (xcr0 & 3) == 3, "x87 and SSE, where there is XSAVE");
	check_equal(-attribute(kvm, KVM_GET_DEVICE_ATTR, 0, KVM_X86_XCOMP_GUEST_SUPP, NULL), EFAULT,
		    "to nowhere");
	check_equal(-attribute(kvm, KVM_HAS_DEVICE_ATTR, 1, KVM_X86_XCOMP_GUEST_SUPP, NULL), ENXIO,
		    "another group");
	check_equal(-attribute(kvm, KVM_GET_DEVICE_ATTR, 0, 77, &xcr0), ENXIO, "another attribute");
}

static void test_tsc_offset(void)
{
	struct machine m = msr_machine(false);
	uint64_t offset = 1ull << 50, got = 0, tsc;

	check(extension(KVM_CAP_VCPU_ATTRIBUTES) == 1, "KVM_CAP_VCPU_ATTRIBUTES");
	check_equal(attribute(m.vcpu[0], KVM_HAS_DEVICE_ATTR, KVM_VCPU_TSC_CTRL,
			      KVM_VCPU_TSC_OFFSET, NULL),
		    0, "KVM_VCPU_TSC_OFFSET is there");
	check_equal(attribute(m.vcpu[0], KVM_SET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL,
			      KVM_VCPU_TSC_OFFSET, &offset),
		    0, "and can be set");
	check_equal(attribute(m.vcpu[0], KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL,
			      KVM_VCPU_TSC_OFFSET, &got),
		    0, "and read");
	check_equal(got, offset, "as it was set");
	check_equal(guest_read(&m, MSR_TSC, &tsc), DONE, "RDMSR of IA32_TSC");
	check_equal(tsc >> 50, 1, "the guest's TSC, upper bits");
	check_equal(-attribute(m.vcpu[0], KVM_HAS_DEVICE_ATTR, 5, 0, NULL), ENXIO, "another group");
	check_equal(-attribute(m.vcpu[0], KVM_HAS_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, 5, NULL), ENXIO,
		    "another attribute");
	check_equal(-attribute(m.vcpu[0], KVM_SET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL,
			       KVM_VCPU_TSC_OFFSET, NULL),
		    EFAULT, "from nowhere");
	free_machine(&m);
}

/* ---- machine checks ---- */

static void set_mce(const struct machine *m, bool on)
{
	struct kvm_sregs sregs;

	MUST(m->vcpu[0], KVM_GET_SREGS, &sregs);
	sregs.cr4 = on ? sregs.cr4 | 0x40 : sregs.cr4 & ~0x40ull;
	MUST(m->vcpu[0], KVM_SET_SREGS, &sregs);
}

static bool setup_refused(const struct machine *m, uint64_t cap)
{
	return ioctl(m->vcpu[0], KVM_X86_SETUP_MCE, &cap) < 0 && errno == EINVAL;
}

static struct machine mce_machine(void)
{
	struct machine m = msr_machine(false);
	uint64_t cap = MCG_CTL_P | 10;

	MUST(m.vcpu[0], KVM_X86_SETUP_MCE, &cap);
	set_mce(&m, true);
	aim(&m, LOOP, 0, 0);
	return m;
}

static void test_mce_setup(void)
{
	struct machine m = msr_machine(false);
	uint64_t supported = 0, cap;

	check_equal(extension(KVM_CAP_MCE), 32, "KVM_CAP_MCE");
	MUST(kvm, KVM_X86_GET_MCE_CAP_SUPPORTED, &supported);
	check(supported & MCG_CTL_P, "MCG_CTL is supported");
	check(setup_refused(&m, MCG_CTL_P), "no bank");
	check(setup_refused(&m, MCG_CTL_P | 33), "33 banks");
	check(setup_refused(&m, 1ull << 63 | 10), "an unknown capability");
	cap = supported | 32;
	check(!ioctl(m.vcpu[0], KVM_X86_SETUP_MCE, &cap), "all that is supported");
	/* AMD has only these bits. */
	check_equal(must_get(&m, MSR_MCG_CAP) & 0x1ff, cap & 0x1ff, "IA32_MCG_CAP");
	check_equal(must_get(&m, MSR_MCG_CTL), ~0ull, "IA32_MCG_CTL");
	check_equal(must_get(&m, MSR_MC0_CTL + 4 * 31), ~0ull, "IA32_MC31_CTL");
	free_machine(&m);
}

static void test_mce_banks_are_kept(void)
{
	struct machine m = mce_machine();
	uint64_t data;

	check(host_set(&m, MSR_MC0_CTL + 4 * 9 + 1, 0x1234), "userspace sets a status");
	check_equal(guest_read(&m, MSR_MC0_CTL + 4 * 9 + 1, &data), DONE, "the guest reads it");
	check_equal(data, 0x1234, "IA32_MC9_STATUS");
	check_equal(guest_write(&m, MSR_MC0_CTL + 4 * 9 + 1, 1), GP, "it may only clear it");
	check_equal(guest_write(&m, MSR_MC0_CTL + 4 * 9 + 1, 0), DONE, "and does");
	check_equal(guest_write(&m, MSR_MC0_CTL + 4 * 9 + 2, 0x77), DONE, "the address");
	check_equal(must_get(&m, MSR_MC0_CTL + 4 * 9 + 2), 0x77, "IA32_MC9_ADDR");
	check_equal(guest_read(&m, MSR_MC0_CTL + 4 * 10, &data), GP, "there is no bank 10");
	check_equal(guest_write(&m, MSR_MCG_CTL, 1), GP, "MCG_CTL is all ones or 0");
	free_machine(&m);
}

static void test_uncorrected_error_is_mc(void)
{
	struct machine m = mce_machine();
	struct kvm_x86_mce mce = { .status = MC_VAL | MC_UC | 0x134,
				   .addr = 0x5000,
				   .misc = 0x8c,
				   .mcg_status = 5,
				   .bank = 3 };

	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(go(&m), MC, "#MC");
	check_equal(must_get(&m, MSR_MC0_CTL + 13), mce.status, "IA32_MC3_STATUS");
	check_equal(must_get(&m, MSR_MC0_CTL + 14), 0x5000, "IA32_MC3_ADDR");
	check_equal(must_get(&m, MSR_MC0_CTL + 15), 0x8c, "IA32_MC3_MISC");
	check_equal(must_get(&m, MSR_MCG_STATUS), 5, "IA32_MCG_STATUS");
	/* MCIP is set: a second machine check is a shutdown. */
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(-go(&m), KVM_EXIT_SHUTDOWN, "while one is being handled");
	free_machine(&m);
}

static void test_mc_needs_cr4_mce(void)
{
	struct machine m = mce_machine();
	struct kvm_x86_mce mce = { .status = MC_VAL | MC_UC, .mcg_status = 4, .bank = 0 };

	set_mce(&m, false);
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(-go(&m), KVM_EXIT_SHUTDOWN, "CR4.MCE is clear");
	free_machine(&m);
}

static void test_disabled_error_is_dropped(void)
{
	struct machine m = mce_machine();
	struct kvm_x86_mce mce = { .status = MC_VAL | MC_UC, .mcg_status = 4, .bank = 2 };

	/* Set registers first, which drops a pending exception. */
	aim(&m, NOTHING, 0, 0);
	check(host_set(&m, MSR_MC0_CTL + 8, 0), "IA32_MC2_CTL");
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(must_get(&m, MSR_MC0_CTL + 9), 0, "its bank is disabled");
	mce.bank = 1;
	check(host_set(&m, MSR_MCG_CTL, 0), "IA32_MCG_CTL");
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(must_get(&m, MSR_MC0_CTL + 5), 0, "all are disabled");
	check_equal(go(&m), DONE, "no #MC");
	free_machine(&m);
}

static void test_corrected_error_is_recorded(void)
{
	struct machine m = mce_machine();
	struct kvm_x86_mce mce = { .status = MC_VAL | 1, .addr = 0x1000, .bank = 1 };

	aim(&m, NOTHING, 0, 0);
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(go(&m), DONE, "no #MC");
	check_equal(must_get(&m, MSR_MC0_CTL + 5), MC_VAL | 1, "its status");
	mce.addr = 0x2000;
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(must_get(&m, MSR_MC0_CTL + 5), MC_VAL | MC_OVER | 1, "a second one");
	check_equal(must_get(&m, MSR_MC0_CTL + 6), 0x2000, "replaces the address");
	check(host_set(&m, MSR_MC0_CTL + 5, MC_VAL | MC_UC | 9), "an uncorrected one");
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(must_get(&m, MSR_MC0_CTL + 5), MC_VAL | MC_OVER | MC_UC | 9, "stays");
	free_machine(&m);
}

/* UCNA (SDM 3B 16.6.3) raises no #MC, as a handler could do nothing. */
static void test_error_without_action_is_recorded(void)
{
	struct machine m = mce_machine();
	struct kvm_x86_mce mce = { .status = MC_VAL | MC_UC | 0x9f, .addr = 0x3000, .bank = 1 };

	/* Set registers first, which drops a pending exception. */
	aim(&m, NOTHING, 0, 0);
	MUST(m.vcpu[0], KVM_X86_SET_MCE, &mce);
	check_equal(go(&m), DONE, "no #MC");
	check_equal(must_get(&m, MSR_MC0_CTL + 5), mce.status, "its status");
	check_equal(must_get(&m, MSR_MC0_CTL + 6), 0x3000, "its address");
	free_machine(&m);
}

static void test_bad_mce(void)
{
	struct machine m = mce_machine();
	struct kvm_x86_mce mce = { .status = MC_VAL, .bank = 10 };

	check(ioctl(m.vcpu[0], KVM_X86_SET_MCE, &mce) < 0 && errno == EINVAL, "no such bank");
	mce.bank = 0;
	mce.status = MC_UC;
	check(ioctl(m.vcpu[0], KVM_X86_SET_MCE, &mce) < 0 && errno == EINVAL, "not valid");
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(listed_msrs_can_be_read),
	TEST(listed_msrs_can_be_restored),
	TEST(listed_features_can_be_read),
	TEST(short_list_tells_its_length),
	TEST(platform_info_can_be_hidden),
	TEST(pv_msrs_follow_cpuid),
	TEST(bad_filters),
	TEST(filtered_is_gp),
	TEST(default_deny),
	TEST(first_range_counts),
	TEST(direct_msrs_are_filtered),
	TEST(x2apic_is_not_filtered),
	TEST(filtered_exits),
	TEST(unknown_and_invalid_exit),
	TEST(node_attributes),
	TEST(tsc_offset),
	TEST(mce_setup),
	TEST(mce_banks_are_kept),
	TEST(uncorrected_error_is_mc),
	TEST(mc_needs_cr4_mce),
	TEST(disabled_error_is_dropped),
	TEST(corrected_error_is_recorded),
	TEST(error_without_action_is_recorded),
	TEST(bad_mce),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
