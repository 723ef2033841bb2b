// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exception whose stack has no memory cannot be delivered. The launcher must end with its
 * status for a guest that crashed, which tests/guest/run expects, instead of trying for ever.
 */
#include "guest.h"

void guest_main(void)
{
	report(true, "up to the exception");
	print("1..1\n");
	tss.ist[0] = 0xd0001000;
	trap_use_ist(VEC_UD, 1);
	asm volatile("ud2");
	guest_exit(EXIT_PASSED);
}
