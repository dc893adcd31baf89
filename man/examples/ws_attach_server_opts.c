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

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, -1));
    struct ws_opts opts = ws_defaults;
    opts.protocols = "echo";
    opts.origin = "https://www.example.com, https://example.com";
    opts.maxmsg = 256;
    s = TRY(ws_attach_server_opts(s, &opts, now() + 10000));
    int flags;
    char buf[256];
    ssize_t sz = TRY(ws_recv(s, &flags, buf, sizeof buf, now() + 10000));
    TRY(ws_send(s, flags, buf, sz, now() + 10000));
    TRY(ws_close(s, 1000, NULL, 0, now() + 10000));
    return EXIT_SUCCESS;
}
