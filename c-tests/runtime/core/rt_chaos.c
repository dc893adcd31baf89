/*  Many coroutines do anything to the same handles: numbers are stale, objects
    are closed under those who use them, everything has deadlines. No call may
    crash or hang, valgrind may find nothing, and at the end nothing is left.
    The seed is fixed, so that a failure comes again. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

enum {SLOTS = 24, ACTORS = 12, STEPS = 60, ROOM = 20000};

/*  Handles that everybody knows. Bundles are apart: a coroutine may not close
    its own. */
static int slots[SLOTS];
static int bundles[4];
static unsigned seed;
static long calls;
static long successes;

static unsigned any(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static int slot(void)
{
    return slots[any(SLOTS)];
}

static int64_t some_deadline(void)
{
    return any(3) ? now() + any(4) : 0;
}

static void put(int h)
{
    /*  Whatever was there is closed, now or when someone else has closed it. */
    int *place = &slots[any(SLOTS)];
    int old = *place;
    *place = h;
    if(old >= 0) hclose(old);
}

static void put_both(const int h[2])
{
    put(h[0]);
    put(h[1]);
}

/*  The one who does this may be cancelled at any moment. */
static void open_tcp(void)
{
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, IPADDR_IPV4) != 0) return;
    int listener = tcp_listen(&addr, 5);
    if(listener < 0) return;
    put(tcp_connect(&addr, SOON));
    put(tcp_accept(listener, NULL, some_deadline()));
    hclose(listener);
}

static void open_something(void)
{
    int h[2];
    switch(any(4)) {
    case 0:
        if(chmake(h) == 0) put_both(h);
        break;
    case 1:
        if(ipc_pair(h) == 0) put_both(h);
        break;
    case 2:
        open_tcp();
        break;
    case 3:
        if(ipc_pair(h) != 0) break;
        h[0] = ws_attach_client(h[0], WS_NOHTTP, NULL, NULL, -1);
        h[1] = ws_attach_server(h[1], WS_NOHTTP, NULL, 0, NULL, 0, -1);
        put_both(h);
        break;
    }
}

static void pass_something(char *mem)
{
    size_t len = any(4) ? any(100) : any(ROOM);
    int64_t deadline = some_deadline();
    int fd;
    long long rc = -1;
    switch(any(14)) {
    case 0: rc = bsend(slot(), mem, len, deadline); break;
    case 1: rc = brecv(slot(), mem, len, deadline); break;
    case 2: rc = brecv(slot(), NULL, len, deadline); break;
    case 3: rc = brecv_some(slot(), mem, len, deadline); break;
    case 4: rc = chsend(slot(), mem, len % 3, deadline); break;
    case 5: rc = chrecv(slot(), mem, len % 3, deadline); break;
    case 6: rc = ipc_sendfd(slot(), 0, deadline); break;
    case 7:
        rc = fd = ipc_recvfd(slot(), deadline);
        if(fd >= 0) close(fd);
        break;
    case 8: rc = ws_send(slot(), (int)any(2), mem, len, deadline); break;
    case 9: rc = ws_recv(slot(), NULL, mem, len, deadline); break;
    case 10: rc = msend(slot(), mem, len, deadline); break;
    case 11: rc = mrecv(slot(), mem, len, deadline); break;
    case 12: rc = ws_recvl(slot(), NULL, NULL, NULL, deadline); break;
    case 13: {
        struct chclause c[3] = {
            {CHRECV, slot(), mem, 1}, {CHSEND, slot(), mem, 1},
            {CHRECV, slot(), mem, 2}};
        rc = choose(c, (int)any(4), deadline);
        break;
    }
    }
    calls++;
    successes += rc >= 0;
}

static void end_something(void)
{
    int64_t deadline = some_deadline();
    int h = slot();
    switch(any(9)) {
    case 0: hclose(h); break;
    case 1: put(hown(h)); break;
    case 2: chdone(h); break;
    case 3: tcp_done(h, deadline); break;
    case 4: ipc_done(h, deadline); break;
    case 5: tcp_close(h, deadline); break;
    case 6: ipc_close(h, deadline); break;
    case 7: ws_done(h, 1000, "bye", 3, deadline); break;
    case 8: put(ws_detach(h, 1000, NULL, 0, deadline)); break;
    }
}

static coroutine void extra(void)
{
    char mem[ROOM];
    memset(mem, 'e', sizeof mem);
    for(int i = 0; i != 10; i++) pass_something(mem);
}

static void do_something_to_a_bundle(void)
{
    int *place = &bundles[any(COUNT_OF(bundles))];
    int h = *place;
    switch(any(4)) {
    case 0:
    case 1:
        /*  A negative number would make a bundle that nobody knows. */
        if(h >= 0) bundle_go(h, extra());
        break;
    case 2:
        bundle_wait(h, some_deadline());
        break;
    case 3:
        *place = bundle();
        hclose(h);
        break;
    }
}

static coroutine void actor(int steps)
{
    char mem[ROOM];
    memset(mem, 'a', sizeof mem);
    for(int i = 0; i != steps; i++) {
        unsigned what = any(20);
        if(what < 3) open_something();
        else if(what < 15) pass_something(mem);
        else if(what < 17) end_something();
        else if(what < 18) do_something_to_a_bundle();
        else if(what < 19) yield();
        else msleep(some_deadline());
    }
}

static void round_of_chaos(int cancel)
{
    for(int i = 0; i != SLOTS; i++) slots[i] = -1;
    for(size_t i = 0; i != COUNT_OF(bundles); i++) bundles[i] = bundle();
    int actors = bundle();
    for(int i = 0; i != ACTORS; i++) bundle_go(actors, actor(STEPS));
    /*  In half of the rounds they are stopped in the middle. */
    if(cancel) msleep(now() + any(20));
    else CHECK_OK(bundle_wait(actors, now() + check_ms(20000)));
    CHECK_OK(hclose(actors));
    for(size_t i = 0; i != COUNT_OF(bundles); i++) hclose(bundles[i]);
    for(int i = 0; i != SLOTS; i++) hclose(slots[i]);
}

static void chaos(int cancel)
{
    int before = open_handles();
    calls = successes = 0;
    for(unsigned i = 0; i != (unsigned)check_rounds(300); i++) {
        check_note("seed %u", i);
        seed = i;
        round_of_chaos(cancel);
        CHECK_INT(open_handles(), before);
        if(check_failed()) break;
    }
    check_note(NULL);
    /*  Or all of it would show little. */
    CHECK(calls / 20 < successes);
}

TEST(rt_chaos_leaves_nothing_behind)
{
    chaos(0);
}

TEST(rt_chaos_that_is_cancelled_leaves_nothing_behind)
{
    chaos(1);
}
