#define DILL_DISABLE_RAW_NAMES
#include "host.h"

#include <errno.h>
#include <libdill.h>
#include <libdillimpl.h>
#include <stdlib.h>
#include <string.h>

#define MOST_HANDLES 64
#define MOST_CALLS 4096
#define MOST_BYTES 200000

struct stream {
    struct dill_hvfs hvfs;
    struct dill_bsock_vfs bvfs;
    struct dill_bsock_some_vfs some;
    uint8_t in[MOST_BYTES];
    size_t inlen, inpos, piece;
    uint8_t sent[MOST_BYTES];
    size_t sentlen;
    int offers_some, closed;
};

/*  One end of a channel is all that libdill_ws waits on. */
struct channel {
    struct dill_hvfs hvfs;
    int used;
};

static int bsock_tag, msock_tag;
const void *dill_bsock_type = &bsock_tag;
const void *dill_msock_type = &msock_tag;

static struct dill_hvfs *handles[MOST_HANDLES];
static enum call calls[MOST_CALLS];
static int ncalls, fail_at, fail_errno;
static struct stream newest;
void (*stream_on_send)(void);
int stream_connected;

static const char *const names[] = {
    "hmake", "hquery(bsock)", "hquery(some)", "hquery(linger)", "hquery(host)", "hquery(ws)", "hown", "bsend",
    "bsendl", "brecv", "brecvsome", "bawaitroom", "blook", "yield", "chmake_mem", "chrecv", "chdone",
    "tcp_done", "ipc_done", "ipaddr_remotes", "tcp_connect"};

const char *call_name(enum call call) {return names[call];}

void host_reset(void)
{
    memset(handles, 0, sizeof handles);
    stream_on_send = NULL;
    host_fail(0, 0);
}

void host_fail(int n, int err)
{
    ncalls = 0;
    fail_at = n;
    fail_errno = err;
}

int host_calls(void) {return ncalls;}
enum call host_call(int n) {return calls[n - 1];}

/*  Counts a call; says whether it is the one that fails. */
static int fails(enum call call)
{
    if(ncalls < MOST_CALLS) calls[ncalls] = call;
    ncalls++;
    if(ncalls != fail_at) return 0;
    errno = fail_errno;
    return 1;
}

static struct dill_hvfs *find(int h)
{
    if(h >= 0 && h < MOST_HANDLES && handles[h]) return handles[h];
    errno = EBADF;
    return NULL;
}

static int insert(struct dill_hvfs *vfs)
{
    static int next;
    for(int tries = 0; tries < MOST_HANDLES; tries++) {
        int h = next++ % MOST_HANDLES;
        if(handles[h]) continue;
        handles[h] = vfs;
        return h;
    }
    errno = ENOMEM;
    return -1;
}

int host_open_handles(void)
{
    int n = 0;
    for(int h = 0; h < MOST_HANDLES; h++) n += handles[h] != NULL;
    return n;
}

int dill_hmake(struct dill_hvfs *vfs)
{
    return fails(CALL_HMAKE) ? -1 : insert(vfs);
}

static enum call query_kind(const void *type)
{
    if(type == dill_bsock_type) return CALL_HQUERY_BSOCK;
    if(type == DILL_BSOCK_LINGER_TYPE) return CALL_HQUERY_LINGER;
    if(type == DILL_HOST_TYPE) return CALL_HQUERY_HOST;
    return type == DILL_BSOCK_SOME_TYPE ? CALL_HQUERY_SOME : CALL_HQUERY_WS;
}

void *dill_hquery(int h, const void *type)
{
    if(fails(query_kind(type))) return NULL;
    struct dill_hvfs *vfs = find(h);
    return vfs ? vfs->query(vfs, type) : NULL;
}

/*  Like a real host, closes the object if it cannot give it a new number. */
int dill_hown(int h)
{
    struct dill_hvfs *vfs = find(h);
    if(!vfs) return -1;
    if(fails(CALL_HOWN)) {
        int err = errno;
        dill_hclose(h);
        errno = err;
        return -1;
    }
    handles[h] = NULL;
    return insert(vfs);
}

int dill_hclose(int h)
{
    struct dill_hvfs *vfs = find(h);
    if(!vfs) return -1;
    vfs->close(vfs);
    handles[h] = NULL;
    return 0;
}

static struct stream *as_stream(int s)
{
    struct dill_hvfs *vfs = find(s);
    return vfs == &newest.hvfs ? &newest : NULL;
}

static int transmit(struct stream *self, const void *buf, size_t len)
{
    memcpy(self->sent + self->sentlen, buf, len);
    self->sentlen += len;
    if(stream_on_send) stream_on_send();
    return 0;
}

int dill_bsend(int s, const void *buf, size_t len, int64_t deadline)
{
    (void)deadline;
    if(fails(CALL_BSEND)) return -1;
    struct stream *self = as_stream(s);
    return self ? transmit(self, buf, len) : -1;
}

int dill_bsendl(int s, struct dill_iolist *first, struct dill_iolist *last,
    int64_t deadline)
{
    (void)deadline;
    if(fails(CALL_BSENDL)) return -1;
    struct stream *self = as_stream(s);
    if(!self) return -1;
    for(struct dill_iolist *it = first;; it = it->iol_next) {
        transmit(self, it->iol_base, it->iol_len);
        if(it == last) return 0;
    }
}

int dill_brecv(int s, void *buf, size_t len, int64_t deadline)
{
    (void)deadline;
    if(fails(CALL_BRECV)) return -1;
    struct stream *self = as_stream(s);
    if(!self) return -1;
    if(self->inlen - self->inpos < len) {
        errno = EPIPE;
        return -1;
    }
    memcpy(buf, self->in + self->inpos, len);
    self->inpos += len;
    return 0;
}

static ssize_t brecvsome(struct dill_bsock_some_vfs *vfs, void *buf,
    size_t len, int64_t deadline)
{
    (void)vfs;
    (void)deadline;
    if(fails(CALL_BRECVSOME)) return -1;
    size_t count = newest.inlen - newest.inpos;
    if(!count) {
        errno = EPIPE;
        return -1;
    }
    if(count > newest.piece) count = newest.piece;
    if(count > len) count = len;
    memcpy(buf, newest.in + newest.inpos, count);
    newest.inpos += count;
    return (ssize_t)count;
}

static int bawaitroom(struct dill_bsock_some_vfs *vfs, int64_t deadline)
{
    (void)vfs;
    (void)deadline;
    return fails(CALL_BAWAITROOM) ? -1 : 0;
}

static int blook(struct dill_bsock_some_vfs *vfs,
    size_t (*look)(void *arg, const void *bytes, size_t len), void *arg, int64_t deadline)
{
    (void)vfs;
    (void)deadline;
    if(fails(CALL_BLOOK)) return -1;
    size_t count = newest.inlen - newest.inpos;
    if(!count) {
        errno = EPIPE;
        return -1;
    }
    newest.inpos += look(arg, newest.in + newest.inpos, count < newest.piece ? count : newest.piece);
    return 0;
}

/*  The message calls of programs go to libdill_ws through its own table. */
static struct dill_msock_vfs *find_msock(int s)
{
    struct dill_hvfs *vfs = find(s);
    return vfs ? vfs->query(vfs, dill_msock_type) : NULL;
}

int dill_msend(int s, const void *buf, size_t len, int64_t deadline)
{
    struct dill_msock_vfs *vfs = find_msock(s);
    struct dill_iolist list = {(void*)buf, len, NULL, 0};
    return vfs ? vfs->msendl(vfs, &list, &list, deadline) : -1;
}

ssize_t dill_mrecv(int s, void *buf, size_t len, int64_t deadline)
{
    struct dill_msock_vfs *vfs = find_msock(s);
    struct dill_iolist list = {buf, len, NULL, 0};
    return vfs ? vfs->mrecvl(vfs, &list, &list, deadline) : -1;
}

static void *stream_query(struct dill_hvfs *vfs, const void *type)
{
    struct stream *self = (struct stream*)vfs;
    if(type == dill_bsock_type) return &self->bvfs;
    if(type == DILL_BSOCK_SOME_TYPE && self->offers_some) return &self->some;
    errno = ENOTSUP;
    return NULL;
}

static void stream_close(struct dill_hvfs *vfs)
{
    ((struct stream*)vfs)->closed++;
}

int stream_open(const void *in, size_t len, int some, size_t piece)
{
    newest = (struct stream){
        .hvfs = {stream_query, stream_close},
        .some = {sizeof(struct dill_bsock_some_vfs), brecvsome, bawaitroom, blook, NULL},
        .piece = piece,
        .offers_some = some};
    stream_feed(in, len);
    return insert(&newest.hvfs);
}

void stream_feed(const void *in, size_t len)
{
    memcpy(newest.in + newest.inlen, in, len);
    newest.inlen += len;
}

const uint8_t *stream_sent(size_t *len)
{
    *len = newest.sentlen;
    return newest.sent;
}

int stream_closed(void) {return newest.closed;}

int64_t dill_now(void) {return 1000;}
int dill_yield(void) {return fails(CALL_YIELD) ? -1 : 0;}

static void *channel_query(struct dill_hvfs *vfs, const void *type)
{
    (void)vfs;
    (void)type;
    errno = ENOTSUP;
    return NULL;
}

static void channel_close(struct dill_hvfs *vfs)
{
    ((struct channel*)vfs)->used = 0;
}

static int channel_end(void)
{
    static struct channel ends[MOST_HANDLES];
    struct channel *self = ends;
    while(self->used) self++;
    *self = (struct channel){{channel_query, channel_close}, 1};
    return insert(&self->hvfs);
}

int dill_chmake_mem(struct dill_chstorage *mem, int chv[2])
{
    (void)mem;
    if(fails(CALL_CHMAKE_MEM)) return -1;
    chv[0] = channel_end();
    chv[1] = channel_end();
    return 0;
}

/*  Nobody else runs here, so whoever waits for another waits in vain. */
int dill_chrecv(int ch, void *val, size_t len, int64_t deadline)
{
    (void)ch, (void)val, (void)len, (void)deadline;
    if(fails(CALL_CHRECV)) return -1;
    errno = ETIMEDOUT;
    return -1;
}

int dill_chdone(int ch)
{
    if(fails(CALL_CHDONE)) return -1;
    return find(ch) ? 0 : -1;
}

int dill_tcp_done(int s, int64_t deadline)
{
    (void)s;
    (void)deadline;
    if(!fails(CALL_TCP_DONE)) errno = ENOTSUP;
    return -1;
}

int dill_ipc_done(int s, int64_t deadline)
{
    (void)s;
    (void)deadline;
    return fails(CALL_IPC_DONE) ? -1 : 0;
}

int dill_ipaddr_remotes(struct dill_ipaddr *addrs, int naddrs, const char *name,
    int port, int mode, int64_t deadline)
{
    (void)addrs, (void)naddrs, (void)name, (void)port, (void)mode, (void)deadline;
    return fails(CALL_IPADDR_REMOTES) ? -1 : 2;
}

int dill_tcp_connect(const struct dill_ipaddr *addr, int64_t deadline)
{
    (void)addr;
    (void)deadline;
    return fails(CALL_TCP_CONNECT) ? -1 : stream_connected;
}
