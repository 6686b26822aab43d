/* Stands where the players of all clients would, and checks every datagram of each.
 *
 * sink HOST CLIENTS COUNT SIZES
 * Says "ports P1 P2 ...", receives until every client saw the end mark or a line of input
 * comes, says "ended", and then gives its account as one JSON object.
 *
 * Arrival is the kernel's own time stamp, so that it does not matter how late this process
 * gets to read. While datagrams come it only compares and notes; all sums are done after. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"

enum {
    AT_ONCE = 64,
    MOST_CLIENTS = 1024,
    BUFFER_SIZE = 32 << 20, /* a sink that was not scheduled for a while must lose nothing */
    BUCKETS = 10000000,     /* of a microsecond each */
    MOST_RANKED = 4000,     /* datagrams for which clients are put in order */
    MEMINFO_FIELDS = 9,     /* linux/sock_diag.h; the last one counts drops */
};

struct client {
    int sock;
    int port;
    int ended;
    uint64_t next; /* the lowest number that is in order */
    uint64_t received, damaged, out_of_order, runs, last_arrival;
    uint64_t *arrival; /* by number; 0 if it never came */
    double rank_sum;
    uint64_t ranked, times_last;
};

static struct client clients[MOST_CLIENTS];
static int client_count, ended_count;
static uint64_t datagram_count;
static uint64_t *sent_at;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *touched_memory(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        fail("malloc");
    return memset(memory, 0, size); /* now, not when datagrams come */
}

static void open_client(struct client *client, const char *host)
{
    int size = BUFFER_SIZE, on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    inet_pton(AF_INET, host, &address.sin_addr);
    client->sock = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(client->sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(client->sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(client->sock, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (bind(client->sock, (struct sockaddr *)&address, sizeof address) < 0)
        fail("bind");
    getsockname(client->sock, (struct sockaddr *)&address, &length);
    client->port = ntohs(address.sin_port);
    client->arrival = touched_memory(datagram_count * sizeof *client->arrival);
}

static uint64_t arrival_of(struct msghdr *message)
{
    struct timespec time;
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    if (control == NULL || control->cmsg_type != SCM_TIMESTAMPNS)
        return now();
    memcpy(&time, CMSG_DATA(control), sizeof time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void check(struct client *client, const unsigned char *data, unsigned size, uint64_t arrival)
{
    struct header header;
    memcpy(&header, data, sizeof header);
    if (header.number == END) {
        ended_count += !client->ended;
        client->ended = 1;
        return;
    }
    if (size < HEADER || header.number >= datagram_count || (int)size != size_of(header.number) ||
        memcmp(data + HEADER, content_of(header.number), size - HEADER) != 0) {
        client->damaged++;
        return;
    }
    if (header.number < client->next) {
        client->out_of_order++;
        return;
    }
    client->next = header.number + 1;
    client->received++;
    client->arrival[header.number] = arrival;
    sent_at[header.number] = header.sent_at;
    /* What the relay sent in one call crosses the loopback as one, and is stamped once. */
    client->runs += arrival != client->last_arrival;
    client->last_arrival = arrival;
}

static int receive(struct client *client)
{
    static unsigned char data[AT_ONCE][LARGEST + 1];
    static unsigned char control[AT_ONCE][CMSG_SPACE(sizeof(struct timespec))];
    static struct iovec parts[AT_ONCE];
    static struct mmsghdr messages[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++) {
        parts[i] = (struct iovec){data[i], sizeof data[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1,
            .msg_control = control[i], .msg_controllen = sizeof control[i]};
    }
    int count = recvmmsg(client->sock, messages, AT_ONCE, 0, NULL);
    for (int i = 0; i < count; i++)
        check(client, data[i], messages[i].msg_len, arrival_of(&messages[i].msg_hdr));
    return count;
}

/* What has arrived and was not read yet is not lost: it is this process that is late. */
static void receive_what_waits(void)
{
    for (int i = 0; i < client_count; i++)
        while (receive(&clients[i]) == AT_ONCE)
            ;
}

static void receive_all(void)
{
    struct epoll_event ready[AT_ONCE], interest = {.events = EPOLLIN};
    int poller = epoll_create1(0);
    for (int i = 0; i < client_count; i++) {
        interest.data.ptr = &clients[i];
        if (epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].sock, &interest) < 0)
            fail("epoll_ctl");
    }
    interest.data.ptr = NULL;
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &interest);
    while (ended_count < client_count) {
        int count = epoll_wait(poller, ready, AT_ONCE, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr == NULL) {
                receive_what_waits();
                return;
            }
            receive(ready[i].data.ptr);
        }
    }
}

/* -- the account ------------------------------------------------------------------------- */

static void count_in(uint32_t *buckets, uint64_t earlier, uint64_t later)
{
    uint64_t microseconds = later > earlier ? (later - earlier) / 1000 : 0;
    buckets[microseconds < BUCKETS ? microseconds : BUCKETS - 1]++;
}

static void print_quantiles(const char *name, const uint32_t *buckets)
{
    uint64_t total = 0, seen = 0;
    unsigned median = 0, high = 0, most = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        total += buckets[i];
    for (unsigned i = 0; i < BUCKETS; i++) {
        if (buckets[i] == 0)
            continue;
        if (seen * 2 < total)
            median = i;
        if (seen * 100 < total * 99)
            high = i;
        most = i;
        seen += buckets[i];
    }
    printf("\"%s\": {\"count\": %llu, \"p50\": %u, \"p99\": %u, \"max\": %u}, ", name,
           (unsigned long long)total, median, high, most);
}

static uint64_t ranked_number; /* qsort passes no argument of ours */

static int by_arrival(const void *left, const void *right)
{
    uint64_t a = clients[*(const int *)left].arrival[ranked_number];
    uint64_t b = clients[*(const int *)right].arrival[ranked_number];
    return (a > b) - (a < b);
}

/* Who got this datagram first, and who last? */
static void rank(uint64_t number)
{
    int order[MOST_CLIENTS], present = 0;
    for (int i = 0; i < client_count; i++)
        if (clients[i].arrival[number])
            order[present++] = i;
    if (present < 2)
        return;
    ranked_number = number;
    qsort(order, (size_t)present, sizeof *order, by_arrival);
    for (int i = 0; i < present; i++) {
        clients[order[i]].rank_sum += (double)i / (present - 1);
        clients[order[i]].ranked++;
    }
    clients[order[present - 1]].times_last++;
}

static void account_for_times(void)
{
    uint32_t *latency = touched_memory(BUCKETS * sizeof *latency);
    uint32_t *spread = touched_memory(BUCKETS * sizeof *spread);
    for (uint64_t number = 0; number < datagram_count; number++) {
        uint64_t first = UINT64_MAX, last = 0;
        for (int i = 0; i < client_count; i++) {
            uint64_t arrival = clients[i].arrival[number];
            if (arrival == 0)
                continue;
            count_in(latency, sent_at[number], arrival);
            first = arrival < first ? arrival : first;
            last = arrival > last ? arrival : last;
        }
        if (last)
            count_in(spread, first, last);
    }
    print_quantiles("latency_us", latency);
    print_quantiles("spread_us", spread);
    uint64_t stride = 1 + datagram_count / MOST_RANKED;
    for (uint64_t number = 0; number < datagram_count; number += stride)
        rank(number);
    printf("\"mean_rank\": [");
    for (int i = 0; i < client_count; i++)
        printf("%s%.4f", i ? ", " : "",
               clients[i].ranked ? clients[i].rank_sum / (double)clients[i].ranked : 0.5);
    printf("], \"times_last\": [");
    for (int i = 0; i < client_count; i++)
        printf("%s%llu", i ? ", " : "", (unsigned long long)clients[i].times_last);
    printf("], ");
}

static void account(void)
{
    uint64_t received = 0, damaged = 0, out_of_order = 0, runs = 0, drops = 0;
    for (int i = 0; i < client_count; i++) {
        uint32_t memory[MEMINFO_FIELDS] = {0};
        socklen_t length = sizeof memory;
        getsockopt(clients[i].sock, SOL_SOCKET, SO_MEMINFO, memory, &length);
        drops += memory[MEMINFO_FIELDS - 1];
        received += clients[i].received;
        damaged += clients[i].damaged;
        out_of_order += clients[i].out_of_order;
        runs += clients[i].runs;
    }
    printf("{");
    account_for_times();
    printf("\"received\": %llu, \"damaged\": %llu, \"out_of_order\": %llu, \"runs\": %llu, "
           "\"sink_drops\": %llu, \"ended\": %d}\n",
           (unsigned long long)received, (unsigned long long)damaged,
           (unsigned long long)out_of_order, (unsigned long long)runs, (unsigned long long)drops,
           ended_count);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    client_count = atoi(argv[2]);
    datagram_count = strtoull(argv[3], NULL, 10);
    pattern_init(argv[4]);
    if (client_count < 1 || client_count > MOST_CLIENTS)
        return 2;
    sent_at = touched_memory(datagram_count * sizeof *sent_at);
    for (int i = 0; i < client_count; i++)
        open_client(&clients[i], argv[1]);
    printf("ports");
    for (int i = 0; i < client_count; i++)
        printf(" %d", clients[i].port);
    printf("\n");
    fflush(stdout);
    receive_all();
    printf("ended\n");
    fflush(stdout);
    account();
    return 0;
}
