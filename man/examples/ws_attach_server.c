#include <errno.h>
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
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, -1));
    char resource[256], host[256];
    s = TRY(ws_attach_server(s, WS_TEXT, resource, sizeof resource,
        host, sizeof host, now() + 5000));
    printf("client wants %s\n", resource);
    /* Echo until the client closes; a minute of silence is an error. */
    while(1) {
        char buf[4096];
        int flags;
        ssize_t sz = ws_recv(s, &flags, buf, sizeof buf, now() + 60000);
        if(sz < 0 && errno == EPIPE) break;
        check(sz, "ws_recv");
        TRY(ws_send(s, flags, buf, sz, now() + 5000));
    }
    s = TRY(ws_detach(s, 1000, NULL, 0, now() + 1000));
    TRY(tcp_close(s, now() + 1000));
    hclose(listener);
    return EXIT_SUCCESS;
}
