// SPDX-License-Identifier: GPL-2.0-only
/* Prints the facts about this machine and, for each part that is missing, a command that helps. */
#include "cli/host_facts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void line(FILE *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
}

static bool report_cpu(const struct host_facts *facts, FILE *out)
{
	const char *name = facts->vendor == HOST_VENDOR_AMD ? "AMD-V" : "VT-x";
	const char *paging = facts->vendor == HOST_VENDOR_AMD ? "nested paging" :
								"EPT and unrestricted guest";

	if (facts->vendor == HOST_VENDOR_OTHER || !facts->has_virtualization) {
		line(out, "missing  CPU: it has neither AMD-V nor VT-x, or a hypervisor hides it; "
			  "type: make demo (an emulated host)");
		return false;
	}
	if (facts->nested_paging_known && !facts->has_nested_paging) {
		line(out, "missing  CPU: %s, but no %s; type: make demo (an emulated host)", name,
		     paging);
		return false;
	}
	line(out, "ok       CPU: %s%s%s", name, facts->nested_paging_known ? " with " : "",
	     facts->nested_paging_known ? paging : "");
	return true;
}

static bool report_firmware(const struct host_facts *facts, FILE *out)
{
	const char *setting = facts->vendor == HOST_VENDOR_AMD ? "SVM Mode" :
								 "Intel Virtualization Technology";

	if (facts->firmware == HOST_FIRMWARE_DISABLED ||
	    (facts->firmware == HOST_FIRMWARE_UNKNOWN && !facts->kernel_sees_it)) {
		line(out,
		     "missing  firmware: it has disabled virtualization; type: "
		     "systemctl reboot --firmware-setup, and enable \"%s\"",
		     setting);
		return false;
	}
	if (facts->firmware == HOST_FIRMWARE_UNKNOWN)
		line(out, "ok       firmware: the kernel sees virtualization (for certainty, as "
			  "root: modprobe msr)");
	else
		line(out, "ok       firmware: virtualization is enabled");
	return true;
}

static bool report_module(const struct host_facts *facts, FILE *out)
{
	if (facts->module_loaded) {
		line(out, "ok       module: oriel is loaded");
		return true;
	}
	if (facts->kvm_module)
		line(out, "missing  CPU is held by the in-tree KVM; type: sudo modprobe -r %s",
		     facts->kvm_module);
	line(out, "missing  module: not loaded; type: sudo insmod oriel.ko");
	return false;
}

static bool report_node(const struct host_facts *facts, FILE *out)
{
	const char *node = facts->node;

	switch (facts->node_error) {
	case 0:
		break;
	case EACCES:
	case EPERM:
		line(out,
		     "missing  node: no permission on %s; type: sudo usermod -aG kvm $USER, and "
		     "log in again (make install has the udev rule for that group)",
		     node);
		return false;
	case ENOENT:
		line(out, "missing  node: %s is not there%s", node,
		     facts->module_loaded ? "; type: sudo udevadm trigger" : "");
		return false;
	default:
		line(out, "missing  node: %s: %s; type: sudo dmesg", node,
		     strerror(facts->node_error));
		return false;
	}
	if (!facts->node_is_kvm_abi || facts->vm_error) {
		line(out, "missing  node: %s %s%s; type: sudo dmesg", node,
		     facts->node_is_kvm_abi ? "makes no VM: " : "does not speak the KVM ABI",
		     facts->node_is_kvm_abi ? strerror(facts->vm_error) : "");
		return false;
	}
	line(out, "ok       node: %s makes VMs", node);
	return true;
}

bool host_facts_report(const struct host_facts *facts, FILE *out)
{
	bool cpu = report_cpu(facts, out);
	bool firmware = cpu && report_firmware(facts, out);
	bool module = report_module(facts, out);
	bool node = report_node(facts, out);
	/* If the node makes VMs, nothing else can be missing. */
	bool good = node || (cpu && firmware && module && node);

	line(out, good ? "This machine can run guests." : "This machine cannot run guests yet.");
	return good;
}
