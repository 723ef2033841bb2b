// SPDX-License-Identifier: GPL-2.0-only
/* The keys of the terminal: those for the launcher, and those that it passes to the guest. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "machine/terminal.h"

static void test_keys(void **state)
{
	struct terminal_keys keys = { false };

	(void)state;
	assert_int_equal(terminal_key(&keys, 'x'), TERMINAL_KEY_PASS);
	assert_int_equal(terminal_key(&keys, 1), TERMINAL_KEY_NONE);
	assert_int_equal(terminal_key(&keys, 'x'), TERMINAL_KEY_QUIT);
	assert_int_equal(terminal_key(&keys, 1), TERMINAL_KEY_NONE);
	assert_int_equal(terminal_key(&keys, 'h'), TERMINAL_KEY_HELP);
	assert_int_equal(terminal_key(&keys, 1), TERMINAL_KEY_NONE);
	assert_int_equal(terminal_key(&keys, 1), TERMINAL_KEY_PASS);
	assert_int_equal(terminal_key(&keys, 'x'), TERMINAL_KEY_PASS);
	assert_int_equal(terminal_key(&keys, 1), TERMINAL_KEY_NONE);
	assert_int_equal(terminal_key(&keys, 'q'), TERMINAL_KEY_NONE);
	assert_int_equal(terminal_key(&keys, 'q'), TERMINAL_KEY_PASS);
	assert_int_equal(terminal_key(&keys, 3), TERMINAL_KEY_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
