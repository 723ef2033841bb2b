// SPDX-License-Identifier: GPL-2.0-only
/* The messages about a failed entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/diag.h"
#include "machine/entry_failure.h"

static char *text;

static void print(unsigned int index, const struct oriel_entry_report *report)
{
	size_t size;
	FILE *stream;

	free(text);
	text = NULL;
	stream = open_memstream(&text, &size);
	assert_non_null(stream);
	diag_set_stream(stream);
	entry_failure_print(index, report);
	diag_set_stream(NULL);
	fclose(stream);
}

static struct oriel_entry_violation violation(const char *field, const char *rule)
{
	struct oriel_entry_violation v = { .value = 0xe09b };

	snprintf(v.field, sizeof(v.field), "%s", field);
	snprintf(v.rule, sizeof(v.rule), "%s", rule);
	snprintf(v.section, sizeof(v.section), "SDM 3C 27.3.1.2");
	return v;
}

static void test_one(void **state)
{
	struct oriel_entry_report report = { .broken = 1, .named = 1 };

	(void)state;
	report.violations[0] = violation("guest_cs_access_rights", "CS.D must be 0");
	print(3, &report);
	assert_string_equal(text,
			    "oriel: vCPU 3: the state breaks 1 rule for an entry; wrong fields:\n"
			    "oriel:   guest_cs_access_rights is 0xe09b: CS.D must be 0 "
			    "(SDM 3C 27.3.1.2)\n");
}

static void test_none(void **state)
{
	struct oriel_entry_report report = { .cpu = 7 };

	(void)state;
	print(0, &report);
	assert_non_null(strstr(text, "no rule"));
	assert_non_null(strstr(text, "host CPU 7"));
}

/* A report with more violations than there is room for, and with strings without a NUL. */
static void test_many(void **state)
{
	struct oriel_entry_report report = { .broken = 20, .named = ORIEL_ENTRY_VIOLATIONS + 1 };
	char *line;
	int lines = 0;

	(void)state;
	memset(report.violations, 'x', sizeof(report.violations));
	print(0, &report);
	for (line = text; (line = strchr(line, '\n')); line++)
		lines++;
	assert_int_equal(lines, 1 + ORIEL_ENTRY_VIOLATIONS + 1);
	assert_non_null(strstr(text, "and 4 more"));
}

static int cleanup(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("entry_failure", tests, NULL, cleanup);
}
