// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that runs before a guest's own, functions that the compiler calls, and questions of
 * several guests about their machine.
 */
#include "guest.h"

void *memset(void *to, int value, size_t size)
{
	u8 *p = to;

	while (size--)
		*p++ = value;
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	u8 *p = to;
	const u8 *q = from;

	while (size--)
		*p++ = *q++;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *p = a, *q = b;

	for (; size--; p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

void real_install(void)
{
	memcpy((void *)OPAQUE((u64)real_start), real_load, (u64)real_end - (u64)real_start);
}

bool vendor_is_amd(void)
{
	struct cpuid r = cpuid(0, 0);

	/* "Auth", "Hygo" */
	return r.ebx == 0x68747541 || r.ebx == 0x6f677948;
}

/*
 * tests/guest/run names the host and its hypervisor on the command line. CPUID cannot: it is the
 * same on Oriel and on KVM, and does not name the emulator of the host.
 */
bool host_is_tcg(void)
{
	return cmdline_has("host=tcg");
}

bool host_is_bochs(void)
{
	return cmdline_has("host=bochs");
}

bool on_kvm(void)
{
	return cmdline_has("hypervisor=kvm");
}

u32 kvm_features(void)
{
	struct cpuid r = cpuid(0x40000000, 0);

	if (!(cpuid(1, 0).ecx & BIT(31)) || memcmp(&r.ebx, "KVMKVMKVM\0\0\0", 12))
		return 0;
	return cpuid(0x40000001, 0).eax;
}

unsigned int physical_bits(void)
{
	return cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

void guest_start(void)
{
	trap_init();
	page_init();
	pic_init(0x20);
	guest_main();
	finish();
}
