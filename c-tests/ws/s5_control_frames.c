/*  Control frames and failure; RFC 6455, sections 5.5 and 7.1.7. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

/**** Ping and pong ****/

static void expect_pong_abc(struct conn *c)
{
    EXPECT_FRAME(c->fd, c->role, OP_PONG, "abc", 3);
    EXPECT_SILENCE(c->fd);
}

TEST_ROLES(s5_ping_is_answered_from_ws_recv)
{
    struct bytes in = {0};
    peer_ping(&in, role, "abc");
    peer_message(&in, role, OP_TEXT, "hi", 2);
    CONVERSE(role, &in, expect_pong_abc, MSG(WS_TEXT, "hi"));
    bytes_free(&in);
}

/*  The other functions that receive. */
static ssize_t by_recvl(int h, int64_t deadline)
{
    char buf[8];
    struct iolist part = {buf, sizeof buf, NULL, 0};
    return ws_recvl(h, NULL, &part, &part, deadline);
}

static ssize_t by_recvl_null(int h, int64_t deadline)
{
    return ws_recvl(h, NULL, NULL, NULL, deadline);
}

static ssize_t by_mrecv(int h, int64_t deadline)
{
    char buf[8];
    return mrecv(h, buf, sizeof buf, deadline);
}

static ssize_t by_mrecvl(int h, int64_t deadline)
{
    char buf[8];
    struct iolist part = {buf, sizeof buf, NULL, 0};
    return mrecvl(h, &part, &part, deadline);
}

TEST_ROLES(s5_ping_is_answered_from_every_receiving_call)
{
    static const struct {
        const char *name;
        ssize_t (*receive)(int h, int64_t deadline);
    } calls[] = {{"ws_recvl", by_recvl}, {"ws_recvl(NULL)", by_recvl_null},
        {"mrecv", by_mrecv}, {"mrecvl", by_mrecvl}};
    for(size_t i = 0; i != COUNT_OF(calls); i++) {
        struct conn c;
        struct bytes in = {0};
        check_note("%s", calls[i].name);
        conn_open(&c, role, WS_BINARY);
        peer_ping(&in, role, "abc");
        peer_message(&in, role, OP_BINARY, "hi", 2);
        wire_send(c.fd, &in);
        CHECK_INT(calls[i].receive(c.h, SOON), 2);
        expect_pong_abc(&c);
        bytes_free(&in);
        conn_close(&c);
    }
}

/*  An empty message, so that the call ends; a ping alone does not end it. */
TEST_ROLES(s5_ping_alone_does_not_end_a_receiving_call)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_ping(&in, role, "abc");
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
    expect_pong_abc(&c);
    bytes_free(&in);
    conn_close(&c);
}

/*  Detach answers pings only until its own close frame is out, which is the
    first thing it sends; a ping that came before is answered before. */
TEST_ROLES(s5_ping_met_by_ws_detach)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_ping(&in, role, "abc");
    peer_close(&in, role, 1000, "", 0);
    wire_send(c.fd, &in);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    c.h = s;
    EXPECT_CLOSE(c.fd, role, 1000, "", 0);
    EXPECT_SILENCE(c.fd);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s5_ping_payloads_of_every_length)
{
    struct conn c;
    char payload[125], buf[8];
    for(size_t i = 0; i != sizeof payload; i++) payload[i] = (char)(i + 100);
    conn_open(&c, role, 0);
    for(size_t n = 0; n <= sizeof payload; n++) {
        struct bytes in = {0};
        check_note("length %zu", n);
        peer_message(&in, role, OP_PING, payload, n);
        peer_message(&in, role, OP_TEXT, "hi", 2);
        wire_send(c.fd, &in);
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 2);
        EXPECT_FRAME(c.fd, role, OP_PONG, payload, n);
        bytes_free(&in);
    }
    conn_close(&c);
}

static void expect_three_pongs(struct conn *c)
{
    EXPECT_FRAME(c->fd, c->role, OP_PONG, "a", 1);
    EXPECT_FRAME(c->fd, c->role, OP_PONG, "b", 1);
    EXPECT_FRAME(c->fd, c->role, OP_PONG, "c", 1);
    EXPECT_SILENCE(c->fd);
}

/*  Nobody is sending, so none has to wait for the next. */
TEST_ROLES(s5_pings_in_a_row_are_answered_one_by_one)
{
    struct bytes in = {0};
    peer_ping(&in, role, "a");
    peer_ping(&in, role, "b");
    peer_ping(&in, role, "c");
    peer_message(&in, role, OP_TEXT, "hi", 2);
    CONVERSE(role, &in, expect_three_pongs, MSG(WS_TEXT, "hi"));
    bytes_free(&in);
}

TEST_ROLES(s5_pings_are_not_answered_behind_our_close_frame)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1000, NULL, 0, SOON), 0);
    EXPECT_CLOSE(c.fd, role, 1000, "", 0);
    peer_ping(&in, role, "abc");
    peer_message(&in, role, OP_TEXT, "hi", 2);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 2);
    EXPECT_SILENCE(c.fd);
    bytes_free(&in);
    conn_close(&c);
}

static void expect_silence_after(struct conn *c)
{
    EXPECT_SILENCE(c->fd);
}

TEST_ROLES(s5_pong_is_ignored)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_PONG, "", 0);
    peer_message(&in, role, OP_PONG, "unasked", 7);
    peer_message(&in, role, OP_TEXT, "hi", 2);
    peer_message(&in, role, OP_PONG, "", 0);
    CONVERSE(role, &in, expect_silence_after, MSG(WS_TEXT, "hi"));
    bytes_free(&in);
}

/**** Protocol violations ****/

static void expect_1002(struct conn *c)
{
    EXPECT_CLOSE(c->fd, c->role, 1002, "", 0);
    EXPECT_SILENCE(c->fd);
    CHECK_ERR(ws_send(c->h, WS_BINARY, "x", 1, SOON), EPIPE);
    CHECK_ERR(ws_done(c->h, 1000, NULL, 0, SOON), EPIPE);
    EXPECT_SILENCE(c->fd);
}

static void expect_1007(struct conn *c)
{
    EXPECT_CLOSE(c->fd, c->role, 1007, "", 0);
    EXPECT_SILENCE(c->fd);
    CHECK_ERR(ws_send(c->h, WS_BINARY, "x", 1, SOON), EPIPE);
}

/*  These bytes, fed in every way, fail the connection; what stands behind
    them makes no difference. */
static void violates_with(enum role role, struct bytes *in,
    void (*after)(struct conn *c))
{
    bytes_str(in, "\x82\x7e\xff");
    CONVERSE(role, in, after, FAILS(EPROTO), FAILS(ECONNRESET),
        FAILS(ECONNRESET));
}

static void violates(enum role role, struct frame f)
{
    struct bytes in = {0};
    peer_put(&in, role, f);
    violates_with(role, &in, expect_1002);
    bytes_free(&in);
}

TEST_ROLES(s5_reserved_bits_fail_the_connection)
{
    static const int opcodes[] = {
        OP_TEXT, OP_BINARY, OP_CONT, OP_CLOSE, OP_PING, OP_PONG};
    for(size_t i = 0; i != COUNT_OF(opcodes); i++)
        for(int rsv = 1; rsv != 8; rsv++) {
            char row[32];
            snprintf(row, sizeof row, "opcode %x, rsv %d", opcodes[i], rsv);
            check_row(row);
            violates(role, (struct frame){.opcode = opcodes[i], .rsv = rsv});
        }
    check_row(NULL);
}

TEST_ROLES(s5_reserved_bit_on_a_continuation_fails_the_connection)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_BINARY, 0, "a", 1);
    peer_put(&in, role, (struct frame){.opcode = OP_CONT, .rsv = 4});
    violates_with(role, &in, expect_1002);
    bytes_free(&in);
}

TEST_ROLES(s5_unknown_opcode_fails_the_connection)
{
    for(int opcode = 3; opcode != 16; opcode++) {
        char row[16];
        if(opcode >= 8 && opcode <= 10) continue;
        snprintf(row, sizeof row, "opcode %x", opcode);
        check_row(row);
        violates(role, (struct frame){.opcode = opcode});
        violates(role, (struct frame){.opcode = opcode, .more = 1,
            .payload = "x", .len = 1});
    }
    check_row(NULL);
}

TEST_ROLES(s5_wrong_mask_bit_fails_the_connection)
{
    static const int opcodes[] = {OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING};
    for(size_t i = 0; i != COUNT_OF(opcodes); i++) {
        struct bytes in = {0};
        char row[16];
        snprintf(row, sizeof row, "opcode %x", opcodes[i]);
        check_row(row);
        frame_put(&in, (struct frame){.opcode = opcodes[i],
            .masked = role == CLIENT, .key = {1, 2, 3, 4}});
        violates_with(role, &in, expect_1002);
        bytes_free(&in);
    }
    check_row(NULL);
}

TEST_ROLES(s5_wrong_mask_bit_on_a_continuation_fails_the_connection)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_BINARY, 0, "a", 1);
    frame_put(&in, (struct frame){.opcode = OP_CONT, .masked = role == CLIENT,
        .payload = "b", .len = 1});
    violates_with(role, &in, expect_1002);
    bytes_free(&in);
}

TEST_ROLES(s5_fragmented_control_frame_fails_the_connection)
{
    for(int opcode = OP_CLOSE; opcode <= OP_PONG; opcode++)
        violates(role, (struct frame){.opcode = opcode, .more = 1});
}

TEST_ROLES(s5_overlong_control_frame_fails_the_connection)
{
    static const struct {int form; uint64_t len;} sizes[] = {
        {16, 126}, {16, 65535}, {64, 65536}, {64, UINT64_C(1) << 62}};
    for(int opcode = OP_CLOSE; opcode <= OP_PONG; opcode++)
        for(size_t i = 0; i != COUNT_OF(sizes); i++)
            violates(role, (struct frame){.opcode = opcode,
                .form = sizes[i].form, .lie = 1, .declared = sizes[i].len});
}

TEST_ROLES(s5_control_frame_in_a_long_form_fails_the_connection)
{
    for(int opcode = OP_CLOSE; opcode <= OP_PONG; opcode++) {
        violates(role, (struct frame){.opcode = opcode, .form = 16});
        violates(role, (struct frame){.opcode = opcode, .form = 64});
    }
}

TEST_ROLES(s5_length_that_is_not_minimal_fails_the_connection)
{
    static const struct {int form; uint64_t len;} sizes[] = {
        {16, 0}, {16, 1}, {16, 125}, {64, 0}, {64, 125}, {64, 126},
        {64, 65535}};
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        char row[32];
        snprintf(row, sizeof row, "%d bits, length %d", sizes[i].form,
            (int)sizes[i].len);
        check_row(row);
        violates(role, (struct frame){.opcode = OP_BINARY,
            .form = sizes[i].form, .lie = 1, .declared = sizes[i].len});
    }
    check_row(NULL);
}

TEST_ROLES(s5_length_with_the_top_bit_fails_the_connection)
{
    violates(role, (struct frame){.opcode = OP_BINARY, .form = 64, .lie = 1,
        .declared = UINT64_C(1) << 63});
    violates(role, (struct frame){.opcode = OP_BINARY, .form = 64, .lie = 1,
        .declared = UINT64_MAX});
}

/*  The longest legal length only does not fit any buffer. */
TEST_ROLES(s5_longest_length_is_no_violation)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_put(&in, role, (struct frame){.opcode = OP_BINARY, .form = 64,
        .lie = 1, .declared = (UINT64_C(1) << 63) - 1});
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    EXPECT_SILENCE(c.fd);
    bytes_free(&in);
    conn_close(&c);
}

/*  A size that ssize_t cannot tell is never returned. */
TEST_ROLES(s5_fragments_that_add_up_to_too_much)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_part(&in, role, OP_BINARY, 0, "abc", 3);
    peer_put(&in, role, (struct frame){.opcode = OP_CONT, .form = 64,
        .lie = 1, .declared = (UINT64_C(1) << 63) - 1});
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, NULL, SIZE_MAX, BRIEFLY), -1);
    CHECK(errno == EMSGSIZE || errno == ETIMEDOUT);
    EXPECT_SILENCE(c.fd);
    bytes_free(&in);
    conn_close(&c);
}

static ssize_t discard_one(int h, int64_t deadline)
{
    return ws_recvl(h, NULL, NULL, NULL, deadline);
}

static ssize_t mdiscard_one(int h, int64_t deadline)
{
    return mrecvl(h, NULL, NULL, deadline);
}

static ssize_t detach_it(int h, int64_t deadline)
{
    return ws_detach(h, 0, NULL, 0, deadline);
}

/*  Behind a message too long for its buffer the rest is discarded. */
static ssize_t discard_the_rest(int h, int64_t deadline)
{
    char buf[2];
    CHECK_ERR(ws_recv(h, NULL, buf, sizeof buf, deadline), EMSGSIZE);
    return ws_recv(h, NULL, buf, sizeof buf, deadline);
}

/*  A message that is dropped may have any length, but for one that cannot be
    told: RFC 6455, section 7.4.1, 1009. */
TEST_ROLES(s5_dropped_message_of_no_possible_length_fails_with_1009)
{
    ssize_t (*const calls[])(int, int64_t) = {
        discard_one, mdiscard_one, discard_the_rest, detach_it};
    for(size_t i = 0; i != COUNT_OF(calls); i++) {
        struct conn c;
        struct bytes in = {0};
        check_note("call %zu", i);
        conn_open(&c, role, 0);
        peer_part(&in, role, OP_BINARY, 0, "abc", 3);
        peer_put(&in, role, (struct frame){.opcode = OP_CONT, .form = 64,
            .lie = 1, .declared = (UINT64_C(1) << 63) - 1});
        wire_send(c.fd, &in);
        CHECK_ERR(calls[i](c.h, SOON), ECONNRESET);
        if(calls[i] == detach_it) {
            EXPECT_CLOSE(c.fd, role, 0, NULL, 0);
            CHECK_GONE(&c);
        } else {
            EXPECT_CLOSE(c.fd, role, 1009, NULL, 0);
            CHECK_ERR(calls[0](c.h, SOON), ECONNRESET);
            CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), EPIPE);
        }
        bytes_free(&in);
        conn_close(&c);
    }
}

TEST_ROLES(s5_continuation_with_nothing_to_continue_fails_the_connection)
{
    struct bytes in = {0};
    violates(role, (struct frame){.opcode = OP_CONT, .payload = "x", .len = 1});
    violates(role, (struct frame){.opcode = OP_CONT, .more = 1});
    violates(role, (struct frame){.opcode = OP_CONT});
    peer_part(&in, role, OP_TEXT, 0, "a", 1);
    peer_part(&in, role, OP_CONT, 1, "b", 1);
    peer_part(&in, role, OP_CONT, 1, "c", 1);
    CONVERSE(role, &in, expect_1002, MSG(WS_TEXT, "ab"), FAILS(EPROTO),
        FAILS(ECONNRESET));
    bytes_free(&in);
}

TEST_ROLES(s5_data_frame_inside_a_fragmented_message_fails_the_connection)
{
    for(int first = OP_TEXT; first <= OP_BINARY; first++)
        for(int second = OP_TEXT; second <= OP_BINARY; second++)
            for(int fin = 0; fin != 2; fin++) {
                struct bytes in = {0};
                peer_part(&in, role, first, 0, "a", 1);
                peer_part(&in, role, second, fin, "b", 1);
                violates_with(role, &in, expect_1002);
                bytes_free(&in);
            }
}

TEST_ROLES(s5_close_frame_with_one_byte_fails_the_connection)
{
    violates(role, (struct frame){.opcode = OP_CLOSE, .payload = "\x03",
        .len = 1});
    violates(role, (struct frame){.opcode = OP_CLOSE, .payload = "",
        .len = 1});
}

TEST_ROLES(s5_close_code_not_for_the_wire_fails_the_connection)
{
    static const int codes[] = {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100,
        1999, 2000, 2999, 5000, 9999, 65535};
    for(size_t i = 0; i != COUNT_OF(codes); i++) {
        char row[16];
        uint8_t payload[4] = {
            (uint8_t)(codes[i] >> 8), (uint8_t)codes[i], 'o', 'k'};
        snprintf(row, sizeof row, "code %d", codes[i]);
        check_row(row);
        violates(role, (struct frame){.opcode = OP_CLOSE, .payload = payload,
            .len = 2});
        violates(role, (struct frame){.opcode = OP_CLOSE, .payload = payload,
            .len = 4});
    }
    check_row(NULL);
}

TEST_ROLES(s5_close_reason_that_is_not_utf8_fails_the_connection)
{
    static const char *const reasons[] = {
        "\xff", "a\xc0\x80", "\xe2\x82", "\xed\xa0\x80"};
    for(size_t i = 0; i != COUNT_OF(reasons); i++) {
        struct bytes in = {0};
        peer_close(&in, role, 1000, reasons[i], strlen(reasons[i]));
        violates_with(role, &in, expect_1007);
        bytes_free(&in);
    }
}

/*  A failed close frame is none: there is no status. */
TEST_ROLES(s5_failed_close_frame_leaves_no_status)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_close(&in, role, 1005, "", 0);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
    CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EAGAIN);
    bytes_free(&in);
    conn_close(&c);
}

static void send_violation(struct conn *c)
{
    struct bytes in = {0};
    peer_put(&in, c->role, (struct frame){.opcode = 3});
    wire_send(c->fd, &in);
    bytes_free(&in);
}

TEST_ROLES(s5_violation_behind_our_close_frame_sends_no_second_one)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    CHECK_INT(ws_done(c.h, 1001, NULL, 0, SOON), 0);
    send_violation(&c);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    EXPECT_CLOSE(c.fd, role, 1001, "", 0);
    EXPECT_SILENCE(c.fd);
    conn_close(&c);
}

TEST_ROLES(s5_violation_met_by_every_receiving_call)
{
    ssize_t (*const calls[])(int, int64_t) = {
        by_recvl, by_recvl_null, by_mrecv, by_mrecvl};
    for(size_t i = 0; i != COUNT_OF(calls); i++) {
        struct conn c;
        conn_open(&c, role, 0);
        send_violation(&c);
        CHECK_ERR(calls[i](c.h, SOON), EPROTO);
        CHECK_ERR(calls[i](c.h, SOON), ECONNRESET);
        expect_1002(&c);
        conn_close(&c);
    }
}

/*  A peer that does not read is not waited for longer than the deadline. */
TEST_ROLES(s5_failure_does_not_block_on_a_peer_that_does_not_read)
{
    struct conn c;
    char buf[8], block[1000] = {0};
    conn_open(&c, role, 0);
    while(ws_send(c.h, WS_BINARY, block, sizeof block, 0) == 0);
    send_violation(&c);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, now() + 200), EPROTO);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(600));
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    conn_close(&c);
}

/*  The second that the close frame may take is one for all calls. */
TEST_ROLES(s5_failure_blocks_no_call_after_its_second)
{
    struct conn c;
    char buf[8], block[1000] = {0};
    conn_open(&c, role, 0);
    while(ws_send(c.h, WS_BINARY, block, sizeof block, 0) == 0);
    send_violation(&c);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, -1), EPROTO);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(1500));
    start = wire_clock();
    for(int i = 0; i != 3; i++) {
        CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, -1), ECONNRESET);
        CHECK_INT(ws_send(c.h, WS_TEXT, "x", 1, -1), -1);
    }
    CHECK_ERR(ws_detach(c.h, 0, NULL, 0, -1), ECONNRESET);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(500));
    wire_close(c.fd);
}

/**** The end of the stream ****/

TEST_ROLES(s5_stream_that_ends_without_close_frame_is_econnreset)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_TEXT, 0, "ab", 2);
    peer_ping(&in, role, "abc");
    peer_part(&in, role, OP_CONT, 1, "cd", 2);
    struct bytes rest = in;
    for(rest.n = 0; rest.n != in.n; rest.n++) {
        struct conn c;
        static const struct want wants[] = {FAILS(ECONNRESET),
            FAILS(ECONNRESET), FAILS(ECONNRESET), UNTIL_HERE};
        check_note("ends behind %zu bytes", rest.n);
        conn_open(&c, role, 0);
        wire_send(c.fd, &rest);
        wire_end(c.fd);
        check_receives(HERE, &c, wants);
        CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EAGAIN);
        conn_close(&c);
    }
    bytes_free(&in);
}

TEST_ROLES(s5_stream_that_ends_behind_a_message)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "last", 4);
    CONVERSE_TO_END(role, &in, NULL, MSG(WS_TEXT, "last"), FAILS(ECONNRESET),
        FAILS(ECONNRESET));
    bytes_free(&in);
}

TEST_ROLES(s5_stream_that_breaks_is_econnreset)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    wire_close(c.fd);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    CHECK_INT(hclose(c.h), 0);
}
