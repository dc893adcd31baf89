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
    int64_t deadline = now() + 10000;
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, deadline));
    int s = TRY(tcp_connect(&addr, deadline));
    s = TRY(ws_attach_client(s, WS_TEXT, "/", "www.example.org",
        deadline));
    /* One connection may carry both types of messages. */
    TRY(ws_send(s, WS_TEXT, "Gr\xc3\xbc\xc3\x9f" "e", 7, deadline));
    TRY(ws_send(s, WS_BINARY, "\0\xff", 2, deadline));
    for(int i = 0; i < 2; ++i) {
        char buf[256];
        int flags;
        ssize_t sz = TRY(ws_recv(s, &flags, buf, sizeof buf, deadline));
        const char *type = flags & WS_TEXT ? "text" : "binary";
        printf("%s, %zd bytes\n", type, sz);
    }
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
