/*  Why a function has failed, in words: ws_why(3). Each rule and each refusal
    has its own. */

#include <stdio.h>
#include <string.h>

#include "http.h"
#include "tap.h"

#include <libdill_wsx.h>

static void expect_why(struct at at, const char *words)
{
    const char *why = ws_why();
    if(!strstr(why, words))
        check_fail(at, "ws_why is \"%s\", want \"%s\"", why, words);
}
#define WHY(words) expect_why(HERE, words)

TEST(e8_nothing_has_failed)
{
    struct conn c;
    CHECK(ws_why()[0] == 0);
    conn_open(&c, SERVER, 0);
    CHECK_OK(ws_send(c.h, WS_TEXT, "x", 1, SOON));
    CHECK(ws_why()[0] == 0);
    CHECK_ERR(ws_send(c.h, WS_TEXT, "\xff", 1, SOON), EINVAL);
    CHECK(ws_why()[0] != 0);
    const char *why = ws_why();
    CHECK_OK(ws_send(c.h, WS_TEXT, "x", 1, SOON));
    CHECK(ws_why() == why);
    conn_close(&c);
}

/**** Rules of frames ****/

TEST(e8_violations)
{
    const struct {struct frame frames[2]; const char *words;} rules[] = {
        {{{.rsv = 4, .opcode = OP_TEXT}}, "reserved bit that was not agreed on, RFC 6455 5.2"},
        {{{.opcode = 3}}, "opcode that is not defined, RFC 6455 5.2"},
        {{{.opcode = OP_TEXT, .masked = -1}}, "without a mask or a server's with one, RFC 6455 5.1"},
        {{{.opcode = OP_PING, .more = 1}}, "a fragmented control frame, RFC 6455 5.5"},
        {{{.opcode = OP_PING, .form = 16, .lie = 1, .declared = 126}}, "more than 125 bytes, RFC 6455 5.5"},
        {{{.opcode = OP_TEXT, .form = 16}}, "longer form than it needs, RFC 6455 5.2"},
        {{{.opcode = OP_TEXT, .form = 64, .lie = 1, .declared = (uint64_t)1 << 63}}, "more than 63 bits, RFC 6455 5.2"},
        {{{.opcode = OP_CONT}}, "a continuation of no message, RFC 6455 5.4"},
        {{{.opcode = OP_TEXT, .more = 1}, {.opcode = OP_TEXT}}, "inside a fragmented one, RFC 6455 5.4"},
        {{{.opcode = OP_CLOSE, .payload = "x", .len = 1}}, "a close frame of one byte, RFC 6455 5.5.1"},
        {{{.opcode = OP_CLOSE, .payload = "\0\1", .len = 2}}, "a close code that must not be sent, RFC 6455 7.4"},
        {{{.opcode = OP_TEXT, .payload = "\xff", .len = 1}}, "text that is not UTF-8, RFC 6455 8.1"},
    };
    for(size_t i = 0; i != COUNT_OF(rules); i++) {
        struct conn c;
        struct bytes in = {0};
        check_note("rule %zu", i);
        conn_open(&c, SERVER, 0);
        for(size_t j = 0; j != 2; j++) {
            struct frame f = rules[i].frames[j];
            int wrong_mask = f.masked < 0;
            f.masked = 0;
            if(j == 1 && !f.opcode) break;
            if(wrong_mask) frame_put(&in, f);
            else peer_put(&in, SERVER, f);
        }
        wire_send(c.fd, &in);
        char buf[8];
        CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
        WHY(rules[i].words);
        conn_close(&c);
        bytes_free(&in);
    }
    /*  What lingers is closed when it is seen that the peer is gone. */
    CHECK_OK(msleep(now() + 20));
}

/**** Refused requests ****/

TEST(e8_refusals)
{
    static char many[200 * 8 + 1];
    for(size_t i = 0; i != 200; i++) memcpy(many + 8 * i, "Ab: cd\r\n", 8);
    const struct {struct request request; const char *words; int err; int flags; const char *protocols;} cases[] = {
        {{.line = "GET /"}, "no HTTP", EPROTO, 0, NULL},
        {{.line = "GET / HTTP/1.0"}, "HTTP is below 1.1", EPROTO, 0, NULL},
        {{.line = "POST / HTTP/1.1"}, "method is not GET", EPROTO, 0, NULL},
        {{.host = ""}, "Host is missing", EPROTO, 0, NULL},
        {{.more = "Content-Length: 1\r\n"}, "has a body", EPROTO, 0, NULL},
        {{.upgrade = ""}, "ask for no websocket", EPROTO, 0, NULL},
        {{.version = ""}, "Sec-WebSocket-Version is missing", EPROTO, 0, NULL},
        {{.version = "Sec-WebSocket-Version: 8"}, "Sec-WebSocket-Version is not 13", EPROTO, 0, NULL},
        {{.key = ""}, "Sec-WebSocket-Key is missing", EPROTO, 0, NULL},
        {{.more = "Origin: https://evil.example\r\n"}, "Origin names one", EPROTO, 0, NULL},
        {{.more = NULL}, "Sec-WebSocket-Protocol names none", EPROTO, WS_NEEDPROTO, "a"},
        {{.more = many}, "more than 128 fields", EMSGSIZE, 0, NULL},
    };
    for(size_t i = 0; i != COUNT_OF(cases); i++) {
        struct ws_opts o = ws_defaults;
        struct bytes in = {0};
        int fd;
        int s = stream_open(&fd);
        check_note("refusal %zu", i);
        o.flags = cases[i].flags;
        o.protocols = cases[i].protocols;
        request_put(&in, &cases[i].request);
        wire_send(fd, &in);
        wire_end(fd);
        CHECK_ERR(ws_attach_server_opts(s, &o, SOON), cases[i].err);
        WHY(cases[i].words);
        wire_close(fd);
        bytes_free(&in);
    }
    /*  The buffers that are too short. */
    for(int host = 0; host != 2; host++) {
        struct bytes in = {0};
        char small[1], large[64];
        int fd;
        int s = stream_open(&fd);
        request_put(&in, &(struct request){0});
        wire_send(fd, &in);
        wire_end(fd);
        CHECK_ERR(host ? ws_attach_server(s, 0, large, sizeof large, small, 1, SOON) :
            ws_attach_server(s, 0, small, 1, large, sizeof large, SOON), EMSGSIZE);
        WHY(host ? "host is longer" : "resource is longer");
        wire_close(fd);
        bytes_free(&in);
    }
}

/**** Answers that are none ****/

struct peer {int fd; const struct response *response; int interim;};

static coroutine void answer(struct peer *p)
{
    char head[2048], key[128];
    struct bytes out = {0};
    if(!wire_read_head(p->fd, head, sizeof head)) return;
    snprintf(key, sizeof key, "%s", field_value(head, "Sec-WebSocket-Key"));
    for(int i = 0; i != p->interim; i++) bytes_str(&out, "HTTP/1.1 103 Early Hints\r\n\r\n");
    response_put(&out, p->response, key);
    wire_send(p->fd, &out);
    bytes_free(&out);
}

TEST(e8_answers)
{
    static char many[200 * 8 + 1];
    for(size_t i = 0; i != 200; i++) memcpy(many + 8 * i, "Ab: cd\r\n", 8);
    const struct {struct response response; const char *words; int err; int flags; const char *protocols; int interim;} cases[] = {
        {{.line = "HTTP/1.1"}, "no HTTP", EPROTO, 0, NULL, 0},
        {{.line = "HTTP/1.0 101 x"}, "not of HTTP/1.1", EPROTO, 0, NULL, 0},
        {{.line = "HTTP/1.1 404 x"}, "status is not 101", EPROTO, 0, NULL, 0},
        {{.upgrade = ""}, "Upgrade does not name", EPROTO, 0, NULL, 0},
        {{.connection = ""}, "Connection does not name", EPROTO, 0, NULL, 0},
        {{.accept = ""}, "Sec-WebSocket-Accept does not answer our key", EPROTO, 0, NULL, 0},
        {{.more = "Sec-WebSocket-Extensions: x\r\n"}, "Sec-WebSocket-Extensions does not answer", EPROTO, 0, NULL, 0},
        {{.more = "Sec-WebSocket-Protocol: x\r\n"}, "Sec-WebSocket-Protocol names none", EPROTO, 0, NULL, 0},
        {{.more = NULL}, "Sec-WebSocket-Protocol is missing", EPROTO, WS_NEEDPROTO, "a", 0},
        {{.more = many}, "more than 128 fields", EMSGSIZE, 0, NULL, 0},
        {{.more = NULL}, "more than 8 interim answers", EPROTO, 0, NULL, 9},
    };
    for(size_t i = 0; i != COUNT_OF(cases); i++) {
        struct ws_opts o = ws_defaults;
        int fd;
        int s = stream_open(&fd);
        struct peer p = {fd, &cases[i].response, cases[i].interim};
        check_note("answer %zu", i);
        int cr = go(answer(&p));
        o.flags = cases[i].flags;
        o.protocols = cases[i].protocols;
        CHECK_ERR(ws_attach_client_opts(s, "/", "a", &o, SOON), cases[i].err);
        WHY(cases[i].words);
        CHECK_OK(hclose(cr));
        wire_close(fd);
    }
}

/**** Limits, and the rest ****/

TEST(e8_limits)
{
    struct conn c;
    struct bytes in = {0};
    char buf[8], key[WS_KEY_SIZE];
    conn_open(&c, SERVER, 0);
    peer_message(&in, SERVER, OP_TEXT, "0123456789", 10);
    peer_close(&in, SERVER, 1000, "good bye", 8);
    wire_send(c.fd, &in);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
    WHY("more than the buffer has room for");
    CHECK_ERR(ws_status(c.h, NULL, NULL, 0), EAGAIN);
    WHY("close frame has not come");
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPIPE);
    WHY("closed in order");
    CHECK_ERR(ws_status(c.h, NULL, buf, 3), EMSGSIZE);
    WHY("more than the buffer has room for");
    CHECK_ERR(ws_response_key("x", key), EPROTO);
    WHY("16 bytes of base64");
    CHECK_ERR(ws_recv(-1, NULL, buf, 1, SOON), EBADF);
    WHY("no handle");
    conn_close(&c);
    struct ws_opts o = ws_defaults;
    o.maxmsg = 3;
    o.flags = WS_NOHTTP;
    c.role = SERVER;
    c.h = ws_attach_server_opts(stream_open(&c.fd), &o, SOON);
    CHECK_ERR(ws_recv(c.h, NULL, buf, 1, BRIEFLY), ETIMEDOUT);
    WHY("deadline");
    if(host_keeps_streams()) {
        wire_send(c.fd, &in);
        CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EMSGSIZE);
        WHY("maxmsg");
    }
    conn_close(&c);
    bytes_free(&in);
}

/*  The words of a thread are its own. */
TEST(e8_other_handles)
{
    int ch[2], fd;
    CHECK_OK(chmake(ch));
    CHECK_ERR(ws_attach_client(ch[0], WS_NOHTTP, NULL, NULL, SOON), EPROTO);
    WHY("no byte stream");
    CHECK_OK(hclose(ch[1]));
    CHECK_ERR(ws_attach_client(stream_open(&fd), 0, "/", NULL, SOON), EINVAL);
    WHY("an argument");
    wire_close(fd);
    struct conn c;
    struct bytes in = {0};
    char buf[8];
    conn_open(&c, CLIENT, WS_TEXT);
    peer_message(&in, CLIENT, OP_BINARY, "x", 1);
    wire_send(c.fd, &in);
    CHECK_ERR(mrecv(c.h, buf, sizeof buf, SOON), EPROTO);
    WHY("other type");
    conn_close(&c);
    bytes_free(&in);
}
