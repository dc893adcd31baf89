/*  A socket that was just read empty is not tried again before the system says
    that more has arrived. That saves a system call for each message, and nothing
    may be missed by it. */

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"

static int receives;

/*  The runtime calls these. */
ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    receives++;
    return syscall(SYS_recvmsg, fd, msg, flags);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    receives++;
    return syscall(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
}

struct receiving {
    int s;
    size_t len;
    char got[16];
    int count;
};

static long long receive(void *arg)
{
    struct receiving *r = arg;
    return brecv(r->s, r->got, r->len, SOON);
}

static void send_raw(int fd, const char *text, int flags)
{
    CHECK_INT(send(fd, text, strlen(text), flags), (long long)strlen(text));
}

static coroutine void receive_all(struct receiving *r, int messages)
{
    for(int i = 0; i != messages; i++) {
        if(brecv(r->s, r->got, r->len, SOON) != 0) return;
        r->count++;
    }
}

TEST(rt_wakeups_one_receive_for_each_message)
{
    enum {MESSAGES = 100};
    struct receiving r = {.len = 3};
    int fd;
    r.s = stream_open(TCP, &fd);
    receives = 0;
    int h = go(receive_all(&r, MESSAGES));
    int64_t limit = SOON;
    for(int i = 0; i != MESSAGES; i++) {
        send_raw(fd, "abc", 0);
        while(r.count == i && now() < limit) yield();
    }
    CHECK_INT(r.count, MESSAGES);
    /*  The very first one cannot know yet that there is nothing, and on a slow
        machine word of some bytes comes behind the bytes. */
    CHECK_RANGE(receives, MESSAGES, MESSAGES + MESSAGES / 4);
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(r.s));
    close(fd);
}

/*  What the program itself has sent is there, and nobody else runs. */
static coroutine void count_turns(int *turns)
{
    while(yield() == 0) ++*turns;
}

TEST(rt_wakeups_what_has_arrived_needs_no_wait)
{
    struct receiving r = {.len = 1};
    int s[2];
    int turns = 0;
    int least = 1;
    stream_pair(TCP, s);
    r.s = s[1];
    int h = go(count_turns(&turns));
    /*  A busy machine may give the others their turn once in a while. */
    for(int left = 100; left && least; left--) {
        yield();
        turns = 0;
        for(int i = 0; i != 10; i++) {
            CHECK_OK(bsend(s[0], "a", 1, SOON));
            CHECK_INT(receive(&r), 0);
        }
        if(turns < least) least = turns;
    }
    CHECK_INT(least, 0);
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  The end is reported once, together with the bytes before it. */
TEST_KINDS(rt_wakeups_bytes_and_the_end_at_once)
{
    for(int waiting = 0; waiting != 2; waiting++) {
        struct receiving r = {.len = 2};
        struct call c;
        int fd;
        r.s = stream_open(kind, &fd);
        if(waiting) call_start(&c, receive, &r);
        send_raw(fd, "abc", 0);
        CHECK_OK(shutdown(fd, SHUT_WR));
        if(!waiting) call_start(&c, receive, &r);
        call_returns(HERE, &c, 0);
        r.len = 1;
        CHECK_INT(receive(&r), 0);
        CHECK_INT(r.got[0], 'c');
        CHECK_ERR(receive(&r), EPIPE);
        CHECK_OK(hclose(r.s));
        close(fd);
    }
}

TEST(rt_wakeups_bytes_and_a_reset_at_once)
{
    struct receiving r = {.len = 1};
    struct linger now_and_hard = {1, 0};
    struct call c;
    int fd;
    r.s = stream_open(TCP, &fd);
    call_start(&c, receive, &r);
    send_raw(fd, "a", 0);
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard));
    close(fd);
    call_wait(HERE, &c);
    CHECK_ERR(receive(&r), ECONNRESET);
    CHECK_OK(hclose(r.s));
}

/*  A receive stops short before urgent data, and leaves what follows. */
TEST(rt_wakeups_bytes_around_urgent_data)
{
    struct receiving r = {.len = 2};
    struct call c;
    int fd;
    r.s = stream_open(TCP, &fd);
    call_start(&c, receive, &r);
    send_raw(fd, "ab", 0);
    send_raw(fd, "!", MSG_OOB);
    send_raw(fd, "cd", 0);
    call_returns(HERE, &c, 0);
    CHECK_BYTES(r.got, 2, "ab", 2);
    CHECK_INT(receive(&r), 0);
    CHECK_BYTES(r.got, 2, "cd", 2);
    CHECK_OK(hclose(r.s));
    close(fd);
}

/*  Whoever does not wait, or may not, still gets what has arrived. */
TEST(rt_wakeups_without_waiting)
{
    struct receiving r = {.len = 1};
    int fd;
    r.s = stream_open(TCP, &fd);
    for(int i = 0; i != 3; i++) {
        CHECK_ERR(brecv(r.s, r.got, 1, 0), ETIMEDOUT);
        send_raw(fd, "a", 0);
        CHECK_OK(brecv(r.s, r.got, 1, 0));
    }
    CHECK_OK(hclose(r.s));
    close(fd);
}

static coroutine void receive_when_cancelled(struct receiving *r, int *rc)
{
    msleep(-1);
    *rc = brecv(r->s, r->got, 1, -1);
}

TEST(rt_wakeups_when_cancelled)
{
    struct receiving r = {.len = 1};
    int fd, rc = -1;
    r.s = stream_open(TCP, &fd);
    send_raw(fd, "a", 0);
    CHECK_INT(receive(&r), 0);
    int h = go(receive_when_cancelled(&r, &rc));
    CHECK_OK(h);
    send_raw(fd, "b", 0);
    CHECK_OK(hclose(h));
    CHECK_INT(rc, 0);
    CHECK_INT(r.got[0], 'b');
    CHECK_OK(hclose(r.s));
    close(fd);
}
