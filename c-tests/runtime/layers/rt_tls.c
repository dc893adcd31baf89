/*  TLS on the runtime. The certificates are made by harness/certificates.sh. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt.h"
#include "tool.h"
#include "wire.h"

/**** Attaching ****/

/*  One end that shakes hands. */
struct end {
    struct call call;
    int s;
    int server;
    const char *cert;
    const char *key;
    const char *host;       /* NULL: the client checks nothing */
    int64_t deadline;
};

static long long attach_op(void *arg)
{
    struct end *e = arg;
    certificate("root.pem");
    if(e->server)
        return tls_attach_server(e->s, certificate(e->cert),
            certificate(e->key), e->deadline);
    if(e->host)
        return tls_attach_client_host(e->s, e->host, e->deadline);
    return tls_attach_client(e->s, e->deadline);
}

static void start_client(struct end *e, int s, const char *host)
{
    /*  Making certificates may take its time. */
    certificate("root.pem");
    *e = (struct end){.s = s, .host = host, .deadline = SOON};
    call_start(&e->call, attach_op, e);
}

static void start_server(struct end *e, int s, const char *cert,
    const char *key)
{
    certificate("root.pem");
    *e = (struct end){.s = s, .server = 1, .cert = cert, .key = key,
        .deadline = SOON};
    call_start(&e->call, attach_op, e);
}

/*  The handle, or -1. */
static int finish(struct end *e)
{
    call_wait(HERE, &e->call);
    return (int)e->call.rc;
}

/*  s[0] becomes the client, s[1] the server. */
static void secure(int s[2])
{
    struct end client;
    struct end server;
    start_client(&client, s[0], "localhost");
    start_server(&server, s[1], "good.pem", "good.key");
    s[0] = finish(&client);
    s[1] = finish(&server);
    check_ok(HERE, "the client attaches", s[0], client.call.err);
    check_ok(HERE, "the server attaches", s[1], server.call.err);
}

static void tls_pair(enum kind kind, int s[2])
{
    stream_pair(kind, s);
    secure(s);
}

static void close_pair(const int s[2])
{
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  Over a line: the test carries what goes over it. fd[i] is the far end of
    the stream under s[i]. */
struct line {int s[2]; int fd[2]; size_t carried[2];};

static size_t carry(struct line *l, int from, size_t max)
{
    uint8_t buf[65536];
    ssize_t n = read(l->fd[from], buf, max < sizeof buf ? max : sizeof buf);
    /*  The other end may have given up. */
    if(n <= 0 || wire_write(l->fd[1 - from], buf, (size_t)n) != 0) return 0;
    l->carried[from] += (size_t)n;
    return (size_t)n;
}

/*  Carries until `max` bytes are over, or nothing comes for a moment. */
static void carry_handshake(struct line *l, struct end e[2], size_t max)
{
    size_t left = max;
    while(left && !(e[0].call.over && e[1].call.over)) {
        size_t n = carry(l, 0, left);
        left -= n;
        n += left ? carry(l, 1, left) : 0;
        left = max - l->carried[0] - l->carried[1];
        if(!n) msleep(now() + 1);
        if(now() > e[0].deadline && now() > e[1].deadline) break;
    }
}

static void line_open(enum kind kind, struct line *l, struct end e[2])
{
    *l = (struct line){.carried = {0}};
    l->s[0] = stream_open(kind, &l->fd[0]);
    l->s[1] = stream_open(kind, &l->fd[1]);
    start_client(&e[0], l->s[0], NULL);
    start_server(&e[1], l->s[1], "good.pem", "good.key");
}

static void line_secure(enum kind kind, struct line *l)
{
    struct end e[2];
    line_open(kind, l, e);
    carry_handshake(l, e, SIZE_MAX);
    l->s[0] = finish(&e[0]);
    l->s[1] = finish(&e[1]);
    CHECK(l->s[0] >= 0 && l->s[1] >= 0);
    /*  A ticket for the client comes with the server's first words. */
    char c;
    size_t handshake = l->carried[1];
    CHECK_OK(bsend(l->s[1], "t", 1, SOON));
    while(carry(l, 1, SIZE_MAX));
    CHECK_OK(brecv(l->s[0], &c, 1, SOON));
    l->carried[1] = handshake;
}

static void line_close(struct line *l)
{
    close_pair(l->s);
    wire_close(l->fd[0]);
    wire_close(l->fd[1]);
}

/*  The next record that end `from` has sent; its length. */
static size_t take_record(struct line *l, int from, uint8_t *record)
{
    if(wire_read(l->fd[from], record, 5, check_ms(3000)) != 5) return 0;
    size_t n = (size_t)record[3] << 8 | record[4];
    return 5 + wire_read(l->fd[from], record + 5, n, check_ms(3000));
}

#define RECORD_MAX (5 + 16384 + 256)

static void put(struct line *l, int to, const void *data, size_t len)
{
    CHECK_INT(wire_write(l->fd[to], data, len), 0);
}

/**** Sending and receiving in coroutines ****/

static long long detach_op(void *arg)
{
    struct io *io = arg;
    return tls_detach(io->s, io->deadline);
}

static void start(struct io *io, long long (*fn)(void *arg), int s, void *buf,
    size_t len)
{
    io_start(io, fn, s, buf, len);
    /*  It may have let others run before it began. */
    yield();
}

static unsigned char out[300000];
static unsigned char in[sizeof out];

static void fill_out(void)
{
    for(size_t i = 0; i != sizeof out; i++) out[i] = pattern(i);
}

/*  Bytes pass from `from` to `to`, which is what a good pair does. */
static void check_passes(struct at at, int from, int to)
{
    char buf[5];
    check_ok(at, "bsend", bsend(from, "hello", 5, SOON), errno);
    check_ok(at, "brecv", brecv(to, buf, 5, SOON), errno);
    check_bytes(at, "received", buf, 5, "hello", 5);
}
#define CHECK_PASSES(from, to) check_passes(HERE, from, to)

/**** Bytes ****/

TEST_KINDS(rt_tls_bytes_arrive_in_order)
{
    static const size_t sizes[] = {
        0, 1, 2, 8191, 8192, 8193, 16384, 16385, 65536, 65537, 300000};
    int s[2];
    tls_pair(kind, s);
    for(size_t i = 0; i != COUNT_OF(sizes); i++)
        CHECK_PASSES_WHOLE(s[i % 2], s[1 - i % 2], sizes[i]);
    close_pair(s);
}

/*  Sends and receives need not have the same boundaries; lists neither. */
TEST_KINDS(rt_tls_has_no_message_boundaries)
{
    int s[2];
    tls_pair(kind, s);
    struct iolist three[3] = {
        {"ab", 2, &three[1], 0}, {"", 0, &three[2], 0}, {"cde", 3, NULL, 0}};
    CHECK_OK(bsendl(s[0], three, &three[2], SOON));
    CHECK_OK(bsend(s[0], "fgh", 3, SOON));
    struct iolist holes[3] = {
        {in, 1, &holes[1], 0}, {NULL, 2, &holes[2], 0}, {in + 1, 3, NULL, 0}};
    CHECK_OK(brecvl(s[1], holes, &holes[2], SOON));
    CHECK_BYTES(in, 4, "adef", 4);
    CHECK_OK(brecv(s[1], in, 2, SOON));
    CHECK_BYTES(in, 2, "gh", 2);
    CHECK_ERR(bsendl(s[0], NULL, NULL, SOON), EINVAL);
    CHECK_ERR(brecvl(s[0], NULL, NULL, SOON), EINVAL);
    CHECK_ERR(bsend(s[0], NULL, 1, SOON), EINVAL);
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
}

/*  A header and a payload leave together. */
TEST(rt_tls_sends_a_list_in_one_record)
{
    static uint8_t record[RECORD_MAX];
    struct line l;
    line_secure(IPC, &l);
    struct iolist two[2] = {{"head", 4, &two[1], 0}, {"payload", 7, NULL, 0}};
    CHECK_OK(bsendl(l.s[0], two, &two[1], SOON));
    /*  The content, its type and a tag of 16 bytes (RFC 8446, section 5.2). */
    CHECK_INT(take_record(&l, 0, record), 5 + 11 + 1 + 16);
    EXPECT_SILENCE(l.fd[0]);
    line_close(&l);
}

TEST_KINDS(rt_tls_says_what_has_arrived)
{
    int s[2];
    tls_pair(kind, s);
    CHECK_ERR(brecv_some(s[1], in, 10, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[0], "abcdef", 6, SOON));
    CHECK_INT(brecv_some(s[1], in, 4, SOON), 4);
    CHECK_INT(brecv_some(s[1], in + 4, 10, SOON), 2);
    CHECK_BYTES(in, 6, "abcdef", 6);
    fill_out();
    CHECK_OK(bsend(s[0], out, 30000, SOON));
    size_t n = 0;
    while(n < 30000) {
        ssize_t got = brecv_some(s[1], in + n, sizeof in - n, SOON);
        REQUIRE(got > 0);
        n += (size_t)got;
    }
    CHECK_BYTES(in, n, out, 30000);
    CHECK_OK(tls_done(s[0], SOON));
    CHECK_ERR(brecv_some(s[1], in, 1, SOON), EPIPE);
    close_pair(s);
}

/*  All four directions at once, each coroutine with a stream of its own. */
TEST_KINDS(rt_tls_is_duplex)
{
    static unsigned char in2[sizeof in];
    int s[2];
    struct io io[4];
    tls_pair(kind, s);
    fill_out();
    for(int round = 0; round != 5; round++) {
        start(&io[0], io_send, s[0], out, sizeof out);
        start(&io[1], io_send, s[1], out, sizeof out);
        start(&io[2], io_recv, s[0], in, sizeof in);
        start(&io[3], io_recv, s[1], in2, sizeof in2);
        for(int i = 0; i != 4; i++) CALL_RETURNS(&io[i].call, 0);
        CHECK_BYTES(in, sizeof in, out, sizeof out);
        CHECK_BYTES(in2, sizeof in2, out, sizeof out);
    }
    close_pair(s);
}

TEST_KINDS(rt_tls_has_one_user_a_direction)
{
    int s[2];
    char c;
    struct io io;
    tls_pair(kind, s);
    start(&io, io_recv, s[0], &c, 1);
    CHECK_ERR(brecv(s[0], &c, 1, SOON), EBUSY);
    CHECK_ERR(brecv_some(s[0], &c, 1, SOON), EBUSY);
    CHECK_OK(bsend(s[1], "x", 1, SOON));
    CALL_RETURNS(&io.call, 0);
    static char much[8 << 20];
    start(&io, io_send, s[0], much, sizeof much);
    CHECK_BLOCKED(&io.call);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), EBUSY);
    CHECK_ERR(tls_done(s[0], SOON), EBUSY);
    CHECK_ERR(tls_detach(s[0], SOON), EBUSY);
    CHECK_ERR(bawait_room(s[0], SOON), EBUSY);
    stream_drop(s[1], sizeof much);
    CALL_RETURNS(&io.call, 0);
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
}

TEST_KINDS(rt_tls_waiting_for_room_takes_a_turn)
{
    int s[2];
    struct io io;
    tls_pair(kind, s);
    size_t n = stream_fill(s[0]);
    start(&io, io_await_room, s[0], NULL, 0);
    CHECK_BLOCKED(&io.call);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), EBUSY);
    CHECK_ERR(tls_done(s[0], SOON), EBUSY);
    CHECK_ERR(tls_detach(s[0], SOON), EBUSY);
    CHECK_BLOCKED(&io.call);
    stream_drop(s[1], n);
    CALL_RETURNS(&io.call, 0);
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
}

/**** Deadlines ****/

/*  Wherever a record is cut by a deadline, nothing is lost. */
TEST_KINDS(rt_tls_receiving_goes_on_after_a_timeout)
{
    static uint8_t record[RECORD_MAX];
    enum {LEN = 60};
    struct line l;
    line_secure(kind, &l);
    fill_out();
    size_t n = 1;
    for(size_t cut = 0; cut <= n; cut++) {
        check_note("cut at %zu", cut);
        int from = (int)(cut % 2);
        CHECK_OK(bsend(l.s[from], out + cut, LEN, SOON));
        n = take_record(&l, from, record);
        put(&l, 1 - from, record, cut);
        if(cut < n) {
            CHECK_ERR(brecv(l.s[1 - from], in, LEN, now() + 1), ETIMEDOUT);
            CHECK_ERR(brecv_some(l.s[1 - from], in, LEN, 0), ETIMEDOUT);
        }
        put(&l, 1 - from, record + cut, n - cut);
        CHECK_OK(brecv(l.s[1 - from], in, LEN, SOON));
        CHECK_BYTES(in, LEN, out + cut, LEN);
        if(check_failed()) break;
    }
    line_close(&l);
}

/*  A request for several records, cut between and in them. */
TEST_KINDS(rt_tls_long_receives_go_on_after_a_timeout)
{
    enum {LEN = 40000};
    static uint8_t wire[LEN + 1000];
    struct line l;
    line_secure(kind, &l);
    fill_out();
    size_t total = LEN + 3 * (5 + 1 + 16);
    for(size_t cut = 0; cut < total; cut += (size_t)(total / check_rounds(40))) {
        struct io io;
        check_note("cut at %zu", cut);
        start(&io, io_send, l.s[0], out, LEN);
        CHECK_INT(wire_read(l.fd[0], wire, total, check_ms(3000)), total);
        CALL_RETURNS(&io.call, 0);
        put(&l, 1, wire, cut);
        CHECK_ERR(brecv(l.s[1], in, LEN, now() + 5), ETIMEDOUT);
        put(&l, 1, wire + cut, total - cut);
        memset(in, 0, LEN);
        CHECK_OK(brecv(l.s[1], in, LEN, SOON));
        CHECK_BYTES(in, LEN, out, LEN);
        if(check_failed()) break;
    }
    line_close(&l);
}

/*  A reader that is cancelled in the middle of a record has taken nothing. */
TEST_KINDS(rt_tls_another_reader_takes_over)
{
    static uint8_t record[RECORD_MAX];
    struct line l;
    line_secure(kind, &l);
    for(size_t cut = 0; cut < 30; cut += 3) {
        struct io io;
        check_note("cut at %zu", cut);
        CHECK_OK(bsend(l.s[0], "abcdefgh", 8, SOON));
        size_t n = take_record(&l, 0, record);
        start(&io, io_recv, l.s[1], in, 8);
        put(&l, 1, record, cut);
        msleep(now() + 2);
        CHECK_BLOCKED(&io.call);
        CALL_CANCEL(&io.call);
        start(&io, io_recv, l.s[1], in, 8);
        put(&l, 1, record + cut, n - cut);
        CALL_RETURNS(&io.call, 0);
        CHECK_BYTES(in, 8, "abcdefgh", 8);
    }
    line_close(&l);
}

/*  Without room nothing is encrypted: a timeout leaves everything usable, and
    what was sent arrives, no more and no less. TCP may find some more room
    although nobody reads, so sends may still succeed. */
TEST_KINDS(rt_tls_sending_goes_on_after_a_timeout_without_room)
{
    int s[2];
    tls_pair(kind, s);
    size_t n = stream_fill(s[0]);
    for(int timeouts = 0; timeouts != 5;) {
        if(bsend(s[0], "y", 1, now() + 2) == 0) {
            n++;
            continue;
        }
        REQUIRE(errno == ETIMEDOUT);
        timeouts++;
    }
    stream_drop(s[1], n);
    CHECK_ERR(brecv(s[1], in, 1, BRIEFLY), ETIMEDOUT);
    CHECK_PASSES(s[0], s[1]);
    CHECK_PASSES(s[1], s[0]);
    close_pair(s);
}

/*  There is less room than when the system was asked. */
TEST(rt_tls_sending_goes_on_in_a_buffer_made_smaller)
{
    int fd[2];
    int s[2];
    int least = 1;
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
    int other = dup(fd[0]);
    for(int i = 0; i != 2; i++) s[i] = ipc_fromfd(fd[i]);
    secure(s);
    CHECK_PASSES(s[0], s[1]);
    CHECK_OK(setsockopt(other, SOL_SOCKET, SO_SNDBUF, &least, sizeof least));
    close(other);
    size_t n = 0;
    for(int timeouts = 0; timeouts != 5;) {
        if(bsend(s[0], "y", 1, 0) == 0) {
            n++;
            continue;
        }
        REQUIRE(errno == ETIMEDOUT);
        timeouts++;
    }
    stream_drop(s[1], n - 1);
    /*  Not even the last one needs another to come. */
    CHECK_ERR(brecv(s[0], in, 1, BRIEFLY), ETIMEDOUT);
    stream_drop(s[1], 1);
    CHECK_ERR(brecv(s[1], in, 1, BRIEFLY), ETIMEDOUT);
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
}

TEST(rt_tls_done_can_be_tried_again)
{
    int s[2];
    struct io io;
    tls_pair(IPC, s);
    size_t n = stream_fill(s[0]);
    CHECK_ERR(tls_done(s[0], 0), ETIMEDOUT);
    CHECK_ERR(tls_done(s[0], BRIEFLY), ETIMEDOUT);
    start(&io, io_send, s[0], "never", 5);
    CHECK_BLOCKED(&io.call);
    CALL_CANCEL(&io.call);
    stream_drop(s[1], n);
    CHECK_PASSES(s[0], s[1]);
    CHECK_OK(tls_done(s[0], SOON));
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    close_pair(s);
}

TEST_KINDS(rt_tls_sending_is_over_after_a_part)
{
    static char much[8 << 20];
    int s[2];
    tls_pair(kind, s);
    CHECK_ERR(bsend(s[0], much, sizeof much, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), ECONNRESET);
    CHECK_ERR(tls_done(s[0], SOON), ECONNRESET);
    CHECK_PASSES(s[1], s[0]);
    CHECK_ERR(tls_detach(s[0], SOON), ECONNRESET);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_OK(hclose(s[1]));
}

/**** The end ****/

TEST_KINDS(rt_tls_tells_an_end_from_a_cut)
{
    static uint8_t record[RECORD_MAX];
    int s[2];
    tls_pair(kind, s);
    CHECK_OK(bsend(s[0], "bye", 3, SOON));
    CHECK_OK(tls_done(s[0], SOON));
    memset(in, 'Z', 4);
    CHECK_ERR(brecv(s[1], in, 4, SOON), EPIPE);
    CHECK_BYTES(in, 4, "byeZ", 4);
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    close_pair(s);
    for(size_t cut = 0; cut < 20; cut++) {
        struct line l;
        check_note("cut at %zu", cut);
        line_secure(kind, &l);
        CHECK_OK(bsend(l.s[0], "12", 2, SOON));
        put(&l, 1, record, take_record(&l, 0, record));
        CHECK_OK(bsend(l.s[0], "abc", 3, SOON));
        CHECK_OK(take_record(&l, 0, record) > cut ? 0 : -1);
        put(&l, 1, record, cut);
        wire_end(l.fd[1]);
        memset(in, 'Z', 4);
        CHECK_ERR(brecv(l.s[1], in, 3, SOON), ECONNRESET);
        CHECK_BYTES(in, 3, "12Z", 3);
        CHECK_ERR(brecv(l.s[1], in, 1, SOON), ECONNRESET);
        CHECK_ERR(tls_detach(l.s[1], SOON), ECONNRESET);
        CHECK_ERR(hclose(l.s[1]), EBADF);
        CHECK_OK(hclose(l.s[0]));
        wire_close(l.fd[0]);
        wire_close(l.fd[1]);
    }
}

TEST_KINDS(rt_tls_done_ends_one_direction)
{
    int s[2];
    tls_pair(kind, s);
    CHECK_OK(tls_done(s[0], SOON));
    CHECK_ERR(tls_done(s[0], SOON), EPIPE);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), EPIPE);
    CHECK_PASSES(s[1], s[0]);
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    CHECK_PASSES(s[1], s[0]);
    CHECK_OK(tls_done(s[1], SOON));
    CHECK_ERR(brecv(s[0], in, 1, SOON), EPIPE);
    close_pair(s);
}

/*  What follows the last record is there for whoever gets the stream. */
TEST_KINDS(rt_tls_detach_takes_not_a_byte_too_many)
{
    struct line l;
    int before = open_handles();
    line_secure(kind, &l);
    struct io io;
    CHECK_OK(bsend(l.s[0], "dropped", 7, SOON));
    start(&io, detach_op, l.s[0], NULL, 0);
    CHECK_BLOCKED(&io.call);
    /*  All that the client has sent, and more, arrives in one piece. */
    static uint8_t wire[1000];
    size_t n = wire_read(l.fd[0], wire, sizeof wire, check_ms(30));
    memcpy(wire + n, "behind", 6);
    put(&l, 1, wire, n + 6);
    l.s[1] = tls_detach(l.s[1], SOON);
    CHECK_OK(l.s[1]);
    CHECK_OK(brecv(l.s[1], in, 6, SOON));
    CHECK_BYTES(in, 6, "behind", 6);
    while(carry(&l, 1, SIZE_MAX));
    call_wait(HERE, &io.call);
    l.s[0] = (int)io.call.rc;
    CHECK_OK(bsend(l.s[0], "plain", 5, SOON));
    CHECK_INT(wire_read(l.fd[0], in, 5, check_ms(1000)), 5);
    CHECK_BYTES(in, 5, "plain", 5);
    CHECK_INT(open_handles(), before + 2);
    line_close(&l);
}

TEST_KINDS(rt_tls_detach_answers_an_end)
{
    int s[2];
    int before = open_handles();
    tls_pair(kind, s);
    struct io io;
    CHECK_OK(tls_done(s[0], SOON));
    start(&io, detach_op, s[1], NULL, 0);
    s[0] = tls_detach(s[0], SOON);
    call_wait(HERE, &io.call);
    s[1] = (int)io.call.rc;
    CHECK_PASSES(s[0], s[1]);
    CHECK_PASSES(s[1], s[0]);
    /*  The same stream, once more. */
    secure(s);
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
    CHECK_INT(open_handles(), before);
}

TEST_KINDS(rt_tls_detach_closes_on_failure)
{
    int s[2];
    struct io io;
    int before = open_handles();
    tls_pair(kind, s);
    CHECK_ERR(tls_detach(s[0], BRIEFLY), ETIMEDOUT);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    CHECK_OK(hclose(s[1]));
    tls_pair(kind, s);
    start(&io, detach_op, s[0], NULL, 0);
    CALL_CANCEL(&io.call);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_OK(hclose(s[1]));
    tls_pair(kind, s);
    start(&io, io_recv, s[0], in, 1);
    CHECK_ERR(tls_detach(s[0], SOON), EBUSY);
    /*  That is none: nothing has ended. */
    CHECK_OK(bsend(s[1], "x", 1, SOON));
    CALL_RETURNS(&io.call, 0);
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
    CHECK_INT(open_handles(), before);
}

TEST_KINDS(rt_tls_hclose_closes_both_layers)
{
    int s[2];
    struct io io[2];
    static char much[8 << 20];
    int before = open_handles();
    tls_pair(kind, s);
    start(&io[0], io_recv, s[0], in, 1);
    start(&io[1], io_send, s[0], much, sizeof much);
    CHECK_BLOCKED(&io[0].call);
    CHECK_BLOCKED(&io[1].call);
    CHECK_OK(hclose(s[0]));
    CALL_FAILS(&io[0].call, ECONNRESET);
    CALL_FAILS(&io[1].call, ECONNRESET);
    CHECK_OK(hclose(s[1]));
    CHECK_INT(open_handles(), before);
}

TEST_KINDS(rt_tls_own_moves_it)
{
    int s[2];
    tls_pair(kind, s);
    int moved = hown(s[0]);
    CHECK_OK(moved);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), EBADF);
    CHECK_ERR(tls_done(s[0], SOON), EBADF);
    CHECK_PASSES(moved, s[1]);
    CHECK_OK(hclose(moved));
    CHECK_OK(hclose(s[1]));
}

/**** The handshake ****/

/*  Cut off anywhere, both sides give up at their deadline, and nothing stays
    open. */
TEST_KINDS(rt_tls_the_deadline_covers_the_handshake)
{
    struct line l;
    struct end e[2];
    line_secure(kind, &l);
    size_t total = l.carried[0] + l.carried[1];
    line_close(&l);
    int before = open_handles();
    for(size_t cut = 0; cut < total; cut += total / (size_t)check_rounds(20)) {
        check_note("cut at %zu of %zu", cut, total);
        l = (struct line){.carried = {0}};
        l.s[0] = stream_open(kind, &l.fd[0]);
        l.s[1] = stream_open(kind, &l.fd[1]);
        int64_t deadline = now() + check_ms(10);
        e[0] = (struct end){.s = l.s[0], .deadline = deadline};
        e[1] = (struct end){.s = l.s[1], .deadline = deadline, .server = 1,
            .cert = "good.pem", .key = "good.key"};
        call_start(&e[0].call, attach_op, &e[0]);
        call_start(&e[1].call, attach_op, &e[1]);
        carry_handshake(&l, e, cut);
        for(int i = 0; i != 2; i++) {
            int s = finish(&e[i]);
            /*  A client has done its part before the server knows, and the
                length of a signature varies. */
            if(s >= 0 && (i == 0 || cut + 16 > total)) CHECK_OK(hclose(s));
            else CHECK_INT(e[i].call.err, ETIMEDOUT);
            wire_close(l.fd[i]);
        }
        CHECK_INT(open_handles(), before);
        if(check_failed()) break;
    }
}

/*  A handshake byte by byte. */
TEST(rt_tls_shakes_hands_in_small_pieces)
{
    struct line l;
    struct end e[2];
    line_open(IPC, &l, e);
    while(!(e[0].call.over && e[1].call.over) && now() < e[0].deadline) {
        size_t n = carry(&l, 0, 1);
        n += carry(&l, 1, 1);
        if(n) yield();
        else msleep(now() + 1);
    }
    l.s[0] = finish(&e[0]);
    l.s[1] = finish(&e[1]);
    CHECK(l.s[0] >= 0 && l.s[1] >= 0);
    line_close(&l);
}

TEST_KINDS(rt_tls_handshakes_can_be_cancelled)
{
    int before = open_handles();
    for(int server = 0; server != 2; server++) {
        struct end e;
        int fd;
        int s = stream_open(kind, &fd);
        if(server) start_server(&e, s, "good.pem", "good.key");
        else start_client(&e, s, NULL);
        CHECK_BLOCKED(&e.call);
        CALL_CANCEL(&e.call);
        wire_close(fd);
    }
    CHECK_INT(open_handles(), before);
}

TEST_KINDS(rt_tls_the_peer_may_go_away)
{
    int before = open_handles();
    for(int server = 0; server != 2; server++) {
        struct end e;
        int fd;
        int s = stream_open(kind, &fd);
        if(server) start_server(&e, s, "good.pem", "good.key");
        else start_client(&e, s, NULL);
        wire_end(fd);
        CALL_FAILS(&e.call, ECONNRESET);
        wire_close(fd);
    }
    CHECK_INT(open_handles(), before);
}

/*  Whoever does not speak TLS is told with an alert, at once. */
TEST_KINDS(rt_tls_the_peer_may_not_speak_tls)
{
    static const char *const texts[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\xff\xff", "\x17\x03\x03\x40", "\x16\x04\x01\x01\x01"};
    int before = open_handles();
    for(int server = 0; server != 2; server++)
        for(size_t i = 0; i != COUNT_OF(texts); i++) {
            struct end e;
            int fd;
            check_note("server %d, text %zu", server, i);
            int s = stream_open(kind, &fd);
            if(server) start_server(&e, s, "good.pem", "good.key");
            else start_client(&e, s, NULL);
            uint8_t record[RECORD_MAX];
            struct line l = {.fd = {fd, fd}};
            if(!server) CHECK(take_record(&l, 0, record) > 5);
            put(&l, 0, texts[i], strlen(texts[i]) < 5 ? 5 : strlen(texts[i]));
            int64_t since = now();
            if(i == 3) wire_end(fd);
            CALL_FAILS(&e.call, i == 3 ? ECONNRESET : EPROTO);
            CHECK(now() - since < check_ms(1000));
            if(i != 3) {
                /*  Alert, fatal (RFC 8446, section 6). */
                CHECK_INT(wire_read(fd, record, 7, check_ms(1000)), 7);
                CHECK_INT(record[0], 21);
                CHECK_INT(record[5], 2);
            }
            wire_close(fd);
        }
    CHECK_INT(open_handles(), before);
}

/*  One bit is enough. The peer is told. */
TEST_KINDS(rt_tls_a_changed_record_ends_all)
{
    static uint8_t record[RECORD_MAX];
    for(int place = 0; place != 3; place++) {
        struct line l;
        check_note("place %d", place);
        line_secure(kind, &l);
        CHECK_OK(bsend(l.s[0], "abcdef", 6, SOON));
        size_t n = take_record(&l, 0, record);
        record[place == 0 ? 5 : place == 1 ? n / 2 : n - 1] ^= 1;
        put(&l, 1, record, n);
        CHECK_ERR(brecv(l.s[1], in, 6, SOON), EPROTO);
        CHECK_ERR(brecv(l.s[1], in, 6, SOON), ECONNRESET);
        if(place == 0) CHECK_ERR(tls_done(l.s[1], SOON), ECONNRESET);
        CHECK_ERR(bsend(l.s[1], "x", 1, SOON), ECONNRESET);
        n = take_record(&l, 1, record);
        CHECK(n > 0);
        put(&l, 0, record, n);
        CHECK_ERR(brecv(l.s[0], in, 6, SOON), EPROTO);
        line_close(&l);
    }
}

/*  A sender in the middle of something passes the alert on, and is told. */
TEST_KINDS(rt_tls_a_sender_passes_the_alert_on)
{
    static uint8_t record[RECORD_MAX];
    static char much[8 << 20];
    struct line l;
    struct io io;
    line_secure(kind, &l);
    CHECK_OK(bsend(l.s[0], "abcdef", 6, SOON));
    size_t n = take_record(&l, 0, record);
    start(&io, io_send, l.s[1], much, sizeof much);
    CHECK_BLOCKED(&io.call);
    record[n - 1] ^= 1;
    put(&l, 1, record, n);
    CHECK_ERR(brecv(l.s[1], in, 6, SOON), EPROTO);
    size_t got = 0;
    int err = 0;
    for(int64_t deadline = SOON; !err && now() < deadline;) {
        while(carry(&l, 1, SIZE_MAX));
        ssize_t some = brecv_some(l.s[0], in, sizeof in, now() + 1);
        if(some > 0) got += (size_t)some;
        else if(errno != ETIMEDOUT) err = errno;
    }
    CHECK_INT(err, EPROTO);
    CHECK(got < sizeof much);
    CALL_FAILS(&io.call, ECONNRESET);
    line_close(&l);
}

/*  A record cannot come twice, nor be left out. */
TEST_KINDS(rt_tls_records_have_an_order)
{
    static uint8_t record[RECORD_MAX];
    struct line l;
    line_secure(kind, &l);
    CHECK_OK(bsend(l.s[0], "abc", 3, SOON));
    size_t n = take_record(&l, 0, record);
    put(&l, 1, record, n);
    put(&l, 1, record, n);
    CHECK_OK(brecv(l.s[1], in, 3, SOON));
    CHECK_ERR(brecv(l.s[1], in, 3, SOON), EPROTO);
    CHECK_OK(bsend(l.s[0], "abc", 3, SOON));
    line_close(&l);
    line_secure(kind, &l);
    CHECK_OK(bsend(l.s[0], "abc", 3, SOON));
    CHECK_OK(bsend(l.s[0], "abc", 3, SOON));
    CHECK(take_record(&l, 0, record) > 0);
    put(&l, 1, record, take_record(&l, 0, record));
    CHECK_ERR(brecv(l.s[1], in, 3, SOON), EPROTO);
    line_close(&l);
}

/**** Certificates ****/

/*  Shakes hands over a fresh stream; what either end says of it. */
static void shake(const char *cert, const char *key, const char *host,
    int err[2])
{
    struct end e[2];
    int s[2];
    stream_pair(IPC, s);
    start_client(&e[0], s[0], host);
    start_server(&e[1], s[1], cert, key);
    int rc[2] = {finish(&e[0]), finish(&e[1])};
    for(int i = 0; i != 2; i++) err[i] = rc[i] < 0 ? e[i].call.err : 0;
    if(rc[0] >= 0 && rc[1] >= 0) {
        CHECK_PASSES(rc[0], rc[1]);
        CHECK_PASSES(rc[1], rc[0]);
    }
    for(int i = 0; i != 2; i++)
        if(rc[i] >= 0) CHECK_OK(hclose(rc[i]));
}

TEST(rt_tls_takes_good_certificates)
{
    static const char *const pairs[][2] = {
        {"good.pem", "good.key"}, {"good.pem", "good.sec1"},
        {"rsa.pem", "rsa.key"}, {"rsa.pem", "rsa.pkcs1"},
        {"ed25519.pem", "ed25519.key"}};
    static const char *const hosts[] = {
        "localhost", "www.example.org", "WWW.Example.ORG", "127.0.0.1", "::1"};
    int err[2];
    for(size_t i = 0; i != COUNT_OF(pairs); i++)
        for(size_t j = 0; j != COUNT_OF(hosts); j++) {
            check_note("%s for %s", pairs[i][1], hosts[j]);
            shake(pairs[i][0], pairs[i][1], hosts[j], err);
            CHECK_INT(err[0], 0);
            CHECK_INT(err[1], 0);
        }
}

TEST(rt_tls_refuses_bad_certificates)
{
    static const char *const bad[][2] = {
        {"expired.pem", "localhost"}, {"future.pem", "localhost"},
        {"other.pem", "localhost"}, {"other.pem", "127.0.0.1"},
        {"good.pem", "example.org"}, {"good.pem", "sub.www.example.org"},
        {"good.pem", "127.0.0.2"}, {"good.pem", "::2"},
        {"nameless.pem", "localhost"}, {"selfsigned.pem", "localhost"},
        {"untrusted.pem", "localhost"}};
    int err[2];
    int before = open_handles();
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        check_note("%s for %s", bad[i][0], bad[i][1]);
        shake(bad[i][0], "good.key", bad[i][1], err);
        CHECK_INT(err[0], EACCES);
        CHECK_INT(err[1], EPROTO);
        /*  The other call takes everything, as libdill does. */
        shake(bad[i][0], "good.key", NULL, err);
        CHECK_INT(err[0], 0);
        CHECK_INT(err[1], 0);
    }
    CHECK_INT(open_handles(), before);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if(fd < 0 || write(fd, text, strlen(text)) < 0) abort();
    close(fd);
}

TEST(rt_tls_servers_need_their_files)
{
    static const struct {const char *cert; const char *key; int err;} bad[] = {
        {"missing", "good.key", ENOENT}, {"good.pem", "missing", ENOENT},
        {".", "good.key", EISDIR}, {"good.pem", ".", EISDIR},
        {"good.pem/x", "good.key", ENOTDIR}, {"empty", "good.key", EINVAL},
        {"good.pem", "empty", EINVAL}, {"text", "good.key", EINVAL},
        {"good.pem", "text", EINVAL}, {"broken", "good.key", EINVAL},
        {"good.pem", "broken", EINVAL}, {"good.key", "good.key", EINVAL},
        {"good.pem", "good.pem", EINVAL}, {"good.pem", "rsa.key", EINVAL},
        {"rsa.pem", "good.key", EINVAL}, {"good.pem", "root.key", EINVAL}};
    write_file(certificate("empty"), "");
    write_file(certificate("text"), "no certificate");
    write_file(certificate("broken"), "-----BEGIN CERTIFICATE-----\nAAAA\n"
        "-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n"
        "-----END PRIVATE KEY-----\n");
    int before = open_handles();
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        int fd;
        check_note("%s, %s", bad[i].cert, bad[i].key);
        int s = stream_open(IPC, &fd);
        CHECK_ERR(tls_attach_server(s, certificate(bad[i].cert),
            certificate(bad[i].key), SOON), bad[i].err);
        CHECK_ERR(hclose(s), EBADF);
        EXPECT_END(fd);
        wire_close(fd);
    }
    if(geteuid() != 0) {
        int fd;
        write_file(certificate("secret"), "");
        chmod(certificate("secret"), 0);
        CHECK_ERR(tls_attach_server(stream_open(IPC, &fd),
            certificate("good.pem"), certificate("secret"), SOON), EACCES);
        wire_close(fd);
    }
    CHECK_INT(open_handles(), before);
}

/**** Arguments ****/

TEST(rt_tls_bad_arguments_close_the_stream)
{
    struct tls_storage mem;
    const char *cert = certificate("good.pem");
    const char *key = certificate("good.key");
    int before = open_handles();
    for(int i = 0; i != 12; i++) {
        int fd;
        int s = stream_open(IPC, &fd);
        check_note("case %d", i);
        int rc = -1;
        errno = 0;
        switch(i) {
        case 0: rc = tls_attach_client_mem(s, NULL, SOON); break;
        case 1: rc = tls_attach_server_mem(s, cert, key, NULL, SOON); break;
        case 2: rc = tls_attach_server(s, NULL, key, SOON); break;
        case 3: rc = tls_attach_server(s, cert, NULL, SOON); break;
        case 4: rc = tls_attach_server_mem(s, NULL, NULL, &mem, SOON); break;
        case 5: rc = tls_attach_client_host(s, NULL, SOON); break;
        case 6: rc = tls_attach_client_host(s, "", SOON); break;
        case 7: rc = tls_attach_client_host(s, "a b", SOON); break;
        case 8: rc = tls_attach_client_host(s, "\xff", SOON); break;
        case 9: rc = tls_attach_client_host(s, "1.2.3.4.5", SOON); break;
        case 10: rc = tls_attach_client_host_mem(s, NULL, &mem, SOON); break;
        default: rc = tls_attach_client_host_mem(s, "localhost", NULL, SOON);
        }
        check_err(HERE, "the call", rc, errno, EINVAL);
        CHECK_ERR(hclose(s), EBADF);
        EXPECT_END(fd);
        wire_close(fd);
    }
    CHECK_INT(open_handles(), before);
}

TEST(rt_tls_wrong_handles)
{
    const char *cert = certificate("good.pem");
    const char *key = certificate("good.key");
    int bad[] = {-1, 12345};
    int before = open_handles();
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        CHECK_ERR(tls_attach_client(bad[i], SOON), EBADF);
        CHECK_ERR(tls_attach_client_host(bad[i], "localhost", SOON), EBADF);
        CHECK_ERR(tls_attach_server(bad[i], cert, key, SOON), EBADF);
        CHECK_ERR(tls_done(bad[i], SOON), EBADF);
        CHECK_ERR(tls_detach(bad[i], SOON), EBADF);
    }
    /*  No byte stream. */
    int h = bundle();
    CHECK_ERR(tls_attach_client(h, SOON), EPROTO);
    CHECK_ERR(hclose(h), EBADF);
    h = bundle();
    CHECK_ERR(tls_attach_server(h, cert, key, SOON), EPROTO);
    CHECK_ERR(hclose(h), EBADF);
    /*  A stream, but no TLS. */
    int s[2];
    stream_pair(IPC, s);
    CHECK_ERR(tls_done(s[0], SOON), ENOTSUP);
    CHECK_ERR(tls_detach(s[0], SOON), ENOTSUP);
    CHECK_PASSES(s[0], s[1]);
    secure(s);
    CHECK_ERR(msend(s[0], "x", 1, SOON), ENOTSUP);
    CHECK_ERR(tcp_done(s[0], SOON), ENOTSUP);
    CHECK_ERR(ipc_close(s[0], SOON), ENOTSUP);
    close_pair(s);
    CHECK_INT(open_handles(), before);
}

struct memory {struct call call; int s; int server; void *mem;};

static long long attach_mem_op(void *arg)
{
    struct memory *m = arg;
    if(m->server)
        return tls_attach_server_mem(m->s, certificate("good.pem"),
            certificate("good.key"), m->mem, SOON);
    return tls_attach_client_host_mem(m->s, "localhost", m->mem, SOON);
}

TEST(rt_tls_memory_may_be_anywhere)
{
    char mem[2 * sizeof(struct tls_storage) + 3];
    struct memory m[2];
    int s[2];
    CHECK_INT(sizeof(struct tls_storage), 72);
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) {
        m[i] = (struct memory){.s = s[i], .server = i,
            .mem = mem + 1 + i * (sizeof(struct tls_storage) + 1)};
        call_start(&m[i].call, attach_mem_op, &m[i]);
    }
    for(int i = 0; i != 2; i++) {
        call_wait(HERE, &m[i].call);
        s[i] = (int)m[i].call.rc;
        check_ok(HERE, "attached", s[i], m[i].call.err);
    }
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
}

static long long cancelled_op(void *arg)
{
    struct io *io = arg;
    msleep(-1);
    int rc = tls_attach_client(io->s, -1);
    return rc < 0 && errno == ECANCELED ? -1 : 0;
}

/*  A coroutine that is being cancelled gets no socket, and loses the stream. */
TEST(rt_tls_no_socket_for_the_cancelled)
{
    struct io io;
    int fd;
    int s = stream_open(IPC, &fd);
    start(&io, cancelled_op, s, NULL, 0);
    CALL_CANCEL(&io.call);
    CHECK_ERR(hclose(s), EBADF);
    wire_close(fd);
}

/**** Streams of other kinds ****/

/*  A stream of the program's own, which passes everything on, and knows nothing
    of what has arrived, nor of room. */
struct own_stream {
    struct hvfs hvfs;
    struct bsock_vfs bvfs;
    struct dill_bsock_some_vfs svfs;
    int u;
    int closed;
    int sends;
    int fails;      /* sending does, with ETIMEDOUT */
    int knows;      /* it says what has arrived, and is sure of room */
};

static void *own_query(struct hvfs *hvfs, const void *type)
{
    struct own_stream *self = (struct own_stream*)hvfs;
    if(type == bsock_type) return &self->bvfs;
    if(type == DILL_BSOCK_SOME_TYPE && self->knows) return &self->svfs;
    errno = ENOTSUP;
    return NULL;
}

static void own_close(struct hvfs *hvfs)
{
    struct own_stream *self = (struct own_stream*)hvfs;
    self->closed++;
    if(self->u >= 0) CHECK_OK(hclose(self->u));
}

static struct own_stream *own_around(struct bsock_vfs *bvfs)
{
    return (struct own_stream*)
        ((char*)bvfs - offsetof(struct own_stream, bvfs));
}

/*  The same of the stream below. */
static struct dill_bsock_some_vfs *own_below(struct dill_bsock_some_vfs *svfs)
{
    struct own_stream *self = (struct own_stream*)
        ((char*)svfs - offsetof(struct own_stream, svfs));
    return hquery(self->u, DILL_BSOCK_SOME_TYPE);
}

static ssize_t own_brecvsome(struct dill_bsock_some_vfs *svfs, void *buf,
    size_t len, int64_t deadline)
{
    struct dill_bsock_some_vfs *below = own_below(svfs);
    return below->brecvsome(below, buf, len, deadline);
}

static int own_bawaitroom(struct dill_bsock_some_vfs *svfs, int64_t deadline)
{
    struct dill_bsock_some_vfs *below = own_below(svfs);
    return below->bawaitroom(below, deadline);
}

static int own_blook(struct dill_bsock_some_vfs *svfs,
    size_t (*look)(void *arg, const void *bytes, size_t len), void *arg,
    int64_t deadline)
{
    struct dill_bsock_some_vfs *below = own_below(svfs);
    return below->blook(below, look, arg, deadline);
}

static int own_bsendl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    own_around(bvfs)->sends++;
    if(own_around(bvfs)->fails && first->iol_len) {
        errno = ETIMEDOUT;
        return -1;
    }
    return bsendl(own_around(bvfs)->u, first, last, deadline);
}

static int own_brecvl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    return brecvl(own_around(bvfs)->u, first, last, deadline);
}

static int own_make(struct own_stream *self, int u)
{
    *self = (struct own_stream){
        .hvfs = {own_query, own_close}, .bvfs = {own_bsendl, own_brecvl},
        .svfs = {sizeof self->svfs, own_brecvsome, own_bawaitroom, own_blook, NULL},
        .u = u};
    return hmake(&self->hvfs);
}

TEST(rt_tls_over_a_stream_of_the_program)
{
    struct own_stream own[2];
    int s[2];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) s[i] = own_make(&own[i], s[i]);
    secure(s);
    fill_out();
    struct io io;
    for(int i = 0; i != 2; i++) {
        start(&io, io_send, s[i], out, sizeof out);
        CHECK_OK(brecv(s[1 - i], in, sizeof in, SOON));
        CALL_RETURNS(&io.call, 0);
        CHECK_BYTES(in, sizeof in, out, sizeof out);
    }
    int sends = own[0].sends;
    CHECK_OK(bsend(s[0], out, 16384, SOON));
    CHECK_INT(own[0].sends, sends + 1);
    CHECK_ERR(brecv(s[1], in, 16385, BRIEFLY), ETIMEDOUT);
    CHECK_OK(brecv(s[1], in, 16384, SOON));
    start(&io, detach_op, s[0], NULL, 0);
    s[1] = tls_detach(s[1], SOON);
    call_wait(HERE, &io.call);
    s[0] = (int)io.call.rc;
    CHECK_PASSES(s[0], s[1]);
    CHECK_INT(own[0].closed + own[1].closed, 0);
    secure(s);
    close_pair(s);
    CHECK_INT(own[0].closed, 1);
    CHECK_INT(own[1].closed, 1);
}

/*  A record that was made but perhaps taken in part is missing from the stream
    for good. */
TEST(rt_tls_a_record_cannot_be_taken_back)
{
    struct own_stream own[2];
    int s[2];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) s[i] = own_make(&own[i], s[i]);
    secure(s);
    own[0].fails = 1;
    CHECK_ERR(bsend(s[0], "x", 1, SOON), ETIMEDOUT);
    own[0].fails = 0;
    CHECK_ERR(bsend(s[0], "x", 1, SOON), ECONNRESET);
    CHECK_ERR(tls_done(s[0], SOON), ECONNRESET);
    CHECK_PASSES(s[1], s[0]);
    close_pair(s);
}

/*  Over streams that promise room. */
static void own_pair(struct own_stream own[2], int s[2])
{
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) {
        s[i] = own_make(&own[i], s[i]);
        own[i].knows = 1;
    }
    secure(s);
}

/*  A record for which there was no room after all is neither lost nor sent
    twice, and no second one is made. */
TEST(rt_tls_a_record_without_room_goes_first_next_time)
{
    struct own_stream own[2];
    int s[2];
    own_pair(own, s);
    own[0].fails = 1;
    CHECK_OK(bsend(s[0], "one", 3, 0));
    for(int i = 0; i != 3; i++) CHECK_ERR(bsend(s[0], "two", 3, 0), ETIMEDOUT);
    own[0].fails = 0;
    CHECK_ERR(brecv(s[1], in, 1, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s[0], "three", 5, 0));
    CHECK_OK(brecv(s[1], in, 8, SOON));
    CHECK_BYTES(in, 8, "onethree", 8);
    CHECK_ERR(brecv(s[1], in, 1, BRIEFLY), ETIMEDOUT);
    CHECK_PASSES(s[0], s[1]);
    CHECK_PASSES(s[1], s[0]);
    close_pair(s);
}

/*  The peer may say nothing before it has come. */
TEST(rt_tls_a_receiver_sends_what_had_no_room)
{
    struct own_stream own[2];
    struct io io;
    int s[2];
    own_pair(own, s);
    own[0].fails = 1;
    CHECK_OK(bsend(s[0], "question", 8, 0));
    start(&io, io_recv, s[0], in, 6);
    CHECK_BLOCKED(&io.call);
    own[0].fails = 0;
    char question[8];
    CHECK_OK(brecv(s[1], question, 8, SOON));
    CHECK_BYTES(question, 8, "question", 8);
    CHECK_OK(bsend(s[1], "answer", 6, SOON));
    CALL_RETURNS(&io.call, 0);
    CHECK_BYTES(in, 6, "answer", 6);
    own[0].fails = 1;
    CHECK_OK(bsend(s[0], "last", 4, 0));
    CHECK_ERR(brecv(s[0], in, 1, BRIEFLY), ETIMEDOUT);
    own[0].fails = 0;
    CHECK_PASSES(s[1], s[0]);
    CHECK_OK(brecv(s[1], in, 4, SOON));
    CHECK_BYTES(in, 4, "last", 4);
    close_pair(s);
}

TEST(rt_tls_an_end_without_room_comes_nevertheless)
{
    struct own_stream own[2];
    struct io io;
    int s[2];
    own_pair(own, s);
    own[0].fails = 1;
    CHECK_OK(bsend(s[0], "x", 1, 0));
    CHECK_OK(tls_done(s[0], 0));
    CHECK_ERR(tls_done(s[0], 0), EPIPE);
    CHECK_ERR(bsend(s[0], "z", 1, 0), EPIPE);
    start(&io, detach_op, s[0], NULL, 0);
    CHECK_BLOCKED(&io.call);
    own[0].fails = 0;
    CHECK_OK(brecv(s[1], in, 1, SOON));
    CHECK_BYTES(in, 1, "x", 1);
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    s[1] = tls_detach(s[1], SOON);
    call_wait(HERE, &io.call);
    s[0] = (int)io.call.rc;
    CHECK_PASSES(s[0], s[1]);
    CHECK_PASSES(s[1], s[0]);
    close_pair(s);
}

/*  A part of a message is no message. */
TEST(rt_tls_sending_is_over_after_a_record_of_many_without_room)
{
    struct own_stream own[2];
    int s[2];
    own_pair(own, s);
    own[0].fails = 1;
    CHECK_ERR(bsend(s[0], out, sizeof out, 0), ETIMEDOUT);
    own[0].fails = 0;
    CHECK_ERR(bsend(s[0], "x", 1, SOON), ECONNRESET);
    CHECK_PASSES(s[1], s[0]);
    close_pair(s);
}

TEST_KINDS(rt_tls_over_tls)
{
    int s[2];
    int before = open_handles();
    stream_pair(kind, s);
    for(int depth = 1; depth <= 3; depth++) {
        check_note("depth %d", depth);
        secure(s);
        CHECK_PASSES(s[0], s[1]);
        CHECK_PASSES(s[1], s[0]);
    }
    stream_drop(s[1], stream_fill(s[0]));
    CHECK_PASSES(s[0], s[1]);
    for(int depth = 1; depth <= 3; depth++) {
        struct io io;
        start(&io, detach_op, s[0], NULL, 0);
        s[1] = tls_detach(s[1], SOON);
        call_wait(HERE, &io.call);
        s[0] = (int)io.call.rc;
        CHECK_PASSES(s[0], s[1]);
    }
    close_pair(s);
    CHECK_INT(open_handles(), before);
}

/**** Stacks ****/

static coroutine void attach_and_close(struct end *e)
{
    long long s = attach_op(e);
    check_ok(HERE, "attach", s, errno);
    hclose((int)s);
}

/*  Both ends on stacks of 64 KiB; the default is four times that. What the
    library was compiled for matters: without optimisation it is 50 KiB. */
TEST(rt_tls_needs_little_stack)
{
    if(check_under("valgrind")) NA("valgrind forgets what was on a stack");
    enum {SIZE = 65536};
    struct end e[2];
    int s[2];
    uint8_t *stacks[2];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) {
        stacks[i] = malloc(SIZE);
        memset(stacks[i], 0xa5, SIZE);
        e[i] = (struct end){.s = s[i], .server = i, .host = "localhost",
            .cert = "rsa.pem", .key = "rsa.key", .deadline = SOON};
    }
    int b = bundle();
    CHECK_OK(bundle_go_mem(b, attach_and_close(&e[0]), stacks[0], SIZE));
    CHECK_OK(bundle_go_mem(b, attach_and_close(&e[1]), stacks[1], SIZE));
    CHECK_OK(bundle_wait(b, SOON));
    CHECK_OK(hclose(b));
    for(int i = 0; i != 2; i++) {
        size_t untouched = 0;
        while(untouched < SIZE && stacks[i][untouched] == 0xa5) untouched++;
        CHECK_RANGE(SIZE - untouched, 1, SIZE - 8192);
        free(stacks[i]);
    }
}

/*  How many of the pages below the caller's frame are there, but the first. */
static int pages_below(void)
{
    enum {PAGES = 16};
    unsigned char there[PAGES];
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t lowest = ((uintptr_t)there / size - 1 - PAGES) * size;
    int count = 0;
    if(mincore((void*)lowest, PAGES * size, there) != 0) return -1;
    for(int i = 0; i != PAGES; i++) count += there[i] & 1;
    return count;
}

static long long attach_and_count(void *arg)
{
    struct end *e = arg;
    /*  What is called for the first time needs more stack. */
    pages_below();
    e->s = (int)attach_op(e);
    return pages_below();
}

TEST(rt_tls_attaching_leaves_no_stack_behind)
{
#if defined(__SANITIZE_ADDRESS__)
    NA("AddressSanitizer's frames are larger");
#endif
    if(check_under("valgrind")) NA("valgrind has frames of its own");
    certificate("root.pem");
    struct end e[2];
    int s[2];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) {
        e[i] = (struct end){.s = s[i], .server = i, .host = "localhost",
            .cert = "good.pem", .key = "good.key", .deadline = SOON};
        call_start(&e[i].call, attach_and_count, &e[i]);
    }
    for(int i = 0; i != 2; i++) {
        CALL_RETURNS(&e[i].call, 0);
        s[i] = e[i].s;
    }
    CHECK_PASSES(s[0], s[1]);
    close_pair(s);
}

/**** Another implementation ****/

static const char *const versions[] = {"-tls1_2", "-tls1_3"};

TEST(rt_tls_server_of_openssl_clients)
{
    for(int i = 0; i != 2; i++) {
        check_note("%s", versions[i]);
        struct ipaddr addr;
        struct tool t;
        int listener = listen_tcp(&addr, 1);
        char where[32];
        snprintf(where, sizeof where, "127.0.0.1:%d", ipaddr_port(&addr));
        char *argv[] = {"openssl", "s_client", "-connect", where, "-CAfile",
            (char*)certificate("root.pem"), "-verify_return_error",
            "-verify_hostname", "localhost", "-alpn", "http/1.1",
            (char*)versions[i], NULL};
        tool_start(&t, argv);
        int s = tcp_accept(listener, NULL, SOON);
        REQUIRE(s >= 0);
        s = tls_attach_server(s, certificate("good.pem"),
            certificate("good.key"), SOON);
        CHECK_OK(s);
        CHECK_OK(bsend(s, "from us\n", 8, SOON));
        TOOL_PRINTS(&t, "from us");
        tool_say(&t, "from it\n");
        CHECK_OK(brecv(s, in, 8, SOON));
        CHECK_BYTES(in, 8, "from it\n", 8);
        if(i == 1) {
            /*  New keys, and a request for ours (RFC 8446, section 4.6.3). */
            for(int round = 0; round != 3; round++) {
                tool_say(&t, "K\n");
                msleep(now() + check_ms(50));
                tool_say(&t, "again\n");
                CHECK_OK(brecv(s, in, 6, SOON));
                CHECK_BYTES(in, 6, "again\n", 6);
                CHECK_OK(bsend(s, "new keys\n", 9, SOON));
                TOOL_PRINTS(&t, "new keys");
            }
        } else {
            /*  Renegotiation is refused, and openssl gives up then. */
            tool_say(&t, "R\n");
            CHECK_INT(brecv(s, in, 1, SOON), -1);
            CHECK(errno == EPIPE || errno == EPROTO || errno == ECONNRESET);
        }
        if(i == 1) {
            tool_say(&t, "Q\n");
            CHECK_ERR(brecv(s, in, 1, SOON), EPIPE);
        }
        CHECK_OK(hclose(s));
        CHECK_OK(hclose(listener));
        tool_end(&t);
    }
}

TEST(rt_tls_client_of_openssl_servers)
{
    for(int i = 0; i != 2; i++) {
        check_note("%s", versions[i]);
        struct ipaddr addr;
        struct tool t;
        char *argv[] = {"openssl", "s_server", "-accept", "127.0.0.1:0", "-rev",
            "-cert", (char*)certificate("good.pem"), "-cert_chain",
            (char*)certificate("good.pem"), "-key",
            (char*)certificate("good.key"), "-alpn", "http/1.1",
            (char*)versions[i], NULL};
        tool_start(&t, argv);
        int port = atoi(TOOL_PRINTS(&t, "ACCEPT 127.0.0.1:"));
        CHECK_OK(ipaddr_local(&addr, "127.0.0.1", port, IPADDR_IPV4));
        int s = tcp_connect(&addr, SOON);
        REQUIRE(s >= 0);
        s = tls_attach_client_host(s, "localhost", SOON);
        CHECK_OK(s);
        for(int round = 0; round != 3; round++) {
            CHECK_OK(bsend(s, "stressed\n", 9, SOON));
            CHECK_OK(brecv(s, in, 9, SOON));
            CHECK_BYTES(in, 9, "desserts\n", 9);
        }
        CHECK_OK(tls_done(s, SOON));
        CHECK_ERR(brecv(s, in, 1, SOON), EPIPE);
        CHECK_OK(hclose(s));
        tool_stop(&t);
    }
}
