/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 owes the system. */
#ifndef CRLAB_INIT_H
#define CRLAB_INIT_H

void init_system(void);
void init_power_off(void);

/* A line for the kernel log, and so for the serial console. */
void init_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
