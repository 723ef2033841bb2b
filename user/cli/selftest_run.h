/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs one test of `oriel check --selftest` in a process of its own, and judges its end. */
#ifndef ORIEL_SELFTEST_RUN_H
#define ORIEL_SELFTEST_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/kernel_log.h"
#include "cli/selftest_list.h"

/* The settings of a run. */
struct selftest_config {
	FILE *out; /* of the KTAP */
	const char *device; /* node of the hypervisor */
	const char *facts; /* command line of the guests */
	unsigned int timeout; /* a test that is silent for so many seconds hangs */
	bool verbose; /* print all that a test says, even if it passes */
	struct kernel_log log;
};

enum selftest_result {
	SELFTEST_PASSED,
	SELFTEST_FAILED,
	SELFTEST_SKIPPED,
};

/*
 * Run a test and print its result, which has this number, and what it says. A test fails if its
 * process hangs or ends with an unexpected status, if its KTAP is not whole or has a failure, or
 * if the kernel logs an error meanwhile.
 */
enum selftest_result selftest_run(struct selftest_config *config, const struct selftest *test,
				  unsigned int number);

/* Print the kernel's new lines if one of them is an error. Return: true if there is none. */
bool selftest_log_is_clean(struct selftest_config *config);

#endif
