#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libdill.h>

#include "wire.h"

int64_t wire_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/*  Lets the other coroutines run and the host look at its descriptors. */
static void step(int ms)
{
    /* In a cancelled coroutine the host refuses to sleep. */
    if(msleep(ms ? now() + ms : 0) != 0) usleep(1000);
}

/**** Bytes ****/

void bytes_put(struct bytes *b, const void *data, size_t len)
{
    if(b->n + len > b->cap) {
        b->cap = 2 * b->cap + len + 64;
        b->p = realloc(b->p, b->cap);
        if(!b->p) abort();
    }
    if(len) memcpy(b->p + b->n, data, len);
    b->n += len;
}

void bytes_str(struct bytes *b, const char *text)
{
    bytes_put(b, text, strlen(text));
}

void bytes_fill(struct bytes *b, int byte, size_t len)
{
    for(uint8_t c = (uint8_t)byte; len; len--) bytes_put(b, &c, 1);
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}

/**** Building frames ****/

static int minimal_form(uint64_t len)
{
    return len <= 125 ? 7 : len <= 65535 ? 16 : 64;
}

static void put_length(struct bytes *b, int mask_bit, int form, uint64_t len)
{
    uint8_t lead = form == 16 ? 126 : form == 64 ? 127 : (uint8_t)len;
    lead |= (uint8_t)mask_bit;
    bytes_put(b, &lead, 1);
    if(form == 7) return;
    for(int shift = form - 8; shift >= 0; shift -= 8) {
        uint8_t byte = (uint8_t)(len >> shift);
        bytes_put(b, &byte, 1);
    }
}

void frame_put(struct bytes *b, struct frame f)
{
    uint8_t first = (uint8_t)((f.more ? 0 : 0x80) | f.rsv << 4 | f.opcode);
    uint64_t declared = f.lie ? f.declared : f.len;
    bytes_put(b, &first, 1);
    put_length(b, f.masked ? 0x80 : 0,
        f.form ? f.form : minimal_form(declared), declared);
    if(f.masked) bytes_put(b, f.key, 4);
    size_t at = b->n;
    bytes_put(b, f.payload, f.len);
    if(!f.masked) return;
    for(size_t i = 0; i != f.len; i++) b->p[at + i] ^= f.key[i % 4];
}

void peer_put(struct bytes *b, enum role role, struct frame f)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    f.masked = role == SERVER;
    memcpy(f.key, key, sizeof key);
    frame_put(b, f);
}

void peer_part(struct bytes *b, enum role role, int opcode, int fin,
    const void *payload, size_t len)
{
    peer_put(b, role, (struct frame){.more = !fin, .opcode = opcode,
        .payload = payload, .len = len});
}

void peer_message(struct bytes *b, enum role role, int opcode,
    const void *payload, size_t len)
{
    peer_part(b, role, opcode, 1, payload, len);
}

void peer_ping(struct bytes *b, enum role role, const char *payload)
{
    peer_message(b, role, OP_PING, payload, strlen(payload));
}

/*  Status in network order and reason; the length. */
static size_t close_payload(uint8_t *out, int status, const void *reason,
    size_t len)
{
    if(!status) return 0;
    out[0] = (uint8_t)(status >> 8);
    out[1] = (uint8_t)status;
    if(len) memcpy(out + 2, reason, len);
    return len + 2;
}

void peer_close(struct bytes *b, enum role role, int status,
    const void *reason, size_t len)
{
    uint8_t payload[256];
    peer_message(b, role, OP_CLOSE, payload,
        close_payload(payload, status, reason, len));
}

/**** Sockets ****/

int wire_is_tcp(void)
{
    const char *name = getenv("WS_TESTS_TRANSPORT");
    return name && strcmp(name, "tcp") == 0;
}

/*  Of itself TCP finds room for up to 40 MiB, and sometimes more when it has
    taken its time: no test could fill it. Accepted sockets inherit the sizes. */
static int tcp_socket(void)
{
    static const int room = 128 << 10;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) != 0 ||
          setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0)
        abort();
    return fd;
}

/*  A port of one address is in use for a minute after its connection was
    closed in order. So each has an address of its own, 127.0.0.1 to
    127.255.255.254. */
static uint32_t an_address(void)
{
    static uint32_t n;
    if(!n) n = (uint32_t)getpid() << 12;
    return htonl(127u << 24 | (n++ % 0xfffffe + 1));
}

static void tcp_pair(int fd[2])
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
        .sin_addr.s_addr = an_address()};
    socklen_t len = sizeof addr;
    int one = 1;
    struct sockaddr_in from = addr;
    int listener = tcp_socket();
    fd[0] = tcp_socket();
    if(setsockopt(fd[0], IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
            sizeof one) != 0 ||
          bind(fd[0], (struct sockaddr*)&from, sizeof from) != 0 ||
          bind(listener, (struct sockaddr*)&addr, sizeof addr) != 0 ||
          listen(listener, 1) != 0 ||
          getsockname(listener, (struct sockaddr*)&addr, &len) != 0 ||
          connect(fd[0], (struct sockaddr*)&addr, sizeof addr) != 0) abort();
    fd[1] = accept(listener, NULL, NULL);
    if(fd[1] < 0) abort();
    setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
}

void wire_pair(int fd[2])
{
    if(wire_is_tcp()) tcp_pair(fd);
    else if(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0) abort();
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
}

size_t wire_fill(int fd)
{
    static const char zeros[4096];
    size_t n = 0;
    /*  TCP finds some more room when it has tidied up. */
    for(int quiet = 0; quiet != 3; quiet++) {
        for(size_t len = sizeof zeros; len; len /= 2) {
            ssize_t sent;
            while((sent = send(fd, zeros, len, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
                n += (size_t)sent;
                quiet = 0;
            }
        }
        step(1);
    }
    return n;
}

void wire_unfill(int fd, size_t len)
{
    uint8_t zeros[4096];
    while(len) {
        size_t n = len < sizeof zeros ? len : sizeof zeros;
        if(wire_read(fd, zeros, n, WIRE_PATIENCE) != n) {
            check_fail(HERE, "%zu bytes do not come", len);
            return;
        }
        len -= n;
    }
}

int wire_write(int fd, const void *data, size_t len)
{
    const uint8_t *p = data;
    int64_t limit = wire_clock() + check_ms(WIRE_PATIENCE);
    while(len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if(n < 0 && errno != EAGAIN) return -1;
        if(n > 0) {
            p += n;
            len -= (size_t)n;
            limit = wire_clock() + check_ms(WIRE_PATIENCE);
        } else if(wire_clock() > limit) {
            return -1;
        } else {
            step(1);
        }
    }
    return 0;
}

void wire_send(int fd, const struct bytes *b)
{
    if(wire_write(fd, b->p, b->n) != 0)
        check_fail(HERE, "the peer cannot send its %zu bytes", b->n);
}

/*  How wire_read ended short. */
enum ending {CAME, ENDED, LATE};

static enum ending read_some(int fd, uint8_t *p, size_t len, int ms,
    size_t *got)
{
    int64_t limit = wire_clock() + check_ms(ms);
    *got = 0;
    while(*got != len) {
        ssize_t n = recv(fd, p + *got, len - *got, MSG_DONTWAIT);
        if(n > 0) {
            *got += (size_t)n;
            limit = wire_clock() + check_ms(ms);
        } else if(n == 0 || errno != EAGAIN) {
            return ENDED;
        } else if(wire_clock() >= limit) {
            return LATE;
        } else {
            step(1);
        }
    }
    return CAME;
}

size_t wire_read(int fd, void *data, size_t len, int ms)
{
    size_t got;
    read_some(fd, data, len, ms, &got);
    return got;
}

size_t wire_read_head(int fd, char *head, size_t cap)
{
    size_t n = 0;
    while(n + 1 < cap && wire_read(fd, head + n, 1, WIRE_PATIENCE) == 1) {
        head[++n] = 0;
        if(n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0) return n;
    }
    head[n] = 0;
    return 0;
}

void wire_end(int fd)
{
    shutdown(fd, SHUT_WR);
}

void wire_close(int fd)
{
    close(fd);
}

/**** Reading frames ****/

static int get_length(int fd, struct got *g, uint8_t lead)
{
    uint8_t field[8];
    int bytes = lead == 126 ? 2 : lead == 127 ? 8 : 0;
    uint64_t len = bytes ? 0 : lead;
    if(wire_read(fd, field, (size_t)bytes, WIRE_PATIENCE) != (size_t)bytes)
        return 0;
    for(int i = 0; i != bytes; i++) len = len << 8 | field[i];
    g->form = bytes ? 8 * bytes : 7;
    g->head = 2 + (size_t)bytes + (g->masked ? 4 : 0);
    g->len = len;
    return len < (uint64_t)1 << 30;
}

int wire_get(int fd, struct got *g)
{
    uint8_t lead[2];
    *g = (struct got){0};
    if(wire_read(fd, lead, 2, WIRE_PATIENCE) != 2) return 0;
    g->fin = lead[0] >> 7;
    g->rsv = lead[0] >> 4 & 7;
    g->opcode = lead[0] & 15;
    g->masked = lead[1] >> 7;
    if(!get_length(fd, g, lead[1] & 127)) return 0;
    if(g->masked && wire_read(fd, g->key, 4, WIRE_PATIENCE) != 4) return 0;
    g->payload = malloc(g->len + 1);
    if(wire_read(fd, g->payload, g->len, WIRE_PATIENCE) != g->len) {
        got_free(g);
        return 0;
    }
    for(size_t i = 0; g->masked && i != g->len; i++)
        g->payload[i] ^= g->key[i % 4];
    return 1;
}

void got_free(struct got *g)
{
    free(g->payload);
    g->payload = NULL;
}

static coroutine void taker_run(struct taker *t)
{
    t->came = wire_get(t->fd, &t->got);
}

void taker_start(struct taker *t, int fd)
{
    *t = (struct taker){.fd = fd};
    t->handle = go(taker_run(t));
    CHECK_OK(t->handle);
}

void taker_finish(struct taker *t)
{
    bundle_wait(t->handle, now() + check_ms(WIRE_PATIENCE));
    hclose(t->handle);
    CHECK(t->came);
}

void expect_frame(struct at at, int fd, enum role role, int opcode,
    const void *payload, size_t len)
{
    struct got g;
    if(!wire_get(fd, &g)) {
        check_fail(at, "the peer waits for a frame, opcode %x", opcode);
        return;
    }
    check_int(at, "FIN of the frame", g.fin, 1);
    check_int(at, "RSV of the frame", g.rsv, 0);
    check_int(at, "opcode of the frame", g.opcode, opcode);
    check_int(at, "MASK of the frame", g.masked, role == CLIENT);
    check_int(at, "length form of the frame", g.form, minimal_form(g.len));
    check_bytes(at, "payload of the frame", g.payload, g.len, payload, len);
    got_free(&g);
}

void expect_close(struct at at, int fd, enum role role, int status,
    const void *reason, size_t len)
{
    uint8_t payload[256];
    size_t n = close_payload(payload, status, reason, len);
    expect_frame(at, fd, role, OP_CLOSE, payload, n);
}

void expect_silence(struct at at, int fd)
{
    uint8_t byte;
    size_t got;
    /* What the library sends is in the socket when its call returns. */
    enum ending ending = read_some(fd, &byte, 1, 2, &got);
    if(ending == CAME) check_fail(at, "unexpected byte %02x sent", byte);
    if(ending == ENDED) check_fail(at, "the stream has ended");
}

void expect_end(struct at at, int fd)
{
    uint8_t byte;
    size_t got;
    enum ending ending = read_some(fd, &byte, 1, WIRE_PATIENCE, &got);
    if(ending == CAME) check_fail(at, "byte %02x, want the end", byte);
    if(ending == LATE) check_fail(at, "the stream stays open, want the end");
}

/**** Feeding ****/

size_t feed_kinds(size_t n)
{
    return n > 1 ? n + 1 : 1;
}

void feed_note(size_t kind, size_t n)
{
    if(kind == FEED_WHOLE) check_note("fed whole");
    else if(kind == n) check_note("fed byte by byte");
    else check_note("split at %zu of %zu", kind, n);
}

/*  Bytes not yet taken by the reader (on TCP: not yet acknowledged). */
static int pending(int fd)
{
    int n = 0;
    return ioctl(fd, SIOCOUTQ, &n) == 0 ? n : 0;
}

static void await_taken(int fd)
{
    step(0);
    if(wire_is_tcp()) step(0);
    for(int i = 0; i != 20 && pending(fd); i++) step(0);
}

void feed_all(struct feed *f)
{
    size_t sent = 0;
    while(sent != f->n) {
        size_t len = f->n - sent;
        if(f->kind == f->n) len = 1;
        else if(f->kind && !sent) len = f->kind;
        if(wire_write(f->fd, f->p + sent, len) != 0) return;
        sent += len;
        if(sent != f->n) await_taken(f->fd);
    }
    if(f->end) wire_end(f->fd);
}

static coroutine void feed_run(struct feed *f)
{
    feed_all(f);
}

void feed_start(struct feed *f)
{
    f->handle = go(feed_run(f));
    CHECK_OK(f->handle);
}

void feed_finish(struct feed *f)
{
    if(f->handle >= 0) hclose(f->handle);
}

/**** Keys ****/

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

/*  FIPS 180-4, section 6.1.2: one block. */
static void sha1_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[80];
    uint32_t v[5];
    memcpy(v, h, sizeof v);
    for(int t = 0; t != 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
            (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for(int t = 16; t != 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    for(int t = 0; t != 80; t++) {
        static const uint32_t k[4] = {
            0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t parity = v[1] ^ v[2] ^ v[3];
        uint32_t f = t < 20 ? (v[1] & v[2]) | (~v[1] & v[3]) :
            t < 40 || t >= 60 ? parity :
            (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]);
        uint32_t next = rotate(v[0], 5) + f + v[4] + k[t / 20] + w[t];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for(int i = 0; i != 5; i++) h[i] += v[i];
}

/*  For messages short enough to fit, padded, into two blocks. */
static void sha1(const uint8_t *data, size_t len, uint8_t digest[20])
{
    uint32_t h[5] = {
        0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t padded[128] = {0};
    size_t total = len + 9 <= 64 ? 64 : 128;
    memcpy(padded, data, len);
    padded[len] = 0x80;
    padded[total - 2] = (uint8_t)(len * 8 >> 8);
    padded[total - 1] = (uint8_t)(len * 8);
    for(size_t i = 0; i != total; i += 64) sha1_block(h, padded + i);
    for(int i = 0; i != 20; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void wire_accept_key(const char *key, size_t keylen, char accept[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[128];
    uint8_t digest[21] = {0};
    if(keylen > 64) keylen = 64;
    memcpy(text, key, keylen);
    memcpy(text + keylen, guid, sizeof guid - 1);
    sha1(text, keylen + sizeof guid - 1, digest);
    for(int i = 0; i != 28; i++) {
        int bit = 6 * i;
        int pair = digest[bit / 8] << 8 | (bit / 8 < 20 ? digest[bit / 8 + 1] : 0);
        accept[i] = base64[pair >> (10 - bit % 8) & 63];
    }
    accept[27] = '=';
    accept[28] = 0;
}

int wire_base64_decode(const char *text, size_t len, uint8_t *out)
{
    uint32_t group = 0;
    int n = 0;
    size_t digits = len;
    while(digits && len - digits < 2 && text[digits - 1] == '=') digits--;
    if(len % 4) return -1;
    for(size_t i = 0; i != digits; i++) {
        const char *at = text[i] ? strchr(base64, text[i]) : NULL;
        if(!at) return -1;
        group = group << 6 | (uint32_t)(at - base64);
        if(i % 4) out[n++] = (uint8_t)(group >> (6 - 2 * (i % 4)));
    }
    uint32_t spare = digits % 4 == 2 ? 15 : digits % 4 == 3 ? 3 : 0;
    return group & spare ? -1 : n;
}
