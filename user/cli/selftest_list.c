// SPDX-License-Identifier: GPL-2.0-only
/* Finds the tests of `oriel check --selftest` beside the launcher. */
#include "cli/selftest_list.h"

#include "base/diag.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST_SUFFIX ".elf"

static bool is_folder(const char *path)
{
	struct stat stat_of;

	return !stat(path, &stat_of) && S_ISDIR(stat_of.st_mode);
}

int selftest_list_folder(char folder[PATH_MAX])
{
	/* From build/oriel, and from PREFIX/bin/oriel. */
	static const char *const places[] = { "tests", "../lib/oriel/selftest" };
	char launcher[PATH_MAX / 2] = "", guests[PATH_MAX];
	char *name;

	if (readlink("/proc/self/exe", launcher, sizeof(launcher) - 1) < 0)
		return diag_error("/proc/self/exe: %s", strerror(errno));
	name = strrchr(launcher, '/');
	if (name)
		*name = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(folder, PATH_MAX, "%s/%s", launcher, places[i]);
		snprintf(guests, sizeof(guests), "%s/%s/guest", launcher, places[i]);
		if (is_folder(guests))
			return 0;
	}
	return diag_error("there are no tests in %s/%s or %s/%s; type: make selftest, or give "
			  "their folder: oriel check --selftest --tests FOLDER",
			  launcher, places[0], launcher, places[1]);
}

static int is_guest(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(GUEST_SUFFIX);

	return length > suffix && !strcmp(entry->d_name + length - suffix, GUEST_SUFFIX);
}

/* A name with a dot is a file that the compiler is writing, or its list of headers. */
static int is_program(const struct dirent *entry)
{
	return !strchr(entry->d_name, '.');
}

static int add(struct selftest_list *list, const char *folder, const char *file,
	       enum selftest_kind kind)
{
	bool guest = kind == SELFTEST_GUEST;
	struct selftest *test;
	int length = (int)(strlen(file) - (guest ? strlen(GUEST_SUFFIX) : 0));

	test = realloc(list->tests, (list->count + 1) * sizeof(*test));
	if (!test)
		return diag_error("no memory for the list of tests");
	list->tests = test;
	test += list->count;
	*test = (struct selftest){ .kind = kind, .cpus = 1, .chosen = true };
	if (snprintf(test->name, sizeof(test->name), "%s.%.*s", guest ? "guest" : "raw", length,
		     file) >= (int)sizeof(test->name) ||
	    snprintf(test->path, sizeof(test->path), "%s/%s", folder, file) >=
		    (int)sizeof(test->path))
		return diag_error("%s/%s: the name is too long", folder, file);
	list->count++;
	return 0;
}

static int add_folder(struct selftest_list *list, const char *tests, const char *name,
		      int (*filter)(const struct dirent *), enum selftest_kind kind)
{
	struct dirent **entries;
	char folder[PATH_MAX];
	int result = 0, count;

	snprintf(folder, sizeof(folder), "%s/%s", tests, name);
	count = scandir(folder, &entries, filter, alphasort);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return diag_error("%s: %s; type: make selftest", folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!result)
			result = add(list, folder, entries[i]->d_name, kind);
		free(entries[i]);
	}
	free(entries);
	return result;
}

static struct selftest *find(struct selftest_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->tests[i].name, name))
			return &list->tests[i];
	}
	return NULL;
}

/* A line of guest/options: NAME VCPUS STATUS, or a comment. */
static int read_option(struct selftest_list *list, const char *line)
{
	char guest[32], name[64], rest;
	struct selftest *test;
	unsigned int cpus;
	int status;

	if (line[0] == '#' || line[strspn(line, " \t\n")] == '\0')
		return 0;
	if (sscanf(line, "%31s %u %d %c", guest, &cpus, &status, &rest) != 3 || !cpus)
		return diag_error("guest/options: expected NAME VCPUS STATUS, got: %s", line);
	snprintf(name, sizeof(name), "guest.%s", guest);
	test = find(list, name);
	if (!test)
		return diag_error("guest/options: there is no guest %s", guest);
	test->cpus = cpus;
	test->status = status;
	return 0;
}

static int read_options(struct selftest_list *list, const char *tests)
{
	char path[PATH_MAX], line[256];
	int result = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/guest/options", tests);
	file = fopen(path, "re");
	if (!file)
		return diag_error("%s: %s", path, strerror(errno));
	while (!result && fgets(line, sizeof(line), file))
		result = read_option(list, line);
	fclose(file);
	return result;
}

int selftest_list_read(struct selftest_list *list, const char *folder)
{
	*list = (struct selftest_list){ 0 };
	if (!add_folder(list, folder, "guest", is_guest, SELFTEST_GUEST) &&
	    !add_folder(list, folder, "system", is_program, SELFTEST_PROGRAM) &&
	    !read_options(list, folder))
		return 0;
	selftest_list_free(list);
	return -1;
}

int selftest_list_is_whole(const struct selftest_list *list, const char *folder)
{
	bool seen[] = { [SELFTEST_GUEST] = false, [SELFTEST_PROGRAM] = false };

	for (size_t i = 0; i < list->count; i++)
		seen[list->tests[i].kind] = true;
	if (seen[SELFTEST_GUEST] && seen[SELFTEST_PROGRAM])
		return 0;
	return diag_error("%s has no %s; type: make selftest", folder,
			  seen[SELFTEST_GUEST] ? "programs" : "guests");
}

void selftest_list_free(struct selftest_list *list)
{
	free(list->tests);
	*list = (struct selftest_list){ 0 };
}

/* Return: true if @name names @test, or its kind. */
static bool names(const char *name, const struct selftest *test)
{
	return !strcmp(name, test->name) ||
	       !strcmp(name, test->kind == SELFTEST_GUEST ? "guest" : "raw");
}

int selftest_list_choose(struct selftest_list *list, char *const wanted[], size_t count)
{
	for (size_t i = 0; i < list->count; i++)
		list->tests[i].chosen = false;
	for (size_t n = 0; n < count; n++) {
		bool found = false;

		for (size_t i = 0; i < list->count; i++) {
			if (!names(wanted[n], &list->tests[i]))
				continue;
			list->tests[i].chosen = true;
			found = true;
		}
		if (!found)
			return diag_error("%s: no such test; type: oriel check --selftest --list",
					  wanted[n]);
	}
	return 0;
}

int selftest_list_skip(struct selftest_list *list, const char *text)
{
	const char *reason = strchr(text, '=');
	size_t length = reason ? (size_t)(reason - text) : strlen(text);

	for (size_t i = 0; i < list->count; i++) {
		struct selftest *test = &list->tests[i];

		if (strlen(test->name) == length && !memcmp(test->name, text, length)) {
			test->skip = reason ? reason + 1 : "by --skip";
			return 0;
		}
	}
	return diag_error("--skip %s: no such test; type: oriel check --selftest --list", text);
}

size_t selftest_list_chosen(const struct selftest_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->tests[i].chosen;
	return count;
}
