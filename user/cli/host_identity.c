// SPDX-License-Identifier: GPL-2.0-only
/* Prints the identity of this machine. */
#include "cli/host_identity.h"

#include "cli/module_load.h"

#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HYPERVISOR_LEAF 0x40000000
#define AMD_SVM_LEAF 0x8000000a

/* The first line of a file, without its newline, or @missing. */
static void first_line(const char *path, char *line, size_t size, const char *missing)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, (int)size, file))
		snprintf(line, size, "%s", missing);
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

/* Return: true if the CPU says that a hypervisor is below; *@name becomes that one's name. */
static bool has_hypervisor(char name[13])
{
	unsigned int eax, ebx, ecx, edx, words[3];

	memset(name, 0, 13);
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & (1U << 31)))
		return false;
	__cpuid(HYPERVISOR_LEAF, eax, words[0], words[1], words[2]);
	memcpy(name, words, sizeof(words));
	return true;
}

const char *host_identity_emulator(void)
{
	const char *lab = getenv("ORIEL_LAB");
	char name[13];

	/* Bochs has no CPUID leaf of its own. */
	if (lab && (!strcmp(lab, "intel") || !strcmp(lab, "amd-bochs")))
		return "bochs";
	return has_hypervisor(name) && !strcmp(name, "TCGTCGTCGTCG") ? "tcg" : "real";
}

void host_identity_print_cpu(FILE *out, FILE *cpuinfo)
{
	static const char *const keys[] = {
		"vendor_id",  "cpu family", "model",	 "stepping",
		"model name", "microcode",  "vmx flags",
	};
	char line[4096];

	/* An empty line ends the part of the first CPU. */
	while (fgets(line, sizeof(line), cpuinfo) && line[0] != '\n') {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		line[strcspn(line, "\t")] = '\0';
		value += strspn(value, " ");
		value[strcspn(value, "\n")] = '\0';
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			if (!strcmp(line, keys[i]))
				fprintf(out, "# %s: %s\n", line, value);
		}
	}
}

static void print_svm_features(FILE *out)
{
	unsigned int eax, ebx, ecx, edx;

	/* On an Intel CPU this leaf is absent or zero. */
	if (__get_cpuid(AMD_SVM_LEAF, &eax, &ebx, &ecx, &edx) && edx)
		fprintf(out, "# SVM features (CPUID 8000000Ah EDX): 0x%08x\n", edx);
}

static void print_hypervisor(FILE *out)
{
	const char *emulator = host_identity_emulator();
	char name[13];

	if (!has_hypervisor(name))
		fprintf(out, "# hypervisor bit: clear");
	else
		fprintf(out, "# hypervisor bit: set, by \"%s\"", name);
	if (strcmp(emulator, "real"))
		fprintf(out, " (emulated CPU: %s)", emulator);
	fputc('\n', out);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The CPU's vulnerabilities: a line for each that it has, and one line for all others. */
static void print_mitigations(FILE *out)
{
	static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort), others = 0;

	if (count < 0) {
		fprintf(out, "# vulnerabilities: %s: %s\n", folder, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		char path[512], line[256];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		first_line(path, line, sizeof(line), "unknown");
		if (strcmp(line, "Not affected")) {
			fprintf(out, "# vulnerability %s: %s\n", entries[i]->d_name, line);
			free(entries[i]);
		} else {
			entries[others++] = entries[i];
		}
	}
	fprintf(out, "# not affected by:");
	for (int i = 0; i < others; i++) {
		fprintf(out, " %s", entries[i]->d_name);
		free(entries[i]);
	}
	fprintf(out, "\n");
	free(entries);
}

/* The ID that the linker has given to the loaded module: a note of 16 bytes, then the ID. */
static void print_build_id(FILE *out)
{
	FILE *note = fopen("/sys/module/oriel/notes/.note.gnu.build-id", "re");
	unsigned char bytes[64];
	size_t size;

	if (!note)
		return;
	size = fread(bytes, 1, sizeof(bytes), note);
	fclose(note);
	fprintf(out, ", build ID ");
	for (size_t i = 16; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void print_module(FILE *out, const char *module)
{
	char version[128];

	if (!module_is_loaded()) {
		fprintf(out, "# module: not loaded\n");
		return;
	}
	fprintf(out, "# module: %s", module ? module : "was loaded before");
	first_line("/sys/module/oriel/version", version, sizeof(version), "");
	if (version[0])
		fprintf(out, ", version %s", version);
	print_build_id(out);
	fputc('\n', out);
}

void host_identity_print(FILE *out, const char *module)
{
	FILE *cpuinfo = fopen("/proc/cpuinfo", "re");
	struct utsname kernel;
	char smt[64];

	if (!uname(&kernel))
		fprintf(out, "# kernel: %s %s %s\n", kernel.sysname, kernel.release,
			kernel.version);
	if (cpuinfo) {
		host_identity_print_cpu(out, cpuinfo);
		fclose(cpuinfo);
	}
	print_svm_features(out);
	print_hypervisor(out);
	first_line("/sys/devices/system/cpu/smt/control", smt, sizeof(smt), "unknown");
	fprintf(out, "# CPUs: %ld, SMT %s\n", sysconf(_SC_NPROCESSORS_ONLN), smt);
	print_mitigations(out);
	print_module(out, module);
}
