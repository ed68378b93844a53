// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint of open files that hold a namespace: a part of fs/nsfs.c.
 *
 * It is found again as that of a task of the tree which lives in it.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/task.h>

static bool lives_in(struct task_struct *t, struct ns_common *ns)
{
	struct ns_common *own = ns->ops->get(t);

	if (own)
		ns->ops->put(own);
	return own == ns;
}

/* In the pid namespace that procfs shows where the caller is. */
static pid_t nr_in_procfs(struct task_struct *t)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct path path;
	pid_t nr;

	if (kern_path("/proc", 0, &path))
		return 0;
	if (path.dentry->d_sb->s_magic == PROC_SUPER_MAGIC)
		ns = proc_pid_ns(path.dentry->d_sb);
	nr = task_tgid_nr_ns(t, ns);
	path_put(&path);
	return nr;
}

/* procfs may be mounted elsewhere. */
static bool leads_to(const char *name, const struct inode *inode)
{
	struct path path;
	bool same;

	if (kern_path(name, LOOKUP_FOLLOW, &path))
		return false;
	same = d_inode(path.dentry) == inode;
	path_put(&path);
	return same;
}

static int nsfs_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ns_common *ns = get_proc_ns(file_inode(file));
	struct ckpt_file rec;
	bool found = false;
	char name[64];
	unsigned int i;
	pid_t nr = 0;
	int ret;

	ret = ckpt_file_describe(ctx, file, CKPT_FILE_PATH, &rec);
	if (ret)
		return ret;
	/* When files are opened again, its tasks do not live in it yet. */
	if ((ns->ops == &utsns_operations || ns->ops == &ipcns_operations ||
	     ns->ops == &cgroupns_operations ||
	     ns->ops == &netns_operations || ns->ops == &mntns_operations) &&
	    !ckpt_is_one_of(current->nsproxy, ns))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a %s namespace in which the root of the tree does not live: not supported",
			ns->ops->name);
	for (i = 0; i < ctx->tasks.nr && !nr; i++)
		if (lives_in(ctx->tasks.task[i], ns)) {
			found = true;
			nr = nr_in_procfs(ctx->tasks.task[i]);
		}
	if (!found)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a %s namespace in which no process of the tree lives: not supported",
			ns->ops->name);
	snprintf(name, sizeof(name), "/proc/%d/ns/%s", nr, ns->ops->name);
	if (!leads_to(name, file_inode(file)))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a namespace that %s does not lead to: not supported", name);
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, name, "");
}
