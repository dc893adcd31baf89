/* A WebSocket client behind an HTTP proxy. It sends one message and prints the answer.

       cc proxy_client.c -o proxy_client $(pkg-config --cflags --libs libdill_ws)
       ./proxy_client proxy.example 3128 www.example.org 443 /chat "Hello"

   A last argument is sent to the proxy, such as "Proxy-Authorization: Basic YWxpY2U6c2VjcmV0". Through
   the tunnel it is TLS if the port is 443, as the proxy need not know what is said. */

#include <errno.h>
#include <libdill.h>
#include <libdill_wsx.h>
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
    if(argc != 7 && argc != 8) {
        fprintf(stderr, "usage: proxy_client proxy port host port resource message [field]\n");
        return EXIT_FAILURE;
    }
    const char *host = argv[3], *port = argv[4], *resource = argv[5], *message = argv[6];
    const char *const fields[] = {argv[7], NULL};
    char authority[300];
    snprintf(authority, sizeof authority, "%s:%s", host, port);

    int64_t deadline = now() + 10000;
    int s = TRY(happyeyeballs_connect(argv[1], atoi(argv[2]), deadline));
    int status = TRY(ws_proxy(s, authority, fields, deadline));
    if(status < 200 || status > 299) {
        fprintf(stderr, "the proxy answers %d\n", status);
        return EXIT_FAILURE;
    }
    /* From here on everything is as if it were a connection to the host. */
    int secure = strcmp(port, "443") == 0;
    if(secure) s = TRY(tls_attach_client_host(s, host, deadline));
    s = TRY(ws_attach_client(s, WS_TEXT, resource, secure ? host : authority, deadline));
    TRY(ws_send(s, WS_TEXT, message, strlen(message), deadline));
    char answer[65536];
    ssize_t size = ws_recv(s, NULL, answer, sizeof answer, deadline);
    check(size < 0 ? -1 : 0, "ws_recv");
    printf("%.*s\n", (int)size, answer);
    /* So is this: TLS, if it is there, and the connection end in order too. */
    TRY(ws_close(s, 1000, NULL, 0, deadline));
    return EXIT_SUCCESS;
}
