#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn.h"

/**** The host ****/

static int try_timeout(void)
{
    int s[2];
    char c = 0;
    if(ipc_pair(s) != 0) abort();
    int late = brecv(s[0], &c, 1, 0) == -1 && errno == ETIMEDOUT;
    int kept = bsend(s[1], "x", 1, SOON) == 0 &&
        brecv(s[0], &c, 1, SOON) == 0 && c == 'x';
    hclose(s[0]);
    hclose(s[1]);
    return late && kept;
}

int host_keeps_streams(void)
{
    static int known = -1;
    if(known < 0) known = try_timeout();
    return known;
}

static coroutine void keep_busy(const int *stop)
{
    while(!*stop && yield() == 0);
}

int host_poll_period(void)
{
    static int known = -1;
    int stop = 0;
    if(known >= 0) return known;
    int busy = go(keep_busy(&stop));
    int64_t start = wire_clock();
    msleep(now() + 1);
    known = (int)(wire_clock() - start);
    stop = 1;
    hclose(busy);
    return known;
}

static coroutine void block_in(int s)
{
    char c;
    brecv(s, &c, 1, -1);
}

static void close_blocked_and_exit(void)
{
    int s[2];
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    alarm((unsigned)check_ms(5));
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    if(ipc_pair(s) != 0) _exit(1);
    if(go(block_in(s[0])) < 0) _exit(1);
    settle();
    hclose(s[0]);
    settle();
    _exit(0);
}

int host_closes_blocked(void)
{
    static int known = -1;
    if(known >= 0) return known;
    pid_t pid = fork();
    if(pid == 0) close_blocked_and_exit();
    int status = -1;
    waitpid(pid, &status, 0);
    known = !WIFSIGNALED(status);
    return known;
}

/**** Streams ****/

int stream_from(int fd)
{
    return wire_is_tcp() ? tcp_fromfd(fd) : ipc_fromfd(fd);
}

int stream_open(int *fd)
{
    int pair[2];
    wire_pair(pair);
    *fd = pair[1];
    int s = stream_from(pair[0]);
    CHECK_OK(s);
    return s;
}

/*  Type that no handle answers to. */
static const int no_type;

int is_handle(int h)
{
    errno = 0;
    return hquery(h, &no_type) != NULL || errno != EBADF;
}

/**** Connections ****/

int conn_attach(enum role role, int s, int flags)
{
    if(role == CLIENT)
        return ws_attach_client(s, flags | WS_NOHTTP, NULL, NULL, SOON);
    return ws_attach_server(s, flags | WS_NOHTTP, NULL, 0, NULL, 0, SOON);
}

void conn_open(struct conn *c, enum role role, int flags)
{
    c->role = role;
    c->h = conn_attach(role, stream_open(&c->fd), flags);
    CHECK_OK(c->h);
}

void conn_close(struct conn *c)
{
    if(c->h >= 0) CHECK_INT(hclose(c->h), 0);
    wire_close(c->fd);
}

void check_intact(struct at at, struct conn *c)
{
    struct bytes in = {0};
    char buf[16] = {0};
    peer_message(&in, c->role, OP_TEXT, "to you", 6);
    wire_send(c->fd, &in);
    bytes_free(&in);
    int flags = -1;
    ssize_t n = ws_recv(c->h, &flags, buf, sizeof buf, SOON);
    check_ok(at, "receiving on an intact connection", n, errno);
    check_int(at, "type of the message", flags, WS_TEXT);
    check_bytes(at, "message", buf, n < 0 ? 0 : (size_t)n, "to you", 6);
    int rc = ws_send(c->h, WS_BINARY, "to me", 5, SOON);
    check_ok(at, "sending on an intact connection", rc, errno);
    if(rc == 0) expect_frame(at, c->fd, c->role, OP_BINARY, "to me", 5);
}

void check_gone(struct at at, struct conn *c)
{
    if(is_handle(c->h)) {
        check_fail(at, "the handle is still there");
        return;
    }
    c->h = -1;
    expect_end(at, c->fd);
}

/**** Conversations ****/

#define RECEIVE_MAX 70000

void check_receives(struct at at, struct conn *c, const struct want *wants)
{
    static uint8_t buf[RECEIVE_MAX];
    for(; wants->flags != -1 && !check_failed(); wants++) {
        int flags = -1;
        errno = 0;
        ssize_t n = ws_recv(c->h, &flags, buf, sizeof buf, SOON);
        if(wants->size < 0) {
            check_err(at, "ws_recv", n, errno, wants->err);
        } else if(n < 0) {
            check_ok(at, "ws_recv", n, errno);
        } else {
            check_int(at, "type of the message", flags, wants->flags);
            check_bytes(at, "message", buf, (size_t)n, wants->data,
                (size_t)wants->size);
        }
    }
}

static void converse_once(struct at at, enum role role, struct feed feed,
    const struct want *wants, void (*after)(struct conn *c))
{
    struct conn c;
    conn_open(&c, role, WS_BINARY);
    feed.fd = c.fd;
    feed_start(&feed);
    check_receives(at, &c, wants);
    if(after && !check_failed()) after(&c);
    feed_finish(&feed);
    conn_close(&c);
}

static void converse_fed(struct at at, enum role role,
    const struct bytes *in, int end, const struct want *wants,
    void (*after)(struct conn *c))
{
    for(size_t kind = 0; kind != feed_kinds(in->n); kind++) {
        if(check_failed()) return;
        feed_note(kind, in->n);
        converse_once(at, role, (struct feed){.p = in->p, .n = in->n,
            .kind = kind, .end = end}, wants, after);
    }
    check_note(NULL);
}

void converse(struct at at, enum role role, const struct bytes *in,
    const struct want *wants, void (*after)(struct conn *c))
{
    converse_fed(at, role, in, 0, wants, after);
}

void converse_to_end(struct at at, enum role role, const struct bytes *in,
    const struct want *wants, void (*after)(struct conn *c))
{
    converse_fed(at, role, in, 1, wants, after);
}

/**** Coroutines ****/

void settle(void)
{
    for(int i = 0; i != 3; i++) msleep(now() + 1);
}

/*  The host opens its poller and its source of random bytes at the first
    need and keeps them; they are no leak of a test's. */
void check_let_others_run(void)
{
    msleep(now() + 10);
}

void check_warm_up(void)
{
    int fd;
    char key[WS_KEY_SIZE];
    host_closes_blocked();
    int s = stream_open(&fd);
    char c;
    brecv(s, &c, 1, now() + 1);
    hclose(s);
    wire_close(fd);
    ws_request_key(key);
    settle();
}
