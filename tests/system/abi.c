// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to a node that speaks KVM's ABI: every ioctl with a wrong size, pointer, flag, index
 * or region returns the documented errno and changes nothing. KTAP on stdout.
 *
 *	abi [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL
#define RAM_SIZE (16 * PAGE)
#define CODE 0x1000UL

/* A VM with one vCPU and RAM at 0 in slot 0. */
struct machine {
	int vm;
	int vcpu;
	struct kvm_run *run;
	long run_size;
	uint8_t *ram;
};

#define WITH_IRQCHIP 1u
#define WITH_PIT 2u

static const char *node = "/dev/oriel";
static int kvm;
static bool failed;
static const char *skipped;
/* A page that can only be read, followed by one without any access. */
static uint8_t *pages;

/* ---- reporting ---- */

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("# ");
	vprintf(format, ap);
	printf("\n");
	va_end(ap);
	failed = true;
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list ap;
	int error = errno;

	va_start(ap, format);
	printf("Bail out! ");
	vprintf(format, ap);
	printf(": %s\n", strerror(error));
	va_end(ap);
	exit(1);
}

static void check(bool good, const char *what)
{
	if (!good)
		complain("%s", what);
}

/* The ioctl must fail with this errno. */
static void refuse(int fd, unsigned long request, const void *arg, int want, const char *what)
{
	int ret;

	errno = 0;
	ret = ioctl(fd, request, arg);
	if (ret != -1)
		complain("%s: returned %d, expected %s", what, ret, strerrorname_np(want));
	else if (errno != want)
		complain("%s: %s, expected %s", what, strerrorname_np(errno),
			 strerrorname_np(want));
}

/* An ioctl that does not exist fails with EINVAL or ENOTTY, depending on the file. */
static void refuse_unknown(int fd, unsigned long request, const void *arg, const char *what)
{
	int ret;

	errno = 0;
	ret = ioctl(fd, request, arg);
	if (ret != -1)
		complain("%s: returned %d, expected ENOTTY or EINVAL", what, ret);
	else if (errno != ENOTTY && errno != EINVAL)
		complain("%s: %s, expected ENOTTY or EINVAL", what, strerrorname_np(errno));
}

/* The ioctl must succeed. Return its result. */
static int accept_ioctl(int fd, unsigned long request, const void *arg, const char *what)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		complain("%s: %s, expected success", what, strerrorname_np(errno));
	return ret;
}

#define ACCEPT(fd, request, arg) accept_ioctl(fd, request, arg, #request)

/* ---- machines ---- */

static int extension(int cap)
{
	return ioctl(kvm, KVM_CHECK_EXTENSION, cap);
}

static int new_vm(void)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0)
		die("KVM_CREATE_VM");
	return vm;
}

static void *new_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static struct machine new_machine(unsigned int with)
{
	struct machine m = { .vm = new_vm() };
	struct kvm_pit_config pit = { 0 };
	struct kvm_userspace_memory_region region = { .memory_size = RAM_SIZE };

	if ((with & WITH_IRQCHIP) && ioctl(m.vm, KVM_CREATE_IRQCHIP, 0))
		die("KVM_CREATE_IRQCHIP");
	if ((with & WITH_PIT) && ioctl(m.vm, KVM_CREATE_PIT2, &pit))
		die("KVM_CREATE_PIT2");
	m.vcpu = ioctl(m.vm, KVM_CREATE_VCPU, 0);
	if (m.vcpu < 0)
		die("KVM_CREATE_VCPU");
	m.run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m.run = mmap(NULL, m.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, 0);
	if (m.run == MAP_FAILED)
		die("mmap of a vCPU");
	m.ram = new_memory(RAM_SIZE);
	region.userspace_addr = (uintptr_t)m.ram;
	if (ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
	return m;
}

static void free_machine(struct machine *m)
{
	munmap(m->run, m->run_size);
	munmap(m->ram, RAM_SIZE);
	close(m->vcpu);
	close(m->vm);
}

/* All state of a vCPU that KVM_GET_* returns and that does not change by itself. */
struct snapshot {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	struct kvm_xcrs xcrs;
};

static struct snapshot snapshot(const struct machine *m)
{
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	ACCEPT(m->vcpu, KVM_GET_REGS, &s.regs);
	ACCEPT(m->vcpu, KVM_GET_SREGS, &s.sregs);
	ACCEPT(m->vcpu, KVM_GET_FPU, &s.fpu);
	ACCEPT(m->vcpu, KVM_GET_DEBUGREGS, &s.debugregs);
	ACCEPT(m->vcpu, KVM_GET_VCPU_EVENTS, &s.events);
	ACCEPT(m->vcpu, KVM_GET_MP_STATE, &s.mp_state);
	if (extension(KVM_CAP_XCRS))
		ACCEPT(m->vcpu, KVM_GET_XCRS, &s.xcrs);
	return s;
}

static void check_unchanged(const struct machine *m, const struct snapshot *before)
{
	struct snapshot after = snapshot(m);

	check(!memcmp(&before->regs, &after.regs, sizeof(after.regs)), "registers changed");
	check(!memcmp(&before->sregs, &after.sregs, sizeof(after.sregs)),
	      "special registers changed");
	check(!memcmp(&before->fpu, &after.fpu, sizeof(after.fpu)), "FPU changed");
	check(!memcmp(&before->debugregs, &after.debugregs, sizeof(after.debugregs)),
	      "debug registers changed");
	check(!memcmp(&before->events, &after.events, sizeof(after.events)), "events changed");
	check(before->mp_state.mp_state == after.mp_state.mp_state, "run state changed");
	check(!memcmp(&before->xcrs, &after.xcrs, sizeof(after.xcrs)), "XCRs changed");
}

/* Give the vCPU the CPUID that the node supports. */
static void give_cpuid(const struct machine *m)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	cpuid->nent = 256;
	ACCEPT(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	ACCEPT(m->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

/*
 * Let the guest read a byte in real mode: "mov (%bx), %al; out %al, $0x10" with the data segment
 * at @gpa. Return the byte, or -1 if no memory is there.
 */
static int guest_reads(const struct machine *m, uint64_t gpa)
{
	static const uint8_t code[] = { 0x8a, 0x07, 0xe6, 0x10 };
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;
	int value = -1;

	memcpy(m->ram + CODE, code, sizeof(code));
	ACCEPT(m->vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	sregs.ds.base = gpa;
	sregs.ds.limit = 0xffff;
	ACCEPT(m->vcpu, KVM_SET_SREGS, &sregs);
	ACCEPT(m->vcpu, KVM_SET_REGS, &regs);
	if (ioctl(m->vcpu, KVM_RUN, 0) < 0)
		complain("KVM_RUN: %s", strerror(errno));
	else if (m->run->exit_reason == KVM_EXIT_IO)
		value = ((uint8_t *)m->run)[m->run->io.data_offset];
	else if (m->run->exit_reason != KVM_EXIT_MMIO)
		complain("exit reason %u reading %#lx", m->run->exit_reason, (unsigned long)gpa);
	/* The next KVM_RUN completes the access, even if it does not enter the guest. */
	m->run->immediate_exit = 1;
	ioctl(m->vcpu, KVM_RUN, 0);
	m->run->immediate_exit = 0;
	return value;
}

/* ---- numbers, sizes and pointers of all ioctls ---- */

enum file {
	SYSTEM,
	VM,
	VCPU,
};

/**
 * struct row - an ioctl whose argument is a structure
 * @name: its name
 * @request: its number
 * @file: on which file
 * @cap: only where this capability is there; 0: everywhere
 */
struct row {
	const char *name;
	unsigned long request;
	enum file file;
	int cap;
};

#define ROW(request, ...)                      \
	{                                      \
#request, request, __VA_ARGS__ \
	}

static const struct row rows[] = {
	ROW(KVM_GET_SUPPORTED_CPUID, SYSTEM, 0),
	ROW(KVM_GET_MSR_INDEX_LIST, SYSTEM, 0),
	ROW(KVM_GET_MSR_FEATURE_INDEX_LIST, SYSTEM, KVM_CAP_GET_MSR_FEATURES),
	ROW(KVM_GET_MSRS, SYSTEM, KVM_CAP_GET_MSR_FEATURES),
	ROW(KVM_SET_USER_MEMORY_REGION, VM, 0),
	ROW(KVM_GET_DIRTY_LOG, VM, 0),
	ROW(KVM_CREATE_PIT2, VM, KVM_CAP_PIT2),
	ROW(KVM_IRQ_LINE, VM, KVM_CAP_IRQCHIP),
	ROW(KVM_IRQ_LINE_STATUS, VM, KVM_CAP_IRQ_INJECT_STATUS),
	ROW(KVM_GET_IRQCHIP, VM, KVM_CAP_IRQCHIP),
	ROW(KVM_SET_IRQCHIP, VM, KVM_CAP_IRQCHIP),
	ROW(KVM_GET_PIT2, VM, KVM_CAP_PIT_STATE2),
	ROW(KVM_SET_PIT2, VM, KVM_CAP_PIT_STATE2),
	ROW(KVM_SET_GSI_ROUTING, VM, KVM_CAP_IRQ_ROUTING),
	ROW(KVM_SIGNAL_MSI, VM, KVM_CAP_SIGNAL_MSI),
	ROW(KVM_IRQFD, VM, KVM_CAP_IRQFD),
	ROW(KVM_IOEVENTFD, VM, KVM_CAP_IOEVENTFD),
	ROW(KVM_GET_CLOCK, VM, KVM_CAP_ADJUST_CLOCK),
	ROW(KVM_SET_CLOCK, VM, KVM_CAP_ADJUST_CLOCK),
	ROW(KVM_GET_REGS, VCPU, 0),
	ROW(KVM_SET_REGS, VCPU, 0),
	ROW(KVM_GET_SREGS, VCPU, 0),
	ROW(KVM_SET_SREGS, VCPU, 0),
	ROW(KVM_GET_SREGS2, VCPU, KVM_CAP_SREGS2),
	ROW(KVM_SET_SREGS2, VCPU, KVM_CAP_SREGS2),
	ROW(KVM_GET_FPU, VCPU, 0),
	ROW(KVM_SET_FPU, VCPU, 0),
	ROW(KVM_GET_XSAVE, VCPU, KVM_CAP_XSAVE),
	ROW(KVM_GET_XSAVE2, VCPU, KVM_CAP_XSAVE2),
	ROW(KVM_SET_XSAVE, VCPU, KVM_CAP_XSAVE),
	ROW(KVM_GET_XCRS, VCPU, KVM_CAP_XCRS),
	ROW(KVM_SET_XCRS, VCPU, KVM_CAP_XCRS),
	ROW(KVM_GET_DEBUGREGS, VCPU, KVM_CAP_DEBUGREGS),
	ROW(KVM_SET_DEBUGREGS, VCPU, KVM_CAP_DEBUGREGS),
	ROW(KVM_GET_VCPU_EVENTS, VCPU, KVM_CAP_VCPU_EVENTS),
	ROW(KVM_SET_VCPU_EVENTS, VCPU, KVM_CAP_VCPU_EVENTS),
	ROW(KVM_GET_MP_STATE, VCPU, KVM_CAP_MP_STATE),
	ROW(KVM_SET_MP_STATE, VCPU, KVM_CAP_MP_STATE),
	ROW(KVM_GET_MSRS, VCPU, 0),
	ROW(KVM_SET_MSRS, VCPU, 0),
	ROW(KVM_SET_CPUID, VCPU, 0),
	ROW(KVM_SET_CPUID2, VCPU, KVM_CAP_EXT_CPUID),
	ROW(KVM_GET_CPUID2, VCPU, KVM_CAP_EXT_CPUID),
	ROW(KVM_SET_SIGNAL_MASK, VCPU, 0),
	ROW(KVM_TRANSLATE, VCPU, 0),
	ROW(KVM_GET_LAPIC, VCPU, KVM_CAP_IRQCHIP),
	ROW(KVM_SET_LAPIC, VCPU, KVM_CAP_IRQCHIP),
	ROW(KVM_INTERRUPT, VCPU, 0),
};

static int file_of(const struct machine *m, enum file file)
{
	return file == SYSTEM ? kvm : file == VM ? m->vm : m->vcpu;
}

/* Return the next row whose ioctl exists. NULL is before the first and after the last row. */
static const struct row *next_row(const struct row *row)
{
	for (row = row ? row + 1 : rows; row < rows + ARRAY_SIZE(rows); row++)
		if (!row->cap || extension(row->cap) > 0)
			return row;
	return NULL;
}

static unsigned long resized(unsigned long request, int by)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request),
		    _IOC_SIZE(request) + by);
}

static void use_wrong_size(int fd, const struct row *row)
{
	refuse_unknown(fd, resized(row->request, 8), pages, row->name);
	refuse_unknown(fd, resized(row->request, -4), pages, row->name);
}

static void use_no_memory(int fd, const struct row *row)
{
	refuse(fd, row->request, pages + PAGE, EFAULT, row->name);
	/* For this ioctl NULL means "no mask". */
	if (row->request != KVM_SET_SIGNAL_MASK)
		refuse(fd, row->request, NULL, EFAULT, row->name);
	refuse(fd, row->request, (void *)(UINTPTR_MAX - 7), EFAULT, row->name);
}

/* The structure begins in memory and ends where there is none. */
static void use_half_memory(int fd, const struct row *row)
{
	refuse(fd, row->request, pages + PAGE - 2, EFAULT, row->name);
}

static void use_read_only_memory(int fd, const struct row *row)
{
	/*
	 * An ioctl with a count checks the count first. KVM_SET_IRQCHIP's number encodes a read,
	 * but the ioctl writes.
	 */
	if (_IOC_DIR(row->request) == _IOC_READ && row->request != KVM_SET_IRQCHIP)
		refuse(fd, row->request, pages, EFAULT, row->name);
}

static void test_wrong_sizes(void)
{
	struct machine m = new_machine(WITH_IRQCHIP | WITH_PIT);
	struct snapshot before = snapshot(&m);
	const struct row *row;

	for (row = next_row(NULL); row; row = next_row(row))
		use_wrong_size(file_of(&m, row->file), row);
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_pointers_to_no_memory(void)
{
	struct machine m = new_machine(WITH_IRQCHIP | WITH_PIT);
	struct snapshot before = snapshot(&m);
	const struct row *row;

	for (row = next_row(NULL); row; row = next_row(row))
		use_no_memory(file_of(&m, row->file), row);
	for (row = next_row(NULL); row; row = next_row(row))
		use_half_memory(file_of(&m, row->file), row);
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_pointers_to_read_only_memory(void)
{
	struct machine m = new_machine(WITH_IRQCHIP | WITH_PIT);
	const struct row *row;

	mprotect(pages, PAGE, PROT_READ);
	for (row = next_row(NULL); row; row = next_row(row))
		use_read_only_memory(file_of(&m, row->file), row);
	mprotect(pages, PAGE, PROT_READ | PROT_WRITE);
	free_machine(&m);
}

static void test_unknown_numbers(void)
{
	static const unsigned long unknown[] = {
		_IO(KVMIO, 0xfe),
		_IOW(KVMIO, 0xfe, uint64_t),
		_IOWR(KVMIO, 0xfd, uint64_t),
		_IO('x', 0x00),
		0,
		~0U,
	};
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		refuse_unknown(kvm, unknown[i], pages, "system, unknown ioctl");
		refuse_unknown(m.vm, unknown[i], pages, "VM, unknown ioctl");
		refuse_unknown(m.vcpu, unknown[i], pages, "vCPU, unknown ioctl");
	}
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_wrong_file(void)
{
	struct machine m = new_machine(0);

	refuse_unknown(kvm, KVM_RUN, 0, "KVM_RUN on the system");
	refuse_unknown(kvm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU on the system");
	refuse_unknown(kvm, KVM_GET_REGS, pages, "KVM_GET_REGS on the system");
	refuse_unknown(m.vm, KVM_RUN, 0, "KVM_RUN on a VM");
	refuse_unknown(m.vm, KVM_CREATE_VM, 0, "KVM_CREATE_VM on a VM");
	refuse_unknown(m.vm, KVM_GET_API_VERSION, 0, "KVM_GET_API_VERSION on a VM");
	refuse_unknown(m.vcpu, KVM_CREATE_VM, 0, "KVM_CREATE_VM on a vCPU");
	refuse_unknown(m.vcpu, KVM_SET_USER_MEMORY_REGION, pages, "a memory region on a vCPU");
	free_machine(&m);
}

/* A process with another address space than the VM's may not use the VM. */
static void test_other_address_space(void)
{
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	struct kvm_regs regs = { .rip = 0x1234, .rflags = 2 };
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		refuse(m.vcpu, KVM_RUN, 0, EIO, "KVM_RUN in another process");
		refuse(m.vcpu, KVM_SET_REGS, &regs, EIO, "KVM_SET_REGS in another process");
		refuse(m.vm, KVM_CREATE_VCPU, (void *)1UL, EIO,
		       "KVM_CREATE_VCPU in another process");
		fflush(stdout);
		_exit(failed);
	}
	waitpid(child, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the other process was not refused");
	check_unchanged(&m, &before);
	free_machine(&m);
}

/* ---- the system ---- */

static void test_system_arguments(void)
{
	int size;

	check(ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION, "API version");
	refuse(kvm, KVM_GET_API_VERSION, (void *)1UL, EINVAL, "KVM_GET_API_VERSION with 1");
	refuse(kvm, KVM_CREATE_VM, (void *)~0UL, EINVAL, "KVM_CREATE_VM of type ~0");
	refuse(kvm, KVM_CREATE_VM, (void *)(1UL << 40), EINVAL, "KVM_CREATE_VM of type 2^40");
	refuse(kvm, KVM_GET_VCPU_MMAP_SIZE, (void *)1UL, EINVAL, "KVM_GET_VCPU_MMAP_SIZE with 1");
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	check(size >= (int)sizeof(struct kvm_run) && size % PAGE == 0, "size of a vCPU's page");
}

static void test_unknown_capabilities(void)
{
	static const unsigned long unknown[] = { 9999, 0x7fffffff, ~0UL, 1UL << 32 };
	int vm = new_vm();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		check(ioctl(kvm, KVM_CHECK_EXTENSION, unknown[i]) == 0, "system capability");
		check(ioctl(vm, KVM_CHECK_EXTENSION, unknown[i]) == 0, "VM capability");
	}
	close(vm);
}

static void check_msr_list(unsigned long request, const char *name)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 4096 * sizeof(list->indices[0]));
	uint32_t count, i;

	refuse(kvm, request, list, E2BIG, name);
	count = list->nmsrs;
	check(count > 0 && count < 4096, "a list that is too small is told how large it must be");
	/* one too few, and no memory for an entry */
	refuse(kvm, request, memcpy(pages + PAGE - 4, &(uint32_t){ count - 1 }, 4), E2BIG, name);
	refuse(kvm, request, memcpy(pages + PAGE - 4, &count, 4), EFAULT, name);
	accept_ioctl(kvm, request, list, name);
	check(list->nmsrs == count, "number of MSRs");
	for (i = 1; i < count; i++)
		check(list->indices[i] != list->indices[i - 1], "an MSR is listed twice");
	free(list);
}

static void test_msr_lists(void)
{
	check_msr_list(KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST");
	if (extension(KVM_CAP_GET_MSR_FEATURES))
		check_msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST, "KVM_GET_MSR_FEATURE_INDEX_LIST");
}

static void test_supported_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	struct kvm_cpuid2 *edge = (void *)(pages + PAGE - sizeof(*edge));
	uint32_t count;

	refuse(kvm, KVM_GET_SUPPORTED_CPUID, cpuid, E2BIG, "no room");
	check(cpuid->nent == 0, "nent changed on failure");
	cpuid->nent = 1;
	refuse(kvm, KVM_GET_SUPPORTED_CPUID, cpuid, E2BIG, "room for one");
	cpuid->nent = 256;
	ACCEPT(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	count = cpuid->nent;
	check(count > 2 && count < 256, "number of entries");
	cpuid->nent = count - 1;
	refuse(kvm, KVM_GET_SUPPORTED_CPUID, cpuid, E2BIG, "room for one too few");
	cpuid->nent = count;
	ACCEPT(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	edge->nent = 256;
	refuse(kvm, KVM_GET_SUPPORTED_CPUID, edge, EFAULT, "entries without memory");
	free(cpuid);
}

/* ---- memory ---- */

#define SLOT1_GPA 0x100000UL
#define SLOT1_SIZE (4 * PAGE)

static void set_region(const struct machine *m, struct kvm_userspace_memory_region r, int want,
		       const char *what)
{
	if (want)
		refuse(m->vm, KVM_SET_USER_MEMORY_REGION, &r, want, what);
	else
		accept_ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &r, what);
}

/* Fields of a region: slot, flags, guest address, size, user address. */
static struct kvm_userspace_memory_region region(uint32_t slot, uint32_t flags, uint64_t gpa,
						 uint64_t size, void *memory)
{
	return (struct kvm_userspace_memory_region){
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};
}

static void check_regions_work(const struct machine *m)
{
	check(guest_reads(m, 0x2000) == 0x5a, "slot 0 is not what it was");
	check(guest_reads(m, SLOT1_GPA) == 0xa5, "slot 1 is not what it was");
	check(guest_reads(m, SLOT1_GPA + SLOT1_SIZE) == -1, "there is memory after slot 1");
}

/* A machine with two slots whose bytes are known. */
static struct machine new_machine_with_slots(void **memory)
{
	struct machine m = new_machine(0);

	*memory = new_memory(SLOT1_SIZE);
	memset(*memory, 0xa5, SLOT1_SIZE);
	memset(m.ram, 0x5a, RAM_SIZE);
	set_region(&m, region(1, 0, SLOT1_GPA, SLOT1_SIZE, *memory), 0, "slot 1");
	return m;
}

static void test_memory_region_values(void)
{
	void *p;
	struct machine m = new_machine_with_slots(&p);
	uint64_t far = 0x200000;
	uint8_t *u = p;

	set_region(&m, region(2, 1u << 31, far, PAGE, p), EINVAL, "an unknown flag");
	set_region(&m, region(2, 1u << 5, far, PAGE, p), EINVAL, "another unknown flag");
	set_region(&m, region(2, 0, far, PAGE + 1, p), EINVAL, "a size of no whole pages");
	set_region(&m, region(2, 0, far + 1, PAGE, p), EINVAL, "an unaligned guest address");
	set_region(&m, region(2, 0, far, PAGE, u + 1), EINVAL, "an unaligned user address");
	set_region(&m, region(2, 0, far, PAGE, (void *)(1UL << 63)), EINVAL,
		   "a user address of the kernel's");
	set_region(&m, region(2, 0, far, PAGE, (void *)-PAGE), EINVAL, "a user address that wraps");
	set_region(&m, region(2, 0, far, 1UL << 62, p), EINVAL, "a size beyond user space");
	set_region(&m, region(2, 0, -PAGE, 2 * PAGE, p), EINVAL, "a guest address that wraps");
	set_region(&m, region(2, 0, -PAGE, PAGE, p), EINVAL, "the last guest page there can be");
	set_region(&m, region(2, 0, 1UL << 52, PAGE, p), EINVAL, "a guest address beyond 52 bits");
	set_region(&m, region(2, 0, far, 0, p), EINVAL, "deletion of a slot that is not there");
	set_region(&m, region(1, 0, SLOT1_GPA, 0, (void *)(1UL << 63)), EINVAL,
		   "deletion with a user address of the kernel's");
	set_region(&m, region(extension(KVM_CAP_NR_MEMSLOTS), 0, far, PAGE, p), EINVAL,
		   "a slot number that is too large");
	set_region(&m, region(0xffff, 0, far, PAGE, p), EINVAL, "slot number 0xffff");
	set_region(&m, region(~0u, 0, far, PAGE, p), EINVAL, "slot number ~0");
	check_regions_work(&m);
	check(guest_reads(&m, far) == -1, "a refused region is there");
	munmap(p, SLOT1_SIZE);
	free_machine(&m);
}

static void test_memory_region_overlaps(void)
{
	void *p;
	struct machine m = new_machine_with_slots(&p);

	set_region(&m, region(2, 0, SLOT1_GPA, PAGE, p), EEXIST, "the same address");
	set_region(&m, region(2, 0, SLOT1_GPA + SLOT1_SIZE - PAGE, 2 * PAGE, p), EEXIST,
		   "the last page of another slot");
	set_region(&m, region(2, 0, SLOT1_GPA - PAGE, 2 * PAGE, p), EEXIST,
		   "the first page of another slot");
	set_region(&m, region(2, 0, SLOT1_GPA - PAGE, SLOT1_SIZE, p), EEXIST,
		   "most of another slot");
	set_region(&m, region(1, 0, 0, SLOT1_SIZE, p), EEXIST, "a move onto another slot");
	set_region(&m, region(1, 0, RAM_SIZE - PAGE, SLOT1_SIZE, p), EEXIST,
		   "a move onto the end of another slot");
	check_regions_work(&m);
	munmap(p, SLOT1_SIZE);
	free_machine(&m);
}

static void test_memory_region_changes(void)
{
	void *p;
	struct machine m = new_machine_with_slots(&p);
	uint8_t *u = p;

	set_region(&m, region(1, 0, SLOT1_GPA, SLOT1_SIZE - PAGE, p), EINVAL, "another size");
	set_region(&m, region(1, 0, SLOT1_GPA, SLOT1_SIZE - PAGE, u + PAGE), EINVAL,
		   "another size and user address");
	set_region(&m, region(1, 0, SLOT1_GPA, SLOT1_SIZE, m.ram), EINVAL, "another user address");
	if (extension(KVM_CAP_READONLY_MEM))
		set_region(&m, region(1, KVM_MEM_READONLY, SLOT1_GPA, SLOT1_SIZE, p), EINVAL,
			   "read-only from now on");
	check_regions_work(&m);
	/* a change that changes nothing, a move there and back, and a deletion succeed */
	set_region(&m, region(1, 0, SLOT1_GPA, SLOT1_SIZE, p), 0, "the same again");
	check_regions_work(&m);
	set_region(&m, region(1, 0, 0x300000, SLOT1_SIZE, p), 0, "a move");
	check(guest_reads(&m, 0x300000) == 0xa5, "not moved");
	check(guest_reads(&m, SLOT1_GPA) == -1, "still where it was");
	set_region(&m, region(1, 0, SLOT1_GPA, SLOT1_SIZE, p), 0, "a move back");
	check_regions_work(&m);
	set_region(&m, region(1, 0, 0, 0, NULL), 0, "a deletion");
	check(guest_reads(&m, SLOT1_GPA) == -1, "not deleted");
	munmap(p, SLOT1_SIZE);
	free_machine(&m);
}

static void test_dirty_log(void)
{
	void *p;
	struct machine m = new_machine_with_slots(&p);
	uint64_t bitmap = 0;
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = &bitmap };

	refuse(m.vm, KVM_GET_DIRTY_LOG, &log, ENOENT, "a slot that is not logged");
	log.slot = 2;
	refuse(m.vm, KVM_GET_DIRTY_LOG, &log, ENOENT, "a slot that is not there");
	log.slot = extension(KVM_CAP_NR_MEMSLOTS);
	refuse(m.vm, KVM_GET_DIRTY_LOG, &log, EINVAL, "a slot number that is too large");
	log.slot = ~0u;
	refuse(m.vm, KVM_GET_DIRTY_LOG, &log, EINVAL, "slot number ~0");
	set_region(&m, region(1, KVM_MEM_LOG_DIRTY_PAGES, SLOT1_GPA, SLOT1_SIZE, p), 0, "logging");
	log.slot = 1;
	log.dirty_bitmap = pages + PAGE;
	refuse(m.vm, KVM_GET_DIRTY_LOG, &log, EFAULT, "a bitmap without memory");
	log.dirty_bitmap = &bitmap;
	ACCEPT(m.vm, KVM_GET_DIRTY_LOG, &log);
	check(bitmap == 0, "pages are dirty that nobody wrote");
	check_regions_work(&m);
	munmap(p, SLOT1_SIZE);
	free_machine(&m);
}

/* ---- a VM ---- */

static void test_vcpu_ids(void)
{
	struct machine m = new_machine(0);
	unsigned long max = extension(KVM_CAP_MAX_VCPU_ID);

	refuse(m.vm, KVM_CREATE_VCPU, (void *)0UL, EEXIST, "an id that exists");
	refuse(m.vm, KVM_CREATE_VCPU, (void *)max, EINVAL, "an id that is too large");
	refuse(m.vm, KVM_CREATE_VCPU, (void *)0x7fffffffUL, EINVAL, "id 0x7fffffff");
	refuse(m.vm, KVM_CREATE_VCPU, (void *)0xffffffffUL, EINVAL, "id 0xffffffff");
	free_machine(&m);
}

static void test_order_of_creation(void)
{
	struct machine m = new_machine(0);
	uint64_t address = 0xfffbc000;
	int vm;

	refuse(m.vm, KVM_CREATE_IRQCHIP, 0, EINVAL, "an irqchip after a vCPU");
	if (extension(KVM_CAP_SET_BOOT_CPU_ID))
		refuse(m.vm, KVM_SET_BOOT_CPU_ID, 0, EBUSY, "a boot CPU after a vCPU");
	if (extension(KVM_CAP_SET_IDENTITY_MAP_ADDR))
		refuse(m.vm, KVM_SET_IDENTITY_MAP_ADDR, &address, EINVAL,
		       "an identity map after a vCPU");
	free_machine(&m);

	vm = new_vm();
	ACCEPT(vm, KVM_CREATE_IRQCHIP, 0);
	refuse(vm, KVM_CREATE_IRQCHIP, 0, EEXIST, "a second irqchip");
	ACCEPT(vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){ 0 });
	refuse(vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){ 0 }, EEXIST, "a second PIT");
	close(vm);

	/* kvmtool creates the chips in this order. */
	vm = new_vm();
	ACCEPT(vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){ 0 });
	ACCEPT(vm, KVM_CREATE_IRQCHIP, 0);
	close(vm);
}

static void test_low_memory_of_vmx(void)
{
	struct machine m = new_machine(0);
	int vm = new_vm();

	if (extension(KVM_CAP_SET_IDENTITY_MAP_ADDR)) {
		refuse(vm, KVM_SET_IDENTITY_MAP_ADDR, pages + PAGE, EFAULT, "no memory");
		refuse(vm, KVM_SET_IDENTITY_MAP_ADDR, NULL, EFAULT, "NULL");
	}
	close(vm);
	ACCEPT(m.vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000UL);
	refuse(m.vm, KVM_SET_TSS_ADDR, (void *)0xffffe000UL, EINVAL, "a TSS past 4 GiB");
	refuse(m.vm, KVM_SET_TSS_ADDR, (void *)(1UL << 40), EINVAL, "a TSS beyond 4 GiB");
	free_machine(&m);
}

static void test_number_of_mmu_pages(void)
{
	int vm = new_vm();

	refuse(vm, KVM_SET_NR_MMU_PAGES, (void *)63UL, EINVAL, "too few pages");
	ACCEPT(vm, KVM_SET_NR_MMU_PAGES, (void *)64UL);
	close(vm);
}

static void test_without_irqchip(void)
{
	struct machine m = new_machine(0);
	struct kvm_irqchip chip = { 0 };
	struct kvm_irq_level level = { .irq = 5, .level = 1 };
	struct kvm_lapic_state lapic;
	struct kvm_pit_state2 pit = { 0 };
	struct kvm_irq_routing routing = { 0 };
	struct kvm_msi msi = { .address_lo = 0xfee00000 };

	refuse(m.vm, KVM_GET_IRQCHIP, &chip, ENXIO, "KVM_GET_IRQCHIP");
	refuse(m.vm, KVM_SET_IRQCHIP, &chip, ENXIO, "KVM_SET_IRQCHIP");
	refuse(m.vm, KVM_IRQ_LINE, &level, ENXIO, "KVM_IRQ_LINE");
	refuse(m.vm, KVM_IRQ_LINE_STATUS, &level, ENXIO, "KVM_IRQ_LINE_STATUS");
	refuse(m.vm, KVM_GET_PIT2, &pit, ENXIO, "KVM_GET_PIT2");
	refuse(m.vm, KVM_SET_PIT2, &pit, ENXIO, "KVM_SET_PIT2");
	refuse(m.vm, KVM_SET_GSI_ROUTING, &routing, EINVAL, "KVM_SET_GSI_ROUTING");
	refuse(m.vm, KVM_SIGNAL_MSI, &msi, EINVAL, "KVM_SIGNAL_MSI");
	refuse(m.vcpu, KVM_GET_LAPIC, &lapic, EINVAL, "KVM_GET_LAPIC");
	refuse(m.vcpu, KVM_SET_LAPIC, &lapic, EINVAL, "KVM_SET_LAPIC");
	free_machine(&m);
}

static void test_irqchip(void)
{
	struct machine m = new_machine(WITH_IRQCHIP);
	struct kvm_irqchip chip = { .chip_id = 3 };
	struct kvm_pit_state2 pit = { 0 };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .flags = 0x80 };

	refuse(m.vm, KVM_GET_IRQCHIP, &chip, EINVAL, "chip 3");
	refuse(m.vm, KVM_SET_IRQCHIP, &chip, EINVAL, "chip 3");
	chip.chip_id = ~0u;
	refuse(m.vm, KVM_GET_IRQCHIP, &chip, EINVAL, "chip ~0");
	refuse(m.vm, KVM_SET_IRQCHIP, &chip, EINVAL, "chip ~0");
	refuse(m.vm, KVM_GET_PIT2, &pit, ENXIO, "KVM_GET_PIT2 without PIT");
	refuse(m.vm, KVM_SET_PIT2, &pit, ENXIO, "KVM_SET_PIT2 without PIT");
	refuse(m.vm, KVM_SIGNAL_MSI, &msi, EINVAL, "an unknown MSI flag");
	free_machine(&m);
}

/* KVM_IRQ_LINE_STATUS returns -1 for a line that is not connected. */
static int line_status(const struct machine *m, uint32_t gsi)
{
	struct kvm_irq_level level = { .irq = gsi, .level = 0 };

	ACCEPT(m->vm, KVM_IRQ_LINE_STATUS, &level);
	return level.status;
}

union routes {
	struct kvm_irq_routing table;
	uint8_t room[sizeof(struct kvm_irq_routing) + 2 * sizeof(struct kvm_irq_routing_entry)];
};

static void refuse_route(const struct machine *m, struct kvm_irq_routing_entry entry,
			 const char *what)
{
	union routes r = { .table.nr = 2 };

	r.table.entries[0] =
		(struct kvm_irq_routing_entry){ .gsi = 1, .type = KVM_IRQ_ROUTING_MSI };
	r.table.entries[1] = entry;
	refuse(m->vm, KVM_SET_GSI_ROUTING, &r, EINVAL, what);
	check(line_status(m, 5) >= 0, "the route of GSI 5 is gone");
	check(line_status(m, 1000) < 0, "GSI 1000 has a route");
}

static void test_gsi_routing(void)
{
	struct machine m = new_machine(WITH_IRQCHIP);
	struct kvm_irq_routing *edge = (void *)(pages + PAGE - sizeof(*edge));
	uint32_t max = extension(KVM_CAP_IRQ_ROUTING);
	union routes r = { .table.flags = 1 };
	struct kvm_irq_routing_entry e = { .gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP };

	refuse(m.vm, KVM_SET_GSI_ROUTING, &r, EINVAL, "flags");
	*edge = (struct kvm_irq_routing){ .nr = max + 1 };
	refuse(m.vm, KVM_SET_GSI_ROUTING, edge, EINVAL, "too many routes");
	edge->nr = ~0u;
	refuse(m.vm, KVM_SET_GSI_ROUTING, edge, EINVAL, "~0 routes");
	edge->nr = 1;
	refuse(m.vm, KVM_SET_GSI_ROUTING, edge, EFAULT, "a route without memory");

	e.u.irqchip.irqchip = 3;
	refuse_route(&m, e, "a route to chip 3");
	e.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	e.u.irqchip.pin = KVM_IOAPIC_NUM_PINS;
	refuse_route(&m, e, "a route to pin 24");
	e.u.irqchip.irqchip = KVM_IRQCHIP_PIC_MASTER;
	e.u.irqchip.pin = 8;
	refuse_route(&m, e, "a route to pin 8 of a PIC");
	e = (struct kvm_irq_routing_entry){ .gsi = 1, .type = 99 };
	refuse_route(&m, e, "a route of type 99");
	e.type = 0;
	refuse_route(&m, e, "a route of type 0");
	e = (struct kvm_irq_routing_entry){ .gsi = max, .type = KVM_IRQ_ROUTING_MSI };
	refuse_route(&m, e, "a GSI that is too large");
	e = (struct kvm_irq_routing_entry){ .gsi = 2, .type = KVM_IRQ_ROUTING_MSI, .flags = 2 };
	refuse_route(&m, e, "an unknown flag of a route");
	free_machine(&m);
}

static void test_clock(void)
{
	struct machine m = new_machine(0);
	struct kvm_clock_data data = { .clock = 1000000000000000000, .flags = 0x80 };

	refuse(m.vm, KVM_SET_CLOCK, &data, EINVAL, "an unknown flag");
	data.flags = 1u << 31;
	refuse(m.vm, KVM_SET_CLOCK, &data, EINVAL, "another unknown flag");
	ACCEPT(m.vm, KVM_GET_CLOCK, &data);
	check(data.clock < 100000000000000000, "the clock was set");
	data = (struct kvm_clock_data){ .clock = 1000000000000000000 };
	ACCEPT(m.vm, KVM_SET_CLOCK, &data);
	ACCEPT(m.vm, KVM_GET_CLOCK, &data);
	check(data.clock >= 1000000000000000000, "the clock was not set");
	free_machine(&m);
}

static void test_enable_cap(void)
{
	struct machine m = new_machine(0);
	struct kvm_enable_cap cap = { .cap = 0x7fff };

	refuse_unknown(m.vm, KVM_ENABLE_CAP, &cap, "an unknown capability of a VM");
	refuse_unknown(m.vcpu, KVM_ENABLE_CAP, &cap, "an unknown capability of a vCPU");
	cap = (struct kvm_enable_cap){ .cap = KVM_CAP_SPLIT_IRQCHIP, .flags = 1 };
	refuse_unknown(m.vm, KVM_ENABLE_CAP, &cap, "flags");
	free_machine(&m);
}

static void test_irqfd(void)
{
	struct machine m;
	struct kvm_irqfd irqfd = { .fd = -1, .gsi = 5 };

	if (!extension(KVM_CAP_IRQFD)) {
		skipped = "no KVM_CAP_IRQFD";
		return;
	}
	m = new_machine(WITH_IRQCHIP);
	refuse(m.vm, KVM_IRQFD, &irqfd, EBADF, "a file that is not open");
	irqfd.fd = kvm;
	refuse(m.vm, KVM_IRQFD, &irqfd, EINVAL, "a file that is no eventfd");
	irqfd.flags = 0x80;
	refuse(m.vm, KVM_IRQFD, &irqfd, EINVAL, "an unknown flag");
	free_machine(&m);
}

static void test_ioeventfd(void)
{
	struct machine m;
	struct kvm_ioeventfd io = { .addr = 0x100, .len = 1, .fd = -1 };

	if (!extension(KVM_CAP_IOEVENTFD)) {
		skipped = "no KVM_CAP_IOEVENTFD";
		return;
	}
	m = new_machine(0);
	refuse(m.vm, KVM_IOEVENTFD, &io, EBADF, "a file that is not open");
	io.len = 3;
	refuse(m.vm, KVM_IOEVENTFD, &io, EINVAL, "a length of 3");
	io.len = 1;
	io.flags = 0x80;
	refuse(m.vm, KVM_IOEVENTFD, &io, EINVAL, "an unknown flag");
	io.flags = 0;
	io.addr = ~0UL;
	io.len = 8;
	refuse(m.vm, KVM_IOEVENTFD, &io, EINVAL, "an address that wraps");
	free_machine(&m);
}

/* ---- 32-bit processes ---- */

/* The 32-bit system call of any number; arguments below 4 GiB. */
static long call32(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

#define GETPID32 20
#define IOCTL32 54

static bool has_32bit_calls(void)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(call32(GETPID32, 0, 0, 0) != getpid());
	waitpid(child, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void accept32(int fd, unsigned long request, const void *arg, const char *what)
{
	long result = call32(IOCTL32, fd, request, (long)arg);

	if (result < 0)
		complain("%s: %s, expected success", what, strerrorname_np(-result));
}

#define ACCEPT32(fd, request, arg) accept32(fd, request, arg, #request)

/* Allocate memory that a 32-bit pointer reaches. */
static void *low_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		       -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* A 64-bit machine, whose ioctls come through the 32-bit system call. */
static void test_32bit_process(void)
{
	struct machine m = new_machine(0);
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_userspace_memory_region region;
		struct kvm_dirty_log log;
	} *low = low_memory(2 * PAGE);
	uint8_t *bitmap = (uint8_t *)low + PAGE;

	if (!has_32bit_calls()) {
		skipped = "this kernel has no 32-bit system calls";
		goto out;
	}
	low->region = region(1, KVM_MEM_LOG_DIRTY_PAGES, 0x100000, 8 * PAGE, bitmap);
	low->region.userspace_addr = (uintptr_t)m.ram;
	ACCEPT32(m.vm, KVM_SET_USER_MEMORY_REGION, low);
	ACCEPT32(m.vcpu, KVM_GET_SREGS, low);
	low->sregs.cs.base = 0;
	low->sregs.cs.selector = 0;
	ACCEPT32(m.vcpu, KVM_SET_SREGS, low);
	low->regs = (struct kvm_regs){ .rip = CODE, .rflags = 2, .rax = 0x5a };
	ACCEPT32(m.vcpu, KVM_SET_REGS, low);
	/* out %al, $0x10 */
	memcpy(m.ram + CODE, (uint8_t[]){ 0xe6, 0x10 }, 2);
	ACCEPT32(m.vcpu, KVM_RUN, 0);
	check(m.run->exit_reason == KVM_EXIT_IO, "how KVM_RUN ends");
	/* A 32-bit process writes only the lower half of the pointer. */
	memset(bitmap, 0xff, 8);
	low->log = (struct kvm_dirty_log){ .slot = 1 };
	low->log.padding2 = 0x5a5a5a5a00000000 | (uintptr_t)bitmap;
	ACCEPT32(m.vm, KVM_GET_DIRTY_LOG, low);
	check(!bitmap[0], "the log");
	check(call32(IOCTL32, m.vcpu, KVM_RUN, 1) == -EINVAL, "KVM_RUN with 1");
	check(call32(IOCTL32, m.vcpu, KVM_GET_REGS, 0) == -EFAULT, "no memory");
out:
	munmap(low, 2 * PAGE);
	free_machine(&m);
}

/* ---- a vCPU ---- */

static void refuse_sregs(const struct machine *m, const struct kvm_sregs *sregs, const char *what)
{
	refuse(m->vcpu, KVM_SET_SREGS, sregs, EINVAL, what);
}

static void test_special_registers(void)
{
	struct machine m = new_machine(0);
	struct snapshot before;
	struct kvm_sregs s;

	give_cpuid(&m);
	before = snapshot(&m);

#define SREGS(what, ...)                    \
	do {                                \
		s = before.sregs;           \
		__VA_ARGS__;                \
		refuse_sregs(&m, &s, what); \
	} while (0)
	SREGS("CR4 bit 63", s.cr4 |= 1UL << 63);
	SREGS("CR4.VMXE", s.cr4 |= 1UL << 13);
	SREGS("CR4 bit 15", s.cr4 |= 1UL << 15);
	SREGS("CR0 bit 32", s.cr0 |= 1UL << 32);
	SREGS("CR0.PG without PE", s.cr0 |= 1UL << 31);
	SREGS("EFER.LMA without paging", s.efer |= 0x500);
	SREGS("long mode without PAE", s.cr0 |= 0x80000001, s.efer |= 0x500);
	SREGS("long mode without LMA", s.cr0 |= 0x80000001, s.cr4 |= 0x20, s.efer |= 0x100);
	SREGS("CS.L outside of long mode", s.cs.l = 1);
	SREGS("CR3 beyond the address width", s.cr0 |= 0x80000001, s.cr4 |= 0x20, s.efer |= 0x500,
	      s.cr3 = 1UL << 62);
	SREGS("APIC base bit 63", s.apic_base |= 1UL << 63);
	SREGS("APIC base bit 1", s.apic_base |= 2);
	SREGS("x2APIC mode of a disabled APIC", s.apic_base = 0xfee00400);
#undef SREGS

	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_events(void)
{
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	struct kvm_vcpu_events e;

	e = before.events;
	e.flags = 1u << 31;
	refuse(m.vcpu, KVM_SET_VCPU_EVENTS, &e, EINVAL, "an unknown flag");
	e = before.events;
	e.exception.injected = 1;
	e.exception.nr = 32;
	refuse(m.vcpu, KVM_SET_VCPU_EVENTS, &e, EINVAL, "exception 32");
	e.exception.nr = 2;
	refuse(m.vcpu, KVM_SET_VCPU_EVENTS, &e, EINVAL, "an NMI for an exception");
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_debug_registers(void)
{
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	struct kvm_debugregs d = before.debugregs;

	d.flags = 1;
	refuse(m.vcpu, KVM_SET_DEBUGREGS, &d, EINVAL, "flags");
	d = before.debugregs;
	d.dr6 |= 1UL << 32;
	refuse(m.vcpu, KVM_SET_DEBUGREGS, &d, EINVAL, "DR6 bit 32");
	d = before.debugregs;
	d.dr7 |= 1UL << 32;
	refuse(m.vcpu, KVM_SET_DEBUGREGS, &d, EINVAL, "DR7 bit 32");
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_run_state(void)
{
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	struct kvm_mp_state state = { .mp_state = 99 };

	refuse(m.vcpu, KVM_SET_MP_STATE, &state, EINVAL, "state 99");
	state.mp_state = ~0u;
	refuse(m.vcpu, KVM_SET_MP_STATE, &state, EINVAL, "state ~0");
	state.mp_state = KVM_MP_STATE_SIPI_RECEIVED;
	refuse(m.vcpu, KVM_SET_MP_STATE, &state, EINVAL, "SIPI without an APIC");
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_xcrs(void)
{
	struct machine m = new_machine(0);
	struct snapshot before;
	struct kvm_xcrs x;

	if (!extension(KVM_CAP_XCRS)) {
		skipped = "no KVM_CAP_XCRS";
		free_machine(&m);
		return;
	}
	give_cpuid(&m);
	before = snapshot(&m);
	x = (struct kvm_xcrs){ .nr_xcrs = 1, .flags = 1, .xcrs[0].value = 1 };
	refuse(m.vcpu, KVM_SET_XCRS, &x, EINVAL, "flags");
	x = (struct kvm_xcrs){ .nr_xcrs = KVM_MAX_XCRS + 1, .xcrs[0].value = 3 };
	refuse(m.vcpu, KVM_SET_XCRS, &x, EINVAL, "17 registers");
	x = (struct kvm_xcrs){ .nr_xcrs = 1, .xcrs[0].value = 0 };
	refuse(m.vcpu, KVM_SET_XCRS, &x, EINVAL, "XCR0 without x87");
	x.xcrs[0].value = 1UL << 63 | 1;
	refuse(m.vcpu, KVM_SET_XCRS, &x, EINVAL, "XCR0 bit 63");
	x.xcrs[0].value = 5;
	refuse(m.vcpu, KVM_SET_XCRS, &x, EINVAL, "AVX without SSE");
	check_unchanged(&m, &before);
	free_machine(&m);
}

static void test_xsave(void)
{
	static union {
		struct kvm_xsave xsave;
		uint8_t bytes[65536];
	} area;
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	uint64_t *header = (uint64_t *)(area.bytes + 512);

	if (!extension(KVM_CAP_XSAVE)) {
		skipped = "no KVM_CAP_XSAVE";
		free_machine(&m);
		return;
	}
	ACCEPT(m.vcpu, KVM_GET_XSAVE, &area);
	header[0] |= 1UL << 62;
	refuse(m.vcpu, KVM_SET_XSAVE, &area, EINVAL, "component 62");
	ACCEPT(m.vcpu, KVM_GET_XSAVE, &area);
	header[1] = 1UL << 63;
	refuse(m.vcpu, KVM_SET_XSAVE, &area, EINVAL, "the compact format");
	ACCEPT(m.vcpu, KVM_GET_XSAVE, &area);
	header[4] = 1;
	refuse(m.vcpu, KVM_SET_XSAVE, &area, EINVAL, "a reserved byte of the header");
	ACCEPT(m.vcpu, KVM_GET_XSAVE, &area);
	header[0] |= 2;
	area.xsave.region[6] = 1u << 31;
	refuse(m.vcpu, KVM_SET_XSAVE, &area, EINVAL, "MXCSR bit 31");
	check_unchanged(&m, &before);
	free_machine(&m);
}

union msrs {
	struct kvm_msrs list;
	uint8_t room[sizeof(struct kvm_msrs) + 3 * sizeof(struct kvm_msr_entry)];
};

/* The ioctls stop at the first MSR that fails. */
static void test_msrs(void)
{
	struct machine m = new_machine(0);
	struct kvm_msrs *edge = (void *)(pages + PAGE - sizeof(*edge));
	union msrs u = { .list.nmsrs = 3 };

	u.list.entries[0].index = 0x277; /* IA32_PAT */
	u.list.entries[0].data = 0x0007040600070406;
	u.list.entries[1].index = 0xdeadbeef;
	u.list.entries[2].index = 0x277;
	check(ioctl(m.vcpu, KVM_GET_MSRS, &u) == 1, "KVM_GET_MSRS past a bad index");
	u.list.entries[0].data = 0x0007040600070406;
	u.list.entries[2].data = 0x0606060606060606;
	check(ioctl(m.vcpu, KVM_SET_MSRS, &u) == 1, "KVM_SET_MSRS past a bad index");
	u.list.nmsrs = 1;
	u.list.entries[0].data = 0x0207040600070406;
	check(ioctl(m.vcpu, KVM_SET_MSRS, &u) == 0, "a bad memory type in IA32_PAT");
	check(ioctl(m.vcpu, KVM_GET_MSRS, &u) == 1, "KVM_GET_MSRS");
	check(u.list.entries[0].data == 0x0007040600070406, "IA32_PAT");
	*edge = (struct kvm_msrs){ .nmsrs = 256 };
	refuse(m.vcpu, KVM_GET_MSRS, edge, E2BIG, "256 MSRs");
	refuse(m.vcpu, KVM_SET_MSRS, edge, E2BIG, "256 MSRs");
	edge->nmsrs = ~0u;
	refuse(m.vcpu, KVM_SET_MSRS, edge, E2BIG, "~0 MSRs");
	edge->nmsrs = 1;
	refuse(m.vcpu, KVM_GET_MSRS, edge, EFAULT, "an entry without memory");
	refuse(m.vcpu, KVM_SET_MSRS, edge, EFAULT, "an entry without memory");
	/* There is memory for one of two entries: none is written. */
	edge = (void *)(pages + PAGE - sizeof(*edge) - sizeof(edge->entries[0]));
	edge->nmsrs = 2;
	edge->entries[0] = (struct kvm_msr_entry){ .index = 0x277, .data = 0x0606060606060606 };
	refuse(m.vcpu, KVM_SET_MSRS, edge, EFAULT, "a second entry without memory");
	u.list.nmsrs = 1;
	check(ioctl(m.vcpu, KVM_GET_MSRS, &u) == 1, "KVM_GET_MSRS");
	check(u.list.entries[0].data == 0x0007040600070406, "IA32_PAT after that");
	free_machine(&m);
}

static void test_cpuid(void)
{
	struct machine m = new_machine(0);
	struct kvm_cpuid2 *edge = (void *)(pages + PAGE - sizeof(*edge));
	union {
		struct kvm_cpuid2 table;
		uint8_t room[sizeof(struct kvm_cpuid2) + sizeof(struct kvm_cpuid_entry2)];
	} one = { .table.nent = 1 };

	one.table.entries[0].function = 0x80000008;
	one.table.entries[0].eax = 0x3228;
	*edge = (struct kvm_cpuid2){ .nent = 257 };
	refuse(m.vcpu, KVM_SET_CPUID, edge, E2BIG, "KVM_SET_CPUID of 257 entries");
	refuse(m.vcpu, KVM_SET_CPUID2, edge, E2BIG, "257 entries");
	edge->nent = ~0u;
	refuse(m.vcpu, KVM_SET_CPUID2, edge, E2BIG, "~0 entries");
	edge->nent = 1;
	refuse(m.vcpu, KVM_SET_CPUID, edge, EFAULT, "KVM_SET_CPUID without memory");
	refuse(m.vcpu, KVM_SET_CPUID2, edge, EFAULT, "an entry without memory");
	refuse(m.vcpu, KVM_SET_CPUID2, &one, EINVAL, "a linear width of 50 bits");
	one.table.entries[0].eax = 0x3028;
	ACCEPT(m.vcpu, KVM_SET_CPUID2, &one);
	one.table.nent = 0;
	refuse(m.vcpu, KVM_GET_CPUID2, &one, E2BIG, "no room");
	refuse(m.vcpu, KVM_GET_CPUID2, edge, EFAULT, "no memory for an entry");
	one.table.nent = 1;
	ACCEPT(m.vcpu, KVM_GET_CPUID2, &one);
	check(one.table.nent == 1 && one.table.entries[0].eax == 0x3028,
	      "what KVM_GET_CPUID2 gives");

	/* After a KVM_RUN that does not enter the guest, the CPUID can still change. */
	m.run->immediate_exit = 1;
	refuse(m.vcpu, KVM_RUN, 0, EINTR, "KVM_RUN with immediate_exit");
	m.run->immediate_exit = 0;
	one.table.entries[0].eax = 0x3029;
	ACCEPT(m.vcpu, KVM_SET_CPUID2, &one);
	one.table.entries[0].eax = 0x3028;
	ACCEPT(m.vcpu, KVM_SET_CPUID2, &one);

	/* After the guest has run, a vCPU keeps its CPUID. */
	check(guest_reads(&m, 0x2000) == 0, "the guest does not run");
	ACCEPT(m.vcpu, KVM_SET_CPUID2, &one);
	one.table.entries[0].eax = 0x3027;
	refuse(m.vcpu, KVM_SET_CPUID2, &one, EINVAL, "another CPUID after KVM_RUN");
	free_machine(&m);
}

static void test_interrupt(void)
{
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);
	struct kvm_interrupt irq = { .irq = 256 };

	refuse(m.vcpu, KVM_INTERRUPT, &irq, EINVAL, "vector 256");
	irq.irq = ~0u;
	refuse(m.vcpu, KVM_INTERRUPT, &irq, EINVAL, "vector ~0");
	check_unchanged(&m, &before);
	irq.irq = 32;
	ACCEPT(m.vcpu, KVM_INTERRUPT, &irq);
	free_machine(&m);

	m = new_machine(WITH_IRQCHIP);
	refuse(m.vcpu, KVM_INTERRUPT, &irq, ENXIO, "KVM_INTERRUPT with an irqchip");
	free_machine(&m);
}

static void test_signal_mask(void)
{
	struct machine m = new_machine(0);
	union {
		struct kvm_signal_mask mask;
		uint8_t room[sizeof(struct kvm_signal_mask) + 8];
	} u = { .mask.len = 4 };
	struct kvm_signal_mask *edge = (void *)(pages + PAGE - sizeof(*edge));

	refuse(m.vcpu, KVM_SET_SIGNAL_MASK, &u, EINVAL, "a set of 4 bytes");
	u.mask.len = ~0u;
	refuse(m.vcpu, KVM_SET_SIGNAL_MASK, &u, EINVAL, "a set of ~0 bytes");
	edge->len = 8;
	refuse(m.vcpu, KVM_SET_SIGNAL_MASK, edge, EFAULT, "a set without memory");
	u.mask.len = 8;
	ACCEPT(m.vcpu, KVM_SET_SIGNAL_MASK, &u);
	free_machine(&m);
}

static void test_vcpu_time(void)
{
	struct machine m = new_machine(0);
	long khz = ioctl(m.vcpu, KVM_GET_TSC_KHZ, 0);

	check(khz > 0, "KVM_GET_TSC_KHZ");
	/* without TSC scaling the TSC cannot run slower than the host's */
	if (!extension(KVM_CAP_TSC_CONTROL))
		refuse(m.vcpu, KVM_SET_TSC_KHZ, (void *)1UL, EINVAL, "a TSC of 1 kHz");
	if (extension(KVM_CAP_KVMCLOCK_CTRL))
		refuse(m.vcpu, KVM_KVMCLOCK_CTRL, 0, EINVAL, "kvmclock is not enabled");
	free_machine(&m);
}

static void test_run_argument(void)
{
	struct machine m = new_machine(0);
	struct snapshot before = snapshot(&m);

	refuse(m.vcpu, KVM_RUN, (void *)1UL, EINVAL, "KVM_RUN with 1");
	m.run->immediate_exit = 1;
	refuse(m.vcpu, KVM_RUN, 0, EINTR, "KVM_RUN with immediate_exit");
	check_unchanged(&m, &before);
	free_machine(&m);
}

/* ---- running them ---- */

#define TEST(name)                 \
	{                          \
#name, test_##name \
	}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(system_arguments),
	TEST(unknown_capabilities),
	TEST(unknown_numbers),
	TEST(wrong_file),
	TEST(wrong_sizes),
	TEST(pointers_to_no_memory),
	TEST(pointers_to_read_only_memory),
	TEST(other_address_space),
	TEST(32bit_process),
	TEST(msr_lists),
	TEST(supported_cpuid),
	TEST(memory_region_values),
	TEST(memory_region_overlaps),
	TEST(memory_region_changes),
	TEST(dirty_log),
	TEST(vcpu_ids),
	TEST(order_of_creation),
	TEST(low_memory_of_vmx),
	TEST(number_of_mmu_pages),
	TEST(without_irqchip),
	TEST(irqchip),
	TEST(gsi_routing),
	TEST(clock),
	TEST(enable_cap),
	TEST(irqfd),
	TEST(ioeventfd),
	TEST(special_registers),
	TEST(events),
	TEST(debug_registers),
	TEST(run_state),
	TEST(xcrs),
	TEST(xsave),
	TEST(msrs),
	TEST(cpuid),
	TEST(interrupt),
	TEST(signal_mask),
	TEST(vcpu_time),
	TEST(run_argument),
};

int main(int argc, char **argv)
{
	bool good = true;
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "d:")) != -1) {
		if (c != 'd') {
			fprintf(stderr, "usage: %s [-d NODE]\n", argv[0]);
			return 2;
		}
		node = optarg;
	}
	printf("KTAP version 1\n1..%zu\n", ARRAY_SIZE(tests));
	kvm = open(node, O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		die("%s", node);
	pages = new_memory(2 * PAGE);
	mprotect(pages + PAGE, PAGE, PROT_NONE);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		failed = false;
		skipped = NULL;
		tests[i].run();
		printf("%sok %zu %s%s%s\n", failed ? "not " : "", i + 1, tests[i].name,
		       skipped ? " # SKIP " : "", skipped ? skipped : "");
		fflush(stdout);
		good &= !failed;
	}
	return good ? 0 : 1;
}
