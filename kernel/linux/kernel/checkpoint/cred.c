// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of credentials.
 *
 * A restored task gets no power that its maker could not have taken: what the
 * image asks for passes the checks of setresuid(2), setgroups(2) and capset(2).
 */
#include <linux/capability.h>
#include <linux/checkpoint_tasks.h>
#include <linux/cred.h>
#include <linux/sched/coredump.h>
#include <linux/securebits.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#ifdef CONFIG_SECURITY_LANDLOCK
#include "../../security/landlock/cred.h"
#endif

/*
 * What a security module keeps is not written: to lose a restriction is to give
 * power. Whoever is in the caller's own sandbox will be in that of who restarts.
 */
static bool is_landlocked(const struct cred *c)
{
#ifdef CONFIG_SECURITY_LANDLOCK
	const struct landlock_ruleset *domain = landlock_cred(c)->domain;

	return domain && domain != landlock_cred(current_cred())->domain;
#else
	return false;
#endif
}

static int write_cred(struct ckpt_ctx *ctx, const struct cred *c, const char *what,
		      u32 *objref)
{
	struct user_namespace *ns = current_user_ns();
	struct ckpt_cred rec = {};
	u32 *groups;
	int ret, i;

	ret = ckpt_obj(ctx, CKPT_OBJ_CRED, (void *)c, objref);
	if (ret <= 0)
		return ret;
	if (c->user_ns == ctx->user_ns)
		rec.securebits |= CKPT_CRED_OWN_USER;
	else if (c->user_ns != ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "%s another user namespace: not supported", what);
	if (is_landlocked(c))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "%s another sandbox of Landlock: not supported", what);
	rec.uid = from_kuid_munged(ns, c->uid);
	rec.gid = from_kgid_munged(ns, c->gid);
	rec.suid = from_kuid_munged(ns, c->suid);
	rec.sgid = from_kgid_munged(ns, c->sgid);
	rec.euid = from_kuid_munged(ns, c->euid);
	rec.egid = from_kgid_munged(ns, c->egid);
	rec.fsuid = from_kuid_munged(ns, c->fsuid);
	rec.fsgid = from_kgid_munged(ns, c->fsgid);
	rec.caps[0] = c->cap_inheritable.val;
	rec.caps[1] = c->cap_permitted.val;
	rec.caps[2] = c->cap_effective.val;
	rec.caps[3] = c->cap_bset.val;
	rec.caps[4] = c->cap_ambient.val;
	rec.securebits |= c->securebits;
	rec.nr_groups = c->group_info->ngroups;
	groups = kvcalloc(rec.nr_groups + 1, sizeof(*groups), GFP_KERNEL_ACCOUNT);
	if (!groups)
		return -ENOMEM;
	for (i = 0; i < rec.nr_groups; i++)
		groups[i] = from_kgid_munged(ns, c->group_info->gid[i]);
	ret = ckpt_write_rec2(ctx, CKPT_REC_CRED, *objref, &rec, sizeof(rec),
			      groups, rec.nr_groups * sizeof(*groups));
	kvfree(groups);
	return ret;
}

int checkpoint_cred(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	const struct cred *c = get_task_cred(t);
	int ret;

	ret = write_cred(ctx, c, "lives in", objref);
#ifdef CONFIG_KEYS
	/* That of the session will be the one of who restarts it. */
	if (!ret && (c->thread_keyring || c->process_keyring))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "has a keyring of its own: not supported");
#endif
	put_cred(c);
	return ret;
}

/**
 * checkpoint_file_cred - write the credentials that a file was opened with
 * @ctx:	the checkpoint
 * @cred:	the credentials
 * @objref:	their objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_file_cred(struct ckpt_ctx *ctx, const struct cred *cred, u32 *objref)
{
	return write_cred(ctx, cred, "was opened in", objref);
}

int restore_cred_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_cred *c;

	c = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*c),
			      sizeof(*c) + NGROUPS_MAX * sizeof(u32));
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (rec->len != sizeof(*c) + (u64)c->nr_groups * sizeof(u32)) {
		ckpt_err(ctx, -EINVAL, "credentials: %u groups do not fit the record",
			 c->nr_groups);
		kvfree(c);
		return -EINVAL;
	}
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_CRED, c);
}

static int set_ids(struct cred *new, const struct ckpt_cred *c)
{
	struct user_namespace *ns = current_user_ns();

	new->uid = make_kuid(ns, c->uid);
	new->suid = make_kuid(ns, c->suid);
	new->euid = make_kuid(ns, c->euid);
	new->fsuid = make_kuid(ns, c->fsuid);
	new->gid = make_kgid(ns, c->gid);
	new->sgid = make_kgid(ns, c->sgid);
	new->egid = make_kgid(ns, c->egid);
	new->fsgid = make_kgid(ns, c->fsgid);
	if (!uid_valid(new->uid) || !uid_valid(new->suid) || !uid_valid(new->euid) ||
	    !uid_valid(new->fsuid) || !gid_valid(new->gid) || !gid_valid(new->sgid) ||
	    !gid_valid(new->egid) || !gid_valid(new->fsgid))
		return -EINVAL;
	return 0;
}

static bool ids_differ(const struct cred *a, const struct cred *b)
{
	return !uid_eq(a->uid, b->uid) || !uid_eq(a->suid, b->suid) ||
	       !uid_eq(a->euid, b->euid) || !uid_eq(a->fsuid, b->fsuid) ||
	       !gid_eq(a->gid, b->gid) || !gid_eq(a->sgid, b->sgid) ||
	       !gid_eq(a->egid, b->egid) || !gid_eq(a->fsgid, b->fsgid);
}

static int set_groups_of(struct cred *new, const struct ckpt_cred *c)
{
	const u32 *groups = (const u32 *)(c + 1);
	struct group_info *gi = groups_alloc(c->nr_groups);
	unsigned int i;

	if (!gi)
		return -ENOMEM;
	for (i = 0; i < c->nr_groups; i++) {
		gi->gid[i] = make_kgid(current_user_ns(), groups[i]);
		if (!gid_valid(gi->gid[i])) {
			put_group_info(gi);
			return -EINVAL;
		}
	}
	groups_sort(gi);
	set_groups(new, gi);
	put_group_info(gi);
	return 0;
}

static bool groups_differ(const struct cred *a, const struct cred *b)
{
	return a->group_info->ngroups != b->group_info->ngroups ||
	       memcmp(a->group_info->gid, b->group_info->gid,
		      a->group_info->ngroups * sizeof(kgid_t));
}

static int set_caps(struct cred *new, const struct cred *old, const struct ckpt_cred *c)
{
	kernel_cap_t set[CKPT_CAP_SETS];
	int i;

	for (i = 0; i < CKPT_CAP_SETS; i++) {
		set[i].val = c->caps[i];
		if (set[i].val & ~CAP_VALID_MASK)
			return -EINVAL;
	}
	if (!cap_issubset(set[1], old->cap_permitted) ||
	    !cap_issubset(set[3], old->cap_bset) ||
	    !cap_issubset(set[0], cap_combine(old->cap_inheritable, old->cap_permitted)))
		return -EPERM;
	if (!cap_issubset(set[2], set[1]) ||
	    !cap_issubset(set[4], cap_intersect(set[0], set[1])))
		return -EINVAL;
	if (set[3].val != old->cap_bset.val && !ns_capable(old->user_ns, CAP_SETPCAP))
		return -EPERM;
	new->cap_inheritable = set[0];
	new->cap_permitted = set[1];
	new->cap_effective = set[2];
	new->cap_bset = set[3];
	new->cap_ambient = set[4];
	return 0;
}

/*
 * Those in a user namespace of the tree are had by who takes on the ids outside
 * and then enters it.
 */
static int set_all(struct ckpt_ctx *ctx, struct cred *new, const struct ckpt_cred *c)
{
	u32 securebits = c->securebits & ~CKPT_CRED_OWN_USER;
	const struct cred *old = current_cred();
	int ret;

	ret = set_ids(new, c);
	if (!ret)
		ret = set_groups_of(new, c);
	if (!ret && c->securebits & CKPT_CRED_OWN_USER)
		ret = restore_enter_user_ns(ctx, new);
	if (!ret)
		ret = set_caps(new, new, c);
	if (ret)
		return ret;
	if (securebits & ~(SECURE_ALL_BITS | SECURE_ALL_LOCKS))
		return -EINVAL;
	if (ids_differ(new, old) && !ns_capable(old->user_ns, CAP_SETUID))
		return -EPERM;
	if ((ids_differ(new, old) || groups_differ(new, old)) &&
	    !ns_capable(old->user_ns, CAP_SETGID))
		return -EPERM;
	/* Anybody may keep capabilities over setuid(2), unless that is locked. */
	if (((securebits ^ new->securebits) &
	     (new->securebits & issecure_mask(SECURE_KEEP_CAPS_LOCKED) ?
	      ~0U : ~issecure_mask(SECURE_KEEP_CAPS))) &&
	    !ns_capable(new->user_ns, CAP_SETPCAP))
		return -EPERM;
	new->securebits = securebits;
	if (!uid_eq(new->uid, old->uid)) {
		struct user_struct *user = alloc_uid(new->uid);

		if (!user)
			return -ENOMEM;
		free_uid(new->user);
		new->user = user;
	}
	return set_cred_ucounts(new);
}

/**
 * restore_cred - take on the credentials that the image has for this task
 * @rt:		the task, which is current
 *
 * Return: 0 or a negative error.
 */
int restore_cred(struct restart_task *rt)
{
	struct ckpt_cred *c = ckpt_ref(restart_ckpt_ctx(rt), rt->thread.cred, CKPT_OBJ_CRED);
	struct cred *new;
	int ret;

	if (IS_ERR(c))
		return restore_fail(rt, PTR_ERR(c), "credentials: no such object");
	new = prepare_creds();
	if (!new)
		return restore_fail(rt, -ENOMEM, "credentials");
	ret = set_all(restart_ckpt_ctx(rt), new, c);
	if (ret) {
		abort_creds(new);
		return restore_fail(rt, ret, "credentials");
	}
	return commit_creds(new);
}

/**
 * restore_file_cred - the credentials to open a file with
 * @ctx:	the restart
 * @objref:	how the image names them; 0: those of the caller
 *
 * They are what the file remembers of who opened it. What may be opened at all
 * is for the caller's own credentials to say.
 *
 * Return: the credentials, which @ctx holds until the next call, or an error
 * pointer that was logged.
 */
const struct cred *restore_file_cred(struct ckpt_ctx *ctx, u32 objref)
{
	struct ckpt_cred *c;
	struct cred *new;
	int ret;

	if (!objref)
		return current_cred();
	if (ctx->file_cred && ctx->file_cred_ref == objref)
		return ctx->file_cred;
	c = ckpt_ref(ctx, objref, CKPT_OBJ_CRED);
	if (IS_ERR(c))
		return ERR_CAST(c);
	new = prepare_creds();
	if (!new)
		return ERR_PTR(-ENOMEM);
	ret = set_all(ctx, new, c);
	if (ret) {
		abort_creds(new);
		return ERR_PTR(ckpt_err(ctx, ret,
			"the credentials it was opened with cannot be had (error %d)", ret));
	}
	if (ctx->file_cred)
		put_cred(ctx->file_cred);
	ctx->file_cred = new;
	ctx->file_cred_ref = objref;
	return new;
}
