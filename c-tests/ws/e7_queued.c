/*  Frames that leave by themselves: held, posted, and the ends of connections.
    The peer is made of raw bytes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn.h"
#include "flate.h"

#include <libdill_wsx.h>

/*  How many bytes lie before the peer. Nobody else runs, and the host looks at
    nothing. */
static size_t arrived(struct conn *c)
{
    int n = -1;
    CHECK(ioctl(c->fd, FIONREAD, &n) == 0);
    return (size_t)n;
}

/*  A server's frame of `len` bytes, or a client's. */
static size_t frame_size(enum role role, size_t len)
{
    return (len > 65535 ? 10 : len > 125 ? 4 : 2) + (role == CLIENT ? 4 : 0) + len;
}

static size_t queued(struct conn *c)
{
    struct ws_info info;
    CHECK_OK(ws_query(c->h, &info, sizeof info));
    return info.queued;
}

/*  Opens a connection with these options, over a stream that has no room if
    `full` is not NULL: it is the number of bytes that the peer has to take. */
static void open_full(struct conn *c, enum role role, struct ws_opts o, size_t *full)
{
    int fd[2];
    wire_pair(fd);
    o.flags |= WS_NOHTTP;
    int own = dup(fd[0]);
    int s = stream_from(fd[0]);
    c->role = role;
    c->fd = fd[1];
    c->h = role == CLIENT ? ws_attach_client_opts(s, NULL, NULL, &o, -1) :
        ws_attach_server_opts(s, &o, -1);
    CHECK_OK(c->h);
    /*  TCP finds more room when it has asked its peer, after 200 ms. */
    if(full) {
        *full = wire_fill(own);
        for(int i = 0; wire_is_tcp() && i != 3; i++) {
            msleep(now() + 250);
            *full += wire_fill(own);
        }
    }
    close(own);
}

/*  Also of what the host has to see to. */
static void end(struct conn *c)
{
    conn_close(c);
    msleep(now() + 2);
}

static void open_with(struct conn *c, enum role role, struct ws_opts o)
{
    open_full(c, role, o, NULL);
}

/*  On libdill nothing is held or posted. */
static int sends_by_itself(void)
{
    struct conn c;
    open_with(&c, SERVER, (struct ws_opts)ws_defaults);
    int m = ws_msg(0, "", 0);
    int rc = ws_post(c.h, m);
    CHECK_OK(hclose(m));
    end(&c);
    return rc == 0;
}

#define NEEDS_QUEUE \
    do {if(!sends_by_itself()) NA("the host sends nothing by itself");} while(0)

static void hold(struct at at, struct conn *c, const char *text)
{
    check_ok(at, "held", ws_send(c->h, WS_TEXT | WS_HOLD, text, strlen(text), 0), errno);
}
#define HOLD(c, text) hold(HERE, c, text)

static void expect_text(struct at at, struct conn *c, const char *text)
{
    expect_frame(at, c->fd, c->role, OP_TEXT, text, strlen(text));
}
#define EXPECT_TEXT(c, text) expect_text(HERE, c, text)

static void post(struct at at, struct conn *c, const char *text)
{
    int m = ws_msg(WS_TEXT, text, strlen(text));
    check_ok(at, "ws_msg", m, errno);
    check_ok(at, "ws_post", ws_post(c->h, m), errno);
    /*  Right after posting is early enough. */
    check_ok(at, "hclose", hclose(m), errno);
}
#define POST(c, text) post(HERE, c, text)

/**** When held frames leave ****/

TEST_ROLES(held_frames_leave_with_the_next_send)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    HOLD(&c, "one");
    HOLD(&c, "two");
    CHECK_INT(arrived(&c), 0);
    CHECK_INT(queued(&c), 2 * frame_size(role, 3));
    CHECK_OK(ws_send(c.h, WS_TEXT, "three", 5, 0));
    CHECK_INT(arrived(&c), 2 * frame_size(role, 3) + frame_size(role, 5));
    CHECK_INT(queued(&c), 0);
    EXPECT_TEXT(&c, "one");
    EXPECT_TEXT(&c, "two");
    EXPECT_TEXT(&c, "three");
    end(&c);
}

TEST_ROLES(held_frames_leave_when_they_are_flushed)
{
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    CHECK_OK(ws_flush(c.h, 0));
    HOLD(&c, "one");
    CHECK_OK(ws_flush(c.h, 0));
    CHECK_INT(arrived(&c), frame_size(role, 3));
    EXPECT_TEXT(&c, "one");
    end(&c);
}

TEST_ROLES(held_frames_leave_before_the_thread_waits)
{
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    HOLD(&c, "one");
    CHECK_OK(msleep(now() + 1));
    CHECK_INT(arrived(&c), frame_size(role, 3));
    EXPECT_TEXT(&c, "one");
    end(&c);
}

TEST_ROLES(held_frames_leave_when_their_time_has_come)
{
    NEEDS_QUEUE;
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.hold = check_ms(60);
    open_with(&c, role, o);
    int64_t start = now();
    HOLD(&c, "one");
    CHECK_OK(msleep(start + 5));
    HOLD(&c, "two");
    if(now() < start + o.hold) CHECK_INT(arrived(&c), 0);
    while(!arrived(&c) && now() < start + check_ms(3000)) msleep(now() + 1);
    CHECK(now() >= start + o.hold);
    CHECK_INT(arrived(&c), 2 * frame_size(role, 3));
    end(&c);
}

TEST_ROLES(held_frames_leave_before_the_close_frame)
{
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.hold = 60000;
    open_with(&c, role, o);
    HOLD(&c, "one");
    CHECK_OK(ws_done(c.h, 1000, NULL, 0, 0));
    EXPECT_TEXT(&c, "one");
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    end(&c);
}

TEST_ROLES(held_frames_leave_when_the_stream_is_detached)
{
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.hold = 60000;
    open_with(&c, role, o);
    struct bytes in = {0};
    peer_close(&in, role, 1001, NULL, 0);
    wire_send(c.fd, &in);
    bytes_free(&in);
    HOLD(&c, "one");
    int s = ws_detach(c.h, 1000, NULL, 0, SOON);
    CHECK_OK(s);
    EXPECT_TEXT(&c, "one");
    EXPECT_CLOSE(c.fd, role, 1000, NULL, 0);
    CHECK_OK(hclose(s));
    wire_close(c.fd);
}

TEST_ROLES(held_frames_leave_when_there_are_16_kib)
{
    NEEDS_QUEUE;
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.hold = 60000;
    open_with(&c, role, o);
    static char text[1000];
    memset(text, 'x', sizeof text);
    size_t size = frame_size(role, sizeof text);
    for(size_t sum = size; sum < 16 * 1024; sum += size) {
        CHECK_OK(ws_send(c.h, WS_HOLD, text, sizeof text, 0));
        CHECK_INT(arrived(&c), 0);
    }
    CHECK_OK(ws_send(c.h, WS_HOLD, text, sizeof text, 0));
    CHECK_INT(queued(&c), 0);
    CHECK(arrived(&c) >= 16 * 1024);
    /*  One that is so long by itself. */
    static char much[16 * 1024];
    CHECK_OK(ws_send(c.h, WS_HOLD, much, sizeof much, SOON));
    CHECK_INT(queued(&c), 0);
    end(&c);
}

TEST_ROLES(a_held_frame_waits_behind_maxqueue_bytes)
{
    NEEDS_QUEUE;
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.maxqueue = 3 * frame_size(role, 3);
    size_t full;
    open_full(&c, role, o, &full);
    HOLD(&c, "one");
    HOLD(&c, "two");
    HOLD(&c, "thr");
    CHECK_ERR(ws_send(c.h, WS_TEXT | WS_HOLD, "fou", 3, 0), ETIMEDOUT);
    CHECK_ERR(ws_send(c.h, WS_TEXT | WS_HOLD, "fou", 3, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(ws_send(c.h, WS_TEXT, "fiv", 3, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(ws_flush(c.h, BRIEFLY), ETIMEDOUT);
    CHECK_INT(queued(&c), o.maxqueue);
    wire_unfill(c.fd, full);
    CHECK_OK(ws_flush(c.h, SOON));
    CHECK_INT(queued(&c), 0);
    EXPECT_TEXT(&c, "one");
    EXPECT_TEXT(&c, "two");
    EXPECT_TEXT(&c, "thr");
    CHECK_INTACT(&c);
    end(&c);
}

/**** Posts ****/

TEST_ROLES(a_post_goes_behind_what_is_held_and_before_what_is_sent_later)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    HOLD(&c, "held");
    POST(&c, "posted");
    HOLD(&c, "held again");
    CHECK_INT(arrived(&c), 0);
    CHECK_OK(ws_send(c.h, WS_TEXT, "sent", 4, 0));
    EXPECT_TEXT(&c, "held");
    EXPECT_TEXT(&c, "posted");
    EXPECT_TEXT(&c, "held again");
    EXPECT_TEXT(&c, "sent");
    POST(&c, "");
    EXPECT_TEXT(&c, "");
    end(&c);
}

TEST_ROLES(single_posts_leave_at_once_and_several_together)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    for(int i = 0; i != 3; i++) {
        CHECK_OK(msleep(now() + 1));
        POST(&c, "one");
        CHECK_INT(arrived(&c), (i + 1) * frame_size(role, 3));
    }
    size_t before = arrived(&c);
    POST(&c, "two");
    POST(&c, "two");
    CHECK_INT(arrived(&c), before);
    CHECK_OK(msleep(now() + 1));
    CHECK_INT(arrived(&c), before + 2 * frame_size(role, 3));
    for(int i = 0; i != 2; i++) POST(&c, "two");
    CHECK_INT(arrived(&c), before + 2 * frame_size(role, 3));
    CHECK_OK(msleep(now() + 1));
    /*  The first of those that come singly again is not known to. */
    POST(&c, "one");
    CHECK_OK(msleep(now() + 1));
    before = arrived(&c);
    POST(&c, "one");
    CHECK_INT(arrived(&c), before + frame_size(role, 3));
    end(&c);
}

TEST_ROLES(a_post_is_refused_behind_maxqueue_bytes)
{
    NEEDS_QUEUE;
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.maxqueue = 10;
    size_t full;
    open_full(&c, role, o, &full);
    int m = ws_msg(WS_TEXT, "message", 7);
    CHECK_OK(m);
    CHECK_OK(ws_post(c.h, m));
    if(role == SERVER) CHECK_OK(ws_post(c.h, m));
    CHECK_ERR(ws_post(c.h, m), EAGAIN);
    CHECK_INT(queued(&c), (role == SERVER ? 2 : 1) * frame_size(role, 7));
    wire_unfill(c.fd, full);
    if(role == SERVER) EXPECT_TEXT(&c, "message");
    EXPECT_TEXT(&c, "message");
    CHECK_OK(ws_post(c.h, m));
    EXPECT_TEXT(&c, "message");
    CHECK_OK(hclose(m));
    end(&c);
}

/*  A sender that has to wait in the middle of its message. */
struct sender {struct conn *c; const void *text; size_t len; int rc; int err; int over;};

static coroutine void send_all(struct sender *s)
{
    s->rc = ws_send(s->c->h, 0, s->text, s->len, -1);
    s->err = errno;
    s->over = 1;
}

/*  More than both ends hold, and more than a client masks at once. */
static char much[3 << 20];

TEST_ROLES(a_post_goes_behind_a_message_that_is_being_sent)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    struct sender sender = {.c = &c, .text = much, .len = sizeof much};
    int h = go(send_all(&sender));
    CHECK_OK(msleep(now() + 10));
    CHECK(!sender.over);
    POST(&c, "first");
    POST(&c, "second");
    CHECK_ERR(ws_send(c.h, 0, "", 0, 0), EBUSY);
    CHECK_OK(ws_postdone(c.h, 1001, "bye", 3));
    CHECK_ERR(ws_postdone(c.h, 1001, "bye", 3), EPIPE);
    EXPECT_FRAME(c.fd, role, OP_BINARY, much, sizeof much);
    EXPECT_TEXT(&c, "first");
    EXPECT_TEXT(&c, "second");
    EXPECT_CLOSE(c.fd, role, 1001, "bye", 3);
    CHECK(sender.over);
    CHECK_INT(sender.rc, 0);
    CHECK_OK(hclose(h));
    end(&c);
}

static coroutine void post_cancelled(struct conn *c, int m, int *rc)
{
    CHECK_ERR(msleep(-1), ECANCELED);
    *rc = ws_post(c->h, m);
}

TEST_ROLES(a_post_needs_no_waiting)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    int m = ws_msg(WS_TEXT, "cancelled", 9);
    int rc = -1;
    int h = go(post_cancelled(&c, m, &rc));
    CHECK_OK(hclose(h));
    CHECK_INT(rc, 0);
    EXPECT_TEXT(&c, "cancelled");
    CHECK_OK(hclose(m));
    end(&c);
}

TEST_ROLES(posts_check_what_they_get)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    CHECK_ERR(ws_msg(4, "", 0), EINVAL);
    CHECK_ERR(ws_msg(WS_NOHTTP, "", 0), EINVAL);
    CHECK_ERR(ws_msg(0, NULL, 1), EINVAL);
    CHECK_ERR(ws_msg(WS_TEXT, "\xff", 1), EINVAL);
    CHECK_ERR(ws_msg(0, "", (size_t)-1), EINVAL);
    int m = ws_msg(WS_PLAIN, NULL, 0);
    CHECK_OK(m);
    CHECK_ERR(ws_post(-1, m), EBADF);
    CHECK_ERR(ws_post(c.h, -1), EBADF);
    CHECK_ERR(ws_post(m, m), ENOTSUP);
    CHECK_ERR(ws_post(c.h, c.h), ENOTSUP);
    CHECK_ERR(ws_flush(m, 0), ENOTSUP);
    CHECK_ERR(ws_flush(-1, 0), EBADF);
    CHECK_ERR(ws_postdone(m, 1000, NULL, 0), ENOTSUP);
    CHECK_ERR(ws_postdone(-1, 1000, NULL, 0), EBADF);
    CHECK_ERR(ws_postdone(-1, 1004, NULL, 0), EINVAL);
    CHECK_ERR(ws_postdone(-1, 0, "x", 1), EINVAL);
    CHECK_ERR(ws_fail(m, 1000), ENOTSUP);
    CHECK_ERR(ws_fail(-1, 1000), EBADF);
    CHECK_ERR(ws_fail(-1, 1005), EINVAL);
    CHECK_OK(ws_done(c.h, 1000, NULL, 0, 0));
    CHECK_ERR(ws_post(c.h, m), EPIPE);
    CHECK_ERR(ws_postdone(c.h, 1000, NULL, 0), EPIPE);
    CHECK_OK(ws_flush(c.h, 0));
    CHECK_OK(hclose(m));
    end(&c);
}

/**** Ends ****/

TEST_ROLES(a_posted_end_goes_behind_everything)
{
    NEEDS_QUEUE;
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.maxqueue = 1;
    size_t full;
    open_full(&c, role, o, &full);
    POST(&c, "last");
    CHECK_OK(ws_postdone(c.h, 1001, "bye", 3));
    CHECK_ERR(ws_send(c.h, 0, "", 0, 0), EPIPE);
    CHECK_ERR(ws_done(c.h, 1000, NULL, 0, 0), EPIPE);
    wire_unfill(c.fd, full);
    EXPECT_TEXT(&c, "last");
    EXPECT_CLOSE(c.fd, role, 1001, "bye", 3);
    struct bytes in = {0};
    peer_message(&in, role, OP_TEXT, "late", 4);
    peer_close(&in, role, 1001, NULL, 0);
    wire_send(c.fd, &in);
    bytes_free(&in);
    char buf[8];
    CHECK_INT(ws_recv(c.h, NULL, buf, sizeof buf, SOON), 4);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPIPE);
    int s = ws_detach(c.h, 0, NULL, 0, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
    wire_close(c.fd);
}

struct receiver {struct conn *c; ssize_t rc; int err; int over;};

static coroutine void receive(struct receiver *r)
{
    char buf[16];
    errno = 0;
    r->rc = ws_recv(r->c->h, NULL, buf, sizeof buf, -1);
    r->err = errno;
    r->over = 1;
}

TEST_ROLES(a_connection_that_is_failed_wakes_who_waits)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    struct receiver receiver = {.c = &c};
    int h = go(receive(&receiver));
    CHECK_OK(msleep(now() + 10));
    HOLD(&c, "never begun");
    POST(&c, "nor this");
    CHECK_OK(ws_fail(c.h, 1011));
    CHECK(!receiver.over);
    CHECK_OK(msleep(now() + 1));
    CHECK(receiver.over);
    CHECK_INT(receiver.rc, -1);
    CHECK_INT(receiver.err, ECONNRESET);
    CHECK_ERR(ws_send(c.h, 0, "", 0, 0), EPIPE);
    CHECK_ERR(ws_recv(c.h, NULL, NULL, 0, 0), ECONNRESET);
    CHECK_OK(ws_fail(c.h, 1011));
    EXPECT_CLOSE(c.fd, role, 1011, NULL, 0);
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(c.h));
    EXPECT_END(c.fd);
    wire_close(c.fd);
}

TEST_ROLES(a_connection_can_be_failed_without_a_word)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    CHECK_OK(ws_fail(c.h, 0));
    CHECK_ERR(ws_send(c.h, 0, "", 0, 0), EPIPE);
    CHECK_OK(msleep(now() + 1));
    CHECK_INT(arrived(&c), 0);
    CHECK_OK(hclose(c.h));
    EXPECT_END(c.fd);
    wire_close(c.fd);
}

TEST_ROLES(a_connection_that_is_failed_finishes_what_was_begun)
{
    NEEDS_QUEUE;
    struct conn c;
    struct ws_opts o = ws_defaults;
    o.maxqueue = sizeof much;
    open_with(&c, role, o);
    int m = ws_msg(0, much, sizeof much);
    CHECK_OK(ws_post(c.h, m));
    CHECK_OK(hclose(m));
    CHECK_OK(msleep(now() + 1));
    CHECK(arrived(&c) > 0);
    POST(&c, "never begun");
    CHECK_OK(ws_fail(c.h, 1011));
    EXPECT_FRAME(c.fd, role, OP_BINARY, much, sizeof much);
    EXPECT_CLOSE(c.fd, role, 1011, NULL, 0);
    end(&c);
}

TEST_ROLES(a_connection_that_is_failed_wakes_its_sender)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    struct sender sender = {.c = &c, .text = much, .len = sizeof much};
    int h = go(send_all(&sender));
    CHECK_OK(msleep(now() + 10));
    CHECK(!sender.over);
    CHECK_OK(ws_fail(c.h, 1011));
    CHECK_OK(msleep(now() + 1));
    CHECK(sender.over);
    CHECK_INT(sender.rc, -1);
    CHECK_INT(sender.err, EPIPE);
    CHECK_ERR(ws_send(c.h, 0, "", 0, 0), EPIPE);
    CHECK_OK(hclose(h));
    end(&c);
}

TEST_ROLES(what_is_queued_is_offered_when_the_handle_is_closed)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    HOLD(&c, "last");
    CHECK_OK(hclose(c.h));
    EXPECT_TEXT(&c, "last");
    EXPECT_END(c.fd);
    wire_close(c.fd);
}

TEST_ROLES(an_error_that_is_met_later_is_told_by_the_next_call)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    wire_close(c.fd);
    for(int i = 0; i != 3; i++) {
        int rc = ws_send(c.h, WS_HOLD, "x", 1, 0);
        if(i == 0) CHECK_OK(rc);
        CHECK_OK(msleep(now() + 5));
    }
    CHECK_ERR(ws_send(c.h, 0, "x", 1, SOON), ECONNRESET);
    CHECK_ERR(ws_flush(c.h, SOON), ECONNRESET);
    CHECK_ERR(ws_recv(c.h, NULL, NULL, 0, SOON), ECONNRESET);
    CHECK_OK(hclose(c.h));
}

/**** Processes ****/

TEST_ROLES(what_is_held_is_the_parents_to_send)
{
    NEEDS_QUEUE;
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    HOLD(&c, "once");
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if(!pid) {
        msleep(now() + 1);
        ws_flush(c.h, 0);
        _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK_INT(arrived(&c), 0);
    CHECK_OK(ws_flush(c.h, 0));
    EXPECT_TEXT(&c, "once");
    CHECK_INTACT(&c);
    end(&c);
}

/**** On libdill ****/

TEST_ROLES(without_a_queue_frames_are_sent_at_once)
{
    if(sends_by_itself()) NA("the host sends by itself");
    struct conn c;
    open_with(&c, role, (struct ws_opts)ws_defaults);
    HOLD(&c, "one");
    CHECK_INT(arrived(&c), frame_size(role, 3));
    CHECK_OK(ws_flush(c.h, 0));
    CHECK_INT(queued(&c), 0);
    int m = ws_msg(0, "x", 1);
    CHECK_OK(m);
    CHECK_ERR(ws_post(c.h, m), ENOTSUP);
    CHECK_ERR(ws_postdone(c.h, 1000, NULL, 0), ENOTSUP);
    CHECK_ERR(ws_fail(c.h, 1000), ENOTSUP);
    CHECK_OK(hclose(m));
    EXPECT_TEXT(&c, "one");
    CHECK_INTACT(&c);
    end(&c);
}
