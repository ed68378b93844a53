/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart: sockets and networks.
 */
#ifndef _LINUX_CHECKPOINT_NET_H
#define _LINUX_CHECKPOINT_NET_H

#include <linux/checkpoint_internal.h>

/* net/core/filter.c */
struct bpf_prog;
struct sock_filter;
struct sock_fprog_kern;
int bpf_prog_create_checked(struct bpf_prog **pfp, struct sock_fprog_kern *fprog,
			    int (*trans)(struct sock_filter *filter, unsigned int flen));

/* net/sock_checkpoint.c */
struct net;
struct scm_cookie;
struct sk_buff;
struct sk_buff_head;
struct sock;
struct sockaddr_un;
struct socket;
struct vm_area_struct;

struct restored_tcp;

/* What is set last, for what happens before would change it. */
struct restored_sock {
	struct sock *sk;	/* has no file: the table of objects holds it */
	struct socket *sock;	/* TCP: the same, until it waits to be accepted */
	struct sock *listener;	/* TCP: where it is to wait */
	struct restored_tcp *tcp;
	bool gone;
	bool reused;		/* it loses SO_REUSEPORT when all who share its port have it */
	unsigned char reuse;	/* while it is lent SO_REUSEADDR */
	bool is_detached;	/* a packet socket, while its rings are filled */
	bool was_running;
	__be16 packet_num;
	u32 shutdown;
	u32 error;
};

int checkpoint_sock(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_socket *rec, u32 objref,
		    const void *addr, const void *peer);
int ckpt_write_queue(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff_head *queue,
		     u32 objref, int (*write)(struct ckpt_ctx *ctx, const struct sock *sk,
					      struct sk_buff *skb, u32 objref));
int restore_socket_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_socket_peer_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_socket_msg_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct sock *restored_sock_of(struct ckpt_ctx *ctx, u32 objref);
int restore_sock_add(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
		     struct sock *sk);
void restore_sockets_settle(struct ckpt_ctx *ctx);
void ckpt_restored_sock_put(void *sock);
const char *ckpt_sock_map_obstacle(struct vm_area_struct *vma);
void ckpt_sock_get(void *sk);
void ckpt_sock_put(void *sk);

/* net/sock_filter_checkpoint.c */
int checkpoint_sock_filter(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int restore_socket_filter_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/sock_options.c */
int ckpt_sock_long_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
			   unsigned int nr, unsigned int max);
bool ckpt_is_long_option(const struct sock *sk, const struct ckpt_sockopt *o);
int restore_sock_long_option(struct ckpt_ctx *ctx, struct socket *sock,
			     const struct ckpt_sockopt *options, unsigned int nr);
int ckpt_sock_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
		      unsigned int max);
int restore_sock_options(struct ckpt_ctx *ctx, struct socket *sock,
			 const struct ckpt_sockopt *options, unsigned int nr);

/* net/unix/af_unix.c */
bool unix_is_found_by_name(const struct sock *sk);
int unix_bind_again(struct sock *sk, struct sockaddr_un *name, int len, const struct path *path,
		    bool found);
struct sock *unix_make_gone(struct net *net, int type);
void unix_forget(struct sock *sk);
struct sock *unix_make_pending(struct sock *listener);
int unix_queue_again(struct sock *from, struct sock *to, const void *data, size_t len,
		     struct scm_cookie *scm, u32 flags);

/* net/unix/unix_checkpoint.c */
int checkpoint_unix(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_unix(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		 struct socket *sock);
int restore_unix_without_file(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
			      const void *addr);
int restore_unix_peer(struct ckpt_ctx *ctx, struct sock *sk, struct sock *peer);
int restore_unix_msg(struct ckpt_ctx *ctx, struct sock *from, struct sock *to,
		     const struct ckpt_socket_msg *m, size_t len);
int unix_files_in_flight(struct file *file, struct file ***files, unsigned int *nr);

/* net/netns_checkpoint.c */
/**
 * struct ckpt_inner_net - a network namespace in which only some tasks of the tree live
 * @record:	what user space says of it
 * @len:	bytes of that
 * @changes:	a socket that hears of what changes there
 */
struct ckpt_inner_net {
	void *record;
	u32 len;
	struct file *changes;
};

int ckpt_net_obstacles(struct ckpt_ctx *ctx, struct net *net);
int ckpt_net_changed(struct ckpt_ctx *ctx);
bool ckpt_net_is_of_tree(struct ckpt_ctx *ctx, const struct net *net);
int ckpt_get_inner_nets(struct ckpt_ctx *ctx, u64 from, u32 nr);
void ckpt_inner_nets_free(struct ckpt_ctx *ctx);
int checkpoint_inner_nets(struct ckpt_ctx *ctx);
int restore_use_net_ns(struct ckpt_ctx *ctx, int fd, u32 objref);
int restore_enter_net(struct ckpt_ctx *ctx, u32 objref, struct nsproxy **outside);
void restore_leave_net(struct nsproxy *outside);

/* net/inet_checkpoint.c */
int checkpoint_inet(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_inet(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		 const void *peer, struct socket *sock);

/* net/inet_groups_checkpoint.c */
int ckpt_inet_groups(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
		     unsigned int nr, unsigned int max);
bool ckpt_is_inet_group(const struct sock *sk, const struct ckpt_sockopt *o);
int restore_inet_group(struct socket *sock, const struct ckpt_sockopt *o);

/* net/udp_checkpoint.c */
int checkpoint_datagrams(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int restore_socket_dgram_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/errqueue_checkpoint.c */
int checkpoint_reports(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int restore_socket_report_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/netlink/netlink_checkpoint.c */
int checkpoint_netlink(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_netlink(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		    const void *peer, struct socket *sock);
bool ckpt_netlink_knows(u32 name);
int ckpt_netlink_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *to,
			 unsigned int nr, unsigned int max);
int restore_netlink_msg(struct ckpt_ctx *ctx, struct sock *sk, const struct ckpt_datagram *d,
			size_t len);

/* net/packet/packet_checkpoint.c */
int checkpoint_packet(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_packet(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		   struct socket *sock);
u32 ckpt_packet_knows(u32 name);
int ckpt_packet_options(struct sock *sk, struct ckpt_sockopt *to, unsigned int nr,
			unsigned int max);

/* net/packet/af_packet.c */
int checkpoint_packet_rings(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
const char *ckpt_packet_map_obstacle(struct vm_area_struct *vma);
int restore_packet_ring_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_ring_data_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
void restore_packet_settle(struct sock *sk, const struct restored_sock *rs);

/* drivers/net/tun.c */
struct net_device;
bool ckpt_tun_is_held_outside(struct ckpt_ctx *ctx, struct net_device *dev);
int restore_tun_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/ipv4/tcp_checkpoint.c */
int checkpoint_tcp(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int checkpoint_tcp_pending(struct ckpt_ctx *ctx, struct sock *listener, u32 objref);
int ckpt_tcp_obstacle(struct ckpt_ctx *ctx, struct sock *sk);
void tcp_take_from_listener(struct sock *listener, struct sock *sk);
void ckpt_tcp_let_go(struct list_head *held);
void ckpt_tcp_silence(struct list_head *held);

/* net/ipv4/tcp_restore.c */
struct socket *restored_socket_of(struct ckpt_ctx *ctx, u32 objref, struct restored_sock **rs);
int restore_tcp_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tcp_data_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tcp_complete(struct ckpt_ctx *ctx);
void restore_tcp_settle(struct ckpt_ctx *ctx);
void restore_tcp_free(struct ckpt_ctx *ctx);

/* net/ipv4/tcp_silence.c */
int tcp_drop_all(struct sock *sk);
void tcp_drop_none(struct sock *sk);
bool tcp_keep_silent(struct sock *sk);
struct sock *tcp_find_silent(struct sock *sk);
void tcp_end_silence(struct sock *sk);
void tcp_destroy_silently(struct sock *sk);
struct sock *tcp_find(struct sock *sk, bool peer);

/* net/core/filter.c */
int sk_attach_checked(struct sock *sk, struct sock_fprog_kern *fprog);

#endif /* _LINUX_CHECKPOINT_NET_H */
