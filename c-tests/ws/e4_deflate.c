/*  permessage-deflate: ws_opts(3) and RFC 7692. The peer is made of raw bytes:
    what it sends is built bit by bit, and what it gets is inflated by
    harness/flate.c. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flate.h"
#include "http.h"
#include "tap.h"

#include <libdill_wsx.h>

#define RSV1 4
#define USUAL "permessage-deflate; client_max_window_bits"
#define LARGEST "permessage-deflate"

/*  What zlib makes of "Hello" (section 7.2.3.1). */
static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07";
#define HELLO hello, sizeof hello

/**** Handshakes ****/

/*  The peer of one, and what the library has said in it. */
struct peer {
    enum role role;         /* the library's */
    int fd;
    const char *extension;  /* what the peer says, or NULL */
    char head[2048];        /* what the library says */
    int handle;
};

static coroutine void shake(struct peer *p)
{
    struct bytes out = {0};
    char line[512];
    snprintf(line, sizeof line, "Sec-WebSocket-Extensions: %s\r\n",
        p->extension ? p->extension : "");
    const char *more = p->extension ? line : NULL;
    if(p->role == CLIENT) {
        char key[128];
        if(!wire_read_head(p->fd, p->head, sizeof p->head)) return;
        snprintf(key, sizeof key, "%s", field_value(p->head, "Sec-WebSocket-Key"));
        response_put(&out, &(struct response){.more = more}, key);
        wire_send(p->fd, &out);
    } else {
        request_put(&out, &(struct request){.more = more});
        wire_send(p->fd, &out);
        wire_read_head(p->fd, p->head, sizeof p->head);
    }
    bytes_free(&out);
}

/*  Attaches with `opts`; -1 with errno where that fails. */
static int attach(struct conn *c, struct peer *p, enum role role,
    const struct ws_opts *opts, const char *extension)
{
    c->role = role;
    int s = stream_open(&c->fd);
    *p = (struct peer){.role = role, .fd = c->fd, .extension = extension};
    p->handle = go(shake(p));
    c->h = role == CLIENT ?
        ws_attach_client_opts(s, "/", "localhost", opts, SOON) :
        ws_attach_server_opts(s, opts, SOON);
    int err = errno;
    for(int i = 0; i != 100 && c->h >= 0 && !p->head[0]; i++) msleep(now() + 10);
    hclose(p->handle);
    errno = err;
    return c->h;
}

/*  Attached so that contexts of up to 32 KiB are taken over, both ways. */
static void open_with(struct conn *c, enum role role, struct ws_opts o)
{
    struct peer p;
    o.flags |= WS_DEFLATE;
    CHECK_OK(attach(c, &p, role, &o, role == CLIENT ? LARGEST : USUAL));
    CHECK_INT(field_count(p.head, "Sec-WebSocket-Extensions"), 1);
}

static void open_usual(struct conn *c, enum role role)
{
    struct ws_opts o = ws_defaults;
    o.window = 15;
    open_with(c, role, o);
}

TEST_ROLES(e4_off_unless_asked_for)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    struct peer p;
    struct bytes in = {0};
    CHECK_OK(attach(&c, &p, role, &o, role == SERVER ? USUAL : NULL));
    CHECK_INT(field_count(p.head, "Sec-WebSocket-Extensions"), 0);
    CHECK_INTACT(&c);
    peer_put(&in, role, (struct frame){.rsv = RSV1, .opcode = OP_TEXT, .payload = hello, .len = sizeof hello});
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, NULL, 0, SOON), EPROTO);
    EXPECT_CLOSE(c.fd, role, 1002, NULL, 0);
    bytes_free(&in);
    conn_close(&c);
}

/*  Nothing in common: the connection goes on without. */
TEST_ROLES(e4_nothing_agreed)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    struct peer p;
    o.flags = WS_DEFLATE;
    CHECK_OK(attach(&c, &p, role, &o, NULL));
    CHECK_INT(field_count(p.head, "Sec-WebSocket-Extensions"), role == CLIENT);
    char text[300];
    memset(text, 'a', sizeof text);
    CHECK_OK(ws_send(c.h, WS_TEXT, text, sizeof text, SOON));
    EXPECT_FRAME(c.fd, role, OP_TEXT, text, sizeof text);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST(e4_what_a_client_offers)
{
    static const struct {int window; const char *offer;} rows[] = {
        {0, "permessage-deflate; client_max_window_bits"},
        {9, "permessage-deflate; server_max_window_bits=9; client_max_window_bits, permessage-deflate; client_max_window_bits"},
        {15, "permessage-deflate; server_max_window_bits=15; client_max_window_bits, permessage-deflate; client_max_window_bits"},
        {-1, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        struct peer p;
        char offer[256];
        check_note("window %d", rows[i].window);
        o.flags = WS_DEFLATE;
        o.window = rows[i].window;
        CHECK_OK(attach(&c, &p, CLIENT, &o, NULL));
        CHECK_INT(field_count(p.head, "Sec-WebSocket-Extensions"), 1);
        snprintf(offer, sizeof offer, "%s", field_value(p.head, "Sec-WebSocket-Extensions"));
        CHECK_BYTES(offer, strlen(offer), rows[i].offer, strlen(rows[i].offer));
        conn_close(&c);
    }
}

TEST(e4_what_a_server_answers)
{
    static const struct {int window; const char *offer; const char *answer;} rows[] = {
        /* Chromium, curl, Node, Python. */
        {0, "permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=12"},
        {15, "permessage-deflate; client_max_window_bits", "permessage-deflate"},
        {15, "permessage-deflate; client_max_window_bits=15", "permessage-deflate; client_max_window_bits=15"},
        {0, "permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"},
        {0, "permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"},
        /* Firefox: its window would be larger than ours. */
        {0, "permessage-deflate", "permessage-deflate; client_no_context_takeover"},
        {15, "permessage-deflate", "permessage-deflate"},
        /* What is demanded is done. */
        {15, "permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
        {15, "permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"},
        {-1, "permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        /* A value may be quoted. */
        {0, "permessage-deflate; client_max_window_bits=\"10\"", "permessage-deflate; client_max_window_bits=10"},
        /* The first that can be taken. */
        {15, "permessage-deflate; server_max_window_bits, permessage-deflate", "permessage-deflate"},
        {15, "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits=16, permessage-deflate; server_no_context_takeover; server_no_context_takeover, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"},
        /* None: no field, but a connection. */
        {15, "permessage-deflate; server_max_window_bits=7", ""},
        {15, "permessage-deflate; client_max_window_bits=08", ""},
        {15, "permessage-deflate; server_no_context_takeover=1", ""},
        {15, "permessage-bzip2", ""},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        struct peer p;
        check_note("%s, window %d", rows[i].offer, rows[i].window);
        o.flags = WS_DEFLATE;
        o.window = rows[i].window;
        CHECK_OK(attach(&c, &p, SERVER, &o, rows[i].offer));
        CHECK_INT(head_status(p.head), 101);
        char answer[256];
        snprintf(answer, sizeof answer, "%s", field_value(p.head, "Sec-WebSocket-Extensions"));
        CHECK_BYTES(answer, strlen(answer), rows[i].answer, strlen(rows[i].answer));
        CHECK_INT(field_count(p.head, "Sec-WebSocket-Extensions"), rows[i].answer[0] != 0);
        CHECK_INTACT(&c);
        conn_close(&c);
    }
}

TEST(e4_answers_that_a_client_does_not_take)
{
    static const char *const answers[] = {
        "permessage-bzip2",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover=true",
        /* It was demanded. */
        "permessage-deflate",
    };
    for(size_t i = 0; i != COUNT_OF(answers); i++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        struct peer p;
        check_note("%s", answers[i]);
        o.flags = WS_DEFLATE;
        o.window = -1;
        CHECK_ERR(attach(&c, &p, CLIENT, &o, answers[i]), EPROTO);
        conn_close(&c);
    }
}

TEST_ROLES(e4_options_that_cannot_be)
{
    static const struct ws_opts bad[] = {
        {.flags = WS_DEFLATE, .level = 10}, {.flags = WS_DEFLATE, .level = -1},
        {.flags = WS_DEFLATE, .window = 8}, {.flags = WS_DEFLATE, .window = 16},
        {.flags = WS_DEFLATE, .window = -2}, {.flags = WS_DEFLATE | WS_NOHTTP},
    };
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        struct ws_opts o = bad[i];
        int fd;
        int s = stream_open(&fd);
        check_note("row %zu", i);
        o.size = sizeof o;
        if(role == CLIENT)
            CHECK_ERR(ws_attach_client_opts(s, "/", "localhost", &o, SOON), EINVAL);
        else
            CHECK_ERR(ws_attach_server_opts(s, &o, SOON), EINVAL);
        CHECK(!is_handle(s));
        wire_close(fd);
    }
}

/**** Messages received ****/

static void put_first(struct bytes *b, enum role role, int opcode, int more,
    const void *payload, size_t len)
{
    peer_put(b, role, (struct frame){.rsv = RSV1, .opcode = opcode,
        .more = more, .payload = payload, .len = len});
}

static void put_message(struct bytes *b, enum role role, int opcode,
    const void *payload, size_t len)
{
    put_first(b, role, opcode, 0, payload, len);
}

/*  All shapes that RFC 7692 shows, and some more, in section 7.2.3's order. */
static void put_shapes(struct bytes *in, enum role role)
{
    put_message(in, role, OP_TEXT, HELLO);
    put_first(in, role, OP_TEXT, 1, hello, 3);
    peer_ping(in, role, "between");
    peer_part(in, role, OP_CONT, 0, "", 0);
    peer_part(in, role, OP_CONT, 1, hello + 3, 4);
    put_message(in, role, OP_TEXT, "\xf2\x00\x11\x00\x00", 5);
    put_message(in, role, OP_TEXT, "\x00\x05\x00\xfa\xffHello\x00", 11);
    /* BFINAL, and a message behind it. */
    put_message(in, role, OP_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
    put_message(in, role, OP_TEXT, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13);
    peer_message(in, role, OP_TEXT, "plain", 5);
    put_message(in, role, OP_BINARY, "\x00", 1);
    put_message(in, role, OP_BINARY, "", 0);
    put_message(in, role, OP_TEXT, "\xf2\x00\x11\x00\x00", 5);
}

static void check_shapes(struct at at, struct conn *c, int64_t deadline)
{
    static const char *const texts[] = {"Hello", "Hello", "Hello", "Hello",
        "Hello", "Hello", "plain", NULL, NULL, "Hello"};
    for(size_t i = 0; i != COUNT_OF(texts); i++) {
        char buf[16];
        int flags = -1;
        ssize_t n;
        while((n = ws_recv(c->h, &flags, buf, sizeof buf, deadline)) < 0 &&
              errno == ETIMEDOUT && deadline == 0)
            msleep(now() + 1);
        check_ok(at, "ws_recv", n, errno);
        check_int(at, "type", flags, texts[i] ? WS_TEXT : WS_BINARY);
        check_bytes(at, "message", buf, n < 0 ? 0 : (size_t)n, texts[i], texts[i] ? 5 : 0);
    }
}

/*  However the bytes are cut, with time to wait and without: nothing is lost. */
TEST_ROLES(e4_messages_cut_everywhere)
{
    struct bytes in = {0};
    put_shapes(&in, role);
    for(int polled = 0; polled != 2; polled++) {
        if(polled && !host_keeps_streams()) break;
        for(size_t kind = 0; kind != feed_kinds(in.n) && !check_failed(); kind++) {
            struct conn c;
            feed_note(kind, in.n);
            open_usual(&c, role);
            struct feed feed = {.fd = c.fd, .p = in.p, .n = in.n, .kind = kind};
            feed_start(&feed);
            check_shapes(HERE, &c, polled ? 0 : SOON);
            feed_finish(&feed);
            EXPECT_FRAME(c.fd, role, OP_PONG, "between", 7);
            conn_close(&c);
        }
    }
    bytes_free(&in);
}

/*  The peer sends `in`, which fails the connection. */
static void check_fails(struct at at, struct conn *c, struct bytes *in, int err,
    int status)
{
    static char buf[8192];
    wire_send(c->fd, in);
    ssize_t n = ws_recv(c->h, NULL, buf, sizeof buf, SOON);
    check_err(at, "ws_recv", n, errno, err);
    expect_close(at, c->fd, c->role, status, NULL, 0);
    n = ws_recv(c->h, NULL, buf, sizeof buf, SOON);
    check_err(at, "the next ws_recv", n, errno, ECONNRESET);
    n = ws_send(c->h, 0, "x", 1, SOON);
    check_err(at, "ws_send", n, errno, EPIPE);
    in->n = 0;
    conn_close(c);
}
#define CHECK_FAILS(...) check_fails(HERE, __VA_ARGS__)

TEST_ROLES(e4_the_bit_where_it_must_not_be)
{
    struct conn c;
    struct bytes in = {0};
    static const int controls[] = {OP_PING, OP_PONG, OP_CLOSE};
    for(size_t i = 0; i != COUNT_OF(controls); i++) {
        open_usual(&c, role);
        put_message(&in, role, controls[i], "", 0);
        CHECK_FAILS(&c, &in, EPROTO, 1002);
    }
    for(int compressed = 0; compressed != 2; compressed++) {
        open_usual(&c, role);
        peer_put(&in, role, (struct frame){.opcode = OP_TEXT, .more = 1,
            .rsv = compressed ? RSV1 : 0, .payload = hello, .len = 3});
        put_message(&in, role, OP_CONT, hello + 3, 4);
        if(compressed) CHECK_FAILS(&c, &in, EPROTO, 1002);
        else {
            /* Without compression that is no text either: 1007 comes first. */
            CHECK_FAILS(&c, &in, EPROTO, 1007);
        }
    }
    bytes_free(&in);
}

TEST_ROLES(e4_data_that_cannot_be_inflated)
{
    static const struct {const char *data; size_t len;} rows[] = {
        {"\x06\x00", 2},                            /* a reserved block */
        {"\x00\x05\x00\xfa\xfeHello\x00", 11},      /* two lengths */
        {"\xf2\x00\x11\x00\x00", 5},                /* a context that is none */
        {"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", 11},   /* the tail */
        {"\x00\x05\x00\xfa\xffHello", 10},          /* no tail at all */
    };
    struct conn c;
    struct bytes in = {0};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        open_usual(&c, role);
        put_message(&in, role, OP_TEXT, rows[i].data, rows[i].len);
        CHECK_FAILS(&c, &in, EPROTO, 1007);
    }
    /* Ends too early, wherever: after nothing at all it is an empty message. */
    for(size_t len = 1; len != sizeof hello - 1; len++) {
        check_note("%zu bytes", len);
        open_usual(&c, role);
        put_message(&in, role, OP_TEXT, hello, len);
        CHECK_FAILS(&c, &in, EPROTO, 1007);
    }
    bytes_free(&in);
}

TEST_ROLES(e4_text_is_checked_when_inflated)
{
    static const struct {const char *text; size_t len; int more;} rows[] = {
        {"caf\xe9!", 5, 0}, {"caf\xc3", 4, 0}, {"\xed\xa0\x80", 3, 0},
        {"caf\xe9!", 5, 1},     /* told before the message ends */
    };
    struct conn c;
    struct bytes in = {0};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct bytes data = {0};
        check_note("row %zu", i);
        flate_stored(&data, rows[i].text, rows[i].len, 2);
        open_usual(&c, role);
        put_first(&in, role, OP_TEXT, rows[i].more, data.p, data.n);
        CHECK_FAILS(&c, &in, EPROTO, 1007);
        /* Binary may be anything. */
        open_usual(&c, role);
        put_first(&in, role, OP_BINARY, 0, data.p, data.n);
        wire_send(c.fd, &in);
        CHECK_INT(ws_recv(c.h, NULL, NULL, 100, SOON), (long long)rows[i].len);
        conn_close(&c);
        in.n = 0;
        bytes_free(&data);
    }
    bytes_free(&in);
}

TEST_ROLES(e4_a_character_between_fragments)
{
    struct conn c;
    struct bytes in = {0}, data = {0};
    char buf[8];
    open_usual(&c, role);
    flate_stored(&data, "\xe2\x82\xac", 3, 1);
    for(size_t i = 0; i != data.n; i++)
        peer_put(&in, role, (struct frame){.rsv = i ? 0 : RSV1,
            .opcode = i ? OP_CONT : OP_TEXT, .more = i + 1 != data.n,
            .payload = data.p + i, .len = 1});
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 3);
    CHECK_BYTES(buf, 3, "\xe2\x82\xac", 3);
    bytes_free(&in);
    bytes_free(&data);
    conn_close(&c);
}

/**** Limits ****/

#define LIMIT 5000

static void put_of(struct bytes *in, enum role role, int compressed, size_t len)
{
    struct bytes data = {0};
    if(compressed) flate_run(&data, 'x', len);
    else bytes_fill(&data, 'x', len);
    peer_put(in, role, (struct frame){.rsv = compressed ? RSV1 : 0,
        .opcode = OP_BINARY, .payload = data.p, .len = data.n});
    bytes_free(&data);
}

TEST_ROLES(e4_maxmsg)
{
    struct bytes in = {0};
    for(int compressed = 0; compressed != 2; compressed++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        static char buf[LIMIT + 1];
        check_note(compressed ? "compressed" : "plain");
        o.maxmsg = LIMIT;
        open_with(&c, role, o);
        put_of(&in, role, compressed, LIMIT);
        wire_send(c.fd, &in);
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), LIMIT);
        in.n = 0;
        put_of(&in, role, compressed, LIMIT + 1);
        CHECK_FAILS(&c, &in, EMSGSIZE, 1009);
        /* It does not matter whether anybody wants it. */
        open_with(&c, role, o);
        put_of(&in, role, compressed, LIMIT + 1);
        wire_send(c.fd, &in);
        CHECK_ERR(ws_recvl(c.h, NULL, NULL, NULL, SOON), EMSGSIZE);
        EXPECT_CLOSE(c.fd, role, 1009, NULL, 0);
        in.n = 0;
        conn_close(&c);
    }
    /* 0: 1 MiB. */
    for(size_t over = 0; over != 2; over++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        open_with(&c, role, o);
        put_of(&in, role, 1, (1 << 20) + over);
        wire_send(c.fd, &in);
        if(over) CHECK_ERR(ws_recv(c.h, NULL, NULL, 2 << 20, SOON), EMSGSIZE);
        else CHECK_INT(ws_recv(c.h, NULL, NULL, 2 << 20, SOON), 1 << 20);
        in.n = 0;
        conn_close(&c);
    }
    bytes_free(&in);
}

TEST_ROLES(e4_over_the_buffer)
{
    struct conn c;
    struct bytes in = {0};
    char buf[100];
    open_usual(&c, role);
    for(size_t room = 0; room < sizeof buf; room += 33) {
        check_note("room %zu", room);
        in.n = 0;
        put_of(&in, role, 1, 100);
        put_of(&in, role, 1, 100000);
        put_message(&in, role, OP_TEXT, HELLO);
        wire_send(c.fd, &in);
        CHECK_ERR(ws_recv(c.h, NULL, buf, room, SOON), EMSGSIZE);
        CHECK_ERR(ws_recv(c.h, NULL, buf, room, SOON), EMSGSIZE);
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 5);
        CHECK_BYTES(buf, 5, "Hello", 5);
    }
    /* Just enough. */
    in.n = 0;
    put_of(&in, role, 1, sizeof buf);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), (long long)sizeof buf);
    bytes_free(&in);
    CHECK_INTACT(&c);
    conn_close(&c);
}

static coroutine void count_turns(long *turns)
{
    while(yield() == 0) ++*turns;
}

/*  50,000 bytes on the wire, 50 million behind them. */
TEST_ROLES(e4_others_run_while_a_bomb_is_inflated)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    struct bytes in = {0};
    long turns = 0;
    o.maxmsg = 100 << 20;
    open_with(&c, role, o);
    put_of(&in, role, 1, 50 << 20);
    wire_send(c.fd, &in);
    settle();
    int other = go(count_turns(&turns));
    CHECK_INT(ws_recv(c.h, NULL, NULL, 100 << 20, now() + check_ms(60000)), 50 << 20);
    CHECK_RANGE(turns, 500, 1L << 40);
    hclose(other);
    CHECK_INTACT(&c);
    bytes_free(&in);
    conn_close(&c);
}

/**** Messages sent ****/

/*  The next frame is a whole message. Whether it came compressed; what it says
    is the last one of `f`. */
static int take(struct at at, struct conn *c, struct inflater *f, int opcode)
{
    struct got g = {0};
    if(!wire_get(c->fd, &g)) {
        check_fail(at, "no frame");
        return -1;
    }
    check_int(at, "opcode", g.opcode, opcode);
    check_int(at, "fin", g.fin, 1);
    check_int(at, "masked", g.masked, c->role == CLIENT);
    int compressed = g.rsv == RSV1;
    if(!compressed) {
        check_int(at, "reserved bits", g.rsv, 0);
        f->start = f->plain.n;
        /* It is no context of the next ones. */
        struct bytes plain = {0};
        bytes_put(&plain, g.payload, g.len);
        got_free(&g);
        bytes_free(&f->plain);
        f->plain = plain;
        f->start = 0;
        return 0;
    }
    if(!flate_inflate(f, g.payload, g.len)) check_fail(at, "cannot be inflated");
    got_free(&g);
    return compressed;
}

static void check_sent(struct at at, struct conn *c, struct inflater *f,
    const char *data, size_t len, int compressed)
{
    struct bytes context = {0};
    if(!compressed) bytes_put(&context, f->plain.p, f->plain.n);
    check_ok(at, "ws_send", ws_send(c->h, WS_TEXT, data, len, SOON), errno);
    check_int(at, "compressed", take(at, c, f, OP_TEXT), compressed);
    check_bytes(at, "message", f->plain.p + f->start, f->plain.n - f->start, data, len);
    if(!compressed) {
        bytes_free(&f->plain);
        f->plain = context;
    }
}
#define CHECK_SENT(...) check_sent(HERE, __VA_ARGS__)

static const char json[] =
    "{\"type\":\"trade\",\"symbol\":\"ABCDEF\",\"price\":123.45,\"volume\":1000,"
    "\"time\":\"2026-01-02T03:04:05.678Z\",\"side\":\"buy\",\"venue\":\"XNYS\"}";

TEST_ROLES(e4_messages_sent)
{
    struct conn c;
    struct inflater f = {0};
    static char text[60000], noise[200];
    uint32_t x = 1;
    for(size_t i = 0; i != sizeof noise; i++) noise[i] = (char)((x = x * 1664525 + 1013904223) >> 25);
    for(size_t i = 0; i != sizeof text; i++) text[i] = json[i % 97];
    open_usual(&c, role);
    for(int i = 0; i != 3; i++) {
        CHECK_SENT(&c, &f, "", 0, 0);
        CHECK_SENT(&c, &f, "short", 5, 0);
        CHECK_SENT(&c, &f, json, sizeof json - 1, 1);
        /* Not smaller: sent as it is, and no context of the next one. */
        CHECK_SENT(&c, &f, noise, sizeof noise, 0);
        CHECK_SENT(&c, &f, text, sizeof text, 1);
    }
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    bytes_free(&f.plain);
    conn_close(&c);
}

/*  What one message with the same text before takes on the wire. */
static size_t size_of_second(struct conn *c, struct inflater *f)
{
    struct got g = {0};
    char text[2 * sizeof json];
    int n = snprintf(text, sizeof text, "%s %s", json, json + 40);
    CHECK_OK(ws_send(c->h, WS_BINARY, text, (size_t)n, SOON));
    CHECK_INT(take(HERE, c, f, OP_BINARY), 1);
    CHECK_OK(ws_send(c->h, WS_BINARY, text, (size_t)n, SOON));
    CHECK(wire_get(c->fd, &g));
    CHECK_INT(flate_inflate(f, g.payload, g.len), 1);
    size_t len = g.len;
    got_free(&g);
    return len;
}

/*  What is agreed on is done, and used: contexts are kept or not, and no
    distance goes further back than the window. */
TEST_ROLES(e4_contexts_and_windows)
{
    static const struct {int window; const char *theirs; size_t bits; int takeover;} rows[] = {
        {0, LARGEST, 12, 1},
        {15, LARGEST, 15, 1},
        {9, LARGEST, 9, 1},
        {-1, "permessage-deflate; server_no_context_takeover", 15, 0},
        {15, "permessage-deflate; %s_max_window_bits=8", 8, 1},
        {15, "permessage-deflate; %s_max_window_bits=10", 10, 1},
        {15, "permessage-deflate; %s_no_context_takeover", 15, 0},
    };
    static char text[20000];
    for(size_t i = 0; i != sizeof text; i++)
        text[i] = "abcdefghijklmnop"[(i * i / 7 + i / 300) % 16];
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        struct peer p;
        struct inflater f = {.window = (size_t)1 << rows[i].bits,
            .no_takeover = !rows[i].takeover};
        char theirs[128];
        snprintf(theirs, sizeof theirs, rows[i].theirs, role == CLIENT ? "client" : "server");
        check_note("window %d, %s", rows[i].window, theirs);
        o.flags = WS_DEFLATE;
        o.window = rows[i].window;
        CHECK_OK(attach(&c, &p, role, &o, theirs));
        size_t len = size_of_second(&c, &f);
        if(rows[i].takeover) CHECK_RANGE(len, 1, 20);
        else CHECK_RANGE(len, 60, 250);
        for(int j = 0; j != 2; j++) {
            CHECK_OK(ws_send(c.h, WS_BINARY, text, sizeof text, SOON));
            CHECK_INT(take(HERE, &c, &f, OP_BINARY), 1);
            CHECK_BYTES(f.plain.p + f.start, f.plain.n - f.start, text, sizeof text);
        }
        bytes_free(&f.plain);
        conn_close(&c);
    }
}

TEST_ROLES(e4_levels)
{
    for(int level = 0; level != 10; level++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        struct inflater f = {0};
        check_note("level %d", level);
        o.level = level;
        o.window = 15;
        open_with(&c, role, o);
        for(int i = 0; i != 3; i++) CHECK_SENT(&c, &f, json, sizeof json - 1, 1);
        bytes_free(&f.plain);
        conn_close(&c);
    }
}

TEST_ROLES(e4_lists_and_message_sockets)
{
    struct conn c;
    struct inflater f = {0};
    char buf[16] = {0};
    struct bytes in = {0};
    open_usual(&c, role);
    struct iolist second = {(void*)(json + 50), sizeof json - 51, NULL, 0};
    struct iolist none = {NULL, 0, &second, 0};
    struct iolist first = {(void*)json, 50, &none, 0};
    CHECK_OK(ws_sendl(c.h, WS_TEXT, &first, &second, SOON));
    CHECK_INT(take(HERE, &c, &f, OP_TEXT), 1);
    CHECK_BYTES(f.plain.p, f.plain.n, json, sizeof json - 1);
    CHECK_OK(msend(c.h, json, sizeof json - 1, SOON));
    CHECK_INT(take(HERE, &c, &f, OP_BINARY), 1);
    CHECK_BYTES(f.plain.p + f.start, f.plain.n - f.start, json, sizeof json - 1);
    put_message(&in, role, OP_BINARY, HELLO);
    put_message(&in, role, OP_BINARY, HELLO);
    wire_send(c.fd, &in);
    CHECK_INT(mrecv(c.h, buf, sizeof buf, SOON), 5);
    CHECK_BYTES(buf, 5, "Hello", 5);
    struct iolist kept = {buf + 5, 1, NULL, 0};
    struct iolist dropped = {NULL, 3, &kept, 0};
    struct iolist front = {buf, 1, &dropped, 0};
    CHECK_INT(ws_recvl(c.h, NULL, &front, &kept, SOON), 5);
    CHECK_BYTES(buf, 6, "Helloo", 6);
    bytes_free(&in);
    bytes_free(&f.plain);
    conn_close(&c);
}

/*  Text is checked before it is compressed. */
TEST_ROLES(e4_text_that_is_none_is_not_sent)
{
    struct conn c;
    char text[200];
    memset(text, 0xff, sizeof text);
    open_usual(&c, role);
    CHECK_ERR(ws_send(c.h, WS_TEXT, text, sizeof text, SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(e4_plain_on_demand)
{
    struct conn c;
    struct inflater f = {0};
    struct iolist whole = {(void*)json, sizeof json - 1, NULL, 0};
    open_usual(&c, role);
    CHECK_OK(ws_send(c.h, WS_TEXT | WS_PLAIN, json, sizeof json - 1, SOON));
    EXPECT_FRAME(c.fd, role, OP_TEXT, json, sizeof json - 1);
    CHECK_OK(ws_sendl(c.h, WS_TEXT | WS_PLAIN, &whole, &whole, SOON));
    EXPECT_FRAME(c.fd, role, OP_TEXT, json, sizeof json - 1);
    /* It was no context. */
    CHECK_SENT(&c, &f, json, sizeof json - 1, 1);
    bytes_free(&f.plain);
    conn_close(&c);
    /* The thirteen know no such flag. */
    conn_open(&c, role, 0);
    CHECK_ERR(ws_send(c.h, WS_TEXT | WS_PLAIN, json, sizeof json - 1, SOON), EINVAL);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  A message that found no room is no context of those that go out later. */
TEST_ROLES(e4_what_did_not_go_out_is_not_referred_to)
{
    if(!host_keeps_streams()) NA("a send that times out is the last one there");
    if(wire_is_tcp()) NA("the last message before there is no room may be cut");
    struct conn c;
    struct inflater f = {0};
    static const char other[] = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz";
    int sent = 0;
    open_usual(&c, role);
    CHECK_SENT(&c, &f, json, sizeof json - 1, 1);
    while(ws_send(c.h, WS_TEXT | WS_PLAIN, json, sizeof json - 1, 0) == 0) sent++;
    CHECK_INT(errno, ETIMEDOUT);
    for(int i = 0; i != 3; i++)
        CHECK_ERR(ws_send(c.h, WS_TEXT, other, sizeof other - 1, 0), ETIMEDOUT);
    while(sent--) EXPECT_FRAME(c.fd, role, OP_TEXT, json, sizeof json - 1);
    CHECK_SENT(&c, &f, other, sizeof other - 1, 1);
    CHECK_SENT(&c, &f, json, sizeof json - 1, 1);
    bytes_free(&f.plain);
    conn_close(&c);
}

/*  Compressed messages that nobody has received do not keep a WebSocket from
    ending in order. */
TEST_ROLES(e4_detached_behind_compressed_messages)
{
    struct conn c;
    struct bytes in = {0};
    char byte = 0;
    open_usual(&c, role);
    put_shapes(&in, role);
    peer_close(&in, role, 1000, NULL, 0);
    bytes_str(&in, "!");
    wire_send(c.fd, &in);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    CHECK_OK(brecv(s, &byte, 1, SOON));
    CHECK_INT(byte, '!');
    bytes_free(&in);
    hclose(s);
    wire_close(c.fd);
}
