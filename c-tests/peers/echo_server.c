/*  A WebSocket echo server: `echo_server [WINDOW]`. It listens on a free port of the
    loopback interface, prints `port NUMBER`, and prints `closed STATUS REASON`
    for every close frame it receives. A connection for the resource
    /close/STATUS is closed by the server, with the reason CLOSE_REASON. The
    end of standard input ends the server.

    With a window it agrees to permessage-deflate, and knows no resources. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libdill.h>
#include <libdill_wsx.h>

#include "echo.h"
#include "under.h"

#define CLOSE_REASON "adia\xc5\xad"

static int fail(const char *what)
{
    fprintf(stderr, "echo_server: %s: %s\n", what, strerror(errno));
    return 1;
}

/*  Closes first, and discards what the peer has sent until its answer. */
static void close_first(int ws, int status)
{
    ssize_t len = -1;
    if(ws_done(ws, status, CLOSE_REASON, strlen(CLOSE_REASON), limit()) == 0)
        do len = ws_recvl(ws, NULL, NULL, NULL, limit()); while(len >= 0);
    if(len < 0 && errno == EPIPE) finish(ws);
    else hclose(ws);
}

/*  The program's argument. */
static const char *window;

static int attach_deflating(int s)
{
    struct ws_opts opts = ws_defaults;
    opts.flags = WS_DEFLATE;
    opts.window = atoi(window);
    opts.maxmsg = MESSAGE_MAX;
    return ws_attach_server_opts(s, &opts, limit());
}

static coroutine void serve(int tcp)
{
    char resource[256] = "";
    int status;
    int s = under_server(tcp);
    if(s < 0) {
        perror("under_server");
        return;
    }
    int ws = window ? attach_deflating(s) :
        ws_attach_server(s, WS_BINARY, resource, sizeof resource, NULL, 0,
            limit());
    if(ws < 0) return;
    if(sscanf(resource, "/close/%d", &status) == 1) close_first(ws, status);
    else echo(ws);
}

static coroutine void accept_connections(int listener, int connections)
{
    for(;;) {
        int tcp = tcp_accept(listener, NULL, -1);
        if(tcp < 0 && errno == ECANCELED) return;
        if(tcp >= 0 && bundle_go(connections, serve(tcp)) < 0) hclose(tcp);
    }
}

int main(int argc, char *argv[])
{
    if(argc > 1) window = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, IPADDR_IPV4) < 0)
        return fail("ipaddr_local");
    int listener = tcp_listen(&addr, 128);
    if(listener < 0) return fail("tcp_listen");
    int tasks = bundle();
    if(tasks < 0 || bundle_go(tasks, accept_connections(listener, tasks)) < 0)
        return fail("go");
    printf("port %d\n", ipaddr_port(&addr));
    char byte;
    do {
        if(fdin(STDIN_FILENO, -1) < 0) return fail("fdin");
    } while(read(STDIN_FILENO, &byte, 1) > 0);
    hclose(tasks);
    hclose(listener);
    return 0;
}
