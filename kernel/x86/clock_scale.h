/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversions between ticks of a TSC and nanoseconds; the rule for writes that synchronize the
 * TSCs of several vCPUs; and the choice of a TSC value for a reading of another clock. Pure logic,
 * any context. Frequencies are in kHz and not 0.
 */
#ifndef ORIEL_CLOCK_SCALE_H
#define ORIEL_CLOCK_SCALE_H

#include <linux/types.h>

/* A scale: ns = ((ticks << shift) * mul) >> 32, as pvclock defines it. */
struct tsc_scale {
	u32 mul; /* tsc_to_system_mul: a 32-bit binary fraction, top bit set */
	s8 shift; /* tsc_shift; to the right when negative */
};

/** tsc_scale_from_khz() - the scale of a TSC, with the greatest precision that fits */
struct tsc_scale tsc_scale_from_khz(u32 khz);
/** tsc_scale_ns() - convert as a guest's pvclock does: rounded down, modulo 2^64 */
u64 tsc_scale_ns(struct tsc_scale scale, u64 ticks);
/** tsc_ticks_to_ns() - for a timer: rounded up so that it never fires early, at most S64_MAX */
u64 tsc_ticks_to_ns(u32 khz, u64 ticks);
/** tsc_ns_to_ticks() - convert nanoseconds to ticks, rounded down, modulo 2^64 */
u64 tsc_ns_to_ticks(u32 khz, u64 ns);
/**
 * tsc_write_matches() - return true if both vCPUs are to have one TSC: @last was written
 * @elapsed_ns ago, and @value is written now
 */
bool tsc_write_matches(u32 khz, u64 last, u64 elapsed_ns, u64 value);

/*
 * The most exact reading of a clock so far. Each reading lies between two of the TSC; it is the
 * more exact the fewer ticks lie between these. All members are 0 before the first reading.
 */
struct tsc_bracket {
	u64 tsc; /* TSC at the clock's reading, if that was midway between the two of the TSC */
	u64 width; /* ticks between the two readings of the TSC */
	u32 tries; /* readings of the clock so far */
};

/** tsc_bracket_narrows() - take one more reading; return true if it is the most exact so far */
bool tsc_bracket_narrows(struct tsc_bracket *bracket, u64 before, u64 after);
/** tsc_bracket_done() - return true if the best reading is exact enough; after the first reading */
bool tsc_bracket_done(const struct tsc_bracket *bracket, u32 khz);
/** tsc_khz_tolerated() - return true if a guest with a TSC of @khz needs no scaling */
bool tsc_khz_tolerated(u32 host_khz, u32 khz);

#endif
