/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of a VM's descriptor, one row each; vm_file.c turns the rows into functions and a
 * switch. Rows have the forms of vcpu_ioctls.h, without memory.srcu, or one of these:
 *
 *   IOCTL_PART(number, function, part, type)      int function(&vm->part, type *)
 *   IOCTL_DIR(number, function, type, direction)  int function(vm, type *), for a number that
 *                                                 encodes the wrong direction of the copy
 */

/* Memory. */
IOCTL_PART(KVM_SET_USER_MEMORY_REGION, memory_set_region, memory,
	   struct kvm_userspace_memory_region)
IOCTL_PART(KVM_GET_DIRTY_LOG, dirty_log_get, memory, struct kvm_dirty_log)
IOCTL_DIR(KVM_CLEAR_DIRTY_LOG, clear_dirty_log, struct kvm_clear_dirty_log, _IOC_WRITE)
IOCTL_NONE(KVM_RESET_DIRTY_RINGS, dirty_rings_reset)
IOCTL_ARG(KVM_SET_TSS_ADDR, set_tss_addr)
IOCTL(KVM_SET_IDENTITY_MAP_ADDR, set_identity_map, u64)
IOCTL_ARG(KVM_SET_NR_MMU_PAGES, set_nr_mmu_pages)

/* Interrupt chips, routes, doorbells. */
IOCTL_USER(KVM_IRQ_LINE, irqchip_set_line, struct kvm_irq_level)
IOCTL_USER(KVM_IRQ_LINE_STATUS, irqchip_set_line_status, struct kvm_irq_level)
IOCTL(KVM_SIGNAL_MSI, irqchip_signal_msi, struct kvm_msi)
IOCTL_NONE(KVM_CREATE_IRQCHIP, irqchip_create)
IOCTL(KVM_GET_IRQCHIP, irqchip_get, struct kvm_irqchip)
IOCTL_DIR(KVM_SET_IRQCHIP, irqchip_set, struct kvm_irqchip, _IOC_WRITE)
IOCTL(KVM_CREATE_PIT2, irqchip_create_pit2, struct kvm_pit_config)
IOCTL(KVM_GET_PIT2, irqchip_get_pit2, struct kvm_pit_state2)
IOCTL(KVM_SET_PIT2, irqchip_set_pit2, struct kvm_pit_state2)
IOCTL_USER(KVM_REINJECT_CONTROL, irqchip_reinject_control, struct kvm_reinject_control)
IOCTL_USER(KVM_SET_GSI_ROUTING, irqchip_set_routing, struct kvm_irq_routing)
IOCTL_PART(KVM_IRQFD, irqfds_change, irqfds, struct kvm_irqfd)
IOCTL_PART(KVM_IOEVENTFD, ioeventfds_change, ioeventfds, struct kvm_ioeventfd)
IOCTL_PART(KVM_REGISTER_COALESCED_MMIO, coalesced_register, coalesced,
	   struct kvm_coalesced_mmio_zone)
IOCTL_PART(KVM_UNREGISTER_COALESCED_MMIO, coalesced_unregister, coalesced,
	   struct kvm_coalesced_mmio_zone)

/* vCPUs, time, MSRs and the rest. */
IOCTL_ARG(KVM_CREATE_VCPU, create_vcpu)
IOCTL_ARG(KVM_SET_BOOT_CPU_ID, set_boot_cpu_id)
IOCTL_VOID(KVM_GET_CLOCK, clock_get, struct kvm_clock_data)
IOCTL(KVM_SET_CLOCK, clock_set, struct kvm_clock_data)
IOCTL(KVM_X86_SET_MSR_FILTER, msr_filter_set, struct kvm_msr_filter)
IOCTL_ARG(KVM_CHECK_EXTENSION, check_extension)
IOCTL(KVM_ENABLE_CAP, capability_enable_vm, struct kvm_enable_cap)
IOCTL(KVM_CREATE_DEVICE, vfio_create_device, struct kvm_create_device)
IOCTL_NONE(KVM_GET_STATS_FD, stats_open_vm)

#undef IOCTL
#undef IOCTL_VOID
#undef IOCTL_PART
#undef IOCTL_DIR
#undef IOCTL_USER
#undef IOCTL_ARG
#undef IOCTL_NONE
