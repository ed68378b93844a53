// SPDX-License-Identifier: GPL-2.0
/*
 * A tmpfs that only the tree had mounted. User space mounts an empty one; here it
 * is filled, and becomes the same filesystem: with its UUID and inode numbers, so
 * that files are found in it as in any other.
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/security.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/mount.h>

#include "contents.h"
#include "internal.h"
#include "mount.h"

/* Positions in a directory that entries may have. */
#define FIRST_COOKIE	3
#define LAST_COOKIE	(S32_MAX - 1)

/* An inode whose times are set when all is in its place. */
struct restored_node {
	struct list_head list;
	struct path path;
	u32 objref;
	struct ckpt_tmpfs_inode rec;
};

/**
 * struct restored_tmpfs - a tmpfs that is being filled
 * @root:	where it is mounted
 * @nodes:	what is in it, newest first
 * @has_root:	its root directory has been described
 * @full:	all is in it
 * @rec:	what the image says of it
 */
struct restored_tmpfs {
	struct path root;
	struct list_head nodes;
	bool has_root;
	bool full;
	struct ckpt_tmpfs rec;
};

/**
 * ckpt_tmpfs_put - let go of a tmpfs that has been filled
 * @tmpfs:	it
 */
void ckpt_tmpfs_put(void *tmpfs)
{
	struct restored_tmpfs *t = tmpfs;
	struct restored_node *node, *next;

	list_for_each_entry_safe(node, next, &t->nodes, list) {
		path_put(&node->path);
		kfree(node);
	}
	path_put(&t->root);
	kfree(t);
}

/* The mount shows a directory of it, and not all. */
static bool shows_part(const struct path *path)
{
	return path->dentry != path->mnt->mnt_sb->s_root;
}

/* What the tool has mounted, and nobody else: only then does it become what the image says. */
static int check_target(struct ckpt_ctx *ctx, const struct path *path, bool part)
{
	struct super_block *sb = path->mnt->mnt_sb;

	if (restart_namespaces(ctx)->mnt_ns == current->nsproxy->mnt_ns)
		return ckpt_err(ctx, -EINVAL, "files of a tmpfs, but no mount namespace for it");
	if (!ckpt_is_tmpfs(sb) || path->dentry != path->mnt->mnt_root || shows_part(path) != part)
		return ckpt_err(ctx, -EINVAL, "is not where a tmpfs is mounted");
	if (ckpt_is_mounted_elsewhere(ctx, sb))
		return ckpt_err(ctx, -EINVAL, "a tmpfs that another mount namespace has, too");
	if (!ns_capable(sb->s_user_ns, CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EPERM, "a tmpfs and its files");
	return 0;
}

/**
 * restore_tmpfs_mnt - where a tmpfs of the tree's own can be written to
 * @ctx:	the restart
 * @sb:		a filesystem
 *
 * Return: the mount of all of it, read-only not before all has been restored;
 * or NULL if it is not in the image.
 */
struct vfsmount *restore_tmpfs_mnt(struct ckpt_ctx *ctx, const struct super_block *sb)
{
	struct restored_tmpfs *t;
	unsigned long objref = 0;

	while ((t = ckpt_ref_next(ctx, &objref, CKPT_OBJ_TMPFS)))
		if (t->root.mnt->mnt_sb == sb)
			return t->root.mnt;
	return NULL;
}

static bool is_target(struct ckpt_ctx *ctx, const struct path *path, const char *at,
		      bool part, char *buf)
{
	struct super_block *sb = path->mnt->mnt_sb;
	const char *name;

	if (!ckpt_is_tmpfs(sb) || shows_part(path) != part || restore_tmpfs_mnt(ctx, sb) ||
	    ckpt_is_mounted_elsewhere(ctx, sb))
		return false;
	name = ckpt_d_path(path, buf);
	return name && !strcmp(name, at);
}

/*
 * Of those that are mounted there, one over the other, the first that is still empty: they
 * are in the image as they were mounted. If there is none, what the path leads to.
 */
static int find_target(struct ckpt_ctx *ctx, const char *at, bool part, struct path *found)
{
	char *buf = __getname();
	u64 id = 0;

	if (!buf)
		return -ENOMEM;
	while ((found->mnt = mnt_next_of_sb(NULL, &id))) {
		found->dentry = found->mnt->mnt_root;
		if (is_target(ctx, found, at, part, buf)) {
			dget(found->dentry);
			break;
		}
		mntput(found->mnt);
	}
	__putname(buf);
	return found->mnt ? 0 : kern_path(at, LOOKUP_DIRECTORY, found);
}

/**
 * restore_tmpfs_rec - begin to fill a tmpfs
 * @ctx:	the restart
 * @rec:	the TMPFS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tmpfs_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_tmpfs *t;
	struct ckpt_tmpfs *in;
	const char *at;
	bool part;
	int ret;

	in = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*in) + 2, sizeof(*in) + PATH_MAX);
	if (IS_ERR(in))
		return PTR_ERR(in);
	at = (const char *)(in + 1);
	part = in->flags & CKPT_TMPFS_PART;
	t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	ret = t ? 0 : -ENOMEM;
	if (!ret && (in->flags & ~CKPT_TMPFS_FLAGS_ALL ||
		     strnlen(at, rec->len - sizeof(*in)) != rec->len - sizeof(*in) - 1))
		ret = ckpt_err(ctx, -EINVAL, "a TMPFS record contradicts itself");
	ctx->where.path = at;
	if (!ret)
		ret = restore_go_to_mnt(ctx, in->mnt);
	if (!ret) {
		ret = find_target(ctx, at, part, &t->root);
		if (ret)
			ckpt_err(ctx, ret, "a tmpfs that is not there (error %d)", ret);
	}
	if (ret) {
		kfree(t);
		goto out;
	}
	INIT_LIST_HEAD(&t->nodes);
	t->rec = *in;
	ret = check_target(ctx, &t->root, part);
	if (!ret) {
		/* All of it is in the image. */
		dput(t->root.dentry);
		t->root.dentry = dget(t->root.mnt->mnt_sb->s_root);
	}
	if (!ret && ctx->tmpfs)
		ret = ckpt_err(ctx, -EINVAL, "a tmpfs in another");
	if (ret)
		ckpt_tmpfs_put(t);
	else
		ret = ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_TMPFS, t);
	if (!ret)
		ctx->tmpfs = t;
out:
	ckpt_go_to_mnt(ctx, NULL);
	ctx->where.path = NULL;
	kvfree(in);
	return ret;
}

static struct restored_tmpfs *current_tmpfs(struct ckpt_ctx *ctx)
{
	return ctx->tmpfs ?: ERR_PTR(ckpt_err(ctx, -EINVAL, "a file without the tmpfs it is in"));
}

/* The directory that an entry is to be made in. */
static const struct path *find_dir(struct ckpt_ctx *ctx, struct restored_tmpfs *t, u32 dir)
{
	const struct path *path = restore_contents_path(ctx, dir);

	if (IS_ERR(path))
		return path;
	if (path->dentry->d_sb != t->root.dentry->d_sb || !d_is_dir(path->dentry) ||
	    IS_DEADDIR(d_inode(path->dentry)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "is in a directory that there is not"));
	return path;
}

static bool name_is_valid(const char *name)
{
	size_t len = strnlen(name, NAME_MAX + 1);

	return len && len <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..");
}

/* The caller does not hold the directory: the log may be written to a file. */
static int check_cookie(struct ckpt_ctx *ctx, u64 cookie)
{
	if (cookie < FIRST_COOKIE || cookie > LAST_COOKIE)
		return ckpt_err(ctx, -EINVAL, "position %llu in a directory", cookie);
	return 0;
}

/* The position that the next entry of a directory gets. */
static void set_cookie(struct dentry *dir, u64 cookie)
{
	SHMEM_I(d_inode(dir))->dir_offsets.next_offset = cookie;
}

static bool is_root_of_mount(const struct dentry *dentry)
{
	const struct mount *m;
	bool is = false;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(m, &dentry->d_sb->s_mounts, mnt_instance)
		is |= m->mnt.mnt_root == dentry;
	read_sequnlock_excl(&mount_lock);
	return is;
}

/* User space has made mount points, directories on the way to them, and what it mounts there. */
static bool is_there(const struct dentry *dentry, umode_t mode)
{
	const struct inode *inode = d_inode(dentry);

	if (d_is_negative(dentry) || (inode->i_mode ^ mode) & S_IFMT)
		return false;
	return S_ISDIR(mode) || (S_ISREG(mode) && !i_size_read(inode) &&
				 (d_mountpoint(dentry) || is_root_of_mount(dentry)));
}

/* It has a position, but another one. */
static int move_cookie(struct dentry *dir, struct dentry *dentry)
{
	struct offset_ctx *offsets = &SHMEM_I(d_inode(dir))->dir_offsets;

	simple_offset_remove(offsets, dentry);
	return simple_offset_add(offsets, dentry);
}

static int make_symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			const char *target)
{
	int ret = inode_permission(idmap, dir, MAY_WRITE | MAY_EXEC);

	if (!ret)
		ret = d_is_positive(dentry) ? -EEXIST :
		      security_inode_symlink(dir, dentry, target);
	return ret ?: dir->i_op->symlink(idmap, dir, dentry, target);
}

/*
 * That of a user namespace which does not know who makes a file: it begins as the
 * directory's owner's. Returns what to revert to, or NULL.
 */
static const struct cred *wear_owner(struct mnt_idmap *idmap, struct inode *dir)
{
	const struct cred *own;
	struct cred *cred;

	if (fsuidgid_has_mapping(dir->i_sb, idmap))
		return NULL;
	cred = prepare_creds();
	if (!cred)
		return ERR_PTR(-ENOMEM);
	cred->fsuid = dir->i_uid;
	cred->fsgid = dir->i_gid;
	own = override_creds(cred);
	put_cred(cred);
	return own;
}

static int make_node(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     const struct ckpt_tmpfs_inode *rec, const char *target)
{
	const struct cred *own = wear_owner(idmap, dir);
	int ret;

	if (IS_ERR(own))
		return PTR_ERR(own);
	ret = S_ISLNK(rec->contents.mode) ? make_symlink(idmap, dir, dentry, target) :
	      contents_make_node(idmap, dir, dentry, &rec->contents);
	if (own)
		revert_creds(own);
	return ret;
}

/* The entry, made or found. */
static struct dentry *make_entry(struct ckpt_ctx *ctx, const struct path *in,
				 const struct ckpt_tmpfs_inode *rec, const char *name,
				 const char *target)
{
	struct mnt_idmap *idmap = mnt_idmap(in->mnt);
	struct inode *dir = d_inode(in->dentry);
	umode_t mode = rec->contents.mode;
	struct dentry *dentry;
	int ret;

	ret = check_cookie(ctx, rec->cookie);
	if (ret)
		return ERR_PTR(ret);
	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = lookup_one(idmap, name, in->dentry, strlen(name));
	ret = PTR_ERR_OR_ZERO(dentry);
	if (!ret) {
		set_cookie(in->dentry, rec->cookie);
		ret = is_there(dentry, mode) ? move_cookie(in->dentry, dentry) :
		      make_node(idmap, dir, dentry, rec, target);
		if (ret) {
			dput(dentry);
			dentry = ERR_PTR(ret);
		}
	}
	inode_unlock(dir);
	if (ret)
		ckpt_err(ctx, ret, "cannot be made (error %d)", ret);
	return dentry;
}

static int add_node(struct ckpt_ctx *ctx, struct restored_tmpfs *t, const struct path *path,
		    const struct ckpt_tmpfs_inode *rec, u32 objref)
{
	struct inode *inode = d_inode(path->dentry);
	struct restored_node *node;
	int ret;

	/* Nobody has asked for its handle yet, in which it would be known by its number. */
	if (inode_unhashed(inode)) {
		inode->i_ino = rec->contents.ino;
		inode->i_generation = rec->generation;
	}
	ret = contents_restore_named(ctx, objref, path, &rec->contents);
	if (ret)
		return ret;
	node = kmalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	if (!node)
		return -ENOMEM;
	node->rec = *rec;
	node->path = *path;
	path_get(&node->path);
	node->objref = objref;
	list_add(&node->list, &t->nodes);
	return 0;
}

/* What was filled last is full. */
static int finish_last(struct ckpt_ctx *ctx, struct restored_tmpfs *t)
{
	struct restored_node *node = list_first_entry_or_null(&t->nodes, struct restored_node,
							      list);
	const struct path *path;

	if (!node || !d_is_reg(node->path.dentry))
		return 0;
	path = restore_contents_path(ctx, node->objref);
	return PTR_ERR_OR_ZERO(path);
}

static int restore_node(struct ckpt_ctx *ctx, struct restored_tmpfs *t, u32 objref,
			const struct ckpt_tmpfs_inode *rec, const char *name,
			const char *target)
{
	struct path path = { .mnt = t->root.mnt };
	const struct path *dir;
	int ret;

	if (!t->has_root) {
		if (*name || !S_ISDIR(rec->contents.mode) ||
		    ckpt_ref(ctx, rec->dir, CKPT_OBJ_TMPFS) != t)
			return ckpt_err(ctx, -EINVAL, "a tmpfs that does not begin with its root");
		t->has_root = true;
		return add_node(ctx, t, &t->root, rec, objref);
	}
	if (!name_is_valid(name))
		return ckpt_err(ctx, -EINVAL, "a file without a proper name");
	dir = find_dir(ctx, t, rec->dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	path.dentry = make_entry(ctx, dir, rec, name, target);
	if (IS_ERR(path.dentry))
		return PTR_ERR(path.dentry);
	ret = add_node(ctx, t, &path, rec, objref);
	dput(path.dentry);
	return ret;
}

static bool node_is_valid(const struct ckpt_tmpfs_inode *rec, const char *target)
{
	struct ckpt_contents contents = rec->contents;

	if (contents.linkable)
		return false;
	if (!S_ISLNK(contents.mode))
		return !*target && contents_is_valid(&contents);
	/* But for its type, as a file. */
	contents.mode ^= S_IFLNK ^ S_IFREG;
	return *target && !contents.size && contents_is_valid(&contents);
}

/**
 * restore_tmpfs_inode_rec - a file, directory ... in a tmpfs, still without contents
 * @ctx:	the restart
 * @rec:	the TMPFS_INODE record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tmpfs_inode_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_tmpfs *t = current_tmpfs(ctx);
	const char *name, *target;
	struct ckpt_tmpfs_inode *in;
	size_t len, name_len;
	int ret;

	if (IS_ERR(t))
		return PTR_ERR(t);
	ret = finish_last(ctx, t);
	if (ret)
		return ret;
	in = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*in) + 2,
			       sizeof(*in) + NAME_MAX + 1 + PATH_MAX);
	if (IS_ERR(in))
		return PTR_ERR(in);
	len = rec->len - sizeof(*in);
	name = (const char *)(in + 1);
	name_len = strnlen(name, len) + 1;
	target = name + name_len;
	if (name_len >= len || strnlen(target, len - name_len) != len - name_len - 1 ||
	    !node_is_valid(in, target)) {
		ret = ckpt_err(ctx, -EINVAL, "a TMPFS_INODE record contradicts itself");
	} else {
		ctx->where.path = *name ? name : "/";
		ret = restore_node(ctx, t, rec->objref, in, name, target);
		ctx->where.path = NULL;
	}
	kvfree(in);
	return ret;
}

static int make_link(struct ckpt_ctx *ctx, const struct path *old, const struct path *in,
		     const char *name, u64 cookie)
{
	struct mnt_idmap *idmap = mnt_idmap(in->mnt);
	struct inode *dir = d_inode(in->dentry);
	struct dentry *dentry;
	int ret;

	ret = check_cookie(ctx, cookie);
	if (ret)
		return ret;
	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = lookup_one(idmap, name, in->dentry, strlen(name));
	ret = PTR_ERR_OR_ZERO(dentry);
	if (!ret) {
		ret = d_is_positive(dentry) ? -EEXIST :
		      inode_permission(idmap, dir, MAY_WRITE | MAY_EXEC);
		if (!ret)
			ret = security_inode_link(old->dentry, dir, dentry);
		if (!ret) {
			set_cookie(in->dentry, cookie);
			ret = dir->i_op->link(old->dentry, dir, dentry);
		}
		dput(dentry);
	}
	inode_unlock(dir);
	return ret ? ckpt_err(ctx, ret, "cannot be linked (error %d)", ret) : 0;
}

/**
 * restore_tmpfs_link_rec - another name of a file in a tmpfs
 * @ctx:	the restart
 * @rec:	the TMPFS_LINK record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tmpfs_link_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_tmpfs *t = current_tmpfs(ctx);
	const struct path *old = NULL, *dir;
	struct ckpt_tmpfs_link *in;
	const char *name;
	int ret;

	if (IS_ERR(t))
		return PTR_ERR(t);
	in = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*in) + 2,
			       sizeof(*in) + NAME_MAX + 1);
	if (IS_ERR(in))
		return PTR_ERR(in);
	name = (const char *)(in + 1);
	if (in->reserved ||
	    strnlen(name, rec->len - sizeof(*in)) != rec->len - sizeof(*in) - 1 ||
	    !name_is_valid(name)) {
		ret = ckpt_err(ctx, -EINVAL, "a TMPFS_LINK record contradicts itself");
		goto out;
	}
	ctx->where.path = name;
	dir = find_dir(ctx, t, in->dir);
	ret = PTR_ERR_OR_ZERO(dir);
	if (!ret) {
		old = restore_contents_path(ctx, rec->objref);
		ret = PTR_ERR_OR_ZERO(old);
	}
	if (!ret && (old->dentry->d_sb != dir->dentry->d_sb || d_is_dir(old->dentry) ||
		     !d_inode(old->dentry)->i_nlink))
		ret = ckpt_err(ctx, -EINVAL, "another name of what can have none");
	if (!ret)
		ret = make_link(ctx, old, dir, name, in->cookie);
	ctx->where.path = NULL;
out:
	kvfree(in);
	return ret;
}

/* Nothing happens in it any more: now it can look as it did. */
static void settle(struct restored_node *node)
{
	const struct ckpt_contents *c = &node->rec.contents;
	struct inode *inode = d_inode(node->path.dentry);
	struct shmem_inode_info *info = SHMEM_I(inode);

	inode_set_atime_to_ts(inode, ns_to_timespec64(c->atime_ns));
	inode_set_mtime_to_ts(inode, ns_to_timespec64(c->mtime_ns));
	inode_set_ctime_to_ts(inode, ns_to_timespec64(c->ctime_ns));
	info->i_crtime = ns_to_timespec64(node->rec.btime_ns);
	if (S_ISDIR(inode->i_mode) && node->rec.next_cookie >= FIRST_COOKIE &&
	    node->rec.next_cookie <= LAST_COOKIE)
		info->dir_offsets.next_offset = node->rec.next_cookie;
}

/**
 * restore_tmpfs_end_rec - all files of a tmpfs are there
 * @ctx:	the restart
 * @rec:	the TMPFS_END record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tmpfs_end_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_tmpfs *t = current_tmpfs(ctx);
	struct super_block *sb;
	struct shmem_sb_info *info;
	struct restored_node *node;
	const struct path *path;

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (rec->len || ckpt_ref(ctx, rec->objref, CKPT_OBJ_TMPFS) != t || !t->has_root)
		return ckpt_err(ctx, -EINVAL, "the end of a tmpfs that has not begun");
	list_for_each_entry(node, &t->nodes, list) {
		path = restore_contents_path(ctx, node->objref);
		if (IS_ERR(path))
			return PTR_ERR(path);
	}
	list_for_each_entry(node, &t->nodes, list)
		settle(node);
	sb = t->root.mnt->mnt_sb;
	info = sb->s_fs_info;
	memcpy(&sb->s_uuid, t->rec.uuid, sizeof(t->rec.uuid));
	raw_spin_lock(&info->stat_lock);
	info->next_ino = t->rec.next_ino;
	raw_spin_unlock(&info->stat_lock);
	t->full = true;
	ctx->tmpfs = NULL;
	return 0;
}

static unsigned long mount_flags(const struct vfsmount *mnt)
{
	static const struct {
		int mnt;
		unsigned long ms;
	} flags[] = {
		{ MNT_NOSUID, MS_NOSUID },   { MNT_NODEV, MS_NODEV },
		{ MNT_NOEXEC, MS_NOEXEC },   { MNT_NOATIME, MS_NOATIME },
		{ MNT_RELATIME, MS_RELATIME }, { MNT_NODIRATIME, MS_NODIRATIME },
		{ MNT_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};
	unsigned long all = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (mnt->mnt_flags & flags[i].mnt)
			all |= flags[i].ms;
	return all;
}

static int make_read_only(struct restored_tmpfs *t)
{
	unsigned long flags = mount_flags(t->root.mnt) | MS_REMOUNT;
	int ret = 0;

	if (t->rec.flags & CKPT_TMPFS_MNT_RDONLY)
		ret = path_mount(NULL, &t->root, NULL, flags | MS_BIND | MS_RDONLY, NULL);
	if (!ret && t->rec.flags & CKPT_TMPFS_RDONLY)
		ret = path_mount(NULL, &t->root, NULL, flags | MS_RDONLY, NULL);
	return ret;
}

/**
 * restore_tmpfs_done - nobody writes to them any more that were read-only
 * @ctx:	the restart
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tmpfs_done(struct ckpt_ctx *ctx)
{
	struct restored_tmpfs *t;
	unsigned long objref = 0;
	int ret;

	while ((t = ckpt_ref_next(ctx, &objref, CKPT_OBJ_TMPFS))) {
		if (!t->full)
			return ckpt_err(ctx, -EINVAL, "a tmpfs without end");
		/* Only who lives there may change a mount. */
		ret = restore_go_to_mnt(ctx, t->rec.mnt);
		if (!ret) {
			ret = make_read_only(t);
			ckpt_go_to_mnt(ctx, NULL);
		}
		if (ret)
			return ckpt_err(ctx, ret, "a tmpfs cannot be made read-only (error %d)",
					ret);
	}
	return 0;
}
