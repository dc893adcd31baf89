/*  Coroutines: when they run, and on what. Times and descriptors are looked at
    elsewhere (rt_deadlines, rt_fairness). */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt.h"

/*  What happened, in order. */
static char log_[256];

static void note(const char *what)
{
    if(strlen(log_) + strlen(what) + 2 < sizeof log_) {
        strcat(log_, what);
        strcat(log_, " ");
    }
}

static void check_log(struct at at, const char *want)
{
    if(strcmp(log_, want) != 0)
        check_fail(at, "order: got \"%s\", want \"%s\"", log_, want);
    log_[0] = 0;
}
#define CHECK_LOG(want) check_log(HERE, want)

/**** Order ****/

static coroutine void worker(const char *first, const char *second,
    const char *third)
{
    note(first);
    yield();
    note(second);
    yield();
    note(third);
}

/*  The child runs at once; whoever yields goes behind all that are ready. */
TEST(rt_coroutines_run_in_strict_order)
{
    int a = go(worker("A1", "A2", "A3"));
    note("main1");
    int b = go(worker("B1", "B2", "B3"));
    note("main2");
    yield();
    note("main3");
    yield();
    note("main4");
    CHECK_LOG("A1 main1 B1 A2 main2 B2 A3 main3 B3 main4 ");
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
}

static coroutine void say(const char *what)
{
    note(what);
}

TEST(rt_coroutines_the_parent_goes_on_behind_those_that_are_ready)
{
    int bndl = bundle();
    for(int i = 0; i != 3; i++) bundle_go(bndl, worker("1", "2", "3"));
    int h = go(say("child"));
    note("parent");
    CHECK_OK(bundle_wait(bndl, SOON));
    CHECK_LOG("1 1 2 1 2 3 child 2 3 parent 3 ");
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(bndl));
}

static coroutine void receive(int ch, const char *what)
{
    char c;
    chrecv(ch, &c, 1, -1);
    note(what);
}

/*  Waking somebody does not run him. */
TEST(rt_coroutines_that_are_woken_queue_up)
{
    int ch[2];
    CHECK_OK(chmake(ch));
    int bndl = bundle();
    bundle_go(bndl, receive(ch[1], "r1"));
    bundle_go(bndl, receive(ch[1], "r2"));
    note("send");
    CHECK_OK(chsend(ch[0], "x", 1, -1));
    note("send");
    CHECK_OK(chsend(ch[0], "x", 1, -1));
    note("sent");
    CHECK_OK(bundle_wait(bndl, SOON));
    CHECK_LOG("send send sent r1 r2 ");
    CHECK_OK(hclose(bndl));
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
}

static coroutine void nest(int depth)
{
    if(depth == 0) return;
    int h = go(nest(depth - 1));
    CHECK_OK(h);
    yield();
    CHECK_OK(hclose(h));
    note(".");
}

TEST(rt_coroutines_start_others)
{
    nest(10);
    CHECK_LOG(". . . . . . . . . . ");
}

/**** Sleeping ****/

static coroutine void sleeper(int64_t deadline, const char *what)
{
    CHECK_OK(msleep(deadline));
    CHECK(now() >= deadline);
    note(what);
}

TEST(rt_coroutines_sleep_until_their_deadlines)
{
    int64_t start = now();
    int bndl = bundle();
    bundle_go(bndl, sleeper(start + check_ms(30), "30"));
    bundle_go(bndl, sleeper(start + check_ms(10), "10"));
    bundle_go(bndl, sleeper(start + check_ms(40), "40"));
    bundle_go(bndl, sleeper(start + check_ms(20), "20"));
    CHECK_OK(bundle_wait(bndl, SOON));
    CHECK_LOG("10 20 30 40 ");
    CHECK_OK(hclose(bndl));
}

TEST(rt_coroutines_with_equal_deadlines_wake_in_order)
{
    int64_t deadline = now() + check_ms(20);
    int bndl = bundle();
    bundle_go(bndl, sleeper(deadline, "1"));
    bundle_go(bndl, sleeper(deadline, "2"));
    bundle_go(bndl, sleeper(deadline, "3"));
    bundle_go(bndl, sleeper(deadline, "4"));
    CHECK_OK(bundle_wait(bndl, SOON));
    CHECK_LOG("1 2 3 4 ");
    CHECK_OK(hclose(bndl));
}

TEST(rt_coroutines_a_deadline_in_the_past_lets_others_run_once)
{
    const int64_t past[] = {0, 1, now() - 1};
    for(size_t i = 0; i != COUNT_OF(past); i++) {
        int h = go(worker("1", "2", "3"));
        CHECK_INT(msleep(past[i]), 0);
        CHECK_LOG("1 2 ");
        CHECK_OK(hclose(h));
        CHECK_LOG("3 ");
    }
}

TEST(rt_coroutines_now_goes_on)
{
    int64_t before = now();
    CHECK(before > 0);
    CHECK_OK(msleep(before + 5));
    CHECK_RANGE(now() - before, 5, check_ms(1000));
}

/**** The macro ****/

struct three {long a; double b; const char *c;};

static coroutine void take_many(int *sum, int a, int b, int c, int d, int e,
    int f, int g, double x, double y, struct three t, long long last)
{
    yield();
    *sum = a + b + c + d + e + f + g + (int)(x + y) + (int)t.a + (int)t.b +
        (int)strlen(t.c) + (int)last;
}

TEST(rt_coroutines_get_all_their_arguments)
{
    int sum = 0;
    int one = 1;
    struct three t = {100, 200, "three"};
    int h = go(take_many(&sum, one, one + 1, 3, 4, 5, 6, 7, 8.5, 9.5, t, 1000));
    /*  They were passed before the child first blocked. */
    one = 50;
    t.a = 0;
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_INT(sum, 28 + 18 + 305 + 1000);
    CHECK_OK(hclose(h));
}

static int counter;
static coroutine void count(void)
{
    counter++;
}

TEST(rt_coroutines_one_statement_starts_many)
{
    int h[20];
    counter = 0;
    for(int i = 0; i != 20; i++) h[i] = i % 2 ? go(count()) : go(count());
    CHECK_INT(counter, 20);
    for(int i = 0; i != 20; i++) CHECK_OK(hclose(h[i]));
}

/*  The registers and the rounding of a parent survive. */
TEST(rt_coroutines_leave_the_parent_as_it_was)
{
    double x[8];
    long n[12];
    for(int i = 0; i != 8; i++) x[i] = i * 1.5;
    for(int i = 0; i != 12; i++) n[i] = i * 7;
    for(int round = 0; round != 3; round++) {
        int h = go(worker("", "", ""));
        for(int i = 0; i != 8; i++) x[i] += 0.25;
        yield();
        for(int i = 0; i != 12; i++) n[i] += 1;
        CHECK_OK(hclose(h));
    }
    for(int i = 0; i != 8; i++) CHECK(x[i] == i * 1.5 + 0.75);
    for(int i = 0; i != 12; i++) CHECK_INT(n[i], i * 7 + 3);
    log_[0] = 0;
}

/**** Stacks ****/

static uintptr_t misalignment;

/*  The ABI wants the stack aligned to 16 bytes at each call; the compiler
    relies on that for a local like this. */
static coroutine void see_alignment(void)
{
    _Alignas(16) volatile char local[16];
    local[0] = 0;
    misalignment |= (uintptr_t)__builtin_frame_address(0) & 15;
    misalignment |= (uintptr_t)local & 15;
}

TEST(rt_coroutines_have_aligned_stacks)
{
    static char mem[20000];
    misalignment = 0;
    CHECK_OK(hclose(go(see_alignment())));
    for(int i = 0; i != 17; i++)
        CHECK_OK(hclose(go_mem(see_alignment(), mem + i, 16384 + i)));
    CHECK_INT(misalignment, 0);
}

static coroutine void use_stack(size_t len, int *done)
{
    volatile char *block = alloca(len);
    for(size_t i = 0; i < len; i += 1024) block[i] = 1;
    yield();
    for(size_t i = 0; i < len; i += 1024) if(block[i] != 1) return;
    *done = 1;
}

TEST(rt_coroutines_have_256_kib_of_stack)
{
    int done[3] = {0};
    int bndl = bundle();
    for(int i = 0; i != 3; i++)
        bundle_go(bndl, use_stack(250 * 1024, &done[i]));
    CHECK_OK(bundle_wait(bndl, SOON));
    for(int i = 0; i != 3; i++) CHECK_INT(done[i], 1);
    CHECK_OK(hclose(bndl));
}

static const void *where;
static coroutine void see_stack(void)
{
    where = __builtin_frame_address(0);
}

static int within(const char *mem, size_t len)
{
    return (const char*)where >= mem && (const char*)where < mem + len;
}

TEST(rt_coroutines_go_mem_runs_on_that_memory)
{
    char *mem = malloc(65536);
    int bndl = bundle();
    CHECK_OK(hclose(go_mem(see_stack(), mem, 65536)));
    CHECK(within(mem, 65536));
    where = NULL;
    CHECK_INT(bundle_go_mem(bndl, see_stack(), mem, 65536), 0);
    CHECK(within(mem, 65536));
    CHECK_OK(hclose(go(see_stack())));
    CHECK(!within(mem, 65536));
    CHECK_OK(hclose(bndl));
    free(mem);
}

/*  libdill's own tests use 4096 bytes. */
TEST(rt_coroutines_go_mem_with_little_memory)
{
#if defined(__SANITIZE_ADDRESS__)
    NA("AddressSanitizer's frames are larger");
#endif
    static char mem[8][4096];
    int done[8] = {0};
    int bndl = bundle();
    for(int i = 0; i != 8; i++)
        CHECK_INT(bundle_go_mem(bndl, use_stack(1024, &done[i]), mem[i],
            sizeof mem[i]), 0);
    CHECK_OK(bundle_wait(bndl, SOON));
    for(int i = 0; i != 8; i++) CHECK_INT(done[i], 1);
    CHECK_OK(hclose(bndl));
}

/*  Each way to wait fits in there as well. */
static coroutine void wait_in_every_way(const int *s, const int *ch, int *done)
{
    char c = 0;
    CHECK_OK(brecv(s[0], &c, 1, -1));
    CHECK_OK(bsend(s[0], &c, 1, -1));
    CHECK_ERR(brecv(s[0], &c, 1, now() + 1), ETIMEDOUT);
    CHECK_OK(msleep(now() + 1));
    CHECK_OK(chrecv(ch[0], &c, 1, -1));
    struct chclause clause = {CHRECV, ch[0], &c, 1};
    CHECK_INT(choose(&clause, 1, -1), 0);
    *done = 1;
}

TEST(rt_coroutines_wait_with_little_memory)
{
#if defined(__SANITIZE_ADDRESS__)
    NA("AddressSanitizer's frames are larger");
#endif
    enum {LITTLE = 4096};
    static char mem[3 * LITTLE];
    int s[2];
    int ch[2];
    int done = 0;
    char c = 'x';
    CHECK_OK(ipc_pair(s));
    CHECK_OK(chmake(ch));
    memset(mem, '#', sizeof mem);
    int h = go_mem(wait_in_every_way(s, ch, &done), mem + LITTLE, LITTLE);
    CHECK_OK(bsend(s[1], &c, 1, SOON));
    CHECK_OK(brecv(s[1], &c, 1, SOON));
    for(int i = 0; i != 2; i++) CHECK_OK(chsend(ch[1], &c, 1, SOON));
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_INT(done, 1);
    for(int i = 0; i != LITTLE; i++)
        CHECK(mem[i] == '#' && mem[2 * LITTLE + i] == '#');
    CHECK_OK(hclose(h));
    for(int i = 0; i != 2; i++) {
        CHECK_OK(hclose(s[i]));
        CHECK_OK(hclose(ch[i]));
    }
}

/*  Nothing is written there. */
TEST(rt_coroutines_go_mem_with_too_little_memory_is_einval)
{
    static char mem[4096];
    int before = open_handles();
    memset(mem, '#', sizeof mem);
    for(size_t len = 0; len < sizeof mem; len += 63)
        CHECK_ERR(go_mem(see_stack(), mem, len), EINVAL);
    int bndl = bundle();
    CHECK_ERR(bundle_go_mem(bndl, see_stack(), mem, sizeof mem - 1), EINVAL);
    CHECK_OK(bundle_wait(bndl, 0));
    CHECK_OK(hclose(bndl));
    for(size_t i = 0; i != sizeof mem; i++) CHECK_INT(mem[i], '#');
    CHECK_INT(open_handles(), before);
}

/**** How much stack a call takes, as the page of go_mem says ****/

static int sleep_a_little(void)
{
    return msleep(now() + 1);
}

static int wait_for_a_channel(void)
{
    int ch[2];
    char c;
    CHECK_OK(chmake(ch));
    struct chclause clauses[] = {{CHRECV, ch[0], &c, 1}, {CHRECV, ch[1], &c, 1}};
    CHECK_ERR(chrecv(ch[0], &c, 1, now() + 1), ETIMEDOUT);
    CHECK_INT(choose(clauses, 2, now() + 1), -1);
    CHECK_OK(hclose(ch[0]));
    return hclose(ch[1]);
}

static int wait_for_a_descriptor(void)
{
    int fd[2];
    CHECK_OK(pipe(fd));
    CHECK_ERR(fdin(fd[0], now() + 1), ETIMEDOUT);
    fdclean(fd[0]);
    close(fd[1]);
    return close(fd[0]);
}

static int use_streams(void)
{
    int s[2];
    char c;
    stream_pair(TCP, s);
    CHECK_OK(bsend(s[0], "x", 1, SOON));
    CHECK_OK(brecv(s[1], &c, 1, SOON));
    CHECK_ERR(brecv(s[1], &c, 1, now() + 1), ETIMEDOUT);
    CHECK_OK(hclose(s[0]));
    return hclose(s[1]);
}

static int use_messages(void)
{
    int s[2];
    char in[8];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) s[i] = suffix_attach(s[i], "\n", 1);
    CHECK_OK(msend(s[0], "x", 1, SOON));
    CHECK_INT(mrecv(s[1], in, sizeof in, SOON), 1);
    CHECK_ERR(mrecv(s[1], in, sizeof in, now() + 1), ETIMEDOUT);
    CHECK_OK(hclose(s[0]));
    return hclose(s[1]);
}

static int look_up_names(void)
{
    struct ipaddr addr;
    char text[IPADDR_MAXSTRLEN];
    CHECK_OK(ipaddr_local(&addr, "lo", 80, IPADDR_IPV4));
    CHECK(ipaddr_str(&addr, text) == text);
    return ipaddr_remote(&addr, "localhost", 80, IPADDR_IPV4, SOON);
}

static int use_http(void)
{
    int s[2];
    char a[16];
    char b[16];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) s[i] = http_attach(s[i]);
    CHECK_OK(http_sendrequest(s[0], "GET", "/", SOON));
    CHECK_OK(http_sendfield(s[0], "A", "b", SOON));
    CHECK_OK(http_done(s[0], SOON));
    CHECK_OK(http_recvrequest(s[1], a, sizeof a, b, sizeof b, SOON));
    CHECK_OK(http_recvfield(s[1], a, sizeof a, b, sizeof b, SOON));
    CHECK_OK(hclose(s[0]));
    return hclose(s[1]);
}

static coroutine void run_on_memory(int (*work)(void), int *rc)
{
    *rc = work();
}

TEST(rt_coroutines_calls_take_no_more_stack_than_the_page_says)
{
#if defined(__SANITIZE_ADDRESS__)
    NA("AddressSanitizer's frames are larger");
#endif
    if(check_under("valgrind")) NA("valgrind forgets what was on a stack");
    enum {ALL = 65536};
    static const struct {const char *name; int (*work)(void); size_t kib;}
        rows[] = {{"yield", yield, 4}, {"sleep", sleep_a_little, 4},
        {"channels", wait_for_a_channel, 4},
        {"descriptors", wait_for_a_descriptor, 8}, {"streams", use_streams, 8},
        {"messages", use_messages, 8}, {"names", look_up_names, 16},
        {"HTTP", use_http, 16}};
    char *mem = malloc(ALL);
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        int rc = -1;
        size_t left = 0;
        check_note("%s", rows[i].name);
        memset(mem, '#', ALL);
        int h = go_mem(run_on_memory(rows[i].work, &rc), mem, ALL);
        CHECK_OK(bundle_wait(h, SOON));
        CHECK_OK(hclose(h));
        CHECK_OK(rc);
        while(left != ALL && mem[left] == '#') left++;
        CHECK_RANGE(ALL - left, 1, rows[i].kib * 1024);
    }
    free(mem);
}

/*  Memory may be reused once its coroutine is over. */
TEST(rt_coroutines_go_mem_again_and_again)
{
    static char mem[16384];
    for(long i = check_rounds(10000); i; i--) {
        int h = go_mem(worker("", "", ""), mem, sizeof mem);
        CHECK_OK(hclose(h));
    }
    log_[0] = 0;
}

TEST(rt_coroutines_stacks_are_reused)
{
    /*  The one given back last comes first: it is still in the cache. */
    CHECK_OK(hclose(go(see_stack())));
    const void *first = where;
    for(int i = 0; i != 100; i++) {
        CHECK_OK(hclose(go(see_stack())));
        CHECK(where == first);
    }
}

/*  Bytes of this process that are in memory. */
static long resident(void)
{
    long total, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if(!f || fscanf(f, "%ld %ld", &total, &pages) != 2) abort();
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

enum {MANY = 1000, TOUCHED = 200 * 1024};

static coroutine void touch_much(int ch)
{
    volatile char stack[TOUCHED];
    for(size_t i = 0; i < sizeof stack; i += 1024) stack[i] = 1;
    chrecv(ch, NULL, 0, -1);
}

/*  So many at once, until all have finished. */
static void burst(long before)
{
    int ch[2];
    int bndl = bundle();
    CHECK_OK(chmake(ch));
    for(int i = 0; i != MANY; i++) CHECK_OK(bundle_go(bndl, touch_much(ch[0])));
    CHECK_RANGE(resident() - before, (long)MANY * TOUCHED, LONG_MAX);
    CHECK_OK(chdone(ch[1]));
    CHECK_OK(bundle_wait(bndl, -1));
    for(int i = 0; i != 2; i++) CHECK_OK(hclose(ch[i]));
    CHECK_OK(hclose(bndl));
}

/*  What a burst has touched goes back when the thread waits, at the latest when
    it has waited for a while after another one. */
TEST(rt_coroutines_that_have_finished_keep_little)
{
    enum {KEPT = 20 << 20};
    if(check_under("valgrind") || check_under("sanitizers"))
        NA("such tools keep memory of their own for each byte");
    long before = resident();
    burst(before);
    msleep(now() + 1);
    CHECK_RANGE(resident() - before, LONG_MIN, KEPT);
    burst(before);
    int p[2];
    char c;
    stream_pair(IPC, p);
    CHECK_ERR(brecv(p[0], &c, 1, now() + check_ms(300)), ETIMEDOUT);
    CHECK_RANGE(resident() - before, LONG_MIN, KEPT);
    CHECK_OK(hclose(p[0]));
    CHECK_OK(hclose(p[1]));
}

static coroutine void sleep_for_ever(void)
{
    msleep(-1);
}

/*  Without MADV_GUARD_INSTALL, which came with Linux 6.13, each stack takes
    two of the 65530 memory mappings. */
static int guards_take_mappings(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int refused = madvise(p, page, 102) != 0;
    munmap(p, page);
    return refused;
}

TEST(rt_coroutines_tens_of_thousands_at_once)
{
    long many = check_rounds(guards_take_mappings() ? 30000 : 40000);
    int bndl = bundle();
    for(long i = 0; i != many; i++)
        if(bundle_go(bndl, sleep_for_ever()) != 0) {
            check_fail(HERE, "coroutine %ld: %s", i, strerror(errno));
            break;
        }
    CHECK_OK(hclose(bndl));
}

/**** The parent's variables ****/

struct result {int at_once; int later;};

static coroutine void write_result(struct result *r)
{
    r->at_once = 1;
    if(yield() == 0) r->later = 2;
}

/*  Compilers do not expect others to run meanwhile; compilers/ tries them all. */
TEST(rt_coroutines_write_to_variables_of_their_parent)
{
    for(int i = 0; i != 3; i++) {
        struct result r = {0, 0};
        int stop = 0;
        int h = go(write_result(&r));
        stop += r.at_once;
        CHECK_INT(stop, 1);
        CHECK_OK(bundle_wait(h, SOON));
        CHECK_INT(r.later, 2);
        CHECK_OK(hclose(h));
    }
}
