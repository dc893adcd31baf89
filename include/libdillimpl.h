/* libdillimpl.h: what a protocol needs to be a handle and a socket of libdill_rt. */

#ifndef LIBDILLIMPL_H_INCLUDED
#define LIBDILLIMPL_H_INCLUDED

#include "libdill.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Handles ---- */

/* Embedded in the object. The functions get its address and find the object from there. */
struct dill_hvfs {
    void *(*query)(struct dill_hvfs *vfs, const void *type);
    void (*close)(struct dill_hvfs *vfs);
};

DILL_EXPORT int dill_hmake(struct dill_hvfs *vfs);
DILL_EXPORT void *dill_hquery(int h, const void *type);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define hvfs dill_hvfs
#define hmake dill_hmake
#define hquery dill_hquery
#endif

#if !defined(DILL_DISABLE_SOCKETS)

/* ---- Byte streams ---- */

/* A type is known by the value of such a variable, not by the variable's address. */
DILL_EXPORT extern const void *dill_bsock_type;

struct dill_bsock_vfs {
    int (*bsendl)(struct dill_bsock_vfs *vfs,
        struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);
    int (*brecvl)(struct dill_bsock_vfs *vfs,
        struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);
};

/* Not in libdill: a byte stream may also show what has arrived, and say whether it can send.
   hquery(s, DILL_BSOCK_SOME_TYPE) fails with ENOTSUP where it can not. A stream that can also
   promises that a receive which times out or is cancelled has consumed nothing.

   The type is a number that is nobody's address ("dillsome" in ASCII; "dsom" where addresses have
   32 bits), so that asking a runtime that has never heard of it is harmless. The struct begins with
   its size and may grow at the end, so that the stream may be older or newer than whoever asks. */
#if UINTPTR_MAX > 0xffffffffu
#define DILL_BSOCK_SOME_TYPE ((const void *)(uintptr_t)0x64696c6c736f6d65)
#else
#define DILL_BSOCK_SOME_TYPE ((const void *)(uintptr_t)0x64736f6d)
#endif

/* Before the member of that name, so that both remain the same. */
#if !defined(DILL_DISABLE_RAW_NAMES)
#define brecvsome dill_brecvsome
#endif

struct dill_bsock_queue_vfs;

struct dill_bsock_some_vfs {
    /* sizeof(struct dill_bsock_some_vfs), as whoever made the stream knows it. */
    size_t size;
    /* Waits for a byte, then delivers between 1 and `len`: the number, or -1 as brecv does. */
    ssize_t (*brecvsome)(
        struct dill_bsock_some_vfs *vfs, void *buf, size_t len, int64_t deadline);
    /* Waits until a few hundred bytes can be sent without waiting, or the stream has ended: 0, or
       -1 with ETIMEDOUT, ECANCELED, EBUSY if another coroutine sends or waits to, or an error that
       breaks the stream, such as ECONNRESET. Sends nothing. */
    int (*bawaitroom)(struct dill_bsock_some_vfs *vfs, int64_t deadline);
    /* Waits for a byte, then calls `look` with `arg` and the bytes that have arrived, where they lie,
       and receives as many as it returns, perhaps none: 0, or -1 as brecv does. `look` must not use
       the stream, wait or yield, and the bytes are good until it returns. */
    int (*blook)(struct dill_bsock_some_vfs *vfs,
        size_t (*look)(void *arg, const void *bytes, size_t len), void *arg, int64_t deadline);
    /* What a stream can do that sends by itself; NULL, or not there, if it can not. */
    const struct dill_bsock_queue_vfs *queue;
};

/* Such a stream sends what is queued, whichever coroutine runs, behind what was sent and queued before. `vfs`
   is the table above. */
struct dill_bsock_queue_vfs {
    /* sizeof(struct dill_bsock_queue_vfs), as whoever made the stream knows it. */
    size_t size;
    /* Queues a list, all of it or nothing, and never waits: 0, or -1 with EINVAL, EPIPE, ECONNRESET,
       ENOMEM. With `time` 0 it is sent when the thread next looks at its descriptors; with 1 at once, or
       then, if several come in between; with a later one then, or earlier with whatever is sent; with a
       negative one behind all that is sent until brelease is called. 16 KiB are sent at once, as far as
       there is room. */
    int (*bqueue)(struct dill_bsock_some_vfs *vfs,
        struct dill_iolist *first, struct dill_iolist *last, int64_t time);
    /* Sends what is queued, and waits until at most `most` bytes of it are left: 0, or -1 with
       ETIMEDOUT, ECANCELED, or ECONNRESET if they are lost. */
    int (*bflush)(struct dill_bsock_some_vfs *vfs, size_t most, int64_t deadline);
    /* How many bytes are queued. */
    size_t (*bqueued)(struct dill_bsock_some_vfs *vfs);
    /* Has what was queued with a negative time sent by itself as well. */
    void (*brelease)(struct dill_bsock_some_vfs *vfs);
    /* Drops of what is queued the lists of which not a byte has been sent. */
    void (*bdrop)(struct dill_bsock_some_vfs *vfs);
    /* Has calls that wait, now or later, fail with ECONNRESET. What is queued is sent all the same. */
    void (*bcut)(struct dill_bsock_some_vfs *vfs);
};

/* Waits for a byte, then receives between 1 and `len`: the number, or -1 as brecv does, and then nothing
   has been consumed; ENOTSUP where the stream can not. A bridge passes on what comes when it comes. */
DILL_EXPORT ssize_t dill_brecvsome(int s, void *buf, size_t len, int64_t deadline);

/* Not in libdill either: hclose takes back what a byte stream has sent and the peer has not received. A
   stream that has this, which hquery(s, DILL_BSOCK_LINGER_TYPE) returns, can be told before that it shall
   not. */
#if UINTPTR_MAX > 0xffffffffu
#define DILL_BSOCK_LINGER_TYPE ((const void *)(uintptr_t)0x64696c6c6c696e67)
#else
#define DILL_BSOCK_LINGER_TYPE ((const void *)(uintptr_t)0x6c696e67)
#endif

struct dill_bsock_linger_vfs {
    /* The hclose that comes next closes at once, as ever, but what was sent still reaches a peer that
       reads, and then the end of the stream. Never blocks. */
    void (*blinger)(struct dill_bsock_linger_vfs *vfs);
};

/* Nor is this: what this runtime can do beyond libdill, for a library that may meet either. It has to ask,
   as a name that libdill lacks is found here even where libdill is in charge. hquery(-1,
   DILL_HOST_TYPE) fails with EBADF where there is no such table. */
#if UINTPTR_MAX > 0xffffffffu
#define DILL_HOST_TYPE ((const void *)(uintptr_t)0x64696c6c686f7374)
#else
#define DILL_HOST_TYPE ((const void *)(uintptr_t)0x686f7374)
#endif

struct dill_host_vfs {
    /* sizeof(struct dill_host_vfs), as the runtime knows it. */
    size_t size;
    /* dill_happyeyeballs_connect. */
    int (*connect)(const char *name, int port, int64_t deadline);
    /* dill_tls_attach_client_opts with these two. */
    int (*tls_attach_client)(int s, const char *hostname, const char *alpn, int64_t deadline);
    /* dill_tls_why. */
    const char *(*tls_why)(void);
    /* dill_tls_detach. */
    int (*tls_detach)(int s, int64_t deadline);
};

#if !defined(DILL_DISABLE_RAW_NAMES)
#define bsock_type dill_bsock_type
#define bsock_vfs dill_bsock_vfs
#endif

/* ---- Message sockets ---- */

DILL_EXPORT extern const void *dill_msock_type;

struct dill_msock_vfs {
    int (*msendl)(struct dill_msock_vfs *vfs,
        struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);
    ssize_t (*mrecvl)(struct dill_msock_vfs *vfs,
        struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);
};

#if !defined(DILL_DISABLE_RAW_NAMES)
#define msock_type dill_msock_type
#define msock_vfs dill_msock_vfs
#endif

#endif /* DILL_DISABLE_SOCKETS */

#ifdef __cplusplus
}
#endif

#endif
