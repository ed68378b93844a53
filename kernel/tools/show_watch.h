/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the records of inotify and fanotify. Their bodies have been found to be whole. */
#ifndef SHOW_WATCH_H
#define SHOW_WATCH_H

/* The fields of a JSON object. */
void show_inotify_json(const void *body);
void show_fanotify_json(const void *body);
void show_watch_json(const void *body);
void show_event_json(const void *body);

/* The rest of a line. */
void show_inotify_text(const void *body);
void show_fanotify_text(const void *body);
void show_watch_text(const void *body);
void show_event_text(const void *body);

#endif
