// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of written pages, as bitmaps and as rings: no write is missing, whichever way the log
 * is read. KTAP on stdout.
 *
 *	dirty [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <setjmp.h>
#include <signal.h>

#include "guestmem.h"
#include "vmstats.h"

#define LARGE (2UL << 20)
#define MANUAL KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE
#define INITIALLY_SET KVM_DIRTY_LOG_INITIALLY_SET

/* The smallest ring that every host allows: some keep 576 entries for themselves. */
#define RING_ENTRIES 1024u
#define RING_SIZE (RING_ENTRIES * sizeof(struct kvm_dirty_gfn))

/* INSB to (%edi), then port PORT_DONE. */
GUEST_CODE(insb_code, "insb\n"
		      "out %al, $0x10");

/* Write once to each page from %esi to %edx. */
GUEST_CODE(sweep_code, "1: incl (%esi)\n"
		       "add $4096, %esi\n"
		       "cmp %edx, %esi\n"
		       "jb 1b\n"
		       "out %al, $0x10");

/* WRMSR. */
GUEST_CODE(wrmsr_code, "wrmsr\n"
		       "out %al, $0x10");

/* ---- machines that log ---- */

/* The kind of log, and the way to read it. */
struct log_mode {
	const char *name;
	uint32_t manual;
	bool ring;
};

static const struct log_mode bitmap_mode = { "bitmap", 0, false };
static const struct log_mode manual_mode = { "manual", MANUAL, false };
static const struct log_mode set_mode = { "initially set", MANUAL | INITIALLY_SET, false };
static const struct log_mode ring_mode = { "ring", 0, true };

struct logger {
	const struct log_mode *mode;
	struct machine m;
	struct kvm_dirty_gfn *ring[MAX_VCPUS];
	uint32_t next[MAX_VCPUS];
};

static int enable(const struct machine *m, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	return ioctl(m->vm, KVM_ENABLE_CAP, &enable) < 0 ? errno : 0;
}

static void *map_ring(const struct machine *m, unsigned int vcpu, int prot, int flags)
{
	return mmap(NULL, RING_SIZE, prot, flags, m->vcpu[vcpu], KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
}

static struct logger new_logger(const struct log_mode *mode, unsigned int vcpus,
				const uint8_t *code, const uint8_t *end)
{
	struct logger l = { .mode = mode, .m = new_machine(0, false, code, end) };
	unsigned int i;

	if (mode->manual)
		check_equal(enable(&l.m, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, mode->manual), 0,
			    "turning manual clearing on");
	if (mode->ring)
		check_equal(enable(&l.m, KVM_CAP_DIRTY_LOG_RING, RING_SIZE), 0, "turning rings on");
	for (i = 0; i < vcpus; i++) {
		add_vcpu(&l.m);
		if (!mode->ring)
			continue;
		l.ring[i] = map_ring(&l.m, i, PROT_READ | PROT_WRITE, MAP_SHARED);
		if (l.ring[i] == MAP_FAILED)
			die("mmap of a ring");
	}
	return l;
}

#define LOGGER(mode, vcpus, name) new_logger(mode, vcpus, name##_code, name##_code_end)

static void free_logger(struct logger *l)
{
	unsigned int i;

	for (i = 0; i < l->m.vcpus; i++)
		if (l->ring[i])
			munmap(l->ring[i], RING_SIZE);
	free_machine(&l->m);
}

/* ---- rings ---- */

static struct kvm_dirty_gfn *next_entry(const struct logger *l, unsigned int vcpu)
{
	return &l->ring[vcpu][l->next[vcpu] % RING_ENTRIES];
}

static bool is_dirty(const struct kvm_dirty_gfn *entry)
{
	return __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) == KVM_DIRTY_GFN_F_DIRTY;
}

static void give_back(struct kvm_dirty_gfn *entry)
{
	__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
}

/* Mark in @seen the pages of slot 1 that a vCPU wrote. Return the number of entries. */
static unsigned int harvest(struct logger *l, unsigned int vcpu, bool *seen, unsigned int pages)
{
	struct kvm_dirty_gfn *entry;
	unsigned int count = 0;

	while (is_dirty(entry = next_entry(l, vcpu))) {
		check_equal(entry->slot, 1, "the slot of an entry");
		check(entry->offset < pages, "the offset of an entry is too large");
		if (entry->offset < pages)
			seen[entry->offset] = true;
		give_back(entry);
		l->next[vcpu]++;
		count++;
	}
	return count;
}

static int reset_rings(const struct logger *l)
{
	return ioctl(l->m.vm, KVM_RESET_DIRTY_RINGS, 0);
}

static unsigned int dirty_entries(const struct logger *l)
{
	unsigned int count = 0, i;

	for (i = 0; i < RING_ENTRIES; i++)
		count += is_dirty(&l->ring[0][i]);
	return count;
}

/* ---- bitmaps ---- */

static int get_log(const struct machine *m, uint32_t slot, void *bits)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bits };

	return ioctl(m->vm, KVM_GET_DIRTY_LOG, &log) < 0 ? errno : 0;
}

static int clear_log(const struct machine *m, uint32_t slot, uint64_t first, uint32_t pages,
		     const void *bits)
{
	struct kvm_clear_dirty_log clear = {
		.slot = slot, .first_page = first, .num_pages = pages, .dirty_bitmap = (void *)bits
	};

	return ioctl(m->vm, KVM_CLEAR_DIRTY_LOG, &clear) < 0 ? errno : 0;
}

/* Return the pages of slot 1 that were written since the last call, in any mode. */
static uint64_t collect(struct logger *l)
{
	bool seen[PAGES] = { false };
	unsigned int i, count = 0;
	uint64_t bits = 0;

	if (!l->mode->ring) {
		check_equal(get_log(&l->m, 1, &bits), 0, "KVM_GET_DIRTY_LOG");
		if (l->mode->manual)
			check_equal(clear_log(&l->m, 1, 0, PAGES, &bits), 0, "KVM_CLEAR_DIRTY_LOG");
		return bits;
	}
	for (i = 0; i < l->m.vcpus; i++)
		count += harvest(l, i, seen, PAGES);
	check_equal(reset_rings(l), count, "KVM_RESET_DIRTY_RINGS");
	for (i = 0; i < PAGES; i++)
		bits |= (uint64_t)seen[i] << i;
	return bits;
}

/* ---- each write is logged, once ---- */

static void log_each(const struct log_mode *mode)
{
	struct logger l = LOGGER(mode, 1, access);
	uint8_t *area = map_memory(AREA_SIZE);
	unsigned int i;

	must_set_slot(&l.m, 1, 0, AREA, AREA_SIZE, area);
	/* Some pages are mapped writable before the log begins. */
	for (i = 0; i < PAGES; i += 2)
		expect_write(&l.m, page_gpa(i), i, "before");
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	check_equal(collect(&l), mode->manual & INITIALLY_SET ? 0xffff : 0, "at the beginning");
	check_equal(collect(&l), 0, "nothing written");
	for (i = 0; i < PAGES; i++) {
		expect_read(&l.m, page_gpa(i), i & 1 ? 0 : i, "logged");
		check_equal(collect(&l), 0, "read");
		expect_write(&l.m, page_gpa(i), i, "logged");
		expect_write(&l.m, page_gpa(i) + 64, i, "logged");
		check_equal(collect(&l), 1ul << i, "written");
		check_equal(collect(&l), 0, "told already");
	}
	expect_write(&l.m, page_gpa(0), 1, "logged");
	expect_write(&l.m, page_gpa(15), 1, "logged");
	expect_write(&l.m, page_gpa(7), 1, "logged");
	/* A page that is gone from memory was written all the same. */
	madvise(word(area, 7), PAGE, MADV_DONTNEED);
	expect_read(&l.m, page_gpa(8), 8, "logged");
	check_equal(collect(&l), 0x8081, "written together");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

static void test_bitmap(void)
{
	log_each(&bitmap_mode);
}

static void test_manual(void)
{
	log_each(&manual_mode);
}

static void test_initially_set(void)
{
	log_each(&set_mode);
}

static void test_ring(void)
{
	log_each(&ring_mode);
}

/* ---- while the guest runs ---- */

static void copy_dirty(struct logger *l, const uint8_t *area, uint8_t *copy)
{
	uint64_t bits = collect(l);
	unsigned int page;

	for (page = 0; page < PAGES; page++)
		if (bits & 1ul << page)
			memcpy(copy + page * PAGE, area + page * PAGE, PAGE);
}

static void copy_while_running(const struct log_mode *mode)
{
	uint8_t *area = map_memory(AREA_SIZE), *copy = map_memory(AREA_SIZE);
	struct logger l = LOGGER(mode, 2, hammer);
	struct worker w[2];
	unsigned int i;

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	start(&w[0], &l.m, 0);
	start(&w[1], &l.m, 1);
	for (i = 0; i < 200; i++)
		copy_dirty(&l, area, copy);
	for (i = 0; i < 2; i++)
		wait_grown(&w[i], numbers(&w[i]));
	stop(&w[0]);
	stop(&w[1]);
	copy_dirty(&l, area, copy);
	check(!memcmp(area, copy, AREA_SIZE), "a write is missing in the log");
	for (i = 0; i < PAGES; i++)
		check_equal(*word(area, i), *numbers(&w[0]) + *numbers(&w[1]), "a page's count");
	free_logger(&l);
	munmap(area, AREA_SIZE);
	munmap(copy, AREA_SIZE);
}

static void test_bitmap_while_running(void)
{
	copy_while_running(&bitmap_mode);
}

static void test_manual_while_running(void)
{
	copy_while_running(&manual_mode);
}

static void test_initially_set_while_running(void)
{
	copy_while_running(&set_mode);
}

static void test_ring_while_running(void)
{
	copy_while_running(&ring_mode);
}

/* ---- many pages, while the guest runs ---- */

#define BIG_PAGES 512u

/* Find the pages of slot 1 that were written since the last call, in any mode. */
static void collect_many(struct logger *l, bool *seen)
{
	uint64_t bits[BIG_PAGES / 64];
	unsigned int i, count = 0;

	if (l->mode->ring) {
		for (i = 0; i < l->m.vcpus; i++)
			count += harvest(l, i, seen, BIG_PAGES);
		check_equal(reset_rings(l), count, "KVM_RESET_DIRTY_RINGS");
		return;
	}
	check_equal(get_log(&l->m, 1, bits), 0, "KVM_GET_DIRTY_LOG");
	if (l->mode->manual)
		check_equal(clear_log(&l->m, 1, 0, BIG_PAGES, bits), 0, "KVM_CLEAR_DIRTY_LOG");
	for (i = 0; i < BIG_PAGES; i++)
		seen[i] = bits[i / 64] >> i % 64 & 1;
}

static void copy_many(struct logger *l, const uint8_t *area, uint8_t *copy)
{
	bool seen[BIG_PAGES] = { false };
	unsigned int page;

	collect_many(l, seen);
	for (page = 0; page < BIG_PAGES; page++)
		if (seen[page])
			memcpy(copy + page * PAGE, area + page * PAGE, PAGE);
}

/* The slot has so many pages that the host drops its lock for vCPUs while it works. */
static void copy_many_while_running(const struct log_mode *mode)
{
	size_t size = BIG_PAGES * PAGE;
	uint8_t *area = map_memory(size), *copy = map_memory(size);
	struct logger l = LOGGER(mode, 2, hammer);
	struct worker w[2];
	unsigned int i;

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, size, area);
	for (i = 0; i < 2; i++)
		start_over(&w[i], &l.m, i, BIG_PAGES);
	for (i = 0; i < 20; i++)
		copy_many(&l, area, copy);
	for (i = 0; i < 2; i++) {
		poke(numbers(&w[i]) + 1, 1);
		/* A vCPU with a full ring stops; it ends after the ring was emptied. */
		while (!peek(&w[i].done))
			copy_many(&l, area, copy);
		stop(&w[i]);
	}
	copy_many(&l, area, copy);
	check(!memcmp(area, copy, size), "a write is missing in the log");
	for (i = 0; i < BIG_PAGES; i++)
		check_equal(*word(area, i), *numbers(&w[0]) + *numbers(&w[1]), "a page's count");
	free_logger(&l);
	munmap(area, size);
	munmap(copy, size);
}

static void test_many_while_running(void)
{
	copy_many_while_running(&bitmap_mode);
	copy_many_while_running(&set_mode);
	copy_many_while_running(&ring_mode);
}

/* ---- clearing by hand ---- */

/* More than two words of a bitmap, with only a few bits in the last one. */
#define MANY 130u

struct bits {
	uint64_t word[3];
};

static void expect_log(const struct machine *m, uint64_t a, uint64_t b, uint64_t c,
		       const char *what)
{
	struct bits bits = { 0 };

	check_equal(get_log(m, 1, &bits), 0, what);
	check_equal(bits.word[0], a, what);
	check_equal(bits.word[1], b, what);
	check_equal(bits.word[2], c, what);
}

static void test_clear_a_part(void)
{
	static const unsigned int written[] = { 0, 63, 64, 127, 128, 129 };
	static const struct bits all = { { ~0ull, ~0ull, ~0ull } };
	static const uint64_t high = 1ull << 63;
	uint8_t *area = map_memory(MANY * PAGE);
	struct logger l = LOGGER(&manual_mode, 1, access);
	unsigned int i;

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, MANY * PAGE, area);
	for (i = 0; i < ARRAY_SIZE(written); i++)
		expect_write(&l.m, page_gpa(written[i]), i, "logged");
	expect_log(&l.m, 1 | high, 1 | high, 3, "written");
	expect_log(&l.m, 1 | high, 1 | high, 3, "reading clears nothing");
	check_equal(clear_log(&l.m, 1, 64, 64, &high), 0, "one bit");
	expect_log(&l.m, 1 | high, 1, 3, "one bit cleared");
	expect_write(&l.m, page_gpa(127), 1, "cleared");
	expect_log(&l.m, 1 | high, 1 | high, 3, "written again");
	check_equal(clear_log(&l.m, 1, 128, 2, &all), 0, "to the end");
	expect_log(&l.m, 1 | high, 1 | high, 0, "the end cleared");
	expect_write(&l.m, page_gpa(129), 1, "cleared");
	expect_write(&l.m, page_gpa(0), 1, "not cleared");
	expect_log(&l.m, 1 | high, 1 | high, 2, "written again at the end");
	check_equal(clear_log(&l.m, 1, 64, 0, &all), 0, "nothing");
	check_equal(clear_log(&l.m, 1, 0, MANY, &all), 0, "all");
	expect_log(&l.m, 0, 0, 0, "all cleared");
	expect_write(&l.m, page_gpa(64), 1, "cleared");
	expect_log(&l.m, 0, 1, 0, "written after all");
	free_logger(&l);
	munmap(area, MANY * PAGE);
}

static void test_clear_bad_arguments(void)
{
	static const struct bits all = { { ~0ull, ~0ull, ~0ull } };
	uint8_t *area = map_memory(MANY * PAGE);
	struct logger l = LOGGER(&manual_mode, 1, access);
	const struct machine *m = &l.m;
	uint32_t slots = extension(KVM_CAP_NR_MEMSLOTS);
	struct bits bits;

	check_equal(clear_log(m, 0, 0, 16, &all), ENOENT, "a slot that is not logged");
	check_equal(clear_log(m, 1, 0, 64, &all), ENOENT, "no slot");
	check_equal(clear_log(m, slots, 0, 64, &all), EINVAL, "a number too large");
	check_equal(clear_log(m, ~0u, 0, 64, &all), EINVAL, "the largest number");
	check_equal(get_log(m, slots, &bits), EINVAL, "reading a number too large");
	check_equal(get_log(m, 0, &bits), ENOENT, "reading a slot that is not logged");
	must_set_slot(m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, MANY * PAGE, area);
	expect_write(m, page_gpa(65), 1, "logged");
	check_equal(clear_log(m, 1, 1, 64, &all), EINVAL, "an odd first page");
	check_equal(clear_log(m, 1, 64, 65, &all), EINVAL, "an odd number of pages");
	check_equal(clear_log(m, 1, 64, 67, &all), EINVAL, "one page beyond the end");
	check_equal(clear_log(m, 1, 64, 128, &all), EINVAL, "a word beyond the end");
	check_equal(clear_log(m, 1, 192, 0, &all), EINVAL, "a beginning beyond the end");
	check_equal(clear_log(m, 1, -64ull, 64, &all), EINVAL, "the largest beginning");
	check_equal(clear_log(m, 1, 64, -64u, &all), EINVAL, "the largest number of pages");
	check_equal(clear_log(m, 1, 0, MANY, (void *)PAGE), EFAULT, "no memory");
	check_equal(get_log(m, 1, (void *)PAGE), EFAULT, "reading to no memory");
	expect_log(m, 0, 2, 0, "after all that");
	must_set_slot(m, 1, 0, AREA, MANY * PAGE, area);
	check_equal(clear_log(m, 1, 0, MANY, &all), ENOENT, "not logged any more");
	free_logger(&l);
	munmap(area, MANY * PAGE);
}

static void test_manual_flags(void)
{
	struct machine m = MACHINE(1, access);
	struct kvm_enable_cap bad = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
				      .flags = 1,
				      .args = { 1 } };
	uint8_t *area = map_memory(AREA_SIZE);
	uint64_t bits = 1 << 2;

	check_equal(extension(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2), MANUAL | INITIALLY_SET,
		    "the capability");
	check_equal(enable(&m, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, INITIALLY_SET), EINVAL,
		    "initially set, but not manual");
	check_equal(enable(&m, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 4), EINVAL, "unknown flag");
	check_equal(enable(&m, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1ull << 32), EINVAL, "high flag");
	check(ioctl(m.vm, KVM_ENABLE_CAP, &bad) < 0 && errno == EINVAL, "flags are accepted");
	must_set_slot(&m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	expect_write(&m, page_gpa(2), 1, "logged");
	check_equal(dirty_log(&m), 1 << 2, "written");
	/* KVM_CLEAR_DIRTY_LOG works in this mode too. */
	expect_write(&m, page_gpa(2), 1, "logged");
	check_equal(clear_log(&m, 1, 0, PAGES, &bits), 0, "KVM_CLEAR_DIRTY_LOG");
	check_equal(dirty_log(&m), 0, "cleared");
	free_machine(&m);
	munmap(area, AREA_SIZE);
}

/* ---- 32-bit programs ---- */

static sigjmp_buf no_int80;

static void on_no_int80(int signal)
{
	(void)signal;
	siglongjmp(no_int80, 1);
}

/* Make an ioctl as a 32-bit program does; its argument is below 4 GiB. */
static int ioctl_32(int fd, unsigned long request, void *arg)
{
	long r = 54; /* SYS_ioctl there */

	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 : "b"((long)fd), "c"(request), "d"(arg)
			 : "r8", "r9", "r10", "r11", "memory");
	return r < 0 ? -r : 0;
}

/*
 * A 32-bit program sets the lower half of a bitmap's address, and leaves the upper half
 * undefined.
 */
static void test_32_bit_program(void)
{
	struct logger l = LOGGER(&manual_mode, 1, access);
	uint8_t *area = map_memory(AREA_SIZE);
	struct {
		struct kvm_dirty_log get;
		struct kvm_clear_dirty_log clear;
		uint64_t bits;
	} *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		      -1, 0);

	if (low == MAP_FAILED)
		die("mmap below 4 GiB");
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	expect_write(&l.m, page_gpa(3), 1, "logged");
	low->get =
		(struct kvm_dirty_log){ .slot = 1,
					.padding2 = 0xffff5a5aull << 32 | (uintptr_t)&low->bits };
	low->clear = (struct kvm_clear_dirty_log){ .slot = 1,
						   .num_pages = PAGES,
						   .padding2 = low->get.padding2 };
	signal(SIGSEGV, on_no_int80);
	if (sigsetjmp(no_int80, 1)) {
		skipped = "the host's kernel runs no 32-bit programs";
	} else {
		check_equal(ioctl_32(l.m.vm, KVM_GET_DIRTY_LOG, &low->get), 0, "KVM_GET_DIRTY_LOG");
		check_equal(low->bits, 1 << 3, "the bitmap");
		check_equal(ioctl_32(l.m.vm, KVM_CLEAR_DIRTY_LOG, &low->clear), 0,
			    "KVM_CLEAR_DIRTY_LOG");
		check_equal(dirty_log(&l.m), 0, "cleared");
	}
	signal(SIGSEGV, SIG_DFL);
	free_logger(&l);
	munmap(area, AREA_SIZE);
	munmap(low, PAGE);
}

/* A bitmap that cannot be copied out is not lost. KVM loses it. */
static void test_failed_copy(void)
{
	struct logger l = LOGGER(&bitmap_mode, 1, access);
	uint8_t *area = map_memory(MANY * PAGE);

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, MANY * PAGE, area);
	expect_write(&l.m, page_gpa(3), 1, "logged");
	expect_write(&l.m, page_gpa(64), 1, "logged");
	expect_write(&l.m, page_gpa(129), 1, "logged");
	check_equal(get_log(&l.m, 1, (void *)PAGE), EFAULT, "reading to no memory");
	if (on_oriel())
		expect_log(&l.m, 1 << 3, 1, 2, "after that");
	else
		skipped = "KVM loses the bitmap";
	free_logger(&l);
	munmap(area, MANY * PAGE);
}

/*
 * Only the launcher writes to a read-only slot. The log does not have such writes, which are not
 * the guest's.
 */
static void test_read_only(void)
{
	struct logger l = LOGGER(&bitmap_mode, 1, access);
	uint8_t *area = map_memory(AREA_SIZE);

	must_set_slot(&l.m, 1, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	expect_read(&l.m, page_gpa(3), 0, "read only");
	expect_mmio(&l.m, page_gpa(3), true, "read only");
	*word(area, 3) = 3;
	expect_read(&l.m, page_gpa(3), 3, "written by the launcher");
	check_equal(collect(&l), 0, "read only");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

/* ---- large pages ---- */

static uint8_t *new_large(uint8_t **room)
{
	uint8_t *area;

	*room = map_memory(3 * LARGE);
	area = (uint8_t *)(((uintptr_t)*room + LARGE - 1) & ~(LARGE - 1));
	madvise(area, 2 * LARGE, MADV_HUGEPAGE);
	memset(area, 0, 2 * LARGE);
	return area;
}

static uint64_t set_bits(const uint64_t *bits, size_t words)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < words; i++)
		count += __builtin_popcountll(bits[i]);
	return count;
}

/* A page of a large leaf is logged alone, also when the log begins a second time. */
static void test_large_pages(void)
{
	struct logger l = LOGGER(&bitmap_mode, 1, access);
	uint64_t bits[2 * LARGE / PAGE / 64];
	uint8_t *room, *area = new_large(&room);
	unsigned int turn;

	for (turn = 0; turn < 2; turn++) {
		must_set_slot(&l.m, 1, 0, AREA, 2 * LARGE, area);
		expect_write(&l.m, page_gpa(9), 9, "not logged");
		expect_write(&l.m, page_gpa(700), 7, "not logged");
		must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, 2 * LARGE, area);
		expect_read(&l.m, page_gpa(9), 9, "logged");
		expect_write(&l.m, page_gpa(100), turn, "logged");
		expect_write(&l.m, page_gpa(101), turn, "logged");
		expect_write(&l.m, page_gpa(700), turn, "logged");
		check_equal(get_log(&l.m, 1, bits), 0, "KVM_GET_DIRTY_LOG");
		check_equal(set_bits(bits, ARRAY_SIZE(bits)), 3, "pages written");
		check_equal(bits[1], 3ull << 36, "pages 100 and 101");
		check_equal(bits[10], 1ull << 60, "page 700");
	}
	free_logger(&l);
	munmap(room, 3 * LARGE);
}

/*
 * At first nothing is write-protected; later a large leaf is, for the pages of it that were
 * cleared.
 */
static void test_large_pages_initially_set(void)
{
	struct logger l = LOGGER(&set_mode, 1, access);
	uint64_t bits[2 * LARGE / PAGE / 64], mask = 1ull << 36;
	uint8_t *room, *area = new_large(&room);

	must_set_slot(&l.m, 1, 0, AREA, 2 * LARGE, area);
	expect_write(&l.m, page_gpa(100), 1, "not logged");
	expect_write(&l.m, page_gpa(700), 1, "not logged");
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, 2 * LARGE, area);
	check_equal(clear_log(&l.m, 1, 64, 64, &mask), 0, "page 100");
	expect_write(&l.m, page_gpa(101), 2, "not cleared");
	expect_write(&l.m, page_gpa(700), 2, "not cleared");
	check_equal(get_log(&l.m, 1, bits), 0, "KVM_GET_DIRTY_LOG");
	check_equal(set_bits(bits, ARRAY_SIZE(bits)), 1023, "all but one");
	check_equal(bits[1], ~mask, "all but page 100");
	expect_write(&l.m, page_gpa(100), 3, "cleared");
	check_equal(get_log(&l.m, 1, bits), 0, "KVM_GET_DIRTY_LOG");
	check_equal(set_bits(bits, ARRAY_SIZE(bits)), 1024, "all");
	check_equal(clear_log(&l.m, 1, 0, 1024, bits), 0, "all");
	expect_write(&l.m, page_gpa(101), 4, "cleared");
	check_equal(get_log(&l.m, 1, bits), 0, "KVM_GET_DIRTY_LOG");
	check_equal(set_bits(bits, ARRAY_SIZE(bits)), 1, "one");
	check_equal(bits[1], 1ull << 37, "page 101");
	free_logger(&l);
	munmap(room, 3 * LARGE);
}

/*
 * Map two large leaves writable, and begin the log. Return false if the host has no large pages, or
 * if the hypervisor's CPU has none: then there is nothing to split.
 */
static bool log_large(const struct logger *l, uint8_t *area)
{
	must_set_slot(&l->m, 1, 0, AREA, 2 * LARGE, area);
	expect_write(&l->m, page_gpa(0), 1, "not logged");
	expect_write(&l->m, page_gpa(512), 1, "not logged");
	if (vm_stat(&l->m, "pages_2m") < 2) {
		skipped = "no large pages";
		return false;
	}
	must_set_slot(&l->m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, 2 * LARGE, area);
	return true;
}

/*
 * The thread that begins the log splits large leaves. Neither that nor a write to a page of them
 * flushes TLBs or, on Oriel, stops the faults of other vCPUs.
 */
static void split_quietly(const struct log_mode *mode)
{
	struct logger l = LOGGER(mode, 1, access);
	uint8_t *room, *area = new_large(&room);
	uint64_t flushes;
	unsigned int i;

	if (log_large(&l, area)) {
		check_equal(vm_stat(&l.m, "pages_2m"), 0, "large leaves in the log");
		flushes = vm_stat(&l.m, "remote_tlb_flush");
		for (i = 0; i < 1024; i += 64)
			expect_write(&l.m, page_gpa(i), i, "logged");
		check_equal(vm_stat(&l.m, "remote_tlb_flush"), flushes, "TLB flushes for writes");
	}
	free_logger(&l);
	munmap(room, 3 * LARGE);
}

static void test_split_quietly(void)
{
	split_quietly(&bitmap_mode);
	split_quietly(&ring_mode);
}

/* A log that begins with all pages splits a leaf when a page of it is cleared. */
static void test_split_when_cleared(void)
{
	struct logger l = LOGGER(&set_mode, 1, access);
	uint8_t *room, *area = new_large(&room);
	uint64_t mask = ~0ull, flushes;

	if (log_large(&l, area)) {
		check_equal(vm_stat(&l.m, "pages_2m"), 2, "large leaves at the beginning");
		check_equal(clear_log(&l.m, 1, 512, 64, &mask), 0, "pages 512 to 575");
		check_equal(vm_stat(&l.m, "pages_2m"), 1, "large leaves after that");
		flushes = vm_stat(&l.m, "remote_tlb_flush");
		expect_write(&l.m, page_gpa(512), 2, "cleared");
		expect_write(&l.m, page_gpa(0), 2, "not cleared");
		check_equal(vm_stat(&l.m, "remote_tlb_flush"), flushes, "TLB flushes for writes");
	}
	free_logger(&l);
	munmap(room, 3 * LARGE);
}

/* When the log ends, leaves that cannot become large stay. */
static void test_end_of_small_pages(void)
{
	struct logger l = LOGGER(&bitmap_mode, 1, access);
	uint8_t *area = map_memory(MANY * PAGE);
	uint64_t pages, flushes;
	unsigned int i;

	madvise(area, MANY * PAGE, MADV_NOHUGEPAGE);
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, MANY * PAGE, area);
	for (i = 0; i < MANY; i++)
		expect_write(&l.m, page_gpa(i), i, "logged");
	pages = vm_stat(&l.m, "pages_4k");
	flushes = vm_stat(&l.m, "remote_tlb_flush");
	must_set_slot(&l.m, 1, 0, AREA, MANY * PAGE, area);
	check_equal(vm_stat(&l.m, "pages_4k"), pages, "leaves after the log");
	check_equal(vm_stat(&l.m, "remote_tlb_flush"), flushes, "TLB flushes for the end");
	for (i = 0; i < MANY; i++)
		expect_read(&l.m, page_gpa(i), i, "no more logged");
	expect_write(&l.m, page_gpa(0), 9, "no more logged");
	check_equal(*word(area, 0), 9, "a page written after the log");
	free_logger(&l);
	munmap(area, MANY * PAGE);
}

/* Leaves that were split become large again, and those that are large stay. */
static void test_end_of_large_pages(void)
{
	struct logger l = LOGGER(&set_mode, 1, access);
	uint8_t *room, *area = new_large(&room);
	uint64_t mask = ~0ull;

	if (log_large(&l, area)) {
		check_equal(clear_log(&l.m, 1, 512, 64, &mask), 0, "pages 512 to 575");
		check_equal(vm_stat(&l.m, "pages_2m"), 1, "large leaves in the log");
		must_set_slot(&l.m, 1, 0, AREA, 2 * LARGE, area);
		check_equal(vm_stat(&l.m, "pages_2m"), 1, "large leaves after the log");
		expect_write(&l.m, page_gpa(513), 2, "no more logged");
		check_equal(vm_stat(&l.m, "pages_2m"), 2, "large leaves after a write");
		expect_write(&l.m, page_gpa(1), 2, "no more logged");
	}
	free_logger(&l);
	munmap(room, 3 * LARGE);
}

/* ---- rings ---- */

static void test_ring_bad_arguments(void)
{
	struct machine none = MACHINE(1, access);
	struct logger l = LOGGER(&ring_mode, 1, access);
	int max = extension(KVM_CAP_DIRTY_LOG_RING);
	uint64_t bits = 0;

	check_equal(max, 65536 * sizeof(struct kvm_dirty_gfn), "the largest ring");
	check_equal(extension(KVM_CAP_DIRTY_LOG_RING_ACQ_REL), max, "the same, ordered");
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING, RING_SIZE), EINVAL, "after a vCPU");
	check(ioctl(none.vm, KVM_RESET_DIRTY_RINGS, 0) < 0 && errno == EINVAL, "no rings to reset");
	free_machine(&none);
	none = MACHINE(0, access);
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING, 0), EINVAL, "no size");
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING, RING_SIZE + 16), EINVAL, "an odd size");
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING, PAGE / 2), EINVAL, "half a page");
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING, 2 * max), E2BIG, "too large");
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, max), 0, "the largest");
	check_equal(enable(&none, KVM_CAP_DIRTY_LOG_RING, max), EINVAL, "once more");
	free_machine(&none);

	must_set_slot(&l.m, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, RAM_SIZE, l.m.ram);
	check_equal(get_log(&l.m, 0, &bits), ENXIO, "KVM_GET_DIRTY_LOG");
	check_equal(clear_log(&l.m, 0, 0, 16, &bits), ENXIO, "KVM_CLEAR_DIRTY_LOG");
	check_equal(get_log(&l.m, ~0u, &bits), ENXIO, "KVM_GET_DIRTY_LOG of a bad slot");
	check_equal(clear_log(&l.m, ~0u, 1, 16, &bits), ENXIO, "KVM_CLEAR_DIRTY_LOG of a bad slot");
	check(map_ring(&l.m, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE) == MAP_FAILED,
	      "a private ring");
	check(map_ring(&l.m, 0, PROT_READ | PROT_EXEC, MAP_SHARED) == MAP_FAILED,
	      "an executable ring");
	check_equal(reset_rings(&l), 0, "nothing to reset");
	free_logger(&l);
}

/*
 * An entry that userspace has not marked is not taken back. Entries are in the order of the
 * writes.
 */
static void test_ring_order(void)
{
	struct logger l = LOGGER(&ring_mode, 1, access);
	uint8_t *area = map_memory(AREA_SIZE);
	struct kvm_dirty_gfn *ring = l.ring[0];
	unsigned int i;

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	for (i = 0; i < 8; i++)
		expect_write(&l.m, page_gpa(15 - i), i, "logged");
	for (i = 0; i < 8; i++)
		check_equal(ring[i].offset, 15 - i, "the offset of an entry");
	check_equal(dirty_entries(&l), 8, "entries");
	check_equal(reset_rings(&l), 0, "none is seen");
	for (i = 0; i < 3; i++)
		give_back(&ring[i]);
	give_back(&ring[5]);
	check_equal(reset_rings(&l), 3, "three are seen, and one after them");
	check_equal(ring[0].flags | ring[1].flags | ring[2].flags, 0, "flags taken back");
	expect_write(&l.m, page_gpa(14), 1, "taken back");
	expect_write(&l.m, page_gpa(12), 1, "not taken back");
	expect_write(&l.m, page_gpa(10), 1, "seen, not taken back");
	check_equal(dirty_entries(&l), 5, "entries");
	check(is_dirty(&ring[8]), "a write after the reset is missing");
	check_equal(ring[8].offset, 14, "what was written after the reset");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

/* More pages than a ring has entries: the vCPU waits for userspace. */
static void test_ring_full(void)
{
	unsigned int pages = 4 * RING_ENTRIES, stops = 0, i;
	uint8_t *area = map_memory(pages * PAGE);
	struct logger l = LOGGER(&ring_mode, 1, sweep);
	struct kvm_regs regs = { .rip = CODE, .rsi = AREA, .rdx = AREA + pages * PAGE };
	bool *seen = calloc(pages, sizeof(*seen));
	int reason;

	if (!seen)
		die("calloc");
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, pages * PAGE, area);
	set_regs(&l.m, 0, &regs);
	while ((reason = run(&l.m, 0)) == KVM_EXIT_DIRTY_RING_FULL) {
		unsigned int count = dirty_entries(&l);

		stops++;
		check(count > RING_ENTRIES / 4 && count < RING_ENTRIES,
		      "the ring is not nearly full");
		check_equal(run(&l.m, 0), KVM_EXIT_DIRTY_RING_FULL, "nothing was taken back");
		check_equal(dirty_entries(&l), count, "entries while it waits");
		check_equal(harvest(&l, 0, seen, pages), count, "entries");
		check_equal(run(&l.m, 0), KVM_EXIT_DIRTY_RING_FULL, "seen, not taken back");
		check_equal(reset_rings(&l), count, "KVM_RESET_DIRTY_RINGS");
	}
	check_equal(reason, KVM_EXIT_IO, "the end");
	check(stops >= 4, "the vCPU never waited");
	harvest(&l, 0, seen, pages);
	for (i = 0; i < pages; i++)
		if (!seen[i] || *word(area, i) != 1)
			break;
	check_equal(i, pages, "a page that is not as it should be");
	free_logger(&l);
	free(seen);
	munmap(area, pages * PAGE);
}

/* Userspace can overwrite an entry: KVM_RESET_DIRTY_RINGS finds a page with it or none. */
static void test_ring_bogus_entries(void)
{
	static const struct kvm_dirty_gfn bogus[] = {
		{ 0, ~0u, 0 },	       { 0, 1, ~0ull },	 { 0, 1, PAGES },      { 0, 0, 1 },
		{ 0, 1 << 16 | 1, 0 }, { 0, 0x7fff, 0 }, { 0, 1, 1ull << 52 }, { 0, 2, 0 },
	};
	struct logger l = LOGGER(&ring_mode, 1, access);
	uint8_t *area = map_memory(AREA_SIZE);
	unsigned int i;

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	for (i = 0; i < ARRAY_SIZE(bogus); i++)
		expect_write(&l.m, page_gpa(i), i, "logged");
	for (i = 0; i < ARRAY_SIZE(bogus); i++) {
		l.ring[0][i].slot = bogus[i].slot;
		l.ring[0][i].offset = bogus[i].offset;
		l.ring[0][i].flags = i & 1 ? ~0u : KVM_DIRTY_GFN_F_RESET;
	}
	check_equal(reset_rings(&l), ARRAY_SIZE(bogus), "KVM_RESET_DIRTY_RINGS");
	l.next[0] = ARRAY_SIZE(bogus);
	expect_write(&l.m, page_gpa(12), 12, "logged");
	check_equal(collect(&l), 1 << 12, "what was written after that");
	/* All entries look as if they had been pushed: any result is right. */
	for (i = 0; i < RING_ENTRIES; i++)
		l.ring[0][i] = (struct kvm_dirty_gfn){ KVM_DIRTY_GFN_F_RESET, i, ~(uint64_t)i };
	check(reset_rings(&l) >= 0, "KVM_RESET_DIRTY_RINGS fails");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

/* An entry outlives its slot; the number may belong to another slot by then. */
static void test_ring_and_slots(void)
{
	struct logger l = LOGGER(&ring_mode, 1, access);
	uint8_t *area = map_memory(AREA_SIZE);

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	expect_write(&l.m, page_gpa(4), 1, "logged");
	give_back(&l.ring[0][0]);
	must_set_slot(&l.m, 1, 0, 0, 0, NULL);
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	expect_write(&l.m, page_gpa(4), 2, "logged in the new slot");
	check(is_dirty(&l.ring[0][1]), "a write to the new slot is missing");
	check_equal(reset_rings(&l), 1, "the entry of the old slot");
	give_back(&l.ring[0][1]);
	must_set_slot(&l.m, 1, 0, 0, 0, NULL);
	check_equal(reset_rings(&l), 1, "without a slot");
	l.next[0] = 2;
	/* Logging goes off and on: the log does not have the pages written before. */
	must_set_slot(&l.m, 1, 0, AREA, AREA_SIZE, area);
	expect_write(&l.m, page_gpa(5), 1, "not logged");
	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	check_equal(collect(&l), 0, "nothing written");
	expect_write(&l.m, page_gpa(5), 1, "logged");
	check_equal(collect(&l), 1 << 5, "written");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

/* ---- writes by the kernel ---- */

static void log_insb(const struct log_mode *mode)
{
	struct logger l = LOGGER(mode, 1, insb);
	struct kvm_regs regs = { .rip = CODE, .rdi = page_gpa(3) + 5, .rdx = 0x44 };
	uint8_t *area = map_memory(AREA_SIZE);

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	set_regs(&l.m, 0, &regs);
	check_equal(run(&l.m, 0), KVM_EXIT_IO, "INSB");
	check_equal(l.m.run[0]->io.port, 0x44, "its port");
	*(uint8_t *)port_data(&l.m, 0) = 0x77;
	check_equal(collect(&l), 0, "before it is written");
	check_equal(run(&l.m, 0), KVM_EXIT_IO, "after INSB");
	check_equal(area[3 * PAGE + 5], 0x77, "what was written");
	check_equal(collect(&l), 1 << 3, mode->name);
	check_equal(collect(&l), 0, "told already");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

static void test_emulated_write(void)
{
	log_insb(&bitmap_mode);
	log_insb(&manual_mode);
	log_insb(&ring_mode);
}

#define MSR_SYSTEM_TIME 0x4b564d01
#define MSR_WALL_CLOCK 0x4b564d00

static void log_kvmclock(const struct log_mode *mode)
{
	struct logger l = LOGGER(mode, 1, wrmsr);
	struct kvm_regs regs = { .rip = CODE, .rcx = MSR_SYSTEM_TIME, .rax = page_gpa(6) | 1 };
	uint8_t *area = map_memory(AREA_SIZE);

	must_set_slot(&l.m, 1, KVM_MEM_LOG_DIRTY_PAGES, AREA, AREA_SIZE, area);
	set_regs(&l.m, 0, &regs);
	check_equal(run(&l.m, 0), KVM_EXIT_IO, "WRMSR");
	check_equal(collect(&l), 1 << 6, "the time of a vCPU");
	settle(&l.m, 0);
	regs.rcx = MSR_WALL_CLOCK;
	regs.rax = page_gpa(9);
	set_regs(&l.m, 0, &regs);
	check_equal(run(&l.m, 0), KVM_EXIT_IO, "WRMSR");
	check(collect(&l) & 1 << 9, "the wall clock is missing in the log");
	free_logger(&l);
	munmap(area, AREA_SIZE);
}

static void test_kvmclock(void)
{
	log_kvmclock(&bitmap_mode);
	log_kvmclock(&ring_mode);
}

static const struct test tests[] = {
	TEST(bitmap),
	TEST(manual),
	TEST(initially_set),
	TEST(ring),
	TEST(bitmap_while_running),
	TEST(manual_while_running),
	TEST(initially_set_while_running),
	TEST(ring_while_running),
	TEST(many_while_running),
	TEST(clear_a_part),
	TEST(clear_bad_arguments),
	TEST(manual_flags),
	TEST(failed_copy),
	TEST(32_bit_program),
	TEST(read_only),
	TEST(large_pages),
	TEST(large_pages_initially_set),
	TEST(split_quietly),
	TEST(split_when_cleared),
	TEST(end_of_small_pages),
	TEST(end_of_large_pages),
	TEST(ring_bad_arguments),
	TEST(ring_order),
	TEST(ring_full),
	TEST(ring_bogus_entries),
	TEST(ring_and_slots),
	TEST(emulated_write),
	TEST(kvmclock),
};

int main(int argc, char **argv)
{
	signal(SIGALRM, on_hang);
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
