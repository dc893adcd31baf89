/* A WebSocket server that sends every message back. Each connection has a coroutine of its own.

       cc echo_server.c -o echo_server $(pkg-config --cflags --libs libdill_ws)
       ./echo_server [port]

   Without a port the system chooses one. The first line of output says which. */

#include <errno.h>
#include <libdill.h>
#include <libdill_ws.h>
#include <stdio.h>
#include <stdlib.h>

/* How long a peer may take, in milliseconds. */
enum { HANDSHAKE = 5000, IDLE = 60000, SEND = 10000, GOODBYE = 2000 };

/* Echoes until something ends it. Returns the close code to say goodbye with; 0: say nothing. */
static int echo(int ws) {
    char message[65536];
    while(1) {
        int type;
        ssize_t size = ws_recv(ws, &type, message, sizeof message, now() + IDLE);
        if(size < 0) break;
        if(ws_send(ws, type, message, (size_t)size, now() + SEND) < 0) break;
    }
    switch(errno) {
    case EPIPE: return 1000;     /* the peer said goodbye */
    case ETIMEDOUT: return 1001; /* the peer is silent: we go away */
    case EMSGSIZE: return 1009;  /* the message is too big */
    default: return 0;           /* the connection is broken, or has been failed */
    }
}

static coroutine void serve(int s) {
    /* Whatever fails here, the connection is closed. */
    int ws = ws_attach_server(s, WS_BINARY, NULL, 0, NULL, 0, now() + HANDSHAKE);
    if(ws < 0) {
        perror("ws_attach_server");
        return;
    }
    int status = echo(ws);
    if(status == 0) {
        hclose(ws);
        return;
    }
    s = ws_detach(ws, status, NULL, 0, now() + GOODBYE);
    if(s >= 0) tcp_close(s, now() + GOODBYE);
}

static int fail(const char *call) {
    perror(call);
    return EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
    struct ipaddr addr;
    if(ipaddr_local(&addr, NULL, argc > 1 ? atoi(argv[1]) : 0, 0) < 0) return fail("ipaddr_local");
    int listener = tcp_listen(&addr, 128);
    if(listener < 0) return fail("tcp_listen");
    printf("port %d\n", ipaddr_port(&addr));
    fflush(stdout);

    int connections = bundle();
    if(connections < 0) return fail("bundle");
    while(1) {
        int s = tcp_accept(listener, NULL, -1);
        if(s >= 0) {
            if(bundle_go(connections, serve(s)) < 0) hclose(s);
        } else {
            /* Too many connections, for instance. Some will end. */
            perror("tcp_accept");
            msleep(now() + 100);
        }
    }
}
