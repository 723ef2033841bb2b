// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254's three counters and the speaker port as the guest reads and writes
 * them. Counting is arithmetic on the time since a count was loaded. Figure
 * references are to Intel's 8254 data sheet (231164-005).
 */
#include <linux/bits.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nospec.h>

#include "irq/pit.h"
#include "irq/pit_internal.h"

#define PIT_CONTROL_PORT 0x43
#define PIT_SPEAKER_PORT 0x61

/* Port 0x61 as on the PIIX. */
#define PIT_SPEAKER_GATE BIT(0)
#define PIT_SPEAKER_DATA BIT(1)
#define PIT_SPEAKER_REFRESH BIT(4)
#define PIT_SPEAKER_OUT BIT(5)

/* The refresh request toggles with each DRAM row, every 15.085 us. */
#define PIT_REFRESH_NS 15085

/* Read-back command (figure 11); both bits are active low. */
#define PIT_READ_BACK_NO_COUNT BIT(5)
#define PIT_READ_BACK_NO_STATUS BIT(4)

/* Status byte (figure 12). */
#define PIT_STATUS_OUT BIT(7)
#define PIT_STATUS_NULL BIT(6)

static bool pit_gate_holds(const struct pit_channel *ch)
{
	return !ch->gate && (ch->mode == 0 || ch->mode == 4);
}

u64 pit_ticks(const struct pit_channel *ch, s64 now)
{
	s64 ns = pit_gate_holds(ch) ? ch->held : now - ch->loaded;

	if (ch->idle || ns < 0)
		return 0;
	return mul_u64_u32_div(ns, PIT_FREQUENCY_HZ, NSEC_PER_SEC);
}

/* What the counting element holds after so many ticks. */
static u32 pit_count(const struct pit_channel *ch, u64 ticks)
{
	u32 modulus = ch->bcd ? 10000 : 65536;
	u32 phase = ticks % ch->count;
	u32 high = (ch->count + 1) / 2;

	switch (ch->mode) {
	case 2:
		return ch->count - phase;
	case 3:
		/* Counts by two, from the even count, once for each half. */
		return (ch->count & ~1u) - 2 * (phase < high ? phase : phase - high);
	default:
		/* Goes on below 0 from the top. */
		return (ch->count + modulus - (u32)(ticks % modulus)) % modulus;
	}
}

static u16 pit_to_bcd(u32 val)
{
	val %= 10000;
	return val / 1000 << 12 | val / 100 % 10 << 8 | val / 10 % 10 << 4 | val % 10;
}

static u32 pit_from_bcd(u16 bcd)
{
	return (bcd >> 12) * 1000 + (bcd >> 8 & 0xf) * 100 + (bcd >> 4 & 0xf) * 10 + (bcd & 0xf);
}

static u16 pit_read_count(const struct pit_channel *ch)
{
	u32 count = pit_count(ch, pit_ticks(ch, ktime_get_ns()));

	return ch->bcd ? pit_to_bcd(count) : count;
}

/* OUT (figures 15 to 20). */
static bool pit_out(const struct pit_channel *ch)
{
	u64 ticks = pit_ticks(ch, ktime_get_ns());

	if (ch->idle)
		return ch->mode != 0;
	switch (ch->mode) {
	case 0:
	case 1:
		return ticks >= ch->count;
	case 2:
		return ticks % ch->count != ch->count - 1;
	case 3:
		return ticks % ch->count < (ch->count + 1) / 2;
	default:
		return ticks != ch->count;
	}
}

static void pit_latch_count(struct pit_channel *ch)
{
	if (ch->count_latched)
		return;
	ch->latch = pit_read_count(ch);
	ch->count_latched = ch->access;
}

static void pit_latch_status(struct pit_channel *ch)
{
	if (ch->status_latched)
		return;
	ch->status = (pit_out(ch) ? PIT_STATUS_OUT : 0) | (ch->null ? PIT_STATUS_NULL : 0) |
		     ch->access << 4 | (ch->mode & 7) << 1 | ch->bcd;
	ch->status_latched = true;
}

static void pit_read_back(struct pit *pit, u8 val)
{
	unsigned int i;

	for (i = 0; i < PIT_CHANNELS; i++) {
		if (!(val & BIT(i + 1)))
			continue;
		if (!(val & PIT_READ_BACK_NO_COUNT))
			pit_latch_count(&pit->channel[i]);
		if (!(val & PIT_READ_BACK_NO_STATUS))
			pit_latch_status(&pit->channel[i]);
	}
}

/* A control word (figure 7) stops the counter until it gets a count. */
static void pit_write_mode(struct pit_channel *ch, u8 val)
{
	u8 mode = val >> 1 & 7;

	ch->access = val >> 4 & 3;
	ch->read_state = ch->access;
	ch->write_state = ch->access;
	ch->count_latched = PIT_ACCESS_NONE;
	ch->status_latched = false;
	/* Modes 6 and 7 are 2 and 3. */
	ch->mode = mode > 5 ? mode & 3 : mode;
	ch->bcd = val & 1;
	ch->idle = true;
	ch->null = true;
}

static void pit_write_control(struct pit *pit, u8 val)
{
	unsigned int index = val >> 6;
	struct pit_channel *ch;

	if (index == PIT_CHANNELS) {
		pit_read_back(pit, val);
		return;
	}
	ch = &pit->channel[array_index_nospec(index, PIT_CHANNELS)];
	if (!(val >> 4 & 3)) {
		pit_latch_count(ch);
		return;
	}
	if (!index)
		pit_timer_stop(pit);
	pit_write_mode(ch, val);
}

/* Counting begins at once; also where the chip would end the old count first. */
static void pit_load(struct pit *pit, unsigned int index, u16 val)
{
	struct pit_channel *ch = &pit->channel[index];
	u32 count = ch->bcd ? pit_from_bcd(val) : val;

	if (!index)
		pit_timer_stop(pit);
	ch->count = count ? count : (ch->bcd ? 10000 : 65536);
	ch->loaded = ktime_get_ns();
	ch->held = 0;
	/* Modes 1 and 5 wait for a trigger, 2 and 3 for an open gate. */
	ch->null = ch->mode == 1 || ch->mode == 5 || ch->mode == PIT_MODE_NONE;
	ch->idle = ch->null || (!ch->gate && !pit_gate_holds(ch));
	if (!index)
		pit_timer_start(pit);
}

static void pit_write_count(struct pit *pit, unsigned int index, u8 val)
{
	struct pit_channel *ch = &pit->channel[index];

	switch ((enum pit_access)ch->write_state) {
	case PIT_ACCESS_LSB:
		pit_load(pit, index, val);
		break;
	case PIT_ACCESS_MSB:
		pit_load(pit, index, val << 8);
		break;
	case PIT_ACCESS_WORD:
		ch->write_latch = val;
		ch->write_state = PIT_ACCESS_WORD_HIGH;
		break;
	case PIT_ACCESS_WORD_HIGH:
		ch->write_state = PIT_ACCESS_WORD;
		pit_load(pit, index, ch->write_latch | val << 8);
		break;
	case PIT_ACCESS_NONE:
		break;
	}
}

/* The byte of a count that is due, moving on to the next. */
static u8 pit_read_byte(u16 count, u8 *state)
{
	switch (*state) {
	case PIT_ACCESS_WORD:
		*state = PIT_ACCESS_WORD_HIGH;
		return count;
	case PIT_ACCESS_WORD_HIGH:
		*state = PIT_ACCESS_WORD;
		return count >> 8;
	case PIT_ACCESS_MSB:
		return count >> 8;
	default:
		return count;
	}
}

static u8 pit_read_channel(struct pit_channel *ch)
{
	u8 val;

	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->status;
	}
	if (!ch->count_latched)
		return pit_read_byte(pit_read_count(ch), &ch->read_state);
	val = pit_read_byte(ch->latch, &ch->count_latched);
	if (ch->count_latched != PIT_ACCESS_WORD_HIGH)
		ch->count_latched = PIT_ACCESS_NONE;
	return val;
}

static void pit_begin(struct pit_channel *ch, s64 now)
{
	ch->loaded = now;
	ch->idle = false;
	ch->null = false;
}

/* Gate operations (figure 21). */
static void pit_set_gate(struct pit_channel *ch, bool gate)
{
	s64 now = ktime_get_ns();
	bool rising = gate && !ch->gate;
	bool falling = !gate && ch->gate;

	switch (ch->mode) {
	case 0:
	case 4:
		if (falling)
			ch->held = now - ch->loaded;
		else if (rising)
			ch->loaded = now - ch->held;
		break;
	case 2:
	case 3:
		if (falling)
			ch->idle = true;
		/* Without a count there is nothing to reload. */
		if (rising && !ch->null)
			pit_begin(ch, now);
		break;
	case 1:
	case 5:
		if (rising)
			pit_begin(ch, now);
		break;
	}
	ch->gate = gate;
}

static u8 pit_read_speaker(const struct pit *pit)
{
	const struct pit_channel *ch = &pit->channel[2];
	bool refresh = div_u64(ktime_get_ns(), PIT_REFRESH_NS) & 1;

	return (ch->gate ? PIT_SPEAKER_GATE : 0) | (pit->speaker ? PIT_SPEAKER_DATA : 0) |
	       (refresh ? PIT_SPEAKER_REFRESH : 0) | (pit_out(ch) ? PIT_SPEAKER_OUT : 0);
}

bool pit_covers(const struct pit *pit, u16 port)
{
	return (port & ~3) == 0x40 || (port == PIT_SPEAKER_PORT && pit->has_speaker);
}

u8 pit_pio_read(struct pit *pit, u16 port)
{
	u8 val;

	mutex_lock(&pit->lock);
	if (port == PIT_SPEAKER_PORT)
		val = pit_read_speaker(pit);
	else if (port == PIT_CONTROL_PORT)
		val = 0xff; /* cannot be read */
	else
		val = pit_read_channel(&pit->channel[array_index_nospec(port & 3, PIT_CHANNELS)]);
	mutex_unlock(&pit->lock);
	return val;
}

void pit_pio_write(struct pit *pit, u16 port, u8 val)
{
	mutex_lock(&pit->lock);
	if (port == PIT_SPEAKER_PORT) {
		pit->speaker = val & PIT_SPEAKER_DATA;
		pit_set_gate(&pit->channel[2], val & PIT_SPEAKER_GATE);
	} else if (port == PIT_CONTROL_PORT) {
		pit_write_control(pit, val);
	} else {
		pit_write_count(pit, array_index_nospec(port & 3, PIT_CHANNELS), val);
	}
	mutex_unlock(&pit->lock);
}
