/* Asks a line echo server for as much as it can give, and checks every answer.
 * In C so that the server is the one that is busy.
 *
 * requests HOST PORT CONNECTIONS IN_FLIGHT WARM_UP_SECONDS SECONDS
 * Sends IN_FLIGHT lines in one piece on each connection, and the next as soon as all are
 * answered. Is not woken before that (SO_RCVLOWAT), so that a server which sends every
 * answer by itself does not make more work here as well. Says "began" after the warm-up, and ends with one JSON object. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 32, MOST_IN_FLIGHT = 64, AT_ONCE = 256 };

struct connection {
    int sock;
    uint32_t asked, answered;
    int pending; /* bytes of an answer that is not whole yet */
    char bytes[LINE * MOST_IN_FLIGHT];
};

static int in_flight;
static uint64_t answers, mismatches;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* "request 0000000001 ............\n": printf would cost more than the rest of the work. */
static void write_line(char *line, uint32_t number)
{
    memcpy(line, "request 0000000000 ............\n", LINE);
    for (char *digit = line + 17; number; number /= 10)
        *digit-- = (char)('0' + number % 10);
}

static void ask(struct connection *connection)
{
    char lines[LINE * MOST_IN_FLIGHT];
    for (int i = 0; i < in_flight; i++)
        write_line(lines + i * LINE, connection->asked++);
    if (send(connection->sock, lines, (size_t)(in_flight * LINE), 0) != in_flight * LINE)
        fail("send");
}

static void take_answers(struct connection *connection)
{
    char expected[LINE];
    ssize_t size = recv(connection->sock, connection->bytes + connection->pending,
                        sizeof connection->bytes - (size_t)connection->pending, 0);
    if (size <= 0)
        fail("recv");
    int length = connection->pending + (int)size, lines = length / LINE;
    for (int i = 0; i < lines; i++) {
        write_line(expected, connection->answered++);
        mismatches += memcmp(expected, connection->bytes + i * LINE, LINE) != 0;
    }
    connection->pending = length - lines * LINE;
    memmove(connection->bytes, connection->bytes + lines * LINE, (size_t)connection->pending);
    answers += (uint64_t)lines;
    if (connection->answered == connection->asked)
        ask(connection);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    in_flight = atoi(argv[4]);
    int count = atoi(argv[3]), whole = in_flight * LINE, on = 1, poller = epoll_create1(0);
    double warm_up = atof(argv[5]), seconds = atof(argv[6]);
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(argv[2]))};
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    if (in_flight < 1 || in_flight > MOST_IN_FLIGHT || connections == NULL)
        return 2;
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    for (int i = 0; i < count; i++) {
        struct epoll_event interest = {.events = EPOLLIN, .data.ptr = &connections[i]};
        connections[i].sock = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connections[i].sock, (struct sockaddr *)&server, sizeof server) < 0)
            fail("connect");
        setsockopt(connections[i].sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(connections[i].sock, SOL_SOCKET, SO_RCVLOWAT, &whole, sizeof whole);
        epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].sock, &interest);
    }
    for (int i = 0; i < count; i++)
        ask(&connections[i]);

    double start = now() + warm_up, began = 0, time;
    uint64_t before = 0;
    for (;;) {
        struct epoll_event ready[AT_ONCE];
        int events = epoll_wait(poller, ready, AT_ONCE, 5000);
        if (events <= 0)
            fail("no answer within 5 s");
        for (int i = 0; i < events; i++)
            take_answers(ready[i].data.ptr);
        time = now();
        if (began == 0 && time >= start) {
            began = time;
            before = answers;
            printf("began\n");
            fflush(stdout);
        } else if (began != 0 && time >= began + seconds) {
            break;
        }
    }
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"mismatches\": %llu}\n",
           (unsigned long long)(answers - before), time - began, (unsigned long long)mismatches);
    return 0;
}
