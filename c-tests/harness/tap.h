/*  A byte stream of the test's own, made with the host's extension interface:
    it lies on another stream, counts what passes and fails on demand. It
    stands for any third-party protocol under a WebSocket. A failure, in the
    middle of a transfer or not, breaks nothing: what comes next passes. */

#ifndef TAP_H
#define TAP_H

#include "conn.h"

struct tap {
    struct hvfs hvfs;
    struct bsock_vfs bvfs;
    struct dill_bsock_linger_vfs lvfs;
    int under;
    /* Counts. */
    int sends;
    int receives;
    int closes;
    int lingers;            /* told to, before it was closed */
    size_t sent;
    size_t largest_send;
    /* The send after `sends_left` more, unless that is negative, passes
       `part` bytes on and then fails. */
    int sends_left;
    size_t part;
    int error;
    /* The same of the receives: the one that fails takes `part` bytes away. */
    int receives_left;
    /* Milliseconds that each send takes. */
    int delay;
};

/*  A handle for the tap over `under`, which it owns. */
int tap_open(struct tap *t, int under);
/*  A WebSocket over a tap over a stream; without HTTP. */
void tap_conn(struct conn *c, struct tap *t, enum role role);

#endif
