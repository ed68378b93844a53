/* SPDX-License-Identifier: Apache-2.0 */
/* One image in the place of a range of a chain. */
#ifndef MERGE_H
#define MERGE_H

/* @range: "FIRST..LAST". Dies if they are not of one chain, or damaged. */
void merge(const char *range, const char *output);

#endif
