// SPDX-License-Identifier: GPL-2.0
/*
 * Network devices: what they do with frames of either end, and the socket between two VMMs.
 */

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest.h"
#include "test.h"
#include "virtio_net.h"

#define RECEIVE		0	/* queues */
#define TRANSMIT	1
#define HEADER_SIZE	sizeof(struct virtio_net_hdr_v1)
#define BUFFER_SIZE	(HEADER_SIZE + ETH_FRAME_LEN)
#define WAIT_MS		60000

/* A directory of its own, with the name of a socket in it */
struct place {
	char dir[32];
	struct sockaddr_un address;
	char name[128];		/* for --net */
};

static void place_begin(struct place *place)
{
	*place = (struct place) { .dir = "/tmp/virtio-test-XXXXXX" };
	if (!mkdtemp(place->dir))
		fail("directory");
	place->address.sun_family = AF_UNIX;
	snprintf(place->address.sun_path, sizeof(place->address.sun_path), "%s/socket",
		 place->dir);
	snprintf(place->name, sizeof(place->name), "unix:%s", place->address.sun_path);
}

/* Nobody leaves the socket behind. */
static void place_end(struct place *place)
{
	check(!rmdir(place->dir));
}

static void net_begin(struct guest *guest, const struct place *place)
{
	const struct net net = { .name = place->name, .has_mac = true,
				 .mac = { 2, 3, 4, 5, 6, 7 } };
	struct virtio_dma dma = guest_make(guest);

	if (virtio_net_create(&guest->bus, &net, &dma))
		fail("net");
	guest_use(guest, 2, BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_MTU));
	guest_set_up(guest);
}

/* The other VMM, if it is this test */
static int new_peer(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

static int connect_peer(const struct place *place)
{
	int fd = new_peer();

	if (connect(fd, (struct sockaddr *)&place->address, sizeof(place->address)))
		fail("connect");
	return fd;
}

static int listen_peer(const struct place *place)
{
	int fd = new_peer();

	if (bind(fd, (struct sockaddr *)&place->address, sizeof(place->address)) ||
	    listen(fd, 1))
		fail("listen");
	return fd;
}

/* Returns the size of what comes, 0 at the end; waits. */
static ssize_t peer_receive(int fd, void *buf, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, WAIT_MS) == 1 ? recv(fd, buf, size, 0) : -1;
}

/* Frames are full of one byte. */
static void peer_send(int fd, u8 byte, size_t size)
{
	u8 frame[4096];

	memset(frame, byte, sizeof(frame));
	if (send(fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
		fail("send");
}

/* Room for one frame, in descriptor @index */
static void offer_buffer(struct guest *guest, unsigned int index)
{
	guest_select(guest, RECEIVE);
	guest_set_desc(guest, index, GUEST_DATA + index * 2048, BUFFER_SIZE,
		       VRING_DESC_F_WRITE, 0);
	guest_submit(guest, index);
}

/* It has got a frame like that. */
static bool has_frame(struct guest *guest, unsigned int index, u8 byte, size_t size)
{
	const struct virtio_net_hdr_v1 *header = guest_at(guest, GUEST_DATA + index * 2048);
	const u8 *frame = (const u8 *)(header + 1);

	return guest->used->ring[index].id == index &&
	       guest->used->ring[index].len == HEADER_SIZE + size &&
	       !header->flags && !header->gso_type && header->num_buffers == 1 &&
	       frame[0] == byte && frame[size - 1] == byte;
}

static void send_frame(struct guest *guest, u8 byte, size_t size)
{
	u16 before;

	guest_select(guest, TRANSMIT);
	before = guest->used->idx;
	memset(guest_at(guest, GUEST_HEADER), 0, HEADER_SIZE);
	memset(guest_at(guest, GUEST_DATA), byte, size);
	guest_set_desc(guest, 0, GUEST_HEADER, 5, VRING_DESC_F_NEXT, 1);
	guest_set_desc(guest, 1, GUEST_HEADER + 5, HEADER_SIZE - 5, VRING_DESC_F_NEXT, 2);
	guest_set_desc(guest, 2, GUEST_DATA, 1, VRING_DESC_F_NEXT, 3);
	guest_set_desc(guest, 3, GUEST_DATA + 1, size - 1, 0, 0);
	guest_submit(guest, 0);
	check(guest_wait_used(guest, before));
}

static void check_sends(struct guest *guest, int peer, u8 byte, size_t size)
{
	u8 frame[4096];

	send_frame(guest, byte, size);
	check(peer_receive(peer, frame, sizeof(frame)) == (ssize_t)size);
	check(frame[0] == byte && frame[size - 1] == byte);
}

static void both_ways(void)
{
	struct place place;
	struct guest guest;
	int peer;

	place_begin(&place);
	net_begin(&guest, &place);
	peer = connect_peer(&place);
	check(guest_read(&guest, VIRTIO_MMIO_CONFIG) == 0x05040302);
	/* Frames wait until there is room, and come in order. */
	peer_send(peer, 0x11, 60);
	peer_send(peer, 0x22, ETH_FRAME_LEN);
	peer_send(peer, 0x33, 100);
	offer_buffer(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(has_frame(&guest, 0, 0x11, 60));
	offer_buffer(&guest, 1);
	check(guest_wait_used(&guest, 1));
	check(has_frame(&guest, 1, 0x22, ETH_FRAME_LEN));
	offer_buffer(&guest, 2);
	check(guest_wait_used(&guest, 2));
	check(has_frame(&guest, 2, 0x33, 100));

	check_sends(&guest, peer, 0x44, 60);
	check_sends(&guest, peer, 0x55, ETH_FRAME_LEN + 4);
	close(peer);
	guest_end(&guest);
	place_end(&place);
}

/* What cannot be a frame is lost, and nothing else is. */
static void wrong_sizes(void)
{
	struct place place;
	struct guest guest;
	int peer;

	place_begin(&place);
	net_begin(&guest, &place);
	peer = connect_peer(&place);
	/* Once it is known that they are connected */
	peer_send(peer, 0x11, 60);
	offer_buffer(&guest, 0);
	check(guest_wait_used(&guest, 0));
	send_frame(&guest, 0x22, ETH_HLEN - 1);
	send_frame(&guest, 0x33, ETH_FRAME_LEN + 5);
	check_sends(&guest, peer, 0x44, ETH_HLEN);
	peer_send(peer, 0x55, ETH_FRAME_LEN + 5);
	peer_send(peer, 0x66, 61);
	offer_buffer(&guest, 1);
	check(guest_wait_used(&guest, 1));
	check(has_frame(&guest, 1, 0x66, 61));
	close(peer);
	guest_end(&guest);
	place_end(&place);
}

/* Peers come and go, whoever was there first. */
static void peers_come_and_go(void)
{
	struct place place;
	struct guest guest;
	int listener, peer;
	u8 byte;

	place_begin(&place);
	listener = listen_peer(&place);
	net_begin(&guest, &place);
	peer = accept(listener, NULL, NULL);
	check_sends(&guest, peer, 0x11, 60);
	/* The name is left behind, as by somebody who was killed. */
	close(listener);
	close(peer);
	do {
		peer = new_peer();
		if (!connect(peer, (struct sockaddr *)&place.address,
			     sizeof(place.address)))
			break;
		check(errno == ECONNREFUSED || errno == ENOENT);
		close(peer);
		usleep(1000);
	} while (true);
	peer_send(peer, 0x22, 60);
	offer_buffer(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check_sends(&guest, peer, 0x33, 60);
	close(peer);
	peer = connect_peer(&place);
	peer_send(peer, 0x44, 60);
	offer_buffer(&guest, 1);
	check(guest_wait_used(&guest, 1));
	guest_end(&guest);
	check(!peer_receive(peer, &byte, 1));
	close(peer);
	place_end(&place);
}

/* Two guests, and one that comes back */
static void two_guests(void)
{
	struct place place;
	struct guest a, b;

	place_begin(&place);
	net_begin(&a, &place);
	net_begin(&b, &place);
	/* A frame of the one who connects is not lost, if the other one sleeps. */
	send_frame(&b, 0x11, 60);
	offer_buffer(&a, 0);
	check(guest_wait_used(&a, 0));
	check(has_frame(&a, 0, 0x11, 60));
	offer_buffer(&b, 0);
	send_frame(&a, 0x22, 61);
	guest_select(&b, RECEIVE);
	check(guest_wait_used(&b, 0));
	check(has_frame(&b, 0, 0x22, 61));
	guest_end(&a);
	net_begin(&a, &place);
	offer_buffer(&a, 0);
	do {
		send_frame(&b, 0x33, 62);
		guest_select(&a, RECEIVE);
	} while (!a.used->idx);
	check(has_frame(&a, 0, 0x33, 62));
	guest_end(&b);
	guest_end(&a);
	place_end(&place);
}

/* @break_it fills in descriptor 0 of one of the queues. */
static void with_bad_chain(void (*break_it)(struct guest *guest))
{
	struct place place;
	struct guest guest;
	int peer;

	place_begin(&place);
	net_begin(&guest, &place);
	peer = connect_peer(&place);
	break_it(&guest);
	guest_submit(&guest, 0);
	peer_send(peer, 0x11, 60);
	check(!guest_wait_used(&guest, 0));

	guest_set_up(&guest);
	check_sends(&guest, peer, 0x22, 60);
	close(peer);
	guest_end(&guest);
	place_end(&place);
}

static void no_room(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_DATA, HEADER_SIZE + 59, VRING_DESC_F_WRITE, 0);
}

static void room_to_read(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_DATA, BUFFER_SIZE, 0, 0);
}

static void short_header(struct guest *guest)
{
	guest_select(guest, TRANSMIT);
	guest_set_desc(guest, 0, GUEST_HEADER, HEADER_SIZE - 1, 0, 0);
}

static void frame_to_write(struct guest *guest)
{
	guest_select(guest, TRANSMIT);
	guest_set_desc(guest, 0, GUEST_HEADER, HEADER_SIZE, VRING_DESC_F_NEXT, 1);
	guest_set_desc(guest, 1, GUEST_DATA, 60, VRING_DESC_F_WRITE, 0);
}

static void wants_checksum(struct guest *guest)
{
	struct virtio_net_hdr_v1 *header = guest_at(guest, GUEST_HEADER);

	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	guest_select(guest, TRANSMIT);
	guest_set_desc(guest, 0, GUEST_HEADER, HEADER_SIZE + 60, 0, 0);
}

static void wants_segments(struct guest *guest)
{
	struct virtio_net_hdr_v1 *header = guest_at(guest, GUEST_HEADER);

	header->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	guest_select(guest, TRANSMIT);
	guest_set_desc(guest, 0, GUEST_HEADER, HEADER_SIZE + 60, 0, 0);
}

static void bad_chains(void)
{
	with_bad_chain(no_room);
	with_bad_chain(room_to_read);
	with_bad_chain(short_header);
	with_bad_chain(frame_to_write);
	with_bad_chain(wants_checksum);
	with_bad_chain(wants_segments);
}

static void nonsense(void)
{
	struct place place;
	struct guest guest;
	int peer, i;

	place_begin(&place);
	net_begin(&guest, &place);
	peer = connect_peer(&place);
	for (i = 0; i < 16; i++)
		peer_send(peer, i, 60 + i);
	guest_send_nonsense(&guest);
	close(peer);
	peer = connect_peer(&place);
	do {
		send_frame(&guest, 0x11, 60);
	} while (recv(peer, &i, 1, MSG_DONTWAIT) != 1);
	close(peer);
	guest_end(&guest);
	place_end(&place);
}

const struct test_case net_cases[] = {
	{ "frames go both ways, as they are", both_ways },
	{ "what is no frame goes nowhere", wrong_sizes },
	{ "peers come and go", peers_come_and_go },
	{ "two guests find each other", two_guests },
	{ "frames without room or with bad headers stop the device", bad_chains },
	{ "nonsense does a network no harm", nonsense },
	{ }
};
