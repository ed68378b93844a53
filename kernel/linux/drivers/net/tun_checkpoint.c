// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of /dev/net/tun: of which device a file is a queue. The device is
 * part of a network, which user space makes again; there it waits for its files. What
 * it has sent and nobody has read is lost, as if the queue had been full. A part of tun.c.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/major.h>
#include <linux/namei.h>

static const struct {
	netdev_features_t feature;
	u32 offload;
} tun_offloads[] = {
	{ NETIF_F_HW_CSUM, TUN_F_CSUM },
	{ NETIF_F_TSO, TUN_F_TSO4 },
	{ NETIF_F_TSO6, TUN_F_TSO6 },
	{ NETIF_F_TSO_ECN, TUN_F_TSO_ECN },
	{ NETIF_F_GSO_UDP_L4, TUN_F_USO4 | TUN_F_USO6 },
};

static bool is_tun(const struct net_device *dev)
{
	return dev->netdev_ops == &tun_netdev_ops || dev->netdev_ops == &tap_netdev_ops;
}

static const char *tun_obstacle(struct ckpt_ctx *ctx, const struct tun_struct *tun,
				const struct tun_file *tfile)
{
	if (!net_eq(dev_net(tun->dev), sock_net(&tfile->sk)))
		return "has been moved to another network namespace";
	if (!(tun->flags & IFF_PERSIST) && !ckpt_net_is_of_tree(ctx, dev_net(tun->dev)))
		return "ends with it (TUNSETPERSIST), in a network that is not of the tree";
	if (tun->filter_attached || rcu_access_pointer(tun->steering_prog) ||
	    rcu_access_pointer(tun->filter_prog) || tun->txflt.count)
		return "has a filter or a program";
	return NULL;
}

static void describe_device(struct tun_struct *tun, struct ckpt_tun *t)
{
	unsigned int i;

	t->flags = tun_flags(tun) | (tun->flags & TUN_VNET_LE);
	t->vnet_hdr_sz = tun->vnet_hdr_sz;
	t->sndbuf = tun->sndbuf;
	strscpy_pad(t->name, tun->dev->name, sizeof(t->name));
	for (i = 0; i < ARRAY_SIZE(tun_offloads); i++)
		if (tun->set_features & tun_offloads[i].feature)
			t->offloads |= tun_offloads[i].offload;
}

static int describe_queue(struct ckpt_ctx *ctx, struct tun_file *tfile, struct ckpt_tun *t)
{
	const char *obstacle = NULL;
	struct tun_struct *tun;

	rtnl_lock();
	tun = rtnl_dereference(tfile->tun);
	t->state = tun ? CKPT_TUN_ATTACHED : CKPT_TUN_NO_DEVICE;
	if (tfile->detached) {
		tun = tfile->detached;
		t->state = CKPT_TUN_DETACHED;
	}
	if (tun) {
		obstacle = tun_obstacle(ctx, tun, tfile);
		describe_device(tun, t);
	} else {
		t->ifindex = tfile->ifindex;
	}
	rtnl_unlock();
	if (!net_eq(sock_net(&tfile->sk), current->nsproxy->net_ns) &&
	    !ckpt_obj_lookup(ctx, CKPT_OBJ_NS, &sock_net(&tfile->sk)->ns, &t->net))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "is of another network namespace: not supported");
	if (obstacle)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "its device %s %s: not supported",
				     t->name, obstacle);
	return 0;
}

static int tun_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_tun t = {
		.access = file->f_flags & O_ACCMODE, .mnt = ckpt_mnt_objref(ctx),
	};
	u32 objref = ++ctx->next_ref;
	const char *name;
	int ret;

	ret = describe_queue(ctx, file->private_data, &t);
	if (!ret)
		ret = ckpt_find_name(ctx, &file->f_path, "a device", &name);
	if (ret > 0)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "has been removed: not supported");
	if (!ret && name)
		ret = ckpt_write_rec2(ctx, CKPT_REC_TUN, objref, &t, sizeof(t),
				      name, strlen(name) + 1);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_TUN, objref);
}

static bool is_written(struct ckpt_ctx *ctx, const struct tun_file *tfile)
{
	u32 objref;

	return ckpt_obj_lookup(ctx, CKPT_OBJ_FILE, tfile->socket.file, &objref);
}

/**
 * ckpt_tun_is_held_outside - has a process outside the tree a queue of a device?
 * @ctx:	the checkpoint, which has written all files
 * @dev:	a device; the caller holds the rtnl lock
 *
 * Return: whether one has.
 */
bool ckpt_tun_is_held_outside(struct ckpt_ctx *ctx, struct net_device *dev)
{
	struct tun_struct *tun = netdev_priv(dev);
	struct tun_file *tfile;
	unsigned int i;

	if (!is_tun(dev))
		return false;
	for (i = 0; i < tun->numqueues; i++)
		if (!is_written(ctx, rtnl_dereference(tun->tfiles[i])))
			return true;
	list_for_each_entry(tfile, &tun->disabled, next)
		if (!is_written(ctx, tfile))
			return true;
	return false;
}

static struct file *open_tun(struct ckpt_ctx *ctx, const struct ckpt_tun *t, const char *name)
{
	struct file *file = ERR_PTR(-ENODEV);
	struct path path;
	int ret;

	ret = restore_go_to_mnt(ctx, t->mnt);
	if (ret)
		return ERR_PTR(ret);
	ret = kern_path(name, 0, &path);
	if (ret) {
		file = ERR_PTR(ret);
	} else {
		if (S_ISCHR(d_inode(path.dentry)->i_mode) &&
		    d_inode(path.dentry)->i_rdev == MKDEV(MISC_MAJOR, TUN_MINOR))
			file = path_open_quiet(&path, t->access | O_NONBLOCK, current_cred());
		path_put(&path);
	}
	ckpt_go_to_mnt(ctx, NULL);
	return file;
}

/* As its ioctl(2)s do it, but for making a device. */
static int attach_again(struct file *file, const struct ckpt_tun *t)
{
	struct ifreq ifr = { .ifr_flags = t->flags & (TUN_FEATURES | IFF_TUN | IFF_TAP) };
	struct tun_file *tfile = file->private_data;
	struct net_device *dev;
	struct tun_struct *tun;
	int ret;

	strscpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	dev = __dev_get_by_name(sock_net(&tfile->sk), ifr.ifr_name);
	if (!dev || !is_tun(dev))
		return -ENODEV;
	ret = tun_set_iff(sock_net(&tfile->sk), file, &ifr);
	if (ret)
		return ret;
	tun = rtnl_dereference(tfile->tun);
	tun->vnet_hdr_sz = t->vnet_hdr_sz;
	tun->sndbuf = t->sndbuf;
	tun_set_sndbuf(tun);
	tun->flags = (tun->flags & ~TUN_VNET_LE) | (t->flags & TUN_VNET_LE);
	ret = set_offload(tun, t->offloads);
	/* It has waited for us. */
	if (!(t->flags & IFF_PERSIST) && tun->flags & IFF_PERSIST) {
		tun->flags &= ~IFF_PERSIST;
		module_put(THIS_MODULE);
	}
	if (!ret && t->state == CKPT_TUN_DETACHED)
		__tun_detach(tfile, false);
	return ret;
}

static bool is_possible(const struct ckpt_tun *t)
{
	return t->state <= CKPT_TUN_DETACHED && t->ifindex <= INT_MAX &&
	       t->access <= O_RDWR && strnlen(t->name, sizeof(t->name)) < IFNAMSIZ &&
	       (!t->state || (t->vnet_hdr_sz >= sizeof(struct virtio_net_hdr) &&
			      t->vnet_hdr_sz <= PAGE_SIZE && t->sndbuf > 0)) &&
	       (t->state != CKPT_TUN_DETACHED || t->flags & IFF_MULTI_QUEUE);
}

static struct file *make_tun(struct ckpt_ctx *ctx, const struct ckpt_tun *t, const char *name)
{
	struct nsproxy *outside;
	struct file *file;
	int ret;

	ret = restore_enter_net(ctx, t->net, &outside);
	if (ret)
		return ERR_PTR(ret);
	file = open_tun(ctx, t, name);
	restore_leave_net(outside);
	if (IS_ERR(file))
		return file;
	if (!t->state) {
		((struct tun_file *)file->private_data)->ifindex = t->ifindex;
		return file;
	}
	rtnl_lock();
	ret = attach_again(file, t);
	rtnl_unlock();
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ckpt_err(ctx, ret, "cannot be a queue of the device %s (error %d)",
				t->name, ret));
}

/**
 * restore_tun_rec - make a queue of a device
 * @ctx:	the restart
 * @rec:	the TUN record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tun_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_tun *t;
	const char *name;
	size_t len;
	int ret;

	t = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*t) + 2, sizeof(*t) + PATH_MAX);
	if (IS_ERR(t))
		return PTR_ERR(t);
	name = (const char *)(t + 1);
	len = rec->len - sizeof(*t);
	if (!is_possible(t) || name[0] != '/' || strnlen(name, len) + 1 != len)
		ret = ckpt_err(ctx, -EINVAL, "a queue of a device that cannot be");
	else
		ret = ckpt_anon_add(ctx, rec->objref, CKPT_FILE_TUN, make_tun(ctx, t, name));
	kvfree(t);
	return ret;
}
