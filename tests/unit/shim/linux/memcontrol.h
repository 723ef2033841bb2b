/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's counts of pages, which no unit test looks at. */
#ifndef SHIM_LINUX_MEMCONTROL_H
#define SHIM_LINUX_MEMCONTROL_H

#include <linux/mm.h>

#define NR_SECONDARY_PAGETABLE 0
#define mod_lruvec_page_state(page, item, by) ((void)(page))

#endif
