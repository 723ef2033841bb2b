/* SPDX-License-Identifier: GPL-2.0-only */
/* The CMOS real-time clock and its memory (Motorola MC146818A). */
#ifndef ORIEL_RTC_H
#define ORIEL_RTC_H

#include <pthread.h>
#include <time.h>

#include "devices/device.h"

#define RTC_CMOS_SIZE 128

/**
 * struct rtc - the clock
 * @lock: protects all below
 * @irq: its interrupt
 * @irq_level: level of @irq
 * @timer_fd: timerfd; it expires at each full second while the guest waits for an alarm or
 *	for an update
 * @last_tick: guest time up to which alarms and updates have been raised
 * @now: returns the host's time; unit tests put a clock of their own here
 * @offset: seconds by which the guest's clock is ahead of the host's
 * @set: date and time while the guest sets them
 * @index: register chosen through port 0x70
 * @cmos: registers that are plain memory
 */
struct rtc {
	pthread_mutex_t lock;
	struct irq_line irq;
	bool irq_level;
	int timer_fd;
	time_t last_tick;
	time_t (*now)(void);
	time_t offset;
	struct tm set;
	uint8_t index;
	uint8_t cmos[RTC_CMOS_SIZE];
};

int rtc_create(void *device, const struct device_host *host);
void rtc_destroy(void *device);

#endif
