/*  A WebSocket client that exchanges messages with a peer that echoes:

        exchange_client PORT RESOURCE [deflate:WINDOW] CHECK...

    A check is one of

        text:SIZE, binary:SIZE      a message of SIZE bytes there and back
        close:STATUS:REASON         close and be answered with the same
        closed:STATUS:REASON        be closed like this and answer the same

    and prints one line: `ok CHECK` or `not ok CHECK: WHY`. Exits with 0 when
    all checks are ok. With deflate:WINDOW permessage-deflate is offered. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdill.h>
#include <libdill_wsx.h>

#include "echo.h"
#include "under.h"

/*  Why the running check has failed. */
static char why[256];

static int fail(const char *reason)
{
    snprintf(why, sizeof why, "%s", reason);
    return -1;
}

static int fail_errno(const char *call)
{
    snprintf(why, sizeof why, "%s: %s", call, strerror(errno));
    return -1;
}

static int connect_to(int port, const char *resource, const char *window)
{
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", port, IPADDR_IPV4) < 0)
        return fail_errno("ipaddr_local");
    int tcp = tcp_connect(&addr, limit());
    if(tcp < 0) return fail_errno("tcp_connect");
    int s = under_client(tcp);
    if(s < 0) return fail_errno("under_client");
    struct ws_opts opts = ws_defaults;
    if(window) opts.flags = WS_DEFLATE;
    if(window) opts.window = atoi(window);
    opts.maxmsg = MESSAGE_MAX;
    int ws = window ?
        ws_attach_client_opts(s, resource, "localhost", &opts, limit()) :
        ws_attach_client(s, WS_BINARY, resource, "localhost", limit());
    return ws < 0 ? fail_errno("ws_attach_client") : ws;
}

/*  Every byte depends on its place, so that nothing can get lost, doubled or
    exchanged without being noticed. */
static void fill_binary(char *buf, size_t len)
{
    uint32_t x = 1;
    for(size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        buf[i] = (char)(x >> 24);
    }
}

/*  Characters of one to four bytes. */
static void fill_text(char *buf, size_t len)
{
    static const char *const characters[] =
        {"w", "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    uint32_t x = 1;
    for(size_t i = 0; i < len;) {
        x = x * 1664525 + 1013904223;
        const char *c = characters[x >> 30];
        size_t clen = strlen(c);
        if(clen > len - i) {
            c = "w";
            clen = 1;
        }
        memcpy(buf + i, c, clen);
        i += clen;
    }
}

static int exchange(int ws, int type, const char *sent, char *received,
    size_t len)
{
    if(ws_send(ws, type, sent, len, limit()) < 0)
        return fail_errno("ws_send");
    int flags;
    ssize_t got = ws_recv(ws, &flags, received, MESSAGE_MAX, limit());
    if(got < 0) return fail_errno("ws_recv");
    if((size_t)got != len) return fail("another length");
    if(memcmp(sent, received, len) != 0) return fail("another content");
    if((flags & WS_TEXT) != type) return fail("another type");
    return 0;
}

static int check_exchange(int ws, int type, size_t len)
{
    if(len > MESSAGE_MAX) return fail("too long");
    char *sent = malloc(len + 1);
    char *received = malloc(MESSAGE_MAX);
    int rc;
    if(!sent || !received) {
        rc = fail("out of memory");
    }
    else {
        if(type == WS_TEXT) fill_text(sent, len);
        else fill_binary(sent, len);
        rc = exchange(ws, type, sent, received, len);
    }
    free(sent);
    free(received);
    return rc;
}

/*  Has the peer closed with this status and reason? */
static int check_closed(int ws, int status, const char *reason)
{
    char byte;
    if(ws_recv(ws, NULL, &byte, 1, limit()) >= 0) return fail("a message");
    if(errno != EPIPE) return fail_errno("ws_recv");
    int got_status;
    char got[REASON_MAX];
    ssize_t len = ws_status(ws, &got_status, got, sizeof got);
    if(len < 0) return fail_errno("ws_status");
    if(got_status != status || (size_t)len != strlen(reason) ||
          memcmp(got, reason, (size_t)len) != 0) {
        snprintf(why, sizeof why, "closed with %d %.*s", got_status,
            (int)len, got);
        return -1;
    }
    return 0;
}

static int check_detach(int ws, int status, const char *reason)
{
    int s = ws_detach(ws, status, reason, strlen(reason), limit());
    if(s < 0) return fail_errno("ws_detach");
    return under_close(s) < 0 ? fail_errno("under_close") : 0;
}

static int close_first(int ws, int status, const char *reason)
{
    if(ws_done(ws, status, reason, strlen(reason), limit()) < 0)
        return fail_errno("ws_done");
    return check_closed(ws, status, reason);
}

static int run(int ws, const char *check)
{
    size_t size;
    int status, at = 0;
    if(ws < 0) return -1;
    if(sscanf(check, "text:%zu", &size) == 1)
        return check_exchange(ws, WS_TEXT, size);
    if(sscanf(check, "binary:%zu", &size) == 1)
        return check_exchange(ws, WS_BINARY, size);
    if(sscanf(check, "close:%d:%n", &status, &at) == 1 && at)
        return close_first(ws, status, check + at) < 0 ? -1 :
            check_detach(ws, status, check + at);
    if(sscanf(check, "closed:%d:%n", &status, &at) == 1 && at)
        return check_closed(ws, status, check + at) < 0 ? -1 :
            check_detach(ws, status, check + at);
    return fail("no such check");
}

int main(int argc, char *argv[])
{
    if(argc < 4) {
        fprintf(stderr, "usage: exchange_client PORT RESOURCE CHECK...\n");
        return 2;
    }
    int deflates = strncmp(argv[3], "deflate:", 8) == 0;
    int ws = connect_to(atoi(argv[1]), argv[2], deflates ? argv[3] + 8 : NULL);
    int failures = 0;
    for(int i = deflates ? 4 : 3; i < argc; i++) {
        if(run(ws, argv[i]) == 0) {
            printf("ok %s\n", argv[i]);
        }
        else {
            printf("not ok %s: %s\n", argv[i], why);
            failures++;
        }
    }
    return failures > 0;
}
