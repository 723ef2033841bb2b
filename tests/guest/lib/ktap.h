/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's results: KTAP lines on the serial port, and the exit status through the exit
 * port.
 */
#ifndef GUEST_KTAP_H
#define GUEST_KTAP_H

#include "cpu.h"

#define SERIAL_PORT 0x3f8
#define EXIT_PORT 0xf4

/* Exit statuses. */
#define EXIT_PASSED 0
#define EXIT_FAILED 1
#define EXIT_UNEXPECTED 2

#define FORMAT(string, first) __attribute__((format(printf, string, first)))

/* %c %s %d %u %x and the l modifier, with width and zero padding. */
void print(const char *fmt, ...) FORMAT(1, 2);

/* One result line; true when @ok, so that a guest can stop on a failure. */
bool report(bool ok, const char *fmt, ...) FORMAT(2, 3);

/* Like report(got == want), and tells both when they differ. */
bool report_eq(u64 got, u64 want, const char *fmt, ...) FORMAT(3, 4);

/* A case that cannot be shown here; @reason says why. */
void report_skip(const char *reason, const char *fmt, ...) FORMAT(2, 3);

/*
 * Like report_eq(), but a case that fails and has an @excuse (not NULL) is skipped
 * with it. Excuses are for known faults of what Oriel is tested with, never for
 * Oriel: tcg_fault() and its like give one only where that fault is.
 */
bool report_known(u64 got, u64 want, const char *excuse, const char *fmt, ...) FORMAT(4, 5);

/* @what on an emulated host, else NULL. */
const char *tcg_fault(const char *what);

/* @what in Bochs, under SVM or VMX, else NULL. */
const char *bochs_svm_fault(const char *what);
const char *bochs_vmx_fault(const char *what);

/* @what on the kernel's own KVM, else NULL. */
const char *kvm_fault(const char *what);

/* Prints the plan and ends the guest. */
__attribute__((noreturn)) void finish(void);

/* Ends the guest with this status. */
__attribute__((noreturn)) void guest_exit(u8 status);

/* The guest itself. */
void guest_main(void);

#endif
