/* The relay's loop in C, as a measure of what Python costs: recvmmsg, one run of equal
 * datagrams per system call (UDP_SEGMENT), the same wait of 2 ms, the same buffers, the
 * same rotating start. Control is reduced to a list of destinations.
 *
 * reference PORT... */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    AT_ONCE = 128,
    ROOM = 2048,
    MOST_SEGMENTS = 64,
    MOST_BYTES = 65507,
    MOST_RECEIVERS = 1024,
    BUFFER_SIZE = 8 << 20,
    WAIT = 2000000, /* ns */
};

static struct sockaddr_in receivers[MOST_RECEIVERS];
static int receiver_count;
static unsigned char slab[AT_ONCE][ROOM];
static struct iovec received[AT_ONCE];
static struct mmsghdr messages[AT_ONCE];

static int udp_socket(void)
{
    int size = BUFFER_SIZE, sock = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (bind(sock, (struct sockaddr *)&address, sizeof address) < 0)
        exit(1);
    return sock;
}

static int run_length(const struct iovec *datagrams, int count)
{
    size_t segment = datagrams[0].iov_len, bytes = segment;
    int length = 1;
    for (; length < count && length < MOST_SEGMENTS; length++) {
        size_t size = datagrams[length].iov_len;
        if (size == 0 || size > segment || bytes + size > MOST_BYTES)
            break;
        bytes += size;
        if (size < segment)
            return length + 1;
    }
    return length;
}

static void send_run(int sock, struct iovec *datagrams, int count, struct sockaddr_in *receiver)
{
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {.msg_name = receiver, .msg_namelen = sizeof *receiver,
                             .msg_iov = datagrams, .msg_iovlen = (size_t)count};
    if (count > 1) {
        uint16_t segment = (uint16_t)datagrams[0].iov_len;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(header), &segment, sizeof segment);
    }
    sendmsg(sock, &message, 0); /* what can't be sent is dropped, as in the relay */
}

static int receive(int sock)
{
    for (int i = 0; i < AT_ONCE; i++) {
        received[i] = (struct iovec){slab[i], ROOM};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &received[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(sock, messages, AT_ONCE, 0, NULL);
    for (int i = 0; i < count; i++)
        received[i].iov_len = messages[i].msg_len;
    return count;
}

static void fan_out(int sock, int count)
{
    static int turn;
    turn = (turn + 1) % receiver_count;
    for (int i = 0; i < receiver_count; i++) {
        struct sockaddr_in *receiver = &receivers[(turn + i) % receiver_count];
        for (int first = 0, length; first < count; first += length) {
            length = run_length(received + first, count - first);
            send_run(sock, received + first, length, receiver);
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const struct timespec wait = {0, WAIT};
    int ingest = udp_socket(), outlet = udp_socket();
    for (int i = 1; i < argc && receiver_count < MOST_RECEIVERS; i++)
        receivers[receiver_count++] =
            (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(argv[i])),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (receiver_count == 0)
        return 2;
    getsockname(ingest, (struct sockaddr *)&address, &size);
    printf("ingest on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct pollfd readable = {ingest, POLLIN, 0};
        int count;
        poll(&readable, 1, -1);
        do {
            clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
            while ((count = receive(ingest)) == AT_ONCE)
                fan_out(outlet, count); /* a look that reached its bound: look again at once */
            if (count > 0)
                fan_out(outlet, count);
        } while (count > 0);
    }
}
