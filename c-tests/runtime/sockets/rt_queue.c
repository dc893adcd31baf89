/*  What byte streams send by themselves: bqueue and its kin in libdillimpl.h, and
    brecvsome. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

static struct dill_bsock_some_vfs *table(int s)
{
    struct dill_bsock_some_vfs *vfs = hquery(s, DILL_BSOCK_SOME_TYPE);
    CHECK(vfs && vfs->size >= sizeof *vfs && vfs->queue);
    CHECK(vfs->queue->size >= sizeof *vfs->queue);
    return vfs;
}

static int queue(int s, const char *text, int64_t time)
{
    struct iolist list = {(void*)text, strlen(text), NULL, 0};
    struct dill_bsock_some_vfs *vfs = table(s);
    return vfs->queue->bqueue(vfs, &list, &list, time);
}

static size_t queued(int s)
{
    struct dill_bsock_some_vfs *vfs = table(s);
    return vfs->queue->bqueued(vfs);
}

static int flush(int s, size_t most, int64_t deadline)
{
    struct dill_bsock_some_vfs *vfs = table(s);
    return vfs->queue->bflush(vfs, most, deadline);
}

/*  How many bytes have come to a descriptor. Nobody else runs. */
static int arrived(int fd)
{
    int n = -1;
    CHECK(ioctl(fd, FIONREAD, &n) == 0);
    return n;
}

static void expect(struct at at, int fd, const char *text)
{
    char buf[64] = {0};
    size_t n = wire_read(fd, buf, strlen(text), WIRE_PATIENCE);
    check_bytes(at, "bytes", buf, n, text, strlen(text));
}
#define EXPECT(fd, text) expect(HERE, fd, text)

/**** Leaving ****/

TEST_KINDS(queued_bytes_leave_when_the_thread_looks)
{
    int fd, s = stream_open(kind, &fd);
    CHECK_OK(queue(s, "abc", 0));
    CHECK_OK(queue(s, "", 0));
    CHECK_OK(queue(s, "def", 0));
    CHECK_INT(arrived(fd), 0);
    CHECK_INT(queued(s), 6);
    CHECK_OK(msleep(now() + 1));
    CHECK_INT(arrived(fd), 6);
    CHECK_INT(queued(s), 0);
    EXPECT(fd, "abcdef");
    hclose(s);
    close(fd);
}

TEST_KINDS(queued_bytes_go_before_a_send)
{
    int fd, s = stream_open(kind, &fd);
    CHECK_OK(queue(s, "abc", now() + 60000));
    CHECK_OK(bsend(s, "def", 3, 0));
    CHECK_INT(arrived(fd), 6);
    EXPECT(fd, "abcdef");
    hclose(s);
    close(fd);
}

TEST_KINDS(queued_bytes_leave_at_their_time)
{
    int fd, s = stream_open(kind, &fd);
    int64_t due = now() + check_ms(50);
    CHECK_OK(queue(s, "abc", due));
    CHECK_OK(msleep(now() + 1));
    if(now() < due) CHECK_INT(arrived(fd), 0);
    while(!arrived(fd) && now() < due + check_ms(3000)) msleep(now() + 1);
    CHECK(now() >= due);
    EXPECT(fd, "abc");
    /*  Earlier, if something is to leave earlier. */
    CHECK_OK(queue(s, "abc", now() + 60000));
    CHECK_OK(queue(s, "def", now() + 5));
    EXPECT(fd, "abcdef");
    CHECK_OK(queue(s, "abc", now() + 60000));
    CHECK_OK(queue(s, "def", 0));
    EXPECT(fd, "abcdef");
    hclose(s);
    close(fd);
}

TEST_KINDS(queued_bytes_leave_while_others_run)
{
    int fd, s = stream_open(kind, &fd);
    size_t full = stream_fill(s);
    CHECK_OK(queue(s, "abc", 0));
    CHECK_OK(msleep(now() + 1));
    CHECK_ERR(flush(s, 2, BRIEFLY), ETIMEDOUT);
    CHECK_OK(flush(s, 3, 0));
    CHECK_ERR(bsend(s, "def", 3, 0), ETIMEDOUT);
    CHECK_ERR(bawait_room(s, 0), ETIMEDOUT);
    wire_unfill(fd, full);
    EXPECT(fd, "abc");
    CHECK_INT(queued(s), 0);
    CHECK_OK(bsend(s, "def", 3, 0));
    EXPECT(fd, "def");
    hclose(s);
    close(fd);
}

TEST_KINDS(several_may_wait_for_the_same_bytes)
{
    int fd, s = stream_open(kind, &fd);
    size_t full = stream_fill(s);
    CHECK_OK(queue(s, "abc", 0));
    struct io io[3];
    for(int i = 0; i != 3; i++) io_start(&io[i], io_await_room, s, NULL, 0);
    /*  One waits for room, and the others are told that it does. */
    CHECK_BLOCKED(&io[0].call);
    CALL_FAILS(&io[1].call, EBUSY);
    CALL_FAILS(&io[2].call, EBUSY);
    wire_unfill(fd, full);
    CALL_RETURNS(&io[0].call, 0);
    CHECK_OK(flush(s, 0, SOON));
    EXPECT(fd, "abc");
    hclose(s);
    close(fd);
}

/**** Order ****/

TEST_KINDS(bytes_that_wait_for_their_release_go_behind_what_is_sent)
{
    int fd, s = stream_open(kind, &fd);
    struct dill_bsock_some_vfs *vfs = table(s);
    CHECK_OK(queue(s, "a", 0));
    CHECK_OK(queue(s, "x", -1));
    CHECK_OK(queue(s, "y", 0));
    CHECK_OK(bsend(s, "b", 1, 0));
    CHECK_OK(msleep(now() + 1));
    CHECK_INT(arrived(fd), 2);
    CHECK_INT(queued(s), 2);
    CHECK_OK(bsend(s, "c", 1, 0));
    vfs->queue->brelease(vfs);
    CHECK_OK(bsend(s, "d", 1, 0));
    EXPECT(fd, "abcxyd");
    hclose(s);
    close(fd);
}

TEST_KINDS(bytes_that_are_queued_during_a_send_go_behind_it)
{
    int fd, s = stream_open(kind, &fd);
    static char much[4 << 20];
    struct io io;
    io_start(&io, io_send, s, much, sizeof much);
    CHECK_OK(msleep(now() + 1));
    CHECK_BLOCKED(&io.call);
    CHECK_OK(queue(s, "abc", 0));
    wire_unfill(fd, sizeof much);
    EXPECT(fd, "abc");
    CALL_RETURNS(&io.call, 0);
    hclose(s);
    close(fd);
}

TEST_KINDS(bytes_that_have_not_been_begun_can_be_dropped)
{
    int fd, s = stream_open(kind, &fd);
    struct dill_bsock_some_vfs *vfs = table(s);
    CHECK_OK(queue(s, "abc", 0));
    vfs->queue->bdrop(vfs);
    CHECK_INT(queued(s), 0);
    CHECK_OK(bsend(s, "d", 1, 0));
    /*  A list that has been begun is finished. */
    static char much[4 << 20];
    struct iolist list = {much, sizeof much, NULL, 0};
    CHECK_OK(vfs->queue->bqueue(vfs, &list, &list, 0));
    CHECK_OK(queue(s, "never", 0));
    CHECK_OK(queue(s, "never", -1));
    size_t before = queued(s);
    CHECK(before > 10 && before < sizeof much);
    vfs->queue->bdrop(vfs);
    CHECK_INT(queued(s), before - 10);
    CHECK_OK(queue(s, "e", 0));
    EXPECT(fd, "d");
    wire_unfill(fd, sizeof much);
    EXPECT(fd, "e");
    hclose(s);
    close(fd);
}

/**** Ends ****/

TEST_KINDS(waits_can_be_cut)
{
    int fd, s = stream_open(kind, &fd);
    struct dill_bsock_some_vfs *vfs = table(s);
    char byte;
    struct io in, out;
    static char much[4 << 20];
    io_start(&in, io_recv, s, &byte, 1);
    io_start(&out, io_send, s, much, sizeof much);
    CHECK_OK(msleep(now() + 1));
    CHECK_BLOCKED(&in.call);
    CHECK_BLOCKED(&out.call);
    vfs->queue->bcut(vfs);
    CALL_FAILS(&in.call, ECONNRESET);
    CALL_FAILS(&out.call, ECONNRESET);
    CHECK_ERR(brecv(s, &byte, 1, -1), ECONNRESET);
    CHECK_ERR(bsend(s, &byte, 1, -1), ECONNRESET);
    hclose(s);
    close(fd);
    /*  What is queued is sent all the same. */
    s = stream_open(kind, &fd);
    vfs = table(s);
    CHECK_OK(queue(s, "abc", 0));
    vfs->queue->bcut(vfs);
    EXPECT(fd, "abc");
    hclose(s);
    close(fd);
}

TEST_KINDS(the_orderly_end_goes_behind_what_is_queued)
{
    int fd, s = stream_open(kind, &fd);
    CHECK_OK(queue(s, "abc", now() + 60000));
    CHECK_OK(stream_done(kind, s));
    CHECK_ERR(queue(s, "def", 0), EPIPE);
    EXPECT(fd, "abc");
    EXPECT_END(fd);
    hclose(s);
    close(fd);
    s = stream_open(kind, &fd);
    size_t full = stream_fill(s);
    CHECK_OK(queue(s, "abc", 0));
    CHECK(full > 0);
    CHECK_ERR(kind == TCP ? tcp_done(s, BRIEFLY) : ipc_done(s, BRIEFLY), ETIMEDOUT);
    CHECK_INT(queued(s), 3);
    CHECK_ERR(stream_close(kind, s, BRIEFLY), ETIMEDOUT);
    close(fd);
}

TEST_KINDS(errors_are_told_by_the_next_call)
{
    int fd, s = stream_open(kind, &fd);
    close(fd);
    for(int i = 0; i != 3; i++) {
        int rc = queue(s, "abc", 0);
        if(i == 0) CHECK_OK(rc);
        CHECK_OK(msleep(now() + 5));
    }
    CHECK_INT(queued(s), 0);
    CHECK_ERR(queue(s, "abc", 0), ECONNRESET);
    CHECK_ERR(flush(s, 0, SOON), ECONNRESET);
    CHECK_ERR(bsend(s, "abc", 3, SOON), ECONNRESET);
    hclose(s);
}

static long long flush_all(void *s)
{
    return flush(*(int*)s, 0, -1);
}

TEST_KINDS(whoever_waits_learns_that_the_handle_is_closed)
{
    int fd, s = stream_open(kind, &fd);
    stream_fill(s);
    CHECK_OK(queue(s, "abc", 0));
    struct call call, cancelled;
    call_start(&call, flush_all, &s);
    call_start(&cancelled, flush_all, &s);
    CHECK_BLOCKED(&call);
    CALL_CANCEL(&cancelled);
    hclose(s);
    CALL_FAILS(&call, ECONNRESET);
    close(fd);
}

/*  Holds bytes, and ends its thread, which leaves the descriptor open: fd[0]
    then. */
static void *hold(void *arg)
{
    int *fd = arg, own;
    wire_pair(fd);
    own = dup(fd[0]);
    close(own);
    int s = wire_is_tcp() ? tcp_fromfd(fd[0]) : ipc_fromfd(fd[0]);
    fd[0] = own;
    queue(s, "last", now() + 60000);
    return NULL;
}

TEST(queued_bytes_are_offered_when_the_thread_ends)
{
    if(check_under("valgrind") || check_under("sanitizers"))
        NA("the thread leaves its stream behind");
    int fd[2];
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, hold, fd) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    EXPECT(fd[1], "last");
    close(fd[0]);
    close(fd[1]);
}

TEST(queued_bytes_are_offered_when_the_process_ends)
{
    int fd[2];
    wire_pair(fd);
    fflush(NULL);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if(!pid) {
        int s = wire_is_tcp() ? tcp_fromfd(fd[0]) : ipc_fromfd(fd[0]);
        queue(s, "last", now() + 60000);
        /*  Its parent's handlers are none of this. */
        exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    EXPECT(fd[1], "last");
    close(fd[0]);
    close(fd[1]);
}

TEST_KINDS(queued_bytes_are_sent_by_the_process_that_has_queued_them)
{
    int fd, s = stream_open(kind, &fd);
    CHECK_OK(queue(s, "once", 0));
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if(!pid) {
        msleep(now() + 1);
        child_ends(bsend(s, "child", 5, 0) == 0 && queued(s) == 0);
    }
    CHECK_CHILD_ENDS(pid);
    EXPECT(fd, "child");
    CHECK_INT(queued(s), 4);
    CHECK_OK(msleep(now() + 1));
    EXPECT(fd, "once");
    hclose(s);
    close(fd);
}

/**** TLS ****/

TEST_KINDS(what_is_queued_in_tls_shares_a_record)
{
    int s[2];
    stream_pair(kind, s);
    stream_secure(s);
    char buf[16];
    CHECK_OK(bsend(s[0], "go", 2, SOON));
    CHECK_OK(brecv(s[1], buf, 2, SOON));
    CHECK_OK(queue(s[1], "abc", now() + 60000));
    CHECK_OK(queue(s[1], "def", now() + 60000));
    CHECK_INT(queued(s[1]), 6);
    CHECK_OK(bsend(s[1], "ghi", 3, SOON));
    CHECK_INT(queued(s[1]), 0);
    CHECK_INT(brecvsome(s[0], buf, sizeof buf, SOON), 9);
    CHECK_BYTES(buf, 9, "abcdefghi", 9);
    CHECK_OK(queue(s[1], "abc", 0));
    CHECK_OK(queue(s[1], "def", 0));
    CHECK_INT(brecvsome(s[0], buf, sizeof buf, SOON), 6);
    CHECK_OK(queue(s[1], "abc", now() + 60000));
    CHECK_OK(flush(s[1], 0, 0));
    CHECK_OK(brecv(s[0], buf, 3, SOON));
    CHECK_OK(queue(s[1], "bye", now() + 60000));
    CHECK_OK(tls_done(s[1], SOON));
    CHECK_OK(brecv(s[0], buf, 3, SOON));
    CHECK_BYTES(buf, 3, "bye", 3);
    CHECK_ERR(brecv(s[0], buf, 1, SOON), EPIPE);
    hclose(s[0]);
    hclose(s[1]);
}

/**** brecvsome ****/

TEST_KINDS(brecvsome_delivers_what_has_come)
{
    int fd, s = stream_open(kind, &fd);
    char buf[16];
    CHECK_ERR(brecvsome(s, buf, sizeof buf, 0), ETIMEDOUT);
    CHECK_INT(brecvsome(s, buf, 0, 0), 0);
    CHECK_INT(write(fd, "abcdef", 6), 6);
    CHECK_INT(brecvsome(s, buf, 2, SOON), 2);
    CHECK_BYTES(buf, 2, "ab", 2);
    CHECK_INT(brecvsome(s, NULL, 1, SOON), 1);
    CHECK_INT(brecvsome(s, buf, sizeof buf, SOON), 3);
    CHECK_BYTES(buf, 3, "def", 3);
    CHECK_ERR(brecvsome(s, buf, (size_t)-1, 0), EINVAL);
    wire_end(fd);
    CHECK_ERR(brecvsome(s, buf, 1, SOON), EPIPE);
    CHECK_ERR(brecvsome(-1, buf, 1, SOON), EBADF);
    struct scripted below;
    int foreign = scripted_open(&below, "abc");
    CHECK_ERR(brecvsome(foreign, buf, 1, SOON), ENOTSUP);
    hclose(foreign);
    hclose(s);
    close(fd);
}
