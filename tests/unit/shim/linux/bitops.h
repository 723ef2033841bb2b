/* SPDX-License-Identifier: GPL-2.0-only */
/* Single bits and bit searches, for userspace unit tests. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define BITS_PER_LONG 64
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned long nr, const unsigned long *addr)
{
	return READ_ONCE(addr[nr / BITS_PER_LONG]) >> (nr % BITS_PER_LONG) & 1;
}

static inline bool test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	unsigned long bit = BIT(nr % BITS_PER_LONG);

	return __atomic_fetch_or(&addr[nr / BITS_PER_LONG], bit, __ATOMIC_SEQ_CST) & bit;
}

static inline bool test_and_clear_bit(unsigned long nr, unsigned long *addr)
{
	unsigned long bit = BIT(nr % BITS_PER_LONG);

	return __atomic_fetch_and(&addr[nr / BITS_PER_LONG], ~bit, __ATOMIC_SEQ_CST) & bit;
}

#define set_bit(nr, addr) ((void)test_and_set_bit(nr, addr))
#define clear_bit(nr, addr) ((void)test_and_clear_bit(nr, addr))
#define __set_bit(nr, addr) set_bit(nr, addr)
#define __clear_bit(nr, addr) clear_bit(nr, addr)

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline unsigned long __fls(unsigned long x)
{
	return BITS_PER_LONG - 1 - (unsigned long)__builtin_clzl(x);
}

static inline unsigned long __ffs(unsigned long x)
{
	return (unsigned long)__builtin_ctzl(x);
}

static inline unsigned int hweight32(u32 x)
{
	return (unsigned int)__builtin_popcount(x);
}

static inline unsigned long hweight64(u64 x)
{
	return (unsigned long)__builtin_popcountll(x);
}

#define for_each_set_bit(bit, addr, size)        \
	for ((bit) = 0; (bit) < (size); (bit)++) \
		if (!test_bit(bit, addr)) {      \
		} else

static inline unsigned long shim_bit_from(unsigned long word, unsigned long from, bool set)
{
	while (from < BITS_PER_LONG && (word >> from & 1) != set)
		from++;
	return from;
}

/* Of one word only. */
#define for_each_set_bitrange(from, to, addr, size)                                                \
	for ((from) = shim_bit_from(*(addr), 0, true), (to) = shim_bit_from(*(addr), from, false); \
	     (from) < (size); (from) = shim_bit_from(*(addr), to, true),                           \
	    (to) = shim_bit_from(*(addr), from, false))

#endif
