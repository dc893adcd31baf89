/*  Prefix sockets. What they have in common with suffix sockets is in
    rt_messages.c. */

#include <stdlib.h>
#include <string.h>

#include "rt.h"
#include "wire.h"

/*  A prefix socket, and the far end of the stream under it. */
static int prefix_open(size_t hdrlen, int flags, int *fd)
{
    int s = prefix_attach(stream_open(IPC, fd), hdrlen, flags);
    if(s < 0) abort();
    return s;
}

static void put(int fd, const void *p, size_t len)
{
    CHECK_INT(wire_write(fd, p, len), 0);
}

/*  A size as it is sent. */
static void size_bytes(uint8_t *p, size_t hdrlen, int flags, uint64_t size)
{
    for(size_t i = 0; i != hdrlen; i++) {
        size_t at = flags & PREFIX_LITTLE_ENDIAN ? i : hdrlen - 1 - i;
        p[at] = i < 8 ? (uint8_t)(size >> 8 * i) : 0;
    }
}

static void check_passes(struct at at, int s, int fd, size_t hdrlen, int flags,
    size_t len)
{
    uint8_t size[32];
    uint8_t *wire = calloc(1, hdrlen + len + 1);
    uint8_t *out = malloc(len + 1);
    for(size_t i = 0; i != len; i++) out[i] = pattern(i);
    check_ok(at, "msend", msend(s, out, len, SOON), errno);
    size_bytes(size, hdrlen, flags, len);
    size_t n = wire_read(fd, wire, hdrlen + len, check_ms(1000));
    check_int(at, "bytes sent", (long long)n, (long long)(hdrlen + len));
    check_bytes(at, "size", wire, hdrlen, size, hdrlen);
    check_bytes(at, "message", wire + hdrlen, len, out, len);
    expect_silence(at, fd);
    put(fd, size, hdrlen);
    put(fd, out, len);
    check_int(at, "mrecv", mrecv(s, wire, len, SOON), (long long)len);
    check_bytes(at, "received", wire, len, out, len);
    free(wire);
    free(out);
}

TEST(rt_prefix_sizes_of_any_length_in_any_order)
{
    static const size_t lengths[] = {0, 1, 2, 127, 128, 255, 256, 1000};
    for(size_t hdrlen = 1; hdrlen <= 32; hdrlen++)
    for(int flags = PREFIX_BIG_ENDIAN; flags <= PREFIX_LITTLE_ENDIAN; flags++) {
        int fd;
        int s = prefix_open(hdrlen, flags, &fd);
        for(size_t i = 0; i != COUNT_OF(lengths); i++) {
            check_note("%zu bytes in %zu, flags %d", lengths[i], hdrlen, flags);
            if(hdrlen == 1 && lengths[i] > 255) continue;
            check_passes(HERE, s, fd, hdrlen, flags, lengths[i]);
        }
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  As in libdill, where the flags have other bits. */
TEST(rt_prefix_other_flags_mean_nothing)
{
    int fd;
    int s = prefix_open(2, 0x10 | PREFIX_LITTLE_ENDIAN, &fd);
    check_passes(HERE, s, fd, 2, PREFIX_LITTLE_ENDIAN, 300);
    CHECK_OK(hclose(s));
    wire_close(fd);
    s = prefix_open(2, -2, &fd);
    check_passes(HERE, s, fd, 2, PREFIX_BIG_ENDIAN, 300);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_prefix_sizes_that_cannot_be_said_are_emsgsize)
{
    static char out[65536];
    int fd;
    for(size_t hdrlen = 1; hdrlen != 3; hdrlen++) {
        size_t most = hdrlen == 1 ? 255 : 65535;
        int s = prefix_open(hdrlen, 0, &fd);
        check_note("%zu bytes", hdrlen);
        CHECK_ERR(msend(s, out, most + 1, SOON), EMSGSIZE);
        EXPECT_SILENCE(fd);
        check_passes(HERE, s, fd, hdrlen, 0, most);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  Whatever is announced, the call says at once that it is too much, and goes on
    dropping what comes. */
TEST(rt_prefix_announced_sizes_cost_nothing)
{
    static const uint64_t sizes[] = {9, 70000, UINT64_C(1) << 32,
        UINT64_C(1) << 62, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63,
        UINT64_MAX - 1, UINT64_MAX};
    for(size_t hdrlen = 8; hdrlen <= 32; hdrlen += 24)
    for(int flags = PREFIX_BIG_ENDIAN; flags <= PREFIX_LITTLE_ENDIAN; flags++)
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        int fd;
        uint8_t size[32];
        char got[8];
        check_note("%llu in %zu bytes, flags %d", (unsigned long long)sizes[i],
            hdrlen, flags);
        int s = prefix_open(hdrlen, flags, &fd);
        size_bytes(size, hdrlen, flags, sizes[i]);
        put(fd, size, hdrlen);
        CHECK_ERR(mrecv(s, got, sizeof got, SOON), EMSGSIZE);
        CHECK_ERR(mrecv(s, got, sizeof got, 0), ETIMEDOUT);
        put(fd, "12345678", 8);
        CHECK_ERR(mrecv(s, got, sizeof got, BRIEFLY), ETIMEDOUT);
        CHECK_ERR(mrecvl(s, NULL, NULL, 0), ETIMEDOUT);
        CHECK_OK(msend(s, "x", 1, SOON));
        CHECK_ERR(prefix_detach(s), ECONNRESET);
        wire_close(fd);
    }
}

/*  More than a size_t can say: bits beyond the eighth byte count. */
TEST(rt_prefix_huge_sizes_are_not_cut)
{
    for(size_t at = 0; at != 24; at++)
    for(int flags = PREFIX_BIG_ENDIAN; flags <= PREFIX_LITTLE_ENDIAN; flags++) {
        int fd;
        uint8_t size[32];
        char got[8];
        check_note("byte %zu, flags %d", at, flags);
        int s = prefix_open(32, flags, &fd);
        size_bytes(size, 32, flags, 1);
        size[flags & PREFIX_LITTLE_ENDIAN ? 31 - at : at] = 1;
        put(fd, size, 32);
        put(fd, "xy", 2);
        CHECK_ERR(mrecv(s, got, sizeof got, SOON), EMSGSIZE);
        CHECK_ERR(mrecv(s, got, sizeof got, BRIEFLY), ETIMEDOUT);
        CHECK_OK(hclose(s));
        wire_close(fd);
    }
}

/*  A message longer than can be reported is not dropped either. */
TEST(rt_prefix_no_message_is_longer_than_memory)
{
    int fd;
    uint8_t size[8];
    struct iolist any = {NULL, SIZE_MAX, NULL, 0};
    int s = prefix_open(8, 0, &fd);
    size_bytes(size, 8, 0, UINT64_C(1) << 63);
    put(fd, size, 8);
    CHECK_ERR(mrecvl(s, NULL, NULL, SOON), EMSGSIZE);
    CHECK_OK(hclose(s));
    wire_close(fd);
    s = prefix_open(8, 0, &fd);
    put(fd, size, 8);
    CHECK_ERR(mrecvl(s, &any, &any, SOON), EMSGSIZE);
    CHECK_OK(hclose(s));
    wire_close(fd);
    s = prefix_open(8, 0, &fd);
    size_bytes(size, 8, 0, (UINT64_C(1) << 63) - 1);
    put(fd, size, 8);
    CHECK_ERR(mrecvl(s, NULL, NULL, BRIEFLY), ETIMEDOUT);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_prefix_of_no_or_too_many_bytes_is_einval_and_closes)
{
    static const size_t wrong[] = {0, 33, 1000000, SIZE_MAX};
    struct prefix_storage mem;
    for(size_t i = 0; i != COUNT_OF(wrong); i++) {
        struct scripted own;
        check_note("%zu bytes", wrong[i]);
        int s = scripted_open(&own, "");
        CHECK_ERR(prefix_attach(s, wrong[i], 0), EINVAL);
        CHECK_ERR(hclose(s), EBADF);
        CHECK_INT(own.closed, 1);
        s = scripted_open(&own, "");
        CHECK_ERR(prefix_attach_mem(s, wrong[i], 0, &mem), EINVAL);
        CHECK_INT(own.closed, 1);
    }
}
