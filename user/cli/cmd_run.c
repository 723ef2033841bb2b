// SPDX-License-Identifier: GPL-2.0-only
/* oriel run: reads the command line, opens the files, runs the guest. */
#include "cli/command.h"

#include "base/diag.h"
#include "base/stop.h"
#include "boot/image.h"
#include "cli/options.h"
#include "devices/debug_ports.h"
#include "machine/machine.h"
#include "machine/node.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY (512ULL << 20)
#define DEFAULT_CMDLINE "console=ttyS0"

enum option_code {
	OPTION_INITRD = 256,
	OPTION_APPEND,
	OPTION_DEVICE,
	OPTION_EXIT_PORT,
	OPTION_HUGE_PAGES,
};

static const struct option options[] = {
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "append", required_argument, NULL, OPTION_APPEND },
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "exit-port", required_argument, NULL, OPTION_EXIT_PORT },
	{ "hugepages", required_argument, NULL, OPTION_HUGE_PAGES },
	{ "memory", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option_list option_list = { "run", "m:c:h", options };

/**
 * struct run_arguments - the command line
 * @config: the options, without the open files
 * @kernel_path: the kernel's file
 * @initrd_path: the initial RAM disk's file, or NULL
 * @help: print the options and do nothing else
 */
struct run_arguments {
	struct machine_config config;
	const char *kernel_path;
	const char *initrd_path;
	bool help;
};

static void print_usage(void)
{
	puts("Usage: oriel run KERNEL [OPTION]...\n"
	     "\n"
	     "Runs KERNEL (a Linux bzImage or vmlinux, a PVH ELF file or a multiboot ELF file) in\n"
	     "a virtual machine whose serial port is this terminal. Control-a x ends it,\n"
	     "control-a h prints the keys.\n"
	     "\n"
	     "  --initrd FILE     initial RAM disk; the first module of a multiboot kernel\n"
	     "  --append STRING   kernel command line, instead of \"" DEFAULT_CMDLINE "\"\n"
	     "  -m SIZE           memory, 2M to 1024G; a bare number is in MiB (512M)\n"
	     "  -c N              number of vCPUs (1)\n"
	     "  --device NODE     node of the hypervisor (" NODE_DEFAULT ")\n"
	     "  --exit-port PORT  a byte that the guest writes to this I/O port ends the\n"
	     "                    launcher with that status\n"
	     "  --hugepages KIND  back the memory with none, thp, 2M or 1G pages (none)\n"
	     "\n"
	     "Exit status: 0 the guest powered off; 1 the launcher could not run it; 2 wrong\n"
	     "usage; 3 the guest reset itself; 4 the guest crashed; 5 ended by control-a x;\n"
	     "128+N ended by signal N.");
}

static bool parse_number(const char *text, unsigned long min, unsigned long max,
			 unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoul(text, &end, 0);
	return !errno && !*end && *number >= min && *number <= max;
}

static int parse_option(int code, const char *value, void *context)
{
	struct run_arguments *arguments = context;
	struct machine_config *config = &arguments->config;
	unsigned long number;

	switch (code) {
	case OPTION_INITRD:
		arguments->initrd_path = value;
		return 0;
	case OPTION_APPEND:
		config->cmdline = value;
		return 0;
	case OPTION_DEVICE:
		config->device = value;
		return 0;
	case OPTION_HUGE_PAGES:
		if (memory_parse_huge_pages(value, &config->huge))
			return 0;
		return diag_error("--hugepages %s: expected none, thp, 2M or 1G", value);
	case OPTION_EXIT_PORT:
		if (!parse_number(value, 0, 0xffff, &number))
			return diag_error("--exit-port %s: expected a port, 0 to 0xffff", value);
		config->exit_port = (uint32_t)number;
		return 0;
	case 'm':
		if (memory_parse_size(value, &config->memory_size))
			return 0;
		return diag_error("-m %s: expected a size like 512M or 2G", value);
	case 'c':
		if (!parse_number(value, 1, MACHINE_MAX_CPUS, &number))
			return diag_error("-c %s: expected a number of vCPUs, 1 to %d", value,
					  MACHINE_MAX_CPUS);
		config->cpus = (unsigned int)number;
		return 0;
	case 'h':
		arguments->help = true;
		return 0;
	default:
		return -1;
	}
}

static int parse_arguments(int argc, char **argv, struct run_arguments *arguments)
{
	*arguments = (struct run_arguments){
		.config = {
			.cmdline = DEFAULT_CMDLINE,
			.memory_size = DEFAULT_MEMORY,
			.huge = HUGE_PAGES_NONE,
			.cpus = 1,
			.exit_port = DEBUG_PORTS_NO_EXIT,
		},
	};
	if (options_parse(&option_list, argc, argv, parse_option, arguments))
		return -1;
	if (arguments->help)
		return 0;
	if (argc - optind != 1)
		return diag_error("expected one kernel, got %d; type: oriel run --help",
				  argc - optind);
	arguments->kernel_path = argv[optind];
	return 0;
}

static int run_kernel(struct run_arguments *arguments, const struct image *kernel)
{
	struct machine_config *config = &arguments->config;
	struct image initrd;
	int status;

	config->kernel = kernel;
	if (!arguments->initrd_path)
		return machine_run(config);
	if (image_open(&initrd, arguments->initrd_path))
		return EXIT_STATUS_ERROR;
	config->initrd = &initrd;
	status = machine_run(config);
	image_close(&initrd);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_arguments arguments;
	struct image kernel;
	int status;

	if (parse_arguments(argc, argv, &arguments))
		return EXIT_STATUS_USAGE;
	if (arguments.help) {
		print_usage();
		return 0;
	}
	if (image_open(&kernel, arguments.kernel_path))
		return EXIT_STATUS_ERROR;
	status = run_kernel(&arguments, &kernel);
	image_close(&kernel);
	return status;
}
