/*  A tunnel through a proxy: ws_proxy(3). */

#include <libdill_wsx.h>
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "tap.h"

#define OK "HTTP/1.1 200 OK\r\n\r\n"

/*  Has a proxy answer; `*s` stays open. */
static int ask(int *s, int *fd, const char *answer, size_t kind)
{
    struct feed f = {.p = (const uint8_t*)answer, .n = strlen(answer),
        .kind = kind};
    *s = stream_open(fd);
    f.fd = *fd;
    feed_start(&f);
    int status = ws_proxy(*s, "a.example:443", NULL, SOON);
    int err = errno;
    feed_finish(&f);
    errno = err;
    return status;
}

static void done(int s, int fd)
{
    CHECK(is_handle(s));
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(e3_proxy_request)
{
    static const char *const fields[] = {
        "Proxy-Authorization: Basic YTpi", "User-Agent:x", NULL};
    static const char want[] = "CONNECT a.example:443 HTTP/1.1\r\n"
        "Host: a.example:443\r\nProxy-Authorization: Basic YTpi\r\n"
        "User-Agent:x\r\n\r\n";
    char head[512] = {0};
    int fd;
    int s = stream_open(&fd);
    CHECK_OK(wire_write(fd, OK, sizeof OK - 1));
    CHECK_INT(ws_proxy(s, "a.example:443", fields, SOON), 200);
    wire_read_head(fd, head, sizeof head);
    CHECK_BYTES(head, strlen(head), want, sizeof want - 1);
    done(s, fd);
}

TEST(e3_proxy_gives_a_tunnel)
{
    static const struct {const char *head; int status;} rows[] = {
        {OK, 200},
        {"HTTP/1.0 200 Connection established\r\n\r\n", 200},
        {"HTTP/1.1 200\r\n\r\n", 200},
        {"HTTP/1.1 299 x\r\nContent-Length: 1000\r\n\r\n", 299},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n", 200},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n" OK, 200},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        char answer[256], buf[8] = {0};
        size_t n = (size_t)snprintf(answer, sizeof answer, "%stunnel",
            rows[i].head);
        check_row(rows[i].head);
        for(size_t kind = 0; kind <= n; kind++) {
            int s, fd;
            feed_note(kind, n);
            CHECK_INT(ask(&s, &fd, answer, kind), rows[i].status);
            CHECK_OK(brecv(s, buf, 6, SOON));
            CHECK(!strcmp(buf, "tunnel"));
            CHECK_OK(bsend(s, "x", 1, SOON));
            done(s, fd);
            if(check_failed()) return;
        }
    }
}

TEST(e3_proxy_refuses)
{
    static const struct {const char *head; int status;} rows[] = {
        {"HTTP/1.1 407 Authenticate\r\nContent-Length: 2\r\n\r\nno", 407},
        {"HTTP/1.0 403 Forbidden\r\n\r\n", 403},
        {"HTTP/1.1 302 Found\r\nLocation: http://b/\r\n\r\n", 302},
        {"HTTP/1.1 101 x\r\n\r\n", 101},
        {"HTTP/1.1 599 \r\n\r\n", 599},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        int s, fd;
        check_row(rows[i].head);
        CHECK_INT(ask(&s, &fd, rows[i].head, 0), rows[i].status);
        done(s, fd);
    }
}

TEST(e3_proxy_talks_nonsense)
{
    static const char *const rows[] = {
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "\r\n" OK,
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\n"
            "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\n"
            "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\n"
            OK,
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        int s, fd;
        check_row(rows[i]);
        CHECK_ERR(ask(&s, &fd, rows[i], 0), EPROTO);
        done(s, fd);
    }
}

TEST(e3_proxy_limits)
{
    for(int over = 0; over != 2; over++) {
        for(int fields = 0; fields != 2; fields++) {
            struct bytes in = {0};
            int s, fd;
            bytes_str(&in, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
            if(fields) head_crowd(&in, FIELDS_MAX + (size_t)over);
            else head_stretch(&in, HEAD_MAX + (size_t)over);
            bytes_put(&in, "", 1);
            if(over) CHECK_ERR(ask(&s, &fd, (char*)in.p, 0), EMSGSIZE);
            else CHECK_INT(ask(&s, &fd, (char*)in.p, 0), 200);
            done(s, fd);
            bytes_free(&in);
        }
    }
}

/*  Nothing is sent, and the stream is as it was. */
static void check_invalid(const char *authority, const char *field)
{
    const char *const fields[] = {"A: b", field, NULL};
    int fd;
    int s = stream_open(&fd);
    check_note("authority %s, field %s", authority, field);
    CHECK_ERR(ws_proxy(s, authority, fields, SOON), EINVAL);
    CHECK_OK(bsend(s, "x", 1, SOON));
    char c;
    CHECK_INT(wire_read(fd, &c, 1, WIRE_PATIENCE), 1);
    CHECK_INT(c, 'x');
    done(s, fd);
}

TEST(e3_proxy_arguments)
{
    static const char *const bad[] = {NULL, "", "a", "a:", ":80", "a:0",
        "a:65536", "a:80/", "a:80 ", "a b:80", "http://a:80", "u@a:80", "::1",
        "[::1]", "a:80\r\nB: c", "a:+80", "a\t:80", "a#:80"};
    static const char *const lines[] = {"", "A", "A: b\r\nC: d", "A : b",
        "Host: a:80", "Content-Length: 5", "transfer-encoding: chunked",
        "Connection: close", "Upgrade: x", "A: \n"};
    for(size_t i = 0; i != COUNT_OF(bad); i++) check_invalid(bad[i], NULL);
    for(size_t i = 0; i != COUNT_OF(lines); i++)
        check_invalid("a:80", lines[i]);
}

TEST(e3_proxy_wants_a_stream)
{
    int pair[2];
    CHECK_ERR(ws_proxy(-1, "a:80", NULL, SOON), EBADF);
    CHECK_OK(chmake(pair));
    CHECK_ERR(ws_proxy(pair[0], "a:80", NULL, SOON), ENOTSUP);
    CHECK(is_handle(pair[0]));
    CHECK_OK(hclose(pair[0]));
    CHECK_OK(hclose(pair[1]));
}

TEST(e3_proxy_goes_away)
{
    for(size_t n = 0; n != sizeof OK - 1; n++) {
        int fd;
        int s = stream_open(&fd);
        check_note("ends behind %zu bytes", n);
        wire_write(fd, OK, n);
        wire_end(fd);
        CHECK_ERR(ws_proxy(s, "a:80", NULL, SOON), ECONNRESET);
        done(s, fd);
    }
}

TEST(e3_proxy_deadline)
{
    int fd;
    int s = stream_open(&fd);
    CHECK_ERR(ws_proxy(s, "a:80", NULL, now() + 5), ETIMEDOUT);
    done(s, fd);
}

/*  Through the tunnel a WebSocket is opened like over any other stream. */
TEST(e3_proxy_carries_a_websocket)
{
    struct conn c = {.role = CLIENT};
    c.h = stream_open(&c.fd);
    CHECK_OK(wire_write(c.fd, OK, sizeof OK - 1));
    CHECK_INT(ws_proxy(c.h, "a:80", NULL, SOON), 200);
    char head[512];
    CHECK(wire_read_head(c.fd, head, sizeof head) > 0);
    c.h = ws_attach_client(c.h, WS_NOHTTP, NULL, NULL, SOON);
    CHECK_OK(c.h);
    CHECK_INTACT(&c);
    conn_close(&c);
}
