/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioeventfd: guest writes to ports and addresses that signal an eventfd instead of leaving the
 * kernel (KVM_IOEVENTFD): the doorbells of virtio.
 */
#ifndef ORIEL_IRQ_IOEVENTFD_H
#define ORIEL_IRQ_IOEVENTFD_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

/* Doorbells of one VM. */
#define IOEVENTFD_MAX 1000

/**
 * struct ioeventfds - the ioeventfds of one VM
 * @lock: serializes changes; may sleep
 * @table: by address; read under RCU, NULL when there is none
 */
struct ioeventfds {
	struct mutex lock; /* changes of @table */
	struct ioeventfd_table __rcu *table;
};

void ioeventfds_init(struct ioeventfds *ioeventfds);
/** ioeventfds_destroy() - remove all; no vCPU runs and nobody changes them any more */
void ioeventfds_destroy(struct ioeventfds *ioeventfds);

/**
 * ioeventfds_change() - KVM_IOEVENTFD; sleeps for a grace period
 * @args: as userspace gave it; length 0 matches writes of any length
 *
 * Return: 0; -EINVAL: unknown flags, a length that is not 0, 1, 2, 4 or 8, a
 * range that wraps, datamatch without a length, no eventfd; -EBADF; -EEXIST:
 * one write could match two; -ENOENT: nothing like it to take away; -ENOSPC;
 * -ENOMEM. On error nothing has changed.
 */
int ioeventfds_change(struct ioeventfds *ioeventfds, const struct kvm_ioeventfd *args);

/**
 * ioeventfds_write() - signal the eventfd that a guest's write matches; vCPU thread
 * @pio: to a port, else to a guest-physical address
 * @addr: the port or address
 * @buf: @len bytes written
 * @len: 1, 2, 4 or 8; other lengths match only ioeventfds of length 0
 *
 * Return: true if one was signalled: the write is done.
 */
bool ioeventfds_write(struct ioeventfds *ioeventfds, bool pio, u64 addr, const void *buf,
		      unsigned int len);

#endif
