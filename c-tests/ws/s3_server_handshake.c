/*  The opening handshake of a server: RFC 6455 section 4.2,
    ws_attach_server(3). */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http.h"
#include "tap.h"

/*  What a client sees and what the server's caller gets. */
struct answer {
    int h;
    int err;
    int64_t ms;
    char resource[64];
    char host[64];
    char head[2048];
};

/*  The client's reading half: takes one head, and leaves when it is not a
    101. */
struct client {int fd; char *head; size_t cap; int stays; int gone;};

static coroutine void client_run(struct client *c)
{
    wire_read_head(c->fd, c->head, c->cap);
    if(c->stays || head_status(c->head) == 101) return;
    c->gone = 1;
    wire_end(c->fd);
}

/*  Lets a client send `in` to a server; `*fd` is the client's end. */
static void serve_cut(const struct bytes *in, size_t kind, struct answer *a,
    int *fd)
{
    int s = stream_open(fd);
    struct client c = {.fd = *fd, .head = a->head, .cap = sizeof a->head};
    struct feed f = {.fd = *fd, .p = in->p, .n = in->n, .kind = kind};
    memset(a, '#', sizeof *a);
    feed_start(&f);
    int reader = go(client_run(&c));
    int64_t start = wire_clock();
    a->h = ws_attach_server(s, 0, a->resource, sizeof a->resource, a->host,
        sizeof a->host, SOON);
    a->err = errno;
    a->ms = wire_clock() - start;
    /* An answer may still be on its way to the reader. */
    if(a->h >= 0) bundle_wait(reader, SOON);
    settle();
    hclose(reader);
    feed_finish(&f);
    CHECK(a->h == s || !is_handle(s));
}

static void check_response(const struct answer *a)
{
    CHECK_INT(head_status(a->head), 101);
    CHECK(strcasecmp(field_value(a->head, "Upgrade"), "websocket") == 0);
    CHECK(strcasecmp(field_value(a->head, "Connection"), "Upgrade") == 0);
    CHECK(strcmp(field_value(a->head, "Sec-WebSocket-Accept"),
        RFC_ACCEPT) == 0);
    CHECK_INT(field_count(a->head, "Upgrade"), 1);
    CHECK_INT(field_count(a->head, "Connection"), 1);
    CHECK_INT(field_count(a->head, "Sec-WebSocket-Accept"), 1);
    CHECK_INT(field_count(a->head, "Sec-WebSocket-Extensions"), 0);
    CHECK_INT(field_count(a->head, "Sec-WebSocket-Protocol"), 0);
}

static void check_string(struct at at, const char *what, const char *got,
    const char *want)
{
    check_bytes(at, what, got, strnlen(got, 64) + 1, want, strlen(want) + 1);
}

static void accept_as(const struct bytes *in, size_t kind,
    const char *resource, const char *host)
{
    struct answer a;
    struct conn c = {.role = SERVER};
    serve_cut(in, kind, &a, &c.fd);
    c.h = a.h;
    check_ok(HERE, "attach", a.h, a.err);
    if(a.h >= 0) {
        check_response(&a);
        check_string(HERE, "resource", a.resource, resource);
        check_string(HERE, "host", a.host, host);
        CHECK_INTACT(&c);
    }
    conn_close(&c);
}

static void accept_cut(const struct bytes *in, size_t kind,
    const char *resource)
{
    accept_as(in, kind, resource, "example.org");
}

static int status_fits(int got, int want)
{
    /*  0: either will do. RFC 6455 section 4.2.1 asks for an appropriate error
        code, such as 400. */
    return want ? got == want : got == 400 || got == 426;
}

static void check_refusal(const struct answer *a, int status, int err)
{
    check_err(HERE, "attach", a->h, a->err, err);
    if(!status_fits(head_status(a->head), status))
        check_fail(HERE, "answer is \"%.40s\", want %d", a->head, status);
    CHECK(strcasecmp(field_value(a->head, "Connection"), "close") == 0);
    CHECK_INT(a->resource[0], 0);
    CHECK_INT(a->host[0], 0);
    if(status == 405) CHECK(!strcmp(field_value(a->head, "Allow"), "GET"));
    if(status != 426) return;
    CHECK(!strcmp(field_value(a->head, "Sec-WebSocket-Version"), "13"));
}

static void refuse_cut(const struct bytes *in, size_t kind, int status,
    int err, struct answer *a)
{
    struct conn c = {.role = SERVER};
    serve_cut(in, kind, a, &c.fd);
    check_refusal(a, status, err);
    c.h = a->h;
    conn_close(&c);
}

/*  Every way to cut; or, for the many rows of a table, whole and byte by
    byte. After a failure: no further. */
enum cuts {EVERY_CUT, FEW_CUTS};

static int cut_wanted(enum cuts cuts, size_t kind, size_t n, int failed)
{
    feed_note(kind, n);
    return check_failed() == failed &&
        (cuts == EVERY_CUT || kind == FEED_WHOLE || kind == n);
}

static void accepted(const struct request *r, enum cuts cuts)
{
    struct bytes in = {0};
    int failed = check_failed();
    request_put(&in, r);
    for(size_t kind = 0; kind != feed_kinds(in.n); kind++)
        if(cut_wanted(cuts, kind, in.n, failed)) accept_cut(&in, kind, "/res");
    bytes_free(&in);
}

static void refused(const struct request *r, int status, int err,
    enum cuts cuts)
{
    struct bytes in = {0};
    int failed = check_failed();
    request_put(&in, r);
    for(size_t kind = 0; kind != feed_kinds(in.n); kind++) {
        struct answer a;
        if(cut_wanted(cuts, kind, in.n, failed))
            refuse_cut(&in, kind, status, err, &a);
    }
    bytes_free(&in);
}

struct row {const char *about; struct request r;};

static void all_accepted(const struct row *rows, size_t n)
{
    for(size_t i = 0; i != n; i++) {
        check_row(rows[i].about);
        accepted(&rows[i].r, FEW_CUTS);
    }
    check_row(NULL);
}

static void all_refused(const struct row *rows, size_t n, int status, int err)
{
    for(size_t i = 0; i != n; i++) {
        check_row(rows[i].about);
        refused(&rows[i].r, status, err, FEW_CUTS);
    }
    check_row(NULL);
}

/**** Accepted ****/

TEST(s3_server_accepts_a_plain_request)
{
    accepted(&(struct request){0}, EVERY_CUT);
}

TEST(s3_server_accepts_what_browsers_and_proxies_send)
{
    static const struct row rows[] = {
        {"Firefox", {.connection = "Connection: keep-alive, Upgrade"}},
        {"token last", {.connection = "Connection: a,b ,\tupgrade"}},
        {"empty list elements", {.connection = "Connection: ,, Upgrade,,"}},
        {"several Connection fields", {.connection = "Connection: keep-alive",
            .more = "Connection: Upgrade\r\n"}},
        {"several Upgrade fields", {.upgrade = "Upgrade: h2c",
            .more = "Upgrade: websocket\r\n"}},
        {"Upgrade list", {.upgrade = "Upgrade: h2c, WebSocket"}},
        {"letter case", {.host = "hOST: example.org",
            .upgrade = "UPGRADE: WEBSOCKET", .connection = "connection: upGRADE",
            .key = "sec-websocket-key: " RFC_KEY,
            .version = "SEC-WEBSOCKET-VERSION: 13"}},
        {"no spaces", {.host = "Host:example.org", .upgrade =
            "Upgrade:websocket", .connection = "Connection:Upgrade",
            .key = "Sec-WebSocket-Key:" RFC_KEY,
            .version = "Sec-WebSocket-Version:13"}},
        {"many spaces", {.host = "Host: \t example.org\t ", .upgrade =
            "Upgrade:  websocket ", .connection = "Connection:\tUpgrade\t",
            .key = "Sec-WebSocket-Key: \t" RFC_KEY " ",
            .version = "Sec-WebSocket-Version:  13 "}},
        {"offers are not taken up", {.more =
            "Sec-WebSocket-Extensions: permessage-deflate; "
            "client_max_window_bits\r\nSec-WebSocket-Protocol: chat, x\r\n"}},
        {"other fields", {.more = "Origin: http://example.org\r\n"
            "User-Agent: Mozilla/5.0 (X11; \"q\")\r\nCookie: a=b; c=d\r\n"
            "X-Empty:\r\nX-Obs: \xe9\xff\r\nAccept: */*\r\n"}},
    };
    all_accepted(rows, COUNT_OF(rows));
}

TEST(s3_server_accepts_any_field_order)
{
    struct bytes in = {0};
    bytes_str(&in, "GET /res HTTP/1.1\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: " RFC_KEY "\r\nConnection: Upgrade\r\n"
        "X: y\r\nUpgrade: websocket\r\nHost: example.org\r\n\r\n");
    accept_cut(&in, FEED_WHOLE, "/res");
    accept_cut(&in, in.n, "/res");
    bytes_free(&in);
}

TEST(s3_server_accepts_long_cookies)
{
    static const size_t lengths[] = {300, 1100, 6000, 20000};
    for(size_t i = 0; i != COUNT_OF(lengths); i++) {
        struct bytes in = {0};
        request_put(&in, &(struct request){0});
        head_stretch(&in, lengths[i]);
        accept_cut(&in, FEED_WHOLE, "/res");
        bytes_free(&in);
    }
}

TEST(s3_server_gives_the_resource_as_it_was_sent)
{
    static const char *const resources[] = {
        "/", "/a?b=c&d", "/%20%00", "/http://a/", "/~'()*!;:@$,[]", "chat",
        "chat?to=http://a/", "*", "a.example:80"};
    for(size_t i = 0; i != COUNT_OF(resources); i++) {
        struct bytes in = {0};
        char line[80] = "GET ";
        strcat(strcat(line, resources[i]), " HTTP/1.1");
        check_note("%s", line);
        request_put(&in, &(struct request){.line = line});
        accept_cut(&in, FEED_WHOLE, resources[i]);
        bytes_free(&in);
    }
}

/*  RFC 9112, section 3.2.2: the target's own host counts. */
TEST(s3_server_takes_an_absolute_target_apart)
{
    static const struct {const char *target, *resource, *host;} rows[] = {
        {"http://a.example/x?y", "/x?y", "a.example"},
        {"https://a.example:443/", "/", "a.example:443"},
        {"ws://[::1]:80//x", "//x", "[::1]:80"},
        {"WSS://a", "/", "a"},
        {"http://a?x", "/?x", "a"},
        {"http://example.org/http://b/", "/http://b/", "example.org"},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct bytes in = {0};
        char line[80];
        snprintf(line, sizeof line, "GET %s HTTP/1.1", rows[i].target);
        check_row(line);
        request_put(&in, &(struct request){.line = line});
        accept_as(&in, FEED_WHOLE, rows[i].resource, rows[i].host);
        bytes_free(&in);
    }
}

/*  RFC 9110, section 10.1.1. */
TEST(s3_server_lets_a_client_go_on_that_waits_for_it)
{
    static const char *const fields[] = {
        "Expect: 100-continue\r\n", "expect:100-Continue\r\n",
        "Expect: 100-continue\r\nContent-Length: 0\r\n"};
    for(size_t i = 0; i != COUNT_OF(fields); i++) {
        struct bytes in = {0};
        struct conn c = {.role = SERVER};
        char head[2048];
        check_row(fields[i]);
        int s = stream_open(&c.fd);
        request_put(&in, &(struct request){.more = fields[i]});
        wire_send(c.fd, &in);
        c.h = ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON);
        CHECK_OK(c.h);
        wire_read_head(c.fd, head, sizeof head);
        CHECK(strcmp(head, "HTTP/1.1 100 Continue\r\n\r\n") == 0);
        wire_read_head(c.fd, head, sizeof head);
        CHECK_INT(head_status(head), 101);
        if(c.h >= 0) CHECK_INTACT(&c);
        bytes_free(&in);
        conn_close(&c);
    }
}

/*  One that is refused is told so at once. */
TEST(s3_server_expectations_do_not_hold_a_refusal_up)
{
    static const struct row rows[] = {
        {"a body", {.more = "Expect: 100-continue\r\nContent-Length: 5\r\n"}},
        {"no key", {.more = "Expect: 100-continue\r\n", .key = ""}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
}

TEST(s3_server_response_is_one_send)
{
    struct bytes in = {0};
    struct tap t;
    struct conn c;
    int s = tap_open(&t, stream_open(&c.fd));
    request_put(&in, &(struct request){0});
    wire_send(c.fd, &in);
    c.h = ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON);
    CHECK_OK(c.h);
    CHECK_INT(t.sends, 1);
    bytes_free(&in);
    conn_close(&c);
}

/*  Request, messages, close frame and what follows it, all in one piece. */
TEST(s3_server_loses_no_byte_behind_the_request)
{
    struct bytes in = {0};
    struct answer a;
    int fd;
    char buf[8];
    request_put(&in, &(struct request){0});
    size_t head = in.n;
    peer_message(&in, SERVER, OP_TEXT, "first", 5);
    peer_close(&in, SERVER, 1000, "", 0);
    bytes_str(&in, "raw");
    for(size_t kind = 0; kind <= in.n; kind++) {
        if(kind && kind + 8 < head) continue;
        feed_note(kind, in.n);
        int s = stream_open(&fd);
        struct feed f = {.fd = fd, .p = in.p, .n = in.n, .kind = kind};
        feed_start(&f);
        a.h = ws_attach_server(s, 0, a.resource, 64, a.host, 64, SOON);
        CHECK_OK(a.h);
        CHECK_INT(ws_recv(a.h, NULL, buf, sizeof buf, SOON), 5);
        CHECK_BYTES(buf, 5, "first", 5);
        s = ws_detach(a.h, 1000, NULL, 0, SOON);
        CHECK_OK(s);
        CHECK_INT(brecv(s, buf, 3, SOON), 0);
        CHECK_BYTES(buf, 3, "raw", 3);
        feed_finish(&f);
        CHECK_INT(hclose(s), 0);
        wire_close(fd);
    }
    bytes_free(&in);
}

/**** Refused ****/

TEST(s3_server_refuses_other_methods_with_405)
{
    static const struct row rows[] = {
        {"POST", {.line = "POST /res HTTP/1.1"}},
        {"HEAD", {.line = "HEAD /res HTTP/1.1"}},
        {"lower case", {.line = "get /res HTTP/1.1"}},
        {"longer", {.line = "GETS /res HTTP/1.1"}},
        {"shorter", {.line = "GE /res HTTP/1.1"}},
    };
    all_refused(rows, COUNT_OF(rows), 405, EPROTO);
}

TEST(s3_server_refuses_no_upgrade_to_websocket_with_426)
{
    static const struct row rows[] = {
        {"no Upgrade", {.upgrade = ""}},
        {"other protocol", {.upgrade = "Upgrade: h2c"}},
        {"part of a word", {.upgrade = "Upgrade: websockets"}},
        {"inside a word", {.upgrade = "Upgrade: xwebsocket"}},
        {"two words", {.upgrade = "Upgrade: h2c websocket"}},
        {"empty", {.upgrade = "Upgrade:"}},
    };
    struct bytes in = {0};
    struct answer a;
    all_refused(rows, COUNT_OF(rows), 426, EPROTO);
    request_put(&in, &(struct request){.upgrade = ""});
    refuse_cut(&in, FEED_WHOLE, 426, EPROTO, &a);
    CHECK(strcasecmp(field_value(a.head, "Upgrade"), "websocket") == 0);
    bytes_free(&in);
}

TEST(s3_server_refuses_a_connection_field_without_upgrade)
{
    static const struct row rows[] = {
        {"no Connection", {.connection = ""}},
        {"other token", {.connection = "Connection: keep-alive"}},
        {"part of a word", {.connection = "Connection: Upgrades"}},
        {"close", {.connection = "Connection: close"}},
    };
    all_refused(rows, COUNT_OF(rows), 0, EPROTO);
}

TEST(s3_server_refuses_other_versions_with_426)
{
    static const struct row rows[] = {
        {"8", {.version = "Sec-WebSocket-Version: 8"}},
        {"0", {.version = "Sec-WebSocket-Version: 0"}},
        {"12", {.version = "Sec-WebSocket-Version: 12"}},
        {"14", {.version = "Sec-WebSocket-Version: 14"}},
        {"130", {.version = "Sec-WebSocket-Version: 130"}},
        {"1", {.version = "Sec-WebSocket-Version: 1"}},
    };
    all_refused(rows, COUNT_OF(rows), 426, EPROTO);
}

TEST(s3_server_refuses_missing_and_duplicate_fields_with_400)
{
    static const struct row rows[] = {
        {"no Host", {.host = ""}},
        {"no key", {.key = ""}},
        {"no version", {.version = ""}},
        {"two Hosts", {.more = "Host: example.org\r\n"}},
        {"two keys", {.more = "Sec-WebSocket-Key: " RFC_KEY "\r\n"}},
        {"two keys, other case", {.more = "SEC-websocket-KEY: x\r\n"}},
        {"two versions", {.more = "Sec-WebSocket-Version: 13\r\n"}},
        {"two versions, one old", {.more = "Sec-WebSocket-Version: 8\r\n"}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
}

TEST(s3_server_refuses_a_bad_key_with_400)
{
    static const struct row rows[] = {
        {"empty", {.key = "Sec-WebSocket-Key:"}},
        {"15 bytes", {.key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"}},
        {"17 bytes", {.key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXg="}},
        {"no padding", {.key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"}},
        {"bad letter", {.key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q=="}},
        {"space inside", {.key = "Sec-WebSocket-Key: dGhlIHNhbX sZSBub25jZQ=="}},
        {"more behind", {.key = "Sec-WebSocket-Key: " RFC_KEY "x"}},
        {"non-ASCII", {.key = "Sec-WebSocket-Key: \xff\xfelIHNhbXBsZSBub25jZQ=="}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
}

/*  RFC 9112, section 6: what follows would be a body, and is not to be taken
    for frames. */
TEST(s3_server_refuses_a_body_with_400)
{
    static const struct row rows[] = {
        {"a length", {.more = "Content-Length: 11\r\n"}},
        {"empty", {.more = "Content-Length:\r\n"}},
        {"two digits", {.more = "Content-Length: 00\r\n"}},
        {"a sign", {.more = "Content-Length: +0\r\n"}},
        {"negative", {.more = "Content-Length: -1\r\n"}},
        {"a list", {.more = "Content-Length: 0, 0\r\n"}},
        {"twice", {.more = "Content-Length: 0\r\ncontent-length: 0\r\n"}},
        {"two lengths", {.more = "Content-Length: 0\r\nContent-Length: 11\r\n"}},
        {"chunked", {.more = "Transfer-Encoding: chunked\r\n"}},
        {"identity", {.more = "Transfer-Encoding: identity\r\n"}},
        {"no coding", {.more = "TRANSFER-ENCODING:\r\n"}},
        {"both", {.more = "Content-Length: 0\r\n"
            "Transfer-Encoding: chunked\r\n"}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
    accepted(&(struct request){.more = "Content-Length: 0\r\n"}, FEW_CUTS);
    accepted(&(struct request){.more = "content-length:\t0 \r\n"}, FEW_CUTS);
}

/*  RFC 9112, section 3.2; RFC 3986, section 3.2.2. */
TEST(s3_server_refuses_what_is_no_host_with_400)
{
    static const struct row rows[] = {
        {"empty", {.host = "Host:"}},
        {"only a port", {.host = "Host: :80"}},
        {"a whole URI", {.host = "Host: a/b@c?#d"}},
        {"a user", {.host = "Host: user@example.org"}},
        {"two hosts", {.host = "Host: good,evil"}},
        {"two words", {.host = "Host: a b"}},
        {"a tab", {.host = "Host: a\tb"}},
        {"bytes", {.host = "Host: \xff\xfe"}},
        {"UTF-8", {.host = "Host: b\xc3\xbc""cher.example"}},
        {"half a percentage", {.host = "Host: a%4"}},
        {"a port of letters", {.host = "Host: example.org:http"}},
        {"two ports", {.host = "Host: example.org:80:80"}},
        {"no bracket", {.host = "Host: ::1"}},
        {"open", {.host = "Host: [::1"}},
        {"no address", {.host = "Host: [example.org]"}},
        {"an absolute target without", {.line = "GET http:///res HTTP/1.1"}},
        {"an absolute target's", {.line = "GET http://a,b/res HTTP/1.1"}},
        {"an absolute target's user", {.line = "GET http://a@b/ HTTP/1.1"}},
        {"an absolute target is no excuse", {
            .line = "GET http://example.org/res HTTP/1.1", .host = ""}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
}

TEST(s3_server_accepts_every_kind_of_host)
{
    static const char *const hosts[] = {
        "a", "EXAMPLE.org.", "a_b-c~1", "127.0.0.1:8080", "a:", "[::1]",
        "[::ffff:1.2.3.4]:80", "%41", "!$&'()*+;="};
    for(size_t i = 0; i != COUNT_OF(hosts); i++) {
        struct bytes in = {0};
        char line[80];
        snprintf(line, sizeof line, "Host: %s", hosts[i]);
        check_row(line);
        request_put(&in, &(struct request){.host = line});
        accept_as(&in, FEED_WHOLE, "/res", hosts[i]);
        bytes_free(&in);
    }
}

TEST(s3_server_refuses_malformed_lines_with_400)
{
    static const struct row rows[] = {
        {"no colon", {.more = "X-No-Colon\r\n"}},
        {"no name", {.more = ": value\r\n"}},
        {"space before the colon", {.more = "X : y\r\n"}},
        {"tab before the colon", {.more = "X\t: y\r\n"}},
        {"space in a name", {.more = "X Y: z\r\n"}},
        {"bad letter in a name", {.more = "X(Y): z\r\n"}},
        {"non-ASCII name", {.more = "X\xe9: z\r\n"}},
        {"control character", {.more = "X: a\x01z\r\n"}},
        {"delete", {.more = "X: a\x7fz\r\n"}},
        {"bare LF", {.more = "X: a\nY: b\r\n"}},
        {"no target", {.line = "GET HTTP/1.1"}},
        {"no version", {.line = "GET /res"}},
        {"two spaces", {.line = "GET  /res HTTP/1.1"}},
        {"space behind", {.line = "GET /res HTTP/1.1 "}},
        {"three words", {.line = "GET /res x HTTP/1.1"}},
        {"not HTTP", {.line = "GET /res XTTP/1.1"}},
        {"garbage version", {.line = "GET /res HTTP/1.1x"}},
        {"no digit", {.line = "GET /res HTTP/x.y"}},
        {"non-ASCII target", {.line = "GET /r\xc3\xa9s HTTP/1.1"}},
        {"one word", {.line = "hello"}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
}

TEST(s3_server_refuses_line_folding_with_400)
{
    static const struct row rows[] = {
        {"space", {.more = "X: a\r\n b\r\n"}},
        {"tab", {.more = "X: a\r\n\tb\r\n"}},
        {"a folded key", {.key = "Sec-WebSocket-Key: dGhlIHNhbXBs\r\n"
            " ZSBub25jZQ=="}},
        {"before the first field", {.line = "GET /res HTTP/1.1\r\n X: y"}},
    };
    all_refused(rows, COUNT_OF(rows), 400, EPROTO);
}

/*  `byte` (a NUL cannot stand in the rows above) in place of the @. */
static void refused_with(const struct request *r, int byte)
{
    struct bytes in = {0};
    request_put(&in, r);
    *(uint8_t*)memchr(in.p, '@', in.n) = (uint8_t)byte;
    for(size_t kind = 0; kind <= in.n; kind += in.n) {
        struct answer a;
        check_note("byte %02x", byte);
        refuse_cut(&in, kind, 400, EPROTO, &a);
    }
    bytes_free(&in);
}

TEST(s3_server_refuses_nul_and_bare_cr_with_400)
{
    static const struct row rows[] = {
        {"in the method", {.line = "G@T /res HTTP/1.1"}},
        {"in the resource", {.line = "GET /r@s HTTP/1.1"}},
        {"in the version", {.line = "GET /res HTTP/1@1"}},
        {"in a name", {.more = "X@Y: z\r\n"}},
        {"in a value", {.more = "X: y@z\r\n"}},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_row(rows[i].about);
        refused_with(&rows[i].r, 0);
        refused_with(&rows[i].r, '\r');
    }
}

TEST(s3_server_refuses_old_http_with_505)
{
    static const struct row rows[] = {
        {"1.0", {.line = "GET /res HTTP/1.0"}},
        {"0.9", {.line = "GET /res HTTP/0.9"}},
        {"0.0", {.line = "GET /res HTTP/0.0"}},
    };
    all_refused(rows, COUNT_OF(rows), 505, EPROTO);
}

TEST(s3_server_refusals_survive_every_cut)
{
    refused(&(struct request){.line = "POST /res HTTP/1.1"}, 405, EPROTO,
        EVERY_CUT);
    refused(&(struct request){.upgrade = ""}, 426, EPROTO, EVERY_CUT);
    refused(&(struct request){.key = ""}, 400, EPROTO, EVERY_CUT);
    refused(&(struct request){.more = "X: a\r\n b\r\n"}, 400, EPROTO,
        EVERY_CUT);
}

/**** Limits ****/

TEST(s3_server_accepts_a_head_of_32_kib)
{
    struct bytes in = {0};
    request_put(&in, &(struct request){0});
    head_stretch(&in, HEAD_MAX);
    CHECK_INT(in.n, HEAD_MAX);
    accept_cut(&in, FEED_WHOLE, "/res");
    bytes_free(&in);
}

TEST(s3_server_refuses_a_head_over_32_kib_with_431)
{
    struct bytes in = {0};
    struct answer a;
    request_put(&in, &(struct request){0});
    head_stretch(&in, HEAD_MAX + 1);
    refuse_cut(&in, FEED_WHOLE, 431, EMSGSIZE, &a);
    bytes_free(&in);
}

TEST(s3_server_refuses_a_head_without_end_with_431)
{
    for(int lines = 0; lines != 2; lines++) {
        struct bytes in = {0};
        struct answer a;
        check_note(lines ? "one endless value" : "an endless request line");
        bytes_str(&in, lines ? "GET / HTTP/1.1\r\nX: " : "GET /");
        bytes_fill(&in, 'x', 50000);
        refuse_cut(&in, FEED_WHOLE, 431, EMSGSIZE, &a);
        bytes_free(&in);
    }
}

TEST(s3_server_accepts_128_fields)
{
    struct bytes in = {0};
    request_put(&in, &(struct request){0});
    head_crowd(&in, FIELDS_MAX);
    accept_cut(&in, FEED_WHOLE, "/res");
    bytes_free(&in);
}

TEST(s3_server_refuses_129_fields_with_431)
{
    struct bytes in = {0};
    struct answer a;
    request_put(&in, &(struct request){0});
    head_crowd(&in, FIELDS_MAX + 1);
    refuse_cut(&in, FEED_WHOLE, 431, EMSGSIZE, &a);
    bytes_free(&in);
}

/**** The caller's buffers ****/

/*  Attaches with buffers of just these sizes and guards behind them. */
struct fit {
    size_t resourcelen;
    size_t hostlen;
    int status;
    int err;
};

static void check_fit(const struct fit *fit)
{
    struct bytes in = {0};
    char resource[32], host[32], head[2048] = "";
    struct conn c = {.role = SERVER};
    memset(resource, '#', sizeof resource);
    memset(host, '#', sizeof host);
    request_put(&in, &(struct request){0});
    int s = stream_open(&c.fd);
    struct client client = {.fd = c.fd, .head = head, .cap = sizeof head};
    wire_send(c.fd, &in);
    int reader = go(client_run(&client));
    errno = 0;
    c.h = ws_attach_server(s, 0, resource, fit->resourcelen, host,
        fit->hostlen, SOON);
    int err = errno;
    settle();
    hclose(reader);
    CHECK_INT(head_status(head), fit->status);
    if(fit->err) check_err(HERE, "attach", c.h, err, fit->err);
    else check_ok(HERE, "attach", c.h, err);
    for(size_t i = fit->resourcelen; i != sizeof resource; i++)
        CHECK_INT(resource[i], '#');
    for(size_t i = fit->hostlen; i != sizeof host; i++)
        CHECK_INT(host[i], '#');
    if(fit->resourcelen) CHECK_INT(resource[0], fit->err ? 0 : '/');
    if(fit->hostlen) CHECK_INT(host[0], fit->err ? 0 : 'e');
    bytes_free(&in);
    conn_close(&c);
}

TEST(s3_server_buffers_hold_text_and_nul)
{
    static const struct fit fits[] = {
        {5, 12, 101, 0}, {6, 13, 101, 0}, {32, 32, 101, 0},
        {4, 12, 414, EMSGSIZE}, {1, 12, 414, EMSGSIZE},
        {5, 11, 431, EMSGSIZE}, {5, 1, 431, EMSGSIZE},
    };
    for(size_t i = 0; i != COUNT_OF(fits); i++) {
        check_note("resource %zu, host %zu", fits[i].resourcelen,
            fits[i].hostlen);
        check_fit(&fits[i]);
    }
}

static void attach_null(char *resource, size_t resourcelen, char *host,
    size_t hostlen, int want)
{
    struct bytes in = {0};
    struct conn c = {.role = SERVER};
    request_put(&in, &(struct request){0});
    int s = stream_open(&c.fd);
    wire_send(c.fd, &in);
    wire_end(c.fd);
    errno = 0;
    c.h = ws_attach_server(s, 0, resource, resourcelen, host, hostlen, SOON);
    if(want) check_err(HERE, "attach", c.h, errno, want);
    else check_ok(HERE, "attach", c.h, errno);
    bytes_free(&in);
    conn_close(&c);
}

TEST(s3_server_null_buffer_of_length_0_is_not_wanted)
{
    char text[32];
    attach_null(NULL, 0, NULL, 0, 0);
    attach_null(text, sizeof text, NULL, 0, 0);
    CHECK(strcmp(text, "/res") == 0);
    attach_null(NULL, 0, text, sizeof text, 0);
    CHECK(strcmp(text, "example.org") == 0);
}

TEST(s3_server_null_buffer_with_a_length_is_einval)
{
    attach_null(NULL, 1, NULL, 0, EINVAL);
    attach_null(NULL, 0, NULL, 1, EINVAL);
    attach_null(NULL, SIZE_MAX, NULL, SIZE_MAX, EINVAL);
}

TEST(s3_server_null_buffers_are_fine_without_http)
{
    struct conn c;
    conn_open(&c, SERVER, 0);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  Whatever goes wrong, the buffers hold empty strings. */
static void check_emptied(const char *sent, int end, int64_t deadline, int err)
{
    int fd;
    int s = stream_open(&fd);
    char resource[16] = "################", host[16] = "################";
    wire_write(fd, sent, strlen(sent));
    if(end) wire_end(fd);
    check_note("\"%s\"", sent);
    CHECK_ERR(ws_attach_server(s, 0, resource, sizeof resource, host,
        sizeof host, deadline), err);
    CHECK_INT(resource[0], 0);
    CHECK_INT(host[0], 0);
    wire_close(fd);
}

TEST(s3_server_buffers_are_empty_on_failure)
{
    check_emptied("GET /r HTTP/1.1\r\nHost: h\r\n", 1, SOON, ECONNRESET);
    check_emptied("GET /r HTTP/1.1\r\nHost: h\r\n", 0, BRIEFLY, ETIMEDOUT);
    check_emptied("", 1, SOON, ECONNRESET);
    check_emptied("", 0, 0, ETIMEDOUT);
    check_emptied("GET /r HTTP/1.1\r\nHost: h\r\n\r\n", 1, SOON, EPROTO);
}

/**** How a refusal ends ****/

/*  The client sends more than the request and is slow to read. */
TEST(s3_server_refusal_reaches_a_client_that_sends_more)
{
    struct bytes in = {0};
    struct answer a;
    struct conn c = {.role = SERVER};
    request_put(&in, &(struct request){.line = "POST /res HTTP/1.1"});
    bytes_fill(&in, 'b', 20000);
    serve_cut(&in, FEED_WHOLE, &a, &c.fd);
    check_refusal(&a, 405, EPROTO);
    c.h = a.h;
    conn_close(&c);
    bytes_free(&in);
}

/*  Reads what has come by now, then the end of the stream. */
TEST(s3_server_refusal_is_followed_by_the_end_of_the_stream)
{
    struct bytes in = {0};
    char head[2048] = "";
    int fd;
    int s = stream_open(&fd);
    request_put(&in, &(struct request){.key = ""});
    wire_send(fd, &in);
    struct client c = {.fd = fd, .head = head, .cap = sizeof head};
    int reader = go(client_run(&c));
    CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON), EPROTO);
    hclose(reader);
    CHECK_INT(head_status(head), 400);
    CHECK_INT(field_count(head, "Sec-WebSocket-Accept"), 0);
    /* A body, if any, then nothing. */
    char rest[4096];
    CHECK_RANGE(wire_read(fd, rest, sizeof rest, WIRE_PATIENCE), 0, 4095);
    EXPECT_END(fd);
    bytes_free(&in);
    wire_close(fd);
}

static void refuse_idle_client(int64_t deadline, int min_ms, int max_ms)
{
    struct bytes in = {0};
    char head[2048];
    int fd;
    int s = stream_open(&fd);
    request_put(&in, &(struct request){.key = ""});
    wire_send(fd, &in);
    int64_t start = wire_clock();
    CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, deadline), EPROTO);
    CHECK_RANGE(wire_clock() - start, min_ms, check_ms(max_ms));
    wire_read_head(fd, head, sizeof head);
    CHECK_INT(head_status(head), 400);
    bytes_free(&in);
    wire_close(fd);
}

TEST(s3_server_refusal_waits_at_most_a_second)
{
    refuse_idle_client(-1, 0, 1400);
}

TEST(s3_server_refusal_waits_no_longer_than_the_deadline)
{
    refuse_idle_client(now() + 200, 0, 500);
}

/*  A client that leaves at the end of the stream, and not before, sees it at
    once: the server has closed its half. */
static coroutine void read_to_the_end(int fd)
{
    char buf[256];
    while(wire_read(fd, buf, sizeof buf, WIRE_PATIENCE) == sizeof buf);
    wire_end(fd);
}

TEST(s3_server_refusal_half_closes_and_then_waits)
{
    struct bytes in = {0};
    int fd;
    int s = stream_open(&fd);
    request_put(&in, &(struct request){.key = ""});
    wire_send(fd, &in);
    int reader = go(read_to_the_end(fd));
    int64_t start = wire_clock();
    CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, -1), EPROTO);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(700));
    hclose(reader);
    bytes_free(&in);
    wire_close(fd);
}

/*  A client that goes on sending does not prolong the wait. */
static coroutine void send_on(int fd)
{
    char junk[1000] = {0};
    while(send(fd, junk, sizeof junk, MSG_NOSIGNAL | MSG_DONTWAIT) != -1 ||
            errno == EAGAIN)
        if(msleep(now() + 5) != 0) return;
}

TEST(s3_server_refusal_waits_no_longer_for_a_sending_client)
{
    struct bytes in = {0};
    int fd;
    int s = stream_open(&fd);
    request_put(&in, &(struct request){.key = ""});
    wire_send(fd, &in);
    int sender = go(send_on(fd));
    int64_t start = wire_clock();
    CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, -1), EPROTO);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(1400));
    hclose(sender);
    bytes_free(&in);
    wire_close(fd);
}

/**** The peer goes away, or is silent ****/

TEST(s3_server_peer_closes_during_the_handshake)
{
    struct bytes in = {0};
    request_put(&in, &(struct request){0});
    for(size_t n = 0; n != in.n; n++) {
        int fd;
        int s = stream_open(&fd);
        check_note("the request ends behind %zu bytes", n);
        wire_write(fd, in.p, n);
        wire_end(fd);
        CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON), ECONNRESET);
        CHECK(!is_handle(s));
        wire_close(fd);
    }
    bytes_free(&in);
}

TEST(s3_server_silent_peer_is_cut_off_by_the_deadline)
{
    struct bytes in = {0};
    request_put(&in, &(struct request){0});
    for(size_t n = 0; n < in.n; n += 20) {
        int fd;
        int s = stream_open(&fd);
        check_note("silent behind %zu bytes", n);
        wire_write(fd, in.p, n);
        CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, now() + 5),
            ETIMEDOUT);
        CHECK(!is_handle(s));
        EXPECT_END(fd);
        wire_close(fd);
    }
    bytes_free(&in);
}

/**** Cost ****/

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
        1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/*  The least of three: other programs only make it longer. */
static double head_cost(size_t len)
{
    struct bytes in = {0};
    double least = 1e9;
    request_put(&in, &(struct request){0});
    head_stretch(&in, len);
    for(int i = 0; i != 3; i++) {
        double start = cpu_seconds();
        accept_cut(&in, in.n, "/res");
        double cost = cpu_seconds() - start;
        if(cost < least) least = cost;
    }
    bytes_free(&in);
    return least;
}

/*  Eight times the bytes, one at a time: eight times the work, not 64. */
TEST(s3_server_head_is_parsed_in_linear_time)
{
    double small = head_cost(4000);
    double large = head_cost(32000);
    if(large > 20 * small)
        check_fail(HERE, "4000 bytes cost %.4f s, 32000 %.4f s", small, large);
}
