// SPDX-License-Identifier: GPL-2.0
/*
 * A tmpfs that only the tree has mounted, with all that is in it.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/user_namespace.h>

#include "contents.h"
#include "mount.h"

/**
 * ckpt_is_tmpfs - is it one that somebody may have mounted?
 * @sb:		a filesystem
 *
 * Return: whether it is.
 */
bool ckpt_is_tmpfs(const struct super_block *sb)
{
	/* devtmpfs has the same magic number. */
	return sb->s_magic == TMPFS_MAGIC && !strcmp(sb->s_type->name, "tmpfs");
}

/**
 * ckpt_is_mounted_elsewhere - has another mount namespace a mount of it?
 * @ctx:	checkpoint or restart, whose tree does not count
 * @sb:		a filesystem
 *
 * Return: whether it has.
 */
bool ckpt_is_mounted_elsewhere(struct ckpt_ctx *ctx, struct super_block *sb)
{
	bool elsewhere = false;
	struct mount *m;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(m, &sb->s_mounts, mnt_instance)
		elsewhere |= m->mnt_ns && !ckpt_mnt_is_of_tree(ctx, m->mnt_ns);
	read_sequnlock_excl(&mount_lock);
	return elsewhere;
}

void ckpt_tmpfs_grab(void *sb)
{
	atomic_inc(&((struct super_block *)sb)->s_active);
}

void ckpt_tmpfs_drop(void *sb)
{
	deactivate_super(sb);
}

/**
 * ckpt_is_own_tmpfs - is it in the image, with its files?
 * @ctx:	the checkpoint
 * @sb:		a filesystem
 *
 * Return: whether it is.
 */
bool ckpt_is_own_tmpfs(struct ckpt_ctx *ctx, struct super_block *sb)
{
	u32 objref;

	return ckpt_is_tmpfs(sb) && ckpt_obj_lookup(ctx, CKPT_OBJ_TMPFS, sb, &objref);
}

/* A directory whose entries are still to be written. */
struct tmpfs_dir {
	struct list_head list;
	struct dentry *dentry;
	u32 objref;
};

static struct dentry *sibling_before(const struct dentry *dir, const struct dentry *d)
{
	struct hlist_node *before;

	if (d->d_sib.pprev == &dir->d_children.first)
		return NULL;
	before = container_of(d->d_sib.pprev, struct hlist_node, next);
	return hlist_entry(before, struct dentry, d_sib);
}

/*
 * The entry that is newer than @prev, or the oldest one, held; an error if @prev has been
 * moved meanwhile. Made again in this order, readdir(3) shows them in the order it did.
 */
static struct dentry *next_entry(struct dentry *dir, struct dentry *prev)
{
	struct dentry *d, *found = NULL;

	spin_lock(&dir->d_lock);
	if (prev && (prev->d_parent != dir || d_unhashed(prev))) {
		spin_unlock(&dir->d_lock);
		return ERR_PTR(-EBUSY);
	}
	if (prev)
		d = sibling_before(dir, prev);
	else
		for (d = d_first_child(dir); d && d_next_sibling(d); d = d_next_sibling(d))
			;
	for (; d && !found; d = sibling_before(dir, d)) {
		spin_lock_nested(&d->d_lock, DENTRY_D_LOCK_NESTED);
		if (simple_positive(d))
			found = dget_dlock(d);
		spin_unlock(&d->d_lock);
	}
	spin_unlock(&dir->d_lock);
	return found;
}

static void describe(struct inode *inode, const struct dentry *dentry,
		     struct ckpt_tmpfs_inode *rec)
{
	struct shmem_inode_info *info = SHMEM_I(inode);
	struct timespec64 atime = inode_get_atime(inode), mtime = inode_get_mtime(inode),
			  ctime = inode_get_ctime(inode);

	rec->contents = (struct ckpt_contents) {
		.size = S_ISREG(inode->i_mode) ? i_size_read(inode) : 0,
		.ino = inode->i_ino, .mode = inode->i_mode,
		.rdev = new_encode_dev(inode->i_rdev),
		.uid = from_kuid_munged(current_user_ns(), inode->i_uid),
		.gid = from_kgid_munged(current_user_ns(), inode->i_gid),
		.atime_ns = timespec64_to_ns(&atime), .mtime_ns = timespec64_to_ns(&mtime),
		.ctime_ns = timespec64_to_ns(&ctime),
	};
	rec->btime_ns = timespec64_to_ns(&info->i_crtime);
	rec->generation = inode->i_generation;
	rec->cookie = (unsigned long)dentry->d_fsdata;
	if (S_ISDIR(inode->i_mode))
		rec->next_cookie = info->dir_offsets.next_offset;
}

static int write_file_data(struct ckpt_ctx *ctx, u32 objref, const struct path *path,
			   loff_t size)
{
	struct file *in;
	u64 pages;
	int ret;

	in = dentry_open(path, O_RDONLY | O_LARGEFILE | O_NOATIME | __FMODE_NONOTIFY,
			 current_cred());
	if (IS_ERR(in))
		return ckpt_obstacle(ctx, PTR_ERR(in), "cannot be opened (error %ld)",
				     PTR_ERR(in));
	ret = contents_write_data(ctx, objref, in, size, &pages);
	fput(in);
	return ret;
}

static int write_inode(struct ckpt_ctx *ctx, const struct path *path, u32 dir, u32 objref)
{
	struct inode *inode = d_inode(path->dentry);
	struct ckpt_tmpfs_inode rec = { .dir = dir };
	struct name_snapshot name;
	const char *target = "";
	DEFINE_DELAYED_CALL(done);
	int ret;

	if (SHMEM_I(inode)->fsflags & (FS_IMMUTABLE_FL | FS_APPEND_FL))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "is immutable or can only be appended to: not supported");
	describe(inode, path->dentry, &rec);
	if (S_ISLNK(inode->i_mode)) {
		target = vfs_get_link(path->dentry, &done);
		if (IS_ERR(target))
			return ckpt_err(ctx, PTR_ERR(target), "cannot be read");
	}
	take_dentry_name_snapshot(&name, path->dentry);
	ret = ckpt_write_rec_names(ctx, CKPT_REC_TMPFS_INODE, objref, &rec, sizeof(rec),
				   IS_ROOT(path->dentry) ? "" : (const char *)name.name.name,
				   target);
	release_dentry_name_snapshot(&name);
	do_delayed_call(&done);
	if (!ret && !S_ISLNK(inode->i_mode))
		ret = contents_write_xattrs(ctx, objref, path, true);
	if (!ret && S_ISREG(inode->i_mode))
		ret = write_file_data(ctx, objref, path, rec.contents.size);
	return ret;
}

static int write_link(struct ckpt_ctx *ctx, struct dentry *dentry, u32 dir, u32 objref)
{
	struct ckpt_tmpfs_link rec = {
		.cookie = (unsigned long)dentry->d_fsdata, .dir = dir,
	};
	struct name_snapshot name;
	int ret;

	take_dentry_name_snapshot(&name, dentry);
	ret = ckpt_write_rec2(ctx, CKPT_REC_TMPFS_LINK, objref, &rec, sizeof(rec),
			      name.name.name, name.name.len + 1);
	release_dentry_name_snapshot(&name);
	return ret;
}

/* One entry; if it is a directory, what is in it comes later. */
static int write_entry(struct ckpt_ctx *ctx, const struct path *path, u32 dir,
		       struct list_head *dirs)
{
	struct inode *inode = d_inode(path->dentry);
	struct tmpfs_dir *more;
	u32 objref;
	int ret;

	if (fatal_signal_pending(current))
		return ckpt_err(ctx, -EINTR, "interrupted");
	ret = ckpt_obj(ctx, CKPT_OBJ_CONTENTS, inode, &objref);
	if (ret < 0)
		return ret;
	if (!ret)
		return write_link(ctx, path->dentry, dir, objref);
	ret = write_inode(ctx, path, dir, objref);
	if (ret || !S_ISDIR(inode->i_mode))
		return ret;
	more = kmalloc(sizeof(*more), GFP_KERNEL_ACCOUNT);
	if (!more)
		return -ENOMEM;
	more->dentry = dget(path->dentry);
	more->objref = objref;
	list_add(&more->list, dirs);
	return 0;
}

static int write_dir(struct ckpt_ctx *ctx, struct vfsmount *mnt, struct tmpfs_dir *dir,
		     struct list_head *dirs, char *room)
{
	struct path at = { .mnt = mnt };
	struct dentry *prev = NULL;
	int ret = 0;

	while (!ret) {
		at.dentry = next_entry(dir->dentry, prev);
		dput(prev);
		prev = NULL;
		if (IS_ERR(at.dentry))
			return ckpt_err(ctx, PTR_ERR(at.dentry),
					"changes while it is written");
		if (!at.dentry)
			break;
		prev = at.dentry;
		ctx->where.path = d_path(&at, room, PATH_MAX);
		if (IS_ERR(ctx->where.path))
			ctx->where.path = NULL;
		ret = write_entry(ctx, &at, dir->objref, dirs);
		cond_resched();
	}
	dput(prev);
	return ret;
}

static int write_tree(struct ckpt_ctx *ctx, const struct path *root, u32 objref)
{
	struct tmpfs_dir *dir, *next;
	char *room = __getname();
	LIST_HEAD(dirs);
	int ret;

	if (!room)
		return -ENOMEM;
	ret = write_entry(ctx, root, objref, &dirs);
	while (!ret && !list_empty(&dirs)) {
		dir = list_first_entry(&dirs, struct tmpfs_dir, list);
		list_del(&dir->list);
		ret = write_dir(ctx, root->mnt, dir, &dirs, room);
		dput(dir->dentry);
		kfree(dir);
	}
	list_for_each_entry_safe(dir, next, &dirs, list) {
		dput(dir->dentry);
		kfree(dir);
	}
	ctx->where.path = NULL;
	__putname(room);
	return ret;
}

static int write_tmpfs(struct ckpt_ctx *ctx, const struct path *seen, const char *at)
{
	struct super_block *sb = seen->mnt->mnt_sb;
	struct path root = { .mnt = seen->mnt, .dentry = sb->s_root };
	struct shmem_sb_info *info = sb->s_fs_info;
	struct ckpt_tmpfs rec = {};
	u32 objref;
	int ret;

	ret = ckpt_obj(ctx, CKPT_OBJ_TMPFS, sb, &objref);
	if (ret <= 0)
		return ret;
	memcpy(rec.uuid, &sb->s_uuid, sizeof(rec.uuid));
	raw_spin_lock(&info->stat_lock);
	rec.next_ino = info->next_ino;
	raw_spin_unlock(&info->stat_lock);
	rec.mnt = ckpt_mnt_objref(ctx);
	if (sb_rdonly(sb))
		rec.flags |= CKPT_TMPFS_RDONLY;
	if (seen->mnt->mnt_flags & MNT_READONLY)
		rec.flags |= CKPT_TMPFS_MNT_RDONLY;
	if (seen->dentry != root.dentry)
		rec.flags |= CKPT_TMPFS_PART;
	ret = ckpt_write_rec2(ctx, CKPT_REC_TMPFS, objref, &rec, sizeof(rec), at,
			      strlen(at) + 1);
	if (!ret)
		ret = write_tree(ctx, &root, objref);
	return ret ?: ckpt_write_rec(ctx, CKPT_REC_TMPFS_END, objref, NULL, 0);
}

/* Wherever it is mounted: another one may hide it. */
static int find_mount(int number, struct path *found)
{
	u64 id = 0;

	while ((found->mnt = mnt_next_of_sb(NULL, &id))) {
		if (real_mount(found->mnt)->mnt_id == number) {
			found->dentry = dget(found->mnt->mnt_root);
			return 0;
		}
		mntput(found->mnt);
	}
	return -ENOENT;
}

/* Files that have lost their name are refused where they are open. */
static int check_hugetlbfs(struct ckpt_ctx *ctx, struct super_block *sb)
{
	const char *why = ckpt_hugetlbfs_obstacle(sb);
	u32 objref;
	int ret;

	if (current->nsproxy->mnt_ns->user_ns != &init_user_ns)
		why = "is in a user namespace";
	ret = why ? 1 : ckpt_obj(ctx, CKPT_OBJ_TMPFS, sb, &objref);
	if (!ret)
		why = "is one that others of the tree have mounted";
	if (why)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "a hugetlbfs that %s: not supported", why);
	return ret < 0 ? ret : 0;
}

/* A line of mountinfo that user space has marked: a filesystem that it does not know. */
static int checkpoint_line(struct ckpt_ctx *ctx, char *line)
{
	char *at = NULL, *word, *type = NULL;
	unsigned int i, id;
	struct path path;
	bool is_huge;
	int ret;

	if (kstrtouint(strsep(&line, " "), 10, &id))
		return ckpt_err(ctx, -EINVAL, "a mount without a number");
	for (i = 1; (word = strsep(&line, " ")); i++) {
		if (i == 4)
			at = word;
		if (i > 5 && !strcmp(word, "-")) {
			type = strsep(&line, " ");
			break;
		}
	}
	is_huge = type && !strcmp(type, "hugetlbfs");
	/* What else there is has been refused by user space. */
	if (!type || (!is_huge && strcmp(type, "tmpfs")))
		return 0;
	string_unescape_inplace(at, UNESCAPE_OCTAL);
	ctx->where.path = at;
	ret = find_mount(id, &path);
	if (ret)
		return ckpt_obstacle(ctx, ret, "a %s that is not there any more", type);
	if (ckpt_is_mounted_elsewhere(ctx, path.mnt->mnt_sb))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "a %s that another mount namespace has, too: not supported",
				    type);
	else if (is_huge)
		ret = check_hugetlbfs(ctx, path.mnt->mnt_sb);
	else if (!ckpt_is_tmpfs(path.mnt->mnt_sb))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "is not a tmpfs");
	else if (ckpt_is_own_tmpfs(ctx, path.mnt->mnt_sb))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "a tmpfs that others of the tree have mounted: not supported");
	else
		ret = write_tmpfs(ctx, &path, at);
	path_put(&path);
	ctx->where.path = NULL;
	return ret;
}

/**
 * checkpoint_tmpfs - write every tmpfs of the tree's own, with its files
 * @ctx:	the checkpoint
 * @lines:	of mountinfo: those which user space has marked
 * @len:	bytes of them
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_tmpfs(struct ckpt_ctx *ctx, const char *lines, u32 len)
{
	char *text, *rest, *line;
	int ret = 0;

	text = kvmalloc(len + 1, GFP_KERNEL_ACCOUNT);
	if (!text)
		return -ENOMEM;
	memcpy(text, lines, len);
	text[len] = '\0';
	rest = text;
	while (!ret && (line = strsep(&rest, "\n")))
		if (*line == '+')
			ret = checkpoint_line(ctx, line + 1);
	ctx->where.path = NULL;
	kvfree(text);
	return ret;
}
