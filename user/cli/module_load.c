// SPDX-License-Identifier: GPL-2.0-only
/* Finds, loads and unloads the module. */
#include "cli/module_load.h"

#include "base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE_FILE "oriel.ko"
#define UNLOAD_TRIES 100
#define UNLOAD_PAUSE_US 100000

bool module_is_loaded(void)
{
	return !access("/sys/module/oriel/refcnt", F_OK);
}

/* The launcher is build/oriel, and the module lies beside build/. */
static bool find_in_build_tree(char path[PATH_MAX])
{
	char launcher[PATH_MAX / 2] = "", *name;

	if (readlink("/proc/self/exe", launcher, sizeof(launcher) - 1) < 0)
		return false;
	name = strrchr(launcher, '/');
	if (!name)
		return false;
	*name = '\0';
	name = strrchr(launcher, '/');
	if (!name)
		return false;
	*name = '\0';
	snprintf(path, PATH_MAX, "%s/" MODULE_FILE, launcher);
	return !access(path, R_OK);
}

/* A line of modules.dep is "FILE: FILES THAT IT NEEDS"; FILE may end in .xz or .zst. */
static bool find_in_list(const char *folder, char path[PATH_MAX])
{
	char line[1024];
	bool found = false;
	FILE *list;

	snprintf(path, PATH_MAX, "%s/modules.dep", folder);
	list = fopen(path, "re");
	if (!list)
		return false;
	while (!found && fgets(line, sizeof(line), list)) {
		line[strcspn(line, ":\n")] = '\0';
		found = strstr(line, "/" MODULE_FILE);
	}
	fclose(list);
	if (found)
		snprintf(path, PATH_MAX, "%s/%s", folder, line);
	return found;
}

int module_find(struct module_file *file, const char *path)
{
	char folder[128], *beside = file->path;
	struct utsname kernel;

	file->installed = false;
	if (path) {
		snprintf(file->path, sizeof(file->path), "%s", path);
		return access(path, R_OK) ? diag_error("%s: %s", path, strerror(errno)) : 0;
	}
	if (find_in_build_tree(beside))
		return 0;
	uname(&kernel);
	snprintf(folder, sizeof(folder), "/lib/modules/%s", kernel.release);
	file->installed = find_in_list(folder, file->path);
	if (file->installed)
		return 0;
	return diag_error("there is no " MODULE_FILE " in the launcher's build tree, and none is "
			  "installed in %s; type: make module, or give its path: "
			  "oriel check --selftest --module FILE",
			  folder);
}

static int run_modprobe(void)
{
	char program[] = "modprobe", module[] = "oriel";
	char *const argv[] = { program, module, NULL };
	int error, status;
	pid_t child;

	error = posix_spawnp(&child, program, NULL, NULL, argv, environ);
	if (error)
		return diag_error("modprobe: %s", strerror(error));
	if (waitpid(child, &status, 0) == child && !status)
		return 0;
	return diag_error("modprobe oriel failed");
}

static const char *load_error(int error)
{
	switch (error) {
	case EPERM:
		return "no permission; type: sudo oriel check --selftest";
	case EBUSY:
		return "another hypervisor holds the CPU; type: oriel check";
	case ENOEXEC:
		return "it was built for another kernel; type: make module";
	case ENOKEY:
	case EKEYREJECTED:
		return "the kernel loads signed modules only (Secure Boot)";
	case EOPNOTSUPP:
		return "the CPU cannot run guests; type: oriel check";
	default:
		return strerror(error);
	}
}

int module_load(const struct module_file *file)
{
	int fd, result;

	if (file->installed)
		return run_modprobe();
	fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return diag_error("%s: %s", file->path, strerror(errno));
	result = (int)syscall(SYS_finit_module, fd, "", 0);
	if (result)
		diag_error("%s: not loaded: %s", file->path, load_error(errno));
	close(fd);
	return result;
}

int module_unload(void)
{
	for (int i = 0; i < UNLOAD_TRIES; i++) {
		if (!syscall(SYS_delete_module, "oriel", O_NONBLOCK))
			return 0;
		if (errno != EWOULDBLOCK && errno != EBUSY)
			break;
		usleep(UNLOAD_PAUSE_US);
	}
	return diag_error("the module cannot be unloaded: %s", strerror(errno));
}
