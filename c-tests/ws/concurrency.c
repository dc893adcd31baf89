/*  Several coroutines on one WebSocket. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tap.h"

/*  More than any stream holds, so that its sender blocks in mid-frame. */
#define LONG (4 << 20)

static uint8_t *long_message(void)
{
    uint8_t *p = malloc(LONG);
    for(size_t i = 0; i != LONG; i++) p[i] = (uint8_t)(i * 13 + i / 251);
    return p;
}

/**** Coroutines that do one call and tell how it went ****/

struct call {
    int h;
    const void *data;
    size_t n;
    int64_t deadline;
    ssize_t rc;
    int err;
    int ended;
    char buf[64];
    int handle;
};

static coroutine void call_send(struct call *k)
{
    k->rc = ws_send(k->h, WS_BINARY, k->data, k->n, k->deadline);
    k->err = errno;
    k->ended = 1;
}

static coroutine void call_recv(struct call *k)
{
    k->rc = ws_recv(k->h, NULL, k->buf, sizeof k->buf, k->deadline);
    k->err = errno;
    k->ended = 1;
}

static void start_send(struct call *k, int h, const void *data, size_t n)
{
    *k = (struct call){.h = h, .data = data, .n = n, .deadline = -1};
    k->handle = go(call_send(k));
    CHECK_OK(k->handle);
}

static void start_recv(struct call *k, int h)
{
    *k = (struct call){.h = h, .deadline = -1};
    k->handle = go(call_recv(k));
    CHECK_OK(k->handle);
}

/*  Waits until the call has returned. */
static void finish(struct call *k)
{
    bundle_wait(k->handle, SOON);
    CHECK_INT(k->ended, 1);
    hclose(k->handle);
}

/*  A connection with a sender that is stuck in the middle of a frame. */
struct stuck {struct conn c; uint8_t *data; struct call sender;};

static void stuck_open(struct stuck *t, enum role role)
{
    conn_open(&t->c, role, 0);
    t->data = long_message();
    start_send(&t->sender, t->c.h, t->data, LONG);
    settle();
    CHECK_INT(t->sender.ended, 0);
}

/*  The peer takes the frame; the sender ends well. */
static void stuck_release(struct stuck *t)
{
    EXPECT_FRAME(t->c.fd, t->c.role, OP_BINARY, t->data, LONG);
    finish(&t->sender);
    CHECK_INT(t->sender.rc, 0);
}

static void stuck_close(struct stuck *t)
{
    free(t->data);
    conn_close(&t->c);
}

static void peer_says(struct conn *c, const char *text)
{
    struct bytes in = {0};
    peer_message(&in, c->role, OP_TEXT, text, strlen(text));
    wire_send(c->fd, &in);
    bytes_free(&in);
}

/**** One sender and one receiver ****/

TEST_ROLES(concurrency_send_while_another_receives)
{
    struct conn c;
    struct call receiver;
    conn_open(&c, role, 0);
    start_recv(&receiver, c.h);
    for(int i = 0; i != 10; i++) {
        CHECK_INT(ws_send(c.h, WS_TEXT, "hello", 5, SOON), 0);
        EXPECT_FRAME(c.fd, role, OP_TEXT, "hello", 5);
    }
    CHECK_INT(receiver.ended, 0);
    peer_says(&c, "done");
    finish(&receiver);
    CHECK_INT(receiver.rc, 4);
    CHECK_BYTES(receiver.buf, 4, "done", 4);
    conn_close(&c);
}

TEST_ROLES(concurrency_receive_while_another_is_stuck_sending)
{
    struct stuck t;
    char buf[8];
    stuck_open(&t, role);
    for(int i = 0; i != 10; i++) {
        peer_says(&t.c, "hello");
        CHECK_INT(ws_recv(t.c.h, NULL, buf, sizeof buf, SOON), 5);
    }
    CHECK_INT(t.sender.ended, 0);
    stuck_release(&t);
    stuck_close(&t);
}

/**** EBUSY ****/

TEST_ROLES(concurrency_second_receiver_is_ebusy)
{
    struct conn c;
    struct call receiver;
    char buf[8];
    struct iolist part = {buf, sizeof buf, NULL, 0};
    conn_open(&c, role, 0);
    start_recv(&receiver, c.h);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EBUSY);
    CHECK_ERR(ws_recvl(c.h, NULL, &part, &part, SOON), EBUSY);
    CHECK_ERR(ws_recvl(c.h, NULL, NULL, NULL, 0), EBUSY);
    CHECK_ERR(mrecv(c.h, buf, sizeof buf, SOON), EBUSY);
    CHECK_ERR(mrecvl(c.h, &part, &part, -1), EBUSY);
    CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EAGAIN);
    peer_says(&c, "first");
    finish(&receiver);
    CHECK_INT(receiver.rc, 5);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(concurrency_second_sender_is_ebusy)
{
    struct stuck t;
    struct iolist part = {"x", 1, NULL, 0};
    stuck_open(&t, role);
    CHECK_ERR(ws_send(t.c.h, WS_TEXT, "x", 1, SOON), EBUSY);
    CHECK_ERR(ws_sendl(t.c.h, WS_TEXT, &part, &part, SOON), EBUSY);
    CHECK_ERR(msend(t.c.h, "x", 1, 0), EBUSY);
    CHECK_ERR(msendl(t.c.h, &part, &part, -1), EBUSY);
    CHECK_ERR(ws_done(t.c.h, 1000, NULL, 0, SOON), EBUSY);
    stuck_release(&t);
    EXPECT_SILENCE(t.c.fd);
    CHECK_INTACT(&t.c);
    stuck_close(&t);
}

/*  Detach both sends and receives; on EBUSY nothing is closed. */
TEST_ROLES(concurrency_detach_while_another_receives_is_ebusy)
{
    struct conn c;
    struct call receiver;
    conn_open(&c, role, 0);
    start_recv(&receiver, c.h);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), EBUSY);
    peer_says(&c, "first");
    finish(&receiver);
    CHECK_INT(receiver.rc, 5);
    EXPECT_SILENCE(c.fd);
    CHECK_INTACT(&c);
    conn_close(&c);
}

TEST_ROLES(concurrency_detach_while_another_sends_is_ebusy)
{
    struct stuck t;
    stuck_open(&t, role);
    CHECK_ERR(ws_detach(t.c.h, 1000, NULL, 0, SOON), EBUSY);
    stuck_release(&t);
    EXPECT_SILENCE(t.c.fd);
    CHECK_INTACT(&t.c);
    stuck_close(&t);
}

/**** What the library sends by itself ****/

/*  Three pings while a frame is on its way, and another frame waiting behind
    it: the newest is answered, between the two. */
struct two {int h; const void *data; int rc[2];};

static coroutine void send_two(struct two *t)
{
    t->rc[0] = ws_send(t->h, WS_BINARY, t->data, LONG, -1);
    t->rc[1] = ws_send(t->h, WS_TEXT, "second", 6, -1);
}

TEST_ROLES(concurrency_pong_goes_right_behind_the_frame_under_way)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    uint8_t *data = long_message();
    conn_open(&c, role, 0);
    struct two t = {c.h, data, {-1, -1}};
    int sender = go(send_two(&t));
    settle();
    peer_ping(&in, role, "a");
    peer_ping(&in, role, "b");
    peer_ping(&in, role, "newest");
    peer_message(&in, role, OP_TEXT, "hello", 5);
    wire_send(c.fd, &in);
    /* The receiver does not wait for the sender. */
    int64_t start = wire_clock();
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 5);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(500));
    EXPECT_FRAME(c.fd, role, OP_BINARY, data, LONG);
    EXPECT_FRAME(c.fd, role, OP_PONG, "newest", 6);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "second", 6);
    EXPECT_SILENCE(c.fd);
    hclose(sender);
    CHECK_INT(t.rc[0], 0);
    CHECK_INT(t.rc[1], 0);
    bytes_free(&in);
    free(data);
    conn_close(&c);
}

TEST_ROLES(concurrency_pong_behind_the_last_frame_needs_no_further_call)
{
    struct stuck t;
    struct bytes in = {0};
    char buf[8];
    stuck_open(&t, role);
    peer_ping(&in, role, "ping");
    peer_message(&in, role, OP_TEXT, "hello", 5);
    wire_send(t.c.fd, &in);
    CHECK_INT(ws_recv(t.c.h, NULL, buf, sizeof buf, SOON), 5);
    stuck_release(&t);
    EXPECT_FRAME(t.c.fd, role, OP_PONG, "ping", 4);
    CHECK_INTACT(&t.c);
    bytes_free(&in);
    stuck_close(&t);
}

/*  A peer that pings without a pause. */
struct pinger {int fd; enum role role; int pings;};

static coroutine void ping_on(struct pinger *p)
{
    struct bytes in = {0};
    peer_ping(&in, p->role, "ping");
    while(msleep(now() + 1) == 0 && send(p->fd, in.p, in.n, MSG_NOSIGNAL) > 0)
        p->pings++;
    bytes_free(&in);
}

/*  The pongs take their time, so that there is always another one due: one
    goes out behind the frame, and the sender is done. */
TEST_ROLES(concurrency_pings_without_a_pause_do_not_keep_a_sender)
{
    struct tap t;
    struct conn c;
    struct call receiver;
    tap_conn(&c, &t, role);
    struct pinger p = {.fd = c.fd, .role = role};
    start_recv(&receiver, c.h);
    t.delay = 10;
    int pinger = go(ping_on(&p));
    CHECK_INT(ws_send(c.h, WS_BINARY, "mine", 4, SOON), 0);
    CHECK_INT(t.sends, 2);
    CHECK_RANGE(p.pings, 1, INT64_MAX);
    hclose(pinger);
    t.delay = 0;
    EXPECT_FRAME(c.fd, role, OP_BINARY, "mine", 4);
    EXPECT_FRAME(c.fd, role, OP_PONG, "ping", 4);
    hclose(receiver.handle);
    conn_close(&c);
}

/*  A stream that takes nothing more, with a receiver that meets a ping and a
    message. */
struct full {struct conn c; size_t filled; struct call receiver;};

static void full_open(struct full *f, enum role role)
{
    int fd[2];
    struct bytes in = {0};
    wire_pair(fd);
    f->filled = wire_fill(fd[0]);
    f->c = (struct conn){.role = role, .fd = fd[1]};
    f->c.h = conn_attach(role, stream_from(fd[0]), 0);
    CHECK_OK(f->c.h);
    start_recv(&f->receiver, f->c.h);
    peer_ping(&in, role, "ping");
    peer_message(&in, role, OP_TEXT, "hello", 5);
    wire_send(f->c.fd, &in);
    bytes_free(&in);
    settle();
}

/*  The peer reads what filled the stream. */
static void full_release(struct full *f)
{
    wire_unfill(f->c.fd, f->filled);
}

static void full_close(struct full *f)
{
    hclose(f->receiver.handle);
    conn_close(&f->c);
}

/*  Why tests of such a stream do not apply, or NULL; `told`: they need a host
    that says whether there is room. Elsewhere the receiver waits for it. */
static const char *not_full(int told)
{
    if(wire_is_tcp()) return "TCP finds some more room now and then";
    if(told && !host_keeps_streams())
        return "the host cannot tell whether there is room";
    return NULL;
}

/*  Or two programs that send before they receive would wait for each other. */
TEST_ROLES(concurrency_pong_without_room_keeps_no_message_waiting)
{
    struct full f;
    if(not_full(1)) NA(not_full(1));
    full_open(&f, role);
    CHECK_INT(f.receiver.ended, 1);
    CHECK_INT(f.receiver.rc, 5);
    hclose(f.receiver.handle);
    /*  A receiver that waits tries again. */
    start_recv(&f.receiver, f.c.h);
    settle();
    full_release(&f);
    EXPECT_FRAME(f.c.fd, role, OP_PONG, "ping", 4);
    peer_says(&f.c, "hello");
    finish(&f.receiver);
    CHECK_INT(f.receiver.rc, 5);
    CHECK_INTACT(&f.c);
    conn_close(&f.c);
}

/*  Nor does a message that trickles in keep the pong waiting. */
TEST_ROLES(concurrency_pong_without_room_goes_out_inside_a_message)
{
    enum {LEN = 60};
    struct full f;
    struct bytes in = {0};
    char text[LEN];
    if(not_full(1)) NA(not_full(1));
    full_open(&f, role);
    finish(&f.receiver);
    start_recv(&f.receiver, f.c.h);
    full_release(&f);
    memset(text, 'x', LEN);
    peer_message(&in, role, OP_BINARY, text, LEN);
    for(size_t i = 0; i != in.n - 1; i++) {
        CHECK_INT(wire_write(f.c.fd, in.p + i, 1), 0);
        msleep(now() + 5);
    }
    EXPECT_FRAME(f.c.fd, role, OP_PONG, "ping", 4);
    CHECK_INT(f.receiver.ended, 0);
    CHECK_INT(wire_write(f.c.fd, in.p + in.n - 1, 1), 0);
    finish(&f.receiver);
    CHECK_INT(f.receiver.rc, LEN);
    bytes_free(&in);
    conn_close(&f.c);
}

/*  The peer has closed while a pong found no room: nothing is lost by it. */
TEST_ROLES(concurrency_pong_without_room_and_the_peers_close)
{
    struct full f;
    struct bytes in = {0};
    char buf[8];
    if(not_full(1)) NA(not_full(1));
    full_open(&f, role);
    peer_close(&in, role, 1001, "", 0);
    wire_send(f.c.fd, &in);
    CHECK_ERR(ws_recv(f.c.h, NULL, buf, sizeof buf, SOON), EPIPE);
    full_release(&f);
    CHECK_OK(ws_done(f.c.h, 1001, NULL, 0, SOON));
    EXPECT_CLOSE(f.c.fd, role, 1001, NULL, 0);
    EXPECT_SILENCE(f.c.fd);
    bytes_free(&in);
    full_close(&f);
}

/*  The sender that was to send the pong has given up. */
TEST_ROLES(concurrency_pong_left_to_a_sender_that_times_out)
{
    struct full f;
    struct call sender;
    if(not_full(1)) NA(not_full(1));
    full_open(&f, role);
    hclose(f.receiver.handle);
    start_recv(&f.receiver, f.c.h);
    start_send(&sender, f.c.h, "mine", 4);
    struct bytes in = {0};
    peer_ping(&in, role, "newer");
    wire_send(f.c.fd, &in);
    settle();
    hclose(sender.handle);
    CHECK_ERR(ws_send(f.c.h, WS_TEXT, "mine", 4, BRIEFLY), ETIMEDOUT);
    full_release(&f);
    EXPECT_FRAME(f.c.fd, role, OP_PONG, "newer", 5);
    bytes_free(&in);
    full_close(&f);
}

/*  And so has the one that was to say why the connection was failed: the next
    call says it, whatever it is. */
TEST_ROLES(concurrency_failure_left_to_a_sender_that_times_out)
{
    for(int next = 0; next != 3; next++) {
        struct full f;
        struct call sender;
        struct bytes in = {0};
        char buf[8];
        if(not_full(1)) NA(not_full(1));
        full_open(&f, role);
        start_send(&sender, f.c.h, "mine", 4);
        peer_put(&in, role, (struct frame){.opcode = 3});
        wire_send(f.c.fd, &in);
        CHECK_ERR(ws_recv(f.c.h, NULL, buf, sizeof buf, SOON), EPROTO);
        hclose(sender.handle);
        full_release(&f);
        EXPECT_SILENCE(f.c.fd);
        switch(next) {
        case 0:
            CHECK_ERR(ws_recv(f.c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
            break;
        case 1:
            CHECK_ERR(ws_send(f.c.h, WS_TEXT, "x", 1, SOON), EPIPE);
            break;
        default:
            CHECK_ERR(ws_detach(f.c.h, 0, NULL, 0, SOON), ECONNRESET);
        }
        EXPECT_CLOSE(f.c.fd, role, 1002, NULL, 0);
        bytes_free(&in);
        hclose(f.receiver.handle);
        if(is_handle(f.c.h)) hclose(f.c.h);
        wire_close(f.c.fd);
    }
}

/*  Where the pong has to wait for room, a sender waits for the pong and does not
    see EBUSY. */
TEST_ROLES(concurrency_pong_under_way_makes_no_sender_see_ebusy)
{
    struct full f;
    struct call sender;
    if(not_full(0)) NA(not_full(0));
    full_open(&f, role);
    start_send(&sender, f.c.h, "mine", 4);
    settle();
    CHECK_INT(sender.ended, 0);
    full_release(&f);
    if(!host_keeps_streams()) EXPECT_FRAME(f.c.fd, role, OP_PONG, "ping", 4);
    EXPECT_FRAME(f.c.fd, role, OP_BINARY, "mine", 4);
    if(host_keeps_streams()) EXPECT_FRAME(f.c.fd, role, OP_PONG, "ping", 4);
    finish(&sender);
    CHECK_INT(sender.rc, 0);
    finish(&f.receiver);
    CHECK_INT(f.receiver.rc, 5);
    CHECK_INTACT(&f.c);
    conn_close(&f.c);
}

TEST_ROLES(concurrency_pong_under_way_and_a_sender_that_times_out)
{
    struct full f;
    if(not_full(0)) NA(not_full(0));
    full_open(&f, role);
    CHECK_ERR(ws_send(f.c.h, WS_TEXT, "mine", 4, BRIEFLY), ETIMEDOUT);
    full_release(&f);
    if(host_keeps_streams()) {
        hclose(f.receiver.handle);
        start_recv(&f.receiver, f.c.h);
    }
    EXPECT_FRAME(f.c.fd, role, OP_PONG, "ping", 4);
    full_close(&f);
}

TEST_ROLES(concurrency_failure_while_another_is_stuck_sending)
{
    struct stuck t;
    struct bytes in = {0};
    char buf[8];
    stuck_open(&t, role);
    peer_put(&in, role, (struct frame){.opcode = 3});
    wire_send(t.c.fd, &in);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recv(t.c.h, NULL, buf, sizeof buf, now() + 200), EPROTO);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(600));
    CHECK_ERR(ws_recv(t.c.h, NULL, buf, sizeof buf, SOON), ECONNRESET);
    CHECK_INT(ws_send(t.c.h, WS_TEXT, "x", 1, SOON), -1);
    stuck_release(&t);
    EXPECT_CLOSE(t.c.fd, role, 1002, NULL, 0);
    CHECK_ERR(ws_send(t.c.h, WS_TEXT, "x", 1, SOON), EPIPE);
    EXPECT_SILENCE(t.c.fd);
    bytes_free(&in);
    stuck_close(&t);
}

/*  The peer may have closed meanwhile; that is no concern of the sender's. */
TEST_ROLES(concurrency_peers_close_while_another_is_stuck_sending)
{
    struct stuck t;
    struct bytes in = {0};
    char buf[8];
    stuck_open(&t, role);
    peer_close(&in, role, 1001, "", 0);
    wire_send(t.c.fd, &in);
    CHECK_ERR(ws_recv(t.c.h, NULL, buf, sizeof buf, SOON), EPIPE);
    stuck_release(&t);
    EXPECT_SILENCE(t.c.fd);
    CHECK_INT(ws_done(t.c.h, 1001, NULL, 0, SOON), 0);
    EXPECT_CLOSE(t.c.fd, role, 1001, NULL, 0);
    bytes_free(&in);
    stuck_close(&t);
}

/**** hclose under a blocked call ****/

static void check_cut_off(struct call *k)
{
    finish(k);
    CHECK_INT(k->rc, -1);
    printf("#   the blocked call ends with %s\n", strerrorname_np(k->err));
    CHECK(k->err == ECANCELED || k->err == ECONNRESET || k->err == EBADF ||
        k->err == EPIPE);
}

TEST_ROLES(concurrency_hclose_under_a_blocked_receiver)
{
    struct conn c;
    struct call receiver;
    if(!host_closes_blocked()) NA("this host aborts");
    conn_open(&c, role, 0);
    start_recv(&receiver, c.h);
    settle();
    CHECK_INT(hclose(c.h), 0);
    check_cut_off(&receiver);
    CHECK_GONE(&c);
    conn_close(&c);
}

TEST_ROLES(concurrency_hclose_under_a_blocked_sender_and_receiver)
{
    struct stuck t;
    struct call receiver;
    if(!host_closes_blocked()) NA("this host aborts");
    stuck_open(&t, role);
    start_recv(&receiver, t.c.h);
    settle();
    CHECK_INT(hclose(t.c.h), 0);
    check_cut_off(&t.sender);
    check_cut_off(&receiver);
    CHECK(!is_handle(t.c.h));
    t.c.h = -1;
    stuck_close(&t);
}

TEST_ROLES(concurrency_hclose_under_a_blocked_receiver_with_mem)
{
    struct conn c = {.role = role};
    struct call receiver;
    struct ws_storage *mem = malloc(sizeof *mem);
    if(!host_closes_blocked()) {
        free(mem);
        NA("this host aborts");
    }
    int s = stream_open(&c.fd);
    c.h = role == CLIENT ?
        ws_attach_client_mem(s, WS_NOHTTP, NULL, NULL, mem, SOON) :
        ws_attach_server_mem(s, WS_NOHTTP, NULL, 0, NULL, 0, mem, SOON);
    CHECK_OK(c.h);
    start_recv(&receiver, c.h);
    settle();
    CHECK_INT(hclose(c.h), 0);
    /* It is the caller's again at once. */
    memset(mem, 0xff, sizeof *mem);
    free(mem);
    check_cut_off(&receiver);
    c.h = -1;
    conn_close(&c);
}

static coroutine void call_detach(struct call *k)
{
    k->rc = ws_detach(k->h, 1000, NULL, 0, k->deadline);
    k->err = errno;
    k->ended = 1;
}

TEST_ROLES(concurrency_hclose_under_a_blocked_detach)
{
    struct conn c;
    struct call k;
    if(!host_closes_blocked()) NA("this host aborts");
    conn_open(&c, role, 0);
    k = (struct call){.h = c.h, .deadline = -1};
    k.handle = go(call_detach(&k));
    settle();
    CHECK_INT(hclose(c.h), 0);
    check_cut_off(&k);
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
}

/**** Many at once ****/

struct talker {int h; int rounds; int failed;};

static coroutine void echo_run(struct talker *t)
{
    char buf[300];
    for(int i = 0; i != t->rounds; i++) {
        ssize_t n = ws_recv(t->h, NULL, buf, sizeof buf, -1);
        if(n < 0 || ws_send(t->h, WS_BINARY, buf, (size_t)n, -1) != 0) {
            t->failed = 1;
            return;
        }
    }
}

static coroutine void ask_run(struct talker *t)
{
    char out[300], back[300];
    for(int i = 0; i != t->rounds; i++) {
        size_t n = (size_t)(i * 37 % 300);
        memset(out, i, sizeof out);
        if(ws_send(t->h, WS_BINARY, out, n, -1) != 0 ||
              ws_recv(t->h, NULL, back, sizeof back, -1) != (ssize_t)n ||
              memcmp(out, back, n) != 0) {
            t->failed = 1;
            return;
        }
    }
}

TEST(concurrency_a_hundred_connections_at_once)
{
    enum {PAIRS = 100};
    static struct talker t[PAIRS][2];
    int b = bundle();
    int rounds = (int)check_rounds(100);
    for(int i = 0; i != PAIRS; i++) {
        int s[2];
        CHECK_INT(ipc_pair(s), 0);
        t[i][0] = (struct talker){conn_attach(CLIENT, s[0], 0), rounds, 0};
        t[i][1] = (struct talker){conn_attach(SERVER, s[1], 0), rounds, 0};
        CHECK_INT(bundle_go(b, ask_run(&t[i][0])), 0);
        CHECK_INT(bundle_go(b, echo_run(&t[i][1])), 0);
    }
    CHECK_INT(bundle_wait(b, now() + check_ms(20000)), 0);
    hclose(b);
    for(int i = 0; i != PAIRS; i++)
        for(int k = 0; k != 2; k++) {
            CHECK_INT(t[i][k].failed, 0);
            CHECK_INT(hclose(t[i][k].h), 0);
        }
}

/*  Each thread has handles and coroutines of its own. */
static void *talk_in_a_thread(void *arg)
{
    struct talker *t = arg;
    int s[2];
    t->failed = 1;
    if(ipc_pair(s) != 0) return NULL;
    struct talker ask = {conn_attach(CLIENT, s[0], 0), t->rounds, 0};
    struct talker echo = {conn_attach(SERVER, s[1], 0), t->rounds, 0};
    int b = bundle();
    bundle_go(b, ask_run(&ask));
    bundle_go(b, echo_run(&echo));
    t->failed = bundle_wait(b, SOON) != 0 || ask.failed || echo.failed;
    hclose(b);
    hclose(ask.h);
    hclose(echo.h);
    return NULL;
}

TEST(concurrency_threads_do_not_disturb_one_another)
{
    enum {THREADS = 4};
    pthread_t thread[THREADS];
    struct talker t[THREADS];
    for(int i = 0; i != THREADS; i++) {
        t[i] = (struct talker){.rounds = (int)check_rounds(300)};
        CHECK_INT(pthread_create(&thread[i], NULL, talk_in_a_thread, &t[i]), 0);
    }
    for(int i = 0; i != THREADS; i++) {
        pthread_join(thread[i], NULL);
        CHECK_INT(t[i].failed, 0);
    }
}

TEST_ROLES(concurrency_messages_both_ways_at_full_speed)
{
    struct conn c;
    struct bytes in = {0};
    struct call k;
    uint8_t *data = long_message();
    static char sink[LONG];
    conn_open(&c, role, 0);
    peer_message(&in, role, OP_BINARY, data, LONG);
    struct feed f = {.fd = c.fd, .p = in.p, .n = in.n};
    struct taker taker;
    feed_start(&f);
    taker_start(&taker, c.fd);
    start_send(&k, c.h, data, LONG);
    CHECK_INT(ws_recv(c.h, NULL, sink, sizeof sink, SOON), LONG);
    CHECK_BYTES(sink, LONG, data, LONG);
    finish(&k);
    taker_finish(&taker);
    CHECK_BYTES(taker.got.payload, taker.got.len, data, LONG);
    got_free(&taker.got);
    feed_finish(&f);
    bytes_free(&in);
    free(data);
    conn_close(&c);
}
