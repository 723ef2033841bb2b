/* SPDX-License-Identifier: GPL-2.0-only */
/* What kernel/host/compat.h gives to files that are tested in userspace. */
#ifndef SHIM_COMPAT_H
#define SHIM_COMPAT_H

struct eventfd_ctx;

void oriel_eventfd_signal(struct eventfd_ctx *ctx);

#endif
