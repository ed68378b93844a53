/* SPDX-License-Identifier: Apache-2.0 */
/* A tree that has one of everything: for tests that break what they get. */
#ifndef EVERYTHING_H
#define EVERYTHING_H

/* A body of a subject: reaches the state, pauses, then says whether it is still so. */
void everything(void);

/* Files that everything() leaves, removed. */
void everything_clean_up(void);

/* A thread of it counts here, on and on. */
#define EVERYTHING_BEAT	"/tmp/selftest/everything-beat"

#endif
