/*  Header and payload leave in as few sends as possible, counted where it
    costs, at the system call. This program's send functions are called by the
    host in place of the C library's. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conn.h"

static int counting;
static int sends;

static void count(void)
{
    if(counting) sends++;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    count();
    return syscall(SYS_sendmsg, fd, msg, flags);
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *addr, socklen_t addrlen)
{
    count();
    return syscall(SYS_sendto, fd, buf, len, flags, addr, addrlen);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    count();
    return syscall(SYS_sendto, fd, buf, len, flags, NULL, 0);
}

ssize_t write(int fd, const void *buf, size_t len)
{
    count();
    return syscall(SYS_write, fd, buf, len);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
    count();
    return syscall(SYS_writev, fd, iov, n);
}

static int count_send(struct conn *c, int type, const uint8_t *data, size_t n)
{
    struct taker t;
    taker_start(&t, c->fd);
    sends = 0;
    counting = 1;
    int rc = ws_send(c->h, type, data, n, SOON);
    counting = 0;
    check_ok(HERE, "ws_send", rc, errno);
    taker_finish(&t);
    CHECK_BYTES(t.got.payload, t.got.len, data, n);
    got_free(&t.got);
    printf("#   %s, %zu bytes: %d system calls\n",
        c->role == CLIENT ? "client" : "server", n, sends);
    return sends;
}

/*  What fits into the socket at once leaves at once; a longer message, as the
    socket takes it. On the one byte a call of libdill's client, a megabyte
    cost a million. */
TEST_ROLES(syscalls_of_a_send)
{
    static const struct {size_t n; int most;} sizes[] = {
        {0, 1}, {1, 1}, {100, 1}, {125, 1}, {126, 1}, {1024, 1}, {4096, 1},
        {65536, 2}, {1 << 20, 64}};
    uint8_t *data = malloc(1 << 20);
    struct conn c;
    memset(data, 'x', 1 << 20);
    conn_open(&c, role, 0);
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        check_note("length %zu", sizes[i].n);
        CHECK_RANGE(count_send(&c, WS_BINARY, data, sizes[i].n), 1,
            sizes[i].most);
    }
    CHECK_INT(count_send(&c, WS_TEXT, data, 1024), 1);
    free(data);
    conn_close(&c);
}

TEST_ROLES(syscalls_of_a_list)
{
    struct conn c;
    char text[100];
    struct iolist e[10];
    memset(text, 'x', sizeof text);
    for(int i = 0; i != 10; i++)
        e[i] = (struct iolist){text + 10 * i, 10, i == 9 ? NULL : &e[i + 1], 0};
    conn_open(&c, role, 0);
    sends = 0;
    counting = 1;
    CHECK_INT(ws_sendl(c.h, WS_TEXT, &e[0], &e[9], SOON), 0);
    counting = 0;
    /* A host may pass on a list in several parts, but not one by one. */
    CHECK_RANGE(sends, 1, 2);
    EXPECT_FRAME(c.fd, role, OP_TEXT, text, sizeof text);
    conn_close(&c);
}

TEST_ROLES(syscalls_of_a_pong_and_a_close_frame)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, role, 0);
    peer_ping(&in, role, "ping");
    peer_message(&in, role, OP_TEXT, "hi", 2);
    wire_send(c.fd, &in);
    sends = 0;
    counting = 1;
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 2);
    counting = 0;
    CHECK_INT(sends, 1);
    sends = 0;
    counting = 1;
    CHECK_INT(ws_done(c.h, 1000, "bye", 3, SOON), 0);
    counting = 0;
    CHECK_INT(sends, 1);
    bytes_free(&in);
    conn_close(&c);
}
