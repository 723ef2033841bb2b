/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's own page tables and free pages.
 */
#ifndef GUEST_PAGE_H
#define GUEST_PAGE_H

#include "cpu.h"

#define PAGE_SIZE 4096ULL
#define LARGE_SIZE 0x200000ULL

#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_PS BIT(7)
#define PTE_G BIT(8)
#define PTE_NX BIT(63)
#define PTE_ADDRESS 0x000ffffffffff000ULL

/* Page-fault error code. */
#define PF_P BIT(0)
#define PF_W BIT(1)
#define PF_U BIT(2)
#define PF_RSVD BIT(3)
#define PF_I BIT(4)

extern u64 boot_pml4[512];
extern u8 guest_end[];

/* EAX and EBX as the loader left them. */
extern u32 multiboot_magic, multiboot_info;

/* A zeroed page that is never given back. */
void *page_alloc(void);

/* @count zeroed pages in a row. */
void *pages_alloc(unsigned int count);

/*
 * The entry for @va at @level (1 to 4) of the tables in CR3; what is missing
 * above it is made, large pages above it are split.
 */
live u64 *page_entry(u64 va, unsigned int level);

/* Maps the 4 KiB page of @va to @pa with @flags and forgets the old one. */
void page_map(u64 va, u64 pa, u64 flags);

/* Let user mode use the boot mapping or not: the low 4 GiB, where this code runs. */
void page_user(bool allowed);

/* End of the guest's memory below 4 GiB, as the loader told; 0 when it did not. */
u64 ram_end(void);

/* Does the loader's command line have @word? */
bool cmdline_has(const char *word);

void page_init(void);

#endif
