// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that hand a turn on through a mutex and a condition variable. Each
 * has state nobody else sees: thread-local storage, a rounding mode, sums in
 * the vector unit. Each looks at its own at every turn.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LANES	4

typedef double lanes __attribute__((vector_size(8 * LANES)));

struct worker {
	pthread_t thread;
	pid_t tid;
	uint64_t turns;
	uint64_t wrong;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct worker *workers;
static long nr_workers = 4;
static long turn;		/* whose it is; -1: nobody's, main grants the next */
static uint64_t turns;

static __thread uint64_t tls_turns;
static __thread long tls_number;

static const int rounding[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };

static void *work(void *arg)
{
	long number = (intptr_t)arg;
	struct worker *self = &workers[number];
	volatile lanes sum = { };

	tls_number = number;
	fesetround(rounding[number % 4]);
	pthread_mutex_lock(&mutex);
	self->tid = gettid();
	for (;;) {
		while (turn != number)
			pthread_cond_wait(&changed, &mutex);
		tls_turns++;
		self->turns++;
		turns++;
		lanes step = { 1, 2, 3, 4 };
		sum = sum + step;
		for (int i = 0; i < LANES; i++)
			self->wrong += sum[i] != (double)(self->turns * (i + 1));
		self->wrong += fegetround() != rounding[number % 4] || tls_number != number ||
			       tls_turns != self->turns || gettid() != self->tid ||
			       !pthread_equal(pthread_self(), self->thread);
		turn = -1;
		pthread_cond_broadcast(&changed);
	}
	return NULL;
}

static uint64_t sum_of(bool of_turns)
{
	uint64_t sum = 0;

	for (long i = 0; i < nr_workers; i++)
		sum += of_turns ? workers[i].turns : workers[i].wrong;
	return sum;
}

int main(int argc, char **argv)
{
	long rate = 100;
	const struct lab_option options[] = {
		{ "--threads", "beside the first (4)", .number = &nr_workers, .min = 1, .max = 4096 },
		{ "--rate", "turns a second (100)", .number = &rate, .min = 1, .max = 10000 },
		{ },
	};
	pthread_attr_t attr;
	uint64_t granted = 0;

	lab_start("threads", "Threads that take turns, and can tell whether any of them lost its state.", options, argc, argv);
	workers = calloc(nr_workers, sizeof(*workers));
	turn = -1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_mutex_lock(&mutex);
	for (long i = 0; i < nr_workers; i++)
		if (pthread_create(&workers[i].thread, &attr, work, (void *)(intptr_t)i)) {
			fprintf(stderr, "threads: thread %ld cannot be made\n", i);
			return 1;
		}
	pthread_mutex_unlock(&mutex);
	lab_say("%ld threads", nr_workers);
	for (;;) {
		lab_beat(rate);
		pthread_mutex_lock(&mutex);
		turn = granted++ % nr_workers;
		pthread_cond_broadcast(&changed);
		while (turn != -1)
			pthread_cond_wait(&changed, &mutex);
		bool good = turns == granted && sum_of(true) == turns && !sum_of(false);
		uint64_t wrong = sum_of(false);
		pthread_mutex_unlock(&mutex);
		if (lab_progress_due())
			lab_say("turn %llu, %llu wrong", (unsigned long long)granted, (unsigned long long)wrong);
		if (lab_verify_due())
			lab_verdict(good, "%ld threads, %llu turns granted, %llu taken, %llu wrong", nr_workers,
				    (unsigned long long)granted, (unsigned long long)turns, (unsigned long long)wrong);
	}
}
