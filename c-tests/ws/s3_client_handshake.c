/*  The opening handshake of a client: RFC 6455 section 4.1,
    ws_attach_client(3). */

#include <stdio.h>
#include <string.h>

#include "http.h"
#include "tap.h"

/*  The server's half: takes the request, answers in pieces. */
struct server {
    int fd;
    const struct response *response;
    void (*edit)(struct bytes *head);   /* the last touch, or NULL */
    const struct bytes *before;         /* sent before the head, or NULL */
    const struct bytes *extra;          /* sent with the head, or NULL */
    size_t kind;
    size_t cut;                         /* 0, or where the answer ends */
    char request[2048];
    struct bytes out;
    int handle;
};

static void server_build(struct server *v)
{
    char key[128];
    snprintf(key, sizeof key, "%s",
        field_value(v->request, "Sec-WebSocket-Key"));
    if(v->before) bytes_put(&v->out, v->before->p, v->before->n);
    response_put(&v->out, v->response, key);
    if(v->edit) v->edit(&v->out);
    if(v->extra) bytes_put(&v->out, v->extra->p, v->extra->n);
    if(v->cut) v->out.n = v->cut - 1;
}

static coroutine void server_run(struct server *v)
{
    if(!wire_read_head(v->fd, v->request, sizeof v->request)) return;
    server_build(v);
    struct feed f = {.fd = v->fd, .p = v->out.p, .n = v->out.n,
        .kind = v->kind, .end = v->cut != 0};
    feed_all(&f);
}

static void server_start(struct server *v, int fd)
{
    v->fd = fd;
    v->out = (struct bytes){0};
    v->handle = go(server_run(v));
    CHECK_OK(v->handle);
}

static void server_stop(struct server *v)
{
    hclose(v->handle);
    bytes_free(&v->out);
}

/*  Attaches a client to it; 0 or errno. */
static int connect_to(struct server *v, struct conn *c, const char *resource,
    const char *host)
{
    c->role = CLIENT;
    int s = stream_open(&c->fd);
    server_start(v, c->fd);
    errno = 0;
    c->h = ws_attach_client(s, 0, resource, host, SOON);
    int err = errno;
    CHECK(c->h == s || !is_handle(s));
    return c->h < 0 ? err : 0;
}

static void disconnect(struct server *v, struct conn *c)
{
    server_stop(v);
    conn_close(c);
}

static void accept_cut(struct server v, size_t kind)
{
    struct conn c;
    v.kind = kind;
    int err = connect_to(&v, &c, "/res", "example.org");
    check_ok(HERE, "attach", c.h, err);
    if(c.h >= 0) CHECK_INTACT(&c);
    disconnect(&v, &c);
}

static void refuse_cut(struct server v, size_t kind, int want)
{
    struct conn c;
    v.kind = kind;
    int err = connect_to(&v, &c, "/res", "example.org");
    check_err(HERE, "attach", c.h, err, want);
    if(c.h < 0) EXPECT_END(c.fd);
    disconnect(&v, &c);
}

/*  How long is this answer? (The same for every key.) */
static size_t answer_length(struct server v)
{
    strcpy(v.request, "GET\r\nSec-WebSocket-Key: " RFC_KEY "\r\n\r\n");
    server_build(&v);
    size_t n = v.out.n;
    bytes_free(&v.out);
    return n;
}

enum cuts {EVERY_CUT, FEW_CUTS};

/*  want 0: the answer opens the connection. */
static void answered(struct server v, int want, enum cuts cuts)
{
    size_t n = answer_length(v);
    int failed = check_failed();
    for(size_t kind = 0; kind != feed_kinds(n); kind++) {
        if(check_failed() != failed) return;
        if(cuts == FEW_CUTS && kind != FEED_WHOLE && kind != n) continue;
        feed_note(kind, n);
        if(want) refuse_cut(v, kind, want);
        else accept_cut(v, kind);
    }
}

struct row {const char *about; struct response r;};

static void all_answered(const struct row *rows, size_t n, int want)
{
    for(size_t i = 0; i != n; i++) {
        check_row(rows[i].about);
        answered((struct server){.response = &rows[i].r}, want, FEW_CUTS);
    }
    check_row(NULL);
}

static const struct response proper;

/**** The request ****/

static void check_field(const char *head, const char *name, const char *want)
{
    check_note("%s", name);
    CHECK_INT(field_count(head, name), 1);
    CHECK(strcmp(field_value(head, name), want) == 0);
    check_note(NULL);
}

static int count_lines(const char *text)
{
    int n = 0;
    for(; *text; text++) n += *text == '\n';
    return n;
}

TEST(s3_client_request_is_what_the_rfc_asks_for)
{
    struct server v = {.response = &proper};
    struct conn c;
    uint8_t raw[32];
    CHECK_INT(connect_to(&v, &c, "/res", "example.org"), 0);
    static const char line[] = "GET /res HTTP/1.1\r\n";
    CHECK(strncmp(v.request, line, sizeof line - 1) == 0);
    check_field(v.request, "Host", "example.org");
    check_field(v.request, "Upgrade", "websocket");
    check_field(v.request, "Connection", "Upgrade");
    check_field(v.request, "Sec-WebSocket-Version", "13");
    CHECK_INT(field_count(v.request, "Sec-WebSocket-Key"), 1);
    const char *key = field_value(v.request, "Sec-WebSocket-Key");
    CHECK_INT(strlen(key), 24);
    CHECK_INT(wire_base64_decode(key, strlen(key), raw), 16);
    CHECK_INT(count_lines(v.request), 7);
    EXPECT_SILENCE(c.fd);
    disconnect(&v, &c);
}

TEST(s3_client_key_is_fresh)
{
    enum {KEYS = 16};
    char keys[KEYS][32];
    for(int i = 0; i != KEYS; i++) {
        struct server v = {.response = &proper};
        struct conn c;
        CHECK_INT(connect_to(&v, &c, "/", "h"), 0);
        snprintf(keys[i], sizeof keys[i], "%s",
            field_value(v.request, "Sec-WebSocket-Key"));
        for(int j = 0; j != i; j++) CHECK(strcmp(keys[i], keys[j]) != 0);
        disconnect(&v, &c);
    }
}

TEST(s3_client_request_is_one_send)
{
    struct tap t;
    struct server v = {.response = &proper};
    struct conn c = {.role = CLIENT};
    int s = tap_open(&t, stream_open(&c.fd));
    server_start(&v, c.fd);
    c.h = ws_attach_client(s, 0, "/", "h", SOON);
    CHECK_OK(c.h);
    CHECK_INT(t.sends, 1);
    disconnect(&v, &c);
}

/**** Arguments ****/

static void invalid(const char *resource, const char *host)
{
    struct conn c = {.role = CLIENT};
    c.h = stream_open(&c.fd);
    CHECK_ERR(ws_attach_client(c.h, 0, resource, host, SOON), EINVAL);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST(s3_client_null_resource_or_host_is_einval)
{
    invalid(NULL, "h");
    invalid("/", NULL);
    invalid(NULL, NULL);
}

/*  `byte` in the beginning, the middle and the end of a text. */
static void with_byte(int byte, char texts[3][8])
{
    strcpy(texts[0], "@ab");
    strcpy(texts[1], "/@b");
    strcpy(texts[2], "/a@");
    for(int i = 0; i != 3; i++) *strchr(texts[i], '@') = (char)byte;
}

TEST(s3_client_resource_that_could_inject_is_einval)
{
    for(int byte = 1; byte != 256; byte++) {
        char texts[3][8];
        if(byte > ' ' && byte < 0x7f) continue;
        with_byte(byte, texts);
        check_note("byte %02x", byte);
        for(int i = 0; i != 3; i++) invalid(texts[i], "h");
    }
    invalid("/ HTTP/1.1\r\nX: y\r\n\r\n", "h");
}

TEST(s3_client_host_that_could_inject_is_einval)
{
    for(int byte = 1; byte != 128; byte++) {
        char texts[3][8];
        if(byte > ' ' && byte < 0x7f) continue;
        with_byte(byte, texts);
        check_note("byte %02x", byte);
        for(int i = 0; i != 3; i++) invalid("/", texts[i]);
    }
    invalid("/", "h\r\nX: y");
}

TEST(s3_client_every_graphic_character_may_be_sent)
{
    char resource[128] = "/";
    struct conn c;
    for(int byte = '!'; byte != 0x7f; byte++)
        resource[byte - '!' + 1] = (char)byte;
    resource[0x7f - '!' + 1] = 0;
    struct server v = {.response = &proper};
    CHECK_INT(connect_to(&v, &c, resource, "[::1]:80"), 0);
    CHECK(strncmp(v.request + 4, resource, strlen(resource)) == 0);
    check_field(v.request, "Host", "[::1]:80");
    disconnect(&v, &c);
}

TEST(s3_client_needs_neither_without_http)
{
    struct conn c;
    conn_open(&c, CLIENT, 0);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  Invalid handles: s2_attach_failure_with_a_bad_number_is_harmless; every
    other kind of handle: hostile.c. */
TEST_ROLES(s3_attach_to_what_is_no_bytestream_is_eproto)
{
    int ch[2];
    CHECK_INT(chmake(ch), 0);
    CHECK_ERR(role == CLIENT ? ws_attach_client(ch[0], 0, "/", "h", SOON) :
        ws_attach_server(ch[0], 0, NULL, 0, NULL, 0, SOON), EPROTO);
    CHECK(!is_handle(ch[0]));
    CHECK_ERR(conn_attach(role, ch[1], 0), EPROTO);
    CHECK(!is_handle(ch[1]));
}

/**** The response ****/

TEST(s3_client_accepts_a_plain_response)
{
    answered((struct server){.response = &proper}, 0, EVERY_CUT);
}

TEST(s3_client_accepts_what_servers_and_proxies_send)
{
    static const struct row rows[] = {
        {"other reason", {.line = "HTTP/1.1 101 Web Socket Protocol"}},
        {"empty reason", {.line = "HTTP/1.1 101 "}},
        {"Connection list", {.connection = "Connection: keep-alive, Upgrade"}},
        {"several Connection fields", {.more = "Connection: keep-alive\r\n"}},
        {"letter case", {.upgrade = "UPGRADE: WebSocket",
            .connection = "connection: UPGRADE",
            .accept = "SEC-WEBSOCKET-ACCEPT: %s"}},
        {"no spaces", {.upgrade = "Upgrade:websocket",
            .connection = "Connection:Upgrade",
            .accept = "Sec-WebSocket-Accept:%s"}},
        {"many spaces", {.upgrade = "Upgrade: \t websocket ",
            .connection = "Connection:\tUpgrade\t",
            .accept = "Sec-WebSocket-Accept:   %s \t"}},
        {"other fields", {.more = "Server: x/1 (y)\r\nX-Empty:\r\n"
            "Set-Cookie: a=b; Path=/\r\nX-Obs: \xe9\xff\r\n"
            "Date: Sat, 21 Nov 2026 06:00:00 GMT\r\n"}},
    };
    all_answered(rows, COUNT_OF(rows), 0);
}

TEST(s3_client_accepts_any_field_order)
{
    static const struct response r = {.upgrade = "", .connection = "",
        .accept = "Sec-WebSocket-Accept: %s",
        .more = "Connection: Upgrade\r\nUpgrade: websocket\r\n"};
    answered((struct server){.response = &r}, 0, FEW_CUTS);
}

/*  RFC 9110, section 15.2: answers that only say that one is to come. */
static void answered_behind(const struct bytes *interim, int want)
{
    struct server v = {.response = &proper, .before = interim};
    answered(v, want, FEW_CUTS);
}

TEST(s3_client_skips_interim_answers)
{
    static const char *const answers[] = {
        "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n",
        "HTTP/1.1 199 \r\nUpgrade: h2c\r\nSec-WebSocket-Accept: x\r\n\r\n"};
    for(size_t i = 0; i != COUNT_OF(answers); i++) {
        struct bytes interim = {0};
        check_row(answers[i]);
        bytes_str(&interim, answers[i]);
        answered_behind(&interim, 0);
        for(int n = 1; n != 8; n++) bytes_str(&interim, answers[i]);
        answered_behind(&interim, 0);
        bytes_str(&interim, answers[i]);
        answered_behind(&interim, EPROTO);
        bytes_free(&interim);
    }
}

/*  Each is a head like the others. */
TEST(s3_client_refuses_bad_interim_answers)
{
    struct bytes interim = {0};
    bytes_str(&interim, "HTTP/1.0 100 Continue\r\n\r\n");
    answered_behind(&interim, EPROTO);
    interim.n = 0;
    bytes_str(&interim, "HTTP/1.1 100 Continue\r\nX : y\r\n\r\n");
    answered_behind(&interim, EPROTO);
    interim.n = 0;
    bytes_str(&interim, "HTTP/1.1 100 Continue\r\n\r\n");
    head_crowd(&interim, FIELDS_MAX + 1);
    answered_behind(&interim, EMSGSIZE);
    interim.n = 0;
    bytes_str(&interim, "HTTP/1.1 100 Continue\r\n\r\n");
    head_stretch(&interim, HEAD_MAX + 1);
    answered_behind(&interim, EMSGSIZE);
    interim.n = 0;
    bytes_str(&interim, "HTTP/1.1 100 Continue\r\n\r\n");
    head_stretch(&interim, HEAD_MAX);
    answered_behind(&interim, 0);
    bytes_free(&interim);
}

/*  Nor is an interim answer the last word if the stream ends behind it. */
TEST(s3_client_an_interim_answer_is_no_answer)
{
    struct bytes interim = {0};
    bytes_str(&interim, "HTTP/1.1 100 Continue\r\n\r\n");
    struct server v = {.response = &proper, .before = &interim};
    v.cut = interim.n + 1;
    answered(v, ECONNRESET, FEW_CUTS);
    bytes_free(&interim);
}

TEST(s3_client_refuses_other_statuses)
{
    static const struct row rows[] = {
        {"200", {.line = "HTTP/1.1 200 OK"}},
        {"301", {.line = "HTTP/1.1 301 Moved"}},
        {"400", {.line = "HTTP/1.1 400 Bad Request"}},
        {"404", {.line = "HTTP/1.1 404 Not Found"}},
        {"426", {.line = "HTTP/1.1 426 Upgrade Required"}},
        {"503", {.line = "HTTP/1.1 503 Service Unavailable"}},
        {"1010", {.line = "HTTP/1.1 1010 No"}},
        {"10", {.line = "HTTP/1.1 10 No"}},
    };
    all_answered(rows, COUNT_OF(rows), EPROTO);
}

TEST(s3_client_refuses_missing_upgrade_or_connection)
{
    static const struct row rows[] = {
        {"no Upgrade", {.upgrade = ""}},
        {"other protocol", {.upgrade = "Upgrade: h2c"}},
        {"part of a word", {.upgrade = "Upgrade: websockets"}},
        {"empty Upgrade", {.upgrade = "Upgrade:"}},
        {"no Connection", {.connection = ""}},
        {"other token", {.connection = "Connection: keep-alive"}},
        {"part of a token", {.connection = "Connection: Upgrades"}},
        {"two words", {.connection = "Connection: Upgrade now"}},
    };
    all_answered(rows, COUNT_OF(rows), EPROTO);
}

TEST(s3_client_refuses_wrong_or_duplicate_accept)
{
    static const struct row rows[] = {
        {"none", {.accept = ""}},
        {"empty", {.accept = "Sec-WebSocket-Accept:"}},
        {"of another key", {.accept = "Sec-WebSocket-Accept: " RFC_ACCEPT}},
        {"more behind", {.accept = "Sec-WebSocket-Accept: %s="}},
        {"more before", {.accept = "Sec-WebSocket-Accept: A%s"}},
        {"quoted", {.accept = "Sec-WebSocket-Accept: \"%s\""}},
        {"the key itself", {.accept = "Sec-WebSocket-Key: %s"}},
        {"twice", {.accept = "Sec-WebSocket-Accept: %s\r\n"
            "Sec-WebSocket-Accept: " RFC_ACCEPT}},
        {"twice, right last", {.accept = "Sec-WebSocket-Accept: " RFC_ACCEPT,
            .more = "sec-websocket-accept: %s\r\n"}},
        {"twice the same", {.more = "Sec-WebSocket-Accept: %s\r\n"}},
    };
    all_answered(rows, COUNT_OF(rows), EPROTO);
}

/*  Letter case matters in base64. */
static void swap_case_of_accept(struct bytes *head)
{
    bytes_put(head, "", 1);
    uint8_t *at = (uint8_t*)strstr((char*)head->p, "-Accept: ") + 9;
    head->n--;
    for(int i = 0; i != 27; i++)
        if((at[i] | 0x20) >= 'a' && (at[i] | 0x20) <= 'z') at[i] ^= 0x20;
}

TEST(s3_client_refuses_accept_in_other_letter_case)
{
    answered((struct server){.response = &proper,
        .edit = swap_case_of_accept}, EPROTO, FEW_CUTS);
}

TEST(s3_client_refuses_what_it_did_not_offer)
{
    static const struct row rows[] = {
        {"extension", {.more =
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"}},
        {"unknown extension", {.more = "sec-websocket-extensions: x\r\n"}},
        {"subprotocol", {.more = "Sec-WebSocket-Protocol: chat\r\n"}},
    };
    all_answered(rows, COUNT_OF(rows), EPROTO);
}

TEST(s3_client_refuses_other_http_versions)
{
    static const struct row rows[] = {
        {"1.0", {.line = "HTTP/1.0 101 Switching Protocols"}},
        {"0.9", {.line = "HTTP/0.9 101 Switching Protocols"}},
        {"2.0", {.line = "HTTP/2.0 101 Switching Protocols"}},
        {"2", {.line = "HTTP/2 101 Switching Protocols"}},
        {"lower case", {.line = "http/1.1 101 Switching Protocols"}},
        {"not HTTP", {.line = "ICY 101 OK"}},
    };
    all_answered(rows, COUNT_OF(rows), EPROTO);
}

TEST(s3_client_refuses_a_malformed_head)
{
    static const struct row rows[] = {
        {"one word", {.line = "hello"}},
        {"a request", {.line = "GET / HTTP/1.1"}},
        {"letters in the status", {.line = "HTTP/1.1 1o1 OK"}},
        {"sign in the status", {.line = "HTTP/1.1 +101 OK"}},
        {"two spaces", {.line = "HTTP/1.1  101 OK"}},
        {"no space", {.line = "HTTP/1.1101 OK"}},
        {"space before", {.line = " HTTP/1.1 101 OK"}},
        {"no colon", {.more = "X-No-Colon\r\n"}},
        {"no name", {.more = ": value\r\n"}},
        {"space before the colon", {.more = "X : y\r\n"}},
        {"space in a name", {.more = "X Y: z\r\n"}},
        {"line folding", {.more = "X: a\r\n b\r\n"}},
        {"bare CR", {.more = "X: a\rb\r\n"}},
        {"bare LF", {.more = "X: a\nb: c\r\n"}},
        {"control character", {.more = "X: a\x01\r\n"}},
    };
    all_answered(rows, COUNT_OF(rows), EPROTO);
}

static void put_nul(struct bytes *head)
{
    *(uint8_t*)memchr(head->p, '@', head->n) = 0;
}

TEST(s3_client_refuses_a_nul)
{
    static const struct response in_value = {.more = "X: a@b\r\n"};
    static const struct response in_line = {.line = "HTTP/1.1 101 O@K"};
    answered((struct server){.response = &in_value, .edit = put_nul}, EPROTO,
        FEW_CUTS);
    answered((struct server){.response = &in_line, .edit = put_nul}, EPROTO,
        FEW_CUTS);
}

TEST(s3_client_refusals_survive_every_cut)
{
    static const struct response status = {.line = "HTTP/1.1 200 OK"};
    static const struct response accept = {
        .accept = "Sec-WebSocket-Accept: " RFC_ACCEPT};
    static const struct response folding = {.more = "X: a\r\n b\r\n"};
    answered((struct server){.response = &status}, EPROTO, EVERY_CUT);
    answered((struct server){.response = &accept}, EPROTO, EVERY_CUT);
    answered((struct server){.response = &folding}, EPROTO, EVERY_CUT);
}

/*  What a refusing server adds is not waited for. */
TEST(s3_client_refuses_a_status_with_a_body)
{
    static const struct response r = {.line = "HTTP/1.1 403 Forbidden",
        .more = "Content-Length: 100000\r\n"};
    struct bytes body = {0};
    bytes_fill(&body, 'b', 5000);
    struct server v = {.response = &r, .extra = &body};
    refuse_cut(v, FEED_WHOLE, EPROTO);
    bytes_free(&body);
}

/**** Limits ****/

static void stretch_to_limit(struct bytes *head)
{
    head_stretch(head, HEAD_MAX);
}

static void stretch_over_limit(struct bytes *head)
{
    head_stretch(head, HEAD_MAX + 1);
}

static void crowd_to_limit(struct bytes *head)
{
    head_crowd(head, FIELDS_MAX);
}

static void crowd_over_limit(struct bytes *head)
{
    head_crowd(head, FIELDS_MAX + 1);
}

static void make_endless(struct bytes *head)
{
    head->n -= 4;
    bytes_fill(head, 'x', 50000);
}

TEST(s3_client_accepts_a_head_at_the_limits)
{
    struct server v = {.response = &proper, .edit = stretch_to_limit};
    accept_cut(v, FEED_WHOLE);
    v.edit = crowd_to_limit;
    accept_cut(v, FEED_WHOLE);
}

TEST(s3_client_head_over_a_limit_is_emsgsize)
{
    struct server v = {.response = &proper, .edit = stretch_over_limit};
    check_note("32 KiB and a byte");
    refuse_cut(v, FEED_WHOLE, EMSGSIZE);
    check_note("129 fields");
    v.edit = crowd_over_limit;
    refuse_cut(v, FEED_WHOLE, EMSGSIZE);
    check_note("without end");
    v.edit = make_endless;
    refuse_cut(v, FEED_WHOLE, EMSGSIZE);
}

/**** The bytes behind the head ****/

TEST(s3_client_loses_no_byte_behind_the_response)
{
    struct bytes extra = {0};
    struct server v = {.response = &proper, .extra = &extra};
    peer_message(&extra, CLIENT, OP_TEXT, "first", 5);
    peer_close(&extra, CLIENT, 1000, "", 0);
    bytes_str(&extra, "raw");
    size_t n = answer_length(v);
    for(size_t kind = 0; kind <= n; kind++) {
        struct conn c;
        char buf[8];
        if(kind && kind + extra.n + 8 < n) continue;
        feed_note(kind, n);
        v.kind = kind;
        CHECK_INT(connect_to(&v, &c, "/", "h"), 0);
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 5);
        CHECK_BYTES(buf, 5, "first", 5);
        c.h = ws_detach(c.h, 1000, NULL, 0, SOON);
        CHECK_OK(c.h);
        CHECK_INT(brecv(c.h, buf, 3, SOON), 0);
        CHECK_BYTES(buf, 3, "raw", 3);
        disconnect(&v, &c);
    }
    bytes_free(&extra);
}

/**** The peer goes away, or is silent ****/

TEST(s3_client_peer_closes_during_the_handshake)
{
    struct server v = {.response = &proper};
    size_t n = answer_length(v);
    for(size_t cut = 0; cut != n; cut++) {
        check_note("the response ends behind %zu bytes", cut);
        v.cut = cut + 1;
        refuse_cut(v, FEED_WHOLE, ECONNRESET);
    }
}

TEST(s3_client_peer_is_gone_before_the_handshake)
{
    int fd;
    int s = stream_open(&fd);
    wire_close(fd);
    CHECK_ERR(ws_attach_client(s, 0, "/", "h", SOON), ECONNRESET);
    CHECK(!is_handle(s));
}

TEST(s3_client_silent_peer_is_cut_off_by_the_deadline)
{
    struct conn c = {.role = CLIENT};
    c.h = stream_open(&c.fd);
    CHECK_ERR(ws_attach_client(c.h, 0, "/", "h", BRIEFLY), ETIMEDOUT);
    /* What was sent by then is the request. */
    char head[1024];
    CHECK(wire_read_head(c.fd, head, sizeof head) > 0);
    CHECK_GONE(&c);
    conn_close(&c);
}

static coroutine void attach_to_silence(int s, int *err)
{
    *err = ws_attach_client(s, 0, "/", "h", -1) == -1 ? errno : 0;
}

TEST(s3_client_cancelled_handshake_closes_the_stream)
{
    int fd, err = -1;
    char head[1024];
    int s = stream_open(&fd);
    int cr = go(attach_to_silence(s, &err));
    CHECK(wire_read_head(fd, head, sizeof head) > 0);
    hclose(cr);
    CHECK_INT(err, ECANCELED);
    EXPECT_END(fd);
    wire_close(fd);
}
