// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: three counters and the speaker port as the guest reads and writes them, and
 * channel 0 as a source of interrupts. Figure references are to Intel's 8254 data sheet
 * (231164-005).
 *
 * The counters do not tick. A channel keeps the time at which it was loaded, and a read computes
 * count and output from the time since then. Channel 0 also has an hrtimer, which expires at
 * each rising edge of its output.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/pit.h"

#define PIT_CHANNELS 3

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

#define PIT_GSI 0

/* Allow 5000 interrupts per second, or a guest could keep a host's CPU in this interrupt. */
#define PIT_MIN_STEP (PIT_FREQUENCY_HZ / 5000 + 1)

/* The most ticks that are kept. A guest that is further behind has lost its time anyway. */
#define PIT_MAX_PENDING 1000000

/* The mode of a channel that nobody has programmed yet; it counts nothing. */
#define PIT_MODE_NONE 0xff

/* The byte that is read or written next; LSB, MSB and WORD are RW bits of a control word. */
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
 * @latch: value that the next reads return
 * @count_latched: the byte of @latch that is read next, enum pit_access
 * @status: latched status byte
 * @status_latched: the next read returns @status
 * @read_state: the byte of the count that is read next, enum pit_access
 * @write_state: the byte of the count that is written next, enum pit_access
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
 * @lock: serializes everything but the timer's callback, which does without: the other
 *	functions cancel the timer before they write the members that it reads
 * @channel: the three counters
 * @speaker: bit 1 of port 0x61
 * @has_speaker: port 0x61 is the PIT's (KVM_PIT_SPEAKER_DUMMY)
 * @hpet_legacy: an HPET drives GSI 0 instead (KVM_PIT_FLAGS_HPET_LEGACY)
 * @reinject: keep ticks for which the guest was too slow (KVM_REINJECT_CONTROL)
 * @timer: armed while channel 0 will raise its output
 * @fired: rising edges of channel 0's output since its count was loaded
 * @pending: ticks kept
 * @ack: GSI 0 listener
 */
struct pit {
	struct irq_fabric *fabric;
	struct mutex lock; /* all but the timer's callback */
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

/*
 * Counts and outputs.
 */

static bool pit_gate_holds(const struct pit_channel *ch)
{
	return !ch->gate && (ch->mode == 0 || ch->mode == 4);
}

static u64 pit_ticks(const struct pit_channel *ch, s64 now)
{
	s64 ns = pit_gate_holds(ch) ? ch->held : now - ch->loaded;

	if (ch->idle || ns < 0)
		return 0;
	return mul_u64_u32_div(ns, PIT_FREQUENCY_HZ, NSEC_PER_SEC);
}

/* Return the largest count, which a count of 0 stands for. */
static u32 pit_modulus(bool bcd)
{
	return bcd ? 10000 : 65536;
}

/* Return the value of the counting element after so many ticks. */
static u32 pit_count(const struct pit_channel *ch, u64 ticks)
{
	u32 modulus = pit_modulus(ch->bcd);
	u32 phase = ticks % ch->count;
	u32 high = (ch->count + 1) / 2;

	switch (ch->mode) {
	case 2:
		return ch->count - phase;
	case 3:
		/* Counts down by two, from the even count, once for each half of the output. */
		return (ch->count & ~1u) - 2 * (phase < high ? phase : phase - high);
	default:
		/* The other modes go on below 0 from the largest count. */
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

/* Return the level of OUT (figures 15 to 20). */
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

/*
 * Interrupts of channel 0.
 */

static bool pit_periodic(const struct pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

/* Return the ticks from one interrupt to the next. */
static u32 pit_step(const struct pit_channel *ch)
{
	return pit_periodic(ch) ? max_t(u32, ch->count, PIT_MIN_STEP) : ch->count;
}

/* Return when the n-th interrupt is due, computed from the start so that no error adds up. */
static ktime_t pit_edge_time(const struct pit_channel *ch, u64 n)
{
	u64 ns = mul_u64_u32_div(n * pit_step(ch), NSEC_PER_SEC, PIT_FREQUENCY_HZ);

	return ns_to_ktime(ch->loaded + ns + 1);
}

static void pit_keep(struct pit *pit, u64 ticks)
{
	int old = atomic_read(&pit->pending);
	int new;

	do {
		new = min_t(u64, old + ticks, PIT_MAX_PENDING);
	} while (!atomic_try_cmpxchg(&pit->pending, &old, new));
}

/*
 * Raise GSI 0 once, and keep the other ticks. If the interrupt controllers still have one
 * pending, keep the first tick as well. A guest that masks the GSI loses all ticks, by its own
 * choice.
 */
static void pit_raise(struct pit *pit, u64 ticks)
{
	int result = fabric_pulse_gsi(pit->fabric, IRQ_SOURCE_PIT, PIT_GSI);

	if (result > 0)
		ticks--;
	if (result >= 0 && READ_ONCE(pit->reinject))
		pit_keep(pit, ticks);
}

/* Return the number of rising edges of a periodic counter so far. */
static u64 pit_edges(const struct pit_channel *ch)
{
	return div64_u64(pit_ticks(ch, ktime_get_ns()), pit_step(ch));
}

static enum hrtimer_restart pit_expired(struct hrtimer *timer)
{
	struct pit *pit = container_of(timer, struct pit, timer);
	const struct pit_channel *ch = &pit->channel[0];
	u64 due = pit->fired + 1;

	if (pit_periodic(ch))
		due = max(due, pit_edges(ch));
	pit_raise(pit, due - pit->fired);
	pit->fired = due;
	if (!pit_periodic(ch))
		return HRTIMER_NORESTART;
	/*
	 * Choose an edge that is still in the future. Raising the GSI for a thousand vCPUs takes
	 * longer than the shortest period. A timer that is set to an edge that has passed meanwhile
	 * would expire at once, and the CPU would never leave this interrupt.
	 */
	hrtimer_set_expires(timer, pit_edge_time(ch, max(due, pit_edges(ch)) + 1));
	return HRTIMER_RESTART;
}

/* The guest has acknowledged a tick: give it the next one that was kept. */
static void pit_acked(struct irq_ack *ack)
{
	struct pit *pit = container_of(ack, struct pit, ack);
	int pending = atomic_read(&pit->pending);

	do {
		if (!pending)
			return;
	} while (!atomic_try_cmpxchg(&pit->pending, &pending, pending - 1));
	if (!fabric_pulse_gsi(pit->fabric, IRQ_SOURCE_PIT, PIT_GSI))
		pit_keep(pit, 1);
}

static void pit_timer_stop(struct pit *pit)
{
	hrtimer_cancel(&pit->timer);
	atomic_set(&pit->pending, 0);
}

static void pit_timer_start(struct pit *pit)
{
	const struct pit_channel *ch = &pit->channel[0];

	pit->fired = 0;
	if (pit->hpet_legacy || ch->idle)
		return;
	hrtimer_start(&pit->timer, pit_edge_time(ch, 1), HRTIMER_MODE_ABS_HARD);
}

/*
 * Ports.
 */

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

/* A control word (figure 7) stops the counter until a count is written. */
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

/* Counting begins at once, even in modes in which the chip would end the old count first. */
static void pit_load(struct pit *pit, unsigned int index, u16 val)
{
	struct pit_channel *ch = &pit->channel[index];
	u32 count = ch->bcd ? pit_from_bcd(val) : val;

	if (!index)
		pit_timer_stop(pit);
	ch->count = count ? count : pit_modulus(ch->bcd);
	ch->loaded = ktime_get_ns();
	ch->held = 0;
	/* Modes 1 and 5 wait for a trigger, modes 2 and 3 for a high gate. */
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

/* Return the byte of a count that is due, and advance @state to the next byte. */
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
		/* Before a count is written there is nothing to reload. */
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

/*
 * Creation and saved state.
 */

void pit_set_reinject(struct pit *pit, bool reinject)
{
	mutex_lock(&pit->lock);
	WRITE_ONCE(pit->reinject, reinject);
	if (!reinject)
		atomic_set(&pit->pending, 0);
	mutex_unlock(&pit->lock);
}

struct pit *pit_create(struct irq_fabric *fabric, u32 flags)
{
	struct pit *pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!pit)
		return NULL;
	pit->fabric = fabric;
	mutex_init(&pit->lock);
	pit->has_speaker = flags & KVM_PIT_SPEAKER_DUMMY;
	pit->reinject = true;
	for (i = 0; i < PIT_CHANNELS; i++) {
		struct pit_channel *ch = &pit->channel[i];

		ch->count = 65536;
		ch->mode = PIT_MODE_NONE;
		ch->idle = true;
		ch->null = true;
		ch->access = PIT_ACCESS_WORD;
		ch->read_state = PIT_ACCESS_WORD;
		ch->write_state = PIT_ACCESS_WORD;
		/* Gates 0 and 1 are tied high, gate 2 is bit 0 of port 0x61. */
		ch->gate = i != 2;
	}
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit->timer.function = pit_expired;
	pit->ack.gsi = PIT_GSI;
	pit->ack.acked = pit_acked;
	fabric_add_ack(fabric, &pit->ack);
	return pit;
}

void pit_destroy(struct pit *pit)
{
	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	/* No vCPU runs, so nobody is in the middle of calling it. */
	fabric_remove_ack(pit->fabric, &pit->ack);
	mutex_destroy(&pit->lock);
	kfree(pit);
}

static void pit_get_channel(const struct pit_channel *ch, struct kvm_pit_channel_state *state)
{
	*state = (struct kvm_pit_channel_state){
		.count = ch->count,
		.latched_count = ch->latch,
		.count_latched = ch->count_latched,
		.status_latched = ch->status_latched,
		.status = ch->status,
		.read_state = ch->read_state,
		.write_state = ch->write_state,
		.write_latch = ch->write_latch,
		.rw_mode = ch->access,
		.mode = ch->mode,
		.bcd = ch->bcd,
		.gate = ch->gate,
		.count_load_time = pit_gate_holds(ch) ? (s64)ktime_get_ns() - ch->held : ch->loaded,
	};
}

void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state)
{
	unsigned int i;

	memset(state, 0, sizeof(*state));
	mutex_lock(&pit->lock);
	for (i = 0; i < PIT_CHANNELS; i++)
		pit_get_channel(&pit->channel[i], &state->channels[i]);
	if (pit->hpet_legacy)
		state->flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	if (pit->speaker)
		state->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	mutex_unlock(&pit->lock);
}

static bool pit_channel_valid(const struct kvm_pit_channel_state *state)
{
	/* A control word changes @bcd and keeps the count, so a BCD counter may have any count. */
	return state->count <= pit_modulus(false) &&
	       (state->mode <= 5 || state->mode == PIT_MODE_NONE) &&
	       state->rw_mode <= PIT_ACCESS_WORD && state->count_latched <= PIT_ACCESS_WORD_HIGH &&
	       state->read_state <= PIT_ACCESS_WORD_HIGH &&
	       state->write_state <= PIT_ACCESS_WORD_HIGH;
}

static void pit_set_channel(struct pit *pit, unsigned int index,
			    const struct kvm_pit_channel_state *state)
{
	struct pit_channel *ch = &pit->channel[index];
	bool tied = index != 2; /* gates 0 and 1 are high, and never trigger */
	s64 now = ktime_get_ns();

	*ch = (struct pit_channel){
		.count = state->count ? state->count : pit_modulus(state->bcd),
		.loaded = index ? clamp_t(s64, state->count_load_time, 0, now) : now,
		.latch = state->latched_count,
		.count_latched = state->count_latched,
		.status = state->status,
		.status_latched = state->status_latched,
		.read_state = state->read_state,
		.write_state = state->write_state,
		.write_latch = state->write_latch,
		.access = state->rw_mode,
		.mode = state->mode,
		.bcd = state->bcd,
		.gate = state->gate || tied,
	};
	ch->held = now - ch->loaded;
	ch->null = ch->mode == PIT_MODE_NONE || (tied && (ch->mode == 1 || ch->mode == 5));
	ch->idle = ch->null || (pit_periodic(ch) && !ch->gate);
}

/* Unknown flags, and a value that a counter cannot have, are refused. */
int pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state)
{
	const u32 flags = KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	unsigned int i;

	if (state->flags & ~flags)
		return -EINVAL;
	for (i = 0; i < PIT_CHANNELS; i++)
		if (!pit_channel_valid(&state->channels[i]))
			return -EINVAL;

	mutex_lock(&pit->lock);
	pit_timer_stop(pit);
	for (i = 0; i < PIT_CHANNELS; i++)
		pit_set_channel(pit, i, &state->channels[i]);
	pit->hpet_legacy = state->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->speaker = state->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	pit_timer_start(pit);
	mutex_unlock(&pit->lock);
	return 0;
}
