// SPDX-License-Identifier: GPL-2.0-only
/* The event loop: order, watches that are not wanted, the end of the run, a full loop. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/event_loop.h"

static struct event_loop loop;
static struct stop stop;
static char calls[8];

/* A watch that writes its letter down. */
struct letter {
	char name;
	int fd;
	bool wanted;
	int status; /* ends the run with it, if not negative */
};

static bool is_wanted(void *context)
{
	const struct letter *letter = context;

	return letter->wanted;
}

static void note(void *context)
{
	struct letter *letter = context;

	assert_true(strlen(calls) < sizeof(calls) - 1);
	calls[strlen(calls)] = letter->name;
	letter->wanted = false;
	if (letter->status >= 0)
		stop_request(&stop, letter->status);
}

/* A letter whose descriptor is readable. */
static struct letter make(char name, int status)
{
	struct letter letter = { name, eventfd(1, EFD_CLOEXEC), true, status };

	assert_true(letter.fd >= 0);
	return letter;
}

static void watch(struct letter *letter)
{
	const struct event_watch it = {
		.fd = letter->fd,
		.wanted = is_wanted,
		.ready = note,
		.context = letter,
	};

	assert_int_equal(event_loop_add(&loop, &it), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&loop, 0, sizeof(loop));
	memset(calls, 0, sizeof(calls));
	return stop_init(&stop);
}

static int teardown(void **state)
{
	(void)state;
	stop_destroy(&stop);
	return 0;
}

/* All that is ready in one pass is served, in the order of addition; then the run ends. */
static void test_order(void **state)
{
	struct letter a = make('a', 7), b = make('b', -1);

	(void)state;
	watch(&a);
	watch(&b);
	event_loop_run(&loop, &stop);
	assert_string_equal(calls, "ab");
	assert_int_equal(stop_requested(&stop), 7);
	close(a.fd);
	close(b.fd);
}

/* A watch that is not wanted is left out, although its descriptor is readable. */
static void test_wanted(void **state)
{
	struct letter a = make('a', -1), b = make('b', -1), c = make('c', 0);

	(void)state;
	b.wanted = false;
	watch(&a);
	watch(&b);
	watch(&c);
	event_loop_run(&loop, &stop);
	assert_string_equal(calls, "ac");
	close(a.fd);
	close(b.fd);
	close(c.fd);
}

static void test_already_over(void **state)
{
	struct letter a = make('a', -1);

	(void)state;
	watch(&a);
	stop_request(&stop, 3);
	event_loop_run(&loop, &stop);
	assert_string_equal(calls, "");
	close(a.fd);
}

static void test_full(void **state)
{
	const struct event_watch it = { .fd = -1 };
	FILE *null = fopen("/dev/null", "w");

	(void)state;
	diag_set_stream(null);
	for (unsigned int i = 0; i < EVENT_LOOP_MAX; i++)
		assert_int_equal(event_loop_add(&loop, &it), 0);
	assert_int_equal(event_loop_add(&loop, &it), -1);
	diag_set_stream(NULL);
	fclose(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_already_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests_name("event_loop", tests, NULL, NULL);
}
