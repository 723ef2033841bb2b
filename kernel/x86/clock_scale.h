/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversions between ticks of a TSC and nanoseconds; the rule that takes writes of the TSC on
 * several vCPUs for one; and the rule that judges pairs of TSC readings around a reading of
 * another clock. Pure logic, any context. Frequencies are in kHz and not 0.
 */
#ifndef ORIEL_CLOCK_SCALE_H
#define ORIEL_CLOCK_SCALE_H

#include <linux/types.h>

/**
 * struct tsc_scale - ns = ((ticks << shift) * mul) >> 32, as pvclock defines it
 * @mul: tsc_to_system_mul, a 32-bit binary fraction, top bit set
 * @shift: tsc_shift; to the right when negative
 */
struct tsc_scale {
	u32 mul;
	s8 shift;
};

/** tsc_scale_from_khz() - the scale of a TSC, with the greatest precision that fits */
struct tsc_scale tsc_scale_from_khz(u32 khz);

/**
 * tsc_scale_ns() - convert ticks to nanoseconds, as a guest's pvclock does
 *
 * Return: nanoseconds, rounded down, modulo 2^64.
 */
u64 tsc_scale_ns(struct tsc_scale scale, u64 ticks);

/**
 * tsc_ticks_to_ns() - convert ticks to nanoseconds, for a timer
 *
 * Return: nanoseconds, rounded up so that a timer never fires early, at most S64_MAX.
 */
u64 tsc_ticks_to_ns(u32 khz, u64 ticks);

/** tsc_ns_to_ticks() - convert nanoseconds to ticks, rounded down, modulo 2^64 */
u64 tsc_ns_to_ticks(u32 khz, u64 ns);

/**
 * tsc_write_matches() - is this write meant to synchronize with the last one?
 * @khz: frequency of both TSCs
 * @last: value last written to a vCPU of the VM
 * @elapsed_ns: time since then
 * @value: value being written now
 *
 * To set up several vCPUs, software writes "the same" TSC to one after the other, which takes
 * time. A value counts as such a write if it is within one second of the value that the last
 * vCPU's TSC has reached by now.
 *
 * Return: true when both vCPUs are to have one TSC.
 */
bool tsc_write_matches(u32 khz, u64 last, u64 elapsed_ns, u64 value);

/**
 * struct tsc_bracket - the closest of some readings of a clock, each between two of the TSC
 * @tsc: TSC at the clock's reading, if the clock was read midway
 * @width: ticks between the two readings of the TSC
 * @tries: readings so far; all 0 before the first
 */
struct tsc_bracket {
	u64 tsc;
	u64 width;
	u32 tries;
};

/**
 * tsc_bracket_narrows() - take one more reading of a clock, with the TSC before and after it
 *
 * Return: true when it is the closest so far, and @bracket describes it now.
 */
bool tsc_bracket_narrows(struct tsc_bracket *bracket, u64 before, u64 after);

/**
 * tsc_bracket_done() - is the closest reading, of at least one, close enough?
 *
 * It is when its two readings of the TSC are at most 20 us apart, as with all clocks of a PC, or
 * after some tries, because a clock may be slower.
 */
bool tsc_bracket_done(const struct tsc_bracket *bracket, u32 khz);

/**
 * tsc_khz_tolerated() - is the host's frequency close enough to a guest's, without scaling?
 *
 * The limit is 250 parts per million, which NTP and migrated guests can bear, the same as KVM's
 * tsc_tolerance_ppm.
 */
bool tsc_khz_tolerated(u32 host_khz, u32 khz);

#endif
