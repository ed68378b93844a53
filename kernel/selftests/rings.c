// SPDX-License-Identifier: Apache-2.0
/* Packet sockets with rings: what is unread in them, and where both sides go on. */
/* covers: Sockets | packet sockets with rings (PACKET_RX_RING, PACKET_TX_RING) of all versions, with unread packets, mapped by several, privately | supported */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/checkpoint.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

/* On a slow machine each packet may come into a block of its own: more of them than are ever unread. */
#define BLOCK	4096
#define BLOCKS	8
#define FRAME	2048
#define FRAMES	(BLOCKS * BLOCK / FRAME)
#define PORT	4711

/* A ring, and how far its reader has come. */
struct ring {
	int fd, version;
	unsigned char *map;
	unsigned int at;	/* frame or block */
	unsigned int in_block, read;
};

static int talker;

/* Only datagrams to PORT that are coming in are of interest. */
static bool is_ours(const unsigned char *frame, size_t len, char *text)
{
	const unsigned char *udp = frame + 20;

	if (len < 28 || frame[9] != IPPROTO_UDP || (udp[2] << 8 | udp[3]) != PORT)
		return false;
	snprintf(text, 16, "%.*s", (int)(len - 28), udp + 8);
	return true;
}

static void say(int number)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char text[16];

	snprintf(text, sizeof(text), "packet%d", number);
	if (!talker) {
		/* Somebody has that port: nobody complains. */
		talker = socket(AF_INET, SOCK_DGRAM, 0);
		if (bind(talker, (void *)&to, sizeof(to)) < 0)
			_exit(95);
	}
	sendto(talker, text, strlen(text), 0, (void *)&to, sizeof(to));
}

static void open_ring(struct ring *r, int version, unsigned int retire_ms)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1 };
	struct tpacket_req3 req = {
		.tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = FRAME, .tp_frame_nr = FRAMES,
		.tp_retire_blk_tov = retire_ms,
	};
	int yes = 1;

	*r = (struct ring){ .fd = socket(AF_PACKET, SOCK_DGRAM, 0), .version = version };
	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &req,
		       version == TPACKET_V3 ? sizeof(req) : sizeof(struct tpacket_req)) < 0 ||
	    bind(r->fd, (void *)&name, sizeof(name)) < 0)
		_exit(90);
	r->map = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->map == MAP_FAILED)
		_exit(91);
}

static bool wait_ring(struct ring *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	return poll(&p, 1, 20000) == 1;
}

/* The next packet of a ring of frames; "" if none has come. */
static void next_frame(struct ring *r, char *text)
{
	unsigned char *frame = r->map + r->at * FRAME;

	for (*text = '\0'; !*text; frame = r->map + r->at * FRAME) {
		if (r->version == TPACKET_V1) {
			volatile struct tpacket_hdr *h = (void *)frame;

			if (!(h->tp_status & TP_STATUS_USER) && !(wait_ring(r) && h->tp_status & TP_STATUS_USER))
				return;
			is_ours(frame + h->tp_net, h->tp_len, text);
			h->tp_status = TP_STATUS_KERNEL;
		} else {
			volatile struct tpacket2_hdr *h = (void *)frame;

			if (!(h->tp_status & TP_STATUS_USER) && !(wait_ring(r) && h->tp_status & TP_STATUS_USER))
				return;
			is_ours(frame + h->tp_net, h->tp_len, text);
			h->tp_status = TP_STATUS_KERNEL;
		}
		r->at = (r->at + 1) % FRAMES;
	}
}

/* … and of a ring of blocks. */
static void next_in_block(struct ring *r, char *text)
{
	for (*text = '\0'; !*text;) {
		volatile struct tpacket_block_desc *b = (void *)(r->map + r->at * BLOCK);
		struct tpacket3_hdr *h;

		if (!(b->hdr.bh1.block_status & TP_STATUS_USER) &&
		    !(wait_ring(r) && b->hdr.bh1.block_status & TP_STATUS_USER))
			return;
		if (r->read < b->hdr.bh1.num_pkts) {
			if (!r->read)
				r->in_block = b->hdr.bh1.offset_to_first_pkt;
			h = (void *)((unsigned char *)b + r->in_block);
			is_ours((unsigned char *)h + h->tp_net, h->tp_len, text);
			r->in_block += h->tp_next_offset;
			r->read++;
		}
		if (r->read == b->hdr.bh1.num_pkts) {
			b->hdr.bh1.block_status = TP_STATUS_KERNEL;
			r->at = (r->at + 1) % BLOCKS;
			r->read = 0;
		}
	}
}

static bool next_is(struct ring *r, int number)
{
	char text[16], want[32];

	if (r->version == TPACKET_V3)
		next_in_block(r, text);
	else
		next_frame(r, text);
	snprintf(want, sizeof(want), "packet%d", number);
	if (strcmp(text, want))
		verify(false, "instead of %s: \"%s\"", want, text);
	return !strcmp(text, want);
}

static void frames(int version)
{
	struct ring r;
	bool good = true;
	int n = 0;

	open_ring(&r, version, 0);
	for (; n < FRAMES - 3; n++) {
		say(n);
		next_is(&r, n);
	}
	/* Round the end of the ring, so that the kernel stands before the reader. */
	for (; n < FRAMES + 2; n++)
		say(n);
	pause_here();
	for (int i = FRAMES - 3; i < FRAMES + 2; i++)
		good &= next_is(&r, i);
	verify(good, "what was unread, in order");
	for (; n < 5 * FRAMES; n++) {
		say(n);
		good &= next_is(&r, n);
	}
	verify(good, "both go on, round and round");
}

static void frames1(void) { frames(TPACKET_V1); }
static void frames2(void) { frames(TPACKET_V2); }

/* What does not fit is lost and counted; then there is room again. */
static void full(void)
{
	struct tpacket_stats stats;
	struct ring r;
	bool good = true;

	open_ring(&r, TPACKET_V2, 0);
	for (int i = 0; i < FRAMES + 3; i++)
		say(i);
	pause_here();
	say(99);
	for (int i = 0; i < FRAMES; i++)
		good &= next_is(&r, i);
	verify(good, "all that it had room for");
	say(100);
	verify(next_is(&r, 100), "and then a new one");
	if (getsockopt(r.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &(socklen_t){ sizeof(stats) }) < 0)
		_exit(98);
	verify(stats.tp_drops == 4 && stats.tp_packets == FRAMES + 5, "what was lost: %u of %u", stats.tp_drops, stats.tp_packets);
}

/* A block that is half full, and is given away only after it has come back. */
static void blocks(unsigned int retire_ms, unsigned int packets)
{
	struct tpacket_stats_v3 stats;
	struct ring r;
	bool good = true;
	unsigned int n = 0;

	open_ring(&r, TPACKET_V3, retire_ms);
	for (; n < 3; n++)
		say(n);
	for (int i = 0; i < 3; i++)
		next_is(&r, i);
	for (; n < 7; n++)
		say(n);
	pause_here();
	for (int i = 3; i < 7; i++)
		good &= next_is(&r, i);
	verify(good, "what was unread");
	for (; n < packets; n++) {
		say(n);
		if (n % 5 == 4)
			for (unsigned int i = n - 4 > 6 ? n - 4 : 7; i <= n; i++)
				good &= next_is(&r, i);
	}
	verify(good, "both go on, round and round");
	if (getsockopt(r.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &(socklen_t){ sizeof(stats) }) < 0)
		_exit(98);
	verify(stats.tp_drops == 0 && stats.tp_packets == packets, "statistics: %u lost of %u", stats.tp_drops, stats.tp_packets);
}

static void blocks_soon(void) { blocks(10, 60); }
/* Long enough for the checkpoint to find it half full. */
static void blocks_late(void) { blocks(1000, 30); }

/* The reader has given nothing back. */
static void blocks_full(void)
{
	struct ring r;
	bool good = true;
	int n = 0;

	open_ring(&r, TPACKET_V3, 10);
	for (; n < 500; n++)
		say(n);
	pause_here();
	for (n = 0; n < 10; n++)
		good &= next_is(&r, n);
	verify(good, "the first that came");
	/* All that it had taken in; then there is room. */
	while (((volatile struct tpacket_block_desc *)(r.map + r.at * BLOCK))->hdr.bh1.block_status & TP_STATUS_USER)
		next_is(&r, n++);
	say(1000);
	verify(next_is(&r, 1000), "after %d a new one", n);
}

static void send_frame(struct ring *r, int number)
{
	volatile struct tpacket2_hdr *h = (void *)(r->map + BLOCKS * BLOCK + r->in_block * FRAME);
	unsigned char *data = (unsigned char *)h + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1, .sll_halen = 6 };
	static const unsigned char head[20] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1 };
	char text[16];
	int len = snprintf(text, sizeof(text), "packet%d", number);

	verify(h->tp_status == TP_STATUS_AVAILABLE, "frame %u to send is free: %u", r->in_block, h->tp_status);
	memset(data, 0, 28);
	memcpy(data, head, sizeof(head));
	data[3] = 28 + len;
	data[22] = PORT >> 8;
	data[23] = PORT & 0xff;
	data[25] = 8 + len;
	memcpy(data + 28, text, len);
	h->tp_len = 28 + len;
	h->tp_status = TP_STATUS_SEND_REQUEST;
	verify(sendto(r->fd, NULL, 0, 0, (void *)&to, sizeof(to)) == 28 + len, "frame %u is sent", r->in_block);
	r->in_block = (r->in_block + 1) % FRAMES;
}

/* Both rings in one mapping, which a child has, too; the descriptor is closed in it. */
static void both_ways(void)
{
	struct tpacket_req req = { .tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = FRAME, .tp_frame_nr = FRAMES };
	struct ring r;
	bool good = true;
	int status;
	pid_t child;

	open_ring(&r, TPACKET_V2, 0);
	munmap(r.map, BLOCKS * BLOCK);
	if (setsockopt(r.fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) < 0)
		_exit(92);
	r.map = mmap(NULL, 2 * BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	if (r.map == MAP_FAILED)
		_exit(93);
	for (int i = 0; i < 3; i++) {
		send_frame(&r, i);
		next_is(&r, i);
	}
	send_frame(&r, 3);
	child = fork();
	if (!child) {
		close(r.fd);
		wait_for_go();
		_exit(((struct tpacket2_hdr *)(r.map + 3 * FRAME))->tp_status & TP_STATUS_USER ? 3 : 4);
	}
	pause_here();
	verify(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3, "a child sees the same: %x", status);
	good &= next_is(&r, 3);
	for (int i = 4; i < 20; i++) {
		send_frame(&r, i);
		good &= next_is(&r, i);
	}
	verify(good, "what is sent from the ring comes");
}

/* Two of a group hear each its part. */
static void of_group(void)
{
	int group = 78 | PACKET_FANOUT_LB << 16;
	struct ring a, b;

	open_ring(&a, TPACKET_V2, 0);
	open_ring(&b, TPACKET_V3, 10);
	if (setsockopt(a.fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) < 0 ||
	    setsockopt(b.fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) < 0)
		_exit(94);
	pause_here();
	for (int i = 0; i < 4; i++)
		say(7);
	verify(next_is(&a, 7) && next_is(&a, 7), "the one has two");
	verify(next_is(&b, 7) && next_is(&b, 7), "and so has the other");
}

static void in_part(void)
{
	struct ring r;

	open_ring(&r, TPACKET_V2, 0);
	munmap(r.map, 4096);
	pause_here();
}

static void privately(void)
{
	unsigned char *own;
	struct ring r;

	open_ring(&r, TPACKET_V2, 0);
	own = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE, r.fd, 0);
	if (own == MAP_FAILED)
		_exit(96);
	say(0);
	say(1);
	pause_here();
	verify(!memcmp(own, r.map, 2 * FRAME) && own[0], "its pages are those of the ring");
	verify(next_is(&r, 0) && next_is(&r, 1), "what was unread");
	say(2);
	verify(next_is(&r, 2) && !memcmp(own + 2 * FRAME + 64, r.map + 2 * FRAME + 64, 100), "a new packet is seen in both");
}

/* What it has written there is its own. */
static void written_to(void)
{
	unsigned char *own;
	struct ring r;

	open_ring(&r, TPACKET_V2, 0);
	own = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE, r.fd, 0);
	if (own == MAP_FAILED)
		_exit(97);
	own[BLOCK] = 1;
	pause_here();
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_PACKET_RING || type == CKPT_REC_RING_DATA;
}

static void damaged(void)
{
	struct ckpt_packet_ring *r = record(CKPT_REC_PACKET_RING, NULL);
	struct ckpt_ring_data *d = record(CKPT_REC_RING_DATA, NULL);

	BAD_FIELD(r->flags, 1U << 31, "an unknown flag", "cannot make a ring");
	BAD_FIELD(r->block_nr, 0, "no blocks", "cannot make a ring");
	BAD_FIELD(r->frame_nr, r->frame_nr + 1, "frames that do not fit", "cannot make a ring");
	BAD_FIELD(r->head, r->block_nr, "a block that is not there", "cannot make a ring");
	BAD_FIELD(r->next, r->block_size + 8, "a packet behind the block", "cannot make a ring");
	BAD_FIELD(r->prev, r->block_size, "a packet that was behind it", "cannot make a ring");
	BAD_FIELD(d->offset, 1ULL << 40, "contents behind the ring", "outside of its ring");
	BAD_FIELD(d->flags, CKPT_RING_TX, "contents of another ring", "outside of its ring");
}

int main(void)
{
	need_checkpoint();
	if (system("ip link set lo up") != 0)
		tap_diag("lo is not up");
	subject_twice("TPACKET_V1", frames1);
	subject_twice("TPACKET_V2", frames2);
	subject_round("full", full);
	subject_round("TPACKET_V3, blocks that end soon", blocks_soon);
	subject_twice("TPACKET_V3, a block half full", blocks_late);
	subject_round("TPACKET_V3, full", blocks_full);
	subject_round("both ways", both_ways);
	subject_round("of a group", of_group);
	subject_round("mapped privately", privately);
	mutate_round("damaged", blocks_late, damaged, is_about, 60);
	subject_refused("pages of its own", written_to, "mapped privately and written to");
	subject_refused("a part", in_part, "a part of the rings");
	return tap_done();
}
