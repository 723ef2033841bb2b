/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 interval timer (ports 0x40-0x43) and the speaker port 0x61. Channel
 * 0 pulses GSI 0. Ticks the guest has not taken yet are kept and given to it
 * one by one as it acknowledges them.
 */
#ifndef ORIEL_IRQ_PIT_H
#define ORIEL_IRQ_PIT_H

#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "irq/fabric.h"

#define PIT_FREQUENCY_HZ 1193182
#define PIT_CHANNELS 3

/* A channel nobody has programmed yet counts nothing. */
#define PIT_MODE_NONE 0xff

/* What is read or written next; the first three are RW bits of a control word. */
enum pit_access {
	PIT_ACCESS_NONE,
	PIT_ACCESS_LSB,
	PIT_ACCESS_MSB,
	PIT_ACCESS_WORD, /* low byte, then high byte */
	PIT_ACCESS_WORD_HIGH, /* the high byte of such a pair */
};

/**
 * struct pit_channel - one counter
 * @count: initial count, 1 to 65536 (in binary also when @bcd)
 * @loaded: host monotonic time at which counting began, in ns
 * @held: time counted before the gate went low, in ns; valid while the gate holds
 *	the count (modes 0 and 4)
 * @latch: value the next reads return
 * @count_latched: which byte of @latch is read next, enum pit_access
 * @status: latched status byte
 * @status_latched: whether @status is to be read first
 * @read_state: which byte of the count is read next, enum pit_access
 * @write_state: which byte of the count is written next, enum pit_access
 * @write_latch: low byte written, high byte to come
 * @access: RW bits of the control word, enum pit_access
 * @mode: 0 to 5, or PIT_MODE_NONE
 * @bcd: counts in BCD
 * @gate: level of the gate input
 * @idle: not counting: no count since the control word, no trigger since the count
 *	(modes 1 and 5), or the gate is low (modes 2 and 3)
 * @null: the count that was written is not in the counting element yet
 */
struct pit_channel {
	u32 count;
	s64 loaded;
	s64 held;
	u16 latch;
	u8 count_latched;
	u8 status;
	bool status_latched;
	u8 read_state;
	u8 write_state;
	u8 write_latch;
	u8 access;
	u8 mode;
	bool bcd;
	bool gate;
	bool idle;
	bool null;
};

/**
 * struct pit - an 8254
 * @fabric: the VM's fabric
 * @lock: serializes all but the timer's callback, which only reads what is
 *	written while the timer is cancelled
 * @channel: the three counters
 * @speaker: bit 1 of port 0x61
 * @has_speaker: port 0x61 is the PIT's (KVM_PIT_SPEAKER_DUMMY)
 * @hpet_legacy: an HPET drives GSI 0 instead (KVM_PIT_FLAGS_HPET_LEGACY)
 * @reinject: keep ticks the guest was too slow for (KVM_REINJECT_CONTROL)
 * @timer: armed while channel 0 will raise its output
 * @fired: rising edges of channel 0's output since its count was loaded
 * @pending: ticks kept
 * @ack: GSI 0 listener
 */
struct pit {
	struct irq_fabric *fabric;
	struct mutex lock; /* all but what the timer's callback reads */
	struct pit_channel channel[PIT_CHANNELS];
	bool speaker;
	bool has_speaker;
	bool hpet_legacy;
	bool reinject;
	struct hrtimer timer;
	u64 fired;
	atomic_t pending;
	struct irq_ack ack;
};

/**
 * pit_create() - an 8254 after power-on
 * @fabric: the VM's fabric
 * @flags: KVM_PIT_SPEAKER_DUMMY or 0
 *
 * Context: process, may sleep.
 * Return: the pit, NULL without memory.
 */
struct pit *pit_create(struct irq_fabric *fabric, u32 flags);

/**
 * pit_destroy() - stop it and free it
 * @pit: pit or NULL
 *
 * Context: process, sleeps for a grace period.
 */
void pit_destroy(struct pit *pit);

/**
 * pit_covers() - whether a port is the PIT's
 * @pit: pit
 * @port: I/O port
 */
bool pit_covers(const struct pit *pit, u16 port);

/**
 * pit_pio_read() - read a port
 * @pit: pit
 * @port: one of the PIT's
 *
 * Context: vCPU thread, may sleep.
 * Return: the byte.
 */
u8 pit_pio_read(struct pit *pit, u16 port);

/**
 * pit_pio_write() - write a port
 * @pit: pit
 * @port: one of the PIT's
 * @val: byte
 *
 * Context: vCPU thread, may sleep.
 */
void pit_pio_write(struct pit *pit, u16 port, u8 val);

/**
 * pit_set_reinject() - KVM_REINJECT_CONTROL
 * @pit: pit
 * @reinject: false: a tick that finds the last one still pending is lost
 *
 * Context: process.
 */
void pit_set_reinject(struct pit *pit, bool reinject);

/**
 * pit_get_state() - KVM_GET_PIT2
 * @pit: pit
 * @state: filled in
 *
 * Context: process.
 */
void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state);

/**
 * pit_set_state() - KVM_SET_PIT2
 * @pit: pit
 * @state: channel 0 begins its count anew
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL for unknown flags or a value a counter cannot have; then
 * nothing has changed.
 */
int pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state);

#endif
