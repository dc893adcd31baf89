/*  UNIX sockets: paths, and descriptors that are passed over them. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

static void close_pair(const int s[2])
{
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  The peer is told whether there was more than what is received ahead. */
TEST(rt_ipc_closed_with_bytes_left)
{
    static char big[16384];
    char c;
    for(int i = 0; i != 2; i++) {
        int s[2];
        CHECK_OK(ipc_pair(s));
        CHECK_OK(bsend(s[0], big, i ? sizeof big : 100, SOON));
        CHECK_OK(brecv(s[1], &c, 1, SOON));
        CHECK_OK(hclose(s[1]));
        CHECK_ERR(brecv(s[0], &c, 1, SOON), i ? ECONNRESET : EPIPE);
        CHECK_OK(hclose(s[0]));
    }
}

/**** Paths ****/

TEST(rt_ipc_listen_connect_accept)
{
    const char *path;
    char c = 0;
    int listener = listen_ipc(&path, 10);
    int a = ipc_connect(path, SOON);
    int b = ipc_accept(listener, SOON);
    CHECK_OK(bsend(a, "x", 1, SOON));
    CHECK_OK(brecv(b, &c, 1, SOON));
    CHECK_INT(c, 'x');
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
    unlisten_ipc();
}

TEST(rt_ipc_the_socket_file_stays)
{
    const char *path;
    struct stat st;
    int listener = listen_ipc(&path, 10);
    CHECK_ERR(ipc_listen(path, 10), EADDRINUSE);
    CHECK_OK(ipc_close(listener, -1));
    CHECK_OK(stat(path, &st));
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_ERR(ipc_connect(path, SOON), ECONNREFUSED);
    CHECK_ERR(ipc_listen(path, 10), EADDRINUSE);
    unlisten_ipc();
    CHECK_ERR(ipc_connect(path, SOON), ENOENT);
}

TEST(rt_ipc_paths_that_do_not_work)
{
    char longest[109];
    memset(longest, 'a', sizeof longest);
    const struct {const char *path; int listen_err; int connect_err;} rows[] = {
        {NULL, EINVAL, EINVAL},
        {"", EINVAL, EINVAL},
        {"no-such-directory/socket", ENOENT, ENOENT},
        {"/dev/null/socket", ENOTDIR, ENOTDIR},
        {longest, ENAMETOOLONG, ENAMETOOLONG}};
    longest[108] = 0;
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        CHECK_ERR(ipc_listen(rows[i].path, 1), rows[i].listen_err);
        CHECK_ERR(ipc_connect(rows[i].path, -1), rows[i].connect_err);
    }
    check_note(NULL);
    /*  107 bytes and the NUL just fit. */
    longest[107] = 0;
    int listener = ipc_listen(longest, 1);
    CHECK_OK(listener);
    int s = ipc_connect(longest, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
    CHECK_OK(hclose(listener));
    unlink(longest);
}

TEST(rt_ipc_null_for_memory)
{
    const char *path;
    struct ipc_pair_storage mem;
    int s[2];
    int listener = listen_ipc(&path, 10);
    CHECK_ERR(ipc_listen_mem("other", 1, NULL), EINVAL);
    CHECK_ERR(ipc_accept_mem(listener, NULL, 0), EINVAL);
    CHECK_ERR(ipc_connect_mem(path, NULL, 0), EINVAL);
    CHECK_ERR(ipc_pair_mem(NULL, s), EINVAL);
    CHECK_ERR(ipc_pair_mem(&mem, NULL), EINVAL);
    CHECK_ERR(ipc_pair(NULL), EINVAL);
    CHECK_OK(hclose(listener));
    unlisten_ipc();
}

TEST(rt_ipc_in_memory_of_the_caller)
{
    struct {char pad; struct ipc_listener_storage l; struct ipc_storage a, b;
        struct ipc_pair_storage p;} mem;
    int s[2];
    char c = 0;
    const char *path;
    int listener = listen_ipc(&path, 10);
    CHECK_OK(hclose(listener));
    unlisten_ipc();
    CHECK_OK(listener = ipc_listen_mem(path, 10, &mem.l));
    int a = ipc_connect_mem(path, &mem.a, SOON);
    int b = ipc_accept_mem(listener, &mem.b, SOON);
    CHECK_OK(ipc_pair_mem(&mem.p, s));
    memset(&mem, 0xff, sizeof mem);
    CHECK_OK(bsend(a, "x", 1, SOON));
    CHECK_OK(brecv(b, &c, 1, SOON));
    CHECK_OK(bsend(s[0], "x", 1, SOON));
    CHECK_OK(brecv(s[1], &c, 1, SOON));
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    close_pair(s);
    CHECK_OK(hclose(listener));
    unlisten_ipc();
}

TEST(rt_ipc_listener_from_a_descriptor)
{
    const char *path = "rt-ipc-fromfd.sock";
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct ipc_listener_storage mem;
    strcpy(addr.sun_path, path);
    for(int with_mem = 0; with_mem != 2; with_mem++) {
        unlink(path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        CHECK_OK(bind(fd, (struct sockaddr*)&addr, sizeof addr));
        CHECK_ERR(ipc_listener_fromfd(fd), EINVAL);
        CHECK_OK(listen(fd, 5));
        CHECK_ERR(ipc_fromfd(fd), EINVAL);
        CHECK_ERR(ipc_listener_fromfd_mem(fd, NULL), EINVAL);
        int listener = with_mem ? ipc_listener_fromfd_mem(fd, &mem) :
            ipc_listener_fromfd(fd);
        CHECK_OK(listener);
        CHECK_ERR(ipc_accept(listener, 0), ETIMEDOUT);
        int a = ipc_connect(path, SOON);
        int b = ipc_accept(listener, SOON);
        CHECK_OK(b);
        CHECK_OK(hclose(a));
        CHECK_OK(hclose(b));
        CHECK_OK(hclose(listener));
        unlink(path);
    }
}

TEST(rt_ipc_accept_deadlines_and_handles)
{
    const char *path;
    int listener = listen_ipc(&path, 10);
    CHECK_ERR(ipc_accept(listener, 0), ETIMEDOUT);
    int64_t deadline = now() + 20;
    CHECK_ERR(ipc_accept(listener, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(tcp_accept(listener, NULL, 0), ENOTSUP);
    CHECK_ERR(ipc_done(listener, 0), ENOTSUP);
    CHECK_ERR(brecv(listener, NULL, 1, 0), ENOTSUP);
    CHECK_OK(hclose(listener));
    CHECK_ERR(ipc_accept(listener, 0), EBADF);
    unlisten_ipc();
}

static long long connect_op(void *arg)
{
    return ipc_connect(arg, -1);
}

/*  The system refuses, rather than waits, while the queue is full. */
TEST(rt_ipc_connect_waits_while_the_queue_is_full)
{
    const char *path;
    struct call c;
    int listener = listen_ipc(&path, 0);
    int a = ipc_connect(path, SOON);
    CHECK_OK(a);
    CHECK_ERR(ipc_connect(path, 0), ETIMEDOUT);
    int64_t deadline = now() + 30;
    CHECK_ERR(ipc_connect(path, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    call_start(&c, connect_op, (void*)path);
    CALL_CANCEL(&c);
    call_start(&c, connect_op, (void*)path);
    CHECK_BLOCKED(&c);
    int b = ipc_accept(listener, SOON);
    CHECK_OK(b);
    call_wait(HERE, &c);
    CHECK_OK(c.rc);
    CHECK_OK(hclose((int)c.rc));
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(listener));
    unlisten_ipc();
}

/**** Descriptors ****/

/*  Two files that can be told apart. */
static int null_fd;
static int zero_fd;

static void open_files(void)
{
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
    CHECK(null_fd >= 0 && zero_fd >= 0);
}

static void close_files(void)
{
    close(null_fd);
    close(zero_fd);
}

static int same_file(int a, int b)
{
    struct stat x;
    struct stat y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_rdev == y.st_rdev &&
        x.st_ino == y.st_ino;
}

/*  Receives the next one, which should be that file. */
static void receive_file(struct at at, int s, int file)
{
    int fd = ipc_recvfd(s, SOON);
    check_ok(at, "ipc_recvfd", fd, errno);
    if(fd < 0) return;
    if(!same_file(fd, file)) check_fail(at, "another file");
    check_int(at, "closed on exec", fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}
#define RECEIVE_FILE(s, file) receive_file(HERE, s, file)

TEST(rt_ipc_descriptors_arrive_between_bytes)
{
    int s[2];
    char in[3];
    open_files();
    CHECK_OK(ipc_pair(s));
    CHECK_OK(bsend(s[0], "ABC", 3, SOON));
    CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    CHECK_OK(ipc_sendfd(s[0], zero_fd, SOON));
    CHECK_OK(bsend(s[0], "DEF", 3, SOON));
    CHECK_OK(brecv(s[1], in, 3, SOON));
    CHECK_BYTES(in, 3, "ABC", 3);
    RECEIVE_FILE(s[1], null_fd);
    RECEIVE_FILE(s[1], zero_fd);
    CHECK_OK(brecv(s[1], in, 3, SOON));
    CHECK_BYTES(in, 3, "DEF", 3);
    /*  The sender keeps its own. */
    CHECK_OK(fcntl(null_fd, F_GETFD));
    close_pair(s);
    close_files();
}

TEST(rt_ipc_a_byte_without_a_descriptor_is_eproto_and_stays)
{
    int s[2];
    char in[2];
    CHECK_OK(ipc_pair(s));
    CHECK_OK(bsend(s[0], "AB", 2, SOON));
    CHECK_ERR(ipc_recvfd(s[1], SOON), EPROTO);
    CHECK_ERR(ipc_recvfd(s[1], SOON), EPROTO);
    CHECK_OK(brecv(s[1], in, 2, SOON));
    CHECK_BYTES(in, 2, "AB", 2);
    close_pair(s);
}

/*  Whether it has come along with a descriptor or not. */
TEST(rt_ipc_a_byte_before_a_descriptor_is_no_carrier)
{
    int s[2];
    char in[1];
    open_files();
    for(int ahead = 0; ahead != 2; ahead++) {
        check_note("%d read before", ahead);
        CHECK_OK(ipc_pair(s));
        CHECK_OK(bsend(s[0], ahead ? "ab" : "b", ahead ? 2 : 1, SOON));
        CHECK_OK(ipc_sendfd(s[0], zero_fd, SOON));
        CHECK_OK(bsend(s[0], "z", 1, SOON));
        if(ahead) CHECK_OK(brecv(s[1], in, 1, SOON));
        CHECK_ERR(ipc_recvfd(s[1], SOON), EPROTO);
        CHECK_OK(brecv(s[1], in, 1, SOON));
        CHECK_BYTES(in, 1, "b", 1);
        RECEIVE_FILE(s[1], zero_fd);
        CHECK_OK(brecv(s[1], in, 1, SOON));
        CHECK_BYTES(in, 1, "z", 1);
        close_pair(s);
    }
    close_files();
}

TEST(rt_ipc_received_as_a_byte_the_descriptor_is_closed)
{
    int s[2];
    char in[100];
    open_files();
    CHECK_OK(ipc_pair(s));
    int before = open_descriptors();
    for(int i = 0; i != 50; i++) {
        CHECK_OK(bsend(s[0], "x", 1, SOON));
        CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    }
    CHECK_OK(brecv(s[1], in, 100, SOON));
    CHECK_INT(open_descriptors(), before);
    CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    CHECK_OK(bsend(s[0], "q", 1, SOON));
    CHECK_INT(brecv_some(s[1], in, 100, SOON), 1);
    CHECK_INT(brecv_some(s[1], in, 100, SOON), 1);
    CHECK_INT(in[0], 'q');
    CHECK_INT(open_descriptors(), before);
    close_pair(s);
    close_files();
}

/*  What a program has the system tell of the sender comes along with every
    byte. */
TEST(rt_ipc_descriptors_come_beside_what_is_told_of_the_sender)
{
    static const int options[] = {SO_PASSCRED, 76 /* SO_PASSPIDFD */,
        SO_PASSSEC};
    int before = open_descriptors();
    for(size_t with = 0; with != 1 << COUNT_OF(options); with++) {
        int fd[2];
        int on = 1;
        char c = 0;
        check_note("options %zu", with);
        open_files();
        CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
        for(size_t i = 0; i != COUNT_OF(options); i++)
            if(with >> i & 1)
                setsockopt(fd[1], SOL_SOCKET, options[i], &on, sizeof on);
        int a = ipc_fromfd(fd[0]);
        int b = ipc_fromfd(fd[1]);
        CHECK_OK(ipc_sendfd(a, null_fd, SOON));
        CHECK_OK(bsend(a, "x", 1, SOON));
        CHECK_OK(ipc_sendfd(a, zero_fd, SOON));
        RECEIVE_FILE(b, null_fd);
        CHECK_OK(brecv(b, &c, 1, SOON));
        CHECK_INT(c, 'x');
        RECEIVE_FILE(b, zero_fd);
        CHECK_OK(hclose(a));
        CHECK_OK(hclose(b));
        close_files();
        CHECK_INT(open_descriptors(), before);
    }
}

/*  Of several with one byte the first counts, and the others are closed. */
TEST(rt_ipc_many_descriptors_with_one_byte)
{
    union {struct cmsghdr header; char bytes[CMSG_SPACE(40 * sizeof(int))];} u;
    int fd[2];
    int *numbers = (int*)CMSG_DATA(&u.header);
    open_files();
    int before = open_descriptors();
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
    int s = ipc_fromfd(fd[0]);
    u.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
        .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(40 * sizeof(int))};
    for(int i = 0; i != 40; i++) numbers[i] = i ? zero_fd : null_fd;
    struct msghdr message = {
        .msg_iov = &(struct iovec){.iov_base = "x", .iov_len = 1},
        .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u};
    CHECK_INT(sendmsg(fd[1], &message, 0), 1);
    RECEIVE_FILE(s, null_fd);
    CHECK_OK(hclose(s));
    close(fd[1]);
    CHECK_INT(open_descriptors(), before);
    close_files();
}

/*  A receive that times out puts bytes back, and what came with them. */
static void cut_with_descriptors(size_t piece)
{
    static char block[5000];
    int s[2];
    size_t all = 10 * (piece + 1) + 1;
    char *in = malloc(all);
    CHECK_OK(ipc_pair(s));
    int before = open_descriptors();
    for(int i = 0; i != 10; i++) {
        memset(block, 'a' + i, piece);
        CHECK_OK(bsend(s[0], block, piece, SOON));
        CHECK_OK(ipc_sendfd(s[0], i % 2 ? null_fd : zero_fd, SOON));
    }
    CHECK_ERR(brecv(s[1], in, all, 0), ETIMEDOUT);
    CHECK_INT(open_descriptors(), before + 10);
    for(int i = 0; i != 10; i++) {
        CHECK_OK(brecv(s[1], in, piece, SOON));
        CHECK(in[0] == 'a' + i && in[piece - 1] == 'a' + i);
        RECEIVE_FILE(s[1], i % 2 ? null_fd : zero_fd);
    }
    CHECK_INT(open_descriptors(), before);
    close_pair(s);
    free(in);
}

TEST(rt_ipc_a_timeout_keeps_the_descriptors_in_order)
{
    static const size_t pieces[] = {1, 100, 5000};
    open_files();
    for(size_t i = 0; i != COUNT_OF(pieces); i++) {
        check_note("pieces of %zu", pieces[i]);
        cut_with_descriptors(pieces[i]);
    }
    close_files();
}

TEST(rt_ipc_descriptors_left_are_closed_with_the_socket)
{
    int s[2];
    char in[50];
    open_files();
    CHECK_OK(ipc_pair(s));
    int before = open_descriptors();
    for(int i = 0; i != 5; i++) CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    CHECK_ERR(brecv(s[1], in, 50, 0), ETIMEDOUT);
    CHECK_INT(open_descriptors(), before + 5);
    CHECK_OK(hclose(s[1]));
    CHECK_INT(open_descriptors(), before - 1);
    CHECK_OK(hclose(s[0]));
    close_files();
}

/*  A peer may send nothing but descriptors. */
TEST(rt_ipc_descriptors_that_wait_are_sixteen_at_most)
{
    int s[2];
    char in[100];
    open_files();
    CHECK_OK(ipc_pair(s));
    int before = open_descriptors();
    for(int i = 0; i != 40; i++) CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    CHECK_ERR(brecv(s[1], in, 100, 0), ETIMEDOUT);
    CHECK_INT(open_descriptors(), before + 16);
    for(int i = 0; i != 16; i++) RECEIVE_FILE(s[1], null_fd);
    CHECK_ERR(ipc_recvfd(s[1], SOON), EPROTO);
    CHECK_OK(brecv(s[1], in, 24, SOON));
    CHECK_INT(open_descriptors(), before);
    /*  Taken one by one there is no limit. */
    for(int i = 0; i != 40; i++) CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    for(int i = 0; i != 40; i++) RECEIVE_FILE(s[1], null_fd);
    close_pair(s);
    close_files();
}

static long long close_op(void *arg)
{
    return ipc_close(*(int*)arg, SOON);
}

TEST(rt_ipc_closing_keeps_no_descriptors)
{
    int s[2];
    char in[50];
    struct call call;
    open_files();
    CHECK_OK(ipc_pair(s));
    int before = open_descriptors();
    for(int i = 0; i != 10; i++) CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    CHECK_ERR(brecv(s[1], in, 50, 0), ETIMEDOUT);
    CHECK_INT(open_descriptors(), before + 10);
    call_start(&call, close_op, &s[1]);
    for(int i = 0; i != 10; i++) CHECK_OK(ipc_sendfd(s[0], null_fd, SOON));
    CHECK_OK(msleep(BRIEFLY));
    CHECK_BLOCKED(&call);
    CHECK_INT(open_descriptors(), before);
    CHECK_OK(hclose(s[0]));
    CALL_RETURNS(&call, 0);
    close_files();
}

static long long recvfd_op(void *arg)
{
    return ipc_recvfd(*(int*)arg, -1);
}

TEST(rt_ipc_waiting_for_a_descriptor)
{
    int s[2];
    char c;
    struct call call;
    open_files();
    CHECK_OK(ipc_pair(s));
    CHECK_ERR(ipc_recvfd(s[1], 0), ETIMEDOUT);
    CHECK_ERR(ipc_recvfd(s[1], BRIEFLY), ETIMEDOUT);
    call_start(&call, recvfd_op, &s[1]);
    CALL_CANCEL(&call);
    call_start(&call, recvfd_op, &s[1]);
    CHECK_ERR(brecv(s[1], &c, 1, -1), EBUSY);
    CHECK_ERR(ipc_recvfd(s[1], -1), EBUSY);
    CHECK_OK(ipc_sendfd(s[0], zero_fd, SOON));
    call_wait(HERE, &call);
    CHECK_OK(call.rc);
    CHECK(same_file((int)call.rc, zero_fd));
    close((int)call.rc);
    close_pair(s);
    close_files();
}

TEST(rt_ipc_sending_what_is_no_descriptor)
{
    int s[2];
    char c;
    CHECK_OK(ipc_pair(s));
    CHECK_ERR(ipc_sendfd(s[0], -1, -1), EINVAL);
    CHECK_ERR(ipc_sendfd(s[0], INT32_MIN, -1), EINVAL);
    CHECK_ERR(ipc_sendfd(s[0], 1000, -1), EBADF);
    CHECK_ERR(ipc_recvfd(-1, 0), EBADF);
    CHECK_ERR(ipc_sendfd(-1, 0, 0), EBADF);
    CHECK_OK(bsend(s[0], "!", 1, SOON));
    CHECK_OK(brecv(s[1], &c, 1, SOON));
    CHECK_OK(ipc_done(s[0], -1));
    CHECK_ERR(ipc_sendfd(s[0], 0, -1), EPIPE);
    CHECK_ERR(ipc_recvfd(s[1], -1), EPIPE);
    CHECK_OK(hclose(s[0]));
    CHECK_ERR(ipc_sendfd(s[1], 0, SOON), ECONNRESET);
    CHECK_OK(hclose(s[1]));
    stream_pair(TCP, s);
    CHECK_ERR(ipc_sendfd(s[0], 0, -1), ENOTSUP);
    CHECK_ERR(ipc_recvfd(s[0], -1), ENOTSUP);
    close_pair(s);
}

/*  As a program does that does not use this library. */
static void send_files(int fd, const char *bytes, const int *files, size_t n)
{
    union {struct cmsghdr align; char room[CMSG_SPACE(4 * sizeof(int))];}
        control;
    struct iovec iov = {(void*)bytes, strlen(bytes)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = CMSG_SPACE(n * sizeof(int))};
    memset(&control, 0, sizeof control);
    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(&control.align), files, n * sizeof(int));
    CHECK_INT(sendmsg(fd, &msg, 0), strlen(bytes));
}

TEST(rt_ipc_several_descriptors_with_one_byte)
{
    int fd;
    char in[5];
    open_files();
    int s = stream_open(IPC, &fd);
    int before = open_descriptors();
    send_files(fd, "hello", (int[]){zero_fd, null_fd, null_fd}, 3);
    CHECK_OK(brecv(s, in, 4, SOON));
    CHECK_BYTES(in, 4, "hell", 4);
    /*  The first is kept, with the last byte; the others are closed. */
    CHECK_INT(open_descriptors(), before + 1);
    RECEIVE_FILE(s, zero_fd);
    CHECK_INT(open_descriptors(), before);
    wire_close(fd);
    CHECK_ERR(ipc_recvfd(s, SOON), EPIPE);
    CHECK_OK(hclose(s));
    close_files();
}

/*  As other languages do, which send one with as many bytes as they like. */
TEST(rt_ipc_a_descriptor_with_several_bytes)
{
    int fd;
    char in[4];
    open_files();
    int s = stream_open(IPC, &fd);
    int before = open_descriptors();
    /*  At the first of them, if that is what was asked for. */
    send_files(fd, "abcd", &zero_fd, 1);
    RECEIVE_FILE(s, zero_fd);
    CHECK_OK(brecv(s, in, 3, SOON));
    CHECK_BYTES(in, 3, "bcd", 3);
    /*  At the last one that came, if they were received as bytes. */
    CHECK_INT(wire_write(fd, "head", 4), 0);
    send_files(fd, "abcd", &null_fd, 1);
    CHECK_OK(brecv(s, in, 4, SOON));
    CHECK_ERR(ipc_recvfd(s, SOON), EPROTO);
    CHECK_OK(brecv(s, in, 3, SOON));
    CHECK_BYTES(in, 3, "abc", 3);
    RECEIVE_FILE(s, null_fd);
    /*  Bytes without one before it keep to themselves. */
    CHECK_INT(wire_write(fd, "x", 1), 0);
    send_files(fd, "abcd", &zero_fd, 1);
    CHECK_ERR(ipc_recvfd(s, SOON), EPROTO);
    CHECK_OK(brecv(s, in, 1, SOON));
    RECEIVE_FILE(s, zero_fd);
    CHECK_OK(brecv(s, in, 3, SOON));
    CHECK_INT(open_descriptors(), before);
    CHECK_OK(hclose(s));
    wire_close(fd);
    close_files();
}

/*  A connection can be handed to another process, or to oneself. */
TEST(rt_ipc_a_connection_is_passed_on)
{
    int s[2];
    int fd;
    char c = 0;
    CHECK_OK(ipc_pair(s));
    int client = stream_open(TCP, &fd);
    CHECK_OK(ipc_sendfd(s[0], fd, SOON));
    wire_close(fd);
    int passed = ipc_recvfd(s[1], SOON);
    CHECK_OK(passed);
    int server = tcp_fromfd(passed);
    CHECK_OK(server);
    CHECK_OK(bsend(client, "x", 1, SOON));
    CHECK_OK(brecv(server, &c, 1, SOON));
    CHECK_INT(c, 'x');
    CHECK_OK(hclose(client));
    CHECK_OK(hclose(server));
    close_pair(s);
}
