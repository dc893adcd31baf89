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
    /* Three buffers, one message. */
    char open[] = "{\"name\": \"", name[] = "libdill", end[] = "\"}";
    struct iolist last = {end, sizeof end - 1, NULL, 0};
    struct iolist middle = {name, sizeof name - 1, &last, 0};
    struct iolist first = {open, sizeof open - 1, &middle, 0};
    TRY(ws_sendl(s, WS_TEXT, &first, &last, deadline));
    char buf[256];
    ssize_t sz = TRY(ws_recv(s, NULL, buf, sizeof buf, deadline));
    printf("%.*s\n", (int)sz, buf);
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
