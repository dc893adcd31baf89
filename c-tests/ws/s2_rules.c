/*  Rules for all the functions; see libdill_ws(7). */

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tap.h"

/**** Deadlines ****/

TEST_ROLES(s2_deadline_zero_does_not_block)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    CHECK_INT(ws_send(c.h, WS_BINARY, "x", 1, 0), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, "x", 1);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, 0), ETIMEDOUT);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(500));
    conn_close(&c);
}

TEST_ROLES(s2_deadline_zero_takes_what_is_there)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "there", 5);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, 0), 5);
    CHECK_BYTES(buf, 5, "there", 5);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s2_deadline_in_the_past_takes_what_is_there)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "there", 5);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, now() - 1000), 5);
    CHECK_INT(ws_send(c.h, WS_TEXT, "x", 1, now() - 1000), 0);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, now() - 1000), ETIMEDOUT);
    bytes_free(&in);
    conn_close(&c);
}

/*  However many steps it takes: the deadline does not count while there is
    something to receive. */
TEST_ROLES(s2_deadline_zero_takes_thousands_of_fragments)
{
    enum {COUNT = 3002};
    const int64_t deadlines[] = {0, 1, now() - 1000};
    struct bytes in = {0};
    static char buf[COUNT];
    for(int i = 0; i != COUNT; i++)
        peer_part(&in, role, i ? OP_CONT : OP_TEXT, i == COUNT - 1, "x", 1);
    for(size_t i = 0; i != COUNT_OF(deadlines); i++) {
        struct conn c;
        conn_open(&c, role, 0);
        wire_send(c.fd, &in);
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, deadlines[i]), COUNT);
        wire_send(c.fd, &in);
        CHECK_INT(ws_recvl(c.h, NULL, NULL, NULL, deadlines[i]), COUNT);
        conn_close(&c);
    }
    bytes_free(&in);
}

/*  Frames that are no message are on the way as well. */
TEST_ROLES(s2_deadline_zero_gets_past_thousands_of_control_frames)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    for(int i = 0; i != 3000; i++) {
        peer_part(&in, role, OP_PONG, 1, "", 0);
        if(i % 100 == 0) peer_ping(&in, role, "");
    }
    peer_message(&in, role, OP_TEXT, "there", 5);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, 0), 5);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s2_deadline_zero_discards_a_large_message_that_is_there)
{
    struct conn c;
    struct bytes in = {0};
    static char data[50000];
    char buf[8];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_BINARY, data, sizeof data);
    peer_message(&in, role, OP_TEXT, "next", 4);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, 0), EMSGSIZE);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, 0), 4);
    bytes_free(&in);
    conn_close(&c);
}

static coroutine void send_later(int fd, const struct bytes *b, int ms)
{
    msleep(now() + ms);
    wire_send(fd, b);
}

TEST_ROLES(s2_deadline_minus_one_has_no_limit)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "late", 4);
    int late = go(send_later(c.fd, &in, 300));
    int64_t start = wire_clock();
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, -1), 4);
    CHECK_RANGE(wire_clock() - start, 250, check_ms(2000));
    hclose(late);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s2_deadline_is_absolute)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, now() + 150), ETIMEDOUT);
    CHECK_RANGE(wire_clock() - start, 130, check_ms(1000));
    conn_close(&c);
}

/**** One deadline covers the whole call ****/

/*  Sends one byte after the other, slowly, and over again. */
struct drip {int fd; const struct bytes *what; int ms; size_t sent;};

static coroutine void drip_run(struct drip *d)
{
    for(size_t i = 0; msleep(now() + d->ms) == 0; i = (i + 1) % d->what->n) {
        if(send(d->fd, d->what->p + i, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
            d->sent++;
    }
}

#define ONE_DEADLINE 250

static void check_one_deadline(const struct drip *d, int64_t start)
{
    CHECK_RANGE(wire_clock() - start, ONE_DEADLINE - 20,
        check_ms(ONE_DEADLINE + 750));
    CHECK_RANGE(d->sent, 5, LONG_MAX);
}

static void receive_under_drip(enum role role, const struct bytes *what,
    ssize_t (*receive)(int h, int64_t deadline))
{
    struct conn c;
    conn_open(&c, role, 0);
    struct drip d = {.fd = c.fd, .what = what, .ms = 10};
    int drip = go(drip_run(&d));
    int64_t start = wire_clock();
    CHECK_ERR(receive(c.h, now() + ONE_DEADLINE), ETIMEDOUT);
    check_one_deadline(&d, start);
    hclose(drip);
    if(!is_handle(c.h)) c.h = -1;
    conn_close(&c);
}

static ssize_t receive_message(int h, int64_t deadline)
{
    static char buf[100];
    return ws_recv(h, NULL, buf, sizeof buf, deadline);
}

static ssize_t receive_nothing(int h, int64_t deadline)
{
    return ws_recvl(h, NULL, NULL, NULL, deadline);
}

static ssize_t receive_mrecv(int h, int64_t deadline)
{
    static char buf[100];
    return mrecv(h, buf, sizeof buf, deadline);
}

static ssize_t receive_detach(int h, int64_t deadline)
{
    return ws_detach(h, 1000, NULL, 0, deadline);
}

TEST_ROLES(s2_one_deadline_over_a_dripping_message)
{
    struct bytes what = {0};
    peer_put(&what, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
        .declared = 100, .payload = "0123456789", .len = 10});
    bytes_fill(&what, 'x', 60);
    receive_under_drip(role, &what, receive_message);
    receive_under_drip(role, &what, receive_nothing);
    receive_under_drip(role, &what, receive_mrecv);
    receive_under_drip(role, &what, receive_detach);
    bytes_free(&what);
}

TEST_ROLES(s2_one_deadline_over_pings_and_empty_fragments)
{
    struct bytes pings = {0}, parts = {0};
    peer_ping(&pings, role, "");
    receive_under_drip(role, &pings, receive_message);
    receive_under_drip(role, &pings, receive_detach);
    peer_part(&parts, role, OP_BINARY, 0, "", 0);
    for(int i = 0; i != 100; i++) peer_part(&parts, role, OP_CONT, 0, "", 0);
    receive_under_drip(role, &parts, receive_message);
    receive_under_drip(role, &parts, receive_detach);
    bytes_free(&pings);
    bytes_free(&parts);
}

TEST_ROLES(s2_one_deadline_over_messages_thrown_away_by_detach)
{
    struct bytes what = {0};
    peer_message(&what, role, OP_TEXT, "x", 1);
    receive_under_drip(role, &what, receive_detach);
    bytes_free(&what);
}

TEST_ROLES(s2_one_deadline_over_a_dripping_handshake)
{
    struct bytes head = {0};
    int fd;
    char text[64];
    int s = stream_open(&fd);
    bytes_str(&head, role == CLIENT ?
        "HTTP/1.1 101 OK\r\n" : "GET / HTTP/1.1\r\n");
    for(int i = 0; i != 50; i++) bytes_str(&head, "a: b\r\n");
    struct drip d = {.fd = fd, .what = &head, .ms = 10};
    int drip = go(drip_run(&d));
    int64_t start = wire_clock();
    int64_t deadline = now() + ONE_DEADLINE;
    CHECK_ERR(role == CLIENT ?
        ws_attach_client(s, 0, "/", "h", deadline) :
        ws_attach_server(s, 0, text, 32, text + 32, 32, deadline), ETIMEDOUT);
    check_one_deadline(&d, start);
    CHECK(!is_handle(s));
    hclose(drip);
    bytes_free(&head);
    wire_close(fd);
}

/**** An attach function owns the stream ****/

static int attach_with(enum role role, int s, int flags, const char *resource,
    struct ws_storage *mem)
{
    char r[16], h[16];
    if(role == CLIENT)
        return ws_attach_client_mem(s, flags, resource, "h", mem, SOON);
    return ws_attach_server_mem(s, flags, resource ? r : NULL, sizeof r, h,
        sizeof h, mem, SOON);
}

TEST_ROLES(s2_attach_success_takes_the_old_number_away)
{
    struct conn c = {.role = role};
    int s = stream_open(&c.fd);
    c.h = conn_attach(role, s, 0);
    CHECK_OK(c.h);
    CHECK(c.h == s || !is_handle(s));
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  The stream has a number of its own, which nobody is told. Whoever guesses it
    and closes it leaves a broken connection, and nothing worse. */
TEST_ROLES(s2_stream_closed_behind_the_websocket_is_econnreset)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    int inner = 0;
    conn_open(&c, role, 0);
    while(inner != 1000 && (inner == c.h || !hquery(inner, bsock_type))) inner++;
    REQUIRE(inner != 1000);
    peer_message(&in, role, OP_TEXT, "hello", 5);
    CHECK_INT(wire_write(c.fd, in.p, in.n - 2), 0);
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, 0), -1);
    CHECK_OK(hclose(inner));
    for(int i = 0; i != 2; i++) {
        CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
        CHECK_ERR(ws_send(c.h, WS_TEXT, "x", 1, SOON), ECONNRESET);
    }
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK(!is_handle(c.h));
    bytes_free(&in);
    wire_close(c.fd);
}

static void attach_fails(enum role role, int flags, const char *resource,
    struct ws_storage *mem, int err)
{
    struct conn c = {.role = role};
    c.h = stream_open(&c.fd);
    CHECK_ERR(attach_with(role, c.h, flags, resource, mem), err);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(s2_attach_failure_closes_the_stream)
{
    struct ws_storage mem;
    attach_fails(role, 0, NULL, &mem, EINVAL);
    attach_fails(role, 0, "/", NULL, EINVAL);
    attach_fails(role, WS_NOHTTP, "/", NULL, EINVAL);
    attach_fails(role, 4, "/", &mem, EINVAL);
    attach_fails(role, WS_NOHTTP | 4, "/", &mem, EINVAL);
    attach_fails(role, WS_NOHTTP | INT_MIN, "/", &mem, EINVAL);
    attach_fails(role, -1, "/", &mem, EINVAL);
}

TEST_ROLES(s2_attach_failure_with_a_bad_number_is_harmless)
{
    static const int numbers[] = {-1, -2, INT_MIN, INT_MAX, 100000, 4095};
    struct ws_storage mem;
    for(size_t i = 0; i != COUNT_OF(numbers); i++) {
        check_note("handle %d", numbers[i]);
        CHECK_ERR(attach_with(role, numbers[i], 0, "/", &mem), EBADF);
        CHECK_ERR(attach_with(role, numbers[i], WS_NOHTTP, "/", &mem), EBADF);
        CHECK_ERR(conn_attach(role, numbers[i], 0), EBADF);
    }
}

/*  What every owner of a stream keeps: closing a tap counts. */
TEST_ROLES(s2_attach_failure_closes_the_stream_exactly_once)
{
    struct tap t;
    struct ws_storage mem;
    int fd;
    int s = tap_open(&t, stream_open(&fd));
    CHECK_ERR(attach_with(role, s, 4, "/", &mem), EINVAL);
    CHECK_INT(t.closes, 1);
    wire_close(fd);
}

static coroutine void attach_cancelled(enum role role, int s, int *result)
{
    msleep(-1);
    *result = conn_attach(role, s, 0) == -1 ? errno : 0;
}

TEST_ROLES(s2_attach_in_a_cancelled_coroutine_closes_the_stream)
{
    struct conn c = {.role = role};
    int result = -1;
    c.h = stream_open(&c.fd);
    int cr = go(attach_cancelled(role, c.h, &result));
    hclose(cr);
    CHECK_INT(result, ECANCELED);
    CHECK_GONE(&c);
    conn_close(&c);
}

/**** Caller's memory ****/

TEST_ROLES(s2_no_pointer_is_kept_after_attach)
{
    struct conn c = {.role = role};
    char *resource = strdup("/resource");
    char *host = strdup("host");
    int s = stream_open(&c.fd);
    c.h = role == CLIENT ?
        ws_attach_client(s, WS_NOHTTP, resource, host, SOON) :
        ws_attach_server(s, WS_NOHTTP, resource, 9, host, 4, SOON);
    memset(resource, '!', 9);
    memset(host, '!', 4);
    free(resource);
    free(host);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s2_no_pointer_is_kept_after_an_interrupted_receive)
{
    struct conn c;
    struct bytes in = {0};
    char *buf = malloc(16);
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "0123456789", 10);
    wire_write(c.fd, in.p, in.n - 4);
    CHECK_ERR(ws_recv(c.h, NULL, buf, 16, 0), ETIMEDOUT);
    memset(buf, '!', 16);
    free(buf);
    wire_write(c.fd, in.p + in.n - 4, 4);
    char again[16];
    ssize_t n = ws_recv(c.h, NULL, again, sizeof again, SOON);
    CHECK_INT(n, host_keeps_streams() ? 10 : -1);
    bytes_free(&in);
    conn_close(&c);
}

/*  A list of three elements, one of them empty, over `text`. */
struct list {struct iolist e[3]; struct iolist copy[3];};

static void list_make(struct list *l, char *text, size_t first, size_t second)
{
    *l = (struct list){0};
    l->e[0] = (struct iolist){text, first, &l->e[1], 0};
    l->e[1] = (struct iolist){text + first, 0, &l->e[2], 0};
    l->e[2] = (struct iolist){text + first, second, NULL, 0};
    memcpy(l->copy, l->e, sizeof l->e);
}

static void check_list(struct at at, const struct list *l)
{
    check_bytes(at, "the caller's list", l->e, sizeof l->e, l->copy,
        sizeof l->e);
}

TEST_ROLES(s2_lists_are_left_as_they_were)
{
    struct conn c;
    struct bytes in = {0};
    struct list l;
    char text[8] = "abcdef";
    conn_open(&c, role, 0);
    list_make(&l, text, 2, 4);
    CHECK_INT(ws_sendl(c.h, WS_BINARY, &l.e[0], &l.e[2], SOON), 0);
    check_list(HERE, &l);
    EXPECT_FRAME(c.fd, role, OP_BINARY, "abcdef", 6);
    CHECK_INT(msendl(c.h, &l.e[0], &l.e[2], SOON), 0);
    check_list(HERE, &l);
    peer_message(&in, role, OP_BINARY, "uvwxyz", 6);
    peer_message(&in, role, OP_BINARY, "UVWXYZ", 6);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recvl(c.h, NULL, &l.e[0], &l.e[2], SOON), 6);
    check_list(HERE, &l);
    CHECK_INT(mrecvl(c.h, &l.e[0], &l.e[2], SOON), 6);
    check_list(HERE, &l);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s2_lists_are_left_as_they_were_on_failure)
{
    struct conn c;
    struct bytes in = {0};
    struct list l;
    char text[8] = "ab\xff" "def";
    conn_open(&c, role, 0);
    list_make(&l, text, 2, 4);
    CHECK_ERR(ws_sendl(c.h, WS_TEXT, &l.e[0], &l.e[2], SOON), EINVAL);
    check_list(HERE, &l);
    CHECK_ERR(ws_sendl(c.h, 8, &l.e[0], &l.e[2], SOON), EINVAL);
    check_list(HERE, &l);
    peer_message(&in, role, OP_BINARY, "longer than that", 16);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recvl(c.h, NULL, &l.e[0], &l.e[2], SOON), EMSGSIZE);
    check_list(HERE, &l);
    bytes_free(&in);
    peer_message(&in, role, OP_BINARY, "short", 5);
    wire_write(c.fd, in.p, in.n - 2);
    CHECK_ERR(ws_recvl(c.h, NULL, &l.e[0], &l.e[2], BRIEFLY), ETIMEDOUT);
    check_list(HERE, &l);
    wire_end(c.fd);
    CHECK_ERR(ws_recvl(c.h, NULL, &l.e[0], &l.e[2], SOON), ECONNRESET);
    check_list(HERE, &l);
    bytes_free(&in);
    conn_close(&c);
}

/**** mem ****/

/*  A storage at every alignment, with guards on both sides. */
#define GUARD 64
struct room {uint8_t bytes[GUARD + sizeof(struct ws_storage) + GUARD + 16];};

static struct ws_storage *room_make(struct room *r, size_t shift)
{
    memset(r->bytes, '#', sizeof r->bytes);
    return (struct ws_storage*)(r->bytes + GUARD + shift);
}

static void check_room(const struct room *r, size_t shift)
{
    size_t after = GUARD + shift + sizeof(struct ws_storage);
    for(size_t i = 0; i != sizeof r->bytes; i++) {
        if(i >= GUARD + shift && i < after) continue;
        if(r->bytes[i] != '#')
            check_fail(HERE, "byte %zu, outside the storage, written", i);
    }
}

static int attach_in(enum role role, int s, struct ws_storage *mem)
{
    if(role == CLIENT)
        return ws_attach_client_mem(s, WS_NOHTTP, NULL, NULL, mem, SOON);
    return ws_attach_server_mem(s, WS_NOHTTP, NULL, 0, NULL, 0, mem, SOON);
}

TEST_ROLES(s2_mem_at_any_alignment_with_nothing_touched_outside)
{
    for(size_t shift = 0; shift != 16; shift++) {
        struct conn c = {.role = role};
        struct room r;
        check_note("storage at +%zu", shift);
        struct ws_storage *mem = room_make(&r, shift);
        c.h = attach_in(role, stream_open(&c.fd), mem);
        CHECK_INTACT(&c);
        check_room(&r, shift);
        CHECK_INT(hclose(c.h), 0);
        c.h = -1;
        check_room(&r, shift);
        conn_close(&c);
    }
}

TEST_ROLES(s2_mem_is_the_callers_again_after_hclose)
{
    struct conn c = {.role = role};
    struct ws_storage *mem = malloc(sizeof *mem);
    c.h = attach_in(role, stream_open(&c.fd), mem);
    CHECK_INTACT(&c);
    CHECK_INT(hclose(c.h), 0);
    memset(mem, 0xff, sizeof *mem);
    CHECK_GONE(&c);
    conn_close(&c);
    c.h = attach_in(role, stream_open(&c.fd), mem);
    CHECK_INTACT(&c);
    conn_close(&c);
    free(mem);
}

TEST_ROLES(s2_mem_is_the_callers_again_after_detach)
{
    struct conn c = {.role = role};
    struct bytes in = {0};
    struct ws_storage *mem = malloc(sizeof *mem);
    char byte;
    c.h = attach_in(role, stream_open(&c.fd), mem);
    peer_close(&in, role, 1000, "", 0);
    bytes_str(&in, "!");
    wire_send(c.fd, &in);
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    memset(mem, 0xff, sizeof *mem);
    free(mem);
    CHECK(!is_handle(c.h) || c.h == s);
    CHECK_INT(brecv(s, &byte, 1, SOON), 0);
    c.h = s;
    bytes_free(&in);
    conn_close(&c);
}

/**** NULL pointers, NULL buffers, other flag bits ****/

TEST_ROLES(s2_null_buffer_with_a_length_is_einval_on_sending)
{
    struct conn c;
    struct iolist part = {.iol_len = 3};
    conn_open(&c, role, 0);
    CHECK_ERR(ws_send(c.h, WS_BINARY, NULL, 3, SOON), EINVAL);
    CHECK_ERR(ws_send(c.h, WS_TEXT, NULL, SIZE_MAX, SOON), EINVAL);
    CHECK_ERR(msend(c.h, NULL, 3, SOON), EINVAL);
    CHECK_ERR(ws_sendl(c.h, WS_BINARY, &part, &part, SOON), EINVAL);
    CHECK_ERR(msendl(c.h, &part, &part, SOON), EINVAL);
    CHECK_ERR(ws_done(c.h, 1000, NULL, 3, SOON), EINVAL);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 3, SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s2_null_buffer_without_a_length_is_an_empty_message)
{
    struct conn c;
    struct iolist part = {0};
    conn_open(&c, role, 0);
    CHECK_INT(ws_send(c.h, WS_BINARY, NULL, 0, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, "", 0);
    CHECK_INT(ws_sendl(c.h, WS_TEXT, &part, &part, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "", 0);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s2_other_flag_bits_are_einval_on_sending)
{
    static const int flags[] = {4, 5, 8, 256, INT_MIN, INT_MIN | 1, -1, -8};
    struct conn c;
    struct iolist part = {.iol_base = "x", .iol_len = 1};
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(flags); i++) {
        check_note("flags %d", flags[i]);
        CHECK_ERR(ws_send(c.h, flags[i], "x", 1, SOON), EINVAL);
        CHECK_ERR(ws_sendl(c.h, flags[i], &part, &part, SOON), EINVAL);
    }
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(s2_nohttp_is_ignored_on_sending)
{
    struct conn c;
    struct iolist part = {.iol_base = "x", .iol_len = 1};
    conn_open(&c, role, 0);
    CHECK_INT(ws_send(c.h, WS_TEXT | WS_NOHTTP, "x", 1, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "x", 1);
    CHECK_INT(ws_send(c.h, WS_BINARY | WS_NOHTTP, "x", 1, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, "x", 1);
    CHECK_INT(ws_sendl(c.h, WS_TEXT | WS_NOHTTP, &part, &part, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "x", 1);
    conn_close(&c);
}

TEST(s2_done_and_status_check_arguments_before_the_handle)
{
    CHECK_ERR(ws_done(-1, 5, NULL, 0, SOON), EINVAL);
    CHECK_ERR(ws_done(-1, 1000, NULL, 1, SOON), EINVAL);
    CHECK_ERR(ws_done(-1, 0, "x", 1, SOON), EINVAL);
    CHECK_ERR(ws_status(-1, NULL, NULL, 1), EINVAL);
    CHECK_ERR(ws_done(-1, 1000, NULL, 0, SOON), EBADF);
    CHECK_ERR(ws_status(-1, NULL, NULL, 0), EBADF);
}

/**** NULL buffers on receiving ****/

TEST_ROLES(s2_null_buffer_discards_on_receiving)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    for(int i = 0; i != 3; i++) peer_message(&in, role, OP_TEXT, "12345", 5);
    peer_part(&in, role, OP_TEXT, 0, "123", 3);
    peer_part(&in, role, OP_CONT, 1, "45", 2);
    struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
    feed_start(&f);
    CHECK_INT(ws_recv(c.h, NULL, NULL, 5, SOON), 5);
    CHECK_INT(ws_recv(c.h, NULL, NULL, SIZE_MAX, SOON), 5);
    CHECK_ERR(ws_recv(c.h, NULL, NULL, 4, SOON), EMSGSIZE);
    CHECK_INT(ws_recv(c.h, NULL, NULL, 100, SOON), 5);
    CHECK_INTACT(&c);
    feed_finish(&f);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s2_null_list_element_discards_on_receiving)
{
    struct conn c;
    struct bytes in = {0};
    char head[3] = {0}, tail[8] = {0};
    struct iolist e[3] = {
        {head, 2, &e[1], 0}, {NULL, 3, &e[2], 0}, {tail, 8, NULL, 0}};
    conn_open(&c, role, 0);
    peer_part(&in, role, OP_BINARY, 0, "012", 3);
    peer_part(&in, role, OP_CONT, 1, "3456789", 7);
    wire_send(c.fd, &in);
    CHECK_INT(ws_recvl(c.h, NULL, &e[0], &e[2], SOON), 10);
    CHECK_BYTES(head, 3, "01\0", 3);
    CHECK_BYTES(tail, 8, "56789\0\0\0", 8);
    CHECK_INTACT(&c);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(s2_null_list_discards_one_whole_message)
{
    struct conn c;
    struct bytes in = {0};
    static char big[70000];
    int flags = -1;
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_TEXT, "12345", 5);
    peer_message(&in, role, OP_BINARY, "1234567", 7);
    peer_part(&in, role, OP_TEXT, 0, "123", 3);
    peer_part(&in, role, OP_CONT, 1, "456", 3);
    peer_message(&in, role, OP_BINARY, big, sizeof big);
    peer_message(&in, role, OP_TEXT, "", 0);
    struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
    feed_start(&f);
    CHECK_INT(ws_recvl(c.h, &flags, NULL, NULL, SOON), 5);
    CHECK_INT(flags, WS_TEXT);
    CHECK_INT(mrecvl(c.h, NULL, NULL, SOON), 7);
    CHECK_INT(ws_recvl(c.h, NULL, NULL, NULL, SOON), 6);
    CHECK_INT(ws_recvl(c.h, &flags, NULL, NULL, SOON), sizeof big);
    CHECK_INT(flags, WS_BINARY);
    CHECK_INT(ws_recvl(c.h, &flags, NULL, NULL, SOON), 0);
    CHECK_INTACT(&c);
    feed_finish(&f);
    bytes_free(&in);
    conn_close(&c);
}

/**** Malformed lists ****/

TEST_ROLES(s2_null_list_is_einval_on_sending)
{
    struct conn c;
    struct iolist part = {.iol_base = "x", .iol_len = 1};
    conn_open(&c, role, 0);
    CHECK_ERR(ws_sendl(c.h, WS_BINARY, NULL, NULL, SOON), EINVAL);
    CHECK_ERR(msendl(c.h, NULL, NULL, SOON), EINVAL);
    CHECK_ERR(ws_sendl(c.h, WS_BINARY, &part, NULL, SOON), EINVAL);
    CHECK_ERR(ws_sendl(c.h, WS_BINARY, NULL, &part, SOON), EINVAL);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

/*  Field by field: there are bytes between them that nobody sets. */
static void check_same(const struct iolist *e, const struct iolist *copy, size_t n)
{
    for(size_t i = 0; i != n; i++) {
        CHECK(e[i].iol_base == copy[i].iol_base);
        CHECK_INT(e[i].iol_len, copy[i].iol_len);
        CHECK(e[i].iol_next == copy[i].iol_next);
        CHECK_INT(e[i].iol_rsvd, copy[i].iol_rsvd);
    }
}

/*  Neither direction takes the list; all four functions leave it alone. */
static void check_refused(struct conn *c, struct iolist *e, size_t n,
    struct iolist *first, struct iolist *last)
{
    struct iolist copy[3];
    memcpy(copy, e, n * sizeof *e);
    CHECK_ERR(ws_sendl(c->h, WS_BINARY, first, last, SOON), EINVAL);
    check_same(e, copy, n);
    CHECK_ERR(ws_recvl(c->h, NULL, first, last, SOON), EINVAL);
    check_same(e, copy, n);
    CHECK_ERR(msendl(c->h, first, last, SOON), EINVAL);
    CHECK_ERR(mrecvl(c->h, first, last, SOON), EINVAL);
    check_same(e, copy, n);
    EXPECT_SILENCE(c->fd);
    CHECK_INTACT(c);
}

TEST_ROLES(s2_malformed_list_is_einval)
{
    struct conn c;
    char text[] = "abc";
    struct iolist e[3] = {
        {text, 1, &e[1], 0}, {text + 1, 1, &e[2], 0}, {text + 2, 1, NULL, 0}};
    struct iolist other = {text, 1, NULL, 0};
    conn_open(&c, role, 0);
    check_note("last is not reached");
    check_refused(&c, e, 3, &e[0], &other);
    check_refused(&c, e, 3, &e[2], &e[0]);
    check_note("last has a next");
    check_refused(&c, e, 3, &e[0], &e[1]);
    check_note("one end is missing");
    check_refused(&c, e, 3, &e[0], NULL);
    check_refused(&c, e, 3, NULL, &e[2]);
    check_note("a loop");
    e[2].iol_next = &e[1];
    check_refused(&c, e, 3, &e[0], &e[2]);
    check_refused(&c, e, 3, &e[0], &other);
    e[2].iol_next = &e[2];
    check_refused(&c, e, 3, &e[2], &e[2]);
    e[2].iol_next = NULL;
    for(int i = 0; i != 3; i++) {
        check_note("element %d is marked", i);
        e[i].iol_rsvd = 1;
        check_refused(&c, e, 3, &e[0], &e[2]);
        e[i].iol_rsvd = 0;
    }
    conn_close(&c);
}
