/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between a VM and its interrupt fabric: the ioctls about interrupt chips and
 * doorbells, and what the fabric asks of the vCPUs.
 */
#ifndef ORIEL_IRQCHIP_H
#define ORIEL_IRQCHIP_H

struct vm;

/**
 * irqchip_init() - a fabric with no chips yet
 * @vm: a new VM
 */
void irqchip_init(struct vm *vm);

/**
 * irqchip_ioctl() - an ioctl of a VM's descriptor about its interrupt chips
 *	or doorbells
 * @vm: the VM; takes its lock where it is needed
 * @cmd: what userspace asked for
 * @arg: its argument
 *
 * May sleep.
 *
 * Return: what the ioctl does, or -ENOTTY when @cmd is none of these.
 */
long irqchip_ioctl(struct vm *vm, unsigned int cmd, unsigned long arg);

#endif
