// SPDX-License-Identifier: GPL-2.0-only
/*
 * oriel check --selftest: the list of tests from a folder, the judgement of programs that pass,
 * fail, hang and lie, and the lines of the kernel's log. The programs are shell scripts.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "cli/host_identity.h"
#include "cli/kernel_log.h"
#include "cli/selftest_list.h"
#include "cli/selftest_run.h"

static char folder[64];
static struct selftest_list list;
static FILE *messages;
static char *said; /* the messages */
static size_t said_size;

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void remove_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static void program(const char *name, const char *script)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "system/%s", name);
	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file(path, text, 0755);
}

static int setup(void **state)
{
	char path[PATH_MAX];

	(void)state;
	strcpy(folder, "/tmp/oriel-selftest.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/guest", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/system", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file("guest/smp.elf", "", 0644);
	write_file("guest/cr.elf", "", 0644);
	write_file("guest/cr.debug", "", 0644);
	write_file("guest/options", "# a comment\n\nsmp 2 4\n", 0644);
	program("abi", "echo 1..1; echo ok 1 all");
	write_file("system/abi.d", "", 0644);
	messages = open_memstream(&said, &said_size);
	diag_set_stream(messages);
	return 0;
}

static int teardown(void **state)
{
	char command[PATH_MAX];

	(void)state;
	selftest_list_free(&list);
	diag_set_stream(NULL);
	fclose(messages);
	free(said);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("expected \"%s\" in: %s", part, text);
}

static void test_list(void **state)
{
	(void)state;
	assert_int_equal(selftest_list_read(&list, folder), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.tests[0].name, "guest.cr");
	assert_int_equal(list.tests[0].cpus, 1);
	assert_int_equal(list.tests[0].status, 0);
	assert_string_equal(list.tests[1].name, "guest.smp");
	assert_int_equal(list.tests[1].cpus, 2);
	assert_int_equal(list.tests[1].status, 4);
	assert_string_equal(list.tests[2].name, "raw.abi");
	assert_int_equal(selftest_list_is_whole(&list, folder), 0);
}

static void test_list_without_programs(void **state)
{
	(void)state;
	remove_file("system/abi");
	assert_int_equal(selftest_list_read(&list, folder), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(selftest_list_is_whole(&list, folder), -1);
	expect_text(said, "has no programs; type: make selftest");
}

static void refuse_options(const char *text, const char *message)
{
	write_file("guest/options", text, 0644);
	assert_int_equal(selftest_list_read(&list, folder), -1);
	expect_text(said, message);
}

static void test_bad_options(void **state)
{
	(void)state;
	refuse_options("smp 2\n", "expected NAME VCPUS STATUS, got: smp 2");
	refuse_options("smp 0 0\n", "got: smp 0 0");
	refuse_options("smp 1 0 x\n", "got: smp 1 0 x");
	refuse_options("gone 1 0\n", "there is no guest gone");
}

static int choose(char *name)
{
	return selftest_list_choose(&list, &name, 1);
}

static void test_choose_and_skip(void **state)
{
	char one[] = "guest.cr", kind[] = "guest", wrong[] = "cr";

	(void)state;
	assert_int_equal(selftest_list_read(&list, folder), 0);
	assert_int_equal(selftest_list_chosen(&list), 3);
	assert_int_equal(choose(kind), 0);
	assert_int_equal(selftest_list_chosen(&list), 2);
	assert_int_equal(choose(one), 0);
	assert_int_equal(selftest_list_chosen(&list), 1);
	assert_int_equal(choose(wrong), -1);
	expect_text(said, "cr: no such test");
	assert_int_equal(selftest_list_skip(&list, "guest.cr=it hangs"), 0);
	assert_string_equal(list.tests[0].skip, "it hangs");
	assert_int_equal(selftest_list_skip(&list, "guest.c"), -1);
}

/* Run the program @script. Return: all that was printed; the caller frees it. */
static char *run(const char *script, enum selftest_result expected)
{
	struct selftest_config config = { .device = "/dev/null", .timeout = 1 };
	size_t size;
	char *text;

	program("abi", script);
	config.out = open_memstream(&text, &size);
	config.log.fd = -1;
	/* A program that is not meant to hang may be slow. */
	if (!strstr(script, "sleep"))
		config.timeout = 300;
	assert_int_equal(selftest_run(&config, &list.tests[2], 7), expected);
	fclose(config.out);
	return text;
}

static void expect_run(const char *script, enum selftest_result expected, const char *part)
{
	char *text = run(script, expected);

	expect_text(text, part);
	free(text);
}

static void test_pass(void **state)
{
	(void)state;
	assert_int_equal(selftest_list_read(&list, folder), 0);
	expect_run("echo 1..2; echo ok 1 one; echo 'ok 2 two # SKIP why'", SELFTEST_PASSED,
		   "# raw/abi\n# skipped: two # SKIP why\nok 7 raw.abi # cases: 2, skipped: 1\n");
	expect_run("[ \"$*\" = '-d /dev/null' ] && echo ok 1 one && echo 1..1", SELFTEST_PASSED,
		   "ok 7 raw.abi");
	selftest_list_skip(&list, "raw.abi=why");
	expect_run("exit 1", SELFTEST_SKIPPED, "ok 7 raw.abi # SKIP why\n");
}

static void test_fail(void **state)
{
	(void)state;
	assert_int_equal(selftest_list_read(&list, folder), 0);
	expect_run("echo 1..1; echo not ok 1 one; echo reason >&2; exit 1", SELFTEST_FAILED,
		   "    1..1\n    not ok 1 one\n    # reason\n"
		   "# the program ended with 1, expected 0\nnot ok 7 raw.abi\n");
	expect_run("echo 1..1; echo not ok 1 one", SELFTEST_FAILED, "not ok 7");
	expect_run("echo 1..2; echo ok 1 one", SELFTEST_FAILED, "# planned 2, reported 1\n");
	expect_run("echo ok 1 one", SELFTEST_FAILED, "# planned 0, reported 1\n");
	expect_run("exit 0", SELFTEST_FAILED, "# planned 0, reported 0\n");
	expect_run("echo 1..0", SELFTEST_FAILED, "# planned 0, reported 0\n");
	expect_run("echo 1..1; echo ok 1 one; echo 1..1", SELFTEST_FAILED, "# planned 0");
	expect_run("echo 1..1; echo ok 1 one; kill -SEGV $$", SELFTEST_FAILED,
		   "ended with 139, expected 0");
}

/* The bound ends the children of a program, too. */
static void test_hang(void **state)
{
	(void)state;
	assert_int_equal(selftest_list_read(&list, folder), 0);
	expect_run("sleep 1000 & sleep 1000", SELFTEST_FAILED,
		   "# raw/abi\nnot ok 7 raw.abi # TIMEOUT silent for 1 s\n");
}

static void test_kernel_log(void **state)
{
	static const char *const errors[] = {
		"WARNING: CPU: 0 PID: 1 at kernel/foo.c:1 foo+0x1/0x2",
		"BUG: kernel NULL pointer dereference, address: 0000000000000000",
		"Oops: 0002 [#1] PREEMPT SMP NOPTI",
		"general protection fault, probably for non-canonical address",
		"unchecked MSR access error: WRMSR to 0x48",
		"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
		"watchdog: BUG: soft lockup - CPU#0 stuck for 23s!",
	};
	static const char *const fine[] = {
		"oriel: the entry to the guest failed",
		"oriel check: guest.nmi",
		"traps: prog[12] general protection fault ip:401136 sp:7ffd error:0 in prog",
		"traps: prog[12] trap invalid opcode ip:401136 sp:7ffd error:0 in prog",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		assert_true(kernel_log_is_error(errors[i]));
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_false(kernel_log_is_error(fine[i]));
}

/* The first CPU's lines, and of the list of flags only those of VT-x. */
static void test_cpu(void **state)
{
	char cpuinfo[] = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
			 "model\t\t: 85\nmodel name\t: Intel(R) Xeon(R)\nstepping\t: 7\n"
			 "microcode\t: 0x5003604\nflags\t\t: fpu vme\nvmx flags\t: vnmi ept\n\n"
			 "processor\t: 1\nvendor_id\t: other\n";
	FILE *in = fmemopen(cpuinfo, strlen(cpuinfo), "r"), *out;
	char *text;
	size_t size;

	(void)state;
	out = open_memstream(&text, &size);
	host_identity_print_cpu(out, in);
	fclose(in);
	fclose(out);
	assert_string_equal(text, "# vendor_id: GenuineIntel\n# cpu family: 6\n# model: 85\n"
				  "# model name: Intel(R) Xeon(R)\n# stepping: 7\n"
				  "# microcode: 0x5003604\n# vmx flags: vnmi ept\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_without_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_choose_and_skip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pass, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hang, setup, teardown),
		cmocka_unit_test(test_kernel_log),
		cmocka_unit_test(test_cpu),
	};

	return cmocka_run_group_tests_name("selftest", tests, NULL, NULL);
}
