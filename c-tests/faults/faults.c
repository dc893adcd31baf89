/*  Every function of libdill_ws, with every call that it makes of its host
    failing in every way it can, and every allocation: the right errno comes
    back, everything is released exactly once, the caller's lists are as they
    were, and what was only interrupted can be called again. */

#include "../harness/check.h"
#include "host.h"
#include "memory.h"

#include <libdill.h>
#include <libdill_ws.h>
#include <libdill_wsx.h>
#include <stdio.h>
#include <string.h>

#define HOST_NAME "www.example.org"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define DEADLINE 5000
#define BIG 70000

/*  How the failure of a call shows, beyond the rules for all of them. */
enum manner {
    PLAIN,
    PONGS,      /*  what is sent are replies, and do no harm */
    REFUSES,    /*  what is sent is a refusal; the result stands already */
    ENDS,       /*  what comes behind the answer changes nothing */
    TALKS       /*  many calls; some fail for other reasons than others */
};

struct scenario {
    const char *name;
    /*  Makes what is acted on: a byte stream or a WebSocket. */
    int (*setup)(int some);
    /*  The call; succeeds with `want`, or fails with `errno_wanted`. */
    long long (*act)(int h);
    long long want;
    int errno_wanted;
    enum manner manner;
    /*  An interrupted call can be made again. */
    int again;
    /*  The errno for what is no byte stream; 0: EPROTO. */
    int foreign;
};

/*  The handle that a successful attach or detach returned; -1: none. */
static int made;

static const char request[] =
    "GET /chat HTTP/1.1\r\nHost: " HOST_NAME "\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
static const char wrong_method[] = "PUT / HTTP/1.1\r\nHost: a\r\n\r\nabc";

/*  A server's frames: "ab" in two fragments with a ping between them, and a
    close frame. */
static const char from_server[] =
    "\x02\x01" "a" "\x89\x01" "p" "\x80\x01" "b" "\x88\x02\x03\xe8";
/*  The same from a client, masked with zeros. */
static const char from_client[] =
    "\x02\x81\0\0\0\0" "a" "\x89\x81\0\0\0\0" "p" "\x80\x81\0\0\0\0" "b"
    "\x88\x82\0\0\0\0\x03\xe8";

/*  What a server sends behind its answer. */
static const char *behind_answer = "";
static size_t behind_answer_len;

/*  Answers the client's request as a server does. */
static void answer(void)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    size_t len;
    const char *sent = (const char*)stream_sent(&len);
    const char *key = strstr(sent, name);
    if(!key) return;
    char request_key[WS_KEY_SIZE], response_key[WS_KEY_SIZE], response[256];
    snprintf(request_key, sizeof request_key, "%.24s", key + strlen(name));
    ws_response_key(request_key, response_key);
    int n = snprintf(response, sizeof response,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", response_key);
    stream_feed(response, (size_t)n);
    stream_feed(behind_answer, behind_answer_len);
    stream_on_send = NULL;
}

static int open_nothing(int some) {return stream_open("", 0, some, 1);}

static int open_answering(int some)
{
    int s = open_nothing(some);
    stream_on_send = answer;
    return s;
}

static int open_request(int some)
{
    return stream_open(request, sizeof request - 1, some, 3);
}

static int open_wrong_method(int some)
{
    return stream_open(wrong_method, sizeof wrong_method - 1, some, 3);
}

static int client(int some)
{
    int s = stream_open(from_server, sizeof from_server - 1, some, 1);
    return ws_attach_client(s, WS_NOHTTP, NULL, NULL, DEADLINE);
}

static int server(int some)
{
    int s = stream_open(from_client, sizeof from_client - 1, some, 1);
    return ws_attach_server(s, WS_NOHTTP, NULL, 0, NULL, 0, DEADLINE);
}

/*  One that has received all messages, and the peer's close frame. */
static int closed_client(int some)
{
    int h = client(some);
    char buf[8];
    while(ws_recv(h, NULL, buf, sizeof buf, DEADLINE) >= 0);
    return h;
}

static long long keep(int h)
{
    made = h;
    return h < 0 ? -1 : 0;
}

static long long attach_client(int s)
{
    return keep(ws_attach_client(s, WS_TEXT, "/", HOST_NAME, DEADLINE));
}

static long long attach_client_mem(int s)
{
    static struct ws_storage mem;
    return keep(ws_attach_client_mem(s, WS_TEXT, "/", HOST_NAME, &mem, DEADLINE));
}

static long long attach_client_without_http(int s)
{
    return keep(ws_attach_client(s, WS_NOHTTP, NULL, NULL, DEADLINE));
}

static char resource[32], host_name[32];

/*  The strings are there if the server has admitted the client, else empty. */
static long long check_strings(int h)
{
    CHECK(!strcmp(resource, h < 0 ? "" : "/chat"));
    CHECK(!strcmp(host_name, h < 0 ? "" : HOST_NAME));
    return keep(h);
}

static long long attach_server(int s)
{
    memset(resource, 'x', sizeof resource);
    memset(host_name, 'x', sizeof host_name);
    int h = ws_attach_server(s, 0, resource, sizeof resource, host_name,
        sizeof host_name, DEADLINE);
    int err = errno;
    check_strings(h);
    errno = err;
    return h < 0 ? -1 : 0;
}

static long long attach_server_mem(int s)
{
    static struct ws_storage mem;
    return keep(ws_attach_server_mem(s, 0, NULL, 0, NULL, 0, &mem, DEADLINE));
}

static long long attach_server_without_http(int s)
{
    return keep(ws_attach_server(s, WS_NOHTTP, NULL, 0, NULL, 0, DEADLINE));
}

static long long send_small(int h)
{
    return ws_send(h, WS_TEXT, "hello", 5, DEADLINE);
}

static long long send_big(int h)
{
    static char big[BIG];
    return ws_send(h, WS_BINARY, big, sizeof big, DEADLINE);
}

static long long send_message(int h) {return msend(h, "hello", 5, DEADLINE);}

/*  Two buffers in a list, which must be as before when a call returns. */
static char halves[2][8];
static struct iolist list[2];

static void make_list(size_t len)
{
    list[0] = (struct iolist){halves[0], len, &list[1], 0};
    list[1] = (struct iolist){halves[1], len, NULL, 0};
}

static void check_list(size_t len)
{
    CHECK(list[0].iol_base == halves[0] && list[1].iol_base == halves[1]);
    CHECK(list[0].iol_len == len && list[1].iol_len == len);
    CHECK(list[0].iol_next == &list[1] && !list[1].iol_next);
    CHECK(!list[0].iol_rsvd && !list[1].iol_rsvd);
}

static long long send_list(int h)
{
    make_list(3);
    int rc = ws_sendl(h, WS_BINARY, &list[0], &list[1], DEADLINE);
    int err = errno;
    check_list(3);
    errno = err;
    return rc;
}

static long long receive_list(int h)
{
    make_list(1);
    ssize_t size = ws_recvl(h, NULL, &list[0], &list[1], DEADLINE);
    int err = errno;
    check_list(1);
    if(size == 2) CHECK(halves[0][0] == 'a' && halves[1][0] == 'b');
    errno = err;
    return size;
}

static long long receive(int h)
{
    char buf[8] = {0};
    ssize_t size = ws_recv(h, NULL, buf, sizeof buf, DEADLINE);
    int err = errno;
    if(size == 2) CHECK(!memcmp(buf, "ab", 2));
    errno = err;
    return size;
}

static long long receive_message(int h)
{
    char buf[8];
    return mrecv(h, buf, sizeof buf, DEADLINE);
}

static long long drop_message(int h)
{
    return ws_recvl(h, NULL, NULL, NULL, DEADLINE);
}

static long long done(int h) {return ws_done(h, 1000, "bye", 3, DEADLINE);}
static long long detach(int h) {return keep(ws_detach(h, 1000, "bye", 3, DEADLINE));}

/*  A whole conversation. What comes from the peer is behind the handshake. */
static int open_talking_server(int some)
{
    int s = open_answering(some);
    behind_answer = from_server;
    behind_answer_len = sizeof from_server - 1;
    return s;
}

static int open_talking_client(int some)
{
    int s = open_request(some);
    stream_feed(from_client, sizeof from_client - 1);
    return s;
}

static int talk(int h)
{
    static char big[BIG];
    static const size_t lens[] = {0, 1, 257, 1000, 5000, 30000, BIG};
    struct iolist e[20];
    char buf[8];
    for(size_t i = 0; i != COUNT_OF(e); i++)
        e[i] = (struct iolist){big + i, 30, i + 1 == COUNT_OF(e) ? NULL : &e[i + 1], 0};
    for(size_t i = 0; i != COUNT_OF(lens); i++)
        if(ws_send(h, WS_TEXT, big, lens[i], DEADLINE) != 0) return -1;
    if(ws_sendl(h, WS_BINARY, &e[0], &e[COUNT_OF(e) - 1], DEADLINE) != 0) return -1;
    if(msend(h, big, 300, DEADLINE) != 0) return -1;
    if(ws_recv(h, NULL, buf, sizeof buf, DEADLINE) < 0) return -1;
    if(ws_recv(h, NULL, buf, sizeof buf, DEADLINE) >= 0 || errno != EPIPE) return -1;
    if(ws_status(h, NULL, buf, sizeof buf) < 0) return -1;
    return ws_done(h, 1000, "bye", 3, DEADLINE);
}

static long long talk_and_detach(int h)
{
    if(keep(h) < 0 || talk(h) != 0) return -1;
    return keep(ws_detach(h, 0, NULL, 0, DEADLINE));
}

static long long converse_as_client(int s)
{
    return talk_and_detach(ws_attach_client(s, WS_BINARY, "/", HOST_NAME, DEADLINE));
}

static long long converse_as_server(int s)
{
    return talk_and_detach(ws_attach_server(s, WS_BINARY, resource, sizeof resource,
        host_name, sizeof host_name, DEADLINE));
}

static long long status(int h)
{
    int code = 0;
    ssize_t len = ws_status(h, &code, NULL, 0);
    int err = errno;
    if(len == 0) CHECK_INT(code, 1000);
    errno = err;
    return len;
}

/*  While a pong goes out another coroutine would send; here it waits in vain. */
static int waiting_socket;
/*  The calls that it made; their failure is its own. */
static int first_of_sender, last_of_sender;

static void send_meanwhile(void)
{
    stream_on_send = NULL;
    first_of_sender = host_calls() + 1;
    CHECK_INT(ws_send(waiting_socket, 0, "x", 1, DEADLINE), -1);
    last_of_sender = host_calls();
}

static int client_with_impatient_sender(int some)
{
    waiting_socket = client(some);
    stream_on_send = send_meanwhile;
    return waiting_socket;
}

static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char old_get[] = "GET / HTTP/1.0\r\n\r\nabc";
static const char bad_get[] = "GET a HTTP/1.1\r\nHost: a\r\n\r\nabc";
static const char tunnel[] = "HTTP/1.1 200 OK\r\n\r\n";
static const char *const fields[] = {"A: b", NULL};

static int open_get(int some)
{
    return stream_open(get, sizeof get - 1, some, 3);
}

static int open_bad_get(int some)
{
    return stream_open(bad_get, sizeof bad_get - 1, some, 3);
}

static int open_proxy(int some)
{
    return stream_open(tunnel, sizeof tunnel - 1, some, 3);
}

static int open_connected(int some)
{
    return stream_connected = open_answering(some);
}

static int request_for_websocket(int some)
{
    return ws_request(open_request(some), DEADLINE);
}

static int request_for_page(int some) {return ws_request(open_get(some), DEADLINE);}

static int last_request(int some)
{
    return ws_request(stream_open(old_get, sizeof old_get - 1, some, 3), DEADLINE);
}

static long long receive_request(int s) {return keep(ws_request(s, DEADLINE));}
static long long accept_request(int r) {return keep(ws_accept(r, NULL, DEADLINE));}
static long long field(int r) {return ws_field(r, "host", 0, NULL, 0);}
static long long open_tunnel(int s) {return ws_proxy(s, "a:80", fields, DEADLINE);}
static long long leave_request(int r) {return keep(ws_respond(r, 0, NULL, NULL, 0, DEADLINE));}

static long long respond(int r)
{
    return keep(ws_respond(r, 200, fields, "page", 4, DEADLINE));
}

static long long connect_by_url(int s)
{
    (void)s;
    return keep(ws_connect("ws://a:81/b", NULL, DEADLINE));
}

static const struct scenario scenarios[] = {
    {"attach_client", open_answering, attach_client, 0, 0, PLAIN, 0, 0},
    {"attach_client_mem", open_answering, attach_client_mem, 0, 0, PLAIN, 0, 0},
    {"attach_client without HTTP", open_nothing, attach_client_without_http,
        0, 0, PLAIN, 0, 0},
    {"attach_server", open_request, attach_server, 0, 0, PLAIN, 0, 0},
    {"attach_server_mem", open_request, attach_server_mem, 0, 0, PLAIN, 0, 0},
    {"attach_server without HTTP", open_nothing, attach_server_without_http,
        0, 0, PLAIN, 0, 0},
    {"attach_server refuses", open_wrong_method, attach_server, -1, EPROTO,
        REFUSES, 0, 0},
    {"send, client", client, send_small, 0, 0, PLAIN, 1, 0},
    {"send, server", server, send_small, 0, 0, PLAIN, 1, 0},
    {"send much, client", client, send_big, 0, 0, PLAIN, 0, 0},
    {"send much, server", server, send_big, 0, 0, PLAIN, 1, 0},
    {"sendl, client", client, send_list, 0, 0, PLAIN, 1, 0},
    {"sendl, server", server, send_list, 0, 0, PLAIN, 1, 0},
    {"msend", server, send_message, 0, 0, PLAIN, 1, 0},
    {"recv, client", client, receive, 2, 0, PONGS, 1, 0},
    {"recv, server", server, receive, 2, 0, PONGS, 1, 0},
    {"recvl, client", client, receive_list, 2, 0, PONGS, 1, 0},
    {"recvl, server", server, receive_list, 2, 0, PONGS, 1, 0},
    {"recvl without a list", server, drop_message, 2, 0, PONGS, 1, 0},
    {"mrecv", client, receive_message, 2, 0, PONGS, 1, 0},
    {"recv beside a sender", client_with_impatient_sender, receive, 2, 0, PONGS, 1, 0},
    {"done, client", client, done, 0, 0, PLAIN, 1, 0},
    {"done, server", server, done, 0, 0, PLAIN, 1, 0},
    {"detach, client", client, detach, 0, 0, PLAIN, 0, 0},
    {"detach, server", server, detach, 0, 0, PLAIN, 0, 0},
    {"status", closed_client, status, 0, 0, PLAIN, 1, 0},
    {"request", open_get, receive_request, 0, 0, PLAIN, 0, ENOTSUP},
    {"request is refused", open_bad_get, receive_request, -1, EPROTO, REFUSES, 0,
        ENOTSUP},
    {"field", request_for_page, field, 1, 0, PLAIN, 1, 0},
    {"accept", request_for_websocket, accept_request, 0, 0, PLAIN, 0, 0},
    {"accept refuses", request_for_page, accept_request, -1, EPROTO, REFUSES, 0, 0},
    {"respond", request_for_page, respond, 0, 0, PLAIN, 0, 0},
    {"respond for the last time", last_request, respond, -1, EPIPE, ENDS, 0, 0},
    {"respond nothing", request_for_page, leave_request, 0, 0, PLAIN, 0, 0},
    {"proxy", open_proxy, open_tunnel, 200, 0, PLAIN, 0, ENOTSUP},
    {"connect", open_connected, connect_by_url, 0, 0, PLAIN, 0, 0},
    {"conversation of a client", open_talking_server, converse_as_client, 0, 0,
        TALKS, 0, 0},
    {"conversation of a server", open_talking_client, converse_as_server, 0, 0,
        TALKS, 0, 0},
};

static const int errnos[] = {
    EBADF, ENOTSUP, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, EBUSY, ENOMEM,
    EMFILE, EIO};

static int interruption(int err)
{
    return err == ETIMEDOUT || err == ECANCELED || err == EBUSY;
}

/*  Anything else than a delay or a shortage is the end of a stream. */
static int of_stream(int err)
{
    return interruption(err) || err == ENOMEM || err == EMFILE ? err : ECONNRESET;
}

/*  The calls that are made when none fails. */
static enum call planned[1000];

/*  The end of a stream from which nothing has come is the end of the requests. */
static int of_receiving(const struct scenario *scenario, int n, int err)
{
    for(int i = 1; i < n; i++)
        if(planned[i] == CALL_BRECV || planned[i] == CALL_BLOOK) return of_stream(err);
    return scenario->act == receive_request && err == EPIPE ? EPIPE : of_stream(err);
}

/*  What a failed call makes of the whole; 0: it does no harm. */
static int expected(const struct scenario *scenario, int n, int err)
{
    if(n >= first_of_sender && n <= last_of_sender) return 0;
    switch(planned[n]) {
    case CALL_HQUERY_BSOCK:
        return err == EBADF ? EBADF : scenario->foreign ? scenario->foreign : EPROTO;
    case CALL_HQUERY_SOME:
        /*  Attaching, it asks what the stream can do. */
        return planned[n + 1] == CALL_BRECVSOME || planned[n + 1] == CALL_BLOOK ?
            of_receiving(scenario, n, err) : 0;
    case CALL_HQUERY_LINGER:
    case CALL_HQUERY_HOST:
    case CALL_BAWAITROOM:
    case CALL_TCP_DONE:
    case CALL_IPC_DONE:
    case CALL_CHDONE:
        return 0;
    case CALL_BSEND:
        if(scenario->manner != PLAIN) return 0;
        return of_stream(err);
    case CALL_TCP_CONNECT:
        /*  There is another address to try. */
        return err == ECONNRESET || err == EIO ? 0 : err;
    case CALL_BSENDL:
        return of_stream(err);
    case CALL_BRECV:
    case CALL_BRECVSOME:
    case CALL_BLOOK:
        return of_receiving(scenario, n, err);
    default:
        return err;
    }
}

/*  Calls that a stream may have done in part, unless it says how it goes on. */
static int is_transfer(enum call call)
{
    return call == CALL_BSEND || call == CALL_BSENDL || call == CALL_BRECV;
}

/*  Refusing ends the call; what it still reads is of no interest. */
static int after_refusal(const struct scenario *scenario, int n)
{
    enum call last = scenario->manner == ENDS ? CALL_BSENDL : CALL_BSEND;
    if(scenario->manner != REFUSES && scenario->manner != ENDS) return 0;
    for(int i = 1; i < n; i++)
        if(planned[i] == last) return 1;
    return 0;
}

/*  Closes what is left, and checks that all of it is closed once. */
static void tear_down(int h)
{
    host_fail(0, 0);
    stream_on_send = NULL;
    if(made >= 0) hclose(made);
    else hclose(h);
    CHECK_INT(stream_closed(), 1);
    CHECK_INT(host_open_handles(), 0);
}

static int set_up(const struct scenario *scenario, int some)
{
    host_reset();
    made = -1;
    behind_answer_len = 0;
    first_of_sender = last_of_sender = 0;
    return scenario->setup(some);
}

/*  Nothing fails. Returns the number of calls made. */
static int run_plain(const struct scenario *scenario, int some)
{
    int h = set_up(scenario, some);
    host_fail(0, 0);
    errno = 0;
    long long rc = scenario->act(h);
    check_int(HERE, "result", rc, scenario->want);
    if(rc < 0) check_int(HERE, "errno", errno, scenario->errno_wanted);
    int n = host_calls();
    if(n + 1 >= (int)COUNT_OF(planned)) abort();
    for(int i = 1; i <= n; i++) planned[i] = host_call(i);
    planned[n + 1] = CALL_HMAKE;
    tear_down(h);
    return n;
}

static void run_failing(const struct scenario *scenario, int some, int n, int err)
{
    /*  In the others a handle is found or not; here it would be lost. */
    if(scenario->manner == TALKS && planned[n] == CALL_HQUERY_WS) return;
    int h = set_up(scenario, some);
    check_note("%s%s: call %d, %s, fails with %s", scenario->name,
        some ? " (some)" : "", n, call_name(planned[n]), strerrorname_np(err));
    host_fail(n, err);
    errno = 0;
    long long rc = scenario->act(h);
    int got = rc < 0 ? errno : 0;
    if(scenario->manner == TALKS) {
        tear_down(h);
        return;
    }
    int want = after_refusal(scenario, n) ? 0 : expected(scenario, n, err);
    /*  Not finding its own handle any more, detach leaves the number alone. */
    int leaves_it = rc >= 0 && n > 1 && planned[n] == CALL_HQUERY_WS;
    if(leaves_it) want = 0;
    check_int(HERE, "errno", got, want ? want : scenario->errno_wanted);
    if(scenario->again && interruption(want)) {
        host_fail(0, 0);
        int goes_on = some || !is_transfer(planned[n]);
        rc = scenario->act(h);
        if(goes_on) check_int(HERE, "again", rc, scenario->want);
        else check_err(HERE, "again", rc, errno, ECONNRESET);
    }
    if(leaves_it) hclose(h);
    tear_down(h);
}

/*  An allocation fails, and maybe a call as well. Says whether it was made. */
static int run_short_of_memory(const struct scenario *scenario, int some, int n,
    int allocation)
{
    int h = set_up(scenario, some);
    check_note("%s%s: allocation %d fails, and call %d", scenario->name,
        some ? " (some)" : "", allocation, n);
    host_fail(n, ETIMEDOUT);
    memory_fail(allocation);
    errno = 0;
    long long rc = scenario->act(h);
    int got = rc < 0 ? errno : 0;
    int failed = memory_stop() >= allocation;
    host_fail(0, 0);
    if(failed && n == 0) {
        check_int(HERE, "errno", got, ENOMEM);
        if(scenario->again)
            check_int(HERE, "again", scenario->act(h), scenario->want);
    } else if(failed && scenario->manner != TALKS) {
        CHECK(got == ENOMEM || got == expected(scenario, n, ETIMEDOUT));
    }
    tear_down(h);
    return failed;
}

static long run_short(const struct scenario *scenario, int some, int n)
{
    long runs = 0;
    while(run_short_of_memory(scenario, some, n, (int)runs + 1)) runs++;
    return runs;
}

/*  First of all, or libdill_ws would have kept what it once got. */
TEST(faults_of_memory)
{
    long runs = 0;
    for(int some = 0; some != 2; some++)
        for(size_t i = 0; i < COUNT_OF(scenarios); i++) {
            const struct scenario *scenario = &scenarios[i];
            runs += run_short(scenario, some, 0);
            int calls = run_plain(scenario, some);
            for(int n = 1; n <= calls; n++)
                if(planned[n] != CALL_HQUERY_WS) runs += run_short(scenario, some, n);
        }
    fprintf(stderr, "# %ld allocations failed\n", runs);
    CHECK_RANGE(runs, 100, INT64_MAX);
}

/*  A call that a deadline cuts in the middle of a message keeps what has come.
    Where there is no memory for it the call says so, with ENOMEM instead of
    ETIMEDOUT; that message is lost, all of it, and no other. */
static void cut_receive(int n, int *lost, int *kept)
{
    static const char frames[] =
        "\x02\x02" "ab" "\x80\x02" "cd" "\x82\x02" "ef" "\x88\x00";
    char buf[8];
    host_reset();
    int s = stream_open(frames, sizeof frames - 1, 1, 1);
    int h = ws_attach_client(s, WS_NOHTTP, NULL, NULL, DEADLINE);
    check_note("call %d fails", n);
    host_fail(n, ETIMEDOUT);
    memory_fail(1);
    int rc = (int)ws_recv(h, NULL, buf, sizeof buf, DEADLINE);
    int err = errno;
    memory_stop();
    host_fail(0, 0);
    if(rc >= 0) {
        CHECK_BYTES(buf, (size_t)rc, "abcd", 4);
    } else if(err == ENOMEM) {
        (*lost)++;
    } else {
        CHECK_INT(err, ETIMEDOUT);
        (*kept)++;
        CHECK_INT(ws_recv(h, NULL, buf, sizeof buf, DEADLINE), 4);
        CHECK_BYTES(buf, 4, "abcd", 4);
    }
    CHECK_INT(ws_recv(h, NULL, buf, sizeof buf, DEADLINE), 2);
    CHECK_BYTES(buf, 2, "ef", 2);
    CHECK_ERR(ws_recv(h, NULL, buf, sizeof buf, DEADLINE), EPIPE);
    hclose(h);
}

TEST(faults_of_memory_while_a_part_is_kept)
{
    int lost = 0, kept = 0;
    for(int n = 1; n != 25; n++) cut_receive(n, &lost, &kept);
    CHECK_RANGE(lost, 1, 25);
    CHECK_RANGE(kept, 1, 25);
}

static void run_all(int some)
{
    long runs = 0;
    for(size_t i = 0; i < COUNT_OF(scenarios); i++) {
        check_note("%s%s", scenarios[i].name, some ? " (some)" : "");
        int calls = run_plain(&scenarios[i], some);
        CHECK(calls > 0);
        for(int n = 1; n <= calls; n++)
            for(size_t e = 0; e < COUNT_OF(errnos); e++, runs++)
                run_failing(&scenarios[i], some, n, errnos[e]);
    }
    fprintf(stderr, "# %ld failures injected\n", runs);
}

TEST(faults_on_a_host_that_delivers_exact_amounts)
{
    run_all(0);
}

TEST(faults_on_a_host_that_delivers_what_has_arrived)
{
    run_all(1);
}

/*  The two functions that need no host. */
TEST(faults_none_for_the_keys)
{
    char key[WS_KEY_SIZE];
    host_reset();
    host_fail(1, EIO);
    memory_fail(1);
    CHECK_OK(ws_request_key(key));
    CHECK_OK(ws_response_key(KEY, key));
    CHECK_INT(host_calls(), 0);
    CHECK_INT(memory_stop(), 0);
}
