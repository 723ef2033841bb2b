// SPDX-License-Identifier: GPL-2.0-only
/* Runs one test of `oriel check --selftest`. */
#include "cli/selftest_run.h"

#include "base/diag.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_PORT "0xf4"
#define GUEST_MEMORY "64M"
#define EXEC_FAILED 127
#define QUIT_MS 5000
#define KILL_MS 10000
#define MAX_LINES 2000

/* The end of a process. */
struct process_end {
	int status; /* as in shells: 128 and more is a signal */
	bool hung; /* it reached the bound */
	bool immortal; /* SIGKILL did not end it, so it still runs */
};

/* The output of a process. */
struct process_output {
	FILE *out;
	FILE *err;
};

/* The results in a stream of KTAP. */
struct ktap_count {
	long planned; /* -1 without a plan */
	long results;
	long failures;
	long skips;
};

/* The vCPUs of a guest share the first CPU that this process may use. */
static void share_one_cpu(void)
{
	cpu_set_t cpus;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return;
	while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &cpus))
		cpu++;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void exec_guest(const struct selftest_config *config, const struct selftest *test)
{
	char cpus[16];

	snprintf(cpus, sizeof(cpus), "%u", test->cpus);
	if (test->cpus > 1)
		share_one_cpu();
	execl("/proc/self/exe", "oriel", "run", test->path, "--device", config->device,
	      "--exit-port", EXIT_PORT, "-m", GUEST_MEMORY, "-c", cpus, "--append", config->facts,
	      NULL);
}

static pid_t start(const struct selftest_config *config, const struct selftest *test,
		   const struct process_output *output)
{
	pid_t child = fork();

	if (child) {
		setpgid(child, child);
		return child;
	}
	/* A group of its own, so that the bound ends its children too. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fileno(output->out), STDOUT_FILENO);
	dup2(fileno(output->err), STDERR_FILENO);
	if (!freopen("/dev/null", "r", stdin))
		_exit(EXEC_FAILED);
	if (test->kind == SELFTEST_GUEST)
		exec_guest(config, test);
	else
		execl(test->path, test->path, "-d", config->device, NULL);
	dprintf(STDERR_FILENO, "%s: %s\n", test->path, strerror(errno));
	_exit(EXEC_FAILED);
}

/* Return: true if the process has ended within @ms. */
static bool await(int pidfd, int ms)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	int ready;

	do
		ready = poll(&poll_fd, 1, ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* Return: true if the process has ended; false once it has said nothing for @timeout seconds. */
static bool await_while_it_speaks(int pidfd, const struct process_output *output,
				  unsigned int timeout)
{
	unsigned int silent = 0;
	off_t said = 0;

	while (silent < timeout) {
		struct stat file;

		if (await(pidfd, 1000))
			return true;
		silent++;
		if (!fstat(fileno(output->out), &file) && file.st_size != said) {
			said = file.st_size;
			silent = 0;
		}
	}
	return false;
}

static FILE *output_file(void)
{
	int fd = memfd_create("oriel-selftest", MFD_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r+");
}

static void count_line(struct ktap_count *count, const char *line)
{
	bool failed = !strncmp(line, "not ", 4);
	unsigned int number;
	int end = 0;

	if (sscanf(line, "1..%u%n", &number, &end) == 1 && !line[end]) {
		/* A second plan is an error: no results fit it. */
		count->planned = count->planned < 0 ? (long)number : 0;
	} else if (sscanf(failed ? line + 4 : line, "ok %u ", &number) == 1) {
		count->results++;
		count->failures += failed;
		count->skips += !failed && strstr(line, "# SKIP");
	}
}

/* Read the next line, without the characters that end it. Return: false at the end. */
static bool next_line(FILE *file, char **line, size_t *size)
{
	if (getline(line, size, file) < 0)
		return false;
	(*line)[strcspn(*line, "\r\n")] = '\0';
	return true;
}

static struct ktap_count count_lines(FILE *file)
{
	struct ktap_count count = { .planned = -1 };
	char *line = NULL;
	size_t size = 0;

	rewind(file);
	while (next_line(file, &line, &size))
		count_line(&count, line);
	free(line);
	return count;
}

static void print_lines(FILE *out, FILE *from, const char *before)
{
	unsigned int lines = 0;
	char *line = NULL;
	size_t size = 0;

	rewind(from);
	while (next_line(from, &line, &size)) {
		if (lines++ < MAX_LINES)
			fprintf(out, "%s%s\n", before, line);
	}
	if (lines > MAX_LINES)
		fprintf(out, "%s(%u lines more)\n", before, lines - MAX_LINES);
	free(line);
}

/* Print the counts of the host's interrupts: one that stands still in a hang may be lost. */
static void print_interrupts(FILE *out)
{
	FILE *file = fopen("/proc/interrupts", "re");

	if (!file)
		return;
	print_lines(out, file, "# interrupts: ");
	fclose(file);
}

/* Show where a guest hangs: let the launcher print the registers of its vCPUs. */
static void print_hang(FILE *out, pid_t child, int pidfd)
{
	print_interrupts(out);
	sleep(1);
	print_interrupts(out);
	kill(child, SIGQUIT);
	await(pidfd, QUIT_MS);
}

static struct process_end finish(const struct selftest_config *config, const struct selftest *test,
				 pid_t child, const struct process_output *output)
{
	struct process_end end = { .status = EXEC_FAILED };
	int pidfd = pidfd_open(child, 0), status;

	end.hung = !await_while_it_speaks(pidfd, output, config->timeout);
	if (end.hung && test->kind == SELFTEST_GUEST)
		print_hang(config->out, child, pidfd);
	kill(-child, SIGKILL);
	end.immortal = end.hung && !await(pidfd, KILL_MS);
	close(pidfd);
	if (!end.immortal && waitpid(child, &status, 0) == child)
		end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return end;
}

/* Print the cases of KTAP that were skipped, without "ok NUMBER". */
static void print_skips(FILE *out, FILE *from)
{
	char *line = NULL;
	size_t size = 0;

	rewind(from);
	while (next_line(from, &line, &size)) {
		unsigned int number;
		int name = 0;

		if (sscanf(line, "ok %u %n", &number, &name) == 1 && strstr(line, "# SKIP"))
			fprintf(out, "# skipped: %s\n", line + name);
	}
	free(line);
}

/* Return: true if the test passes. If its own output does not say why it fails, @reason does. */
static bool judge(const struct selftest *test, const struct process_end *end,
		  const struct ktap_count *count, char *reason, size_t size)
{
	const char *what = test->kind == SELFTEST_GUEST ? "launcher" : "program";

	reason[0] = '\0';
	if (end->immortal)
		snprintf(reason, size, "SIGKILL does not end the %s", what);
	else if (!end->hung && end->status != test->status)
		snprintf(reason, size, "the %s ended with %d, expected %d", what, end->status,
			 test->status);
	else if (!end->hung && (count->planned != count->results || !count->results))
		snprintf(reason, size, "planned %ld, reported %ld",
			 count->planned < 0 ? 0 : count->planned, count->results);
	return !reason[0] && !end->hung && !count->failures;
}

bool selftest_log_is_clean(struct selftest_config *config)
{
	bool error;
	char *lines = kernel_log_take(&config->log, &error);

	if (error)
		fputs(lines, config->out);
	free(lines);
	return !error;
}

static void print_output(const struct selftest_config *config, const struct process_output *output,
			 bool passed, const char *reason)
{
	if (config->verbose || !passed)
		print_lines(config->out, output->out, "    ");
	else
		print_skips(config->out, output->out);
	if (!passed)
		print_lines(config->out, output->err, "    # ");
	if (reason[0])
		fprintf(config->out, "# %s\n", reason);
}

static void print_result(const struct selftest_config *config, const struct selftest *test,
			 unsigned int number, bool passed, bool hung,
			 const struct ktap_count *count)
{
	FILE *out = config->out;

	fprintf(out, "%s %u %s", passed ? "ok" : "not ok", number, test->name);
	if (hung)
		fprintf(out, " # TIMEOUT silent for %u s", config->timeout);
	else if (passed && !config->verbose)
		fprintf(out, " # cases: %ld, skipped: %ld", count->results, count->skips);
	fputc('\n', out);
	fflush(out);
}

static bool run_process(struct selftest_config *config, const struct selftest *test,
			unsigned int number, const struct process_output *output)
{
	struct ktap_count count;
	struct process_end end;
	char reason[128];
	pid_t child;
	bool passed;

	kernel_log_mark(&config->log, test->name);
	fprintf(config->out, "# %s/%s\n", test->kind == SELFTEST_GUEST ? "guest" : "raw",
		strchr(test->name, '.') + 1);
	fflush(config->out);
	child = start(config, test, output);
	if (child < 0) {
		diag_error("fork: %s", strerror(errno));
		return false;
	}
	end = finish(config, test, child, output);
	count = count_lines(output->out);
	passed = judge(test, &end, &count, reason, sizeof(reason));
	print_output(config, output, passed, reason);
	passed &= selftest_log_is_clean(config);
	print_result(config, test, number, passed, end.hung, &count);
	return passed;
}

enum selftest_result selftest_run(struct selftest_config *config, const struct selftest *test,
				  unsigned int number)
{
	struct process_output output = { .out = output_file(), .err = output_file() };
	enum selftest_result result = SELFTEST_FAILED;

	if (test->skip) {
		fprintf(config->out, "ok %u %s # SKIP %s\n", number, test->name, test->skip);
		result = SELFTEST_SKIPPED;
	} else if (!output.out || !output.err) {
		diag_error("memfd_create: %s", strerror(errno));
	} else if (run_process(config, test, number, &output)) {
		result = SELFTEST_PASSED;
	}
	if (output.out)
		fclose(output.out);
	if (output.err)
		fclose(output.err);
	return result;
}
