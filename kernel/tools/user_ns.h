/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace of the tree's own, and the namespaces that belong to it. */
#ifndef USER_NS_H
#define USER_NS_H

#include <sys/types.h>

#include "tasks.h"

/* The namespaces that the user namespace of @tasks owns, and that are made with it (CKPT_NS_*). */
uint32_t user_ns_owns(const struct tasks *tasks);

/*
 * Make the user namespace, and those, and tell the restart of it. The process whose pid is returned
 * lives in them, and waits; dies if that fails.
 */
pid_t user_ns_make(const struct tasks *tasks, int ctx_fd);

/* A network namespace that belongs to it, after that; its descriptor. */
int user_ns_make_net(void);

/* Live in it; false, with errno, if that cannot be. */
bool user_ns_enter(void);

/* They are used by others now. */
void user_ns_end(pid_t holder);

#endif
