/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys that speak to the launcher and not to the guest: control-a and one more. */
#ifndef ORIEL_ESCAPE_H
#define ORIEL_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

enum escape_action {
	ESCAPE_NONE, /* nothing yet, or an unknown key */
	ESCAPE_PASS, /* the key is the guest's */
	ESCAPE_QUIT,
	ESCAPE_HELP,
};

/**
 * struct escape - what was typed so far
 * @started: the last key was control-a
 */
struct escape {
	bool started;
};

/**
 * escape_key() - look at a key
 * @escape: zeroed at first
 * @key: typed
 *
 * Return: what to do. Control-a twice passes one to the guest.
 */
enum escape_action escape_key(struct escape *escape, uint8_t key);

#endif
