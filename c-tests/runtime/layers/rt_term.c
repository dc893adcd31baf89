/*  Term sockets, over all message sockets. */

#include <stdlib.h>
#include <string.h>

#include "rt.h"
#include "wire.h"

/**** What is below ****/

enum below {SUFFIX_IPC, SUFFIX_TCP, SUFFIX_TLS, PREFIX_IPC, PREFIX_TCP,
    PREFIX_TLS, WEBSOCKET};

#define TEST_BELOW_(name, below) \
    static void name##_##below(void) {name(below);} \
    CHECK_REGISTER_(name##_##below##_test, #name, "/" #below, \
        name##_##below, NULL, CLIENT, NULL)

/*  A test over each but WebSockets. */
#define TEST_LAYERS(name) \
    static void name(enum below below); \
    TEST_BELOW_(name, SUFFIX_IPC) \
    TEST_BELOW_(name, SUFFIX_TCP) \
    TEST_BELOW_(name, SUFFIX_TLS) \
    TEST_BELOW_(name, PREFIX_IPC) \
    TEST_BELOW_(name, PREFIX_TCP) \
    TEST_BELOW_(name, PREFIX_TLS) \
    static void name(enum below below)

/*  A test over each. */
#define TEST_BELOW(name) \
    static void name(enum below below); \
    TEST_BELOW_(name, WEBSOCKET) \
    TEST_LAYERS(name)

static int messages_over(enum below below, int s, int client)
{
    switch(below) {
    case SUFFIX_IPC: case SUFFIX_TCP: case SUFFIX_TLS:
        return suffix_attach(s, "\r\n", 2);
    case PREFIX_IPC: case PREFIX_TCP: case PREFIX_TLS:
        return prefix_attach(s, 2, 0);
    default:
        return client ?
            ws_attach_client(s, WS_BINARY | WS_NOHTTP, NULL, NULL, SOON) :
            ws_attach_server(s, WS_BINARY | WS_NOHTTP, NULL, 0, NULL, 0, SOON);
    }
}

/*  Two message sockets. */
static void messages(enum below below, int m[2])
{
    stream_pair(below == SUFFIX_TCP || below == PREFIX_TCP ? TCP : IPC, m);
    if(below == SUFFIX_TLS || below == PREFIX_TLS) stream_secure(m);
    for(int i = 0; i != 2; i++)
        if((m[i] = messages_over(below, m[i], i)) < 0) abort();
}

/*  A term socket, and the far end of the message socket under it. */
static void term_open(enum below below, const char *terminator, int m[2])
{
    messages(below, m);
    m[0] = term_attach(m[0], terminator, strlen(terminator));
    if(m[0] < 0) abort();
}

static void term_pair(enum below below, const char *terminator, int m[2])
{
    term_open(below, terminator, m);
    m[1] = term_attach(m[1], terminator, strlen(terminator));
    if(m[1] < 0) abort();
}

static void close_pair(const int m[2])
{
    CHECK_OK(hclose(m[0]));
    CHECK_OK(hclose(m[1]));
}

static void check_next(struct at at, int m, const char *want)
{
    char got[64];
    errno = 0;
    ssize_t n = mrecv(m, got, sizeof got, SOON);
    check_int(at, "mrecv", n, (long long)strlen(want));
    if(n >= 0) check_bytes(at, "message", got, (size_t)n, want, strlen(want));
}
#define CHECK_NEXT(m, want) check_next(HERE, m, want)

static void send_text(int m, const char *text)
{
    CHECK_OK(msend(m, text, strlen(text), SOON));
}

static long long receive_op(void *arg)
{
    struct io *io = arg;
    return mrecv(io->s, io->buf, io->len, io->deadline);
}

static long long send_op(void *arg)
{
    struct io *io = arg;
    return msend(io->s, io->buf, io->len, io->deadline);
}

static long long detach_op(void *arg)
{
    struct io *io = arg;
    return term_detach(io->s, io->deadline);
}

/**** Conversations ****/

TEST_BELOW(rt_term_a_conversation_ends_in_order)
{
    static const char *const terminators[] = {"STOP", "", "\1",
        "a terminal message of 32 bytes.."};
    for(size_t i = 0; i != COUNT_OF(terminators); i++) {
        int m[2];
        char got[64];
        struct io io;
        check_note("terminator %zu", i);
        term_pair(below, terminators[i], m);
        send_text(m[0], "ABC");
        send_text(m[0], "STOP it");
        CHECK_NEXT(m[1], "ABC");
        send_text(m[1], "DEF");
        send_text(m[1], "not read");
        CHECK_NEXT(m[0], "DEF");
        io_start(&io, detach_op, m[0], NULL, 0);
        CHECK_BLOCKED(&io.call);
        CHECK_NEXT(m[1], "STOP it");
        CHECK_ERR(mrecv(m[1], got, sizeof got, SOON), EPIPE);
        CHECK_ERR(mrecv(m[1], got, 0, SOON), EPIPE);
        CHECK_ERR(mrecvl(m[1], NULL, NULL, SOON), EPIPE);
        send_text(m[1], "not read either");
        CHECK_OK(term_done(m[1], SOON));
        CHECK_ERR(term_done(m[1], SOON), EPIPE);
        CHECK_ERR(msend(m[1], "x", 1, SOON), EPIPE);
        int old = m[1];
        CHECK_OK(m[1] = term_detach(m[1], 0));
        CHECK_ERR(hclose(old), EBADF);
        call_wait(HERE, &io.call);
        CHECK_OK(m[0] = (int)io.call.rc);
        /*  Both agree where they are. */
        send_text(m[0], "over");
        send_text(m[1], "and out");
        CHECK_NEXT(m[1], "over");
        CHECK_NEXT(m[0], "and out");
        close_pair(m);
    }
}

TEST_BELOW(rt_term_done_is_the_end_of_sending_only)
{
    int m[2];
    term_open(below, "STOP", m);
    CHECK_OK(term_done(m[0], SOON));
    CHECK_ERR(term_done(m[0], SOON), EPIPE);
    CHECK_ERR(msend(m[0], "x", 1, SOON), EPIPE);
    CHECK_ERR(msend(m[0], "STOP", 4, SOON), EPIPE);
    CHECK_NEXT(m[1], "STOP");
    send_text(m[1], "more");
    CHECK_NEXT(m[0], "more");
    send_text(m[1], "STOP");
    CHECK_OK(m[0] = term_detach(m[0], SOON));
    send_text(m[0], "next");
    CHECK_NEXT(m[1], "next");
    close_pair(m);
}

TEST_BELOW(rt_term_detach_drops_messages_up_to_the_terminal_one)
{
    int m[2];
    term_open(below, "STOP", m);
    for(int i = 0; i != 30; i++) send_text(m[1], "a message like any other");
    send_text(m[1], "STOP");
    send_text(m[1], "behind");
    CHECK_OK(m[0] = term_detach(m[0], SOON));
    CHECK_NEXT(m[0], "behind");
    CHECK_NEXT(m[1], "STOP");
    close_pair(m);
}

/*  A peer would take it for the end. */
TEST_BELOW(rt_term_the_terminal_message_is_sent_by_done_only)
{
    char text[] = "STOP";
    struct iolist list[] = {{text, 1, &list[1], 0}, {NULL, 0, &list[2], 0},
        {text + 1, 3, NULL, 0}};
    int m[2];
    term_open(below, "STOP", m);
    CHECK_ERR(msend(m[0], "STOP", 4, SOON), EINVAL);
    CHECK_ERR(msendl(m[0], &list[0], &list[2], SOON), EINVAL);
    send_text(m[0], "STOP!");
    send_text(m[0], "STO");
    send_text(m[0], "STOp");
    send_text(m[0], "");
    CHECK_NEXT(m[1], "STOP!");
    CHECK_NEXT(m[1], "STO");
    CHECK_NEXT(m[1], "STOp");
    CHECK_NEXT(m[1], "");
    close_pair(m);
    term_open(below, "", m);
    CHECK_ERR(msend(m[0], NULL, 0, SOON), EINVAL);
    send_text(m[0], "x");
    CHECK_NEXT(m[1], "x");
    close_pair(m);
}

/**** Buffers ****/

/*  With any room, also less than the terminal message needs. */
TEST_BELOW(rt_term_messages_and_their_room)
{
    static const char *const texts[] = {"", "a", "ab", "abc", "abcd", "STOp",
        "abcde", "abcdefgh"};
    int m[2];
    term_open(below, "STOP", m);
    for(size_t i = 0; i != COUNT_OF(texts); i++) {
        size_t len = strlen(texts[i]);
        for(size_t room = 0; room != 10; room++) {
            char got[10];
            char want[10];
            check_note("%zu bytes, room for %zu", len, room);
            memset(got, '.', sizeof got);
            memset(want, '.', sizeof want);
            send_text(m[1], texts[i]);
            if(room < len) {
                CHECK_ERR(mrecv(m[0], got, room, SOON), EMSGSIZE);
            } else {
                CHECK_INT(mrecv(m[0], got, room, SOON), (long long)len);
                memcpy(want, texts[i], len);
                CHECK_BYTES(got, sizeof got, want, sizeof want);
            }
            CHECK_BYTES(got + room, sizeof got - room, want + room,
                sizeof want - room);
        }
    }
    send_text(m[1], "STOP");
    CHECK_ERR(mrecv(m[0], NULL, 0, SOON), EPIPE);
    close_pair(m);
}

/*  Cuts the memory in three at every two places. */
TEST(rt_term_messages_fill_lists)
{
    enum {LEN = 9};
    int m[2];
    term_open(PREFIX_IPC, "STOP", m);
    for(size_t a = 0; a <= LEN; a++) for(size_t b = a; b <= LEN; b++)
    for(int hole = 0; hole != 4; hole++) for(int len = 0; len <= LEN; len++) {
        char got[LEN + 3] = {0};
        char want[LEN + 3] = {0};
        struct iolist list[] = {{got, a, &list[1], 0},
            {got + a, b - a, &list[2], 0}, {got + b, LEN - b + 2, NULL, 0}};
        struct iolist before[3];
        memcpy(want, "123456789", (size_t)len);
        if(hole < 3) {
            size_t from = (size_t)((char*)list[hole].iol_base - got);
            memset(want + from, 0, list[hole].iol_len);
            list[hole].iol_base = NULL;
        }
        check_note("%d bytes, cut at %zu and %zu, hole %d", len, a, b, hole);
        memcpy(before, list, sizeof list);
        CHECK_OK(msend(m[1], "123456789", (size_t)len, SOON));
        CHECK_INT(mrecvl(m[0], &list[0], &list[2], SOON), len);
        CHECK_BYTES(got, sizeof got, want, sizeof want);
        CHECK_SAME_LIST(list, before, 3);
    }
    close_pair(m);
}

TEST_BELOW(rt_term_messages_can_be_dropped)
{
    int m[2];
    struct iolist any = {NULL, SIZE_MAX, NULL, 0};
    struct iolist five = {NULL, 5, NULL, 0};
    term_open(below, "STOP", m);
    send_text(m[1], "hello");
    send_text(m[1], "");
    send_text(m[1], "exact");
    send_text(m[1], "longer");
    send_text(m[1], "next");
    send_text(m[1], "STOP");
    CHECK_INT(mrecvl(m[0], NULL, NULL, SOON), 5);
    CHECK_INT(mrecvl(m[0], &any, &any, SOON), 0);
    CHECK_INT(mrecvl(m[0], &five, &five, SOON), 5);
    CHECK_ERR(mrecvl(m[0], &five, &five, SOON), EMSGSIZE);
    CHECK_NEXT(m[0], "next");
    CHECK_ERR(mrecvl(m[0], NULL, NULL, SOON), EPIPE);
    close_pair(m);
}

TEST(rt_term_malformed_lists_are_einval_and_harmless)
{
    char buf[8] = "12345678";
    struct iolist marked = {buf, 8, NULL, 1};
    struct iolist loop[] = {{buf, 4, &loop[1], 0}, {buf + 4, 4, &loop[0], 0}};
    struct iolist alone = {buf, 8, NULL, 0};
    struct iolist hole[] = {{buf, 4, &hole[1], 0}, {NULL, 4, NULL, 0}};
    struct iolist huge[] = {{buf, SIZE_MAX, &huge[1], 0}, {buf, 4, NULL, 0}};
    struct {struct iolist *first; struct iolist *last;} wrong[] = {
        {&marked, &marked}, {&loop[0], &loop[1]}, {&hole[0], &alone},
        {&alone, NULL}, {NULL, &alone}, {&huge[0], &huge[1]}};
    int m[2];
    term_open(SUFFIX_IPC, "STOP", m);
    for(size_t i = 0; i != COUNT_OF(wrong); i++) {
        check_note("list %zu", i);
        CHECK_ERR(msendl(m[0], wrong[i].first, wrong[i].last, SOON), EINVAL);
        CHECK_ERR(mrecvl(m[0], wrong[i].first, wrong[i].last, SOON), EINVAL);
    }
    check_note(NULL);
    CHECK_ERR(msendl(m[0], NULL, NULL, SOON), EINVAL);
    CHECK_ERR(msendl(m[0], &hole[0], &hole[1], SOON), EINVAL);
    CHECK_ERR(msend(m[0], NULL, 4, SOON), EINVAL);
    send_text(m[1], "next");
    CHECK_NEXT(m[0], "next");
    send_text(m[0], "next");
    CHECK_NEXT(m[1], "next");
    close_pair(m);
}

/**** Interruptions and ends ****/

/*  The bytes of two messages and the terminal one, with a deadline at each. */
static void deadlines_at_every_byte(int suffix)
{
    static const char suffixed[] = "ABCDEF\r\nG\r\nSTOP\r\nraw";
    static const char prefixed[] = "\0\6ABCDEF\0\1G\0\4STOPraw";
    const char *wire = suffix ? suffixed : prefixed;
    size_t n = sizeof suffixed - 4;
    size_t ends[] = {8, 11, n};
    int fd;
    int next = 0;
    int s = stream_open(IPC, &fd);
    CHECK_OK(s = suffix ? suffix_attach(s, "\r\n", 2) : prefix_attach(s, 2, 0));
    CHECK_OK(s = term_attach(s, "STOP", 4));
    if(!suffix) {
        ends[1] = 11;
        n = sizeof prefixed - 4;
        ends[2] = n;
    }
    for(size_t i = 0; i != n; i++) {
        char got[16];
        check_note("byte %zu", i);
        CHECK_ERR(i % 3 ? mrecv(s, got, sizeof got - i % 9, 0) :
            mrecv(s, got, 6, BRIEFLY), ETIMEDOUT);
        memset(got, '?', sizeof got);
        CHECK_INT(wire_write(fd, wire + i, 1), 0);
        if(i + 1 != ends[next]) continue;
        if(next == 0) CHECK_NEXT(s, "ABCDEF");
        else if(next == 1) CHECK_NEXT(s, "G");
        else CHECK_ERR(mrecv(s, got, 4, SOON), EPIPE);
        next++;
    }
    CHECK_INT(next, 3);
    CHECK_INT(wire_write(fd, wire + n, 3), 0);
    CHECK_OK(s = term_detach(s, SOON));
    CHECK_OK(s = suffix ? suffix_detach(s, SOON) : prefix_detach(s));
    char raw[3];
    CHECK_OK(brecv(s, raw, 3, SOON));
    CHECK_BYTES(raw, 3, "raw", 3);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_term_a_deadline_at_every_byte_loses_nothing)
{
    deadlines_at_every_byte(1);
    deadlines_at_every_byte(0);
}

/*  It is noticed also by a call that drops messages and is interrupted. */
TEST(rt_term_the_terminal_message_is_noticed_in_pieces)
{
    static const char wire[] = "STOP\r\n";
    int fd;
    int s = stream_open(IPC, &fd);
    CHECK_OK(s = suffix_attach(s, "\r\n", 2));
    CHECK_OK(s = term_attach(s, "STOP", 4));
    for(size_t i = 0; i != 6; i++) {
        CHECK_ERR(mrecvl(s, NULL, NULL, 0), ETIMEDOUT);
        CHECK_INT(wire_write(fd, wire + i, 1), 0);
    }
    CHECK_ERR(mrecvl(s, NULL, NULL, SOON), EPIPE);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  What has been dropped in part is lost for calls that want to have it. */
TEST(rt_term_messages_dropped_in_part)
{
    static const char wire[] = "dropped\r\nnext\r\n";
    int fd;
    int s = stream_open(IPC, &fd);
    CHECK_OK(s = suffix_attach(s, "\r\n", 2));
    CHECK_OK(s = term_attach(s, "STOP", 4));
    CHECK_INT(wire_write(fd, wire, 6), 0);
    CHECK_ERR(mrecvl(s, NULL, NULL, BRIEFLY), ETIMEDOUT);
    CHECK_INT(wire_write(fd, wire + 6, sizeof wire - 7), 0);
    CHECK_NEXT(s, "next");
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  The end of what is below is no terminal message. */
TEST_LAYERS(rt_term_an_end_without_a_terminal_message_is_econnreset)
{
    int m[2];
    char got[8];
    term_open(below, "STOP", m);
    send_text(m[1], "last");
    CHECK_OK(m[1] = below < PREFIX_IPC ? suffix_detach(m[1], SOON) :
        prefix_detach(m[1]));
    CHECK_OK(below % 3 == SUFFIX_IPC ? ipc_done(m[1], SOON) :
        below % 3 == SUFFIX_TCP ? tcp_done(m[1], SOON) : tls_done(m[1], SOON));
    CHECK_NEXT(m[0], "last");
    CHECK_ERR(mrecv(m[0], got, sizeof got, SOON), ECONNRESET);
    CHECK_ERR(mrecv(m[0], got, sizeof got, SOON), ECONNRESET);
    CHECK_ERR(term_detach(m[0], SOON), ECONNRESET);
    CHECK_ERR(hclose(m[0]), EBADF);
    CHECK_OK(hclose(m[1]));
}

TEST(rt_term_a_websocket_ends_without_a_terminal_message)
{
    int m[2];
    char got[8];
    term_open(WEBSOCKET, "STOP", m);
    CHECK_OK(ws_done(m[1], 1000, NULL, 0, SOON));
    CHECK_ERR(mrecv(m[0], got, sizeof got, SOON), ECONNRESET);
    CHECK_ERR(term_detach(m[0], SOON), ECONNRESET);
    CHECK_OK(hclose(m[1]));
}

TEST_BELOW(rt_term_detach_that_fails_closes_everything)
{
    int m[2];
    struct io io;
    int before = open_handles();
    for(int cancel = 0; cancel != 2; cancel++) {
        term_open(below, "STOP", m);
        send_text(m[1], "not the end");
        if(cancel) {
            io_start(&io, detach_op, m[0], NULL, 0);
            CALL_CANCEL(&io.call);
        } else {
            CHECK_ERR(term_detach(m[0], BRIEFLY), ETIMEDOUT);
        }
        CHECK_ERR(hclose(m[0]), EBADF);
        CHECK_NEXT(m[1], "STOP");
        CHECK_OK(hclose(m[1]));
        CHECK_INT(open_handles(), before);
    }
}

TEST(rt_term_done_can_be_repeated_if_nothing_was_sent)
{
    int s[2];
    stream_pair(IPC, s);
    size_t filled = stream_fill(s[0]);
    CHECK_OK(s[0] = suffix_attach(s[0], "\n", 1));
    CHECK_OK(s[0] = term_attach(s[0], "STOP", 4));
    CHECK_ERR(term_done(s[0], 0), ETIMEDOUT);
    CHECK_ERR(term_done(s[0], BRIEFLY), ETIMEDOUT);
    CHECK_ERR(msend(s[0], "x", 1, BRIEFLY), ETIMEDOUT);
    stream_drop(s[1], filled);
    CHECK_OK(msend(s[0], "x", 1, SOON));
    CHECK_OK(term_done(s[0], SOON));
    CHECK_ERR(term_done(s[0], SOON), EPIPE);
    CHECK_OK(s[1] = suffix_attach(s[1], "\n", 1));
    CHECK_NEXT(s[1], "x");
    CHECK_NEXT(s[1], "STOP");
    close_pair(s);
}

/**** Several at once ****/

TEST_BELOW(rt_term_one_receiver_at_a_time)
{
    int m[2];
    char got[16];
    char other[16];
    struct io io;
    term_open(below, "STOP", m);
    io_start(&io, receive_op, m[0], got, sizeof got);
    CHECK_ERR(mrecv(m[0], other, sizeof other, SOON), EBUSY);
    CHECK_ERR(term_detach(m[0], SOON), EBUSY);
    /*  Nothing was sent by that. */
    CHECK_OK(msend(m[0], "x", 1, SOON));
    CHECK_NEXT(m[1], "x");
    send_text(m[1], "hello");
    CALL_RETURNS(&io.call, 5);
    CHECK_BYTES(got, 5, "hello", 5);
    close_pair(m);
}

TEST(rt_term_one_sender_at_a_time)
{
    enum {LEN = 8000000};
    int m[2];
    struct io io;
    char *out = calloc(1, LEN);
    stream_pair(IPC, m);
    for(int i = 0; i != 2; i++) CHECK_OK(m[i] = prefix_attach(m[i], 4, 0));
    CHECK_OK(m[0] = term_attach(m[0], "STOP", 4));
    io_start(&io, send_op, m[0], out, LEN);
    CHECK_BLOCKED(&io.call);
    CHECK_ERR(msend(m[0], "x", 1, SOON), EBUSY);
    CHECK_ERR(term_done(m[0], SOON), EBUSY);
    CHECK_ERR(term_detach(m[0], SOON), EBUSY);
    CHECK_INT(mrecvl(m[1], NULL, NULL, SOON), LEN);
    CALL_RETURNS(&io.call, 0);
    CHECK_OK(term_done(m[0], SOON));
    CHECK_NEXT(m[1], "STOP");
    free(out);
    close_pair(m);
}

TEST_BELOW(rt_term_closed_under_calls)
{
    int m[2];
    char got[8];
    struct io io;
    for(int how = 0; how != 3; how++) {
        check_note("case %d", how);
        term_open(below, "STOP", m);
        io_start(&io, how ? detach_op : receive_op, m[0], got, sizeof got);
        CHECK_BLOCKED(&io.call);
        if(how < 2) {
            CHECK_OK(hclose(m[0]));
            CALL_FAILS(&io.call, ECONNRESET);
            CHECK_ERR(hclose(m[0]), EBADF);
        } else {
            CHECK_OK(m[0] = hown(m[0]));
            send_text(m[1], "STOP");
            CALL_FAILS(&io.call, ECONNRESET);
            CHECK_OK(hclose(m[0]));
        }
        CHECK_OK(hclose(m[1]));
    }
}

/**** Attaching ****/

TEST(rt_term_attach_closes_what_it_cannot_use)
{
    static const char bytes[64];
    struct term_storage mem;
    struct scripted own;
    CHECK_ERR(term_attach(-1, "x", 1), EBADF);
    CHECK_ERR(term_attach(12345, "x", 1), EBADF);
    CHECK_ERR(term_attach_mem(12345, "x", 1, &mem), EBADF);
    CHECK_ERR(term_attach_mem(12345, "x", 1, NULL), EINVAL);
    /*  A byte stream is no message socket. */
    int s = scripted_open(&own, "");
    CHECK_ERR(term_attach(s, "x", 1), EPROTO);
    CHECK_ERR(hclose(s), EBADF);
    CHECK_INT(own.closed, 1);
    const struct {const void *buf; size_t len; void *mem;} wrong[] = {
        {bytes, 33, &mem}, {bytes, SIZE_MAX, &mem}, {NULL, 1, &mem},
        {bytes, 1, NULL}};
    for(size_t i = 0; i != COUNT_OF(wrong); i++) {
        check_note("case %zu", i);
        s = suffix_attach(scripted_open(&own, ""), "\n", 1);
        CHECK_ERR(term_attach_mem(s, wrong[i].buf, wrong[i].len, wrong[i].mem),
            EINVAL);
        CHECK_ERR(hclose(s), EBADF);
        CHECK_INT(own.closed, 1);
    }
    check_note(NULL);
    s = suffix_attach(scripted_open(&own, ""), "\n", 1);
    CHECK_OK(s = term_attach(s, NULL, 0));
    CHECK_OK(hclose(s));
    CHECK_INT(own.closed, 1);
}

TEST(rt_term_functions_know_their_own_sockets)
{
    int m[2];
    messages(SUFFIX_IPC, m);
    CHECK_ERR(term_done(-1, 0), EBADF);
    CHECK_ERR(term_done(12345, 0), EBADF);
    CHECK_ERR(term_done(m[0], 0), ENOTSUP);
    CHECK_ERR(term_detach(-1, 0), EBADF);
    CHECK_ERR(term_detach(m[0], 0), ENOTSUP);
    CHECK_OK(m[0] = term_attach(m[0], "x", 1));
    CHECK_ERR(suffix_detach(m[0], 0), ENOTSUP);
    CHECK_ERR(ws_attach_client(m[0], WS_TEXT, "/", "x", SOON), EPROTO);
    CHECK_ERR(hclose(m[0]), EBADF);
    CHECK_OK(hclose(m[1]));
}

TEST(rt_term_mem_at_any_alignment_with_nothing_touched_outside)
{
    for(int shift = 0; shift != 8; shift++) {
        unsigned char mem[sizeof(struct term_storage) + 16];
        int m[2];
        memset(mem, 0xa5, sizeof mem);
        messages(SUFFIX_IPC, m);
        CHECK_OK(m[0] = term_attach_mem(m[0], "STOP", 4, (void*)(mem + shift)));
        send_text(m[0], "x");
        CHECK_NEXT(m[1], "x");
        close_pair(m);
        for(size_t i = 0; i != sizeof mem; i++)
            if(i < (size_t)shift ||
                  i >= (size_t)shift + sizeof(struct term_storage))
                CHECK_INT(mem[i], 0xa5);
    }
}

TEST_BELOW(rt_term_handles_are_given_back)
{
    int m[2];
    messages(below, m);
    int before = open_handles();
    for(long i = 0; i != check_rounds(1000) && !check_failed(); i++) {
        for(int k = 0; k != 2; k++) CHECK_OK(m[k] = term_attach(m[k], "x", 1));
        CHECK_OK(term_done(m[0], SOON));
        CHECK_OK(m[1] = term_detach(m[1], SOON));
        CHECK_OK(m[0] = term_detach(m[0], SOON));
    }
    CHECK_INT(open_handles(), before);
    close_pair(m);
}

/*  Each of two layers has a terminal message of its own. */
TEST(rt_term_over_term)
{
    int m[2];
    char got[8];
    messages(SUFFIX_IPC, m);
    for(int i = 0; i != 2; i++) {
        CHECK_OK(m[i] = term_attach(m[i], "outer", 5));
        CHECK_OK(m[i] = term_attach(m[i], "in", 2));
    }
    send_text(m[0], "outer space");
    CHECK_OK(term_done(m[0], SOON));
    CHECK_NEXT(m[1], "outer space");
    CHECK_ERR(mrecv(m[1], got, sizeof got, SOON), EPIPE);
    CHECK_OK(m[1] = term_detach(m[1], SOON));
    CHECK_OK(m[0] = term_detach(m[0], SOON));
    send_text(m[0], "in");
    CHECK_NEXT(m[1], "in");
    CHECK_OK(term_done(m[0], SOON));
    CHECK_ERR(mrecv(m[1], got, sizeof got, SOON), EPIPE);
    close_pair(m);
}
