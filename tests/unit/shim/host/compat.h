/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of kernel/host/compat.h that files tested in userspace need. */
#ifndef SHIM_COMPAT_H
#define SHIM_COMPAT_H

#include <linux/syscore_ops.h>

struct eventfd_ctx;

void oriel_eventfd_signal(struct eventfd_ctx *ctx);

#define ORIEL_SYSCORE_ARGUMENT void
#define ORIEL_SYSCORE(name, on_suspend, on_resume) \
	static struct syscore_ops name = { .suspend = (on_suspend), .resume = (on_resume) }

void oriel_register_syscore(struct syscore_ops *ops);
void oriel_unregister_syscore(struct syscore_ops *ops);

#define pr_err(...) ((void)0)

#endif
