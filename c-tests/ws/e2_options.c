/*  Options and flags: ws_opts(3). The peer is made of raw bytes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "tap.h"

#include <libdill_wsx.h>

/**** Handshakes ****/

/*  The peer of one: what it says, and what the library has said. */
struct peer {
    enum role role;             /* the library's */
    int fd;
    struct request request;     /* of a client */
    struct response response;   /* of a server */
    const char *behind;         /* bytes behind a response's head */
    char head[4096];
    int handle;
};

static coroutine void shake(struct peer *p)
{
    struct bytes out = {0};
    if(p->role == CLIENT) {
        char key[128];
        if(!wire_read_head(p->fd, p->head, sizeof p->head)) return;
        snprintf(key, sizeof key, "%s", field_value(p->head, "Sec-WebSocket-Key"));
        response_put(&out, &p->response, key);
        if(p->behind) bytes_str(&out, p->behind);
        wire_send(p->fd, &out);
    } else {
        request_put(&out, &p->request);
        wire_send(p->fd, &out);
        wire_read_head(p->fd, p->head, sizeof p->head);
        if(!strstr(p->head, " 101 ")) wire_end(p->fd);
    }
    bytes_free(&out);
}

/*  Attaches with `opts` to the peer *p; the handle, or -1 with errno. */
static int attach(struct conn *c, struct peer *p, const struct ws_opts *opts)
{
    c->role = p->role;
    int s = stream_open(&c->fd);
    p->fd = c->fd;
    p->handle = go(shake(p));
    c->h = p->role == CLIENT ?
        ws_attach_client_opts(s, "/chat?a=b", "localhost", opts, SOON) :
        ws_attach_server_opts(s, opts, SOON);
    int err = errno;
    for(int i = 0; i != 100 && !p->head[0]; i++) msleep(now() + 10);
    hclose(p->handle);
    if(c->h < 0) CHECK(!is_handle(s));
    errno = err;
    return c->h;
}

/*  What the library says with options that are good. */
static void open_with(struct conn *c, struct peer *p, const struct ws_opts *o)
{
    CHECK_OK(attach(c, p, o));
    CHECK_INTACT(c);
}

/*  The options are refused, before a byte is sent, and the stream is closed. */
static void refused_by(struct at at, enum role role, const struct ws_opts *o,
    int err)
{
    int fd;
    int s = stream_open(&fd);
    errno = 0;
    int h = role == CLIENT ?
        ws_attach_client_opts(s, "/", "localhost", o, SOON) :
        ws_attach_server_opts(s, o, SOON);
    check_err(at, "attach", h, errno, err);
    CHECK(!is_handle(s));
    expect_end(at, fd);
    wire_close(fd);
}
#define REFUSED(o, err) refused_by(HERE, role, o, err)

static void open_usual(struct conn *c, enum role role, struct ws_opts o)
{
    struct peer p = {.role = role};
    open_with(c, &p, &o);
}

/**** The structure ****/

TEST_ROLES(e2_without_options)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    const struct ws_opts *both[] = {NULL, &o};
    for(size_t i = 0; i != COUNT_OF(both); i++) {
        struct peer p = {.role = role};
        open_with(&c, &p, both[i]);
        CHECK_INT(field_count(p.head, "Origin"), 0);
        CHECK_INT(field_count(p.head, "Sec-WebSocket-Protocol"), 0);
        CHECK_INT(field_count(p.head, "Sec-WebSocket-Extensions"), 0);
        conn_close(&c);
    }
}

/*  A program made with an older or a newer header. */
TEST_ROLES(e2_sizes)
{
    struct {struct ws_opts o; char later[64];} big =
        {.o = ws_defaults};
    struct conn c;
    for(size_t size = sizeof big.o; size <= sizeof big; size += 4) {
        check_note("size %zu", size);
        big.o.size = size;
        struct peer p = {.role = role};
        open_with(&c, &p, &big.o);
        conn_close(&c);
    }
    for(size_t at = 0; at != sizeof big.later; at++) {
        big.later[at] = 1;
        REFUSED(&big.o, E2BIG);
        big.later[at] = 0;
    }
    const size_t sizes[] = {0, 1, sizeof big.o - 1, (size_t)-1};
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        big.o.size = sizes[i];
        REFUSED(&big.o, EINVAL);
    }
    big.o.size = sizeof big.o;
    big.o.reserved = 1;
    REFUSED(&big.o, EINVAL);
}

TEST_ROLES(e2_members_that_make_no_sense)
{
    const struct ws_opts bad[] = {
        {.flags = 8}, {.flags = 16}, {.flags = 32}, {.flags = 256},
        {.flags = -1}, {.level = -1}, {.level = 10}, {.window = -2},
        {.window = 1}, {.window = 8}, {.window = 16}, {.hold = -1},
        {.ping = -1}, {.idle = -1}, {.ping = 5, .idle = 5},
        {.ping = 5, .idle = 4}, {.headlen = 1},
        {.flags = WS_NOHTTP | WS_DEFLATE}, {.flags = WS_NOHTTP | WS_NEEDPROTO},
        {.flags = WS_NOHTTP, .protocols = "a"},
        {.flags = WS_NOHTTP, .origin = "https://a.example"},
        {.flags = WS_NOHTTP, .fields = (const char*[]){"A: b", NULL}},
    };
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        check_note("number %zu", i);
        struct ws_opts o = bad[i];
        o.size = sizeof o;
        REFUSED(&o, EINVAL);
    }
    const struct ws_opts good[] = {
        {.flags = WS_TEXT | WS_DEFLATE | WS_TURNS, .level = 9, .window = 15},
        {.flags = WS_DEFLATE, .level = 1, .window = 9}, {.window = -1},
        {.maxmsg = 1, .maxqueue = 1, .hold = 1},
    };
    for(size_t i = 0; i != COUNT_OF(good); i++) {
        struct ws_opts o = good[i];
        struct conn c;
        struct peer p = {.role = role};
        o.size = sizeof o;
        CHECK_OK(attach(&c, &p, &o));
        conn_close(&c);
    }
}

/*  Not there yet: it is said so, since a program would rely on them. */
TEST_ROLES(e2_liveness_is_not_supported)
{
    struct ws_opts o = ws_defaults;
    o.ping = 5;
    REFUSED(&o, ENOTSUP);
    o.idle = 6;
    REFUSED(&o, ENOTSUP);
    o.ping = 0;
    REFUSED(&o, ENOTSUP);
}

TEST_ROLES(e2_without_a_handshake)
{
    struct ws_opts o = ws_defaults;
    struct conn c = {.role = role};
    int s = stream_open(&c.fd);
    o.flags = WS_NOHTTP | WS_TEXT;
    c.h = role == CLIENT ? ws_attach_client_opts(s, NULL, NULL, &o, SOON) :
        ws_attach_server_opts(s, &o, SOON);
    CHECK_INTACT(&c);
    CHECK_OK(msend(c.h, "x", 1, SOON));
    EXPECT_FRAME(c.fd, role, OP_TEXT, "x", 1);
    conn_close(&c);
}

TEST(e2_other_handles)
{
    int fd;
    int s = stream_open(&fd);
    int ws = ws_attach_client(s, WS_NOHTTP, NULL, NULL, SOON);
    CHECK_ERR(ws_attach_client_opts(ws, "/", "a", NULL, SOON), ENOTSUP);
    CHECK(!is_handle(ws));
    wire_close(fd);
    CHECK_ERR(ws_attach_client_opts(-1, "/", "a", NULL, SOON), EBADF);
    CHECK_ERR(ws_attach_server_opts(-1, NULL, SOON), EBADF);
    CHECK_ERR(ws_attach_server_opts(1 << 20, NULL, SOON), EBADF);
}

TEST(e2_resources)
{
    const char *bad[] = {NULL, "", "chat", "/#", "/a#b", "/a b", "/\r\nX: y",
        "/\n", "http://a/", "/\x7f", "/\xc3\xa9"};
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        int fd;
        int s = stream_open(&fd);
        CHECK_ERR(ws_attach_client_opts(s, bad[i], "a", NULL, SOON), EINVAL);
        CHECK(!is_handle(s));
        EXPECT_END(fd);
        wire_close(fd);
    }
    const char *hosts[] = {NULL, "", "a b", "a\r\nX: y", "a\n"};
    for(size_t i = 0; i != COUNT_OF(hosts); i++) {
        int fd;
        int s = stream_open(&fd);
        CHECK_ERR(ws_attach_client_opts(s, "/", hosts[i], NULL, SOON), EINVAL);
        EXPECT_END(fd);
        wire_close(fd);
    }
}

/**** What is added to a head ****/

TEST_ROLES(e2_fields)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    struct peer p = {.role = role};
    o.fields = (const char*[]){"Cookie: a=b; c=\"d\"", "X-y:z", "X-Y:\t1 2", NULL};
    open_with(&c, &p, &o);
    CHECK(strcmp(field_value(p.head, "Cookie"), "a=b; c=\"d\"") == 0);
    CHECK_INT(field_count(p.head, "x-y"), 2);
    conn_close(&c);
    o.fields = (const char*[]){NULL};
    open_usual(&c, role, o);
    conn_close(&c);
}

/*  None of the strings lets anything else into a head. */
TEST_ROLES(e2_injection)
{
    const char *fields[] = {"", "A", ": b", "A b: c", "A : b", " A: b",
        "A: b\r\nC: d", "A: b\n", "A: b\r", "A: \x01", "A: \x7f", "A\r\nB: c",
        "Host: a", "upgrade: b", "CONNECTION: c", "Content-Length: 1",
        "transfer-encoding: chunked", "Date: now", "Sec-WebSocket-Key: a",
        "sec-websocket-protocol: a", "Sec-WebSocket-Extensions: a"};
    for(size_t i = 0; i != COUNT_OF(fields); i++) {
        struct ws_opts o = ws_defaults;
        check_note("field %zu", i);
        o.fields = (const char*[]){"Good: one", fields[i], NULL};
        REFUSED(&o, EINVAL);
    }
    const char *protocols[] = {"", ",", "a,", "a,,b", "a, a", "a b", "a\r\nX: y",
        "a\n", "a;b", "\x01", "a/b", "\xc3\xa9"};
    for(size_t i = 0; i != COUNT_OF(protocols); i++) {
        struct ws_opts o = ws_defaults;
        check_note("protocols %zu", i);
        o.protocols = protocols[i];
        REFUSED(&o, EINVAL);
    }
    const char *origins[] = {"", "a.example", "https://a.example/",
        "https://a.example\r\nX: y", "https://a.example\n", "https://a b",
        "https://", "https://u@a.example"};
    for(size_t i = 0; i != COUNT_OF(origins); i++) {
        struct ws_opts o = ws_defaults;
        check_note("origin %zu", i);
        o.origin = origins[i];
        REFUSED(&o, EINVAL);
    }
    struct ws_opts o = ws_defaults;
    o.origin = role == CLIENT ? "*" : "null";
    REFUSED(&o, EINVAL);
    o.origin = "https://a.example";
    o.fields = (const char*[]){"origin: https://b.example", NULL};
    REFUSED(&o, EINVAL);
}

/*  They may change, or be gone, as soon as the call waits. */
static char protocols[] = "b, a", field[] = "X: y", origin[] = "https://h";
static const char *fields[] = {field, NULL};

static coroutine void overwrite(struct peer *p)
{
    CHECK_OK(msleep(now() + 5));
    memset(protocols, '?', sizeof protocols - 1);
    memset(field, '?', sizeof field - 1);
    memset(origin, '?', sizeof origin - 1);
    fields[0] = NULL;
    shake(p);
}

TEST(e2_strings_are_read_before_the_first_wait)
{
    struct ws_opts o = ws_defaults;
    struct ws_info info;
    struct conn c = {.role = SERVER};
    o.protocols = protocols;
    o.fields = fields;
    o.origin = origin;
    int s = stream_open(&c.fd);
    struct peer p = {.role = SERVER, .fd = c.fd, .request = {.host = "Host: h",
        .more = "Sec-WebSocket-Protocol: a\r\nOrigin: https://h\r\n"}};
    p.handle = go(overwrite(&p));
    CHECK_OK(c.h = ws_attach_server_opts(s, &o, SOON));
    CHECK_OK(msleep(now() + 20));
    CHECK_OK(hclose(p.handle));
    CHECK(strcmp(field_value(p.head, "X"), "y") == 0);
    CHECK_OK(ws_query(c.h, &info, sizeof info));
    CHECK(info.protocol && strcmp(info.protocol, "a") == 0);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/**** Subprotocols ****/

/*  What the handle says it speaks. */
static const char *spoken(int h)
{
    static struct ws_info info;
    CHECK_OK(ws_query(h, &info, sizeof info));
    return info.protocol ? info.protocol : "none";
}

static void negotiated(struct at at, enum role role, const char *own,
    const char *peers, int flags, int err, const char *chosen)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    char more[256] = "";
    int status = -1;
    if(peers) snprintf(more, sizeof more, "Sec-WebSocket-Protocol: %s\r\n", peers);
    struct peer p = {.role = role, .request = {.more = more}, .response = {.more = more}};
    o.protocols = own;
    o.flags = flags;
    o.status = &status;
    attach(&c, &p, &o);
    if(err) {
        check_err(at, "attach", c.h, errno, err);
        check_int(at, "status", status, role == CLIENT ? 101 : 400);
    } else {
        check_ok(at, "attach", c.h, errno);
        check_bytes(at, "protocol", spoken(c.h), strlen(spoken(c.h)), chosen,
            strlen(chosen));
        if(role == SERVER) {
            const char *said = field_value(p.head, "Sec-WebSocket-Protocol");
            const char *want = strcmp(chosen, "none") ? chosen : "";
            check_bytes(at, "field", said, strlen(said), want, strlen(want));
        }
    }
    conn_close(&c);
}

TEST(e2_protocols_of_a_server)
{
    negotiated(HERE, SERVER, "b, a", "a, b", 0, 0, "b");
    negotiated(HERE, SERVER, "b, a", "c,a", WS_NEEDPROTO, 0, "a");
    negotiated(HERE, SERVER, "b, a", "B", 0, 0, "none");
    negotiated(HERE, SERVER, "b, a", NULL, 0, 0, "none");
    negotiated(HERE, SERVER, NULL, "a", 0, 0, "none");
    negotiated(HERE, SERVER, "b, a", "c", WS_NEEDPROTO, EPROTO, NULL);
    negotiated(HERE, SERVER, "b, a", NULL, WS_NEEDPROTO, EPROTO, NULL);
}

TEST(e2_protocols_of_a_client)
{
    negotiated(HERE, CLIENT, "b, a", "a", 0, 0, "a");
    negotiated(HERE, CLIENT, "b, a", "b", WS_NEEDPROTO, 0, "b");
    negotiated(HERE, CLIENT, "b, a", NULL, 0, 0, "none");
    negotiated(HERE, CLIENT, "b, a", NULL, WS_NEEDPROTO, EPROTO, NULL);
    negotiated(HERE, CLIENT, "b, a", "c", 0, EPROTO, NULL);
    negotiated(HERE, CLIENT, "b, a", "b, a", 0, EPROTO, NULL);
    negotiated(HERE, CLIENT, "b, a", "a\r\nSec-WebSocket-Protocol: a", 0, EPROTO, NULL);
    negotiated(HERE, CLIENT, NULL, "a", 0, EPROTO, NULL);
}

TEST(e2_offered_protocols)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    struct peer p = {.role = CLIENT};
    o.protocols = "b, a";
    open_with(&c, &p, &o);
    CHECK(strcmp(field_value(p.head, "Sec-WebSocket-Protocol"), "b, a") == 0);
    conn_close(&c);
}

/**** Origin ****/

TEST(e2_origin_of_a_client)
{
    struct ws_opts o = ws_defaults;
    struct conn c;
    const char *origins[] = {"https://a.example", "null", "http://a.example:8080"};
    for(size_t i = 0; i != COUNT_OF(origins); i++) {
        struct peer p = {.role = CLIENT};
        o.origin = origins[i];
        open_with(&c, &p, &o);
        CHECK(strcmp(field_value(p.head, "Origin"), origins[i]) == 0);
        conn_close(&c);
    }
}

TEST(e2_origin_at_a_server)
{
    const struct {const char *own, *host, *more; int admitted;} cases[] = {
        {NULL, "a.example", "", 1},
        {NULL, "a.example", "Origin: https://a.example\r\n", 1},
        {NULL, "a.example:443", "Origin: https://a.example\r\n", 1},
        {NULL, "a.example", "Origin: http://a.example:80\r\n", 1},
        {NULL, "a.example:8080", "Origin: http://A.example:8080\r\n", 1},
        {NULL, "a.example", "Origin: https://b.example\r\n", 0},
        {NULL, "a.example", "Origin: http://a.example:8080\r\n", 0},
        {NULL, "a.example", "Origin: null\r\n", 0},
        {NULL, "a.example", "Origin:\r\n", 0},
        {NULL, "a.example", "Origin: http://a.example\r\nOrigin: http://a.example\r\n", 0},
        {"https://c.example, https://b.example", "a.example", "Origin: https://b.example\r\n", 1},
        {"https://c.example, https://b.example", "a.example", "Origin: https://a.example\r\n", 0},
        {"https://c.example", "a.example", "Origin: http://c.example\r\n", 0},
        {"https://c.example", "a.example", "", 1},
        {"*", "a.example", "Origin: https://b.example\r\n", 1},
        {"*", "a.example", "Origin: null\r\n", 1},
    };
    for(size_t i = 0; i != COUNT_OF(cases); i++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        char host[64], head[256];
        int status;
        check_note("number %zu", i);
        snprintf(host, sizeof host, "Host: %s", cases[i].host);
        struct peer p = {.role = SERVER, .request = {.host = host, .more = cases[i].more}};
        o.origin = cases[i].own;
        o.status = &status;
        o.head = head;
        o.headlen = sizeof head;
        attach(&c, &p, &o);
        int err = errno;
        CHECK_INT(head_status(p.head), cases[i].admitted ? 101 : 403);
        CHECK_INT(status, head_status(p.head));
        CHECK(strcmp(head, p.head) == 0);
        if(cases[i].admitted) CHECK_INTACT(&c);
        else check_err(HERE, "attach", c.h, err, EPROTO);
        conn_close(&c);
    }
}

/**** The answer ****/

TEST(e2_answers_that_are_no_101)
{
    const struct {const char *line; int status;} cases[] = {
        {"HTTP/1.1 401 Unauthorized", 401}, {"HTTP/1.1 302 Found", 302},
        {"HTTP/1.1 200 OK", 200}, {"HTTP/1.1 503", 503},
        {"HTTP/1.0 404 Not Found", 404}, {"SSH-2.0-x", 0},
    };
    for(size_t i = 0; i != COUNT_OF(cases); i++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        char head[256];
        int status = -1;
        struct peer p = {.role = CLIENT, .response = {.line = cases[i].line,
            .more = "Location: /other\r\nWWW-Authenticate: Basic\r\n"}};
        o.status = &status;
        o.head = head;
        o.headlen = sizeof head;
        CHECK_ERR(attach(&c, &p, &o), EPROTO);
        CHECK_INT(status, cases[i].status);
        CHECK(strcmp(field_value(head, "Location"), "/other") == 0);
        conn_close(&c);
    }
}

TEST(e2_no_answer)
{
    struct ws_opts o = ws_defaults;
    char head[8] = "before";
    int fd, status = -1;
    int s = stream_open(&fd);
    o.status = &status;
    o.head = head;
    o.headlen = sizeof head;
    CHECK_ERR(ws_attach_client_opts(s, "/", "a", &o, BRIEFLY), ETIMEDOUT);
    CHECK_INT(status, 0);
    CHECK(head[0] == 0);
    wire_close(fd);
}

/*  As many whole lines as have room; never more, and never a failure. */
TEST_ROLES(e2_head_that_is_too_short)
{
    char whole[512];
    for(size_t len = 0; len != 200; len++) {
        struct ws_opts o = ws_defaults;
        struct conn c;
        struct peer p = {.role = role};
        char *head = malloc(len + 1);
        memset(head, '#', len + 1);
        o.head = head;
        o.headlen = len;
        CHECK_OK(attach(&c, &p, &o));
        if(len == 0) {
            struct ws_opts all = ws_defaults;
            struct peer q = {.role = role};
            struct conn d;
            all.head = whole;
            all.headlen = sizeof whole;
            CHECK_OK(attach(&d, &q, &all));
            CHECK_INT(head_status(whole), 101);
            CHECK(strcmp(whole + strlen(whole) - 4, "\r\n\r\n") == 0);
            conn_close(&d);
        } else {
            size_t n = strlen(head);
            CHECK(n < len);
            CHECK(n == 0 || strcmp(head + n - 2, "\r\n") == 0);
            const char *next = strstr(whole + n, "\r\n");
            CHECK(!next || (size_t)(next + 2 - whole) >= len);
        }
        CHECK(head[len] == '#');
        free(head);
        conn_close(&c);
    }
}

/**** Flags of sends ****/

TEST_ROLES(e2_flags_of_sends)
{
    struct conn c;
    struct ws_opts o = ws_defaults;
    const int flags[] = {WS_HOLD, WS_PLAIN, WS_HOLD | WS_PLAIN};
    char buf[] = "ab";
    struct iolist list = {.iol_base = buf, .iol_len = 2};
    open_usual(&c, role, o);
    for(size_t i = 0; i != COUNT_OF(flags); i++) {
        CHECK_OK(ws_send(c.h, flags[i] | WS_TEXT, buf, 2, SOON));
        EXPECT_FRAME(c.fd, role, OP_TEXT, buf, 2);
        CHECK_OK(ws_sendl(c.h, flags[i], &list, &list, SOON));
        EXPECT_FRAME(c.fd, role, OP_BINARY, buf, 2);
    }
    const int bad[] = {4, 32, 64, 128, 256, 1 << 30};
    for(size_t i = 0; i != COUNT_OF(bad); i++)
        CHECK_ERR(ws_send(c.h, bad[i], buf, 2, SOON), EINVAL);
    CHECK_INTACT(&c);
    conn_close(&c);
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(flags); i++) {
        CHECK_ERR(ws_send(c.h, flags[i], buf, 2, SOON), EINVAL);
        CHECK_ERR(ws_sendl(c.h, flags[i], &list, &list, SOON), EINVAL);
    }
    CHECK_INTACT(&c);
    conn_close(&c);
}

/**** Turns ****/

/*  More than the stream holds. */
#define LONG ((size_t)1 << 20)

struct sender {int h; char text; int64_t deadline; int result; int err;};

static coroutine void send_one(struct sender *s)
{
    char *buf = malloc(LONG);
    memset(buf, s->text, LONG);
    s->result = ws_send(s->h, WS_TEXT, buf, LONG, s->deadline);
    s->err = errno;
    free(buf);
}

TEST_ROLES(e2_turns)
{
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.flags = WS_TURNS;
    open_usual(&c, role, o);
    struct sender senders[5];
    int handles[5];
    for(int i = 0; i != 5; i++) {
        senders[i] = (struct sender){c.h, 'a' + i, SOON + check_ms(5000), -1, 0};
        handles[i] = go(send_one(&senders[i]));
    }
    /*  They wait behind the others; one whose time is over leaves. */
    CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, 0), ETIMEDOUT);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), EBUSY);
    CHECK_ERR(ws_close(c.h, 1000, NULL, 0, SOON), EBUSY);
    for(int i = 0; i != 5; i++) {
        struct got g;
        REQUIRE(wire_get(c.fd, &g));
        CHECK_INT(g.len, LONG);
        CHECK(g.len && g.payload[0] == 'a' + i && g.payload[g.len - 1] == 'a' + i);
        got_free(&g);
    }
    for(int i = 0; i != 5; i++) {
        CHECK_OK(hclose(handles[i]));
        CHECK_INT(senders[i].result, 0);
    }
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(e2_no_turns_without_the_flag)
{
    struct conn c;
    struct ws_opts o = ws_defaults;
    open_usual(&c, role, o);
    struct sender first = {c.h, 'a', SOON + check_ms(5000), -1, 0};
    int handle = go(send_one(&first));
    CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), EBUSY);
    struct got g;
    REQUIRE(wire_get(c.fd, &g));
    got_free(&g);
    CHECK_OK(hclose(handle));
    CHECK_INT(first.result, 0);
    conn_close(&c);
}

/*  ws_done is a turn too; whoever comes behind it is told. */
TEST_ROLES(e2_turns_and_done)
{
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.flags = WS_TURNS;
    open_usual(&c, role, o);
    struct sender first = {c.h, 'a', SOON + check_ms(5000), -1, 0};
    int handle = go(send_one(&first));
    struct taker t;
    taker_start(&t, c.fd);
    CHECK_OK(ws_done(c.h, 1000, "bye", 3, SOON + check_ms(5000)));
    taker_finish(&t);
    CHECK(t.came && t.got.len == LONG);
    got_free(&t.got);
    EXPECT_CLOSE(c.fd, role, 1000, "bye", 3);
    CHECK_OK(hclose(handle));
    CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), EPIPE);
    conn_close(&c);
}

/**** The longest message ****/

TEST_ROLES(e2_maxmsg)
{
    struct conn c;
    char buf[64];
    for(int extra = 0; extra != 2; extra++) {
        struct ws_opts o = ws_defaults;
        struct bytes in = {0};
        o.maxmsg = 20;
        open_usual(&c, role, o);
        peer_part(&in, role, OP_TEXT, 0, "0123456789", 10);
        peer_part(&in, role, OP_CONT, 1, "0123456789a", 10 + (size_t)extra);
        peer_message(&in, role, OP_TEXT, "next", 4);
        wire_send(c.fd, &in);
        if(!extra) {
            CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 20);
            CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 4);
            CHECK_INTACT(&c);
        } else {
            CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
            CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
            EXPECT_CLOSE(c.fd, role, 1009, NULL, 0);
            CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), EPIPE);
        }
        conn_close(&c);
        bytes_free(&in);
    }
}

/*  Within maxmsg, and longer than the buffer: the next message arrives. */
TEST_ROLES(e2_longer_than_the_buffer)
{
    struct conn c;
    char buf[8];
    struct ws_opts o = ws_defaults;
    struct bytes in = {0};
    open_usual(&c, role, o);
    peer_message(&in, role, OP_TEXT, "0123456789", 10);
    peer_message(&in, role, OP_TEXT, "next", 4);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 4);
    CHECK_INTACT(&c);
    conn_close(&c);
    bytes_free(&in);
}

/*  1 MiB where nobody says otherwise. The announced length is enough. */
TEST_ROLES(e2_usual_maxmsg)
{
    struct conn c;
    for(int extra = 0; extra != 2; extra++) {
        struct ws_opts o = ws_defaults;
        struct bytes in = {0};
        open_usual(&c, role, o);
        peer_put(&in, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
            .form = 64, .declared = (1 << 20) + (unsigned)extra, .payload = "x", .len = 1});
        wire_send(c.fd, &in);
        CHECK_ERR(ws_recv(c.h, NULL, NULL, 2 << 20, BRIEFLY),
            extra ? EMSGSIZE : ETIMEDOUT);
        conn_close(&c);
        bytes_free(&in);
    }
}

/**** ws_query ****/

TEST_ROLES(e2_query)
{
    struct conn c;
    struct {struct ws_info info; char later[16];} room;
    conn_open(&c, role, 0);
    for(size_t len = 0; len <= sizeof room; len++) {
        memset(&room, '#', sizeof room);
        CHECK_OK(ws_query(c.h, &room.info, len));
        for(size_t i = 0; i != sizeof room; i++)
            CHECK(((char*)&room)[i] == (i < len ? 0 : '#'));
    }
    CHECK_ERR(ws_query(c.h, NULL, 0), EINVAL);
    CHECK_ERR(ws_query(c.h, NULL, sizeof room.info), EINVAL);
    CHECK_ERR(ws_query(-1, &room.info, sizeof room.info), EBADF);
    int ch[2];
    CHECK_OK(chmake(ch));
    CHECK_ERR(ws_query(ch[0], &room.info, sizeof room.info), ENOTSUP);
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
    conn_close(&c);
    struct ws_opts o = ws_defaults;
    struct peer p = {.role = role,
        .request = {.more = "Sec-WebSocket-Protocol: a\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"},
        .response = {.more = "Sec-WebSocket-Protocol: a\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"}};
    o.protocols = "b, a";
    o.flags = WS_DEFLATE;
    o.window = 15;
    CHECK_OK(attach(&c, &p, &o));
    CHECK_OK(ws_query(c.h, &room.info, sizeof room.info));
    CHECK(strcmp(room.info.protocol, "a") == 0);
    CHECK(strncmp(room.info.extension, "permessage-deflate", 18) == 0);
    CHECK_INT(room.info.queued, 0);
    conn_close(&c);
    /*  What lingers is closed when it is seen that the peer is gone. */
    CHECK_OK(msleep(now() + 20));
}

/**** ws_close ****/

/*  The peer answers the close frame and ends; a server's ends first. */
static coroutine void answer_close(struct conn *c)
{
    struct bytes in = {0};
    peer_message(&in, c->role, OP_TEXT, "late", 4);
    peer_close(&in, c->role, 1000, NULL, 0);
    expect_close(HERE, c->fd, c->role, 1001, "bye", 3);
    wire_send(c->fd, &in);
    if(c->role == CLIENT) expect_silence(HERE, c->fd);
    else expect_end(HERE, c->fd);
    wire_end(c->fd);
    if(c->role == CLIENT) expect_end(HERE, c->fd);
    bytes_free(&in);
}

TEST_ROLES(e2_close)
{
    struct conn c;
    conn_open(&c, role, 0);
    int peer = go(answer_close(&c));
    CHECK_OK(ws_close(c.h, 1001, "bye", 3, SOON));
    CHECK(!is_handle(c.h));
    settle();
    CHECK_OK(msleep(now() + 50));
    CHECK_OK(hclose(peer));
    wire_close(c.fd);
}

TEST_ROLES(e2_close_that_does_nothing)
{
    struct conn c;
    conn_open(&c, role, 0);
    CHECK_ERR(ws_close(c.h, 1, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_close(c.h, 0, "x", 1, SOON), EINVAL);
    CHECK_ERR(ws_close(c.h, 1000, NULL, 1, SOON), EINVAL);
    CHECK_ERR(ws_close(-1, 1000, NULL, 0, SOON), EBADF);
    int ch[2];
    CHECK_OK(chmake(ch));
    CHECK_ERR(ws_close(ch[0], 1000, NULL, 0, SOON), ENOTSUP);
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(e2_close_that_fails_closes_all)
{
    struct conn c;
    /*  The peer says nothing. */
    conn_open(&c, role, 0);
    CHECK_ERR(ws_close(c.h, 1000, NULL, 0, BRIEFLY), ETIMEDOUT);
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
    /*  It says goodbye, and does not go. */
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_close(&in, role, 1000, NULL, 0);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_close(c.h, 1000, NULL, 0, BRIEFLY), ETIMEDOUT);
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
    /*  It is gone. */
    conn_open(&c, role, 0);
    wire_end(c.fd);
    CHECK_ERR(ws_close(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
    bytes_free(&in);
}
