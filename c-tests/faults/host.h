/*  A host for libdill_ws that does as it is told: byte streams in memory, no
    coroutines, and any call can be made to fail.

    It counts the calls that libdill_ws makes. One of them, by its number, can
    be made to fail with a chosen errno, without having done anything, as a
    host's calls do. */

#ifndef FAULT_HOST_H
#define FAULT_HOST_H

#include <stddef.h>
#include <stdint.h>

enum call {
    CALL_HMAKE, CALL_HQUERY_BSOCK, CALL_HQUERY_SOME, CALL_HQUERY_LINGER,
    CALL_HQUERY_HOST, CALL_HQUERY_WS, CALL_HOWN,
    CALL_BSEND, CALL_BSENDL, CALL_BRECV, CALL_BRECVSOME,
    CALL_BAWAITROOM, CALL_BLOOK, CALL_YIELD,
    CALL_CHMAKE_MEM, CALL_CHRECV, CALL_CHDONE, CALL_TCP_DONE, CALL_IPC_DONE,
    CALL_IPADDR_REMOTES, CALL_TCP_CONNECT
};

const char *call_name(enum call call);

/*  Forgets everything and starts to count again. */
void host_reset(void);
/*  From now on, let the n-th call (from 1) fail with this errno; 0: none. */
void host_fail(int n, int err);
/*  How many calls were made since then, and which the n-th was. */
int host_calls(void);
enum call host_call(int n);

/*  A byte stream that delivers `in` and then ends; `some`: also what has
    arrived, `piece` bytes at a time at most. Returns its handle. */
int stream_open(const void *in, size_t len, int some, size_t piece);
/*  What a tcp_connect gives; there are two addresses to try. */
extern int stream_connected;
/*  More input for the newest stream. */
void stream_feed(const void *in, size_t len);
/*  What was sent on the newest stream. */
const uint8_t *stream_sent(size_t *len);
/*  Whether the newest stream is closed, and how often it was. */
int stream_closed(void);
/*  Called whenever something was sent on the newest stream. */
extern void (*stream_on_send)(void);

/*  Handles that are open. */
int host_open_handles(void);

#endif
