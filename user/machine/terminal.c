// SPDX-License-Identifier: GPL-2.0-only
/* The person's terminal: raw while a guest runs, always restored; the keys for the launcher. */
#include "machine/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define CONTROL_A 0x01

static struct termios original;
static volatile sig_atomic_t changed;
static bool prepared;

void terminal_restore(void)
{
	int saved = errno;

	if (changed) {
		changed = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &original);
	}
	errno = saved;
}

static void restore_and_crash(int number)
{
	terminal_restore();
	/* SA_RESETHAND has brought the default action back: this signal dumps core. */
	raise(number);
}

static void prepare(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
	const struct sigaction action = {
		.sa_handler = restore_and_crash,
		.sa_flags = (int)SA_RESETHAND,
	};

	prepared = true;
	for (unsigned int i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
	atexit(terminal_restore);
}

bool terminal_raw(void)
{
	struct termios raw;

	if (changed)
		return true;
	if (tcgetattr(STDIN_FILENO, &original))
		return false;
	if (!prepared)
		prepare();

	raw = original;
	cfmakeraw(&raw);
	/* The launcher ends a line with a newline alone: let the terminal add a carriage return. */
	raw.c_oflag |= OPOST;
	changed = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	return true;
}

enum terminal_key_action terminal_key(struct terminal_keys *keys, uint8_t key)
{
	if (!keys->started) {
		keys->started = key == CONTROL_A;
		return keys->started ? TERMINAL_KEY_NONE : TERMINAL_KEY_PASS;
	}
	keys->started = false;
	switch (key) {
	case CONTROL_A:
		return TERMINAL_KEY_PASS;
	case 'x':
	case 'X':
		return TERMINAL_KEY_QUIT;
	case 'h':
	case 'H':
	case '?':
		return TERMINAL_KEY_HELP;
	default:
		return TERMINAL_KEY_NONE;
	}
}
