/*  Messages over byte streams: what suffix and prefix sockets have in common,
    over all streams of the runtime. */

#include <stdlib.h>
#include <string.h>

#include "rt.h"
#include "wire.h"

/**** Protocols and streams ****/

struct protocol {
    int (*attach)(int s);
    int (*attach_mem)(int s, void *mem);
    int (*detach)(int s, int64_t deadline);
    /*  A message as it is sent. */
    void (*put)(struct bytes *b, const void *message, size_t len);
};

static int suffix_attach_(int s)
{
    return suffix_attach(s, "\r\n", 2);
}

static int suffix_attach_mem_(int s, void *mem)
{
    return suffix_attach_mem(s, "\r\n", 2, mem);
}

static void suffix_put(struct bytes *b, const void *message, size_t len)
{
    bytes_put(b, message, len);
    bytes_str(b, "\r\n");
}

static int prefix_attach_(int s)
{
    return prefix_attach(s, 3, PREFIX_BIG_ENDIAN);
}

static int prefix_attach_mem_(int s, void *mem)
{
    return prefix_attach_mem(s, 3, PREFIX_BIG_ENDIAN, mem);
}

static int prefix_detach_(int s, int64_t deadline)
{
    (void)deadline;
    return prefix_detach(s);
}

static void prefix_put(struct bytes *b, const void *message, size_t len)
{
    uint8_t size[3] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    bytes_put(b, size, 3);
    bytes_put(b, message, len);
}

static const struct protocol SUFFIX =
    {suffix_attach_, suffix_attach_mem_, suffix_detach, suffix_put};
static const struct protocol PREFIX =
    {prefix_attach_, prefix_attach_mem_, prefix_detach_, prefix_put};

enum {OVER_IPC, OVER_TCP, OVER_TLS};

struct layer {const struct protocol *is; int over;};

#define TEST_LAYER_(name, protocol, over) \
    static void name##_##protocol##_##over(void) \
    { \
        name((struct layer){&protocol, over}); \
    } \
    CHECK_REGISTER_(name##_##protocol##_##over##_test, #name, \
        "/" #protocol "_" #over, name##_##protocol##_##over, NULL, CLIENT, NULL)

/*  Six tests: each protocol over each stream. */
#define TEST_LAYERS(name) \
    static void name(struct layer l); \
    TEST_LAYER_(name, SUFFIX, OVER_IPC) \
    TEST_LAYER_(name, SUFFIX, OVER_TCP) \
    TEST_LAYER_(name, SUFFIX, OVER_TLS) \
    TEST_LAYER_(name, PREFIX, OVER_IPC) \
    TEST_LAYER_(name, PREFIX, OVER_TCP) \
    TEST_LAYER_(name, PREFIX, OVER_TLS) \
    static void name(struct layer l)

/*  Two tests: each protocol, over an IPC stream where there is one. */
#define TEST_PROTOCOLS(name) \
    static void name(struct layer l); \
    TEST_LAYER_(name, SUFFIX, OVER_IPC) \
    TEST_LAYER_(name, PREFIX, OVER_IPC) \
    static void name(struct layer l)

static void streams(struct layer l, int s[2])
{
    stream_pair(l.over == OVER_TCP ? TCP : IPC, s);
    if(l.over == OVER_TLS) stream_secure(s);
}

/*  A message socket, and the far end of the stream under it. */
struct ends {int m; int b;};

static struct ends ends_open(struct layer l)
{
    int s[2];
    streams(l, s);
    int m = l.is->attach(s[0]);
    if(m < 0) abort();
    return (struct ends){m, s[1]};
}

static void ends_close(struct ends e)
{
    CHECK_OK(hclose(e.m));
    CHECK_OK(hclose(e.b));
}

/*  Two message sockets. */
static void message_pair(struct layer l, int m[2])
{
    streams(l, m);
    for(int i = 0; i != 2; i++)
        if((m[i] = l.is->attach(m[i])) < 0) abort();
}

static void close_pair(const int m[2])
{
    CHECK_OK(hclose(m[0]));
    CHECK_OK(hclose(m[1]));
}

/**** Bytes and messages ****/

/*  Without a byte of any suffix. */
static void fill(unsigned char *p, size_t len)
{
    for(size_t i = 0; i != len; i++) p[i] = 0x80 | pattern(i);
}

/*  The far end sends bytes. */
static void feed_bytes(struct ends e, const void *p, size_t len)
{
    CHECK_OK(bsend(e.b, p, len, SOON));
}

/*  The far end sends messages, each a string. */
static void feed_messages(struct layer l, struct ends e,
    const char *const messages[], size_t count)
{
    struct bytes b = {0};
    for(size_t i = 0; i != count; i++)
        l.is->put(&b, messages[i], strlen(messages[i]));
    feed_bytes(e, b.p, b.n);
    bytes_free(&b);
}
#define FEED(l, e, ...) \
    feed_messages(l, e, (const char *const[]){__VA_ARGS__}, \
        COUNT_OF(((const char *const[]){__VA_ARGS__})))

/*  The next message is this one. */
static void check_next(struct at at, int m, const char *want)
{
    char got[64];
    errno = 0;
    ssize_t n = mrecv(m, got, sizeof got, SOON);
    check_int(at, "mrecv", n, (long long)strlen(want));
    if(n < 0) check_err(at, "mrecv", n, errno, 0);
    else check_bytes(at, "message", got, (size_t)n, want, strlen(want));
}
#define CHECK_NEXT(m, want) check_next(HERE, m, want)

/*  The far end receives just this. */
static void check_sent(struct at at, struct ends e, const struct bytes *want)
{
    uint8_t *got = calloc(1, want->n + 1);
    int rc = brecv(e.b, got, want->n, SOON);
    check_ok(at, "brecv", rc, errno);
    check_bytes(at, "sent", got, want->n, want->p, want->n);
    errno = 0;
    rc = brecv(e.b, got, 1, BRIEFLY);
    check_err(at, "more", rc, errno, ETIMEDOUT);
    free(got);
}

static long long send_op(void *arg)
{
    struct io *io = arg;
    return msend(io->s, io->buf, io->len, io->deadline);
}

static long long receive_op(void *arg)
{
    struct io *io = arg;
    return mrecv(io->s, io->buf, io->len, io->deadline);
}

static long long suffix_detach_op(void *arg)
{
    struct io *io = arg;
    return suffix_detach(io->s, io->deadline);
}

/**** Messages ****/

TEST_LAYERS(rt_messages_pass_both_ways)
{
    static const size_t sizes[] = {0, 1, 2, 3, 31, 100, 8189, 8190, 8191, 8192,
        8193, 65535, 65536, 300000};
    static unsigned char out[300000];
    static unsigned char in[sizeof out];
    int m[2];
    message_pair(l, m);
    fill(out, sizeof out);
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        struct io io;
        check_note("%zu bytes", sizes[i]);
        io_start(&io, send_op, m[i % 2], out, sizes[i]);
        CHECK_INT(mrecv(m[1 - i % 2], in, sizes[i], SOON),
            (long long)sizes[i]);
        CALL_RETURNS(&io.call, 0);
        CHECK_BYTES(in, sizes[i], out, sizes[i]);
    }
    close_pair(m);
}

TEST_LAYERS(rt_messages_many_arrive_at_once)
{
    struct ends e = ends_open(l);
    struct bytes b = {0};
    for(int i = 0; i != 5000; i++) {
        char text[16];
        memset(text, 'a' + i % 26, sizeof text);
        l.is->put(&b, text, (size_t)(i % 16));
    }
    struct io io;
    io_start(&io, io_send, e.b, b.p, b.n);
    for(int i = 0; i != 5000 && !check_failed(); i++) {
        char got[16];
        char want[16];
        memset(want, 'a' + i % 26, sizeof want);
        CHECK_INT(mrecv(e.m, got, sizeof got, SOON), i % 16);
        CHECK_BYTES(got, (size_t)(i % 16), want, (size_t)(i % 16));
    }
    CALL_RETURNS(&io.call, 0);
    bytes_free(&b);
    ends_close(e);
}

TEST_LAYERS(rt_messages_on_the_wire)
{
    struct ends e = ends_open(l);
    struct bytes want = {0};
    l.is->put(&want, "hello", 5);
    l.is->put(&want, "", 0);
    l.is->put(&want, "hello, world", 12);
    CHECK_OK(msend(e.m, "hello", 5, SOON));
    CHECK_OK(msend(e.m, NULL, 0, SOON));
    /*  Read only, and with elements that have nothing in them. */
    static struct iolist list[] = {
        {NULL, 0, &list[1], 0}, {"hel", 3, &list[2], 0}, {"lo", 2, &list[3], 0},
        {", ", 2, &list[4], 0}, {NULL, 0, &list[5], 0}, {"wor", 3, &list[6], 0},
        {"ld", 2, &list[7], 0}, {"", 0, NULL, 0}};
    struct iolist before[COUNT_OF(list)];
    memcpy(before, list, sizeof list);
    CHECK_OK(msendl(e.m, &list[0], &list[7], SOON));
    CHECK_SAME_LIST(list, before, (int)COUNT_OF(list));
    check_sent(HERE, e, &want);
    bytes_free(&want);
    ends_close(e);
}

/*  Whatever the number of buffers is. */
TEST_PROTOCOLS(rt_messages_leave_in_one_send)
{
    static struct iolist list[100];
    for(size_t n = 1; n <= COUNT_OF(list); n = n < 8 ? n + 1 : 2 * n) {
        struct scripted own;
        struct bytes want = {0};
        char text[COUNT_OF(list)];
        check_note("%zu buffers", n);
        memset(text, 'x', sizeof text);
        for(size_t i = 0; i != n; i++)
            list[i] = (struct iolist){text + i, 1, &list[i + 1], 0};
        list[n - 1].iol_next = NULL;
        int m = l.is->attach(scripted_open(&own, ""));
        CHECK_OK(msendl(m, &list[0], &list[n - 1], 0));
        l.is->put(&want, text, n);
        bytes_str(&want, "|");
        CHECK_BYTES(own.out, own.outlen, want.p, want.n);
        bytes_free(&want);
        CHECK_OK(hclose(m));
    }
}

/*  Cuts the list's memory in three at every two places. */
TEST_PROTOCOLS(rt_messages_fill_lists)
{
    enum {LEN = 12};
    struct ends e = ends_open(l);
    for(size_t a = 0; a <= LEN; a++) for(size_t b = a; b <= LEN; b++)
    for(int hole = 0; hole != 4; hole++) {
        char got[LEN + 3] = {0};
        char want[LEN + 3] = {0};
        struct iolist list[] = {{got, a, &list[1], 0},
            {got + a, b - a, &list[2], 0}, {got + b, LEN - b + 2, NULL, 0}};
        struct iolist before[3];
        memcpy(want, "hello, world", LEN);
        if(hole < 3) {
            size_t from = (size_t)((char*)list[hole].iol_base - got);
            size_t len = list[hole].iol_len < LEN - from ?
                list[hole].iol_len : LEN - from;
            memset(want + from, 0, len);
            list[hole].iol_base = NULL;
        }
        check_note("cut at %zu and %zu, hole %d", a, b, hole);
        memcpy(before, list, sizeof list);
        FEED(l, e, "hello, world", "!");
        CHECK_INT(mrecvl(e.m, &list[0], &list[2], SOON), LEN);
        CHECK_BYTES(got, sizeof got, want, sizeof want);
        CHECK_SAME_LIST(list, before, 3);
        CHECK_NEXT(e.m, "!");
    }
    ends_close(e);
}

TEST_LAYERS(rt_messages_can_be_dropped)
{
    struct ends e = ends_open(l);
    struct iolist any = {NULL, SIZE_MAX, NULL, 0};
    struct iolist five = {NULL, 5, NULL, 0};
    struct iolist two[] = {{NULL, SIZE_MAX, &two[1], 0}, {NULL, 7, NULL, 0}};
    FEED(l, e, "hello", "world", "", "exact", "small", "last");
    CHECK_INT(mrecvl(e.m, NULL, NULL, SOON), 5);
    CHECK_INT(mrecvl(e.m, &any, &any, SOON), 5);
    CHECK_INT(mrecvl(e.m, &two[0], &two[1], SOON), 0);
    CHECK_INT(mrecvl(e.m, &five, &five, SOON), 5);
    five.iol_len = 4;
    CHECK_ERR(mrecvl(e.m, &five, &five, SOON), EMSGSIZE);
    CHECK_NEXT(e.m, "last");
    ends_close(e);
}

/*  With as many bytes as a stream cannot have in its buffers. */
TEST_LAYERS(rt_messages_of_any_size_can_be_dropped)
{
    enum {LEN = 3000000};
    struct ends e = ends_open(l);
    struct bytes b = {0};
    unsigned char *out = malloc(LEN);
    fill(out, LEN);
    l.is->put(&b, out, LEN);
    l.is->put(&b, "next", 4);
    struct io io;
    io_start(&io, io_send, e.b, b.p, b.n);
    CHECK_INT(mrecvl(e.m, NULL, NULL, SOON), LEN);
    CHECK_NEXT(e.m, "next");
    CALL_RETURNS(&io.call, 0);
    bytes_free(&b);
    free(out);
    ends_close(e);
}

/**** Messages that do not fit ****/

TEST_LAYERS(rt_messages_too_long_are_emsgsize_and_the_next_one_arrives)
{
    struct ends e = ends_open(l);
    for(size_t room = 0; room != 6; room++) {
        char got[8];
        memset(got, '.', sizeof got);
        check_note("%zu bytes", room);
        FEED(l, e, "hello!", "next");
        CHECK_ERR(mrecv(e.m, got, room, SOON), EMSGSIZE);
        CHECK_BYTES(got + room, sizeof got - room, "........", sizeof got - room);
        CHECK_NEXT(e.m, "next");
    }
    ends_close(e);
}

TEST_LAYERS(rt_messages_much_too_long_are_lost_whole)
{
    enum {LEN = 200000};
    struct ends e = ends_open(l);
    struct bytes b = {0};
    unsigned char *out = malloc(LEN);
    char got[100];
    fill(out, LEN);
    for(int i = 0; i != 3; i++) {
        l.is->put(&b, out, LEN);
        l.is->put(&b, "next", 4);
    }
    struct io io;
    io_start(&io, io_send, e.b, b.p, b.n);
    for(int i = 0; i != 3; i++) {
        CHECK_ERR(mrecv(e.m, got, sizeof got, SOON), EMSGSIZE);
        CHECK_NEXT(e.m, "next");
    }
    CALL_RETURNS(&io.call, 0);
    bytes_free(&b);
    free(out);
    ends_close(e);
}

/*  It is known to be too long before all of it has come, and the call that
    follows waits for the rest. */
TEST_LAYERS(rt_messages_too_long_are_noticed_at_once)
{
    struct ends e = ends_open(l);
    struct bytes b = {0};
    char got[16];
    l.is->put(&b, "0123456789abcdefghij", 20);
    l.is->put(&b, "next", 4);
    feed_bytes(e, b.p, 18);
    CHECK_ERR(mrecv(e.m, got, 8, SOON), EMSGSIZE);
    CHECK_ERR(mrecv(e.m, got, 8, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(mrecvl(e.m, NULL, NULL, 0), ETIMEDOUT);
    struct io io;
    io_start(&io, receive_op, e.m, got, 8);
    CHECK_BLOCKED(&io.call);
    CALL_CANCEL(&io.call);
    for(size_t i = 18; i != b.n; i++) {
        CHECK_ERR(mrecv(e.m, got, 8, 0), ETIMEDOUT);
        feed_bytes(e, b.p + i, 1);
    }
    CHECK_NEXT(e.m, "next");
    bytes_free(&b);
    ends_close(e);
}

/**** Calls that are interrupted ****/

static const char *const three[] = {"hello", "", "world!"};

/*  Three messages as they are sent, and where each ends. */
struct cut {struct bytes b; size_t ends[3];};

static void cut_open(struct layer l, struct cut *c)
{
    c->b = (struct bytes){0};
    for(int i = 0; i != 3; i++) {
        l.is->put(&c->b, three[i], strlen(three[i]));
        c->ends[i] = c->b.n;
    }
}

TEST_LAYERS(rt_messages_a_deadline_at_every_byte_loses_nothing)
{
    struct ends e = ends_open(l);
    struct cut c;
    cut_open(l, &c);
    int next = 0;
    for(size_t i = 0; i != c.b.n; i++) {
        char got[64];
        check_note("byte %zu", i);
        CHECK_ERR(mrecv(e.m, got, sizeof got - i, i % 5 ? 0 : BRIEFLY),
            ETIMEDOUT);
        memset(got, '?', sizeof got);
        feed_bytes(e, c.b.p + i, 1);
        if(i + 1 == c.ends[next]) CHECK_NEXT(e.m, three[next++]);
    }
    CHECK_INT(next, 3);
    bytes_free(&c.b);
    ends_close(e);
}

TEST_LAYERS(rt_messages_cancelled_at_every_byte_lose_nothing)
{
    struct ends e = ends_open(l);
    struct cut c;
    cut_open(l, &c);
    int next = 0;
    for(size_t i = 0; i != c.b.n; i++) {
        char got[64];
        struct io io;
        check_note("byte %zu", i);
        io_start(&io, receive_op, e.m, got, sizeof got - i);
        CALL_CANCEL(&io.call);
        memset(got, '?', sizeof got);
        feed_bytes(e, c.b.p + i, 1);
        if(i + 1 == c.ends[next]) CHECK_NEXT(e.m, three[next++]);
    }
    CHECK_INT(next, 3);
    bytes_free(&c.b);
    ends_close(e);
}

/*  A coroutine that may not wait receives what has come. */
TEST_PROTOCOLS(rt_messages_that_have_come_need_no_waiting)
{
    struct ends e = ends_open(l);
    FEED(l, e, "a", "b");
    msleep(BRIEFLY);
    char got[2];
    CHECK_INT(mrecv(e.m, got, 1, 0), 1);
    CHECK_INT(mrecv(e.m, got, 1, 0), 1);
    CHECK_ERR(mrecv(e.m, got, 1, 0), ETIMEDOUT);
    ends_close(e);
}

/*  Each call has other buffers than the one before, and the last one less room
    than the message needs. */
TEST_PROTOCOLS(rt_messages_go_on_in_other_buffers)
{
    struct ends e = ends_open(l);
    struct bytes b = {0};
    l.is->put(&b, "0123456789", 10);
    for(size_t cut = 1; cut != b.n; cut++) for(size_t room = 8; room != 12; room++)
    for(size_t first = 0; first <= 10; first++) {
        char one[16];
        char two[16];
        struct iolist list[] = {{one, first, &list[1], 0},
            {one + first, sizeof one - first, NULL, 0}};
        check_note("cut at %zu, %zu bytes of room, %zu first", cut, room, first);
        feed_bytes(e, b.p, cut);
        CHECK_ERR(mrecvl(e.m, &list[0], &list[1], now() + 1), ETIMEDOUT);
        memset(one, '?', sizeof one);
        feed_bytes(e, b.p + cut, b.n - cut);
        if(room < 10) {
            CHECK_ERR(mrecv(e.m, two, room, SOON), EMSGSIZE);
        } else {
            CHECK_INT(mrecv(e.m, two, room, SOON), 10);
            CHECK_BYTES(two, 10, "0123456789", 10);
        }
        FEED(l, e, "next");
        CHECK_NEXT(e.m, "next");
        if(check_failed()) return;
    }
    bytes_free(&b);
    ends_close(e);
}

/*  A call that skips the same bytes goes on with the message. For one that wants
    to have what was skipped it is lost. */
TEST_PROTOCOLS(rt_messages_with_holes_go_on)
{
    struct ends e = ends_open(l);
    struct bytes b = {0};
    char got[16];
    struct iolist hole[] = {{got, 2, &hole[1], 0}, {NULL, 3, &hole[2], 0},
        {got + 5, 11, NULL, 0}};
    l.is->put(&b, "0123456789", 10);
    size_t header = l.is == &PREFIX ? 3 : 0;
    for(int all = 0; all != 2; all++) for(size_t cut = 1; cut != 10; cut++) {
        check_note("cut behind %zu bytes, %s wanted", cut, all ? "all" : "some");
        feed_bytes(e, b.p, header + cut);
        CHECK_ERR(mrecvl(e.m, &hole[0], &hole[2], now() + 1), ETIMEDOUT);
        memset(got, '.', sizeof got);
        feed_bytes(e, b.p + header + cut, b.n - header - cut);
        FEED(l, e, "next");
        if(!all) {
            CHECK_INT(mrecvl(e.m, &hole[0], &hole[2], SOON), 10);
            CHECK_BYTES(got, 11, "01...56789.", 11);
        } else if(cut <= 2) {
            CHECK_INT(mrecv(e.m, got, sizeof got, SOON), 10);
            CHECK_BYTES(got, 11, "0123456789.", 11);
        }
        CHECK_NEXT(e.m, "next");
        if(check_failed()) return;
    }
    bytes_free(&b);
    ends_close(e);
}

/*  What has been dropped in part is lost for calls that want to have it. */
TEST_LAYERS(rt_messages_dropped_in_part)
{
    struct ends e = ends_open(l);
    struct bytes b = {0};
    l.is->put(&b, "0123456789", 10);
    for(int again = 0; again != 2; again++) {
        feed_bytes(e, b.p, 8);
        CHECK_ERR(mrecvl(e.m, NULL, NULL, BRIEFLY), ETIMEDOUT);
        CHECK_ERR(mrecvl(e.m, NULL, NULL, 0), ETIMEDOUT);
        feed_bytes(e, b.p + 8, b.n - 8);
        if(again) CHECK_INT(mrecvl(e.m, NULL, NULL, SOON), 10);
        FEED(l, e, "next");
        CHECK_NEXT(e.m, "next");
    }
    /*  Nothing has been dropped by a call before the first byte. */
    CHECK_ERR(mrecvl(e.m, NULL, NULL, 0), ETIMEDOUT);
    FEED(l, e, "all");
    CHECK_NEXT(e.m, "all");
    /*  One that was wanted can be dropped. */
    char got[16];
    feed_bytes(e, b.p, 8);
    CHECK_ERR(mrecv(e.m, got, sizeof got, BRIEFLY), ETIMEDOUT);
    feed_bytes(e, b.p + 8, b.n - 8);
    CHECK_INT(mrecvl(e.m, NULL, NULL, SOON), 10);
    FEED(l, e, "next");
    CHECK_NEXT(e.m, "next");
    bytes_free(&b);
    ends_close(e);
}

/**** The end of the stream ****/

TEST_LAYERS(rt_messages_the_stream_ends_at_every_byte)
{
    struct cut c;
    cut_open(l, &c);
    for(size_t n = 0; n <= c.b.n; n++) {
        struct ends e = ends_open(l);
        char got[64];
        int whole = 0;
        check_note("after %zu bytes", n);
        if(n) feed_bytes(e, c.b.p, n);
        if(l.over == OVER_TLS) {
            CHECK_OK(tls_done(e.b, SOON));
        } else {
            CHECK_OK(stream_done(l.over == OVER_TCP ? TCP : IPC, e.b));
        }
        while(whole != 3 && c.ends[whole] <= n) CHECK_NEXT(e.m, three[whole++]);
        int at_end = n == (whole ? c.ends[whole - 1] : 0);
        int err = at_end ? EPIPE : ECONNRESET;
        CHECK_ERR(mrecv(e.m, got, sizeof got, SOON), err);
        CHECK_ERR(mrecv(e.m, got, sizeof got, SOON), err);
        CHECK_ERR(mrecvl(e.m, NULL, NULL, SOON), err);
        /*  The other direction is as it was. */
        CHECK_OK(msend(e.m, "x", 1, SOON));
        if(at_end) {
            /*  To be closed in order. */
            CHECK_OK(e.m = l.is->detach(e.m, SOON));
            CHECK_ERR(brecv(e.m, got, 1, SOON), EPIPE);
            CHECK_OK(hclose(e.m));
        } else {
            CHECK_ERR(l.is->detach(e.m, SOON), ECONNRESET);
            CHECK_ERR(hclose(e.m), EBADF);
        }
        CHECK_OK(hclose(e.b));
    }
    bytes_free(&c.b);
}

TEST_PROTOCOLS(rt_messages_the_stream_ends_while_one_is_dropped)
{
    struct ends e = ends_open(l);
    struct bytes b = {0};
    char got[4];
    l.is->put(&b, "0123456789", 10);
    feed_bytes(e, b.p, b.n - 1);
    CHECK_ERR(mrecv(e.m, got, sizeof got, SOON), EMSGSIZE);
    CHECK_OK(ipc_done(e.b, SOON));
    CHECK_ERR(mrecv(e.m, got, sizeof got, SOON), ECONNRESET);
    CHECK_ERR(mrecv(e.m, got, sizeof got, SOON), ECONNRESET);
    bytes_free(&b);
    ends_close(e);
}

/**** Sending ****/

TEST_LAYERS(rt_messages_a_send_that_sent_nothing_can_be_repeated)
{
    int s[2];
    streams(l, s);
    size_t filled = stream_fill(s[0]);
    struct ends e = {l.is->attach(s[0]), s[1]};
    struct bytes want = {0};
    struct io io;
    CHECK_ERR(msend(e.m, "hello", 5, 0), ETIMEDOUT);
    CHECK_ERR(msend(e.m, "hello", 5, BRIEFLY), ETIMEDOUT);
    io_start(&io, send_op, e.m, "hello", 5);
    CALL_CANCEL(&io.call);
    stream_drop(e.b, filled);
    CHECK_OK(msend(e.m, "hello", 5, SOON));
    l.is->put(&want, "hello", 5);
    check_sent(HERE, e, &want);
    bytes_free(&want);
    CHECK_OK(e.m = l.is->detach(e.m, SOON));
    ends_close(e);
}

TEST_LAYERS(rt_messages_a_send_that_was_cut_ends_sending_only)
{
    enum {LEN = 8000000};
    unsigned char *out = malloc(LEN);
    fill(out, LEN);
    for(int cancel = 0; cancel != 2; cancel++) {
        struct ends e = ends_open(l);
        struct io io;
        if(cancel) {
            io_start(&io, send_op, e.m, out, LEN);
            msleep(BRIEFLY);
            CALL_CANCEL(&io.call);
        } else {
            CHECK_ERR(msend(e.m, out, LEN, BRIEFLY), ETIMEDOUT);
        }
        CHECK_ERR(msend(e.m, "x", 1, SOON), ECONNRESET);
        CHECK_ERR(msend(e.m, "x", 1, SOON), ECONNRESET);
        FEED(l, e, "still");
        CHECK_NEXT(e.m, "still");
        CHECK_ERR(l.is->detach(e.m, SOON), ECONNRESET);
        CHECK_ERR(hclose(e.m), EBADF);
        CHECK_OK(hclose(e.b));
    }
    free(out);
}

TEST_LAYERS(rt_messages_the_peer_is_gone)
{
    struct ends e = ends_open(l);
    CHECK_OK(hclose(e.b));
    int rc;
    int64_t limit = SOON;
    do rc = msend(e.m, "x", 1, 0); while(rc == 0 && now() < limit);
    CHECK_INT(errno, ECONNRESET);
    CHECK_ERR(msend(e.m, "x", 1, SOON), ECONNRESET);
    CHECK_OK(hclose(e.m));
}

TEST_PROTOCOLS(rt_messages_behind_the_end_of_sending_are_epipe)
{
    int s[2];
    stream_pair(IPC, s);
    CHECK_OK(ipc_done(s[0], SOON));
    struct ends e = {l.is->attach(s[0]), s[1]};
    CHECK_ERR(msend(e.m, "x", 1, SOON), EPIPE);
    CHECK_ERR(msend(e.m, "x", 1, SOON), EPIPE);
    FEED(l, e, "still");
    CHECK_NEXT(e.m, "still");
    CHECK_OK(e.m = l.is->detach(e.m, SOON));
    ends_close(e);
}

/**** Several at once ****/

TEST_LAYERS(rt_messages_one_receiver_at_a_time)
{
    struct ends e = ends_open(l);
    struct io io;
    char got[16];
    io_start(&io, receive_op, e.m, got, sizeof got);
    char other[16];
    CHECK_ERR(mrecv(e.m, other, sizeof other, SOON), EBUSY);
    CHECK_ERR(mrecvl(e.m, NULL, NULL, 0), EBUSY);
    CHECK_ERR(l.is->detach(e.m, SOON), EBUSY);
    CHECK_OK(msend(e.m, "x", 1, SOON));
    FEED(l, e, "hello");
    CALL_RETURNS(&io.call, 5);
    CHECK_BYTES(got, 5, "hello", 5);
    FEED(l, e, "again");
    CHECK_NEXT(e.m, "again");
    ends_close(e);
}

TEST_LAYERS(rt_messages_one_sender_at_a_time)
{
    enum {LEN = 8000000};
    int m[2];
    unsigned char *out = malloc(LEN);
    unsigned char *in = malloc(LEN);
    struct io io;
    message_pair(l, m);
    fill(out, LEN);
    io_start(&io, send_op, m[0], out, LEN);
    CHECK_BLOCKED(&io.call);
    CHECK_ERR(msend(m[0], "x", 1, SOON), EBUSY);
    CHECK_ERR(l.is->detach(m[0], SOON), EBUSY);
    CHECK_OK(msend(m[1], "back", 4, SOON));
    CHECK_NEXT(m[0], "back");
    CHECK_INT(mrecv(m[1], in, LEN, SOON), LEN);
    CALL_RETURNS(&io.call, 0);
    CHECK(memcmp(in, out, LEN) == 0);
    CHECK_OK(msend(m[0], "x", 1, SOON));
    CHECK_NEXT(m[1], "x");
    free(out);
    free(in);
    close_pair(m);
}

/*  Closed before the message, in the middle of it, and while one is dropped. */
TEST_LAYERS(rt_messages_closed_under_a_receiver)
{
    for(int how = 0; how != 3; how++) {
        struct ends e = ends_open(l);
        struct bytes b = {0};
        struct io io;
        char got[16];
        check_note("case %d", how);
        l.is->put(&b, "0123456789abcdef", 16);
        if(how > 0) feed_bytes(e, b.p, how == 1 ? 9 : 16);
        if(how == 2) CHECK_ERR(mrecv(e.m, got, 8, SOON), EMSGSIZE);
        io_start(&io, receive_op, e.m, got, sizeof got);
        CHECK_BLOCKED(&io.call);
        CHECK_OK(hclose(e.m));
        CALL_FAILS(&io.call, ECONNRESET);
        CHECK_ERR(hclose(e.m), EBADF);
        CHECK_OK(hclose(e.b));
        bytes_free(&b);
    }
}

TEST_LAYERS(rt_messages_closed_under_a_sender)
{
    enum {LEN = 8000000};
    unsigned char *out = malloc(LEN);
    struct ends e = ends_open(l);
    struct io io;
    fill(out, LEN);
    io_start(&io, send_op, e.m, out, LEN);
    CHECK_BLOCKED(&io.call);
    CHECK_OK(hclose(e.m));
    CALL_FAILS(&io.call, ECONNRESET);
    CHECK_OK(hclose(e.b));
    free(out);
}

static long long close_op(void *arg)
{
    return hclose(*(int*)arg);
}

/*  Both directions, by a coroutine that is cancelled itself. */
TEST_LAYERS(rt_messages_closed_by_another_coroutine)
{
    struct ends e = ends_open(l);
    struct io io;
    struct call c;
    char got[8];
    io_start(&io, receive_op, e.m, got, sizeof got);
    call_start(&c, close_op, &e.m);
    CALL_RETURNS(&c, 0);
    CALL_FAILS(&io.call, ECONNRESET);
    CHECK_OK(hclose(e.b));
}

/*  The number changes, the message under way goes on. */
TEST_LAYERS(rt_messages_moved_under_a_receiver)
{
    struct ends e = ends_open(l);
    struct io io;
    char got[8];
    io_start(&io, receive_op, e.m, got, sizeof got);
    int old = e.m;
    CHECK_OK(e.m = hown(e.m));
    CHECK_ERR(mrecv(old, got, 1, 0), EBADF);
    FEED(l, e, "hello");
    CALL_RETURNS(&io.call, 5);
    ends_close(e);
}

/**** Attaching and detaching ****/

TEST_LAYERS(rt_messages_detach_gives_the_stream_back)
{
    int m[2];
    char got[8];
    int before = open_handles();
    message_pair(l, m);
    CHECK_OK(msend(m[0], "message", 7, SOON));
    int old[2] = {m[0], m[1]};
    CHECK_OK(m[0] = l.is->detach(m[0], SOON));
    CHECK_OK(bsend(m[0], "bytes", 5, SOON));
    CHECK_NEXT(m[1], "message");
    CHECK_OK(m[1] = l.is->detach(m[1], 0));
    CHECK_OK(brecv(m[1], got, 5, SOON));
    CHECK_BYTES(got, 5, "bytes", 5);
    CHECK_ERR(brecv(m[1], got, 1, 0), ETIMEDOUT);
    for(int i = 0; i != 2; i++) {
        CHECK_ERR(hclose(old[i]), EBADF);
        CHECK_ERR(l.is->detach(m[i], 0), ENOTSUP);
    }
    close_pair(m);
    CHECK_INT(open_handles(), before);
}

TEST_LAYERS(rt_messages_detach_after_timeouts)
{
    struct ends e = ends_open(l);
    char got[8];
    CHECK_ERR(mrecv(e.m, got, sizeof got, 0), ETIMEDOUT);
    CHECK_ERR(mrecv(e.m, got, sizeof got, BRIEFLY), ETIMEDOUT);
    CHECK_OK(e.m = l.is->detach(e.m, 0));
    CHECK_OK(bsend(e.b, "raw", 3, SOON));
    CHECK_OK(brecv(e.m, got, 3, SOON));
    CHECK_BYTES(got, 3, "raw", 3);
    ends_close(e);
}

/*  What has come of a message is dropped with its rest, if that is there. */
TEST_LAYERS(rt_messages_detach_in_the_middle_of_one)
{
    struct bytes b = {0};
    l.is->put(&b, "0123456789", 10);
    for(int too_long = 0; too_long != 2; too_long++)
    for(size_t cut = too_long ? 9 : 1; cut != b.n; cut++) {
        char got[16];
        check_note("%s, cut at %zu", too_long ? "too long" : "interrupted", cut);
        struct ends e = ends_open(l);
        feed_bytes(e, b.p, cut);
        CHECK_ERR(mrecv(e.m, got, too_long ? 5 : 16, now() + 5),
            too_long ? EMSGSIZE : ETIMEDOUT);
        feed_bytes(e, b.p + cut, b.n - cut);
        feed_bytes(e, "raw", 3);
        msleep(now() + 2);
        CHECK_OK(e.m = l.is->detach(e.m, SOON));
        CHECK_OK(brecv(e.m, got, 3, SOON));
        CHECK_BYTES(got, 3, "raw", 3);
        ends_close(e);
        if(check_failed()) break;
    }
    bytes_free(&b);
}

TEST_LAYERS(rt_messages_detach_does_not_find_the_rest)
{
    struct bytes b = {0};
    char got[16];
    l.is->put(&b, "0123456789", 10);
    int before = open_handles();
    for(size_t cut = 1; cut != b.n; cut++) {
        struct ends e = ends_open(l);
        check_note("cut at %zu", cut);
        feed_bytes(e, b.p, cut);
        CHECK_ERR(mrecv(e.m, got, sizeof got, now() + 5), ETIMEDOUT);
        CHECK_ERR(l.is->detach(e.m, now() + 5),
            l.is == &SUFFIX ? ETIMEDOUT : ECONNRESET);
        CHECK_ERR(hclose(e.m), EBADF);
        CHECK_ERR(brecv(e.b, got, 1, SOON), l.over == OVER_IPC ? EPIPE : ECONNRESET);
        CHECK_OK(hclose(e.b));
        if(check_failed()) break;
    }
    CHECK_INT(open_handles(), before);
    bytes_free(&b);
}

TEST(rt_messages_closed_under_suffix_detach)
{
    struct layer l = {&SUFFIX, OVER_IPC};
    for(int how = 0; how != 3; how++) {
        struct ends e = ends_open(l);
        struct io io;
        char got[8];
        feed_bytes(e, "par", 3);
        CHECK_ERR(mrecv(e.m, got, sizeof got, BRIEFLY), ETIMEDOUT);
        io_start(&io, suffix_detach_op, e.m, NULL, 0);
        CHECK_BLOCKED(&io.call);
        if(how == 0) {
            CHECK_OK(hclose(e.m));
            CALL_FAILS(&io.call, ECONNRESET);
        } else if(how == 1) {
            CALL_CANCEL(&io.call);
            CHECK_ERR(hclose(e.m), EBADF);
        } else {
            CHECK_OK(e.m = hown(e.m));
            feed_bytes(e, "t\r\n", 3);
            CALL_FAILS(&io.call, ECONNRESET);
            CHECK_OK(hclose(e.m));
        }
        CHECK_OK(hclose(e.b));
    }
}

/*  Who begins to send while the rest of a message is waited for is not cut off. */
TEST(rt_messages_a_sender_beside_suffix_detach)
{
    enum {LEN = 8000000};
    struct layer l = {&SUFFIX, OVER_IPC};
    struct ends e = ends_open(l);
    struct io detach;
    struct io send;
    char got[8];
    unsigned char *out = malloc(LEN);
    unsigned char *in = malloc(LEN + 2);
    fill(out, LEN);
    feed_bytes(e, "par", 3);
    CHECK_ERR(mrecv(e.m, got, sizeof got, BRIEFLY), ETIMEDOUT);
    io_start(&detach, suffix_detach_op, e.m, NULL, 0);
    CHECK_BLOCKED(&detach.call);
    io_start(&send, send_op, e.m, out, LEN);
    CHECK_BLOCKED(&send.call);
    feed_bytes(e, "t\r\n", 3);
    CALL_FAILS(&detach.call, EBUSY);
    CHECK_OK(brecv(e.b, in, LEN + 2, SOON));
    CALL_RETURNS(&send.call, 0);
    CHECK(memcmp(in, out, LEN) == 0 && memcmp(in + LEN, "\r\n", 2) == 0);
    CHECK_OK(e.m = suffix_detach(e.m, SOON));
    free(out);
    free(in);
    ends_close(e);
}

TEST_LAYERS(rt_messages_handles_are_given_back)
{
    int s[2];
    streams(l, s);
    int before = open_handles();
    for(long i = 0; i != check_rounds(2000) && !check_failed(); i++) {
        CHECK_OK(s[0] = l.is->attach(s[0]));
        CHECK_OK(s[0] = l.is->detach(s[0], 0));
    }
    CHECK_INT(open_handles(), before);
    CHECK_PASSES_WHOLE(s[0], s[1], 100);
    close_pair(s);
}

static long long attach_op(void *arg)
{
    struct io *io = arg;
    msleep(-1);
    const struct protocol *p = io->buf;
    return p->attach(io->s);
}

TEST_PROTOCOLS(rt_messages_attach_closes_what_it_cannot_use)
{
    struct scripted own;
    char mem[128];
    CHECK_ERR(l.is->attach(-1), EBADF);
    CHECK_ERR(l.is->attach(12345), EBADF);
    CHECK_ERR(l.is->attach_mem(12345, mem), EBADF);
    CHECK_ERR(l.is->attach_mem(12345, NULL), EINVAL);
    int h = bundle();
    CHECK_ERR(l.is->attach(h), EPROTO);
    CHECK_ERR(hclose(h), EBADF);
    h = l.is->attach(scripted_open(&own, ""));
    CHECK_ERR(l.is->attach(h), EPROTO);
    CHECK_ERR(hclose(h), EBADF);
    CHECK_INT(own.closed, 1);
    h = scripted_open(&own, "");
    CHECK_ERR(l.is->attach_mem(h, NULL), EINVAL);
    CHECK_INT(own.closed, 1);
    h = scripted_open(&own, "");
    struct io io;
    io_start(&io, attach_op, h, (void*)l.is, 0);
    CALL_CANCEL(&io.call);
    CHECK_INT(own.closed, 1);
    CHECK_ERR(hclose(h), EBADF);
}

TEST_PROTOCOLS(rt_messages_mem_at_any_alignment_with_nothing_touched_outside)
{
    for(int shift = 0; shift != 8; shift++) {
        unsigned char mem[160];
        int s[2];
        size_t size = l.is == &SUFFIX ? sizeof(struct suffix_storage) :
            sizeof(struct prefix_storage);
        memset(mem, 0xa5, sizeof mem);
        stream_pair(IPC, s);
        CHECK_OK(s[0] = l.is->attach_mem(s[0], mem + shift));
        CHECK_OK(s[1] = l.is->attach(s[1]));
        CHECK_OK(msend(s[0], "x", 1, SOON));
        CHECK_NEXT(s[1], "x");
        close_pair(s);
        for(size_t i = 0; i != sizeof mem; i++)
            if(i < (size_t)shift || i >= (size_t)shift + size)
                CHECK_INT(mem[i], 0xa5);
    }
}

TEST_PROTOCOLS(rt_messages_detach_knows_its_own_sockets)
{
    struct layer other = {l.is == &SUFFIX ? &PREFIX : &SUFFIX, OVER_IPC};
    struct ends e = ends_open(other);
    CHECK_ERR(l.is->detach(-1, 0), EBADF);
    CHECK_ERR(l.is->detach(12345, 0), EBADF);
    CHECK_ERR(l.is->detach(e.m, 0), ENOTSUP);
    CHECK_ERR(l.is->detach(e.b, 0), ENOTSUP);
    FEED(other, e, "open");
    CHECK_NEXT(e.m, "open");
    ends_close(e);
}

/*  A message socket is no byte stream, so nothing that wants one goes over it. */
TEST_LAYERS(rt_messages_are_no_bytes)
{
    struct ends e = ends_open(l);
    char got[8];
    CHECK_ERR(bsend(e.m, "x", 1, SOON), ENOTSUP);
    CHECK_ERR(brecv(e.m, got, 1, SOON), ENOTSUP);
    CHECK_ERR(ws_attach_client(e.m, WS_TEXT, "/", "x", SOON), EPROTO);
    CHECK_ERR(hclose(e.m), EBADF);
    CHECK_ERR(brecv(e.b, got, 1, SOON),
        l.over == OVER_IPC ? EPIPE : ECONNRESET);
    CHECK_OK(hclose(e.b));
    e = ends_open(l);
    CHECK_ERR(ws_attach_server(e.m, WS_NOHTTP, NULL, 0, NULL, 0, SOON), EPROTO);
    CHECK_ERR(hclose(e.m), EBADF);
    CHECK_OK(hclose(e.b));
    e = ends_open(l);
    CHECK_ERR(tls_attach_client(e.m, SOON), EPROTO);
    CHECK_ERR(hclose(e.m), EBADF);
    CHECK_OK(hclose(e.b));
}

/**** Arguments ****/

TEST_PROTOCOLS(rt_messages_malformed_lists_are_einval_and_harmless)
{
    struct ends e = ends_open(l);
    char buf[8] = "12345678";
    struct iolist marked = {buf, 8, NULL, 1};
    struct iolist loop[] = {{buf, 4, &loop[1], 0}, {buf + 4, 4, &loop[0], 0}};
    struct iolist chain[] = {{buf, 4, &chain[1], 0}, {buf + 4, 4, NULL, 0}};
    struct iolist alone = {buf, 8, NULL, 0};
    struct {struct iolist *first; struct iolist *last;} wrong[] = {
        {&marked, &marked}, {&loop[0], &loop[1]}, {&chain[0], &chain[0]},
        {&chain[0], &alone}, {&alone, NULL}, {NULL, &alone}};
    for(size_t i = 0; i != COUNT_OF(wrong); i++) {
        check_note("list %zu", i);
        CHECK_ERR(msendl(e.m, wrong[i].first, wrong[i].last, SOON), EINVAL);
        CHECK_ERR(mrecvl(e.m, wrong[i].first, wrong[i].last, SOON), EINVAL);
    }
    check_note(NULL);
    CHECK_ERR(msendl(e.m, NULL, NULL, SOON), EINVAL);
    CHECK_ERR(msend(e.m, NULL, 1, SOON), EINVAL);
    struct iolist hole[] = {{buf, 4, &hole[1], 0}, {NULL, 4, NULL, 0}};
    CHECK_ERR(msendl(e.m, &hole[0], &hole[1], SOON), EINVAL);
    struct iolist huge[] = {{buf, SIZE_MAX, &huge[1], 0}, {buf, 4, NULL, 0}};
    CHECK_ERR(msendl(e.m, &huge[0], &huge[1], SOON), EINVAL);
    CHECK_ERR(mrecvl(e.m, &huge[0], &huge[1], SOON), EINVAL);
    struct bytes want = {0};
    FEED(l, e, "next");
    CHECK_NEXT(e.m, "next");
    CHECK_OK(msend(e.m, "next", 4, SOON));
    l.is->put(&want, "next", 4);
    check_sent(HERE, e, &want);
    bytes_free(&want);
    ends_close(e);
}

/**** Streams of the program's own ****/

TEST_PROTOCOLS(rt_messages_over_a_stream_of_the_program)
{
    struct scripted own;
    struct bytes in = {0};
    char got[8];
    for(int i = 0; i != 3; i++) l.is->put(&in, three[i], strlen(three[i]));
    l.is->put(&in, "too long for it", 15);
    l.is->put(&in, "dropped", 7);
    bytes_str(&in, "RAW");
    int m = scripted_open(&own, "");
    own.in = (char*)in.p;
    own.inlen = in.n;
    CHECK_OK(m = l.is->attach(m));
    for(int i = 0; i != 3; i++) CHECK_NEXT(m, three[i]);
    CHECK_ERR(mrecv(m, got, sizeof got, 0), EMSGSIZE);
    CHECK_INT(mrecvl(m, NULL, NULL, 0), 7);
    /*  Not a byte too many was received. */
    CHECK_INT((long long)(own.inlen - own.taken), 3);
    CHECK_OK(m = l.is->detach(m, 0));
    CHECK_INT(own.closed, 0);
    CHECK_OK(hclose(m));
    CHECK_INT(own.closed, 1);
    bytes_free(&in);
}

/*  Nobody knows what such a stream has consumed when it fails. */
TEST_PROTOCOLS(rt_messages_an_error_of_a_foreign_stream_ends_a_direction)
{
    static const int errors[] = {ETIMEDOUT, ECANCELED, EBUSY, ENOMEM, EIO};
    for(size_t i = 0; i != COUNT_OF(errors); i++) {
        struct scripted own;
        char got[8];
        check_note("error %d", errors[i]);
        int m = l.is->attach(scripted_open(&own, ""));
        own.err = errors[i];
        CHECK_ERR(mrecv(m, got, sizeof got, 0), errors[i]);
        own.endless = 1;
        own.inlen = 1;
        CHECK_ERR(mrecv(m, got, sizeof got, 0), ECONNRESET);
        CHECK_OK(msend(m, "x", 1, 0));
        own.full = 1;
        CHECK_ERR(msend(m, "x", 1, 0), errors[i]);
        own.full = 0;
        CHECK_ERR(msend(m, "x", 1, 0), ECONNRESET);
        CHECK_ERR(l.is->detach(m, 0), ECONNRESET);
        CHECK_INT(own.closed, 1);
    }
}

TEST_PROTOCOLS(rt_messages_a_foreign_stream_ends)
{
    struct scripted own;
    char got[8];
    int m = l.is->attach(scripted_open(&own, ""));
    CHECK_ERR(mrecv(m, got, sizeof got, 0), EPIPE);
    CHECK_ERR(mrecv(m, got, sizeof got, 0), EPIPE);
    CHECK_OK(m = l.is->detach(m, 0));
    CHECK_OK(hclose(m));
    m = scripted_open(&own, l.is == &SUFFIX ? "abc" : "\0\0\5abc");
    own.inlen = l.is == &SUFFIX ? 3 : 6;
    CHECK_OK(m = l.is->attach(m));
    CHECK_ERR(mrecv(m, got, sizeof got, 0), ECONNRESET);
    CHECK_ERR(l.is->detach(m, 0), ECONNRESET);
    CHECK_INT(own.closed, 1);
}

/*  One that is dropped though it never ends, from a stream that never waits. */
static long long drop_op(void *arg)
{
    struct io *io = arg;
    return mrecvl(io->s, NULL, NULL, io->deadline);
}

TEST(rt_messages_an_endless_one_ends_at_the_deadline)
{
    struct scripted own;
    struct io io;
    for(int cancel = 0; cancel != 2; cancel++) {
        int m = scripted_open(&own, "x");
        own.endless = 1;
        CHECK_OK(m = suffix_attach(m, "\n", 1));
        if(cancel) {
            io_start(&io, drop_op, m, NULL, 0);
            CALL_CANCEL(&io.call);
        } else {
            CHECK_ERR(mrecvl(m, NULL, NULL, BRIEFLY), ETIMEDOUT);
        }
        CHECK_OK(hclose(m));
    }
}
