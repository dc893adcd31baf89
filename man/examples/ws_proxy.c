#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdill_wsx.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static const char *const fields[] = {
    "Proxy-Authorization: Basic YWxpY2U6c2VjcmV0", NULL};

int main(void) {
    int64_t deadline = now() + 10000;
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "localhost", 8080, 0, deadline));
    int s = TRY(tcp_connect(&addr, deadline));
    int status = TRY(ws_proxy(s, "inside.example:80", fields, deadline));
    if(status / 100 != 2) {
        fprintf(stderr, "the proxy answers %d\n", status);
        return EXIT_FAILURE;
    }
    s = TRY(ws_attach_client(s, WS_TEXT, "/", "inside.example", deadline));
    TRY(ws_send(s, WS_TEXT, "hello", 5, deadline));
    char buf[256];
    ssize_t sz = TRY(ws_recv(s, NULL, buf, sizeof buf, deadline));
    printf("%.*s\n", (int)sz, buf);
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
