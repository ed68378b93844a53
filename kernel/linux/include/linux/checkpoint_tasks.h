/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart: tasks and what they are in: namespaces, control groups, limits, timers.
 */
#ifndef _LINUX_CHECKPOINT_TASKS_H
#define _LINUX_CHECKPOINT_TASKS_H

#include <linux/checkpoint_internal.h>

/* vfork.c */
struct task_struct *ckpt_vfork_child(struct ckpt_ctx *ctx, struct task_struct *t);
struct task_struct *ckpt_vfork_end(struct ckpt_ctx *ctx, struct task_struct *t);
bool ckpt_vfork_has_new(struct task_struct *t);
int restore_vfork(struct ckpt_ctx *ctx, struct restart_task *rt);
struct task_struct *restore_vfork_child(struct restart_task *rt);
void restore_vfork_wait(struct task_struct *child, struct completion *vfork, bool go);

/* task.c */
int ckpt_group_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_task_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
void restore_note_user(struct ckpt_ctx *ctx, struct restart_task *rt, u32 objref,
		       enum ckpt_obj_type type);
int checkpoint_process(struct ckpt_ctx *ctx, unsigned int first);
int restore_process_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_thread_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_task(struct restart_task *rt);
void restore_process_free(struct ckpt_process *process);

/* namespaces.c */
const char *ckpt_foreign_namespace(struct ckpt_ctx *ctx, struct task_struct *t);
unsigned int ckpt_pid_depth(struct task_struct *t);
int checkpoint_namespaces(struct ckpt_ctx *ctx);
void restore_pid_ns(struct task_struct *init, const struct ckpt_ns_pid *rec);
int restore_uts_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int ckpt_check_leaks(struct ckpt_ctx *ctx, const struct ns_common *only);
int checkpoint_uts(struct ckpt_ctx *ctx, struct uts_namespace *ns, u32 objref);

/* jobs.c */
void ckpt_mark_own_groups(struct ckpt_ctx *ctx);
u32 checkpoint_stop_signal(struct task_struct *t);
int restore_ids(struct ckpt_ctx *ctx, struct restart_task *rt);
void restore_stop(struct restart_task *rt);

/* unshared.c */
int checkpoint_unshared(struct ckpt_ctx *ctx, const struct ckpt_unshared *u);
int restore_unshared_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* inner_ns.c */
bool ckpt_is_one_of(const struct nsproxy *nsproxy, const struct ns_common *ns);
void ckpt_inner_ns(struct ckpt_ctx *ctx, struct task_struct *t, struct ckpt_unshared *u);
int checkpoint_inner_ns(struct ckpt_ctx *ctx);
struct uts_namespace *restore_inner_uts(struct ckpt_ctx *ctx, const struct ckpt_uts *u,
					u32 objref);
int restore_enter_ipc(struct ckpt_ctx *ctx, bool own_user, u32 objref);
int restore_leave_ns(struct ckpt_ctx *ctx, int err);
struct nsproxy *ckpt_enter_ns(struct ns_common *ns);
struct ns_common *ckpt_get_inner_ns(struct task_struct *t, const struct proc_ns_operations *ops);
int restore_ipc_ns_end_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_inner_ns(struct restart_task *rt);
int restore_cgroup_ns_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* usage.c */
int checkpoint_usage(struct ckpt_ctx *ctx);
int restore_usage_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_usage(struct ckpt_ctx *ctx, struct restart_task *rt);

/* account.c */
int checkpoint_account(struct ckpt_ctx *ctx, struct task_struct *t, bool alarm_is_pending);
int restore_account_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_account(struct ckpt_ctx *ctx, struct restart_task *rt);
int restore_itimers(struct ckpt_ctx *ctx, struct restart_task *rt);

/* sched.c */
int ckpt_sched_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int checkpoint_sched(struct ckpt_ctx *ctx, struct task_struct *t, u32 seccomp);
int restore_sched_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_deadline_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_dispatch_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_sched(struct restart_task *rt);

/* posix_timers.c, a part of kernel/time/posix-timers.c */
#ifdef CONFIG_POSIX_TIMERS
int checkpoint_timers(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_timers_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_timers(struct restart_task *rt);
int restore_timers_go(struct ckpt_ctx *ctx, struct restart_task *rt);
#endif

/* seccomp.c, a part of kernel/seccomp.c */
#ifdef CONFIG_SECCOMP_FILTER
int ckpt_seccomp_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int checkpoint_seccomp(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_seccomp_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_seccomp_check(struct restart_task *rt);
int restore_seccomp(struct restart_task *rt);
void ckpt_seccomp_grab(void *filter);
void ckpt_seccomp_drop(void *filter);
void restore_seccomp_put(void *filter);
#endif

/* signal.c */
int checkpoint_sighand(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_sighand(struct restart_task *rt);
int checkpoint_sigqueue(struct ckpt_ctx *ctx, struct task_struct *t, bool shared);
int restore_sigqueue_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_sigqueues(struct ckpt_ctx *ctx, struct restart_task *rt);
void restore_sigqueues_free(struct restart_task *rt);
void checkpoint_thread_signal(struct task_struct *t, struct ckpt_thread *th);
int restore_thread_signal(struct restart_task *rt);

/* timer.c */
int checkpoint_restart_block(struct ckpt_ctx *ctx, struct task_struct *t,
			     struct ckpt_thread *th);
int restore_restart_block(struct restart_task *rt);

/* cred.c */
int checkpoint_cred(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_cred_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_cred(struct restart_task *rt);
int checkpoint_file_cred(struct ckpt_ctx *ctx, const struct cred *cred, u32 *objref);
const struct cred *restore_file_cred(struct ckpt_ctx *ctx, u32 objref);

/* kernel/checkpoint/user_ns.c */
struct cred;
struct pid_namespace;
int ckpt_find_user_ns(struct ckpt_ctx *ctx);
int ckpt_check_owners(struct ckpt_ctx *ctx);
bool ckpt_pid_ns_owner(struct ckpt_ctx *ctx, const struct pid_namespace *ns);
int checkpoint_user_ns(struct ckpt_ctx *ctx);
int restore_use_user_ns(struct ckpt_ctx *ctx, int fd);
int restore_give_pid_ns(struct ckpt_ctx *ctx);
int restore_enter_user_ns(struct ckpt_ctx *ctx, struct cred *new);

/* kernel/cgroup/ckpt_cgroups.c */
#ifdef CONFIG_CGROUPS
int ckpt_find_cgroups(struct ckpt_ctx *ctx);
int checkpoint_cgroups(struct ckpt_ctx *ctx);
int checkpoint_cgroup_ns(struct ckpt_ctx *ctx, struct ns_common *ns, u32 objref);
struct cgroup_namespace *restore_cgroup_ns(struct user_namespace *owner, const char *path);
struct mem_cgroup *ckpt_use_memcg_of(struct task_struct *t);
void ckpt_use_memcg_end(struct mem_cgroup *memcg);
struct kernfs_open_file;
int checkpoint_cgroup_file(struct ckpt_ctx *ctx, struct file *file, struct kernfs_open_file *of);
int restore_pressure_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
static inline int ckpt_find_cgroups(struct ckpt_ctx *ctx)
{
	return 0;
}

static inline int checkpoint_cgroups(struct ckpt_ctx *ctx)
{
	return 0;
}

static inline struct mem_cgroup *ckpt_use_memcg_of(struct task_struct *t)
{
	return NULL;
}

static inline void ckpt_use_memcg_end(struct mem_cgroup *memcg)
{
}
#endif

/* arch/x86/kernel/checkpoint.c */
int ckpt_arch_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
u64 ckpt_arch_features(void);
bool ckpt_arch_pkeys(struct mm_struct *mm, struct ckpt_pkeys *keys);
int restore_arch_pkeys(struct ckpt_ctx *ctx, struct mm_struct *mm,
		       const struct ckpt_pkeys *keys);
#ifdef CONFIG_MODIFY_LDT_SYSCALL
int checkpoint_ldt(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref);
int restore_ldt_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
static inline int checkpoint_ldt(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref)
{
	return 0;
}
#endif
int checkpoint_cpu(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_cpu_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_cpu(struct ckpt_ctx *ctx, struct restart_task *rt);
int restore_fpu_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_vdso(unsigned long vdso);
long restore_arch_return(void);

#endif /* _LINUX_CHECKPOINT_TASKS_H */
