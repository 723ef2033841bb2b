// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics through KVM_GET_STATS_FD. KTAP on stdout.
 *
 *	stats [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include "vmstats.h"

/* Touches the page behind the code, then a port. */
GUEST_CODE(stat_code, "1: incl 0x2000\n"
		      "out %al, $0x50\n"
		      "jmp 1b");

static struct machine stat_machine(void)
{
	struct machine m = new_machine(1, false, stat_code, stat_code_end);
	struct kvm_regs regs = { .rip = CODE };

	set_regs(&m, 0, &regs);
	return m;
}

static void check_layout(int fd, const char *id)
{
	struct stats s = read_stats(fd);
	uint32_t i, end = 0;

	check(extension(KVM_CAP_BINARY_STATS_FD) == 1, "KVM_CAP_BINARY_STATS_FD");
	check(!strncmp(s.id, id, strlen(id)), "the id");
	check(s.header.num_desc > 0, "there are statistics");
	for (i = 0; i < s.header.num_desc; i++) {
		const struct kvm_stats_desc *desc = description(&s, i);

		check(strlen(desc->name) > 0 && strlen(desc->name) < s.header.name_size, "a name");
		check(desc->size > 0, "a size");
		if (desc->offset + desc->size * sizeof(uint64_t) > end)
			end = desc->offset + desc->size * sizeof(uint64_t);
	}
	check(s.header.desc_offset + s.header.num_desc * s.description_size <= s.header.data_offset,
	      "descriptions end before the values");
	check_equal(pread(fd, &end, 4, s.header.data_offset + end), 0, "nothing behind the values");
	free_stats(&s);
}

static void test_layout(void)
{
	struct machine m = stat_machine();
	int vm = open_stats(m.vm), vcpu = open_stats(m.vcpu[0]);

	check_layout(vm, "kvm-");
	check_layout(vcpu, "kvm-");
	close(vm);
	close(vcpu);
	free_machine(&m);
}

/* read() continues at its last position, in pieces of any size. */
static void test_read_in_pieces(void)
{
	struct machine m = stat_machine();
	uint8_t whole[8192], piece[8192];
	int fd = open_stats(m.vm);
	ssize_t size = pread(fd, whole, sizeof(whole), 0);
	ssize_t done = 0, got;

	check(size > (ssize_t)sizeof(struct kvm_stats_header), "something to read");
	while ((got = read(fd, piece + done, 7)) > 0)
		done += got;
	check_equal(done, size, "all of it");
	check(size > 0 && !memcmp(whole, piece, size), "the same");
	check(pread(fd, (void *)PAGE, 8, 0) < 0 && errno == EFAULT, "to nowhere");
	close(fd);
	free_machine(&m);
}

static void test_exits_are_counted(void)
{
	struct machine m = stat_machine();
	int fd = open_stats(m.vcpu[0]);
	uint64_t exits = value_of(fd, "exits"), io = value_of(fd, "io_exits");
	int i;

	for (i = 0; i < 10; i++)
		check_equal(run(&m, 0), KVM_EXIT_IO, "exit reason");
	check(value_of(fd, "exits") >= exits + 10, "10 exits or more");
	check_equal(value_of(fd, "io_exits"), io + 10, "10 of them OUT");
	check(value_of(fd, "pf_taken") > 0, "page faults");
	close(fd);
	free_machine(&m);
}

static void test_pages_are_counted(void)
{
	struct machine m = stat_machine();
	int fd = open_stats(m.vm);
	uint64_t before;

	check_equal(run(&m, 0), KVM_EXIT_IO, "exit reason");
	before = value_of(fd, "pages_4k");
	check(before > 0, "pages of 4 KiB are mapped");
	must_set_slot(&m, 0, 0, 0, 0, NULL);
	check_equal(value_of(fd, "pages_4k"), 0, "none without memory");
	close(fd);
	free_machine(&m);
}

static void test_descriptor_outlives_the_machine(void)
{
	struct machine m = stat_machine();
	int vm = open_stats(m.vm), vcpu = open_stats(m.vcpu[0]);

	check_equal(run(&m, 0), KVM_EXIT_IO, "exit reason");
	free_machine(&m);
	check(value_of(vcpu, "exits") > 0, "the vCPU's can still be read");
	value_of(vm, "remote_tlb_flush");
	close(vm);
	close(vcpu);
}

static const struct test tests[] = {
	TEST(layout),
	TEST(read_in_pieces),
	TEST(exits_are_counted),
	TEST(pages_are_counted),
	TEST(descriptor_outlives_the_machine),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
