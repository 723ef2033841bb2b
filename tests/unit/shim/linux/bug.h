/* SPDX-License-Identifier: GPL-2.0-only */
/* Warnings, which fail a userspace unit test. */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <assert.h>

#define WARN(condition, ...) assert(!(condition))

#define WARN_ON_ONCE(condition)            \
	({                                 \
		int warned_ = (condition); \
		assert(!warned_);          \
		warned_;                   \
	})

#endif
