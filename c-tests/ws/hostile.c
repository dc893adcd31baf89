/*  Nothing a caller or a peer does crashes, hangs, overruns or leaks. What
    each bad call returns is in the files s2 to s7; here everything is tried
    that can be tried. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http.h"
#include "tap.h"

/**** Handles of other kinds ****/

static void *plain_query(struct hvfs *vfs, const void *type)
{
    (void)vfs;
    (void)type;
    errno = ENOTSUP;
    return NULL;
}

static void plain_close(struct hvfs *vfs)
{
    (void)vfs;
}

static struct hvfs plain = {.query = plain_query, .close = plain_close};

static int make_plain(void)
{
    return hmake(&plain);
}

static int make_bundle(void)
{
    return bundle();
}

static coroutine void idle(void)
{
    msleep(-1);
}

static int make_coroutine(void)
{
    return go(idle());
}

static int spare;       /* the other half of what comes in pairs */

static int make_channel(void)
{
    int ch[2];
    if(chmake(ch) != 0) return -1;
    spare = ch[1];
    return ch[0];
}

static int make_ipc(void)
{
    int s[2];
    if(ipc_pair(s) != 0) return -1;
    spare = s[1];
    return s[0];
}

static int make_tcp_listener(void)
{
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, 0) != 0) return -1;
    return tcp_listen(&addr, 1);
}

static int make_ipc_listener(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/hostile-%d.sock", (int)getpid());
    int h = ipc_listen(path, 1);
    unlink(path);
    return h;
}

static int make_tcp(void)
{
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, 0) != 0) return -1;
    int listener = tcp_listen(&addr, 1);
    int h = tcp_connect(&addr, SOON);
    spare = tcp_accept(listener, NULL, SOON);
    hclose(listener);
    return h;
}

static int make_ws(void)
{
    int s[2];
    if(ipc_pair(s) != 0) return -1;
    spare = s[1];
    return conn_attach(CLIENT, s[0], 0);
}

static const struct kind {
    const char *name;
    int (*make)(void);
    int is_bytestream;
} kinds[] = {
    {"user-defined handle", make_plain, 0},
    {"bundle", make_bundle, 0},
    {"coroutine", make_coroutine, 0},
    {"channel", make_channel, 0},
    {"tcp listener", make_tcp_listener, 0},
    {"ipc listener", make_ipc_listener, 0},
    {"WebSocket", make_ws, 0},
    {"tcp", make_tcp, 1},
    {"ipc", make_ipc, 1},
};

static int kind_make(const struct kind *k)
{
    spare = -1;
    check_row(k->name);
    int h = k->make();
    CHECK_OK(h);
    return h;
}

static void kind_close(int h)
{
    if(h >= 0) CHECK_INT(hclose(h), 0);
    if(spare >= 0) hclose(spare);
}

/*  Every function that wants a WebSocket. */
static void check_no_websocket(int h)
{
    char buf[8];
    int n;
    struct iolist part = {buf, sizeof buf, NULL, 0};
    memset(buf, 'x', sizeof buf);
    CHECK_ERR(ws_send(h, WS_TEXT, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(ws_recv(h, &n, buf, sizeof buf, SOON), ENOTSUP);
    CHECK_ERR(ws_sendl(h, WS_TEXT, &part, &part, SOON), ENOTSUP);
    CHECK_ERR(ws_recvl(h, &n, &part, &part, SOON), ENOTSUP);
    CHECK_ERR(ws_done(h, 1000, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(ws_detach(h, 1000, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(ws_status(h, &n, buf, sizeof buf), ENOTSUP);
    CHECK(is_handle(h));
}

TEST(hostile_other_handles_where_a_websocket_is_expected)
{
    for(size_t i = 0; i != COUNT_OF(kinds); i++) {
        if(kinds[i].make == make_ws) continue;
        int h = kind_make(&kinds[i]);
        check_no_websocket(h);
        kind_close(h);
    }
}

TEST_ROLES(hostile_other_handles_where_a_bytestream_is_expected)
{
    for(size_t i = 0; i != COUNT_OF(kinds); i++) {
        if(kinds[i].is_bytestream) continue;
        for(int http = 0; http != 2; http++) {
            int h = kind_make(&kinds[i]);
            if(!http) CHECK_ERR(conn_attach(role, h, 0), EPROTO);
            else if(role == CLIENT)
                CHECK_ERR(ws_attach_client(h, 0, "/", "h", SOON), EPROTO);
            else
                CHECK_ERR(ws_attach_server(h, 0, NULL, 0, NULL, 0, SOON),
                    EPROTO);
            CHECK(!is_handle(h));
            kind_close(-1);
        }
    }
}

/*  And the reverse: every function that wants something else. */
TEST_ROLES(hostile_websocket_where_another_handle_is_expected)
{
    struct conn c;
    char buf[8] = "xxxxxxx";
    struct iolist part = {buf, sizeof buf, NULL, 0};
    conn_open(&c, role, 0);
    CHECK_ERR(bsend(c.h, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(brecv(c.h, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(bsendl(c.h, &part, &part, SOON), ENOTSUP);
    CHECK_ERR(brecvl(c.h, &part, &part, SOON), ENOTSUP);
    CHECK_ERR(tcp_done(c.h, SOON), ENOTSUP);
    CHECK_ERR(tcp_close(c.h, SOON), ENOTSUP);
    CHECK_ERR(tcp_accept(c.h, NULL, SOON), ENOTSUP);
    CHECK_ERR(ipc_done(c.h, SOON), ENOTSUP);
    CHECK_ERR(ipc_close(c.h, SOON), ENOTSUP);
    CHECK_ERR(ipc_accept(c.h, SOON), ENOTSUP);
    CHECK_ERR(chsend(c.h, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(chrecv(c.h, buf, 1, SOON), ENOTSUP);
    CHECK_ERR(chdone(c.h), ENOTSUP);
    CHECK_ERR(bundle_wait(c.h, SOON), ENOTSUP);
    CHECK_ERR(bundle_go(c.h, idle()), ENOTSUP);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/**** Numbers that are no handles ****/

TEST(hostile_bad_handle_numbers)
{
    static const int numbers[] = {-1, -2, INT_MIN, INT_MAX, 99999, 1 << 20};
    char buf[8];
    struct iolist part = {buf, sizeof buf, NULL, 0};
    memset(buf, 'x', sizeof buf);
    for(size_t i = 0; i != COUNT_OF(numbers); i++) {
        int h = numbers[i];
        check_note("handle %d", h);
        CHECK_ERR(ws_send(h, WS_TEXT, buf, 1, SOON), EBADF);
        CHECK_ERR(ws_recv(h, NULL, buf, sizeof buf, SOON), EBADF);
        CHECK_ERR(ws_sendl(h, WS_TEXT, &part, &part, SOON), EBADF);
        CHECK_ERR(ws_recvl(h, NULL, &part, &part, SOON), EBADF);
        CHECK_ERR(ws_done(h, 1000, NULL, 0, SOON), EBADF);
        CHECK_ERR(ws_detach(h, 1000, NULL, 0, SOON), EBADF);
        CHECK_ERR(ws_status(h, NULL, buf, sizeof buf), EBADF);
    }
}

/**** NULL, and lengths from 0 to SIZE_MAX ****/

static const size_t sizes[] = {0, 1, 2, 127, SIZE_MAX / 2, SIZE_MAX - 1,
    SIZE_MAX};

/*  Every combination of NULL and length where both are given. */
TEST_ROLES(hostile_null_pointers_of_every_length)
{
    struct conn c;
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        size_t n = sizes[i];
        struct iolist part = {NULL, n, NULL, 0};
        check_note("length %zu", n);
        if(n) {
            CHECK_ERR(ws_send(c.h, WS_TEXT, NULL, n, SOON), EINVAL);
            CHECK_ERR(ws_sendl(c.h, WS_TEXT, &part, &part, SOON), EINVAL);
            CHECK_ERR(ws_done(c.h, 1000, NULL, n, SOON), EINVAL);
            CHECK_ERR(ws_detach(c.h, 1000, NULL, n, SOON), EINVAL);
            CHECK_ERR(ws_status(c.h, NULL, NULL, n), EINVAL);
        }
    }
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(hostile_null_pointers_on_receiving)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "hello", 5);
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        struct conn c;
        struct iolist part = {NULL, sizes[i], NULL, 0};
        check_note("length %zu", sizes[i]);
        conn_open(&c, role, 0);
        wire_send(c.fd, &in);
        wire_send(c.fd, &in);
        if(sizes[i] >= 5) {
            CHECK_INT(ws_recv(c.h, NULL, NULL, sizes[i], SOON), 5);
            CHECK_INT(ws_recvl(c.h, NULL, &part, &part, SOON), 5);
        } else {
            CHECK_ERR(ws_recv(c.h, NULL, NULL, sizes[i], SOON), EMSGSIZE);
            CHECK_ERR(ws_recvl(c.h, NULL, &part, &part, SOON), EMSGSIZE);
        }
        CHECK_INTACT(&c);
        conn_close(&c);
    }
    bytes_free(&in);
}

TEST_ROLES(hostile_null_pointers_on_attach)
{
    static const int flags[] = {0, WS_TEXT, WS_NOHTTP, 4, -1};
    for(size_t i = 0; i != COUNT_OF(flags); i++) {
        struct conn c = {.role = role};
        check_note("flags %d", flags[i]);
        c.h = stream_open(&c.fd);
        CHECK_ERR(role == CLIENT ?
            ws_attach_client_mem(c.h, flags[i], NULL, NULL, NULL, SOON) :
            ws_attach_server_mem(c.h, flags[i], NULL, 0, NULL, 0, NULL, SOON),
            EINVAL);
        CHECK_GONE(&c);
        conn_close(&c);
    }
}

/*  No buffer can be that long; two elements may say so together. */
TEST_ROLES(hostile_list_lengths_that_overflow)
{
    struct conn c;
    struct bytes in = {0};
    char text[] = "ab";
    struct iolist e[2] = {{NULL, SIZE_MAX, &e[1], 0}, {NULL, 3, NULL, 0}};
    struct iolist f[2] = {{text, SIZE_MAX, &f[1], 0}, {text, 3, NULL, 0}};
    conn_open(&c, role, 0);
    CHECK_ERR(ws_sendl(c.h, WS_BINARY, &e[0], &e[1], SOON), EINVAL);
    CHECK_ERR(ws_sendl(c.h, WS_BINARY, &f[0], &f[1], SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    peer_message(&in, role, OP_TEXT, "hello", 5);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recvl(c.h, NULL, &e[0], &e[1], SOON), 5);
    CHECK_INTACT(&c);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(hostile_message_of_size_max)
{
    struct conn c;
    conn_open(&c, role, 0);
    CHECK_ERR(ws_send(c.h, WS_BINARY, "x", SIZE_MAX, SOON), EINVAL);
    CHECK_ERR(ws_send(c.h, WS_BINARY, "x", (size_t)SSIZE_MAX + 1, SOON),
        EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(hostile_receive_with_a_length_of_size_max)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    struct iolist part = {buf, SIZE_MAX, NULL, 0};
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "hello", 5);
    wire_send(c.fd, &in);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, SIZE_MAX, SOON), 5);
    CHECK_BYTES(buf, 5, "hello", 5);
    CHECK_INT(ws_recvl(c.h, NULL, &part, &part, SOON), 5);
    bytes_free(&in);
    conn_close(&c);
}

/*  A host may hand every element to the system, which takes a thousand, in an
    array on the coroutine's stack. */
static void send_among_empty_ones(struct conn *c, int count, int at)
{
    struct iolist *e = calloc((size_t)count, sizeof *e);
    for(int i = 0; i != count; i++)
        e[i] = (struct iolist){i == at ? "x" : NULL, i == at,
            i + 1 == count ? NULL : &e[i + 1], 0};
    check_note("%d elements, one of them with a byte", count);
    CHECK_INT(ws_sendl(c->h, WS_TEXT, &e[0], &e[count - 1], SOON), 0);
    EXPECT_FRAME(c->fd, c->role, OP_TEXT, "x", 1);
    CHECK_INT(msendl(c->h, &e[0], &e[count - 1], SOON), 0);
    EXPECT_FRAME(c->fd, c->role, OP_BINARY, "x", 1);
    free(e);
}

static coroutine void send_among_many_empty_ones(struct conn *c, int *done)
{
    static const int counts[] = {8, 500, 511, 1023, 1024, 1100, 20000, 200000};
    for(size_t i = 0; i != COUNT_OF(counts); i++) {
        send_among_empty_ones(c, counts[i], 0);
        send_among_empty_ones(c, counts[i], counts[i] / 2);
        send_among_empty_ones(c, counts[i], counts[i] - 1);
    }
    *done = 1;
}

TEST_ROLES(hostile_list_of_many_empty_elements)
{
    struct conn c;
    int done = 0;
    conn_open(&c, role, 0);
    int cr = go(send_among_many_empty_ones(&c, &done));
    bundle_wait(cr, now() + check_ms(10000));
    hclose(cr);
    CHECK(done);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  None of them with a byte: an empty message. */
TEST_ROLES(hostile_list_of_nothing_but_empty_elements)
{
    struct conn c;
    static struct iolist e[20000];
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(e); i++)
        e[i].iol_next = i + 1 == COUNT_OF(e) ? NULL : &e[i + 1];
    CHECK_INT(ws_sendl(c.h, WS_TEXT, &e[0], &e[COUNT_OF(e) - 1], SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "", 0);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  Lists of so many elements that a frame of each on the stack would show. */
TEST_ROLES(hostile_list_of_many_elements)
{
    enum {ELEMENTS = 100000};
    struct conn c;
    struct bytes in = {0};
    struct iolist *e = calloc(ELEMENTS, sizeof *e);
    char *out = calloc(1, ELEMENTS);
    char *text = malloc(ELEMENTS);
    memset(text, 'x', ELEMENTS);
    for(int i = 0; i != ELEMENTS; i++)
        e[i] = (struct iolist){text + i, 1,
            i + 1 == ELEMENTS ? NULL : &e[i + 1], 0};
    conn_open(&c, role, 0);
    struct taker t;
    taker_start(&t, c.fd);
    CHECK_INT(ws_sendl(c.h, WS_TEXT, &e[0], &e[ELEMENTS - 1], SOON), 0);
    taker_finish(&t);
    CHECK_BYTES(t.got.payload, t.got.len, text, ELEMENTS);
    got_free(&t.got);
    for(int i = 0; i != ELEMENTS; i++) e[i].iol_base = out + i;
    peer_message(&in, role, OP_TEXT, text, ELEMENTS);
    struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
    feed_start(&f);
    CHECK_INT(ws_recvl(c.h, NULL, &e[0], &e[ELEMENTS - 1], SOON), ELEMENTS);
    CHECK_BYTES(out, ELEMENTS, text, ELEMENTS);
    feed_finish(&f);
    bytes_free(&in);
    free(e);
    free(out);
    free(text);
    conn_close(&c);
}

/**** Every first two bytes a frame can have ****/

/*  What the two bytes mean to the receiver, alone. */
static int is_legal(enum role role, int first, int second)
{
    int opcode = first & 15;
    int len = second & 127;
    if(first & 0x70 || (opcode > 2 && opcode < 8) || opcode > 10) return 0;
    if((second >> 7) != (role == SERVER) || opcode == OP_CONT) return 0;
    if(opcode >= 8) return first >> 7 && len <= 125 &&
        !(opcode == OP_CLOSE && len == 1);
    return 1;
}

static void try_two_bytes(enum role role, int first, int second)
{
    struct conn c;
    uint8_t two[] = {(uint8_t)first, (uint8_t)second};
    char buf[256];
    conn_open(&c, role, 0);
    wire_write(c.fd, two, 2);
    wire_end(c.fd);
    int n = (int)ws_recv(c.h, NULL, buf, sizeof buf, SOON);
    int err = errno;
    int legal = is_legal(role, first, second);
    int len = second & 127;
    if(legal && role == CLIENT && len == 0 && (first & 15) != OP_PING &&
          (first & 15) != OP_PONG && first >> 7) {
        /* Whole as it is: an empty message or close frame. */
        if((first & 15) == OP_CLOSE) check_err(HERE, "ws_recv", n, err, EPIPE);
        else check_int(HERE, "ws_recv", n, 0);
    } else {
        check_err(HERE, "ws_recv", n, err, legal ? ECONNRESET : EPROTO);
    }
    if(c.h >= 0) hclose(c.h);
    wire_close(c.fd);
}

TEST_ROLES(hostile_every_first_two_bytes)
{
    int step = check_rounds(100) == 100 ? 1 : 7;
    for(int first = 0; first != 256; first++)
        for(int second = 0; second < 256; second += step) {
            if(check_failed()) return;
            check_note("bytes %02x %02x", first, second);
            try_two_bytes(role, first, second);
        }
}

/**** Truncation ****/

/*  A whole conversation: handshake, messages in fragments, control frames, a
    close frame. */
static void put_conversation(struct bytes *in, enum role role)
{
    peer_message(in, role, OP_TEXT, "Hello", 5);
    peer_ping(in, role, "ping");
    peer_part(in, role, OP_BINARY, 0, "frag", 4);
    peer_message(in, role, OP_PONG, "pong", 4);
    peer_part(in, role, OP_CONT, 1, "ment", 4);
    struct frame f = {.opcode = OP_BINARY, .payload = in->p, .len = 0};
    static const char block[200];
    f.payload = block;
    f.len = sizeof block;
    peer_put(in, role, f);
    peer_close(in, role, 1000, "the end", 7);
}

static int receive_all(int h, int *last_err)
{
    char buf[256];
    int messages = 0;
    while(ws_recv(h, NULL, buf, sizeof buf, SOON) >= 0) messages++;
    *last_err = errno;
    return messages;
}

TEST_ROLES(hostile_conversation_truncated_at_every_byte)
{
    struct bytes in = {0};
    put_conversation(&in, role);
    for(size_t n = 0; n <= in.n && !check_failed(); n++) {
        struct conn c;
        int err;
        check_note("ends behind %zu of %zu", n, in.n);
        conn_open(&c, role, 0);
        wire_write(c.fd, in.p, n);
        wire_end(c.fd);
        int messages = receive_all(c.h, &err);
        if(n == in.n) CHECK_INT(messages, 3);
        CHECK_INT(err, n == in.n ? EPIPE : ECONNRESET);
        conn_close(&c);
    }
    bytes_free(&in);
}

/*  Byte by byte, the peer's stream being closed, not ended. */
TEST_ROLES(hostile_conversation_broken_off_at_every_byte)
{
    struct bytes in = {0};
    put_conversation(&in, role);
    for(size_t n = 0; n < in.n && !check_failed(); n += 3) {
        struct conn c;
        int err;
        check_note("broken off behind %zu of %zu", n, in.n);
        conn_open(&c, role, 0);
        wire_write(c.fd, in.p, n);
        wire_close(c.fd);
        receive_all(c.h, &err);
        CHECK_INT(err, ECONNRESET);
        CHECK_INT(hclose(c.h), 0);
    }
    bytes_free(&in);
}

/**** Random bytes ****/

static uint32_t random_state;

static uint32_t random_next(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

/*  Flips bits of a conversation; the connection may end in any way but a
    crash, a hang or a message that was not sent. */
TEST_ROLES(hostile_conversation_with_flipped_bits)
{
    struct bytes in = {0};
    put_conversation(&in, role);
    long rounds = check_rounds(3000);
    for(long i = 0; i != rounds && !check_failed(); i++) {
        struct conn c;
        int err;
        random_state = (uint32_t)i;
        struct bytes bad = {0};
        bytes_put(&bad, in.p, in.n);
        for(uint32_t k = random_next() % 4 + 1; k; k--)
            bad.p[random_next() % bad.n] ^= (uint8_t)(1 << random_next() % 8);
        check_note("seed %ld", i);
        conn_open(&c, role, 0);
        wire_send(c.fd, &bad);
        wire_end(c.fd);
        int messages = receive_all(c.h, &err);
        CHECK_RANGE(messages, 0, 8);
        CHECK(err == EPIPE || err == EPROTO || err == ECONNRESET ||
            err == EMSGSIZE);
        conn_close(&c);
        bytes_free(&bad);
    }
    bytes_free(&in);
}

TEST(hostile_request_with_flipped_bits)
{
    struct bytes in = {0};
    request_put(&in, &(struct request){0});
    long rounds = check_rounds(2000);
    for(long i = 0; i != rounds && !check_failed(); i++) {
        int fd;
        char resource[16], host[16];
        random_state = (uint32_t)i;
        struct bytes bad = {0};
        bytes_put(&bad, in.p, in.n);
        for(uint32_t k = random_next() % 3 + 1; k; k--)
            bad.p[random_next() % bad.n] ^= (uint8_t)(1 << random_next() % 8);
        check_note("seed %ld", i);
        int s = stream_open(&fd);
        wire_send(fd, &bad);
        wire_end(fd);
        int h = ws_attach_server(s, 0, resource, sizeof resource, host,
            sizeof host, SOON);
        int err = errno;
        CHECK(memchr(resource, 0, sizeof resource));
        CHECK(memchr(host, 0, sizeof host));
        if(h >= 0) hclose(h);
        else CHECK(err == EPROTO || err == EMSGSIZE || err == ECONNRESET);
        CHECK(!is_handle(s) || h == s);
        wire_close(fd);
        bytes_free(&bad);
    }
    bytes_free(&in);
}

/**** Odd heads ****/

/*  Neither accepted nor a hang or crash; the deadline ends them at last. */
TEST(hostile_odd_requests)
{
    static const char *const heads[] = {
        "\r\n\r\n\r\n\r\n", "\n\n\n\n", "GET / HTTP/1.1\n\n", "\r\r\r\r",
        "GET / HTTP/1.1\r\n\r\r\n", "\x16\x03\x01\x02", "\x81\x05hello",
        "GET", " \r\n\r\n", "GET / HTTP/1.1\r\n:\r\n\r\n", "=\r\n=\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
    for(size_t i = 0; i != COUNT_OF(heads); i++) {
        int fd;
        int s = stream_open(&fd);
        check_note("head %zu", i);
        wire_write(fd, heads[i], strlen(heads[i]));
        CHECK_INT(ws_attach_server(s, 0, NULL, 0, NULL, 0, BRIEFLY), -1);
        CHECK(!is_handle(s));
        wire_close(fd);
    }
}

/*  Arguments at the edges of what a request can carry. */
TEST(hostile_client_arguments)
{
    char *endless = malloc(1 << 20);
    memset(endless, 'a', 1 << 20);
    endless[(1 << 20) - 1] = 0;
    const char *const texts[] = {"", "a", endless, "\x80", "%0d%0a"};
    for(size_t i = 0; i != COUNT_OF(texts); i++)
        for(size_t k = 0; k != COUNT_OF(texts); k++) {
            int fd;
            int s = stream_open(&fd);
            check_note("resource %zu, host %zu", i, k);
            CHECK_INT(ws_attach_client(s, 0, texts[i], texts[k], BRIEFLY), -1);
            CHECK(!is_handle(s));
            wire_close(fd);
        }
    free(endless);
}

/**** A stream below that misbehaves ****/

static int odd_bsendl(struct bsock_vfs *vfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    (void)vfs; (void)first; (void)last; (void)deadline;
    errno = EIO;
    return -1;
}

static struct bsock_vfs odd_vfs = {.bsendl = odd_bsendl, .brecvl = odd_bsendl};

static void *odd_query(struct hvfs *vfs, const void *type)
{
    (void)vfs;
    if(type == bsock_type) return &odd_vfs;
    errno = ENOTSUP;
    return NULL;
}

static int odd_closed;

static void odd_close(struct hvfs *vfs)
{
    (void)vfs;
    odd_closed++;
}

static struct hvfs odd = {.query = odd_query, .close = odd_close};

/*  Every call of it fails, with an errno of its own. */
TEST_ROLES(hostile_stream_that_always_fails)
{
    char buf[8];
    odd_closed = 0;
    int s = hmake(&odd);
    int h = conn_attach(role, s, 0);
    CHECK_OK(h);
    CHECK_INT(ws_send(h, WS_TEXT, "x", 1, SOON), -1);
    CHECK_INT(ws_recv(h, NULL, buf, sizeof buf, SOON), -1);
    CHECK_INT(ws_detach(h, 1000, NULL, 0, SOON), -1);
    CHECK_INT(odd_closed, 1);
    s = hmake(&odd);
    CHECK_INT(role == CLIENT ? ws_attach_client(s, 0, "/", "h", SOON) :
        ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON), -1);
    CHECK_INT(odd_closed, 2);
    CHECK(!is_handle(s));
}

/**** Memory that runs out ****/

/*  Peers that send the greater part of a head, to a process that has no room
    for all of them. */
struct starved {int s; int64_t start; int err;};

static coroutine void attach_starved(struct starved *v)
{
    msleep(v->start);
    int rc = ws_attach_server(v->s, 0, NULL, 0, NULL, 0, now() + 1000);
    v->err = rc < 0 ? errno : 0;
}

/*  The rest of the memory that this process may have. */
static void limit_memory(long more)
{
    struct rlimit limit;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if(!f || fscanf(f, "%ld", &pages) != 1) _exit(10);
    fclose(f);
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE) + more);
    if(setrlimit(RLIMIT_AS, &limit) != 0) _exit(11);
}

static int starve(void)
{
    enum {PEERS = 300, HEAD = 30000};
    static struct starved v[PEERS];
    static char head[HEAD];
    int short_of_memory = 0;
    memset(head, 'x', sizeof head);
    memcpy(head, "GET /", 5);
    int b = bundle();
    int64_t start = now() + 100;
    for(int i = 0; i != PEERS; i++) {
        int fd;
        v[i] = (struct starved){stream_open(&fd), start, -1};
        if(write(fd, head, sizeof head) != sizeof head) return 20;
        if(bundle_go(b, attach_starved(&v[i])) != 0) return 21;
    }
    /*  Stacks and streams are there: none of this is for them. */
    limit_memory(3 << 20);
    if(bundle_wait(b, now() + 20000) != 0) return 23;
    for(int i = 0; i != PEERS; i++) {
        if(v[i].err != ENOMEM && v[i].err != ETIMEDOUT) return 24;
        short_of_memory += v[i].err == ENOMEM;
    }
    return short_of_memory ? 0 : 25;
}

TEST(hostile_heads_without_end_where_memory_is_short)
{
    if(check_under("valgrind") || check_under("sanitizers"))
        NA("the tool needs memory of its own");
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if(limit.rlim_cur < 1000) NA("300 connections are more than the limit");
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if(pid == 0) _exit(starve());
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status));
    if(WIFEXITED(status)) CHECK_INT(WEXITSTATUS(status), 0);
}
