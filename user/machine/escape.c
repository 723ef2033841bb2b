// SPDX-License-Identifier: GPL-2.0-only
/* The keys that speak to the launcher and not to the guest: control-a and one more. */
#include "machine/escape.h"

#define CONTROL_A 0x01

enum escape_action escape_key(struct escape *escape, uint8_t key)
{
	if (!escape->started) {
		escape->started = key == CONTROL_A;
		return escape->started ? ESCAPE_NONE : ESCAPE_PASS;
	}
	escape->started = false;
	switch (key) {
	case CONTROL_A:
		return ESCAPE_PASS;
	case 'x':
	case 'X':
		return ESCAPE_QUIT;
	case 'h':
	case 'H':
	case '?':
		return ESCAPE_HELP;
	default:
		return ESCAPE_NONE;
	}
}
