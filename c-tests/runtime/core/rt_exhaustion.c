/*  No memory anywhere: in one function after the other, and in whole
    conversations, each allocation fails in turn, first alone, then with all
    that come after it. Nothing ends the process, every failure is ENOMEM, and
    no descriptor is left open. Each attempt has a thread of its own, so that
    what a thread needs once is among it. */

#include <fcntl.h>
#include <libdill_ws.h>
#include <libdill_wsx.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing.h"
#include "rt.h"

/*  An attempt. What fails leaves its reason here, the peers' too. */
static _Thread_local int reason;
static _Thread_local int out_of_memory_seen;

/*  Goes on if the call has succeeded. */
static int failed(long long result)
{
    if(result >= 0) return 0;
    reason = errno;
    if(errno == ENOMEM) out_of_memory_seen = 1;
    return 1;
}
#define TRY(call) do {if(failed(call)) return -1;} while(0)

/*  As others wait for those who give up. */
#define LATE (now() + check_ms(1000))

/**** Coroutines, channels, handles, descriptors ****/

static int timers(void)
{
    TRY(msleep(now() + 1));
    TRY(msleep(now() + 1));
    return 0;
}

static coroutine void sleep_twice(void)
{
    msleep(now() + 1);
    msleep(now() + 1);
}

static int coroutines(void)
{
    static char mem[40][16384];
    int b;
    TRY(b = bundle());
    for(int i = 0; i != 40; i++) TRY(bundle_go(b, sleep_twice()));
    for(int i = 0; i != 40; i++)
        TRY(bundle_go_mem(b, sleep_twice(), mem[i], sizeof mem[i]));
    TRY(msleep(now() + 1));
    TRY(bundle_wait(b, LATE));
    TRY(hclose(b));
    TRY(b = go(sleep_twice()));
    TRY(bundle_wait(b, LATE));
    TRY(hclose(b));
    return 0;
}

static coroutine void send_later(int ch)
{
    yield();
    failed(chsend(ch, "x", 1, LATE));
    yield();
    failed(chsend(ch, "y", 1, LATE));
    failed(chdone(ch));
}

static int channels(void)
{
    int ch[2], other[2], cr;
    char c;
    TRY(chmake(ch));
    TRY(chmake(other));
    TRY(cr = go(send_later(ch[1])));
    struct chclause clauses[] = {{CHRECV, other[0], &c, 1}, {CHRECV, ch[0], &c, 1}};
    TRY(choose(clauses, 2, LATE));
    TRY(chrecv(ch[0], &c, 1, LATE));
    if(choose(clauses, 0, now() + 1) == 0 || errno != ETIMEDOUT) TRY(-1);
    TRY(hclose(cr));
    return 0;
}

static void *no_query(struct hvfs *self, const void *type)
{
    (void)self, (void)type;
    errno = ENOTSUP;
    return NULL;
}

static void no_close(struct hvfs *self)
{
    (void)self;
}

static int handles(void)
{
    static struct hvfs object = {no_query, no_close};
    int h = 0;
    for(int i = 0; i != 300; i++) TRY(h = hmake(&object));
    for(int i = 0; i != 300; i++) TRY(h = hown(h));
    return 0;
}

static int waits_for_descriptors(void)
{
    int p[2];
    TRY(pipe(p));
    int rc = fdout(p[1], LATE);
    if(rc == 0 && (rc = fdin(p[0], now() + 1)) < 0 && errno == ETIMEDOUT) rc = 0;
    int err = errno;
    for(int i = 0; i != 2; i++) {
        fdclean(p[i]);
        close(p[i]);
    }
    errno = err;
    TRY(rc);
    return 0;
}

/**** Byte streams ****/

enum {MUCH = 300000};
static char data[MUCH], got[2][MUCH];

/*  Receives what may come in pieces. */
static int receive_in_pieces(int s)
{
    while(brecv(s, got[0], MUCH, now() + 1) < 0)
        if(errno != ETIMEDOUT) TRY(-1);
    return 0;
}

static int send_to_peer(int s)
{
    struct iolist list[20];
    for(int i = 0; i != 20; i++)
        list[i] = (struct iolist){data + i, 1, i == 19 ? NULL : &list[i + 1], 0};
    TRY(bsendl(s, &list[0], &list[19], LATE));
    TRY(bsend(s, data, MUCH, LATE));
    return 0;
}

static coroutine void stream_peer(int s, int (*close_it)(int s, int64_t deadline))
{
    if(send_to_peer(s) != 0 || failed(close_it(s, LATE))) hclose(s);
}

static int use_stream(int s[2], int (*close_it)(int s, int64_t deadline))
{
    int cr;
    TRY(cr = go(stream_peer(s[1], close_it)));
    TRY(brecv(s[0], got[0], 20, LATE));
    TRY(receive_in_pieces(s[0]));
    TRY(close_it(s[0], LATE));
    TRY(hclose(cr));
    return 0;
}

static int ipc_streams(void)
{
    int s[2], fd;
    TRY(ipc_pair(s));
    TRY(ipc_sendfd(s[0], 0, LATE));
    TRY(fd = ipc_recvfd(s[1], LATE));
    close(fd);
    TRY(ipc_sendfd(s[0], 0, LATE));
    TRY(bsend(s[0], "x", 1, LATE));
    TRY(brecv(s[1], got[0], 2, LATE));
    return use_stream(s, ipc_close);
}

static coroutine void connect_ipc(const char *path)
{
    int s = ipc_connect(path, LATE);
    if(!failed(s)) failed(ipc_close(s, LATE));
}

static int ipc_listeners(void)
{
    static const char path[] = "exhaustion.sock";
    int l, s, cr;
    unlink(path);
    TRY(l = ipc_listen(path, 5));
    TRY(cr = go(connect_ipc(path)));
    TRY(s = ipc_accept(l, LATE));
    TRY(ipc_close(s, LATE));
    TRY(bundle_wait(cr, LATE));
    return 0;
}

static coroutine void connect_tcp(struct ipaddr *addr, int *s)
{
    failed(*s = tcp_connect(addr, LATE));
}

static int tcp_streams(void)
{
    /*  Not on the stack: a failure leaves the coroutine behind. */
    static struct ipaddr addr;
    static int s[2];
    int l, cr;
    s[0] = s[1] = -1;
    TRY(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    TRY(l = tcp_listen(&addr, 5));
    TRY(cr = go(connect_tcp(&addr, &s[1])));
    TRY(s[0] = tcp_accept(l, NULL, LATE));
    TRY(bundle_wait(cr, LATE));
    TRY(s[1]);
    return use_stream(s, tcp_close);
}

static int datagrams(void)
{
    struct ipaddr addr[2];
    struct iolist list[20];
    int s[2];
    for(int i = 0; i != 20; i++)
        list[i] = (struct iolist){got[1] + i, 1, i == 19 ? NULL : &list[i + 1], 0};
    for(int i = 0; i != 2; i++) {
        TRY(ipaddr_local(&addr[i], "127.0.0.1", 0, 0));
        TRY(s[i] = udp_open(&addr[i], NULL));
    }
    TRY(udp_send(s[0], &addr[1], data, 20));
    TRY(udp_recv(s[1], NULL, got[0], 20, LATE));
    TRY(udp_sendl(s[0], &addr[1], &list[0], &list[19]));
    TRY(udp_recvl(s[1], NULL, &list[0], &list[19], LATE));
    if(udp_recv(s[1], NULL, got[0], 20, now() + 1) >= 0 || errno != ETIMEDOUT) TRY(-1);
    return 0;
}

/**** Layers ****/

static coroutine void message_peer(int s)
{
    struct iolist list[20];
    for(int i = 0; i != 20; i++)
        list[i] = (struct iolist){data + i, 1, i == 19 ? NULL : &list[i + 1], 0};
    if(!failed(msendl(s, &list[0], &list[19], LATE)) &&
            !failed(msend(s, data, MUCH, LATE)) &&
            !failed(msend(s, data, 10, LATE)))
        msleep(LATE);
    hclose(s);
}

static int use_messages(int s[2])
{
    int cr;
    TRY(cr = go(message_peer(s[1])));
    TRY(mrecv(s[0], got[0], 20, LATE));
    while(mrecv(s[0], got[0], MUCH, now() + 1) < 0)
        if(errno != ETIMEDOUT) TRY(-1);
    TRY(mrecv(s[0], got[0], MUCH, LATE));
    TRY(hclose(cr));
    return 0;
}

static int suffixes(void)
{
    int s[2];
    TRY(ipc_pair(s));
    for(int i = 0; i != 2; i++) TRY(s[i] = suffix_attach(s[i], "\r\n", 2));
    return use_messages(s);
}

static int prefixes(void)
{
    int s[2];
    TRY(ipc_pair(s));
    for(int i = 0; i != 2; i++) TRY(s[i] = prefix_attach(s[i], 4, 0));
    return use_messages(s);
}

static int terminators(void)
{
    int s[2];
    TRY(ipc_pair(s));
    for(int i = 0; i != 2; i++) {
        TRY(s[i] = suffix_attach(s[i], "\n", 1));
        TRY(s[i] = term_attach(s[i], "STOP", 4));
    }
    TRY(msend(s[0], "a", 1, LATE));
    TRY(mrecv(s[1], got[0], 10, LATE));
    for(int i = 0; i != 2; i++) TRY(term_done(s[i], LATE));
    for(int i = 0; i != 2; i++) {
        TRY(s[i] = term_detach(s[i], LATE));
        TRY(s[i] = suffix_detach(s[i], LATE));
    }
    return 0;
}

static int http_heads(void)
{
    char name[64], value[64];
    int s[2];
    TRY(ipc_pair(s));
    for(int i = 0; i != 2; i++) TRY(s[i] = http_attach(s[i]));
    TRY(http_sendrequest(s[0], "GET", "/", LATE));
    TRY(http_sendfield(s[0], "Host", "example.org", LATE));
    TRY(http_done(s[0], LATE));
    TRY(http_recvrequest(s[1], name, sizeof name, value, sizeof value, LATE));
    TRY(http_recvfield(s[1], name, sizeof name, value, sizeof value, LATE));
    TRY(http_sendstatus(s[1], 404, "Not Found", LATE));
    TRY(http_recvstatus(s[0], value, sizeof value, LATE));
    TRY(http_done(s[1], LATE));
    for(int i = 0; i != 2; i++) TRY(s[i] = http_detach(s[i], LATE));
    return 0;
}

static int admit(const char *name, const char *password)
{
    return name && !strcmp(name, "name") && !strcmp(password, "word");
}

static int serve_proxy(int s)
{
    struct ipaddr addr;
    char host[256];
    int port;
    TRY(socks5_proxy_auth(s, admit, LATE));
    TRY(socks5_proxy_recvcommandbyname(s, host, &port, LATE));
    TRY(ipaddr_local(&addr, "127.0.0.1", 1, 0));
    TRY(socks5_proxy_sendreply(s, 0, &addr, LATE));
    TRY(socks5_proxy_auth(s, admit, LATE));
    TRY(socks5_proxy_recvcommand(s, &addr, LATE));
    TRY(socks5_proxy_sendreply(s, 0, &addr, LATE));
    return 0;
}

static coroutine void proxy(int s)
{
    if(serve_proxy(s) != 0) hclose(s);
}

static int socks5(void)
{
    struct ipaddr addr;
    int s[2], cr;
    TRY(ipc_pair(s));
    TRY(cr = go(proxy(s[1])));
    TRY(socks5_client_connectbyname(s[0], "name", "word", "example.org", 80, LATE));
    TRY(ipaddr_local(&addr, "127.0.0.1", 1, 0));
    TRY(socks5_client_connect(s[0], "name", "word", &addr, LATE));
    TRY(bundle_wait(cr, LATE));
    return 0;
}

/**** Names ****/

static int addresses(void)
{
    struct ipaddr addr[10];
    char text[IPADDR_MAXSTRLEN];
    TRY(ipaddr_local(&addr[0], "lo", 1, 0));
    TRY(ipaddr_remote(&addr[0], "::1", 1, 0, LATE));
    TRY(ipaddr_remote(&addr[0], "localhost", 1, 0, LATE));
    TRY(ipaddr_remotes(addr, 10, "localhost", 1, 0, LATE));
    ipaddr_str(&addr[0], text);
    return 0;
}

static int connect_by_name(void)
{
    struct ipaddr addr;
    int l, s;
    TRY(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    TRY(l = tcp_listen(&addr, 5));
    TRY(s = happyeyeballs_connect("127.0.0.1", ipaddr_port(&addr), LATE));
    TRY(s = happyeyeballs_connect("localhost", ipaddr_port(&addr), LATE));
    return 0;
}

/**** WebSockets ****/

static int talk(int h, char *buf)
{
    TRY(h);
    TRY(ws_send(h, WS_TEXT, "hello", 5, LATE));
    TRY(ws_recv(h, NULL, buf, MUCH, LATE));
    TRY(ws_send(h, WS_BINARY, data, 20000, LATE));
    while(ws_recv(h, NULL, buf, MUCH, now() + 1) < 0)
        if(errno != ETIMEDOUT) TRY(-1);
    TRY(h = ws_detach(h, 1000, "bye", 3, LATE));
    return h;
}

static coroutine void ws_server(int s)
{
    static char resource[64], host[64];
    int h = ws_attach_server(s, WS_BINARY, resource, sizeof resource, host,
        sizeof host, LATE);
    if(failed(h)) return;
    int below = talk(h, got[1]);
    hclose(below < 0 ? h : below);
}

static int converse(int s[2])
{
    int cr;
    TRY(cr = go(ws_server(s[1])));
    int h = ws_attach_client(s[0], WS_BINARY, "/", "example.org", LATE);
    int below = talk(h, got[0]);
    /*  A server that refuses for want of memory says why only then. */
    hclose(below < 0 ? h : below);
    TRY(bundle_wait(cr, LATE));
    return below < 0 ? -1 : 0;
}

static int websockets(void)
{
    int s[2];
    TRY(ipc_pair(s));
    return converse(s);
}

/*  What fails for want of memory has queued nothing, and what is queued arrives
    if there is some later. */
static int queue_frames(int h, int m)
{
    struct ws_info before, after;
    TRY(ws_query(h, &before, sizeof before));
    int held = ws_send(h, WS_TEXT | WS_HOLD, "held", 4, LATE), why = errno;
    TRY(ws_query(h, &after, sizeof after));
    if(held < 0) CHECK_INT(after.queued, before.queued);
    errno = why;
    TRY(held);
    before = after;
    int posted = ws_post(h, m);
    why = errno;
    TRY(ws_query(h, &after, sizeof after));
    if(posted < 0) CHECK_INT(after.queued, before.queued);
    errno = why;
    TRY(posted);
    return 0;
}

/*  Where there is no memory any more, what is queued may stay so. */
static long long in_time(long long result)
{
    if(result < 0 && errno == ETIMEDOUT && failing_on) errno = ENOMEM;
    return result;
}

static int post_both_ways(int s[2])
{
    struct ws_opts o = ws_defaults;
    int h[2], m;
    o.flags = WS_NOHTTP;
    o.hold = 1;
    TRY(h[0] = ws_attach_client_opts(s[0], NULL, NULL, &o, LATE));
    TRY(h[1] = ws_attach_server_opts(s[1], &o, LATE));
    TRY(m = ws_msg(WS_TEXT, "posted", 6));
    for(int i = 0; i != 2; i++) {
        TRY(queue_frames(h[i], m));
        TRY(queue_frames(h[i], m));
        TRY(in_time(ws_flush(h[i], now() + 50)));
        for(int k = 0; k != 4; k++)
            TRY(in_time(ws_recv(h[!i], NULL, got[i], MUCH, now() + 50)));
        TRY(ws_postdone(h[i], 1000, "bye", 3));
    }
    TRY(ws_fail(h[0], 1011));
    return 0;
}

static int posts(void)
{
    int s[2];
    TRY(ipc_pair(s));
    return post_both_ways(s);
}

/**** TLS ****/

static const char *cert, *key, *roots;
/*  Of each attempt: a configuration that was not made before. */
static char protocol[16];

static void prepare_tls(void)
{
    static int count;
    cert = certificate("good.pem");
    key = certificate("good.key");
    roots = certificate("root.pem");
    snprintf(protocol, sizeof protocol, "p%d", count++);
}

static int secure_server(int s)
{
    struct tls_opts opts = tls_defaults;
    opts.cert = cert;
    opts.pkey = key;
    opts.alpn = protocol;
    TRY(s = tls_attach_server_opts(s, &opts, LATE));
    return s;
}

static int secure_client(int s)
{
    struct tls_opts opts = tls_defaults;
    opts.hostname = "localhost";
    opts.roots = roots;
    opts.alpn = protocol;
    TRY(s = tls_attach_client_opts(s, &opts, LATE));
    return s;
}

static coroutine void secure(int s, int *result)
{
    *result = secure_server(s);
}

/*  Shakes hands over a pair. */
static int open_tls(int s[2])
{
    /*  Not on the stack: a failure leaves the coroutine behind. */
    static int server;
    int cr;
    server = -1;
    TRY(ipc_pair(s));
    TRY(cr = go(secure(s[1], &server)));
    s[0] = secure_client(s[0]);
    int rc = bundle_wait(cr, LATE);
    s[1] = server;
    TRY(s[0]);
    TRY(rc);
    TRY(s[1]);
    return 0;
}

static int detach_tls(int s, int64_t deadline)
{
    int below = tls_detach(s, deadline);
    return below < 0 ? -1 : hclose(below);
}

static int tls_streams(void)
{
    int s[2];
    TRY(open_tls(s));
    return use_stream(s, detach_tls);
}

static int posts_over_tls(void)
{
    int s[2];
    TRY(open_tls(s));
    return post_both_ways(s);
}

static int websockets_over_tls(void)
{
    int s[2];
    TRY(open_tls(s));
    return converse(s);
}

/**** The attempts ****/

struct attempt {
    int (*act)(void);
    long fails;
    int result;
    int err;
    int memory;
};

static void *run_attempt(void *arg)
{
    struct attempt *a = arg;
    count_start(a->fails);
    a->result = a->act();
    a->err = reason;
    a->memory = out_of_memory_seen;
    count_stop();
    for(int h = 0; h != 1000; h++) hclose(h);
    return NULL;
}

/*  A look-up that nobody waits for any more closes what it has, later. */
static int descriptors_left(int before)
{
    int left = 0;
    for(int i = 0; i != 3000; i++) {
        left = open_descriptors() - before;
        if(left <= 0) break;
        usleep(10000);
    }
    return left;
}

/*  What the C library does without memory is its own: a name may not be found,
    or only after it has asked a server in vain, or a thread cannot start. */
static int is_of_the_system(int (*act)(void), int err)
{
    return (act == addresses || act == connect_by_name) &&
        (err == EAGAIN || err == EADDRNOTAVAIL || err == EIO || err == ENODEV ||
            err == ETIMEDOUT);
}

/*  How many failures there were. */
static long attempt_all(int (*act)(void), int from_then_on)
{
    int before = open_descriptors();
    for(long n = 0; n != 5000; n++) {
        struct attempt a = {.act = act, .fails = n - 1};
        pthread_t thread;
        if(act == tls_streams || act == websockets_over_tls || act == posts_over_tls)
            prepare_tls();
        check_note("allocation %ld%s", n, from_then_on ? " and all behind it" : "");
        if(n == 0) check_note("without a failure");
        failing_on = n > 0 && from_then_on;
        if(pthread_create(&thread, NULL, run_attempt, &a) != 0) abort();
        pthread_join(thread, NULL);
        if(a.result < 0 && !a.memory && !is_of_the_system(act, a.err))
            check_fail(HERE, "allocation %ld: %s", n - 1, strerror(a.err));
        CHECK_INT(descriptors_left(before), 0);
        if(n == 0) CHECK_INT(a.result, 0);
        if(check_failed()) return n;
        if(n > allocations) return n - 1;
    }
    check_fail(HERE, "there is no end");
    return 0;
}

static void exhaust(int (*act)(void))
{
    long alone = attempt_all(act, 0);
    long from_then_on = attempt_all(act, 1);
    CHECK_RANGE(alone, act == timers ? 0 : 1, 5000);
    printf("%ld allocations failed alone, %ld with all behind them\n", alone, from_then_on);
}

TEST(rt_exhaustion_timers) {exhaust(timers);}
TEST(rt_exhaustion_coroutines) {exhaust(coroutines);}
TEST(rt_exhaustion_channels) {exhaust(channels);}
TEST(rt_exhaustion_handles) {exhaust(handles);}
TEST(rt_exhaustion_waits_for_descriptors) {exhaust(waits_for_descriptors);}
TEST(rt_exhaustion_ipc_streams) {exhaust(ipc_streams);}
TEST(rt_exhaustion_ipc_listeners) {exhaust(ipc_listeners);}
TEST(rt_exhaustion_tcp_streams) {exhaust(tcp_streams);}
TEST(rt_exhaustion_datagrams) {exhaust(datagrams);}
TEST(rt_exhaustion_suffixes) {exhaust(suffixes);}
TEST(rt_exhaustion_prefixes) {exhaust(prefixes);}
TEST(rt_exhaustion_terminators) {exhaust(terminators);}
TEST(rt_exhaustion_http_heads) {exhaust(http_heads);}
TEST(rt_exhaustion_socks5) {exhaust(socks5);}
TEST(rt_exhaustion_addresses) {exhaust(addresses);}
TEST(rt_exhaustion_connect_by_name) {exhaust(connect_by_name);}
TEST(rt_exhaustion_websockets) {exhaust(websockets);}
TEST(rt_exhaustion_posts) {exhaust(posts);}
TEST(rt_exhaustion_tls_streams) {exhaust(tls_streams);}
TEST(rt_exhaustion_websockets_over_tls) {exhaust(websockets_over_tls);}
TEST(rt_exhaustion_posts_over_tls) {exhaust(posts_over_tls);}

/*  What a process needs once is fetched anew in a child: the authorities of the
    system. They do not include the server's, which may be out of memory too. */
static coroutine void refuse_server(int s)
{
    unsetenv("SSL_CERT_FILE");
    s = tls_attach_client_host(s, "localhost", LATE);
    _exit(s >= 0 || (errno != EACCES && errno != ENOMEM && errno != ENOENT &&
        errno != ECONNRESET));
}

static void in_child(long n, int from_then_on)
{
    pid_t pid = fork();
    if(pid == 0) {
        int s[2];
        if(ipc_pair(s) != 0) _exit(4);
        failing_on = from_then_on;
        count_start(n);
        if(go(refuse_server(s[0])) < 0) _exit(errno == ENOMEM ? 0 : 3);
        secure_server(s[1]);
        msleep(LATE);
        _exit(2);
    }
    int status;
    waitpid(pid, &status, 0);
    check_note("allocation %ld%s", n, from_then_on ? " and all behind it" : "");
    CHECK_INT(status, 0);
}

TEST(rt_exhaustion_authorities_of_the_system)
{
    prepare_tls();
    for(long n = 0; n < 3000; n += 1 + n / 10)
        for(int on = 0; on != 2; on++) in_child(n, on);
}
