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
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, now() + 5000));
    int s = TRY(tcp_connect(&addr, now() + 5000));
    s = TRY(ws_attach_client(s, WS_TEXT, "/", "www.example.org",
        now() + 5000));
    TRY(ws_send(s, WS_TEXT, "one", 3, now() + 5000));
    TRY(ws_send(s, WS_TEXT, "two", 3, now() + 5000));
    TRY(ws_done(s, 1000, NULL, 0, now() + 5000));
    /* Take messages until the peer closes, ten seconds for each. */
    while(1) {
        char buf[256];
        int flags;
        ssize_t sz = ws_recv(s, &flags, buf, sizeof buf, now() + 10000);
        if(sz < 0 && errno == EPIPE) break;
        check(sz, "ws_recv");
        printf("%s: %.*s\n", flags & WS_TEXT ? "text" : "binary",
            (int)sz, buf);
    }
    s = TRY(ws_detach(s, 0, NULL, 0, now() + 5000));
    TRY(tcp_close(s, now() + 5000));
    return EXIT_SUCCESS;
}
