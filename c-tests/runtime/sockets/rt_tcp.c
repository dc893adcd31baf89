/*  TCP: addresses, listening, connecting. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

static struct ipaddr loopback(int port)
{
    struct ipaddr addr;
    CHECK_OK(ipaddr_local(&addr, "127.0.0.1", port, IPADDR_IPV4));
    return addr;
}

/**** Listening ****/

TEST(rt_tcp_listen_writes_the_port_back)
{
    struct ipaddr addr = loopback(0);
    int s = tcp_listen(&addr, 10);
    CHECK_OK(s);
    int port = ipaddr_port(&addr);
    CHECK_RANGE(port, 1, 65535);
    int other = tcp_connect(&addr, SOON);
    CHECK_OK(other);
    CHECK_OK(hclose(other));
    /*  A port that was given stays. */
    struct ipaddr same = loopback(port);
    CHECK_ERR(tcp_listen(&same, 10), EADDRINUSE);
    CHECK_INT(ipaddr_port(&same), port);
    CHECK_OK(hclose(s));
}

/*  Although connections of before still linger. */
TEST(rt_tcp_listen_again_at_once)
{
    struct ipaddr addr;
    int listener = listen_tcp(&addr, 10);
    int a = tcp_connect(&addr, SOON);
    int b = tcp_accept(listener, NULL, SOON);
    CHECK_OK(tcp_done(b, -1));
    CHECK_OK(tcp_close(a, SOON));
    CHECK_OK(tcp_close(b, SOON));
    CHECK_OK(hclose(listener));
    CHECK_OK(listener = tcp_listen(&addr, 10));
    CHECK_OK(hclose(listener));
}

TEST(rt_tcp_listen_with_bad_arguments)
{
    int before = open_handles();
    struct ipaddr empty;
    struct ipaddr addr = loopback(0);
    struct ipaddr elsewhere;
    memset(&empty, 0, sizeof empty);
    CHECK_ERR(tcp_listen(NULL, 1), EINVAL);
    CHECK_ERR(tcp_listen(&empty, 1), EINVAL);
    CHECK_ERR(tcp_listen_mem(&addr, 1, NULL), EINVAL);
    CHECK_OK(ipaddr_remote(&elsewhere, "192.0.2.1", 0, 0, -1));
    CHECK_ERR(tcp_listen(&elsewhere, 1), EADDRNOTAVAIL);
    CHECK_INT(open_handles(), before);
}

/**** Accepting ****/

TEST(rt_tcp_accept_tells_the_peers_address)
{
    struct ipaddr addr;
    struct ipaddr peer;
    char text[IPADDR_MAXSTRLEN];
    int listener = listen_tcp(&addr, 10);
    int a = tcp_connect(&addr, SOON);
    int b = tcp_accept(listener, &peer, SOON);
    CHECK_OK(a);
    CHECK_OK(b);
    CHECK(strcmp(ipaddr_str(&peer, text), "127.0.0.1") == 0);
    CHECK_RANGE(ipaddr_port(&peer), 1, 65535);
    CHECK(ipaddr_port(&peer) != ipaddr_port(&addr));
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
}

TEST(rt_tcp_accept_deadlines)
{
    struct ipaddr addr;
    int listener = listen_tcp(&addr, 10);
    CHECK_ERR(tcp_accept(listener, NULL, 0), ETIMEDOUT);
    int64_t deadline = now() + 20;
    CHECK_ERR(tcp_accept(listener, NULL, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    /*  The listener is none the worse. */
    int a = tcp_connect(&addr, SOON);
    int b = tcp_accept(listener, NULL, 0);
    CHECK_OK(b);
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
}

TEST(rt_tcp_accept_on_other_handles)
{
    struct ipaddr addr;
    int listener = listen_tcp(&addr, 10);
    CHECK_ERR(tcp_accept_mem(listener, NULL, NULL, 0), EINVAL);
    CHECK_ERR(ipc_accept(listener, 0), ENOTSUP);
    CHECK_ERR(bsend(listener, "x", 1, 0), ENOTSUP);
    CHECK_ERR(tcp_done(listener, 0), ENOTSUP);
    CHECK_OK(tcp_close(listener, -1));
    CHECK_ERR(hclose(listener), EBADF);
    CHECK_ERR(tcp_accept(listener, NULL, 0), EBADF);
    CHECK_ERR(tcp_accept(-1, NULL, 0), EBADF);
}

static long long accept_op(void *arg)
{
    return tcp_accept(*(int*)arg, NULL, -1);
}

TEST(rt_tcp_accept_is_for_one_at_a_time)
{
    struct ipaddr addr;
    struct call c;
    int listener = listen_tcp(&addr, 10);
    call_start(&c, accept_op, &listener);
    CHECK_ERR(tcp_accept(listener, NULL, BRIEFLY), EBUSY);
    int a = tcp_connect(&addr, SOON);
    call_wait(HERE, &c);
    CHECK_OK(c.rc);
    CHECK_OK(hclose((int)c.rc));
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(listener));
}

/*  A coroutine that may not block takes none away from the others. */
static long long accept_when_cancelled(void *arg)
{
    msleep(-1);
    return tcp_accept(*(int*)arg, NULL, 0);
}

TEST(rt_tcp_accept_when_cancelled_leaves_the_connection)
{
    struct ipaddr addr;
    struct call c;
    int listener = listen_tcp(&addr, 10);
    int a = tcp_connect(&addr, SOON);
    call_start(&c, accept_when_cancelled, &listener);
    CALL_CANCEL(&c);
    int b = tcp_accept(listener, NULL, SOON);
    CHECK_OK(b);
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
}

/**** Connecting ****/

TEST(rt_tcp_connect_refused)
{
    struct ipaddr addr;
    CHECK_OK(hclose(listen_tcp(&addr, 1)));
    CHECK_ERR(tcp_connect(&addr, SOON), ECONNREFUSED);
    CHECK_ERR(tcp_connect(&addr, 0), ECONNREFUSED);
    CHECK_ERR(tcp_connect(&addr, -1), ECONNREFUSED);
}

TEST(rt_tcp_connect_with_bad_arguments)
{
    struct ipaddr empty;
    struct ipaddr addr = loopback(1);
    memset(&empty, 0, sizeof empty);
    CHECK_ERR(tcp_connect(NULL, -1), EINVAL);
    CHECK_ERR(tcp_connect(&empty, -1), EINVAL);
    CHECK_ERR(tcp_connect_mem(&addr, NULL, -1), EINVAL);
}

TEST(rt_tcp_connect_without_waiting)
{
    struct ipaddr addr;
    int listener = listen_tcp(&addr, 10);
    /*  The system does this at once on the loopback. */
    int a = tcp_connect(&addr, 0);
    CHECK_OK(a);
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(listener));
}

static long long connect_op(void *arg)
{
    return tcp_connect(arg, -1);
}

/*  The queue of the listener is full: the connection is not made until there
    is room. */
TEST(rt_tcp_connect_waits_and_can_be_given_up)
{
    struct ipaddr addr;
    struct call c;
    int a[10];
    int n = 0;
    int listener = listen_tcp(&addr, 0);
    while(n != 10 && (a[n] = tcp_connect(&addr, now() + 50)) >= 0) n++;
    CHECK_RANGE(n, 1, 9);
    CHECK_INT(errno, ETIMEDOUT);
    int64_t deadline = now() + 20;
    CHECK_ERR(tcp_connect(&addr, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(tcp_connect(&addr, 0), ETIMEDOUT);
    call_start(&c, connect_op, &addr);
    CALL_CANCEL(&c);
    /*  It is made when there is room: the system tries again after a second. */
    call_start(&c, connect_op, &addr);
    int accepted = tcp_accept(listener, NULL, SOON);
    CHECK_OK(accepted);
    call_wait(HERE, &c);
    CHECK_OK(c.rc);
    CHECK_OK(hclose((int)c.rc));
    CHECK_OK(hclose(accepted));
    while(n) CHECK_OK(hclose(a[--n]));
    CHECK_OK(hclose(listener));
}

TEST(rt_tcp_of_both_families)
{
    struct ipaddr addr;
    CHECK_OK(ipaddr_local(&addr, "::1", 0, IPADDR_IPV6));
    int listener = tcp_listen(&addr, 10);
    if(listener < 0) NA("no IPv6 on the loopback");
    struct ipaddr peer;
    char text[IPADDR_MAXSTRLEN];
    int a = tcp_connect(&addr, SOON);
    int b = tcp_accept(listener, &peer, SOON);
    CHECK_OK(a);
    CHECK_OK(b);
    CHECK(strcmp(ipaddr_str(&peer, text), "::1") == 0);
    CHECK_INT(ipaddr_family(&peer), AF_INET6);
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
}

/**** Storage ****/

TEST(rt_tcp_in_memory_of_the_caller)
{
    struct {char pad; struct tcp_listener_storage l; struct tcp_storage a, b;}
        mem;
    struct ipaddr addr = loopback(0);
    char c = 0;
    /*  All of it is at odd addresses, and nobody minds what happens to it. */
    int listener = tcp_listen_mem(&addr, 10, &mem.l);
    int a = tcp_connect_mem(&addr, &mem.a, SOON);
    int b = tcp_accept_mem(listener, NULL, &mem.b, SOON);
    memset(&mem, 0xff, sizeof mem);
    CHECK_OK(bsend(a, "x", 1, SOON));
    CHECK_OK(brecv(b, &c, 1, SOON));
    CHECK_INT(c, 'x');
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
}

/**** Descriptors ****/

static int listening_socket(struct ipaddr *addr)
{
    socklen_t len = sizeof *addr;
    *addr = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind(fd, ipaddr_sockaddr(addr), (socklen_t)ipaddr_len(addr)));
    CHECK_OK(listen(fd, 5));
    CHECK_OK(getsockname(fd, (struct sockaddr*)addr, &len));
    return fd;
}

TEST(rt_tcp_listener_from_a_descriptor)
{
    struct ipaddr addr;
    struct tcp_listener_storage mem;
    for(int with_mem = 0; with_mem != 2; with_mem++) {
        int fd = listening_socket(&addr);
        CHECK_ERR(tcp_fromfd(fd), EINVAL);
        CHECK_ERR(tcp_listener_fromfd_mem(fd, NULL), EINVAL);
        int listener = with_mem ? tcp_listener_fromfd_mem(fd, &mem) :
            tcp_listener_fromfd(fd);
        CHECK_OK(listener);
        CHECK_ERR(tcp_accept(listener, NULL, 0), ETIMEDOUT);
        int a = tcp_connect(&addr, SOON);
        int b = tcp_accept(listener, NULL, SOON);
        CHECK_OK(b);
        CHECK_OK(hclose(a));
        CHECK_OK(hclose(b));
        CHECK_OK(hclose(listener));
    }
}

TEST(rt_tcp_from_a_socket_that_is_not_connected)
{
    char c;
    int s = tcp_fromfd(socket(AF_INET, SOCK_STREAM, 0));
    CHECK_OK(s);
    CHECK_ERR(bsend(s, "x", 1, -1), ECONNRESET);
    CHECK_ERR(brecv(s, &c, 1, -1), ENOTCONN);
    CHECK_ERR(tcp_close(s, -1), ECONNRESET);
    CHECK_ERR(hclose(s), EBADF);
}

/*  With Nagle's algorithm a small message may wait for the answer to the one
    before, which the peer delays for up to 40 ms. Two small messages and an
    answer, fifty times, show whether they wait. */
static coroutine void answer(int s)
{
    char c[2];
    while(brecv(s, c, 2, -1) == 0)
        if(bsend(s, c, 1, -1) != 0) break;
}

static int64_t ask(int s)
{
    char c;
    int64_t start = wire_clock();
    for(int i = 0; i != 50; i++) {
        CHECK_OK(bsend(s, "a", 1, SOON));
        CHECK_OK(bsend(s, "b", 1, SOON));
        CHECK_OK(brecv(s, &c, 1, SOON));
    }
    return wire_clock() - start;
}

TEST(rt_tcp_small_messages_do_not_wait)
{
    int s[2];
    stream_pair(TCP, s);
    int h = go(answer(s[1]));
    /*  Delayed, this takes 2000 ms. */
    CHECK_RANGE(ask(s[0]), 0, check_ms(1000));
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

TEST(rt_tcp_hclose_resets)
{
    int fd;
    char c;
    int s = stream_open(TCP, &fd);
    CHECK_OK(bsend(s, "x", 1, SOON));
    CHECK_OK(hclose(s));
    /*  What was sent is discarded, and the peer knows. */
    ssize_t n = recv(fd, &c, 1, 0);
    if(n == 1) n = recv(fd, &c, 1, 0);
    CHECK_INT(n, -1);
    CHECK_INT(errno, ECONNRESET);
    wire_close(fd);
}

/**** Limits ****/

/*  In a child, which the limit does not outlive: the line of the first check
    that failed comes back as the exit status, modulo 256. */
#define EXPECT_IN_CHILD(cond) \
    do {if(!(cond)) _exit(__LINE__ % 256 ? __LINE__ % 256 : 1);} while(0)

static void run_out_of_descriptors(void)
{
    struct ipaddr addr;
    struct rlimit limit;
    int listener = listen_tcp(&addr, 100);
    /*  The clients come first: they need none of the descriptors left. */
    enum {CLIENTS = 10};
    int a[CLIENTS];
    int b[CLIENTS];
    for(int i = 0; i != CLIENTS; i++)
        EXPECT_IN_CHILD((a[i] = tcp_connect(&addr, SOON)) >= 0);
    /*  The poller is opened now. */
    EXPECT_IN_CHILD(fdin(0, 0) == 0 || errno != ECANCELED);
    EXPECT_IN_CHILD((b[0] = tcp_accept(listener, NULL, SOON)) >= 0);
    int highest = dup(0);
    close(highest);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)highest + 3;
    setrlimit(RLIMIT_NOFILE, &limit);
    int n = 1;
    while(n != CLIENTS && (b[n] = tcp_accept(listener, NULL, SOON)) >= 0) n++;
    EXPECT_IN_CHILD(n > 1 && n < CLIENTS && errno == EMFILE);
    EXPECT_IN_CHILD(tcp_accept(listener, NULL, SOON) < 0 && errno == EMFILE);
    EXPECT_IN_CHILD(tcp_connect(&addr, SOON) < 0 && errno == EMFILE);
    /*  Whom it has it serves; when one leaves the next comes in. */
    char c;
    EXPECT_IN_CHILD(bsend(a[0], "x", 1, SOON) == 0);
    EXPECT_IN_CHILD(brecv(b[0], &c, 1, SOON) == 0 && c == 'x');
    for(int i = 0; n != CLIENTS; i++) {
        EXPECT_IN_CHILD(hclose(b[i]) == 0);
        EXPECT_IN_CHILD((b[n] = tcp_accept(listener, NULL, SOON)) >= 0);
        EXPECT_IN_CHILD(bsend(b[n], "y", 1, SOON) == 0);
        EXPECT_IN_CHILD(brecv(a[n], &c, 1, SOON) == 0 && c == 'y');
        n++;
    }
    _exit(0);
}

TEST(rt_tcp_a_server_goes_on_after_emfile)
{
    if(check_under("valgrind"))
        NA("valgrind accepts a connection, then finds no number for it");
    pid_t pid = fork();
    if(pid == 0) run_out_of_descriptors();
    int status = -1;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

/*  It takes no descriptor to receive what has come, though one to wait. */
static void receive_without_descriptors(int s)
{
    struct rlimit none;
    char c;
    getrlimit(RLIMIT_NOFILE, &none);
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    EXPECT_IN_CHILD(brecv(s, &c, 1, SOON) == 0 && c == 'b');
    EXPECT_IN_CHILD(brecv(s, &c, 1, SOON) < 0 && errno == EMFILE);
    _exit(0);
}

TEST(rt_tcp_what_has_come_wins_over_a_want_of_descriptors)
{
    if(check_under("poll")) NA("poll(2) takes no descriptor");
    int fd;
    char c;
    int s = stream_open(TCP, &fd);
    /*  This side takes all there is, and knows it. */
    CHECK_INT(wire_write(fd, "a", 1), 0);
    CHECK_OK(brecv(s, &c, 1, SOON));
    CHECK_INT(wire_write(fd, "b", 1), 0);
    /*  A child needs a poller of its own. */
    pid_t pid = fork();
    if(pid == 0) receive_without_descriptors(s);
    int status = -1;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/**** A small program ****/

static coroutine void pass_on(int from, int to)
{
    char c[16];
    while(brecv(from, c, sizeof c, -1) == 0)
        if(bsend(to, c, sizeof c, -1) != 0) break;
    tcp_done(to, -1);
}

TEST(rt_tcp_a_chain_of_proxies)
{
    enum {LINKS = 10};
    int s[LINKS][2];
    int links = bundle();
    for(int i = 0; i != LINKS; i++) stream_pair(TCP, s[i]);
    for(int i = 0; i + 1 != LINKS; i++)
        bundle_go(links, pass_on(s[i][1], s[i + 1][0]));
    for(long i = check_rounds(1000); i; i--) {
        char out[16];
        char in[16] = "";
        memset(out, (int)i, sizeof out);
        CHECK_OK(bsend(s[0][0], out, sizeof out, SOON));
        CHECK_OK(brecv(s[LINKS - 1][1], in, sizeof in, SOON));
        CHECK_BYTES(in, sizeof in, out, sizeof out);
    }
    CHECK_OK(tcp_done(s[0][0], -1));
    char c;
    CHECK_ERR(brecv(s[LINKS - 1][1], &c, 1, SOON), EPIPE);
    CHECK_OK(bundle_wait(links, SOON));
    CHECK_OK(hclose(links));
    for(int i = 0; i != LINKS; i++) {
        CHECK_OK(hclose(s[i][0]));
        CHECK_OK(hclose(s[i][1]));
    }
}
