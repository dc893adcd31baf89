/*  The other end of a WebSocket, on a plain socket. */

#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void need(int condition, const char *what)
{
    if(condition) return;
    perror(what);
    exit(1);
}

static const char handshake[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

/*  Connects to a server on this machine, at 127.0.0.1 or as far above as
    `above` says, and waits for the end of its answer to the opening
    handshake. */
static inline int open_websocket(int port, unsigned above)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + above)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    need(s >= 0, "socket");
    need(connect(s, (struct sockaddr*)&server, sizeof server) == 0, "connect");
    int on = 1;
    need(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    need(send(s, handshake, sizeof handshake - 1, 0) == sizeof handshake - 1, "send");
    char answer[1024];
    size_t len = 0;
    while(len < 4 || memcmp(answer + len - 4, "\r\n\r\n", 4)) {
        ssize_t n = recv(s, answer + len, sizeof answer - len, 0);
        need(n > 0, "opening handshake");
        len += (size_t)n;
    }
    need(!memcmp(answer, "HTTP/1.1 101", 12), "not accepted");
    return s;
}

/*  Binary frames, one after the other. */
struct frames {
    unsigned char *bytes;
    size_t len;
};

/*  `count` frames with `size` bytes of payload each; masked is what clients
    send (RFC 6455, section 5.2). */
static inline void make_frames(struct frames *f, size_t size, int count, int masked)
{
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
    f->len = 0;
    f->bytes = malloc((size + 14) * (size_t)count);
    need(f->bytes != NULL, "malloc");
    for(int i = 0; i < count; i++) {
        unsigned char *p = f->bytes + f->len;
        int extended = size < 126 ? 0 : size < 65536 ? 2 : 8;
        *p++ = 0x82;
        *p++ = (unsigned char)((masked ? 0x80 : 0) |
            (extended == 0 ? size : extended == 2 ? 126 : 127));
        for(int byte = extended - 1; byte >= 0; byte--)
            *p++ = (unsigned char)(size >> 8 * byte);
        if(masked) {
            memcpy(p, key, 4);
            p += 4;
        }
        for(size_t at = 0; at < size; at++)
            *p++ = (unsigned char)((at * 7 + at / 256 + (size_t)i) ^ (masked ? key[at % 4] : 0));
        f->len = (size_t)(p - f->bytes);
    }
}

#endif
