/*  Streams that are told to take nothing back, and then closed. */

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

static char big[8 << 20];

static void linger(int s)
{
    struct dill_bsock_linger_vfs *vfs = hquery(s, DILL_BSOCK_LINGER_TYPE);
    CHECK(vfs != NULL);
    if(vfs) vfs->blinger(vfs);
}

static void linger_and_close(int s)
{
    linger(s);
    CHECK_OK(hclose(s));
    CHECK_ERR(hclose(s), EBADF);
}

/*  Reads slowly until the end, and goes on sending. What recv has come to. */
static ssize_t read_slowly(int fd, size_t *got)
{
    static char buf[1 << 16];
    ssize_t n;
    *got = 0;
    for(int64_t end = SOON; now() < end;) {
        n = recv(fd, buf, sizeof buf, 0);
        if(n > 0) *got += (size_t)n;
        else if(n == 0 || errno != EAGAIN) return n;
        send(fd, "more", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
        msleep(now() + 1);
    }
    errno = ETIMEDOUT;
    return -1;
}

/*  It has sent what nobody receives: else the system would close in order. */
static int talkative(enum kind kind, int *fd)
{
    int s = stream_open(kind, fd);
    CHECK_INT(send(*fd, big, 10000, 0), 10000);
    return s;
}

TEST_KINDS(rt_linger_what_was_sent_arrives_and_then_the_end)
{
    int fd;
    size_t got;
    for(int done = 0; done != 2; done++) {
        int s = talkative(kind, &fd);
        size_t n = stream_fill(s);
        if(done) CHECK_INT(stream_done(kind, s), 0);
        linger_and_close(s);
        CHECK_INT(read_slowly(fd, &got), 0);
        CHECK_INT(got, n);
        wire_close(fd);
    }
}

TEST_KINDS(rt_linger_only_when_closed)
{
    int s[2];
    stream_pair(kind, s);
    linger(s[0]);
    linger(s[0]);
    CHECK_PASSES_WHOLE(s[0], s[1], 1000);
    CHECK_PASSES_WHOLE(s[1], s[0], 1000);
    int moved = hown(s[0]);
    CHECK_OK(moved);
    CHECK_OK(bsend(moved, "last", 4, SOON));
    CHECK_OK(hclose(moved));
    char in[4];
    CHECK_OK(brecv(s[1], in, 4, SOON));
    CHECK_BYTES(in, 4, "last", 4);
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    CHECK_INT(stream_close(kind, s[1], SOON), 0);
}

/*  A peer that sends much before it reads is not kept waiting. */
TEST_KINDS(rt_linger_drops_what_comes)
{
    int s[2];
    char in[3];
    stream_pair(kind, s);
    CHECK_OK(bsend(s[0], "end", 3, SOON));
    linger_and_close(s[0]);
    CHECK_OK(bsend(s[1], big, sizeof big, SOON));
    CHECK_OK(brecv(s[1], in, 3, SOON));
    CHECK_ERR(brecv(s[1], in, 1, SOON), EPIPE);
    CHECK_INT(stream_close(kind, s[1], SOON), 0);
}

/*  The last thing the peer sees is no orderly end. */
TEST(rt_linger_behind_a_part_of_a_message)
{
    struct io io;
    size_t got;
    for(int busy = 0; busy != 2; busy++) {
        int fd;
        check_note("busy %d", busy);
        int s = talkative(TCP, &fd);
        if(busy) io_start(&io, io_send, s, big, sizeof big);
        else CHECK_ERR(bsend(s, big, sizeof big, 0), ETIMEDOUT);
        linger_and_close(s);
        if(busy) CALL_FAILS(&io.call, ECONNRESET);
        CHECK_INT(read_slowly(fd, &got), -1);
        CHECK_INT(errno, ECONNRESET);
        CHECK_RANGE(got, 50000, sizeof big - 1);
        wire_close(fd);
    }
}

/*  Nor is there one where the stream was reset. */
TEST(rt_linger_after_a_reset)
{
    int fd;
    struct linger now_and_hard = {1, 0};
    int s = talkative(TCP, &fd);
    int before = open_descriptors();
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now_and_hard,
        sizeof now_and_hard));
    CHECK_OK(close(fd));
    linger_and_close(s);
    CHECK_INT(open_descriptors(), before - 2);
}

/**** TLS ****/

TEST_KINDS(rt_linger_behind_the_notice_of_tls)
{
    for(int lingers = 0; lingers != 2; lingers++) {
        int s[2];
        check_note("lingers %d", lingers);
        stream_pair(kind, s);
        stream_secure(s);
        CHECK_OK(bsend(s[1], big, 10000, SOON));
        CHECK_OK(bsend(s[0], big, 50000, SOON));
        if(lingers) linger(s[0]);
        CHECK_OK(hclose(s[0]));
        if(lingers) stream_drop(s[1], 50000);
        CHECK_ERR(brecv(s[1], NULL, SIZE_MAX, SOON),
            lingers ? EPIPE : ECONNRESET);
        CHECK_OK(hclose(s[1]));
    }
}

TEST_KINDS(rt_linger_without_room_for_the_notice_of_tls)
{
    int s[2];
    stream_pair(kind, s);
    stream_secure(s);
    size_t n = stream_fill(s[0]);
    CHECK_OK(bsend(s[1], big, 10000, SOON));
    linger_and_close(s[0]);
    stream_drop(s[1], n);
    /*  There may have been room for it. */
    CHECK_INT(brecv(s[1], NULL, SIZE_MAX, SOON), -1);
    CHECK(errno == EPIPE || errno == ECONNRESET);
    CHECK_OK(hclose(s[1]));
}

/**** The descriptor ****/

static void await_descriptors(struct at at, int n)
{
    for(int64_t end = now() + check_ms(5000); now() < end; msleep(now() + 10))
        if(open_descriptors() == n) return;
    check_int(at, "open descriptors", open_descriptors(), n);
}

TEST_KINDS(rt_linger_until_the_peer_ends)
{
    int fd;
    int s = talkative(kind, &fd);
    int before = open_descriptors();
    linger_and_close(s);
    CHECK_INT(open_descriptors(), before);
    CHECK_OK(shutdown(fd, SHUT_WR));
    msleep(now() + 20);
    CHECK_INT(open_descriptors(), before - 1);
    wire_close(fd);
}

/*  Some end, some do not, and the time of those is up. */
TEST_KINDS(rt_linger_for_two_seconds_at_most)
{
    enum {N = 200};
    int fd[N];
    int s[N];
    for(int i = 0; i != N; i++) s[i] = stream_open(kind, &fd[i]);
    int before = open_descriptors();
    for(int i = 0; i != N; i++) linger_and_close(s[i]);
    CHECK_INT(open_descriptors(), before);
    for(int i = 0; i < N; i += 2) CHECK_OK(shutdown(fd[i], SHUT_WR));
    msleep(now() + 50);
    CHECK_INT(open_descriptors(), before - N / 2);
    await_descriptors(HERE, before - N);
    for(int i = 0; i != N; i++) wire_close(fd[i]);
}

/*  The descriptor of the socket that is connected with `fd`. */
static int other_end(int fd)
{
    struct sockaddr_in peer, own;
    socklen_t len = sizeof peer;
    CHECK_OK(getpeername(fd, (struct sockaddr*)&peer, &len));
    for(int i = 0; i != 1024; i++) {
        len = sizeof own;
        if(i != fd && getsockname(i, (struct sockaddr*)&own, &len) == 0 &&
            own.sin_family == AF_INET && own.sin_port == peer.sin_port &&
            own.sin_addr.s_addr == peer.sin_addr.s_addr) return i;
    }
    check_fail(HERE, "no other end");
    return -1;
}

/*  What the program has opened under the number meanwhile is its own. */
TEST(rt_linger_leaves_alone_what_is_not_its_own)
{
    int fd, end[2];
    char c = 0;
    int s = stream_open(TCP, &fd);
    int before = open_descriptors();
    linger_and_close(s);
    int number = other_end(fd);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
    CHECK_INT(dup2(end[0], number), number);
    CHECK_OK(close(end[0]));
    CHECK_INT(write(end[1], "x", 1), 1);
    msleep(now() + check_ms(2100));
    CHECK_INT(read(number, &c, 1), 1);
    CHECK_INT(c, 'x');
    /*  Also for the runtime itself. */
    int t = ipc_fromfd(number);
    CHECK_OK(t);
    CHECK_INT(write(end[1], "y", 1), 1);
    CHECK_OK(brecv(t, &c, 1, SOON));
    CHECK_INT(c, 'y');
    CHECK_OK(hclose(t));
    CHECK_OK(close(end[1]));
    CHECK_INT(open_descriptors(), before - 1);
    wire_close(fd);
}

TEST(rt_linger_not_in_a_forked_child)
{
    int fd;
    char c;
    int s = stream_open(TCP, &fd);
    CHECK_OK(bsend(s, "x", 1, SOON));
    linger_and_close(s);
    int number = other_end(fd);
    pid_t pid = fork();
    if(pid == 0) child_ends(fcntl(number, F_GETFD) == -1);
    CHECK_CHILD_ENDS(pid);
    CHECK(fcntl(number, F_GETFD) != -1);
    /*  Nor has the child said anything to the peer. */
    CHECK_INT(wire_read(fd, &c, 1, WIRE_PATIENCE), 1);
    CHECK_INT(send(fd, "y", 1, MSG_NOSIGNAL), 1);
    CHECK_OK(shutdown(fd, SHUT_WR));
    msleep(now() + 20);
    CHECK_INT(fcntl(number, F_GETFD), -1);
    wire_close(fd);
}

static void *close_and_end(void *arg)
{
    int *fd = arg;
    int s = stream_open(TCP, fd);
    linger_and_close(s);
    return NULL;
}

TEST(rt_linger_ends_with_the_thread)
{
    int fd;
    pthread_t thread;
    int before = open_descriptors();
    CHECK_INT(pthread_create(&thread, NULL, close_and_end, &fd), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(open_descriptors(), before + 1);
    wire_close(fd);
}
