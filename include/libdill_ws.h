/* libdill_ws.h: WebSocket (RFC 6455) for programs written with libdill.

   This header stands alone, before or after libdill.h, whether that is libdill's own or the one of
   libdill_rt. With DILL_DISABLE_RAW_NAMES defined before the first of them only the names that begin
   with dill_ and DILL_ are there. The manual pages in section 3 tell more about each function.

   Made from the Rust sources by cbindgen. Do not edit; see cbindgen.toml. */


#ifndef LIBDILL_WS_H_INCLUDED
#define LIBDILL_WS_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* libdill.h has the structures too, and a structure may be defined only once. So where there is a
   libdill.h it comes first: libdill's own declares everything below as well. Only where there is
   none, and with DILL_DISABLE_SOCKETS, is struct dill_iolist defined here.

   In programs compiled as strict C (-std=c11, no feature macro) glibc hides sigjmp_buf, which
   libdill's own header cannot do without. They do without that header. */
#if !defined(LIBDILL_H_INCLUDED) && !defined(DILL_DISABLE_SOCKETS) && \
    !(defined(__GLIBC__) && !defined(__USE_POSIX)) && defined(__has_include)
#if __has_include(<libdill.h>)
#include <libdill.h>
#endif
#endif

#if defined(DILL_NO_EXPORTS) && DILL_NO_EXPORTS + 0
#define DILL_WS_EXPORT
#else
#define DILL_WS_EXPORT __attribute__((visibility("default")))
#endif

#if defined(__arm__) || defined(__thumb__)
#define DILL_WS_ALIGN __attribute__((aligned(sizeof(void *))))
#else
#define DILL_WS_ALIGN
#endif

#if !defined(LIBDILL_H_INCLUDED) || defined(DILL_DISABLE_SOCKETS)
#define DILL_WS_DEFINES_IOLIST

/* One piece of a message. A list of them runs from its first to its last element. */
struct dill_iolist {
    void *iol_base;
    size_t iol_len;
    struct dill_iolist *iol_next;
    /* Must be 0. */
    int iol_rsvd;
};

#if !defined(DILL_DISABLE_RAW_NAMES)
#define iolist dill_iolist
#endif
#endif

#if !defined(LIBDILL_H_INCLUDED) || defined(DILL_DISABLE_SOCKETS) || defined(LIBDILL_RT_H_INCLUDED)
/* Memory for one WebSocket. */
struct dill_ws_storage {
    char _[176];
} DILL_WS_ALIGN;
#endif

/* The type of a message. */
#define DILL_WS_BINARY 0
#define DILL_WS_TEXT 1
/* Attach without a handshake. */
#define DILL_WS_NOHTTP 2
/* Room for a key and its NUL. */
#define WS_KEY_SIZE 32

#if !defined(DILL_DISABLE_RAW_NAMES)
#define WS_BINARY DILL_WS_BINARY
#define WS_TEXT DILL_WS_TEXT
#define WS_NOHTTP DILL_WS_NOHTTP
#define ws_storage dill_ws_storage
#define ws_attach_client dill_ws_attach_client
#define ws_attach_client_mem dill_ws_attach_client_mem
#define ws_attach_server dill_ws_attach_server
#define ws_attach_server_mem dill_ws_attach_server_mem
#define ws_send dill_ws_send
#define ws_recv dill_ws_recv
#define ws_sendl dill_ws_sendl
#define ws_recvl dill_ws_recvl
#define ws_done dill_ws_done
#define ws_detach dill_ws_detach
#define ws_status dill_ws_status
#define ws_request_key dill_ws_request_key
#define ws_response_key dill_ws_response_key
#endif


#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Attaches the client's end of a WebSocket to a byte stream.

 Sends the opening handshake for `resource` (such as "/chat") on `host` (the value of the Host
 field) over the byte stream `s` and waits for the server's answer. With `WS_NOHTTP` in `flags`
 no handshake takes place, and `resource` and `host` are ignored. With `WS_TEXT` msend and mrecv
 deal in text messages, otherwise in binary ones.

 `s` belongs to this function from the call on: after success its number is gone, after failure
 the byte stream is closed. `deadline`, in milliseconds of now(), covers the whole handshake;
 0: do not block, -1: no limit.

 Returns the WebSocket's handle, or -1 with errno set:
 * EBADF: `s` is no handle.
 * EPROTO: `s` is no byte stream, or the server did not agree.
 * EINVAL: unknown flag; `resource` or `host` NULL, empty, or with bytes that cannot stand there.
 * EMSGSIZE: the answer is larger than 32 KiB or has more than 128 fields.
 * ECONNRESET: the connection broke.
 * EBUSY: another coroutine is using `s`.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 4.1; ws_attach_client(3).
 */
DILL_WS_EXPORT
int dill_ws_attach_client(int s,
                          int flags,
                          const char *resource,
                          const char *host,
                          int64_t deadline);

/*
 Attaches the client's end of a WebSocket to a byte stream, with the caller's storage.

 As ws_attach_client. `mem` must stay valid until the handle is closed or detached; it may stand
 at any address.

 Returns as ws_attach_client, and:
 * EINVAL: also if `mem` is NULL.

 Source: RFC 6455 section 4.1; ws_attach_client_mem(3).
 */
DILL_WS_EXPORT
int dill_ws_attach_client_mem(int s,
                              int flags,
                              const char *resource,
                              const char *host,
                              struct dill_ws_storage *mem,
                              int64_t deadline);

/*
 Attaches the server's end of a WebSocket to a byte stream.

 Waits for a client's opening handshake on the byte stream `s` and answers it. The requested
 resource and the Host field are stored as strings in `resource` (`resourcelen` bytes) and `host`
 (`hostlen` bytes); NULL with length 0 if they are not wanted. Of an absolute URI they are the path
 and query, and the host in it. A request that cannot be accepted, such as one with a body, is
 answered with the HTTP status that says why. With `WS_NOHTTP` in `flags` no handshake takes
 place, and the buffers are ignored. With `WS_TEXT` msend and mrecv deal in text messages,
 otherwise in binary ones.

 `s` belongs to this function from the call on: after success its number is gone, after failure
 the byte stream is closed. `deadline`, in milliseconds of now(), covers the whole handshake;
 0: do not block, -1: no limit.

 Returns the WebSocket's handle, or -1 with errno set:
 * EBADF: `s` is no handle.
 * EPROTO: `s` is no byte stream, or the request was refused.
 * EINVAL: unknown flag; a buffer NULL with a length, or a length over SSIZE_MAX.
 * EMSGSIZE: a buffer is too small; the request is larger than 32 KiB or has more than 128
   fields.
 * ECONNRESET: the connection broke.
 * EBUSY: another coroutine is using `s`.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 4.2; ws_attach_server(3).
 */
DILL_WS_EXPORT
int dill_ws_attach_server(int s,
                          int flags,
                          char *resource,
                          size_t resourcelen,
                          char *host,
                          size_t hostlen,
                          int64_t deadline);

/*
 Attaches the server's end of a WebSocket to a byte stream, with the caller's storage.

 As ws_attach_server. `mem` must stay valid until the handle is closed or detached; it may stand
 at any address.

 Returns as ws_attach_server, and:
 * EINVAL: also if `mem` is NULL.

 Source: RFC 6455 section 4.2; ws_attach_server_mem(3).
 */
DILL_WS_EXPORT
int dill_ws_attach_server_mem(int s,
                              int flags,
                              char *resource,
                              size_t resourcelen,
                              char *host,
                              size_t hostlen,
                              struct dill_ws_storage *mem,
                              int64_t deadline);

/*
 Sends a message.

 Sends `len` bytes at `buf` as one message: text if `flags` has `WS_TEXT`, otherwise binary. A
 client's payload is masked; `buf` itself stays as it is.

 Returns 0, or -1 with errno set:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EINVAL: unknown flag; `buf` NULL with a length, or a length over SSIZE_MAX; text that is not
   UTF-8. Nothing was sent.
 * EBUSY: another coroutine is sending.
 * EPIPE: the close frame has been sent already.
 * ECONNRESET: the connection is broken.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 6.1; ws_send(3).
 */
DILL_WS_EXPORT int dill_ws_send(int s, int flags, const void *buf, size_t len, int64_t deadline);

/*
 Receives a message.

 Receives one message, fragmented or not, into the `len` bytes at `buf`, and stores its type in
 `*flags` (`WS_TEXT` or `WS_BINARY`) unless `flags` is NULL. Pings are answered on the way. With
 `buf` NULL a message of up to `len` bytes is dropped.

 Returns the size of the message in bytes, or -1 with errno set:
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EBUSY: another coroutine is receiving.
 * EMSGSIZE: the message is larger than `len`; it is dropped, and the next call gets the next
   one. Or it is longer than `maxmsg` of the options, and the connection was failed.
 * EPIPE: the peer closed the WebSocket; see ws_status.
 * EPROTO: the peer broke the protocol, and the connection was failed.
 * ECONNRESET: the connection is broken, or ended without a close frame.
 * ETIMEDOUT, ECANCELED: the next call goes on where this one stopped. What has come of a message
   is kept for it.
 * ENOMEM: also where there is no memory for that; the message is lost then.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 6.2; ws_recv(3).
 */
DILL_WS_EXPORT ssize_t dill_ws_recv(int s, int *flags, void *buf, size_t len, int64_t deadline);

/*
 Sends a message from a list of buffers.

 As ws_send. The list runs from `first` to `last`.

 Returns as ws_send, and:
 * EINVAL: also if the list is malformed.

 Source: RFC 6455 section 6.1; ws_sendl(3).
 */
DILL_WS_EXPORT
int dill_ws_sendl(int s,
                  int flags,
                  struct dill_iolist *first,
                  struct dill_iolist *last,
                  int64_t deadline);

/*
 Receives a message into a list of buffers.

 As ws_recv. The list runs from `first` to `last`; elements whose base is NULL drop their bytes;
 with `first` and `last` NULL a whole message is dropped.

 Returns as ws_recv, and:
 * EINVAL: the list is malformed.

 Source: RFC 6455 section 6.2; ws_recvl(3).
 */
DILL_WS_EXPORT
ssize_t dill_ws_recvl(int s,
                      int *flags,
                      struct dill_iolist *first,
                      struct dill_iolist *last,
                      int64_t deadline);

/*
 Sends the close frame.

 Sends a close frame with `status` (a close code, or 0 for none) and the message of `len` bytes
 of UTF-8 at `buf`, at most 123. Sending is over then; receiving goes on until the peer's close
 frame.

 Returns 0, or -1 with errno set:
 * EINVAL: a status that must not be sent; a message without a status, too long, or not UTF-8;
   `buf` NULL with a length.
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EPIPE: the close frame has been sent already.
 * EBUSY: another coroutine is sending.
 * ECONNRESET: the connection is broken.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 sections 5.5.1 and 7.4; ws_done(3).
 */
DILL_WS_EXPORT int dill_ws_done(int s, int status, const void *buf, size_t len, int64_t deadline);

/*
 Ends the WebSocket and gives the byte stream back.

 Sends the close frame as ws_done does, unless that was done before; drops messages until the
 peer's close frame; and returns the byte stream, at the first byte after it.

 Returns the byte stream's handle, or -1 with errno set:
 * EINVAL: as for ws_done.
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EBUSY: another coroutine is sending or receiving.

 After these four the WebSocket is as it was; after the following it is closed, as is the byte
 stream.

 * EPROTO: the peer broke the protocol.
 * ECONNRESET: the connection is broken, or ended without a close frame.
 * ETIMEDOUT: the deadline passed.
 * ECANCELED: the coroutine is being cancelled.
 * ENOMEM: there is no memory.
 * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.

 Source: RFC 6455 section 7; ws_detach(3).
 */
DILL_WS_EXPORT int dill_ws_detach(int s, int status, const void *buf, size_t len, int64_t deadline);

/*
 Tells what the peer's close frame said.

 Stores its close code in `*status` (0: it had none) unless `status` is NULL, and its message in
 the `len` bytes at `buf` unless `buf` is NULL. The message is not NUL-terminated. May be called
 any number of times.

 Returns the length of the message in bytes, or -1 with errno set:
 * EINVAL: `buf` NULL with a length.
 * EBADF: `s` is no handle.
 * ENOTSUP: `s` is no WebSocket.
 * EAGAIN: the peer's close frame has not been received.
 * EMSGSIZE: the message is longer than `len`.

 Source: RFC 6455 sections 7.1.5 and 7.1.6; ws_status(3).
 */
DILL_WS_EXPORT ssize_t dill_ws_status(int s, int *status, void *buf, size_t len);

/*
 Makes a key for a client's opening handshake.

 Writes 24 characters, the base64 form of 16 random bytes, and a NUL to `request_key`, which has
 room for `WS_KEY_SIZE` characters.

 Returns 0, or -1 with errno set:
 * EINVAL: `request_key` is NULL.

 Source: RFC 6455 section 4.1; ws_request_key(3).
 */
DILL_WS_EXPORT int dill_ws_request_key(char *request_key);

/*
 Makes the key that answers the one of a client's opening handshake.

 Writes the 28 characters that belong in the Sec-WebSocket-Accept field and a NUL to
 `response_key`, which has room for `WS_KEY_SIZE` characters.

 Returns 0, or -1 with errno set:
 * EINVAL: NULL.
 * EPROTO: `request_key` is not the base64 form of 16 bytes.

 Source: RFC 6455 section 4.2.2; ws_response_key(3).
 */
DILL_WS_EXPORT int dill_ws_response_key(const char *request_key, char *response_key);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LIBDILL_WS_H_INCLUDED */
