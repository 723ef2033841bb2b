// SPDX-License-Identifier: GPL-2.0-only
/* oriel check --selftest: runs the tests that need no other machine, and prints KTAP. */
#include "cli/command.h"

#include "base/diag.h"
#include "base/stop.h"
#include "cli/host_facts.h"
#include "cli/host_identity.h"
#include "cli/module_load.h"
#include "cli/options.h"
#include "cli/selftest_list.h"
#include "cli/selftest_run.h"
#include "machine/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT 300
#define MAX_TIMEOUT 86400
#define OWN_RESULTS 3 /* module.load, module.unload, kernel.log */

enum option_code {
	OPTION_MODULE = 256,
	OPTION_DEVICE,
	OPTION_TESTS,
	OPTION_TIMEOUT,
	OPTION_SKIP,
	OPTION_VERBOSE,
	OPTION_LIST,
};

static const struct option options[] = {
	{ "module", required_argument, NULL, OPTION_MODULE },
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "tests", required_argument, NULL, OPTION_TESTS },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "skip", required_argument, NULL, OPTION_SKIP },
	{ "verbose", no_argument, NULL, OPTION_VERBOSE },
	{ "list", no_argument, NULL, OPTION_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option_list option_list = { "check --selftest", "h", options };

/* The command line. */
struct selftest_arguments {
	const char *module; /* NULL: find it */
	const char *device; /* NULL: the node of the module, which may have to be loaded */
	const char *tests; /* NULL: find their folder */
	unsigned int timeout;
	const char **skips; /* NAME or NAME=REASON */
	size_t skip_count;
	bool verbose;
	bool list;
	bool help;
	char **names; /* of the chosen tests */
	size_t name_count; /* 0: all of them */
};

/* A run of the tests. */
struct session {
	struct selftest_config config;
	struct selftest_list list;
	bool complete; /* all tests, and the results of the run itself */
	struct module_file module;
	bool load; /* this run loads the module, and unloads it at its end */
	char node[NODE_PATH_SIZE];
	unsigned int number; /* of the last result */
	unsigned int results[SELFTEST_SKIPPED + 1]; /* how many of each kind */
};

static void print_usage(void)
{
	puts("Usage: oriel check --selftest [OPTION]... [TEST]...\n"
	     "\n"
	     "Loads the module if it is not loaded, runs the test guests and the programs that\n"
	     "test the node, unloads the module again, and prints KTAP for a report. Without\n"
	     "TEST it runs all. Ends with 0 if nothing failed.\n"
	     "\n"
	     "  --module FILE       the module, instead of the one in the launcher's build tree or\n"
	     "                      the installed one\n"
	     "  --device NODE       test this node (/dev/kvm: the in-tree KVM) and load nothing\n"
	     "  --tests FOLDER      the folder of the tests\n"
	     "  --timeout SECONDS   a test that is silent for so long hangs (300)\n"
	     "  --skip TEST=REASON  skip a test, such as one that ends this machine; repeat it for\n"
	     "                      more\n"
	     "  --verbose           print all cases of each test, not only those that fail or are\n"
	     "                      skipped\n"
	     "  --list              print the names of the tests\n"
	     "\n"
	     "TEST is guest.NAME, raw.NAME, guest or raw.");
}

static int parse_timeout(const char *text, unsigned int *seconds)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < 1 || number > MAX_TIMEOUT)
		return diag_error("--timeout %s: expected seconds, 1 to %d", text, MAX_TIMEOUT);
	*seconds = (unsigned int)number;
	return 0;
}

static int parse_option(int code, const char *value, void *context)
{
	struct selftest_arguments *arguments = context;

	switch (code) {
	case OPTION_MODULE:
		arguments->module = value;
		return 0;
	case OPTION_DEVICE:
		arguments->device = value;
		return 0;
	case OPTION_TESTS:
		arguments->tests = value;
		return 0;
	case OPTION_TIMEOUT:
		return parse_timeout(value, &arguments->timeout);
	case OPTION_SKIP:
		arguments->skips[arguments->skip_count++] = value;
		return 0;
	case OPTION_VERBOSE:
		arguments->verbose = true;
		return 0;
	case OPTION_LIST:
		arguments->list = true;
		return 0;
	case 'h':
		arguments->help = true;
		return 0;
	default:
		return -1;
	}
}

/* @arguments->skips has room for @argc pointers. */
static int parse_arguments(int argc, char **argv, struct selftest_arguments *arguments)
{
	if (options_parse(&option_list, argc, argv, parse_option, arguments))
		return -1;
	arguments->names = argv + optind;
	arguments->name_count = (size_t)(argc - optind);
	return 0;
}

static int find_tests(struct session *session, const struct selftest_arguments *arguments)
{
	char folder[PATH_MAX];

	if (arguments->tests)
		snprintf(folder, sizeof(folder), "%s", arguments->tests);
	else if (selftest_list_folder(folder))
		return EXIT_STATUS_ERROR;
	if (selftest_list_read(&session->list, folder))
		return EXIT_STATUS_ERROR;
	session->complete = !arguments->name_count;
	if (session->complete && selftest_list_is_whole(&session->list, folder))
		return EXIT_STATUS_ERROR;
	if (!session->complete &&
	    selftest_list_choose(&session->list, arguments->names, arguments->name_count))
		return EXIT_STATUS_USAGE;
	for (size_t i = 0; i < arguments->skip_count; i++) {
		if (selftest_list_skip(&session->list, arguments->skips[i]))
			return EXIT_STATUS_USAGE;
	}
	return 0;
}

/* Find out if the module has to be loaded, and if this process may do it. */
static int find_module(struct session *session, const struct selftest_arguments *arguments)
{
	session->load = !arguments->device && !module_is_loaded();
	if (!session->load)
		return 0;
	if (module_find(&session->module, arguments->module))
		return -1;
	if (!geteuid())
		return 0;
	return diag_error("the module is not loaded, and only root may load it; type: "
			  "sudo oriel check --selftest");
}

/* Print a result of the run itself. A skipped one has a reason. */
static void own_result(struct session *session, const char *name, bool passed, const char *skip)
{
	if (!session->complete) {
		if (!passed)
			printf("# failed: %s\n", name);
		return;
	}
	printf("%s %u %s%s%s\n", passed ? "ok" : "not ok", ++session->number, name,
	       skip ? " # SKIP " : "", skip ? skip : "");
	session->results[skip ? SELFTEST_SKIPPED : passed ? SELFTEST_PASSED : SELFTEST_FAILED]++;
}

/* Print the lines of `oriel check` as comments. */
static void print_facts(void)
{
	struct host_facts facts;
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	host_facts_gather(&facts);
	host_facts_report(&facts, out);
	fclose(out);
	for (rest = text; (line = strsep(&rest, "\n")) && *line;)
		printf("# %s\n", line);
	free(text);
}

/* Load the module. The reason of a failure is an error message, and a comment for the report. */
static int load_module(struct session *session)
{
	char *lines, *reason = NULL;
	size_t size;
	FILE *stream = open_memstream(&reason, &size);
	bool error;
	int result;

	if (!stream)
		return diag_error("no memory");
	diag_set_stream(stream);
	result = module_load(&session->module);
	diag_set_stream(NULL);
	fclose(stream);
	if (result) {
		fputs(reason, stderr);
		printf("# %s", reason);
	}
	free(reason);
	if (!result)
		return 0;
	/* The module's own line says which capability is missing. */
	lines = kernel_log_take(&session->config.log, &error);
	if (lines)
		fputs(lines, stdout);
	free(lines);
	print_facts();
	return -1;
}

/* Find the node, and check that this process may use it. */
static int use_node(struct session *session, const struct selftest_arguments *arguments)
{
	static char facts[64];
	bool own = node_of_module(session->node) &&
		   (!arguments->device || !strcmp(arguments->device, session->node));
	int fd;

	session->config.device = arguments->device ? arguments->device : session->node;
	fd = node_open(session->config.device, 1);
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(facts, sizeof(facts), "hypervisor=%s host=%s",
		 !own && !strcmp(session->config.device, "/dev/kvm") ? "kvm" : "oriel",
		 host_identity_emulator());
	session->config.facts = facts;
	return 0;
}

static void print_head(const struct session *session)
{
	size_t count = selftest_list_chosen(&session->list);

	host_identity_print(stdout, session->load ? session->module.path : NULL);
	printf("1..%zu\n", count + (session->complete ? OWN_RESULTS : 0));
}

static void run_tests(struct session *session)
{
	for (size_t i = 0; i < session->list.count; i++) {
		const struct selftest *test = &session->list.tests[i];

		if (test->chosen)
			session->results[selftest_run(&session->config, test, ++session->number)]++;
	}
}

/* Leave the machine as it was. */
static void end_session(struct session *session)
{
	bool unloaded = !session->load || !module_unload(), clean;
	int error = session->config.log.error;
	char unreadable[128];

	own_result(session, "module.unload", unloaded,
		   session->load ? NULL : "this run has not loaded it");
	clean = selftest_log_is_clean(&session->config);
	snprintf(unreadable, sizeof(unreadable), "/dev/kmsg: %s; run it as root", strerror(error));
	own_result(session, "kernel.log", clean, error ? unreadable : NULL);
	if (!session->complete && !(unloaded && clean))
		session->results[SELFTEST_FAILED]++;
}

static int run_session(struct session *session, const struct selftest_arguments *arguments)
{
	const unsigned int *results = session->results;
	bool ready, clean;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("KTAP version 1");
	ready = !session->load || !load_module(session);
	print_head(session);
	clean = selftest_log_is_clean(&session->config);
	own_result(session, "module.load", ready && clean,
		   session->load ? NULL : "this run does not load it");
	if (!ready) {
		puts("Bail out! the module cannot be loaded");
		return EXIT_STATUS_ERROR;
	}
	session->results[SELFTEST_FAILED] += !session->complete && !clean;
	if (use_node(session, arguments))
		session->results[SELFTEST_FAILED]++;
	else
		run_tests(session);
	end_session(session);
	printf("# Totals: pass:%u fail:%u skip:%u\n", results[SELFTEST_PASSED],
	       results[SELFTEST_FAILED], results[SELFTEST_SKIPPED]);
	return results[SELFTEST_FAILED] ? EXIT_STATUS_ERROR : 0;
}

static int list_tests(const struct selftest_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->tests[i].chosen)
			puts(list->tests[i].name);
	}
	return 0;
}

static int prepare_and_run(struct session *session, const struct selftest_arguments *arguments)
{
	int status = find_tests(session, arguments);

	if (status)
		return status;
	if (arguments->list)
		return list_tests(&session->list);
	/* If there is nothing to load, a node that cannot be used ends the run before it begins. */
	if (find_module(session, arguments) || (!session->load && use_node(session, arguments)))
		return EXIT_STATUS_ERROR;
	kernel_log_open(&session->config.log);
	status = run_session(session, arguments);
	kernel_log_close(&session->config.log);
	return status;
}

int cmd_selftest(int argc, char **argv)
{
	struct selftest_arguments arguments = { .timeout = DEFAULT_TIMEOUT };
	struct session session = { 0 };
	int status = EXIT_STATUS_USAGE;

	arguments.skips = calloc((size_t)argc, sizeof(*arguments.skips));
	if (!arguments.skips)
		return EXIT_STATUS_ERROR;
	if (!parse_arguments(argc, argv, &arguments)) {
		session.config = (struct selftest_config){
			.out = stdout,
			.timeout = arguments.timeout,
			.verbose = arguments.verbose,
		};
		if (arguments.help)
			print_usage();
		status = arguments.help ? 0 : prepare_and_run(&session, &arguments);
		selftest_list_free(&session.list);
	}
	free(arguments.skips);
	return status;
}
