/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kinds of addresses. Pure: also serves userspace tests. Names and widths agree with
 * <linux/kvm_types.h>, so that a file can include both.
 */
#ifndef ORIEL_ADDRESS_H
#define ORIEL_ADDRESS_H

#include <linux/types.h>

typedef u64 gpa_t; /* guest physical address */
typedef u64 gfn_t; /* guest frame number: gpa / 4 KiB */
typedef u64 hpa_t; /* host physical address */

#define GFN_SHIFT 12

#endif
