/*  Nobody is kept waiting by those who always have something to do. */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

/*  Times depend on the machine, which has other things to do as well. What is
    too slow once in a while is the machine; what is too slow each time is the
    runtime. */
#define ATTEMPTS 8
#define CHECK_ONCE(measure, arg, high) \
    do { \
        long long best_ = -1; \
        for(int left_ = ATTEMPTS; left_ && (best_ < 0 || best_ > (high)); \
              left_--) { \
            long long got_ = measure(arg); \
            if(best_ < 0 || got_ < best_) best_ = got_; \
        } \
        check_range(HERE, #measure, best_, 0, (high)); \
    } while(0)

static coroutine void yield_for_ever(void)
{
    while(yield() == 0) {}
}

/**** Timers and descriptors beside a loop that only yields ****/

/*  How much later than asked for a sleeper wakes, in milliseconds. */
static long long oversleep(int busy)
{
    int b = bundle();
    for(int i = 0; i != busy; i++) bundle_go(b, yield_for_ever());
    int64_t deadline = wire_clock() + 20;
    CHECK_OK(msleep(now() + 20));
    int64_t late = wire_clock() - deadline;
    CHECK_OK(hclose(b));
    return late;
}

TEST(rt_fairness_a_sleeper_wakes_beside_a_yielding_loop)
{
    CHECK_ONCE(oversleep, 1, check_ms(100));
    CHECK_ONCE(oversleep, 2, check_ms(100));
    CHECK_ONCE(oversleep, 50, check_ms(100));
}

struct moment {int fd; int64_t at;};

static coroutine void wait_for_fd(struct moment *m)
{
    CHECK_OK(fdin(m->fd, SOON));
    m->at = wire_clock();
}

static void *write_later(void *arg)
{
    struct moment *m = arg;
    usleep(10000);
    m->at = wire_clock();
    ssize_t n = write(m->fd, "x", 1);
    (void)n;
    return NULL;
}

/*  Milliseconds from the write in another thread to the end of fdin. */
static long long notice(int busy)
{
    int fd[2];
    pthread_t thread;
    CHECK_OK(pipe(fd));
    struct moment reader = {fd[0], 0};
    struct moment writer = {fd[1], 0};
    int b = bundle();
    int r = go(wait_for_fd(&reader));
    for(int i = 0; i != busy; i++) bundle_go(b, yield_for_ever());
    pthread_create(&thread, NULL, write_later, &writer);
    CHECK_OK(bundle_wait(r, SOON));
    pthread_join(thread, NULL);
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(r));
    fdclean(fd[0]);
    close(fd[0]);
    close(fd[1]);
    return reader.at - writer.at;
}

TEST(rt_fairness_a_descriptor_is_noticed_beside_a_yielding_loop)
{
    CHECK_ONCE(notice, 1, check_ms(100));
    CHECK_ONCE(notice, 50, check_ms(100));
}

/*  The loop's own calls are the only ones: there is no other coroutine. */
TEST(rt_fairness_a_deadline_ends_a_loop_of_its_own_coroutine)
{
    int s[2];
    char c;
    CHECK_OK(ipc_pair(s));
    int64_t deadline = now() + 20;
    long rounds = 0;
    while(now() < deadline) {
        yield();
        rounds++;
    }
    CHECK_ERR(brecv(s[0], &c, 1, deadline), ETIMEDOUT);
    CHECK(rounds > 0);
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/**** Beside coroutines that work for long between their waits ****/

static void work_for(int ms)
{
    int64_t until = wire_clock() + ms;
    while(wire_clock() < until) {}
}

static coroutine void work_for_ever(int ms)
{
    do work_for(ms); while(yield() == 0);
}

/*  How late a sleeper is beside one that works 20 ms at a time. */
static long long late(int unused)
{
    (void)unused;
    int b = go(work_for_ever(20));
    int64_t deadline = now() + 30;
    CHECK_OK(msleep(deadline));
    int64_t overslept = now() - deadline;
    CHECK_OK(hclose(b));
    return overslept;
}

static coroutine void echo(int s)
{
    char c;
    while(brecv(s, &c, 1, -1) == 0 && bsend(s, &c, 1, -1) == 0) {}
}

/*  How long one byte takes there and back. */
static long long echoed(int kind)
{
    int s[2];
    char c = 0;
    stream_pair((enum kind)kind, s);
    int b = go(echo(s[1]));
    CHECK_OK(bundle_go(b, work_for_ever(20)));
    yield();
    int64_t start = now();
    CHECK_OK(bsend(s[0], &c, 1, SOON));
    CHECK_OK(brecv(s[0], &c, 1, SOON));
    int64_t took = now() - start;
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
    return took;
}

/*  How long the head of a request takes beside ten that work 1 ms each. */
static long long head_read(int kind)
{
    static char field[2048];
    char name[16];
    int s[2];
    stream_pair((enum kind)kind, s);
    int server = http_attach(s[1]);
    int client = http_attach(s[0]);
    memset(field, 'x', 1990);
    CHECK_OK(http_sendrequest(client, "GET", "/", SOON));
    for(int i = 0; i != 4; i++)
        CHECK_OK(http_sendfield(client, "name", field, SOON));
    CHECK_OK(http_done(client, SOON));
    int b = bundle();
    for(int i = 0; i != 10; i++) CHECK_OK(bundle_go(b, work_for_ever(1)));
    int64_t start = now();
    CHECK_OK(http_recvrequest(server, name, sizeof name, field, sizeof field,
        SOON));
    while(http_recvfield(server, name, sizeof name, field, sizeof field,
        SOON) == 0) {}
    CHECK_INT(errno, EPIPE);
    int64_t took = now() - start;
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(client));
    CHECK_OK(hclose(server));
    return took;
}

TEST(rt_fairness_beside_those_who_work_for_long)
{
    CHECK_ONCE(late, 0, check_ms(25));
    for(int kind = IPC; kind <= TCP; kind++) {
        CHECK_ONCE(echoed, kind, check_ms(45));
        CHECK_ONCE(head_read, kind, check_ms(30));
    }
}

/**** Calls that never have to wait ****/

static coroutine void take_turns(int *turns)
{
    while(yield() == 0) ++*turns;
}

/*  How often others run while a hundred lines that have arrived are received,
    each of many steps, and as many messages of one byte. */
static long long turns_taken(int kind)
{
    static char field[2048];
    char name[16];
    char c = 0;
    int s[2];
    int turns = 0;
    stream_pair((enum kind)kind, s);
    struct bytes b = {0};
    for(int i = 0; i != 100; i++) bytes_str(&b, "name: value\r\n");
    CHECK_OK(bsend(s[0], b.p, b.n, SOON));
    int h = http_attach(s[1]);
    int cr = go(take_turns(&turns));
    CHECK_OK(msleep(now() + 2));
    turns = 0;
    for(int i = 0; i != 100; i++) {
        CHECK_OK(http_recvfield(h, name, sizeof name, field, sizeof field,
            SOON));
        CHECK_OK(bsend(s[0], &c, 1, SOON));
    }
    int taken = turns;
    CHECK_OK(hclose(cr));
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(s[0]));
    bytes_free(&b);
    return taken;
}

TEST_KINDS(rt_fairness_of_short_turns_without_waits)
{
    CHECK_ONCE(turns_taken, (int)kind, 0);
}

/*  How often others run while bytes are received that have arrived, and the end
    that has come with them, at either end of a stream. */
static long long turns_until_the_end(int kind)
{
    int taken = 0;
    for(int to = 0; to != 2; to++) {
        char c;
        int s[2];
        int turns = 0;
        stream_pair((enum kind)kind, s);
        CHECK_OK(bsend(s[1 - to], "x", 1, SOON));
        CHECK_INT(stream_done((enum kind)kind, s[1 - to]), 0);
        int cr = go(take_turns(&turns));
        CHECK_OK(msleep(now() + 2));
        turns = 0;
        CHECK_OK(brecv(s[to], &c, 1, SOON));
        CHECK_ERR(brecv(s[to], &c, 1, SOON), EPIPE);
        taken += turns;
        CHECK_OK(hclose(cr));
        CHECK_OK(hclose(s[0]));
        CHECK_OK(hclose(s[1]));
    }
    return taken;
}

TEST_KINDS(rt_fairness_of_an_end_that_has_come)
{
    CHECK_ONCE(turns_until_the_end, (int)kind, 0);
}


/*  What the others do, one unit at a time, until told to stop. */
struct work {
    long long (*step)(struct work *w);
    int h;
    long steps;
    int stop;
};

static coroutine void work(struct work *w)
{
    while(!w->stop) {
        if(w->step(w) < 0 && !w->stop) {
            check_fail(HERE, "after %ld steps: %s", w->steps, strerror(errno));
            return;
        }
        w->steps++;
    }
}

/*  Milliseconds of this thread's own time: what others do on a busy machine
    does not count. */
static int64_t thread_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*  The longest time between two turns of a coroutine that yields. Waits until
    there were `want` steps, and some turns. */
static long long longest_turn(struct work *w, long want)
{
    int64_t longest = 0;
    int turns = 0;
    w->steps = w->stop = 0;
    int worker = go(work(w));
    int64_t limit = wire_clock() + check_ms(10000);
    while((w->steps < want || turns < 10) && wire_clock() < limit &&
          !check_failed()) {
        int64_t before = thread_clock();
        yield();
        int64_t turn = thread_clock() - before;
        if(turn > longest) longest = turn;
        turns++;
    }
    CHECK(w->steps >= want);
    w->stop = 1;
    CHECK_OK(hclose(worker));
    return longest;
}

/*  A coroutine has its turn for more than a tick of the system's clock, and for
    less than two more, and then there is what it does last. */
static long long fair(void)
{
    struct timespec tick;
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    return 3 * tick.tv_nsec / 1000000 + check_ms(5);
}

/*  A peer in a thread of its own which sends the same bytes for ever, or
    takes whatever comes. */
struct peer {
    int fd;
    struct bytes b;
    int takes;
    pthread_t thread;
    atomic_int over;
};

static void *peer_run(void *arg)
{
    struct peer *p = arg;
    static char sink[1 << 20];
    if(p->takes) while(recv(p->fd, sink, sizeof sink, 0) > 0) {}
    else while(send(p->fd, p->b.p, p->b.n, MSG_NOSIGNAL) > 0) {}
    p->over = 1;
    return NULL;
}

static void peer_run_in_thread(struct peer *p)
{
    fcntl(p->fd, F_SETFL, fcntl(p->fd, F_GETFL) & ~O_NONBLOCK);
    CHECK_INT(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static int peer_start(struct peer *p, enum kind kind, int takes)
{
    int s = stream_open(kind, &p->fd);
    p->takes = takes;
    peer_run_in_thread(p);
    return s;
}

static void peer_end(struct peer *p)
{
    /*  What was closed may be looked after for a while. */
    while(!p->over) msleep(now() + 10);
    pthread_join(p->thread, NULL);
    wire_close(p->fd);
    bytes_free(&p->b);
}

static long long recv_step(struct work *w)
{
    char c[10];
    return brecv(w->h, c, sizeof c, -1);
}

static long long some_step(struct work *w)
{
    char c[10];
    return brecv_some(w->h, c, sizeof c, -1);
}

static long long large_recv_step(struct work *w)
{
    static char c[1 << 20];
    return brecv(w->h, c, sizeof c, -1);
}

static long long send_step(struct work *w)
{
    return bsend(w->h, "0123456789", 10, -1);
}

static long long ws_recv_step(struct work *w)
{
    char c[10];
    return ws_recv(w->h, NULL, c, sizeof c, -1);
}

static long long mrecv_step(struct work *w)
{
    char c[10];
    return mrecv(w->h, c, sizeof c, -1);
}

static long long ws_send_step(struct work *w)
{
    return ws_send(w->h, WS_BINARY, "0123456789", 10, -1);
}

TEST_KINDS(rt_fairness_of_receiving)
{
    struct peer p = {0};
    struct work w = {.step = recv_step};
    bytes_fill(&p.b, 'x', 60000);
    w.h = peer_start(&p, kind, 0);
    long want = check_rounds(100000);
    CHECK_RANGE(longest_turn(&w, want), 0, fair());
    w.step = some_step;
    CHECK_RANGE(longest_turn(&w, want), 0, fair());
    /*  One large call is many small ones inside. */
    w.step = large_recv_step;
    CHECK_RANGE(longest_turn(&w, check_rounds(100)), 0, fair());
    CHECK_OK(hclose(w.h));
    peer_end(&p);
}

TEST_KINDS(rt_fairness_of_sending)
{
    struct peer p = {0};
    struct work w = {.step = send_step};
    w.h = peer_start(&p, kind, 1);
    CHECK_RANGE(longest_turn(&w, check_rounds(100000)), 0, fair());
    CHECK_OK(hclose(w.h));
    peer_end(&p);
}

static int attach(enum role role, int s, int type)
{
    int h = role == CLIENT ?
        ws_attach_client(s, type | WS_NOHTTP, NULL, NULL, SOON) :
        ws_attach_server(s, type | WS_NOHTTP, NULL, 0, NULL, 0, SOON);
    CHECK_OK(h);
    return h;
}

static void receive_flood(enum kind kind, enum role role,
    long long (*step)(struct work*), const struct bytes *unit)
{
    struct peer p = {0};
    struct work w = {.step = step};
    while(p.b.n < 60000) bytes_put(&p.b, unit->p, unit->n);
    w.h = attach(role, peer_start(&p, kind, 0), WS_TEXT);
    CHECK_RANGE(longest_turn(&w, check_rounds(50000)), 0, fair());
    CHECK_OK(hclose(w.h));
    peer_end(&p);
}

TEST_KINDS(rt_fairness_of_receiving_messages)
{
    for(enum role role = CLIENT; role <= SERVER; role++) {
        struct bytes unit = {0};
        peer_message(&unit, role, OP_TEXT, "hello", 5);
        receive_flood(kind, role, ws_recv_step, &unit);
        receive_flood(kind, role, mrecv_step, &unit);
        bytes_free(&unit);
    }
}

/*  Much work, no end: `first` once and `unit` for ever. The call ends at its
    deadline all the same, and others have their turns meanwhile. */
static coroutine void count_turns(long *turns)
{
    while(yield() == 0) ++*turns;
}

static void never_an_end(enum role role, const struct bytes *first,
    const struct bytes *unit, long long (*fn)(int h, int64_t deadline))
{
    struct peer p = {0};
    long turns = 0;
    int s = stream_open(IPC, &p.fd);
    CHECK_INT(wire_write(p.fd, first->p, first->n), 0);
    while(p.b.n < 60000) bytes_put(&p.b, unit->p, unit->n);
    peer_run_in_thread(&p);
    int h = attach(role, s, WS_TEXT);
    int b = go(count_turns(&turns));
    int64_t deadline = now() + check_ms(100);
    CHECK_ERR(fn(h, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK(turns > 1);
    CHECK_OK(hclose(b));
    hclose(h);
    peer_end(&p);
}

static long long receive_op(int h, int64_t deadline)
{
    char c;
    return ws_recv(h, NULL, &c, 1, deadline);
}

static long long detach_op(int h, int64_t deadline)
{
    return ws_detach(h, 1000, NULL, 0, deadline);
}

TEST_ROLES(rt_fairness_of_receiving_pongs_for_ever)
{
    struct bytes unit = {0};
    struct bytes none = {0};
    peer_message(&unit, role, OP_PONG, "p", 1);
    never_an_end(role, &none, &unit, receive_op);
    bytes_free(&unit);
}

TEST_ROLES(rt_fairness_of_receiving_empty_fragments_for_ever)
{
    struct bytes unit = {0};
    struct bytes first = {0};
    peer_part(&first, role, OP_TEXT, 0, "", 0);
    peer_part(&unit, role, OP_CONT, 0, "", 0);
    never_an_end(role, &first, &unit, receive_op);
    bytes_free(&unit);
    bytes_free(&first);
}

TEST_ROLES(rt_fairness_of_detaching_from_one_who_never_stops)
{
    struct bytes unit = {0};
    struct bytes none = {0};
    peer_message(&unit, role, OP_TEXT, "p", 1);
    never_an_end(role, &none, &unit, detach_op);
    bytes_free(&unit);
}

TEST_KINDS(rt_fairness_of_sending_messages)
{
    for(enum role role = CLIENT; role <= SERVER; role++) {
        struct peer p = {0};
        struct work w = {.step = ws_send_step};
        w.h = attach(role, peer_start(&p, kind, 1), WS_BINARY);
        CHECK_RANGE(longest_turn(&w, check_rounds(50000)), 0, fair());
        CHECK_OK(hclose(w.h));
        peer_end(&p);
    }
}

/**** Accepting ****/

static long long accept_step(struct work *w)
{
    int s = tcp_accept(w->h, NULL, -1);
    return s < 0 ? s : hclose(s);
}

static coroutine void connect_often(struct ipaddr *addr, long n)
{
    for(long i = 0; i != n; i++) {
        int s = tcp_connect(addr, SOON);
        CHECK_OK(s);
        hclose(s);
    }
}

TEST(rt_fairness_of_accepting)
{
    struct ipaddr addr;
    struct work w = {.step = accept_step};
    w.h = listen_tcp(&addr, 4000);
    /*  Fill the queue first: accepting never waits. */
    connect_often(&addr, 3000);
    CHECK_RANGE(longest_turn(&w, 2900), 0, fair());
    CHECK_OK(hclose(w.h));
}

/**** Everybody gets something ****/

static coroutine void exchange(int s, long *rounds)
{
    char c;
    while(bsend(s, "x", 1, -1) == 0 && brecv(s, &c, 1, -1) == 0) ++*rounds;
}

TEST_KINDS(rt_fairness_among_many_connections)
{
    enum {MANY = 50};
    int s[MANY][2];
    long rounds[2 * MANY] = {0};
    int b = bundle();
    for(int i = 0; i != MANY; i++) {
        stream_pair(kind, s[i]);
        for(int k = 0; k != 2; k++)
            bundle_go(b, exchange(s[i][k], &rounds[2 * i + k]));
    }
    CHECK_OK(msleep(now() + check_ms(300)));
    CHECK_OK(hclose(b));
    long least = rounds[0];
    long most = rounds[0];
    for(int i = 0; i != 2 * MANY; i++) {
        if(rounds[i] < least) least = rounds[i];
        if(rounds[i] > most) most = rounds[i];
    }
    CHECK(least > 10);
    CHECK_RANGE(most, 0, 3 * least);
    for(int i = 0; i != MANY; i++)
        for(int k = 0; k != 2; k++) CHECK_OK(hclose(s[i][k]));
}
