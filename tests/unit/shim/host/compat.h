/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of kernel/host/compat.h that files tested in userspace need. */
#ifndef SHIM_COMPAT_H
#define SHIM_COMPAT_H

struct eventfd_ctx;

void oriel_eventfd_signal(struct eventfd_ctx *ctx);

#endif
