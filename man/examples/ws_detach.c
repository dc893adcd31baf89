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
    TRY(ws_send(s, WS_TEXT, "closing for today", 17, now() + 5000));
    /* Give the client two seconds to close its side. */
    int tcp = ws_detach(s, 1001, "maintenance", 11, now() + 2000);
    if(tcp < 0) {
        /* Everything is closed already. */
        perror("ws_detach");
    } else {
        printf("closed in order\n");
        TRY(tcp_close(tcp, now() + 1000));
    }
    hclose(listener);
    return tcp < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
