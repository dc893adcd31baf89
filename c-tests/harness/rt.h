/*  What the tests of the runtime share: streams of both kinds, calls that
    block in a coroutine of their own, and a count of what is open. */

#ifndef RT_H
#define RT_H

#include <libdill.h>
#include <libdillimpl.h>

#include "certificates.h"
#include "check.h"

/*  In rt.c; mentioned here so that it is linked even where nothing else of
    that is used. */
void check_warm_up(void);
__attribute__((used)) static void (*const rt_warm_up)(void) = check_warm_up;

/**** Streams ****/

enum kind {IPC, TCP};

/*  Two tests: name/ipc and name/tcp. */
#define TEST_KINDS(name) \
    static void name(enum kind kind); \
    static void name##_over_ipc(void) {name(IPC);} \
    static void name##_over_tcp(void) {name(TCP);} \
    CHECK_REGISTER_(name##_ipc, #name, "/ipc", name##_over_ipc, NULL, CLIENT, \
        NULL) \
    CHECK_REGISTER_(name##_tcp, #name, "/tcp", name##_over_tcp, NULL, CLIENT, \
        NULL) \
    static void name(enum kind kind)

/*  Connected handles. */
void stream_pair(enum kind kind, int s[2]);
int stream_done(enum kind kind, int s);
int stream_close(enum kind kind, int s, int64_t deadline);
/*  A handle that was made of a descriptor; its far end is *fd, which does not
    block either. */
int stream_open(enum kind kind, int *fd);
/*  Sends until there is no room; how many bytes that took. Every byte is 'x',
    and none is half sent: the stream stays usable. */
size_t stream_fill(int s);
/*  Receives so many bytes and drops them. */
void stream_drop(int s, size_t len);
/*  Shakes hands over both ends: s[0] becomes the client. */
void stream_secure(int s[2]);
/*  A listening handle on a free port of the loopback; its address. */
int listen_tcp(struct ipaddr *addr, int backlog);
/*  A listening handle on a path in the working directory; the path, which
    unlisten_ipc removes. */
int listen_ipc(const char **path, int backlog);
void unlisten_ipc(void);

/*  The extension of the runtime's byte streams: between 1 and len bytes. */
ssize_t brecv_some(int s, void *buf, size_t len, int64_t deadline);
/*  Likewise: room for a short message. */
int bawait_room(int s, int64_t deadline);

/*  A stream of the program's own, which delivers exact amounts only and cannot
    skip. It delivers `in`, then, if `endless`, its last byte for ever, else
    fails with `err`, and so do sends if `full`. What is sent to it is noted in
    `out`, with a '|' behind each call. */
struct scripted {
    struct hvfs hvfs;
    struct bsock_vfs bvfs;
    const char *in;
    size_t inlen;
    size_t taken;
    int endless;
    int err;
    int full;
    char out[512];
    size_t outlen;
    int closed;
};
/*  Its handle. `in` is a string; more than one if `inlen` is set afterwards.
    `err` is EPIPE. */
int scripted_open(struct scripted *self, const char *in);

/*  Lists are left as they were. */
void check_same_list(struct at at, const struct iolist *list,
    const struct iolist *before, int n);
#define CHECK_SAME_LIST(list, before, n) check_same_list(HERE, list, before, n)

/*  Byte number `i` of a stream that never repeats itself soon. */
unsigned char pattern(size_t i);

/**** What is open ****/

/*  Handles of this thread. */
int open_handles(void);
/*  Descriptors and threads of this process. */
int open_descriptors(void);
int running_threads(void);
/*  Waits until the other threads have ended. */
void await_threads(struct at at);
#define AWAIT_THREADS() await_threads(HERE)

/**** Forked children ****/

/*  Ends a child whose parent has other threads, and waits for it. It does not
    just exit: valgrind would complain of what is left of those threads. */
_Noreturn void child_ends(int good);
void check_child_ends(struct at at, pid_t pid);
#define CHECK_CHILD_ENDS(pid) check_child_ends(HERE, pid)

/**** Calls in a coroutine of their own ****/

/*  What a call came to. */
struct call {
    long long (*fn)(void *arg);
    void *arg;
    int bundle;
    int over;
    long long rc;
    int err;
};
/*  Starts the call, which goes on until it blocks. */
void call_start(struct call *c, long long (*fn)(void *arg), void *arg);
/*  Lets others run until the call is over. */
void call_wait(struct at at, struct call *c);
/*  Waits for the call, and checks that it failed like this. */
void call_fails(struct at at, struct call *c, int err);
/*  The same for one that succeeds, with this result. */
void call_returns(struct at at, struct call *c, long long rc);
/*  Cancels the call, which must end at once and say ECANCELED. */
void call_cancel(struct at at, struct call *c);
#define CALL_FAILS(c, err) call_fails(HERE, c, err)
#define CALL_RETURNS(c, rc) call_returns(HERE, c, rc)
#define CALL_CANCEL(c) call_cancel(HERE, c)
#define CHECK_BLOCKED(c) CHECK(!(c)->over)

/*  A bsend, a brecv or a bawait_room in a coroutine of its own, by io_start
    with io_send, io_recv or io_await_room. It has no deadline. */
struct io {struct call call; int s; void *buf; size_t len; int64_t deadline;};
long long io_recv(void *io);
long long io_send(void *io);
long long io_await_room(void *io);
void io_start(struct io *io, long long (*fn)(void *arg), int s, void *buf,
    size_t len);

/*  Sends so many bytes in one call, which arrive in one call. */
void check_passes_whole(struct at at, int from, int to, size_t len);
#define CHECK_PASSES_WHOLE(from, to, len) \
    check_passes_whole(HERE, from, to, len)

#endif
