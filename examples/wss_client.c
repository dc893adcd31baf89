/* A WebSocket client over TLS, as for wss://host:port/resource. It sends one message and prints the
   answer.

       cc wss_client.c -o wss_client $(pkg-config --cflags --libs libdill_ws)
       ./wss_client host port resource message

   The server has to have a certificate for the host that this system trusts; SSL_CERT_FILE names
   other authorities. */

#include <errno.h>
#include <libdill.h>
#include <libdill_ws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(int argc, char *argv[]) {
    if(argc != 5) {
        fprintf(stderr, "usage: wss_client host port resource message\n");
        return EXIT_FAILURE;
    }
    const char *host = argv[1], *resource = argv[3], *message = argv[4];
    int port = atoi(argv[2]);
    char authority[300];
    snprintf(authority, sizeof authority, "%s:%d", host, port);

    /* One deadline for all of it. Each layer takes the one below over, and closes it on failure. */
    int64_t deadline = now() + 10000;
    int s = TRY(happyeyeballs_connect(host, port, deadline));
    s = TRY(tls_attach_client_host(s, host, deadline));
    s = TRY(ws_attach_client(s, WS_TEXT, resource, port == 443 ? host : authority, deadline));
    TRY(ws_send(s, WS_TEXT, message, strlen(message), deadline));
    char answer[65536];
    ssize_t size = ws_recv(s, NULL, answer, sizeof answer, deadline);
    check(size < 0 ? -1 : 0, "ws_recv");
    printf("%.*s\n", (int)size, answer);

    /* Each layer says goodbye and gives the one below back. */
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    s = TRY(tls_detach(s, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
