#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdill_ws.h>

coroutine void serve(int s) {
    char resource[256], host[256], buf[4096];
    s = ws_attach_server(s, WS_TEXT, resource, sizeof resource,
        host, sizeof host, now() + 5000);
    if(s < 0) return;
    ssize_t sz;
    int flags;
    do sz = ws_recv(s, &flags, buf, sizeof buf, now() + 60000);
    while(sz >= 0 && ws_send(s, flags, buf, sz, now() + 5000) == 0);
    if(sz >= 0 || errno != EPIPE) {
        /* Not an orderly end: drop the connection. */
        hclose(s);
        return;
    }
    s = ws_detach(s, 1000, NULL, 0, now() + 1000);
    if(s >= 0) tcp_close(s, now() + 1000);
}

int main(void) {
    struct ipaddr addr;
    int listener = -1, connections = -1, s;
    if(ipaddr_local(&addr, NULL, 8080, 0) < 0 ||
          (listener = tcp_listen(&addr, 10)) < 0 ||
          (connections = bundle()) < 0) {
        perror("start");
        return EXIT_FAILURE;
    }
    while(1) {
        s = tcp_accept(listener, NULL, -1);
        if(s >= 0) {
            if(bundle_go(connections, serve(s)) < 0) hclose(s);
        } else {
            /* Too many connections, for instance. Some will end. */
            perror("tcp_accept");
            msleep(now() + 100);
        }
    }
}
