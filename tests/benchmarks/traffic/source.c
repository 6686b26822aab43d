/* Sends numbered datagrams to a relay, evenly paced in ticks of a millisecond.
 * In C because it shares a core with the sinks, and every microsecond is theirs.
 *
 * source HOST PORT COUNT DATAGRAMS_PER_SECOND SIZES
 * Says "ready", starts at a line of input, says "sent", then repeats the end mark until
 * input ends, since a relay that is too slow may lose some; last comes one JSON object. */

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"

enum { TICK = 1000000, END_INTERVAL_MS = 20, MOST_ENDS = 1000 };

static int sock;
static unsigned long failed;

static void send_datagram(uint64_t number)
{
    unsigned char datagram[LARGEST];
    struct header header = {number, now()};
    int size = size_of(number);
    memcpy(datagram, &header, HEADER);
    memcpy(datagram + HEADER, content_of(number), (size_t)(size - HEADER));
    if (send(sock, datagram, (size_t)size, 0) != size)
        failed++;
}

static int input_ended(int timeout_ms)
{
    char line[64];
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, timeout_ms) > 0 && read(STDIN_FILENO, line, sizeof line) >= 0;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    struct sockaddr_in relay = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &relay.sin_addr);
    uint64_t count = strtoull(argv[3], NULL, 10);
    double interval = 1e9 / atof(argv[4]);
    pattern_init(argv[5]);
    sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(sock, (struct sockaddr *)&relay, sizeof relay) < 0)
        return 1;

    printf("ready\n");
    fflush(stdout);
    input_ended(-1);
    uint64_t began = now(), sent = 0, tick = began, latest = 0;
    while (sent < count) {
        uint64_t time = now();
        if (time - tick > latest)
            latest = time - tick;
        for (; sent < count && (double)sent * interval <= (double)(time - began); sent++)
            send_datagram(sent);
        tick += TICK;
        struct timespec until = {(time_t)(tick / 1000000000u), (long)(tick % 1000000000u)};
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    }
    double seconds = (double)(now() - began) / 1e9;
    printf("sent\n");
    fflush(stdout);
    unsigned ends = 0;
    do
        send_datagram(END);
    while (++ends < MOST_ENDS && !input_ended(END_INTERVAL_MS));
    printf("{\"data\": %llu, \"ends\": %u, \"failed\": %lu, \"seconds\": %.6f, "
           "\"latest_tick_ms\": %.3f}\n",
           (unsigned long long)sent, ends, failed, seconds, (double)latest / 1e6);
    return 0;
}
