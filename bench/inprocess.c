/*  What the WebSocket functions cost without a network: nanoseconds for each
    message, as lines `NAME SIZE NANOSECONDS`.

    `memcpy`    copying the bytes of a message, to compare with
    `send`      ws_send by a client, which masks, to a byte stream that drops
    `recv`      ws_recv by a server, which unmasks, from a byte stream that
                just copies
    `text`      the same with text, which is checked
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
    struct frames frame;
    size_t at;
};

static void *stream_query(struct hvfs *hvfs, const void *type)
{
    struct stream *self = (struct stream*)hvfs;
    if(type == bsock_type) return &self->bvfs;
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

static int open_stream(struct stream *self, size_t size, int type)
{
    *self = (struct stream){
        {stream_query, stream_close}, {stream_bsendl, stream_brecvl}, {NULL, 0}, 0};
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

static void measure_receiving(const char *name, int type)
{
    struct stream stream;
    ws = ws_attach_server(open_stream(&stream, length, type), WS_NOHTTP | type, NULL, 0, NULL, 0, -1);
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
        ws = ws_attach_client(open_stream(&stream, length, WS_BINARY), WS_NOHTTP, NULL, NULL, -1);
        need(ws >= 0, "ws_attach_client");
        measure("send", send_one);
        hclose(ws);
        free(stream.frame.bytes);

        measure_receiving("recv", WS_BINARY);
        measure_receiving("text", WS_TEXT);

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
