/*  A WebSocket echo server with a coroutine for each connection: prints
    `port NUMBER`, ends with its standard input. With -DOWN_WS it takes the
    WebSocket functions that libdill itself declares, with -DDEFLATE those with
    options, and agrees to compress.

        echo [-b BYTES] [-l LEVEL] [-w] [CHAIN KEY]

    BYTES is the longest message, default 2 MiB. LEVEL is of the compression.
    -w: frames wait for others. PEM files: over TLS. */

#include <errno.h>
#include <libdill.h>
#ifndef OWN_WS
#include <libdill_wsx.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *chain, *key;
static size_t message_max = 2 * 1024 * 1024;
static int level, holds;

/*  With options, where something needs them, or as libdill has it. */
static int attach(int s)
{
#ifdef DEFLATE
    struct ws_opts opts = ws_defaults;
    opts.flags = WS_BINARY | WS_DEFLATE;
    opts.level = level;
    return ws_attach_server_opts(s, &opts, now() + 10000);
#else
#ifndef OWN_WS
    if(holds) return ws_attach_server_opts(s, NULL, now() + 10000);
#endif
    char resource[64], host[64]; /* libdill's own function cannot do without */
    return ws_attach_server(s, WS_BINARY, resource, sizeof resource, host, sizeof host,
        now() + 10000);
#endif
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
    char *buf = malloc(message_max);
    while(buf) {
        int flags;
        ssize_t len = ws_recv(s, &flags, buf, message_max, -1);
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
    for(int option; (option = getopt(argc, argv, "b:l:w")) != -1;) {
        if(option == 'b') message_max = (size_t)atol(optarg);
        else if(option == 'l') level = atoi(optarg);
        else if(option == 'w') holds = 1;
        else return 1;
    }
    if(argc - optind == 2) {
        chain = argv[optind];
        key = argv[optind + 1];
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
