// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channel 0 of the 8254 as a source of interrupts: an hrtimer at each rising
 * edge of its output, ticks that are kept for a slow guest, and the PIT's life
 * from creation over save and restore to the end.
 */
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/pit.h"
#include "irq/pit_internal.h"

#define PIT_GSI 0

/* At most 5000 interrupts per second: the host has other work to do. */
#define PIT_MIN_STEP (PIT_FREQUENCY_HZ / 5000 + 1)

/* A guest that is this far behind has lost its time anyway. */
#define PIT_MAX_PENDING 1000000

static bool pit_periodic(const struct pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

/* Ticks from one interrupt to the next. */
static u32 pit_step(const struct pit_channel *ch)
{
	return pit_periodic(ch) ? max_t(u32, ch->count, PIT_MIN_STEP) : ch->count;
}

/* When the n-th interrupt is due: from the start, so that nothing adds up. */
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
 * A tick the interrupt controllers still have pending is kept; one that is
 * masked is the guest's own loss.
 */
static void pit_raise(struct pit *pit, u64 ticks)
{
	int result = fabric_pulse_gsi(pit->fabric, IRQ_SOURCE_PIT, PIT_GSI);

	if (result > 0)
		ticks--;
	if (result >= 0 && READ_ONCE(pit->reinject))
		pit_keep(pit, ticks);
}

/* Edges of a periodic counter so far. */
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
	 * Not at one that has come meanwhile: to tell a thousand vCPUs takes longer than the
	 * shortest period, and the CPU would never leave this interrupt.
	 */
	hrtimer_set_expires(timer, pit_edge_time(ch, max(due, pit_edges(ch)) + 1));
	return HRTIMER_RESTART;
}

/* The guest has taken a tick: give it one that was kept. */
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

void pit_timer_stop(struct pit *pit)
{
	hrtimer_cancel(&pit->timer);
	atomic_set(&pit->pending, 0);
}

void pit_timer_start(struct pit *pit)
{
	const struct pit_channel *ch = &pit->channel[0];

	pit->fired = 0;
	if (pit->hpet_legacy || ch->idle)
		return;
	hrtimer_start(&pit->timer, pit_edge_time(ch, 1), HRTIMER_MODE_ABS_HARD);
}

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
	fabric_remove_ack(pit->fabric, &pit->ack);
	mutex_destroy(&pit->lock);
	kfree(pit);
}

static void pit_get_channel(const struct pit_channel *ch, struct kvm_pit_channel_state *state)
{
	bool held = !ch->gate && (ch->mode == 0 || ch->mode == 4);

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
		.count_load_time = held ? (s64)ktime_get_ns() - ch->held : ch->loaded,
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
	return state->count <= (state->bcd ? 10000 : 65536) &&
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
		.count = state->count ? state->count : (state->bcd ? 10000 : 65536),
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
