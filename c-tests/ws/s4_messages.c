/*  Messages; ws_send(3), ws_recv(3), and RFC 6455, section 5.4. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/*  Bytes that tell their place, without a short period. */
static uint8_t *pattern(size_t n)
{
    uint8_t *p = malloc(n ? n : 1);
    for(size_t i = 0; i != n; i++) p[i] = (uint8_t)(i * 7 + i / 251);
    return p;
}

static const size_t lengths[] = {
    0, 1, 2, 3, 7, 8, 124, 125, 126, 127, 1000, 4095, 4096, 65535, 65536,
    65537, 1 << 20};

/**** Frames sent ****/

static void check_sent(struct conn *c, const uint8_t *data, size_t n)
{
    struct taker t;
    taker_start(&t, c->fd);
    CHECK_INT(ws_send(c->h, WS_BINARY, data, n, SOON), 0);
    taker_finish(&t);
    REQUIRE(t.came);
    CHECK_INT(t.got.fin, 1);
    CHECK_INT(t.got.rsv, 0);
    CHECK_INT(t.got.opcode, OP_BINARY);
    CHECK_INT(t.got.masked, c->role == CLIENT);
    CHECK_INT(t.got.form, n <= 125 ? 7 : n <= 65535 ? 16 : 64);
    CHECK_BYTES(t.got.payload, t.got.len, data, n);
    got_free(&t.got);
}

TEST_ROLES(s4_frames_sent_at_every_length_form)
{
    struct conn c;
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(lengths); i++) {
        uint8_t *data = pattern(lengths[i]);
        check_note("length %zu", lengths[i]);
        check_sent(&c, data, lengths[i]);
        free(data);
    }
    EXPECT_SILENCE(c.fd);
    conn_close(&c);
}

TEST(s4_server_frames_are_these_bytes)
{
    struct conn c;
    uint8_t got[16];
    conn_open(&c, SERVER, 0);
    CHECK_INT(ws_send(c.h, WS_TEXT, "Hello", 5, SOON), 0);
    CHECK_INT(wire_read(c.fd, got, 7, WIRE_PATIENCE), 7);
    CHECK_BYTES(got, 7, "\x81\x05Hello", 7);
    CHECK_INT(ws_send(c.h, WS_BINARY, "", 0, SOON), 0);
    CHECK_INT(wire_read(c.fd, got, 2, WIRE_PATIENCE), 2);
    CHECK_BYTES(got, 2, "\x82\x00", 2);
    EXPECT_SILENCE(c.fd);
    conn_close(&c);
}

TEST(s4_client_frames_are_masked_with_a_fresh_key_each)
{
    enum {FRAMES = 300};
    static uint8_t keys[FRAMES][4];
    struct conn c;
    int same[4] = {0};
    conn_open(&c, CLIENT, 0);
    for(int i = 0; i != FRAMES; i++) {
        struct got g = {0};
        CHECK_INT(ws_send(c.h, WS_TEXT, "key?", 4, SOON), 0);
        REQUIRE(wire_get(c.fd, &g));
        CHECK_INT(g.masked, 1);
        CHECK_BYTES(g.payload, g.len, "key?", 4);
        memcpy(keys[i], g.key, 4);
        got_free(&g);
        for(int j = 0; j != i; j++) CHECK(memcmp(keys[i], keys[j], 4) != 0);
        for(int b = 0; i && b != 4; b++) same[b] += keys[i][b] == keys[i - 1][b];
    }
    /* Each byte of the key changes on its own: by chance 1 in 256 does not. */
    for(int b = 0; b != 4; b++) CHECK_RANGE(same[b], 0, 20);
    conn_close(&c);
}

/*  A process is made with or without handlers, or by the kernel alone. */
static pid_t by_fork(void) {return fork();}
static pid_t by_fork_without_handlers(void) {return _Fork();}
static pid_t by_the_system(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/*  First a child of the child's sends, then the child; its exit status. */
static int send_in_child(int h, pid_t (*new_process)(void))
{
    pid_t pid = new_process();
    if(pid == 0) _exit(ws_send(h, WS_TEXT, "third", 5, 0) == 0 ? 0 : 1);
    waitpid(pid, NULL, 0);
    return ws_send(h, WS_TEXT, "second", 6, 0) == 0 ? 0 : 1;
}

/*  No child must draw the keys that its parent draws. */
TEST(s4_client_keys_are_not_shared_with_a_forked_child)
{
    static pid_t (*const ways[])(void) = {
        by_fork, by_fork_without_handlers, by_the_system};
    for(size_t i = 0; i != COUNT_OF(ways); i++) {
        struct conn c;
        struct got third = {0}, second = {0}, first = {0};
        check_note("way %zu", i);
        conn_open(&c, CLIENT, 0);
        CHECK_INT(ws_send(c.h, WS_TEXT, "before", 6, SOON), 0);
        EXPECT_FRAME(c.fd, CLIENT, OP_TEXT, "before", 6);
        fflush(stdout);
        pid_t pid = ways[i]();
        if(pid == 0) _exit(send_in_child(c.h, ways[i]));
        waitpid(pid, NULL, 0);
        CHECK_INT(ws_send(c.h, WS_TEXT, "first", 5, SOON), 0);
        REQUIRE(wire_get(c.fd, &third) && wire_get(c.fd, &second) &&
            wire_get(c.fd, &first));
        CHECK_BYTES(third.payload, third.len, "third", 5);
        CHECK_BYTES(second.payload, second.len, "second", 6);
        CHECK_BYTES(first.payload, first.len, "first", 5);
        CHECK(memcmp(third.key, second.key, 4) != 0);
        CHECK(memcmp(third.key, first.key, 4) != 0);
        CHECK(memcmp(second.key, first.key, 4) != 0);
        got_free(&third);
        got_free(&second);
        got_free(&first);
        conn_close(&c);
    }
}

TEST_ROLES(s4_the_callers_buffer_is_never_written_to)
{
    struct conn c;
    size_t n = 8192;
    uint8_t *data = pattern(n);
    uint8_t *page = mmap(NULL, n, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    memcpy(page, data, n);
    mprotect(page, n, PROT_READ);
    struct iolist second = {page + 5, n - 5, NULL, 0};
    struct iolist first = {page, 5, &second, 0};
    conn_open(&c, role, 0);
    CHECK_INT(ws_send(c.h, WS_BINARY, page, n, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, data, n);
    CHECK_INT(ws_sendl(c.h, WS_BINARY, &first, &second, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, data, n);
    CHECK_INT(ws_done(c.h, 1000, page, 0, SOON), 0);
    CHECK_BYTES(page, n, data, n);
    munmap(page, n);
    free(data);
    conn_close(&c);
}

/*  Masks go by the place in the message, not in the list element. */
TEST_ROLES(s4_list_elements_of_every_length_are_one_frame)
{
    struct conn c;
    uint8_t *data = pattern(24);
    conn_open(&c, role, 0);
    for(size_t a = 0; a <= 9; a++) {
        for(size_t b = 0; b <= 9; b++) {
            struct iolist e[4] = {{data, a, &e[1], 0},
                {data + a, b, &e[2], 0}, {NULL, 0, &e[3], 0},
                {data + a + b, 5, NULL, 0}};
            check_note("elements of %zu, %zu, 0 and 5", a, b);
            CHECK_INT(ws_sendl(c.h, WS_BINARY, &e[0], &e[3], SOON), 0);
            EXPECT_FRAME(c.fd, role, OP_BINARY, data, a + b + 5);
        }
    }
    free(data);
    conn_close(&c);
}

static void drain_all(int fd, size_t n)
{
    uint8_t *buf = malloc(n);
    CHECK_INT(wire_read(fd, buf, n, WIRE_PATIENCE), n);
    free(buf);
}

static coroutine void drain_run(int fd, size_t n)
{
    drain_all(fd, n);
}

TEST_ROLES(s4_header_and_payload_leave_in_few_sends)
{
    for(size_t i = 0; i != COUNT_OF(lengths); i++) {
        struct conn c;
        struct tap t;
        size_t n = lengths[i];
        size_t frame = n + (n <= 125 ? 2 : n <= 65535 ? 4 : 10) +
            (role == CLIENT ? 4 : 0);
        uint8_t *data = pattern(n);
        check_note("length %zu", n);
        tap_conn(&c, &t, role);
        int drain = go(drain_run(c.fd, frame));
        CHECK_INT(ws_send(c.h, WS_BINARY, data, n, SOON), 0);
        bundle_wait(drain, SOON);
        hclose(drain);
        CHECK_INT(t.sent, frame);
        CHECK_RANGE(t.sends, 1,
            role == SERVER ? 1 : (long long)(frame + 65535) / 65536);
        free(data);
        conn_close(&c);
    }
}

/**** Messages received ****/

TEST_ROLES(s4_messages_arrive)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "Hello", 5);
    peer_message(&in, role, OP_BINARY, "\0\xff\x80", 3);
    peer_message(&in, role, OP_TEXT, "", 0);
    CONVERSE(role, &in, NULL, MSG(WS_TEXT, "Hello"),
        MSG(WS_BINARY, "\0\xff\x80"), MSG(WS_TEXT, ""));
    bytes_free(&in);
}

TEST_ROLES(s4_messages_arrive_at_every_length_form)
{
    struct conn c;
    uint8_t *buf = malloc((1 << 20) + 1);
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(lengths); i++) {
        struct bytes in = {0};
        uint8_t *data = pattern(lengths[i]);
        check_note("length %zu", lengths[i]);
        peer_message(&in, role, OP_BINARY, data, lengths[i]);
        struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
        feed_start(&f);
        memset(buf, '#', lengths[i] + 1);
        CHECK_INT(ws_recv(c.h, NULL, buf, lengths[i], SOON), lengths[i]);
        CHECK_BYTES(buf, lengths[i], data, lengths[i]);
        CHECK_INT(buf[lengths[i]], '#');
        feed_finish(&f);
        bytes_free(&in);
        free(data);
    }
    free(buf);
    conn_close(&c);
}

TEST_ROLES(s4_lengths_around_a_form_survive_every_cut)
{
    static const size_t short_lengths[] = {125, 126, 127};
    for(size_t i = 0; i != COUNT_OF(short_lengths); i++) {
        size_t n = short_lengths[i];
        struct bytes in = {0};
        uint8_t *data = pattern(n);
        peer_message(&in, role, OP_BINARY, data, n);
        CONVERSE(role, &in, NULL, MSGN(WS_BINARY, data, n));
        bytes_free(&in);
        free(data);
    }
}

TEST_ROLES(s4_fragmented_message_is_delivered_whole)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_TEXT, 0, "ab", 2);
    peer_part(&in, role, OP_CONT, 0, "cde", 3);
    peer_part(&in, role, OP_CONT, 1, "f", 1);
    peer_part(&in, role, OP_BINARY, 0, "gh", 2);
    peer_part(&in, role, OP_CONT, 1, "ij", 2);
    peer_message(&in, role, OP_TEXT, "k", 1);
    CONVERSE(role, &in, NULL, MSG(WS_TEXT, "abcdef"), MSG(WS_BINARY, "ghij"),
        MSG(WS_TEXT, "k"));
    bytes_free(&in);
}

/*  Every way to lay a message of five, in three fragments, into three list
    elements and a rest that stays untouched. */
static void receive_laid_out(struct conn *c, size_t f1, size_t f2, size_t e1,
    size_t e2)
{
    struct bytes in = {0};
    char out[3][8];
    struct iolist e[3] = {{out[0], e1, &e[1], 0}, {out[1], e2, &e[2], 0},
        {out[2], 8, NULL, 0}};
    memset(out, '#', sizeof out);
    peer_part(&in, c->role, OP_BINARY, 0, "abcde", f1);
    peer_part(&in, c->role, OP_CONT, 0, &"abcde"[f1], f2);
    peer_part(&in, c->role, OP_CONT, 1, &"abcde"[f1 + f2], 5 - f1 - f2);
    wire_send(c->fd, &in);
    CHECK_INT(ws_recvl(c->h, NULL, &e[0], &e[2], SOON), 5);
    char whole[5];
    memcpy(whole, out[0], e1);
    memcpy(whole + e1, out[1], e2);
    memcpy(whole + e1 + e2, out[2], 5 - e1 - e2);
    CHECK_BYTES(whole, 5, "abcde", 5);
    CHECK_INT(out[0][e1], '#');
    CHECK_INT(out[1][e2], '#');
    CHECK_INT(out[2][5 - e1 - e2], '#');
    bytes_free(&in);
}

TEST_ROLES(s4_fragments_and_list_elements_meet_at_every_place)
{
    struct conn c;
    conn_open(&c, role, 0);
    for(size_t f1 = 0; f1 <= 5; f1++)
        for(size_t f2 = 0; f1 + f2 <= 5; f2++)
            for(size_t e1 = 0; e1 <= 5; e1++)
                for(size_t e2 = 0; e1 + e2 <= 5; e2++) {
                    check_note("fragments %zu %zu, elements %zu %zu", f1, f2,
                        e1, e2);
                    receive_laid_out(&c, f1, f2, e1, e2);
                }
    conn_close(&c);
}

static void expect_pong(struct conn *c)
{
    EXPECT_FRAME(c->fd, c->role, OP_PONG, "png", 3);
}

TEST_ROLES(s4_control_frame_between_fragments)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_TEXT, 0, "Hel", 3);
    peer_ping(&in, role, "png");
    peer_part(&in, role, OP_CONT, 0, "l", 1);
    peer_message(&in, role, OP_PONG, "unasked", 7);
    peer_part(&in, role, OP_CONT, 1, "o", 1);
    peer_message(&in, role, OP_TEXT, "next", 4);
    CONVERSE(role, &in, expect_pong, MSG(WS_TEXT, "Hello"),
        MSG(WS_TEXT, "next"));
    bytes_free(&in);
}

TEST_ROLES(s4_close_frame_between_fragments_ends_the_connection)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_TEXT, 0, "Hel", 3);
    peer_close(&in, role, 1001, "away", 4);
    CONVERSE(role, &in, NULL, FAILS(EPIPE), FAILS(EPIPE));
    bytes_free(&in);
}

TEST_ROLES(s4_empty_messages_and_fragments)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "", 0);
    peer_part(&in, role, OP_BINARY, 0, "", 0);
    peer_part(&in, role, OP_CONT, 1, "", 0);
    peer_part(&in, role, OP_TEXT, 0, "", 0);
    peer_part(&in, role, OP_CONT, 0, "a", 1);
    peer_part(&in, role, OP_CONT, 0, "", 0);
    peer_part(&in, role, OP_CONT, 1, "", 0);
    peer_message(&in, role, OP_BINARY, "", 0);
    CONVERSE(role, &in, NULL, MSG(WS_TEXT, ""), MSG(WS_BINARY, ""),
        MSG(WS_TEXT, "a"), MSG(WS_BINARY, ""));
    bytes_free(&in);
}

TEST_ROLES(s4_empty_message_into_an_empty_buffer)
{
    struct conn c;
    struct bytes in = {0};
    struct iolist none = {0};
    char byte;
    conn_open(&c, role, 0);
    for(int i = 0; i != 4; i++) peer_message(&in, role, OP_TEXT, "", 0);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, NULL, 0, SOON), 0);
    CHECK_INT(ws_recv(c.h, NULL, &byte, 0, SOON), 0);
    CHECK_INT(ws_recvl(c.h, NULL, &none, &none, SOON), 0);
    CHECK_INT(ws_recvl(c.h, NULL, NULL, NULL, SOON), 0);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s4_flags_may_be_null)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    struct iolist part = {buf, sizeof buf, NULL, 0};
    int flags = 77;
    conn_open(&c, role, 0);
    for(int i = 0; i != 3; i++) peer_message(&in, role, OP_TEXT, "abc", 3);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 3);
    CHECK_INT(ws_recvl(c.h, NULL, &part, &part, SOON), 3);
    CHECK_INT(ws_recv(c.h, &flags, buf, sizeof buf, SOON), 3);
    CHECK_INT(flags, WS_TEXT);
    bytes_free(&in);
    conn_close(&c);
}

/**** Messages longer than the buffer ****/

/*  Receives `in` with a buffer of four: EMSGSIZE, then the next message. */
static void receive_overlong(enum role role, const struct bytes *in,
    size_t kind)
{
    struct conn c;
    char buf[8] = "########";
    struct iolist part = {buf, 4, NULL, 0};
    conn_open(&c, role, 0);
    struct feed f = {.fd = c.fd, .p = in->p, .n = in->n, .kind = kind};
    feed_start(&f);
    feed_note(kind, in->n);
    CHECK_ERR(ws_recv(c.h, NULL, buf, 4, SOON), EMSGSIZE);
    CHECK_BYTES(buf + 4, 4, "####", 4);
    CHECK_INT(ws_recv(c.h, NULL, buf, 4, SOON), 4);
    CHECK_BYTES(buf, 8, "next####", 8);
    CHECK_ERR(ws_recvl(c.h, NULL, &part, &part, SOON), EMSGSIZE);
    CHECK_ERR(ws_recv(c.h, NULL, NULL, 0, SOON), EMSGSIZE);
    CHECK_INT(ws_recv(c.h, NULL, buf, 4, SOON), 4);
    CHECK_BYTES(buf, 8, "last####", 8);
    feed_finish(&f);
    EXPECT_FRAME(c.fd, role, OP_PONG, "", 0);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s4_overlong_message_is_emsgsize_and_the_next_one_arrives)
{
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "12345", 5);
    peer_message(&in, role, OP_TEXT, "next", 4);
    peer_part(&in, role, OP_BINARY, 0, "123", 3);
    peer_ping(&in, role, "");
    peer_part(&in, role, OP_CONT, 0, "4567890", 7);
    peer_part(&in, role, OP_CONT, 1, "x", 1);
    peer_message(&in, role, OP_TEXT, "1", 1);
    peer_message(&in, role, OP_BINARY, "last", 4);
    for(size_t kind = 0; kind != feed_kinds(in.n) && !check_failed(); kind++)
        receive_overlong(role, &in, kind);
    bytes_free(&in);
}

TEST_ROLES(s4_overlong_message_of_a_megabyte)
{
    struct conn c;
    struct bytes in = {0};
    char buf[4];
    uint8_t *data = pattern(1 << 20);
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_BINARY, data, 1 << 20);
    peer_message(&in, role, OP_TEXT, "next", 4);
    struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
    feed_start(&f);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 4);
    CHECK_BYTES(buf, 4, "next", 4);
    feed_finish(&f);
    bytes_free(&in);
    free(data);
    conn_close(&c);
}

/*  The call that says EMSGSIZE does not wait for the rest; the next one does,
    under its own deadline. */
TEST_ROLES(s4_overlong_message_is_discarded_by_the_next_call)
{
    struct conn c;
    struct bytes in = {0};
    char buf[4];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_BINARY, "0123456789", 10);
    wire_write(c.fd, in.p, in.n - 5);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, now() + 100), ETIMEDOUT);
    CHECK_RANGE(wire_clock() - start, 80, check_ms(1000));
    wire_write(c.fd, in.p + in.n - 5, 5);
    if(host_keeps_streams()) CHECK_INTACT(&c);
    else CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    bytes_free(&in);
    conn_close(&c);
}

/**** mrecv and the type ****/

TEST_ROLES(s4_mrecv_meets_the_other_type)
{
    for(int text = 0; text != 2; text++) {
        struct conn c;
        struct bytes in = {0};
        char buf[8];
        struct iolist part = {buf, sizeof buf, NULL, 0};
        int own = text ? OP_TEXT : OP_BINARY;
        int other = text ? OP_BINARY : OP_TEXT;
        check_note(text ? "text" : "binary");
        conn_open(&c, role, text ? WS_TEXT : WS_BINARY);
        peer_message(&in, role, other, "other", 5);
        peer_message(&in, role, own, "own", 3);
        peer_part(&in, role, other, 0, "ot", 2);
        peer_part(&in, role, OP_CONT, 1, "her", 3);
        peer_message(&in, role, other, "other", 5);
        peer_message(&in, role, own, "own", 3);
        wire_send(c.fd, &in);
        CHECK_ERR(mrecv(c.h, buf, sizeof buf, SOON), EPROTO);
        CHECK_INT(mrecv(c.h, buf, sizeof buf, SOON), 3);
        CHECK_ERR(mrecvl(c.h, &part, &part, SOON), EPROTO);
        CHECK_ERR(mrecvl(c.h, NULL, NULL, SOON), EPROTO);
        CHECK_INT(mrecv(c.h, buf, sizeof buf, SOON), 3);
        CHECK_BYTES(buf, 3, "own", 3);
        EXPECT_SILENCE(c.fd);
        CHECK_INTACT(&c);
        bytes_free(&in);
        conn_close(&c);
    }
}

/**** UTF-8 ****/

/*  Well-formed, at the edges of every length and of the gaps. */
static const char *const valid_text[] = {
    "", "ascii", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    "a\xf0\x9f\x98\x80z\xe2\x82\xac"};

/*  Not well-formed: RFC 3629, section 4. */
static const char *const invalid_text[] = {
    "\x80", "\xbf", "a\xff", "\xfe", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
    "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80", "\xc2", "\xc2z", "\xe2\x82", "\xe2\x82z", "\xe2z",
    "\xf0\x9f\x98", "\xf0\x9f\x98z", "\xf0z", "ok\xe2\x82\xac\xed\xa0\x80",
    "\xc2\x80\x80", "0123456789abcdef0123456789abcdef\x80"};

TEST_ROLES(s4_utf8_text_arrives)
{
    for(size_t i = 0; i != COUNT_OF(valid_text); i++) {
        const char *text = valid_text[i];
        size_t n = strlen(text);
        for(size_t cut = 0; cut <= n; cut++) {
            struct bytes in = {0};
            peer_part(&in, role, OP_TEXT, 0, text, cut);
            peer_part(&in, role, OP_CONT, 1, text + cut, n - cut);
            CONVERSE(role, &in, NULL, MSGN(WS_TEXT, text, n));
            bytes_free(&in);
        }
    }
}

TEST_ROLES(s4_utf8_is_checked_across_list_elements)
{
    struct conn c;
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(valid_text); i++) {
        const char *text = valid_text[i];
        size_t n = strlen(text);
        for(size_t cut = 0; cut <= n; cut++) {
            struct bytes in = {0};
            char out[64];
            struct iolist e[2] = {
                {out, cut, &e[1], 0}, {out + cut, sizeof out - cut, NULL, 0}};
            peer_message(&in, role, OP_TEXT, text, n);
            wire_send(c.fd, &in);
            CHECK_INT(ws_recvl(c.h, NULL, &e[0], &e[1], SOON), n);
            CHECK_BYTES(out, n, text, n);
            bytes_free(&in);
        }
    }
    conn_close(&c);
}

static void expect_1007(struct conn *c)
{
    EXPECT_CLOSE(c->fd, c->role, 1007, "", 0);
    EXPECT_SILENCE(c->fd);
    CHECK_ERR(ws_send(c->h, WS_BINARY, "x", 1, SOON), EPIPE);
}

TEST_ROLES(s4_text_that_is_not_utf8_fails_the_connection_with_1007)
{
    for(size_t i = 0; i != COUNT_OF(invalid_text) && !check_failed(); i++) {
        const char *text = invalid_text[i];
        struct bytes in = {0};
        char row[16];
        snprintf(row, sizeof row, "text %zu", i);
        check_row(row);
        peer_message(&in, role, OP_TEXT, text, strlen(text));
        CONVERSE(role, &in, expect_1007, FAILS(EPROTO), FAILS(ECONNRESET),
            FAILS(ECONNRESET));
        bytes_free(&in);
    }
}

TEST_ROLES(s4_text_that_is_not_utf8_in_fragments_fails_with_1007)
{
    for(size_t i = 0; i != COUNT_OF(invalid_text) && !check_failed(); i++) {
        const char *text = invalid_text[i];
        size_t n = strlen(text);
        for(size_t cut = 0; cut <= n && !check_failed(); cut++) {
            struct bytes in = {0};
            struct conn c;
            check_note("text %zu, fragments %zu and %zu", i, cut, n - cut);
            conn_open(&c, role, 0);
            peer_part(&in, role, OP_TEXT, 0, text, cut);
            peer_ping(&in, role, "");
            peer_part(&in, role, OP_CONT, 1, text + cut, n - cut);
            wire_send(c.fd, &in);
            char buf[64];
            CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
            CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
            bytes_free(&in);
            conn_close(&c);
        }
    }
}

/*  What is thrown away is text all the same. */
TEST_ROLES(s4_discarded_text_is_checked_too)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "a\xff", 2);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recvl(c.h, NULL, NULL, NULL, SOON), EPROTO);
    expect_1007(&c);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s4_binary_is_not_checked)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_BINARY, 0, "\xff\xfe", 2);
    peer_part(&in, role, OP_CONT, 1, "\xc0", 1);
    CONVERSE(role, &in, NULL, MSG(WS_BINARY, "\xff\xfe\xc0"));
    bytes_free(&in);
}

/*  Sends the text through all four functions, the lists cut at `cut`. */
static void send_text(struct conn *c, const char *text, size_t cut, int valid)
{
    size_t n = strlen(text);
    struct iolist e[2] = {{(char*)text, cut, &e[1], 0},
        {(char*)text + cut, n - cut, NULL, 0}};
    if(valid) {
        CHECK_INT(ws_send(c->h, WS_TEXT, text, n, SOON), 0);
        CHECK_INT(ws_sendl(c->h, WS_TEXT, &e[0], &e[1], SOON), 0);
        CHECK_INT(msend(c->h, text, n, SOON), 0);
        CHECK_INT(msendl(c->h, &e[0], &e[1], SOON), 0);
        for(int i = 0; i != 4; i++)
            EXPECT_FRAME(c->fd, c->role, OP_TEXT, text, n);
    } else {
        CHECK_ERR(ws_send(c->h, WS_TEXT, text, n, SOON), EINVAL);
        CHECK_ERR(ws_sendl(c->h, WS_TEXT, &e[0], &e[1], SOON), EINVAL);
        CHECK_ERR(msend(c->h, text, n, SOON), EINVAL);
        CHECK_ERR(msendl(c->h, &e[0], &e[1], SOON), EINVAL);
    }
}

static void send_texts(struct conn *c, const char *const *texts, size_t count,
    int valid)
{
    for(size_t i = 0; i != count; i++)
        for(size_t cut = 0; cut <= strlen(texts[i]); cut++) {
            check_note("text %zu, cut at %zu", i, cut);
            send_text(c, texts[i], cut, valid);
        }
}

TEST_ROLES(s4_text_that_is_not_utf8_is_not_sent)
{
    struct conn c;
    conn_open(&c, role, WS_TEXT);
    send_texts(&c, invalid_text, COUNT_OF(invalid_text), 0);
    EXPECT_SILENCE(c.fd);
    CHECK_INT(ws_send(c.h, WS_BINARY, "\xff", 1, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, "\xff", 1);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s4_text_that_is_utf8_is_sent)
{
    struct conn c;
    conn_open(&c, role, WS_TEXT);
    send_texts(&c, valid_text, COUNT_OF(valid_text), 1);
    conn_close(&c);
}

/**** Interrupted receiving ****/

/*  A conversation with every kind of header, cut at every byte. */
static void put_talk(struct bytes *in, enum role role, const uint8_t *data)
{
    peer_part(in, role, OP_TEXT, 0, "\xe2\x82", 2);
    peer_ping(in, role, "png");
    peer_part(in, role, OP_CONT, 0, "", 0);
    peer_part(in, role, OP_CONT, 1, "\xac!", 2);
    peer_message(in, role, OP_BINARY, data, 130);
}

/*  Two calls whose deadline passes, with the caller's buffer or with others
    that are gone afterwards. */
static void receive_in_vain(struct conn *c, uint8_t *buf, int other_buffers)
{
    for(int i = 0; i != 2; i++) {
        uint8_t other[256];
        CHECK_ERR(ws_recv(c->h, NULL, other_buffers ? other : buf, 256, 0),
            ETIMEDOUT);
        memset(other, '!', sizeof other);
    }
}

static void receive_this(struct conn *c, uint8_t *buf, int type,
    const void *want, size_t len)
{
    int flags = -1;
    ssize_t n = ws_recv(c->h, &flags, buf, 256, SOON);
    check_ok(HERE, "ws_recv", n, errno);
    CHECK_INT(flags, type);
    CHECK_BYTES(buf, n < 0 ? 0 : (size_t)n, want, len);
}

static void resume_at(enum role role, const struct bytes *in, size_t cut,
    const uint8_t *data, int other_buffers)
{
    struct conn c;
    uint8_t buf[256];
    size_t second = in->n - 130 - (role == SERVER ? 8 : 4);
    conn_open(&c, role, 0);
    wire_write(c.fd, in->p, cut);
    if(cut >= second) receive_this(&c, buf, WS_TEXT, "\xe2\x82\xac!", 4);
    receive_in_vain(&c, buf, other_buffers);
    wire_write(c.fd, in->p + cut, in->n - cut);
    if(cut < second) receive_this(&c, buf, WS_TEXT, "\xe2\x82\xac!", 4);
    receive_this(&c, buf, WS_BINARY, data, 130);
    EXPECT_FRAME(c.fd, role, OP_PONG, "png", 3);
    CHECK_INTACT(&c);
    conn_close(&c);
}

static void resume_everywhere(enum role role, int other_buffers)
{
    struct bytes in = {0};
    uint8_t *data = pattern(130);
    put_talk(&in, role, data);
    for(size_t cut = 0; cut != in.n && !check_failed(); cut++) {
        check_note("interrupted behind %zu bytes", cut);
        resume_at(role, &in, cut, data, other_buffers);
    }
    bytes_free(&in);
    free(data);
}

/*  On a host whose streams break at a timeout. */
static void break_everywhere(enum role role)
{
    struct bytes in = {0};
    uint8_t *data = pattern(130);
    uint8_t buf[256];
    put_talk(&in, role, data);
    /* Within the first message. */
    for(size_t cut = 0; cut != in.n - 140 && !check_failed(); cut++) {
        struct conn c;
        check_note("interrupted behind %zu bytes", cut);
        conn_open(&c, role, 0);
        wire_write(c.fd, in.p, cut);
        CHECK_ERR(ws_recv(c.h, NULL, buf, 256, 0), ETIMEDOUT);
        wire_write(c.fd, in.p + cut, in.n - cut);
        CHECK_ERR(ws_recv(c.h, NULL, buf, 256, SOON), ECONNRESET);
        CHECK_ERR(ws_recv(c.h, NULL, buf, 256, SOON), ECONNRESET);
        conn_close(&c);
    }
    bytes_free(&in);
    free(data);
}

TEST_ROLES(s4_timeout_anywhere_in_a_message_loses_nothing)
{
    if(host_keeps_streams()) resume_everywhere(role, 0);
    else break_everywhere(role);
}

TEST_ROLES(s4_timeout_and_retry_with_another_buffer_loses_nothing)
{
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    resume_everywhere(role, 1);
}

TEST_ROLES(s4_timeout_with_a_short_wait_is_the_same)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "hello", 5);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
    wire_send(c.fd, &in);
    if(host_keeps_streams()) {
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 5);
        CHECK_BYTES(buf, 5, "hello", 5);
    } else {
        CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    }
    /* Sending is not affected. */
    CHECK_INT(ws_send(c.h, WS_TEXT, "x", 1, SOON), 0);
    bytes_free(&in);
    conn_close(&c);
}

/*  A retry may want fewer bytes than have come by then. */
TEST_ROLES(s4_timeout_and_retry_with_too_small_a_buffer_is_emsgsize)
{
    struct conn c;
    struct bytes in = {0};
    char buf[16];
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    conn_open(&c, role, 0);
    peer_part(&in, role, OP_TEXT, 0, "abcdef", 6);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, 0), ETIMEDOUT);
    memset(buf, '#', sizeof buf);
    CHECK_ERR(ws_recv(c.h, NULL, buf, 3, SOON), EMSGSIZE);
    CHECK_INT(buf[3], '#');
    in.n = 0;
    peer_part(&in, role, OP_CONT, 1, "g", 1);
    wire_send(c.fd, &in);
    CHECK_INTACT(&c);
    bytes_free(&in);
    conn_close(&c);
}

/*  What a discarding call has thrown away, a later one cannot deliver: it
    may only say so or go on discarding. */
TEST_ROLES(s4_timeout_while_discarding_goes_on_discarding)
{
    struct conn c;
    struct bytes in = {0};
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_BINARY, "0123456789", 10);
    wire_write(c.fd, in.p, in.n - 4);
    CHECK_ERR(ws_recvl(c.h, NULL, NULL, NULL, 0), ETIMEDOUT);
    wire_write(c.fd, in.p + in.n - 4, 4);
    CHECK_INT(ws_recvl(c.h, NULL, NULL, NULL, SOON), 10);
    CHECK_INTACT(&c);
    bytes_free(&in);
    conn_close(&c);
}

struct receiver {int h; ssize_t n; int err; char buf[16];};

static coroutine void receive_run(struct receiver *r)
{
    r->n = ws_recv(r->h, NULL, r->buf, sizeof r->buf, -1);
    r->err = errno;
}

static void cancel_at(enum role role, const struct bytes *in, size_t cut)
{
    struct conn c;
    struct receiver r;
    conn_open(&c, role, 0);
    wire_write(c.fd, in->p, cut);
    r = (struct receiver){.h = c.h};
    int cr = go(receive_run(&r));
    settle();
    hclose(cr);
    check_err(HERE, "ws_recv", r.n, r.err, ECANCELED);
    wire_write(c.fd, in->p + cut, in->n - cut);
    ssize_t n = ws_recv(c.h, NULL, r.buf, sizeof r.buf, SOON);
    if(host_keeps_streams()) {
        check_ok(HERE, "ws_recv after a cancelled one", n, errno);
        CHECK_BYTES(r.buf, n < 0 ? 0 : (size_t)n, "hello", 5);
    } else {
        check_err(HERE, "ws_recv after a cancelled one", n, errno, ECONNRESET);
    }
    conn_close(&c);
}

TEST_ROLES(s4_cancellation_anywhere_in_a_message_loses_nothing)
{
    struct bytes in = {0};
    peer_part(&in, role, OP_TEXT, 0, "he", 2);
    peer_part(&in, role, OP_CONT, 1, "llo", 3);
    for(size_t cut = 0; cut != in.n; cut++) {
        check_note("cancelled behind %zu bytes", cut);
        cancel_at(role, &in, cut);
    }
    bytes_free(&in);
}

/**** Interrupted sending ****/

/*  Sends until nothing more goes out; frames are too small to be cut, so
    that nothing of the last one is on its way. The number sent. */
static int fill_stream(struct conn *c)
{
    static const char block[500];
    int n = 0;
    while(n < 100000 && ws_send(c->h, WS_BINARY, block, sizeof block, 0) == 0)
        n++;
    CHECK_INT(errno, ETIMEDOUT);
    return n;
}

static void check_filled(struct conn *c, int n)
{
    static const char block[500];
    for(int i = 0; i != n && !check_failed(); i++)
        EXPECT_FRAME(c->fd, c->role, OP_BINARY, block, sizeof block);
}

TEST_ROLES(s4_send_timeout_with_nothing_sent_leaves_the_connection_usable)
{
    struct conn c;
    if(wire_is_tcp()) NA("TCP takes a part of a frame");
    conn_open(&c, role, 0);
    int n = fill_stream(&c);
    if(host_keeps_streams()) {
        CHECK_ERR(ws_send(c.h, WS_BINARY, "x", 1, BRIEFLY), ETIMEDOUT);
        check_filled(&c, n);
        EXPECT_SILENCE(c.fd);
        CHECK_INTACT(&c);
    } else {
        CHECK_ERR(ws_send(c.h, WS_BINARY, "x", 1, BRIEFLY), ECONNRESET);
    }
    conn_close(&c);
}

static void receive_still_works(struct conn *c)
{
    struct bytes in = {0};
    char buf[8];
    peer_message(&in, c->role, OP_TEXT, "still", 5);
    wire_send(c->fd, &in);
    CHECK_INT(ws_recv(c->h, NULL, buf, sizeof buf, SOON), 5);
    CHECK_BYTES(buf, 5, "still", 5);
    bytes_free(&in);
}

TEST_ROLES(s4_send_timeout_in_mid_frame_ends_sending_only)
{
    struct conn c;
    size_t n = 16 << 20;
    uint8_t *data = pattern(n);
    conn_open(&c, role, 0);
    CHECK_ERR(ws_send(c.h, WS_BINARY, data, n, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(ws_send(c.h, WS_BINARY, "x", 1, SOON), ECONNRESET);
    CHECK_ERR(ws_send(c.h, WS_TEXT, "", 0, SOON), ECONNRESET);
    receive_still_works(&c);
    free(data);
    conn_close(&c);
}

struct sender {int h; const void *data; size_t n; int rc; int err;};

static coroutine void send_run(struct sender *s)
{
    s->rc = ws_send(s->h, WS_BINARY, s->data, s->n, -1);
    s->err = errno;
}

TEST_ROLES(s4_send_cancelled_in_mid_frame_ends_sending_only)
{
    struct conn c;
    size_t n = 16 << 20;
    uint8_t *data = pattern(n);
    conn_open(&c, role, 0);
    struct sender s = {.h = c.h, .data = data, .n = n};
    int cr = go(send_run(&s));
    settle();
    hclose(cr);
    check_err(HERE, "ws_send", s.rc, s.err, ECANCELED);
    CHECK_ERR(ws_send(c.h, WS_BINARY, "x", 1, SOON), ECONNRESET);
    receive_still_works(&c);
    free(data);
    conn_close(&c);
}

/*  What arrived by then is a proper beginning of the frame. */
TEST_ROLES(s4_send_timeout_leaves_no_wrong_byte)
{
    struct conn c;
    size_t n = 16 << 20;
    uint8_t *data = pattern(n), *got = malloc(n);
    conn_open(&c, role, 0);
    CHECK_ERR(ws_send(c.h, WS_BINARY, data, n, BRIEFLY), ETIMEDOUT);
    size_t came = wire_read(c.fd, got, n, 50);
    CHECK_RANGE(came, 14, n - 1);
    size_t head = role == CLIENT ? 14 : 10;
    for(size_t i = head; i < came; i++) {
        uint8_t key = role == CLIENT ? got[10 + (i - head) % 4] : 0;
        if((uint8_t)(got[i] ^ key) == data[i - head]) continue;
        check_fail(HERE, "byte %zu of the payload is wrong", i - head);
        break;
    }
    free(data);
    free(got);
    conn_close(&c);
}

/**** A host without descriptors ****/

/*  The first wait of a thread needs one more, and this process may have none. */
struct poor {enum role role; int fd[2]; size_t filled;};

static void *wait_in_vain(void *arg)
{
    struct poor *p = arg;
    struct conn c = {.role = p->role, .fd = p->fd[1]};
    struct rlimit limit, none = {0, 0};
    char buf[8];
    c.h = conn_attach(p->role, stream_from(p->fd[0]), 0);
    CHECK_OK(c.h);
    getrlimit(RLIMIT_NOFILE, &limit);
    none.rlim_max = limit.rlim_max;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMFILE);
    /*  TCP finds some more room now and then. */
    if(!wire_is_tcp()) {
        CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), EMFILE);
        CHECK_ERR(ws_done(c.h, 1000, NULL, 0, SOON), EMFILE);
    }
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    wire_unfill(c.fd, p->filled);
    CHECK_INTACT(&c);
    conn_close(&c);
    return NULL;
}

TEST_ROLES(s4_no_descriptor_to_wait_with_is_emfile_and_loses_nothing)
{
    struct poor p = {.role = role};
    pthread_t thread;
    if(!host_keeps_streams()) NA("this host makes its poller before");
    if(check_under("poll")) NA("poll(2) takes no descriptor");
    wire_pair(p.fd);
    p.filled = wire_fill(p.fd[0]);
    CHECK_INT(pthread_create(&thread, NULL, wait_in_vain, &p), 0);
    pthread_join(thread, NULL);
}

/**** A byte stream that does not say that it goes on ****/

/*  What such a stream may fail with, and how much may have passed by then: it
    does not tell, so nothing can follow. */
static const int transfer_errors[] = {
    ETIMEDOUT, ECANCELED, EBUSY, ENOMEM, EMFILE};
static const size_t transfer_parts[] = {0, 1, 3};

/*  Calls `test` with a fresh connection for each of them. */
static void each_failure(enum role role,
    void (*test)(struct conn *c, struct tap *t))
{
    for(size_t i = 0; i != COUNT_OF(transfer_errors); i++)
        for(size_t j = 0; j != COUNT_OF(transfer_parts); j++) {
            struct conn c;
            struct tap t;
            check_note("%s behind %zu bytes",
                strerrorname_np(transfer_errors[i]), transfer_parts[j]);
            tap_conn(&c, &t, role);
            t.error = transfer_errors[i];
            t.part = transfer_parts[j];
            test(&c, &t);
            conn_close(&c);
        }
}

static void peer_says(struct conn *c, const char *text)
{
    struct bytes in = {0};
    peer_message(&in, c->role, OP_TEXT, text, strlen(text));
    wire_send(c->fd, &in);
    bytes_free(&in);
}

static void check_no_more_is_sent(struct conn *c, struct tap *t)
{
    int sends = t->sends;
    char buf[8];
    CHECK_ERR(ws_send(c->h, WS_TEXT, "more", 4, SOON), ECONNRESET);
    CHECK_ERR(ws_done(c->h, 1000, NULL, 0, SOON), ECONNRESET);
    peer_says(c, "still");
    CHECK_INT(ws_recv(c->h, NULL, buf, sizeof buf, SOON), 5);
    CHECK_INT(t->sends, sends);
}

static void fail_send(struct conn *c, struct tap *t)
{
    t->sends_left = 0;
    CHECK_ERR(ws_send(c->h, WS_TEXT, "hello", 5, SOON), t->error);
    check_no_more_is_sent(c, t);
}

static void fail_done(struct conn *c, struct tap *t)
{
    t->sends_left = 0;
    CHECK_ERR(ws_done(c->h, 1000, "bye", 3, SOON), t->error);
    check_no_more_is_sent(c, t);
}

static void fail_pong(struct conn *c, struct tap *t)
{
    struct bytes in = {0};
    char buf[8];
    peer_ping(&in, c->role, "ping");
    wire_send(c->fd, &in);
    peer_says(c, "hello");
    t->sends_left = 0;
    CHECK_INT(ws_recv(c->h, NULL, buf, sizeof buf, SOON), 5);
    CHECK_INT(t->sends, 1);
    msleep(now() + 25);
    check_no_more_is_sent(c, t);
    bytes_free(&in);
}

static void fail_close_of_a_failed_connection(struct conn *c, struct tap *t)
{
    struct bytes in = {0};
    char buf[8];
    peer_put(&in, c->role, (struct frame){.opcode = 3});
    wire_send(c->fd, &in);
    t->sends_left = 0;
    CHECK_ERR(ws_recv(c->h, NULL, buf, sizeof buf, SOON), EPROTO);
    CHECK_ERR(ws_recv(c->h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    CHECK_INT(ws_send(c->h, WS_TEXT, "more", 4, SOON), -1);
    CHECK_INT(t->sends, 1);
    bytes_free(&in);
}

TEST_ROLES(s4_foreign_stream_nothing_follows_a_send_that_failed)
{
    each_failure(role, fail_send);
    each_failure(role, fail_done);
    each_failure(role, fail_pong);
    each_failure(role, fail_close_of_a_failed_connection);
}

/*  The second part of a long frame. */
static void fail_second_send(struct conn *c, struct tap *t)
{
    static char data[150000];
    struct taker k;
    t->sends_left = 1;
    taker_start(&k, c->fd);
    CHECK_ERR(ws_send(c->h, WS_BINARY, data, sizeof data, SOON), t->error);
    hclose(k.handle);
    check_no_more_is_sent(c, t);
}

TEST(s4_foreign_stream_nothing_follows_half_a_frame)
{
    each_failure(CLIENT, fail_second_send);
}

static void check_no_more_is_received(struct conn *c, struct tap *t)
{
    int receives = t->receives;
    char buf[8];
    CHECK_ERR(ws_recv(c->h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    CHECK_ERR(ws_recvl(c->h, NULL, NULL, NULL, SOON), ECONNRESET);
    CHECK_INT(t->receives, receives);
    CHECK_INT(ws_send(c->h, WS_TEXT, "still", 5, SOON), 0);
    EXPECT_FRAME(c->fd, c->role, OP_TEXT, "still", 5);
    CHECK_ERR(ws_detach(c->h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK(!is_handle(c->h));
    c->h = -1;
}

/*  Each of the transfers that it takes to receive a message. */
static int failing_receive;

static void fail_receive(struct conn *c, struct tap *t)
{
    char buf[200];
    struct bytes in = {0};
    static const char data[130];
    peer_part(&in, c->role, OP_BINARY, 0, data, sizeof data);
    peer_part(&in, c->role, OP_CONT, 1, "rest", 4);
    wire_send(c->fd, &in);
    t->receives_left = failing_receive;
    CHECK_ERR(ws_recv(c->h, NULL, buf, sizeof buf, SOON), t->error);
    check_no_more_is_received(c, t);
    bytes_free(&in);
}

TEST_ROLES(s4_foreign_stream_nothing_follows_a_receive_that_failed)
{
    for(failing_receive = 0; failing_receive != 5; failing_receive++)
        each_failure(role, fail_receive);
}
