#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdill_ws.h>

static struct tcp_storage tcp_mem;
static struct ws_storage ws_mem;

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
    int s = TRY(tcp_connect_mem(&addr, &tcp_mem, deadline));
    s = TRY(ws_attach_client_mem(s, WS_BINARY, "/", "www.example.org",
        &ws_mem, deadline));
    /* A binary WebSocket is a message socket: msend and mrecv do. */
    TRY(msend(s, "\x01\x02\x03", 3, deadline));
    unsigned char buf[256];
    ssize_t sz = TRY(mrecv(s, buf, sizeof buf, deadline));
    for(ssize_t i = 0; i < sz; ++i)
        printf("%02x%c", buf[i], i + 1 < sz ? ' ' : '\n');
    s = TRY(ws_detach(s, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    /* Only now may the memory be used for something else. */
    return EXIT_SUCCESS;
}
