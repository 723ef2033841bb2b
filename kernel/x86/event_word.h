/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The word in which both vendors describe an event. On VT-x it is the VM-entry interruption
 * information, the VM-exit interruption information and the IDT-vectoring information (SDM 3C
 * tables 25-17, 25-19 and 25-20). On AMD-V it is the low half of EVENTINJ and EXITINTINFO
 * (APM 2 15.20). Pure: also serves userspace tests.
 */
#ifndef ORIEL_EVENT_WORD_H
#define ORIEL_EVENT_WORD_H

#include <linux/bits.h>

#define EVENT_WORD_VECTOR GENMASK(7, 0)
#define EVENT_WORD_TYPE GENMASK(10, 8)
#define EVENT_WORD_ERROR_CODE BIT(11) /* the event has an error code */
#define EVENT_WORD_VALID BIT(31)

/* Types. AMD-V has only the first four. */
#define EVENT_WORD_INTERRUPT (0 << 8) /* from outside the CPU */
#define EVENT_WORD_NMI (2 << 8)
#define EVENT_WORD_EXCEPTION (3 << 8) /* VT-x: a hardware exception */
#define EVENT_WORD_SOFT_INTERRUPT (4 << 8) /* INT n */
#define EVENT_WORD_PRIVILEGED_SOFT_EXCEPTION (5 << 8) /* INT1 */
#define EVENT_WORD_SOFT_EXCEPTION (6 << 8) /* INT3 or INTO */
#define EVENT_WORD_OTHER_EVENT (7 << 8)

#endif
