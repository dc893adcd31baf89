/*  fdin, fdout, fdclean: waiting for the program's own descriptors. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "rt.h"

static void open_pair(int fd[2])
{
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
}

/*  As programs should: told before it is closed. */
static void close_fd(int fd)
{
    CHECK_OK(fdclean(fd));
    CHECK_OK(close(fd));
}

static void close_pair(const int fd[2])
{
    close_fd(fd[0]);
    close_fd(fd[1]);
}

static void put(int fd)
{
    CHECK_INT(write(fd, "x", 1), 1);
}

static void take(int fd)
{
    char c;
    CHECK_INT(read(fd, &c, 1), 1);
}

/*  Until there is no room. */
static void fill(int fd)
{
    static const char block[4096];
    while(write(fd, block, sizeof block) > 0) {}
}

static void drain(int fd)
{
    static char block[4096];
    while(read(fd, block, sizeof block) > 0) {}
}

static long long in_op(void *arg)
{
    return fdin(*(int*)arg, -1);
}

static long long out_op(void *arg)
{
    return fdout(*(int*)arg, -1);
}

/**** Readiness ****/

TEST(rt_fds_ready_at_once)
{
    int fd[2];
    open_pair(fd);
    CHECK_OK(fdout(fd[0], 0));
    CHECK_OK(fdout(fd[0], -1));
    CHECK_ERR(fdin(fd[0], 0), ETIMEDOUT);
    put(fd[1]);
    /*  As long as it is not read, each call says so. */
    for(int i = 0; i != 3; i++) CHECK_OK(fdin(fd[0], 0));
    for(int i = 0; i != 3; i++) CHECK_OK(fdin(fd[0], -1));
    take(fd[0]);
    CHECK_ERR(fdin(fd[0], 0), ETIMEDOUT);
    fill(fd[0]);
    CHECK_ERR(fdout(fd[0], 0), ETIMEDOUT);
    close_pair(fd);
}

TEST(rt_fds_wait_until_ready)
{
    int fd[2];
    struct call in;
    struct call out;
    open_pair(fd);
    fill(fd[0]);
    /*  One waiter for each direction of the same descriptor. */
    call_start(&in, in_op, &fd[0]);
    call_start(&out, out_op, &fd[0]);
    CHECK_OK(msleep(BRIEFLY));
    CHECK_BLOCKED(&in);
    CHECK_BLOCKED(&out);
    put(fd[1]);
    CALL_RETURNS(&in, 0);
    CHECK_BLOCKED(&out);
    drain(fd[1]);
    CALL_RETURNS(&out, 0);
    close_pair(fd);
}

TEST(rt_fds_deadlines)
{
    int fd[2];
    open_pair(fd);
    int64_t deadline = now() + 20;
    CHECK_ERR(fdin(fd[0], deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(fdin(fd[0], now() - 1), ETIMEDOUT);
    /*  What has happened already wins over a deadline that has passed. */
    put(fd[1]);
    CHECK_OK(fdin(fd[0], now() - 1));
    close_pair(fd);
}

TEST(rt_fds_the_end_and_errors_count_as_ready)
{
    int fd[2];
    open_pair(fd);
    shutdown(fd[1], SHUT_WR);
    CHECK_OK(fdin(fd[0], SOON));
    close_pair(fd);

    struct call in;
    open_pair(fd);
    call_start(&in, in_op, &fd[0]);
    close_fd(fd[1]);
    CALL_RETURNS(&in, 0);
    CHECK_OK(fdout(fd[0], 0));
    close_fd(fd[0]);

    struct call out;
    CHECK_INT(pipe2(fd, O_NONBLOCK), 0);
    fill(fd[1]);
    call_start(&out, out_op, &fd[1]);
    CHECK_BLOCKED(&out);
    close_fd(fd[0]);
    CALL_RETURNS(&out, 0);
    close_fd(fd[1]);
}

TEST(rt_fds_of_all_sorts)
{
    int event = eventfd(0, EFD_NONBLOCK);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec soon = {.it_value.tv_nsec = 5000000};
    int fd[2];
    CHECK_ERR(fdin(event, 0), ETIMEDOUT);
    CHECK_INT(write(event, &(uint64_t){1}, 8), 8);
    CHECK_OK(fdin(event, 0));
    timerfd_settime(timer, 0, &soon, NULL);
    CHECK_OK(fdin(timer, SOON));
    CHECK_INT(pipe(fd), 0);
    CHECK_OK(fdout(fd[1], 0));
    put(fd[1]);
    CHECK_OK(fdin(fd[0], 0));
    close_pair(fd);
    close_fd(event);
    close_fd(timer);
}

TEST(rt_fds_hundreds_at_once)
{
    enum {MANY = 400};
    static int fd[MANY][2];
    static struct call in[MANY];
    for(int i = 0; i != MANY; i++) {
        open_pair(fd[i]);
        call_start(&in[i], in_op, &fd[i][0]);
    }
    for(int i = MANY - 1; i >= 0; i--) put(fd[i][1]);
    for(int i = 0; i != MANY; i++) CALL_RETURNS(&in[i], 0);
    for(int i = 0; i != MANY; i++) close_pair(fd[i]);
}

/**** Errors ****/

TEST(rt_fds_that_are_not_open)
{
    int fd[2];
    open_pair(fd);
    close_pair(fd);
    const int bad[] = {-1, -100, INT32_MIN, fd[0], 1 << 20, INT32_MAX};
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        check_note("%d", bad[i]);
        CHECK_ERR(fdin(bad[i], 0), EBADF);
        CHECK_ERR(fdin(bad[i], -1), EBADF);
        CHECK_ERR(fdout(bad[i], -1), EBADF);
        CHECK_OK(fdclean(bad[i]));
    }
}

TEST(rt_fds_that_cannot_be_waited_for)
{
    int file = open("/proc/self/exe", O_RDONLY);
    REQUIRE(file >= 0);
    CHECK_ERR(fdin(file, -1), ENOTSUP);
    CHECK_ERR(fdout(file, 0), ENOTSUP);
    close_fd(file);
}

TEST(rt_fds_one_waiter_for_each_direction)
{
    int fd[2];
    struct call in;
    struct call out;
    open_pair(fd);
    fill(fd[0]);
    call_start(&in, in_op, &fd[0]);
    CHECK_ERR(fdin(fd[0], -1), EBUSY);
    CHECK_ERR(fdin(fd[0], 0), EBUSY);
    CHECK_ERR(fdclean(fd[0]), EBUSY);
    call_start(&out, out_op, &fd[0]);
    CHECK_ERR(fdout(fd[0], -1), EBUSY);
    put(fd[1]);
    drain(fd[1]);
    CALL_RETURNS(&in, 0);
    CALL_RETURNS(&out, 0);
    CHECK_OK(fdclean(fd[0]));
    close_pair(fd);
}

/**** Descriptors that come and go ****/

TEST(rt_fds_a_number_is_used_again)
{
    for(int told = 0; told != 2; told++) {
        for(int i = 0; i != 100; i++) {
            int fd[2];
            open_pair(fd);
            check_note("round %d, told: %d", i, told);
            CHECK_ERR(fdin(fd[0], 0), ETIMEDOUT);
            put(fd[1]);
            CHECK_OK(fdin(fd[0], SOON));
            CHECK_ERR(fdin(fd[1], 0), ETIMEDOUT);
            if(told) {
                close_pair(fd);
            } else {
                /*  A program may forget fdclean. */
                close(fd[0]);
                close(fd[1]);
            }
        }
    }
}

/*  The same file under two numbers, one of which is closed. */
TEST(rt_fds_a_duplicate_stays)
{
    int fd[2];
    open_pair(fd);
    int twin = dup(fd[0]);
    CHECK_ERR(fdin(fd[0], 0), ETIMEDOUT);
    CHECK_ERR(fdin(twin, 0), ETIMEDOUT);
    close_fd(fd[0]);
    put(fd[1]);
    CHECK_OK(fdin(twin, SOON));
    close_fd(twin);
    close_fd(fd[1]);
}

TEST(rt_fds_a_timeout_leaves_nothing_behind)
{
    int fd[2];
    struct call in;
    open_pair(fd);
    for(int i = 0; i != 3; i++) {
        CHECK_ERR(fdin(fd[0], now() + 1), ETIMEDOUT);
        put(fd[1]);
        CHECK_OK(fdin(fd[0], 0));
        take(fd[0]);
        call_start(&in, in_op, &fd[0]);
        CALL_CANCEL(&in);
    }
    close_pair(fd);
}

/*  Programs mix both styles: the runtime's socket and its descriptor. */
TEST(rt_fds_beside_the_sockets_of_the_runtime)
{
    int fd;
    char c = 0;
    int s = stream_open(IPC, &fd);
    struct call in;
    call_start(&in, in_op, &fd);
    CHECK_ERR(brecv(s, &c, 1, BRIEFLY), ETIMEDOUT);
    CHECK_OK(bsend(s, "a", 1, SOON));
    CALL_RETURNS(&in, 0);
    take(fd);
    put(fd);
    CHECK_OK(brecv(s, &c, 1, SOON));
    CHECK_INT(c, 'x');
    CHECK_OK(hclose(s));
    CHECK_OK(fdin(fd, SOON));
    close_fd(fd);
}

/**** Signals ****/

static int signal_pipe[2];

static void on_signal(int sig)
{
    char c = (char)sig;
    ssize_t n = write(signal_pipe[1], &c, 1);
    (void)n;
}

/*  The next one when the one before has been seen: otherwise the system may
    take two for one. */
static atomic_int seen;

static void *send_signals(void *arg)
{
    (void)arg;
    for(int i = 0; i != 10; i++) {
        usleep(2000);
        kill(getpid(), SIGUSR1);
        for(int ms = 0; seen == i && ms != 10000; ms++) usleep(1000);
    }
    return NULL;
}

static coroutine void see_signals(void)
{
    char c;
    while(fdin(signal_pipe[0], -1) == 0) {
        CHECK_INT(read(signal_pipe[0], &c, 1), 1);
        CHECK_INT(c, SIGUSR1);
        seen++;
    }
}

TEST(rt_fds_signals_do_not_interrupt_waiting)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    pthread_t thread;
    CHECK_INT(pipe2(signal_pipe, O_NONBLOCK), 0);
    sigaction(SIGUSR1, &action, &before);
    seen = 0;
    CHECK_INT(pthread_create(&thread, NULL, send_signals, NULL), 0);
    int h = go(see_signals());
    /*  Waiting for descriptors, and for time. */
    int64_t deadline = now() + check_ms(100);
    CHECK_OK(msleep(deadline));
    CHECK(now() >= deadline);
    for(int i = 0; i != 1000 && seen != 10; i++) CHECK_OK(msleep(now() + 10));
    CHECK_INT(seen, 10);
    pthread_join(thread, NULL);
    CHECK_OK(hclose(h));
    sigaction(SIGUSR1, &before, NULL);
    close_pair(signal_pipe);
}

/*  The number of one pipe becomes that of another, and back. The program has
    copies of both, so what was known of each goes on. */
TEST(rt_fds_a_number_stands_for_one_pipe_and_then_another)
{
    int fd[2][2];
    int copies[2];
    for(int i = 0; i != 2; i++) {
        CHECK_OK(pipe(fd[i]));
        copies[i] = dup(fd[i][0]);
    }
    int number = fd[0][0];
    for(int round = 0; round != 8; round++) {
        int at = round % 2;
        CHECK_OK(dup2(copies[at], number));
        CHECK_ERR(fdin(number, 0), ETIMEDOUT);
        put(fd[1 - at][1]);
        CHECK_ERR(fdin(number, BRIEFLY), ETIMEDOUT);
        put(fd[at][1]);
        CHECK_OK(fdin(number, SOON));
        take(number);
        CHECK_ERR(fdin(number, 0), ETIMEDOUT);
        take(copies[1 - at]);
    }
    for(int i = 0; i != 2; i++) {
        close(copies[i]);
        close_pair(fd[i]);
    }
}

/**** The poller ****/

TEST(rt_fds_the_poller_is_closed_on_exec)
{
    if(check_under("poll")) NA("poll(2) takes no descriptor");
    int fd[2];
    char name[64];
    char path[64];
    int pollers = 0;
    open_pair(fd);
    CHECK_ERR(fdin(fd[0], 0), ETIMEDOUT);
    for(int i = 0; i != 1024; i++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", i);
        ssize_t n = readlink(path, name, sizeof name - 1);
        if(n < 0) continue;
        name[n] = 0;
        if(!strstr(name, "eventpoll")) continue;
        pollers++;
        CHECK(fcntl(i, F_GETFD) & FD_CLOEXEC);
    }
    CHECK_INT(pollers, 1);
    close_pair(fd);
}
