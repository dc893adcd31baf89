/*  Every call that can wait: cancelled, and with the handle closed under it.
    It ends at once, leaves nothing behind, and touches nothing that is gone
    (which valgrind would see). */

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

/**** A resolver that does not answer until it is told to ****/

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int silent;

int getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
    (void)name;
    (void)service;
    (void)hints;
    *found = NULL;
    pthread_mutex_lock(&mutex);
    while(silent) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return EAI_NONAME;
}

static void be_silent(void)
{
    silent = 1;
}

static void answer_all(void)
{
    pthread_mutex_lock(&mutex);
    silent = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    AWAIT_THREADS();
}

/**** Scenes ****/

/*  What a call needs: handles, of which `h` is the one it is made on, plain
    descriptors, and some memory. */
struct scene {
    int h;
    int other;
    int fd;
    int fd2;
    struct ipaddr addr;
    const char *path;
    int queue[16];
    int queued;
};

static char big[4 << 20];

static void a_stream(struct scene *s, enum kind kind)
{
    s->h = stream_open(kind, &s->fd);
}
static void ipc_stream(struct scene *s)
{
    a_stream(s, IPC);
}
static void tcp_stream(struct scene *s)
{
    a_stream(s, TCP);
}

static void full_ipc_stream(struct scene *s)
{
    a_stream(s, IPC);
    stream_fill(s->h);
}

/*  Some bytes of what will be asked for are there. */
static void partly_received(struct scene *s, enum kind kind)
{
    a_stream(s, kind);
    CHECK_INT(wire_write(s->fd, big, 5000), 0);
}
static void ipc_with_a_part(struct scene *s)
{
    partly_received(s, IPC);
}
static void tcp_with_a_part(struct scene *s)
{
    partly_received(s, TCP);
}

static void a_pipe(struct scene *s)
{
    int fd[2];
    CHECK_OK(pipe2(fd, O_NONBLOCK));
    s->fd = fd[0];
    s->fd2 = fd[1];
}

static void a_full_pipe(struct scene *s)
{
    a_pipe(s);
    while(write(s->fd2, big, 4096) > 0) {}
}

static void a_channel(struct scene *s)
{
    int ch[2];
    CHECK_OK(chmake(ch));
    s->h = ch[0];
    s->other = ch[1];
}

static coroutine void sleep_for_ever(void)
{
    msleep(-1);
}

static void a_bundle(struct scene *s)
{
    s->h = go(sleep_for_ever());
}

static void tcp_listener(struct scene *s)
{
    s->h = listen_tcp(&s->addr, 5);
}

static void full_tcp_listener(struct scene *s)
{
    s->other = listen_tcp(&s->addr, 0);
    while(s->queued != COUNT_OF(s->queue)) {
        int h = tcp_connect(&s->addr, now() + 20);
        if(h < 0) return;
        s->queue[s->queued++] = h;
    }
    check_fail(HERE, "the queue does not fill");
}

static void ipc_listener(struct scene *s)
{
    s->h = listen_ipc(&s->path, 5);
}

static void full_ipc_listener(struct scene *s)
{
    s->other = listen_ipc(&s->path, 0);
    s->queue[s->queued++] = ipc_connect(s->path, SOON);
}

static void silent_resolver(struct scene *s)
{
    (void)s;
    be_silent();
}

static void a_websocket(struct scene *s, enum role role, int over)
{
    int h = role == CLIENT ?
        ws_attach_client(over, WS_NOHTTP, NULL, NULL, SOON) :
        ws_attach_server(over, WS_NOHTTP, NULL, 0, NULL, 0, SOON);
    CHECK_OK(h);
    s->h = h;
}
static void ws_client(struct scene *s)
{
    ipc_stream(s);
    a_websocket(s, CLIENT, s->h);
}
static void ws_server(struct scene *s)
{
    tcp_stream(s);
    a_websocket(s, SERVER, s->h);
}
static void full_ws_client(struct scene *s)
{
    full_ipc_stream(s);
    a_websocket(s, CLIENT, s->h);
}
static void full_ws_server(struct scene *s)
{
    full_ipc_stream(s);
    a_websocket(s, SERVER, s->h);
}

/*  The peer is in the middle of a message. */
static void ws_in_a_message(struct scene *s)
{
    struct bytes b = {0};
    ws_server(s);
    peer_part(&b, SERVER, OP_BINARY, 0, big, 3000);
    peer_part(&b, SERVER, OP_CONT, 1, big, 3000);
    CHECK_INT(wire_write(s->fd, b.p, b.n - 1000), 0);
    bytes_free(&b);
}

static void http_stream(struct scene *s)
{
    ipc_stream(s);
    CHECK_OK(s->h = http_attach(s->h));
}

static void full_http_stream(struct scene *s)
{
    full_ipc_stream(s);
    CHECK_OK(s->h = http_attach(s->h));
}

static void http_with_a_part(struct scene *s)
{
    http_stream(s);
    CHECK_INT(wire_write(s->fd, "GET / HT", 8), 0);
}

static void clean_up(struct scene *s)
{
    answer_all();
    if(s->h >= 0) hclose(s->h);
    if(s->other >= 0) CHECK_OK(hclose(s->other));
    while(s->queued) CHECK_OK(hclose(s->queue[--s->queued]));
    if(s->fd >= 0) {
        fdclean(s->fd);
        wire_close(s->fd);
    }
    if(s->fd2 >= 0) {
        fdclean(s->fd2);
        wire_close(s->fd2);
    }
    if(s->path) unlisten_ipc();
}

/**** Calls ****/

#define CALL(name, expr) \
    static long long name(void *arg) \
    { \
        struct scene *s = arg; \
        (void)s; \
        return (expr); \
    }

static char memory[100000];

CALL(do_msleep, msleep(-1))
CALL(do_fdin, fdin(s->fd, -1))
CALL(do_fdout, fdout(s->fd2, -1))
CALL(do_chsend, chsend(s->h, "x", 1, -1))
CALL(do_chrecv, chrecv(s->h, memory, 1, -1))
CALL(do_bundle_wait, bundle_wait(s->h, -1))
CALL(do_tcp_accept, tcp_accept(s->h, NULL, -1))
CALL(do_tcp_connect, tcp_connect(&s->addr, -1))
CALL(do_ipc_accept, ipc_accept(s->h, -1))
CALL(do_ipc_connect, ipc_connect(s->path, -1))
CALL(do_brecv, brecv(s->h, memory, 10, -1))
CALL(do_large_brecv, brecv(s->h, memory, sizeof memory, -1))
CALL(do_skip, brecv(s->h, NULL, SIZE_MAX, -1))
CALL(do_brecv_some, brecv_some(s->h, memory, 10, -1))
CALL(do_bsend, bsend(s->h, "xyz", 3, -1))
CALL(do_large_bsend, bsend(s->h, big, sizeof big, -1))
CALL(do_tcp_close, tcp_close(s->h, -1))
CALL(do_ipc_close, ipc_close(s->h, -1))
CALL(do_sendfd, ipc_sendfd(s->h, 0, -1))
CALL(do_recvfd, ipc_recvfd(s->h, -1))
CALL(do_remote, ipaddr_remote(&s->addr, "slow.test", 80, 0, -1))
CALL(do_remotes, ipaddr_remotes(&s->addr, 1, "slow.test", 80, 0, -1))
CALL(do_ws_recv, ws_recv(s->h, NULL, memory, sizeof memory, -1))
CALL(do_ws_recvl, ws_recvl(s->h, NULL, NULL, NULL, -1))
CALL(do_mrecv, mrecv(s->h, memory, sizeof memory, -1))
CALL(do_ws_send, ws_send(s->h, WS_BINARY, "hello", 5, -1))
CALL(do_large_ws_send, ws_send(s->h, WS_BINARY, big, sizeof big, -1))
CALL(do_msend, msend(s->h, "hello", 5, -1))
CALL(do_ws_done, ws_done(s->h, 1000, NULL, 0, -1))
CALL(do_ws_detach, ws_detach(s->h, 1000, NULL, 0, -1))
CALL(do_ws_attach_client,
    ws_attach_client(s->h, WS_TEXT, "/", "example.org", -1))
CALL(do_ws_attach_server,
    ws_attach_server(s->h, WS_TEXT, NULL, 0, NULL, 0, -1))
CALL(do_tls_attach_client, tls_attach_client(s->h, -1))
CALL(do_happyeyeballs, happyeyeballs_connect("slow.test", 80, -1))
CALL(do_http_sendfield, http_sendfield(s->h, "a", "b", -1))
CALL(do_http_recvrequest,
    http_recvrequest(s->h, memory, 100, memory + 100, 100, -1))
CALL(do_http_recvfield,
    http_recvfield(s->h, memory, 100, memory + 100, 100, -1))
CALL(do_http_detach, http_detach(s->h, -1))

static long long do_choose(void *arg)
{
    struct scene *s = arg;
    struct chclause clauses[] = {
        {CHRECV, s->h, memory, 1}, {CHSEND, s->h, "x", 1},
        {CHRECV, s->other, memory, 1}};
    return choose(clauses, 3, -1);
}

static long long do_empty_choose(void *arg)
{
    (void)arg;
    return choose(NULL, 0, -1);
}

/*  Flags of a row. */
enum {
    TAKES = 1,          /* the call ends its handle, whatever comes of it */
    NO_HANDLE = 2,      /* there is none to be closed */
    STAYS = 4,          /* closing it wakes nobody: as libdill's channels do */
};

static const struct row {
    const char *name;
    void (*set_up)(struct scene *s);
    long long (*call)(void *arg);
    int err;            /* when the handle is closed under the call */
    int flags;
} rows[] = {
    {"msleep", NULL, do_msleep, 0, NO_HANDLE},
    {"fdin", a_pipe, do_fdin, 0, NO_HANDLE},
    {"fdout", a_full_pipe, do_fdout, 0, NO_HANDLE},
    {"chsend", a_channel, do_chsend, EPIPE, STAYS},
    {"chrecv", a_channel, do_chrecv, EPIPE, STAYS},
    {"choose", a_channel, do_choose, 0, NO_HANDLE},
    {"choose, no clause", NULL, do_empty_choose, 0, NO_HANDLE},
    {"bundle_wait", a_bundle, do_bundle_wait, EBADF, 0},
    {"tcp_accept", tcp_listener, do_tcp_accept, ECONNRESET, 0},
    {"tcp_connect", full_tcp_listener, do_tcp_connect, 0, NO_HANDLE},
    {"ipc_accept", ipc_listener, do_ipc_accept, ECONNRESET, 0},
    {"ipc_connect", full_ipc_listener, do_ipc_connect, 0, NO_HANDLE},
    {"ipc brecv", ipc_stream, do_brecv, ECONNRESET, 0},
    {"tcp brecv", tcp_stream, do_brecv, ECONNRESET, 0},
    {"ipc brecv, large", ipc_with_a_part, do_large_brecv, ECONNRESET, 0},
    {"tcp brecv, large", tcp_with_a_part, do_large_brecv, ECONNRESET, 0},
    {"ipc brecv, skipping", ipc_with_a_part, do_skip, ECONNRESET, 0},
    {"tcp brecv, skipping", tcp_with_a_part, do_skip, ECONNRESET, 0},
    {"ipc brecvsome", ipc_stream, do_brecv_some, ECONNRESET, 0},
    {"tcp brecvsome", tcp_stream, do_brecv_some, ECONNRESET, 0},
    {"bsend", full_ipc_stream, do_bsend, ECONNRESET, 0},
    {"ipc bsend, large", ipc_stream, do_large_bsend, ECONNRESET, 0},
    {"tcp bsend, large", tcp_stream, do_large_bsend, ECONNRESET, 0},
    {"ipc_close", ipc_stream, do_ipc_close, ECONNRESET, TAKES},
    {"tcp_close", tcp_stream, do_tcp_close, ECONNRESET, TAKES},
    {"ipc_sendfd", full_ipc_stream, do_sendfd, ECONNRESET, 0},
    {"ipc_recvfd", ipc_stream, do_recvfd, ECONNRESET, 0},
    {"ipaddr_remote", silent_resolver, do_remote, 0, NO_HANDLE},
    {"ipaddr_remotes", silent_resolver, do_remotes, 0, NO_HANDLE},
    {"client ws_recv", ws_client, do_ws_recv, ECONNRESET, 0},
    {"server ws_recv", ws_server, do_ws_recv, ECONNRESET, 0},
    {"ws_recv in a message", ws_in_a_message, do_ws_recv, ECONNRESET, 0},
    {"ws_recvl, skipping", ws_in_a_message, do_ws_recvl, ECONNRESET, 0},
    {"mrecv", ws_client, do_mrecv, ECONNRESET, 0},
    {"client ws_send", full_ws_client, do_ws_send, ECONNRESET, 0},
    {"server ws_send", full_ws_server, do_ws_send, ECONNRESET, 0},
    {"client ws_send, large", ws_client, do_large_ws_send, ECONNRESET, 0},
    {"server ws_send, large", ws_server, do_large_ws_send, ECONNRESET, 0},
    {"msend", full_ws_client, do_msend, ECONNRESET, 0},
    {"ws_done", full_ws_server, do_ws_done, ECONNRESET, 0},
    {"ws_detach", ws_client, do_ws_detach, ECONNRESET, TAKES},
    {"ws_detach, sending", full_ws_server, do_ws_detach, ECONNRESET, TAKES},
    {"ws_detach in a message", ws_in_a_message, do_ws_detach, ECONNRESET,
        TAKES},
    {"ws_attach_client", ipc_stream, do_ws_attach_client, 0,
        NO_HANDLE | TAKES},
    {"ws_attach_client, sending", full_ipc_stream, do_ws_attach_client, 0,
        NO_HANDLE | TAKES},
    {"ws_attach_server", tcp_stream, do_ws_attach_server, 0,
        NO_HANDLE | TAKES},
    {"tls_attach_client", ipc_stream, do_tls_attach_client, 0,
        NO_HANDLE | TAKES},
    {"tls_attach_client, sending", full_ipc_stream, do_tls_attach_client, 0,
        NO_HANDLE | TAKES},
    {"happyeyeballs_connect", silent_resolver, do_happyeyeballs, 0,
        NO_HANDLE},
    {"http_sendfield", full_http_stream, do_http_sendfield, ECONNRESET, 0},
    {"http_recvrequest", http_with_a_part, do_http_recvrequest, ECONNRESET, 0},
    {"http_recvfield", http_stream, do_http_recvfield, ECONNRESET, 0},
    {"http_detach", http_stream, do_http_detach, ECONNRESET, TAKES},
};

static void set_up(const struct row *row, struct scene *s)
{
    memset(s, 0, sizeof *s);
    s->h = s->other = s->fd = s->fd2 = -1;
    if(row->set_up) row->set_up(s);
}

/*  For each row; the count of handles before and after is the same, and the
    harness counts the descriptors. */
static void for_each_row(void (*act)(const struct row *row, struct scene *s))
{
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct scene s;
        int before = open_handles();
        check_row(rows[i].name);
        set_up(&rows[i], &s);
        act(&rows[i], &s);
        clean_up(&s);
        CHECK_INT(open_handles(), before);
    }
    check_row(NULL);
}

/**** Cancelling ****/

static void check_taken(const struct row *row, const struct scene *s)
{
    if(row->flags & TAKES) CHECK_ERR(hclose(s->h), EBADF);
}

static void cancel(const struct row *row, struct scene *s)
{
    struct call c;
    call_start(&c, row->call, s);
    CALL_CANCEL(&c);
    check_taken(row, s);
}

TEST(rt_cancel_every_call_that_waits)
{
    for_each_row(cancel);
}

/*  Not just blocked: blocked for a while, with the poller having looked. */
static void cancel_later(const struct row *row, struct scene *s)
{
    struct call c;
    call_start(&c, row->call, s);
    CHECK_OK(msleep(now() + 1));
    CALL_CANCEL(&c);
    check_taken(row, s);
}

TEST(rt_cancel_every_call_that_has_waited)
{
    for_each_row(cancel_later);
}

/*  Twice: whoever was cancelled cannot wait again, but what needs no waiting
    works. */
struct again {long long (*fn)(void*); struct scene *s; int first; int err;};
static long long call_twice(void *arg)
{
    struct again *again = arg;
    again->fn(again->s);
    again->first = errno;
    return again->fn(again->s);
}

static void cancel_twice(const struct row *row, struct scene *s)
{
    if(row->flags & TAKES) return;
    struct again again = {.fn = row->call, .s = s};
    struct call c;
    call_start(&c, call_twice, &again);
    CHECK_OK(hclose(c.bundle));
    CHECK_INT(again.first, ECANCELED);
    /*  What was sent in part cannot be sent again. */
    if(c.err != ECONNRESET) CHECK_INT(c.err, ECANCELED);
    CHECK_INT(c.rc, -1);
}

TEST(rt_cancel_a_second_call_is_cancelled_as_well)
{
    for_each_row(cancel_twice);
}

/*  In the same moment as its deadline, or as what it waits for. */
static void cancel_when_ready(const struct row *row, struct scene *s)
{
    struct call c;
    call_start(&c, row->call, s);
    if(s->fd >= 0) {
        /*  Data, room or the end, whatever it wants; it has not run yet. */
        while(recv(s->fd, memory, sizeof memory, MSG_DONTWAIT) > 0) {}
        shutdown(s->fd, SHUT_RDWR);
    }
    hclose(c.bundle);
    CHECK(c.over);
    /*  Some succeed after all. */
    if(c.rc >= 0 && (row->flags & TAKES)) s->h = (int)c.rc ? (int)c.rc : -1;
}

TEST(rt_cancel_races_with_what_they_wait_for)
{
    for_each_row(cancel_when_ready);
}

/**** The handle is closed ****/

static void close_under(const struct row *row, struct scene *s)
{
    struct call c;
    if(row->flags & NO_HANDLE) return;
    call_start(&c, row->call, s);
    CHECK_BLOCKED(&c);
    CHECK_OK(hclose(s->h));
    if(row->flags & STAYS) {
        yield();
        CHECK_BLOCKED(&c);
        CHECK_OK(hclose(s->other));
        s->other = -1;
    }
    CALL_FAILS(&c, row->err);
    CHECK_ERR(hclose(s->h), EBADF);
}

TEST(rt_cancel_closed_under_every_call_that_waits)
{
    for_each_row(close_under);
}

static void close_under_later(const struct row *row, struct scene *s)
{
    struct call c;
    if(row->flags & (NO_HANDLE | STAYS)) return;
    call_start(&c, row->call, s);
    CHECK_OK(msleep(now() + 1));
    CHECK_OK(hclose(s->h));
    CALL_FAILS(&c, row->err);
    CHECK_ERR(hclose(s->h), EBADF);
}

TEST(rt_cancel_closed_under_every_call_that_has_waited)
{
    for_each_row(close_under_later);
}

/*  By one who is woken together with the acceptor, and runs first. */
static long long close_when_readable(void *arg)
{
    struct scene *s = arg;
    return fdin(s->fd, -1) == 0 ? hclose(s->h) : -1;
}

/*  Without the runtime, so that nobody else runs. */
static int connect_at_once(const struct scene *s)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    const struct sockaddr *addr = s->path ? (struct sockaddr*)&path :
        ipaddr_sockaddr(&s->addr);
    if(s->path) strcpy(path.sun_path, s->path);
    int fd = socket(addr->sa_family, SOCK_STREAM, 0);
    CHECK_OK(connect(fd, addr, s->path ? (socklen_t)sizeof path :
        (socklen_t)ipaddr_len(&s->addr)));
    return fd;
}

static void close_under_woken(const char *name, void (*listen)(struct scene*),
    long long (*accept)(void*))
{
    struct scene s = {.other = -1};
    struct call acceptor;
    struct call closer;
    check_row(name);
    a_pipe(&s);
    listen(&s);
    call_start(&acceptor, accept, &s);
    call_start(&closer, close_when_readable, &s);
    CHECK_INT(write(s.fd2, "x", 1), 1);
    int fd = connect_at_once(&s);
    CALL_RETURNS(&closer, 0);
    CALL_FAILS(&acceptor, ECONNRESET);
    wire_close(fd);
    clean_up(&s);
    check_row(NULL);
}

TEST(rt_cancel_closed_under_one_who_is_about_to_accept)
{
    if(check_under("poll")) NA("poll(2) does not say what came first");
    close_under_woken("tcp_accept", tcp_listener, do_tcp_accept);
    close_under_woken("ipc_accept", ipc_listener, do_ipc_accept);
}

/*  By a close function, in a coroutine that is itself being cancelled. */
static long long close_when_cancelled(void *arg)
{
    msleep(-1);
    return hclose(*(int*)arg);
}

static void close_under_cancelled(const struct row *row, struct scene *s)
{
    struct call c;
    struct call closer;
    if(row->flags & (NO_HANDLE | STAYS)) return;
    call_start(&c, row->call, s);
    call_start(&closer, close_when_cancelled, &s->h);
    CHECK_OK(hclose(closer.bundle));
    CHECK_INT(closer.rc, 0);
    CALL_FAILS(&c, row->err);
}

TEST(rt_cancel_closed_by_one_who_is_cancelled)
{
    for_each_row(close_under_cancelled);
}

/*  Both directions at once, with the same handle. */
TEST(rt_cancel_closed_under_a_reader_and_a_writer)
{
    for(int round = 0; round != 2; round++) {
        struct scene s = {.other = -1, .fd2 = -1};
        struct call in;
        struct call out;
        if(round) ws_client(&s);
        else tcp_stream(&s);
        call_start(&in, round ? do_ws_recv : do_brecv, &s);
        call_start(&out, round ? do_large_ws_send : do_large_bsend, &s);
        CHECK_OK(hclose(s.h));
        CALL_FAILS(&in, ECONNRESET);
        CALL_FAILS(&out, ECONNRESET);
        wire_close(s.fd);
    }
}

/*  There is no room for the answer to a ping. The receiver waits for room, and
    a sender, who finds the answer under way, for his turn. */
static void start_sender_behind_a_pong(struct scene *s, struct call *in,
    struct call *out)
{
    struct bytes b = {0};
    *s = (struct scene){.other = -1, .fd2 = -1};
    full_ws_client(s);
    peer_ping(&b, CLIENT, "ping");
    CHECK_INT(wire_write(s->fd, b.p, b.n), 0);
    bytes_free(&b);
    call_start(in, do_ws_recv, s);
    call_start(out, do_ws_send, s);
    CHECK_OK(msleep(now() + 2));
    CHECK_BLOCKED(in);
    CHECK_BLOCKED(out);
}

TEST(rt_cancel_one_who_waits_his_turn_to_send)
{
    struct scene s;
    struct call in;
    struct call out;
    start_sender_behind_a_pong(&s, &in, &out);
    CALL_CANCEL(&out);
    CHECK_BLOCKED(&in);
    CALL_CANCEL(&in);
    CHECK_OK(hclose(s.h));
    wire_close(s.fd);
}

TEST(rt_cancel_the_one_whom_another_waits_for)
{
    struct scene s;
    struct call in;
    struct call out;
    start_sender_behind_a_pong(&s, &in, &out);
    CALL_CANCEL(&in);
    yield();
    /*  Still no room, but it is his turn. */
    CHECK_BLOCKED(&out);
    while(recv(s.fd, big, sizeof big, MSG_DONTWAIT) > 0) {}
    CALL_RETURNS(&out, 0);
    CHECK_OK(hclose(s.h));
    wire_close(s.fd);
}

TEST(rt_cancel_closed_under_one_who_waits_his_turn_to_send)
{
    struct scene s;
    struct call in;
    struct call out;
    start_sender_behind_a_pong(&s, &in, &out);
    CHECK_OK(hclose(s.h));
    CALL_FAILS(&in, ECONNRESET);
    CALL_FAILS(&out, ECONNRESET);
    wire_close(s.fd);
}

/**** Cancelled coroutines ****/

/*  Data that needs no waiting can still be exchanged, for a last word. */
static long long last_words(void *arg)
{
    int s = *(int*)arg;
    char in[3];
    CHECK_ERR(brecv(s, in, 3, -1), ECANCELED);
    CHECK_ERR(brecv(s, in, 3, -1), ECANCELED);
    CHECK_OK(brecv(s, in, 2, -1));
    CHECK_BYTES(in, 2, "xy", 2);
    CHECK_OK(bsend(s, "back", 4, -1));
    CHECK_ERR(bsend(s, big, sizeof big, -1), ECANCELED);
    CHECK_ERR(bsend(s, "a", 1, -1), ECONNRESET);
    return 0;
}

TEST_KINDS(rt_cancel_what_needs_no_waiting_works)
{
    int s[2];
    char in[4];
    struct call c;
    stream_pair(kind, s);
    call_start(&c, last_words, &s[1]);
    CHECK_OK(bsend(s[0], "xy", 2, SOON));
    CHECK_OK(hclose(c.bundle));
    CHECK_INT(c.rc, 0);
    CHECK_OK(brecv(s[0], in, 4, SOON));
    CHECK_BYTES(in, 4, "back", 4);
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/**** Peers that never stop ****/

static void *flood(void *arg)
{
    int fd = *(int*)arg;
    while(send(fd, big, 65536, MSG_NOSIGNAL) > 0) {}
    return NULL;
}

static int flooded_stream(pthread_t *thread, int fd[2])
{
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
    CHECK_INT(pthread_create(thread, NULL, flood, &fd[0]), 0);
    int s = ipc_fromfd(fd[1]);
    CHECK_OK(s);
    return s;
}

static void flood_ends(pthread_t thread, const int fd[2])
{
    pthread_join(thread, NULL);
    wire_close(fd[0]);
}

/*  Closing in order drops what still comes, and here that is without end. */
TEST(rt_cancel_closing_ends_though_the_peer_never_stops)
{
    pthread_t thread;
    int fd[2];
    int s = flooded_stream(&thread, fd);
    int64_t deadline = now() + 50;
    CHECK_ERR(ipc_close(s, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(hclose(s), EBADF);
    flood_ends(thread, fd);

    struct scene scene = {.other = -1, .fd2 = -1, .fd = -1};
    struct call c;
    scene.h = flooded_stream(&thread, fd);
    call_start(&c, do_ipc_close, &scene);
    CHECK_OK(msleep(now() + 20));
    CALL_CANCEL(&c);
    flood_ends(thread, fd);

    scene.h = flooded_stream(&thread, fd);
    call_start(&c, do_ipc_close, &scene);
    CHECK_OK(msleep(now() + 20));
    CHECK_OK(hclose(scene.h));
    CALL_FAILS(&c, ECONNRESET);
    flood_ends(thread, fd);
}

static void *drain(void *arg)
{
    static char block[65536];
    int fd = *(int*)arg;
    while(recv(fd, block, sizeof block, 0) > 0) {}
    return NULL;
}

/*  In small pieces, so that the peer is faster. */
static struct iolist much[1000000];
static long long receive_much(void *arg)
{
    return brecvl(*(int*)arg, &much[0], &much[COUNT_OF(much) - 1], -1);
}
static long long send_much(void *arg)
{
    return bsendl(*(int*)arg, &much[0], &much[COUNT_OF(much) - 1], -1);
}

TEST(rt_cancel_a_large_transfer_though_the_peer_is_fast)
{
    static const struct {
        void *(*peer)(void*); long long (*call)(void*);
    } rows[] = {{flood, receive_much}, {drain, send_much}};
    for(size_t i = 0; i != COUNT_OF(much); i++)
        much[i] = (struct iolist){.iol_base = big, .iol_len = 1,
            .iol_next = i + 1 < COUNT_OF(much) ? &much[i + 1] : NULL};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        pthread_t thread;
        struct call c;
        int fd[2];
        check_note("%s", i ? "sending" : "receiving");
        CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
        CHECK_INT(pthread_create(&thread, NULL, rows[i].peer, &fd[0]), 0);
        int s = ipc_fromfd(fd[1]);
        call_start(&c, rows[i].call, &s);
        CHECK_BLOCKED(&c);
        CALL_CANCEL(&c);
        CHECK_OK(hclose(s));
        flood_ends(thread, fd);
    }
}
