/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioeventfd (KVM_IOEVENTFD): a guest's write to a port or an address signals an eventfd, without
 * an exit to userspace. Virtio's doorbells are such ports and addresses.
 */
#ifndef ORIEL_IRQ_IOEVENTFD_H
#define ORIEL_IRQ_IOEVENTFD_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/types.h>

/* The most doorbells that one VM may have. */
#define IOEVENTFD_MAX 1000

/* The ioeventfds of one VM. */
struct ioeventfds {
	struct mutex lock; /* changes of @table; may sleep */
	struct srcu_struct *srcu; /* held by each caller of ioeventfds_write() */
	/* By address; read under @srcu, NULL when there is none. */
	struct ioeventfd_table __rcu *table;
};

/** ioeventfds_init() - start without doorbells; @srcu is the one that vCPUs hold */
void ioeventfds_init(struct ioeventfds *ioeventfds, struct srcu_struct *srcu);
/** ioeventfds_destroy() - remove all; no vCPU runs and no ioctl changes them any more */
void ioeventfds_destroy(struct ioeventfds *ioeventfds);
/**
 * ioeventfds_change() - KVM_IOEVENTFD; @args not checked yet; length 0 matches writes of any
 * length; sleeps for a grace period, so @srcu is not held. Return 0, or an errno, and nothing has
 * changed: -EINVAL: unknown flags, a length that is not 0, 1, 2, 4 or 8, a range that wraps,
 * datamatch without a length, no eventfd; -EBADF; -EEXIST: a write could match this one and
 * another; -ENOENT: there is no such ioeventfd to remove; -ENOSPC; -ENOMEM.
 */
int ioeventfds_change(struct ioeventfds *ioeventfds, const struct kvm_ioeventfd *args);
/**
 * ioeventfds_write() - return true if a guest's write to a port (@pio) or a guest-physical address
 * has signalled an eventfd, and so is done; vCPU thread, @srcu held. If @len is not 1, 2, 4 or 8,
 * only ioeventfds of length 0 match.
 */
bool ioeventfds_write(struct ioeventfds *ioeventfds, bool pio, u64 addr, const void *buf,
		      unsigned int len);

#endif
