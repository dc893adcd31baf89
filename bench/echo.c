/*  A WebSocket echo server with a coroutine for each connection: prints
    `port NUMBER`, ends with its standard input. With -DOWN_WS it takes the
    WebSocket functions that libdill itself declares.

        echo [hold] [CHAIN KEY]     hold: frames wait for others, PEM files: over TLS */

#include <errno.h>
#include <libdill.h>
#ifndef OWN_WS
#include <libdill_wsx.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX (2 * 1024 * 1024)

static const char *chain, *key;
static int holds;

/*  With options, so that frames can be held, or as libdill has it. */
static int attach(int s)
{
#ifndef OWN_WS
    if(holds) return ws_attach_server_opts(s, NULL, now() + 10000);
#endif
    char resource[64], host[64]; /* libdill's own function cannot do without */
    return ws_attach_server(s, WS_BINARY, resource, sizeof resource, host, sizeof host,
        now() + 10000);
}

static int reply(int s, int flags, const void *buf, size_t len)
{
#ifndef OWN_WS
    if(holds) flags |= WS_HOLD;
#endif
    return ws_send(s, flags, buf, len, -1);
}

static coroutine void serve(int s)
{
    if(chain) s = tls_attach_server(s, chain, key, now() + 10000);
    if(s < 0) return;
    s = attach(s);
    if(s < 0) return;
    char *buf = malloc(MESSAGE_MAX);
    while(buf) {
        int flags;
        ssize_t len = ws_recv(s, &flags, buf, MESSAGE_MAX, -1);
        if(len < 0) break;
        if(reply(s, flags, buf, (size_t)len) < 0) break;
    }
    free(buf);
    hclose(s);
}

static coroutine void accept_connections(int listener, int connections)
{
    for(;;) {
        int s = tcp_accept(listener, NULL, -1);
        if(s < 0 && errno == ECANCELED) return;
        if(s >= 0 && bundle_go(connections, serve(s)) < 0) hclose(s);
    }
}

int main(int argc, char *argv[])
{
    if(argc > 1 && strcmp(argv[1], "hold") == 0) {
        holds = 1;
        argc--;
        argv++;
    }
    if(argc == 3) {
        chain = argv[1];
        key = argv[2];
    }
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, IPADDR_IPV4) < 0) return 1;
    int listener = tcp_listen(&addr, 1000);
    int tasks = bundle();
    if(listener < 0 || tasks < 0) return 1;
    if(bundle_go(tasks, accept_connections(listener, tasks)) < 0) return 1;
    printf("port %d\n", ipaddr_port(&addr));
    fflush(stdout);
    char byte;
    do {
        if(fdin(STDIN_FILENO, -1) < 0) return 1;
    } while(read(STDIN_FILENO, &byte, 1) > 0);
    hclose(tasks);
    hclose(listener);
    return 0;
}
