/*  Handles: their numbers, owners and callbacks. */

#include <pthread.h>
#include <string.h>

#include "rt.h"

/*  An object of the program's own. */
struct object {
    struct hvfs hvfs;
    int queries;
    int closes;
    int under;              /* a handle that it owns, or -1 */
    void (*on_close)(struct object *o);
};

static const int type_a;
static const int type_b;
static const int type_unknown;

static void *object_query(struct hvfs *vfs, const void *type)
{
    struct object *o = (struct object*)vfs;
    o->queries++;
    if(type == &type_a) return &o->queries;
    if(type == &type_b) return &o->closes;
    errno = ENOTSUP;
    return NULL;
}

static void object_close(struct hvfs *vfs)
{
    struct object *o = (struct object*)vfs;
    o->closes++;
    if(o->on_close) o->on_close(o);
    if(o->under >= 0) CHECK_OK(hclose(o->under));
}

static int object_make(struct object *o)
{
    *o = (struct object){{object_query, object_close}, 0, 0, -1, NULL};
    int h = hmake(&o->hvfs);
    CHECK_OK(h);
    return h;
}

static void check_null(struct at at, void *got, int want)
{
    int err = errno;
    if(got) check_fail(at, "not NULL");
    else check_int(at, "errno", err, want);
}
#define CHECK_NULL(expr, want) check_null(HERE, (errno = 0, (expr)), want)

/**** Numbers ****/

/*  In a thread of its own everything is fresh. */
static void in_a_thread(void *(*fn)(void*), void *arg)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, fn, arg), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

static void *number_from_zero(void *arg)
{
    struct object o[3];
    (void)arg;
    for(int i = 0; i != 3; i++) CHECK_INT(object_make(&o[i]), i);
    for(int i = 0; i != 3; i++) CHECK_OK(hclose(i));
    return NULL;
}

TEST(rt_handles_are_numbered_from_0)
{
    in_a_thread(number_from_zero, NULL);
}

static void *reuse_late(void *arg)
{
    struct object o;
    (void)arg;
    int first = object_make(&o);
    CHECK_OK(hclose(first));
    int others = 0;
    while(others < 1000) {
        int h = object_make(&o);
        CHECK_OK(hclose(h));
        if(h == first) break;
        others++;
    }
    /*  Every other slot of the first table has had its turn. */
    CHECK_INT(others, 255);
    return NULL;
}

TEST(rt_handles_a_closed_number_comes_back_last)
{
    in_a_thread(reuse_late, NULL);
}

TEST(rt_handles_a_million_rounds_need_no_new_numbers)
{
    struct object o;
    int highest = 0;
    for(long i = check_rounds(1000000); i; i--) {
        int h = object_make(&o);
        if(h > highest) highest = h;
        hclose(h);
    }
    CHECK_RANGE(highest, 0, 1023);
}

TEST(rt_handles_thousands_at_once)
{
    enum {MANY = 10000};
    static struct object o[MANY];
    static int h[MANY];
    for(int i = 0; i != MANY; i++) h[i] = object_make(&o[i]);
    for(int i = 0; i != MANY; i++)
        CHECK(hquery(h[i], &type_a) == &o[i].queries);
    for(int i = 0; i != MANY; i++) CHECK_OK(hclose(h[i]));
    for(int i = 0; i != MANY; i++) CHECK_INT(o[i].closes, 1);
}

static void *other_thread(void *arg)
{
    int h = *(int*)arg;
    CHECK_NULL(hquery(h, &type_a), EBADF);
    CHECK_ERR(hclose(h), EBADF);
    return NULL;
}

TEST(rt_handles_belong_to_their_thread)
{
    struct object o;
    int h = object_make(&o);
    in_a_thread(other_thread, &h);
    CHECK(hquery(h, &type_a) != NULL);
    CHECK_OK(hclose(h));
}

TEST(rt_handles_that_do_not_exist)
{
    struct object o;
    int gone = object_make(&o);
    CHECK_OK(hclose(gone));
    const int bad[] = {-1, -2, INT32_MIN, INT32_MAX, 1 << 20, gone};
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        check_note("%d", bad[i]);
        CHECK_ERR(hclose(bad[i]), EBADF);
        CHECK_ERR(hown(bad[i]), EBADF);
        CHECK_NULL(hquery(bad[i], &type_a), EBADF);
    }
    CHECK_INT(o.closes, 1);
}

/**** hmake ****/

TEST(rt_handles_hmake_wants_both_functions)
{
    struct hvfs no_query = {NULL, object_close};
    struct hvfs no_close = {object_query, NULL};
    CHECK_ERR(hmake(NULL), EINVAL);
    CHECK_ERR(hmake(&no_query), EINVAL);
    CHECK_ERR(hmake(&no_close), EINVAL);
}

/**** hquery ****/

TEST(rt_handles_one_query_is_remembered)
{
    struct object o;
    int h = object_make(&o);
    for(int i = 0; i != 3; i++) CHECK(hquery(h, &type_a) == &o.queries);
    CHECK_INT(o.queries, 1);
    for(int i = 0; i != 3; i++) CHECK(hquery(h, &type_b) == &o.closes);
    CHECK_INT(o.queries, 2);
    CHECK(hquery(h, &type_a) == &o.queries);
    CHECK_INT(o.queries, 3);
    CHECK_OK(hclose(h));
}

TEST(rt_handles_a_failed_query_is_not_remembered)
{
    struct object o;
    int h = object_make(&o);
    for(int i = 1; i != 4; i++) {
        CHECK_NULL(hquery(h, &type_unknown), ENOTSUP);
        CHECK_INT(o.queries, i);
    }
    /*  NULL is a type like others. */
    CHECK_NULL(hquery(h, NULL), ENOTSUP);
    CHECK_INT(o.queries, 4);
    CHECK_OK(hclose(h));
}

TEST(rt_handles_a_new_number_asks_anew)
{
    struct object o;
    int h = object_make(&o);
    CHECK(hquery(h, &type_a) == &o.queries);
    CHECK_OK(h = hown(h));
    CHECK(hquery(h, &type_a) == &o.queries);
    CHECK_INT(o.queries, 2);
    CHECK_OK(hclose(h));
}

/**** hown ****/

TEST(rt_handles_hown_makes_the_old_number_invalid)
{
    struct object o;
    int old = object_make(&o);
    int h = hown(old);
    CHECK_OK(h);
    CHECK(h != old);
    CHECK_ERR(hclose(old), EBADF);
    CHECK_INT(o.closes, 0);
    CHECK_OK(hclose(h));
    CHECK_INT(o.closes, 1);
}

TEST(rt_handles_hown_of_every_kind_of_object)
{
    int s[2];
    int ch[2];
    struct ipaddr addr;
    CHECK_OK(ipc_pair(s));
    CHECK_OK(chmake(ch));
    int all[] = {s[0], s[1], ch[0], ch[1], bundle(), listen_tcp(&addr, 1)};
    int before = open_handles();
    for(size_t i = 0; i != COUNT_OF(all); i++) {
        int old = all[i];
        CHECK_OK(all[i] = hown(old));
        CHECK_ERR(hclose(old), EBADF);
    }
    CHECK_INT(open_handles(), before);
    CHECK_OK(bsend(all[0], "x", 1, SOON));
    CHECK_OK(brecv(all[1], NULL, 1, SOON));
    CHECK_ERR(chrecv(all[2], NULL, 0, 0), ETIMEDOUT);
    CHECK_OK(bundle_wait(all[4], 0));
    for(size_t i = 0; i != COUNT_OF(all); i++) CHECK_OK(hclose(all[i]));
}

/**** The close function ****/

static int blocking_calls_refused;

static void try_to_block(struct object *o)
{
    static int ch[2];
    static int s[2];
    int other = o->under;
    CHECK_ERR(yield(), ECANCELED);
    CHECK_ERR(msleep(now() + 1), ECANCELED);
    CHECK_ERR(fdin(0, 0), ECANCELED);
    CHECK_ERR(fdout(1, 0), ECANCELED);
    CHECK_ERR(bundle(), ECANCELED);
    CHECK_ERR(chmake(ch), ECANCELED);
    CHECK_ERR(ipc_pair(s), ECANCELED);
    CHECK_ERR(choose(NULL, 0, 0), ECANCELED);
    CHECK_ERR(hmake(&o->hvfs), ECANCELED);
    /*  hown closes what it cannot move. */
    CHECK_ERR(hown(other), ECANCELED);
    CHECK_ERR(hclose(other), EBADF);
    o->under = -1;
    blocking_calls_refused++;
}

TEST(rt_handles_a_close_function_may_not_block)
{
    struct object o;
    struct object under;
    int h = object_make(&o);
    o.under = object_make(&under);
    o.on_close = try_to_block;
    blocking_calls_refused = 0;
    CHECK_OK(hclose(h));
    CHECK_INT(blocking_calls_refused, 1);
    CHECK_INT(under.closes, 1);
    CHECK_INT(o.closes, 1);
    /*  That is over with the call. */
    CHECK_OK(yield());
}

static int own_handle;

static void look_at_own_handle(struct object *o)
{
    CHECK(hquery(own_handle, &type_a) == &o->queries);
    CHECK_ERR(hclose(own_handle), EBADF);
}

TEST(rt_handles_known_but_not_closable_while_they_close)
{
    struct object o;
    own_handle = object_make(&o);
    o.on_close = look_at_own_handle;
    CHECK_OK(hclose(own_handle));
    CHECK_INT(o.closes, 1);
    CHECK_NULL(hquery(own_handle, &type_a), EBADF);
}

TEST(rt_handles_close_functions_nest)
{
    struct object o[5];
    int h = -1;
    for(int i = 0; i != 5; i++) {
        int under = h;
        h = object_make(&o[i]);
        o[i].under = under;
    }
    CHECK_OK(hclose(h));
    for(int i = 0; i != 5; i++) CHECK_INT(o[i].closes, 1);
}

/**** In a coroutine that is cancelled ****/

struct owner {struct object o; int h;};

static long long wait_and_own(void *arg)
{
    struct owner *owner = arg;
    CHECK_ERR(msleep(-1), ECANCELED);
    CHECK_ERR(hmake(&owner->o.hvfs), ECANCELED);
    return hown(owner->h);
}

TEST(rt_handles_cancelled_coroutines_make_none)
{
    struct owner owner;
    struct call c;
    owner.h = object_make(&owner.o);
    call_start(&c, wait_and_own, &owner);
    CALL_CANCEL(&c);
    CHECK_ERR(hclose(owner.h), EBADF);
    CHECK_INT(owner.o.closes, 1);
}

/**** All the numbers ****/

TEST(rt_handles_of_sockets_are_given_back)
{
    int before = open_handles();
    for(int kind = IPC; kind <= TCP; kind++) {
        int s[2];
        stream_pair(kind, s);
        CHECK_INT(open_handles(), before + 2);
        CHECK_INT(stream_done(kind, s[1]), 0);
        CHECK_INT(stream_close(kind, s[0], SOON), 0);
        CHECK_INT(open_handles(), before + 1);
        CHECK_INT(stream_close(kind, s[1], SOON), 0);
        CHECK_INT(open_handles(), before);
    }
}
