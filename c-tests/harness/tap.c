#include <string.h>

#include "tap.h"

#define TAP_OF(vfs, member) \
    ((struct tap*)((char*)(vfs) - offsetof(struct tap, member)))

static void *tap_query(struct hvfs *hvfs, const void *type)
{
    struct tap *t = TAP_OF(hvfs, hvfs);
    if(type == bsock_type) return &t->bvfs;
    if(type == DILL_BSOCK_LINGER_TYPE) return &t->lvfs;
    errno = ENOTSUP;
    return NULL;
}

static void tap_hclose(struct hvfs *hvfs)
{
    struct tap *t = TAP_OF(hvfs, hvfs);
    t->closes++;
    if(t->under >= 0) hclose(t->under);
    t->under = -1;
}

static void tap_blinger(struct dill_bsock_linger_vfs *lvfs)
{
    struct tap *t = TAP_OF(lvfs, lvfs);
    if(!t->closes) t->lingers++;
}

static size_t list_len(const struct iolist *first)
{
    size_t len = 0;
    for(; first; first = first->iol_next) len += first->iol_len;
    return len;
}

/*  Passes on the first `part` bytes. */
static void send_part(struct tap *t, const struct iolist *it, int64_t deadline)
{
    size_t left = t->part;
    for(; it && left; it = it->iol_next) {
        size_t len = it->iol_len < left ? it->iol_len : left;
        if(len) bsend(t->under, it->iol_base, len, deadline);
        left -= len;
    }
}

static int tap_bsendl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct tap *t = TAP_OF(bvfs, bvfs);
    size_t len = list_len(first);
    t->sends++;
    if(t->delay) msleep(now() + t->delay);
    if(t->sends_left >= 0 && t->sends_left-- == 0) {
        send_part(t, first, deadline);
        errno = t->error;
        return -1;
    }
    t->sent += len;
    if(len > t->largest_send) t->largest_send = len;
    return bsendl(t->under, first, last, deadline);
}

static int tap_brecvl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct tap *t = TAP_OF(bvfs, bvfs);
    t->receives++;
    if(t->receives_left >= 0 && t->receives_left-- == 0) {
        if(t->part) brecv(t->under, NULL, t->part, deadline);
        errno = t->error;
        return -1;
    }
    return brecvl(t->under, first, last, deadline);
}

int tap_open(struct tap *t, int under)
{
    *t = (struct tap){
        .hvfs = {.query = tap_query, .close = tap_hclose},
        .bvfs = {.bsendl = tap_bsendl, .brecvl = tap_brecvl},
        .lvfs = {.blinger = tap_blinger},
        .under = under,
        .sends_left = -1,
        .receives_left = -1,
    };
    int h = hmake(&t->hvfs);
    CHECK_OK(h);
    return h;
}

void tap_conn(struct conn *c, struct tap *t, enum role role)
{
    c->role = role;
    c->h = conn_attach(role, tap_open(t, stream_open(&c->fd)), WS_BINARY);
    CHECK_OK(c->h);
}
