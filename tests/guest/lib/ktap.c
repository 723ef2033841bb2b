// SPDX-License-Identifier: GPL-2.0-only
/*
 * KTAP on the serial port, and the end through the exit port.
 */
#include <stdarg.h>

#include "guest.h"

static unsigned int cases, failures;

static void put(char c)
{
	/* Transmitter empty; bounded, for a machine without a serial port. */
	for (int i = 0; i < 10000 && !(in8(SERIAL_PORT + 5) & 0x20); i++)
		cpu_relax();
	out8(SERIAL_PORT, c);
}

static void put_string(const char *s, int width)
{
	for (; *s; s++, width--)
		put(*s);
	while (width-- > 0)
		put(' ');
}

static void put_number(u64 value, unsigned int base, bool negative, int width, char pad)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		put('-');
	for (int i = n; i < width; i++)
		put(pad);
	while (n)
		put(digits[--n]);
}

static void vprint(const char *fmt, va_list args)
{
	for (; *fmt; fmt++) {
		int width = 0, longs = 0;
		char pad = ' ';
		s64 value;

		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		if (*++fmt == '0')
			pad = *fmt++;
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		for (; *fmt == 'l'; fmt++)
			longs++;
		switch (*fmt) {
		case 'd':
			value = longs ? va_arg(args, s64) : va_arg(args, int);
			put_number(value < 0 ? -(u64)value : (u64)value, 10, value < 0, width, pad);
			break;
		case 'u':
		case 'x':
			put_number(longs ? va_arg(args, u64) : va_arg(args, u32),
				   *fmt == 'x' ? 16 : 10, false, width, pad);
			break;
		case 'c':
			put(va_arg(args, int));
			break;
		case 's':
			put_string(va_arg(args, const char *), width);
			break;
		default:
			put(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
}

static void result(bool ok, const char *fmt, va_list args)
{
	if (!cases++)
		print("KTAP version 1\n");
	if (!ok)
		failures++;
	print("%s %u ", ok ? "ok" : "not ok", cases);
	vprint(fmt, args);
}

bool report(bool ok, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	result(ok, fmt, args);
	va_end(args);
	put('\n');
	return ok;
}

bool report_eq(u64 got, u64 want, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	result(got == want, fmt, args);
	va_end(args);
	put('\n');
	if (got != want)
		print("# got 0x%lx, expected 0x%lx\n", got, want);
	return got == want;
}

void report_skip(const char *reason, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	result(true, fmt, args);
	va_end(args);
	print(" # SKIP %s\n", reason);
}

bool report_known(u64 got, u64 want, const char *excuse, const char *fmt, ...)
{
	bool excused = got != want && excuse;
	va_list args;

	va_start(args, fmt);
	result(got == want || excused, fmt, args);
	va_end(args);
	if (excused)
		print(" # SKIP %s", excuse);
	put('\n');
	if (got != want)
		print("# got 0x%lx, expected 0x%lx\n", got, want);
	return got == want;
}

const char *tcg_fault(const char *what)
{
	return host_is_tcg() ? what : NULL;
}

const char *bochs_svm_fault(const char *what)
{
	return host_is_bochs() && vendor_is_amd() ? what : NULL;
}

const char *bochs_vmx_fault(const char *what)
{
	return host_is_bochs() && !vendor_is_amd() ? what : NULL;
}

const char *kvm_fault(const char *what)
{
	return on_kvm() ? what : NULL;
}

void guest_exit(u8 status)
{
	out8(EXIT_PORT, status);
	for (;;)
		asm volatile("cli; hlt");
}

void finish(void)
{
	if (early_interrupts)
		report_known(early_interrupts, 0,
			     tcg_fault("QEMU's TCG forgets the shadow of STI at VMRUN"),
			     "no interrupt between STI and HLT");
	print("1..%u\n", cases);
	guest_exit(failures ? EXIT_FAILED : EXIT_PASSED);
}
