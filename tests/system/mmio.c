// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits for instructions that access a device in userspace: the order of accesses, the registers
 * at each exit, and instructions that no hypervisor can execute.
 *
 *	mmio [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include "rawvm.h"
#include "../../uapi/oriel.h"

#define PORT_MARK 0x50
#define DEVICE 0x10000000UL
#define CR0_PG 0x80000000UL

#define ROM_TABLES 0x100000u
#define ACCESSED 0x20u
#define DIRTY 0x40u

/* %ebx is the device, %ebp is RAM, %edx is the port. */
GUEST_CODE(device_code, "mov %eax, (%ebx)\n"
			"out %al, $0x50\n"
			".org device_code + 16\n"
			"addl %eax, (%ebx)\n"
			"out %al, $0x50\n"
			".org device_code + 32\n"
			"rep stosl\n"
			"out %al, $0x50\n"
			".org device_code + 48\n"
			"movups (%ebp), %xmm0\n"
			"movups %xmm0, (%ebx)\n"
			"out %al, $0x50\n"
			".org device_code + 64\n"
			"push %eax\n"
			"push %ecx\n"
			"out %al, $0x50\n"
			".org device_code + 80\n"
			"call *(%ebx)\n"
			".org device_code + 96\n"
			"out %al, $0x50\n"
			".org device_code + 112\n"
			"rep insb\n"
			"out %al, $0x50\n"
			".org device_code + 128\n"
			"paddd (%ebx), %xmm0\n"
			"out %al, $0x50\n"
			".org device_code + 144\n"
			"incl (%ebp)\n"
			"mov (%ebp), %eax\n"
			"out %al, $0x50\n"
			".org device_code + 160\n"
			"out %al, $0x50");

#define UNKNOWN 128

static struct machine new_device(void)
{
	return new_machine(1, false, device_code, device_code_end);
}

static struct kvm_regs start_at(const struct machine *m, unsigned int offset)
{
	struct kvm_regs regs = { .rip = CODE + offset,
				 .rax = 0x11223344,
				 .rbx = DEVICE,
				 .rcx = 3,
				 .rdx = 0x60,
				 .rbp = DATA,
				 .rdi = DEVICE };

	set_regs(m, 0, &regs);
	return regs;
}

/* KVM_RUN must end with this access. @value is the data of a write. */
static void expect_mmio(const struct machine *m, uint64_t gpa, uint32_t len, bool write,
			uint64_t value)
{
	const struct kvm_run *r = m->run[0];
	uint64_t data = 0;
	int reason = run(m, 0);

	if (reason != KVM_EXIT_MMIO) {
		complain("KVM_RUN gives %d, expected MMIO at %#lx", reason, (unsigned long)gpa);
		return;
	}
	check_equal(r->mmio.phys_addr, gpa, "address");
	check_equal(r->mmio.len, len, "length");
	check_equal(r->mmio.is_write, write, "direction");
	memcpy(&data, r->mmio.data, sizeof(data));
	if (write)
		check_equal(data, value, "what is written");
}

static void expect_mark(const struct machine *m)
{
	int reason = run(m, 0);

	if (reason != KVM_EXIT_IO || m->run[0]->io.port != PORT_MARK)
		complain("KVM_RUN gives %d, expected the mark", reason);
	settle(m, 0);
}

/* A write is the last part of the instruction: RIP is behind it. */
static void test_write(void)
{
	struct machine m = new_device();

	start_at(&m, 0);
	expect_mmio(&m, DEVICE, 4, true, 0x11223344);
	check_equal(get_regs(&m, 0).rip, CODE + 2, "RIP at the exit");
	settle(&m, 0);
	check_equal(get_regs(&m, 0).rip, CODE + 2, "RIP after completion");
	expect_mark(&m);
	free_machine(&m);
}

static void test_read_and_write(void)
{
	struct machine m = new_device();

	start_at(&m, 16);
	expect_mmio(&m, DEVICE, 4, false, 0);
	check_equal(get_regs(&m, 0).rip, CODE + 16, "RIP at the read");
	memcpy(m.run[0]->mmio.data, "\x01\x00\x00\x00", 4);
	expect_mmio(&m, DEVICE, 4, true, 0x11223345);
	check_equal(get_regs(&m, 0).rip, CODE + 18, "RIP at the write");
	settle(&m, 0);
	expect_mark(&m);
	free_machine(&m);
}

/* A REP can be left between any two iterations, and each write is made once. */
static void test_string(void)
{
	struct machine m = new_device();
	unsigned int i;

	start_at(&m, 32);
	for (i = 0; i < 3; i++) {
		expect_mmio(&m, DEVICE + 4 * i, 4, true, 0x11223344);
		settle(&m, 0);
		check_equal(get_regs(&m, 0).rcx, 2 - i, "RCX");
		check_equal(get_regs(&m, 0).rdi, DEVICE + 4 * (i + 1), "RDI");
	}
	expect_mark(&m);
	start_at(&m, 32);
	for (i = 0; i < 3; i++)
		expect_mmio(&m, DEVICE + 4 * i, 4, true, 0x11223344);
	expect_mark(&m);
	check_equal(get_regs(&m, 0).rcx, 0, "RCX at the end");
	free_machine(&m);
}

static void test_wide_write(void)
{
	struct machine m = new_device();

	memcpy(m.ram + DATA, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);
	start_at(&m, 48);
	expect_mmio(&m, DEVICE, 8, true, 1);
	expect_mmio(&m, DEVICE + 8, 8, true, 2);
	settle(&m, 0);
	expect_mark(&m);
	free_machine(&m);
}

/* The stack is on a device, and a branch goes to an address that a device returns. */
static void test_stack(void)
{
	struct machine m = new_device();
	struct kvm_regs regs = start_at(&m, 64);

	regs.rsp = DEVICE + 64;
	set_regs(&m, 0, &regs);
	expect_mmio(&m, DEVICE + 60, 4, true, 0x11223344);
	expect_mmio(&m, DEVICE + 56, 4, true, 3);
	expect_mark(&m);
	check_equal(get_regs(&m, 0).rsp, DEVICE + 56, "RSP");
	regs.rip = CODE + 80;
	set_regs(&m, 0, &regs);
	expect_mmio(&m, DEVICE, 4, false, 0);
	memcpy(m.run[0]->mmio.data, "\x60\x10\x00\x00", 4);
	expect_mmio(&m, DEVICE + 60, 4, true, CODE + 82);
	expect_mark(&m);
	free_machine(&m);
}

/* Serve one exit of a string from a port to a device. Return false when it is over. */
static bool serve_input(const struct machine *m, uint8_t *value, uint8_t device[16])
{
	struct kvm_run *r = m->run[0];
	int reason = run(m, 0);
	unsigned int i;

	if (reason == KVM_EXIT_IO && r->io.port == 0x60) {
		for (i = 0; i < r->io.count; i++)
			((uint8_t *)port_data(m, 0))[i] = (*value)++;
		return true;
	}
	if (reason != KVM_EXIT_MMIO)
		return false;
	check(r->mmio.phys_addr >= DEVICE && r->mmio.phys_addr + r->mmio.len <= DEVICE + 8,
	      "where it is written");
	memcpy(device + r->mmio.phys_addr % 8, r->mmio.data, r->mmio.len % 8);
	return true;
}

/* Userspace may be asked for any number of bytes at once: each goes to its place. */
static void test_string_input(void)
{
	struct machine m = new_device();
	uint8_t device[16] = { 0 }, value = 7;

	start_at(&m, 112);
	while (serve_input(&m, &value, device))
		;
	check(!memcmp(device, "\7\10\11", 4), "what is written");
	check_equal(value, 10, "seven, and how many bytes were read");
	settle(&m, 0);
	check_equal(get_regs(&m, 0).rcx, 0, "RCX");
	check_equal(get_regs(&m, 0).rip, CODE + 116, "RIP behind the mark");
	free_machine(&m);
}

static void expect_failure(const struct machine *m)
{
	const struct kvm_run *r = m->run[0];

	check_equal(run(m, 0), KVM_EXIT_INTERNAL_ERROR, "KVM_RUN");
	check_equal(r->emulation_failure.suberror, KVM_INTERNAL_ERROR_EMULATION, "suberror");
	check(r->emulation_failure.ndata >= 3, "words of data");
	check(r->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
	      "flags");
	check(r->emulation_failure.insn_size >= 4, "bytes");
	check(!memcmp(r->emulation_failure.insn_bytes, device_code + UNKNOWN, 4),
	      "the instruction");
	check_equal(get_regs(m, 0).rip, CODE + UNKNOWN, "RIP");
}

/* Userspace gets the instruction, and the guest gets #UD if userspace goes on. */
static void test_unknown(void)
{
	struct machine m = new_device();

	poke(ram_u32(&m, IDT + 8 * 6), 8 << 16 | (CODE + 160));
	poke(ram_u32(&m, IDT + 8 * 6 + 4), 0x8e00);
	start_at(&m, UNKNOWN);
	expect_failure(&m);
	expect_mark(&m);
	check_equal(get_regs(&m, 0).rip, CODE + 162, "RIP in the handler");
	check_equal(*ram_u32(&m, get_regs(&m, 0).rsp), CODE + UNKNOWN, "RIP on the stack");
	free_machine(&m);
}

/* Code on a device cannot be fetched, so the exit has no instruction bytes. */
static void test_code_on_device(void)
{
	struct machine m = new_device();
	struct kvm_regs regs = start_at(&m, 0);

	regs.rip = DEVICE;
	set_regs(&m, 0, &regs);
	check_equal(run(&m, 0), KVM_EXIT_INTERNAL_ERROR, "KVM_RUN");
	check_equal(m.run[0]->emulation_failure.suberror, KVM_INTERNAL_ERROR_EMULATION, "suberror");
	check_equal(get_regs(&m, 0).rip, DEVICE, "RIP");
	free_machine(&m);
}

/* Then userspace alone decides: it may continue behind the instruction. */
static void test_unknown_to_userspace(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = { 1 } };
	struct machine m = new_device();

	MUST(m.vm, KVM_ENABLE_CAP, &cap);
	start_at(&m, UNKNOWN);
	expect_failure(&m);
	expect_failure(&m);
	start_at(&m, UNKNOWN + 4);
	expect_mark(&m);
	free_machine(&m);
}

/* Turns paging on, with tables in a read-only slot that map RAM to itself. */
static uint32_t *page_from_rom(const struct machine *m, uint32_t marks)
{
	uint32_t *rom = map_memory(2 * PAGE);
	struct kvm_sregs sregs;
	unsigned int i;

	rom[0] = ROM_TABLES + PAGE + 3 + marks;
	for (i = 0; i < RAM_SIZE / PAGE; i++)
		rom[PAGE / 4 + i] = i * PAGE + 3 + marks;
	must_set_slot(m, 1, KVM_MEM_READONLY, ROM_TABLES, 2 * PAGE, rom);
	MUST(m->vcpu[0], KVM_GET_SREGS, &sregs);
	sregs.cr3 = ROM_TABLES;
	sregs.cr0 |= CR0_PG;
	MUST(m->vcpu[0], KVM_SET_SREGS, &sregs);
	return rom;
}

/*
 * Page tables in ROM, with no accessed bit set: the CPU cannot set the bits there, and the guest
 * runs all the same.
 */
static void test_tables_in_rom(void)
{
	struct machine m;
	uint32_t *rom;

	if (!on_oriel()) {
		skipped = "KVM takes the table's address for that of the data";
		return;
	}
	m = new_device();
	rom = page_from_rom(&m, 0);
	*ram_u32(&m, DATA) = 41;
	start_at(&m, 144);
	expect_mark(&m);
	check_equal(get_regs(&m, 0).rax, 42, "EAX");
	/* Bochs' VT-x sets the bit there (limits.rst). */
	if (!on_bochs_vmx())
		check_equal(rom[0], ROM_TABLES + PAGE + 3, "the directory's entry");
	free_machine(&m);
	munmap(rom, 2 * PAGE);
}

/* If all bits are set already, the CPU sets nothing, and any instruction can be executed. */
static void test_marked_tables_in_rom(void)
{
	struct kvm_regs regs;
	struct machine m;
	uint32_t *rom;

	if (!on_oriel() || !on_intel()) {
		skipped = on_oriel() ? "AMD-V takes each walk for a write" :
				       "KVM emulates all that is executed there";
		return;
	}
	m = new_device();
	/* Memory that was mapped before the first such walk stays mapped. */
	start_at(&m, 144);
	expect_mark(&m);
	rom = page_from_rom(&m, ACCESSED | DIRTY);
	regs = start_at(&m, UNKNOWN);
	regs.rbx = DATA;
	set_regs(&m, 0, &regs);
	expect_mark(&m);
	start_at(&m, 144);
	expect_mark(&m);
	check_equal(get_regs(&m, 0).rax, 2, "EAX");
	free_machine(&m);
	munmap(rom, 2 * PAGE);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(write),
		TEST(read_and_write),
		TEST(string),
		TEST(wide_write),
		TEST(stack),
		TEST(string_input),
		TEST(unknown),
		TEST(unknown_to_userspace),
		TEST(code_on_device),
		TEST(tables_in_rom),
		TEST(marked_tables_in_rom),
	};

	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
