/* SPDX-License-Identifier: Apache-2.0 */
/* What may be left of something that has failed: tasks, memory of the kernel. */
#ifndef LEAKS_H
#define LEAKS_H

#include <stdbool.h>
#include <sys/types.h>

#define MAX_PIDS	4096

/* What caches and a kernel's own bookkeeping may take. */
#define MAX_GROWTH_KIB	(24 * 1024)

/* All but the kernel's own threads; returns how many. */
int user_tasks(pid_t *pids);
/* End all who were not there before; false: somebody does not go. */
bool only(const pid_t *before, int nr_before);
/* End all of @pids, whose parents wait for them; false: somebody does not go. */
bool end_all(const pid_t *pids, int nr);
/* Memory that the kernel holds and could not give back, caches dropped. */
long kernel_kib(void);

#endif
