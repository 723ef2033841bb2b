/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's ageing of pages, for userspace unit tests. */
#ifndef SHIM_LINUX_SWAP_H
#define SHIM_LINUX_SWAP_H

#include <linux/mm.h>

#define folio_mark_accessed(folio) ((void)(folio))

#endif
