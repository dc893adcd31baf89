/*  errno after a success of the functions for the HTTP around a WebSocket: see
    s2_errno.c. */

#include <libdill_wsx.h>
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "quiet.h"
#include "tap.h"

#define Q(expr) QUIET(expr, excused)

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define UPGRADE \
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n" \
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: " RFC_KEY "\r\n\r\n"

static coroutine void fail_for_ever(void)
{
    do {
        CHECK_ERR(ws_request(-1, -1), EBADF);
        errno = OF_OTHERS;
    } while(yield() == 0);
    errno = OF_OTHERS;
}

/*  What the peer sends while the call under test waits. */
struct later {int fd; const char *text;};

static coroutine void send_later(struct later *l)
{
    if(msleep(now() + 2) == 0) wire_write(l->fd, l->text, strlen(l->text));
    errno = OF_OTHERS;
}

#define WAITS_FOR(fd, text, expr) \
    __extension__({ \
        struct later later_ = {fd, text}; \
        int cr_ = go(send_later(&later_)); \
        int got_ = WAITS(expr); \
        CHECK_OK(hclose(cr_)); \
        got_; \
    })

/*  A stream on which this has arrived. */
static int stream_with(const char *text, int *fd)
{
    int s = stream_open(fd);
    CHECK_OK(wire_write(*fd, text, strlen(text)));
    CHECK_OK(msleep(now() + 2));
    return s;
}

static void requests(int *excused)
{
    int fd;
    char buf[16];
    int s = stream_with(GET, &fd);
    int r = Q(ws_request(s, SOON));
    Q(ws_field(r, "host", 0, buf, sizeof buf));
    Q(ws_field(r, ":path", 0, NULL, 0));
    s = Q(ws_respond(r, 200, NULL, "x", 1, SOON));
    r = WAITS_FOR(fd, GET, ws_request(s, SOON));
    CHECK_OK(hclose(Q(ws_respond(r, 0, NULL, NULL, 0, SOON))));
    wire_close(fd);
    s = stream_with(UPGRADE, &fd);
    r = Q(ws_request(s, SOON));
    CHECK_OK(hclose(Q(ws_accept(r, NULL, SOON))));
    wire_close(fd);
    Q(ws_headfield("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "a", 0, buf, sizeof buf));
}

static void proxies(int *excused)
{
    int fd;
    int s = stream_with("HTTP/1.1 200 OK\r\n\r\n", &fd);
    Q(ws_proxy(s, "a:80", NULL, SOON));
    WAITS_FOR(fd, "HTTP/1.1 200 OK\r\n\r\n", ws_proxy(s, "a:80", NULL, SOON));
    CHECK_OK(hclose(s));
    wire_close(fd);
}

static coroutine void accept_one(int listener)
{
    int s = tcp_accept(listener, NULL, SOON);
    int h = s < 0 ? -1 : ws_accept(ws_request(s, SOON), NULL, SOON);
    if(h >= 0) hclose(h);
    errno = OF_OTHERS;
}

static void connecting(int *excused)
{
    struct ipaddr addr;
    char url[64];
    (void)excused;
    CHECK_OK(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    int listener = tcp_listen(&addr, 1);
    CHECK_OK(listener);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", ipaddr_port(&addr));
    int server = go(accept_one(listener));
    CHECK_OK(hclose(WAITS(ws_connect(url, NULL, SOON))));
    CHECK_OK(hclose(server));
    CHECK_OK(hclose(listener));
}

static void check_quiet(void (*fn)(int *excused))
{
    int others = go(fail_for_ever());
    TRY_QUIETLY(fn);
    CHECK_OK(hclose(others));
}

TEST(e3_errno_after_requests)
{
    check_quiet(requests);
}

TEST(e3_errno_after_asking_a_proxy)
{
    check_quiet(proxies);
}

TEST(e3_errno_after_connecting)
{
    check_quiet(connecting);
}
