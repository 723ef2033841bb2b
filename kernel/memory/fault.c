// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level faults: find the memslot of a guest-physical address and the host page behind it,
 * and install a leaf for it.
 *
 * Faults, the mmu_notifier, the dirty log, and the TLB
 *
 * A leaf maps a host page that is not pinned. Before the host uses the page for something else, the
 * leaf must be gone from the tables and from every TLB. Each write of the guest to a logged slot
 * must be in the dirty log. Many vCPUs fault at the same time.
 *
 *   1. Faults install leaves with mmu.lock shared, by compare-and-exchange. Code that removes
 *      leaves holds it exclusive and flushes the TLBs before it drops the lock: if a thread takes
 *      the lock and finds no leaf for a frame, no vCPU uses the frame through its TLB.
 *   2. A fault looks up the slot and the host page without mmu.lock, because this may sleep. So it
 *      first notes the snapshot of the memslots and mmu.invalidate_seq. It installs the leaf only
 *      if, with the lock held, both are still the same (still_valid()).
 *   3. The host announces an invalidation, changes its page tables, and announces the end. At the
 *      announcement the notifier increments invalidate_count, records the range and removes the
 *      leaves; at the end it changes invalidate_seq. A fault in the range fails its check: before
 *      the end because of the count and the range, after it because of invalidate_seq. So no fault
 *      installs what it has read in the host's page tables before the change. An invalidation that
 *      touches no slot does none of this, and does not take mmu.lock; it is only counted
 *      (mmu.invalidations). A client address gets its first slot, or loses its last one, only while
 *      that count is 0 (mmu_lock_slots()): a fault in a new slot reads the host's page tables after
 *      all changes that were under way.
 *   4. New memslots are published with mmu.lock exclusive; then the old slot's leaves are removed
 *      (exchange()). A fault with the old snapshot fails its check, so no leaf comes back. The
 *      notifier finds the old slot by its client addresses until the last leaf is gone, because
 *      the host may invalidate a page meanwhile.
 *   5. A fault holds a reference to the host page, if that has a struct page, until the leaf is
 *      installed or the fault has failed. After that 3 protects the page.
 *   6. In a logged slot faults install 4 KiB leaves. A larger leaf from before is split: by the
 *      thread that begins the log or clears bits (mmu_split()), or by a fault that comes first. A
 *      leaf is writable only if its page is in the log: try_install() makes both so during one hold
 *      of mmu.lock. With KVM_DIRTY_LOG_INITIALLY_SET all pages are in the log at first. A thread
 *      that reads the log clears the page's bit, then removes the right to write (clear_bits()),
 *      and userspace copies the page after that: a write between the first two steps is in the
 *      copy. The module itself first writes to memory and then marks the page in the log
 *      (memory_write()).
 *      When the log ends, mmu_collapse() removes the leaves that a larger one can replace. The
 *      others stay, and faults make them writable again.
 *   7. If only the right to write is removed, the lock may be dropped before the flush. Until the
 *      flush a guest may write through its TLB: to a page that userspace has yet to copy, or before
 *      logging begins. The flush comes before the return to userspace, and memory->lock admits one
 *      thread at a time that reads the log.
 *   8. Removing many leaves takes long, so it is done in parts. If another thread waits for the
 *      lock, mmu_let_others() flushes and drops the lock between two parts; 1 holds there as well.
 *   9. Unlinked table pages wait in mmu.retired. mmu_flush() frees them after the flush, so no CPU
 *      walks freed memory.
 *  10. A split replaces a large leaf by a table of smaller ones that map the same frames with the
 *      same rights. A CPU may use either, so a split needs mmu.lock only shared, and no flush. A
 *      flush for a later removal drops the large leaf from TLBs as well, because each flush drops
 *      all translations.
 *  11. A change of the memory types empties the tables and changes invalidate_seq, so no fault
 *      installs a leaf of the old kind. A change of the format of leaves is an invalidation of all
 *      addresses: leaves of two formats never meet. At the end of the client's
 *      address space mmu.released makes every check fail.
 *
 * The states of a frame:
 *
 *                  try_install(), lock shared
 *     not mapped ------------------------------> read-only
 *       ^  ^  |                                   |  |  ^
 *       |  |  | try_install(), lock shared:       |  |  | clear_bits(), begin_log(), reset of a
 *       |  |  | write, and enter in the log       |  |  | dirty ring: lock exclusive, flush before
 *       |  |  v                                   |  |  | the return to userspace
 *       |  |  writable <--------------------------+  |  |
 *       |  |   |  |     try_install(): write fault  |  |
 *       |  |   |  +----------------------------------|--+
 *       |  +---+                                     |
 *       +--------------------------------------------+
 *         removal: lock exclusive, flush. The notifier; exchange(): slot moved or deleted;
 *         mmu_collapse(), also by regrow.c; sl_make_room(): another leaf replaces it; 11
 */
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <asm/cpufeature.h>

#include "host/compat.h"
#include "memory/mmu.h"

/**
 * struct fault - a fault that is being resolved
 * @memory: of the VM
 * @slots: the snapshot that @slot belongs to
 * @slot: the memslot that covers @gfn
 * @gfn: the guest frame
 * @hva: the client address of the frame
 * @write: the guest wrote, so the host's mapping must be writable
 * @exec: the guest fetched an instruction
 * @ahead: install a writable leaf after a read, too, if the host's mapping is writable
 * @seq: mmu->invalidate_seq before the host's page tables were read
 * @page: the host page, with a reference; NULL for memory without a struct page
 * @pfn: the host frame
 * @writable: the leaf may grant writes
 * @type: memory type of the leaf
 */
struct fault {
	struct memory *memory;
	const struct memslots *slots;
	const struct memslot *slot;
	gfn_t gfn;
	unsigned long hva;
	bool write;
	bool exec;
	bool ahead;
	unsigned long seq;
	struct page *page;
	u64 pfn;
	bool writable;
	enum sl_memtype type;
};

/* Get the page if the host's page tables map it. Return false if they do not. */
static bool lookup_fast(struct fault *f)
{
	if ((f->write || f->ahead) && get_user_page_fast_only(f->hva, FOLL_WRITE, &f->page)) {
		f->writable = true;
		return true;
	}
	return !f->write && get_user_page_fast_only(f->hva, 0, &f->page);
}

/* Translate an error of get_user_pages() into one of mmu_fault(). */
static int gup_error(const struct fault *f, long err)
{
	switch (err) {
	case -EHWPOISON:
		/* The client would get this signal if it accessed the broken page itself. */
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)f->hva, PAGE_SHIFT, current);
		return -EAGAIN;
	case -EFAULT:
	case -ENOMEM:
		return err;
	default:
		return signal_pending(current) ? -EINTR : -EAGAIN;
	}
}

static int lookup_slow(struct fault *f)
{
	unsigned int flags = ORIEL_FOLL_FAULT | (f->write ? FOLL_WRITE : 0);
	struct page *writable;
	long got;

	got = get_user_pages_unlocked(f->hva, 1, &f->page, flags);
	if (got != 1)
		return gup_error(f, got);
	f->writable = f->write;
	/* The page is present now. If it is writable, a later write need not fault. */
	if (!f->write && f->ahead && get_user_page_fast_only(f->hva, FOLL_WRITE, &writable)) {
		put_page(f->page);
		f->page = writable;
		f->writable = true;
	}
	return 0;
}

/*
 * Return the memory type for a frame without a struct page, from the host's mapping. If the frame
 * is not memory, never cache it.
 */
static enum sl_memtype memtype(pgprot_t prot, unsigned long pfn)
{
	u64 cache = pgprot_val(prot) & _PAGE_CACHE_MASK;

	if (!cache)
		return pfn_valid(pfn) ? SL_WB : SL_UC;
	return cache == cachemode2protval(_PAGE_CACHE_MODE_WC) ? SL_WC : SL_UC;
}

/* Look up memory that has no struct page: device registers and the like. */
static int lookup_pfnmap_locked(struct fault *f)
{
	struct mm_struct *mm = f->memory->mm;
	struct vm_area_struct *vma = vma_lookup(mm, f->hva);
	struct oriel_pfnmap map;
	bool unlocked = false;
	int ret;

	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return -EFAULT;
	ret = oriel_follow_pfnmap(vma, f->hva, &map);
	if (ret || (f->write && !map.writable)) {
		ret = fixup_user_fault(mm, f->hva, f->write ? FAULT_FLAG_WRITE : 0, &unlocked);
		/* The lock may have been dropped, so @vma may be gone: look again. */
		return ret ? ret : -EAGAIN;
	}
	f->pfn = map.pfn;
	f->writable = map.writable && (f->write || f->ahead);
	f->type = memtype(map.prot, map.pfn);
	return 0;
}

static int lookup_pfnmap(struct fault *f)
{
	int ret;

	if (mmap_read_lock_killable(f->memory->mm))
		return -EINTR;
	ret = lookup_pfnmap_locked(f);
	mmap_read_unlock(f->memory->mm);
	return ret;
}

static int lookup_host(struct fault *f)
{
	int ret = 0;

	f->type = SL_WB;
	if (!lookup_fast(f))
		ret = lookup_slow(f);
	if (ret == -EFAULT)
		ret = lookup_pfnmap(f);
	else if (!ret)
		f->pfn = page_to_pfn(f->page);
	if (f->type == SL_WB && READ_ONCE(f->memory->mmu.guest_memtypes))
		f->type = SL_GUEST;
	return ret;
}

/*
 * Return the level at which the host maps an address. The walk is safe with interrupts off while
 * current->mm is @mm: before the host frees a page table, it sends an interrupt to this CPU or
 * waits for it. The host may change the mapping at any time; then still_valid() keeps the leaf from
 * being installed.
 */
static int host_level(struct mm_struct *mm, unsigned long hva)
{
	int level = SL_LEVEL_4K;
	unsigned long flags;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = SL_LEVEL_1G;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		level = SL_LEVEL_2M;
out:
	local_irq_restore(flags);
	return level;
}

/* Return true if the slot and the alignment of both addresses allow a leaf of a level. */
static bool level_fits(const struct memslot *slot, gfn_t gfn, int level)
{
	u64 mask = sl_pages(level) - 1;
	gfn_t first = gfn & ~mask;

	return first >= slot->base_gfn && first + mask <= slot->base_gfn + slot->npages - 1 &&
	       !((slot->base_gfn ^ (slot->hva >> PAGE_SHIFT)) & mask);
}

int mmu_best_level(const struct memory *memory, const struct memslot *slot, gfn_t gfn)
{
	int level = min_t(int, host_level(memory->mm, memslot_hva(slot, gfn)),
			  memory->mmu.table.format->max_leaf);

	while (level > SL_LEVEL_4K && !level_fits(slot, gfn, level))
		level--;
	return level;
}

/*
 * Some Intel CPUs stop with a machine check if code runs in a page whose size changes. A guest can
 * do this in its own tables (Intel's "Machine Check Error Avoidance on Page Size Change"). On these
 * CPUs only 4 KiB leaves are executable; regrow.c is the way back.
 */
bool mmu_large_leaf_may_execute(void)
{
	return !boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) || cpu_mitigations_off();
}

static int leaf_level(const struct fault *f)
{
	int level;

	if (f->exec && !mmu_large_leaf_may_execute())
		return SL_LEVEL_4K;
	/* Dirty pages are logged one by one. */
	if (memslot_is_logged(f->slot))
		return SL_LEVEL_4K;
	level = mmu_best_level(f->memory, f->slot, f->gfn);
	/* The host may have mapped another frame since the lookup. */
	while (level > SL_LEVEL_4K && (f->gfn ^ f->pfn) & (sl_pages(level) - 1))
		level--;
	return level;
}

static u64 make_leaf(const struct fault *f, int level)
{
	const struct sl_format *format = f->memory->mmu.table.format;
	u64 pfn = f->pfn & ~(sl_pages(level) - 1);
	u32 rights = SL_READ | (f->writable ? SL_WRITE : 0);
	u64 leaf;

	if (level == SL_LEVEL_4K || mmu_large_leaf_may_execute())
		rights |= SL_EXEC;
	leaf = sl_make_leaf(format, pfn << PAGE_SHIFT, level, rights, f->type);

	if (f->write)
		leaf |= format->dirty;
	/* The host does not age or write back reserved pages, such as the zero page. */
	if (f->page && !PageReserved(f->page))
		leaf |= SL_SOFT_PAGE;
	return leaf;
}

/*
 * Return 0 if the lookup is still right. Leaves of a past slot may still be there while they are
 * being removed. Such a leaf maps the same host frame, or sl_install() refuses the new one
 * (-EBUSY).
 */
static int still_valid(const struct fault *f, int level)
{
	unsigned long size = sl_pages(level) << PAGE_SHIFT;
	unsigned long start = f->hva & ~(size - 1);

	if (f->memory->mmu.released)
		return -EFAULT;
	if (memory_slots(f->memory) != f->slots ||
	    mmu_is_invalidated(&f->memory->mmu, f->seq, start, start + size))
		return -EAGAIN;
	return 0;
}

static int try_install(struct fault *f, int level, u64 leaf, struct sl_spare *spare)
{
	struct mmu *mmu = &f->memory->mmu;
	int ret;

	read_lock(&mmu->lock);
	ret = still_valid(f, level);
	/* If the ring is full, REQ_DIRTY_RING_FULL is pending and ends KVM_RUN. */
	if (!ret && f->writable && !dirty_log_has_room(f->memory, f->slot))
		ret = -EAGAIN;
	if (!ret)
		ret = sl_install(&mmu->table, f->gfn, level, leaf, spare);
	if (!ret && f->writable)
		dirty_log_mark(f->memory, f->slot, f->gfn);
	read_unlock(&mmu->lock);
	return ret;
}

/* Remove what is in the way: a leaf of a past slot, or a table of smaller leaves. */
static void make_room(struct fault *f, int level)
{
	struct mmu *mmu = &f->memory->mmu;

	mmu_lock_exclusive(mmu);
	if (sl_make_room(&mmu->table, f->gfn, level))
		mmu_flush(f->memory);
	mmu_unlock_exclusive(mmu);
}

/* Most faults need no table page, so allocate them only when one is missing. */
static int install(struct fault *f)
{
	struct mmu *mmu = &f->memory->mmu;
	struct sl_spare spare = {};
	int level = leaf_level(f);
	u64 leaf = make_leaf(f, level);
	int ret;

	for (;;) {
		ret = try_install(f, level, leaf, &spare);
		if (ret == -EBUSY)
			make_room(f, level);
		else if (ret != -ENOMEM || mmu_top_up(mmu, &spare))
			break;
	}
	mmu_drop_spare(mmu, &spare);
	return ret;
}

int mmu_fault(struct memory *memory, gpa_t gpa, u32 access)
{
	struct fault f = {
		.memory = memory,
		.slots = memory_slots(memory),
		.gfn = gpa >> GFN_SHIFT,
		.write = access & MMU_ACCESS_WRITE,
		.exec = access & MMU_ACCESS_EXEC,
	};
	bool readonly;
	int ret;

	f.slot = memslot_find(f.slots, f.gfn);
	if (!f.slot)
		return MMU_NO_SLOT;
	readonly = f.slot->flags & KVM_MEM_READONLY;
	if (readonly && f.write)
		return MMU_READONLY;
	f.ahead = !readonly && !memslot_is_logged(f.slot);
	f.hva = memslot_hva(f.slot, f.gfn);
	f.seq = READ_ONCE(memory->mmu.invalidate_seq);
	/*
	 * Read @seq before the host's page tables. The host changes these before
	 * invalidate_range_end() changes invalidate_seq: a fault that reads the new value also
	 * reads the new page tables.
	 */
	smp_rmb();

	ret = lookup_host(&f);
	if (ret)
		return ret;
	ret = install(&f);
	if (f.page)
		put_page(f.page);
	return ret;
}
