/*  errno after a success of the WebSocket functions: what it was before the
    call, or 0 if the call has waited, beside a coroutine that fails each time
    it runs. */

#include <string.h>

#include "quiet.h"
#include "tap.h"

#define Q(expr) QUIET(expr, excused)

static coroutine void fail_for_ever(void)
{
    do {
        CHECK_ERR(ws_send(-1, WS_TEXT, "x", 1, -1), EBADF);
        errno = OF_OTHERS;
    } while(yield() == 0);
    errno = OF_OTHERS;
}

/*  Bytes that the peer sends while the call under test waits. */
struct later {int fd; const struct bytes *b;};

static coroutine void send_later(struct later *l)
{
    if(msleep(now() + 2) == 0) wire_send(l->fd, l->b);
    errno = OF_OTHERS;
}

#define WAITS_FOR(fd, b, expr) \
    __extension__({ \
        struct later later_ = {fd, b}; \
        int cr_ = go(send_later(&later_)); \
        int got_ = WAITS(expr); \
        CHECK_OK(hclose(cr_)); \
        got_; \
    })

static void keys(int *excused)
{
    char key[WS_KEY_SIZE], response[WS_KEY_SIZE];
    Q(ws_request_key(key));
    Q(ws_response_key(key, response));
}

/*  The part that the WebSocket plays. */
static enum role part;

static void messages(int *excused)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    struct iolist list = {.iol_base = buf, .iol_len = sizeof buf};
    memset(buf, 'x', sizeof buf);
    conn_open(&c, part, 0);
    Q(ws_send(c.h, WS_TEXT, buf, 3, SOON));
    Q(ws_sendl(c.h, WS_BINARY, &list, &list, SOON));
    Q(msend(c.h, buf, 3, SOON));
    Q(msendl(c.h, &list, &list, SOON));
    peer_ping(&in, part, "p");
    peer_part(&in, part, OP_TEXT, 0, "a", 1);
    peer_part(&in, part, OP_CONT, 1, "b", 1);
    wire_send(c.fd, &in);
    CHECK_OK(msleep(now() + 2));
    CHECK_INT(Q(ws_recv(c.h, NULL, buf, sizeof buf, SOON)), 2);
    CHECK_INT(WAITS_FOR(c.fd, &in, ws_recv(c.h, NULL, buf, sizeof buf, SOON)), 2);
    CHECK_INT(WAITS_FOR(c.fd, &in, ws_recvl(c.h, NULL, &list, &list, SOON)), 2);
    wire_send(c.fd, &in);
    CHECK_OK(msleep(now() + 2));
    CHECK_INT(Q(ws_recvl(c.h, NULL, &list, &list, SOON)), 2);
    in.n = 0;
    peer_message(&in, part, OP_BINARY, "cd", 2);
    CHECK_INT(WAITS_FOR(c.fd, &in, mrecv(c.h, buf, sizeof buf, SOON)), 2);
    CHECK_INT(WAITS_FOR(c.fd, &in, mrecvl(c.h, &list, &list, SOON)), 2);
    bytes_free(&in);
    conn_close(&c);
}

static void closing(int *excused)
{
    struct conn c;
    struct bytes in = {0};
    int status;
    char buf[8];
    peer_close(&in, part, 1000, "bye", 3);
    conn_open(&c, part, 0);
    Q(ws_done(c.h, 1000, "ok", 2, SOON));
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPIPE);
    Q(ws_status(c.h, &status, buf, sizeof buf));
    CHECK_OK(hclose(Q(ws_detach(c.h, 0, NULL, 0, SOON))));
    c.h = -1;
    conn_close(&c);
    conn_open(&c, part, 0);
    CHECK_OK(hclose(WAITS_FOR(c.fd, &in, ws_detach(c.h, 0, NULL, 0, SOON))));
    c.h = -1;
    conn_close(&c);
    bytes_free(&in);
}

static void attaching(int *excused)
{
    struct ws_storage mem;
    for(int i = 0; i != 4; i++) {
        struct conn c = {.role = i < 2 ? CLIENT : SERVER};
        int s = stream_open(&c.fd);
        c.h = i == 0 ? Q(ws_attach_client(s, WS_NOHTTP, NULL, NULL, SOON)) :
            i == 1 ? Q(ws_attach_client_mem(s, WS_NOHTTP, NULL, NULL, &mem,
                SOON)) :
            i == 2 ? Q(ws_attach_server(s, WS_NOHTTP, NULL, 0, NULL, 0, SOON)) :
            Q(ws_attach_server_mem(s, WS_NOHTTP, NULL, 0, NULL, 0, &mem,
                SOON));
        conn_close(&c);
    }
}

static void shaking_hands(int *excused)
{
    struct bytes request = {0};
    char resource[8], host[8];
    bytes_str(&request,
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n");
    for(int waits = 0; waits != 2; waits++) {
        int fd;
        int s = stream_open(&fd);
        if(!waits) wire_send(fd, &request);
        CHECK_OK(msleep(now() + 2));
        int h = waits ?
            WAITS_FOR(fd, &request, ws_attach_server(s, 0, resource,
                sizeof resource, host, sizeof host, SOON)) :
            Q(ws_attach_server(s, 0, resource, sizeof resource, host,
                sizeof host, SOON));
        CHECK_OK(hclose(h));
        wire_close(fd);
    }
    bytes_free(&request);
}

static void check_quiet(void (*fn)(int *excused))
{
    int others = go(fail_for_ever());
    TRY_QUIETLY(fn);
    CHECK_OK(hclose(others));
}

TEST(s2_errno_after_making_keys)
{
    check_quiet(keys);
}

TEST(s2_errno_after_attaching)
{
    check_quiet(attaching);
    check_quiet(shaking_hands);
}

TEST_ROLES(s2_errno_after_messages)
{
    part = role;
    check_quiet(messages);
}

TEST_ROLES(s2_errno_after_closing)
{
    part = role;
    check_quiet(closing);
}
