/*  What the layers of the runtime do with memory, and without. This program's
    malloc counts for the libraries too, and fails where it is told to. */

#include <stdlib.h>
#include <string.h>

#include "failing.h"
#include "rt.h"
#include "wire.h"

/**** Layers ****/

static int attach_suffix(int s)
{
    return suffix_attach(s, "\r\n", 2);
}

static int attach_prefix(int s)
{
    return prefix_attach(s, 8, 0);
}

static int attach_term(int s)
{
    return term_attach(s, "STOP", 4);
}

static int same(int s)
{
    return s;
}

static const struct {int (*below)(int s); int (*attach)(int s);} layers[] = {
    {same, attach_suffix}, {same, attach_prefix}, {attach_suffix, attach_term},
    {attach_prefix, attach_term}, {same, http_attach}};

/*  Without memory the stream is closed, as after any failure. */
TEST(rt_memory_attach_without_memory_closes_what_is_below)
{
    int before = open_handles();
    for(size_t i = 0; i != COUNT_OF(layers); i++) for(long n = 0; n < 10; n++) {
        int p[2];
        char c;
        check_note("layer %zu, allocation %ld", i, n);
        stream_pair(IPC, p);
        CHECK_OK(p[0] = layers[i].below(p[0]));
        count_start(n);
        int s = layers[i].attach(p[0]);
        int err = errno;
        count_stop();
        CHECK_RANGE(allocations, 1, 10);
        if(s >= 0) {
            /*  It needed fewer. */
            CHECK_INT(allocations, n);
            CHECK_OK(hclose(s));
            n = 10;
        } else {
            CHECK_INT(err, ENOMEM);
            CHECK_ERR(hclose(p[0]), EBADF);
        }
        CHECK_ERR(brecv(p[1], &c, 1, SOON), EPIPE);
        CHECK_OK(hclose(p[1]));
        CHECK_INT(open_handles(), before);
    }
}

/**** Messages ****/

/*  A message socket, and the far end of the stream under it. */
static int open_messages(int suffix, int *fd)
{
    int s = stream_open(IPC, fd);
    s = suffix ? attach_suffix(s) : attach_prefix(s);
    if(s < 0) abort();
    return s;
}

static void put_message(struct bytes *b, int suffix, const void *p, size_t len)
{
    if(!suffix) {
        uint8_t size[8] = {0};
        for(int i = 0; i != 4; i++) size[7 - i] = (uint8_t)(len >> 8 * i);
        bytes_put(b, size, 8);
    }
    bytes_put(b, p, len);
    if(suffix) bytes_str(b, "\r\n");
}

TEST(rt_memory_messages_need_none)
{
    for(int suffix = 0; suffix != 2; suffix++) {
        static char out[3000];
        static char in[sizeof out];
        static uint8_t wire[2 * sizeof out];
        struct bytes b = {0};
        struct iolist list[] = {{in, 10, &list[1], 0}, {NULL, 10, &list[2], 0},
            {in + 20, 2980, NULL, 0}};
        struct iolist send[] = {{out, 10, &send[1], 0},
            {out + 10, 10, &send[2], 0}, {out + 20, 80, NULL, 0}};
        int fd;
        int s = open_messages(suffix, &fd);
        memset(out, 'x', sizeof out);
        for(int i = 0; i != 4; i++) put_message(&b, suffix, out, i ? 3000 : 30);
        for(int round = 0; round != 50; round++) {
            wire_send(fd, &b);
            /*  The first round may fetch what is kept. */
            if(round) count_start(-1);
            CHECK_INT(mrecv(s, in, sizeof in, SOON), 30);
            CHECK_INT(mrecvl(s, &list[0], &list[2], SOON), 3000);
            CHECK_ERR(mrecv(s, in, 100, SOON), EMSGSIZE);
            CHECK_INT(mrecvl(s, NULL, NULL, SOON), 3000);
            CHECK_ERR(mrecv(s, in, sizeof in, 0), ETIMEDOUT);
            CHECK_OK(msend(s, out, 100, SOON));
            CHECK_OK(msendl(s, &send[0], &send[2], SOON));
            count_stop();
            CHECK_INT(round ? allocations : 0, 0);
            wire_read(fd, wire, suffix ? 204 : 216, check_ms(1000));
        }
        bytes_free(&b);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  Nothing is sized by what is announced, or by what a list promises. */
TEST(rt_memory_announced_sizes_need_none)
{
    static const uint8_t sizes[][8] = {{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff}, {0x80}, {0, 0, 1}, {0, 0, 0, 0, 0x40}};
    struct iolist any = {NULL, SIZE_MAX, NULL, 0};
    for(size_t i = 0; i != COUNT_OF(sizes); i++) for(int how = 0; how != 3; how++) {
        char got[16];
        char *room = how == 2 ? malloc(1 << 30) : NULL;
        int fd;
        int s = open_messages(0, &fd);
        check_note("size %zu, how %d", i, how);
        CHECK_INT(wire_write(fd, sizes[i], 8), 0);
        CHECK_INT(wire_write(fd, "0123456789", 10), 0);
        count_start(-1);
        for(int k = 0; k != 3; k++) {
            if(how == 0) CHECK_INT(mrecv(s, got, sizeof got, 0), -1);
            if(how == 1) CHECK_INT(mrecvl(s, &any, &any, 0), -1);
            if(how == 2) CHECK_INT(mrecv(s, room, 1 << 30, 0), -1);
        }
        count_stop();
        CHECK_RANGE(largest, 0, 16384);
        free(room);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  What is dropped is not kept for the next call, also between what is not. */
TEST(rt_memory_dropped_bytes_need_none)
{
    for(int suffix = 0; suffix != 2; suffix++) {
        char got[16];
        struct iolist list[] = {{got, 8, &list[1], 0},
            {NULL, 1 << 30, &list[2], 0}, {got + 8, 8, NULL, 0}};
        struct bytes b = {0};
        static char data[60000];
        int fd;
        int s = open_messages(suffix, &fd);
        put_message(&b, suffix, data, sizeof data);
        b.n -= 2;
        wire_send(fd, &b);
        count_start(-1);
        for(int i = 0; i != 3; i++)
            CHECK_ERR(mrecvl(s, &list[0], &list[2], now() + 5), ETIMEDOUT);
        count_stop();
        CHECK_RANGE(largest, 0, 16384);
        bytes_free(&b);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  Whoever asks again and again while a long message trickles in has each byte
    copied a bounded number of times. */
TEST(rt_memory_a_polled_message_is_kept_in_one_piece_that_grows)
{
    enum {LEN = 1 << 20, STEP = 4096};
    for(int suffix = 0; suffix != 2; suffix++) {
        struct bytes b = {0};
        unsigned char *data = malloc(LEN);
        unsigned char *in = malloc(LEN);
        int fd;
        int s = open_messages(suffix, &fd);
        for(size_t i = 0; i != LEN; i++) data[i] = 0x80 | pattern(i);
        put_message(&b, suffix, data, LEN);
        count_start(-1);
        for(size_t i = 0; i < b.n; i += STEP) {
            size_t n = b.n - i < STEP ? b.n - i : STEP;
            CHECK_INT(wire_write(fd, b.p + i, n), 0);
            if(i + n == b.n) break;
            CHECK_ERR(mrecv(s, in, LEN, 0), ETIMEDOUT);
            if(check_failed()) break;
        }
        CHECK_INT(mrecv(s, in, LEN, SOON), LEN);
        count_stop();
        CHECK(memcmp(in, data, LEN) == 0);
        CHECK_RANGE(allocations, 1, 40);
        free(data);
        free(in);
        bytes_free(&b);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  The same without messages: memory for what came is asked for as it doubles,
    not anew for each call. */
TEST(rt_memory_a_polled_request_is_copied_back_once)
{
    enum {LEN = 4 << 20, STEP = 1 << 15};
    static uint8_t data[LEN], in[LEN];
    int fd;
    int s = stream_open(IPC, &fd);
    for(size_t i = 0; i != LEN; i++) data[i] = pattern(i);
    count_start(-1);
    for(size_t i = 0; i != LEN; i += STEP) {
        CHECK_INT(wire_write(fd, data + i, STEP), 0);
        if(i + STEP == LEN) break;
        CHECK_ERR(brecv(s, in, LEN, 0), ETIMEDOUT);
        if(check_failed()) break;
    }
    CHECK_OK(brecv(s, in, LEN, SOON));
    count_stop();
    CHECK(memcmp(in, data, LEN) == 0);
    CHECK_RANGE(total, LEN, 3 * LEN);
    CHECK_RANGE(allocations, 1, 30);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  A message that there is no memory to keep is lost, and no other one. */
TEST(rt_memory_a_message_that_cannot_be_kept_is_lost)
{
    for(int suffix = 0; suffix != 2; suffix++) {
        struct bytes b = {0};
        char got[16];
        int fd;
        int s = open_messages(suffix, &fd);
        /*  The stream's own buffer is there then. */
        put_message(&b, suffix, "first", 5);
        wire_send(fd, &b);
        CHECK_INT(mrecv(s, got, sizeof got, SOON), 5);
        b.n = 0;
        put_message(&b, suffix, "0123456789", 10);
        size_t cut = b.n - 4;
        put_message(&b, suffix, "next", 4);
        CHECK_INT(wire_write(fd, b.p, cut), 0);
        count_start(0);
        CHECK_ERR(mrecv(s, got, sizeof got, BRIEFLY), ENOMEM);
        count_stop();
        CHECK_INT(allocations, 1);
        CHECK_INT(wire_write(fd, b.p + cut, b.n - cut), 0);
        CHECK_INT(mrecv(s, got, sizeof got, SOON), 4);
        CHECK_BYTES(got, 4, "next", 4);
        bytes_free(&b);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  Behind a list of many buffers the suffix needs one more element. */
TEST(rt_memory_a_long_list_without_memory_is_enomem)
{
    struct iolist list[10];
    char got[16];
    int s[2];
    for(int i = 0; i != 10; i++)
        list[i] = (struct iolist){"x", 1, &list[i + 1], 0};
    list[9].iol_next = NULL;
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) CHECK_OK(s[i] = attach_suffix(s[i]));
    count_start(0);
    int rc = msendl(s[0], &list[0], &list[9], SOON);
    int err = errno;
    count_stop();
    CHECK_INT(rc, -1);
    CHECK_INT(err, ENOMEM);
    CHECK_OK(msendl(s[0], &list[0], &list[9], SOON));
    CHECK_INT(mrecv(s[1], got, sizeof got, SOON), 10);
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}
