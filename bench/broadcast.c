/*  The same messages for many clients, by one thread.

        broadcast MODE CLIENTS BURST STUCK SECONDS

    MODE is `bare`, send(2) with frames that were made before; `send`, a loop
    of ws_send; or `post`, ws_msg and ws_post. Every client gets BURST messages of
    128 bytes, bare in one send, and the next ones when all have come. The clients
    are another process; the first STUCK of them do not receive, the system
    keeps little for them, and they are served as well as they can be.

    Prints how many messages were delivered, how many a second, the
    microseconds of this process's processor time for each, and how many KiB its
    memory has grown since all were connected. */

#include "memory.h"
#include "peer.h"

#include <signal.h>
#include <libdill.h>
#include <libdill_wsx.h>
#include <sys/epoll.h>

#define SIZE 128
#define HEADER 4

static int clients, burst, stuck;
static int *fds, *handles;
static unsigned char frames[64 * (HEADER + SIZE)];
static size_t frames_len;

static void keep_little(int fd)
{
    int len = 16 * 1024;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof len);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof len);
}

/**** The clients ****/

/*  Says with a byte each time when every client has got what belongs to a round. */
static _Noreturn void receive_for_ever(const struct sockaddr_in *addr, int done)
{
    static unsigned char buf[1 << 20];
    int epoll = epoll_create1(0);
    need(epoll >= 0, "epoll_create1");
    int *own = malloc((size_t)clients * sizeof *own);
    for(int i = 0; i != clients; i++) {
        own[i] = socket(AF_INET, SOCK_STREAM, 0);
        if(i < stuck) keep_little(own[i]);
        need(own[i] >= 0 && connect(own[i], (const void*)addr, sizeof *addr) == 0, "connect");
        struct epoll_event event = {.events = EPOLLIN, .data.fd = own[i]};
        need(i < stuck || epoll_ctl(epoll, EPOLL_CTL_ADD, own[i], &event) == 0, "epoll_ctl");
    }
    for(size_t round = (size_t)(clients - stuck) * frames_len, got = 0;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, -1);
        for(int i = 0; i < n; i++) {
            ssize_t len = recv(events[i].data.fd, buf, sizeof buf, 0);
            if(len <= 0) exit(0);
            got += (size_t)len;
        }
        for(; got >= round; got -= round)
            if(write(done, "", 1) != 1) exit(0);
    }
}

/**** The server ****/

static void send_bare(void)
{
    for(int i = 0; i != clients; i++)
        need(send(fds[i], frames, frames_len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)frames_len ||
            (i < stuck && errno == EAGAIN), "send");
}

static void send_each(const char *text)
{
    for(int k = 0; k != burst; k++)
        for(int i = 0; i != clients; i++)
            need(ws_send(handles[i], WS_TEXT, text, SIZE, i < stuck ? 0 : -1) == 0 || i < stuck, "ws_send");
}

static void post_each(const char *text)
{
    int m[64];
    for(int k = 0; k != burst; k++) {
        m[k] = ws_msg(WS_TEXT, text, SIZE);
        need(m[k] >= 0, "ws_msg");
    }
    for(int i = 0; i != clients; i++)
        for(int k = 0; k != burst; k++)
            need(ws_post(handles[i], m[k]) == 0 || i < stuck, "ws_post");
    for(int k = 0; k != burst; k++) hclose(m[k]);
}

static void broadcast(char mode)
{
    char text[SIZE];
    memset(text, 'x', sizeof text);
    if(mode == 'b') send_bare();
    else if(mode == 's') send_each(text);
    else post_each(text);
}

static void attach(int fd, int i, char mode)
{
    struct ws_opts o = ws_defaults;
    o.flags = WS_NOHTTP;
    fds[i] = fd;
    if(i < stuck) keep_little(fd);
    if(mode == 'b') return;
    int s = tcp_fromfd(fd);
    need(s >= 0, "tcp_fromfd");
    handles[i] = ws_attach_server_opts(s, &o, -1);
    need(handles[i] >= 0, "ws_attach_server_opts");
}

static void await_round(int done)
{
    char byte;
    need(fdin(done, now() + 60000) == 0, "fdin");
    need(read(done, &byte, 1) == 1, "read");
}

int main(int argc, char *argv[])
{
    errno = EINVAL;
    need(argc == 6 && atoi(argv[3]) <= 64, "arguments");
    char mode = argv[1][0];
    clients = atoi(argv[2]);
    burst = atoi(argv[3]);
    stuck = atoi(argv[4]);
    double limit = atof(argv[5]);
    for(int k = 0; k != burst; k++) {
        unsigned char *frame = frames + frames_len;
        memcpy(frame, (unsigned char[]){0x81, 126, 0, SIZE}, HEADER);
        memset(frame + HEADER, 'x', SIZE);
        frames_len += HEADER + SIZE;
    }
    allow_many_descriptors();
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0), pipes[2], one = 1;
    need(listener >= 0 && bind(listener, (void*)&addr, len) == 0 && listen(listener, 4096) == 0 &&
        getsockname(listener, (void*)&addr, &len) == 0 && pipe(pipes) == 0, "listen");
    fflush(NULL);
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if(!pid) receive_for_ever(&addr, pipes[1]);
    fds = malloc((size_t)clients * sizeof *fds);
    handles = malloc((size_t)clients * sizeof *handles);
    for(int i = 0; i != clients; i++) {
        int fd = accept(listener, NULL, NULL);
        need(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "accept");
        attach(fd, i, mode);
    }
    for(int i = 0; i != 3; i++) {
        broadcast(mode);
        await_round(pipes[0]);
    }
    long before = resident("self");
    double start = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID), now;
    double count = 0;
    do {
        broadcast(mode);
        await_round(pipes[0]);
        count += (double)burst * (clients - stuck);
        now = seconds(CLOCK_MONOTONIC);
    } while(now - start < limit);
    used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
    printf("%.0f %.1f %.4f %ld\n", count, count / (now - start), used / count * 1e6,
        (resident("self") - before) / 1024);
    kill(pid, 9);
    return 0;
}
