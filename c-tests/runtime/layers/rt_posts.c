/*  Messages that are sent, held and posted arrive in the order of the calls: both
    ends are the library's, over every stream, plain and compressed. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt.h"

#include <libdill_ws.h>
#include <libdill_wsx.h>

/*  What a pair of ends runs over, and how. */
struct way {
    const char *name;
    enum kind kind;
    int secure;
    int flags;
    int window;
};

static const struct way ways[] = {
    {"ipc", IPC, 0, 0, 0},
    {"tcp", TCP, 0, 0, 0},
    {"tls", TCP, 1, 0, 0},
    {"ipc, deflate", IPC, 0, WS_DEFLATE, 0},
    {"tcp, deflate", TCP, 0, WS_DEFLATE, 15},
    {"tls, deflate", TCP, 1, WS_DEFLATE, 0},
    {"ipc, deflate without context", IPC, 0, WS_DEFLATE, -1},
};

struct attaching {int s; const struct ws_opts *o; int h;};

static coroutine void attach_client(struct attaching *a)
{
    a->h = ws_attach_client_opts(a->s, "/", "localhost", a->o, SOON);
}

/*  Two connected WebSockets: h[0] is the client. */
static int open_pair(const struct way *way, struct ws_opts o, int h[2])
{
    int s[2];
    stream_pair(way->kind, s);
    if(way->secure) stream_secure(s);
    o.flags |= way->flags;
    o.window = way->window;
    struct attaching a = {.s = s[0], .o = &o, .h = -1};
    int c = go(attach_client(&a));
    h[1] = ws_attach_server_opts(s[1], &o, SOON);
    CHECK_OK(h[1]);
    while(a.h < 0 && bundle_wait(c, now() + 1) != 0 && errno == ETIMEDOUT);
    h[0] = a.h;
    CHECK_OK(hclose(c));
    CHECK_OK(h[0]);
    return h[0] >= 0 && h[1] >= 0;
}

/*  One direction: what was called, in order, and what has come. */
struct flow {
    int from;
    int to;
    unsigned seed;
    int rounds;
    unsigned calls[8192];
    int count;
    int came;
    int over;
};

static unsigned roll(struct flow *f, unsigned n)
{
    f->seed = f->seed * 1103515245 + 12345;
    return (f->seed >> 16) % n;
}

/*  A text of some length, by its number: most of it returns in others. */
static size_t compose(char *text, unsigned number)
{
    static const size_t sizes[] = {0, 3, 40, 130, 700, 3000, 17000, 70000};
    size_t len = sizes[number * 7 % 11 % COUNT_OF(sizes)];
    int n = sprintf(text, "%u:", number);
    for(size_t i = 0; i < len; i++)
        text[n + (int)i] = "abcdefgh{\"price\": 12.5}"[(i * (number % 5 + 1)) % 23];
    return (size_t)n + len;
}

/*  Calls are noted before they may wait. */
static unsigned note(struct flow *f)
{
    unsigned number = (unsigned)f->count;
    f->calls[f->count] = number;
    f->count++;
    return number;
}

static coroutine void poster(struct flow *f)
{
    char *text = malloc(80000);
    while(!f->over) {
        if(msleep(now() + (int)roll(f, 3)) != 0) break;
        size_t len = compose(text, (unsigned)f->count);
        int m = ws_msg(WS_TEXT | (roll(f, 4) ? 0 : WS_PLAIN), text, len);
        CHECK_OK(m);
        int rc = ws_post(f->from, m);
        if(rc == 0) note(f);
        else CHECK_INT(errno, f->over ? EPIPE : EAGAIN);
        CHECK_OK(hclose(m));
    }
    free(text);
}

static coroutine void sender(struct flow *f)
{
    char *text = malloc(80000);
    for(int i = 0; i != f->rounds; i++) {
        int flags = WS_TEXT | (roll(f, 3) ? WS_HOLD : 0) | (roll(f, 5) ? 0 : WS_PLAIN);
        size_t len = compose(text, note(f));
        CHECK_OK(ws_send(f->from, flags, text, len, SOON));
        if(!roll(f, 10)) CHECK_OK(ws_flush(f->from, SOON));
        if(!roll(f, 4)) msleep(now() + (int)roll(f, 2));
        if(!roll(f, 4)) yield();
    }
    free(text);
    f->over = 1;
    CHECK_OK(ws_postdone(f->from, 1001, "over", 4));
}

static coroutine void receiver(struct flow *f)
{
    char *got = malloc(80000), *want = malloc(80000);
    int flags;
    ssize_t n;
    while((n = ws_recv(f->to, &flags, got, 80000, now() + check_ms(10000))) >= 0) {
        size_t len = compose(want, (unsigned)f->came);
        CHECK_BYTES(got, (size_t)n, want, len);
        CHECK_INT(flags, WS_TEXT);
        if(check_failed()) break;
        f->came++;
        if(!roll(f, 50)) msleep(now() + 2);
    }
    CHECK_INT(n < 0 ? errno : 0, EPIPE);
    free(got);
    free(want);
}

/*  Both directions at once. */
static void talk(const struct way *way, struct ws_opts o, unsigned seed)
{
    int h[2];
    if(!open_pair(way, o, h)) return;
    static struct flow flows[2];
    int b = bundle();
    for(int i = 0; i != 2; i++) {
        flows[i] = (struct flow){.from = h[i], .to = h[!i], .seed = seed + (unsigned)i,
            .rounds = (int)check_rounds(300)};
        bundle_go(b, receiver(&flows[i]));
        bundle_go(b, sender(&flows[i]));
        bundle_go(b, poster(&flows[i]));
    }
    CHECK_OK(bundle_wait(b, now() + check_ms(30000)));
    CHECK_OK(hclose(b));
    for(int i = 0; i != 2; i++) {
        CHECK_INT(flows[i].came, flows[i].count);
        CHECK_OK(hclose(h[i]));
    }
}

TEST(messages_keep_the_order_of_the_calls)
{
    for(size_t i = 0; i != COUNT_OF(ways); i++)
        for(unsigned seed = 1; seed != 4; seed++) {
            check_note("%s, seed %u", ways[i].name, seed);
            talk(&ways[i], (struct ws_opts)ws_defaults, seed);
            if(check_failed()) return;
        }
}

/**** Senders that wait their turn ****/

struct turn {int h; const char *text; int len; int rc;};

static coroutine void send_in_turn(struct turn *t)
{
    t->rc = ws_send(t->h, WS_TEXT, t->text, (size_t)t->len, SOON);
}

static void expect(struct at at, int h, const char *text)
{
    char buf[16];
    ssize_t n = ws_recv(h, NULL, buf, sizeof buf, SOON);
    check_bytes(at, "message", buf, n < 0 ? 0 : (size_t)n, text, strlen(text));
}

TEST(a_post_goes_behind_senders_that_wait_their_turn)
{
    static char much[4 << 20];
    int h[2];
    struct ws_opts o = ws_defaults;
    o.flags = WS_TURNS;
    o.maxmsg = sizeof much;
    REQUIRE(open_pair(&ways[0], o, h));
    memset(much, 'x', sizeof much);
    struct turn turns[] = {{h[0], much, sizeof much, -1}, {h[0], "second", 6, -1},
        {h[0], "third", 5, -1}};
    int b = bundle();
    for(int i = 0; i != 3; i++) bundle_go(b, send_in_turn(&turns[i]));
    CHECK_OK(msleep(now() + 5));
    int m = ws_msg(WS_TEXT, "posted", 6);
    CHECK_OK(ws_post(h[0], m));
    static char got[sizeof much];
    CHECK_INT(ws_recv(h[1], NULL, got, sizeof got, SOON), sizeof much);
    expect(HERE, h[1], "second");
    expect(HERE, h[1], "third");
    expect(HERE, h[1], "posted");
    CHECK_OK(bundle_wait(b, SOON));
    for(int i = 0; i != 3; i++) CHECK_INT(turns[i].rc, 0);
    CHECK_OK(hclose(m));
    CHECK_OK(hclose(b));
    for(int i = 0; i != 2; i++) CHECK_OK(hclose(h[i]));
}

TEST(messages_keep_the_order_of_the_calls_in_small_queues)
{
    for(size_t i = 0; i != COUNT_OF(ways); i++) {
        check_note("%s", ways[i].name);
        struct ws_opts o = ws_defaults;
        o.maxqueue = 500;
        o.hold = 3;
        talk(&ways[i], o, (unsigned)i);
        if(check_failed()) return;
    }
}
