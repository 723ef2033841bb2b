/* SPDX-License-Identifier: GPL-2.0-only */
/* The codes of AMD-V's exits, for userspace unit tests. */
#ifndef SHIM_UAPI_ASM_SVM_H
#define SHIM_UAPI_ASM_SVM_H

#include <asm/svm.h>

#endif
