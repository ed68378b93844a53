// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of BPF maps that hold nothing but bytes, and that no program uses.
 * A part of syscall.c.
 */
#include <linux/checkpoint_files.h>

/* What one BPF_ELEMENTS holds, if it is not a single one. */
#define CKPT_ELEMENTS_BYTES	SZ_64K

static bool is_plain(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
		return true;
	}
	return false;
}

static const char *map_obstacle(struct bpf_map *map)
{
	if (!is_plain(map->map_type) || bpf_map_is_offloaded(map))
		return "a BPF map of this type: not supported";
	if (map->btf || map->record)
		return "a BPF map with types (BTF): not supported";
	if (atomic64_read(&map->refcnt) != 1)
		return "a BPF map that a program uses, is pinned or has more files: not supported";
	return NULL;
}

static size_t element_size(const struct bpf_map *map)
{
	return map->key_size + bpf_map_value_size(map);
}

static int next_key(struct bpf_map *map, void *key, void *next)
{
	int ret;

	rcu_read_lock();
	ret = map->ops->map_get_next_key(map, key, next);
	rcu_read_unlock();
	return ret;
}

/* @from: the key of the last one that was written, or NULL; then of the last one in @to. */
static ssize_t copy_elements(struct bpf_map *map, void **from, void *key, void *to, size_t room)
{
	size_t size = element_size(map), len = 0;
	int ret = 0;

	while (len + size <= room) {
		ret = next_key(map, *from, key);
		if (ret)
			break;
		memcpy(to + len, key, map->key_size);
		ret = bpf_map_copy_value(map, key, to + len + map->key_size, 0);
		if (ret)
			break;
		/* It is the last now. */
		*from = to + len;
		len += size;
		cond_resched();
	}
	return ret && ret != -ENOENT ? ret : len;
}

static int write_elements(struct ckpt_ctx *ctx, struct bpf_map *map, u32 objref)
{
	size_t room = max_t(size_t, CKPT_ELEMENTS_BYTES, element_size(map));
	void *key = kvmalloc(2 * map->key_size, GFP_KERNEL_ACCOUNT), *from = NULL;
	void *buf = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	ssize_t len = key && buf ? 1 : -ENOMEM;

	while (len > 0) {
		len = copy_elements(map, &from, key, buf, room);
		if (len <= 0)
			break;
		/* The next round overwrites it. */
		from = memcpy(key + map->key_size, from, map->key_size);
		len = ckpt_write_rec(ctx, CKPT_REC_BPF_ELEMENTS, objref, buf, len) ?: len;
	}
	kvfree(buf);
	kvfree(key);
	return len;
}

/**
 * bpf_map_file_checkpoint - ->checkpoint for a BPF map
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int bpf_map_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct bpf_map *map = file->private_data;
	const char *obstacle = map_obstacle(map);
	struct ckpt_bpf_map m = {
		.type = map->map_type,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		.flags = map->map_flags,
		.numa_node = map->numa_node,
		.frozen = READ_ONCE(map->frozen),
		.access = file->f_flags & O_ACCMODE,
	};
	u32 objref = ++ctx->next_ref;
	int ret;

	if (obstacle)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "%s", obstacle);
	if (element_size(map) > CKPT_MAX_RECORD_BYTES)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a BPF map of large elements: not supported");
	memcpy(m.name, map->name, sizeof(m.name));
	ret = ckpt_write_rec(ctx, CKPT_REC_BPF_MAP, objref, &m, sizeof(m));
	if (!ret && !ckpt_dryrun(ctx))
		ret = write_elements(ctx, map, objref);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_BPF_MAP, objref);
}

/* By the rules of bpf(2), which gives a descriptor. */
static struct file *make_map(const struct ckpt_bpf_map *m)
{
	union bpf_attr attr;
	struct file *file;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = m->type;
	attr.key_size = m->key_size;
	attr.value_size = m->value_size;
	attr.max_entries = m->max_entries;
	attr.map_flags = m->flags | (m->access == O_RDONLY ? BPF_F_RDONLY : 0) |
			 (m->access == O_WRONLY ? BPF_F_WRONLY : 0);
	if (m->flags & BPF_F_NUMA_NODE)
		attr.numa_node = m->numa_node;
	BUILD_BUG_ON(sizeof(m->name) != sizeof(attr.map_name));
	memcpy(attr.map_name, m->name, sizeof(m->name));
	fd = map_create(&attr);
	if (fd < 0)
		return ERR_PTR(fd);
	file = fget(fd);
	close_fd(fd);
	return file ?: ERR_PTR(-EBADF);
}

/**
 * restore_bpf_map_rec - make a BPF map
 * @ctx:	the restart
 * @rec:	the BPF_MAP record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_bpf_map_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_bpf_map *m;
	struct file *file;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m), sizeof(*m));
	if (IS_ERR(m))
		return PTR_ERR(m);
	if (!is_plain(m->type) || m->access > O_RDWR || m->frozen > 1 ||
	    m->flags & (BPF_F_TOKEN_FD | BPF_F_RDONLY | BPF_F_WRONLY))
		file = ERR_PTR(-EINVAL);
	else
		file = make_map(m);
	if (!IS_ERR(file) && m->frozen)
		((struct bpf_map *)file->private_data)->frozen = true;
	ret = ckpt_anon_add(ctx, rec->objref, CKPT_FILE_BPF_MAP, file);
	kvfree(m);
	return ret;
}

/**
 * restore_bpf_elements_rec - put elements into a BPF map
 * @ctx:	the restart
 * @rec:	a BPF_ELEMENTS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_bpf_elements_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_anon *anon = ckpt_anon_ref(ctx, rec->objref, CKPT_FILE_BPF_MAP);
	struct bpf_map *map;
	size_t at, size;
	void *data;
	int ret = 0;

	if (IS_ERR(anon))
		return PTR_ERR(anon);
	data = ckpt_read_payload(ctx, &ctx->img, rec, 1, CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(data))
		return PTR_ERR(data);
	map = anon->file->private_data;
	size = element_size(map);
	if (rec->len % size)
		ret = -EINVAL;
	for (at = 0; at < rec->len && !ret; at += size) {
		ret = bpf_map_update_value(map, anon->file, data + at, data + at + map->key_size,
					   BPF_ANY);
		cond_resched();
	}
	kvfree(data);
	return ret ? ckpt_err(ctx, ret, "cannot put elements into a BPF map (error %d)", ret) : 0;
}
