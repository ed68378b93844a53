/* SPDX-License-Identifier: Apache-2.0 */
/* A little of rtnetlink: questions, requests, attributes. */
#ifndef RTNL_H
#define RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* Bytes that grow. */
struct bytes {
	char *at;
	size_t len, room;
};

void *bytes_add(struct bytes *bytes, const void *data, size_t len);

/* A socket in the network namespace of the caller; -1 if it cannot be had. */
int rtnl_open(void);
/* Messages of these groups (RTNLGRP_*) are kept for it from now on. */
bool rtnl_hear(int fd, const int *groups, size_t nr);

/* All answers to a dump, one after the other; @request follows the header. 0 or an error number. */
int rtnl_dump(int fd, int type, const void *request, size_t len, struct bytes *answers);

/* The answers to a question that is no dump. 0 or an error number. */
int rtnl_ask(int fd, struct nlmsghdr *message, struct bytes *answers);

/* A request that changes something: 0 or an error number. */
int rtnl_do(int fd, struct nlmsghdr *message, int flags);

/* The next whole message in @bytes after @last (NULL: the first), or NULL. */
struct nlmsghdr *rtnl_next(const struct bytes *bytes, const struct nlmsghdr *last);

/* Attributes behind a structure of @fixed bytes, by type up to @max; false if they are malformed. */
bool rtnl_attributes(const struct nlmsghdr *message, size_t fixed, const struct rtattr **by_type, int max);
bool rtnl_nested(const struct rtattr *nest, const struct rtattr **by_type, int max);
/* Both are there, with the same content. */
bool rtnl_is_equal(const struct rtattr *x, const struct rtattr *y);
uint32_t rtnl_u32(const struct rtattr *attribute, uint32_t otherwise);

/* A message that is being written at @offset of @bytes. */
size_t rtnl_begin(struct bytes *bytes, int type, const void *fixed, size_t len);
void rtnl_put(struct bytes *bytes, size_t offset, int type, const void *data, size_t len);
size_t rtnl_nest(struct bytes *bytes, size_t offset, int type);
void rtnl_nest_end(struct bytes *bytes, size_t nest);

#endif
