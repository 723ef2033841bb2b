/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of the PIT, registers and timer, share. */
#ifndef ORIEL_IRQ_PIT_INTERNAL_H
#define ORIEL_IRQ_PIT_INTERNAL_H

#include <linux/types.h>

#include "pit.h"

/* pit.c: ticks counted since the count was loaded; 0 if it does not count. */
u64 pit_ticks(const struct pit_channel *ch, s64 now);

/* pit_timer.c: stop and start channel 0's interrupts. pit->lock held, may sleep. */
void pit_timer_stop(struct pit *pit);
void pit_timer_start(struct pit *pit);

#endif
