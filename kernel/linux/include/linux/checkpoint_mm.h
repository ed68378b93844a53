/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart: address spaces, their pages, and the trackers of what changes in them.
 */
#ifndef _LINUX_CHECKPOINT_MM_H
#define _LINUX_CHECKPOINT_MM_H

#include <linux/checkpoint_internal.h>

/* mm/ckpt_hugetlb.c */
#ifdef CONFIG_HUGETLBFS
bool ckpt_is_huge_memfd(const struct file *file);
const char *ckpt_hugetlbfs_obstacle(const struct super_block *sb);
int checkpoint_hugetlb(struct ckpt_ctx *ctx, struct file *file, u32 *objref);
int ckpt_dump_hugetlb_file(struct ckpt_ctx *ctx, struct inode *inode, u32 objref);
int restore_hugetlb_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
static inline bool ckpt_is_huge_memfd(const struct file *file)
{
	return false;
}

static inline const char *ckpt_hugetlbfs_obstacle(const struct super_block *sb)
{
	return "this kernel does not know";
}

static inline int checkpoint_hugetlb(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	return -EOPNOTSUPP;
}

static inline int ckpt_dump_hugetlb_file(struct ckpt_ctx *ctx, struct inode *inode, u32 objref)
{
	return -EOPNOTSUPP;
}
#endif

/* mm/memfd_checkpoint.c */
bool ckpt_is_memfd(const struct file *file);
bool ckpt_is_nameless_shmem(const struct file *file);
int checkpoint_memfd_contents(struct ckpt_ctx *ctx, struct file *file, u32 *objref);
int checkpoint_memfd(struct ckpt_ctx *ctx, struct file *file);
int restore_memfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_memfd_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
unsigned int restore_memfd_unseal(struct ckpt_ctx *ctx, struct file *file);
void restore_memfd_seal(struct file *file, unsigned int seals);
int ckpt_dump_shmem(struct ckpt_ctx *ctx, struct inode *inode, u32 objref);

/* mm/checkpoint.c */
int checkpoint_mm(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);

/* mm/restore.c */
int restore_mm_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_adopt_mm(struct restart_task *rt);
int restore_finish_mm(struct ckpt_ctx *ctx, struct restart_task *rt);
void restore_mm_put(void *mm);
struct mm_struct *restored_mm_of(struct ckpt_ctx *ctx, u32 objref);

/* mm/restore_jobs.c */
int restore_jobs_alloc(struct ckpt_ctx *ctx);
void restore_jobs_free(struct ckpt_ctx *ctx);
int restore_jobs_finish(struct ckpt_ctx *ctx);
void restore_jobs_close(struct ckpt_ctx *ctx);
int restore_jobs_help(struct ckpt_ctx *ctx);

/* mm/restore_pages.c */
int restore_shmem_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_pages_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_parent_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s);
int restore_missing_pages(struct ckpt_ctx *ctx);
int restore_shmem_track_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
void restore_shmem_ids_free(struct ckpt_ctx *ctx);

/* mm/restore_cow.c */
int restore_cow_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* mm/ckpt_track.c */
struct ckpt_pageset;

bool ckpt_track_is_over(struct mm_struct *mm, const u8 *parent_id);
bool ckpt_track_is_heir(struct mm_struct *mm, const u8 *parent_id);
u64 ckpt_track_id(struct mm_struct *mm);
bool ckpt_tracker_is_valid(u32 tracker);
u32 ckpt_tracker_id(struct ckpt_ctx *ctx, struct mm_struct *mm);
int ckpt_track_harvest(struct ckpt_ctx *ctx, struct mm_struct *mm);
bool ckpt_track_is_same(struct mm_struct *mm, unsigned long addr);
int ckpt_track_verdict(struct mm_struct *mm, unsigned long addr);
void ckpt_track_commit(struct ckpt_ctx *ctx, struct mm_struct *mm);
void ckpt_track_rollback(struct ckpt_ctx *ctx, struct mm_struct *mm);
void ckpt_track_heir(struct mm_struct *mm, const u8 *image_id);
int ckpt_track_adopt(struct mm_struct *mm, u64 id, u32 tracker, const u8 *image_id,
		     struct ckpt_pageset *borrowed);

/* mm/ckpt_cow.c */
void ckpt_cow_free(struct ckpt_ctx *ctx);

/* mm/ckpt_shmem.c */
void ckpt_shmem_commit(struct ckpt_ctx *ctx);
void ckpt_shmem_rollback(struct ckpt_ctx *ctx);

/* mm/ckpt_lazy.c */
struct ckpt_lazy;

void ckpt_lazy_put(struct ckpt_lazy *lazy);

/* mm/ckpt_live.c */
int ckpt_live_add(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		  const struct ckpt_vma *vmas, unsigned int nr);
int ckpt_live_hold(struct ckpt_ctx *ctx);
int ckpt_live_dump(struct ckpt_ctx *ctx);
void ckpt_live_free(struct ckpt_ctx *ctx);

/* kernel/fork.c */
struct mm_struct *ckpt_snapshot_mm(struct mm_struct *mm);

#endif /* _LINUX_CHECKPOINT_MM_H */
