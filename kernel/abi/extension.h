/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_CHECK_EXTENSION and ORIEL_CHECK_EXTENSION: what is announced to clients.
 */
#ifndef ORIEL_EXTENSION_H
#define ORIEL_EXTENSION_H

/**
 * extension_check() - KVM_CHECK_EXTENSION, on the node and on a VM
 * @cap: KVM_CAP_*
 *
 * Return: 0 for what is absent, else 1 or the number that the ABI documents.
 */
int extension_check(unsigned long cap);

/**
 * extension_check_own() - ORIEL_CHECK_EXTENSION, on the node
 * @cap: ORIEL_CAP_*
 *
 * Return: 0 for what is absent, else 1 or the number that uapi/oriel.h documents.
 */
int extension_check_own(unsigned long cap);

#endif
