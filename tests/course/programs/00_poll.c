/* Chapters 1, 3, 4 and 5 in C: one thread, poll(2), lines of at most 256 bytes.
 *
 * 00_poll HOW PORT     HOW is "right", or how it is wrong
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 512, LIMIT = 256 };

struct client { char line[LIMIT]; size_t length; };

static struct pollfd watched[MOST];
static struct client clients[MOST];
static int count = 1;
static const char *how;

static int is(const char *fault) { return strcmp(how, fault) == 0; }

static int known(const char *line, size_t length)
{
    static const char *const words[] = {"CONECTAR", "INTERRUMPIR", "CONTINUAR", "DESCONECTAR"};
    size_t word = 0;
    while (word < length && !strchr(" \r\n", line[word]))
        word++;
    for (int k = 0; k < 4; k++)
        if (word == strlen(words[k]) && strncasecmp(line, words[k], word) == 0)
            return 1;
    return 0;
}

static void answer(int fd, const char *line, size_t length)
{
    const char *text = known(line, length) ? "OK\n" : "ERROR DESCONOCIDO\n";
    /* A peer that has gone would else end the whole program: SIGPIPE. */
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

static void leave(int k)
{
    close(watched[k].fd);
    count--;
    watched[k] = watched[count];
    clients[k] = clients[count];
}

static void welcome(void)
{
    int fd = accept(watched[0].fd, NULL, NULL);
    if (fd < 0 || count == MOST)
        return;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watched[count] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[count].length = 0;
    count++;
}

/* Returns whether the client stays. */
static int feed(int fd, struct client *client, const char *data, size_t length)
{
    for (size_t k = 0; k < length; k++) {
        if (data[k] == '\n') {
            answer(fd, client->line, client->length);
            client->length = 0;
        } else if (client->length == LIMIT) {
            return 0;
        } else {
            client->line[client->length++] = data[k];
        }
    }
    return 1;
}

static void serve(int k)
{
    char data[4096];
    ssize_t length = recv(watched[k].fd, data, sizeof data, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length == 0 && is("eof_is_nothing"))
        return;
    if (length > 0 && is("recv_is_a_message"))
        answer(watched[k].fd, data, (size_t)length);
    else if (length <= 0 || !feed(watched[k].fd, &clients[k], data, (size_t)length))
        leave(k);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    how = argv[1];
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0 || listen(fd, 128) < 0) {
        perror("listen");
        return 1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watched[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    for (;;) {
        poll(watched, (nfds_t)count, is("asks_all_the_time") ? 0 : -1);
        for (int k = count - 1; k > 0; k--)
            if (watched[k].revents)
                serve(k);
        if (watched[0].revents)
            welcome();
    }
}
