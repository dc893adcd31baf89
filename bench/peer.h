/*  The other end of a WebSocket, on a plain socket, or with -DOVER_TLS on one of OpenSSL's, which takes
    any certificate. */

#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef OVER_TLS
#include <openssl/ssl.h>
#endif

static inline void need(int condition, const char *what)
{
    if(condition) return;
    perror(what);
    exit(1);
}

static inline double seconds(clockid_t clock)
{
    struct timespec t;
    need(clock_gettime(clock, &t) == 0, "clock_gettime");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*  The clock that shows the processor time of a process. */
static inline clockid_t clock_of(int pid)
{
    clockid_t clock;
    need(clock_getcpuclockid(pid, &clock) == 0, "clock_getcpuclockid");
    return clock;
}

static inline void allow_many_descriptors(void)
{
    struct rlimit limit;
    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

struct link {
    int fd;
#ifdef OVER_TLS
    SSL *tls;
#endif
};

#ifdef OVER_TLS
static inline void secure(struct link *l)
{
    static SSL_CTX *config;
    if(!config) {
        config = SSL_CTX_new(TLS_client_method());
        need(config && SSL_CTX_set_ciphersuites(config, "TLS_AES_128_GCM_SHA256"), "OpenSSL");
        SSL_CTX_set_mode(config, SSL_MODE_ENABLE_PARTIAL_WRITE |
            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    }
    l->tls = SSL_new(config);
    need(l->tls && SSL_set_fd(l->tls, l->fd), "OpenSSL");
    need(SSL_connect(l->tls) == 1, "TLS handshake");
}

/*  As send(2): -1 is "not without waiting". */
static inline ssize_t put(struct link *l, const void *buf, size_t len)
{
    int n = SSL_write(l->tls, buf, (int)len);
    need(n > 0 || SSL_get_error(l->tls, n) == SSL_ERROR_WANT_WRITE, "SSL_write");
    return n > 0 ? n : -1;
}

/*  As recv(2): -1 is "not without waiting". */
static inline ssize_t get(struct link *l, void *buf, size_t len)
{
    int n = SSL_read(l->tls, buf, (int)len);
    need(n > 0 || SSL_get_error(l->tls, n) == SSL_ERROR_WANT_READ, "SSL_read");
    return n > 0 ? n : -1;
}
#else
static inline void secure(struct link *l)
{
    (void)l;
}

static inline ssize_t put(struct link *l, const void *buf, size_t len)
{
    ssize_t n = send(l->fd, buf, len, MSG_NOSIGNAL);
    need(n >= 0 || errno == EAGAIN, "send");
    return n;
}

static inline ssize_t get(struct link *l, void *buf, size_t len)
{
    ssize_t n = recv(l->fd, buf, len, 0);
    need(n > 0 || (n < 0 && errno == EAGAIN), "recv");
    return n;
}
#endif

#define ANSWER_MAX 1024

/*  Connects to a server at 127.0.0.1, and waits for the end of its answer to
    the opening handshake. `field` is one more line of the request, or empty.
    There are several addresses to connect from, as the system searches long
    for a free port of its own once half of them are taken for one: that of
    `number` is one of eight. */
static inline struct link open_with(int port, unsigned number, const char *field,
    char answer[static ANSWER_MAX])
{
    struct sockaddr_in server = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in own = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number % 8)};
    struct link l = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    int on = 1;
    need(l.fd >= 0, "socket");
    need(setsockopt(l.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0,
        "IP_BIND_ADDRESS_NO_PORT");
    need(bind(l.fd, (struct sockaddr*)&own, sizeof own) == 0, "bind");
    need(connect(l.fd, (struct sockaddr*)&server, sizeof server) == 0, "connect");
    need(setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    secure(&l);
    char request[1024];
    int size = snprintf(request, sizeof request,
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n%s\r\n", field);
    need(put(&l, request, (size_t)size) == size, "send");
    size_t len = 0;
    while(len < 4 || memcmp(answer + len - 4, "\r\n\r\n", 4)) {
        ssize_t n = get(&l, answer + len, ANSWER_MAX - 1 - len);
        need(n > 0, "opening handshake");
        len += (size_t)n;
    }
    answer[len] = 0;
    need(!memcmp(answer, "HTTP/1.1 101", 12), "not accepted");
    return l;
}

static inline struct link open_websocket(int port, unsigned number)
{
    char answer[ANSWER_MAX];
    return open_with(port, number, "", answer);
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
