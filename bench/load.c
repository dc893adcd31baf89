/*  Loads a WebSocket echo server, on plain sockets or with -DOVER_TLS over TLS,
    and measures it.

        load PORT PID CONNECTIONS SIZE DEPTH SECONDS

    Every connection sends DEPTH binary messages of SIZE bytes at once, and
    the next ones when all have come back. The first are compared byte by
    byte. Then it prints `ready` and waits for a byte or the end of its standard
    input. At last it prints how many messages, how many per second, and the
    microseconds of processor time that the server, process PID, has spent on
    each. SECONDS 0: just that first round, and nothing printed. */

#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define PATIENCE 10000 /* milliseconds without anything */
#define PATIENCE_ALTOGETHER 60 /* seconds */

struct connection {
    struct link link;
    int waits_for_room;
    size_t sent;
    size_t received;
};

static struct frames request, reply;
static int depth;

static void wait_for_room(int epoll, struct connection *c, int wanted)
{
    if(c->waits_for_room == wanted) return;
    struct epoll_event event = {
        .events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    need(epoll_ctl(epoll, EPOLL_CTL_MOD, c->link.fd, &event) == 0, "epoll_ctl");
    c->waits_for_room = wanted;
}

static void send_more(int epoll, struct connection *c)
{
    ssize_t n = put(&c->link, request.bytes + c->sent, request.len - c->sent);
    if(n > 0) c->sent += (size_t)n;
    wait_for_room(epoll, c, c->sent < request.len);
}

/*  Whether all has come back. */
static int receive_more(struct connection *c, int compare)
{
    static unsigned char buf[1 << 20];
    size_t missing = reply.len - c->received;
    ssize_t n = get(&c->link, buf, missing < sizeof buf ? missing : sizeof buf);
    if(n < 0) return 0;
    if(compare) need(!memcmp(buf, reply.bytes + c->received, (size_t)n), "another reply");
    c->received += (size_t)n;
    return c->received == reply.len;
}

/*  Every connection sends once, and goes on for so long. Answers how many
    times everything came back. */
static long rounds(int epoll, struct connection *connections, int count, double duration)
{
    double end = seconds(CLOCK_MONOTONIC) + duration;
    int again = duration > 0, active = count;
    long complete = 0;
    for(int i = 0; i < count; i++) {
        connections[i].sent = connections[i].received = 0;
        send_more(epoll, &connections[i]);
    }
    while(active > 0) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, PATIENCE);
        need(n > 0, "no reply");
        if(again && seconds(CLOCK_MONOTONIC) >= end) again = 0;
        for(int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if(events[i].events & EPOLLOUT) send_more(epoll, c);
            if(!(events[i].events & EPOLLIN) || !receive_more(c, duration == 0)) continue;
            complete++;
            if(again) {
                c->sent = c->received = 0;
                send_more(epoll, c);
            } else {
                active--;
            }
        }
    }
    return complete;
}

int main(int argc, char *argv[])
{
    need(argc == 7, "load PORT PID CONNECTIONS SIZE DEPTH SECONDS");
    int count = atoi(argv[3]);
    depth = atoi(argv[5]);
    double duration = atof(argv[6]);
    alarm(PATIENCE_ALTOGETHER);
    allow_many_descriptors();
    make_frames(&request, (size_t)atol(argv[4]), depth, 1);
    make_frames(&reply, (size_t)atol(argv[4]), depth, 0);

    int epoll = epoll_create1(0);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    need(epoll >= 0 && connections, "set-up");
    for(int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        c->link = open_websocket(atoi(argv[1]), (unsigned)i);
        need(fcntl(c->link.fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        need(epoll_ctl(epoll, EPOLL_CTL_ADD, c->link.fd, &event) == 0, "epoll_ctl");
    }
    rounds(epoll, connections, count, 0);
    if(duration == 0) return 0;

    puts("ready");
    fflush(stdout);
    char go_on;
    need(read(STDIN_FILENO, &go_on, 1) >= 0, "standard input");
    clockid_t server = clock_of(atoi(argv[2]));
    double start = seconds(CLOCK_MONOTONIC), spent = seconds(server);
    double messages = (double)rounds(epoll, connections, count, duration) * depth;
    spent = seconds(server) - spent;
    double elapsed = seconds(CLOCK_MONOTONIC) - start;
    printf("%.0f %.1f %.4f\n", messages, messages / elapsed, spent / messages * 1e6);
    return 0;
}
