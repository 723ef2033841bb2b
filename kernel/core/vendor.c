// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vendor in use, and its operations as static calls.
 */
#include "core/vendor.h"

const struct vendor_ops *vendor;

DEFINE_STATIC_CALL_NULL(vendor_vcpu_create, *vendor->vcpu_create);
DEFINE_STATIC_CALL_NULL(vendor_vcpu_destroy, *vendor->vcpu_destroy);
DEFINE_STATIC_CALL_NULL(vendor_vcpu_reset, *vendor->vcpu_reset);
DEFINE_STATIC_CALL_NULL(vendor_vcpu_load, *vendor->vcpu_load);
DEFINE_STATIC_CALL_NULL(vendor_vcpu_put, *vendor->vcpu_put);
DEFINE_STATIC_CALL_NULL(vendor_enter, *vendor->enter);
DEFINE_STATIC_CALL_NULL(vendor_recover, *vendor->recover);
DEFINE_STATIC_CALL_NULL(vendor_handle_exit, *vendor->handle_exit);
DEFINE_STATIC_CALL_NULL(vendor_fetch, *vendor->fetch);
DEFINE_STATIC_CALL_NULL(vendor_commit, *vendor->commit);
DEFINE_STATIC_CALL_NULL(vendor_get_shadow, *vendor->get_shadow);
DEFINE_STATIC_CALL_NULL(vendor_set_shadow, *vendor->set_shadow);
DEFINE_STATIC_CALL_NULL(vendor_nmi_blocked, *vendor->nmi_blocked);
DEFINE_STATIC_CALL_NULL(vendor_set_nmi_blocked, *vendor->set_nmi_blocked);
DEFINE_STATIC_CALL_NULL(vendor_inject, *vendor->inject);
DEFINE_STATIC_CALL_NULL(vendor_request_window, *vendor->request_window);
DEFINE_STATIC_CALL_NULL(vendor_insn_length, *vendor->insn_length);
DEFINE_STATIC_CALL_NULL(vendor_get_msr, *vendor->get_msr);
DEFINE_STATIC_CALL_NULL(vendor_set_msr, *vendor->set_msr);
DEFINE_STATIC_CALL_NULL(vendor_filter_msrs, *vendor->filter_msrs);
DEFINE_STATIC_CALL_NULL(vendor_flush_tlb, *vendor->flush_tlb);
DEFINE_STATIC_CALL_NULL(vendor_set_tsc_offset, *vendor->set_tsc_offset);
DEFINE_STATIC_CALL_NULL(vendor_exit_code, *vendor->exit_code);

void vendor_install(const struct vendor_ops *ops)
{
	vendor = ops;
	static_call_update(vendor_vcpu_create, ops->vcpu_create);
	static_call_update(vendor_vcpu_destroy, ops->vcpu_destroy);
	static_call_update(vendor_vcpu_reset, ops->vcpu_reset);
	static_call_update(vendor_vcpu_load, ops->vcpu_load);
	static_call_update(vendor_vcpu_put, ops->vcpu_put);
	static_call_update(vendor_enter, ops->enter);
	static_call_update(vendor_recover, ops->recover);
	static_call_update(vendor_handle_exit, ops->handle_exit);
	static_call_update(vendor_fetch, ops->fetch);
	static_call_update(vendor_commit, ops->commit);
	static_call_update(vendor_get_shadow, ops->get_shadow);
	static_call_update(vendor_set_shadow, ops->set_shadow);
	static_call_update(vendor_nmi_blocked, ops->nmi_blocked);
	static_call_update(vendor_set_nmi_blocked, ops->set_nmi_blocked);
	static_call_update(vendor_inject, ops->inject);
	static_call_update(vendor_request_window, ops->request_window);
	static_call_update(vendor_insn_length, ops->insn_length);
	static_call_update(vendor_get_msr, ops->get_msr);
	static_call_update(vendor_set_msr, ops->set_msr);
	static_call_update(vendor_filter_msrs, ops->filter_msrs);
	static_call_update(vendor_flush_tlb, ops->flush_tlb);
	static_call_update(vendor_set_tsc_offset, ops->set_tsc_offset);
	static_call_update(vendor_exit_code, ops->exit_code);
}
