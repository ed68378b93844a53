/* SPDX-License-Identifier: Apache-2.0 */
/* Records of namespaces and of System V IPC. */
#ifndef SHOW_IPC_H
#define SHOW_IPC_H

#include <stdbool.h>

#include "image.h"

/* False if the record is none of these. */
bool show_ipc_json(const struct record *record);
bool show_ipc_text(const struct record *record);

#endif
