/*  Connecting by name on the runtime, with a resolver that answers what the
    test wants, when the test wants. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <libdillimpl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

/**** The resolver ****/

/*  What it answers for a family: addresses, after a while. */
struct script {
    int ms;
    int error;
    const char *addresses[16];
};
static struct script script6;
static struct script script4;
static int asked;           /* look-ups that have begun, atomically */

static struct addrinfo *entry(const char *text, struct addrinfo *next)
{
    struct addrinfo *ai = calloc(1, sizeof *ai);
    struct sockaddr_storage *ss = calloc(1, sizeof *ss);
    if(!ai || !ss) abort();
    ss->ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    void *to = ss->ss_family == AF_INET6 ?
        (void*)&((struct sockaddr_in6*)ss)->sin6_addr :
        (void*)&((struct sockaddr_in*)ss)->sin_addr;
    if(inet_pton(ss->ss_family, text, to) != 1) abort();
    ai->ai_family = ss->ss_family;
    ai->ai_addr = (struct sockaddr*)ss;
    ai->ai_next = next;
    return ai;
}

/*  Instead of libc's. */
int getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
    if(strcmp(name, "scripted.example") != 0 || service) return EAI_NONAME;
    if(hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    const struct script *s =
        hints->ai_family == AF_INET6 ? &script6 : &script4;
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    usleep((useconds_t)s->ms * 1000);
    *res = NULL;
    int n = 0;
    while(s->addresses[n]) n++;
    int error = s->error ? s->error : n ? 0 : EAI_NONAME;
    if(!error) while(n--) *res = entry(s->addresses[n], *res);
    return error;
}

void freeaddrinfo(struct addrinfo *ai)
{
    while(ai) {
        struct addrinfo *next = ai->ai_next;
        free(ai->ai_addr);
        free(ai);
        ai = next;
    }
}

/*  The look-ups that nobody waits for any more use the scripts, and their
    ends of the sockets; let them end. */
static void await_resolver(void)
{
    AWAIT_THREADS();
}

/**** Hosts ****/

/*  A listener at one address, on a port that is the same for all. */
struct host {
    int fd;
    int filler[8];
    int fillers;
};
static int port;

static int bound(const char *text, int type_flags)
{
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
    struct sockaddr_in a4 = {.sin_family = AF_INET};
    int v6 = strchr(text, ':') != NULL;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | type_flags, 0);
    int one = 1;
    if(fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if(v6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
        inet_pton(AF_INET6, text, &a6.sin6_addr);
        a6.sin6_port = htons((uint16_t)port);
    } else {
        inet_pton(AF_INET, text, &a4.sin_addr);
        a4.sin_port = htons((uint16_t)port);
    }
    int rc = v6 ? bind(fd, (struct sockaddr*)&a6, sizeof a6) :
        bind(fd, (struct sockaddr*)&a4, sizeof a4);
    if(rc == 0) return fd;
    close(fd);
    return -1;
}

#define NEED_IPV6 \
    do { \
        port = 0; \
        int fd_ = bound("::1", 0); \
        if(fd_ < 0) NA("this machine has no IPv6"); \
        close(fd_); \
    } while(0)

/*  A port that is free everywhere here, and stays so for the next moments. */
static void choose_port(void)
{
    port = 0;
    int fd = bound("127.0.0.1", 0);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    getsockname(fd, (struct sockaddr*)&a, &len);
    port = ntohs(a.sin_port);
    close(fd);
}

static void host_start(struct host *h, const char *text)
{
    memset(h, 0, sizeof *h);
    h->fd = bound(text, 0);
    if(h->fd < 0 || listen(h->fd, 16) != 0) abort();
}

static int connect_to(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    getsockname(fd, (struct sockaddr*)&a, &len);
    int c = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if(c < 0) abort();
    (void)!connect(c, (struct sockaddr*)&a, len);
    return c;
}

/*  A host that answers nobody: its queue is full, so the system drops what
    would begin another connection. */
static void host_silent(struct host *h, const char *text)
{
    memset(h, 0, sizeof *h);
    h->fd = bound(text, 0);
    if(h->fd < 0 || listen(h->fd, 0) != 0) abort();
    while(h->fillers != 8) h->filler[h->fillers++] = connect_to(h->fd);
    usleep(10000);
}

static void host_stop(struct host *h)
{
    while(h->fillers) close(h->filler[--h->fillers]);
    close(h->fd);
}

/*  Whether anybody has connected to it, and drops that connection. */
static int host_was_met(struct host *h)
{
    struct timeval none = {.tv_usec = 10000};
    setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    int c = accept(h->fd, NULL, NULL);
    if(c >= 0) close(c);
    return c >= 0;
}

/**** Attempts ****/

static int64_t took;

static int try_connect(const char *name, int64_t deadline)
{
    int64_t start = now();
    int s = happyeyeballs_connect(name, port, deadline);
    int err = errno;
    took = now() - start;
    errno = err;
    return s;
}

static void check_took(struct at at, int low, int high)
{
    check_range(at, "milliseconds", took, low,
        check_ms(high) + (check_ms(1) > 1 ? 2000 : 0));
}
#define CHECK_TOOK(low, high) check_took(HERE, low, high)

/*  Does the connection lead to this host? Closes it. */
static int leads_to(int s, struct host *h)
{
    struct timeval patience = {.tv_sec = 1};
    setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if(s < 0) return 0;
    char c = 0;
    int fd = accept(h->fd, NULL, NULL);
    int good = bsend(s, "x", 1, SOON) == 0 && read(fd, &c, 1) == 1 && c == 'x';
    if(fd >= 0) close(fd);
    hclose(s);
    return good;
}

static void check_leads_to(struct at at, int s, struct host *h)
{
    check_ok(at, "happyeyeballs_connect", s, errno);
    if(!leads_to(s, h)) check_fail(at, "another host answers");
}
#define CHECK_LEADS_TO(s, h) check_leads_to(HERE, s, h)

static void scripts(struct script v6, struct script v4)
{
    script6 = v6;
    script4 = v4;
}

#define FROM6(...) (struct script){.addresses = {__VA_ARGS__}}
#define FROM4(...) (struct script){.addresses = {__VA_ARGS__}}
#define LATE(delay, ...) (struct script){.ms = delay, .addresses = {__VA_ARGS__}}
#define NOTHING (struct script){0}
#define NAME "scripted.example"

TEST(rt_happyeyeballs_arguments)
{
    CHECK_ERR(happyeyeballs_connect(NULL, 80, SOON), EINVAL);
    CHECK_ERR(happyeyeballs_connect("127.0.0.1", 0, SOON), EINVAL);
    CHECK_ERR(happyeyeballs_connect("127.0.0.1", -1, SOON), EINVAL);
    CHECK_ERR(happyeyeballs_connect("127.0.0.1", 65536, SOON), EINVAL);
    CHECK_ERR(happyeyeballs_connect("", 80, SOON), EADDRNOTAVAIL);
    CHECK_ERR(happyeyeballs_connect("no-such-host", 80, SOON), EADDRNOTAVAIL);
    await_resolver();
}

TEST(rt_happyeyeballs_addresses_need_no_resolver)
{
    NEED_IPV6;
    static const char *addresses[] = {"127.0.0.1", "::1"};
    for(size_t i = 0; i != COUNT_OF(addresses); i++) {
        struct host h;
        choose_port();
        host_start(&h, addresses[i]);
        int before = asked;
        CHECK_LEADS_TO(try_connect(addresses[i], 0), &h);
        CHECK_LEADS_TO(try_connect(addresses[i], -1), &h);
        CHECK_INT(asked, before);
        host_stop(&h);
        CHECK_ERR(try_connect(addresses[i], 0), ECONNREFUSED);
        CHECK_ERR(try_connect(addresses[i], -1), ECONNREFUSED);
        CHECK_TOOK(0, 290);
    }
}

/*  Whichever of the two listens is found, without any delay worth noting. */
TEST(rt_happyeyeballs_one_family_listens)
{
    NEED_IPV6;
    struct host h;
    choose_port();
    scripts(FROM6("::1"), FROM4("127.0.0.1"));
    host_start(&h, "::1");
    CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    host_stop(&h);
    host_start(&h, "127.0.0.1");
    CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    CHECK_TOOK(0, 290);
    host_stop(&h);
    CHECK_ERR(try_connect(NAME, SOON), ECONNREFUSED);
    CHECK_TOOK(0, 290);
    await_resolver();
}

TEST(rt_happyeyeballs_one_family_has_addresses)
{
    NEED_IPV6;
    struct host h;
    choose_port();
    host_start(&h, "127.0.0.1");
    scripts(NOTHING, FROM4("127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    host_stop(&h);
    host_start(&h, "::1");
    scripts(FROM6("::1"), NOTHING);
    CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    CHECK_TOOK(0, 290);
    host_stop(&h);
    scripts(NOTHING, NOTHING);
    CHECK_ERR(try_connect(NAME, SOON), EADDRNOTAVAIL);
    await_resolver();
}

/*  Both work: IPv6 is taken, also when its addresses come up to 50 ms later. */
TEST(rt_happyeyeballs_ipv6_is_preferred)
{
    NEED_IPV6;
    struct host v6;
    struct host v4;
    choose_port();
    host_start(&v6, "::1");
    host_start(&v4, "127.0.0.1");
    scripts(LATE(20, "::1"), FROM4("127.0.0.1"));
    int preferred = 0;
    /*  On a busy machine 20 ms may become more than 50. */
    for(int i = 0; i != 10 && !preferred; i++) {
        while(host_was_met(&v4));
        preferred = leads_to(try_connect(NAME, SOON), &v6);
        await_resolver();
    }
    CHECK(preferred);
    CHECK_TOOK(15, 290);
    CHECK(!host_was_met(&v4));
    /*  Nobody waits longer than that. */
    scripts(LATE(check_ms(400), "::1"), FROM4("127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v4);
    CHECK_TOOK(45, 390);
    await_resolver();
    /*  Nor for IPv4 at all. */
    scripts(FROM6("::1"), LATE(check_ms(400), "127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v6);
    CHECK_TOOK(0, 290);
    /*  That there is no IPv6 address ends the wait. */
    scripts(LATE(20), FROM4("127.0.0.1"));
    await_resolver();
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v4);
    CHECK_TOOK(15, 290);
    await_resolver();
    host_stop(&v6);
    host_stop(&v4);
}

/*  A host that does not answer costs 300 ms, and is not waited for. */
TEST(rt_happyeyeballs_the_next_attempt_after_300_ms)
{
    NEED_IPV6;
    struct host silent;
    struct host silent2;
    struct host v4;
    choose_port();
    host_silent(&silent, "::1");
    host_start(&v4, "127.0.0.1");
    scripts(FROM6("::1"), FROM4("127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v4);
    CHECK_TOOK(295, 590);
    /*  The families take turns. */
    scripts(FROM6("::1", "::1", "::1", "::1", "::1"), FROM4("127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v4);
    CHECK_TOOK(295, 590);
    host_silent(&silent2, "127.0.0.2");
    scripts(FROM6("::1"), FROM4("127.0.0.2", "127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v4);
    CHECK_TOOK(595, 890);
    /*  One that refuses costs nothing. */
    scripts(NOTHING, FROM4("127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &v4);
    CHECK_TOOK(0, 290);
    await_resolver();
    host_stop(&silent);
    host_stop(&silent2);
    host_stop(&v4);
}

/*  An early attempt may still win. */
static coroutine void start_listening(struct host *h, int ms)
{
    msleep(now() + ms);
    while(h->fillers) close(h->filler[--h->fillers]);
    for(int c; (c = accept(h->fd, NULL, NULL)) >= 0;) close(c);
}

TEST(rt_happyeyeballs_an_early_attempt_may_still_win)
{
    NEED_IPV6;
    struct host slow;
    struct host silent;
    choose_port();
    host_silent(&slow, "::1");
    host_silent(&silent, "127.0.0.1");
    (void)!fcntl(slow.fd, F_SETFL, O_NONBLOCK);
    scripts(FROM6("::1"), FROM4("127.0.0.1"));
    int cr = go(start_listening(&slow, 500));
    /*  The system tries to reach it again after 1 s. */
    int s = try_connect(NAME, SOON);
    CHECK_OK(s);
    CHECK_TOOK(500, 2900);
    CHECK(s < 0 || bsend(s, "x", 1, SOON) == 0);
    if(s >= 0) hclose(s);
    CHECK_OK(hclose(cr));
    await_resolver();
    host_stop(&slow);
    host_stop(&silent);
}

TEST(rt_happyeyeballs_deadlines)
{
    struct host silent;
    choose_port();
    host_silent(&silent, "127.0.0.1");
    /*  While looking up. */
    scripts(LATE(check_ms(300)), LATE(check_ms(300)));
    CHECK_ERR(try_connect(NAME, 0), ETIMEDOUT);
    CHECK_TOOK(0, 290);
    CHECK_ERR(try_connect(NAME, now() + 100), ETIMEDOUT);
    CHECK_TOOK(95, 600);
    await_resolver();
    /*  While connecting. */
    CHECK_ERR(try_connect("127.0.0.1", 0), ETIMEDOUT);
    CHECK_ERR(try_connect("127.0.0.1", now() + 100), ETIMEDOUT);
    CHECK_TOOK(95, 600);
    scripts(NOTHING, FROM4("127.0.0.1", "127.0.0.1", "127.0.0.1"));
    CHECK_ERR(try_connect(NAME, now() + 500), ETIMEDOUT);
    CHECK_TOOK(495, 1000);
    await_resolver();
    host_stop(&silent);
}

static coroutine void connect_for_ever(int *err)
{
    errno = 0;
    *err = happyeyeballs_connect(NAME, port, -1) < 0 ? errno : 0;
}

TEST(rt_happyeyeballs_cancelled)
{
    struct host silent;
    int err = 0;
    choose_port();
    host_silent(&silent, "127.0.0.1");
    scripts(LATE(check_ms(200)), FROM4("127.0.0.1"));
    for(int ms = 0; ms <= 320; ms += 80) {
        check_note("after %d ms", ms);
        int cr = go(connect_for_ever(&err));
        msleep(now() + ms);
        CHECK_OK(hclose(cr));
        CHECK_INT(err, ECANCELED);
        await_resolver();
    }
    host_stop(&silent);
}

/*  The others run while a coroutine looks up and connects. */
static coroutine void tick(int *ticks)
{
    while(msleep(now() + 5) == 0) ++*ticks;
}

TEST(rt_happyeyeballs_others_run_meanwhile)
{
    struct host silent;
    int ticks = 0;
    choose_port();
    host_silent(&silent, "127.0.0.1");
    scripts(NOTHING, LATE(100, "127.0.0.1"));
    int cr = go(tick(&ticks));
    CHECK_ERR(try_connect(NAME, now() + 250), ETIMEDOUT);
    CHECK_RANGE(ticks, 3, 60);
    CHECK_OK(hclose(cr));
    await_resolver();
    host_stop(&silent);
}

static coroutine void fork_after(int ms, pid_t *pid)
{
    msleep(now() + ms);
    *pid = fork();
    if(*pid == 0) alarm((unsigned)check_ms(5000) / 1000);
}

/*  A child has copies of all descriptors, but not of the look-ups. It fails,
    and its parent does not notice. */
TEST(rt_happyeyeballs_the_process_forks_meanwhile)
{
    struct host silent;
    int ticks = 0;
    pid_t pid = -1;
    choose_port();
    host_silent(&silent, "127.0.0.1");
    scripts(LATE(check_ms(100)), FROM4("127.0.0.1"));
    int forker = go(fork_after(20, &pid));
    int ticker = go(tick(&ticks));
    int s = try_connect(NAME, now() + 300);
    int err = errno;
    if(pid == 0) child_ends(s == -1 && err == EAGAIN);
    CHECK_INT(s, -1);
    CHECK_INT(err, ETIMEDOUT);
    CHECK_TOOK(295, 1000);
    CHECK_RANGE(ticks, 3, 70);
    CHECK_CHILD_ENDS(pid);
    CHECK_OK(hclose(forker));
    CHECK_OK(hclose(ticker));
    await_resolver();
    host_stop(&silent);
}

TEST(rt_happyeyeballs_ten_addresses_of_a_family)
{
    struct host h;
    choose_port();
    host_start(&h, "127.0.0.1");
    scripts(NOTHING, FROM4("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5",
        "127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9", "127.0.0.10",
        "127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    scripts(NOTHING, FROM4("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5",
        "127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9", "127.0.0.10",
        "127.0.0.11", "127.0.0.1"));
    CHECK_ERR(try_connect(NAME, SOON), ECONNREFUSED);
    await_resolver();
    host_stop(&h);
}

/*  The resolver's own trouble is told, unless another family works. */
TEST(rt_happyeyeballs_resolver_errors)
{
    struct host h;
    choose_port();
    host_start(&h, "127.0.0.1");
    scripts((struct script){.error = EAI_MEMORY}, FROM4("127.0.0.1"));
    CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    scripts((struct script){.error = EAI_MEMORY}, NOTHING);
    CHECK_ERR(try_connect(NAME, SOON), ENOMEM);
    await_resolver();
    host_stop(&h);
}

/*  Without the threads' sockets and the attempts' there is nothing left: the
    harness counts descriptors. */
TEST(rt_happyeyeballs_many_times)
{
    NEED_IPV6;
    struct host h;
    choose_port();
    host_start(&h, "127.0.0.1");
    scripts(FROM6("::1"), FROM4("127.0.0.1"));
    for(long i = check_rounds(200); i; i--)
        CHECK_LEADS_TO(try_connect(NAME, SOON), &h);
    await_resolver();
    host_stop(&h);
}
