// SPDX-License-Identifier: GPL-2.0
/*
 * What there is much of is done by several CPUs at the same time. Each worker is bound
 * to its own: left to the scheduler, they would begin where they were woken, and wait for
 * who woke them.
 */
#include <linux/checkpoint_internal.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

static struct workqueue_struct *ckpt_wq;

static int __init ckpt_parallel_init(void)
{
	ckpt_wq = alloc_workqueue("checkpoint", WQ_HIGHPRI | WQ_CPU_INTENSIVE, 0);
	if (!ckpt_wq)
		panic("no workqueue for checkpoints\n");
	return 0;
}
subsys_initcall(ckpt_parallel_init);

/**
 * ckpt_queue_work - have work done on another CPU
 * @work:	the work
 * @n:		on the first one, 0, that the caller may use besides his own, or on one after it
 */
void ckpt_queue_work(struct work_struct *work, unsigned int n)
{
	unsigned int cpu = raw_smp_processor_id();

	do {
		cpu = cpumask_next_and(cpu, current->cpus_ptr, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first_and(current->cpus_ptr, cpu_online_mask);
	} while (n--);
	queue_work_on(cpu < nr_cpu_ids ? cpu : WORK_CPU_UNBOUND, ckpt_wq, work);
}

/**
 * struct parallel - what several CPUs do
 * @fn:		it; each takes what is left
 * @arg:	for it
 * @memcg:	what it allocates is charged to this
 */
struct parallel {
	void (*fn)(void *arg);
	void *arg;
	struct mem_cgroup *memcg;
};

struct parallel_worker {
	struct work_struct work;
	struct parallel *parallel;
};

static void parallel_work(struct work_struct *work)
{
	struct parallel *p = container_of(work, struct parallel_worker, work)->parallel;
	struct mem_cgroup *old = set_active_memcg(p->memcg);

	p->fn(p->arg);
	set_active_memcg(old);
}

/**
 * ckpt_in_parallel - have a function run on several CPUs at the same time
 * @nr_workers:	on how many besides that of the caller; without memory, on none
 * @fn:		what takes one part of the work after the other until none is left
 * @arg:	for it
 *
 * Returns when all have returned.
 */
void ckpt_in_parallel(unsigned int nr_workers, void (*fn)(void *arg), void *arg)
{
	struct parallel_worker *worker = kcalloc(nr_workers, sizeof(*worker), GFP_KERNEL);
	struct parallel p = { .fn = fn, .arg = arg };
	unsigned int i;

	p.memcg = get_mem_cgroup_from_mm(current->mm);
	for (i = 0; worker && i < nr_workers; i++) {
		worker[i].parallel = &p;
		INIT_WORK(&worker[i].work, parallel_work);
		ckpt_queue_work(&worker[i].work, i);
	}
	fn(arg);
	for (i = 0; worker && i < nr_workers; i++)
		flush_work(&worker[i].work);
	mem_cgroup_put(p.memcg);
	kfree(worker);
}
