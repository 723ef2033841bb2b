// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vendor in use, and its operations as static calls.
 */
#include "core/vendor.h"

const struct vendor_ops *vendor;

#define VENDOR_OP(type, name, ...) DEFINE_STATIC_CALL_NULL(vendor_##name, *vendor->name);
#include "core/vendor_ops.h"
#undef VENDOR_OP

void vendor_install(const struct vendor_ops *ops)
{
	vendor = ops;
#define VENDOR_OP(type, name, ...) static_call_update(vendor_##name, ops->name);
#include "core/vendor_ops.h"
#undef VENDOR_OP
}
