#include <errno.h>
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

#define CLIENTS 2

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    struct ws_opts opts = ws_defaults;
    opts.origin = "https://www.example.com";
    int clients[CLIENTS];
    for(int i = 0; i != CLIENTS; i++) {
        int s = TRY(tcp_accept(listener, NULL, -1));
        clients[i] = TRY(ws_attach_server_opts(s, &opts, now() + 10000));
    }
    int m = TRY(ws_msg(WS_TEXT, "to everybody", 12));
    for(int i = 0; i != CLIENTS; i++) {
        if(ws_post(clients[i], m) == 0) continue;
        if(errno == EAGAIN) TRY(ws_fail(clients[i], 1013)); /* too slow */
    }
    TRY(hclose(m));
    for(int i = 0; i != CLIENTS; i++) ws_postdone(clients[i], 1001, NULL, 0);
    for(int i = 0; i != CLIENTS; i++) {
        char buf[256];
        while(ws_recv(clients[i], NULL, buf, sizeof buf, now() + 10000) >= 0);
        TRY(hclose(clients[i]));
    }
    return EXIT_SUCCESS;
}
