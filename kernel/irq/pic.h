/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PC's two cascaded 8259A interrupt controllers with the edge/level control
 * registers of the PIIX (ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1).
 */
#ifndef ORIEL_IRQ_PIC_H
#define ORIEL_IRQ_PIC_H

#include <linux/kvm.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "irq/fabric.h"

#define PIC_PINS 16

/**
 * struct pic - both 8259A
 * @fabric: the VM's fabric
 * @lock: protects what follows; taken in hard irq
 * @chip: master and slave, in the form userspace gets and sets
 * @sources: for each pin the enum irq_source bits that assert it
 * @output: the master's INTR; read without @lock
 */
struct pic {
	struct irq_fabric *fabric;
	raw_spinlock_t lock;
	struct kvm_pic_state chip[2];
	u8 sources[PIC_PINS];
	bool output;
};

/**
 * pic_create() - both chips as after power-on
 * @fabric: the VM's fabric
 *
 * Context: process, may sleep.
 * Return: the pic, NULL without memory.
 */
struct pic *pic_create(struct irq_fabric *fabric);

/**
 * pic_destroy() - free it
 * @pic: pic or NULL; nobody uses it any more
 */
void pic_destroy(struct pic *pic);

/**
 * pic_covers() - whether a port is the PIC's
 * @port: I/O port
 */
bool pic_covers(u16 port);

/**
 * pic_pio_read() - read a port
 * @pic: pic
 * @port: one of the PIC's
 *
 * Context: vCPU thread.
 * Return: the byte.
 */
u8 pic_pio_read(struct pic *pic, u16 port);

/**
 * pic_pio_write() - write a port
 * @pic: pic
 * @port: one of the PIC's
 * @val: byte
 *
 * Context: vCPU thread.
 */
void pic_pio_write(struct pic *pic, u16 port, u8 val);

/**
 * pic_set_irq() - drive a pin
 * @pic: pic
 * @pin: below PIC_PINS
 * @level: true asserts
 * @source: whose line it is
 *
 * Context: any, hard irq included.
 * Return: > 0 delivered or deasserted, 0 coalesced, -1 masked.
 */
int pic_set_irq(struct pic *pic, unsigned int pin, bool level, enum irq_source source);

/**
 * pic_pending() - whether INTR is asserted
 * @pic: pic
 *
 * Context: any; lockless.
 */
static inline bool pic_pending(const struct pic *pic)
{
	return READ_ONCE(pic->output);
}

/**
 * pic_ack() - INTA cycle
 * @pic: pic
 *
 * Context: vCPU thread.
 * Return: vector 0-255.
 */
int pic_ack(struct pic *pic);

/**
 * pic_get_state() - KVM_GET_IRQCHIP
 * @pic: pic
 * @slave: which chip
 * @state: filled in
 *
 * Context: process.
 */
void pic_get_state(struct pic *pic, bool slave, struct kvm_pic_state *state);

/**
 * pic_set_state() - KVM_SET_IRQCHIP
 * @pic: pic
 * @slave: which chip
 * @state: values out of range are brought into it
 *
 * Context: process.
 */
void pic_set_state(struct pic *pic, bool slave, const struct kvm_pic_state *state);

#endif
