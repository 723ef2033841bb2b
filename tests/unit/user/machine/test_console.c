// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console, with a guest that echoes its input: keys for the launcher, signals and pipes. The
 * terminal must be restored in whatever way the launcher ends.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "devices/bus.h"
#include "machine/console.h"
#include "devices/serial.h"
#include "base/event_loop.h"
#include "base/stop.h"

#define BASE 0x3f8
#define GIVE_UP_S 60 /* SIGALRM ends a test that hangs */

static int terminal = -1, master = -1;
static struct termios original;
static char seen[65536];
static size_t seen_size;
static pid_t launcher;

/* ---- the launcher, in a process of its own ---- */

static void ignore_irq(void *context, unsigned int irq, bool level)
{
	(void)context;
	(void)irq;
	(void)level;
}

static struct bus bus;

static uint8_t in(uint16_t port)
{
	uint8_t value;

	bus_read(&bus, port, &value, 1);
	return value;
}

static void out(uint16_t port, uint8_t value)
{
	bus_write(&bus, port, &value, 1);
}

/* Poll the UART and echo each byte; A makes the launcher abort, E makes it exit. */
static void *echo_guest(void *argument)
{
	(void)argument;
	out(BASE + 4, 0x0b);
	out(BASE + 1, 0x01);
	out(BASE, '>');
	for (;;) {
		uint8_t lsr = in(BASE + 5), byte;

		if (!(lsr & 1)) {
			usleep(100);
			continue;
		}
		byte = in(BASE);
		out(BASE, byte);
		if (byte == 'A')
			abort();
		if (byte == 'E')
			exit(7);
	}
	return NULL;
}

static void run_launcher(void)
{
	static struct console console;
	static struct event_loop loop;
	static struct serial serial;
	static struct stop stop;
	const struct device_host host = {
		.ports = &bus,
		.set_irq = ignore_irq,
		.serial_link = &console.link,
	};
	pthread_t guest;

	if (stop_init(&stop) || console_init(&console, &stop, &loop))
		_exit(99);
	bus_init(&bus, "port", 0xffff);
	if (serial_create(&serial, &host))
		_exit(99);
	pthread_create(&guest, NULL, echo_guest, NULL);
	console_run(&console);
	output_finish(&console.output);
	_exit(stop_requested(&stop));
}

/*
 * Start the launcher in the foreground of a terminal, with @input and @output as its standard
 * files. @ours and @ours_too are the test's ends of pipes, or -1: the launcher closes them.
 */
static void start(int input, int output, int ours, int ours_too)
{
	launcher = fork();
	assert_true(launcher >= 0);
	if (launcher)
		return;
	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	close(master);
	close(ours);
	close(ours_too);
	run_launcher();
}

/* ---- the person ---- */

static int setup(void **state)
{
	const char *name;

	(void)state;
	alarm(GIVE_UP_S);
	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	name = ptsname(master);
	terminal = open(name, O_RDWR | O_NOCTTY);
	seen_size = 0;
	return terminal < 0 || tcgetattr(terminal, &original);
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	close(terminal);
	close(master);
	return 0;
}

static void type(const char *keys)
{
	assert_int_equal(write(master, keys, strlen(keys)), strlen(keys));
}

/* Read until the launcher has printed @text. */
static void wait_for(int from, const char *text)
{
	seen[seen_size] = 0;
	while (!strstr(seen, text)) {
		ssize_t size = read(from, seen + seen_size, sizeof(seen) - 1 - seen_size);

		if (size <= 0)
			fail_msg("expected \"%s\" in: %s", text, seen);
		seen_size += (size_t)size;
		seen[seen_size] = 0;
	}
}

static bool is_raw(void)
{
	struct termios now;

	assert_int_equal(tcgetattr(terminal, &now), 0);
	return !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static void check_restored(void)
{
	struct termios now;

	memset(&now, 0, sizeof(now)); /* its padding too */
	assert_int_equal(tcgetattr(terminal, &now), 0);
	assert_memory_equal(&now, &original, sizeof(now));
}

static int wait_status(void)
{
	int status;

	assert_int_equal(waitpid(launcher, &status, 0), launcher);
	return status;
}

static void expect_exit(int code)
{
	int status = wait_status();

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	check_restored();
}

static void expect_signal(int number)
{
	int status = wait_status();

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
	check_restored();
}

static void start_on_terminal(void)
{
	start(terminal, terminal, -1, -1);
	wait_for(master, ">");
	assert_true(is_raw());
}

static void test_keys_reach_the_guest(void **state)
{
	(void)state;
	start_on_terminal();
	type("hello \x03\x04\x1a\x13\x11\x7f world");
	wait_for(master, "hello \x03\x04\x1a\x13\x11\x7f world");
	type("\x01\x01");
	wait_for(master, "\x01");
	type("\x01x");
	expect_exit(EXIT_STATUS_QUIT);
}

static void test_help(void **state)
{
	(void)state;
	start_on_terminal();
	type("\x01h");
	wait_for(master, "control-a x  end the guest");
	type("\x01x");
	expect_exit(EXIT_STATUS_QUIT);
}

static void test_signals(void **state)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	(void)state;
	for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		seen_size = 0;
		start_on_terminal();
		kill(launcher, ends[i]);
		expect_exit(128 + ends[i]);
	}
}

static void test_crashes(void **state)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

	(void)state;
	for (unsigned int i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		seen_size = 0;
		start_on_terminal();
		kill(launcher, crashes[i]);
		expect_signal(crashes[i]);
	}
	seen_size = 0;
	start_on_terminal();
	type("A");
	expect_signal(SIGABRT);
}

static void test_exit_from_a_thread(void **state)
{
	(void)state;
	start_on_terminal();
	type("E");
	expect_exit(7);
}

static void test_stop_and_continue(void **state)
{
	int status;

	(void)state;
	start_on_terminal();
	kill(launcher, SIGTSTP);
	assert_int_equal(waitpid(launcher, &status, WUNTRACED), launcher);
	assert_true(WIFSTOPPED(status));
	check_restored();
	kill(launcher, SIGCONT);
	while (!is_raw())
		usleep(1000);
	type("again");
	wait_for(master, "again");
	type("\x01x");
	expect_exit(EXIT_STATUS_QUIT);
}

/* A pipe brings more than all buffers hold. All of it arrives, in order; then the pipe ends. */
static void test_pipe(void **state)
{
	int input[2], output[2];
	char text[5000];
	pid_t writer;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 61 ? 'a' + i % 26 : '\n');
	text[sizeof(text) - 1] = 0;
	assert_int_equal(pipe(input), 0);
	assert_int_equal(pipe(output), 0);
	start(input[0], output[1], input[1], output[0]);
	close(input[0]);
	close(output[1]);
	writer = fork();
	if (!writer) {
		if (write(input[1], text, strlen(text)) < 0)
			_exit(1);
		_exit(0);
	}
	close(input[1]);
	wait_for(output[0], text);
	/* The guest runs on, and in a pipe there are no keys for the launcher. */
	kill(launcher, SIGTERM);
	expect_exit(128 + SIGTERM);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	close(output[0]);
}

static void test_closed_output(void **state)
{
	int output[2];

	(void)state;
	assert_int_equal(pipe(output), 0);
	start(terminal, output[1], output[0], -1);
	close(output[1]);
	wait_for(output[0], ">");
	close(output[0]);
	type("x\n");
	expect_exit(EXIT_STATUS_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys_reach_the_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_help, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crashes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exit_from_a_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_continue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pipe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed_output, setup, teardown),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
