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
    int64_t deadline = now() + 10000;
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, deadline));
    int s = TRY(tcp_connect(&addr, deadline));
    s = TRY(ws_attach_client(s, WS_TEXT, "/", "www.example.org",
        deadline));
    char buf[256];
    while(ws_recv(s, NULL, buf, sizeof buf, deadline) >= 0);
    if(errno != EPIPE) check(-1, "ws_recv");
    /* EPIPE: the server has sent its close frame. What was in it? */
    int status;
    char reason[123];
    ssize_t sz = TRY(ws_status(s, &status, reason, sizeof reason));
    printf("server closed: %d %.*s\n", status, (int)sz, reason);
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
