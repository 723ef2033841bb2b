// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's own features in the raw KVM ABI: steal time and the byte between vCPUs that goes with
 * it, kvmclock's pairs, hypercalls, and vCPUs that idle without an exit. KTAP on stdout.
 *
 *	pv [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <pthread.h>
#include <stddef.h>
#include <linux/kvm_para.h>

#include "pvclock.h"
#include "rawvm.h"

/*
 * At 0 a hypercall, at 16 HLT, at 32 a byte and at 48 a word from (%ebx) to EAX, at 64
 * RDMSR and at 80 WRMSR of ECX, at 112 a loop that counts in (%ebx) until 4(%ebx) is set
 * and ends with a byte from (%ecx) to EAX; at 144 and 160 handlers of interrupts: the
 * first clears the bit of PV EOI at (%edi) and has in EAX whether it was set, the other
 * takes the word there to EAX. All end at port 0x50, and #GP at 0x60.
 */
GUEST_CODE(pv_code, "vmcall\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 16\n"
		    "hlt\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 32\n"
		    "movzbl (%ebx), %eax\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 48\n"
		    "mov (%ebx), %eax\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 64\n"
		    "rdmsr\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 80\n"
		    "wrmsr\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 96\n"
		    "out %al, $0x60\n"
		    ".org pv_code + 112\n"
		    "1: incl (%ebx)\n"
		    "cmpl $0, 4(%ebx)\n"
		    "je 1b\n"
		    "movzbl (%ecx), %eax\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 144\n"
		    "xor %eax, %eax\n"
		    "btrl $0, (%edi)\n"
		    "setc %al\n"
		    "out %al, $0x50\n"
		    ".org pv_code + 160\n"
		    "mov (%edi), %eax\n"
		    "out %al, $0x50");

#define CALL (CODE + 0)
#define HLT (CODE + 16)
#define BYTE (CODE + 32)
#define WORD (CODE + 48)
#define RDMSR (CODE + 64)
#define WRMSR (CODE + 80)
#define GP_HANDLER (CODE + 96)
#define SPIN (CODE + 112)
#define ENDS_IRQ (CODE + 144)
#define LEAVES_IRQ (CODE + 160)
#define DONE 0x50
#define GP 0x60

/*
 * A guest that spins has it set: in Bochs' VMX no interrupt of the host ends a guest that has it
 * clear.
 */
#define IF (1 << 9)

/* The steal-time structure, page tables, and the pages that they map in turn. */
#define STEAL 0x7000UL
#define PREEMPTED (STEAL + offsetof(struct kvm_steal_time, preempted))
#define DIRECTORY 0x5000UL
#define TABLE 0x6000UL
#define FIRST 0x9000UL
#define SECOND 0xa000UL
#define WINDOW 0xf000UL
#define COUNTER DATA

#define EOI_WORD (DATA + 64)

#define VECTOR 0x40u
#define LEVEL_GSI 20u
#define LAPIC_SVR 0xf0
#define LAPIC_ISR 0x100
#define LAPIC_IRR 0x200
#define ICR_LOGICAL (1u << 11)
#define ICR_OTHERS (3u << 18)

/*
 * An APIC id in the high bitmap of KVM_HC_SEND_IPI, which begins at id 2 and has 32 bits a
 * register.
 */
#define FAR_ID 40u

static struct machine pv_machine(unsigned int vcpus)
{
	static const struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct machine m = new_machine(vcpus, true, pv_code, pv_code_end);
	unsigned int i;

	set_gate(&m, 13, GP_HANDLER);
	for (i = 1; i < vcpus; i++)
		MUST(m.vcpu[i], KVM_SET_MP_STATE, &runnable);
	return m;
}

/* Run a vCPU until a port or another exit. Return the port, or the exit's number, negative. */
static int go(const struct machine *m, unsigned int i)
{
	int reason = run(m, i);

	return reason == KVM_EXIT_IO ? m->run[i]->io.port : -reason;
}

static int go_from(const struct machine *m, unsigned int i, const struct kvm_regs *regs)
{
	set_regs(m, i, regs);
	return go(m, i);
}

static uint32_t call_nr(const struct machine *m, uint32_t nr, uint32_t a0, uint32_t a1, uint32_t a2,
			uint32_t a3)
{
	struct kvm_regs regs = {
		.rip = CALL, .rax = nr, .rbx = a0, .rcx = a1, .rdx = a2, .rsi = a3
	};

	check_equal(go_from(m, 0, &regs), DONE, "a hypercall");
	return get_regs(m, 0).rax;
}

/* Return the value that the guest reads at an address. */
static uint32_t guest_read(const struct machine *m, uint32_t where, uint32_t address)
{
	struct kvm_regs regs = { .rip = where, .rbx = address };

	check_equal(go_from(m, 0, &regs), DONE, "a load");
	return get_regs(m, 0).rax;
}

/* ---- MSRs and CPUID ---- */

static uint64_t get_msr(int vcpu, uint32_t index)
{
	struct one_msr msr = { { .nmsrs = 1 }, { .index = index } };

	if (ioctl(vcpu, KVM_GET_MSRS, &msr) != 1)
		complain("KVM_GET_MSRS refuses MSR %#x", index);
	return msr.entry.data;
}

static uint64_t host_get(const struct machine *m, uint32_t index)
{
	return get_msr(m->vcpu[0], index);
}

static int guest_write_msr(const struct machine *m, uint32_t index, uint64_t data)
{
	struct kvm_regs regs = {
		.rip = WRMSR, .rcx = index, .rax = (uint32_t)data, .rdx = data >> 32
	};

	return go_from(m, 0, &regs);
}

static void set_steal_time(const struct machine *m, uint64_t gpa)
{
	check(host_set(m, MSR_KVM_STEAL_TIME, gpa | KVM_MSR_ENABLED), "MSR_KVM_STEAL_TIME");
}

static uint32_t supported_features(void)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid = { .head = { .nent = 256 } };
	uint32_t i;

	MUST(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == KVM_CPUID_FEATURES)
			return cpuid.entry[i].eax;
	return 0;
}

static void enforce_features(const struct machine *m, uint32_t features)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[2];
	} cpuid = {
		.head = { .nent = 2 },
		.entry = { { .function = KVM_CPUID_SIGNATURE, .eax = KVM_CPUID_FEATURES },
			   { .function = KVM_CPUID_FEATURES, .eax = features } },
	};
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = { 1 } };

	memcpy(&cpuid.entry[0].ebx, KVM_SIGNATURE, 12);
	MUST(m->vcpu[0], KVM_SET_CPUID2, &cpuid);
	MUST(m->vcpu[0], KVM_ENABLE_CAP, &cap);
}

static void test_features(void)
{
	static const uint32_t features[] = { KVM_FEATURE_STEAL_TIME,	KVM_FEATURE_PV_EOI,
					     KVM_FEATURE_PV_UNHALT,	KVM_FEATURE_PV_TLB_FLUSH,
					     KVM_FEATURE_PV_SEND_IPI,	KVM_FEATURE_POLL_CONTROL,
					     KVM_FEATURE_PV_SCHED_YIELD };
	uint32_t supported = supported_features();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (!(supported & 1u << features[i]))
			complain("feature %u is not supported", features[i]);
}

/* Each feature works for a guest that has it in CPUID, and is absent for one that does not. */
static void test_features_are_enforced(void)
{
	static const struct {
		uint32_t nr;
		uint32_t feature;
	} calls[] = {
		{ KVM_HC_KICK_CPU, KVM_FEATURE_PV_UNHALT },
		{ KVM_HC_SEND_IPI, KVM_FEATURE_PV_SEND_IPI },
		{ KVM_HC_SCHED_YIELD, KVM_FEATURE_PV_SCHED_YIELD },
	};
	struct machine m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		m = pv_machine(1);
		enforce_features(&m, 1u << calls[i].feature);
		check_equal(call_nr(&m, calls[i].nr, 0, 0, 0, VECTOR), 0, "in CPUID");
		free_machine(&m);
		m = pv_machine(1);
		enforce_features(&m, ~(1u << calls[i].feature));
		check_equal(call_nr(&m, calls[i].nr, 0, 0, 0, VECTOR), -(uint32_t)KVM_ENOSYS,
			    "not in CPUID");
		free_machine(&m);
	}
	m = pv_machine(1);
	enforce_features(&m, 1u << KVM_FEATURE_STEAL_TIME);
	check_equal(guest_write_msr(&m, MSR_KVM_STEAL_TIME, STEAL | 1), DONE, "in CPUID");
	free_machine(&m);
	m = pv_machine(1);
	enforce_features(&m, ~(1u << KVM_FEATURE_STEAL_TIME));
	check_equal(guest_write_msr(&m, MSR_KVM_STEAL_TIME, STEAL | 1), GP, "not in CPUID");
	check(!host_set(&m, MSR_KVM_STEAL_TIME, STEAL | 1), "for userspace neither");
	free_machine(&m);
}

static void test_steal_time_msr(void)
{
	struct machine m = pv_machine(1);

	check_equal(host_get(&m, MSR_KVM_STEAL_TIME), 0, "at first");
	check_equal(guest_write_msr(&m, MSR_KVM_STEAL_TIME, STEAL | 1), DONE, "WRMSR");
	check_equal(host_get(&m, MSR_KVM_STEAL_TIME), STEAL | 1, "what the guest wrote");
	check_equal(guest_write_msr(&m, MSR_KVM_STEAL_TIME, STEAL | 0x20 | 1), GP, "not aligned");
	check_equal(guest_write_msr(&m, MSR_KVM_STEAL_TIME, STEAL | 2), GP, "a reserved bit");
	check(!host_set(&m, MSR_KVM_STEAL_TIME, STEAL | 2), "by userspace");
	check_equal(host_get(&m, MSR_KVM_STEAL_TIME), STEAL | 1, "after what was refused");
	check(host_set(&m, MSR_KVM_STEAL_TIME, 0x123456789000), "in no memory, not enabled");
	check_equal(host_get(&m, MSR_KVM_STEAL_TIME), 0x123456789000, "what userspace wrote");
	free_machine(&m);
}

/* ---- the time ---- */

static volatile bool hog_stop;

static void *hog(void *unused)
{
	(void)unused;
	while (!hog_stop)
		;
	return NULL;
}

/* Return how long this thread has waited for a CPU, in ns. */
static uint64_t run_delay(void)
{
	unsigned long long ran, waited;
	FILE *file = fopen("/proc/thread-self/schedstat", "r");

	if (!file || fscanf(file, "%llu %llu", &ran, &waited) != 2)
		die("/proc/thread-self/schedstat");
	fclose(file);
	return waited;
}

/* Let another thread use the CPU until this one has waited for a while. */
static uint64_t wait_for_cpu(void)
{
	uint64_t start = run_delay();
	pthread_t thread;

	hog_stop = false;
	if (pthread_create(&thread, NULL, hog, NULL))
		die("pthread_create");
	while (run_delay() - start < 10000000)
		sched_yield();
	hog_stop = true;
	pthread_join(thread, NULL);
	return run_delay() - start;
}

/* Stay on this CPU, and with it the threads that are made from here on. */
static cpu_set_t stay_here(void)
{
	cpu_set_t old, here;

	sched_getaffinity(0, sizeof(old), &old);
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		die("sched_setaffinity");
	return old;
}

static void test_time_is_counted(void)
{
	struct machine m = pv_machine(1);
	struct kvm_steal_time *st = (void *)(m.ram + STEAL);
	cpu_set_t cpus = stay_here();
	uint64_t before, waited;
	uint32_t version;

	set_steal_time(&m, STEAL);
	check_equal(guest_read(&m, BYTE, PREEMPTED), 0, "preempted");
	before = st->steal;
	version = st->version;
	check(before <= run_delay(), "no more is stolen than the thread has waited");
	check(!(version & 1), "the version is even");
	waited = wait_for_cpu();
	check_equal(guest_read(&m, BYTE, PREEMPTED), 0, "preempted");
	check(st->steal - before >= waited, "what was waited is stolen");
	check(st->steal <= run_delay(), "and no more");
	check(!(st->version & 1) && (int32_t)(st->version - version) > 0,
	      "the version is the next");
	check_equal(st->flags, 0, "flags");

	/* The guest's memory may have any content, as after a migration. */
	before = 1ull << 40;
	st->steal = before;
	st->version = 7;
	waited = wait_for_cpu();
	guest_read(&m, BYTE, PREEMPTED);
	check(st->steal - before >= waited && st->steal - before < 1ull << 39, "it is added");
	check(!(st->version & 1) && st->version > 7, "the version is even again");

	check(host_set(&m, MSR_KVM_STEAL_TIME, STEAL), "disabled");
	before = st->steal;
	wait_for_cpu();
	guest_read(&m, BYTE, PREEMPTED);
	check_equal(st->steal, before, "nothing more");
	sched_setaffinity(0, sizeof(cpus), &cpus);
	free_machine(&m);
}

/* ---- the byte ---- */

static void *spin(void *machine)
{
	check_equal(go(machine, 0), DONE, "the end of the loop");
	return NULL;
}

/* The vCPU has one CPU, and this thread runs on it, so the vCPU does not run. */
static void test_preempted(void)
{
	struct kvm_regs regs = { .rip = SPIN, .rbx = COUNTER, .rcx = PREEMPTED, .rflags = IF };
	struct machine m = pv_machine(1);
	volatile uint8_t *byte = m.ram + PREEMPTED;
	cpu_set_t cpus = stay_here();
	pthread_t thread;
	uint8_t seen;

	set_steal_time(&m, STEAL);
	set_regs(&m, 0, &regs);
	if (pthread_create(&thread, NULL, spin, &m))
		die("pthread_create");
	/* The vCPU may be stopped even before its first instruction. */
	do {
		sched_yield();
		seen = *byte;
	} while (!seen || !peek(ram_u32(&m, COUNTER)));
	check_equal(seen, KVM_VCPU_PREEMPTED, "while the vCPU does not run");
	*byte |= KVM_VCPU_FLUSH_TLB;
	*ram_u32(&m, COUNTER + 4) = 1;
	pthread_join(thread, NULL);
	check_equal((uint32_t)get_regs(&m, 0).rax, 0, "while it does");
	check_equal(*byte, 0, "and when it is in userspace");
	sched_setaffinity(0, sizeof(cpus), &cpus);
	free_machine(&m);
}

/* A context switch cannot wait for the page. */
static void test_preempted_without_memory(void)
{
	const uint64_t gpa = 0x100000;
	struct kvm_regs regs = { .rip = SPIN, .rbx = COUNTER, .rcx = PREEMPTED, .rflags = IF };
	struct machine m = pv_machine(1);
	uint8_t *memory = map_memory(PAGE);
	volatile uint8_t *byte = memory + PREEMPTED - STEAL;
	cpu_set_t cpus = stay_here();
	pthread_t thread;
	unsigned int i;

	must_set_slot(&m, 1, 0, gpa, PAGE, memory);
	set_steal_time(&m, gpa);
	set_regs(&m, 0, &regs);
	if (pthread_create(&thread, NULL, spin, &m))
		die("pthread_create");
	while (!*byte)
		sched_yield();
	/* The vCPU may run, and be stopped again, before its memory is read-only. */
	do {
		if (mprotect(memory, PAGE, PROT_READ | PROT_WRITE))
			die("mprotect");
		*byte = 0;
		if (mprotect(memory, PAGE, PROT_READ))
			die("mprotect");
	} while (*byte);
	for (i = 0; i < 10; i++) {
		uint32_t count = peek(ram_u32(&m, COUNTER));

		while (peek(ram_u32(&m, COUNTER)) == count)
			sched_yield();
	}
	check_equal(*byte, 0, "it cannot be written");
	poke(ram_u32(&m, COUNTER + 4), 1);
	pthread_join(thread, NULL);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	free_machine(&m);
	munmap(memory, PAGE);
}

/* Do what KVM_SET_MSRS does on another machine, with the memory of this one. */
static void test_byte_of_another_host(void)
{
	struct machine m = pv_machine(1);

	m.ram[PREEMPTED] = KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB;
	set_steal_time(&m, STEAL);
	check_equal(guest_read(&m, BYTE, PREEMPTED), 0, "the vCPU runs here");
	free_machine(&m);
}

static void set_paging(const struct machine *m)
{
	struct kvm_sregs sregs;
	uint32_t i;

	*ram_u32(m, DIRECTORY) = TABLE | 3;
	for (i = 0; i < RAM_SIZE / PAGE; i++)
		*ram_u32(m, TABLE + 4 * i) = i * PAGE | 3;
	MUST(m->vcpu[0], KVM_GET_SREGS, &sregs);
	sregs.cr3 = DIRECTORY;
	sregs.cr0 |= 1u << 31;
	MUST(m->vcpu[0], KVM_SET_SREGS, &sregs);
}

static void test_flush(void)
{
	struct machine m = pv_machine(1);
	unsigned int i;

	set_paging(&m);
	set_steal_time(&m, STEAL);
	*ram_u32(&m, FIRST) = 1;
	*ram_u32(&m, SECOND) = 2;
	for (i = 0; i < 20; i++) {
		/* Ask for a flush as another vCPU would to save the IPI. */
		poke(ram_u32(&m, TABLE + 4 * (WINDOW / PAGE)), (i & 1 ? SECOND : FIRST) | 3);
		m.ram[PREEMPTED] |= i ? KVM_VCPU_FLUSH_TLB : 0;
		check_equal(guest_read(&m, WORD, WINDOW), 1 + (i & 1), "the new translation");
	}
	free_machine(&m);
}

static void test_memory_comes_back(void)
{
	const uint64_t gpa = 0x100000;
	struct machine m = pv_machine(1);
	uint8_t *memory = map_memory(PAGE);
	uint8_t *byte = memory + offsetof(struct kvm_steal_time, preempted);

	set_steal_time(&m, gpa);
	guest_read(&m, BYTE, PREEMPTED);
	*byte = KVM_VCPU_PREEMPTED;
	must_set_slot(&m, 1, 0, gpa, PAGE, memory);
	check_equal(guest_read(&m, BYTE, gpa + PREEMPTED - STEAL), 0, "memory that is new");
	must_set_slot(&m, 1, 0, gpa, 0, memory);
	guest_read(&m, BYTE, PREEMPTED);
	*byte = KVM_VCPU_PREEMPTED;
	must_set_slot(&m, 1, 0, gpa, PAGE, memory);
	check_equal(guest_read(&m, BYTE, gpa + PREEMPTED - STEAL), 0, "memory that is back");
	must_set_slot(&m, 1, 0, gpa, 0, memory);
	must_set_slot(&m, 1, KVM_MEM_READONLY, gpa, PAGE, memory);
	*byte = 0x55;
	check_equal(guest_read(&m, BYTE, gpa + PREEMPTED - STEAL), 0x55,
		    "memory that is read-only");
	free_machine(&m);
	munmap(memory, PAGE);
}

/* Userspace has unmapped the memory, or made it read-only: the guest continues. */
static void test_memory_is_not_there(void)
{
	const uint64_t gpa = 0x100000;
	struct machine m = pv_machine(1);
	uint8_t *memory = map_memory(PAGE);

	must_set_slot(&m, 1, 0, gpa, PAGE, memory);
	set_steal_time(&m, gpa);
	guest_read(&m, BYTE, PREEMPTED);
	if (mprotect(memory, PAGE, PROT_READ))
		die("mprotect");
	guest_read(&m, BYTE, PREEMPTED);
	guest_read(&m, BYTE, PREEMPTED);
	munmap(memory, PAGE);
	guest_read(&m, BYTE, PREEMPTED);
	guest_read(&m, BYTE, PREEMPTED);
	free_machine(&m);
}

static void test_writes_are_logged(void)
{
	const uint64_t gpa = 0x100000;
	struct machine m = pv_machine(1);
	uint8_t *memory = map_memory(2 * PAGE);
	uint64_t bitmap = 0;
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = &bitmap };
	unsigned int i;

	must_set_slot(&m, 1, KVM_MEM_LOG_DIRTY_PAGES, gpa, 2 * PAGE, memory);
	set_steal_time(&m, gpa + PAGE);
	for (i = 0; i < 3; i++) {
		memory[PAGE + PREEMPTED - STEAL] = KVM_VCPU_PREEMPTED;
		guest_read(&m, BYTE, PREEMPTED);
		MUST(m.vm, KVM_GET_DIRTY_LOG, &log);
		check_equal(bitmap, 2, "the vCPU runs");
		MUST(m.vm, KVM_GET_DIRTY_LOG, &log);
		check_equal(bitmap, 0, "that was all");
	}
	free_machine(&m);
	munmap(memory, 2 * PAGE);
}

/* ---- kvmclock ---- */

/*
 * The tests set the clock to NEW_TIME. A pair may have the time of a moment before that, but at
 * least LEAST_TIME: a pair of the old clock has much less.
 */
#define NEW_TIME 1000000000000ull
#define LEAST_TIME (NEW_TIME / 2)

static void set_kvmclock(const struct machine *m, uint64_t gpa)
{
	check(host_set(m, MSR_KVM_SYSTEM_TIME_NEW, gpa | KVM_MSR_ENABLED),
	      "MSR_KVM_SYSTEM_TIME_NEW");
}

static void set_clock(const struct machine *m)
{
	static const struct kvm_clock_data data = { .clock = NEW_TIME };

	MUST(m->vm, KVM_SET_CLOCK, &data);
}

/*
 * A reader that was stopped halfway, before a migration, must find another version: a new vCPU
 * counts on from the number in memory.
 */
static void test_kvmclock_version_grows(void)
{
	struct machine m = pv_machine(1);
	volatile struct time_info *info = (void *)(m.ram + STEAL);

	info->version = 1000;
	set_kvmclock(&m, STEAL);
	guest_read(&m, BYTE, STEAL);
	check(info->version > 1000 && !(info->version & 1), "more than 1000, and even");
	info->version = 41;
	set_clock(&m);
	guest_read(&m, BYTE, STEAL);
	check(info->version > 41 && !(info->version & 1), "more than 41, and even");
	check(info->system_time >= LEAST_TIME, "the new time");
	free_machine(&m);
}

/* The in-tree KVM publishes a pair that found no memory never again. */
static void test_kvmclock_memory_comes_back(void)
{
	const uint64_t gpa = 0x100000;
	struct machine m = pv_machine(1);
	uint8_t *memory = map_memory(PAGE);
	volatile struct time_info *info = (void *)memory;
	struct kvm_regs regs = { .rip = SPIN, .rbx = COUNTER, .rcx = COUNTER, .rflags = IF };
	pthread_t thread;
	uint32_t count;

	if (!on_oriel()) {
		skipped = "only Oriel publishes it";
		goto out;
	}
	must_set_slot(&m, 1, 0, gpa, PAGE, memory);
	set_kvmclock(&m, gpa);
	guest_read(&m, BYTE, STEAL);
	check(info->version, "there is a pair");
	must_set_slot(&m, 1, 0, gpa, 0, memory);
	set_clock(&m);
	set_regs(&m, 0, &regs);
	if (pthread_create(&thread, NULL, spin, &m))
		die("pthread_create");
	/* The vCPU runs, and does not return to userspace. */
	while (!peek(ram_u32(&m, COUNTER)))
		sched_yield();
	check(info->system_time < LEAST_TIME, "the old time");
	must_set_slot(&m, 1, 0, gpa, PAGE, memory);
	/* A request is served before the guest runs on. */
	count = peek(ram_u32(&m, COUNTER));
	while (info->system_time < LEAST_TIME && peek(ram_u32(&m, COUNTER)) - count < 1000000)
		sched_yield();
	check(info->system_time >= LEAST_TIME, "the new time");
	poke(ram_u32(&m, COUNTER + 4), 1);
	pthread_join(thread, NULL);
out:
	free_machine(&m);
	munmap(memory, PAGE);
}

/* ---- kicks ---- */

static void enable_lapic(int vcpu)
{
	struct kvm_lapic_state lapic;

	MUST(vcpu, KVM_GET_LAPIC, &lapic);
	lapic.regs[LAPIC_SVR] = 0xff;
	lapic.regs[LAPIC_SVR + 1] = 1;
	MUST(vcpu, KVM_SET_LAPIC, &lapic);
}

/* The in-tree KVM finds only vCPUs whose APIC was enabled before. */
static struct machine kick_machine(void)
{
	struct machine m = pv_machine(2);

	enable_lapic(m.vcpu[1]);
	return m;
}

static uint32_t kick(const struct machine *m, uint32_t id)
{
	return call_nr(m, KVM_HC_KICK_CPU, 0, id, 0, 0);
}

/* The second vCPU is about to halt with interrupts disabled. */
static void aim_at_hlt(const struct machine *m)
{
	const struct kvm_regs regs = { .rip = HLT };

	set_regs(m, 1, &regs);
}

static void *halt(void *machine)
{
	check_equal(go(machine, 1), DONE, "HLT that was kicked");
	return NULL;
}

static void test_kick_wakes(void)
{
	struct machine m = kick_machine();
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		aim_at_hlt(&m);
		if (pthread_create(&thread, NULL, halt, &m))
			die("pthread_create");
		if (i & 1)
			sched_yield();
		check_equal(kick(&m, 1), 0, "KVM_HC_KICK_CPU");
		pthread_join(thread, NULL);
	}
	check_equal(kick(&m, 77), 0, "nobody has this id");
	free_machine(&m);
}

static void test_kick_before_hlt(void)
{
	struct machine m = kick_machine();

	aim_at_hlt(&m);
	kick(&m, 1);
	check_equal(go(&m, 1), DONE, "the next HLT");
	free_machine(&m);
}

static void test_kick_is_in_mp_state(void)
{
	static const struct kvm_mp_state halted = { KVM_MP_STATE_HALTED };
	struct machine m = kick_machine();
	struct kvm_mp_state state;

	aim_at_hlt(&m);
	MUST(m.vcpu[1], KVM_SET_MP_STATE, &halted);
	MUST(m.vcpu[1], KVM_GET_MP_STATE, &state);
	check_equal(state.mp_state, KVM_MP_STATE_HALTED, "before");
	kick(&m, 1);
	MUST(m.vcpu[1], KVM_GET_MP_STATE, &state);
	check_equal(state.mp_state, KVM_MP_STATE_RUNNABLE, "after a kick");
	free_machine(&m);
}

/* The in-tree KVM has no state that saves a kick that came before the vCPU's HLT. */
static void test_kick_survives_migration(void)
{
	static const struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct machine m;

	if (!on_oriel()) {
		skipped = "the in-tree KVM loses it";
		return;
	}
	m = pv_machine(1);
	enforce_features(&m, 1u << KVM_FEATURE_PV_UNHALT);
	MUST(m.vcpu[0], KVM_SET_MP_STATE, &runnable);
	check_equal(go_from(&m, 0, &(struct kvm_regs){ .rip = HLT }), DONE, "the first HLT");
	free_machine(&m);
}

/* ---- INIT ---- */

/* A kernel that is started after a crash does not know the memory that was registered before. */
static void test_init_ends_registrations(void)
{
	static const struct kvm_msi init = { .address_lo = 0xfee01000, .data = 0x500 };
	static const uint32_t msrs[] = { MSR_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME_NEW,
					 MSR_KVM_STEAL_TIME, MSR_KVM_PV_EOI_EN };
	struct machine m = kick_machine();
	struct kvm_mp_state state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		struct one_msr msr = { { .nmsrs = 1 },
				       { .index = msrs[i], .data = STEAL | KVM_MSR_ENABLED } };

		check_equal(ioctl(m.vcpu[1], KVM_SET_MSRS, &msr), 1, "KVM_SET_MSRS");
		check_equal(get_msr(m.vcpu[1], msrs[i]), STEAL | KVM_MSR_ENABLED, "registered");
	}
	check_equal(ioctl(m.vm, KVM_SIGNAL_MSI, &init), 1, "INIT");
	MUST(m.vcpu[1], KVM_GET_MP_STATE, &state);
	check_equal(state.mp_state, KVM_MP_STATE_INIT_RECEIVED, "after INIT");
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		check_equal(get_msr(m.vcpu[1], msrs[i]), 0, "after INIT");
	free_machine(&m);
}

/* ---- IPIs ---- */

static char *vector_byte(struct kvm_lapic_state *lapic, unsigned int base, unsigned int vector)
{
	return &lapic->regs[base + vector / 32 * 16 + vector % 32 / 8];
}

static bool has_vector(int vcpu, unsigned int base, unsigned int vector)
{
	struct kvm_lapic_state lapic;

	MUST(vcpu, KVM_GET_LAPIC, &lapic);
	return *vector_byte(&lapic, base, vector) & 1 << vector % 8;
}

static bool in_service(int vcpu, unsigned int vector)
{
	return has_vector(vcpu, LAPIC_ISR, vector);
}

/* Change the APIC's state as if the guest had ended the interrupt, or never had it. */
static void end_vector(int vcpu, unsigned int vector)
{
	struct kvm_lapic_state lapic;

	MUST(vcpu, KVM_GET_LAPIC, &lapic);
	*vector_byte(&lapic, LAPIC_ISR, vector) &= ~(1 << vector % 8);
	*vector_byte(&lapic, LAPIC_IRR, vector) &= ~(1 << vector % 8);
	MUST(vcpu, KVM_SET_LAPIC, &lapic);
}

/* Return true if VECTOR waited, and drop it. */
static bool take_ipi(int vcpu)
{
	bool pending = has_vector(vcpu, LAPIC_IRR, VECTOR);

	end_vector(vcpu, VECTOR);
	return pending;
}

static void test_send_ipi(void)
{
	struct machine m = pv_machine(2);
	int other = ioctl(m.vm, KVM_CREATE_VCPU, FAR_ID);

	if (other < 0)
		die("KVM_CREATE_VCPU");
	enable_lapic(m.vcpu[0]);
	enable_lapic(m.vcpu[1]);
	enable_lapic(other);
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 2, 0, 0, VECTOR), 1, "to the second");
	check(take_ipi(m.vcpu[1]) && !take_ipi(m.vcpu[0]) && !take_ipi(other), "it alone has it");
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 3, 0, 0, VECTOR), 2, "to the first two");
	check(take_ipi(m.vcpu[0]) && take_ipi(m.vcpu[1]), "they have it");
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 1, 0, 1, VECTOR), 1, "counted from id 1");
	check(take_ipi(m.vcpu[1]) && !take_ipi(m.vcpu[0]), "the second has it");
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 0, 1 << (FAR_ID - 34), 2, VECTOR), 1,
		    "by the second word");
	check(take_ipi(other), "id 40 has it");
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 4, 0, 0, VECTOR), 0, "to nobody");
	/* The in-tree KVM starts at id 0 again. */
	if (on_oriel())
		check_equal(call_nr(&m, KVM_HC_SEND_IPI, ~0u, ~0u, ~0u, VECTOR), 0,
			    "beyond all ids");
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 2, 0, 0, VECTOR | ICR_LOGICAL),
		    -(uint32_t)KVM_EINVAL, "a logical destination");
	check_equal(call_nr(&m, KVM_HC_SEND_IPI, 2, 0, 0, VECTOR | ICR_OTHERS),
		    -(uint32_t)KVM_EINVAL, "a shorthand");
	check(!take_ipi(m.vcpu[0]) && !take_ipi(m.vcpu[1]) && !take_ipi(other), "nobody has it");
	close(other);
	free_machine(&m);
}

static void test_sched_yield(void)
{
	struct machine m = pv_machine(2);

	check_equal(call_nr(&m, KVM_HC_SCHED_YIELD, 1, 0, 0, 0), 0, "to another");
	check_equal(call_nr(&m, KVM_HC_SCHED_YIELD, 0, 0, 0, 0), 0, "to itself");
	check_equal(call_nr(&m, KVM_HC_SCHED_YIELD, 77, 0, 0, 0), 0, "to nobody");
	free_machine(&m);
}

static void test_poll_control(void)
{
	struct machine m = pv_machine(1);

	check_equal(host_get(&m, MSR_KVM_POLL_CONTROL), 1, "at first");
	check_equal(guest_write_msr(&m, MSR_KVM_POLL_CONTROL, 0), DONE, "off");
	check_equal(host_get(&m, MSR_KVM_POLL_CONTROL), 0, "off");
	check_equal(guest_write_msr(&m, MSR_KVM_POLL_CONTROL, 2), GP, "a reserved bit");
	free_machine(&m);
}

/* ---- ends of interrupts ---- */

static struct machine eoi_machine(uint32_t handler)
{
	const struct kvm_regs touch = { .rip = ENDS_IRQ, .rdi = EOI_WORD };
	struct machine m = pv_machine(1);

	enable_lapic(m.vcpu[0]);
	set_gate(&m, VECTOR, handler);
	set_gate(&m, VECTOR + 32, handler);
	check(host_set(&m, MSR_KVM_PV_EOI_EN, EOI_WORD | KVM_MSR_ENABLED), "MSR_KVM_PV_EOI_EN");
	/* Touch the page: else the first access would exit, and an exit ends the offer. */
	check_equal(go_from(&m, 0, &touch), DONE, "the word");
	return m;
}

static void send_msi(const struct machine *m, uint32_t vector)
{
	/* To APIC id 0, edge-triggered (SDM 3A 11.11). */
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = vector };

	MUST(m->vm, KVM_SIGNAL_MSI, &msi);
}

/* Let the guest take an interrupt. Return the value that its handler sees in the word. */
static uint32_t take_irq(const struct machine *m)
{
	const struct kvm_regs regs = { .rip = SPIN, .rbx = COUNTER, .rdi = EOI_WORD, .rflags = IF };

	check_equal(go_from(m, 0, &regs), DONE, "an interrupt");
	return get_regs(m, 0).rax;
}

/*
 * The same for an interrupt that offers an EOI without an exit. If an interrupt of the host
 * comes before the handler looks, the offer ends and the vector stays in service: try again.
 */
static uint32_t take_offered_irq(const struct machine *m, uint32_t vector)
{
	unsigned int tries;

	for (tries = 0; tries < 10000; tries++) {
		uint32_t seen;

		send_msi(m, vector);
		seen = take_irq(m);
		if (seen)
			return seen;
		check(in_service(m->vcpu[0], vector), "no offer, no EOI");
		end_vector(m->vcpu[0], vector);
	}
	return 0;
}

static void test_pv_eoi(void)
{
	struct machine m = eoi_machine(ENDS_IRQ);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		check_equal(take_offered_irq(&m, VECTOR), KVM_PV_EOI_ENABLED, "the offer");
		check(!in_service(m.vcpu[0], VECTOR), "its EOI is done");
		check_equal(*ram_u32(&m, EOI_WORD), 0, "the word");
	}
	check(host_set(&m, MSR_KVM_PV_EOI_EN, EOI_WORD), "disabled");
	send_msi(&m, VECTOR);
	check_equal(take_irq(&m), 0, "no offer");
	check(in_service(m.vcpu[0], VECTOR), "no EOI");
	check_equal(guest_write_msr(&m, MSR_KVM_PV_EOI_EN, EOI_WORD | 2), GP, "a reserved bit");
	check_equal(host_get(&m, MSR_KVM_PV_EOI_EN), EOI_WORD, "what the MSR has");
	free_machine(&m);
}

/* Outside of the guest there is no offer, so no state of it has to be saved. */
static void test_pv_eoi_is_taken_back(void)
{
	struct machine m = eoi_machine(LEAVES_IRQ);

	check_equal(take_offered_irq(&m, VECTOR), KVM_PV_EOI_ENABLED, "the offer");
	check(in_service(m.vcpu[0], VECTOR), "it is still in service");
	check_equal(*ram_u32(&m, EOI_WORD), 0, "the word");
	/* An interrupt of a higher class interrupts the handler. */
	check_equal(take_offered_irq(&m, VECTOR + 32), KVM_PV_EOI_ENABLED, "nested: the offer");
	check(in_service(m.vcpu[0], VECTOR + 32), "it is in service too");
	check(in_service(m.vcpu[0], VECTOR), "as is the first");
	free_machine(&m);
}

/* An EOI ends the highest vector in service, and no other. */
static void test_pv_eoi_of_nested(void)
{
	struct machine m = eoi_machine(ENDS_IRQ);

	set_gate(&m, VECTOR, LEAVES_IRQ);
	check_equal(take_offered_irq(&m, VECTOR), KVM_PV_EOI_ENABLED, "the first's offer");
	check_equal(take_offered_irq(&m, VECTOR + 32), KVM_PV_EOI_ENABLED, "the second's");
	check(!in_service(m.vcpu[0], VECTOR + 32), "its EOI is done");
	check(in_service(m.vcpu[0], VECTOR), "the first's is not");
	free_machine(&m);
}

static void test_no_pv_eoi_while_one_waits(void)
{
	struct machine m = eoi_machine(LEAVES_IRQ);

	send_msi(&m, VECTOR);
	send_msi(&m, VECTOR + 32);
	check_equal(take_irq(&m), 0, "no offer: its EOI lets the other pass");
	check(in_service(m.vcpu[0], VECTOR + 32), "the higher came first");
	free_machine(&m);
}

/* The IOAPIC must see the end of a level-triggered interrupt. */
static void test_no_pv_eoi_of_level(void)
{
	struct machine m = eoi_machine(ENDS_IRQ);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_irq_level line = { .irq = LEVEL_GSI, .level = 1 };

	MUST(m.vm, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.redirtbl[LEVEL_GSI].bits = VECTOR | 1 << 15;
	MUST(m.vm, KVM_SET_IRQCHIP, &chip);
	MUST(m.vm, KVM_IRQ_LINE, &line);
	check_equal(take_irq(&m), 0, "no offer");
	check(in_service(m.vcpu[0], VECTOR), "no EOI");
	free_machine(&m);
}

/* ---- a guest that idles by itself ---- */

static int disable_exits(const struct machine *m, uint64_t exits)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS, .args = { exits } };

	return ioctl(m->vm, KVM_ENABLE_CAP, &cap) < 0 ? -errno : 0;
}

/* A machine without vCPUs yet. */
static struct machine new_idler(uint64_t exits)
{
	struct machine m = new_machine(0, true, pv_code, pv_code_end);

	check_equal(disable_exits(&m, exits), 0, "KVM_CAP_X86_DISABLE_EXITS");
	add_vcpu(&m);
	return m;
}

static void test_disable_exits(void)
{
	int exits = extension(KVM_CAP_X86_DISABLE_EXITS);
	struct machine m = pv_machine(1);

	check(exits & KVM_X86_DISABLE_EXITS_HLT && exits & KVM_X86_DISABLE_EXITS_PAUSE,
	      "HLT and PAUSE");
	/* KVM's documentation says so; Linux 6.1 still allows it. */
	if (on_oriel())
		check_equal(-disable_exits(&m, KVM_X86_DISABLE_EXITS_HLT), EINVAL, "after a vCPU");
	free_machine(&m);
	m = new_machine(0, true, pv_code, pv_code_end);
	check_equal(-disable_exits(&m, 1u << 31), EINVAL, "what is not there");
	check_equal(disable_exits(&m, exits), 0, "all that is");
	free_machine(&m);
}

static void test_unhalt_needs_exits(void)
{
	struct machine m = new_idler(KVM_X86_DISABLE_EXITS_HLT);
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[2];
	} cpuid = { .head = { .nent = 2 } };
	unsigned int i;

	/* Linux 6.1 does this only at the second KVM_SET_CPUID2. */
	for (i = on_oriel(); i < 2; i++)
		enforce_features(&m, 1u << KVM_FEATURE_PV_UNHALT | 1u << KVM_FEATURE_STEAL_TIME);
	MUST(m.vcpu[0], KVM_GET_CPUID2, &cpuid);
	check_equal(cpuid.entry[1].eax, 1u << KVM_FEATURE_STEAL_TIME, "PV_UNHALT goes");
	free_machine(&m);
}

static void *run_to_port(void *machine)
{
	check_equal(go(machine, 0), DONE, "after HLT");
	return NULL;
}

/* An interrupt ends HLT, whether it comes before the vCPU is in HLT or after. */
static void test_native_hlt(void)
{
	struct machine m = new_idler(KVM_X86_DISABLE_EXITS_HLT);
	struct kvm_regs regs = { .rip = HLT, .rflags = IF };
	pthread_t thread;
	unsigned int i;

	/*
	 * The handler's first instruction is the port access, so the guest does not return to
	 * its code.
	 */
	set_gate(&m, VECTOR, HLT + 1);
	enable_lapic(m.vcpu[0]);
	for (i = 0; i < 100; i++) {
		set_regs(&m, 0, &regs);
		if (pthread_create(&thread, NULL, run_to_port, &m))
			die("pthread_create");
		if (i & 1)
			sched_yield();
		send_msi(&m, VECTOR);
		pthread_join(thread, NULL);
		end_vector(m.vcpu[0], VECTOR);
	}
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(features),
	TEST(features_are_enforced),
	TEST(steal_time_msr),
	TEST(time_is_counted),
	TEST(preempted),
	TEST(preempted_without_memory),
	TEST(byte_of_another_host),
	TEST(flush),
	TEST(memory_comes_back),
	TEST(memory_is_not_there),
	TEST(writes_are_logged),
	TEST(kvmclock_version_grows),
	TEST(kvmclock_memory_comes_back),
	TEST(kick_wakes),
	TEST(kick_before_hlt),
	TEST(kick_is_in_mp_state),
	TEST(kick_survives_migration),
	TEST(init_ends_registrations),
	TEST(send_ipi),
	TEST(sched_yield),
	TEST(poll_control),
	TEST(pv_eoi),
	TEST(pv_eoi_is_taken_back),
	TEST(pv_eoi_of_nested),
	TEST(no_pv_eoi_while_one_waits),
	TEST(no_pv_eoi_of_level),
	TEST(disable_exits),
	TEST(unhalt_needs_exits),
	TEST(native_hlt),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
