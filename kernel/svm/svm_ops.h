/* SPDX-License-Identifier: GPL-2.0-only */
/* The one symbol of this folder that the rest of the module knows. */
#ifndef ORIEL_SVM_OPS_H
#define ORIEL_SVM_OPS_H

struct vendor_ops;

extern const struct vendor_ops svm_ops;

#endif
