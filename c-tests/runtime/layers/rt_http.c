/*  HTTP heads on the runtime. */

#include <libdillimpl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt.h"
#include "wire.h"

#define HEAD_MAX 32768

/**** Sockets ****/

/*  An HTTP socket over one end of a stream; the other end is *fd. */
static int http_open(int *fd)
{
    int pair[2];
    wire_pair(pair);
    int s = ipc_fromfd(pair[0]);
    if(s < 0) abort();
    s = http_attach(s);
    if(s < 0) abort();
    *fd = pair[1];
    return s;
}

static void put(int fd, const char *text)
{
    CHECK_INT(wire_write(fd, text, strlen(text)), 0);
}

/*  What has been sent is exactly this. */
static void check_wire(struct at at, int fd, const char *want)
{
    char got[1024];
    size_t n = strlen(want);
    check_bytes(at, "on the wire", got, wire_read(fd, got, n, check_ms(1000)),
        want, n);
    expect_silence(at, fd);
}
#define CHECK_WIRE(fd, want) check_wire(HERE, fd, want)

static void check_text(struct at at, const char *what, const char *got,
    const char *want)
{
    if(strcmp(got, want) != 0)
        check_fail(at, "%s: got \"%.60s\", want \"%.60s\"", what, got, want);
}
#define CHECK_TEXT(got, want) check_text(HERE, #got, got, want)

static void check_field(struct at at, int s, const char *name,
    const char *value)
{
    char n[256];
    char v[256];
    check_ok(at, "http_recvfield",
        http_recvfield(s, n, sizeof n, v, sizeof v, SOON), errno);
    check_text(at, "name", n, name);
    check_text(at, "value", v, value);
}
#define CHECK_FIELD(s, name, value) check_field(HERE, s, name, value)

/*  The result of a call for any field. */
static int any_field(int s, int64_t deadline)
{
    char name[256];
    char value[256];
    return http_recvfield(s, name, sizeof name, value, sizeof value, deadline);
}

/**** Conversations ****/

static void converse(int c, int s)
{
    char a[64];
    char b[64];
    CHECK_OK(c = http_attach(c));
    CHECK_OK(s = http_attach(s));
    CHECK_OK(http_sendrequest(c, "GET", "/a/b?c=d", SOON));
    CHECK_OK(http_sendfield(c, "Host", "www.example.org", SOON));
    CHECK_OK(http_sendfield(c, "X-Pad", " \tboth ends \t", SOON));
    CHECK_OK(http_done(c, SOON));
    CHECK_OK(http_recvrequest(s, a, sizeof a, b, sizeof b, SOON));
    CHECK_TEXT(a, "GET");
    CHECK_TEXT(b, "/a/b?c=d");
    CHECK_FIELD(s, "Host", "www.example.org");
    CHECK_FIELD(s, "X-Pad", "both ends");
    CHECK_ERR(any_field(s, SOON), EPIPE);
    CHECK_OK(http_sendstatus(s, 404, "Not Found", SOON));
    CHECK_OK(http_sendfield(s, "Content-Length", "4", SOON));
    CHECK_INT(http_recvstatus(c, a, sizeof a, SOON), 404);
    CHECK_TEXT(a, "Not Found");
    /*  Each detaches with the other's head half read. */
    CHECK_OK(s = http_detach(s, SOON));
    CHECK_OK(bsend(s, "body", 4, SOON));
    CHECK_OK(c = http_detach(c, SOON));
    CHECK_OK(brecv(c, a, 4, SOON));
    CHECK_BYTES(a, 4, "body", 4);
    CHECK_OK(hclose(c));
    CHECK_OK(hclose(s));
}

TEST(rt_http_request_and_response_over_ipc)
{
    int s[2];
    REQUIRE(ipc_pair(s) == 0);
    converse(s[0], s[1]);
}

TEST(rt_http_request_and_response_over_tcp)
{
    struct ipaddr addr;
    REQUIRE(ipaddr_local(&addr, "127.0.0.1", 0, IPADDR_IPV4) == 0);
    int listener = tcp_listen(&addr, 1);
    REQUIRE(listener >= 0);
    int c = tcp_connect(&addr, SOON);
    int s = tcp_accept(listener, NULL, SOON);
    REQUIRE(c >= 0 && s >= 0);
    converse(c, s);
    CHECK_OK(hclose(listener));
}

TEST(rt_http_request_and_response_over_tls)
{
    int s[2];
    REQUIRE(ipc_pair(s) == 0);
    stream_secure(s);
    converse(s[0], s[1]);
}

TEST(rt_http_over_a_stream_of_the_programs_own)
{
    struct scripted own;
    char reason[8];
    int s = scripted_open(&own, "HTTP/1.1 200 OK\r\na: b\r\n\r\nBODY");
    REQUIRE((s = http_attach(s)) >= 0);
    CHECK_OK(http_sendrequest(s, "GET", "/", 0));
    CHECK_OK(http_sendfield(s, "Host", "x", 0));
    CHECK_INT(http_recvstatus(s, reason, sizeof reason, 0), 200);
    CHECK_FIELD(s, "a", "b");
    CHECK_OK(s = http_detach(s, 0));
    /*  One send for each line. */
    CHECK_TEXT(own.out, "GET / HTTP/1.1\r\n|Host: x\r\n|\r\n|");
    /*  Not a byte too many was received. */
    CHECK_TEXT(own.in + own.taken, "BODY");
    CHECK_INT(own.closed, 0);
    CHECK_OK(hclose(s));
    CHECK_INT(own.closed, 1);
}

TEST(rt_http_lines_on_the_wire)
{
    int fd;
    int s = http_open(&fd);
    CHECK_OK(http_sendstatus(s, 100, "", SOON));
    CHECK_WIRE(fd, "HTTP/1.1 100 \r\n");
    CHECK_OK(http_sendstatus(s, 599, "What \xe2\x98\xb9", SOON));
    CHECK_WIRE(fd, "HTTP/1.1 599 What \xe2\x98\xb9\r\n");
    CHECK_OK(http_sendfield(s, "!#$%&'*+-.^_`|~aZ09", "a\tb:c", SOON));
    CHECK_WIRE(fd, "!#$%&'*+-.^_`|~aZ09: a\tb:c\r\n");
    CHECK_OK(http_done(s, SOON));
    CHECK_WIRE(fd, "\r\n");
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_http_a_sent_line_may_be_long)
{
    int pair[2];
    REQUIRE(ipc_pair(pair) == 0);
    int c = http_attach(pair[0]);
    int s = http_attach(pair[1]);
    size_t size = HEAD_MAX - strlen("GET  HTTP/1.1\r\n");
    char *resource = malloc(size + 1);
    char *got = malloc(size + 1);
    char command[4];
    memset(resource, 'r', size);
    resource[0] = '/';
    resource[size] = 0;
    CHECK_OK(http_sendrequest(c, "GET", resource, SOON));
    CHECK_OK(http_done(c, SOON));
    CHECK_OK(http_recvrequest(s, command, 4, got, size + 1, SOON));
    CHECK(strcmp(resource, got) == 0);
    CHECK_ERR(any_field(s, SOON), EPIPE);
    free(resource);
    free(got);
    CHECK_OK(hclose(c));
    CHECK_OK(hclose(s));
}

/*  A client reads 100 Continue, then the real response. */
TEST(rt_http_a_head_may_follow_a_head)
{
    int fd;
    int s = http_open(&fd);
    char reason[32];
    put(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\na: b\r\n"
        "c: d\r\n\r\nrest");
    CHECK_INT(http_recvstatus(s, reason, sizeof reason, SOON), 100);
    CHECK_ERR(any_field(s, SOON), EPIPE);
    CHECK_INT(http_recvstatus(s, reason, sizeof reason, SOON), 204);
    CHECK_FIELD(s, "a", "b");
    /*  The second head is dropped to its end. */
    CHECK_OK(s = http_detach(s, SOON));
    CHECK_OK(brecv(s, reason, 4, SOON));
    CHECK_BYTES(reason, 4, "rest", 4);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/**** Handles ****/

TEST(rt_http_only_http_sockets_are_taken)
{
    char a[8];
    char b[8];
    int bundle_ = bundle();
    const struct {int h; int err;} wrong[] = {
        {-1, EBADF}, {12345, EBADF}, {bundle_, ENOTSUP}};
    for(size_t i = 0; i != COUNT_OF(wrong); i++) {
        int h = wrong[i].h;
        int err = wrong[i].err;
        check_note("handle %d", h);
        CHECK_ERR(http_done(h, 0), err);
        CHECK_ERR(http_detach(h, 0), err);
        CHECK_ERR(http_sendrequest(h, "GET", "/", 0), err);
        CHECK_ERR(http_recvrequest(h, a, 8, b, 8, 0), err);
        CHECK_ERR(http_sendstatus(h, 200, "OK", 0), err);
        CHECK_ERR(http_recvstatus(h, a, 8, 0), err);
        CHECK_ERR(http_sendfield(h, "a", "b", 0), err);
        CHECK_ERR(http_recvfield(h, a, 8, b, 8, 0), err);
    }
    CHECK_OK(hclose(bundle_));
}

TEST(rt_http_attach_closes_what_it_cannot_use)
{
    struct scripted own;
    struct http_storage mem;
    int s[2];
    CHECK_ERR(http_attach(-1), EBADF);
    CHECK_ERR(http_attach(12345), EBADF);
    CHECK_ERR(http_attach_mem(12345, &mem), EBADF);
    int h = bundle();
    CHECK_ERR(http_attach(h), ENOTSUP);
    CHECK_ERR(hclose(h), EBADF);
    h = scripted_open(&own, "");
    CHECK_ERR(http_attach_mem(h, NULL), EINVAL);
    CHECK_ERR(hclose(h), EBADF);
    CHECK_INT(own.closed, 1);
    /*  An HTTP socket is no byte stream. */
    REQUIRE(ipc_pair(s) == 0);
    h = http_attach(s[0]);
    CHECK_ERR(hclose(s[0]), EBADF);
    CHECK_ERR(brecv(h, &mem, 1, 0), ENOTSUP);
    CHECK_ERR(http_attach(h), ENOTSUP);
    CHECK_ERR(hclose(h), EBADF);
    CHECK_OK(hclose(s[1]));
}

static coroutine void attach_cancelled(int s, int *err)
{
    msleep(-1);
    errno = 0;
    *err = http_attach(s) == -1 ? errno : -1;
}

TEST(rt_http_attach_in_a_cancelled_coroutine)
{
    struct scripted own;
    int err = 0;
    int s = scripted_open(&own, "");
    int cr = go(attach_cancelled(s, &err));
    CHECK_OK(hclose(cr));
    CHECK_INT(err, ECANCELED);
    CHECK_INT(own.closed, 1);
}

TEST(rt_http_memory_may_stand_anywhere)
{
    char memory[sizeof(struct http_storage) + 1];
    int s[2];
    REQUIRE(ipc_pair(s) == 0);
    int h = http_attach_mem(s[0], (struct http_storage*)(memory + 1));
    int peer = http_attach(s[1]);
    REQUIRE(h >= 0 && peer >= 0);
    CHECK_OK(http_sendfield(peer, "a", "b", SOON));
    CHECK_FIELD(h, "a", "b");
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(peer));
}

TEST(rt_http_handles_are_given_back)
{
    struct scripted own;
    int s = scripted_open(&own, "");
    int highest = 0;
    for(long i = check_rounds(20000); i; i--) {
        own.in = "\r\n\n";
        own.inlen = i % 2 ? 2 : 3;
        own.taken = i % 2 ? 0 : 2;
        own.out[0] = 0;
        int h = http_attach(s);
        CHECK_ERR(hclose(s), EBADF);
        s = http_detach(h, 0);
        CHECK_ERR(hclose(h), EBADF);
        if(h > highest) highest = h;
        /*  Every other round ends in a failure, which closes everything. */
        if(i % 2) continue;
        CHECK_INT(s, -1);
        s = scripted_open(&own, "");
    }
    CHECK_RANGE(highest, 0, 1000);
    CHECK_OK(hclose(s));
}

TEST(rt_http_close_closes_the_stream)
{
    struct scripted own;
    int s = scripted_open(&own, "GET");
    s = http_attach(s);
    CHECK_OK(hclose(s));
    CHECK_INT(own.closed, 1);
    CHECK_TEXT(own.out, "");
    CHECK_ERR(any_field(s, 0), EBADF);
}

/**** Arguments ****/

TEST(rt_http_null_is_refused)
{
    int fd;
    int s = http_open(&fd);
    char a[8];
    put(fd, "a: b\r\n");
    CHECK_ERR(http_sendrequest(s, NULL, "/", SOON), EINVAL);
    CHECK_ERR(http_sendrequest(s, "GET", NULL, SOON), EINVAL);
    CHECK_ERR(http_sendstatus(s, 200, NULL, SOON), EINVAL);
    CHECK_ERR(http_sendfield(s, NULL, "b", SOON), EINVAL);
    CHECK_ERR(http_sendfield(s, "a", NULL, SOON), EINVAL);
    CHECK_ERR(http_recvrequest(s, NULL, 8, a, 8, SOON), EINVAL);
    CHECK_ERR(http_recvrequest(s, a, 8, NULL, 8, SOON), EINVAL);
    CHECK_ERR(http_recvrequest(s, a, 8, NULL, 0, SOON), EINVAL);
    CHECK_ERR(http_recvstatus(s, NULL, 8, SOON), EINVAL);
    CHECK_ERR(http_recvfield(s, NULL, 8, a, 8, SOON), EINVAL);
    CHECK_ERR(http_recvfield(s, a, 8, NULL, 8, SOON), EINVAL);
    CHECK_ERR(http_recvfield(s, NULL, 0, a, 8, SOON), EINVAL);
    /*  Nothing was received, nothing was sent. */
    CHECK_FIELD(s, "a", "b");
    EXPECT_SILENCE(fd);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_http_no_argument_can_begin_another_line)
{
    int fd;
    int s = http_open(&fd);
    for(int c = 1; c != 256; c++) {
        char text[] = {'a', (char)c, 'b', 0};
        int control = c < 32 || c == 127;
        check_note("character %d", c);
        if(control || c == ' ') {
            CHECK_ERR(http_sendrequest(s, text, "/", SOON), EINVAL);
            CHECK_ERR(http_sendrequest(s, "GET", text, SOON), EINVAL);
            CHECK_ERR(http_sendfield(s, text, "b", SOON), EINVAL);
        }
        if(control && c != '\t') {
            CHECK_ERR(http_sendstatus(s, 200, text, SOON), EINVAL);
            CHECK_ERR(http_sendfield(s, "a", text, SOON), EINVAL);
        }
        if(strchr("(),/:;<=>?@[\\]{}\"", c) || c > 127)
            CHECK_ERR(http_sendfield(s, text, "b", SOON), EINVAL);
    }
    check_note(NULL);
    CHECK_ERR(http_sendrequest(s, "", "/", SOON), EINVAL);
    CHECK_ERR(http_sendrequest(s, "GET", "", SOON), EINVAL);
    CHECK_ERR(http_sendfield(s, "", "b", SOON), EINVAL);
    CHECK_ERR(http_sendfield(s, "a", "", SOON), EPROTO);
    CHECK_ERR(http_sendfield(s, "a", "   ", SOON), EPROTO);
    CHECK_ERR(http_sendfield(s, "a", "b\r\n", SOON), EINVAL);
    static const int statuses[] = {-1, 0, 99, 600, 1000, 2147483647};
    for(size_t i = 0; i != COUNT_OF(statuses); i++)
        CHECK_ERR(http_sendstatus(s, statuses[i], "", SOON), EINVAL);
    EXPECT_SILENCE(fd);
    CHECK_OK(http_done(s, SOON));
    CHECK_WIRE(fd, "\r\n");
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_http_done_is_the_end_of_sending)
{
    int fd;
    int s = http_open(&fd);
    CHECK_OK(http_done(s, SOON));
    CHECK_ERR(http_done(s, SOON), EPIPE);
    CHECK_ERR(http_sendrequest(s, "GET", "/", SOON), EPIPE);
    CHECK_ERR(http_sendstatus(s, 200, "", SOON), EPIPE);
    CHECK_ERR(http_sendfield(s, "a", "b", SOON), EPIPE);
    CHECK_WIRE(fd, "\r\n");
    put(fd, "a: b\r\n\r\n");
    CHECK_FIELD(s, "a", "b");
    CHECK_OK(s = http_detach(s, SOON));
    EXPECT_SILENCE(fd);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/**** Sizes ****/

/*  A part of `size` bytes fits into size + 1; less is EMSGSIZE, the buffer
    holds an empty string, nothing beyond it is touched, and the next line can
    be read. */
TEST(rt_http_the_callers_buffers_decide)
{
    static const size_t sizes[] = {1, 2, 255, 256, 257, 1023, 1024, 1025, 9000};
    int fd;
    int s = http_open(&fd);
    for(size_t i = 0; i != COUNT_OF(sizes) * 5; i++) {
        size_t size = sizes[i / 5];
        size_t room = i % 5 == 4 ? 0 : size - 1 + i % 5;
        char *text = malloc(size + 8192);
        char *buffer = malloc(room + 4);
        char other[8] = "?";
        memset(text, 'x', size);
        text[size] = 0;
        int want = room > size ? 0 : -1;
        check_note("%zu bytes into %zu", size, room);
        struct bytes b = {0};
        for(int part = 0; part != 5; part++) {
            static const char *lines[][2] = {{"", " /r HTTP/1.1\r\n"},
                {"GET ", " HTTP/1.1\r\n"}, {"HTTP/1.1 200 ", "\r\n"},
                {"", ": v\r\n"}, {"n: ", "\r\n"}};
            b.n = 0;
            bytes_str(&b, lines[part][0]);
            bytes_str(&b, text);
            bytes_str(&b, lines[part][1]);
            bytes_str(&b, "next: line\r\n\r\n");
            wire_send(fd, &b);
            memset(buffer, '.', room + 4);
            memset(other, 0, sizeof other);
            errno = 0;
            int rc =
                part == 0 ? http_recvrequest(s, buffer, room, other, 8, SOON) :
                part == 1 ? http_recvrequest(s, other, 8, buffer, room, SOON) :
                part == 2 ? http_recvstatus(s, buffer, room, SOON) :
                part == 3 ? http_recvfield(s, buffer, room, other, 8, SOON) :
                http_recvfield(s, other, 8, buffer, room, SOON);
            if(want == 0) CHECK_INT(rc, part == 2 ? 200 : 0);
            else CHECK(rc == -1 && errno == EMSGSIZE);
            if(room) CHECK(strcmp(buffer, want == 0 ? text : "") == 0);
            CHECK(memcmp(buffer + room, "....", 4) == 0);
            /*  The part that did fit is there. */
            static const char *others[] = {"/r", "GET", "", "v", "n"};
            CHECK_TEXT(other, others[part]);
            CHECK_FIELD(s, "next", "line");
            CHECK_ERR(any_field(s, SOON), EPIPE);
        }
        bytes_free(&b);
        free(text);
        free(buffer);
    }
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  A head of `length` bytes, its empty line not counted, of so many fields;
    behind it comes "rest". */
static void stretched_head(struct bytes *b, size_t length, int fields)
{
    b->n = 0;
    bytes_str(b, "GET / HTTP/1.1\r\n");
    size_t each = (length - b->n) / (size_t)fields;
    for(int i = 0; i != fields; i++) {
        size_t end = i == fields - 1 ? length : b->n + each;
        bytes_str(b, "n: ");
        bytes_fill(b, 'v', end - b->n - 2);
        bytes_str(b, "\r\n");
    }
    CHECK_INT((long long)b->n, (long long)length);
    bytes_str(b, "\r\nrest");
}

static coroutine void send_all(int fd, const struct bytes *b)
{
    wire_send(fd, b);
}

TEST(rt_http_heads_of_up_to_32_kib)
{
    static const int fields[] = {1, 2, 3, 100, 2000};
    static const size_t lengths[] = {1000, 32000, HEAD_MAX - 1, HEAD_MAX};
    static char value[HEAD_MAX];
    struct bytes b = {0};
    for(size_t i = 0; i != COUNT_OF(fields) * COUNT_OF(lengths); i++) {
        int fd;
        int s = http_open(&fd);
        char name[8];
        int n = fields[i % COUNT_OF(fields)];
        size_t length = lengths[i / COUNT_OF(fields)];
        if(length / (size_t)n < 10) n = 10;
        check_note("%zu bytes in %d fields", length, n);
        stretched_head(&b, length, n);
        int cr = go(send_all(fd, &b));
        CHECK_OK(http_recvrequest(s, name, sizeof name, value, sizeof value,
            SOON));
        size_t total = 16;
        for(int got = 0; got != n; got++) {
            CHECK_OK(http_recvfield(s, name, sizeof name, value, sizeof value,
                SOON));
            CHECK_INT((long long)strspn(value, "v"),
                (long long)strlen(value));
            total += strlen(value) + 5;
        }
        CHECK_INT((long long)total, (long long)length);
        CHECK_ERR(any_field(s, SOON), EPIPE);
        CHECK_OK(s = http_detach(s, SOON));
        CHECK_OK(brecv(s, name, 4, SOON));
        CHECK_BYTES(name, 4, "rest", 4);
        CHECK_OK(hclose(cr));
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
    bytes_free(&b);
}

/*  EMSGSIZE for every line that is lost, then the end of the head, then
    whatever follows. */
TEST(rt_http_heads_of_more_than_32_kib)
{
    static const int fields[] = {1, 2, 100, 4000};
    static const size_t lengths[] = {HEAD_MAX + 1, 40960, 300000};
    static char value[HEAD_MAX];
    struct bytes b = {0};
    for(size_t i = 0; i != COUNT_OF(fields) * COUNT_OF(lengths); i++) {
        int fd;
        int s = http_open(&fd);
        char name[8];
        int n = fields[i % COUNT_OF(fields)];
        int whole = 0;
        int lost = 0;
        check_note("%zu bytes in %d fields", lengths[i / COUNT_OF(fields)], n);
        stretched_head(&b, lengths[i / COUNT_OF(fields)], n);
        int cr = go(send_all(fd, &b));
        CHECK_OK(http_recvrequest(s, name, sizeof name, value, sizeof value,
            SOON));
        while(whole + lost <= n + 1) {
            int rc = http_recvfield(s, name, sizeof name, value, sizeof value,
                SOON);
            if(rc == 0) whole++;
            else if(errno == EMSGSIZE) lost++;
            else break;
            if(rc == 0) CHECK_INT(lost, 0);
        }
        CHECK_INT(errno, EPIPE);
        /*  The call that notices says so at once, in the middle of a line;
            one more answers for the rest of that line. */
        CHECK_RANGE(whole + lost, n, n + 1);
        CHECK(lost > 0);
        CHECK_OK(hclose(cr));
        cr = go(send_all(fd, &b));
        /*  Behind it another head can be read; detach drops it. */
        CHECK_OK(brecv(s = http_detach(s, SOON), name, 4, SOON));
        CHECK_BYTES(name, 4, "rest", 4);
        s = http_attach(s);
        CHECK_OK(http_recvrequest(s, name, sizeof name, value, sizeof value,
            SOON));
        CHECK_OK(s = http_detach(s, SOON));
        CHECK_OK(brecv(s, name, 4, SOON));
        CHECK_BYTES(name, 4, "rest", 4);
        CHECK_OK(hclose(cr));
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
    bytes_free(&b);
}

static coroutine void count_turns(int *turns)
{
    while(yield() == 0) ++*turns;
}

/*  A peer that never stops sending makes nobody wait; deadlines count
    nevertheless, and other coroutines run. */
TEST(rt_http_an_endless_head_has_a_deadline)
{
    static const char *endless[] = {"x", "a: b\r\n"};
    for(int kind = 0; kind != 4; kind++) {
        struct scripted own;
        int turns = 0;
        int rc = 0;
        check_note("kind %d", kind);
        int s = scripted_open(&own, endless[0]);
        struct bytes b = {0};
        if(kind % 2) {
            while(b.n < 50000000) bytes_str(&b, endless[1]);
            own.in = (char*)b.p;
            own.inlen = b.n;
        }
        own.endless = 1;
        s = http_attach(s);
        int cr = go(count_turns(&turns));
        int64_t start = now();
        if(kind < 2) {
            do rc = any_field(s, start + check_ms(50));
            while(rc == 0 || errno == EMSGSIZE);
            CHECK_INT(errno, ETIMEDOUT);
            CHECK_OK(hclose(s));
        } else {
            CHECK_ERR(http_detach(s, start + check_ms(50)), ETIMEDOUT);
        }
        CHECK_RANGE(now() - start, check_ms(50), check_ms(500));
        CHECK(turns > 1);
        CHECK_INT(own.closed, 1);
        CHECK_OK(hclose(cr));
        bytes_free(&b);
    }
}

/**** Lines that are none ****/

TEST(rt_http_malformed_lines_are_refused_one_by_one)
{
    static const char *fields[] = {"a", "a b", ": b", " a: b", "\ta: b",
        "a : b", "a: b\rc", "a: \x01", "\r", "\xff: x"};
    static const char *requests[] = {"GET", "GET /", "GET / HTTP/2.0",
        "GET / HTTP/1.1 x", "GET\t/ HTTP/1.1", "GET /a b HTTP/1.1", " ",
        "GET / ABCDEFGH"};
    static const char *statuses[] = {"HTTP/1.1", "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 000 OK",
        "HTTP/2.0 200 OK", "HTTP/1.1 200 O\x01K", "200 OK"};
    int fd;
    int s = http_open(&fd);
    char a[64];
    char c[64];
    for(size_t i = 0; i != COUNT_OF(fields); i++) {
        check_note("field %zu", i);
        put(fd, fields[i]);
        put(fd, "\r\nnext: line\r\n");
        memset(a, 'x', sizeof a);
        CHECK_ERR(http_recvfield(s, a, sizeof a, c, sizeof c, SOON), EPROTO);
        CHECK_TEXT(a, "");
        CHECK_FIELD(s, "next", "line");
    }
    for(size_t i = 0; i != COUNT_OF(requests); i++) {
        check_note("request %zu", i);
        put(fd, requests[i]);
        put(fd, "\r\nnext: line\r\n");
        CHECK_ERR(http_recvrequest(s, a, sizeof a, c, sizeof c, SOON), EPROTO);
        CHECK_FIELD(s, "next", "line");
    }
    for(size_t i = 0; i != COUNT_OF(statuses); i++) {
        check_note("status %zu", i);
        put(fd, statuses[i]);
        put(fd, "\r\nnext: line\r\n");
        CHECK_ERR(http_recvstatus(s, a, sizeof a, SOON), EPROTO);
        CHECK_FIELD(s, "next", "line");
    }
    /*  NUL, which a C string cannot hold. */
    CHECK_INT(wire_write(fd, "a: \0b\r\nnext: line\r\n", 19), 0);
    CHECK_ERR(any_field(s, SOON), EPROTO);
    CHECK_FIELD(s, "next", "line");
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_http_lenient_where_it_does_no_harm)
{
    int fd;
    int s = http_open(&fd);
    char a[64];
    char c[64];
    put(fd, "  GET   /x  HTTP/1.0 \r\nHost:x\r\nempty:\r\nblank: \t \r\n"
        "tab:\tx\t\r\n: \r\nHTTP/1.1 204\r\nHTTP/1.0  299   \r\n\r\n");
    CHECK_OK(http_recvrequest(s, a, sizeof a, c, sizeof c, SOON));
    CHECK_TEXT(a, "GET");
    CHECK_TEXT(c, "/x");
    CHECK_FIELD(s, "Host", "x");
    CHECK_FIELD(s, "empty", "");
    CHECK_FIELD(s, "blank", "");
    CHECK_FIELD(s, "tab", "x");
    CHECK_ERR(any_field(s, SOON), EPROTO);
    CHECK_INT(http_recvstatus(s, a, sizeof a, SOON), 204);
    CHECK_TEXT(a, "");
    CHECK_INT(http_recvstatus(s, a, sizeof a, SOON), 299);
    CHECK_TEXT(a, "");
    CHECK_ERR(http_recvstatus(s, a, sizeof a, SOON), EPIPE);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  Nobody knows where such a line ends. */
TEST(rt_http_a_lonely_line_feed_spoils_the_head)
{
    static const char *heads[] = {"\nx\r\n\r\n", "a: b\n\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n"};
    for(size_t i = 0; i != COUNT_OF(heads); i++) {
        int fd;
        int s = http_open(&fd);
        check_note("head %zu", i);
        put(fd, heads[i]);
        CHECK_ERR(any_field(s, SOON), EPROTO);
        CHECK_ERR(any_field(s, SOON), EPROTO);
        /*  There is still a way to say so. */
        CHECK_OK(http_sendstatus(s, 400, "Bad Request", SOON));
        CHECK_ERR(http_detach(s, SOON), EPROTO);
        CHECK_ERR(hclose(s), EBADF);
        char got[64];
        CHECK_INT((long long)wire_read(fd, got, sizeof got, check_ms(1000)),
            (long long)strlen("HTTP/1.1 400 Bad Request\r\n\r\n"));
        wire_close(fd);
    }
}

/**** Pieces, ends, deadlines ****/

static const char head[] = "POST /r HTTP/1.1\r\nHost: x\r\na:\r\nb: c d\r\n\r\n";
#define HEAD_LEN (sizeof head - 1)

/*  Receives the next part of `head`; `step` says which. */
static int next_part(int s, int step, int64_t deadline)
{
    static const char *const want[][2] =
        {{"POST", "/r"}, {"Host", "x"}, {"a", ""}, {"b", "c d"}};
    char a[16] = "?";
    char b[16] = "?";
    int rc = step == 0 ?
        http_recvrequest(s, a, sizeof a, b, sizeof b, deadline) :
        http_recvfield(s, a, sizeof a, b, sizeof b, deadline);
    if(rc == 0 && step < 4) {
        CHECK_TEXT(a, want[step][0]);
        CHECK_TEXT(b, want[step][1]);
    } else if(rc != 0) {
        int err = errno;
        CHECK_TEXT(a, "");
        CHECK_TEXT(b, "");
        errno = err;
    }
    return rc;
}

TEST(rt_http_however_the_head_is_cut)
{
    char stream[HEAD_LEN + 4];
    memcpy(stream, head, HEAD_LEN);
    memcpy(stream + HEAD_LEN, "rest", 4);
    for(size_t kind = 0; kind != feed_kinds(sizeof stream); kind++) {
        int fd;
        int s = http_open(&fd);
        feed_note(kind, sizeof stream);
        struct feed f = {.fd = fd, .p = (uint8_t*)stream, .n = sizeof stream,
            .kind = kind};
        feed_start(&f);
        for(int step = 0; step != 4; step++)
            CHECK_OK(next_part(s, step, SOON));
        CHECK_ERR(next_part(s, 4, SOON), EPIPE);
        CHECK_OK(s = http_detach(s, SOON));
        char rest[4];
        CHECK_OK(brecv(s, rest, 4, SOON));
        CHECK_BYTES(rest, 4, "rest", 4);
        feed_finish(&f);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  The lines in the first `n` bytes. */
static int whole_lines(size_t n)
{
    int lines = 0;
    for(size_t i = 1; i < n; i++)
        lines += head[i - 1] == '\r' && head[i] == '\n';
    return lines;
}

/*  A stream that ends is not a head that ends. */
TEST(rt_http_the_stream_ends_at_every_byte)
{
    for(size_t n = 0; n != HEAD_LEN; n++) {
        int fd;
        int s = http_open(&fd);
        check_note("after %zu bytes", n);
        CHECK_INT(wire_write(fd, head, n), 0);
        wire_end(fd);
        for(int step = 0; step != whole_lines(n); step++)
            CHECK_OK(next_part(s, step, SOON));
        CHECK_ERR(next_part(s, 4, SOON), ECONNRESET);
        CHECK_ERR(next_part(s, 4, SOON), ECONNRESET);
        CHECK_ERR(http_detach(s, SOON), ECONNRESET);
        CHECK_ERR(hclose(s), EBADF);
        wire_close(fd);
    }
}

TEST(rt_http_detach_at_every_byte)
{
    for(size_t n = 0; n != HEAD_LEN; n++) {
        int fd;
        int s = http_open(&fd);
        check_note("after %zu bytes", n);
        CHECK_INT(wire_write(fd, head, n), 0);
        for(int step = 0; step != whole_lines(n); step++)
            CHECK_OK(next_part(s, step, 0));
        CHECK_ERR(next_part(s, 4, 0), ETIMEDOUT);
        CHECK_INT(wire_write(fd, head + n, HEAD_LEN - n), 0);
        CHECK_OK(bsend(s = http_detach(s, SOON), "x", 1, SOON));
        CHECK_WIRE(fd, "\r\nx");
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  Deadline 0 after every byte: each call says ETIMEDOUT and loses nothing. */
TEST(rt_http_a_deadline_at_every_byte_loses_nothing)
{
    int fd;
    int s = http_open(&fd);
    int step = 0;
    for(size_t n = 0; n != HEAD_LEN; n++) {
        check_note("byte %zu", n);
        CHECK_ERR(next_part(s, step, n % 7 ? 0 : BRIEFLY), ETIMEDOUT);
        CHECK_INT(wire_write(fd, head + n, 1), 0);
        if(whole_lines(n + 1) == step) continue;
        if(step < 4) CHECK_OK(next_part(s, step, 0));
        else CHECK_ERR(next_part(s, step, 0), EPIPE);
        step++;
    }
    CHECK_INT(step, 5);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

static coroutine void receive_step(int s, int step, int *err)
{
    errno = 0;
    *err = next_part(s, step, -1) == 0 ? 0 : errno;
}

TEST(rt_http_cancelled_at_every_byte)
{
    int fd;
    int s = http_open(&fd);
    int step = 0;
    for(size_t n = 0; n != HEAD_LEN; n++) {
        int err = -1;
        check_note("byte %zu", n);
        int cr = go(receive_step(s, step, &err));
        CHECK_OK(hclose(cr));
        CHECK_INT(err, ECANCELED);
        CHECK_INT(wire_write(fd, head + n, 1), 0);
        if(whole_lines(n + 1) == step) continue;
        if(step < 4) CHECK_OK(next_part(s, step, SOON));
        else CHECK_ERR(next_part(s, step, SOON), EPIPE);
        step++;
    }
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_http_one_receiver_at_a_time)
{
    int fd;
    int s = http_open(&fd);
    int err = -1;
    put(fd, "POST /");
    int cr = go(receive_step(s, 0, &err));
    CHECK_ERR(any_field(s, SOON), EBUSY);
    CHECK_ERR(http_detach(s, SOON), EBUSY);
    /*  Sending is another matter. */
    CHECK_OK(http_sendstatus(s, 200, "OK", SOON));
    put(fd, "r HTTP/1.1\r\nHost: x\r\n");
    CHECK_OK(bundle_wait(cr, SOON));
    CHECK_INT(err, 0);
    CHECK_OK(next_part(s, 1, SOON));
    CHECK_OK(hclose(cr));
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_http_closed_under_a_receiver)
{
    int fd;
    int s = http_open(&fd);
    int err = -1;
    put(fd, "POST /");
    int cr = go(receive_step(s, 0, &err));
    CHECK_OK(hclose(s));
    CHECK_OK(bundle_wait(cr, SOON));
    CHECK_INT(err, ECONNRESET);
    CHECK_OK(hclose(cr));
    wire_close(fd);
}

static coroutine void detach_(int s, int *err)
{
    errno = 0;
    *err = http_detach(s, -1) >= 0 ? 0 : errno;
}

TEST(rt_http_closed_under_detach)
{
    int fd;
    int s = http_open(&fd);
    int err = -1;
    int cr = go(detach_(s, &err));
    CHECK_WIRE(fd, "\r\n");
    CHECK_OK(hclose(s));
    CHECK_OK(bundle_wait(cr, SOON));
    CHECK_INT(err, ECONNRESET);
    CHECK_OK(hclose(cr));
    wire_close(fd);
}

TEST(rt_http_detach_that_fails_closes_everything)
{
    int fd;
    int s = http_open(&fd);
    CHECK_ERR(http_detach(s, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(hclose(s), EBADF);
    CHECK_INT(wire_read(fd, &s, 2, check_ms(1000)), 2);
    EXPECT_END(fd);
    wire_close(fd);
    s = http_open(&fd);
    int err = -1;
    int cr = go(detach_(s, &err));
    CHECK_OK(hclose(cr));
    CHECK_INT(err, ECANCELED);
    CHECK_ERR(hclose(s), EBADF);
    wire_close(fd);
}

/*  Sending into a stream that is full: nothing of the line was sent, so it can
    be sent again. */
TEST(rt_http_sending_waits_for_room)
{
    int fd;
    int pair[2];
    wire_pair(pair);
    fd = pair[1];
    int s = ipc_fromfd(pair[0]);
    REQUIRE(s >= 0);
    char block[1000];
    memset(block, 'x', sizeof block);
    size_t filled = 0;
    while(bsend(s, block, 1, 0) == 0) filled++;
    s = http_attach(s);
    CHECK_ERR(http_sendfield(s, "a", "b", 0), ETIMEDOUT);
    CHECK_ERR(http_sendfield(s, "a", "b", BRIEFLY), ETIMEDOUT);
    CHECK_ERR(http_done(s, BRIEFLY), ETIMEDOUT);
    while(filled) {
        size_t n = wire_read(fd, block,
            filled < sizeof block ? filled : sizeof block, check_ms(1000));
        if(n == 0) break;
        filled -= n;
    }
    CHECK_OK(http_sendfield(s, "a", "b", SOON));
    CHECK_OK(http_done(s, SOON));
    CHECK_WIRE(fd, "a: b\r\n\r\n");
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/**** A WebSocket behind an HTTP head ****/

static coroutine void browse(int s, int *rc)
{
    *rc = -1;
    s = ws_attach_client(s, WS_TEXT, "/chat", "www.example.org", SOON);
    if(s < 0) return;
    if(msend(s, "hello", 5, SOON) < 0) return;
    char answer[8];
    if(mrecv(s, answer, sizeof answer, SOON) != 2) return;
    s = ws_detach(s, 1000, "OK", 2, SOON);
    if(s < 0) return;
    *rc = hclose(s);
}

TEST(rt_http_a_server_goes_on_as_a_websocket)
{
    int pair[2];
    int rc;
    REQUIRE(ipc_pair(pair) == 0);
    int cr = go(browse(pair[0], &rc));
    int s = http_attach(pair[1]);
    char command[16];
    char resource[64];
    char key[64] = "";
    char accept_[WS_KEY_SIZE];
    CHECK_OK(http_recvrequest(s, command, sizeof command, resource,
        sizeof resource, SOON));
    CHECK_TEXT(resource, "/chat");
    while(1) {
        char name[64];
        char value[64];
        int got = http_recvfield(s, name, sizeof name, value, sizeof value,
            SOON);
        if(got < 0) break;
        if(strcmp(name, "Sec-WebSocket-Key") == 0) strcpy(key, value);
    }
    CHECK_INT(errno, EPIPE);
    CHECK_OK(ws_response_key(key, accept_));
    CHECK_OK(http_sendstatus(s, 101, "Switching Protocols", SOON));
    CHECK_OK(http_sendfield(s, "Upgrade", "websocket", SOON));
    CHECK_OK(http_sendfield(s, "Connection", "Upgrade", SOON));
    CHECK_OK(http_sendfield(s, "Sec-WebSocket-Accept", accept_, SOON));
    CHECK_OK(s = http_detach(s, SOON));
    CHECK_OK(s = ws_attach_server(s, WS_TEXT | WS_NOHTTP, NULL, 0, NULL, 0,
        SOON));
    char message[8];
    CHECK_INT(mrecv(s, message, sizeof message, SOON), 5);
    CHECK_BYTES(message, 5, "hello", 5);
    CHECK_OK(msend(s, "hi", 2, SOON));
    CHECK_ERR(mrecv(s, message, sizeof message, SOON), EPIPE);
    CHECK_OK(s = ws_detach(s, 1000, NULL, 0, SOON));
    CHECK_OK(bundle_wait(cr, SOON));
    CHECK_INT(rc, 0);
    CHECK_OK(hclose(cr));
    CHECK_OK(hclose(s));
}
