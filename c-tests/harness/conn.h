/*  A WebSocket under test over one end of a stream, the far end of which is a
    plain descriptor in the test's hands (wire.h). */

#ifndef CONN_H
#define CONN_H

#include <libdill.h>
#include <libdillimpl.h>
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

#include "wire.h"

/**** The host ****/

/*  Found out by trying, once. */
/*  A byte stream survives a receive that timed out. */
int host_keeps_streams(void);
/*  Milliseconds that descriptors and timers may go unseen while some coroutine
    is always ready to run: libdill looks at them once a second then. */
int host_poll_period(void);
/*  Closing a handle that another coroutine is blocked in is safe. */
int host_closes_blocked(void);

/**** Streams ****/

/*  A host handle for a plain descriptor, which it takes. */
int stream_from(int fd);
/*  A host handle; its far end in *fd. */
int stream_open(int *fd);
/*  Is there a handle of this number? */
int is_handle(int h);

/**** Connections ****/

struct conn {
    int h;              /* the WebSocket */
    int fd;             /* the peer's end */
    enum role role;
};
/*  Attached without the HTTP handshake; further flags: WS_TEXT. */
void conn_open(struct conn *c, enum role role, int flags);
/*  The same over a given stream. */
int conn_attach(enum role role, int s, int flags);
void conn_close(struct conn *c);
/*  Sends and receives one message each way: the connection is intact. */
void check_intact(struct at at, struct conn *c);
#define CHECK_INTACT(c) check_intact(HERE, c)
/*  The handle is gone and so is everything below it. */
void check_gone(struct at at, struct conn *c);
#define CHECK_GONE(c) check_gone(HERE, c)

/**** Conversations ****/

/*  What one ws_recv is to return. */
struct want {
    ssize_t size;
    int err;
    int flags;
    const void *data;
};
#define MSG(type, text) {(ssize_t)(sizeof text - 1), 0, (type), (text)}
#define MSGN(type, bytes, n) {(ssize_t)(n), 0, (type), (bytes)}
#define FAILS(err) {-1, (err), 0, NULL}
#define UNTIL_HERE {0, 0, -1, NULL}

/*  Receives until UNTIL_HERE and compares. */
void check_receives(struct at at, struct conn *c, const struct want *wants);
/*  Feeds `in` to a fresh connection in every way it can be cut, the wants
    coming out each time; then `after` (or NULL) looks at the connection. */
void converse(struct at at, enum role role, const struct bytes *in,
    const struct want *wants, void (*after)(struct conn *c));
/*  The same, the peer ending its stream behind `in`. */
void converse_to_end(struct at at, enum role role, const struct bytes *in,
    const struct want *wants, void (*after)(struct conn *c));
#define CONVERSE(role, in, after, ...) \
    converse(HERE, role, in, \
        (const struct want[]){__VA_ARGS__, UNTIL_HERE}, after)
#define CONVERSE_TO_END(role, in, after, ...) \
    converse_to_end(HERE, role, in, \
        (const struct want[]){__VA_ARGS__, UNTIL_HERE}, after)

/**** Coroutines ****/

/*  Lets every other coroutine run until it waits for something. */
void settle(void);

#endif
