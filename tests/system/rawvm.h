/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the programs that use the raw KVM ABI: KTAP, a small machine whose
 * guest is flat 32-bit code, and its registers.
 */
#ifndef ORIEL_RAWVM_H
#define ORIEL_RAWVM_H

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "../../uapi/oriel.h"

/* "TCGT", "CGTC", "GTCG": the name of a hypervisor at CPUID 40000000h */
#define TCG_EBX 0x54474354u
#define TCG_ECX 0x43544743u
#define TCG_EDX 0x47435447u

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL

/* The machine's RAM, slot 0 at 0, and what lies where in it. */
#define RAM_SIZE (16 * PAGE)
#define CODE 0x1000UL
#define DATA 0x2000UL
#define IDT 0x3000UL
#define GDT 0x4000UL
#define STACK 0x8000UL

#define MAX_VCPUS 2u

/* A test that takes longer counts as hung: ten times the time that TCG needs. */
#define HUNG_SECONDS 300

/* 32-bit guest code NAME .. NAME_end, which runs wherever it is copied to. */
#define GUEST_CODE(name, text)                                                \
	extern const uint8_t name[], name##_end[];                            \
	__asm__(".pushsection .rodata\n.code32\n" #name ":\n" text "\n" #name \
		"_end:\n.code64\n.popsection")

struct machine {
	int vm;
	unsigned int vcpus;
	int vcpu[MAX_VCPUS];
	struct kvm_run *run[MAX_VCPUS];
	size_t run_size;
	uint8_t *ram;
};

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name)                 \
	{                          \
#name, test_##name \
	}

static int kvm;
static bool failed;
static const char *skipped;

/* ---- reporting ---- */

__attribute__((format(printf, 1, 2))) static inline void complain(const char *format, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	printf("# %s\n", text);
	__atomic_store_n(&failed, true, __ATOMIC_RELAXED);
}

__attribute__((noreturn)) static inline void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static inline void check(bool good, const char *what)
{
	if (!good)
		complain("%s", what);
}

static inline void check_equal(uint64_t got, uint64_t want, const char *what)
{
	if (got != want)
		complain("%s: %#llx, expected %#llx", what, (unsigned long long)got,
			 (unsigned long long)want);
}

/* ---- what this runs on ---- */

static inline bool on_intel(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

/* QEMU's TCG, which has faults of its own. */
static inline bool on_tcg(void)
{
	unsigned int a, b, c, d;

	__cpuid(0x40000000, a, b, c, d);
	return b == TCG_EBX && c == TCG_ECX && d == TCG_EDX;
}

static inline bool on_lab(const char *host)
{
	const char *lab = getenv("ORIEL_LAB");

	return lab && !strcmp(lab, host);
}

/* The lab's host whose SVM is Bochs', which has others. */
static inline bool on_bochs_svm(void)
{
	return on_lab("amd-bochs");
}

/* The one whose VT-x is Bochs'. */
static inline bool on_bochs_vmx(void)
{
	return on_lab("intel");
}

/* The test is skipped there, because of a fault of Bochs'. */
static inline bool bochs_svm_cannot(const char *fault)
{
	if (on_bochs_svm())
		skipped = fault;
	return on_bochs_svm();
}

/* Oriel, not the in-tree KVM. */
static inline bool on_oriel(void)
{
	return ioctl(kvm, ORIEL_CHECK_EXTENSION, ORIEL_CAP_ENTRY_REPORT) >= 0;
}

/* ---- machines ---- */

static inline int extension(int cap)
{
	return ioctl(kvm, KVM_CHECK_EXTENSION, cap);
}

static inline void must_ioctl(int fd, unsigned long request, const void *arg, const char *what)
{
	if (ioctl(fd, request, arg) < 0)
		die(what);
}

#define MUST(fd, request, arg) must_ioctl(fd, request, arg, #request)

static inline void *map_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static inline int set_slot(const struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa,
			   uint64_t size, const void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static inline void must_set_slot(const struct machine *m, uint32_t slot, uint32_t flags,
				 uint64_t gpa, uint64_t size, const void *hva)
{
	if (set_slot(m, slot, flags, gpa, size, hva))
		die("KVM_SET_USER_MEMORY_REGION");
}

/* Flat 32-bit protected mode without paging (SDM 3A 10.9.1). */
static inline void set_flat(const struct machine *m, unsigned int i)
{
	struct kvm_segment code = {
		.limit = ~0u, .selector = 8, .type = 0xb, .present = 1, .db = 1, .s = 1, .g = 1
	};
	struct kvm_segment data = code;
	struct kvm_sregs sregs = { 0 };

	data.selector = 16;
	data.type = 3;
	MUST(m->vcpu[i], KVM_GET_SREGS, &sregs);
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.cr0 = 0x11;
	/* OSFXSR, for SSE */
	sregs.cr4 = 0x200;
	sregs.gdt.base = GDT;
	sregs.gdt.limit = 23;
	sregs.idt.base = IDT;
	sregs.idt.limit = 0x7ff;
	MUST(m->vcpu[i], KVM_SET_SREGS, &sregs);
}

static inline void add_vcpu(struct machine *m)
{
	unsigned int i = m->vcpus++;

	m->vcpu[i] = ioctl(m->vm, KVM_CREATE_VCPU, i);
	if (m->vcpu[i] < 0)
		die("KVM_CREATE_VCPU");
	m->run[i] = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu[i], 0);
	if (m->run[i] == MAP_FAILED)
		die("mmap of a vCPU");
	set_flat(m, i);
}

/* @code is at CODE. */
static inline struct machine new_machine(unsigned int vcpus, bool irqchip, const uint8_t *code,
					 const uint8_t *end)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	struct machine m = { .vm = ioctl(kvm, KVM_CREATE_VM, 0) };

	if (m.vm < 0)
		die("KVM_CREATE_VM");
	if (irqchip)
		MUST(m.vm, KVM_CREATE_IRQCHIP, 0);
	m.run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m.ram = map_memory(RAM_SIZE);
	memcpy(m.ram + CODE, code, end - code);
	memcpy(m.ram + GDT, gdt, sizeof(gdt));
	must_set_slot(&m, 0, 0, 0, RAM_SIZE, m.ram);
	while (m.vcpus < vcpus)
		add_vcpu(&m);
	return m;
}

static inline void free_machine(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->vcpus; i++) {
		munmap(m->run[i], m->run_size);
		close(m->vcpu[i]);
	}
	close(m->vm);
	munmap(m->ram, RAM_SIZE);
}

/* ---- running ---- */

/* One KVM_RUN: the exit reason or a negative errno. */
static inline int run_once(const struct machine *m, unsigned int i)
{
	return ioctl(m->vcpu[i], KVM_RUN, 0) < 0 ? -errno : (int)m->run[i]->exit_reason;
}

/* The same where no signal is expected to end it. */
static inline int run(const struct machine *m, unsigned int i)
{
	int reason;

	do
		reason = run_once(m, i);
	while (reason == -EINTR);
	return reason;
}

/* Finish the access that ended KVM_RUN, without executing more. */
static inline void settle(const struct machine *m, unsigned int i)
{
	m->run[i]->immediate_exit = 1;
	check_equal(-run_once(m, i), EINTR, "KVM_RUN with immediate_exit");
	m->run[i]->immediate_exit = 0;
}

static inline void set_regs(const struct machine *m, unsigned int i, const struct kvm_regs *regs)
{
	struct kvm_regs all = *regs;

	all.rflags |= 2;
	if (!all.rsp)
		all.rsp = STACK + i * PAGE;
	MUST(m->vcpu[i], KVM_SET_REGS, &all);
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

/* KVM_SET_MSRS on the first vCPU. */
static inline bool host_set(const struct machine *m, uint32_t index, uint64_t data)
{
	struct one_msr msr = { { .nmsrs = 1 }, { .index = index, .data = data } };

	return ioctl(m->vcpu[0], KVM_SET_MSRS, &msr) == 1;
}

static inline struct kvm_regs get_regs(const struct machine *m, unsigned int i)
{
	struct kvm_regs regs = { 0 };

	MUST(m->vcpu[i], KVM_GET_REGS, &regs);
	return regs;
}

static inline void *port_data(const struct machine *m, unsigned int i)
{
	return (uint8_t *)m->run[i] + m->run[i]->io.data_offset;
}

/* A number in RAM that the guest changes or looks at. */
static inline uint32_t *ram_u32(const struct machine *m, uint64_t gpa)
{
	return (uint32_t *)(m->ram + gpa);
}

/* An interrupt gate of the 32-bit IDT. */
static inline void set_gate(const struct machine *m, unsigned int vector, uint32_t handler)
{
	uint32_t *gate = ram_u32(m, IDT + 8 * vector);

	gate[0] = 8 << 16 | (handler & 0xffff);
	gate[1] = (handler & 0xffff0000) | 0x8e00;
}

/* The first vCPU's exit must be by this port. */
static inline void expect_port(const struct machine *m, int reason, unsigned int port,
			       const char *what)
{
	if (reason != KVM_EXIT_IO)
		complain("%s: KVM_RUN gives %d", what, reason);
	else if (m->run[0]->io.port != port)
		complain("%s: port %#x, expected %#x", what, m->run[0]->io.port, port);
}

static inline uint32_t peek(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void poke(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

/* ---- main ---- */

static inline void on_hang(int signal)
{
	static const char text[] = "Bail out! a test hangs\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

static inline int run_tests(int argc, char **argv, const struct test *tests, size_t count)
{
	const char *node = "/dev/oriel";
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
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%zu\n", count);
	kvm = open(node, O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		die(node);
	for (i = 0; i < count; i++) {
		failed = false;
		skipped = NULL;
		alarm(HUNG_SECONDS);
		tests[i].run();
		printf("%sok %zu %s%s%s\n", failed ? "not " : "", i + 1, tests[i].name,
		       skipped ? " # SKIP " : "", skipped ? skipped : "");
		good &= !failed;
	}
	return good ? 0 : 1;
}

#endif
