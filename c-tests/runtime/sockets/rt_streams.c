/*  Byte streams of both kinds: what tcp and ipc have in common. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

static void close_pair(const int s[2])
{
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

static char big[8 << 20];

/**** Bytes ****/

TEST_KINDS(rt_streams_bytes_arrive_in_order)
{
    static const size_t sizes[] = {
        0, 1, 2, 125, 1984, 1985, 8191, 8192, 8193, 65536, 70000};
    int s[2];
    stream_pair(kind, s);
    for(size_t i = 0; i != COUNT_OF(sizes); i++)
        CHECK_PASSES_WHOLE(s[i % 2], s[1 - i % 2], sizes[i]);
    close_pair(s);
}

/*  The boundaries of sends and receives have nothing to do with each other. */
TEST_KINDS(rt_streams_have_no_message_boundaries)
{
    int s[2];
    char in[8];
    stream_pair(kind, s);
    CHECK_OK(bsend(s[0], "abc", 3, SOON));
    CHECK_OK(bsend(s[0], "de", 2, SOON));
    CHECK_OK(bsend(s[0], "fgh", 3, SOON));
    CHECK_OK(brecv(s[1], in, 1, SOON));
    CHECK_OK(brecv(s[1], in + 1, 6, SOON));
    CHECK_OK(brecv(s[1], in + 7, 1, SOON));
    CHECK_BYTES(in, 8, "abcdefgh", 8);
    close_pair(s);
}

TEST_KINDS(rt_streams_more_than_the_system_holds)
{
    int s[2];
    struct io io;
    static unsigned char in[sizeof big];
    for(size_t i = 0; i != sizeof big; i++) big[i] = (char)pattern(i);
    stream_pair(kind, s);
    io_start(&io, io_send, s[0], big, sizeof big);
    CHECK_BLOCKED(&io.call);
    for(size_t at = 0; at != sizeof big; at += sizeof big / 64)
        CHECK_OK(brecv(s[1], in + at, sizeof big / 64, SOON));
    CALL_RETURNS(&io.call, 0);
    CHECK(memcmp(in, big, sizeof big) == 0);
    close_pair(s);
}

TEST_KINDS(rt_streams_both_directions_at_once)
{
    enum {LEN = 2 << 20};
    static char in[2][LEN];
    int s[2];
    struct io io[4];
    for(size_t i = 0; i != LEN; i++) big[i] = (char)pattern(i);
    stream_pair(kind, s);
    for(int i = 0; i != 2; i++) {
        io_start(&io[2 * i], io_send, s[i], big, LEN);
        io_start(&io[2 * i + 1], io_recv, s[i], in[i], LEN);
    }
    for(int i = 0; i != 4; i++) CALL_RETURNS(&io[i].call, 0);
    for(int i = 0; i != 2; i++) CHECK(memcmp(in[i], big, LEN) == 0);
    close_pair(s);
}

/*  The extension of this runtime. */
TEST_KINDS(rt_streams_receive_what_has_arrived)
{
    int s[2];
    char in[64];
    stream_pair(kind, s);
    CHECK_ERR(brecv_some(s[1], in, sizeof in, 0), ETIMEDOUT);
    CHECK_ERR(brecv_some(s[1], in, sizeof in, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[0], "abcdef", 6, SOON));
    CHECK_INT(brecv_some(s[1], in, 4, SOON), 4);
    CHECK_INT(brecv_some(s[1], in + 4, 60, SOON), 2);
    CHECK_BYTES(in, 6, "abcdef", 6);
    CHECK_INT(brecv_some(s[1], in, 0, 0), 0);
    CHECK_OK(bsend(s[0], "gh", 2, SOON));
    CHECK_INT(brecv_some(s[1], NULL, 1, SOON), 1);
    CHECK_OK(brecv(s[1], in, 1, SOON));
    CHECK_INT(in[0], 'h');
    CHECK_INT(stream_done(kind, s[0]), 0);
    CHECK_ERR(brecv_some(s[1], in, 1, SOON), EPIPE);
    close_pair(s);
}

TEST_KINDS(rt_streams_tell_whether_there_is_room)
{
    int s[2];
    stream_pair(kind, s);
    CHECK_OK(bawait_room(s[0], 0));
    size_t n = stream_fill(s[0]);
    CHECK_ERR(bawait_room(s[0], 0), ETIMEDOUT);
    CHECK_ERR(bawait_room(s[0], BRIEFLY), ETIMEDOUT);
    stream_drop(s[1], n);
    CHECK_OK(bawait_room(s[0], SOON));
    /*  It sends nothing, and nothing is amiss. */
    CHECK_ERR(brecv(s[1], &n, 1, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[0], "x", 1, SOON));
    CHECK_OK(brecv(s[1], &n, 1, SOON));
    close_pair(s);
}

/**** Lists ****/

TEST_KINDS(rt_streams_lists_of_any_shape)
{
    int s[2];
    unsigned seed = 1;
    static unsigned char out[3000];
    static unsigned char in[3000];
    for(size_t i = 0; i != sizeof out; i++) out[i] = pattern(i);
    stream_pair(kind, s);
    for(int round = (int)check_rounds(500); round; round--) {
        struct iolist a[30];
        struct iolist b[30];
        struct iolist *const lists[] = {a, b};
        unsigned char *const memory[] = {out, in};
        int n[2];
        memset(in, 0, sizeof in);
        for(int k = 0; k != 2; k++) {
            size_t at = 0;
            n[k] = 1 + rand_r(&seed) % 30;
            for(int i = 0; i != n[k]; i++) {
                size_t left = sizeof out - at;
                size_t len = i + 1 == n[k] ? left :
                    (size_t)rand_r(&seed) % 3 * (size_t)(rand_r(&seed) % 90);
                if(len > left) len = left;
                lists[k][i] = (struct iolist){memory[k] + at, len,
                    i + 1 == n[k] ? NULL : &lists[k][i + 1], 0};
                at += len;
            }
        }
        CHECK_OK(bsendl(s[0], a, &a[n[0] - 1], SOON));
        CHECK_OK(brecvl(s[1], b, &b[n[1] - 1], SOON));
        CHECK_BYTES(in, sizeof in, out, sizeof out);
        for(int i = 0; i + 1 < n[1]; i++)
            CHECK(b[i].iol_next == &b[i + 1] && b[i].iol_rsvd == 0);
    }
    close_pair(s);
}

/*  Each receive goes on where the last one stopped. */
enum {ELEMENTS = 200000};
static unsigned char scattered[ELEMENTS];

static coroutine void send_scattered(int s)
{
    CHECK_OK(bsend(s, scattered, ELEMENTS, -1));
}

TEST(rt_streams_long_lists_take_no_longer_by_the_byte)
{
    static struct iolist list[ELEMENTS];
    static unsigned char in[ELEMENTS];
    int s[2];
    for(size_t i = 0; i != ELEMENTS; i++) {
        scattered[i] = pattern(i);
        list[i] = (struct iolist){.iol_base = &in[i], .iol_len = 1,
            .iol_next = i + 1 < ELEMENTS ? &list[i + 1] : NULL};
    }
    stream_pair(IPC, s);
    int sender = go(send_scattered(s[0]));
    int64_t start = now();
    CHECK_OK(brecvl(s[1], &list[0], &list[ELEMENTS - 1], -1));
    CHECK_RANGE(now() - start, 0, check_ms(1500));
    CHECK_BYTES(in, ELEMENTS, scattered, ELEMENTS);
    CHECK_OK(hclose(sender));
    close_pair(s);
}

TEST_KINDS(rt_streams_malformed_lists_are_einval_and_harmless)
{
    int s[2];
    char mem[2] = "ab";
    struct iolist b = {mem + 1, 1, NULL, 0};
    struct iolist a = {mem, 1, &b, 0};
    struct iolist other = {mem, 1, NULL, 0};
    stream_pair(kind, s);
    int (*const both[])(int, struct iolist*, struct iolist*, int64_t) =
        {bsendl, brecvl};
    for(size_t i = 0; i != 2; i++) {
        CHECK_ERR(both[i](s[0], NULL, NULL, -1), EINVAL);
        CHECK_ERR(both[i](s[0], &a, NULL, -1), EINVAL);
        CHECK_ERR(both[i](s[0], NULL, &b, -1), EINVAL);
        /*  The last one has a next one, cannot be reached, or comes twice. */
        CHECK_ERR(both[i](s[0], &a, &a, -1), EINVAL);
        CHECK_ERR(both[i](s[0], &a, &other, -1), EINVAL);
        CHECK_ERR(both[i](s[0], &b, &a, -1), EINVAL);
        b.iol_next = &a;
        CHECK_ERR(both[i](s[0], &a, &b, -1), EINVAL);
        CHECK_ERR(both[i](s[0], &a, &other, -1), EINVAL);
        b.iol_next = NULL;
        /*  Marked elements are in use elsewhere. */
        a.iol_rsvd = 1;
        CHECK_ERR(both[i](s[0], &a, &b, -1), EINVAL);
        CHECK_INT(a.iol_rsvd, 1);
        CHECK_INT(b.iol_rsvd, 0);
        a.iol_rsvd = 0;
        b.iol_rsvd = 1;
        CHECK_ERR(both[i](s[0], &a, &b, -1), EINVAL);
        CHECK_INT(a.iol_rsvd, 0);
        b.iol_rsvd = 0;
    }
    CHECK_ERR(bsend(s[0], NULL, 1, -1), EINVAL);
    CHECK_OK(bsend(s[0], NULL, 0, -1));
    CHECK_OK(brecv(s[0], NULL, 0, -1));
    CHECK_OK(bsendl(s[0], &a, &b, -1));
    mem[0] = mem[1] = 0;
    CHECK_OK(brecvl(s[1], &a, &b, SOON));
    CHECK_BYTES(mem, 2, "ab", 2);
    close_pair(s);
}

TEST_KINDS(rt_streams_null_skips_and_tells_errors)
{
    int s[2];
    char in[4];
    struct iolist c = {in, 2, NULL, 0};
    struct iolist b = {NULL, 2, &c, 0};
    struct iolist a = {NULL, 1, &b, 0};
    stream_pair(kind, s);
    CHECK_OK(bsend(s[0], "abcde", 5, SOON));
    CHECK_OK(brecvl(s[1], &a, &c, SOON));
    CHECK_BYTES(in, 2, "de", 2);
    CHECK_OK(bsend(s[0], big, 50000, SOON));
    CHECK_OK(brecv(s[1], NULL, 50000, SOON));
    /*  Not enough there: nothing is skipped. */
    CHECK_OK(bsend(s[0], "fg", 2, SOON));
    CHECK_ERR(brecv(s[1], NULL, 3, 0), ETIMEDOUT);
    CHECK_ERR(brecv(s[1], NULL, 30000, BRIEFLY), ETIMEDOUT);
    CHECK_OK(brecv(s[1], in, 2, 0));
    CHECK_BYTES(in, 2, "fg", 2);
    CHECK_INT(stream_done(kind, s[0]), 0);
    CHECK_ERR(brecv(s[1], NULL, 1, SOON), EPIPE);
    CHECK_ERR(brecv(s[1], NULL, 1, SOON), EPIPE);
    close_pair(s);
}

/*  The idiom for "everything until the end". */
TEST_KINDS(rt_streams_skip_until_the_end)
{
    int s[2];
    stream_pair(kind, s);
    CHECK_OK(bsend(s[0], big, 100000, SOON));
    CHECK_ERR(brecv(s[1], NULL, SIZE_MAX, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[0], big, 100000, SOON));
    CHECK_INT(stream_done(kind, s[0]), 0);
    CHECK_ERR(brecv(s[1], NULL, SIZE_MAX, SOON), EPIPE);
    close_pair(s);
}

TEST_KINDS(rt_streams_impossible_buffers)
{
    int s[2];
    stream_pair(kind, s);
    CHECK_ERR(brecv(s[0], big, SIZE_MAX, -1), EINVAL);
    CHECK_ERR(bsend(s[0], big, SIZE_MAX, -1), EINVAL);
    CHECK_OK(bsend(s[0], "ok", 2, SOON));
    CHECK_OK(brecv(s[1], big, 2, SOON));
    close_pair(s);
}

TEST_KINDS(rt_streams_buffers_that_are_not_there)
{
    int s[2];
    if(check_under("valgrind")) NA("valgrind reports such buffers itself");
    stream_pair(kind, s);
    /*  The system says so before anything is sent. */
    CHECK_ERR(bsend(s[0], (void*)8, 8, -1), EFAULT);
    CHECK_OK(bsend(s[0], "ok", 2, SOON));
    CHECK_OK(brecv(s[1], big, 2, SOON));
    close_pair(s);
}

/**** Both sides of a handle ****/

TEST_KINDS(rt_streams_one_user_for_each_direction)
{
    int s[2];
    char in[3] = "";
    struct io reader;
    struct io writer;
    stream_pair(kind, s);
    io_start(&reader, io_recv, s[0], in, 3);
    CHECK_ERR(brecv(s[0], in, 1, -1), EBUSY);
    CHECK_ERR(brecv_some(s[0], in, 1, -1), EBUSY);
    io_start(&writer, io_send, s[0], big, sizeof big);
    CHECK_ERR(bsend(s[0], "x", 1, -1), EBUSY);
    /*  Nothing of that disturbs those two. */
    CHECK_OK(bsend(s[1], "abc", 3, SOON));
    CALL_RETURNS(&reader.call, 0);
    CHECK_BYTES(in, 3, "abc", 3);
    stream_drop(s[1], sizeof big);
    CALL_RETURNS(&writer.call, 0);
    CHECK_OK(bsend(s[0], "x", 1, SOON));
    close_pair(s);
}

/*  The peer would see an orderly end behind a part of a message. */
TEST_KINDS(rt_streams_do_not_end_under_a_sender)
{
    int s[2];
    char c;
    struct io writer;
    stream_pair(kind, s);
    io_start(&writer, io_send, s[0], big, sizeof big);
    CHECK_BLOCKED(&writer.call);
    CHECK_ERR(stream_done(kind, s[0]), EBUSY);
    CHECK_ERR(stream_close(kind, s[0], SOON), EBUSY);
    CHECK_ERR(stream_close(kind, s[0], 0), EBUSY);
    CHECK_ERR(bawait_room(s[0], SOON), EBUSY);
    if(kind == IPC) CHECK_ERR(ipc_sendfd(s[0], 0, SOON), EBUSY);
    stream_drop(s[1], sizeof big);
    CALL_RETURNS(&writer.call, 0);
    CHECK_PASSES_WHOLE(s[0], s[1], 10);
    CHECK_INT(stream_done(kind, s[0]), 0);
    CHECK_ERR(brecv(s[1], &c, 1, SOON), EPIPE);
    close_pair(s);
}

TEST_KINDS(rt_streams_do_not_end_under_a_receiver)
{
    int s[2];
    char c;
    struct io reader;
    stream_pair(kind, s);
    io_start(&reader, io_recv, s[0], &c, 1);
    CHECK_BLOCKED(&reader.call);
    CHECK_ERR(stream_close(kind, s[0], SOON), EBUSY);
    /*  Nothing has been said to the peer. */
    CHECK_ERR(brecv(s[1], &c, 1, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[1], "x", 1, SOON));
    CALL_RETURNS(&reader.call, 0);
    CHECK_PASSES_WHOLE(s[0], s[1], 10);
    close_pair(s);
}

/*  A sender would be refused in the middle of a message. */
TEST_KINDS(rt_streams_waiting_for_room_takes_a_turn)
{
    int s[2];
    struct io io;
    stream_pair(kind, s);
    size_t n = stream_fill(s[0]);
    io_start(&io, io_await_room, s[0], NULL, 0);
    CHECK_BLOCKED(&io.call);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), EBUSY);
    CHECK_ERR(stream_done(kind, s[0]), EBUSY);
    CHECK_ERR(stream_close(kind, s[0], SOON), EBUSY);
    CHECK_ERR(bawait_room(s[0], SOON), EBUSY);
    CHECK_BLOCKED(&io.call);
    stream_drop(s[1], n);
    CALL_RETURNS(&io.call, 0);
    CHECK_PASSES_WHOLE(s[0], s[1], 10);
    CHECK_INT(stream_done(kind, s[0]), 0);
    /*  Behind the end there is nothing to wait for. */
    CHECK_OK(bawait_room(s[0], 0));
    close_pair(s);
}

TEST_KINDS(rt_streams_are_no_other_type)
{
    int s[2];
    char c;
    enum kind other = kind == TCP ? IPC : TCP;
    stream_pair(kind, s);
    CHECK(hquery(s[0], bsock_type) != NULL);
    CHECK(hquery(s[0], msock_type) == NULL);
    CHECK_ERR(msend(s[0], "x", 1, -1), ENOTSUP);
    CHECK_ERR(mrecv(s[0], &c, 1, -1), ENOTSUP);
    CHECK_ERR(stream_done(other, s[0]), ENOTSUP);
    CHECK_ERR(stream_close(other, s[0], -1), ENOTSUP);
    CHECK_ERR(tcp_accept(s[0], NULL, -1), ENOTSUP);
    CHECK_ERR(ipc_accept(s[0], -1), ENOTSUP);
    CHECK_ERR(bundle_wait(s[0], -1), ENOTSUP);
    CHECK_OK(bsend(s[0], "x", 1, SOON));
    close_pair(s);
    CHECK_ERR(bsend(s[0], "x", 1, -1), EBADF);
    CHECK_ERR(brecv(s[0], &c, 1, -1), EBADF);
    CHECK_ERR(stream_done(kind, s[0]), EBADF);
    CHECK_ERR(stream_close(kind, s[0], -1), EBADF);
}

/**** The end ****/

TEST_KINDS(rt_streams_done_ends_one_direction)
{
    int s[2];
    char in[5];
    stream_pair(kind, s);
    CHECK_OK(bsend(s[0], "abcde", 5, SOON));
    CHECK_INT(stream_done(kind, s[0]), 0);
    CHECK_ERR(stream_done(kind, s[0]), EPIPE);
    CHECK_ERR(bsend(s[0], "x", 1, -1), EPIPE);
    CHECK_OK(brecv(s[1], in, 5, SOON));
    CHECK_BYTES(in, 5, "abcde", 5);
    for(int i = 0; i != 3; i++) CHECK_ERR(brecv(s[1], in, 1, -1), EPIPE);
    CHECK_OK(bsend(s[1], "fg", 2, SOON));
    CHECK_OK(brecv(s[0], in, 2, SOON));
    CHECK_BYTES(in, 2, "fg", 2);
    close_pair(s);
}

/*  What came before the end of a stream is in the caller's buffers, and it is
    there that nothing else is. */
static const struct {size_t came, wanted;} short_ends[] = {
    {0, 1}, {5, 10}, {1, 8192}, {3000, 4000}, {8191, 8192}, {8192, 8193},
    {9000, 9001}, {100000, 200000}};

static void expect_short(size_t i, const char *in)
{
    size_t came = short_ends[i].came;
    CHECK(memcmp(in, big, came) == 0);
    for(size_t at = came; at != short_ends[i].wanted; at++)
        if(in[at] != 'Z') {
            check_fail(HERE, "byte %zu was written", at);
            break;
        }
}

TEST_KINDS(rt_streams_bytes_before_the_end_are_delivered)
{
    static char in[200000];
    for(size_t i = 0; i != COUNT_OF(short_ends); i++)
    for(int waiting = 0; waiting != 2; waiting++) {
        int s[2];
        size_t wanted = short_ends[i].wanted;
        check_note("%zu of %zu, waiting %d", short_ends[i].came, wanted,
            waiting);
        for(size_t k = 0; k != wanted; k++) big[k] = (char)pattern(k);
        memset(in, 'Z', sizeof in);
        stream_pair(kind, s);
        struct io io;
        if(waiting) io_start(&io, io_recv, s[1], in, wanted);
        CHECK_OK(bsend(s[0], big, short_ends[i].came, SOON));
        CHECK_INT(stream_done(kind, s[0]), 0);
        if(waiting) CALL_FAILS(&io.call, EPIPE);
        else CHECK_ERR(brecv(s[1], in, wanted, SOON), EPIPE);
        expect_short(i, in);
        CHECK_ERR(brecv(s[1], in, 1, -1), EPIPE);
        expect_short(i, in);
        close_pair(s);
    }
}

/*  What a timeout has left there is delivered as well. */
TEST_KINDS(rt_streams_bytes_before_the_end_go_into_lists)
{
    char in[12];
    struct iolist e[4] = {
        {in, 2, &e[1], 0}, {NULL, 3, &e[2], 0}, {NULL, 0, &e[3], 0},
        {in + 2, 10, NULL, 0}};
    int s[2];
    stream_pair(kind, s);
    memset(in, 'Z', sizeof in);
    CHECK_OK(bsend(s[0], "abcdefg", 7, SOON));
    CHECK_ERR(brecvl(s[1], &e[0], &e[3], BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[0], "h", 1, SOON));
    CHECK_INT(stream_done(kind, s[0]), 0);
    CHECK_ERR(brecvl(s[1], &e[0], &e[3], SOON), EPIPE);
    CHECK_BYTES(in, 12, "abfghZZZZZZZ", 12);
    close_pair(s);
}

TEST(rt_streams_bytes_before_a_reset_are_delivered)
{
    char in[10];
    int s[2];
    stream_pair(TCP, s);
    memset(in, 'Z', sizeof in);
    struct io io;
    io_start(&io, io_recv, s[1], in, sizeof in);
    CHECK_OK(bsend(s[0], "abcde", 5, SOON));
    CHECK_OK(msleep(now() + 2));
    CHECK_OK(hclose(s[0]));
    CALL_FAILS(&io.call, ECONNRESET);
    CHECK_BYTES(in, 10, "abcdeZZZZZ", 10);
    CHECK_OK(hclose(s[1]));
}

/*  Its last words are "abcde". `ended`: an orderly end comes first. */
static void peer_resets(enum kind kind, int fd, int ended)
{
    struct linger now_and_hard = {1, 0};
    CHECK_INT(send(fd, "abcde", 5, 0), 5);
    if(ended) CHECK_OK(shutdown(fd, SHUT_WR));
    if(kind == TCP) CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER,
        &now_and_hard, sizeof now_and_hard));
    CHECK_OK(close(fd));
    CHECK_OK(msleep(now() + 2));
}

static void expect_reset(struct at at, int s)
{
    char in[10];
    memset(in, 'Z', sizeof in);
    int rc = brecv(s, in, sizeof in, SOON);
    check_err(at, "brecv", rc, errno, ECONNRESET);
    check_bytes(at, "before the reset", in, 10, "abcdeZZZZZ", 10);
    for(int i = 0; i != 2; i++) {
        rc = brecv(s, in, 1, SOON);
        check_err(at, "brecv again", rc, errno, ECONNRESET);
    }
}

/*  The system says it once, to whoever asks first. What the peer has not
    received makes its close a reset on a UNIX socket as well. */
TEST_KINDS(rt_streams_a_reset_is_told_to_both)
{
    int fd;
    char in[10] = "ZZZZZZZZZZ";
    struct io io[2];
    /*  The sender meets it first, with a message under way or without; or
        both wait for it; or the receiver does. */
    for(int way = 0; way != 4; way++) {
        check_note("way %d", way);
        int s = stream_open(kind, &fd);
        CHECK_OK(bsend(s, "x", 1, SOON));
        if(way != 0) io_start(&io[0], io_send, s, big, sizeof big);
        if(way == 2) io_start(&io[1], io_recv, s, in, sizeof in);
        if(way == 3) CALL_CANCEL(&io[0].call);
        peer_resets(kind, fd, 0);
        if(way == 0) CHECK_ERR(bsend(s, "x", 1, SOON), ECONNRESET);
        if(way == 1 || way == 2) CALL_FAILS(&io[0].call, ECONNRESET);
        if(way == 2) {
            CALL_FAILS(&io[1].call, ECONNRESET);
            CHECK_BYTES(in, 10, "abcdeZZZZZ", 10);
            CHECK_ERR(brecv(s, in, 1, SOON), ECONNRESET);
        } else {
            expect_reset(HERE, s);
        }
        CHECK_ERR(bsend(s, "x", 1, SOON), ECONNRESET);
        CHECK_ERR(stream_close(kind, s, SOON), ECONNRESET);
    }
}

/*  A stream that has ended before is none that was cut. */
TEST(rt_streams_a_reset_after_the_end)
{
    for(int sends = 0; sends != 2; sends++) {
        int fd;
        char in[10];
        check_note("sends %d", sends);
        int s = stream_open(TCP, &fd);
        peer_resets(TCP, fd, 1);
        if(sends) CHECK_ERR(bsend(s, "x", 1, SOON), ECONNRESET);
        CHECK_ERR(brecv(s, in, sizeof in, SOON), EPIPE);
        CHECK_BYTES(in, 5, "abcde", 5);
        CHECK_ERR(brecv(s, in, 1, SOON), EPIPE);
        CHECK_OK(hclose(s));
    }
}

/*  Between two messages a cut looks like the end, but for this. */
TEST(rt_streams_a_reset_between_messages)
{
    int fd;
    char in[8];
    int s = prefix_attach(stream_open(TCP, &fd), 1, 0);
    CHECK_OK(s);
    CHECK_INT(send(fd, "\4", 1, 0), 1);
    CHECK_INT(send(fd, "abcd\5", 5, 0), 5);
    peer_resets(TCP, fd, 0);
    CHECK_ERR(msend(s, "x", 1, SOON), ECONNRESET);
    CHECK_INT(mrecv(s, in, sizeof in, SOON), 4);
    CHECK_INT(mrecv(s, in, sizeof in, SOON), 5);
    CHECK_ERR(mrecv(s, in, sizeof in, SOON), ECONNRESET);
    CHECK_OK(hclose(s));
}

static long long close_op(void *arg)
{
    struct io *io = arg;
    return stream_close((enum kind)io->len, io->s, io->deadline);
}

TEST_KINDS(rt_streams_close_in_order)
{
    int s[2];
    struct io io;
    stream_pair(kind, s);
    CHECK_OK(bsend(s[0], big, 1000, SOON));
    CHECK_OK(bsend(s[1], big, 1000, SOON));
    io_start(&io, close_op, s[0], NULL, kind);
    CHECK_BLOCKED(&io.call);
    stream_drop(s[1], 1000);
    CHECK_INT(stream_close(kind, s[1], SOON), 0);
    CALL_RETURNS(&io.call, 0);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_ERR(hclose(s[1]), EBADF);
}

TEST_KINDS(rt_streams_close_delivers_everything)
{
    for(long i = check_rounds(20); i; i--) {
        int s[2];
        stream_pair(kind, s);
        CHECK_INT(stream_done(kind, s[1]), 0);
        CHECK_OK(bsend(s[0], big, 100000, SOON));
        CHECK_INT(stream_close(kind, s[0], SOON), 0);
        CHECK_OK(brecv(s[1], big, 100000, SOON));
        CHECK_ERR(brecv(s[1], big, 1, SOON), EPIPE);
        CHECK_OK(hclose(s[1]));
    }
}

TEST_KINDS(rt_streams_close_that_fails_closes_nevertheless)
{
    int s[2];
    struct io io;
    stream_pair(kind, s);
    int64_t deadline = now() + 20;
    CHECK_ERR(stream_close(kind, s[0], deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_OK(hclose(s[1]));
    stream_pair(kind, s);
    CHECK_ERR(stream_close(kind, s[0], 0), ETIMEDOUT);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_OK(hclose(s[1]));
    stream_pair(kind, s);
    io_start(&io, close_op, s[0], NULL, kind);
    CALL_CANCEL(&io.call);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_OK(hclose(s[1]));
    /*  Sending has broken: that is no orderly end. */
    stream_pair(kind, s);
    CHECK_ERR(bsend(s[0], big, sizeof big, 0), ETIMEDOUT);
    CHECK_ERR(stream_close(kind, s[0], SOON), ECONNRESET);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_OK(hclose(s[1]));
}

/*  The end has come, but nobody has looked. */
TEST_KINDS(rt_streams_close_is_cancelled_beside_the_end)
{
    char c = 0;
    int s[2];
    struct io io;
    stream_pair(kind, s);
    io_start(&io, io_recv, s[1], &c, 1);
    CHECK_OK(bsend(s[0], "x", 1, SOON));
    CALL_RETURNS(&io.call, 0);
    io_start(&io, close_op, s[1], NULL, kind);
    CHECK_INT(stream_close(kind, s[0], SOON), 0);
    CHECK_BLOCKED(&io.call);
    CALL_CANCEL(&io.call);
    CHECK_ERR(hclose(s[1]), EBADF);
}

/*  The other coroutine has the handle: it is not closed under it. */
TEST_KINDS(rt_streams_moved_while_they_close)
{
    int s[2];
    struct io io;
    stream_pair(kind, s);
    io_start(&io, close_op, s[0], NULL, kind);
    int moved = hown(s[0]);
    CHECK_OK(moved);
    CHECK_OK(hclose(s[1]));
    call_wait(HERE, &io.call);
    CHECK_OK(hclose(moved));
}

static void check_gone(struct at at, enum kind kind, int rc, int err)
{
    /*  A reset, or over a UNIX socket the end. */
    check_err(at, "the peer has gone", rc, err,
        kind == TCP ? ECONNRESET : EPIPE);
}

TEST_KINDS(rt_streams_closed_abruptly)
{
    int s[2];
    char c;
    stream_pair(kind, s);
    CHECK_OK(hclose(s[0]));
    for(int i = 0; i != 2; i++) {
        int rc = brecv(s[1], &c, 1, SOON);
        check_gone(HERE, kind, rc, errno);
    }
    /*  Were SIGPIPE sent the harness would say so. */
    for(int i = 0; i != 3; i++)
        CHECK_ERR(bsend(s[1], "x", 1, SOON), ECONNRESET);
    CHECK_OK(hclose(s[1]));
}

TEST_KINDS(rt_streams_flooding_a_peer_that_leaves)
{
    int s[2];
    struct io io;
    stream_pair(kind, s);
    io_start(&io, io_send, s[0], big, sizeof big);
    CHECK_BLOCKED(&io.call);
    CHECK_OK(hclose(s[1]));
    CALL_FAILS(&io.call, ECONNRESET);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), ECONNRESET);
    CHECK_ERR(stream_close(kind, s[0], SOON), ECONNRESET);
    CHECK_ERR(hclose(s[0]), EBADF);
}

/**** Descriptors ****/

TEST_KINDS(rt_streams_from_a_descriptor)
{
    int fd;
    char c;
    int s = stream_open(kind, &fd);
    CHECK_OK(bsend(s, "a", 1, SOON));
    CHECK_INT(wire_read(fd, &c, 1, 1000), 1);
    CHECK_INT(wire_write(fd, "b", 1), 0);
    CHECK_OK(brecv(s, &c, 1, SOON));
    CHECK_INT(c, 'b');
    CHECK_INT(stream_done(kind, s), 0);
    EXPECT_END(fd);
    wire_end(fd);
    CHECK_INT(stream_close(kind, s, SOON), 0);
    wire_close(fd);
}

static int stream_from(enum kind kind, int fd)
{
    return kind == TCP ? tcp_fromfd(fd) : ipc_fromfd(fd);
}

static int listener_from(enum kind kind, int fd)
{
    return kind == TCP ? tcp_listener_fromfd(fd) : ipc_listener_fromfd(fd);
}

TEST_KINDS(rt_streams_from_what_is_none)
{
    int before = open_handles();
    int null = open("/dev/null", O_RDWR);
    int datagram = socket(kind == TCP ? AF_INET : AF_UNIX, SOCK_DGRAM, 0);
    int foreign = socket(kind == TCP ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    int fresh = socket(kind == TCP ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    const struct {int fd; int err;} rows[] = {
        {-1, EINVAL}, {INT32_MIN, EINVAL}, {INT32_MAX, EBADF}, {null, ENOTSOCK},
        {datagram, EINVAL}, {foreign, EINVAL}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        CHECK_ERR(stream_from(kind, rows[i].fd), rows[i].err);
        CHECK_ERR(listener_from(kind, rows[i].fd), rows[i].err);
    }
    check_note(NULL);
    CHECK_ERR(listener_from(kind, fresh), EINVAL);
    /*  Whoever fails has not taken the descriptor. */
    CHECK_OK(close(null));
    CHECK_OK(close(datagram));
    CHECK_OK(close(foreign));
    CHECK_OK(close(fresh));
    CHECK_INT(open_handles(), before);
}

TEST_KINDS(rt_streams_mem_variants_want_memory)
{
    int fd;
    int pair[2];
    union {struct tcp_storage tcp; struct ipc_storage ipc;} mem;
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int s = stream_open(kind, &fd);
    CHECK_OK(hclose(s));
    wire_close(fd);
    CHECK_ERR(tcp_fromfd_mem(pair[0], NULL), EINVAL);
    CHECK_ERR(ipc_fromfd_mem(pair[0], NULL), EINVAL);
    CHECK_ERR(tcp_fromfd_mem(pair[0], &mem.tcp), EINVAL);
    CHECK_OK(s = ipc_fromfd_mem(pair[0], &mem.ipc));
    memset(&mem, 0xff, sizeof mem);
    CHECK_OK(hclose(s));
    CHECK_OK(close(pair[1]));
}

enum {NUMBERS = 1024};

static void see_descriptors(char *open)
{
    for(int fd = 0; fd != NUMBERS; fd++)
        open[fd] = fcntl(fd, F_GETFD) != -1;
}

/*  All that were opened meanwhile. */
static void check_descriptors(struct at at, const char *before)
{
    int seen = 0;
    for(int fd = 0; fd != NUMBERS; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if(before[fd] || flags == -1) continue;
        check_note("descriptor %d", fd);
        check_int(at, "closed on exec", flags, FD_CLOEXEC);
        check_int(at, "does not block", fcntl(fd, F_GETFL) & O_NONBLOCK,
            O_NONBLOCK);
        seen++;
    }
    check_note(NULL);
    check_int(at, "new descriptors", seen, 5);
}

TEST_KINDS(rt_streams_descriptors_do_not_block_and_close_on_exec)
{
    int fd;
    int s[2];
    struct ipaddr addr;
    const char *path;
    char before[NUMBERS];
    see_descriptors(before);
    int listener = kind == TCP ? listen_tcp(&addr, 5) : listen_ipc(&path, 5);
    s[0] = kind == TCP ? tcp_connect(&addr, SOON) : ipc_connect(path, SOON);
    s[1] = kind == TCP ? tcp_accept(listener, NULL, SOON) :
        ipc_accept(listener, SOON);
    int adopted = stream_open(kind, &fd);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    check_descriptors(HERE, before);
    wire_close(fd);
    CHECK_OK(hclose(adopted));
    CHECK_OK(hclose(listener));
    close_pair(s);
    if(kind == IPC) unlisten_ipc();
}

/**** Nothing is left behind ****/

static void end_in_order(enum kind kind, const int s[2])
{
    stream_done(kind, s[1]);
    stream_close(kind, s[0], -1);
    stream_close(kind, s[1], -1);
}

TEST_KINDS(rt_streams_a_hundred_thousand_rounds_of_closing)
{
    int highest = 0;
    int before = open_handles();
    for(long i = check_rounds(kind == TCP ? 5000 : 100000); i; i--) {
        check_note("%ld to go", i);
        int fd;
        int s[2];
        if(kind == TCP) {
            /*  Without a listener, which would leave a port behind. */
            s[0] = stream_open(kind, &fd);
            s[1] = tcp_fromfd(fd);
        } else {
            CHECK_INT(ipc_pair(s), 0);
        }
        for(int k = 0; k != 2; k++) if(s[k] > highest) highest = s[k];
        end_in_order(kind, s);
    }
    check_note(NULL);
    CHECK_RANGE(highest, 0, 1023);
    CHECK_INT(open_handles(), before);
}
