// SPDX-License-Identifier: GPL-2.0-only
/* oriel check: for each part that can be missing, the line that says what to type. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/host_facts.h"

static const struct host_facts good = {
	.vendor = HOST_VENDOR_AMD,
	.has_virtualization = true,
	.has_nested_paging = true,
	.nested_paging_known = true,
	.kernel_sees_it = true,
	.firmware = HOST_FIRMWARE_ENABLED,
	.module_loaded = true,
	.node = "/dev/oriel",
	.node_is_kvm_abi = true,
};

static struct host_facts facts;

static int setup(void **state)
{
	(void)state;
	facts = good;
	return 0;
}

static void expect(bool result, const char *text)
{
	char *printed;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	assert_int_equal(host_facts_report(&facts, out), result);
	fclose(out);
	if (!strstr(printed, text))
		fail_msg("expected \"%s\" in: %s", text, printed);
	if (!result)
		assert_non_null(strstr(printed, "missing "));
	free(printed);
}

static void no_node(int error)
{
	facts.node_error = error;
	facts.node_is_kvm_abi = false;
}

static void test_all_is_there(void **state)
{
	(void)state;
	expect(true, "ok       CPU: AMD-V with nested paging");
	expect(true, "This machine can run guests.");
	facts.vendor = HOST_VENDOR_INTEL;
	expect(true, "VT-x with EPT and unrestricted guest");
}

static void test_no_cpu_support(void **state)
{
	(void)state;
	facts.has_virtualization = false;
	facts.module_loaded = false;
	no_node(ENOENT);
	expect(false, "neither AMD-V nor VT-x");
	expect(false, "type: make demo");
	expect(false, "cannot run guests yet");
	facts = good;
	facts.vendor = HOST_VENDOR_OTHER;
	no_node(ENOENT);
	expect(false, "neither AMD-V nor VT-x");
	facts = good;
	facts.has_nested_paging = false;
	no_node(ENOENT);
	expect(false, "AMD-V, but no nested paging");
}

static void test_disabled_by_firmware(void **state)
{
	(void)state;
	no_node(ENOENT);
	facts.module_loaded = false;
	facts.firmware = HOST_FIRMWARE_DISABLED;
	expect(false, "enable \"SVM Mode\"");
	/* When the MSR cannot be read, the kernel's flag decides. */
	facts.firmware = HOST_FIRMWARE_UNKNOWN;
	facts.kernel_sees_it = false;
	expect(false, "type: systemctl reboot --firmware-setup");
	facts.vendor = HOST_VENDOR_INTEL;
	expect(false, "enable \"Intel Virtualization Technology\"");
	facts.kernel_sees_it = true;
	expect(false, "modprobe msr");
}

static void test_module_not_loaded(void **state)
{
	(void)state;
	facts.module_loaded = false;
	no_node(ENOENT);
	expect(false, "type: sudo insmod oriel.ko");
	facts.kvm_module = "kvm_amd";
	expect(false, "held by the in-tree KVM; type: sudo modprobe -r kvm_amd");
}

static void test_node(void **state)
{
	(void)state;
	no_node(EACCES);
	expect(false, "type: sudo usermod -aG kvm $USER");
	no_node(ENOENT);
	expect(false, "/dev/oriel is not there; type: sudo udevadm trigger");
	no_node(EIO);
	expect(false, "Input/output error");
	facts = good;
	facts.node_is_kvm_abi = false;
	expect(false, "does not speak the KVM ABI; type: sudo dmesg");
	facts = good;
	facts.vm_error = ENOMEM;
	expect(false, "makes no VM: Cannot allocate memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_is_there, setup),
		cmocka_unit_test_setup(test_no_cpu_support, setup),
		cmocka_unit_test_setup(test_disabled_by_firmware, setup),
		cmocka_unit_test_setup(test_module_not_loaded, setup),
		cmocka_unit_test_setup(test_node, setup),
	};

	return cmocka_run_group_tests_name("host_report", tests, NULL, NULL);
}
