// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free pages, from the end of the guest's image up, and page-table entries.
 */
#include "guest.h"

static u64 next_page;

/* The fields of the multiboot information that are used (multiboot 0.6.96, 3.3). */
struct multiboot_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline;
};

void page_init(void)
{
	next_page = (u64)guest_end;
}

void *pages_alloc(unsigned int count)
{
	void *pages = (void *)next_page;

	next_page += count * PAGE_SIZE;
	return memset(pages, 0, count * PAGE_SIZE);
}

void *page_alloc(void)
{
	return pages_alloc(1);
}

static void split(u64 *entry, unsigned int level)
{
	u64 size = PAGE_SIZE << (level - 2) * 9, old = *entry;
	u64 flags = old & ~(PTE_ADDRESS | (level == 2 ? PTE_PS : 0));
	u64 *table = page_alloc();

	for (unsigned int i = 0; i < 512; i++)
		table[i] = ((old & PTE_ADDRESS) + i * size) | flags;
	*entry = (u64)table | PTE_P | PTE_W | PTE_U;
	write_cr3(read_cr3());
}

live u64 *page_entry(u64 va, unsigned int level)
{
	u64 *table = (u64 *)(read_cr3() & PTE_ADDRESS);

	for (unsigned int l = 4;; l--) {
		u64 *entry = &table[va >> (12 + 9 * (l - 1)) & 511];

		if (l == level)
			return entry;
		if (!(*entry & PTE_P))
			*entry = (u64)page_alloc() | PTE_P | PTE_W | PTE_U;
		else if (l < 4 && *entry & PTE_PS)
			split(entry, l);
		table = (u64 *)(*entry & PTE_ADDRESS);
	}
}

void page_map(u64 va, u64 pa, u64 flags)
{
	*page_entry(va, 1) = pa | flags;
	flush_page((void *)va);
}

void page_user(bool allowed)
{
	for (u64 at = 0; at < 4ULL << 30; at += LARGE_SIZE) {
		if (allowed)
			*page_entry(at, 2) |= PTE_U;
		else
			*page_entry(at, 2) &= ~PTE_U;
	}
	write_cr3(read_cr3());
}

/* The loader's information, if its flags have @flag. */
static const struct multiboot_info *loader_info(u32 flag)
{
	const struct multiboot_info *info = (void *)(u64)multiboot_info;

	return multiboot_magic == 0x2badb002 && info->flags & flag ? info : NULL;
}

u64 ram_end(void)
{
	const struct multiboot_info *info = loader_info(BIT(0));

	return info ? 0x100000 + (u64)info->mem_upper * 1024 : 0;
}

bool cmdline_has(const char *word)
{
	const struct multiboot_info *info = loader_info(BIT(2));
	size_t size = strlen(word);
	const char *s;

	for (s = info ? (const char *)(u64)info->cmdline : ""; *s; s++)
		if (!memcmp(s, word, size))
			return true;
	return false;
}
