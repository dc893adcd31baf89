/*  IP addresses, and names that are looked up: the tests have a resolver of
    their own for the domain "test". */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

/**** The resolver ****/

/*  What is asked for is answered once this is 0. */
static int silent;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void set_silent(int value)
{
    pthread_mutex_lock(&mutex);
    silent = value;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

struct entry {struct addrinfo info; struct sockaddr_storage addr;};
#define OWN 0x40000000

static struct addrinfo *entry(const char *text, struct addrinfo *next)
{
    struct entry *e = calloc(1, sizeof *e);
    struct sockaddr_in *v4 = (struct sockaddr_in*)&e->addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6*)&e->addr;
    int six = strchr(text, ':') != NULL;
    e->addr.ss_family = six ? AF_INET6 : AF_INET;
    if(six) inet_pton(AF_INET6, text, &v6->sin6_addr);
    else inet_pton(AF_INET, text, &v4->sin_addr);
    e->info = (struct addrinfo){.ai_flags = OWN, .ai_next = next,
        .ai_family = e->addr.ss_family, .ai_addr = (struct sockaddr*)&e->addr,
        .ai_addrlen = six ? sizeof *v6 : sizeof *v4};
    return &e->info;
}

static int look_up(const char *name, int family, struct addrinfo **found)
{
    *found = NULL;
    if(strcmp(name, "none.test") == 0) return EAI_NONAME;
    if(strcmp(name, "nodata.test") == 0) return EAI_NODATA;
    if(strcmp(name, "again.test") == 0) return EAI_AGAIN;
    if(strcmp(name, "fail.test") == 0) return EAI_FAIL;
    /*  Mixed, as resolvers answer. */
    if(family != AF_INET6) *found = entry("192.0.2.2", *found);
    if(family != AF_INET) *found = entry("2001:db8::2", *found);
    if(family != AF_INET6) *found = entry("192.0.2.1", *found);
    if(family != AF_INET) *found = entry("2001:db8::1", *found);
    return 0;
}

static int is_own(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n > 5 && strcmp(name + n - 5, ".test") == 0;
}

int getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
    static int (*real)(const char*, const char*, const struct addrinfo*,
        struct addrinfo**);
    if(!is_own(name)) {
        if(!real) *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(name, service, hints, found);
    }
    pthread_mutex_lock(&mutex);
    while(silent) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return look_up(name, hints ? hints->ai_family : AF_UNSPEC, found);
}

void freeaddrinfo(struct addrinfo *info)
{
    static void (*real)(struct addrinfo*);
    if(info && info->ai_flags != OWN) {
        if(!real) *(void**)&real = dlsym(RTLD_NEXT, "freeaddrinfo");
        real(info);
        return;
    }
    while(info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

/**** Literals ****/

static void check_addr(struct at at, const struct ipaddr *addr,
    const char *text, int port)
{
    char got[IPADDR_MAXSTRLEN];
    if(ipaddr_str(addr, got) != got) check_fail(at, "another buffer");
    if(strcmp(got, text) != 0)
        check_fail(at, "address: got %s, want %s", got, text);
    check_int(at, "port", ipaddr_port(addr), port);
    int six = strchr(text, ':') != NULL;
    check_int(at, "family", ipaddr_family(addr), six ? AF_INET6 : AF_INET);
    check_int(at, "length", ipaddr_len(addr), six ? 28 : 16);
    /*  It may be unaligned. */
    sa_family_t family;
    memcpy(&family, (const char*)ipaddr_sockaddr(addr) +
        offsetof(struct sockaddr, sa_family), sizeof family);
    check_int(at, "family of the socket address", family,
        six ? AF_INET6 : AF_INET);
}
#define CHECK_ADDR(addr, text, port) check_addr(HERE, addr, text, port)

static const char *const literals[] = {
    "0.0.0.0", "127.0.0.1", "255.255.255.255", "192.0.2.7", "::", "::1",
    "2001:db8::1", "fe80::1:2:3:4", "1:2:3:4:5:6:7:8"};

/*  Programs may know how long the text is, and have room for no more. */
TEST(rt_ipaddr_str_writes_the_text_and_its_nul)
{
    static const char *literals[] = {"0.0.0.0", "255.255.255.255", "::",
        "2001:db8:1111:2222:3333:4444:5555:6666", "::ffff:255.255.255.255"};
    for(size_t i = 0; i != COUNT_OF(literals); i++) {
        struct ipaddr addr;
        char text[IPADDR_MAXSTRLEN];
        char expected[IPADDR_MAXSTRLEN];
        memset(text, 'Z', sizeof text);
        memset(expected, 'Z', sizeof expected);
        strcpy(expected, literals[i]);
        CHECK_OK(ipaddr_local(&addr, literals[i], 0, IPADDR_PREF_IPV6));
        CHECK(ipaddr_str(&addr, text) == text);
        CHECK_BYTES(text, sizeof text, expected, sizeof expected);
    }
}

TEST(rt_ipaddr_literals_there_and_back)
{
    struct ipaddr addr;
    for(size_t i = 0; i != COUNT_OF(literals); i++) {
        check_note("%s", literals[i]);
        CHECK_OK(ipaddr_remote(&addr, literals[i], 80, 0, 0));
        CHECK_ADDR(&addr, literals[i], 80);
        CHECK_OK(ipaddr_local(&addr, literals[i], 65535, 0));
        CHECK_ADDR(&addr, literals[i], 65535);
        CHECK_INT(ipaddr_remotes(&addr, 1, literals[i], 0, 0, 0), 1);
        CHECK_ADDR(&addr, literals[i], 0);
    }
}

TEST(rt_ipaddr_literals_of_the_wrong_family)
{
    struct ipaddr addr;
    const struct {const char *text; int right; int wrong;} rows[] = {
        {"192.0.2.7", IPADDR_IPV4, IPADDR_IPV6},
        {"2001:db8::1", IPADDR_IPV6, IPADDR_IPV4}};
    static const int both[] = {0, IPADDR_PREF_IPV4, IPADDR_PREF_IPV6};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        const char *text = rows[i].text;
        check_note("%s", text);
        CHECK_OK(ipaddr_remote(&addr, text, 1, rows[i].right, 0));
        CHECK_OK(ipaddr_local(&addr, text, 1, rows[i].right));
        CHECK_ERR(ipaddr_remote(&addr, text, 1, rows[i].wrong, 0),
            EADDRNOTAVAIL);
        CHECK_INT(ipaddr_remotes(&addr, 1, text, 1, rows[i].wrong, 0), 0);
        CHECK_ERR(ipaddr_local(&addr, text, 1, rows[i].wrong), ENODEV);
        for(size_t k = 0; k != COUNT_OF(both); k++) {
            CHECK_OK(ipaddr_remote(&addr, text, 1, both[k], 0));
            CHECK_OK(ipaddr_local(&addr, text, 1, both[k]));
        }
    }
}

/*  RFC 4007, section 11. The loopback is an interface everywhere. */
static const char *with_zone(const char *ip)
{
    static char text[100];
    snprintf(text, sizeof text, "%s%%%u", ip, if_nametoindex("lo"));
    return text;
}

TEST(rt_ipaddr_zones_there_and_back)
{
    static const char *const texts[] = {"fe80::1%lo", "ff02::1%lo",
        "fe80::1111:2222:3333:4444%lo"};
    struct ipaddr addr;
    struct ipaddr other;
    for(size_t i = 0; i != COUNT_OF(texts); i++) {
        struct sockaddr_in6 raw;
        char ip[IPADDR_MAXSTRLEN];
        strcpy(ip, texts[i]);
        *strchr(ip, '%') = 0;
        check_note("%s", texts[i]);
        CHECK_OK(ipaddr_local(&addr, texts[i], 80, 0));
        CHECK_ADDR(&addr, texts[i], 80);
        memcpy(&raw, ipaddr_sockaddr(&addr), sizeof raw);
        CHECK_INT(raw.sin6_scope_id, if_nametoindex("lo"));
        /*  Without waiting. */
        CHECK_OK(ipaddr_remote(&other, texts[i], 80, IPADDR_IPV6, 0));
        CHECK_ADDR(&other, texts[i], 80);
        CHECK_INT(ipaddr_equal(&addr, &other, 0), 1);
        CHECK_INT(ipaddr_remotes(&other, 1, with_zone(ip), 80, 0, 0), 1);
        CHECK_ADDR(&other, texts[i], 80);
        CHECK_INT(ipaddr_equal(&addr, &other, 0), 1);
        ipaddr_setport(&other, 81);
        CHECK_INT(ipaddr_equal(&addr, &other, 1), 1);
        /*  Elsewhere it is another address. */
        CHECK_OK(ipaddr_local(&other, ip, 80, 0));
        CHECK_ADDR(&other, ip, 80);
        CHECK_INT(ipaddr_equal(&addr, &other, 1), 0);
        CHECK_ERR(ipaddr_local(&addr, texts[i], 80, IPADDR_IPV4), ENODEV);
        CHECK_ERR(ipaddr_remote(&addr, texts[i], 80, IPADDR_IPV4, 0),
            EADDRNOTAVAIL);
    }
}

/*  A zone that has no name, or whose name or number does not fit. */
TEST(rt_ipaddr_zones_that_do_not_fit)
{
    static const struct {const char *name; const char *text;} rows[] = {
        {"fe80::1%12345678", "fe80::1%12345678"},
        {"fe80::1%4294967295", "fe80::1%4294967295"},
        {"ff02:1111:2222:3333:4444:5555:6666:7777%123456",
            "ff02:1111:2222:3333:4444:5555:6666:7777"},
        {"ff02:1111:2222:3333:4444:5555:6666:7777%12345",
            "ff02:1111:2222:3333:4444:5555:6666:7777%12345"},
        {"::ffff:255.255.255.255%1234567890", "::ffff:255.255.255.255%1234567890"}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct ipaddr addr;
        char text[IPADDR_MAXSTRLEN];
        char expected[IPADDR_MAXSTRLEN];
        check_note("%s", rows[i].name);
        memset(text, 'Z', sizeof text);
        memset(expected, 'Z', sizeof expected);
        strcpy(expected, rows[i].text);
        CHECK_OK(ipaddr_local(&addr, rows[i].name, 0, 0));
        CHECK(ipaddr_str(&addr, text) == text);
        CHECK_BYTES(text, sizeof text, expected, sizeof expected);
    }
}

TEST(rt_ipaddr_zones_that_are_none)
{
    static const char *const names[] = {"fe80::1%", "fe80::1%0", "fe80::1%+1",
        "fe80::1%no-such-if", "fe80::1%4294967296", "fe80::1%lo%lo",
        "fe80::1%a-name-that-is-longer-than-any", "127.0.0.1%lo", "%lo"};
    struct ipaddr addr;
    for(size_t i = 0; i != COUNT_OF(names); i++) {
        check_note("%s", names[i]);
        CHECK_ERR(ipaddr_local(&addr, names[i], 80, 0), ENODEV);
    }
}

TEST(rt_ipaddr_any_address)
{
    struct ipaddr addr;
    static const int four[] = {0, IPADDR_IPV4, IPADDR_PREF_IPV4};
    static const int six[] = {IPADDR_IPV6, IPADDR_PREF_IPV6};
    for(size_t i = 0; i != COUNT_OF(four); i++) {
        CHECK_OK(ipaddr_local(&addr, NULL, 5555, four[i]));
        CHECK_ADDR(&addr, "0.0.0.0", 5555);
    }
    for(size_t i = 0; i != COUNT_OF(six); i++) {
        CHECK_OK(ipaddr_local(&addr, NULL, 5555, six[i]));
        CHECK_ADDR(&addr, "::", 5555);
    }
}

TEST(rt_ipaddr_interfaces_by_name)
{
    struct ipaddr addr;
    CHECK_OK(ipaddr_local(&addr, "lo", 80, IPADDR_IPV4));
    CHECK_ADDR(&addr, "127.0.0.1", 80);
    CHECK_ERR(ipaddr_local(&addr, "no-such-device", 80, 0), ENODEV);
    CHECK_ERR(ipaddr_local(&addr, "", 80, 0), ENODEV);
}

TEST(rt_ipaddr_ports_and_equality)
{
    struct ipaddr a;
    struct ipaddr b;
    CHECK_OK(ipaddr_remote(&a, "192.0.2.7", 80, 0, 0));
    b = a;
    CHECK_INT(ipaddr_equal(&a, &b, 0), 1);
    ipaddr_setport(&b, 81);
    CHECK_ADDR(&b, "192.0.2.7", 81);
    CHECK_INT(ipaddr_equal(&a, &b, 0), 0);
    CHECK_INT(ipaddr_equal(&a, &b, 1), 1);
    CHECK_OK(ipaddr_remote(&b, "192.0.2.8", 80, 0, 0));
    CHECK_INT(ipaddr_equal(&a, &b, 1), 0);
    CHECK_OK(ipaddr_remote(&b, "::ffff:192.0.2.7", 80, 0, 0));
    CHECK_INT(ipaddr_equal(&a, &b, 1), 0);
    CHECK_OK(ipaddr_remote(&a, "2001:db8::1", 80, 0, 0));
    b = a;
    ipaddr_setport(&b, 65535);
    CHECK_INT(ipaddr_port(&b), 65535);
    CHECK_INT(ipaddr_equal(&a, &b, 0), 0);
    CHECK_INT(ipaddr_equal(&a, &b, 1), 1);
}

/*  The structure is 32 bytes of char, and may lie anywhere. */
TEST(rt_ipaddr_at_any_alignment)
{
    for(size_t shift = 0; shift != 8; shift++) {
        char room[sizeof(struct ipaddr) + 8];
        memset(room, '#', sizeof room);
        struct ipaddr *addr = (struct ipaddr*)(void*)(room + shift);
        CHECK_OK(ipaddr_remote(addr, "2001:db8::1", 80, 0, 0));
        CHECK_ADDR(addr, "2001:db8::1", 80);
        CHECK_INT(ipaddr_equal(addr, addr, 0), 1);
        for(size_t i = 0; i != sizeof room; i++)
            if(i < shift || i >= shift + sizeof *addr) CHECK(room[i] == '#');
    }
}

TEST(rt_ipaddr_bad_arguments)
{
    struct ipaddr addr;
    static const int ports[] = {-1, 65536, INT32_MIN, INT32_MAX};
    for(size_t i = 0; i != COUNT_OF(ports); i++) {
        CHECK_ERR(ipaddr_local(&addr, NULL, ports[i], 0), EINVAL);
        CHECK_ERR(ipaddr_local(&addr, "127.0.0.1", ports[i], 0), EINVAL);
        CHECK_ERR(ipaddr_remote(&addr, "127.0.0.1", ports[i], 0, 0), EINVAL);
        CHECK_ERR(ipaddr_remote(&addr, "both.test", ports[i], 0, -1), EINVAL);
        CHECK_ERR(ipaddr_remotes(&addr, 1, "::1", ports[i], 0, 0), EINVAL);
    }
    static const int modes[] = {-1, 5, INT32_MAX};
    for(size_t i = 0; i != COUNT_OF(modes); i++) {
        CHECK_ERR(ipaddr_local(&addr, NULL, 1, modes[i]), EINVAL);
        CHECK_ERR(ipaddr_local(&addr, "lo", 1, modes[i]), EINVAL);
        CHECK_ERR(ipaddr_remote(&addr, "127.0.0.1", 1, modes[i], 0), EINVAL);
    }
    CHECK_ERR(ipaddr_local(NULL, NULL, 1, 0), EINVAL);
    CHECK_ERR(ipaddr_remote(NULL, "127.0.0.1", 1, 0, 0), EINVAL);
    CHECK_ERR(ipaddr_remote(&addr, NULL, 1, 0, 0), EINVAL);
    CHECK_ERR(ipaddr_remotes(NULL, 1, "127.0.0.1", 1, 0, 0), EINVAL);
    CHECK_ERR(ipaddr_remotes(&addr, 0, "127.0.0.1", 1, 0, 0), EINVAL);
    CHECK_ERR(ipaddr_remotes(&addr, -1, "127.0.0.1", 1, 0, 0), EINVAL);
}

/**** Names ****/

TEST(rt_ipaddr_names_by_preference)
{
    static const struct {int mode; int n; const char *want[4];} rows[] = {
        {0, 4, {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}},
        {IPADDR_PREF_IPV4, 4,
            {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}},
        {IPADDR_PREF_IPV6, 4,
            {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"}},
        {IPADDR_IPV4, 2, {"192.0.2.1", "192.0.2.2"}},
        {IPADDR_IPV6, 2, {"2001:db8::1", "2001:db8::2"}}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct ipaddr addr[8];
        check_note("mode %d", rows[i].mode);
        CHECK_INT(ipaddr_remotes(addr, 8, "both.test", 80, rows[i].mode, SOON),
            rows[i].n);
        for(int k = 0; k != rows[i].n; k++)
            CHECK_ADDR(&addr[k], rows[i].want[k], 80);
        CHECK_OK(ipaddr_remote(addr, "both.test", 81, rows[i].mode, SOON));
        CHECK_ADDR(&addr[0], rows[i].want[0], 81);
    }
    AWAIT_THREADS();
}

TEST(rt_ipaddr_more_addresses_than_there_is_room_for)
{
    struct ipaddr addr[4];
    memset(addr, '#', sizeof addr);
    CHECK_INT(ipaddr_remotes(addr, 3, "both.test", 80, 0, SOON), 3);
    CHECK_ADDR(&addr[2], "2001:db8::1", 80);
    CHECK(*(char*)&addr[3] == '#');
    AWAIT_THREADS();
}

TEST(rt_ipaddr_unknown_names)
{
    struct ipaddr addr;
    static const char *const names[] = {"none.test", "nodata.test"};
    for(size_t i = 0; i != COUNT_OF(names); i++) {
        CHECK_ERR(ipaddr_remote(&addr, names[i], 80, 0, SOON), EADDRNOTAVAIL);
        CHECK_INT(ipaddr_remotes(&addr, 1, names[i], 80, 0, SOON), 0);
    }
    AWAIT_THREADS();
}

/*  It may know the name, but cannot tell. */
TEST(rt_ipaddr_trouble_of_the_resolver)
{
    static const struct {const char *name; int err;} rows[] = {
        {"again.test", EAGAIN}, {"fail.test", EIO}};
    struct ipaddr addr;
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("%s", rows[i].name);
        CHECK_ERR(ipaddr_remote(&addr, rows[i].name, 80, 0, SOON),
            rows[i].err);
        CHECK_ERR(ipaddr_remotes(&addr, 1, rows[i].name, 80, 0, SOON),
            rows[i].err);
    }
    AWAIT_THREADS();
}

/*  By the system's own resolver, which needs no network for this one. */
TEST(rt_ipaddr_localhost)
{
    struct ipaddr addr;
    CHECK_OK(ipaddr_remote(&addr, "localhost", 80, IPADDR_IPV4, SOON));
    CHECK_ADDR(&addr, "127.0.0.1", 80);
    AWAIT_THREADS();
}

/**** A resolver that does not answer ****/

static coroutine void tick(int *ticks)
{
    while(msleep(now() + 1) == 0) ++*ticks;
}

TEST(rt_ipaddr_looking_up_ends_at_the_deadline)
{
    struct ipaddr addr;
    int ticks = 0;
    int ticker = go(tick(&ticks));
    set_silent(1);
    int64_t deadline = now() + 50;
    CHECK_ERR(ipaddr_remote(&addr, "slow.test", 80, 0, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    /*  Meanwhile others run. */
    CHECK_RANGE(ticks, 5, 1000);
    CHECK_ERR(ipaddr_remotes(&addr, 1, "slow.test", 80, 0, 0), ETIMEDOUT);
    CHECK_OK(hclose(ticker));
    set_silent(0);
    AWAIT_THREADS();
}

static long long look_up_op(void *arg)
{
    return ipaddr_remote(arg, "slow.test", 80, 0, -1);
}

TEST(rt_ipaddr_looking_up_can_be_cancelled)
{
    struct ipaddr addr;
    struct call c;
    int before = open_handles();
    set_silent(1);
    call_start(&c, look_up_op, &addr);
    CALL_CANCEL(&c);
    set_silent(0);
    AWAIT_THREADS();
    CHECK_INT(open_handles(), before);
}

TEST(rt_ipaddr_looking_up_several_at_once)
{
    enum {MANY = 20};
    struct ipaddr addr[MANY];
    struct call c[MANY];
    set_silent(1);
    for(int i = 0; i != MANY; i++) call_start(&c[i], look_up_op, &addr[i]);
    for(int i = 0; i != MANY; i++) CHECK_BLOCKED(&c[i]);
    set_silent(0);
    for(int i = 0; i != MANY; i++) {
        CALL_RETURNS(&c[i], 0);
        CHECK_ADDR(&addr[i], "192.0.2.1", 80);
    }
    AWAIT_THREADS();
}

/*  So a forked child keeps none, and none can be lost. */
TEST(rt_ipaddr_looking_up_takes_no_descriptors)
{
    enum {MANY = 20};
    struct ipaddr addr[MANY];
    struct call c[MANY];
    int before = open_descriptors();
    set_silent(1);
    for(int i = 0; i != MANY; i++) call_start(&c[i], look_up_op, &addr[i]);
    CHECK_OK(msleep(BRIEFLY));
    CHECK_INT(open_descriptors(), before);
    set_silent(0);
    for(int i = 0; i != MANY; i++) CALL_RETURNS(&c[i], 0);
    AWAIT_THREADS();
}

enum {SOCKETS = 8};

/*  What is said at one end is heard at the other. */
static int are_connected(int s[SOCKETS][2])
{
    for(int i = 0; i != SOCKETS; i++) {
        char c = 0;
        if(send(s[i][0], "x", 1, MSG_NOSIGNAL) != 1) return 0;
        if(recv(s[i][1], &c, 1, MSG_DONTWAIT) != 1 || c != 'x') return 0;
    }
    return 1;
}

/*  As daemons do. Whatever numbers the look-up has had, they are the program's
    when it ends. */
static int close_everything_during_a_look_up(void)
{
    struct ipaddr addr;
    int s[SOCKETS][2];
    set_silent(1);
    if(ipaddr_remote(&addr, "slow.test", 80, 0, now() + 5) == 0) return 0;
    for(int fd = 3; fd != 256; fd++) close(fd);
    for(int i = 0; i != SOCKETS; i++)
        if(socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]) != 0) return 0;
    set_silent(0);
    AWAIT_THREADS();
    return are_connected(s);
}

TEST(rt_ipaddr_a_look_up_that_ends_late_harms_no_descriptor)
{
    pid_t pid = fork();
    if(pid == 0) child_ends(close_everything_during_a_look_up());
    CHECK_CHILD_ENDS(pid);
}

/*  A child has copies of all that the process has. */
TEST(rt_ipaddr_looking_up_while_the_process_forks)
{
    struct ipaddr addr;
    struct call c;
    set_silent(1);
    call_start(&c, look_up_op, &addr);
    pid_t pid = fork();
    if(pid == 0) {
        pause();
        _exit(0);
    }
    set_silent(0);
    CALL_RETURNS(&c, 0);
    CHECK_ADDR(&addr, "192.0.2.1", 80);
    kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    AWAIT_THREADS();
}

/*  A child has none of the threads, so it gets no answers. */
TEST(rt_ipaddr_looking_up_fails_in_a_forked_child)
{
    struct ipaddr addr;
    struct call c;
    set_silent(1);
    call_start(&c, look_up_op, &addr);
    pid_t pid = fork();
    if(pid == 0) {
        bundle_wait(c.bundle, SOON);
        child_ends(c.over && c.rc == -1 && c.err == EAGAIN);
    }
    CHECK_CHILD_ENDS(pid);
    set_silent(0);
    CALL_RETURNS(&c, 0);
    CHECK_ADDR(&addr, "192.0.2.1", 80);
    AWAIT_THREADS();
}

/*  Those that nobody waits for any more keep their threads. */
TEST(rt_ipaddr_looking_up_takes_64_threads_at_most)
{
    struct ipaddr addr;
    struct call c;
    set_silent(1);
    for(int i = 0; i != 100; i++)
        CHECK_ERR(ipaddr_remote(&addr, "slow.test", 80, 0, now() + 1),
            ETIMEDOUT);
    CHECK_INT(running_threads(), 1 + 64);
    call_start(&c, look_up_op, &addr);
    CALL_CANCEL(&c);
    /*  A child has none of them. */
    pid_t pid = fork();
    if(pid == 0)
        child_ends(ipaddr_remote(&addr, "localhost", 80, 0, SOON) == 0);
    CHECK_CHILD_ENDS(pid);
    /*  Who waits has his turn. */
    call_start(&c, look_up_op, &addr);
    CHECK_BLOCKED(&c);
    set_silent(0);
    CALL_RETURNS(&c, 0);
    CHECK_ADDR(&addr, "192.0.2.1", 80);
    AWAIT_THREADS();
}
