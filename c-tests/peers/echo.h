/*  What the echo server and the Autobahn client have in common. */

#ifndef ECHO_H
#define ECHO_H

#include <stdint.h>

/*  Room for the longest message of either test. */
#define MESSAGE_MAX (16 * 1024 * 1024)
/*  A close reason is at most 123 bytes (RFC 6455, section 5.5.1). */
#define REASON_MAX 123

/*  The deadline of every single call. */
int64_t limit(void);

/*  Sends every message of the WebSocket back until the peer closes it, then
    answers the close frame with the same status and reason and closes what is
    under it. Where that is not possible everything is closed at once. The handle is gone in any case. */
void echo(int ws);

/*  The second half of `echo`: the peer's close frame has been received. Prints
    `closed STATUS REASON` to standard output. */
void finish(int ws);

#endif
