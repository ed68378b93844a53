/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli), as in iSCSI; start with 0, feed what it returned. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
