// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic between TSC ticks and nanoseconds. Pure logic.
 */
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/types.h>

#include "x86/clock_scale.h"

#define NS_PER_MS 1000000u
#define MS_PER_SECOND 1000u
#define TOLERANCE_PPM 250u
#define BRACKET_WIDTH_NS 20000u
#define BRACKET_TRIES 8u

struct tsc_scale tsc_scale_from_khz(u32 khz)
{
	struct tsc_scale scale = { 0 };
	u64 hz = (u64)khz * MS_PER_SECOND;
	u64 ns = (u64)NS_PER_MS * MS_PER_SECOND;
	u64 one = BIT_ULL(32);

	/* mul / 2^32 = (ns / hz) / 2^shift must be below 1 and at least 1/2. */
	while (hz > 2 * ns * (one >> 32)) {
		one <<= 1;
		scale.shift--;
	}
	while (hz <= ns) {
		hz <<= 1;
		scale.shift++;
	}
	scale.mul = mul_u64_u64_div_u64(ns, one, hz);
	return scale;
}

u64 tsc_scale_ns(struct tsc_scale scale, u64 ticks)
{
	if (scale.shift < 0)
		ticks >>= -scale.shift;
	else
		ticks <<= scale.shift;
	return mul_u64_u32_shr(ticks, scale.mul, 32);
}

u64 tsc_ticks_to_ns(u32 khz, u64 ticks)
{
	u64 ms = div64_u64(ticks, khz);
	u64 rest = ticks - ms * khz;

	if (ms >= S64_MAX / NS_PER_MS)
		return S64_MAX;
	return ms * NS_PER_MS + div64_u64(rest * NS_PER_MS + khz - 1, khz);
}

u64 tsc_ns_to_ticks(u32 khz, u64 ns)
{
	u64 ms = div_u64(ns, NS_PER_MS);
	u64 rest = ns - ms * NS_PER_MS;

	return ms * khz + div_u64(rest * khz, NS_PER_MS);
}

/*
 * To set up several vCPUs, software writes "the same" TSC to one after the other, which takes time.
 * So a write is one of these if @value is within one second of the value that the TSC of the last
 * write has reached by now.
 */
bool tsc_write_matches(u32 khz, u64 last, u64 elapsed_ns, u64 value)
{
	u64 expected = last + tsc_ns_to_ticks(khz, elapsed_ns);
	u64 second = (u64)khz * MS_PER_SECOND;
	u64 distance = value - expected;

	/* Less than a second ahead or behind, modulo 2^64. */
	return distance < second || -distance < second;
}

bool tsc_bracket_narrows(struct tsc_bracket *bracket, u64 before, u64 after)
{
	u64 width = after - before;

	if (bracket->tries++ && width >= bracket->width)
		return false;
	bracket->tsc = before + width / 2;
	bracket->width = width;
	return true;
}

/*
 * The two readings of the TSC may be 20 us apart, which all clocks of a PC allow. A clock may be
 * slower, so some tries are enough too.
 */
bool tsc_bracket_done(const struct tsc_bracket *bracket, u32 khz)
{
	return bracket->tries >= BRACKET_TRIES ||
	       bracket->width <= tsc_ns_to_ticks(khz, BRACKET_WIDTH_NS);
}

/* NTP and migrated guests can bear 250 parts per million. KVM's tsc_tolerance_ppm is the same. */
bool tsc_khz_tolerated(u32 host_khz, u32 khz)
{
	u64 slack = div64_u64((u64)host_khz * TOLERANCE_PPM, 1000000);

	return khz + slack >= host_khz && khz <= host_khz + slack;
}
