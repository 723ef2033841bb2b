/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PC's two cascaded 8259A interrupt controllers with the edge/level control registers of the
 * PIIX (ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1). pic.c also has fabric_pic_pending() and
 * fabric_pic_ack().
 */
#ifndef ORIEL_IRQ_PIC_H
#define ORIEL_IRQ_PIC_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "irq/fabric.h"

#define PIC_PINS 16

/** pic_create() - both chips are as after power-on; NULL if out of memory; may sleep */
struct pic *pic_create(struct irq_fabric *fabric);
/** pic_destroy() - @pic is NULL, or nobody uses it any more */
void pic_destroy(struct pic *pic);
/** pic_covers() - return true if a port is the PIC's, for pic_pio_read() and pic_pio_write() */
bool pic_covers(u16 port);
u8 pic_pio_read(struct pic *pic, u16 port);
void pic_pio_write(struct pic *pic, u16 port, u8 val);
/**
 * pic_set_irq() - any context. Return > 0 if delivered or deasserted, 0 coalesced, -1 masked. The
 * result of LINE_PULSE is that of LINE_RAISE.
 */
int pic_set_irq(struct pic *pic, unsigned int pin, enum line_change change, enum irq_source source);
void pic_get_state(struct pic *pic, bool slave, struct kvm_pic_state *state);
/**
 * pic_set_state() - KVM_SET_IRQCHIP; a value that is out of range is cut. A line that is asserted
 * here stays so until any source lowers it.
 */
void pic_set_state(struct pic *pic, bool slave, const struct kvm_pic_state *state);

#endif
