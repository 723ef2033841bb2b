/* SPDX-License-Identifier: GPL-2.0-only */
/* Basic exit reasons (SDM 3D appendix C): those of <asm/vmx.h>, and the ones that it lacks. */
#ifndef ORIEL_VMX_EXIT_REASON_H
#define ORIEL_VMX_EXIT_REASON_H

#include <uapi/asm/vmx.h>

#define EXIT_REASON_IO_SMI 5
#define EXIT_REASON_OTHER_SMI 6
#define EXIT_REASON_GETSEC 11
#define EXIT_REASON_RSM 17
#define EXIT_REASON_PCONFIG 65
#define EXIT_REASON_SPP 66
#define EXIT_REASON_LOADIWKEY 69
#define EXIT_REASON_ENCLV 70
#define EXIT_REASON_ENQCMD_PASID 72
#define EXIT_REASON_ENQCMDS_PASID 73
#define EXIT_REASON_SEAMCALL 76
#define EXIT_REASON_TDCALL 77
#define EXIT_REASON_MSRLIST_READ 78
#define EXIT_REASON_MSRLIST_WRITE 79

#endif
