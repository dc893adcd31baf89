/* A WebSocket server over TLS that sends every message back. Each connection has a coroutine of its
   own.

       cc wss_server.c -o wss_server $(pkg-config --cflags --libs libdill_ws)
       ./wss_server chain.pem key.pem [port]

   Without a port the system chooses one. The first line of output says which. Certificates for
   trying it on one machine:

       openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out chain.pem -days 30 \
           -subj /CN=localhost -addext subjectAltName=DNS:localhost \
           -addext basicConstraints=critical,CA:FALSE
       SSL_CERT_FILE=chain.pem ./wss_client localhost PORT / hello */

#include <errno.h>
#include <libdill.h>
#include <libdill_ws.h>
#include <stdio.h>
#include <stdlib.h>

/* How long a peer may take, in milliseconds. */
enum { HANDSHAKE = 5000, IDLE = 60000, SEND = 10000, GOODBYE = 2000 };

struct identity {
    const char *chain;
    const char *key;
};

static coroutine void serve(int s, const struct identity *me) {
    /* One deadline for both handshakes. Whatever fails here, the connection is closed. */
    int64_t deadline = now() + HANDSHAKE;
    s = tls_attach_server(s, me->chain, me->key, deadline);
    if(s >= 0) s = ws_attach_server(s, WS_BINARY, NULL, 0, NULL, 0, deadline);
    if(s < 0) {
        perror("handshake");
        return;
    }
    char message[65536];
    int type;
    ssize_t size;
    while((size = ws_recv(s, &type, message, sizeof message, now() + IDLE)) >= 0) {
        if(ws_send(s, type, message, (size_t)size, now() + SEND) < 0) break;
    }
    if(errno != EPIPE) {
        hclose(s);
        return;
    }
    deadline = now() + GOODBYE;
    s = ws_detach(s, 1000, NULL, 0, deadline);
    if(s >= 0) s = tls_detach(s, deadline);
    if(s >= 0) tcp_close(s, deadline);
}

static int fail(const char *call) {
    perror(call);
    return EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
    if(argc < 3) {
        fprintf(stderr, "usage: wss_server chain.pem key.pem [port]\n");
        return EXIT_FAILURE;
    }
    struct identity me = {argv[1], argv[2]};
    struct ipaddr addr;
    if(ipaddr_local(&addr, NULL, argc > 3 ? atoi(argv[3]) : 0, 0) < 0) return fail("ipaddr_local");
    int listener = tcp_listen(&addr, 128);
    if(listener < 0) return fail("tcp_listen");
    printf("port %d\n", ipaddr_port(&addr));
    fflush(stdout);
    int clients = bundle();
    if(clients < 0) return fail("bundle");
    while(1) {
        int s = tcp_accept(listener, NULL, -1);
        if(s >= 0) {
            if(bundle_go(clients, serve(s, &me)) < 0) hclose(s);
        } else {
            /* Too many connections, for instance. Some will end. */
            perror("tcp_accept");
            msleep(now() + 100);
        }
    }
}
