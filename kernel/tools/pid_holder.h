/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a pid that is wanted: as a task, or as a member of the group or session that it names. */
#ifndef CRLAB_PID_HOLDER_H
#define CRLAB_PID_HOLDER_H

#include <stdbool.h>

/* All of these make bare system calls only: see rebuild.c. */

/* Has @pid ended, though its parent, most often init, has not got round to waiting for it? */
bool pid_has_ended(int pid);

/*
 * Of who is in the process group or the session @pid, one that has neither ended nor
 * been killed, and so keeps that id in use; 0 if there is none.
 */
int pid_living_member(int pid);

enum pid_hope {
	PID_TAKEN,	/* by one who lives */
	PID_UNREAPED,	/* by one who has ended: it is for its parent to wait */
	PID_ENDING,	/* by those who have been killed, or have ended, all of them */
};

/* Will @pid get free? */
enum pid_hope pid_hope(int pid);

#endif
