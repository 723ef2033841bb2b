/* SPDX-License-Identifier: GPL-2.0-only */
/* The CMOS real-time clock and its memory (Motorola MC146818A). */
#ifndef ORIEL_RTC_H
#define ORIEL_RTC_H

#include <pthread.h>
#include <time.h>

#include "devices/device.h"

#define RTC_CMOS_SIZE 128

struct rtc {
	pthread_mutex_t lock; /* protects all below */
	struct irq_line irq;
	bool irq_level; /* level of @irq */
	/*
	 * A timerfd, which expires at each full second while the guest waits for an alarm or for
	 * an update.
	 */
	int timer_fd;
	time_t last_tick; /* guest time up to which alarms and updates have been raised */
	/* Returns the host's time; unit tests put a clock of their own here. */
	time_t (*now)(void);
	time_t offset; /* seconds by which the guest's clock is ahead of the host's */
	struct tm set; /* date and time while the guest sets them */
	uint8_t index; /* register chosen through port 0x70 */
	uint8_t cmos[RTC_CMOS_SIZE]; /* registers that are plain memory */
};

int rtc_create(void *device, const struct device_host *host);
void rtc_destroy(void *device);

#endif
