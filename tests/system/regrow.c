// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages that were split for code grow back. This takes a CPU with the bug iTLB multihit, and
 * the module's parameter regrow_period=60: then a share of the memory has its turn each second.
 * KTAP on stdout.
 *
 *	regrow [-d /dev/oriel]
 */
#include "vmstats.h"

#define LARGE (2UL << 20)
#define AREA 0x40000000UL
#define AREA_SIZE (4 * LARGE)
#define RET 0xc3

/* Read from each 2 MiB of %esi to %edx. Call the function at %ebx unless it is 0. */
GUEST_CODE(touch_code, "1: mov %esi, %edi\n"
		       "2: mov (%edi), %eax\n"
		       "add $0x200000, %edi\n"
		       "cmp %edx, %edi\n"
		       "jb 2b\n"
		       "test %ebx, %ebx\n"
		       "jz 3f\n"
		       "call *%ebx\n"
		       "3: out %al, $0x10\n"
		       "jmp 1b");

/* Return true if a file's first line begins with @text. */
static bool file_says(const char *name, const char *text)
{
	FILE *file = fopen(name, "re");
	char line[80] = "";

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return !strncmp(line, text, strlen(text));
}

static uint64_t touch(const struct machine *m, uint64_t call)
{
	struct kvm_regs regs = { .rip = CODE, .rsi = AREA, .rdx = AREA + AREA_SIZE, .rbx = call };

	set_regs(m, 0, &regs);
	expect_port(m, run(m, 0), 0x10, "the guest");
	settle(m, 0);
	return vm_stat(m, "pages_2m");
}

static void test_split_for_code(void)
{
	struct machine m = new_machine(1, false, touch_code, touch_code_end);
	uint8_t *room = map_memory(AREA_SIZE + LARGE);
	uint8_t *area = (uint8_t *)(((uintptr_t)room + LARGE - 1) & ~(LARGE - 1));
	uint64_t large;

	madvise(area, AREA_SIZE, MADV_HUGEPAGE);
	memset(area, RET, AREA_SIZE);
	must_set_slot(&m, 1, 0, AREA, AREA_SIZE, area);
	large = touch(&m, 0);
	if (!large) {
		skipped = "the host has no large page to spare";
	} else {
		check_equal(touch(&m, AREA + LARGE), large - 1, "large pages after a call");
		while (touch(&m, 0) != large)
			usleep(100000);
		check_equal(touch(&m, AREA + LARGE), large - 1, "large pages after another call");
	}
	free_machine(&m);
	munmap(room, AREA_SIZE + LARGE);
}

static void test_grow_back(void)
{
	if (!file_says("/sys/devices/system/cpu/vulnerabilities/itlb_multihit", "KVM: "))
		skipped = "this CPU has no bug iTLB multihit";
	else if (!file_says("/sys/module/oriel/parameters/regrow_period", "60\n"))
		skipped = "the module is not loaded with regrow_period=60";
	else
		test_split_for_code();
}

static const struct test tests[] = {
	TEST(grow_back),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
