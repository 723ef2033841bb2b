/* SPDX-License-Identifier: GPL-2.0-only */
/* The timekeeper's listeners, for userspace unit tests. */
#ifndef SHIM_LINUX_PVCLOCK_GTOD_H
#define SHIM_LINUX_PVCLOCK_GTOD_H

struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long action, void *data);
};

#define NOTIFY_OK 1

int pvclock_gtod_register_notifier(struct notifier_block *nb);
int pvclock_gtod_unregister_notifier(struct notifier_block *nb);

#endif
