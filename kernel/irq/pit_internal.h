/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of the PIT, registers and timer, share. */
#ifndef ORIEL_IRQ_PIT_INTERNAL_H
#define ORIEL_IRQ_PIT_INTERNAL_H

#include <linux/types.h>

#include "irq/pit.h"

/* pit.c */

/**
 * pit_ticks() - ticks that a channel has counted since its count was loaded
 * @ch: the channel
 * @now: time of the monotonic clock, in ns
 *
 * Return: the ticks, 0 when it does not count.
 */
u64 pit_ticks(const struct pit_channel *ch, s64 now);

/* pit_timer.c */

/**
 * pit_timer_stop() - channel 0 raises no interrupt from now on
 * @pit: its lock held; may sleep
 */
void pit_timer_stop(struct pit *pit);

/**
 * pit_timer_start() - channel 0 raises interrupts for the count it has now
 * @pit: its lock held; may sleep
 */
void pit_timer_start(struct pit *pit);

#endif
