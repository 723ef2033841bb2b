/* SPDX-License-Identifier: GPL-2.0-only */
/* 64-bit division and widening multiplication, for userspace unit tests. */
#ifndef SHIM_LINUX_MATH64_H
#define SHIM_LINUX_MATH64_H

#include <linux/types.h>

#define div64_u64(n, d) ((u64)(n) / (u64)(d))
#define div_u64(n, d) ((u64)(n) / (u32)(d))
#define div_u64_rem(n, d, r) (*(r) = (u32)((u64)(n) % (u32)(d)), (u64)(n) / (u32)(d))
#define div64_u64_rem(n, d, r) (*(r) = (u64)(n) % (u64)(d), (u64)(n) / (u64)(d))
#define mul_u64_u32_div(a, mul, d) ((u64)((unsigned __int128)(a) * (u32)(mul) / (u32)(d)))
#define mul_u64_u64_div_u64(a, b, c) ((u64)((unsigned __int128)(u64)(a) * (u64)(b) / (u64)(c)))
#define mul_u64_u64_shr(a, b, s) ((u64)(((unsigned __int128)(u64)(a) * (u64)(b)) >> (s)))
#define mul_u64_u32_shr(a, b, s) ((u64)(((unsigned __int128)(u64)(a) * (u32)(b)) >> (s)))

#endif
