/*  What the WebSocket functions cost without a network: nanoseconds for each
    message, as lines `NAME SIZE NANOSECONDS`.

    `memcpy`    copying the bytes of a message, to compare with
    `send`      ws_send by a client, which masks, to a byte stream that drops
    `recv`      ws_recv by a server, which unmasks, from a byte stream that
                shows what has arrived, as libdill_rt's do
    `text`      the same with text, which is checked
    `exact`     the same as `recv` from a byte stream that copies exact amounts,
                as libdill's do
    `ipc_pair`  ws_send by a client and ws_recv by a server, on an ipc_pair

    With -DOWN_WS it takes the WebSocket functions that libdill declares. */

#include "peer.h"

#include <errno.h>
#include <libdillimpl.h>
#ifndef OWN_WS
#include <libdill_ws.h>
#endif
#include <time.h>

/*  A byte stream that drops what is sent, and brings the same frame again and
    again. */
struct stream {
    struct hvfs hvfs;
    struct bsock_vfs bvfs;
#ifdef DILL_BSOCK_SOME_TYPE
    struct dill_bsock_some_vfs some;
    int has_some;
#endif
    struct frames frame;
    size_t at;
};

static void *stream_query(struct hvfs *hvfs, const void *type)
{
    struct stream *self = (struct stream*)hvfs;
    if(type == bsock_type) return &self->bvfs;
#ifdef DILL_BSOCK_SOME_TYPE
    if(type == DILL_BSOCK_SOME_TYPE && self->has_some) return &self->some;
#endif
    errno = ENOTSUP;
    return NULL;
}

static void stream_close(struct hvfs *hvfs)
{
    (void)hvfs;
}

static int stream_bsendl(struct bsock_vfs *vfs, struct iolist *first, struct iolist *last,
    int64_t deadline)
{
    (void)vfs, (void)first, (void)last, (void)deadline;
    return 0;
}

static int stream_brecvl(struct bsock_vfs *vfs, struct iolist *first, struct iolist *last,
    int64_t deadline)
{
    struct stream *self = (struct stream*)((char*)vfs - offsetof(struct stream, bvfs));
    (void)last, (void)deadline;
    for(struct iolist *part = first; part; part = part->iol_next) {
        if(self->at == self->frame.len) self->at = 0;
        memcpy(part->iol_base, self->frame.bytes + self->at, part->iol_len);
        self->at += part->iol_len;
    }
    return 0;
}

#ifdef DILL_BSOCK_SOME_TYPE
static struct stream *around(struct dill_bsock_some_vfs *vfs)
{
    return (struct stream*)((char*)vfs - offsetof(struct stream, some));
}

static ssize_t stream_brecvsome(struct dill_bsock_some_vfs *vfs, void *buf, size_t len,
    int64_t deadline)
{
    struct iolist list = {buf, len, NULL, 0};
    stream_brecvl(&around(vfs)->bvfs, &list, &list, deadline);
    return (ssize_t)len;
}

static int stream_bawaitroom(struct dill_bsock_some_vfs *vfs, int64_t deadline)
{
    (void)vfs, (void)deadline;
    return 0;
}

/*  At most as much as the runtime's buffers hold. */
static int stream_blook(struct dill_bsock_some_vfs *vfs,
    size_t (*look)(void *arg, const void *bytes, size_t len), void *arg, int64_t deadline)
{
    struct stream *self = around(vfs);
    (void)deadline;
    if(self->at == self->frame.len) self->at = 0;
    size_t left = self->frame.len - self->at;
    self->at += look(arg, self->frame.bytes + self->at, left < 8192 ? left : 8192);
    return 0;
}
#endif

static int open_stream(struct stream *self, size_t size, int type, int exact)
{
    memset(self, 0, sizeof *self);
    self->hvfs = (struct hvfs){stream_query, stream_close};
    self->bvfs = (struct bsock_vfs){stream_bsendl, stream_brecvl};
#ifdef DILL_BSOCK_SOME_TYPE
    self->some = (struct dill_bsock_some_vfs){.size = sizeof self->some,
        .brecvsome = stream_brecvsome, .bawaitroom = stream_bawaitroom, .blook = stream_blook};
    self->has_some = !exact;
#else
    (void)exact;
#endif
    make_frames(&self->frame, size, 1, 1);
    if(type == WS_TEXT) {
        /* Letters, masked with the key that comes before them. */
        unsigned char *payload = self->frame.bytes + self->frame.len - size, *key = payload - 4;
        self->frame.bytes[0] = 0x81;
        for(size_t i = 0; i < size; i++) payload[i] = 'x' ^ key[i % 4];
    }
    int h = hmake(&self->hvfs);
    need(h >= 0, "hmake");
    return h;
}

static char *bytes;
static int ws, other;
static size_t length;

static void copy(void)
{
    static char *to;
    if(!to) to = malloc(1 << 20);
    memcpy(to, bytes, length);
    /* Nobody may say that the copy is not needed. */
    __asm__ volatile("" : : "r"(to) : "memory");
}

static void send_one(void)
{
    need(ws_send(ws, WS_BINARY, bytes, length, -1) == 0, "ws_send");
}

static void receive_one(void)
{
    need(ws_recv(ws, NULL, bytes, length, -1) == (ssize_t)length, "ws_recv");
}

static void send_and_receive(void)
{
    send_one();
    need(ws_recv(other, NULL, bytes, length, -1) == (ssize_t)length, "ws_recv");
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/*  The fastest of many short stretches: whatever else runs on the machine
    only makes one slower. */
static void measure(const char *name, void (*step)(void))
{
    enum { STRETCHES = 40 };
    const double stretch = 1e6;
    double best = 0;
    int count = 1;
    for(int i = 0; i < STRETCHES; i++) {
        double start = now_ns(), elapsed;
        for(int n = 0; n < count; n++) step();
        elapsed = now_ns() - start;
        if(elapsed < stretch && i < STRETCHES / 2) count = count * 2;
        if(best == 0 || elapsed / count < best) best = elapsed / count;
    }
    printf("%s %zu %.1f\n", name, length, best);
}

static void measure_receiving(const char *name, int type, int exact)
{
    struct stream stream;
    ws = ws_attach_server(open_stream(&stream, length, type, exact), WS_NOHTTP | type, NULL, 0, NULL, 0, -1);
    need(ws >= 0, "ws_attach_server");
    measure(name, receive_one);
    hclose(ws);
    free(stream.frame.bytes);
}

int main(void)
{
    static const size_t sizes[] = {16, 1024, 65536, 1 << 20};
    bytes = calloc(1, 1 << 20);
    need(bytes != NULL, "malloc");
    for(size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        length = sizes[i];
        measure("memcpy", copy);

        struct stream stream;
        ws = ws_attach_client(open_stream(&stream, length, WS_BINARY, 1), WS_NOHTTP, NULL, NULL, -1);
        need(ws >= 0, "ws_attach_client");
        measure("send", send_one);
        hclose(ws);
        free(stream.frame.bytes);

        measure_receiving("recv", WS_BINARY, 0);
        measure_receiving("text", WS_TEXT, 0);
        measure_receiving("exact", WS_BINARY, 1);

        /* What does not fit into the sockets would wait for a second coroutine.
           A kilobyte does not, where every byte is sent by itself. */
        if(length > 16) continue;
        int pair[2];
        need(ipc_pair(pair) == 0, "ipc_pair");
        ws = ws_attach_client(pair[0], WS_NOHTTP, NULL, NULL, -1);
        other = ws_attach_server(pair[1], WS_NOHTTP, NULL, 0, NULL, 0, -1);
        need(ws >= 0 && other >= 0, "attach");
        measure("ipc_pair", send_and_receive);
        hclose(ws);
        hclose(other);
    }
    return 0;
}
