/*  Threads and processes: each has a runtime of its own. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

/*  Checks are recorded without a lock: other threads count for themselves, and
    whoever waits for them checks the sum. */
struct task {
    pthread_t thread;
    void (*fn)(struct task *t);
    int id;
    int fd;
    long wrong;
    const char *what;
};

#define EXPECT(t, cond) \
    do { \
        if(!(cond)) { \
            (t)->wrong++; \
            (t)->what = #cond; \
        } \
    } while(0)

static void *task_run(void *arg)
{
    struct task *t = arg;
    t->fn(t);
    return NULL;
}

static void task_start(struct task *t, int id, void (*fn)(struct task *t))
{
    t->id = id;
    t->fn = fn;
    CHECK_INT(pthread_create(&t->thread, NULL, task_run, t), 0);
}

static void task_end(struct task *t)
{
    CHECK_INT(pthread_join(t->thread, NULL), 0);
    if(t->wrong) check_fail(HERE, "thread %d: %s", t->id, t->what);
}

static void in_threads(int count, void (*fn)(struct task *t))
{
    static struct task tasks[32];
    memset(tasks, 0, sizeof tasks);
    for(int i = 0; i != count; i++) task_start(&tasks[i], i, fn);
    for(int i = 0; i != count; i++) task_end(&tasks[i]);
}

/**** Threads ****/

static coroutine void count_up(struct task *t, int ch, int n)
{
    for(int i = 0; i != n; i++) EXPECT(t, chsend(ch, &i, sizeof i, -1) == 0);
}

static coroutine void echo(struct task *t, int s, int n)
{
    char c[8];
    for(int i = 0; i != n; i++) {
        EXPECT(t, brecv(s, c, sizeof c, -1) == 0);
        EXPECT(t, bsend(s, c, sizeof c, -1) == 0);
    }
}

/*  Some of everything. */
static void exercise(struct task *t)
{
    int ch[2];
    int s[2];
    int n = (int)check_rounds(2000);
    EXPECT(t, chmake(ch) == 0);
    EXPECT(t, ch[0] == 0 && ch[1] == 1);
    EXPECT(t, ipc_pair(s) == 0);
    int b = bundle();
    EXPECT(t, bundle_go(b, count_up(t, ch[0], n)) == 0);
    EXPECT(t, bundle_go(b, echo(t, s[1], n)) == 0);
    for(int i = 0; i != n; i++) {
        char out[8] = {(char)i, (char)t->id};
        char in[8];
        int got = -1;
        EXPECT(t, chrecv(ch[1], &got, sizeof got, -1) == 0);
        EXPECT(t, got == i);
        EXPECT(t, bsend(s[0], out, sizeof out, -1) == 0);
        EXPECT(t, brecv(s[0], in, sizeof in, -1) == 0);
        EXPECT(t, memcmp(in, out, sizeof in) == 0);
        if(i % 500 == 0) EXPECT(t, msleep(now() + 2) == 0);
    }
    EXPECT(t, bundle_wait(b, -1) == 0);
    EXPECT(t, hclose(b) == 0);
    for(int i = 0; i != 2; i++) {
        EXPECT(t, hclose(ch[i]) == 0);
        EXPECT(t, hclose(s[i]) == 0);
    }
}

TEST(rt_threads_are_independent)
{
    in_threads(8, exercise);
}

static void exercise_a_little(struct task *t)
{
    int s[2];
    char c;
    EXPECT(t, ipc_pair(s) == 0);
    EXPECT(t, brecv(s[0], &c, 1, now() + 1) == -1);
    EXPECT(t, hclose(s[0]) == 0);
    EXPECT(t, hclose(s[1]) == 0);
}

/*  The harness counts descriptors: pollers go with their threads. */
TEST(rt_threads_come_and_go)
{
    for(long i = check_rounds(200); i; i--) in_threads(4, exercise_a_little);
}

static coroutine void sleep_for_ever(void)
{
    msleep(-1);
}

static coroutine void wait_for_ever(int fd)
{
    fdin(fd, -1);
}

/*  Stacks that nobody has left stay, and what they hold. */
#define LOSES_MEMORY() \
    do { \
        if(check_under("valgrind") || check_under("sanitizers")) \
            NA("the thread leaves memory behind, which is reported"); \
    } while(0)

static void leave_things_behind(struct task *t)
{
    int ch[2];
    EXPECT(t, go(sleep_for_ever()) >= 0);
    EXPECT(t, go(wait_for_ever(t->fd)) >= 0);
    EXPECT(t, msleep(now() + 1) == 0);
    EXPECT(t, chmake(ch) == 0);
}

/*  As in libdill nothing is cancelled or closed; it just ends. */
TEST(rt_threads_end_with_coroutines_that_wait)
{
    int fd[2];
    LOSES_MEMORY();
    CHECK_OK(pipe(fd));
    for(int i = 0; i != 20; i++) {
        struct task t = {.fd = fd[0]};
        task_start(&t, i, leave_things_behind);
        task_end(&t);
    }
    close(fd[0]);
    close(fd[1]);
}

static coroutine void exit_thread(void)
{
    yield();
    pthread_exit(NULL);
}

static void end_in_a_coroutine(struct task *t)
{
    EXPECT(t, go(exit_thread()) >= 0);
    msleep(-1);
}

TEST(rt_threads_end_in_a_coroutine)
{
    LOSES_MEMORY();
    in_threads(4, end_in_a_coroutine);
}

static void keep_working(struct task *t)
{
    usleep(20000);
    exercise(t);
    _exit(t->wrong ? 1 : 0);
}

static void main_thread_ends(void)
{
    static struct task t;
    go(sleep_for_ever());
    task_start(&t, 0, keep_working);
    pthread_exit(NULL);
}

TEST(rt_threads_the_main_one_may_end_first)
{
    pid_t pid = fork();
    if(pid == 0) main_thread_ends();
    int status = -1;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
}

/**** Handing over ****/

static void serve_one(struct task *t)
{
    char c[8];
    int s = tcp_fromfd(t->fd);
    EXPECT(t, s >= 0);
    while(brecv(s, c, sizeof c, -1) == 0)
        EXPECT(t, bsend(s, c, sizeof c, -1) == 0);
    EXPECT(t, errno == EPIPE);
    EXPECT(t, tcp_close(s, -1) == 0);
}

TEST(rt_threads_take_over_descriptors)
{
    enum {MANY = 8};
    struct task t[MANY] = {0};
    int s[MANY];
    for(int i = 0; i != MANY; i++) {
        s[i] = stream_open(TCP, &t[i].fd);
        task_start(&t[i], i, serve_one);
    }
    for(int round = 0; round != 100; round++)
        for(int i = 0; i != MANY; i++) {
            char out[8] = {(char)i, (char)round};
            char in[8];
            CHECK_OK(bsend(s[i], out, sizeof out, SOON));
            CHECK_OK(brecv(s[i], in, sizeof in, SOON));
            CHECK_BYTES(in, sizeof in, out, sizeof out);
        }
    for(int i = 0; i != MANY; i++) {
        CHECK_OK(tcp_close(s[i], SOON));
        task_end(&t[i]);
    }
}

/**** Processes ****/

#define IN_CHILD(cond) \
    do {if(!(cond)) _exit(__LINE__ % 256 ? __LINE__ % 256 : 1);} while(0)

static void check_child(struct at at, pid_t pid)
{
    int status = -1;
    /*  The others may run while it does. */
    int64_t limit = wire_clock() + check_ms(20000);
    pid_t got;
    while((got = waitpid(pid, &status, WNOHANG)) == 0 && wire_clock() < limit)
        msleep(now() + 2);
    if(got == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    check_int(at, "the child has exited", WIFEXITED(status), 1);
    check_int(at, "line of the child's failure, modulo 256",
        WEXITSTATUS(status), 0);
}
#define CHECK_CHILD(pid) check_child(HERE, pid)

static coroutine void answer(int s)
{
    char c;
    while(brecv(s, &c, 1, -1) == 0 && bsend(s, &c, 1, -1) == 0) {}
}

static int ask(int s)
{
    char c = 0;
    return bsend(s, "x", 1, SOON) == 0 && brecv(s, &c, 1, SOON) == 0 &&
        c == 'x';
}

/*  A child that starts afresh: new sockets, coroutines, timers. */
static void start_afresh(void)
{
    struct ipaddr addr;
    int listener = listen_tcp(&addr, 5);
    int a = tcp_connect(&addr, SOON);
    int b = tcp_accept(listener, NULL, SOON);
    IN_CHILD(a >= 0 && b >= 0);
    int h = go(answer(b));
    for(int i = 0; i != 100; i++) IN_CHILD(ask(a));
    int64_t deadline = now() + 10;
    IN_CHILD(msleep(deadline) == 0 && now() >= deadline);
    IN_CHILD(hclose(h) == 0);
    IN_CHILD(hclose(a) == 0 && hclose(b) == 0 && hclose(listener) == 0);
}

TEST(rt_threads_a_child_starts_afresh)
{
    int s[2];
    CHECK_OK(ipc_pair(s));
    int h = go(answer(s[1]));
    CHECK(ask(s[0]));
    pid_t pid = fork();
    if(pid == 0) {
        start_afresh();
        _exit(0);
    }
    /*  Meanwhile and afterwards the parent is as it was. */
    for(int i = 0; i != 100; i++) CHECK(ask(s[0]));
    CHECK_CHILD(pid);
    for(int i = 0; i != 100; i++) CHECK(ask(s[0]));
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  A child that closes what it has inherited disturbs nobody's waiting. */
TEST(rt_threads_a_child_closes_what_it_inherits)
{
    int fd;
    char in[1];
    int s = stream_open(IPC, &fd);
    CHECK_ERR(brecv(s, in, 1, BRIEFLY), ETIMEDOUT);
    int h = go(wait_for_ever(fd));
    pid_t pid = fork();
    if(pid == 0) {
        IN_CHILD(hclose(h) == 0);
        IN_CHILD(fdclean(fd) == 0);
        close(fd);
        IN_CHILD(hclose(s) == 0);
        start_afresh();
        _exit(0);
    }
    CHECK_CHILD(pid);
    CHECK_OK(hclose(h));
    CHECK_INT(wire_write(fd, "x", 1), 0);
    CHECK_OK(brecv(s, in, 1, SOON));
    CHECK_OK(hclose(s));
    fdclean(fd);
    wire_close(fd);
}

/*  The classic server: the child goes on with the connection. */
TEST_KINDS(rt_threads_a_child_goes_on_with_a_stream)
{
    int fd;
    char c[3];
    int s = stream_open(kind, &fd);
    /*  Half of what is asked for is there already, in the runtime's buffer. */
    CHECK_INT(wire_write(fd, "ab", 2), 0);
    CHECK_ERR(brecv(s, c, 3, BRIEFLY), ETIMEDOUT);
    pid_t pid = fork();
    if(pid == 0) {
        IN_CHILD(brecv(s, c, 3, SOON) == 0 && memcmp(c, "abc", 3) == 0);
        IN_CHILD(bsend(s, "def", 3, SOON) == 0);
        IN_CHILD(brecv(s, c, 1, SOON) == -1 && errno == EPIPE);
        _exit(0);
    }
    CHECK_OK(msleep(now() + 5));
    CHECK_INT(wire_write(fd, "c", 1), 0);
    CHECK_INT(wire_read(fd, c, 3, WIRE_PATIENCE), 3);
    CHECK_BYTES(c, 3, "def", 3);
    wire_end(fd);
    CHECK_CHILD(pid);
    CHECK_OK(hclose(s));
    wire_close(fd);
}

/*  The other half of that server: what the child has sent arrives, though both
    closed while it was on its way. */
TEST(rt_threads_a_parent_leaves_a_stream_to_its_child)
{
    static char block[10000];
    struct ipaddr addr;
    int room = 1;
    int listener = listen_tcp(&addr, 5);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room));
    CHECK_OK(connect(fd, ipaddr_sockaddr(&addr), (socklen_t)ipaddr_len(&addr)));
    int s = tcp_accept(listener, NULL, SOON);
    CHECK_OK(s);
    pid_t pid = fork();
    if(pid == 0) {
        IN_CHILD(bsend(s, block, sizeof block, SOON) == 0);
        IN_CHILD(tcp_done(s, -1) == 0);
        IN_CHILD(hclose(s) == 0);
        _exit(0);
    }
    CHECK_OK(hclose(s));
    CHECK_CHILD(pid);
    CHECK_INT(wire_read(fd, block, sizeof block, WIRE_PATIENCE), sizeof block);
    CHECK_INT(recv(fd, block, 1, 0), 0);
    wire_close(fd);
    CHECK_OK(hclose(listener));
}

/*  Coroutines of the parent's exist in the child as well. */
static void deliver(int fd)
{
    ssize_t n = write(fd, "x", 1);
    (void)n;
}

static int woken;
static coroutine void wait_once(int fd)
{
    woken += fdin(fd, SOON) == 0;
}

/*  No handler of pthread_atfork() runs for this one. */
static pid_t bare_fork(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
#define UNDERSCORE_FORK _Fork
#else
#define UNDERSCORE_FORK bare_fork
#endif

static pid_t (*const forks[])(void) = {fork, UNDERSCORE_FORK, bare_fork};

static void wait_on_in_a_child(pid_t (*make_child)(void))
{
    int fd[2];
    CHECK_OK(pipe(fd));
    woken = 0;
    int h = go(wait_once(fd[0]));
    CHECK_OK(msleep(now() + 1));
    pid_t pid = make_child();
    if(pid == 0) {
        IN_CHILD(msleep(now() + 5) == 0 && woken == 0);
        deliver(fd[1]);
        IN_CHILD(bundle_wait(h, SOON) == 0 && woken == 1);
        char c;
        IN_CHILD(read(fd[0], &c, 1) == 1);
        /*  That is the child's affair, as is whatever it waits for now. */
        IN_CHILD(fdclean(fd[0]) == 0);
        start_afresh();
        _exit(0);
    }
    CHECK_CHILD(pid);
    deliver(fd[1]);
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_INT(woken, 1);
    CHECK_OK(hclose(h));
    fdclean(fd[0]);
    close(fd[0]);
    close(fd[1]);
}

TEST(rt_threads_coroutines_wait_on_in_a_child)
{
    for(size_t i = 0; i != COUNT_OF(forks); i++) {
        check_note("way to fork number %zu", i);
        wait_on_in_a_child(forks[i]);
    }
}

/*  The numbers of the descriptors for waiting: how many, and the first. */
static int pollers(int *first)
{
    int count = 0;
    for(int fd = 255; fd >= 0; fd--) {
        char path[64];
        char name[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, name, sizeof name - 1);
        if(n < 0) continue;
        name[n] = 0;
        if(!strstr(name, "eventpoll")) continue;
        count++;
        if(first) *first = fd;
    }
    return count;
}

enum {WAITERS = 70};
static int quit[2];

static void wait_to_quit(struct task *t)
{
    EXPECT(t, fdin(quit[0], -1) == 0);
    EXPECT(t, fdclean(quit[0]) == 0);
}

TEST(rt_threads_a_child_keeps_no_poller_of_other_threads)
{
    if(check_under("poll")) NA("poll(2) takes no descriptor");
    struct task tasks[WAITERS] = {0};
    CHECK_OK(pipe(quit));
    for(int i = 0; i != WAITERS; i++) task_start(&tasks[i], i, wait_to_quit);
    CHECK_ERR(fdin(quit[0], 0), ETIMEDOUT);
    for(int i = 0; i != 1000 && pollers(NULL) != WAITERS + 1; i++)
        CHECK_OK(msleep(now() + 5));
    CHECK_INT(pollers(NULL), WAITERS + 1);
    for(size_t i = 0; i != COUNT_OF(forks); i++) {
        check_note("way to fork number %zu", i);
        pid_t pid = forks[i]();
        if(pid == 0) {
            /*  Without handlers it is the first wait that finds out. */
            IN_CHILD(forks[i] != fork || pollers(NULL) == 0);
            IN_CHILD(fdin(quit[0], 0) == -1 && errno == ETIMEDOUT);
            IN_CHILD(pollers(NULL) == 1);
            child_ends(1);
        }
        CHECK_CHILD_ENDS(pid);
        CHECK_INT(pollers(NULL), WAITERS + 1);
    }
    check_note(NULL);
    deliver(quit[1]);
    for(int i = 0; i != WAITERS; i++) task_end(&tasks[i]);
    fdclean(quit[0]);
    close(quit[0]);
    close(quit[1]);
}

/**** The end of the process ****/

static int to_clean_up;
static int cancelled;

static coroutine void note_cancellation(void)
{
    cancelled = msleep(-1) == -1 && errno == ECANCELED;
}

static void clean_up(void)
{
    IN_CHILD(hclose(to_clean_up) == 0 && cancelled);
    /*  All else works as well. */
    start_afresh();
    _exit(0);
}

TEST(rt_threads_handlers_at_exit_can_use_everything)
{
    pid_t pid = fork();
    if(pid == 0) {
        to_clean_up = go(note_cancellation());
        atexit(clean_up);
        exit(1);
    }
    CHECK_CHILD(pid);
}

/**** Programs that close everything ****/

/*  Has the runtime make whatever descriptors it needs for waiting. */
static void use_descriptors(void)
{
    int fd[2];
    IN_CHILD(pipe(fd) == 0);
    IN_CHILD(fdin(fd[0], now() + 1) == -1 && errno == ETIMEDOUT);
    IN_CHILD(fdclean(fd[0]) == 0);
    close(fd[0]);
    close(fd[1]);
}

/*  As daemons do. */
static void close_everything(void)
{
    for(int fd = 3; fd != 256; fd++) close(fd);
}

static pid_t to_outlive;

/*  In a child, before what the runtime does there. */
static void wait_for_its_end(void)
{
    while(to_outlive && kill(to_outlive, 0) == 0) usleep(1000);
}

static void __attribute__((constructor)) be_first_in_a_child(void)
{
    pthread_atfork(NULL, NULL, wait_for_its_end);
}

/*  Its parent, as daemons do, ends at once. */
TEST(rt_threads_a_daemon_keeps_no_descriptor_of_its_parent)
{
    int fd[2];
    char c = 0;
    CHECK_OK(pipe(fd));
    pid_t pid = fork();
    if(pid == 0) {
        int before = open_descriptors();
        use_descriptors();
        to_outlive = getpid();
        if(fork() == 0 && open_descriptors() == before) deliver(fd[1]);
        _exit(0);
    }
    CHECK_CHILD(pid);
    close(fd[1]);
    CHECK_INT(read(fd[0], &c, 1), 1);
    CHECK_INT(c, 'x');
    close(fd[0]);
}

enum {PIPES = 4};

static void open_pipes(int fd[PIPES][2])
{
    for(int i = 0; i != PIPES; i++) IN_CHILD(pipe(fd[i]) == 0);
}

/*  Each still is what it was. */
static void pass_bytes(int fd[PIPES][2])
{
    for(int i = 0; i != PIPES; i++) {
        char c;
        deliver(fd[i][1]);
        IN_CHILD(read(fd[i][0], &c, 1) == 1 && c == 'x');
    }
}

/*  Whatever number the runtime's descriptor had, it is the program's now. */
static void wait_for_pipes(void)
{
    int fd[PIPES][2];
    open_pipes(fd);
    for(int i = 0; i != PIPES; i++)
        IN_CHILD(fdin(fd[i][0], now() + 1) == -1 && errno == ETIMEDOUT);
    pass_bytes(fd);
    for(int i = 0; i != PIPES; i++) {
        deliver(fd[i][1]);
        IN_CHILD(fdin(fd[i][0], SOON) == 0);
    }
}

TEST(rt_threads_a_child_that_closes_everything_keeps_what_it_opens)
{
    use_descriptors();
    pid_t pid = fork();
    if(pid == 0) {
        close_everything();
        wait_for_pipes();
        start_afresh();
        _exit(0);
    }
    CHECK_CHILD(pid);
}

TEST(rt_threads_a_process_can_close_everything)
{
    pid_t pid = fork();
    if(pid == 0) {
        use_descriptors();
        close_everything();
        wait_for_pipes();
        start_afresh();
        _exit(0);
    }
    CHECK_CHILD(pid);
}

/*  Has the next descriptor get that number. */
static void fill_up_to(int number)
{
    int fd;
    while((fd = dup(0)) < number) IN_CHILD(fd >= 0);
    close(fd);
}

static int theirs[2];

static void wait_for_theirs(struct task *t)
{
    EXPECT(t, fdin(theirs[0], SOON) == 0);
}

static coroutine void deliver_later(int fd)
{
    msleep(now() + 50);
    deliver(fd);
}

/*  The number of one thread's poller becomes that of another one's. */
TEST(rt_threads_a_poller_in_the_place_of_another)
{
    if(check_under("poll")) NA("poll(2) takes no descriptor");
    pid_t pid = fork();
    if(pid == 0) {
        int ours[2];
        int number = -1;
        struct task t = {0};
        for(int i = 0; i != 8; i++) IN_CHILD(dup(0) >= 0);
        use_descriptors();
        IN_CHILD(pollers(&number) == 1);
        close_everything();
        IN_CHILD(pipe(ours) == 0 && pipe(theirs) == 0);
        IN_CHILD(number > theirs[1]);
        fill_up_to(number);
        task_start(&t, 0, wait_for_theirs);
        int there = -1;
        while(pollers(&there) == 0) usleep(1000);
        IN_CHILD(there == number);
        int h = go(deliver_later(ours[1]));
        IN_CHILD(fdin(ours[0], SOON) == 0);
        IN_CHILD(pollers(NULL) == 2);
        deliver(theirs[1]);
        pthread_join(t.thread, NULL);
        IN_CHILD(t.wrong == 0);
        IN_CHILD(hclose(h) == 0);
        _exit(0);
    }
    CHECK_CHILD(pid);
}

/*  Likewise, but it is the program's own. */
TEST(rt_threads_a_poller_of_the_program_in_the_place_of_another)
{
    if(check_under("poll")) NA("poll(2) takes no descriptor");
    pid_t pid = fork();
    if(pid == 0) {
        int fd[2][2];
        int number = -1;
        struct epoll_event event = {.events = EPOLLIN | EPOLLET};
        struct epoll_event seen[4];
        for(int i = 0; i != 8; i++) IN_CHILD(dup(0) >= 0);
        use_descriptors();
        IN_CHILD(pollers(&number) == 1);
        close_everything();
        IN_CHILD(pipe(fd[0]) == 0 && pipe(fd[1]) == 0);
        IN_CHILD(number > fd[1][1]);
        fill_up_to(number);
        IN_CHILD(epoll_create1(0) == number);
        event.data.u64 = 77;
        IN_CHILD(epoll_ctl(number, EPOLL_CTL_ADD, fd[0][0], &event) == 0);
        deliver(fd[0][1]);
        for(int i = 0; i != 2; i++) {
            int h = go(deliver_later(fd[i][1]));
            IN_CHILD(fdin(fd[i][0], SOON) == 0);
            IN_CHILD(bundle_wait(h, SOON) == 0 && hclose(h) == 0);
        }
        IN_CHILD(fdclean(fd[0][0]) == 0 && fdclean(fd[1][0]) == 0);
        /*  The one event is there, and no other. */
        IN_CHILD(epoll_wait(number, seen, 4, 0) == 1);
        IN_CHILD(seen[0].data.u64 == 77);
        deliver(fd[0][1]);
        IN_CHILD(epoll_wait(number, seen, 4, 0) == 1);
        _exit(0);
    }
    CHECK_CHILD(pid);
}

static int left_open[PIPES][2];

static void open_pipes_in_place_of_everything(struct task *t)
{
    use_descriptors();
    close_everything();
    open_pipes(left_open);
    (void)t;
}

TEST(rt_threads_one_that_ends_leaves_other_descriptors_alone)
{
    pid_t pid = fork();
    if(pid == 0) {
        struct task t = {0};
        task_start(&t, 0, open_pipes_in_place_of_everything);
        task_end(&t);
        pass_bytes(left_open);
        _exit(0);
    }
    CHECK_CHILD(pid);
}

/**** Masking keys ****/

enum {KEYS = 20};

static void send_frames(int h)
{
    for(int i = 0; i != KEYS; i++) ws_send(h, WS_BINARY, "x", 1, SOON);
}

/*  RFC 6455, section 10.3: unpredictable, so other ones in each process. */
TEST(rt_threads_parent_and_child_have_other_masking_keys)
{
    int fd;
    uint8_t keys[3 * KEYS][4];
    int h = ws_attach_client(stream_open(IPC, &fd), WS_NOHTTP, NULL, NULL,
        SOON);
    CHECK_OK(h);
    send_frames(h);
    pid_t pid = fork();
    if(pid == 0) {
        send_frames(h);
        _exit(0);
    }
    CHECK_CHILD(pid);
    send_frames(h);
    for(int i = 0; i != 3 * KEYS; i++) {
        struct got g;
        REQUIRE(wire_get(fd, &g));
        CHECK_INT(g.masked, 1);
        CHECK_BYTES(g.payload, g.len, "x", 1);
        memcpy(keys[i], g.key, 4);
        got_free(&g);
        for(int k = 0; k != i; k++)
            if(memcmp(keys[k], keys[i], 4) == 0)
                check_fail(HERE, "frames %d and %d have the same key", k, i);
    }
    CHECK_OK(hclose(h));
    wire_close(fd);
}
