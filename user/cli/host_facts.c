// SPDX-License-Identifier: GPL-2.0-only
/* Collects the facts about this machine: its CPU, firmware, modules and node. */
#include "cli/host_facts.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* APM 3 appendix E; SDM 2A CPUID */
#define AMD_FEATURES 0x80000001
#define AMD_FEATURES_ECX_SVM (1U << 2)
#define AMD_SVM_LEAF 0x8000000a
#define AMD_SVM_EDX_NPT (1U << 0)
#define INTEL_FEATURES_ECX_VMX (1U << 5)

#define MSR_VM_CR 0xc0010114 /* APM 2 15.30.1 */
#define VM_CR_SVMDIS (1ULL << 4)
#define MSR_FEATURE_CONTROL 0x3a /* SDM 3C 24.7 */
#define FEATURE_CONTROL_LOCKED (1ULL << 0)
#define FEATURE_CONTROL_VMX (1ULL << 2)
#define MSR_VMX_PROCBASED_CTLS 0x482 /* SDM 3D A.3.2 and A.3.3 */
#define MSR_VMX_PROCBASED_CTLS2 0x48b
#define PROCBASED_SECONDARY (1ULL << 63)
#define PROCBASED2_EPT (1ULL << (32 + 1))
#define PROCBASED2_UNRESTRICTED (1ULL << (32 + 7))

static bool read_msr(uint32_t index, uint64_t *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = pread(fd, value, sizeof(*value), index) == sizeof(*value);
	close(fd);
	return done;
}

static enum host_vendor find_vendor(void)
{
	unsigned int eax, words[3];
	char name[13] = "";

	if (!__get_cpuid(0, &eax, &words[0], &words[2], &words[1]))
		return HOST_VENDOR_OTHER;
	memcpy(name, words, sizeof(words));
	if (!strcmp(name, "AuthenticAMD") || !strcmp(name, "HygonGenuine"))
		return HOST_VENDOR_AMD;
	return strcmp(name, "GenuineIntel") ? HOST_VENDOR_OTHER : HOST_VENDOR_INTEL;
}

static void find_amd(struct host_facts *facts)
{
	unsigned int eax, ebx, ecx, edx;
	uint64_t vm_cr;

	facts->has_virtualization = __get_cpuid(AMD_FEATURES, &eax, &ebx, &ecx, &edx) &&
				    ecx & AMD_FEATURES_ECX_SVM;
	facts->nested_paging_known = true;
	facts->has_nested_paging = __get_cpuid(AMD_SVM_LEAF, &eax, &ebx, &ecx, &edx) &&
				   edx & AMD_SVM_EDX_NPT;
	if (facts->has_virtualization && read_msr(MSR_VM_CR, &vm_cr))
		facts->firmware = vm_cr & VM_CR_SVMDIS ? HOST_FIRMWARE_DISABLED :
							 HOST_FIRMWARE_ENABLED;
}

/* Return: true when the word @flag is in /proc/cpuinfo. */
static bool cpuinfo_has(const char *flag)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char word[64];
	bool found = false;

	if (!file)
		return false;
	while (!found && fscanf(file, "%63s", word) == 1)
		found = !strcmp(word, flag);
	fclose(file);
	return found;
}

static void find_intel_paging(struct host_facts *facts)
{
	const uint64_t both = PROCBASED2_EPT | PROCBASED2_UNRESTRICTED;
	uint64_t primary, secondary = 0;

	if (!read_msr(MSR_VMX_PROCBASED_CTLS, &primary)) {
		/* If the kernel lists vmx, it lists these two flags as well. */
		facts->nested_paging_known = cpuinfo_has("vmx");
		facts->has_nested_paging = cpuinfo_has("ept") && cpuinfo_has("unrestricted_guest");
		return;
	}
	facts->nested_paging_known = true;
	facts->has_nested_paging = primary & PROCBASED_SECONDARY &&
				   read_msr(MSR_VMX_PROCBASED_CTLS2, &secondary) &&
				   (secondary & both) == both;
}

static void find_intel(struct host_facts *facts)
{
	const uint64_t both = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX;
	unsigned int eax, ebx, ecx, edx;
	uint64_t control;

	facts->has_virtualization = __get_cpuid(1, &eax, &ebx, &ecx, &edx) &&
				    ecx & INTEL_FEATURES_ECX_VMX;
	if (!facts->has_virtualization)
		return;
	/* An MSR that is not locked is good: the module enables VMX in it and locks it. */
	if (read_msr(MSR_FEATURE_CONTROL, &control))
		facts->firmware = (control & both) == FEATURE_CONTROL_LOCKED ?
					  HOST_FIRMWARE_DISABLED :
					  HOST_FIRMWARE_ENABLED;
	find_intel_paging(facts);
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static void find_modules(struct host_facts *facts)
{
	facts->module_loaded = node_of_module(facts->node);
	facts->kvm_module = NULL;
	if (exists("/sys/module/kvm_amd"))
		facts->kvm_module = "kvm_amd";
	else if (exists("/sys/module/kvm_intel"))
		facts->kvm_module = "kvm_intel";
}

static void find_node(struct host_facts *facts)
{
	int fd = open(facts->node, O_RDWR | O_CLOEXEC), vm;

	facts->node_error = fd < 0 ? errno : 0;
	if (fd < 0)
		return;
	facts->node_is_kvm_abi = ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION;
	vm = ioctl(fd, KVM_CREATE_VM, 0);
	facts->vm_error = vm < 0 ? errno : 0;
	if (vm >= 0)
		close(vm);
	close(fd);
}

void host_facts_gather(struct host_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->vendor = find_vendor();
	if (facts->vendor == HOST_VENDOR_AMD)
		find_amd(facts);
	else if (facts->vendor == HOST_VENDOR_INTEL)
		find_intel(facts);
	facts->kernel_sees_it = cpuinfo_has(facts->vendor == HOST_VENDOR_AMD ? "svm" : "vmx");
	find_modules(facts);
	find_node(facts);
}
