/*  In the steady state sending and receiving allocate nothing, and no declared
    length makes the library allocate in proportion. This program's malloc
    counts for the libraries too. */

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "tap.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *p);

static int counting;
static long allocations;
static size_t largest, total;
static long live;

static void count(size_t size)
{
    if(!counting) return;
    allocations++;
    total += size;
    if(size > largest) largest = size;
}

static void *born(void *p)
{
    live += (long)malloc_usable_size(p);
    return p;
}

void *malloc(size_t size)
{
    count(size);
    return born(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    count(n * size);
    return born(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
    count(size);
    live -= (long)malloc_usable_size(p);
    return born(__libc_realloc(p, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(size);
    return born(__libc_memalign(alignment, size));
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
    count(size);
    *p = born(__libc_memalign(alignment, size));
    return *p ? 0 : ENOMEM;
}

void free(void *p)
{
    live -= (long)malloc_usable_size(p);
    __libc_free(p);
}

static void count_start(void)
{
    allocations = 0;
    largest = total = 0;
    counting = 1;
}

static void count_stop(void)
{
    counting = 0;
}

/*  Without this, none of the zeros below would mean anything. */
TEST_ROLES(allocations_of_the_libraries_are_seen)
{
    struct conn c = {.role = role};
    int s = stream_open(&c.fd);
    count_start();
    c.h = conn_attach(role, s, 0);
    count_stop();
    CHECK_RANGE(allocations, 1, 1000);
    conn_close(&c);
}

/**** The steady state ****/

#define ROUNDS 200

/*  What all measured rounds work on; itself allocated before. */
struct rounds {
    struct conn c;
    struct bytes in;
    char buf[4096];
};

static void rounds_open(struct rounds *r, enum role role)
{
    r->in = (struct bytes){0};
    memset(r->buf, 'x', sizeof r->buf);
    conn_open(&r->c, role, 0);
}

static void rounds_close(struct rounds *r)
{
    bytes_free(&r->in);
    conn_close(&r->c);
}

/*  The first round may still fetch what is kept. */
static void measure(struct rounds *r, void (*round)(struct rounds *r))
{
    round(r);
    count_start();
    for(int i = 0; i != ROUNDS; i++) round(r);
    count_stop();
    CHECK_INT(allocations, 0);
}

/*  The test's own side reads into memory of its own. */
static void drain_frame(struct rounds *r, size_t len)
{
    static uint8_t frame[8192];
    size_t n = len + (r->c.role == CLIENT ? 4 : 0) +
        (len <= 125 ? 2 : 4);
    if(wire_read(r->c.fd, frame, n, WIRE_PATIENCE) != n)
        check_fail(HERE, "no frame of %zu bytes", n);
}

static void send_round(struct rounds *r)
{
    struct iolist e[2] = {
        {r->buf, 1000, &e[1], 0}, {r->buf + 1000, 24, NULL, 0}};
    CHECK_INT(ws_send(r->c.h, WS_TEXT, r->buf, 100, SOON), 0);
    drain_frame(r, 100);
    CHECK_INT(ws_send(r->c.h, WS_BINARY, r->buf, 4096, SOON), 0);
    drain_frame(r, 4096);
    CHECK_INT(ws_sendl(r->c.h, WS_TEXT, &e[0], &e[1], SOON), 0);
    drain_frame(r, 1024);
    CHECK_INT(msend(r->c.h, r->buf, 10, SOON), 0);
    drain_frame(r, 10);
}

TEST_ROLES(allocations_none_while_sending)
{
    struct rounds r;
    rounds_open(&r, role);
    measure(&r, send_round);
    rounds_close(&r);
}

static void receive_round(struct rounds *r)
{
    struct iolist e[2] = {
        {r->buf, 10, &e[1], 0}, {r->buf + 10, 4000, NULL, 0}};
    wire_send(r->c.fd, &r->in);
    CHECK_INT(ws_recv(r->c.h, NULL, r->buf, sizeof r->buf, SOON), 100);
    CHECK_INT(ws_recv(r->c.h, NULL, r->buf, sizeof r->buf, SOON), 3000);
    CHECK_INT(ws_recvl(r->c.h, NULL, &e[0], &e[1], SOON), 20);
    CHECK_INT(ws_recvl(r->c.h, NULL, NULL, NULL, SOON), 50);
    CHECK_ERR(ws_recv(r->c.h, NULL, r->buf, 5, SOON), EMSGSIZE);
    CHECK_INT(mrecv(r->c.h, r->buf, 10, SOON), 7);
    drain_frame(r, 4);
}

TEST_ROLES(allocations_none_while_receiving)
{
    struct rounds r;
    static const char data[3000];
    rounds_open(&r, role);
    peer_message(&r.in, role, OP_TEXT, data, 100);
    peer_message(&r.in, role, OP_BINARY, data, 3000);
    peer_part(&r.in, role, OP_TEXT, 0, data, 15);
    peer_ping(&r.in, role, "ping");
    peer_part(&r.in, role, OP_CONT, 1, data, 5);
    peer_message(&r.in, role, OP_BINARY, data, 50);
    peer_message(&r.in, role, OP_BINARY, data, 6);
    peer_message(&r.in, role, OP_BINARY, data, 7);
    measure(&r, receive_round);
    rounds_close(&r);
}

/*  A receiver that has to wait, as receivers do. */
struct waiter {int h; char buf[100]; int stop;};

static coroutine void wait_and_receive(struct waiter *w)
{
    while(!w->stop && ws_recv(w->h, NULL, w->buf, sizeof w->buf, -1) >= 0);
}

static void waiting_round(struct rounds *r)
{
    wire_send(r->c.fd, &r->in);
    msleep(now() + 1);
}

TEST_ROLES(allocations_none_while_waiting)
{
    struct rounds r;
    struct waiter w = {0};
    rounds_open(&r, role);
    w.h = r.c.h;
    peer_message(&r.in, role, OP_TEXT, "hi", 2);
    int cr = go(wait_and_receive(&w));
    measure(&r, waiting_round);
    hclose(cr);
    rounds_close(&r);
}

/**** What a blocked sender binds ****/

/*  Each waits in the middle of its send. */
struct sender {struct conn c; struct tap t; size_t len; int64_t start; int done;};

static coroutine void send_and_wait(struct sender *v)
{
    static char data[100000];
    msleep(v->start);
    ws_send(v->c.h, WS_BINARY, data, v->len, -1);
    v->done = 1;
}

/*  Bytes that so many senders bind at once. */
static size_t bound_by_senders(enum role role, size_t len)
{
    enum {MANY = 100};
    static struct sender v[MANY];
    int b = bundle();
    int64_t start = now() + check_ms(50);
    for(int i = 0; i != MANY; i++) {
        v[i] = (struct sender){.len = len, .start = start};
        tap_conn(&v[i].c, &v[i].t, role);
        v[i].t.delay = 60000;
        CHECK_OK(bundle_go(b, send_and_wait(&v[i])));
    }
    msleep(start - 1);
    count_start();
    msleep(start + check_ms(50));
    count_stop();
    for(int i = 0; i != MANY; i++) CHECK(v[i].t.sends == 1 && !v[i].done);
    hclose(b);
    for(int i = 0; i != MANY; i++) conn_close(&v[i].c);
    return total / MANY;
}

/*  As much as its frame, not as much as the longest. */
TEST(allocations_of_a_blocked_sender_are_sized_by_its_frame)
{
    static const size_t lens[] = {1, 256, 257, 1000, 5000, 30000};
    for(size_t i = 0; i != COUNT_OF(lens); i++) {
        check_note("%zu bytes", lens[i]);
        CHECK_RANGE(bound_by_senders(CLIENT, lens[i]), 0,
            lens[i] <= 256 ? 0 : 2 * lens[i] + 100);
    }
    check_note("a server");
    CHECK_INT(bound_by_senders(SERVER, 30000), 0);
}

/**** Declared lengths ****/

static const uint64_t declared[] = {126, 65535, 65536, 1 << 20, 1 << 30,
    UINT64_C(1) << 40, UINT64_C(1) << 62, (UINT64_C(1) << 63) - 1};

/*  Bigger than what any buffer of the library needs to be. */
#define LARGEST 70000

TEST_ROLES(allocations_are_not_sized_by_a_declared_length)
{
    for(size_t i = 0; i != COUNT_OF(declared); i++) {
        struct conn c;
        struct bytes in = {0};
        char buf[16];
        check_note("declared %llu", (unsigned long long)declared[i]);
        conn_open(&c, role, 0);
        peer_put(&in, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
            .declared = declared[i], .payload = "0123456789", .len = 10});
        wire_send(c.fd, &in);
        count_start();
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, 0), -1);
        CHECK_INT(ws_recv(c.h, NULL, NULL, SIZE_MAX, 0), -1);
        CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, 0), -1);
        count_stop();
        CHECK_RANGE(largest, 0, LARGEST);
        CHECK_RANGE(allocations, 0, 20);
        bytes_free(&in);
        conn_close(&c);
    }
}

/*  A list that promises room is not believed either. */
TEST_ROLES(allocations_are_not_sized_by_a_promised_buffer)
{
    struct conn c;
    struct bytes in = {0};
    conn_open(&c, role, 0);
    peer_put(&in, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
        .declared = UINT64_C(1) << 40, .payload = "0123456789", .len = 10});
    wire_send(c.fd, &in);
    count_start();
    CHECK_INT(ws_recv(c.h, NULL, NULL, SIZE_MAX, 0), -1);
    CHECK_INT(ws_recv(c.h, NULL, NULL, SIZE_MAX, 0), -1);
    count_stop();
    CHECK_RANGE(largest, 0, LARGEST);
    bytes_free(&in);
    conn_close(&c);
}

/*  Nor is one that keeps the beginning and drops the rest: what is dropped is
    not kept for the next call. */
TEST_ROLES(allocations_are_not_sized_by_what_is_dropped)
{
    struct conn c;
    struct bytes in = {0};
    char buf[16];
    struct iolist e[3] = {{buf, 8, &e[1], 0}, {NULL, 1 << 30, &e[2], 0},
        {buf + 8, 8, NULL, 0}};
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    conn_open(&c, role, 0);
    peer_put(&in, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
        .declared = (1 << 30) + 16});
    bytes_fill(&in, 'x', 60000);
    wire_send(c.fd, &in);
    count_start();
    for(int i = 0; i != 3; i++)
        CHECK_ERR(ws_recvl(c.h, NULL, &e[0], &e[2], now() + 5), ETIMEDOUT);
    count_stop();
    CHECK_RANGE(largest, 0, 1000);
    bytes_free(&in);
    conn_close(&c);
}

/*  Asking again and again while a long message trickles in copies each byte a
    bounded number of times: what came is kept in one piece that grows. */
TEST_ROLES(allocations_of_a_polled_message_are_few)
{
    enum {LEN = 1 << 20, STEP = 4096};
    struct conn c;
    struct bytes in = {0};
    static uint8_t out[LEN];
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    conn_open(&c, role, 0);
    uint8_t *data = malloc(LEN);
    for(size_t i = 0; i != LEN; i++) data[i] = (uint8_t)(i * 7 + i / 251);
    peer_message(&in, role, OP_BINARY, data, LEN);
    count_start();
    for(size_t i = 0; i < in.n; i += STEP) {
        size_t n = in.n - i < STEP ? in.n - i : STEP;
        CHECK_INT(wire_write(c.fd, in.p + i, n), 0);
        if(i + n == in.n) break;
        CHECK_ERR(ws_recv(c.h, NULL, out, LEN, 0), ETIMEDOUT);
        if(check_failed()) break;
    }
    CHECK_INT(ws_recv(c.h, NULL, out, LEN, SOON), LEN);
    count_stop();
    CHECK_BYTES(out, LEN, data, LEN);
    CHECK_RANGE(allocations, 1, 30);
    free(data);
    bytes_free(&in);
    conn_close(&c);
}

/*  What was kept of a message goes with it, however it ends; the handle stays
    open. */
enum ending {WHOLE, TOO_LONG, PEER_CLOSES, PEER_BREAKS_A_RULE, STREAM_ENDS};

static void end_message(struct conn *c, enum ending ending, void *buf)
{
    enum {LEN = 1 << 16};
    struct bytes in = {0};
    switch(ending) {
    case WHOLE:
        peer_part(&in, c->role, OP_CONT, 1, "end", 3);
        wire_send(c->fd, &in);
        CHECK_INT(ws_recv(c->h, NULL, buf, LEN, SOON), LEN / 2 + 3);
        break;
    case TOO_LONG:
        CHECK_ERR(ws_recv(c->h, NULL, buf, 10, SOON), EMSGSIZE);
        break;
    case PEER_CLOSES:
        peer_close(&in, c->role, 1000, "", 0);
        wire_send(c->fd, &in);
        CHECK_ERR(ws_recv(c->h, NULL, buf, LEN, SOON), EPIPE);
        break;
    case PEER_BREAKS_A_RULE:
        peer_put(&in, c->role, (struct frame){.opcode = 3});
        wire_send(c->fd, &in);
        CHECK_ERR(ws_recv(c->h, NULL, buf, LEN, SOON), EPROTO);
        break;
    case STREAM_ENDS:
        wire_end(c->fd);
        CHECK_ERR(ws_recv(c->h, NULL, buf, LEN, SOON), ECONNRESET);
    }
    bytes_free(&in);
}

TEST_ROLES(allocations_of_a_polled_message_end_with_it)
{
    enum {LEN = 1 << 16};
    static uint8_t data[LEN], buf[LEN];
    if(!host_keeps_streams()) NA("this host's streams break at a timeout");
    for(enum ending ending = WHOLE; ending <= STREAM_ENDS; ending++) {
        struct conn c;
        struct bytes in = {0};
        check_note("ending %d", ending);
        conn_open(&c, role, 0);
        peer_message(&in, role, OP_TEXT, "first", 5);
        wire_send(c.fd, &in);
        CHECK_INT(ws_recv(c.h, NULL, buf, LEN, SOON), 5);
        bytes_free(&in);
        long before = live;
        peer_part(&in, role, OP_BINARY, 0, data, LEN / 2);
        wire_send(c.fd, &in);
        bytes_free(&in);
        CHECK_ERR(ws_recv(c.h, NULL, buf, LEN, 0), ETIMEDOUT);
        CHECK_RANGE(live - before, LEN / 2, 2 * LEN);
        end_message(&c, ending, buf);
        CHECK_RANGE(live - before, LONG_MIN, 1000);
        conn_close(&c);
    }
}

/*  Receivers of a message too long for them, each of which announces much and
    sends nothing. */
static coroutine void refuse_and_wait(int h)
{
    char buf[8];
    CHECK_ERR(ws_recv(h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    ws_recv(h, NULL, buf, sizeof buf, -1);
}

TEST_ROLES(allocations_none_for_what_was_only_announced)
{
    enum {MANY = 20};
    struct conn c[MANY];
    struct bytes in = {0};
    peer_put(&in, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
        .declared = 1 << 20});
    int b = bundle();
    for(int i = 0; i != MANY; i++) {
        conn_open(&c[i], role, 0);
        CHECK_OK(bundle_go(b, refuse_and_wait(c[i].h)));
    }
    settle();
    count_start();
    for(int i = 0; i != MANY; i++) wire_send(c[i].fd, &in);
    settle();
    count_stop();
    CHECK_INT(allocations, 0);
    hclose(b);
    for(int i = 0; i != MANY; i++) conn_close(&c[i]);
    bytes_free(&in);
}

/*  An endless head costs what a head may have, not more. */
TEST(allocations_of_a_handshake_are_bounded)
{
    struct bytes in = {0};
    int fd;
    int s = stream_open(&fd);
    bytes_str(&in, "GET / HTTP/1.1\r\nX: ");
    bytes_fill(&in, 'x', 100000);
    struct feed f = {.fd = fd, .p = in.p, .n = in.n};
    feed_start(&f);
    count_start();
    CHECK_ERR(ws_attach_server(s, 0, NULL, 0, NULL, 0, now() + 300), EMSGSIZE);
    count_stop();
    CHECK_RANGE(largest, 0, 2 * HEAD_MAX);
    CHECK_RANGE(allocations, 0, 100);
    feed_finish(&f);
    bytes_free(&in);
    wire_close(fd);
}
