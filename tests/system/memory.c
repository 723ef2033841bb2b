// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory while the host changes it: the guest reads and writes exactly the memory that the
 * launcher's mapping and the slots name. KTAP on stdout.
 *
 *	memory [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <signal.h>
#include <sys/wait.h>

#include "guestmem.h"
#include "vmstats.h"

#define LARGE (2UL << 20)

/*
 * Reads the first word of each page and writes the second one, until it reads the value at
 * 8(%ebp), which is an error, or 4(%ebp) is set.
 */
GUEST_CODE(watch_code, "1: mov %esi, %edi\n"
		       "2: mov (%edi), %eax\n"
		       "cmp %eax, 8(%ebp)\n"
		       "je 3f\n"
		       "mov %ecx, 4(%edi)\n"
		       "inc %ecx\n"
		       "add $4096, %edi\n"
		       "cmp %edx, %edi\n"
		       "jb 2b\n"
		       "incl (%ebp)\n"
		       "cmpl $0, 4(%ebp)\n"
		       "je 1b\n"
		       "out %al, $0x10\n"
		       "3: out %al, $0x11");

/* ---- the launcher's mappings ---- */

static void test_discard(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);
	uint32_t i;

	for (i = 0; i < 3 * PAGES; i++) {
		unsigned int page = i % PAGES;

		expect_write(&m, page_gpa(page), i + 1, "before");
		check_equal(*word(area, page), i + 1, "what the guest wrote");
		madvise(word(area, page), PAGE, MADV_DONTNEED);
		expect_read(&m, page_gpa(page), 0, "discarded");
		*word(area, page) = i + 0x1000;
		expect_read(&m, page_gpa(page), i + 0x1000, "after");
		expect_write(&m, page_gpa(page), i + 0x2000, "after");
		check_equal(*word(area, page), i + 0x2000, "what the guest wrote after");
	}
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

static void test_unmap(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);
	unsigned int page;

	for (page = 0; page < PAGES; page++) {
		bool write = page & 1;

		expect_write(&m, page_gpa(page), 7, "before");
		munmap(word(area, page), PAGE);
		expect_efault(&m, page_gpa(page), write, "unmapped");
		if (mmap(word(area, page), PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			die("mmap");
		expect_going_on(&m, write ? 0xfa17 : 0, "mapped again");
		check_equal(*word(area, page), write ? 0xfa17 : 0, "the new page");
	}
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

static void test_protect(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);

	expect_write(&m, page_gpa(1), 5, "before");
	mprotect(word(area, 1), PAGE, PROT_READ);
	expect_read(&m, page_gpa(1), 5, "read only");
	expect_efault(&m, page_gpa(1), true, "read only");
	check_equal(*word(area, 1), 5, "a page that is read only");
	mprotect(word(area, 1), PAGE, PROT_READ | PROT_WRITE);
	expect_going_on(&m, 0xfa17, "writable again");
	check_equal(*word(area, 1), 0xfa17, "a page that is writable again");

	mprotect(word(area, 1), PAGE, PROT_NONE);
	expect_efault(&m, page_gpa(1), false, "no access");
	expect_read(&m, page_gpa(2), 0, "its neighbour");
	mprotect(word(area, 1), PAGE, PROT_READ | PROT_WRITE);
	expect_read(&m, page_gpa(1), 0xfa17, "accessible again");
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

static void test_truncate(void)
{
	struct machine m = new_accessor(NULL);
	int file = memfd_create("guest", 0);
	uint8_t *area;

	if (file < 0 || ftruncate(file, AREA_SIZE))
		die("memfd_create");
	area = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (area == MAP_FAILED)
		die("mmap of a file");
	must_set_slot(&m, 1, 0, AREA, AREA_SIZE, area);
	expect_write(&m, page_gpa(3), 0x33, "before");
	expect_write(&m, page_gpa(9), 0x99, "before");
	if (ftruncate(file, 8 * PAGE))
		die("ftruncate");
	expect_read(&m, page_gpa(3), 0x33, "what is left");
	expect_efault(&m, page_gpa(9), false, "what was cut off");
	if (ftruncate(file, AREA_SIZE))
		die("ftruncate");
	expect_going_on(&m, 0, "grown again");
	if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * PAGE, PAGE))
		die("fallocate");
	expect_read(&m, page_gpa(3), 0, "a hole");
	expect_write(&m, page_gpa(3), 0x34, "a hole");
	check_equal(*word(area, 3), 0x34, "what was written into a hole");
	free_machine(&m);
	munmap(area, AREA_SIZE);
	close(file);
}

/* The child keeps the memory's content as of the fork, whichever process writes first. */
static void child_checks(uint8_t *area, int go)
{
	char c;

	if (read(go, &c, 1) != 1)
		_exit(2);
	_exit(*word(area, 0) != 0xa0 || *word(area, 1) != 0xa1 || *word(area, 2) != 0xa2);
}

static void test_fork(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);
	int status = 0, go[2];
	unsigned int i;
	pid_t child;

	for (i = 0; i < 3; i++)
		expect_write(&m, page_gpa(i), 0xa0 + i, "before");
	if (pipe(go))
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		child_checks(area, go[0]);
	/* The launcher writes, the guest writes, the guest reads and then writes. */
	*word(area, 0) = 0xb0;
	expect_read(&m, page_gpa(0), 0xb0, "written by the launcher");
	expect_write(&m, page_gpa(1), 0xb1, "in the guest");
	check_equal(*word(area, 1), 0xb1, "written by the guest");
	expect_read(&m, page_gpa(2), 0xa2, "not written");
	expect_write(&m, page_gpa(2), 0xb2, "in the guest");
	check_equal(*word(area, 2), 0xb2, "read, then written by the guest");
	*word(area, 2) = 0xc2;
	expect_read(&m, page_gpa(2), 0xc2, "written by the launcher then");
	if (write(go[1], "", 1) != 1)
		die("write");
	waitpid(child, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the child's copy changed");
	close(go[0]);
	close(go[1]);
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

/* Pages that were paged out come back. Skipped if there is no room to page out. */
static void test_page_out(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);
	unsigned int page;

	for (page = 0; page < PAGES; page++)
		expect_write(&m, page_gpa(page), page + 1, "before");
	if (madvise(area, AREA_SIZE, MADV_PAGEOUT))
		skipped = "no MADV_PAGEOUT";
	for (page = 0; page < PAGES; page++) {
		expect_read(&m, page_gpa(page), page + 1, "paged out");
		expect_write(&m, page_gpa(page), page + 2, "paged out");
		check_equal(*word(area, page), page + 2, "written after it was paged out");
	}
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

static void check_large(const struct machine *m, uint8_t *area)
{
	unsigned int pages = 2 * LARGE / PAGE;
	unsigned int i;

	for (i = 0; i < pages; i += 8)
		expect_write(m, page_gpa(i), i + 1, "large");
	for (i = 0; i < pages; i += 24)
		madvise(word(area, i), PAGE, MADV_DONTNEED);
	for (i = 0; i < pages; i += 8)
		expect_read(m, page_gpa(i), i % 24 ? i + 1 : 0, "with holes");
	mprotect(word(area, 16), PAGE, PROT_NONE);
	expect_efault(m, page_gpa(16), true, "no access");
	expect_read(m, page_gpa(32), 33, "its neighbour");
	mprotect(word(area, 16), PAGE, PROT_READ | PROT_WRITE);
	for (i = 0; i < pages; i += 8)
		*word(area, i) = i + 3;
	for (i = 0; i < pages; i += 8)
		expect_read(m, page_gpa(i), i + 3, "written by the launcher");
	madvise(area, 2 * LARGE, MADV_DONTNEED);
	for (i = 0; i < pages; i += 8)
		expect_read(m, page_gpa(i), 0, "discarded");
}

static void test_large_pages(void)
{
	struct machine m = new_accessor(NULL);
	uint8_t *room = map_memory(3 * LARGE);
	uint8_t *area = (uint8_t *)(((uintptr_t)room + LARGE - 1) & ~(LARGE - 1));

	madvise(area, 2 * LARGE, MADV_HUGEPAGE);
	must_set_slot(&m, 1, 0, AREA, 2 * LARGE, area);
	check_large(&m, area);
	/* The same, with the guest's pages not aligned as the host's. */
	must_set_slot(&m, 1, 0, 0, 0, area);
	must_set_slot(&m, 1, 0, AREA, 2 * LARGE - PAGE, area + PAGE);
	memset(area, 0x5a, 2 * LARGE);
	expect_read(&m, page_gpa(511), 0x5a5a5a5a, "not aligned as the host's");
	madvise(area + LARGE, PAGE, MADV_DONTNEED);
	expect_read(&m, page_gpa(511), 0, "not aligned as the host's, discarded");
	expect_read(&m, page_gpa(510), 0x5a5a5a5a, "the page before");
	expect_read(&m, page_gpa(512), 0x5a5a5a5a, "the page after");
	free_machine(&m);
	munmap(room, 3 * LARGE);
}

static void test_shared_by_two(void)
{
	uint8_t *area;
	struct machine a = new_accessor(&area);
	struct machine b = new_accessor(NULL);
	unsigned int i;

	/* In the second VM the memory is at two addresses. */
	must_set_slot(&b, 1, 0, AREA + 0x5000, AREA_SIZE, area);
	must_set_slot(&b, 2, 0, 2 * AREA, AREA_SIZE, area);
	for (i = 0; i < PAGES; i++) {
		expect_write(&a, page_gpa(i), i + 1, "first VM");
		expect_read(&b, page_gpa(i) + 0x5000, i + 1, "second VM");
		expect_write(&b, page_gpa(i) + AREA, i + 2, "second VM, second slot");
		expect_read(&a, page_gpa(i), i + 2, "first VM");
		madvise(word(area, i), PAGE, MADV_DONTNEED);
		expect_read(&b, page_gpa(i) + AREA, 0, "discarded");
		expect_read(&b, page_gpa(i) + 0x5000, 0, "discarded");
		expect_read(&a, page_gpa(i), 0, "discarded");
	}
	free_machine(&a);
	*word(area, 0) = 9;
	expect_read(&b, AREA + 0x5000, 9, "after the first VM is gone");
	free_machine(&b);
	munmap(area, AREA_SIZE);
}

/* Changes of memory that is in no slot are none of the guest's: they must not stop its faults. */
static void test_unrelated_mappings(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);
	uint64_t holds, flushes;
	unsigned int i;

	expect_write(&m, page_gpa(0), 1, "before");
	if (!on_oriel()) {
		skipped = "KVM has no count of this";
		goto out;
	}
	holds = vm_stat(&m, "mmu_exclusive_holds");
	flushes = vm_stat(&m, "remote_tlb_flush");
	for (i = 0; i < 100; i++) {
		uint8_t *other = map_memory(AREA_SIZE);

		memset(other, 1, AREA_SIZE);
		mprotect(other, PAGE, PROT_READ);
		madvise(other + PAGE, PAGE, MADV_DONTNEED);
		munmap(other, AREA_SIZE);
	}
	check_equal(vm_stat(&m, "mmu_exclusive_holds"), holds, "exclusive holds for other memory");
	check_equal(vm_stat(&m, "remote_tlb_flush"), flushes, "TLB flushes for other memory");
	madvise(area, PAGE, MADV_DONTNEED);
	check(vm_stat(&m, "mmu_exclusive_holds") > holds, "none for the guest's memory");
	check_equal(vm_stat(&m, "remote_tlb_flush"), flushes + 1, "TLB flushes for the guest's");
	expect_read(&m, page_gpa(0), 0, "discarded");
out:
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

/* ---- slots ---- */

static void test_slot_delete_and_move(void)
{
	uint8_t *area, *other = map_memory(AREA_SIZE);
	struct machine m = new_accessor(&area);

	*word(other, 0) = 0x0b;
	expect_write(&m, AREA, 0x0a, "before");
	must_set_slot(&m, 1, 0, 2 * AREA, AREA_SIZE, area);
	expect_mmio(&m, AREA, false, "where it was");
	expect_mmio(&m, AREA, true, "where it was");
	expect_read(&m, 2 * AREA, 0x0a, "where it is");
	must_set_slot(&m, 2, 0, AREA, AREA_SIZE, other);
	expect_read(&m, AREA, 0x0b, "another slot there");
	must_set_slot(&m, 2, 0, 0, 0, NULL);
	expect_mmio(&m, AREA, false, "deleted");
	must_set_slot(&m, 1, 0, 0, 0, NULL);
	expect_mmio(&m, 2 * AREA, true, "deleted");
	must_set_slot(&m, 1, 0, 2 * AREA, AREA_SIZE, other);
	expect_read(&m, 2 * AREA, 0x0b, "made again");
	expect_mmio(&m, 2 * AREA + AREA_SIZE, false, "beyond its end");
	check_equal(*word(area, 0), 0x0a, "the first backing");
	free_machine(&m);
	munmap(area, AREA_SIZE);
	munmap(other, AREA_SIZE);
}

/* Move a slot by half its size, so that the old place overlaps the new one. */
static void test_slot_move_onto_itself(void)
{
	uint8_t *area;
	struct machine m = new_accessor(&area);
	uint64_t gpa = AREA;
	unsigned int turn, i;

	for (turn = 0; turn < 4; turn++) {
		for (i = 0; i < PAGES; i++)
			expect_write(&m, gpa + i * PAGE, turn << 8 | i, "before the move");
		gpa += turn & 1 ? -(AREA_SIZE / 2) : AREA_SIZE / 2;
		must_set_slot(&m, 1, 0, gpa, AREA_SIZE, area);
		for (i = 0; i < PAGES; i++)
			expect_read(&m, gpa + i * PAGE, turn << 8 | i, "after the move");
		expect_mmio(&m, turn & 1 ? gpa + AREA_SIZE : gpa - PAGE, false, "where it was");
	}
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

static void test_slot_read_only(void)
{
	uint8_t *area = map_memory(AREA_SIZE);
	struct machine m = new_accessor(NULL);

	if (extension(KVM_CAP_READONLY_MEM) <= 0) {
		skipped = "no KVM_CAP_READONLY_MEM";
		free_machine(&m);
		return;
	}
	must_set_slot(&m, 1, KVM_MEM_READONLY, AREA, AREA_SIZE, area);
	*word(area, 2) = 0x22;
	expect_mmio(&m, page_gpa(2), true, "before it was read");
	expect_read(&m, page_gpa(2), 0x22, "read only");
	expect_mmio(&m, page_gpa(2), true, "after it was read");
	check_equal(*word(area, 2), 0x22, "what was written");
	*word(area, 2) = 0x23;
	expect_read(&m, page_gpa(2), 0x23, "changed by the launcher");
	/* A mapping that is read-only for the launcher gives the same result. */
	mprotect(area, AREA_SIZE, PROT_READ);
	expect_read(&m, page_gpa(2), 0x23, "read only for the launcher");
	expect_mmio(&m, page_gpa(2), true, "read only for the launcher");
	mprotect(area, AREA_SIZE, PROT_READ | PROT_WRITE);
	must_set_slot(&m, 1, 0, 0, 0, NULL);
	must_set_slot(&m, 1, 0, AREA, AREA_SIZE, area);
	expect_write(&m, page_gpa(2), 0x24, "made again, writable");
	check_equal(*word(area, 2), 0x24, "what was written");
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

/* Every second guest page is a slot, and their backing is in the reverse order. */
static void test_many_slots(void)
{
	unsigned int most = extension(KVM_CAP_NR_MEMSLOTS) - 1;
	unsigned int count = most < 500 ? most : 500;
	uint8_t *area = map_memory(count * PAGE);
	struct machine m = new_accessor(NULL);
	unsigned int i;

	for (i = 0; i < count; i++) {
		*word(area, i) = 0x1000 + i;
		must_set_slot(&m, count - i, 0, page_gpa(2 * i), PAGE, word(area, count - 1 - i));
	}
	for (i = 0; i < count; i += 7) {
		expect_read(&m, page_gpa(2 * i), 0x1000 + count - 1 - i, "in a slot");
		expect_mmio(&m, page_gpa(2 * i + 1), i & 1, "between slots");
	}
	for (i = 0; i < count; i += 2)
		must_set_slot(&m, count - i, 0, 0, 0, NULL);
	for (i = 0; i < count; i++) {
		if (i & 1)
			expect_read(&m, page_gpa(2 * i), 0x1000 + count - 1 - i, "left over");
		else
			expect_mmio(&m, page_gpa(2 * i), false, "deleted");
	}
	free_machine(&m);
	munmap(area, count * PAGE);
}

/* ---- vCPUs in threads ---- */

/*
 * Slot 1 goes away under the vCPU. Its old memory gets a mark that the guest must not see, and
 * must keep its content; then the slot gets other memory.
 */
static void swap_backing(const struct machine *m, struct worker *w, uint8_t *old, uint8_t *new,
			 unsigned int turn)
{
	uint8_t copy[AREA_SIZE];
	unsigned int page;

	wait_grown(w, numbers(w));
	must_set_slot(m, 1, 0, 0, 0, NULL);
	for (page = 0; page < PAGES; page++)
		*word(old, page) = 0xdead0000 + turn;
	poke(numbers(w) + 2, 0xdead0000 + turn);
	memcpy(copy, old, AREA_SIZE);
	wait_grown(w, &w->mmio);
	memset(new, 0, AREA_SIZE);
	if (turn % 3 == 0) {
		must_set_slot(m, 1, 0, 4 * AREA, AREA_SIZE, new);
		wait_grown(w, numbers(w));
	}
	must_set_slot(m, 1, 0, AREA, AREA_SIZE, new);
	wait_grown(w, numbers(w));
	check(!memcmp(copy, old, AREA_SIZE), "the guest wrote to a deleted slot");
	check(*(word(new, PAGES - 1) + 1), "the guest did not write to the new slot");
}

static void test_slots_while_running(void)
{
	uint8_t *backing[2] = { map_memory(AREA_SIZE), map_memory(AREA_SIZE) };
	struct machine m = MACHINE(1, watch);
	struct worker w;
	unsigned int i;

	must_set_slot(&m, 1, 0, AREA, AREA_SIZE, backing[0]);
	start(&w, &m, 0);
	for (i = 0; i < 200 && !peek(&w.done); i++)
		swap_backing(&m, &w, backing[i & 1], backing[~i & 1], i);
	stop(&w);
	free_machine(&m);
	munmap(backing[0], AREA_SIZE);
	munmap(backing[1], AREA_SIZE);
}

/* A page is discarded and marked while the guest reads and writes it. */
static void test_discard_while_running(void)
{
	struct machine m = MACHINE(1, watch);
	uint8_t *area = map_memory(AREA_SIZE);
	struct worker w;
	uint32_t i;

	must_set_slot(&m, 1, 0, AREA, AREA_SIZE, area);
	start(&w, &m, 0);
	for (i = 0; i < 500 && !peek(&w.done); i++) {
		*word(area, i % PAGES) = 0xdead0000 + i;
		madvise(area, AREA_SIZE, MADV_DONTNEED);
		/* After that no register has a value that was read before the page went. */
		wait_grown(&w, numbers(&w));
		poke(numbers(&w) + 2, 0xdead0000 + i);
		wait_grown(&w, numbers(&w));
		check(*(word(area, i % PAGES) + 1), "the guest writes to where nobody reads");
	}
	stop(&w);
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

/* Change the host's mapping, but not the content of memory. */
static void disturb(const struct machine *m, uint8_t *area, unsigned int turn)
{
	uint32_t flags = turn & 1 ? 0 : KVM_MEM_LOG_DIRTY_PAGES;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (!child)
		_exit(0);
	must_set_slot(m, 1, flags, AREA, AREA_SIZE, area);
	if (flags)
		dirty_log(m);
	madvise(area, AREA_SIZE, turn & 2 ? MADV_PAGEOUT : MADV_COLD);
	waitpid(child, NULL, 0);
}

static void test_two_vcpus(void)
{
	struct machine m = MACHINE(2, hammer);
	uint8_t *area = map_memory(AREA_SIZE);
	struct worker w[2];
	unsigned int i;

	must_set_slot(&m, 1, 0, AREA, AREA_SIZE, area);
	start(&w[0], &m, 0);
	start(&w[1], &m, 1);
	for (i = 0; i < 60; i++)
		disturb(&m, area, i);
	wait_grown(&w[0], numbers(&w[0]));
	wait_grown(&w[1], numbers(&w[1]));
	stop(&w[0]);
	stop(&w[1]);
	for (i = 0; i < PAGES; i++)
		check_equal(*word(area, i), *numbers(&w[0]) + *numbers(&w[1]), "a page's count");
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

/* ---- many pages ---- */

#define BIG_PAGES 2048u
#define CHUNK_PAGES 64u

struct discarder {
	pthread_t thread;
	uint8_t *area;
	uint32_t stop;
};

/* A page that the guest has lost belongs to its new owner alone. */
static void *discard(void *arg)
{
	const size_t size = CHUNK_PAGES * PAGE;
	struct discarder *d = arg;
	uint8_t *pattern = map_memory(size);
	unsigned int page = BIG_PAGES;

	memset(pattern, 0x5a, size);
	while (!peek(&d->stop)) {
		uint8_t *fresh;

		page = (page ? page : BIG_PAGES) - CHUNK_PAGES;
		madvise(word(d->area, page), size, MADV_DONTNEED);
		fresh = map_memory(size);
		memset(fresh, 0x5a, size);
		sched_yield();
		check(!memcmp(fresh, pattern, size), "the guest writes to a page that it lost");
		munmap(fresh, size);
	}
	munmap(pattern, size);
	return NULL;
}

/* A slot with many pages comes and goes while the host takes pages of it away. */
static void test_big_slot_while_discarded(void)
{
	struct machine m = MACHINE(1, hammer);
	struct discarder d = { .area = map_memory(BIG_PAGES * PAGE) };
	struct worker w;
	unsigned int i;

	madvise(d.area, BIG_PAGES * PAGE, MADV_NOHUGEPAGE);
	must_set_slot(&m, 1, 0, AREA, BIG_PAGES * PAGE, d.area);
	start_over(&w, &m, 0, BIG_PAGES);
	if (pthread_create(&d.thread, NULL, discard, &d))
		die("pthread_create");
	for (i = 0; i < 4 && !peek(&w.done); i++) {
		wait_grown(&w, numbers(&w));
		must_set_slot(&m, 1, 0, 0, 0, NULL);
		wait_grown(&w, &w.mmio);
		must_set_slot(&m, 1, 0, AREA, BIG_PAGES * PAGE, d.area);
	}
	poke(&d.stop, 1);
	pthread_join(d.thread, NULL);
	stop(&w);
	free_machine(&m);
	munmap(d.area, BIG_PAGES * PAGE);
}

/* Return a value of /proc/meminfo in KiB; -1 if the host's kernel does not count it. */
static long host_memory(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[80];
	long value = -1;

	if (!file)
		die("/proc/meminfo");
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name), NULL, 10);
	fclose(file);
	return value;
}

/* A write to stat_refresh makes the host add up the CPUs' counts first. */
static long table_kib(void)
{
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "we");

	if (file) {
		fputs("1\n", file);
		fclose(file);
	}
	return host_memory("SecPageTables:");
}

#define SPREAD 256u

/* The host counts the memory of the tables, and gets it back. */
static void test_tables_are_counted(void)
{
	size_t size = SPREAD * LARGE;
	struct machine m = MACHINE(1, access);
	uint8_t *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long before = table_kib(), most, after;
	unsigned int i;

	if (area == MAP_FAILED)
		die("mmap");
	madvise(area, size, MADV_NOHUGEPAGE);
	must_set_slot(&m, 1, 0, AREA, size, area);
	for (i = 0; i < SPREAD; i++)
		expect_write(&m, AREA + i * LARGE, i, "one page of each 2 MiB");
	most = table_kib();
	must_set_slot(&m, 1, 0, 0, 0, NULL);
	after = table_kib();
	if (before < 0) {
		skipped = "no SecPageTables in /proc/meminfo";
	} else {
		/* One table of 4 KiB for each, and few above them. */
		check(most - before >= 4L * SPREAD, "tables are not counted");
		check(most - before <= 4L * SPREAD + 64, "more tables than what is mapped needs");
		check(after - before <= 64, "tables stay when nothing is mapped");
	}
	free_machine(&m);
	munmap(area, size);
}

static const struct test tests[] = {
	TEST(discard),
	TEST(unmap),
	TEST(protect),
	TEST(truncate),
	TEST(fork),
	TEST(page_out),
	TEST(large_pages),
	TEST(shared_by_two),
	TEST(unrelated_mappings),
	TEST(slot_delete_and_move),
	TEST(slot_move_onto_itself),
	TEST(slot_read_only),
	TEST(many_slots),
	TEST(slots_while_running),
	TEST(discard_while_running),
	TEST(two_vcpus),
	TEST(big_slot_while_discarded),
	TEST(tables_are_counted),
};

int main(int argc, char **argv)
{
	signal(SIGALRM, on_hang);
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
