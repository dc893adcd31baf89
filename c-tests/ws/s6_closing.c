/*  Closing: RFC 6455 sections 5.5.1 and 7, ws_done(3), ws_detach(3). */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tap.h"

/*  The codes that may stand in a close frame, RFC 6455 section 7.4. */
static int is_for_the_wire(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
        (code >= 3000 && code <= 4999);
}

static const int wire_codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
    1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};

static char reason_123[124];

/*  123 bytes of text, the most there can be. */
static const char *longest_reason(void)
{
    memset(reason_123, 'r', 123);
    return reason_123;
}

/**** ws_done ****/

TEST_ROLES(s6_done_sends_the_close_frame_and_ends_sending)
{
    struct conn c;
    struct iolist part = {"x", 1, NULL, 0};
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1000, "bye", 3, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 1000, "bye", 3);
    CHECK_ERR(ws_send(c.h, WS_BINARY, "x", 1, SOON), EPIPE);
    CHECK_ERR(ws_send(c.h, WS_BINARY, "", 0, SOON), EPIPE);
    CHECK_ERR(ws_sendl(c.h, WS_TEXT, &part, &part, SOON), EPIPE);
    CHECK_ERR(msend(c.h, "x", 1, SOON), EPIPE);
    CHECK_ERR(msendl(c.h, &part, &part, SOON), EPIPE);
    EXPECT_SILENCE(c.fd);
    conn_close(&c);
}

TEST_ROLES(s6_done_leaves_receiving_until_the_peers_close)
{
    struct conn c;
    struct bytes in = {0};
    static const struct want wants[] = {MSG(WS_TEXT, "one"),
        MSG(WS_BINARY, "two"), FAILS(EPIPE), FAILS(EPIPE), UNTIL_HERE};
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1000, NULL, 0, SOON), 0);
    peer_message(&in, role, OP_TEXT, "one", 3);
    peer_part(&in, role, OP_BINARY, 0, "t", 1);
    peer_part(&in, role, OP_CONT, 1, "wo", 2);
    peer_close(&in, role, 1000, "", 0);
    wire_send(c.fd, &in);
    check_receives(HERE, &c, wants);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s6_done_is_one_send)
{
    struct conn c;
    struct tap t;
    tap_conn(&c, &t, role);
    CHECK_INT(ws_done(c.h, 1000, "bye", 3, SOON), 0);
    CHECK_INT(t.sends, 1);
    EXPECT_CLOSE(c.fd, role, 1000, "bye", 3);
    conn_close(&c);
}

TEST_ROLES(s6_done_with_status_0_has_no_status_and_no_message)
{
    struct conn c;
    conn_open(&c, role, 0);
    CHECK_ERR(ws_done(c.h, 0, "x", 1, SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INT(ws_done(c.h, 0, NULL, 0, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 0, NULL, 0);
    conn_close(&c);
}

TEST_ROLES(s6_done_with_a_status_not_for_the_wire_is_einval)
{
    struct conn c;
    conn_open(&c, role, 0);
    for(int code = -1100; code <= 70000; code++) {
        if(code == 0 || is_for_the_wire(code)) continue;
        check_note("status %d", code);
        CHECK_ERR(ws_done(c.h, code, NULL, 0, SOON), EINVAL);
    }
    CHECK_ERR(ws_done(c.h, 65536 + 1000, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_done(c.h, INT32_MIN, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_done(c.h, INT32_MAX, NULL, 0, SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s6_done_with_every_kind_of_status_for_the_wire)
{
    for(size_t i = 0; i != COUNT_OF(wire_codes); i++) {
        struct conn c;
        check_note("status %d", wire_codes[i]);
        conn_open(&c, role, 0);
        CHECK_INT(ws_done(c.h, wire_codes[i], NULL, 0, SOON), 0);
        EXPECT_CLOSE(c.fd, role, wire_codes[i], NULL, 0);
        conn_close(&c);
    }
}

TEST_ROLES(s6_done_with_a_message_of_123_bytes)
{
    struct conn c;
    const char *reason = longest_reason();
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1000, reason, 123, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 1000, reason, 123);
    conn_close(&c);
}

TEST_ROLES(s6_done_with_a_message_over_123_bytes_is_einval)
{
    static const size_t lengths[] = {124, 125, 126, 200, 65536};
    static char reason[65536];
    struct conn c;
    memset(reason, 'r', sizeof reason);
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(lengths); i++)
        CHECK_ERR(ws_done(c.h, 1000, reason, lengths[i], SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s6_done_with_a_message_that_is_not_utf8_is_einval)
{
    static const char *const bad[] = {
        "\xff", "a\xc0\x80", "\xe2\x82", "\xed\xa0\x80"};
    struct conn c;
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(bad); i++)
        CHECK_ERR(ws_done(c.h, 1000, bad[i], strlen(bad[i]), SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    CHECK_INT(ws_done(c.h, 1000, "\xe2\x82\xac", 3, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 1000, "\xe2\x82\xac", 3);
    conn_close(&c);
}

TEST_ROLES(s6_second_done_is_epipe)
{
    struct conn c;
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1000, NULL, 0, SOON), 0);
    CHECK_ERR(ws_done(c.h, 1000, NULL, 0, SOON), EPIPE);
    CHECK_ERR(ws_done(c.h, 0, NULL, 0, SOON), EPIPE);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    EXPECT_SILENCE(c.fd);
    conn_close(&c);
}

/**** The peer's close frame ****/

static void expect_half_closed(struct conn *c)
{
    int status = -1;
    char buf[8];
    EXPECT_SILENCE(c->fd);
    CHECK_INT(ws_status(c->h, &status, buf, sizeof buf), 3);
    CHECK_INT(status, 1001);
    CHECK_BYTES(buf, 3, "bye", 3);
    CHECK_INT(ws_send(c->h, WS_TEXT, "still", 5, SOON), 0);
    EXPECT_FRAME(c->fd, c->role, OP_TEXT, "still", 5);
    CHECK_INT(ws_done(c->h, 1001, NULL, 0, SOON), 0);
    EXPECT_CLOSE(c->fd, c->role, 1001, NULL, 0);
    CHECK_ERR(ws_send(c->h, WS_TEXT, "x", 1, SOON), EPIPE);
    CHECK_ERR(ws_recv(c->h, NULL, buf, sizeof buf, SOON), EPIPE);
}

TEST_ROLES(s6_peers_close_half_closes_the_connection)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "last", 4);
    peer_close(&in, role, 1001, "bye", 3);
    CONVERSE(role, &in, expect_half_closed, MSG(WS_TEXT, "last"),
        FAILS(EPIPE), FAILS(EPIPE), FAILS(EPIPE));
    bytes_free(&in);
}

/*  The stream below may end right behind it. */
TEST_ROLES(s6_peers_close_and_the_end_of_the_stream)
{
    struct bytes in = {0};
    peer_close(&in, role, 1000, "", 0);
    CONVERSE_TO_END(role, &in, NULL, FAILS(EPIPE), FAILS(EPIPE));
    bytes_free(&in);
}

TEST_ROLES(s6_peers_close_met_by_every_receiving_call)
{
    for(int call = 0; call != 4; call++) {
        struct conn c;
        struct bytes in = {0};
        char buf[8];
        struct iolist part = {buf, sizeof buf, NULL, 0};
        conn_open(&c, role, 0);
        peer_close(&in, role, 1000, "", 0);
        wire_send(c.fd, &in);
        for(int i = 0; i != 2; i++) {
            check_note("call %d, time %d", call, i);
            if(call == 0)
                CHECK_ERR(ws_recvl(c.h, NULL, &part, &part, SOON), EPIPE);
            else if(call == 1)
                CHECK_ERR(ws_recvl(c.h, NULL, NULL, NULL, SOON), EPIPE);
            else if(call == 2)
                CHECK_ERR(mrecv(c.h, buf, sizeof buf, SOON), EPIPE);
            else
                CHECK_ERR(mrecvl(c.h, &part, &part, SOON), EPIPE);
        }
        CHECK_INT(ws_status(c.h, NULL, NULL, 0), 0);
        bytes_free(&in);
        conn_close(&c);
    }
}

/**** ws_status ****/

/*  A connection whose peer has closed with this. */
static void conn_closed(struct conn *c, enum role role, int status,
    const char *reason, size_t len)
{
    struct bytes in = {0};
    char buf[8];
    conn_open(c, role, 0);
    peer_close(&in, role, status, reason, len);
    wire_send(c->fd, &in);
    CHECK_ERR(ws_recv(c->h, NULL, buf, sizeof buf, SOON), EPIPE);
    bytes_free(&in);
}

TEST_ROLES(s6_status_before_the_peers_close_is_eagain)
{
    struct conn c;
    char buf[8];
    int status;
    conn_open(&c, role, 0);
    CHECK_ERR(ws_status(c.h, &status, buf, sizeof buf), EAGAIN);
    CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EAGAIN);
    CHECK_INT(ws_done(c.h, 1000, "own", 3, SOON), 0);
    CHECK_ERR(ws_status(c.h, &status, buf, sizeof buf), EAGAIN);
    conn_close(&c);
}

TEST_ROLES(s6_status_gives_code_and_message_as_often_as_called)
{
    struct conn c;
    conn_closed(&c, role, 4321, "reason", 6);
    for(int i = 0; i != 3; i++) {
        char buf[10] = "##########";
        int status = -1;
        CHECK_INT(ws_status(c.h, &status, buf, sizeof buf), 6);
        CHECK_INT(status, 4321);
        CHECK_BYTES(buf, 10, "reason####", 10);
    }
    conn_close(&c);
}

TEST_ROLES(s6_status_of_every_kind)
{
    for(size_t i = 0; i != COUNT_OF(wire_codes); i++) {
        struct conn c;
        int status = -1;
        check_note("status %d", wire_codes[i]);
        conn_closed(&c, role, wire_codes[i], "", 0);
        CHECK_INT(ws_status(c.h, &status, NULL, 0), 0);
        CHECK_INT(status, wire_codes[i]);
        conn_close(&c);
    }
}

TEST_ROLES(s6_status_of_an_empty_close_frame_is_0)
{
    struct conn c;
    char buf[2] = "##";
    int status = -1;
    conn_closed(&c, role, 0, "", 0);
    CHECK_INT(ws_status(c.h, &status, buf, sizeof buf), 0);
    CHECK_INT(status, 0);
    CHECK_BYTES(buf, 2, "##", 2);
    conn_close(&c);
}

TEST_ROLES(s6_status_buffer_too_small_is_emsgsize)
{
    struct conn c;
    char buf[8] = "########";
    int status = -1;
    conn_closed(&c, role, 1000, "reason", 6);
    CHECK_ERR(ws_status(c.h, &status, buf, 5), EMSGSIZE);
    CHECK_ERR(ws_status(c.h, &status, buf, 0), EMSGSIZE);
    CHECK_BYTES(buf + 5, 3, "###", 3);
    CHECK_INT(ws_status(c.h, &status, buf, 6), 6);
    CHECK_BYTES(buf, 8, "reason##", 8);
    conn_close(&c);
}

TEST_ROLES(s6_status_pointers_may_be_null)
{
    struct conn c;
    char buf[8];
    int status = -1;
    conn_closed(&c, role, 1000, "reason", 6);
    CHECK_INT(ws_status(c.h, NULL, NULL, 0), 6);
    CHECK_INT(ws_status(c.h, &status, NULL, 0), 6);
    CHECK_INT(status, 1000);
    CHECK_INT(ws_status(c.h, NULL, buf, sizeof buf), 6);
    CHECK_ERR(ws_status(c.h, &status, NULL, 6), EINVAL);
    conn_close(&c);
}

TEST_ROLES(s6_status_with_a_message_of_123_bytes)
{
    struct conn c;
    char buf[200];
    const char *reason = longest_reason();
    conn_closed(&c, role, 1000, reason, 123);
    CHECK_ERR(ws_status(c.h, NULL, buf, 122), EMSGSIZE);
    CHECK_INT(ws_status(c.h, NULL, buf, sizeof buf), 123);
    CHECK_BYTES(buf, 123, reason, 123);
    conn_close(&c);
}

/**** ws_detach ****/

/*  Detaches; the stream comes back, with "raw" the next to read from it. */
static void check_detached(struct at at, struct conn *c, int s, int err)
{
    char buf[8] = {0};
    check_ok(at, "ws_detach", s, err);
    if(s < 0) return;
    CHECK(s == c->h || !is_handle(c->h));
    c->h = s;
    CHECK_INT(brecv(s, buf, 3, SOON), 0);
    check_bytes(at, "the stream behind the close frame", buf, 3, "raw", 3);
    CHECK_INT(bsend(s, "back", 4, SOON), 0);
    CHECK_INT(wire_read(c->fd, buf, 4, WIRE_PATIENCE), 4);
    check_bytes(at, "the stream towards the peer", buf, 4, "back", 4);
}

/*  For what the peer sends before its close frame and the bytes behind. */
static void detach_through(enum role role, const struct bytes *in, int status,
    const char *reason)
{
    for(size_t kind = 0; kind != feed_kinds(in->n); kind++) {
        struct conn c;
        if(check_failed()) return;
        feed_note(kind, in->n);
        conn_open(&c, role, 0);
        struct feed f = {.fd = c.fd, .p = in->p, .n = in->n, .kind = kind};
        feed_start(&f);
        errno = 0;
        int s = ws_detach(c.h, status, reason, strlen(reason), SOON);
        int err = errno;
        EXPECT_CLOSE(c.fd, role, status, reason, strlen(reason));
        check_detached(HERE, &c, s, err);
        feed_finish(&f);
        conn_close(&c);
    }
}

TEST_ROLES(s6_detach_sends_close_and_returns_the_stream)
{
    struct bytes in = {0};
    peer_close(&in, role, 1000, "ok", 2);
    bytes_str(&in, "raw");
    detach_through(role, &in, 1000, "done");
    detach_through(role, &in, 0, "");
    bytes_free(&in);
}

TEST_ROLES(s6_detach_discards_messages_until_the_peers_close)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "unread", 6);
    peer_message(&in, role, OP_BINARY, "", 0);
    peer_part(&in, role, OP_TEXT, 0, "frag", 4);
    peer_message(&in, role, OP_PONG, "x", 1);
    peer_part(&in, role, OP_CONT, 1, "ment", 4);
    peer_part(&in, role, OP_BINARY, 0, "unfinished", 10);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "raw");
    detach_through(role, &in, 1000, "");
    bytes_free(&in);
}

TEST_ROLES(s6_detach_discards_a_long_message)
{
    static char data[300000];
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_BINARY, data, sizeof data);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "raw");
    struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
    feed_start(&f);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    int err = errno;
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    check_detached(HERE, &c, s, err);
    feed_finish(&f);
    bytes_free(&in);
    conn_close(&c);
}

/*  All that is needed has arrived: it is not a matter of time. */
TEST_ROLES(s6_detach_with_deadline_0_discards_what_has_arrived)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    for(int i = 0; i != 3000; i++)
        peer_message(&in, role, i % 2 ? OP_TEXT : OP_BINARY, "x", 1);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "raw");
    wire_send(c.fd, &in);
    int s = ws_detach(c.h, 1000, NULL, 0, 0);
    int err = errno;
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    check_detached(HERE, &c, s, err);
    bytes_free(&in);
    conn_close(&c);
}

/*  Both closes may be through already; nothing is sent twice. */
TEST_ROLES(s6_detach_after_done_sends_nothing_more)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1001, "first", 5, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 1001, "first", 5);
    peer_message(&in, role, OP_TEXT, "unread", 6);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "raw");
    wire_send(c.fd, &in);
    int s = ws_detach(c.h, 1000, "second", 6, SOON);
    check_detached(HERE, &c, s, errno);
    EXPECT_SILENCE(c.fd);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s6_detach_after_the_peers_close)
{
    struct conn c;
    struct bytes in = {0};
    conn_closed(&c, role, 1000, "", 0);
    bytes_str(&in, "raw");
    wire_send(c.fd, &in);
    int s = ws_detach(c.h, 1000, "bye", 3, SOON);
    int err = errno;
    EXPECT_CLOSE(c.fd, role, 1000, "bye", 3);
    check_detached(HERE, &c, s, err);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s6_detach_after_both_closes_does_not_wait)
{
    struct conn c;
    conn_closed(&c, role, 1000, "", 0);
    CHECK_INT(ws_done(c.h, 1000, NULL, 0, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    wire_write(c.fd, "raw", 3);
    int s = ws_detach(c.h, 0, NULL, 0, 0);
    check_detached(HERE, &c, s, errno);
    conn_close(&c);
}

/*  As programs written for libdill do. */
TEST_ROLES(s6_detached_stream_can_be_closed_in_order)
{
    struct conn c;
    conn_closed(&c, role, 1000, "", 0);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    wire_end(c.fd);
    CHECK_INT(wire_is_tcp() ? tcp_close(s, SOON) : ipc_close(s, SOON), 0);
    EXPECT_END(c.fd);
    wire_close(c.fd);
}

/*  After a message was read in part. */
TEST_ROLES(s6_detach_after_an_overlong_message)
{
    struct conn c;
    struct bytes in = {0};
    char buf[2];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "overlong", 8);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "raw");
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    int err = errno;
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    check_detached(HERE, &c, s, err);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s6_detach_after_an_interrupted_receive)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "slow", 4);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "raw");
    wire_write(c.fd, in.p, 5);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, 0), ETIMEDOUT);
    wire_write(c.fd, in.p + 5, in.n - 5);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    int err = errno;
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    check_detached(HERE, &c, s, err);
    bytes_free(&in);
    conn_close(&c);
}

/*  The stream below is closed with it, whatever it is. */
TEST_ROLES(s6_detach_timeout_closes_everything)
{
    struct conn c;
    conn_open(&c, role, 0);
    int64_t start = wire_clock();
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, now() + 100), ETIMEDOUT);
    CHECK_RANGE(wire_clock() - start, 80, check_ms(400));
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(s6_detach_with_deadline_0_closes_everything)
{
    struct conn c;
    conn_open(&c, role, 0);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, 0), ETIMEDOUT);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    CHECK_GONE(&c);
    conn_close(&c);
}

struct detacher {int h; int rc; int err;};

static coroutine void detach_run(struct detacher *d)
{
    d->rc = ws_detach(d->h, 1000, NULL, 0, -1);
    d->err = errno;
}

TEST_ROLES(s6_cancelled_detach_closes_everything)
{
    struct conn c;
    conn_open(&c, role, 0);
    struct detacher d = {.h = c.h};
    int cr = go(detach_run(&d));
    settle();
    hclose(cr);
    check_err(HERE, "ws_detach", d.rc, d.err, ECANCELED);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(s6_detach_that_meets_a_violation_closes_everything)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_put(&in, role, (struct frame){.opcode = 3});
    wire_send(c.fd, &in);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), EPROTO);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    CHECK_GONE(&c);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s6_detach_that_meets_the_end_closes_everything)
{
    struct conn c;
    conn_open(&c, role, 0);
    wire_end(c.fd);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(s6_detach_of_a_failed_connection_is_econnreset)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_put(&in, role, (struct frame){.opcode = 3});
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
    EXPECT_CLOSE(c.fd, role, 1002, NULL, 0);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK_GONE(&c);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s6_detach_of_an_ended_connection_is_econnreset)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    wire_end(c.fd);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
}

/*  Also when the peer has closed, but our close frame cannot go out. */
TEST_ROLES(s6_detach_whose_close_frame_fails_closes_everything)
{
    struct conn c;
    struct tap t;
    tap_conn(&c, &t, role);
    t.sends_left = 0;
    t.error = ECONNRESET;
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK_INT(t.closes, 1);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(s6_detach_with_bad_arguments_is_einval_and_closes_nothing)
{
    struct conn c;
    char reason[124];
    memset(reason, 'r', sizeof reason);
    conn_open(&c, role, 0);
    CHECK_ERR(ws_detach(c.h, 999, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 1005, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 5000, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 0, "x", 1, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 1, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 1000, "\xff", 1, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 1000, reason, sizeof reason, SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST(s6_detach_looks_at_the_handle_first)
{
    CHECK_ERR(ws_detach(-1, 999, NULL, 5, SOON), EBADF);
    CHECK_ERR(ws_detach(12345, 1000, NULL, 5, SOON), EBADF);
    CHECK_ERR(ws_detach(12345, 999, NULL, 0, SOON), EBADF);
    int s[2];
    CHECK_OK(ipc_pair(s));
    CHECK_ERR(ws_detach(s[0], 999, NULL, 5, SOON), ENOTSUP);
    hclose(s[0]);
    hclose(s[1]);
}

/*  The close frame is out; nobody gets to read another. */
TEST_ROLES(s6_detach_after_done_ignores_its_arguments)
{
    static const struct {int status; const char *buf; size_t len;} args[] = {
        {999, NULL, 0}, {1000, NULL, 5}, {0, "abc", 3}, {1000, "x", 200},
        {1000, "\xff", 1}};
    for(size_t i = 0; i != COUNT_OF(args); i++) {
        struct conn c;
        struct bytes in = {0};
        check_note("arguments %zu", i);
        conn_open(&c, role, 0);
        peer_close(&in, role, 1000, "", 0);
        bytes_str(&in, "raw");
        wire_send(c.fd, &in);
        CHECK_OK(ws_done(c.h, 1000, "bye", 3, SOON));
        EXPECT_CLOSE(c.fd, role, 1000, "bye", 3);
        int s = ws_detach(c.h, args[i].status, args[i].buf, args[i].len, SOON);
        check_detached(HERE, &c, s, errno);
        bytes_free(&in);
        conn_close(&c);
    }
}

/*  Somebody gives the handle another number while ws_detach waits: the old one
    may be anybody's by then. */
static coroutine void detach_call(int h, int *s)
{
    *s = ws_detach(h, 1000, NULL, 0, SOON);
}

TEST_ROLES(s6_detach_of_a_handle_that_is_moved_meanwhile)
{
    struct conn c;
    struct bytes in = {0};
    int s = -1;
    conn_open(&c, role, 0);
    int cr = go(detach_call(c.h, &s));
    int moved = hown(c.h);
    CHECK_OK(moved);
    peer_close(&in, role, 1000, "", 0);
    wire_send(c.fd, &in);
    bundle_wait(cr, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(moved));
    CHECK_OK(hclose(s));
    hclose(cr);
    bytes_free(&in);
    wire_close(c.fd);
}

/**** hclose ****/

TEST_ROLES(s6_hclose_closes_both_layers_and_sends_nothing)
{
    struct conn c;
    struct tap t;
    tap_conn(&c, &t, role);
    CHECK_INT(hclose(c.h), 0);
    CHECK_INT(t.closes, 1);
    CHECK_INT(t.sends, 0);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(s6_hclose_in_every_state_closes_at_once)
{
    for(int state = 0; state != 4; state++) {
        struct conn c;
        check_note("state %d", state);
        if(state & 1) conn_closed(&c, role, 1000, "", 0);
        else conn_open(&c, role, 0);
        if(state & 2) {
            CHECK_INT(ws_done(c.h, 1000, NULL, 0, SOON), 0);
            EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
        }
        int64_t start = wire_clock();
        CHECK_INT(hclose(c.h), 0);
        CHECK_RANGE(wire_clock() - start, 0, check_ms(500));
        CHECK_GONE(&c);
        conn_close(&c);
    }
}

TEST_ROLES(s6_hclose_of_a_stream_that_takes_nothing_does_not_block)
{
    struct conn c;
    char block[1000] = {0};
    conn_open(&c, role, 0);
    while(ws_send(c.h, WS_BINARY, block, sizeof block, 0) == 0);
    int64_t start = wire_clock();
    CHECK_INT(hclose(c.h), 0);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(500));
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
}

/*  A stream that can is told to take nothing back, once, before it is closed. */
TEST_ROLES(s6_hclose_has_the_stream_linger)
{
    for(int state = 0; state != 5; state++) {
        struct conn c;
        struct tap t;
        struct bytes in = {0};
        char buf[8];
        check_note("state %d", state);
        tap_conn(&c, &t, role);
        if(state == 1) CHECK_INT(ws_done(c.h, 1000, NULL, 0, SOON), 0);
        if(state == 2) peer_close(&in, role, 1000, "", 0);
        if(state == 3) peer_put(&in, role, (struct frame){.opcode = 3});
        wire_send(c.fd, &in);
        if(state == 2) CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPIPE);
        if(state == 3) CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
        CHECK_INT(t.lingers, 0);
        if(state == 4) CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, 0), ETIMEDOUT);
        else CHECK_INT(hclose(c.h), 0);
        CHECK_INT(t.lingers, 1);
        CHECK_INT(t.closes, 1);
        c.h = -1;
        bytes_free(&in);
        conn_close(&c);
    }
}

TEST_ROLES(s6_detached_stream_is_not_told_to_linger)
{
    struct conn c;
    struct tap t;
    struct bytes in = {0};
    tap_conn(&c, &t, role);
    peer_close(&in, role, 1000, "", 0);
    wire_send(c.fd, &in);
    c.h = ws_detach(c.h, 1000, NULL, 0, SOON);
    CHECK_OK(c.h);
    CHECK_INT(hclose(c.h), 0);
    CHECK_INT(t.lingers, 0);
    CHECK_INT(t.closes, 1);
    c.h = -1;
    bytes_free(&in);
    conn_close(&c);
}

static int lingers(void)
{
    int fd;
    int s = stream_open(&fd);
    int can = hquery(s, DILL_BSOCK_LINGER_TYPE) != NULL;
    hclose(s);
    wire_close(fd);
    return can;
}

/*  A peer that reads slowly and goes on sending. */
struct reader {int fd; int messages; int status; int ended;};

static coroutine void read_slowly(struct reader *r)
{
    struct got g;
    while(wire_get(r->fd, &g)) {
        if(g.opcode == OP_BINARY && g.len == 1 << 16) r->messages++;
        if(g.opcode == OP_CLOSE && g.len == 2) r->status = g.payload[0] << 8 | g.payload[1];
        got_free(&g);
        send(r->fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        msleep(now() + 2);
    }
    r->ended = 1;
}

/*  Messages that were sent, and why the connection was failed, reach it,
    though the handle is closed at once. */
TEST_ROLES(s6_hclose_takes_nothing_back_that_was_sent)
{
    enum {MESSAGES = 40};
    struct conn c;
    struct bytes in = {0};
    static char data[1 << 16];
    char buf[8];
    if(!lingers()) NA("the streams of this host do not linger");
    conn_open(&c, role, 0);
    struct reader r = {.fd = c.fd};
    int reader = go(read_slowly(&r));
    peer_put(&in, role, (struct frame){.opcode = 3});
    bytes_fill(&in, 'x', 1000);
    wire_send(c.fd, &in);
    for(int i = 0; i != MESSAGES; i++)
        CHECK_INT(ws_send(c.h, WS_BINARY, data, sizeof data, SOON), 0);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
    int64_t start = wire_clock();
    CHECK_INT(hclose(c.h), 0);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(500));
    c.h = -1;
    bundle_wait(reader, SOON);
    hclose(reader);
    CHECK(r.ended);
    CHECK_INT(r.messages, MESSAGES);
    CHECK_INT(r.status, 1002);
    bytes_free(&in);
    conn_close(&c);
}

/*  Numbers stay bounded over many rounds: leaks.c. */
TEST_ROLES(s6_old_numbers_give_ebadf)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    CHECK_INT(hclose(c.h), 0);
    CHECK_ERR(hclose(c.h), EBADF);
    CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), EBADF);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EBADF);
    CHECK_ERR(ws_done(c.h, 1000, NULL, 0, SOON), EBADF);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), EBADF);
    CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EBADF);
    CHECK_ERR(msend(c.h, "x", 1, SOON), EBADF);
    CHECK_ERR(mrecv(c.h, buf, sizeof buf, SOON), EBADF);
    c.h = -1;
    conn_close(&c);
    conn_closed(&c, role, 1000, "", 0);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    if(s != c.h) CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EBADF);
    if(s != c.h) CHECK_ERR(hclose(c.h), EBADF);
    c.h = s;
    conn_close(&c);
}
