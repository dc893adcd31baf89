/*  Bundles: coroutines that are waited for and cancelled together. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "rt.h"

static char log_[256];

static void note(char what)
{
    size_t n = strlen(log_);
    if(n + 1 < sizeof log_) log_[n] = what;
}

static void check_log(struct at at, const char *want)
{
    if(strcmp(log_, want) != 0)
        check_fail(at, "order: got \"%s\", want \"%s\"", log_, want);
    memset(log_, 0, sizeof log_);
}
#define CHECK_LOG(want) check_log(HERE, want)

static coroutine void say(char what)
{
    note(what);
}

static coroutine void yield_and_say(char what)
{
    yield();
    note(what);
}

static coroutine void sleep_and_say(char what, int64_t deadline)
{
    int rc = msleep(deadline);
    note(rc == 0 ? what : errno == ECANCELED ? (char)(what - 'a' + 'A') : '?');
}

/**** Starting ****/

TEST(rt_bundles_go_makes_one_bundle_for_one_coroutine)
{
    int before = open_handles();
    int h = go(sleep_and_say('a', -1));
    CHECK_INT(open_handles(), before + 1);
    CHECK_ERR(bundle_wait(h, 0), ETIMEDOUT);
    CHECK_OK(hclose(h));
    CHECK_INT(open_handles(), before);
    CHECK_LOG("A");
}

TEST(rt_bundles_go_handles_take_more_coroutines)
{
    int h = go(say('a'));
    CHECK_INT(bundle_go(h, yield_and_say('b')), 0);
    CHECK_INT(bundle_go(h, sleep_and_say('c', -1)), 0);
    CHECK_OK(hclose(h));
    CHECK_LOG("abC");
}

/*  The macro's -1 for "none yet", whoever passes it. */
TEST(rt_bundles_a_negative_bundle_is_a_new_one)
{
    int before = open_handles();
    int h = bundle_go(-1, say('a'));
    CHECK_OK(h);
    CHECK_INT(open_handles(), before + 1);
    CHECK_OK(bundle_wait(h, 0));
    CHECK_OK(hclose(h));
    CHECK_LOG("a");
}

TEST(rt_bundles_go_into_what_is_no_bundle)
{
    int ch[2];
    CHECK_OK(chmake(ch));
    CHECK_ERR(bundle_go(ch[0], say('a')), ENOTSUP);
    CHECK_ERR(bundle_wait(ch[0], 0), ENOTSUP);
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
    CHECK_ERR(bundle_go(ch[0], say('a')), EBADF);
    CHECK_ERR(bundle_wait(ch[0], 0), EBADF);
    CHECK_ERR(bundle_wait(-1, 0), EBADF);
    CHECK_LOG("");
}

TEST(rt_bundles_in_memory_of_the_caller)
{
    char room[sizeof(struct bundle_storage) + 3];
    memset(room, '#', sizeof room);
    /*  Storage is made of char: it may lie anywhere. */
    int h = bundle_mem((struct bundle_storage*)(void*)(room + 1));
    CHECK_OK(h);
    CHECK_INT(bundle_go(h, yield_and_say('a')), 0);
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_OK(hclose(h));
    CHECK(room[0] == '#' && room[sizeof room - 1] == '#');
    CHECK_ERR(bundle_mem(NULL), EINVAL);
    CHECK_LOG("a");
}

/**** Waiting ****/

TEST(rt_bundles_waiting_for_an_empty_one)
{
    int h = bundle();
    CHECK_OK(bundle_wait(h, 0));
    CHECK_OK(bundle_wait(h, -1));
    CHECK_OK(hclose(h));
}

TEST(rt_bundles_wait_for_all_and_can_be_used_again)
{
    int h = bundle();
    for(int round = 0; round != 3; round++) {
        bundle_go(h, sleep_and_say('a', now() + 5));
        bundle_go(h, yield_and_say('b'));
        bundle_go(h, say('c'));
        CHECK_ERR(bundle_wait(h, 0), ETIMEDOUT);
        CHECK_OK(bundle_wait(h, SOON));
        CHECK_LOG("cba");
    }
    CHECK_OK(hclose(h));
}

TEST(rt_bundles_waiting_ends_at_the_deadline)
{
    int h = go(sleep_and_say('a', -1));
    int64_t deadline = now() + 20;
    CHECK_ERR(bundle_wait(h, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_OK(hclose(h));
    CHECK_LOG("A");
}

static coroutine void add(int h, int n)
{
    yield();
    note((char)('0' + n));
    if(n) bundle_go(h, add(h, n - 1));
}

TEST(rt_bundles_waiting_includes_those_added_meanwhile)
{
    int h = bundle();
    bundle_go(h, add(h, 4));
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_LOG("43210");
    CHECK_OK(hclose(h));
}

static long long wait_for(void *arg)
{
    return bundle_wait(*(int*)arg, -1);
}

TEST(rt_bundles_several_can_wait)
{
    struct call c[3];
    int ch[2];
    CHECK_OK(chmake(ch));
    int h = bundle();
    bundle_go(h, sleep_and_say('a', now() + 10));
    for(int i = 0; i != 3; i++) call_start(&c[i], wait_for, &h);
    for(int i = 0; i != 3; i++) CHECK_BLOCKED(&c[i]);
    for(int i = 0; i != 3; i++) CALL_RETURNS(&c[i], 0);
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
    CHECK_LOG("a");
}

TEST(rt_bundles_closed_under_those_who_wait)
{
    struct call c;
    int h = go(sleep_and_say('a', -1));
    call_start(&c, wait_for, &h);
    CHECK_BLOCKED(&c);
    CHECK_OK(hclose(h));
    CALL_FAILS(&c, EBADF);
    CHECK_LOG("A");
}

/**** Cancelling ****/

TEST(rt_bundles_cancel_in_the_order_of_launch)
{
    int h = bundle();
    bundle_go(h, sleep_and_say('a', -1));
    bundle_go(h, sleep_and_say('b', -1));
    bundle_go(h, say('x'));
    bundle_go(h, sleep_and_say('c', -1));
    CHECK_OK(hclose(h));
    CHECK_LOG("xABC");
}

static coroutine void end_slowly(char what)
{
    CHECK_ERR(msleep(-1), ECANCELED);
    note(what);
    /*  Whatever it calls, it may not block again. */
    CHECK_ERR(yield(), ECANCELED);
    CHECK_ERR(msleep(0), ECANCELED);
    CHECK_ERR(fdin(0, -1), ECANCELED);
    CHECK_ERR(bundle(), ECANCELED);
    CHECK_ERR(go(say('!')), ECANCELED);
    CHECK_ERR(ipaddr_remote(&(struct ipaddr){0}, "localhost", 1, 0, -1),
        ECANCELED);
    note((char)(what - 'a' + 'A'));
}

TEST(rt_bundles_one_ends_before_the_next_is_cancelled)
{
    int h = bundle();
    bundle_go(h, end_slowly('a'));
    bundle_go(h, end_slowly('b'));
    bundle_go(h, end_slowly('c'));
    CHECK_OK(hclose(h));
    CHECK_LOG("aAbBcC");
}

TEST(rt_bundles_cancelled_before_they_have_run_again)
{
    /*  They are ready, not blocked: their calls succeed, the next one fails. */
    int h = bundle();
    bundle_go(h, yield_and_say('a'));
    bundle_go(h, yield_and_say('b'));
    CHECK_OK(hclose(h));
    CHECK_LOG("ab");
}

static coroutine void receive_two(int ch)
{
    char c = '?';
    CHECK_OK(chrecv(ch, &c, 1, -1));
    note(c);
    CHECK_ERR(chrecv(ch, &c, 1, -1), ECANCELED);
}

TEST(rt_bundles_a_message_that_has_arrived_is_delivered)
{
    int ch[2];
    CHECK_OK(chmake(ch));
    int h = go(receive_two(ch[1]));
    CHECK_OK(chsend(ch[0], "m", 1, 0));
    CHECK_OK(hclose(h));
    CHECK_LOG("m");
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
}

static coroutine void yield_until_cancelled(void)
{
    while(yield() == 0) {}
    note('y');
}

TEST(rt_bundles_cancel_what_is_always_ready)
{
    int h = bundle();
    for(int i = 0; i != 3; i++) bundle_go(h, yield_until_cancelled());
    for(int i = 0; i != 10; i++) yield();
    CHECK_OK(hclose(h));
    CHECK_LOG("yyy");
}

static coroutine void close_both(int a, int b)
{
    msleep(-1);
    CHECK_OK(hclose(a));
    CHECK_OK(hclose(b));
    note('c');
}

/*  A coroutine that is cancelled may close other bundles, which waits. */
TEST(rt_bundles_close_others_while_they_are_closed)
{
    int a = go(sleep_and_say('a', -1));
    int b = go(yield_until_cancelled());
    int h = go(close_both(a, b));
    CHECK_OK(hclose(h));
    CHECK_LOG("Ayc");
}

static struct hvfs closer;
static int closed_by_object;
static void *no_query(struct hvfs *vfs, const void *type)
{
    (void)vfs;
    (void)type;
    errno = ENOTSUP;
    return NULL;
}
static void close_bundle(struct hvfs *vfs)
{
    (void)vfs;
    CHECK_OK(hclose(closed_by_object));
    note('o');
}

TEST(rt_bundles_close_in_the_close_function_of_an_object)
{
    closer = (struct hvfs){no_query, close_bundle};
    closed_by_object = go(sleep_and_say('a', -1));
    int h = hmake(&closer);
    CHECK_OK(hclose(h));
    CHECK_LOG("Ao");
}

static coroutine void close_and_say(int h, char what)
{
    note(hclose(h) == 0 ? what : errno == EBADF ? '-' : '?');
}

/*  Others run while a bundle is closed, and may come to close it as well. */
TEST(rt_bundles_are_closed_once)
{
    int h = go(yield_until_cancelled());
    int first = go(close_and_say(h, '1'));
    int second = go(close_and_say(h, '2'));
    CHECK_OK(bundle_wait(first, SOON));
    CHECK_OK(bundle_wait(second, SOON));
    CHECK_OK(hclose(first));
    CHECK_OK(hclose(second));
    CHECK_INT(strlen(log_), 3);
    CHECK(strchr(log_, 'y') && strchr(log_, '-') && strchr(log_, '1'));
    memset(log_, 0, sizeof log_);
}

static coroutine void add_to_closing(int h)
{
    msleep(-1);
    note('a');
    /*  The bundle is being closed: it may not start another. */
    CHECK_ERR(bundle_go(h, say('!')), ECANCELED);
}

static coroutine void add_from_outside(int h)
{
    yield();
    int rc = bundle_go(h, sleep_and_say('b', -1));
    note(rc == 0 ? 'o' : '-');
}

TEST(rt_bundles_members_added_while_they_are_closed_are_cancelled)
{
    int h = bundle();
    bundle_go(h, yield_until_cancelled());
    bundle_go(h, add_to_closing(h));
    int other = go(add_from_outside(h));
    CHECK_OK(hclose(h));
    CHECK_OK(bundle_wait(other, SOON));
    CHECK_OK(hclose(other));
    CHECK(strchr(log_, '!') == NULL);
    /*  If it got in it was cancelled like the others. */
    CHECK(!strchr(log_, 'o') == !strchr(log_, 'B'));
    memset(log_, 0, sizeof log_);
}

/**** A mistake ****/

static coroutine void close_own(const int *h)
{
    yield();
    hclose(*h);
}

static void close_own_bundle_and_exit(void)
{
    signal(SIGABRT, SIG_DFL);
    fclose(stderr);
    close(2);
    int h = -1;
    h = go(close_own(&h));
    msleep(now() + 1000);
    _exit(0);
}

/*  A coroutine cannot wait for its own end. As on libdill this ends the
    process, with a word of explanation. */
TEST(rt_bundles_closing_ones_own_aborts)
{
    pid_t pid = fork();
    if(pid == 0) close_own_bundle_and_exit();
    int status = 0;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
