/*  Requests of any method, before they become WebSockets or something else:
    ws_request(3), ws_field(3), ws_accept(3), ws_respond(3). */

#include <libdill_wsx.h>
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "tap.h"

#define UPGRADE \
    "Host: example.org\r\nConnection: keep-alive, Upgrade\r\n" \
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: " RFC_KEY "\r\n"

/*  The field of a request, which is to be `want`; NULL: there is none. */
static void check_field(struct at at, int r, const char *name, int nth,
    const char *want)
{
    char buf[256];
    memset(buf, '#', sizeof buf);
    errno = 0;
    ssize_t n = ws_field(r, name, nth, buf, sizeof buf);
    check_note("field %s, number %d", name, nth);
    if(!want) {
        check_err(at, "ws_field", n, errno, ENOENT);
        CHECK_INT(buf[0], 0);
    } else {
        check_ok(at, "ws_field", n, errno);
        if(n >= 0) check_bytes(at, "value", buf, (size_t)n + 1, want,
            strlen(want) + 1);
        check_int(at, "the length alone", ws_field(r, name, nth, NULL, 0), n);
    }
    check_note(NULL);
}
#define CHECK_FIELD(...) check_field(HERE, __VA_ARGS__)

/*  A request handle for what `text` says; the client's end in *fd. */
static int request_from(const char *text, int *fd)
{
    int s = stream_open(fd);
    CHECK_OK(wire_write(*fd, text, strlen(text)));
    int r = ws_request(s, SOON);
    CHECK_OK(r);
    return r;
}

/*  The head that came, and its status. */
static int read_status(int fd, char head[2048])
{
    memset(head, 0, 2048);
    wire_read_head(fd, head, 2048);
    return head_status(head);
}

/**** ws_request ****/

TEST(e3_request_of_any_method)
{
    static const struct {
        const char *text, *method, *path, *authority, *version, *upgrade;
    } rows[] = {
        {"GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n", "GET", "/a?b", "h:1", "1.1",
            NULL},
        {"\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD", "/", "h", "1.1",
            NULL},
        {"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "POST", "/", NULL,
            "1.0", NULL},
        {"get http://a:2?b HTTP/1.1\r\nHost: h\r\n\r\n", "get", "/?b", "a:2",
            "1.1", NULL},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS", "*", "h", "1.1",
            NULL},
        {"CONNECT a:443 HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT", NULL, "a:443",
            "1.1", NULL},
        {"GET / HTTP/1.1\r\n" UPGRADE "\r\n", "GET", "/", "example.org", "1.1",
            "websocket"},
        {"GET / HTTP/1.0\r\n" UPGRADE "\r\n", "GET", "/", "example.org", "1.0",
            NULL},
        {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", "GET", "/",
            "h", "1.1", NULL},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].text);
        check_row(rows[i].text);
        for(size_t kind = 0; kind <= len; kind += len) {
            int fd;
            int s = stream_open(&fd);
            struct feed f = {.fd = fd, .p = (const uint8_t*)rows[i].text,
                .n = len, .kind = kind};
            feed_start(&f);
            int r = ws_request(s, SOON);
            CHECK_OK(r);
            feed_finish(&f);
            CHECK_FIELD(r, ":method", 0, rows[i].method);
            CHECK_FIELD(r, ":path", 0, rows[i].path);
            CHECK_FIELD(r, ":authority", 0, rows[i].authority);
            CHECK_FIELD(r, ":version", 0, rows[i].version);
            CHECK_FIELD(r, ":upgrade", 0, rows[i].upgrade);
            CHECK_OK(hclose(r));
            EXPECT_END(fd);
            wire_close(fd);
        }
    }
}

TEST(e3_request_stream_ends_before_one)
{
    int fd;
    int s = stream_open(&fd);
    wire_end(fd);
    CHECK_ERR(ws_request(s, SOON), EPIPE);
    CHECK(!is_handle(s));
    EXPECT_END(fd);
    wire_close(fd);
}

TEST(e3_request_stream_ends_within_one)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    /*  libdill delivers exact amounts, and here 4 bytes are wanted first. */
    for(size_t n = host_keeps_streams() ? 1 : 4; n != sizeof text - 1; n++) {
        int fd;
        int s = stream_open(&fd);
        check_note("ends behind %zu bytes", n);
        wire_write(fd, text, n);
        wire_end(fd);
        CHECK_ERR(ws_request(s, SOON), ECONNRESET);
        CHECK(!is_handle(s));
        wire_close(fd);
    }
}

TEST(e3_request_deadline)
{
    int fd;
    int s = stream_open(&fd);
    CHECK_ERR(ws_request(s, now() + 5), ETIMEDOUT);
    CHECK(!is_handle(s));
    EXPECT_END(fd);
    wire_close(fd);
    s = stream_open(&fd);
    CHECK_ERR(ws_request(s, 0), ETIMEDOUT);
    CHECK(!is_handle(s));
    wire_close(fd);
}

TEST(e3_request_wants_a_stream)
{
    int pair[2];
    CHECK_ERR(ws_request(-1, SOON), EBADF);
    CHECK_ERR(ws_request(9999, SOON), EBADF);
    CHECK_OK(chmake(pair));
    CHECK_ERR(ws_request(pair[0], SOON), ENOTSUP);
    CHECK(!is_handle(pair[0]));
    CHECK_OK(hclose(pair[1]));
    struct conn c;
    conn_open(&c, SERVER, 0);
    CHECK_ERR(ws_request(c.h, SOON), ENOTSUP);
    CHECK_GONE(&c);
    wire_close(c.fd);
}

/*  A client that reads the answer, then leaves. */
struct refused {int fd; char head[2048];};

static coroutine void read_refusal(struct refused *c)
{
    wire_read_head(c->fd, c->head, sizeof c->head);
    wire_end(c->fd);
}

static void check_refused(const struct bytes *in, int status, int err)
{
    struct refused c = {0};
    int s = stream_open(&c.fd);
    struct feed f = {.fd = c.fd, .p = in->p, .n = in->n};
    feed_start(&f);
    int reader = go(read_refusal(&c));
    CHECK_ERR(ws_request(s, SOON), err);
    CHECK(!is_handle(s));
    hclose(reader);
    feed_finish(&f);
    CHECK_INT(head_status(c.head), status);
    CHECK(!strcasecmp(field_value(c.head, "Connection"), "close"));
    EXPECT_END(c.fd);
    wire_close(c.fd);
}

static void check_text_refused(const char *text, int status, int err)
{
    struct bytes in = {0};
    bytes_str(&in, text);
    check_row(text);
    check_refused(&in, status, err);
    bytes_free(&in);
}

TEST(e3_request_whose_end_is_in_doubt)
{
    static const char *const fields[] = {
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length : 5\r\n",
        "A: b\r\n Content-Length: 5\r\n",
        "A: b\nContent-Length: 5\r\n",
    };
    for(size_t i = 0; i != COUNT_OF(fields); i++) {
        char text[256];
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: h\r\n%s\r\n",
            fields[i]);
        check_text_refused(text, 400, EPROTO);
    }
    check_text_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        400, EPROTO);
}

TEST(e3_request_lengths_that_agree)
{
    int fd;
    int r = request_from("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
        "Content-Length: 5\r\n\r\n", &fd);
    CHECK_FIELD(r, "content-length", 1, "5");
    CHECK_OK(hclose(r));
    wire_close(fd);
}

TEST(e3_request_targets)
{
    static const char *const lines[] = {
        "GET a HTTP/1.1", "GET * HTTP/1.1", "GET a:80 HTTP/1.1",
        "GET /a#b HTTP/1.1", "GET http://a/#b HTTP/1.1",
        "GET http:///a HTTP/1.1", "GET http://u@a/ HTTP/1.1",
        "CONNECT / HTTP/1.1", "CONNECT a HTTP/1.1",
        "CONNECT http://a:80/ HTTP/1.1", "GET / /b HTTP/1.1", "GET /",
    };
    for(size_t i = 0; i != COUNT_OF(lines); i++) {
        char text[128];
        snprintf(text, sizeof text, "%s\r\nHost: h\r\n\r\n", lines[i]);
        check_text_refused(text, 400, EPROTO);
    }
}

TEST(e3_request_hosts_and_versions)
{
    check_text_refused("GET / HTTP/1.1\r\n\r\n", 400, EPROTO);
    check_text_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400,
        EPROTO);
    check_text_refused("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, EPROTO);
    check_text_refused("GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", 400, EPROTO);
    check_text_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, EPROTO);
}

TEST(e3_request_limits)
{
    for(int over = 0; over != 2; over++) {
        for(int fields = 0; fields != 2; fields++) {
            struct bytes in = {0};
            request_put(&in, &(struct request){0});
            if(fields) head_crowd(&in, FIELDS_MAX + (size_t)over);
            else head_stretch(&in, HEAD_MAX + (size_t)over);
            if(over) {
                check_refused(&in, 431, EMSGSIZE);
            } else {
                int fd;
                int s = stream_open(&fd);
                struct feed f = {.fd = fd, .p = in.p, .n = in.n};
                feed_start(&f);
                int r = ws_request(s, SOON);
                CHECK_OK(r);
                feed_finish(&f);
                CHECK_OK(hclose(r));
                wire_close(fd);
            }
            bytes_free(&in);
        }
    }
}

/**** ws_field, ws_headfield ****/

TEST(e3_field_by_name_and_number)
{
    int fd;
    int r = request_from("GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\n"
        "X:\t y z \r\ncookie: c=d\r\nEmpty:\r\n\r\n", &fd);
    CHECK_FIELD(r, "Cookie", 0, "a=b");
    CHECK_FIELD(r, "COOKIE", 1, "c=d");
    CHECK_FIELD(r, "cookie", 2, NULL);
    CHECK_FIELD(r, "x", 0, "y z");
    CHECK_FIELD(r, "empty", 0, "");
    CHECK_FIELD(r, "Origin", 0, NULL);
    CHECK_FIELD(r, "", 0, NULL);
    CHECK_FIELD(r, ":", 0, NULL);
    CHECK_FIELD(r, ":status", 0, NULL);
    CHECK_FIELD(r, ":Method", 0, NULL);
    CHECK_FIELD(r, ":method", 1, NULL);
    CHECK_FIELD(r, "GET / HTTP/1.1", 0, NULL);
    char buf[4] = "###";
    CHECK_INT(ws_field(r, "cookie", 0, buf, 4), 3);
    CHECK_ERR(ws_field(r, "cookie", 0, buf, 3), EMSGSIZE);
    CHECK_INT(buf[0], 0);
    CHECK_INT(buf[1], '=');
    CHECK_ERR(ws_field(r, "cookie", 0, buf, 0), EMSGSIZE);
    CHECK_ERR(ws_field(r, "cookie", -1, buf, 4), EINVAL);
    CHECK_ERR(ws_field(r, NULL, 0, buf, 4), EINVAL);
    CHECK_ERR(ws_field(r, "cookie", 0, NULL, 4), EINVAL);
    CHECK_INT(ws_field(r, "cookie", 0, buf, 4), 3);
    CHECK_OK(hclose(r));
    CHECK_ERR(ws_field(r, "cookie", 0, buf, 4), EBADF);
    wire_close(fd);
    int s = stream_open(&fd);
    CHECK_ERR(ws_field(s, "cookie", 0, buf, 4), ENOTSUP);
    CHECK(is_handle(s));
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(e3_headfield_by_name_and_number)
{
    static const char head[] = "HTTP/1.1 401 Go away\r\nA: 1\r\na:\t2 \r\n"
        "Location: /b\r\nCut: off";
    char buf[8];
    CHECK_INT(ws_headfield(head, ":status", 0, buf, sizeof buf), 3);
    CHECK(!strcmp(buf, "401"));
    CHECK_INT(ws_headfield(head, "A", 1, buf, sizeof buf), 1);
    CHECK(!strcmp(buf, "2"));
    CHECK_INT(ws_headfield(head, "location", 0, buf, sizeof buf), 2);
    CHECK(!strcmp(buf, "/b"));
    CHECK_INT(ws_headfield(head, "location", 0, NULL, 0), 2);
    CHECK_ERR(ws_headfield(head, "location", 0, buf, 2), EMSGSIZE);
    CHECK_INT(buf[0], 0);
    CHECK_ERR(ws_headfield(head, "Cut", 0, buf, sizeof buf), ENOENT);
    CHECK_ERR(ws_headfield(head, "A", 2, buf, sizeof buf), ENOENT);
    CHECK_ERR(ws_headfield("", ":status", 0, buf, sizeof buf), ENOENT);
    CHECK_ERR(ws_headfield(NULL, "A", 0, buf, sizeof buf), EINVAL);
    CHECK_ERR(ws_headfield(head, NULL, 0, buf, sizeof buf), EINVAL);
    CHECK_ERR(ws_headfield(head, "A", -1, buf, sizeof buf), EINVAL);
    CHECK_ERR(ws_headfield(head, "A", 0, NULL, 1), EINVAL);
}

/**** ws_accept ****/

TEST(e3_accept_makes_a_websocket)
{
    struct bytes in = {0};
    struct conn c = {.role = SERVER};
    char head[2048], buf[16];
    bytes_str(&in, "GET /chat HTTP/1.1\r\n" UPGRADE "\r\n");
    peer_message(&in, SERVER, OP_TEXT, "at once", 7);
    int s = stream_open(&c.fd);
    wire_send(c.fd, &in);
    int r = ws_request(s, SOON);
    CHECK_OK(r);
    c.h = ws_accept(r, NULL, SOON);
    CHECK_OK(c.h);
    CHECK(c.h == r || !is_handle(r));
    CHECK_INT(read_status(c.fd, head), 101);
    CHECK(!strcmp(field_value(head, "Sec-WebSocket-Accept"), RFC_ACCEPT));
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 7);
    CHECK_INTACT(&c);
    conn_close(&c);
    bytes_free(&in);
}

TEST(e3_accept_refuses_as_attaching_does)
{
    static const struct {const char *line; const char *fields; int status;}
    rows[] = {
        {"GET / HTTP/1.1", "Host: h\r\n", 426},
        {"POST / HTTP/1.1", UPGRADE, 405},
        {"GET / HTTP/1.0", UPGRADE, 505},
        {"GET / HTTP/1.1", UPGRADE "Content-Length: 5\r\n", 400},
        {"GET / HTTP/1.1", UPGRADE "Sec-WebSocket-Key: a\r\n", 400},
        {"GET / HTTP/1.1", "Host: h\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
            "Sec-WebSocket-Key: " RFC_KEY "\r\n", 426},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct refused c = {0};
        char text[512];
        snprintf(text, sizeof text, "%s\r\n%s\r\n", rows[i].line,
            rows[i].fields);
        check_row(text);
        int r = request_from(text, &c.fd);
        int reader = go(read_refusal(&c));
        CHECK_ERR(ws_accept(r, NULL, SOON), EPROTO);
        CHECK(!is_handle(r));
        hclose(reader);
        CHECK_INT(head_status(c.head), rows[i].status);
        EXPECT_END(c.fd);
        wire_close(c.fd);
    }
}

TEST(e3_accept_with_options)
{
    static const char *const fields[] = {"Set-Cookie: a=b", NULL};
    static const struct {const char *fields; const char *origin; int status;
        int needs; const char *protocol;} rows[] = {
        {"", NULL, 101, 0, NULL},
        {"Sec-WebSocket-Protocol: x, b, a\r\n", NULL, 101, 1, "a"},
        {"Sec-WebSocket-Protocol: x\r\n", NULL, 101, 0, NULL},
        {"Sec-WebSocket-Protocol: x\r\n", NULL, 400, 1, NULL},
        {"Origin: http://example.org\r\n", NULL, 101, 0, NULL},
        {"Origin: https://example.org:443\r\n", NULL, 101, 0, NULL},
        {"Origin: https://evil.example\r\n", NULL, 403, 0, NULL},
        {"Origin: null\r\n", NULL, 403, 0, NULL},
        {"Origin: https://evil.example\r\n", "*", 101, 0, NULL},
        {"Origin: https://b.example\r\n",
            "https://a.example, https://b.example", 101, 0, NULL},
        {"Origin: http://example.org\r\n", "https://a.example", 403, 0, NULL},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct refused c = {0};
        struct ws_opts opts = ws_defaults;
        int status = -1;
        char text[512], head[512], value[16];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" UPGRADE "%s\r\n",
            rows[i].fields);
        check_row(text);
        opts.flags = rows[i].needs ? WS_NEEDPROTO : 0;
        opts.protocols = "a, b";
        opts.origin = rows[i].origin;
        opts.fields = fields;
        opts.status = &status;
        opts.head = head;
        opts.headlen = sizeof head;
        int r = request_from(text, &c.fd);
        int reader = go(read_refusal(&c));
        int h = ws_accept(r, &opts, SOON);
        int err = errno;
        if(rows[i].status == 101) check_ok(HERE, "ws_accept", h, err);
        else check_err(HERE, "ws_accept", h, err, EPROTO);
        CHECK_INT(status, rows[i].status);
        CHECK_INT(ws_headfield(head, ":status", 0, value, sizeof value), 3);
        CHECK(bundle_wait(reader, SOON) == 0);
        hclose(reader);
        CHECK_INT(head_status(c.head), rows[i].status);
        CHECK_INT(field_count(c.head, "Set-Cookie"), rows[i].status == 101);
        CHECK(!strcmp(field_value(c.head, "Sec-WebSocket-Protocol"),
            rows[i].protocol ? rows[i].protocol : ""));
        if(h >= 0) hclose(h);
        wire_close(c.fd);
    }
}

TEST(e3_accept_with_bad_options)
{
    struct {struct ws_opts opts; char more[8];} newer = {ws_defaults, "x"};
    newer.opts.size += sizeof newer.more;
    for(int i = 0; i != 3; i++) {
        struct ws_opts opts = ws_defaults;
        int fd;
        int r = request_from("GET / HTTP/1.1\r\n" UPGRADE "\r\n", &fd);
        if(i == 0) opts.flags = WS_NOHTTP;
        if(i == 1) opts.origin = "nowhere";
        CHECK_ERR(ws_accept(r, i == 2 ? &newer.opts : &opts, SOON),
            i == 2 ? E2BIG : EINVAL);
        CHECK(!is_handle(r));
        EXPECT_END(fd);
        wire_close(fd);
    }
}

TEST(e3_accept_and_respond_want_a_request)
{
    for(int i = 0; i != 2; i++) {
        int fd;
        int s = stream_open(&fd);
        if(i) CHECK_ERR(ws_accept(s, NULL, SOON), ENOTSUP);
        else CHECK_ERR(ws_respond(s, 200, NULL, NULL, 0, SOON), ENOTSUP);
        CHECK(!is_handle(s));
        EXPECT_END(fd);
        wire_close(fd);
    }
    CHECK_ERR(ws_accept(-1, NULL, SOON), EBADF);
    CHECK_ERR(ws_respond(-1, 200, NULL, NULL, 0, SOON), EBADF);
}

/**** ws_respond ****/

/*  Day, date and time as RFC 9110, section 5.6.7 has them. */
static int is_date(const char *text)
{
    static const char form[] = "Aaa, 00 Aaa 0000 00:00:00 GMT";
    for(size_t i = 0; i != sizeof form; i++) {
        int digit = text[i] >= '0' && text[i] <= '9';
        int letter = (text[i] | 32) >= 'a' && (text[i] | 32) <= 'z';
        if(form[i] == '0' ? !digit : form[i] == 'A' || form[i] == 'a' ?
              !letter : text[i] != form[i]) return 0;
    }
    return 1;
}

TEST(e3_respond_with_date_and_length)
{
    static const char *const fields[] = {"Content-Type: text/plain",
        "Set-Cookie: a=b", "set-cookie: c=d", NULL};
    static const struct {
        const char *method; int status; const char *body; const char *length;
        const char *sent;
    } rows[] = {
        {"GET", 200, "hello", "5", "hello"},
        {"GET", 200, "", "0", ""},
        {"POST", 404, "no", "2", "no"},
        {"GET", 599, "x", "1", "x"},
        {"HEAD", 200, "hello", "5", ""},
        {"HEAD", 200, "", NULL, ""},
        {"GET", 304, "hello", "5", ""},
        {"GET", 304, "", NULL, ""},
        {"GET", 204, "hello", NULL, ""},
        {"GET", 205, "hello", "0", ""},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        int fd;
        char text[128], head[2048], body[8];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: h\r\n\r\n",
            rows[i].method);
        check_note("row %zu", i);
        int r = request_from(text, &fd);
        int s = ws_respond(r, rows[i].status, fields, rows[i].body,
            strlen(rows[i].body), SOON);
        CHECK_OK(s);
        CHECK(s == r || !is_handle(r));
        CHECK_INT(read_status(fd, head), rows[i].status);
        CHECK(is_date(field_value(head, "Date")));
        CHECK_INT(field_count(head, "Date"), 1);
        CHECK_INT(field_count(head, "Content-Length"), rows[i].length != NULL);
        CHECK(!strcmp(field_value(head, "Content-Length"),
            rows[i].length ? rows[i].length : ""));
        CHECK(!strcmp(field_value(head, "Content-Type"), "text/plain"));
        CHECK_INT(field_count(head, "Set-Cookie"), 2);
        CHECK_INT(field_count(head, "Connection"), 0);
        CHECK_OK(bsend(s, "!", 1, SOON));
        size_t n = strlen(rows[i].sent);
        CHECK_INT(wire_read(fd, body, n + 1, WIRE_PATIENCE), n + 1);
        CHECK(!memcmp(body, rows[i].sent, n) && body[n] == '!');
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

static void check_invalid(int status, const char *field, const char *body,
    size_t len)
{
    int fd;
    const char *const fields[] = {"A: b", field, NULL};
    check_note("status %d, field %s", status, field ? field : "(none)");
    int r = request_from("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &fd);
    CHECK_ERR(ws_respond(r, status, fields, body, len, SOON), EINVAL);
    CHECK(!is_handle(r));
    EXPECT_END(fd);
    wire_close(fd);
}

TEST(e3_respond_arguments)
{
    static const int bad[] = {-1, 1, 99, 100, 101, 199, 600, 1200, 65736,
        1 << 30};
    static const char *const lines[] = {
        "", "A", ": b", "A : b", "A\r\nB: c", "A: b\r\nC: d", "A: b\n", "A: \r",
        "A: \x01", "A: \x7f", "A b: c", "Host: a", "date: x",
        "Content-Length: 0", "TRANSFER-ENCODING: chunked", "Connection: close",
        "Upgrade: x", "sec-websocket-accept: x", "A: b\r\n\r\nHTTP/1.1 200 OK",
    };
    for(size_t i = 0; i != COUNT_OF(bad); i++)
        check_invalid(bad[i], NULL, "x", 1);
    for(size_t i = 0; i != COUNT_OF(lines); i++)
        check_invalid(200, lines[i], "x", 1);
    check_invalid(200, NULL, NULL, 1);
    check_invalid(200, NULL, "", SIZE_MAX);
}

TEST(e3_respond_and_go_on)
{
    struct bytes in = {0};
    struct conn c = {.role = SERVER};
    char head[2048], body[4], path[8];
    bytes_str(&in, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
        "HEAD /2 HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
        "POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
        "GET /4 HTTP/1.1\r\n" UPGRADE "\r\n");
    int s = stream_open(&c.fd);
    wire_send(c.fd, &in);
    for(int i = 1; i != 4; i++) {
        int r = ws_request(s, SOON);
        CHECK_OK(r);
        CHECK_INT(ws_field(r, ":path", 0, path, sizeof path), 2);
        CHECK_INT(path[1], '0' + i);
        s = ws_respond(r, 200, NULL, "yes", 3, SOON);
        CHECK_OK(s);
        CHECK_INT(read_status(c.fd, head), 200);
        if(i != 2) CHECK_INT(wire_read(c.fd, body, 3, WIRE_PATIENCE), 3);
    }
    c.h = ws_accept(ws_request(s, SOON), NULL, SOON);
    CHECK_OK(c.h);
    CHECK_INT(read_status(c.fd, head), 101);
    CHECK_INTACT(&c);
    conn_close(&c);
    bytes_free(&in);
}

/*  A client that takes an answer of 3 bytes, and then whatever follows. */
struct last {int fd; char head[2048]; char body[4]; size_t rest;};

static coroutine void take_last(struct last *c)
{
    wire_read_head(c->fd, c->head, sizeof c->head);
    wire_read(c->fd, c->body, 3, WIRE_PATIENCE);
    c->rest = wire_read(c->fd, c->body + 3, 1, WIRE_PATIENCE);
    wire_end(c->fd);
}

TEST(e3_respond_for_the_last_time)
{
    static const char *const rows[] = {
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: a, Close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n"),
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct last c = {0};
        check_row(rows[i]);
        int r = request_from(rows[i], &c.fd);
        int client = go(take_last(&c));
        CHECK_ERR(ws_respond(r, 200, NULL, "yes", 3, SOON), EPIPE);
        CHECK(!is_handle(r));
        CHECK_OK(bundle_wait(client, SOON));
        hclose(client);
        CHECK_INT(head_status(c.head), 200);
        CHECK(!strcasecmp(field_value(c.head, "Connection"), "close"));
        CHECK(!memcmp(c.body, "yes", 3));
        CHECK_INT(c.rest, 0);
        wire_close(c.fd);
    }
}

/*  More than was read is on its way when the answer is: a reset must not take
    the answer back. */
TEST(e3_respond_to_a_body_that_nobody_reads)
{
    struct last c = {0};
    static const char junk[20000];
    int r = request_from("POST / HTTP/1.1\r\nHost: h\r\n"
        "Content-Length: 20000\r\n\r\n", &c.fd);
    CHECK_OK(wire_write(c.fd, junk, sizeof junk));
    int client = go(take_last(&c));
    CHECK_ERR(ws_respond(r, 413, NULL, "big", 3, SOON), EPIPE);
    CHECK_OK(bundle_wait(client, SOON));
    hclose(client);
    CHECK_INT(head_status(c.head), 413);
    CHECK(!memcmp(c.body, "big", 3));
    wire_close(c.fd);
}

TEST(e3_respond_nothing)
{
    int fd;
    char buf[8] = {0};
    static const char *const bad[] = {"ignored", NULL};
    int r = request_from("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        "Content-Length: 3\r\n\r\nabcdef", &fd);
    int s = ws_respond(r, 0, bad, NULL, 0, SOON);
    CHECK_OK(s);
    CHECK(s == r || !is_handle(r));
    EXPECT_SILENCE(fd);
    CHECK_OK(brecv(s, buf, 6, SOON));
    CHECK(!strcmp(buf, "abcdef"));
    CHECK_OK(bsend(s, "raw", 3, SOON));
    CHECK_INT(wire_read(fd, buf, 3, WIRE_PATIENCE), 3);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(e3_respond_begins_a_tunnel)
{
    int fd;
    char head[2048], buf[8] = {0};
    int r = request_from("CONNECT a:80 HTTP/1.0\r\nHost: a:80\r\n\r\ntls", &fd);
    int s = ws_respond(r, 200, NULL, "no", 2, SOON);
    CHECK_OK(s);
    CHECK_INT(read_status(fd, head), 200);
    CHECK_INT(field_count(head, "Content-Length"), 0);
    CHECK_INT(field_count(head, "Connection"), 0);
    CHECK_OK(brecv(s, buf, 3, SOON));
    CHECK(!strcmp(buf, "tls"));
    CHECK_OK(bsend(s, "!", 1, SOON));
    CHECK_INT(wire_read(fd, buf, 1, WIRE_PATIENCE), 1);
    CHECK_INT(buf[0], '!');
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  More than any socket holds. */
static const char huge[8 << 20];

TEST(e3_respond_to_nobody)
{
    int fd;
    int r = request_from("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &fd);
    wire_close(fd);
    CHECK_ERR(ws_respond(r, 200, NULL, huge, sizeof huge, SOON), ECONNRESET);
    CHECK(!is_handle(r));
}

TEST(e3_respond_deadline)
{
    int fd;
    int r = request_from("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &fd);
    CHECK_ERR(ws_respond(r, 200, NULL, huge, sizeof huge, now() + 5),
        ETIMEDOUT);
    CHECK(!is_handle(r));
    wire_close(fd);
}

/**** The handle ****/

TEST(e3_request_handle_is_closed_and_moved)
{
    int fd;
    char buf[8];
    int r = request_from("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &fd);
    CHECK_ERR(bsend(r, "x", 1, SOON), ENOTSUP);
    CHECK_ERR(ws_send(r, 0, "x", 1, SOON), ENOTSUP);
    int moved = hown(r);
    CHECK_OK(moved);
    CHECK_INT(ws_field(moved, ":method", 0, buf, sizeof buf), 3);
    CHECK_OK(hclose(moved));
    EXPECT_END(fd);
    wire_close(fd);
    for(int i = 0; i != 2000; i++) {
        r = request_from("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &fd);
        CHECK_OK(hclose(r));
        wire_close(fd);
        if(r > 1000) {
            check_fail(HERE, "handle number %d", r);
            break;
        }
    }
}
