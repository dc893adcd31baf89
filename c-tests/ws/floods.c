/*  A peer that never stops cannot starve the other coroutines, nor keep a call
    beyond its deadline. The peer is a thread of its own, so that it can always
    be ahead. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"

/*  The most processor time, in milliseconds, between two turns of a coroutine
    that only yields. (On the clock a busy machine would add its own.) */
#define LONGEST_GAP 60
#define FLOOD_MS 400

/**** The flooding thread ****/

struct flood {
    int fd;
    struct bytes start;         /* sent once */
    struct bytes block;         /* sent over and over */
    int64_t limit;              /* when the thread ends by itself */
    int reads;                  /* does the peer take what it is sent? */
    atomic_int stop;
    _Atomic size_t sent;
    pthread_t thread;
};

static void drain(int fd)
{
    static _Thread_local char buf[65536];
    while(recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0);
}

/*  Writes from `at` on; how far it got. */
static size_t push(struct flood *f, const struct bytes *b, size_t at)
{
    ssize_t n = send(f->fd, b->p + at, b->n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if(f->reads) drain(f->fd);
    if(n < 0) {
        if(errno != EAGAIN) atomic_store(&f->stop, 1);
        sched_yield();
        return at;
    }
    f->sent += (size_t)n;
    return at + (size_t)n;
}

/*  A call that does not end while the flood lasts is to fail, not to hang. */
#define FLOOD_LIMIT 3000

static int flood_is_over(struct flood *f)
{
    return atomic_load(&f->stop) || wire_clock() > f->limit;
}

static void *flood_run(void *arg)
{
    struct flood *f = arg;
    for(size_t at = 0; at != f->start.n && !flood_is_over(f);)
        at = push(f, &f->start, at);
    for(size_t at = 0; !flood_is_over(f);)
        at = push(f, &f->block, at) % f->block.n;
    return NULL;
}

static void flood_start(struct flood *f, int fd)
{
    f->fd = fd;
    f->sent = 0;
    atomic_store(&f->stop, 0);
    f->limit = wire_clock() + check_ms(FLOOD_LIMIT);
    if(pthread_create(&f->thread, NULL, flood_run, f) != 0) abort();
    /*  On a busy machine the thread may have to wait for its first turn. */
    while(!f->sent && !flood_is_over(f)) usleep(1000);
}

static void flood_stop(struct flood *f)
{
    atomic_store(&f->stop, 1);
    pthread_join(f->thread, NULL);
}

static void flood_free(struct flood *f)
{
    bytes_free(&f->start);
    bytes_free(&f->block);
}

/**** The coroutine that wants its turn ****/

struct ticker {int64_t longest; long ticks; int stop;};

/*  This thread's processor time in microseconds. */
static int64_t worked(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static coroutine void ticker_run(struct ticker *t)
{
    int64_t last = worked();
    while(!t->stop && yield() == 0) {
        int64_t at = worked();
        if(at - last > t->longest) t->longest = at - last;
        last = at;
        t->ticks++;
    }
}

/*  A call with a deadline in FLOOD_MS took so long. */
static void check_took(int64_t took, int64_t least)
{
    CHECK_RANGE(took, least, check_ms(FLOOD_MS + 600));
}

/*  Receives under the flood until the deadline. */
static int64_t receive_once(struct flood *f, enum role role,
    ssize_t (*receive)(int h, int64_t deadline))
{
    struct conn c;
    conn_open(&c, role, 0);
    flood_start(f, c.fd);
    int64_t start = wire_clock();
    CHECK_ERR(receive(c.h, now() + FLOOD_MS), ETIMEDOUT);
    int64_t took = wire_clock() - start;
    flood_stop(f);
    printf("#   %zu bytes in %d ms\n", (size_t)f->sent, (int)took);
    /* The flood was one. */
    CHECK_RANGE(f->sent, 50000, INT64_MAX);
    if(!is_handle(c.h)) c.h = -1;
    conn_close(&c);
    return took;
}

static int64_t receive_beside_ticker(struct flood *f, enum role role,
    ssize_t (*receive)(int h, int64_t deadline))
{
    struct ticker t = {0};
    int ticker = go(ticker_run(&t));
    int64_t took = receive_once(f, role, receive);
    t.stop = 1;
    hclose(ticker);
    printf("#   %ld turns, longest gap %d us\n", t.ticks, (int)t.longest);
    CHECK_RANGE(t.longest / 1000, 0, check_ms(LONGEST_GAP));
    CHECK_RANGE(t.ticks, 10, INT64_MAX);
    return took;
}

/*  A host that looks at its timers rarely while some coroutine is ready keeps
    no deadline beside the ticker; there it is tried without. */
static void receive_under(struct flood *f, enum role role,
    ssize_t (*receive)(int h, int64_t deadline))
{
    int64_t took = receive_beside_ticker(f, role, receive);
    if(host_poll_period() > 100) took = receive_once(f, role, receive);
    check_took(took, FLOOD_MS - 20);
    flood_free(f);
}

static ssize_t receive_message(int h, int64_t deadline)
{
    static char buf[1 << 16];
    return ws_recv(h, NULL, buf, sizeof buf, deadline);
}

static ssize_t receive_detach(int h, int64_t deadline)
{
    return ws_detach(h, 1000, NULL, 0, deadline);
}

static ssize_t receive_messages(int h, int64_t deadline)
{
    ssize_t n;
    while((n = receive_message(h, deadline)) >= 0)
        if(now() >= deadline) {
            errno = ETIMEDOUT;
            return -1;
        }
    return n;
}

static void repeat(struct bytes *block, const struct bytes *one)
{
    while(block->n < 65536) bytes_put(block, one->p, one->n);
}

static void flood_of(struct flood *f, enum role role, int opcode, int fin,
    const char *payload)
{
    struct bytes one = {0};
    peer_part(&one, role, opcode, fin, payload, strlen(payload));
    repeat(&f->block, &one);
    bytes_free(&one);
}

TEST_ROLES(floods_of_pings_that_are_answered)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_PING, 1, "");
    receive_under(&f, role, receive_message);
}

TEST_ROLES(floods_of_long_pings_that_are_answered)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_PING, 1,
        "0123456789012345678901234567890123456789012345678901234567890123456789");
    receive_under(&f, role, receive_message);
}

TEST_ROLES(floods_of_pongs)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_PONG, 1, "");
    receive_under(&f, role, receive_message);
}

TEST_ROLES(floods_of_empty_fragments)
{
    struct flood f = {.reads = 1};
    peer_part(&f.start, role, OP_TEXT, 0, "", 0);
    flood_of(&f, role, OP_CONT, 0, "");
    receive_under(&f, role, receive_message);
}

TEST_ROLES(floods_of_messages_under_detach)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_BINARY, 1, "message");
    receive_under(&f, role, receive_detach);
}

TEST_ROLES(floods_of_empty_messages_under_detach)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_TEXT, 1, "");
    receive_under(&f, role, receive_detach);
}

TEST_ROLES(floods_of_pings_under_detach)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_PING, 1, "p");
    receive_under(&f, role, receive_detach);
}

/*  One message call after the other: each has work, none ever waits. */
TEST_ROLES(floods_of_empty_messages)
{
    struct flood f = {.reads = 1};
    flood_of(&f, role, OP_TEXT, 1, "");
    receive_under(&f, role, receive_messages);
}

/*  A single message without end, thrown away. */
static ssize_t receive_endless(int h, int64_t deadline)
{
    return ws_recvl(h, NULL, NULL, NULL, deadline);
}

TEST_ROLES(floods_of_one_endless_message)
{
    struct flood f = {.reads = 1};
    peer_put(&f.start, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
        .declared = UINT64_C(1) << 50});
    bytes_fill(&f.block, 'x', 65536);
    receive_under(&f, role, receive_endless);
}

/*  What has arrived is delivered whatever the deadline is; but that of a flood
    never ends, and the call does. */
static void receive_late(struct flood *f, enum role role, int64_t deadline)
{
    struct conn c;
    conn_open(&c, role, 0);
    flood_start(f, c.fd);
    int64_t start = wire_clock();
    CHECK_ERR(ws_recvl(c.h, NULL, NULL, NULL, deadline), ETIMEDOUT);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(1500));
    flood_stop(f);
    conn_close(&c);
}

TEST_ROLES(floods_of_empty_fragments_behind_the_deadline)
{
    struct flood f = {.reads = 1};
    peer_part(&f.start, role, OP_TEXT, 0, "", 0);
    flood_of(&f, role, OP_CONT, 0, "");
    receive_late(&f, role, 0);
    receive_late(&f, role, now() - 1000);
    flood_free(&f);
}

TEST_ROLES(floods_of_one_endless_message_behind_the_deadline)
{
    struct flood f = {.reads = 1};
    peer_put(&f.start, role, (struct frame){.opcode = OP_BINARY, .lie = 1,
        .declared = UINT64_C(1) << 50});
    bytes_fill(&f.block, 'x', 65536);
    receive_late(&f, role, 0);
    receive_late(&f, role, now() - 1000);
    flood_free(&f);
}

/*  Pings from a peer that does not read the pongs: the receiving call, which
    may wait for room, ends at its deadline. */
TEST_ROLES(floods_of_pings_whose_pongs_are_not_read)
{
    struct conn c;
    struct flood f = {.reads = 0};
    flood_of(&f, role, OP_PING, 1,
        "0123456789012345678901234567890123456789012345678901234567890123456789");
    conn_open(&c, role, 0);
    flood_start(&f, c.fd);
    int64_t start = wire_clock();
    CHECK_INT(receive_message(c.h, now() + FLOOD_MS), -1);
    CHECK(errno == ETIMEDOUT || errno == ECONNRESET);
    check_took(wire_clock() - start, 0);
    flood_stop(&f);
    flood_free(&f);
    conn_close(&c);
}

/**** Handshakes ****/

/*  As fast as it can, a head that never ends: refused at its limit, though
    nothing was ever waited for. */
TEST_ROLES(floods_of_a_head_without_end)
{
    int fd;
    struct flood f = {.reads = 1};
    struct ticker t = {0};
    int s = stream_open(&fd);
    bytes_str(&f.start, role == CLIENT ? "HTTP/1.1 101 OK\r\nX: " :
        "GET / HTTP/1.1\r\nX: ");
    bytes_fill(&f.block, 'x', 65536);
    int ticker = go(ticker_run(&t));
    flood_start(&f, fd);
    int64_t start = wire_clock();
    CHECK_ERR(role == CLIENT ? ws_attach_client(s, 0, "/", "h", SOON) :
        ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON), EMSGSIZE);
    CHECK_RANGE(wire_clock() - start, 0, check_ms(1500));
    flood_stop(&f);
    flood_free(&f);
    t.stop = 1;
    hclose(ticker);
    CHECK_RANGE(t.longest / 1000, 0, check_ms(LONGEST_GAP));
    wire_close(fd);
}

/*  Peers that stall: each is cut off at its own deadline, and they do not
    wait for one another. */
struct staller {enum role role; int s; int64_t deadline; int err; int64_t at;};

static coroutine void stalled_attach(struct staller *v)
{
    int rc = v->role == CLIENT ?
        ws_attach_client(v->s, 0, "/", "h", v->deadline) :
        ws_attach_server(v->s, 0, NULL, 0, NULL, 0, v->deadline);
    v->err = rc < 0 ? errno : 0;
    v->at = wire_clock();
}

TEST_ROLES(floods_of_handshakes_that_stall)
{
    enum {PEERS = 50};
    struct staller v[PEERS];
    int fd[PEERS];
    int b = bundle();
    int64_t start = wire_clock();
    int64_t deadline = now() + check_ms(300);
    for(int i = 0; i != PEERS; i++) {
        v[i] = (struct staller){.role = role, .s = stream_open(&fd[i]),
            .deadline = deadline};
        wire_write(fd[i], "HTTP/1.1 101", (size_t)i % 12);
        CHECK_INT(bundle_go(b, stalled_attach(&v[i])), 0);
    }
    CHECK_INT(bundle_wait(b, SOON), 0);
    hclose(b);
    for(int i = 0; i != PEERS; i++) {
        check_note("peer %d", i);
        /* Part of a request that can be told to be none is refused. */
        CHECK(v[i].err == ETIMEDOUT || (role == SERVER && v[i].err == EPROTO));
        CHECK_RANGE(v[i].at - start, 0, check_ms(300 + 300));
        CHECK(!is_handle(v[i].s));
        wire_close(fd[i]);
    }
}
