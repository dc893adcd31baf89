/*  The least that an echo server can do, to see how far the load generator
    goes: no checks, no control frames, and all replies that are due leave in
    one send. Prints `port NUMBER`, ends with its standard input. */

#include "peer.h"

#include <sys/epoll.h>

#define ROOM (4 << 20)

struct connection {
    int fd;
    int open; /* the opening handshake is over */
    unsigned char *own; /* for a frame of which not all has arrived */
    size_t len;
};

/*  For all whose frames arrive whole. */
static unsigned char common[ROOM];

static void send_all(int fd, const void *bytes, size_t len)
{
    while(len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if(n <= 0) return;
        bytes = (const char*)bytes + n;
        len -= (size_t)n;
    }
}

static void keep(struct connection *c, const unsigned char *rest, size_t len)
{
    if(len > 0) {
        if(!c->own) c->own = malloc(ROOM);
        need(c->own != NULL, "malloc");
        memmove(c->own, rest, len);
    }
    c->len = len;
}

static void answer_handshake(struct connection *c, const unsigned char *bytes, size_t len)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    if(len < 4 || memcmp(bytes + len - 4, "\r\n\r\n", 4)) {
        keep(c, bytes, len);
        return;
    }
    send_all(c->fd, answer, sizeof answer - 1);
    c->len = 0;
    c->open = 1;
}

/*  `out` is before `payload`, and may overlap with it. */
static void unmask(unsigned char *out, const unsigned char *payload, size_t size,
    const unsigned char key[4])
{
    uint64_t wide, keys;
    size_t i = 0;
    memcpy(&keys, key, 4);
    memcpy((char*)&keys + 4, key, 4);
    for(; i + sizeof wide <= size; i += sizeof wide) {
        memcpy(&wide, payload + i, sizeof wide);
        wide ^= keys;
        memcpy(out + i, &wide, sizeof wide);
    }
    for(; i < size; i++) out[i] = payload[i] ^ key[i % 4];
}

/*  Sends back all whole frames, without the masks. */
static void echo(struct connection *c, unsigned char *bytes, size_t len)
{
    unsigned char *in = bytes, *end = bytes + len, *out = bytes;
    while(end - in >= 14 || (end - in >= 6 && (in[1] & 127) < 126)) {
        size_t code = in[1] & 127, header = 2, size = code;
        if(code == 126) header = 4, size = (size_t)in[2] << 8 | in[3];
        if(code == 127) header = 10;
        for(size_t i = 2, wide = 0; code == 127 && i < 10; i++)
            size = wide = wide << 8 | in[i];
        if((size_t)(end - in) < header + 4 + size) break;
        unsigned char key[4], *payload = in + header + 4;
        memcpy(key, in + header, 4);
        in[1] &= 127;
        memmove(out, in, header);
        out += header;
        unmask(out, payload, size, key);
        out += size;
        in = payload + size;
    }
    send_all(c->fd, bytes, (size_t)(out - bytes));
    keep(c, in, (size_t)(end - in));
}

static int receive(struct connection *c)
{
    unsigned char *bytes = c->len > 0 ? c->own : common;
    ssize_t n = recv(c->fd, bytes + c->len, ROOM - c->len, MSG_DONTWAIT);
    if(n <= 0) return -1;
    size_t len = c->len + (size_t)n;
    if(c->open) echo(c, bytes, len);
    else answer_handshake(c, bytes, len);
    return 0;
}

static void watch(int epoll, int fd, void *whom)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = whom};
    need(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_one(int epoll, int listener)
{
    int on = 1;
    struct connection *c = calloc(1, sizeof *c);
    need(c != NULL, "calloc");
    c->fd = accept(listener, NULL, NULL);
    need(c->fd >= 0, "accept");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, c->fd, c);
}

int main(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    need(bind(listener, (struct sockaddr*)&addr, len) == 0, "bind");
    need(listen(listener, 1000) == 0, "listen");
    need(getsockname(listener, (struct sockaddr*)&addr, &len) == 0, "getsockname");
    printf("port %d\n", ntohs(addr.sin_port));
    fflush(stdout);
    char end;
    watch(epoll, listener, &listener);
    watch(epoll, STDIN_FILENO, &end);
    for(;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, -1);
        for(int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if(events[i].data.ptr == &end) return 0;
            if(events[i].data.ptr == &listener) accept_one(epoll, listener);
            else if(receive(c) < 0) {
                close(c->fd);
                free(c->own);
                free(c);
            }
        }
    }
}
