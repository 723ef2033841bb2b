/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages, for userspace unit tests: struct page lies behind its page. */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include <stdlib.h>
#include <string.h>

#include <linux/mm.h>

struct page {
	unsigned long private;
};

struct folio {
	int unused;
};

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	void *page = aligned_alloc(PAGE_SIZE, 2 * PAGE_SIZE);

	(void)gfp;
	return page ? (unsigned long)memset(page, 0, 2 * PAGE_SIZE) : 0;
}

static inline void *page_address(struct page *page)
{
	return (char *)page - PAGE_SIZE;
}

#define free_page(address) free((void *)(address))
#define virt_to_page(address) ((struct page *)((unsigned long)(address) + PAGE_SIZE))
#define page_private(page) ((page)->private)
#define set_page_private(page, value) ((void)((page)->private = (value)))

/* No leaf of a test has a host page to carry its bits to. */
#define pfn_to_page(pfn) ((void)(pfn), (struct page *)NULL)
#define page_folio(page) ((void)(page), (struct folio *)NULL)
#define folio_set_dirty(folio) ((void)(folio))

#endif
