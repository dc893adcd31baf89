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
    s = TRY(ws_attach_client(s, WS_BINARY, "/", "www.example.org",
        deadline));
    TRY(ws_send(s, WS_BINARY, "type:the body", 13, deadline));
    /* Four bytes of type, one byte to skip, and the rest. */
    char type[4], body[256];
    struct iolist last = {body, sizeof body, NULL, 0};
    struct iolist colon = {NULL, 1, &last, 0};
    struct iolist first = {type, sizeof type, &colon, 0};
    int flags;
    ssize_t sz = TRY(ws_recvl(s, &flags, &first, &last, deadline));
    if(sz >= 5) printf("[%.4s] [%.*s]\n", type, (int)sz - 5, body);
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
