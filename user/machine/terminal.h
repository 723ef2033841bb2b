/* SPDX-License-Identifier: GPL-2.0-only */
/* The person's terminal: raw while a guest runs, always restored; the keys for the launcher. */
#ifndef ORIEL_TERMINAL_H
#define ORIEL_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

enum terminal_key_action {
	TERMINAL_KEY_NONE, /* the start of a command, or an unknown one */
	TERMINAL_KEY_PASS, /* the key is for the guest */
	TERMINAL_KEY_QUIT,
	TERMINAL_KEY_HELP,
};

/* The state between two keys; all zeros at first. */
struct terminal_keys {
	bool started; /* the last key was control-a, which starts a command */
};

/*
 * Make the terminal pass every key on unchanged. From the first call on the terminal is restored
 * when the process exits or crashes. Return: false, with nothing done, if standard input is no
 * terminal.
 */
bool terminal_raw(void);

/* Restore the terminal. May be called at any time, also in a signal handler. */
void terminal_restore(void);

/*
 * Decide if a typed key is for the launcher or for the guest. Control-a starts a command to the
 * launcher; typed twice, it passes one control-a to the guest.
 */
enum terminal_key_action terminal_key(struct terminal_keys *keys, uint8_t key);

#endif
