/*  Connecting by URL: ws_connect(3). */

#include <libdill_wsx.h>
#include <stdio.h>
#include <string.h>

#include "certificates.h"
#include "http.h"
#include "tap.h"

/*  Not every libdill has it. */
#pragma weak dill_tls_attach_server

/*  ws_why names the step that has failed. */
#define CHECK_WHY(words) \
    do { \
        if(!strstr(ws_why(), (words))) check_fail(HERE, "it is \"%s\"", ws_why()); \
    } while(0)

#define FAR_AWAY (now() + check_ms(10000))

/*  Has the host what this project's has? */
static int host_is_ours(void)
{
    return hquery(-1, DILL_HOST_TYPE) != NULL;
}

/*  A server of one connection on a free port of 127.0.0.1, or ::1. */
struct server {
    int listener;
    int port;
    int cr;
    /*  What it is to do: speak TLS with this certificate; answer so, or
        accept. */
    const char *name;
    int status;
    const char *protocols;
    /*  What it has seen. */
    int tls;
    int request;
    char path[64];
    char authority[64];
    char authorization[64];
};

static void serve(struct server *self)
{
    int s = tcp_accept(self->listener, NULL, FAR_AWAY);
    if(s < 0) return;
    if(self->name) {
        s = tls_attach_server(s, certificate(self->name),
            certificate("good.key"), FAR_AWAY);
        if(s < 0) return;
        self->tls = 1;
    }
    int r = ws_request(s, FAR_AWAY);
    if(r < 0) return;
    self->request = 1;
    ws_field(r, ":path", 0, self->path, sizeof self->path);
    ws_field(r, ":authority", 0, self->authority, sizeof self->authority);
    ws_field(r, "Authorization", 0, self->authorization,
        sizeof self->authorization);
    if(self->status) {
        static const char *const fields[] = {"Location: /b", NULL};
        s = ws_respond(r, self->status, fields, "sorry", 5, FAR_AWAY);
        if(s >= 0) hclose(s);
        return;
    }
    struct ws_opts opts = ws_defaults;
    opts.protocols = self->protocols;
    int h = ws_accept(r, &opts, FAR_AWAY);
    if(h < 0) return;
    char buf[16];
    ssize_t n = ws_recv(h, NULL, buf, sizeof buf, FAR_AWAY);
    if(n >= 0) ws_send(h, WS_TEXT, buf, (size_t)n, FAR_AWAY);
    s = ws_detach(h, 1000, NULL, 0, FAR_AWAY);
    if(s >= 0) hclose(s);
}

static coroutine void run_server(struct server *self)
{
    serve(self);
}

static void server_start(struct server *self, const char *address)
{
    struct ipaddr addr;
    /*  The client has to trust its authority. */
    if(self->name) certificate(self->name);
    CHECK_OK(ipaddr_local(&addr, address, 0, 0));
    self->listener = tcp_listen(&addr, 10);
    CHECK_OK(self->listener);
    self->port = ipaddr_port(&addr);
    self->cr = go(run_server(self));
    CHECK_OK(self->cr);
}

static void server_finish(struct server *self)
{
    hclose(self->cr);
    hclose(self->listener);
}

static void echo(int h)
{
    char buf[16] = {0};
    CHECK_OK(ws_send(h, WS_TEXT, "hello", 5, SOON));
    CHECK_INT(ws_recv(h, NULL, buf, sizeof buf, SOON), 5);
    CHECK(!strcmp(buf, "hello"));
    CHECK_ERR(ws_recv(h, NULL, buf, sizeof buf, SOON), EPIPE);
    int s = ws_detach(h, 0, NULL, 0, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
}

static void check_connects(const char *scheme, const char *host,
    const char *address, const char *path, const char *path_wanted)
{
    struct server server = {.name = strcmp(scheme, "wss") ? NULL : "good.pem"};
    char url[128], authority[64];
    server_start(&server, address);
    snprintf(url, sizeof url, "%s://%s:%d%s", scheme, host, server.port, path);
    snprintf(authority, sizeof authority, "%s:%d", host, server.port);
    check_note("%s", url);
    int h = ws_connect(url, NULL, FAR_AWAY);
    CHECK_OK(h);
    if(h >= 0) echo(h);
    CHECK(!strcmp(server.path, path_wanted));
    CHECK(!strcmp(server.authority, authority));
    CHECK_INT(server.tls, server.name != NULL);
    server_finish(&server);
}

TEST(e3_connect_by_url)
{
    check_connects("ws", "127.0.0.1", "127.0.0.1", "/a/b?c=d", "/a/b?c=d");
    check_connects("WS", "127.0.0.1", "127.0.0.1", "", "/");
    check_connects("ws", "127.0.0.1", "127.0.0.1", "?c", "/?c");
    check_connects("ws", "[::1]", "::1", "/", "/");
}

TEST(e3_connect_by_name)
{
    if(!host_is_ours()) NA("libdill's resolver uses memory that it has not set");
    check_connects("ws", "localhost", "127.0.0.1", "/", "/");
}

TEST(e3_connect_what_is_no_url)
{
    static const char *const urls[] = {NULL, "", "/", "a", "127.0.0.1",
        "http://127.0.0.1/", "ws:127.0.0.1", "ws:///", "ws://:80/",
        "ws://u@127.0.0.1/", "ws://u:p@127.0.0.1/", "ws://127.0.0.1/#a",
        "ws://127.0.0.1#", "ws://127.0.0.1:0/", "ws://127.0.0.1:65536/",
        "ws://127.0.0.1:80x/", "ws://[::1/", "ws://::1/", "ws://127.0.0.1/a b",
        "ws://127.0.0.1/\r\nA: b", "ws://127.0.0.1/%", "ws://a b/",
        "ws://a\r\nb/", "wss://", "ws://127.0.0.1\\/", " ws://127.0.0.1/"};
    for(size_t i = 0; i != COUNT_OF(urls); i++) {
        check_note("%s", urls[i]);
        CHECK_ERR(ws_connect(urls[i], NULL, SOON), EINVAL);
        if(urls[i]) CHECK_WHY("URL");
    }
}

TEST(e3_connect_no_such_host)
{
    if(!host_is_ours()) NA("libdill's resolver uses memory that it has not set");
    /*  RFC 6761, section 6.4. A system without any resolver cannot tell. */
    errno = 0;
    CHECK_INT(ws_connect("ws://host.invalid/", NULL, FAR_AWAY), -1);
    if(errno != EADDRNOTAVAIL && errno != EAGAIN && errno != EIO)
        check_fail(HERE, "errno is %d", errno);
    CHECK_WHY("address");
}

/*  A port of 127.0.0.1 where nobody listens. */
static int free_port(void)
{
    struct ipaddr addr;
    CHECK_OK(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    int listener = tcp_listen(&addr, 1);
    CHECK_OK(listener);
    CHECK_OK(hclose(listener));
    return ipaddr_port(&addr);
}

TEST(e3_connect_nobody_accepts)
{
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", free_port());
    CHECK_ERR(ws_connect(url, NULL, FAR_AWAY), ECONNREFUSED);
    CHECK_WHY("does not accept the connection");
}

/*  While a call waits, its strings go. */
struct spoil {char *strings[2];};

static coroutine void spoil_strings(struct spoil *self)
{
    /*  Not before the call. */
    yield();
    for(size_t i = 0; i != COUNT_OF(self->strings); i++)
        memset(self->strings[i], 'x', strlen(self->strings[i]));
}

TEST(e3_connect_refused_by_http)
{
    static const int statuses[] = {200, 302, 401, 503};
    for(size_t i = 0; i != COUNT_OF(statuses); i++) {
        struct server server = {.status = statuses[i]};
        struct ws_opts opts = ws_defaults;
        int status = -1;
        char url[64], head[256], value[8];
        opts.status = &status;
        opts.head = head;
        opts.headlen = sizeof head;
        server_start(&server, "127.0.0.1");
        snprintf(url, sizeof url, "ws://127.0.0.1:%d/", server.port);
        check_note("status %d", statuses[i]);
        CHECK_ERR(ws_connect(url, &opts, FAR_AWAY), EPROTO);
        CHECK_WHY("status is not 101");
        CHECK_INT(status, statuses[i]);
        CHECK_INT(ws_headfield(head, ":status", 0, value, sizeof value), 3);
        CHECK_INT(ws_headfield(head, "Location", 0, value, sizeof value), 2);
        CHECK(!strcmp(value, "/b"));
        server_finish(&server);
    }
}

TEST(e3_connect_with_options)
{
    static const char *const fields[] = {"Authorization: Bearer 1", NULL};
    struct server server = {.protocols = "c, b"};
    struct ws_opts opts = ws_defaults;
    int status = -1;
    char url[64], head[512], value[16], protocols[] = "a, b";
    opts.flags = WS_TEXT | WS_NEEDPROTO;
    opts.protocols = protocols;
    opts.fields = fields;
    opts.status = &status;
    opts.head = head;
    opts.headlen = sizeof head;
    server_start(&server, "127.0.0.1");
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", server.port);
    /*  They are read before the first wait, and never again. */
    struct spoil spoil = {{url, protocols}};
    int cr = go(spoil_strings(&spoil));
    int h = ws_connect(url, &opts, FAR_AWAY);
    CHECK_OK(h);
    hclose(cr);
    CHECK_INT(url[0], 'x');
    if(h >= 0) echo(h);
    CHECK_INT(status, 101);
    CHECK_INT(ws_headfield(head, "Sec-WebSocket-Protocol", 0, value,
        sizeof value), 1);
    CHECK_INT(value[0], 'b');
    CHECK(!strcmp(server.authorization, "Bearer 1"));
    server_finish(&server);
}

TEST(e3_connect_with_bad_options)
{
    struct {struct ws_opts opts; char more[8];} newer = {ws_defaults, "x"};
    struct ws_opts opts = ws_defaults;
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", free_port());
    newer.opts.size += sizeof newer.more;
    CHECK_ERR(ws_connect(url, &newer.opts, FAR_AWAY), E2BIG);
    opts.protocols = "a b";
    CHECK_ERR(ws_connect(url, &opts, FAR_AWAY), EINVAL);
    opts.protocols = NULL;
    opts.origin = "not an origin";
    CHECK_ERR(ws_connect(url, &opts, FAR_AWAY), EINVAL);
    opts.origin = NULL;
    opts.flags = WS_NOHTTP | WS_NEEDPROTO;
    CHECK_ERR(ws_connect(url, &opts, FAR_AWAY), EINVAL);
}

/*  A server that accepts and then says nothing. */
TEST(e3_connect_deadline)
{
    struct ipaddr addr;
    char url[64];
    CHECK_OK(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    int listener = tcp_listen(&addr, 10);
    CHECK_OK(listener);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", ipaddr_port(&addr));
    CHECK_ERR(ws_connect(url, NULL, now() + 20), ETIMEDOUT);
    CHECK_OK(hclose(listener));
}

/**** TLS ****/

TEST(e3_connect_wss)
{
    if(!host_is_ours()) NA("libdill is not asked for TLS");
    check_connects("wss", "localhost", "127.0.0.1", "/a?b", "/a?b");
    check_connects("wss", "127.0.0.1", "127.0.0.1", "/", "/");
}

TEST(e3_connect_wss_on_libdill)
{
    if(host_is_ours()) NA("this host has TLS");
    struct server server = {0};
    char url[64];
    server_start(&server, "127.0.0.1");
    snprintf(url, sizeof url, "wss://127.0.0.1:%d/", server.port);
    CHECK_ERR(ws_connect(url, NULL, SOON), ENOTSUP);
    CHECK_WHY("TLS");
    CHECK_INT(server.request, 0);
    server_finish(&server);
}

TEST(e3_connect_wss_certificates)
{
    static const char *const names[] = {"other.pem", "expired.pem",
        "untrusted.pem", "selfsigned.pem"};
    static const char *const words[] = {"another name", "expired",
        "unknown authority", "authority"};
    if(!host_is_ours()) NA("libdill is not asked for TLS");
    for(size_t i = 0; i != COUNT_OF(names); i++) {
        struct server server = {.name = names[i]};
        char url[64];
        server_start(&server, "127.0.0.1");
        snprintf(url, sizeof url, "wss://localhost:%d/", server.port);
        check_note("%s", names[i]);
        CHECK_ERR(ws_connect(url, NULL, FAR_AWAY), EACCES);
        CHECK_WHY(words[i]);
        CHECK_INT(server.request, 0);
        server_finish(&server);
    }
}

TEST(e3_connect_wss_to_what_is_no_tls)
{
    if(!host_is_ours()) NA("libdill is not asked for TLS");
    struct server server = {0};
    char url[64];
    certificate("root.pem");
    server_start(&server, "127.0.0.1");
    snprintf(url, sizeof url, "wss://localhost:%d/", server.port);
    int status = -1;
    struct ws_opts opts = ws_defaults;
    opts.status = &status;
    CHECK_ERR(ws_connect(url, &opts, FAR_AWAY), EPROTO);
    CHECK_WHY("TLS");
    CHECK_INT(status, 0);
    CHECK_INT(server.request, 0);
    server_finish(&server);
}
