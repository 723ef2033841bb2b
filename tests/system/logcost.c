// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of logging a guest's writes for its other vCPUs: TLB flushes, and times that no vCPU
 * could map memory. One vCPU sweeps over the memory while another writes to a part of it all the
 * time: only a vCPU that runs has to be stopped for a flush. KTAP on stdout.
 *
 *	logcost [-d /dev/oriel]
 *
 * Run as a test, it checks that the log has each page. With ORIEL_LOG_MIB=N the guest has N MiB,
 * and the program prints a line for each step: its name, flushes, and exclusive holds, or "-" for
 * these on the in-tree KVM, which does not count them. It passes on the in-tree KVM as well.
 */
#include "guestmem.h"
#include "vmstats.h"

#define LARGE (2UL << 20)
#define SWEEP 0x5000UL /* the address of sweep_code; hammer_code is at CODE */

/* Write once to each page from %esi to %edx. */
GUEST_CODE(sweep_code, "1: incl (%esi)\n"
		       "add $4096, %esi\n"
		       "cmp %edx, %esi\n"
		       "jb 1b\n"
		       "out %al, $0x10");

struct counts {
	uint64_t flushes;
	uint64_t holds;
};

static size_t size = 2 * LARGE;
static bool wanted;

static struct counts count(const struct machine *m)
{
	return (struct counts){
		.flushes = vm_stat(m, "remote_tlb_flush"),
		.holds = on_oriel() ? vm_stat(m, "mmu_exclusive_holds") : 0,
	};
}

/* Report what has grown since @before, and count anew. */
static void report(const struct machine *m, const char *kind, const char *step,
		   struct counts *before)
{
	struct counts now = count(m);
	unsigned long long flushes = now.flushes - before->flushes;
	unsigned long long holds = now.holds - before->holds;

	if (wanted && on_oriel())
		printf("# %s %s %llu %llu\n", kind, step, flushes, holds);
	else if (wanted)
		printf("# %s %s %llu -\n", kind, step, flushes);
	*before = now;
}

static void write_all(const struct machine *m)
{
	struct kvm_regs regs = { .rip = SWEEP, .rsi = AREA, .rdx = AREA + size };

	set_regs(m, 0, &regs);
	expect_port(m, run(m, 0), PORT_DONE, "writing all pages");
	settle(m, 0);
}

static void harvest(const struct machine *m)
{
	uint64_t *bits = map_memory(size / PAGE / 8 + PAGE), missing = 0;
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };
	size_t i;

	MUST(m->vm, KVM_GET_DIRTY_LOG, &log);
	for (i = 0; i < size / PAGE / 64; i++)
		missing += !!~bits[i];
	check_equal(missing, 0, "words of the log with a page missing");
	munmap(bits, size / PAGE / 8 + PAGE);
}

static void log_area(bool large)
{
	struct machine m = MACHINE(2, hammer);
	uint8_t *room = map_memory(size + LARGE);
	uint8_t *area = (uint8_t *)(((uintptr_t)room + LARGE - 1) & ~(LARGE - 1));
	const char *kind = large ? "2M" : "4K";
	struct counts counts;
	struct worker other;

	memcpy(m.ram + SWEEP, sweep_code, sweep_code_end - sweep_code);
	madvise(area, size, large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(area, 0, size);
	must_set_slot(&m, 1, 0, AREA, size, area);
	write_all(&m);
	start(&other, &m, 1);
	wait_grown(&other, numbers(&other));
	counts = count(&m);
	must_set_slot(&m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, size, area);
	report(&m, kind, "begins", &counts);
	write_all(&m);
	report(&m, kind, "writes", &counts);
	harvest(&m);
	report(&m, kind, "harvest", &counts);
	must_set_slot(&m, 1, 0, AREA, size, area);
	report(&m, kind, "ends", &counts);
	write_all(&m);
	report(&m, kind, "writes_after", &counts);
	stop(&other);
	free_machine(&m);
	munmap(room, size + LARGE);
}

static void test_small_pages(void)
{
	log_area(false);
}

static void test_large_pages(void)
{
	log_area(true);
}

static const struct test tests[] = {
	TEST(small_pages),
	TEST(large_pages),
};

int main(int argc, char **argv)
{
	const char *mib = getenv("ORIEL_LOG_MIB");

	if (mib) {
		size = strtoul(mib, NULL, 10) << 20;
		wanted = true;
	}
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
