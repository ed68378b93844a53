// SPDX-License-Identifier: Apache-2.0
/* Threads: ids, thread-local storage, waiting on a futex. */
/* covers: Tasks | threads, thread-local storage, condition variables | supported */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define NR 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool open_gate;
static int waiting;
static __thread long own;

static void *work(void *arg)
{
	pid_t tid = gettid();
	bool same;

	own = (intptr_t)arg;
	pthread_mutex_lock(&mutex);
	waiting++;
	while (!open_gate)
		pthread_cond_wait(&cond, &mutex);
	same = own == (intptr_t)arg && gettid() == tid;
	pthread_mutex_unlock(&mutex);
	return (void *)(intptr_t)same;
}

static void body(void)
{
	pthread_t threads[NR];
	int same = 0;

	for (long i = 0; i < NR; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < NR)
		usleep(1000);
	pause_here();
	pthread_mutex_lock(&mutex);
	open_gate = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < NR; i++) {
		void *ret = NULL;

		pthread_join(threads[i], &ret);
		same += ret != NULL;
	}
	verify(same == NR, "%d of %d threads go on with their ids and storage, and can be joined", same, NR);
}

int main(void)
{
	need_checkpoint();
	subject_round("threads", body);
	return tap_done();
}
