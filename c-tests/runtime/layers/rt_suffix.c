/*  Suffix sockets. What they have in common with prefix sockets is in
    rt_messages.c. */

#include <stdlib.h>
#include <string.h>

#include "rt.h"
#include "wire.h"

/*  A suffix socket, and the far end of the stream under it. */
static int suffix_open(const char *suffix, size_t len, int *fd)
{
    int s = suffix_attach(stream_open(IPC, fd), suffix, len);
    if(s < 0) abort();
    return s;
}

static void put(int fd, const void *p, size_t len)
{
    CHECK_INT(wire_write(fd, p, len), 0);
}

/*  The next message is this one. */
static void check_next(struct at at, int s, const void *want, size_t len)
{
    char got[256];
    errno = 0;
    ssize_t n = mrecv(s, got, sizeof got, SOON);
    check_int(at, "mrecv", n, (long long)len);
    if(n >= 0) check_bytes(at, "message", got, (size_t)n, want, len);
}
#define CHECK_NEXT(s, want) check_next(HERE, s, want, strlen(want))

/**** Where a message ends ****/

/*  The messages in the stream, and what is behind the last one. */
struct split {const char *suffix; const char *stream; const char *messages[6];
    const char *rest;};

static const struct split splits[] = {
    {"\n", "a\n\nbc\n", {"a", "", "bc"}, ""},
    {"\r\n", "a\rb\nc\r\nd", {"a\rb\nc"}, "d"},
    {"\r\n", "\r\r\n\n\r\n", {"\r", "\n"}, ""},
    {"aab", "aaab", {"a"}, ""},
    {"aab", "aabaaabaaaabx", {"", "a", "aa"}, "x"},
    {"abab", "ababababab", {"", ""}, "ab"},
    {"abac", "ababacabacab", {"ab", ""}, "ab"},
    {"aaaa", "aaaaaaaaa", {"", ""}, "a"},
    {"abcabd", "abcabcabdabd", {"abc"}, "abd"},
    {"\r\n\r\n", "x\r\n\r\r\n\r\n\r\n", {"x\r\n\r"}, "\r\n"},
    {"1234567890", "123456789012345678912345678901234567890",
        {"", "123456789", ""}, ""},
    {"0123456789abcdef0123456789abcdeF",
        "x0123456789abcdef0123456789abcdef0123456789abcdeFy",
        {"x0123456789abcdef"}, "y"},
};

static void note_split(size_t i)
{
    static char text[8];
    text[0] = (char)('a' + i);
    check_row(text);
}

/*  Receives what the stream consists of, from a socket over some stream. */
static int receive_split(const struct split *p, int s)
{
    for(const char *const *m = p->messages; *m; m++) CHECK_NEXT(s, *m);
    return suffix_detach(s, SOON);
}

TEST(rt_suffix_messages_end_where_it_first_stands)
{
    for(size_t i = 0; i != COUNT_OF(splits); i++) {
        const struct split *p = &splits[i];
        size_t n = strlen(p->stream);
        size_t rest = strlen(p->rest);
        note_split(i);
        for(size_t kind = 0; kind != feed_kinds(n); kind++) {
            int fd;
            char got[32];
            int s = suffix_open(p->suffix, strlen(p->suffix), &fd);
            feed_note(kind, n);
            struct feed f = {.fd = fd, .p = (const uint8_t*)p->stream, .n = n,
                .kind = kind};
            feed_start(&f);
            CHECK_OK(s = receive_split(p, s));
            CHECK_OK(brecv(s, got, rest, SOON));
            CHECK_BYTES(got, rest, p->rest, rest);
            CHECK_ERR(brecv(s, got, 1, 0), ETIMEDOUT);
            feed_finish(&f);
            CHECK_OK(hclose(s));
            wire_close(fd);
        }
    }
}

/*  A stream that has to be asked for exact amounts. */
TEST(rt_suffix_nothing_behind_it_is_received)
{
    for(size_t i = 0; i != COUNT_OF(splits); i++) {
        const struct split *p = &splits[i];
        struct scripted own;
        note_split(i);
        int s = suffix_attach(scripted_open(&own, p->stream), p->suffix,
            strlen(p->suffix));
        CHECK_OK(s = receive_split(p, s));
        CHECK_BYTES(own.in + own.taken, own.inlen - own.taken, p->rest,
            strlen(p->rest));
        CHECK_OK(hclose(s));
    }
}

/*  Random streams of two letters in random pieces, to calls with random room
    and deadlines that cut them anywhere. */

struct chance {uint32_t state;};

static uint32_t draw(struct chance *c, uint32_t below)
{
    c->state = c->state * 1664525 + 1013904223;
    return (c->state >> 8) % below;
}

/*  The length of the message at the beginning of the stream, or n. */
static size_t first_message(const char *p, size_t n, const char *suffix,
    size_t len)
{
    for(size_t i = 0; i + len <= n; i++)
        if(memcmp(p + i, suffix, len) == 0) return i;
    return n;
}

static void receive_random(struct chance *c, int s, const char *want,
    size_t len, int fd, const char **next, const char *end)
{
    char got[64];
    while(1) {
        size_t room = draw(c, 4) ? sizeof got : draw(c, 8);
        memset(got, '?', sizeof got);
        errno = 0;
        ssize_t n = mrecv(s, got, room, 0);
        if(n < 0 && errno == ETIMEDOUT) {
            if(*next == end) {
                check_fail(HERE, "a message does not come");
                return;
            }
            size_t piece = 1 + draw(c, 6);
            if(piece > (size_t)(end - *next)) piece = (size_t)(end - *next);
            put(fd, *next, piece);
            *next += piece;
        } else if(n < 0) {
            CHECK_INT(errno, EMSGSIZE);
            CHECK(room < len);
            return;
        } else {
            CHECK_BYTES(got, (size_t)n, want, len);
            return;
        }
    }
}

TEST(rt_suffix_random_streams)
{
    for(long round = 0; round != check_rounds(300) && !check_failed(); round++) {
        struct chance c = {(uint32_t)round};
        char suffix[4];
        char stream[60];
        int fd;
        size_t len = 1 + draw(&c, sizeof suffix);
        check_note("round %ld", round);
        for(size_t i = 0; i != len; i++) suffix[i] = (char)('a' + draw(&c, 2));
        for(size_t i = 0; i != sizeof stream; i++)
            stream[i] = (char)('a' + draw(&c, 2));
        int s = suffix_open(suffix, len, &fd);
        const char *next = stream;
        const char *p = stream;
        const char *end = stream + sizeof stream;
        while(p != end) {
            size_t n = first_message(p, (size_t)(end - p), suffix, len);
            if(p + n == end) break;
            receive_random(&c, s, p, n, fd, &next, end);
            if(check_failed()) break;
            p += n + len;
        }
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/**** Suffixes ****/

TEST(rt_suffix_any_bytes_will_do)
{
    char suffix[32];
    for(size_t len = 1; len <= sizeof suffix; len++) {
        int s[2];
        check_note("%zu bytes", len);
        for(size_t i = 0; i < len && i < sizeof suffix; i++) suffix[i] = (char)(i * 37);
        stream_pair(IPC, s);
        CHECK_OK(s[0] = suffix_attach(s[0], suffix, len));
        CHECK_OK(s[1] = suffix_attach(s[1], suffix, len));
        /*  It was copied. */
        memset(suffix, 'x', sizeof suffix);
        CHECK_OK(msend(s[0], "one", 3, SOON));
        CHECK_OK(msend(s[0], "", 0, SOON));
        CHECK_OK(msend(s[0], "two", 3, SOON));
        CHECK_NEXT(s[1], "one");
        CHECK_NEXT(s[1], "");
        CHECK_NEXT(s[1], "two");
        CHECK_OK(hclose(s[0]));
        CHECK_OK(hclose(s[1]));
    }
}

TEST(rt_suffix_of_no_or_too_many_bytes_is_einval_and_closes)
{
    static const char bytes[64] = "x";
    struct suffix_storage mem;
    const struct {const void *suffix; size_t len;} wrong[] = {
        {bytes, 0}, {bytes, 33}, {bytes, SIZE_MAX}, {NULL, 1}, {NULL, 0}};
    for(size_t i = 0; i != COUNT_OF(wrong); i++) {
        struct scripted own;
        check_note("case %zu", i);
        int s = scripted_open(&own, "");
        CHECK_ERR(suffix_attach(s, wrong[i].suffix, wrong[i].len), EINVAL);
        CHECK_ERR(hclose(s), EBADF);
        CHECK_INT(own.closed, 1);
        s = scripted_open(&own, "");
        CHECK_ERR(suffix_attach_mem(s, wrong[i].suffix, wrong[i].len, &mem),
            EINVAL);
        CHECK_INT(own.closed, 1);
    }
}

/*  Several lines can be sent at once. */
TEST(rt_suffix_inside_of_a_message_divides_it)
{
    int s[2];
    stream_pair(IPC, s);
    CHECK_OK(s[0] = suffix_attach(s[0], "\n", 1));
    CHECK_OK(s[1] = suffix_attach(s[1], "\n", 1));
    CHECK_OK(msend(s[0], "one\ntwo\n", 8, SOON));
    CHECK_NEXT(s[1], "one");
    CHECK_NEXT(s[1], "two");
    CHECK_NEXT(s[1], "");
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  What looks like the suffix at first needs its room. */
TEST(rt_suffix_room_is_needed_for_the_message_only)
{
    static const char *messages[] = {"a\r", "\r\r", "ab", "\ra", "\n\n"};
    for(size_t i = 0; i != COUNT_OF(messages); i++) {
        int fd;
        char got[4];
        check_note("message %zu", i);
        int s = suffix_open("\r\n", 2, &fd);
        for(int round = 0; round != 3; round++) {
            put(fd, messages[i], 2);
            put(fd, "\r\n", 2);
        }
        put(fd, "x\r\n", 3);
        CHECK_ERR(mrecv(s, got, 1, SOON), EMSGSIZE);
        CHECK_INT(mrecv(s, got, 2, SOON), 2);
        CHECK_BYTES(got, 2, messages[i], 2);
        CHECK_ERR(mrecv(s, got, 0, SOON), EMSGSIZE);
        CHECK_NEXT(s, "x");
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/**** Descriptors pass beside messages ****/

TEST(rt_suffix_a_descriptor_behind_a_line_is_still_there)
{
    int s[2];
    char got[4];
    stream_pair(IPC, s);
    CHECK_OK(bsend(s[0], "line\n", 5, SOON));
    CHECK_OK(ipc_sendfd(s[0], 0, SOON));
    CHECK_OK(bsend(s[0], "tail", 4, SOON));
    CHECK_OK(s[1] = suffix_attach(s[1], "\n", 1));
    CHECK_NEXT(s[1], "line");
    CHECK_OK(s[1] = suffix_detach(s[1], 0));
    int fd = ipc_recvfd(s[1], SOON);
    CHECK_OK(fd);
    wire_close(fd);
    CHECK_OK(brecv(s[1], got, 4, SOON));
    CHECK_BYTES(got, 4, "tail", 4);
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}
