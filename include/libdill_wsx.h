/* libdill_wsx.h: WebSockets beyond what libdill can say: options, requests, compression.

   It brings libdill_ws.h along. With DILL_DISABLE_RAW_NAMES defined before it only the names that
   begin with dill_ and DILL_ are there. The manual pages in section 3 tell more about each function.

   Made from the Rust sources by cbindgen. Do not edit; see cbindgen-wsx.toml. */


#ifndef LIBDILL_WSX_H_INCLUDED
#define LIBDILL_WSX_H_INCLUDED

#include "libdill_ws.h"

/* Options: offer or accept permessage-deflate (RFC 7692). */
#define DILL_WS_DEFLATE 4
/* Sends: the frame may wait for others, to leave with them. */
#define DILL_WS_HOLD 8
/* Sends: this message is not compressed. */
#define DILL_WS_PLAIN 16
/* Options: without a subprotocol there is no connection. */
#define DILL_WS_NEEDPROTO 64
/* Options: senders wait for each other, and get no EBUSY. */
#define DILL_WS_TURNS 128

/* struct ws_opts o = ws_defaults; */
#define dill_ws_defaults \
    {sizeof (struct dill_ws_opts), 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, NULL, NULL, 0, 0}

#if !defined(DILL_DISABLE_RAW_NAMES)
#define WS_DEFLATE DILL_WS_DEFLATE
#define WS_HOLD DILL_WS_HOLD
#define WS_PLAIN DILL_WS_PLAIN
#define WS_NEEDPROTO DILL_WS_NEEDPROTO
#define WS_TURNS DILL_WS_TURNS
#define ws_defaults dill_ws_defaults
#define ws_opts dill_ws_opts
#define ws_info dill_ws_info
#define ws_attach_client_opts dill_ws_attach_client_opts
#define ws_attach_server_opts dill_ws_attach_server_opts
#define ws_close dill_ws_close
#define ws_query dill_ws_query
#define ws_why dill_ws_why
#define ws_connect dill_ws_connect
#define ws_proxy dill_ws_proxy
#define ws_request dill_ws_request
#define ws_field dill_ws_field
#define ws_headfield dill_ws_headfield
#define ws_accept dill_ws_accept
#define ws_respond dill_ws_respond
#define ws_flush dill_ws_flush
#define ws_msg dill_ws_msg
#define ws_post dill_ws_post
#define ws_postdone dill_ws_postdone
#define ws_fail dill_ws_fail
#endif


/*
 What a WebSocket is to be made with. Zero and NULL stand for the defaults.
 */
struct dill_ws_opts {
    /*
     sizeof(struct ws_opts), as ws_defaults has it.
     */
    size_t size;
    /*
     WS_TEXT, WS_NOHTTP, WS_DEFLATE, WS_NEEDPROTO, WS_TURNS.
     */
    int flags;
    /*
     zlib's effort for what is sent, 1 to 9; 0: 1.
     */
    int level;
    /*
     How much of earlier messages is kept to compress the next ones, 2^9 to 2^15 bytes; 0: 12;
     -1: nothing.
     */
    int window;
    /*
     Subprotocols, "b, a", the best first: a client offers them, a server speaks them.
     */
    const char *protocols;
    /*
     The Origin field that a client sends; the origins that a server admits, "https://a.example,
     https://b.example" or "*". NULL: a client sends none; a server admits those of the host that
     the request names, and requests without any.
     */
    const char *origin;
    /*
     Lines "Name: value", and NULL behind them: for the request, or the answer that accepts it.
     */
    const char *const *fields;
    /*
     The longest message that is received; 0: 1 MiB.
     */
    size_t maxmsg;
    /*
     The most bytes that are posted or held and not sent yet; 0: 64 KiB.
     */
    size_t maxqueue;
    /*
     For how many milliseconds a frame may be held; 0: until the thread next waits.
     */
    int64_t hold;
    /*
     After how many milliseconds without a byte from the peer it is pinged; 0: never.
     */
    int64_t ping;
    /*
     After how many of them the connection fails; 0: never.
     */
    int64_t idle;
    /*
     Out: the HTTP status of the answer, of a refusal too; 0: none came.
     */
    int *status;
    /*
     Out: the head of that answer, as many whole lines as have room, as a string.
     */
    char *head;
    /*
     The size of the buffer that it is stored in.
     */
    size_t headlen;
    /*
     0.
     */
    size_t reserved;
};

/*
 What is known about a WebSocket. The strings stay until the handle is closed or detached.
 */
struct dill_ws_info {
    /*
     The subprotocol that was agreed on; NULL: none.
     */
    const char *protocol;
    /*
     The extension that was agreed on, with its parameters; NULL: none.
     */
    const char *extension;
    /*
     The last round trip, in microseconds; 0: none is known.
     */
    int64_t rtt_us;
    /*
     For how many milliseconds calls have waited for the peer in vain; 0: unknown.
     */
    int64_t silence_ms;
    /*
     How many bytes are posted or held and not sent yet.
     */
    size_t queued;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Attaches the client's end of a WebSocket to a byte stream, with options.

 As ws_attach_client, and with what `opts` says; NULL: the defaults. With `WS_NOHTTP` among its flags
 `resource` and `host` are ignored. A redirect is not followed.

 Returns the WebSocket's handle, or -1 with errno set, and `s` is closed then:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no byte stream; `ping` or `idle` is not 0.
 * EINVAL: `resource` or `host` NULL, empty, or with bytes that cannot stand there; a resource
   that does not begin with "/", or has a "#"; a member of `opts` that makes no sense.
 * E2BIG: `opts` has a member that is not known here, and not 0.
 * EPROTO: the server did not agree; `status` and `head` say more.
 * EMSGSIZE: the answer is larger than 32 KiB or has more than 128 fields.
 * ECONNRESET: the connection broke.
 * EBUSY: another coroutine is using `s`.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 4.1; ws_attach_client_opts(3), ws_opts(3).
 */
DILL_WS_EXPORT
int dill_ws_attach_client_opts(int s,
                               const char *resource,
                               const char *host,
                               const struct dill_ws_opts *opts,
                               int64_t deadline);

/*
 Attaches the server's end of a WebSocket to a byte stream, with options.

 As ws_attach_server, for whoever does not want to know the resource and the host, and with what `opts`
 says; NULL: the defaults. A request whose Origin field has another host or port than it asks for is
 refused with 403: see `origin`. Where a proxy in front rewrites the Host field, that is all of them.

 Returns the WebSocket's handle, or -1 with errno set, and `s` is closed then:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no byte stream; `ping` or `idle` is not 0.
 * EINVAL: a member of `opts` that makes no sense.
 * E2BIG: `opts` has a member that is not known here, and not 0.
 * EPROTO: the request was refused; `status` and `head` have the answer.
 * EMSGSIZE: the request is larger than 32 KiB or has more than 128 fields.
 * ECONNRESET: the connection broke.
 * EBUSY: another coroutine is using `s`.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 4.2; ws_attach_server_opts(3), ws_opts(3).
 */
DILL_WS_EXPORT
int dill_ws_attach_server_opts(int s,
                               const struct dill_ws_opts *opts,
                               int64_t deadline);

/*
 Ends the WebSocket in order, and each layer below it.

 Does what ws_detach does, and then ends what is below: TLS says that nothing more will come, a socket
 that nothing more is sent, and the peer's end is waited for. A client lets the server end first
 (RFC 6455 section 7.1.1). A byte stream of another kind is closed as hclose does it.

 Returns 0, or -1 with errno set:
 * EINVAL: as for ws_done.
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EBUSY: another coroutine is sending or receiving.

 After these four the WebSocket is as it was; after the following, and after success, all is
 closed.

 * EPROTO: the peer broke the protocol.
 * ECONNRESET: the connection is broken, or ended without a close frame.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 7; ws_close(3).
 */
DILL_WS_EXPORT
int dill_ws_close(int s,
                  int status,
                  const void *buf,
                  size_t len,
                  int64_t deadline);

/*
 Tells what is known about a WebSocket.

 Fills the `len` bytes at `info`, which are `sizeof (struct ws_info)`. A program that was made with an
 older or a newer header than the library gets what both know, and zeros.

 Returns 0, or -1 with errno set:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EINVAL: `info` is NULL, or a length over SSIZE_MAX.

 Source: ws_query(3).
 */
DILL_WS_EXPORT
int dill_ws_query(int s,
                  struct dill_ws_info *info,
                  size_t len);

/*
 Tells in words why the last function of this library that failed in this thread has failed: which rule
 the peer broke, what its handshake lacked, which limit was reached.

 Returns a constant string, which is empty if none has failed. As errno it is to be looked at before the
 next call.

 Source: ws_why(3).
 */
DILL_WS_EXPORT
const char *dill_ws_why(void);

/*
 Connects to a WebSocket server by URL.

 Looks the host in `url` ("ws://..." or "wss://...") up, connects to whichever of its addresses answers,
 for wss by TLS with a certificate that is checked, and opens the WebSocket as ws_attach_client_opts
 does. An answer that sends the client elsewhere is not followed. `deadline`, in milliseconds of now(),
 covers all of it.

 Returns the WebSocket's handle, or -1 with errno set:
 * EINVAL: `url` is NULL or no URL of a WebSocket: it has another scheme, a user, a fragment or
   what no URL has; or as for ws_attach_client_opts.
 * E2BIG: as for ws_attach_client_opts.
 * EADDRNOTAVAIL: there is no such host.
 * EAGAIN, EIO: the resolver cannot tell.
 * ECONNREFUSED, EHOSTUNREACH, ENETUNREACH: no address answers. Other errors of connect(2) are
   possible.
 * EACCES: the server has not proved to be that host.
 * ENOENT: no certificates to trust are found.
 * EPROTO: the server does not speak TLS, and `*status` is 0; or it did not agree, and `*status`
   is what it said.
 * ENOTSUP: the host is libdill, and the URL a wss one; or as for ws_attach_client_opts.
 * EMSGSIZE: the answer is larger than 32 KiB or has more than 128 fields.
 * ECONNRESET: the connection broke.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 sections 3 and 4.1; ws_connect(3), ws_opts(3).
 */
DILL_WS_EXPORT
int dill_ws_connect(const char *url,
                    const struct dill_ws_opts *opts,
                    int64_t deadline);

/*
 Asks a proxy for a tunnel.

 Sends a CONNECT request for `authority` ("host:port") over the byte stream `s`, and reads the answer's
 head. `fields` is NULL, or lines such as "Proxy-Authorization: ..." and a NULL. `s` stays the caller's.
 If the status is in 200 to 299, it is a tunnel to `authority` from here on, and not one byte behind
 the head has been read; otherwise it is for nothing but to be closed.

 Returns the status, or -1 with errno set:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no byte stream.
 * EINVAL: `authority` is NULL, or no host and port; a field is none, or one of those that are
   the library's.

 After these three `s` is as it was.

 * EPROTO: the proxy does not speak HTTP.
 * EMSGSIZE: its answer is larger than 32 KiB or has more than 128 fields.
 * ECONNRESET: the connection broke.
 * EBUSY: another coroutine is using `s`.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 9110 section 9.3.6; ws_proxy(3).
 */
DILL_WS_EXPORT
int dill_ws_proxy(int s,
                  const char *authority,
                  const char *const *fields,
                  int64_t deadline);

/*
 Reads an HTTP request.

 Waits for the head of a request, whatever its method, on the byte stream `s`, and reads nothing
 behind it. ws_field tells what is in it; ws_accept makes a WebSocket of it, ws_respond answers it. A
 request that nobody should act on, such as one whose end is in doubt, is answered with the HTTP
 status that says why.

 `s` belongs to this function from the call on: after success its number is gone, after failure
 the byte stream is closed. Closing the request's handle closes it too.

 Returns the request's handle, or -1 with errno set:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no byte stream.
 * EPIPE: the stream ended, and there is no further request.
 * EPROTO: the request was refused.
 * EMSGSIZE: it is larger than 32 KiB or has more than 128 fields, and was refused.
 * ECONNRESET: the connection broke.
 * EBUSY: another coroutine is using `s`.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 9112 sections 2 to 6; ws_request(3).
 */
DILL_WS_EXPORT
int dill_ws_request(int s,
                    int64_t deadline);

/*
 Tells what a request says.

 Stores the value of the field number `nth`, from 0, with this name as a string in the `len` bytes at
 `buf`; with NULL and 0 it only tells its length. Letter case does not matter. ":method", ":path"
 (with the query), ":authority" (of the target, or the Host field), ":version" (such as "1.1") and
 ":upgrade" ("websocket" if the request asks for one) are no fields, but parts of the request.

 Returns the length of the value, without its NUL, or -1 with errno set, and then `buf` is an
 empty string:
 * EINVAL: `name` is NULL, `nth` negative, or `buf` NULL with a length.
 * EBADF: `r` is no handle.
 * ENOTSUP: `r` is no request.
 * ENOENT: there is no such field.
 * EMSGSIZE: the value does not fit.

 Source: RFC 9110 section 5; ws_field(3).
 */
DILL_WS_EXPORT
ssize_t dill_ws_field(int r,
                      const char *name,
                      int nth,
                      char *buf,
                      size_t len);

/*
 Tells what an answer says.

 As ws_field, for the string in which ws_attach_client_opts or ws_connect has stored the head of an
 answer. ":status" is its status.

 Returns the length of the value, without its NUL, or -1 with errno set, and then `buf` is an
 empty string:
 * EINVAL: `head` or `name` is NULL, `nth` negative, or `buf` NULL with a length.
 * ENOENT: there is no such field.
 * EMSGSIZE: the value does not fit.

 Source: RFC 9110 section 5; ws_headfield(3).
 */
DILL_WS_EXPORT
ssize_t dill_ws_headfield(const char *head,
                          const char *name,
                          int nth,
                          char *buf,
                          size_t len);

/*
 Makes a WebSocket of a request.

 Judges the request `r` as ws_attach_server does, and answers it: the WebSocket is open then, or the
 client knows why not.

 `r` belongs to this function from the call on: after success its number is gone, after failure
 it and the byte stream are closed.

 Returns the WebSocket's handle, or -1 with errno set:
 * EBADF: `r` is no handle.
 * ENOTSUP: `r` is no request; or as for ws_attach_server_opts.
 * EINVAL: as for ws_attach_server_opts; WS_NOHTTP.
 * E2BIG: as for ws_attach_server_opts.
 * EPROTO: the request was refused.
 * ECONNRESET: the connection broke.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 4.2; ws_accept(3), ws_opts(3).
 */
DILL_WS_EXPORT int dill_ws_accept(int r, const struct dill_ws_opts *opts, int64_t deadline);

/*
 Answers a request that does not become a WebSocket.

 Sends an answer with this status, the `fields` (NULL, or lines such as "Content-Type: text/html" and
 a NULL), Date, Content-Length and the `len` bytes at `body`. The answers that have no content (to HEAD,
 with 204, 205 or 304, and with 200 to 299 to CONNECT) are sent without it. Status 0 sends
 nothing: what follows the head, and the answer, are the caller's.

 `r` belongs to this function from the call on: its number is gone.

 Returns the byte stream, for the next request, or with what a tunnel carries; or -1 with errno
 set, and then the byte stream is closed:
 * EPIPE: the answer was sent, and was the last one: the client has asked for that, speaks
   HTTP/1.0, or has sent a body, which nobody has read.
 * EBADF: `r` is no handle.
 * ENOTSUP: `r` is no request.
 * EINVAL: a status that is not 0 and not in 200 to 599; a field that is none, or one of those
   that are the library's; `body` NULL with a length. Nothing was sent.
 * ECONNRESET: the connection broke.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 9110 section 15; RFC 9112 section 9; ws_respond(3).
 */
DILL_WS_EXPORT
int dill_ws_respond(int r,
                    int status,
                    const char *const *fields,
                    const void *body,
                    size_t len,
                    int64_t deadline);

/*
 Waits until everything that was held or posted on a WebSocket is in the system's hands.

 Any number of coroutines may wait. Where nothing can be held, on libdill or over a byte stream of the
 program's own, there is nothing to wait for.

 Returns 0, or -1 with errno set:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * ECONNRESET: the connection is broken, and what was left is lost.
 * ETIMEDOUT: the deadline passed. Nothing is lost: it can be called again.
 * ECANCELED: the coroutine is being cancelled.

 Source: ws_flush(3).
 */
DILL_WS_EXPORT
int dill_ws_flush(int s,
                  int64_t deadline);

/*
 Prepares a message for many WebSockets.

 Copies the `len` bytes at `buf`, and frames them once: text if `flags` has `WS_TEXT`, otherwise binary.
 Unless it has `WS_PLAIN`, the message is compressed when it is first posted where that was agreed on, once
 for all connections with the same parameters. hclose frees the message; what was posted goes out all the
 same.

 Returns the message's handle, or -1 with errno set:
 * EINVAL: unknown flag; `buf` NULL with a length, or a length over SSIZE_MAX; text that is not UTF-8.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.

 Source: RFC 6455 section 5.6; ws_msg(3).
 */
DILL_WS_EXPORT
int dill_ws_msg(int flags,
                const void *buf,
                size_t len);

/*
 Posts a prepared message: it goes out by itself, behind what was sent and posted before. One that comes alone
 leaves at once; several before the thread next waits leave together then.

 Never waits, and never lets other coroutines run; it works in a coroutine that is being cancelled too. The
 message `m` is queued as a whole or not at all. An error that the connection meets later is reported by
 the next call.

 Returns 0, or -1 with errno set:
 * EBADF: `s` or `m` is no handle.
 * ENOTSUP: `s` is no WebSocket or `m` no prepared message; the host is libdill, or the byte stream one of
   the program's own.
 * EAGAIN: `maxqueue` bytes are waiting already.
 * EPIPE: the close frame has been sent already, or is being sent.
 * ECONNRESET: the connection is broken.
 * ENOMEM: there is no memory.

 Source: ws_post(3).
 */
DILL_WS_EXPORT
int dill_ws_post(int s,
                 int m);

/*
 Posts the close frame: does what ws_done does, but never waits.

 It goes out behind what was sent and posted before, however much that is, and whoever is sending. Sending
 is over from now on; receiving goes on until the peer's close frame.

 Returns 0, or -1 with errno set:
 * EINVAL: as for ws_done.
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket; the host is libdill, or the byte stream one of the program's own.
 * EPIPE: the close frame has been sent already, or is being sent.
 * ECONNRESET: the connection is broken.
 * ENOMEM: there is no memory.

 Source: RFC 6455 section 5.5.1; ws_postdone(3).
 */
DILL_WS_EXPORT
int dill_ws_postdone(int s,
                     int status,
                     const void *buf,
                     size_t len);

/*
 Ends a connection that other coroutines may be using.

 Never waits, and never lets other coroutines run. Messages of which nothing has been sent yet are dropped.
 The peer gets a close frame with `status`, if it takes one without being waited for, and with `status` 0
 none. Receiving calls fail with ECONNRESET, those that wait already too, and sending ones with EPIPE. The
 handle stays open: whoever owns it closes it.

 Returns 0, or -1 with errno set:
 * EINVAL: `status` is none that may be sent.
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket; the host is libdill, or the byte stream one of the program's own.

 Source: RFC 6455 section 7.1.7; ws_fail(3).
 */
DILL_WS_EXPORT
int dill_ws_fail(int s,
                 int status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LIBDILL_WSX_H_INCLUDED */
