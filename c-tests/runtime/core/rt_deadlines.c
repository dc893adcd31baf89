/*  Deadlines and cancellation lose nothing: conversations are cut at every
    byte and go on. */

#include <stdlib.h>
#include <string.h>

#include "rt.h"
#include "wire.h"
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

/**** Bytes ****/

enum {MOST = 70000};
static unsigned char out[MOST];
static unsigned char in[MOST];

/*  A stream of the pattern, and how far each side has come. */
struct flow {int s[2]; size_t sent; size_t received;};

static void flow_open(struct flow *f, enum kind kind)
{
    *f = (struct flow){.sent = 0};
    stream_pair(kind, f->s);
}

static void flow_close(struct flow *f)
{
    CHECK_OK(hclose(f->s[0]));
    CHECK_OK(hclose(f->s[1]));
}

static void flow_send(struct flow *f, size_t len)
{
    for(size_t i = 0; i != len; i++) out[i] = pattern(f->sent + i);
    CHECK_OK(bsend(f->s[0], out, len, SOON));
    f->sent += len;
}

/*  What has been received is what comes next in the stream. */
static void flow_verify(struct flow *f, const unsigned char *got, size_t len)
{
    for(size_t i = 0; i != len; i++) {
        if(got[i] == pattern(f->received + i)) continue;
        check_fail(HERE, "byte %zu of the stream is wrong", f->received + i);
        break;
    }
    f->received += len;
}

/*  Ways to ask for the same bytes. */
enum {WHOLE, LIST, GAP, WAYS};

static int ask(struct flow *f, int way, size_t len, int64_t deadline)
{
    size_t a = len / 3;
    size_t b = len / 7;
    struct iolist third = {in + a + b, len - a - b, NULL, 0};
    struct iolist second = {way == GAP ? NULL : in + a, b, &third, 0};
    struct iolist first = {in, a, &second, 0};
    memset(in, 0, len);
    if(way == WHOLE) return brecv(f->s[1], in, len, deadline);
    int rc = brecvl(f->s[1], &first, &third, deadline);
    CHECK(first.iol_next == &second && second.iol_next == &third);
    CHECK(!first.iol_rsvd && !second.iol_rsvd && !third.iol_rsvd);
    return rc;
}

static void verify(struct flow *f, int way, size_t len)
{
    size_t a = len / 3;
    size_t b = len / 7;
    if(way != GAP) {
        flow_verify(f, in, len);
        return;
    }
    flow_verify(f, in, a);
    for(size_t i = 0; i != b; i++) CHECK(in[a + i] == 0);
    f->received += b;
    flow_verify(f, in + a + b, len - a - b);
}

/*  Asks when only the first `cut` of `len` bytes are there, then when all
    are. */
static void ask_twice(struct flow *f, int way, size_t len, size_t cut,
    int64_t deadline)
{
    check_note("%zu bytes, cut at %zu, way %d", len, cut, way);
    flow_send(f, cut);
    CHECK_ERR(ask(f, way, len, deadline), ETIMEDOUT);
    flow_send(f, len - cut);
    CHECK_OK(ask(f, way, len, SOON));
    verify(f, way, len);
    check_note(NULL);
}

TEST_KINDS(rt_deadlines_cut_a_receive_at_every_byte)
{
    struct flow f;
    flow_open(&f, kind);
    for(int way = 0; way != WAYS; way++)
        for(size_t len = 1; len <= 65; len += 16)
            for(size_t cut = 0; cut != len && !check_failed(); cut++)
                ask_twice(&f, way, len, cut, 0);
    flow_close(&f);
}

/*  Around the sizes where the runtime changes its way of receiving. */
TEST_KINDS(rt_deadlines_cut_large_receives)
{
    static const size_t lens[] = {
        1983, 1984, 1985, 8191, 8192, 8193, 20000, 60000};
    struct flow f;
    flow_open(&f, kind);
    for(size_t i = 0; i != COUNT_OF(lens); i++)
        for(int way = 0; way != WAYS; way++) {
            size_t step = lens[i] / (size_t)check_rounds(30);
            for(size_t cut = 0; cut < lens[i] && !check_failed(); cut += step)
                ask_twice(&f, way, lens[i], cut, 0);
            ask_twice(&f, way, lens[i], lens[i] - 1, now() + 1);
        }
    flow_close(&f);
}

/*  Byte by byte, with a receive that is too early before each. */
TEST_KINDS(rt_deadlines_cut_the_same_receive_again_and_again)
{
    struct flow f;
    flow_open(&f, kind);
    for(size_t len = 1; len <= 10000; len = 8 * len + 3) {
        check_note("%zu bytes", len);
        for(size_t i = 0; i != len; i++) {
            CHECK_ERR(ask(&f, WHOLE, len, 0), ETIMEDOUT);
            flow_send(&f, 1);
        }
        CHECK_OK(ask(&f, WHOLE, len, 0));
        verify(&f, WHOLE, len);
    }
    flow_close(&f);
}

/*  Whatever is asked for: it comes if it is there, and else stays. */
TEST_KINDS(rt_deadlines_any_order_of_requests)
{
    struct flow f;
    unsigned seed = 7;
    flow_open(&f, kind);
    for(long i = check_rounds(20000); i && !check_failed(); i--) {
        size_t there = f.sent - f.received;
        if(rand_r(&seed) % 2 && there < 100000) {
            size_t n = (size_t)rand_r(&seed);
            flow_send(&f, rand_r(&seed) % 5 ? n % 60 : n % 30000);
            there = f.sent - f.received;
        }
        size_t len = (size_t)rand_r(&seed);
        len = rand_r(&seed) % 3 ? len % 50 : len % 40000;
        int way = rand_r(&seed) % (WAYS + 1);
        if(way == WAYS) {
            ssize_t n = brecv_some(f.s[1], in, len, 0);
            if(len && there) {
                CHECK_RANGE(n, 1, len < there ? len : there);
                flow_verify(&f, in, n < 0 ? 0 : (size_t)n);
            } else {
                CHECK_INT(n, len ? -1 : 0);
            }
        } else if(len <= there) {
            CHECK_OK(ask(&f, way, len, 0));
            verify(&f, way, len);
        } else {
            CHECK_ERR(ask(&f, way, len, 0), ETIMEDOUT);
        }
    }
    flow_close(&f);
}

/**** Both directions at once ****/

enum {ALL = 4 << 20};
static unsigned char source[ALL];

struct stream {int s; unsigned seed; size_t done;};

static coroutine void send_all(struct stream *t, size_t all)
{
    while(t->done != all) {
        size_t len = (size_t)rand_r(&t->seed) % 30000;
        if(len > all - t->done) len = all - t->done;
        CHECK_OK(bsend(t->s, source + t->done, len, SOON));
        t->done += len;
        if(rand_r(&t->seed) % 4 == 0) msleep(now() + 1);
    }
}

static coroutine void receive_all_of_it(struct stream *t, size_t all,
    long *late)
{
    unsigned char *got = malloc(all);
    while(t->done != all) {
        size_t len = 1 + (size_t)rand_r(&t->seed) % 70000;
        if(len > all - t->done) len = all - t->done;
        int64_t deadline = now() + rand_r(&t->seed) % 3;
        int some = rand_r(&t->seed) % 4 == 0;
        ssize_t n = some ? brecv_some(t->s, got + t->done, len, deadline) :
            brecv(t->s, got + t->done, len, deadline);
        if(n >= 0) t->done += some ? (size_t)n : len;
        else if(errno == ETIMEDOUT) ++*late;
        else break;
    }
    CHECK_INT(t->done, all);
    CHECK(memcmp(got, source, t->done) == 0);
    free(got);
}

TEST_KINDS(rt_deadlines_at_random_in_both_directions)
{
    int s[2];
    long late = 0;
    size_t all = (size_t)check_rounds(ALL);
    struct stream t[4];
    stream_pair(kind, s);
    for(size_t i = 0; i != all; i++) source[i] = pattern(i);
    int b = bundle();
    for(unsigned i = 0; i != 4; i++) t[i] = (struct stream){s[i % 2], i, 0};
    for(int i = 0; i != 2; i++) {
        bundle_go(b, send_all(&t[i], all));
        bundle_go(b, receive_all_of_it(&t[2 + i], all, &late));
    }
    CHECK_OK(bundle_wait(b, now() + check_ms(20000)));
    CHECK(late > 0);
    CHECK_OK(hclose(b));
    for(int i = 0; i != 2; i++) CHECK_OK(hclose(s[i]));
}

/**** Cancelled readers ****/

static long long brecv_op(void *arg)
{
    struct flow *f = arg;
    return brecv(f->s[1], in, MOST, -1);
}

/*  A reader is cancelled at some byte, and another takes over. */
TEST_KINDS(rt_deadlines_cancelled_readers_lose_nothing)
{
    struct flow f;
    struct call c;
    flow_open(&f, kind);
    size_t there = 0;
    for(size_t cut = 1; cut < MOST; cut = cut * 3 / 2 + 1) {
        check_note("cut at %zu", cut);
        call_start(&c, brecv_op, &f);
        flow_send(&f, cut - there);
        there = cut;
        /*  Let it have what has come. */
        CHECK_OK(msleep(now() + 1));
        CALL_CANCEL(&c);
    }
    flow_send(&f, MOST - there);
    CHECK_OK(brecv(f.s[1], in, MOST, SOON));
    flow_verify(&f, in, MOST);
    flow_close(&f);
}

/**** Sending ****/

TEST_KINDS(rt_deadlines_a_send_that_sent_nothing_can_be_repeated)
{
    int fd;
    char c[3];
    int s = stream_open(kind, &fd);
    size_t filled = stream_fill(s);
    /*  TCP may yet find room for some: one byte, as three might be cut. */
    for(int late = 0; late != 2;) {
        if(bsend(s, "a", 1, late ? BRIEFLY : 0) == 0) {
            filled++;
            continue;
        }
        REQUIRE(errno == ETIMEDOUT);
        late++;
    }
    char *dropped = malloc(filled);
    CHECK_INT(wire_write(fd, "x", 1), 0);
    CHECK_OK(brecv(s, c, 1, SOON));
    CHECK_INT(wire_read(fd, dropped, filled, WIRE_PATIENCE), filled);
    CHECK_OK(bsend(s, "abc", 3, SOON));
    CHECK_INT(wire_read(fd, c, 3, WIRE_PATIENCE), 3);
    CHECK_BYTES(c, 3, "abc", 3);
    CHECK_OK(hclose(s));
    wire_close(fd);
    free(dropped);
}

/*  The peer cannot know what is missing: sending is over, receiving is not. */
TEST_KINDS(rt_deadlines_a_send_that_was_cut_ends_sending_only)
{
    static char big[16 << 20];
    int s[2];
    char c;
    stream_pair(kind, s);
    CHECK_ERR(bsend(s[0], big, sizeof big, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(bsend(s[0], "x", 1, SOON), ECONNRESET);
    CHECK_ERR(stream_done(kind, s[0]), ECONNRESET);
    for(int i = 0; i != 3; i++) {
        CHECK_OK(bsend(s[1], "y", 1, SOON));
        CHECK_OK(brecv(s[0], &c, 1, SOON));
    }
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/**** A WebSocket on top ****/

enum {BIG = 66000};
static char big_message[BIG];

/*  What the peer says, and what is to come out. */
static const struct {int type; size_t len; const char *text;} talk[] = {
    {WS_TEXT, 5, "first"},
    {WS_TEXT, 0, ""},
    {WS_BINARY, 12, "in fragments"},
    {WS_TEXT, 200, NULL},
    {WS_BINARY, BIG, NULL},
    {WS_TEXT, 4, "last"},
};

static const char *text_of(size_t i)
{
    return talk[i].text ? talk[i].text : big_message;
}

static void put_message(struct bytes *b, enum role role, size_t i)
{
    int opcode = talk[i].type == WS_TEXT ? OP_TEXT : OP_BINARY;
    const char *text = text_of(i);
    if(strcmp(text, "in fragments") != 0) {
        peer_message(b, role, opcode, text, talk[i].len);
        return;
    }
    peer_part(b, role, opcode, 0, text, 3);
    peer_ping(b, role, "between");
    peer_part(b, role, OP_CONT, 0, text, 0);
    peer_part(b, role, OP_CONT, 0, text + 3, 8);
    peer_ping(b, role, "");
    peer_part(b, role, OP_CONT, 1, text + 11, 1);
}

/*  With the places where it is worth cutting: everywhere but in the middle of
    what is big. */
static void compose(struct bytes *b, enum role role, char **cuts)
{
    memset(big_message, 'm', sizeof big_message);
    *cuts = NULL;
    for(size_t i = 0; i != COUNT_OF(talk); i++) {
        size_t from = b->n;
        put_message(b, role, i);
        *cuts = realloc(*cuts, b->n);
        for(size_t at = from; at != b->n; at++)
            (*cuts)[at] = at < from + 300 || at + 20 > b->n || at % 1500 == 0;
    }
    size_t from = b->n;
    peer_close(b, role, 1000, "over", 4);
    *cuts = realloc(*cuts, b->n);
    memset(*cuts + from, 1, b->n - from);
}

static int ws_attach(enum role role, int s)
{
    int h = role == CLIENT ?
        ws_attach_client(s, WS_NOHTTP, NULL, NULL, SOON) :
        ws_attach_server(s, WS_NOHTTP, NULL, 0, NULL, 0, SOON);
    CHECK_OK(h);
    return h;
}

static char message[BIG + 1];

/*  Receives all that is there; returns how many messages came, *end at the
    peer's close frame. */
static size_t receive_all(int h, size_t next, int *end)
{
    while(!check_failed()) {
        int type = -1;
        errno = 0;
        ssize_t n = ws_recv(h, &type, message, sizeof message, 0);
        if(n < 0) {
            *end = errno == EPIPE;
            if(!*end) CHECK_INT(errno, ETIMEDOUT);
            return next;
        }
        if(next == COUNT_OF(talk)) {
            check_fail(HERE, "one message too many");
            return next;
        }
        CHECK_INT(type, talk[next].type);
        CHECK_BYTES(message, (size_t)n, text_of(next), talk[next].len);
        next++;
    }
    return next;
}

/*  Gives the WebSocket the conversation piece by piece, and has it receive,
    with deadline 0, at each cut. */
static void converse(enum kind kind, enum role role)
{
    int fd;
    struct bytes b = {0};
    char *cuts;
    int h = ws_attach(role, stream_open(kind, &fd));
    compose(&b, role, &cuts);
    size_t next = 0;
    int end = 0;
    size_t from = 0;
    for(size_t at = 1; at <= b.n && !check_failed(); at++) {
        if(at != b.n && !cuts[at]) continue;
        check_note("cut at %zu of %zu", at, b.n);
        CHECK_INT(wire_write(fd, b.p + from, at - from), 0);
        from = at;
        if(kind == TCP && at == b.n) CHECK_OK(msleep(now() + check_ms(5)));
        next = receive_all(h, next, &end);
    }
    CHECK_INT(next, COUNT_OF(talk));
    CHECK_INT(end, 1);
    /*  The pings have been answered, and the other direction is as good. */
    CHECK_OK(ws_send(h, WS_TEXT, "answer", 6, SOON));
    EXPECT_FRAME(fd, role, OP_PONG, "between", 7);
    EXPECT_FRAME(fd, role, OP_PONG, "", 0);
    EXPECT_FRAME(fd, role, OP_TEXT, "answer", 6);
    int s = ws_detach(h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
    wire_close(fd);
    bytes_free(&b);
    free(cuts);
}

TEST_KINDS(rt_deadlines_cut_a_websocket_client_at_every_byte)
{
    converse(kind, CLIENT);
}

TEST_KINDS(rt_deadlines_cut_a_websocket_server_at_every_byte)
{
    converse(kind, SERVER);
}

struct receiver {int h; size_t next; int end;};

/*  Receives until it is cancelled or the conversation is over. */
static long long receive_op(void *arg)
{
    struct receiver *r = arg;
    while(1) {
        int type = -1;
        ssize_t n = ws_recv(r->h, &type, message, sizeof message, -1);
        if(n < 0) {
            r->end = errno == EPIPE;
            return -1;
        }
        if(r->next == COUNT_OF(talk)) return 0;
        CHECK_INT(type, talk[r->next].type);
        CHECK_BYTES(message, (size_t)n, text_of(r->next), talk[r->next].len);
        r->next++;
    }
}

/*  The same with a receiver that is cancelled at each cut. */
static void converse_cancelled(enum kind kind, enum role role)
{
    int fd;
    struct bytes b = {0};
    char *cuts;
    struct receiver r = {.h = ws_attach(role, stream_open(kind, &fd))};
    compose(&b, role, &cuts);
    size_t from = 0;
    for(size_t at = 1; at <= b.n && !check_failed(); at++) {
        /*  Each costs a poll: every byte of the small messages is enough. */
        if(at != b.n && (!cuts[at] || at % (size_t)check_ms(3) == 0)) continue;
        struct call c;
        check_note("cut at %zu of %zu", at, b.n);
        call_start(&c, receive_op, &r);
        CHECK_INT(wire_write(fd, b.p + from, at - from), 0);
        from = at;
        if(at == b.n) CALL_FAILS(&c, EPIPE);
        else if(at % 2) CALL_CANCEL(&c);
        else {
            CHECK_OK(msleep(0));
            CALL_CANCEL(&c);
        }
    }
    CHECK_INT(r.next, COUNT_OF(talk));
    CHECK_INT(r.end, 1);
    EXPECT_FRAME(fd, role, OP_PONG, "between", 7);
    EXPECT_FRAME(fd, role, OP_PONG, "", 0);
    int s = ws_detach(r.h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
    wire_close(fd);
    bytes_free(&b);
    free(cuts);
}

TEST_KINDS(rt_deadlines_cancel_a_websocket_client_at_every_byte)
{
    converse_cancelled(kind, CLIENT);
}

TEST_KINDS(rt_deadlines_cancel_a_websocket_server_at_every_byte)
{
    converse_cancelled(kind, SERVER);
}

/**** Both sides of a conversation, impatient ****/

enum {LONGEST = 20000};
struct side {int h; unsigned seed; long messages; long late;};

static coroutine void talk_to(struct side *side)
{
    static char text[LONGEST];
    for(long i = 0; i != side->messages; i++) {
        size_t len = (size_t)rand_r(&side->seed) % (i % 10 ? 50 : sizeof text);
        struct iolist rest = {text, len, NULL, 0};
        struct iolist first = {&i, sizeof i, &rest, 0};
        CHECK_OK(ws_sendl(side->h, WS_BINARY, &first, &rest, SOON));
        if(i % 50 == 0) msleep(now() + 1);
    }
}

static coroutine void listen_to(struct side *side)
{
    struct {long id; char text[LONGEST];} *m = malloc(sizeof *m);
    for(long i = 0; i != side->messages;) {
        int wait = rand_r(&side->seed) % 3;
        ssize_t n = ws_recv(side->h, NULL, m, sizeof *m,
            wait ? now() + wait - 1 : 0);
        if(n < 0) {
            if(errno != ETIMEDOUT) {
                check_fail(HERE, "message %ld: %s", i, strerror(errno));
                break;
            }
            side->late++;
            if(!wait) yield();
            continue;
        }
        if(m->id != i) {
            check_fail(HERE, "message %ld in place of %ld", m->id, i);
            break;
        }
        i++;
    }
    free(m);
}

TEST_KINDS(rt_deadlines_an_impatient_conversation)
{
    int s[2];
    stream_pair(kind, s);
    int h[2] = {ws_attach(CLIENT, s[0]), ws_attach(SERVER, s[1])};
    long messages = check_rounds(5000);
    struct side side[4];
    int all = bundle();
    for(int i = 0; i != 4; i++)
        side[i] = (struct side){h[i % 2], (unsigned)i, messages, 0};
    for(int i = 0; i != 2; i++) bundle_go(all, talk_to(&side[i]));
    for(int i = 2; i != 4; i++) bundle_go(all, listen_to(&side[i]));
    CHECK_OK(bundle_wait(all, now() + check_ms(20000)));
    CHECK_OK(hclose(all));
    /*  Or the test shows nothing. */
    CHECK(side[2].late + side[3].late > 0);
    for(int i = 0; i != 2; i++) CHECK_OK(hclose(h[i]));
}
