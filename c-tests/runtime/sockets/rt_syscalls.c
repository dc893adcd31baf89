/*  What streams cost at the system call. The runtime calls this program's
    functions in place of the C library's. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

static int sends;
static int receives;
/*  Receives that have found nothing. */
static int in_vain;

static ssize_t received(ssize_t n)
{
    receives++;
    if(n < 0 && errno == EAGAIN) in_vain++;
    return n;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    sends++;
    return syscall(SYS_sendmsg, fd, msg, flags);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    sends++;
    return syscall(SYS_sendto, fd, buf, len, flags, NULL, 0);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    return received(syscall(SYS_recvmsg, fd, msg, flags));
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    return received(syscall(SYS_recvfrom, fd, buf, len, flags, NULL, NULL));
}

/**** Lists ****/

enum {PIECES = 3000};
static struct iolist list[PIECES];
static unsigned char memory[PIECES * 32];

/*  `n` pieces of so many bytes, with one between them that is empty. */
static void make_list(int n, size_t len)
{
    for(int i = 0; i != n; i++)
        list[i] = (struct iolist){memory + i * len, i == n / 2 ? 0 : len,
            i + 1 < n ? &list[i + 1] : NULL, 0};
}

static void fill(size_t len)
{
    for(size_t i = 0; i != len; i++) memory[i] = pattern(i);
}

static void expect(const unsigned char *in, int n, size_t len)
{
    size_t half = (size_t)(n / 2) * len;
    CHECK_BYTES(in, half, memory, half);
    CHECK_BYTES(in + half, half - len, memory + half + len, half - len);
}

static const struct {int pieces; size_t len; int calls;} lists[] = {
    {2, 10, 1}, {8, 10, 1}, {10, 10, 1}, {1024, 10, 1}, {1026, 10, 2},
    {3000, 16, 3}};

TEST_KINDS(rt_syscalls_of_a_list_that_is_sent)
{
    static unsigned char in[sizeof memory];
    int s[2];
    stream_pair(kind, s);
    fill(sizeof memory);
    for(size_t i = 0; i != COUNT_OF(lists); i++) {
        int n = lists[i].pieces;
        size_t len = lists[i].len;
        check_note("%d pieces", n);
        make_list(n, len);
        sends = 0;
        CHECK_OK(bsendl(s[0], list, &list[n - 1], SOON));
        CHECK_RANGE(sends, 1, lists[i].calls);
        CHECK_OK(brecv(s[1], in, ((size_t)n - 1) * len, SOON));
        expect(in, n, len);
    }
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

TEST_KINDS(rt_syscalls_of_a_list_that_is_received)
{
    static unsigned char out[sizeof memory];
    int s[2];
    int n = 1024;
    size_t len = 32;
    stream_pair(kind, s);
    make_list(n, len);
    for(size_t i = 0; i != sizeof out; i++) out[i] = pattern(i);
    memset(memory, 0, sizeof memory);
    CHECK_OK(bsend(s[0], out, (size_t)(n - 1) * len, SOON));
    msleep(now() + 10);
    receives = 0;
    CHECK_OK(brecvl(s[1], list, &list[n - 1], SOON));
    CHECK_RANGE(receives, 1, 2);
    CHECK_BYTES(memory, (size_t)(n / 2) * len, out, (size_t)(n / 2) * len);
    CHECK_BYTES(memory + (size_t)(n / 2 + 1) * len, (size_t)(n / 2 - 1) * len,
        out + (size_t)(n / 2) * len, (size_t)(n / 2 - 1) * len);
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  Whole records, and not one for every few pieces. */
TEST_KINDS(rt_syscalls_of_a_list_over_tls)
{
    static unsigned char in[sizeof memory];
    int s[2];
    stream_pair(kind, s);
    stream_secure(s);
    fill(sizeof memory);
    /*  What the first send takes along. */
    CHECK_PASSES_WHOLE(s[0], s[1], 1);
    CHECK_PASSES_WHOLE(s[1], s[0], 1);
    for(size_t i = 0; i != COUNT_OF(lists); i++) {
        int n = lists[i].pieces;
        size_t len = lists[i].len;
        check_note("%d pieces", n);
        make_list(n, len);
        sends = 0;
        CHECK_OK(bsendl(s[0], list, &list[n - 1], SOON));
        CHECK_RANGE(sends, 1, (int)((size_t)(n - 1) * len / 16384) + 1);
        CHECK_OK(brecv(s[1], in, ((size_t)n - 1) * len, SOON));
        expect(in, n, len);
    }
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/**** Waits ****/

enum {ROUNDS = 100};

static coroutine void answer(int s)
{
    char c;
    for(int i = 0; i != ROUNDS; i++)
        if(brecv(s, &c, 1, SOON) != 0 || bsend(s, &c, 1, SOON) != 0) return;
}

/*  Whoever has read a socket empty waits without trying it again. */
TEST_KINDS(rt_syscalls_of_waiting)
{
    int s[2];
    char c = 'x';
    stream_pair(kind, s);
    int h = go(answer(s[1]));
    in_vain = 0;
    for(int i = 0; i != ROUNDS; i++) {
        CHECK_OK(bsend(s[0], &c, 1, SOON));
        CHECK_OK(brecv(s[0], &c, 1, SOON));
    }
    CHECK_RANGE(in_vain, 0, ROUNDS / 10);
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  A receive that has brought a descriptor may have stopped behind it. */
TEST(rt_syscalls_of_waiting_behind_a_descriptor)
{
    int s[2];
    char c[2];
    CHECK_OK(ipc_pair(s));
    CHECK_OK(ipc_sendfd(s[0], 0, SOON));
    CHECK_OK(bsend(s[0], "y", 1, SOON));
    CHECK_OK(brecv(s[1], c, 2, SOON));
    CHECK_INT(c[1], 'y');
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}
