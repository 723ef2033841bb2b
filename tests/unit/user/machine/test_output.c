// SPDX-License-Identifier: GPL-2.0-only
/* The guest's output: it is written line by line, after a while, at the end, and never lost. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "machine/output.h"
#include "base/stop.h"

static struct output output;
static struct stop stop;
static int saved, ends[2];
static FILE *null;

/* Standard output is a pipe that the test reads. */
static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	null = fopen("/dev/null", "w");
	diag_set_stream(null);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	if (pipe(ends) || fcntl(ends[0], F_SETFL, O_NONBLOCK) || dup2(ends[1], STDOUT_FILENO) < 0)
		return -1;
	close(ends[1]);
	return stop_init(&stop) || output_init(&output, &stop);
}

static int teardown(void **state)
{
	(void)state;
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(ends[0]);
	stop_destroy(&stop);
	diag_set_stream(NULL);
	fclose(null);
	return 0;
}

static void print(const char *text)
{
	while (*text)
		output_byte(&output, (uint8_t)*text++);
}

/* Return: the text of the next write, or "" when there was none. */
static const char *written(void)
{
	static char text[4 * OUTPUT_SIZE];
	ssize_t size = read(ends[0], text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = 0;
	return text;
}

static void test_lines(void **state)
{
	(void)state;
	print("a line\r");
	assert_string_equal(written(), "");
	print("\n");
	assert_string_equal(written(), "a line\r\n");
	print("\n");
	assert_string_equal(written(), "\n");
	output_finish(&output);
}

static void test_prompt(void **state)
{
	struct pollfd timer = { .fd = output.timer_fd, .events = POLLIN };

	(void)state;
	print("# ");
	assert_string_equal(written(), "");
	assert_int_equal(poll(&timer, 1, -1), 1);
	output_tick(&output);
	assert_string_equal(written(), "# ");
	/* Each prompt starts the timer again. */
	print("$ ");
	assert_int_equal(poll(&timer, 1, -1), 1);
	output_tick(&output);
	assert_string_equal(written(), "$ ");
	output_finish(&output);
}

static void test_tick_waits_for_nobody(void **state)
{
	struct pollfd timer = { .fd = output.timer_fd, .events = POLLIN };

	(void)state;
	print("x");
	assert_int_equal(poll(&timer, 1, -1), 1);
	pthread_mutex_lock(&output.lock);
	output_tick(&output);
	pthread_mutex_unlock(&output.lock);
	assert_string_equal(written(), "");
	assert_int_equal(poll(&timer, 1, -1), 1);
	output_tick(&output);
	assert_string_equal(written(), "x");
	output_finish(&output);
}

static void test_long_line(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < OUTPUT_SIZE + 3; i++)
		print("l");
	assert_int_equal(strlen(written()), OUTPUT_SIZE);
	output_finish(&output);
	assert_string_equal(written(), "lll");
}

static void test_last_words(void **state)
{
	(void)state;
	print("bye");
	stop_request(&stop, 0);
	print("!");
	output_finish(&output);
	assert_string_equal(written(), "bye!");
}

static void test_after_the_end(void **state)
{
	(void)state;
	stop_request(&stop, 0);
	for (unsigned int i = 0; i < 2 * OUTPUT_SIZE; i++)
		print("\n");
	assert_int_equal(output.count, OUTPUT_SIZE);
	output_finish(&output);
}

/* A reader that takes nothing does not keep the launcher from ending. */
static void test_stalled_terminal(void **state)
{
	static const char block[4096];

	(void)state;
	assert_int_equal(fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK), 0);
	while (write(STDOUT_FILENO, block, sizeof(block)) > 0)
		;
	print("lost");
	stop_request(&stop, 0);
	output_finish(&output);
	assert_int_equal(output.count, 4);
}

static void test_closed_output(void **state)
{
	(void)state;
	close(ends[0]);
	print("x\n");
	assert_int_equal(stop_requested(&stop), EXIT_STATUS_ERROR);
	output_finish(&output);
	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prompt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tick_waits_for_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_after_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stalled_terminal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed_output, setup, teardown),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
