/* Asks a server for as much as it can give, line by line, and checks every answer.
 * In C so that the server is the one that is busy.
 *
 * requests echo|relay HOST PORT CONNECTIONS IN_FLIGHT WARM_UP_SECONDS SECONDS
 * A line echo server is sent numbered lines; a relay, after a CONECTAR, INTERRUMPIR and
 * CONTINUAR by turns. IN_FLIGHT lines leave in one piece on each connection, and the next as
 * soon as all are answered. Is not woken before that (SO_RCVLOWAT), so that a server which
 * sends every answer by itself does not make more work here as well. Says "began" after the
 * warm-up, and ends with one JSON object. */

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

enum { LONGEST_LINE = 32, MOST_IN_FLIGHT = 64, AT_ONCE = 256, FIRST_PLAYER = 20000 };

/* Writes a line that is asked, or is its right answer; how many bytes it has. */
typedef int line_writer(char *line, uint32_t number);

struct connection {
    int sock;
    uint32_t asked;
    int pending; /* bytes of the answers that have come */
    char bytes[LONGEST_LINE * MOST_IN_FLIGHT];
};

static line_writer *write_question, *write_answer;
static int in_flight, whole; /* lines, and bytes of their answers */
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
static int write_request(char *line, uint32_t number)
{
    memcpy(line, "request 0000000000 ............\n", 32);
    for (char *digit = line + 17; number; number /= 10)
        *digit-- = (char)('0' + number % 10);
    return 32;
}

static int write_command(char *line, uint32_t number)
{
    const char *command = number % 2 ? "CONTINUAR\n" : "INTERRUMPIR\n";
    int size = (int)strlen(command);
    memcpy(line, command, (size_t)size);
    return size;
}

static int write_ok(char *line, uint32_t number)
{
    (void)number;
    memcpy(line, "OK\n", 3);
    return 3;
}

static int write_lines(line_writer *write_line, char *lines, uint32_t first)
{
    int size = 0;
    for (int i = 0; i < in_flight; i++)
        size += write_line(lines + size, first + (uint32_t)i);
    return size;
}

static void send_whole(int sock, const char *bytes, int size)
{
    if (send(sock, bytes, (size_t)size, 0) != size)
        fail("send");
}

static void ask(struct connection *connection)
{
    char lines[LONGEST_LINE * MOST_IN_FLIGHT];
    send_whole(connection->sock, lines, write_lines(write_question, lines, connection->asked));
    connection->asked += (uint32_t)in_flight;
}

static void take_answers(struct connection *connection)
{
    char expected[LONGEST_LINE * MOST_IN_FLIGHT];
    ssize_t size = recv(connection->sock, connection->bytes + connection->pending,
                        (size_t)(whole - connection->pending), 0);
    if (size <= 0)
        fail("recv");
    connection->pending += (int)size;
    if (connection->pending < whole)
        return;
    write_lines(write_answer, expected, connection->asked - (uint32_t)in_flight);
    mismatches += memcmp(expected, connection->bytes, (size_t)whole) != 0;
    connection->pending = 0;
    answers += (uint64_t)in_flight;
    ask(connection);
}

static void join_relay(int sock, int player)
{
    char command[LONGEST_LINE], answer[3];
    send_whole(sock, command, sprintf(command, "CONECTAR %d\n", player));
    if (recv(sock, answer, sizeof answer, MSG_WAITALL) != 3 || memcmp(answer, "OK\n", 3))
        fail("CONECTAR was not answered OK");
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    int is_relay = strcmp(argv[1], "relay") == 0;
    write_question = is_relay ? write_command : write_request;
    write_answer = is_relay ? write_ok : write_request;
    in_flight = atoi(argv[5]);
    int count = atoi(argv[4]), on = 1, poller = epoll_create1(0);
    double warm_up = atof(argv[6]), seconds = atof(argv[7]);
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(argv[3]))};
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    char lines[LONGEST_LINE * MOST_IN_FLIGHT];
    if (in_flight < 1 || in_flight > MOST_IN_FLIGHT || connections == NULL)
        return 2;
    whole = write_lines(write_answer, lines, 0);
    inet_pton(AF_INET, argv[2], &server.sin_addr);
    for (int i = 0; i < count; i++) {
        struct epoll_event interest = {.events = EPOLLIN, .data.ptr = &connections[i]};
        int sock = connections[i].sock = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(sock, (struct sockaddr *)&server, sizeof server) < 0)
            fail("connect");
        setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (is_relay)
            join_relay(sock, FIRST_PLAYER + i);
        setsockopt(sock, SOL_SOCKET, SO_RCVLOWAT, &whole, sizeof whole);
        epoll_ctl(poller, EPOLL_CTL_ADD, sock, &interest);
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
