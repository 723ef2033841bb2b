/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests of `oriel check --selftest`: their files, and how each one is run. */
#ifndef ORIEL_SELFTEST_LIST_H
#define ORIEL_SELFTEST_LIST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum selftest_kind {
	SELFTEST_GUEST, /* a bare-metal guest, tests/guest/NAME.c */
	SELFTEST_PROGRAM, /* a program that uses the node itself, tests/system/NAME.c */
};

/* A test, and how it is run. */
struct selftest {
	enum selftest_kind kind;
	char name[64]; /* guest.NAME or raw.NAME */
	char path[PATH_MAX];
	unsigned int cpus; /* number of a guest's vCPUs */
	int status; /* exit status of the process if the test passes */
	const char *skip; /* reason not to run it, or NULL */
	bool chosen;
};

/* All tests, guests first, each kind in the order of the names. */
struct selftest_list {
	struct selftest *tests;
	size_t count;
};

/* Find the folder of the tests that belong to this launcher, in the build tree or installed. */
int selftest_list_folder(char folder[PATH_MAX]);

/*
 * Find the tests in @folder: guest/NAME.elf, system/NAME and, for guests that are not run in the
 * usual way, guest/options. All are chosen.
 */
int selftest_list_read(struct selftest_list *list, const char *folder);

/* Check that there are tests of each kind. @folder is for the message. */
int selftest_list_is_whole(const struct selftest_list *list, const char *folder);

void selftest_list_free(struct selftest_list *list);

/* Choose these tests only. A name is guest.NAME, raw.NAME, or guest or raw for all of a kind. */
int selftest_list_choose(struct selftest_list *list, char *const names[], size_t count);

/* Skip a test: @text is NAME or NAME=REASON. The list keeps the pointer. */
int selftest_list_skip(struct selftest_list *list, const char *text);

size_t selftest_list_chosen(const struct selftest_list *list);

#endif
