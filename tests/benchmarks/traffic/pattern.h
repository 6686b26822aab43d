/* What every datagram of a benchmark holds, so that a sink can tell it to the last byte.
 * The same as pattern.py: number (8 bytes), time of sending (8 bytes, ns), then content
 * that follows from the number. Numbers are in the machine's byte order: all is local. */

#ifndef PATTERN_H
#define PATTERN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEADER = 16, LARGEST = 1472, SHIFTS = 4093, LONGEST_CYCLE = 4096 };

#define END UINT64_MAX /* the number of the datagrams that say: nothing more comes */

struct header {
    uint64_t number;
    uint64_t sent_at;
};

static unsigned char pattern_bytes[SHIFTS + LARGEST];
static int cycle[LONGEST_CYCLE]; /* sizes, repeated for ever */
static int cycle_length;

static inline uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* `sizes` is for example "1316" or "1328x40,188,700x3". */
static void pattern_init(const char *sizes)
{
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof pattern_bytes; i++) {
        state = state * 1103515245u + 12345u;
        pattern_bytes[i] = (unsigned char)(state >> 16);
    }
    while (*sizes) {
        char *rest;
        long size = strtol(sizes, &rest, 10);
        long times = *rest == 'x' ? strtol(rest + 1, &rest, 10) : 1;
        while (times-- > 0 && cycle_length < LONGEST_CYCLE)
            cycle[cycle_length++] = (int)size;
        if (size < HEADER || size > LARGEST || (*rest && *rest != ',')) {
            fprintf(stderr, "bad sizes: %s\n", sizes);
            exit(2);
        }
        sizes = *rest ? rest + 1 : rest;
    }
}

static inline int size_of(uint64_t number)
{
    return number == END ? HEADER : cycle[number % (uint64_t)cycle_length];
}

static inline const unsigned char *content_of(uint64_t number)
{
    return pattern_bytes + number % SHIFTS;
}

#endif
