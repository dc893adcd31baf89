#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

/**** Streams ****/

static void pair_of_sockets(enum kind kind, int pair[2])
{
    setenv("WS_TESTS_TRANSPORT", kind == TCP ? "tcp" : "ipc", 1);
    wire_pair(pair);
}

static int open_socket(enum kind kind, int fd)
{
    int s = kind == TCP ? tcp_fromfd(fd) : ipc_fromfd(fd);
    if(s < 0) abort();
    return s;
}

void stream_pair(enum kind kind, int s[2])
{
    int pair[2];
    pair_of_sockets(kind, pair);
    for(int i = 0; i != 2; i++) s[i] = open_socket(kind, pair[i]);
}

int stream_done(enum kind kind, int s)
{
    return kind == TCP ? tcp_done(s, -1) : ipc_done(s, -1);
}

int stream_close(enum kind kind, int s, int64_t deadline)
{
    return kind == TCP ? tcp_close(s, deadline) : ipc_close(s, deadline);
}

int stream_open(enum kind kind, int *fd)
{
    int pair[2];
    pair_of_sockets(kind, pair);
    *fd = pair[1];
    return open_socket(kind, pair[0]);
}

size_t stream_fill(int s)
{
    size_t n = 0;
    /*  One byte cannot be sent in part. TCP finds more room when it has tidied
        up, as it does when it probes after 200 and 400 ms, and reports room
        only when there is a lot. So tries tell, and not waits. */
    for(int64_t full = now(); now() - full < check_ms(600); msleep(now() + 10))
        while(bsend(s, "x", 1, 0) == 0) {n++; full = now();}
    return n;
}

void stream_drop(int s, size_t len)
{
    /*  In pieces: TCP sends some of it again, and takes its time for that. */
    while(len) {
        size_t piece = len < 4096 ? len : 4096;
        if(brecv(s, NULL, piece, SOON) != 0) {
            check_fail(HERE, "%zu bytes do not come: %s", len, strerror(errno));
            return;
        }
        len -= piece;
    }
}

int listen_tcp(struct ipaddr *addr, int backlog)
{
    if(ipaddr_local(addr, "127.0.0.1", 0, IPADDR_IPV4) != 0) abort();
    int s = tcp_listen(addr, backlog);
    if(s < 0) abort();
    return s;
}

static char socket_path[64];

int listen_ipc(const char **path, int backlog)
{
    snprintf(socket_path, sizeof socket_path, "rt-%d.sock", (int)getpid());
    unlisten_ipc();
    int s = ipc_listen(socket_path, backlog);
    if(s < 0) abort();
    *path = socket_path;
    return s;
}

void unlisten_ipc(void)
{
    unlink(socket_path);
}

/*  struct dill_bsock_some_vfs of libdillimpl.h. */
struct some_vfs {
    size_t size;
    ssize_t (*brecvsome)(struct some_vfs *vfs, void *buf, size_t len,
        int64_t deadline);
    int (*bawaitroom)(struct some_vfs *vfs, int64_t deadline);
    int (*blook)(struct some_vfs *vfs,
        size_t (*look)(void *arg, const void *bytes, size_t len), void *arg, int64_t deadline);
};

static struct some_vfs *some_of(int s)
{
    return hquery(s, (const void*)0x64696c6c736f6d65);
}

ssize_t brecv_some(int s, void *buf, size_t len, int64_t deadline)
{
    struct some_vfs *vfs = some_of(s);
    return vfs ? vfs->brecvsome(vfs, buf, len, deadline) : -1;
}

int bawait_room(int s, int64_t deadline)
{
    struct some_vfs *vfs = some_of(s);
    return vfs ? vfs->bawaitroom(vfs, deadline) : -1;
}

/**** A stream of the program's own ****/

static void *scripted_query(struct hvfs *hvfs, const void *type)
{
    struct scripted *self = (struct scripted*)hvfs;
    if(type == bsock_type) return &self->bvfs;
    errno = ENOTSUP;
    return NULL;
}

static void scripted_close(struct hvfs *hvfs)
{
    ((struct scripted*)hvfs)->closed++;
}

static struct scripted *around(struct bsock_vfs *bvfs)
{
    return (struct scripted*)
        ((char*)bvfs - offsetof(struct scripted, bvfs));
}

static int scripted_bsendl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct scripted *self = around(bvfs);
    (void)last;
    (void)deadline;
    if(self->full) {
        errno = self->err;
        return -1;
    }
    for(; first; first = first->iol_next) {
        if(first->iol_len >= sizeof self->out - self->outlen) abort();
        memcpy(self->out + self->outlen, first->iol_base, first->iol_len);
        self->outlen += first->iol_len;
    }
    self->out[self->outlen++] = '|';
    return 0;
}

static int scripted_brecvl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct scripted *self = around(bvfs);
    (void)deadline;
    if(first != last) abort();
    char *to = first->iol_base;
    for(size_t i = 0; i != first->iol_len; i++) {
        if(self->taken < self->inlen) {
            to[i] = self->in[self->taken++];
        } else if(self->endless) {
            to[i] = self->in[self->inlen - 1];
        } else {
            errno = self->err;
            return -1;
        }
    }
    return 0;
}

int scripted_open(struct scripted *self, const char *in)
{
    *self = (struct scripted){.hvfs = {scripted_query, scripted_close},
        .bvfs = {scripted_bsendl, scripted_brecvl}, .in = in, .inlen = strlen(in),
        .err = EPIPE};
    int s = hmake(&self->hvfs);
    if(s < 0) abort();
    return s;
}

/*  Member by member, as there are bytes between them. */
void check_same_list(struct at at, const struct iolist *list,
    const struct iolist *before, int n)
{
    for(int i = 0; i != n; i++)
        if(list[i].iol_base != before[i].iol_base ||
              list[i].iol_len != before[i].iol_len ||
              list[i].iol_next != before[i].iol_next ||
              list[i].iol_rsvd != before[i].iol_rsvd)
            check_fail(at, "element %d has changed", i);
}

unsigned char pattern(size_t i)
{
    return (unsigned char)((i * 2654435761u) >> 13);
}

/**** TLS ****/

static coroutine void secure_client(int s, int *h)
{
    *h = tls_attach_client(s, SOON);
}

void stream_secure(int s[2])
{
    const char *cert = certificate("good.pem");
    const char *key = certificate("good.key");
    int client = -1;
    int cr = go(secure_client(s[0], &client));
    s[1] = tls_attach_server(s[1], cert, key, SOON);
    if(cr < 0 || bundle_wait(cr, SOON) != 0) abort();
    hclose(cr);
    s[0] = client;
    if(s[0] < 0 || s[1] < 0) abort();
}

/**** What is open ****/

/*  No object answers to this. */
static const int no_type;

int open_handles(void)
{
    int count = 0;
    for(int h = 0; h != 1 << 16; h++) {
        errno = 0;
        count += hquery(h, &no_type) != NULL || errno != EBADF;
    }
    return count;
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    if(!dir) abort();
    int n = 0;
    for(struct dirent *e; (e = readdir(dir)) != NULL;) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

int open_descriptors(void)
{
    /*  Without the one it takes to see. */
    return entries("/proc/self/fd") - 1;
}

int running_threads(void)
{
    return entries("/proc/self/task");
}

void await_threads(struct at at)
{
    int64_t limit = SOON;
    while(running_threads() > 1 && now() < limit) msleep(now() + 1);
    check_int(at, "threads", running_threads(), 1);
}

/**** Forked children ****/

void child_ends(int good)
{
    if(good) raise(SIGKILL);
    _exit(1);
}

void check_child_ends(struct at at, pid_t pid)
{
    int status = -1;
    check_int(at, "waitpid", waitpid(pid, &status, 0), pid);
    check_int(at, "how the child ends", status, SIGKILL);
}

/**** Calls in a coroutine of their own ****/

static coroutine void run(struct call *c)
{
    errno = 0;
    c->rc = c->fn(c->arg);
    c->err = errno;
    c->over = 1;
}

void call_start(struct call *c, long long (*fn)(void *arg), void *arg)
{
    *c = (struct call){.fn = fn, .arg = arg};
    c->bundle = go(run(c));
    if(c->bundle < 0) abort();
    /*  Some calls let others run before they begin. */
    yield();
}

void call_wait(struct at at, struct call *c)
{
    if(bundle_wait(c->bundle, SOON) != 0)
        check_fail(at, "the call is not over: %s", strerror(errno));
    hclose(c->bundle);
}

void call_fails(struct at at, struct call *c, int err)
{
    call_wait(at, c);
    check_err(at, "the call", c->rc, c->err, err);
}

void call_returns(struct at at, struct call *c, long long rc)
{
    call_wait(at, c);
    if(rc >= 0 && c->rc < 0) check_ok(at, "the call", c->rc, c->err);
    else check_int(at, "the call", c->rc, rc);
}

void call_cancel(struct at at, struct call *c)
{
    int64_t start = wire_clock();
    check_int(at, "blocked before it is cancelled", !c->over, 1);
    check_int(at, "hclose", hclose(c->bundle), 0);
    check_range(at, "time to cancel, ms", wire_clock() - start, 0,
        check_ms(1000));
    check_int(at, "over when it is cancelled", c->over, 1);
    check_err(at, "the call", c->rc, c->err, ECANCELED);
}

/**** Once, before the tests ****/

/*  The poller is opened when something waits for a descriptor, and stays. */
void check_let_others_run(void)
{
    msleep(now() + 10);
}

void check_warm_up(void)
{
    int s[2];
    char c;
    if(ipc_pair(s) != 0 || brecv(s[0], &c, 1, now() + 1) == 0) abort();
    hclose(s[0]);
    hclose(s[1]);
}

long long io_recv(void *arg)
{
    struct io *io = arg;
    return brecv(io->s, io->buf, io->len, io->deadline);
}

long long io_send(void *arg)
{
    struct io *io = arg;
    return bsend(io->s, io->buf, io->len, io->deadline);
}

long long io_await_room(void *arg)
{
    struct io *io = arg;
    return bawait_room(io->s, io->deadline);
}

void io_start(struct io *io, long long (*fn)(void *arg), int s, void *buf,
    size_t len)
{
    *io = (struct io){.s = s, .buf = buf, .len = len, .deadline = -1};
    call_start(&io->call, fn, io);
}

void check_passes_whole(struct at at, int from, int to, size_t len)
{
    struct io io;
    unsigned char *out = malloc(len + 1);
    unsigned char *in = calloc(1, len + 1);
    check_note("%zu bytes", len);
    for(size_t i = 0; i != len; i++) out[i] = pattern(i);
    io_start(&io, io_send, from, out, len);
    int rc = brecv(to, in, len, SOON);
    check_ok(at, "brecv", rc, errno);
    call_returns(at, &io.call, 0);
    check_bytes(at, "received", in, len, out, len);
    free(out);
    free(in);
}
