/*  UDP sockets. The other side is a plain socket of the test's own. */

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

/**** Both families ****/

/*  Two tests: name/ipv4 and name/ipv6. */
#define TEST_FAMILIES(name) \
    static void name(int mode); \
    static void name##_over_ipv4(void) {name(IPADDR_IPV4);} \
    static void name##_over_ipv6(void) \
    { \
        if(!has_ipv6()) NA("no IPv6 here"); \
        name(IPADDR_IPV6); \
    } \
    CHECK_REGISTER_(name##_ipv4, #name, "/ipv4", name##_over_ipv4, NULL, \
        CLIENT, NULL) \
    CHECK_REGISTER_(name##_ipv6, #name, "/ipv6", name##_over_ipv6, NULL, \
        CLIENT, NULL) \
    static void name(int mode)

static struct ipaddr loopback(int mode, int port)
{
    struct ipaddr addr;
    const char *name = mode == IPADDR_IPV4 ? "127.0.0.1" : "::1";
    if(ipaddr_local(&addr, name, port, mode) != 0) abort();
    return addr;
}

static int has_ipv6(void)
{
    struct ipaddr addr = loopback(IPADDR_IPV6, 0);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    int rc = fd < 0 ? -1 :
        bind(fd, ipaddr_sockaddr(&addr), (socklen_t)ipaddr_len(&addr));
    if(fd >= 0) close(fd);
    return rc == 0;
}

/**** The other side ****/

/*  A plain socket on the loopback, and its address. */
struct plain {int fd; struct ipaddr addr;};

static struct plain plain_open(int mode)
{
    struct plain p = {.addr = loopback(mode, 0)};
    socklen_t len = sizeof p.addr;
    p.fd = socket(ipaddr_family(&p.addr), SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if(p.fd < 0 || bind(p.fd, ipaddr_sockaddr(&p.addr),
          (socklen_t)ipaddr_len(&p.addr)) != 0 ||
          getsockname(p.fd, (struct sockaddr*)&p.addr, &len) != 0) abort();
    return p;
}

static void plain_send(const struct plain *p, const struct ipaddr *to,
    const void *data, size_t len)
{
    ssize_t n = sendto(p->fd, data, len, 0, ipaddr_sockaddr(to),
        (socklen_t)ipaddr_len(to));
    if(n != (ssize_t)len) check_fail(HERE, "sendto: %s", strerror(errno));
}

/*  The next datagram to come to the plain socket, and who has sent it. On the
    loopback it is there when the sender's call returns. */
static ssize_t plain_recv(const struct plain *p, void *data, size_t len,
    struct ipaddr *from)
{
    struct ipaddr ignored;
    socklen_t addrlen = sizeof *from;
    return recvfrom(p->fd, data, len, MSG_TRUNC,
        (struct sockaddr*)(from ? from : &ignored), &addrlen);
}

static void check_comes(struct at at, const struct plain *p, const void *want,
    size_t len)
{
    unsigned char got[65536];
    ssize_t n = plain_recv(p, got, sizeof got, NULL);
    check_ok(at, "the datagram", n, errno);
    check_bytes(at, "the datagram", got, n < 0 ? 0 : (size_t)n, want, len);
}
#define CHECK_COMES(p, want, len) check_comes(HERE, p, want, len)

static void check_nothing_comes(struct at at, const struct plain *p)
{
    char got;
    errno = 0;
    ssize_t n = plain_recv(p, &got, 1, NULL);
    check_err(at, "a datagram", n, errno, EAGAIN);
}
#define CHECK_NOTHING_COMES(p) check_nothing_comes(HERE, p)

static void check_addr(struct at at, const struct ipaddr *got,
    const struct ipaddr *want)
{
    char a[IPADDR_MAXSTRLEN];
    char b[IPADDR_MAXSTRLEN];
    if(ipaddr_equal(got, want, 0)) return;
    check_fail(at, "address %s port %d, want %s port %d", ipaddr_str(got, a),
        ipaddr_port(got), ipaddr_str(want, b), ipaddr_port(want));
}
#define CHECK_ADDR(got, want) check_addr(HERE, got, want)

/*  A socket under test on a free port of the loopback, and its address. */
static int open_one(int mode, struct ipaddr *addr, const struct ipaddr *remote)
{
    *addr = loopback(mode, 0);
    int s = udp_open(addr, remote);
    if(s < 0) abort();
    return s;
}

/*  Both sides: a socket under test whose remote address is the plain one. */
struct both {int s; struct ipaddr addr; struct plain p;};

static struct both both_open(int mode)
{
    struct both b;
    b.p = plain_open(mode);
    b.s = open_one(mode, &b.addr, &b.p.addr);
    return b;
}

static void both_close(struct both *b)
{
    CHECK_OK(hclose(b->s));
    close(b->p.fd);
}

/*  What the system says instead of sending; 0: it sends. */
static int refusal;

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    if(refusal) {
        errno = refusal;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, msg, flags);
}

/*  Whether there is always one more message from somebody else. */
static int strangers;

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    static const struct sockaddr_in stranger = {.sin_family = AF_INET};
    if(!strangers) return syscall(SYS_recvmsg, fd, msg, flags);
    memcpy(msg->msg_name, &stranger, sizeof stranger);
    return 1;
}

/**** Messages ****/

TEST_FAMILIES(rt_udp_messages_to_and_from_anybody)
{
    struct ipaddr addr;
    struct ipaddr from;
    char buf[16];
    struct plain a = plain_open(mode);
    struct plain b = plain_open(mode);
    int s = open_one(mode, &addr, NULL);
    CHECK_RANGE(ipaddr_port(&addr), 1, 65535);
    for(int i = 0; i != 3; i++) {
        const struct plain *p = i == 1 ? &b : &a;
        plain_send(p, &addr, "question", 8);
        CHECK_INT(udp_recv(s, &from, buf, sizeof buf, SOON), 8);
        CHECK_BYTES(buf, 8, "question", 8);
        CHECK_ADDR(&from, &p->addr);
        CHECK_OK(udp_send(s, &from, "answer", 6));
        CHECK_INT(plain_recv(p, buf, sizeof buf, &from), 6);
        CHECK_BYTES(buf, 6, "answer", 6);
        CHECK_ADDR(&from, &addr);
    }
    /*  Nobody has to ask who it was. */
    plain_send(&b, &addr, "x", 1);
    CHECK_INT(udp_recv(s, NULL, buf, sizeof buf, SOON), 1);
    plain_send(&b, &addr, "y", 1);
    CHECK_INT(mrecv(s, buf, sizeof buf, SOON), 1);
    CHECK_INT(buf[0], 'y');
    CHECK_OK(hclose(s));
    close(a.fd);
    close(b.fd);
}

TEST_FAMILIES(rt_udp_messages_to_and_from_the_remote_address)
{
    struct both b = both_open(mode);
    struct iolist in[2];
    char buf[16];
    CHECK_OK(msend(b.s, "abc", 3, -1));
    CHECK_COMES(&b.p, "abc", 3);
    CHECK_OK(udp_send(b.s, NULL, "def", 3));
    CHECK_COMES(&b.p, "def", 3);
    struct iolist out[2] = {{"gh", 2, &out[1], 0}, {"i", 1, NULL, 0}};
    CHECK_OK(msendl(b.s, &out[0], &out[1], 0));
    CHECK_COMES(&b.p, "ghi", 3);
    CHECK_OK(udp_sendl(b.s, NULL, &out[0], &out[1]));
    CHECK_COMES(&b.p, "ghi", 3);
    for(int i = 0; i != 2; i++) {
        in[0] = (struct iolist){buf, 1, &in[1], 0};
        in[1] = (struct iolist){buf + 8, 8, NULL, 0};
        plain_send(&b.p, &b.addr, "jkl", 3);
        CHECK_INT(i ? mrecvl(b.s, &in[0], &in[1], SOON) :
            udp_recvl(b.s, NULL, &in[0], &in[1], SOON), 3);
        CHECK_INT(buf[0], 'j');
        CHECK_BYTES(buf + 8, 2, "kl", 2);
    }
    both_close(&b);
}

/*  Without a local address the system chooses one for the first message. */
TEST(rt_udp_without_a_local_address)
{
    struct ipaddr from;
    char buf[4];
    struct plain p = plain_open(IPADDR_IPV4);
    int s = udp_open(NULL, &p.addr);
    int t = udp_open(NULL, NULL);
    CHECK_OK(s);
    CHECK_OK(t);
    CHECK_ERR(mrecv(s, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
    CHECK_OK(msend(s, "abc", 3, -1));
    CHECK_OK(udp_send(t, &p.addr, "def", 3));
    for(int i = 0; i != 2; i++) {
        CHECK_INT(plain_recv(&p, buf, sizeof buf, &from), 3);
        plain_send(&p, &from, buf, 3);
        CHECK_INT(mrecv(i ? t : s, buf, sizeof buf, SOON), 3);
        CHECK_BYTES(buf, 3, i ? "def" : "abc", 3);
    }
    CHECK_OK(hclose(s));
    CHECK_OK(hclose(t));
    close(p.fd);
}

TEST_FAMILIES(rt_udp_messages_of_every_length)
{
    static unsigned char out[65536];
    static unsigned char in[65536];
    size_t longest = mode == IPADDR_IPV4 ? 65507 : 65527;
    const size_t lengths[] = {0, 1, 2, 511, 512, 1472, 8192, 40000, longest};
    struct both b = both_open(mode);
    for(size_t i = 0; i != sizeof out; i++) out[i] = pattern(i);
    for(size_t i = 0; i != COUNT_OF(lengths); i++) {
        size_t len = lengths[i];
        check_note("%zu bytes", len);
        CHECK_OK(udp_send(b.s, NULL, out, len));
        CHECK_COMES(&b.p, out, len);
        plain_send(&b.p, &b.addr, out, len);
        /*  There is just enough room. */
        memset(in, 0, sizeof in);
        CHECK_INT(udp_recv(b.s, NULL, in, len, SOON), (long long)len);
        CHECK_BYTES(in, len, out, len);
    }
    check_note(NULL);
    /*  Beyond that none leaves, and nothing is the worse for it. */
    const size_t beyond[] = {longest + 1, 65536, SIZE_MAX / 2, SIZE_MAX};
    for(size_t i = 0; i != COUNT_OF(beyond); i++) {
        check_note("%zu bytes", beyond[i]);
        CHECK_ERR(udp_send(b.s, NULL, out, beyond[i]), EMSGSIZE);
    }
    check_note(NULL);
    CHECK_OK(msend(b.s, NULL, 0, 0));
    CHECK_COMES(&b.p, "", 0);
    both_close(&b);
}

/*  Ways to receive into one buffer. */
enum {WAYS = 4};
static ssize_t receive(int way, int s, void *buf, size_t len, int64_t deadline)
{
    struct iolist l = {buf, len, NULL, 0};
    switch(way) {
    case 0: return udp_recv(s, NULL, buf, len, deadline);
    case 1: return udp_recvl(s, NULL, &l, &l, deadline);
    case 2: return mrecv(s, buf, len, deadline);
    default: return mrecvl(s, &l, &l, deadline);
    }
}

TEST(rt_udp_an_overlong_message_is_lost_and_the_next_one_arrives)
{
    struct both b = both_open(IPADDR_IPV4);
    char buf[8];
    for(int way = 0; way != WAYS; way++) {
        for(size_t room = 0; room != 5; room++) {
            check_note("way %d, room for %zu", way, room);
            memset(buf, '.', sizeof buf);
            plain_send(&b.p, &b.addr, "longer", 6);
            plain_send(&b.p, &b.addr, "next", 4);
            CHECK_ERR(receive(way, b.s, buf, room, SOON), EMSGSIZE);
            CHECK_BYTES(buf + room, sizeof buf - room, "........",
                sizeof buf - room);
            CHECK_INT(receive(way, b.s, buf, 4, SOON), 4);
            CHECK_BYTES(buf, 4, "next", 4);
        }
    }
    both_close(&b);
}

/**** Lists ****/

/*  A list of many pieces of one byte, with empty ones between them. */
static size_t pieces(struct iolist *l, unsigned char *p, size_t n)
{
    size_t used = 0;
    for(size_t i = 0; i != n; i++) {
        if(i % 3 == 0) l[used++] = (struct iolist){NULL, 0, NULL, 0};
        if(i % 5 == 0) l[used++] = (struct iolist){p, 0, NULL, 0};
        l[used++] = (struct iolist){&p[i], 1, NULL, 0};
    }
    if(!used) l[used++] = (struct iolist){NULL, 0, NULL, 0};
    for(size_t i = 1; i != used; i++) l[i - 1].iol_next = &l[i];
    return used;
}

TEST(rt_udp_lists_of_many_pieces)
{
    static const size_t counts[] = {0, 1, 2, 7, 8, 9, 16, 100, 1023, 1024, 1025,
        5000, 40000};
    size_t most = 40000;
    struct both b = both_open(IPADDR_IPV4);
    unsigned char *out = malloc(most + 1);
    unsigned char *in = malloc(most);
    struct iolist *l = calloc(2 * most, sizeof *l);
    for(size_t i = 0; i <= most; i++) out[i] = pattern(i);
    for(size_t i = 0; i != COUNT_OF(counts); i++) {
        size_t n = counts[i];
        check_note("%zu pieces", n);
        size_t used = pieces(l, out, n);
        CHECK_OK(udp_sendl(b.s, NULL, &l[0], &l[used - 1]));
        CHECK_COMES(&b.p, out, n);
        used = pieces(l, in, n);
        memset(in, 0, most);
        plain_send(&b.p, &b.addr, out, n);
        CHECK_INT(udp_recvl(b.s, NULL, &l[0], &l[used - 1], SOON),
            (long long)n);
        CHECK_BYTES(in, n, out, n);
        /*  One byte too many. */
        plain_send(&b.p, &b.addr, out, n + 1);
        CHECK_ERR(mrecvl(b.s, &l[0], &l[used - 1], SOON), EMSGSIZE);
        /*  A short message leaves the rest of the buffers alone. */
        memset(in, '.', most);
        plain_send(&b.p, &b.addr, out, n / 2);
        CHECK_INT(mrecvl(b.s, &l[0], &l[used - 1], SOON), (long long)(n / 2));
        CHECK_BYTES(in, n / 2, out, n / 2);
        for(size_t k = n / 2; k != n; k++) CHECK_INT(in[k], '.');
    }
    free(l);
    free(in);
    free(out);
    both_close(&b);
}

TEST(rt_udp_a_list_that_is_too_long_for_udp)
{
    struct both b = both_open(IPADDR_IPV4);
    static char block[4096];
    struct iolist l[17];
    for(size_t i = 0; i != 17; i++)
        l[i] = (struct iolist){block, 4096, i == 16 ? NULL : &l[i + 1], 0};
    CHECK_ERR(udp_sendl(b.s, NULL, &l[0], &l[16]), EMSGSIZE);
    l[16].iol_len = SIZE_MAX / 4;
    CHECK_ERR(msendl(b.s, &l[0], &l[16], -1), EMSGSIZE);
    l[16].iol_len = SIZE_MAX;
    CHECK_ERR(msendl(b.s, &l[0], &l[16], -1), EMSGSIZE);
    CHECK_NOTHING_COMES(&b.p);
    both_close(&b);
}

TEST(rt_udp_null_buffers_skip)
{
    struct both b = both_open(IPADDR_IPV4);
    char buf[16];
    static const struct {size_t first; size_t hole; size_t last;} rows[] = {
        {0, 0, 6}, {1, 2, 3}, {0, 3, 3}, {3, 3, 0}, {0, 6, 0}, {2, 4, 5},
        {2, SIZE_MAX, 0}, {0, SIZE_MAX, 0}, {1, 0, 5}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        size_t tail = rows[i].first + rows[i].hole;
        struct iolist l[4] = {
            {buf, rows[i].first, &l[1], 0}, {NULL, rows[i].hole, &l[2], 0},
            {NULL, 0, &l[3], 0}, {buf + 3, rows[i].last, NULL, 0}};
        memset(buf, '.', sizeof buf);
        plain_send(&b.p, &b.addr, "abcdef", 6);
        CHECK_INT(udp_recvl(b.s, NULL, &l[0], &l[3], SOON), 6);
        CHECK_BYTES(buf, rows[i].first, "abcdef", rows[i].first);
        if(rows[i].last && tail < 6)
            CHECK_BYTES(buf + 3, 6 - tail, &"abcdef"[tail], 6 - tail);
    }
    check_note(NULL);
    struct iolist l[2] = {{NULL, 2, &l[1], 0}, {buf, 3, NULL, 0}};
    plain_send(&b.p, &b.addr, "abcdef", 6);
    CHECK_ERR(udp_recvl(b.s, NULL, &l[0], &l[1], SOON), EMSGSIZE);
    plain_send(&b.p, &b.addr, "abcdef", 6);
    CHECK_ERR(udp_recv(b.s, NULL, NULL, 5, SOON), EMSGSIZE);
    plain_send(&b.p, &b.addr, "abcdef", 6);
    CHECK_INT(mrecv(b.s, NULL, 6, SOON), 6);
    both_close(&b);
}

TEST(rt_udp_null_list_drops_one_message)
{
    struct both b = both_open(IPADDR_IPV4);
    struct ipaddr from;
    char buf[4];
    for(int i = 0; i != 2; i++) {
        plain_send(&b.p, &b.addr, "dropped", 7);
        plain_send(&b.p, &b.addr, "kept", 4);
        CHECK_INT(i ? mrecvl(b.s, NULL, NULL, SOON) :
            udp_recvl(b.s, &from, NULL, NULL, SOON), 7);
        if(!i) CHECK_ADDR(&from, &b.p.addr);
        CHECK_INT(mrecv(b.s, buf, sizeof buf, SOON), 4);
        CHECK_BYTES(buf, 4, "kept", 4);
    }
    CHECK_ERR(mrecvl(b.s, NULL, NULL, 0), ETIMEDOUT);
    both_close(&b);
}

static int same_element(const struct iolist *a, const struct iolist *b)
{
    return a->iol_base == b->iol_base && a->iol_len == b->iol_len &&
        a->iol_next == b->iol_next && a->iol_rsvd == b->iol_rsvd;
}

TEST(rt_udp_malformed_lists)
{
    struct both b = both_open(IPADDR_IPV4);
    char buf[8];
    struct iolist l[3];
    struct iolist *const ends[][2] = {
        {&l[0], NULL}, {NULL, &l[2]}, {&l[0], &l[1]}, {&l[1], &l[0]},
        {&l[0], &l[2]}, {&l[0], &l[2]}};
    plain_send(&b.p, &b.addr, "abc", 3);
    for(size_t i = 0; i != COUNT_OF(ends); i++) {
        check_note("row %zu", i);
        for(size_t k = 0; k != 3; k++)
            l[k] = (struct iolist){&buf[k], 1, k == 2 ? NULL : &l[k + 1], 0};
        if(i == 4) l[2].iol_next = &l[0];
        if(i == 5) l[1].iol_rsvd = 1;
        struct iolist before[3];
        memcpy(before, l, sizeof l);
        CHECK_ERR(udp_sendl(b.s, NULL, ends[i][0], ends[i][1]), EINVAL);
        CHECK_ERR(msendl(b.s, ends[i][0], ends[i][1], -1), EINVAL);
        CHECK_ERR(udp_recvl(b.s, NULL, ends[i][0], ends[i][1], SOON), EINVAL);
        CHECK_ERR(mrecvl(b.s, ends[i][0], ends[i][1], SOON), EINVAL);
        for(size_t k = 0; k != 3; k++) CHECK(same_element(&l[k], &before[k]));
    }
    check_note(NULL);
    CHECK_ERR(udp_sendl(b.s, NULL, NULL, NULL), EINVAL);
    CHECK_ERR(msendl(b.s, NULL, NULL, -1), EINVAL);
    /*  What is sent has to be somewhere. */
    CHECK_ERR(udp_send(b.s, NULL, NULL, 1), EINVAL);
    CHECK_ERR(msend(b.s, NULL, 1, -1), EINVAL);
    CHECK_NOTHING_COMES(&b.p);
    CHECK_INT(mrecv(b.s, buf, sizeof buf, SOON), 3);
    both_close(&b);
}

/**** Addresses ****/

TEST_FAMILIES(rt_udp_strangers_are_dropped)
{
    struct both b = both_open(mode);
    struct plain stranger = plain_open(mode);
    struct ipaddr from;
    char buf[8];
    for(int way = 0; way != WAYS; way++) {
        check_note("way %d", way);
        plain_send(&stranger, &b.addr, "not you", 7);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, 0), ETIMEDOUT);
        /*  Nor does what would not fit. */
        plain_send(&stranger, &b.addr, "nor this one", 12);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
        plain_send(&stranger, &b.addr, "not you", 7);
        plain_send(&b.p, &b.addr, "you", 3);
        plain_send(&stranger, &b.addr, "not you", 7);
        CHECK_INT(receive(way, b.s, buf, sizeof buf, SOON), 3);
        CHECK_BYTES(buf, 3, "you", 3);
    }
    check_note(NULL);
    plain_send(&stranger, &b.addr, "not you", 7);
    plain_send(&b.p, &b.addr, "you", 3);
    CHECK_INT(udp_recv(b.s, &from, buf, sizeof buf, SOON), 3);
    CHECK_ADDR(&from, &b.p.addr);
    /*  Though one can write to them. */
    CHECK_OK(udp_send(b.s, &stranger.addr, "hello", 5));
    CHECK_COMES(&stranger, "hello", 5);
    CHECK_NOTHING_COMES(&b.p);
    close(stranger.fd);
    both_close(&b);
}

static coroutine void count(long *n)
{
    while(yield() == 0) ++*n;
}

/*  However many they are, the deadline is kept and others run. */
TEST(rt_udp_a_flood_of_strangers)
{
    struct both b = both_open(IPADDR_IPV4);
    char buf[8];
    long n = 0;
    int h = go(count(&n));
    strangers = 1;
    ssize_t rc = mrecv(b.s, buf, sizeof buf, BRIEFLY);
    int err = errno;
    strangers = 0;
    check_err(HERE, "mrecv", rc, err, ETIMEDOUT);
    CHECK_RANGE(n, 2, INT32_MAX);
    CHECK_OK(hclose(h));
    plain_send(&b.p, &b.addr, "you", 3);
    CHECK_INT(mrecv(b.s, buf, sizeof buf, SOON), 3);
    both_close(&b);
}

TEST(rt_udp_nowhere_to_send)
{
    struct ipaddr addr;
    struct ipaddr none;
    struct ipaddr no_port = loopback(IPADDR_IPV4, 0);
    int s = open_one(IPADDR_IPV4, &addr, NULL);
    memset(&none, 0, sizeof none);
    struct iolist l = {"x", 1, NULL, 0};
    CHECK_ERR(udp_send(s, NULL, "x", 1), EINVAL);
    CHECK_ERR(udp_sendl(s, NULL, &l, &l), EINVAL);
    CHECK_ERR(msend(s, "x", 1, -1), EINVAL);
    CHECK_ERR(msendl(s, &l, &l, -1), EINVAL);
    CHECK_ERR(udp_send(s, &none, "x", 1), EINVAL);
    CHECK_ERR(udp_send(s, &no_port, "x", 1), EINVAL);
    if(has_ipv6()) {
        struct ipaddr other = loopback(IPADDR_IPV6, 9);
        CHECK_ERR(udp_send(s, &other, "x", 1), EAFNOSUPPORT);
    }
    CHECK_OK(hclose(s));
}

/*  A port that nobody listens on answers, and nobody's call fails for that. */
TEST_FAMILIES(rt_udp_a_port_that_nobody_has)
{
    struct both b = both_open(mode);
    struct plain gone = plain_open(mode);
    char buf[8];
    close(gone.fd);
    for(int i = 0; i != 5; i++) {
        CHECK_OK(udp_send(b.s, &gone.addr, "hello?", 6));
        CHECK_ERR(mrecv(b.s, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
        CHECK_OK(udp_send(b.s, NULL, "abc", 3));
        CHECK_COMES(&b.p, "abc", 3);
    }
    int s = udp_open(NULL, &gone.addr);
    for(int i = 0; i != 5; i++) {
        CHECK_OK(msend(s, "hello?", 6, -1));
        CHECK_ERR(mrecv(s, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
    }
    CHECK_OK(hclose(s));
    both_close(&b);
}

/*  What the system has no room for is lost, other errors are told. */
TEST(rt_udp_no_room_to_send)
{
    static const struct {int refusal; int err;} rows[] = {
        {EAGAIN, 0}, {ENOBUFS, 0}, {EPERM, EPERM}, {ENETUNREACH, ENETUNREACH},
        {ENOMEM, ENOMEM}};
    struct both b = both_open(IPADDR_IPV4);
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("%s", strerror(rows[i].refusal));
        refusal = rows[i].refusal;
        int first = udp_send(b.s, NULL, "lost", 4);
        int first_err = errno;
        int second = msend(b.s, "lost", 4, -1);
        int second_err = errno;
        refusal = 0;
        CHECK_INT(first, rows[i].err ? -1 : 0);
        CHECK_INT(second, rows[i].err ? -1 : 0);
        if(rows[i].err) CHECK_INT(first_err, rows[i].err);
        if(rows[i].err) CHECK_INT(second_err, rows[i].err);
        CHECK_NOTHING_COMES(&b.p);
        CHECK_OK(msend(b.s, "sent", 4, -1));
        CHECK_COMES(&b.p, "sent", 4);
    }
    both_close(&b);
}

/**** Opening ****/

TEST(rt_udp_addresses_that_do_not_work)
{
    struct ipaddr used;
    struct ipaddr none;
    struct ipaddr elsewhere;
    struct ipaddr in6 = loopback(IPADDR_IPV6, 1);
    struct ipaddr in4 = loopback(IPADDR_IPV4, 0);
    struct ipaddr before;
    struct udp_storage mem;
    int s = open_one(IPADDR_IPV4, &used, NULL);
    memset(&none, 0, sizeof none);
    CHECK_OK(ipaddr_local(&elsewhere, "192.0.2.1", 0, IPADDR_IPV4));
    int descriptors = open_descriptors();
    int handles = open_handles();
    before = used;
    CHECK_ERR(udp_open(&used, NULL), EADDRINUSE);
    CHECK(memcmp(&used, &before, sizeof used) == 0);
    CHECK_ERR(udp_open(&elsewhere, NULL), EADDRNOTAVAIL);
    CHECK_INT(ipaddr_port(&elsewhere), 0);
    CHECK_ERR(udp_open(&none, NULL), EINVAL);
    CHECK_ERR(udp_open(NULL, &none), EINVAL);
    CHECK_ERR(udp_open(&in4, &in6), EINVAL);
    CHECK_ERR(udp_open_mem(&in4, &in6, &mem), EINVAL);
    CHECK_INT(ipaddr_port(&in4), 0);
    CHECK_ERR(udp_open_mem(NULL, NULL, NULL), EINVAL);
    CHECK_INT(open_descriptors(), descriptors);
    CHECK_INT(open_handles(), handles);
    CHECK_OK(hclose(s));
}

/*  The same address may be given twice. */
TEST(rt_udp_talks_to_itself)
{
    struct ipaddr addr;
    char buf[4];
    int s = open_one(IPADDR_IPV4, &addr, NULL);
    CHECK_OK(hclose(s));
    CHECK_OK(s = udp_open(&addr, &addr));
    CHECK_OK(msend(s, "me", 2, -1));
    CHECK_INT(mrecv(s, buf, sizeof buf, SOON), 2);
    CHECK_OK(hclose(s));
}

TEST(rt_udp_no_descriptors_left)
{
    struct rlimit limit;
    struct rlimit none;
    struct ipaddr addr = loopback(IPADDR_IPV4, 0);
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
    none = limit;
    none.rlim_cur = 0;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
    int rc = udp_open(&addr, NULL);
    int err = errno;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
    check_err(HERE, "udp_open", rc, err, EMFILE);
    CHECK_INT(ipaddr_port(&addr), 0);
    int s = udp_open(&addr, NULL);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
}

TEST(rt_udp_in_memory_of_the_caller)
{
    struct {char pad; struct udp_storage a; char between[8];
        struct udp_storage b; char behind[8];} mem;
    struct ipaddr addr = loopback(IPADDR_IPV4, 0);
    struct plain p = plain_open(IPADDR_IPV4);
    char buf[8];
    memset(&mem, 0x55, sizeof mem);
    int a = udp_open_mem(&addr, &p.addr, &mem.a);
    int b = udp_open_mem(NULL, &p.addr, &mem.b);
    CHECK_OK(a);
    CHECK_OK(b);
    CHECK_INT(mem.pad, 0x55);
    CHECK_BYTES(mem.between, 8, "UUUUUUUU", 8);
    CHECK_BYTES(mem.behind, 8, "UUUUUUUU", 8);
    CHECK_OK(msend(a, "abc", 3, -1));
    CHECK_COMES(&p, "abc", 3);
    plain_send(&p, &addr, "def", 3);
    CHECK_INT(mrecv(a, buf, sizeof buf, SOON), 3);
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    close(p.fd);
}

TEST(rt_udp_descriptors_and_handles_are_given_back)
{
    struct plain p = plain_open(IPADDR_IPV4);
    int descriptors = open_descriptors();
    int handles = open_handles();
    for(long i = check_rounds(2000); i; i--) {
        struct ipaddr addr = loopback(IPADDR_IPV4, 0);
        int s = udp_open(&addr, &p.addr);
        char c;
        if(s < 0 || mrecv(s, &c, 1, 0) != -1 || hclose(s) != 0) {
            check_fail(HERE, "%s", strerror(errno));
            break;
        }
        CHECK_ERR(msend(s, "x", 1, -1), EBADF);
    }
    CHECK_INT(open_descriptors(), descriptors);
    CHECK_INT(open_handles(), handles);
    close(p.fd);
}

/**** Handles ****/

/*  A message socket of the program's own. */
struct own {struct hvfs hvfs; struct msock_vfs mvfs;};

static void *own_query(struct hvfs *hvfs, const void *type)
{
    if(type == msock_type) return &((struct own*)hvfs)->mvfs;
    errno = ENOTSUP;
    return NULL;
}

static void own_close(struct hvfs *hvfs)
{
    (void)hvfs;
}

TEST(rt_udp_other_handles)
{
    struct ipaddr addr;
    struct own own = {.hvfs = {own_query, own_close}};
    struct iolist l = {"x", 1, NULL, 0};
    char c;
    int pair[2];
    int s = open_one(IPADDR_IPV4, &addr, NULL);
    CHECK_OK(ipc_pair(pair));
    int mine = hmake(&own.hvfs);
    CHECK_OK(mine);
    const struct {int h; int err;} rows[] = {{pair[0], ENOTSUP},
        {mine, ENOTSUP}, {-1, EBADF}, {12345, EBADF}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        CHECK_ERR(udp_send(rows[i].h, &addr, "x", 1), rows[i].err);
        CHECK_ERR(udp_sendl(rows[i].h, &addr, &l, &l), rows[i].err);
        CHECK_ERR(udp_recv(rows[i].h, NULL, &c, 1, 0), rows[i].err);
        CHECK_ERR(udp_recvl(rows[i].h, NULL, &l, &l, 0), rows[i].err);
    }
    check_note(NULL);
    CHECK_ERR(bsend(s, "x", 1, 0), ENOTSUP);
    CHECK_ERR(brecv(s, &c, 1, 0), ENOTSUP);
    CHECK_ERR(tcp_close(s, 0), ENOTSUP);
    CHECK_ERR(ipc_done(s, 0), ENOTSUP);
    CHECK_OK(hclose(mine));
    CHECK_OK(hclose(pair[0]));
    CHECK_OK(hclose(pair[1]));
    CHECK_OK(hclose(s));
}

TEST(rt_udp_a_new_number)
{
    struct both b = both_open(IPADDR_IPV4);
    int old = b.s;
    CHECK_OK(b.s = hown(old));
    CHECK_ERR(msend(old, "x", 1, -1), EBADF);
    CHECK_OK(msend(b.s, "x", 1, -1));
    CHECK_COMES(&b.p, "x", 1);
    both_close(&b);
}

/**** Deadlines, and several coroutines ****/

struct recv {struct call call; int s; int way; char buf[8]; int64_t deadline;};

static long long recv_one(void *arg)
{
    struct recv *r = arg;
    return receive(r->way, r->s, r->buf, sizeof r->buf, r->deadline);
}

static void recv_start(struct recv *r, int s, int way)
{
    *r = (struct recv){.s = s, .way = way, .deadline = -1};
    call_start(&r->call, recv_one, r);
}

TEST_FAMILIES(rt_udp_deadlines)
{
    struct both b = both_open(mode);
    struct recv r;
    char buf[8];
    for(int way = 0; way != WAYS; way++) {
        check_note("way %d", way);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, 0), ETIMEDOUT);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, now() - 10), ETIMEDOUT);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
        plain_send(&b.p, &b.addr, "abc", 3);
        CHECK_INT(receive(way, b.s, buf, sizeof buf, 0), 3);
        plain_send(&b.p, &b.addr, "", 0);
        CHECK_INT(receive(way, b.s, buf, sizeof buf, now() - 10), 0);
        recv_start(&r, b.s, way);
        CHECK_BLOCKED(&r.call);
        plain_send(&b.p, &b.addr, "defg", 4);
        CALL_RETURNS(&r.call, 4);
        CHECK_BYTES(r.buf, 4, "defg", 4);
    }
    both_close(&b);
}

TEST(rt_udp_one_receives_while_others_send)
{
    struct both b = both_open(IPADDR_IPV4);
    struct recv r;
    char buf[8];
    recv_start(&r, b.s, 0);
    CHECK_BLOCKED(&r.call);
    for(int way = 0; way != WAYS; way++) {
        check_note("way %d", way);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, -1), EBUSY);
        CHECK_ERR(receive(way, b.s, buf, sizeof buf, 0), EBUSY);
    }
    check_note(NULL);
    CHECK_OK(udp_send(b.s, NULL, "abc", 3));
    CHECK_OK(msend(b.s, "def", 3, -1));
    CHECK_COMES(&b.p, "abc", 3);
    CHECK_COMES(&b.p, "def", 3);
    CHECK_BLOCKED(&r.call);
    plain_send(&b.p, &b.addr, "ghi", 3);
    /*  What has come is for the one that has waited. */
    CHECK(receive(0, b.s, buf, sizeof buf, 0) == -1);
    if(!r.call.over) CHECK_INT(errno, EBUSY);
    CALL_RETURNS(&r.call, 3);
    both_close(&b);
}

TEST(rt_udp_cancelled)
{
    struct both b = both_open(IPADDR_IPV4);
    char buf[8];
    for(int way = 0; way != WAYS; way++) {
        struct recv r;
        check_note("way %d", way);
        recv_start(&r, b.s, way);
        CALL_CANCEL(&r.call);
        plain_send(&b.p, &b.addr, "abc", 3);
        CHECK_INT(receive(way, b.s, buf, sizeof buf, SOON), 3);
    }
    both_close(&b);
}

static coroutine void while_cancelled(struct both *b)
{
    char buf[8];
    struct ipaddr addr = loopback(IPADDR_IPV4, 0);
    CHECK_ERR(msleep(-1), ECANCELED);
    /*  What needs no waiting still works. */
    CHECK_OK(udp_send(b->s, NULL, "abc", 3));
    CHECK_COMES(&b->p, "abc", 3);
    plain_send(&b->p, &b->addr, "def", 3);
    CHECK_INT(udp_recv(b->s, NULL, buf, sizeof buf, -1), 3);
    CHECK_ERR(udp_recv(b->s, NULL, buf, sizeof buf, -1), ECANCELED);
    CHECK_ERR(mrecv(b->s, buf, sizeof buf, 0), ECANCELED);
    CHECK_ERR(udp_open(&addr, NULL), ECANCELED);
    CHECK_INT(ipaddr_port(&addr), 0);
}

TEST(rt_udp_in_a_cancelled_coroutine)
{
    struct both b = both_open(IPADDR_IPV4);
    int descriptors = open_descriptors();
    int h = go(while_cancelled(&b));
    CHECK_OK(hclose(h));
    CHECK_INT(open_descriptors(), descriptors);
    both_close(&b);
}

TEST(rt_udp_closed_under_a_receiver)
{
    for(int way = 0; way != WAYS; way++) {
        struct both b = both_open(IPADDR_IPV4);
        struct recv r;
        char c;
        check_note("way %d", way);
        recv_start(&r, b.s, way);
        CHECK_BLOCKED(&r.call);
        CHECK_OK(hclose(b.s));
        CALL_FAILS(&r.call, ECONNRESET);
        CHECK_ERR(mrecv(b.s, &c, 1, 0), EBADF);
        close(b.p.fd);
    }
}

static coroutine void close_when_told(int fd, int s)
{
    CHECK_OK(fdin(fd, SOON));
    CHECK_OK(hclose(s));
    CHECK_OK(fdclean(fd));
}

/*  Closed after its message has come and before its turn. */
TEST(rt_udp_closed_under_a_receiver_that_is_awake)
{
    if(check_under("poll")) NA("poll(2) does not say what came first");
    struct both b = both_open(IPADDR_IPV4);
    struct plain other = plain_open(IPADDR_IPV4);
    struct recv r;
    recv_start(&r, b.s, 0);
    int h = go(close_when_told(other.fd, b.s));
    CHECK_OK(msleep(now() + 1));
    /*  The one that is told first runs first. */
    plain_send(&b.p, &other.addr, "x", 1);
    plain_send(&b.p, &b.addr, "abc", 3);
    CALL_FAILS(&r.call, ECONNRESET);
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_OK(hclose(h));
    close(other.fd);
    close(b.p.fd);
}

/**** Processes ****/

/*  Plain sockets only, in a process of its own: sends back what comes, in
    reverse, until the empty datagram. */
static void echo_process(int fd)
{
    for(;;) {
        unsigned char in[65536];
        unsigned char out[65536];
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, in, sizeof in, 0, (struct sockaddr*)&from,
            &len);
        if(n <= 0) child_ends(n == 0);
        for(ssize_t i = 0; i != n; i++) out[i] = in[n - 1 - i];
        if(sendto(fd, out, (size_t)n, 0, (struct sockaddr*)&from, len) != n)
            child_ends(0);
    }
}

TEST_FAMILIES(rt_udp_with_another_process)
{
    struct plain p = plain_open(mode);
    struct ipaddr addr;
    struct ipaddr from;
    static unsigned char out[40000];
    static unsigned char in[40000];
    pid_t pid = fork();
    if(pid == 0) {
        struct timeval patience = {.tv_sec = check_ms(20000) / 1000};
        setsockopt(p.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        int flags = fcntl(p.fd, F_GETFL);
        fcntl(p.fd, F_SETFL, flags & ~O_NONBLOCK);
        echo_process(p.fd);
    }
    int s = open_one(mode, &addr, &p.addr);
    for(int i = 1; i <= 1000; i++) {
        size_t len = i % 100 ? (size_t)i : (size_t)i * 40;
        for(size_t k = 0; k != len; k++) out[k] = pattern(k + (size_t)i);
        CHECK_OK(i % 2 ? msend(s, out, len, -1) : udp_send(s, NULL, out, len));
        CHECK_INT(udp_recv(s, &from, in, sizeof in, SOON), (long long)len);
        CHECK_ADDR(&from, &p.addr);
        for(size_t k = 0; k != len; k++)
            if(in[k] != out[len - 1 - k]) check_fail(HERE, "byte %zu", k);
        if(check_failed()) break;
    }
    CHECK_OK(msend(s, "", 0, -1));
    CHECK_CHILD_ENDS(pid);
    CHECK_OK(hclose(s));
    close(p.fd);
}

#define IN_CHILD(good) do {if(!(good)) child_ends(0);} while(0)

/*  A forked process uses what it has inherited; so does its parent. */
TEST_FAMILIES(rt_udp_in_a_forked_process)
{
    struct both b = both_open(mode);
    char buf[8];
    /*  It has waited before. */
    CHECK_ERR(mrecv(b.s, buf, sizeof buf, BRIEFLY), ETIMEDOUT);
    pid_t pid = fork();
    if(pid == 0) {
        IN_CHILD(msend(b.s, "ready", 5, -1) == 0);
        IN_CHILD(mrecv(b.s, buf, sizeof buf, SOON) == 3);
        IN_CHILD(memcmp(buf, "abc", 3) == 0);
        IN_CHILD(mrecv(b.s, buf, sizeof buf, 0) == -1 && errno == ETIMEDOUT);
        IN_CHILD(hclose(b.s) == 0);
        child_ends(1);
    }
    CHECK_OK(fdin(b.p.fd, SOON));
    CHECK_COMES(&b.p, "ready", 5);
    plain_send(&b.p, &b.addr, "abc", 3);
    CHECK_CHILD_ENDS(pid);
    plain_send(&b.p, &b.addr, "defg", 4);
    CHECK_INT(mrecv(b.s, buf, sizeof buf, SOON), 4);
    CHECK_OK(fdclean(b.p.fd));
    both_close(&b);
}
