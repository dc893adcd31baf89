#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdill_ws.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    struct ws_storage mem;
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, -1));
    int64_t deadline = now() + 5000;
    /* Neither the resource nor the host matters here. */
    char resource[256], host[256];
    s = TRY(ws_attach_server_mem(s, WS_TEXT, resource,
        sizeof resource, host, sizeof host, &mem, deadline));
    char buf[256];
    ssize_t sz = TRY(mrecv(s, buf, sizeof buf, deadline));
    printf("received: %.*s\n", (int)sz, buf);
    TRY(msend(s, "thanks", 6, deadline));
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    /* `mem` is free again; the TCP connection is the caller's. */
    TRY(tcp_close(s, deadline));
    hclose(listener);
    return EXIT_SUCCESS;
}
