/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversions between ticks of a TSC and nanoseconds, the rule by which TSC
 * writes of several vCPUs are taken for one, and that by which readings of the
 * TSC around one of another clock are judged. Pure.
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

/**
 * tsc_scale_from_khz() - the scale of a TSC
 * @khz: its frequency in kHz, not 0
 *
 * Any context.
 *
 * Return: the scale with the greatest precision that fits.
 */
struct tsc_scale tsc_scale_from_khz(u32 khz);

/**
 * tsc_scale_ns() - nanoseconds that ticks take, as a guest's pvclock computes
 * @scale: scale of the TSC
 * @ticks: TSC ticks
 *
 * Any context.
 *
 * Return: nanoseconds, rounded down, modulo 2^64.
 */
u64 tsc_scale_ns(struct tsc_scale scale, u64 ticks);

/**
 * tsc_ticks_to_ns() - nanoseconds to wait for ticks
 * @khz: frequency of the TSC in kHz, not 0
 * @ticks: TSC ticks
 *
 * Any context.
 *
 * Return: nanoseconds, rounded up so that a timer never fires early, at most
 * S64_MAX.
 */
u64 tsc_ticks_to_ns(u32 khz, u64 ticks);

/**
 * tsc_ns_to_ticks() - ticks that pass in nanoseconds
 * @khz: frequency of the TSC in kHz
 * @ns: nanoseconds
 *
 * Any context.
 *
 * Return: ticks, rounded down, modulo 2^64.
 */
u64 tsc_ns_to_ticks(u32 khz, u64 ns);

/**
 * tsc_write_matches() - is this write meant to synchronize with the last one?
 * @khz: frequency of both TSCs in kHz
 * @last: value last written to a vCPU of the VM
 * @elapsed_ns: time since then
 * @value: value being written now
 *
 * Setting up several vCPUs means writing "the same" TSC to one after the
 * other, which takes time. A value within one second of what the last vCPU's
 * TSC reads by now is such a write. Any context.
 *
 * Return: true when both vCPUs are to have one TSC.
 */
bool tsc_write_matches(u32 khz, u64 last, u64 elapsed_ns, u64 value);

/**
 * struct tsc_bracket - the closest of some readings of a clock between two of the TSC
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
 * tsc_bracket_narrows() - one more reading of a clock
 * @bracket: the closest so far
 * @before: TSC before it
 * @after: TSC after it
 *
 * Any context.
 *
 * Return: true when it is the closest, and @bracket is of it now.
 */
bool tsc_bracket_narrows(struct tsc_bracket *bracket, u64 before, u64 after);

/**
 * tsc_bracket_done() - is the closest reading close enough?
 * @bracket: after at least one reading
 * @khz: frequency of the TSC in kHz
 *
 * It is when the two readings of the TSC are at most 20 us apart, as with all
 * clocks of a PC, or after some tries: a clock may be slower. Any context.
 *
 * Return: true when to stop.
 */
bool tsc_bracket_done(const struct tsc_bracket *bracket, u32 khz);

/**
 * tsc_khz_tolerated() - does a frequency come close enough without scaling?
 * @host_khz: what the TSC runs at
 * @khz: what is asked for
 *
 * 250 parts per million, what NTP and migrated guests can live with; the same
 * as KVM's tsc_tolerance_ppm. Any context.
 *
 * Return: true when the guest may run on the host's frequency.
 */
bool tsc_khz_tolerated(u32 host_khz, u32 khz);

#endif
