// SPDX-License-Identifier: GPL-2.0-only
/* The device node of the hypervisor, which has KVM's ABI. */
#include "machine/node.h"

#include "base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool node_of_module(char path[NODE_PATH_SIZE])
{
	FILE *file = fopen("/sys/module/oriel/parameters/node", "re");
	char name[16];

	snprintf(path, NODE_PATH_SIZE, NODE_DEFAULT);
	if (!file)
		return false;
	if (fscanf(file, "%15s", name) == 1)
		snprintf(path, NODE_PATH_SIZE, "/dev/%s", name);
	fclose(file);
	return true;
}

static int no_node(const char *path, int error)
{
	char loaded[NODE_PATH_SIZE];

	switch (error) {
	case ENOENT:
		if (node_of_module(loaded) && strcmp(loaded, path))
			return diag_error("%s is not there: the module was loaded with another "
					  "node; type: oriel run --device %s",
					  path, loaded);
		return diag_error("%s is not there: the module is not loaded; type: "
				  "sudo insmod oriel.ko, or: oriel check",
				  path);
	case EACCES:
	case EPERM:
		return diag_error("%s: no permission; type: sudo usermod -aG kvm $USER, and log in "
				  "again",
				  path);
	default:
		return diag_error("%s: %s; type: oriel check", path, strerror(error));
	}
}

static int check_api(int fd, const char *path)
{
	static const struct {
		int capability;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
		{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
		{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	};
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION)
		return diag_error("%s: not a node of the KVM ABI, version %d (%s)", path,
				  KVM_API_VERSION,
				  version < 0 ? strerror(errno) : "it has another version");
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].capability) <= 0)
			return diag_error("%s: this hypervisor lacks %s", path, needed[i].name);
	}
	return 0;
}

static int check_cpus(int fd, const char *path, unsigned int cpus)
{
	int max = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (max <= 0)
		max = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	if (max <= 0)
		max = 4; /* the ABI's number for a node that has neither capability */
	if (cpus <= (unsigned int)max)
		return 0;
	return diag_error("-c %u: %s gives a guest at most %d vCPU%s", cpus, path, max,
			  max == 1 ? "" : "s");
}

int node_open(const char *path, unsigned int cpus)
{
	int fd;

	if (!path)
		path = NODE_DEFAULT;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return no_node(path, errno);
	if (!check_api(fd, path) && !check_cpus(fd, path, cpus))
		return fd;
	close(fd);
	return -1;
}
