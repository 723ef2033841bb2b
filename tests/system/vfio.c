// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO device of a VM, and a guest that writes its caches back. KTAP on stdout.
 *
 *	vfio [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations. Tests that need a
 * device of the host take the first group in /dev/vfio; see vfio.sh.
 */
#include <dirent.h>
#include <sys/wait.h>

#include <linux/vfio.h>

#include "rawvm.h"

/* Writes its caches back, counts, ends KVM_RUN. */
GUEST_CODE(wbinvd_code, "1: wbinvd\n"
			"incl 0x2000\n"
			"out %al, $0x50\n"
			"jmp 1b");

static int new_vm(void)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0)
		die("KVM_CREATE_VM");
	return vm;
}

/* Return the errno, or 0 and the descriptor in @fd. */
static int create(int vm, uint32_t type, uint32_t flags, int *fd)
{
	struct kvm_create_device device = { .type = type, .fd = ~0u, .flags = flags };

	if (ioctl(vm, KVM_CREATE_DEVICE, &device))
		return errno;
	*fd = device.fd;
	return 0;
}

static int new_device(int vm)
{
	int fd = -1;
	int error = create(vm, KVM_DEV_TYPE_VFIO, 0, &fd);

	if (error) {
		errno = error;
		die("KVM_CREATE_DEVICE");
	}
	return fd;
}

static int attribute(int device, unsigned long request, uint32_t group, uint64_t attr,
		     const void *user)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)user };

	return ioctl(device, request, &a) ? errno : 0;
}

static int change(int device, uint64_t attr, int fd)
{
	int32_t value = fd;

	return attribute(device, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, attr, &value);
}

static int add(int device, int fd)
{
	return change(device, KVM_DEV_VFIO_GROUP_ADD, fd);
}

static int del(int device, int fd)
{
	return change(device, KVM_DEV_VFIO_GROUP_DEL, fd);
}

static void test_creation(void)
{
	int vm = new_vm(), device = -1, other = -1;

	/* Before 6.4 the in-tree KVM on x86 has the ioctl, but not the capability. */
	if (on_oriel())
		check_equal(extension(KVM_CAP_DEVICE_CTRL), 1, "KVM_CAP_DEVICE_CTRL");
	check_equal(create(vm, 0, 0, &other), ENODEV, "no type");
	check_equal(create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &other), ENODEV, "a type of Arm's");
	check_equal(create(vm, ~0u, 0, &other), ENODEV, "an impossible type");
	check_equal(create(vm, ~0u, KVM_CREATE_DEVICE_TEST, &other), ENODEV, "a test of it");
	check_equal(create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST, &other), 0, "a test");
	check_equal(other, -1, "descriptor of a test");
	check_equal(create(vm, KVM_DEV_TYPE_VFIO, 0, &device), 0, "VFIO");
	check(device >= 0 && fcntl(device, F_GETFD) == FD_CLOEXEC, "a descriptor, close-on-exec");
	check_equal(create(vm, KVM_DEV_TYPE_VFIO, 0, &other), EBUSY, "a second one");
	check_equal(create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST, &other), 0,
		    "a test besides");
	close(device);
	/* KVM before 6.5 keeps the device until the VM ends. */
	if (on_oriel()) {
		check_equal(create(vm, KVM_DEV_TYPE_VFIO, 0, &device), 0, "after the first's end");
		close(device);
	}
	close(vm);
}

static void test_attributes(void)
{
	int vm = new_vm(), device = new_device(vm);
	int32_t fd = -1;

	for (uint64_t attr = KVM_DEV_VFIO_GROUP_ADD; attr <= KVM_DEV_VFIO_GROUP_DEL; attr++) {
		check_equal(attribute(device, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, attr, NULL),
			    0, "an attribute");
		check_equal(attribute(device, KVM_GET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, attr, &fd),
			    EPERM, "its value");
		check_equal(attribute(device, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, attr, NULL),
			    EFAULT, "no memory");
		check_equal(change(device, attr, -1), EBADF, "no descriptor");
		check_equal(attribute(device, KVM_SET_DEVICE_ATTR, 0, attr, &fd), ENXIO,
			    "another group");
		check_equal(attribute(device, KVM_HAS_DEVICE_ATTR, 2, attr, &fd), ENXIO,
			    "has another group");
	}
	check_equal(attribute(device, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, 0, NULL), ENXIO,
		    "has attribute 0");
	/* Attribute 3 belongs to another architecture. */
	check_equal(attribute(device, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, 3, NULL), ENXIO,
		    "has attribute 3");
	check_equal(change(device, 3, -1), ENXIO, "attribute 3");
	check_equal(change(device, 1ull << 32 | KVM_DEV_VFIO_GROUP_ADD, -1), ENXIO, "a large one");
	check(ioctl(device, KVM_SET_DEVICE_ATTR, NULL) && errno == EFAULT, "no structure");
	check(ioctl(device, KVM_GET_API_VERSION, 0) && errno == ENOTTY, "another ioctl");
	close(device);
	close(vm);
}

static void test_other_files(void)
{
	int vm = new_vm(), device = new_device(vm);
	int files[] = { vm, device, kvm, STDIN_FILENO };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		check_equal(add(device, files[i]), EINVAL, "adding a file that is not VFIO's");
		check_equal(del(device, files[i]), ENOENT, "removing what was not added");
	}
	close(device);
	close(vm);
}

static void test_other_address_space(void)
{
	int vm = new_vm(), device = new_device(vm), status = 0;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (!child)
		_exit(add(device, -1) == EIO ? 0 : 1);
	check(waitpid(child, &status, 0) == child && !status, "EIO in another process");
	close(device);
	close(vm);
}

static void test_outlives_the_vm_descriptor(void)
{
	int vm = new_vm(), device = new_device(vm);

	close(vm);
	check_equal(add(device, -1), EBADF, "no descriptor");
	check_equal(add(device, kvm), EINVAL, "adding a file that is not VFIO's");
	close(device);
}

static void expect_round(const struct machine *m, const char *when)
{
	uint32_t before = peek(ram_u32(m, DATA));

	for (uint32_t i = 1; i <= 2; i++) {
		expect_port(m, run(m, 0), 0x50, when);
		check_equal(peek(ram_u32(m, DATA)), before + i, when);
	}
}

static struct machine wbinvd_machine(void)
{
	struct machine m = new_machine(1, false, wbinvd_code, wbinvd_code_end);
	struct kvm_regs regs = { .rip = CODE };

	set_regs(&m, 0, &regs);
	return m;
}

static void test_wbinvd(void)
{
	struct machine m = wbinvd_machine();

	expect_round(&m, "WBINVD");
	free_machine(&m);
}

/* Open the first group that has a driver of VFIO's, or return -1. */
static int open_group(void)
{
	DIR *dir = opendir("/dev/vfio");
	struct dirent *entry;
	char path[300];
	int group = -1;

	while (dir && group < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/dev/vfio/%s", entry->d_name);
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			group = open(path, O_RDWR | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return group;
}

/* Make a container with the group in it: only then VFIO knows whether it is coherent. */
static int new_container(int group)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	if (container < 0)
		die("/dev/vfio/vfio");
	MUST(group, VFIO_GROUP_SET_CONTAINER, &container);
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
	printf("# DMA is %scoherent\n",
	       ioctl(container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU) > 0 ? "" : "not ");
	return container;
}

static void test_group(void)
{
	int group = open_group(), container, device;
	struct machine m;

	if (group < 0) {
		skipped = "this host has given no device to VFIO";
		return;
	}
	container = new_container(group);
	m = wbinvd_machine();
	device = new_device(m.vm);
	expect_round(&m, "before");
	check_equal(del(device, group), ENOENT, "removing it too early");
	check_equal(add(device, group), 0, "adding a group");
	check_equal(add(device, group), EEXIST, "adding it again");
	expect_round(&m, "with a group");
	check_equal(del(device, group), 0, "removing it");
	check_equal(del(device, group), ENOENT, "removing it again");
	expect_round(&m, "without it");
	check_equal(add(device, group), 0, "adding it anew");
	close(device);
	expect_round(&m, "without the device");
	free_machine(&m);
	close(container);
	close(group);
}

static const struct test tests[] = {
	TEST(creation),
	TEST(attributes),
	TEST(other_files),
	TEST(other_address_space),
	TEST(outlives_the_vm_descriptor),
	TEST(wbinvd),
	TEST(group),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
